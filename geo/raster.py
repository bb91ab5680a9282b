"""A raster over polygons that answers "in which?" for all points but those near an edge.

Pixels that no edge meets fall into connected pieces, each wholly inside one polygon or outside all; one exact test of a
pixel speaks for its whole piece. Edges are stepped along in half pixels and their pixels thickened by one, so that
neither the steps nor rounding can let an edge slip through an unmarked pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["UNDECIDED", "Raster"]

UNDECIDED: Final = -2
_SIDE: Final = 2048  # pixels a side: a town's pixel is some metres, and the table 8 MB

Locate = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.int32]]


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """`answer` (int16, _SIDE squared) by column * _SIDE + row; west, south and pixels per degree set it in place."""

    west: float
    south: float
    per_lon: float
    per_lat: float
    answer: NDArray[np.int16]

    @classmethod
    def lay(cls, polygons: NDArray[np.object_], bounds: tuple[float, float, float, float], locate: Locate) -> Self:
        """The raster over polygons within bounds (west, south, east, north), with the exact test `locate`."""
        west, south, east, north = bounds
        # The bounds' own edge stays two pixels inside, so that every point on it falls into a pixel of the raster.
        per_lon, per_lat = (_SIDE - 4) / (east - west), (_SIDE - 4) / (north - south)
        west, south = west - 2 / per_lon, south - 2 / per_lat
        marked = _edge_pixels(polygons, west, south, per_lon, per_lat)
        label, count = ndimage.label(~marked)
        label = label.ravel()
        runs = np.flatnonzero(np.diff(label)) + 1  # where one piece ends and another begins, down the columns
        speaker = np.zeros(count + 1, dtype=np.int64)
        speaker[label[runs]] = runs
        column, row = np.divmod(speaker[1:], _SIDE)
        answer = np.full(count + 1, UNDECIDED, dtype=np.int16)
        answer[1:] = locate(west + (column + 0.5) / per_lon, south + (row + 0.5) / per_lat)
        return cls(west, south, per_lon, per_lat, answer[label])

    def look_up(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """The polygon (int32 (n,)) of each point, -1 outside, UNDECIDED near an edge; -1 for what is no number."""
        column = (lon - self.west) * self.per_lon
        row = (lat - self.south) * self.per_lat
        inside = (column >= 0) & (column < _SIDE) & (row >= 0) & (row < _SIDE)
        pixel = np.where(inside, np.floor(column), 0) * _SIDE + np.where(inside, np.floor(row), 0)
        return np.where(inside, self.answer[pixel.astype(np.int64)], -1).astype(np.int32)


def _edge_pixels(
    polygons: NDArray[np.object_], west: float, south: float, per_lon: float, per_lat: float
) -> NDArray[np.bool_]:
    """The pixels (bool, column by row) that an edge may meet."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygons)), return_index=True)
    corners = (corners - (west, south)) * (per_lon, per_lat)
    same_ring = ring[1:] == ring[:-1]
    start, stretch = corners[:-1][same_ring], np.diff(corners, axis=0)[same_ring]
    steps = np.ceil(np.abs(stretch).max(axis=1) * 2).astype(np.int64) + 1
    edge = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)
    place = start[edge] + stretch[edge] * (step / steps[edge])[:, None]
    marked = np.zeros((_SIDE, _SIDE), dtype=np.bool_)
    column, row = np.floor(place).astype(np.int64).T
    marked[column, row] = True
    # A dilation by the eight neighbours: along one axis, then along the other.
    marked[1:-1] |= marked[:-2] | marked[2:]
    marked[:, 1:-1] |= marked[:, :-2] | marked[:, 2:]
    return marked
