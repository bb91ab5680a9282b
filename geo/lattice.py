"""Over a town an H3 resolution is a plane lattice: points to cells by arithmetic, and cells to one small bitmap.

`Lattice` indexes points exactly as h3 does and several times faster. It leaves to h3 the points nearer than EDGE_CELLS
to an edge, or outside the fitted circle. There is none where the lattice does not hold: over an edge of an icosahedron
face, and near a pentagon.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from geo.digits import encode
from geo.distance import EARTH_RADIUS_M
from geo.plane import Plane, build_frame, fit_plane, unit_vectors

__all__ = [
    "AXES",
    "BLOCK",
    "EDGE_CELLS",
    "Lattice",
    "LatticeIndexer",
    "Projection",
    "fit_lattice",
]

EDGE_CELLS: Final = 1e-7
_EARTH_KM: Final = EARTH_RADIUS_M / 1000
_COARSEST: Final = 5
_RINGS: Final = ((0.1, 12), (0.5, 48), (1.0, 96))  # sample circles: share of the radius, points on it
BLOCK: Final = 6144  # points; the work arrays of a block fit into the cache, and BLAS takes no second thread
AXES: Final = np.array([[2.0, -1.0], [-1.0, 2.0], [1.0, 1.0]])  # (i, j) to the lengths along the three axes
_WIDEST_TABLE: Final = 1 << 24  # up to so many lattice codes are looked up in a table; with more they are sorted
_SPARSE: Final = 32  # codes for each point: with more, a table would mostly be empty pages, and they are sorted


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """One resolution's cells within a circle: `fit_lattice` makes it, and `index` finds the cells of points.

    `plane` is counted from the cell in the circle's middle, and i and j run from -half to half. `probe` (4, 3) is the
    plane's matrix with the circle's middle as a fourth row; `nearest` is the cosine of the circle's radius.
    """

    plane: Plane
    half: int
    probe: NDArray[np.float64]
    nearest: float

    @classmethod
    def fit(cls, lon: float, lat: float, *, radius_km: float, resolution: int) -> "Lattice | None":
        """The lattice within radius_km of a point in degrees; None where the circle is not one plane lattice.

        None also for resolutions coarser than 5, whose cells are larger than towns.
        """
        if resolution < _COARSEST:
            return None
        origin = h3.latlng_to_cell(lat, lon, resolution)
        # The hull of the samples must hold the circle. 96 corners cut off 0.05 %, and the centre of a cell is not at
        # its point.
        reach_km = radius_km * 1.01 + 2 * h3.average_hexagon_edge_length(resolution)
        samples = {
            h3.latlng_to_cell(*place, resolution)
            for share, count in _RINGS
            for place in _build_circle(lon, lat, radius=reach_km * share / _EARTH_KM, count=count)
        }
        plane = fit_plane(origin, sorted(samples | {origin}))
        if plane is None:
            return None
        middle = unit_vectors(np.array([lon]), np.array([lat]))[:, 0]
        return cls(plane, plane.reach + 2, np.vstack([plane.to_lattice, middle]), math.cos(radius_km / _EARTH_KM))

    def index(self, vectors: NDArray[np.float64]) -> NDArray[np.uint64]:
        """Cells (uint64 (n,)) of unit vectors (3, n); 0 where h3 must decide (near edges, outside the circle)."""
        indexer = LatticeIndexer(self)
        codes = np.empty(vectors.shape[1], dtype=np.int64)
        for start in range(0, len(codes), BLOCK):
            block = slice(start, start + BLOCK)
            indexer.compute_codes(indexer.projection.project(vectors[:, block]), codes[block])
        cells = np.empty(len(codes), dtype=np.uint64)
        indexer.find_cells(codes, cells)
        return cells

    def find_cells(self, codes: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The cells of distinct lattice codes."""
        i, j = np.divmod(codes, 2 * self.half + 1)
        i -= self.half
        j -= self.half
        cells = encode(i + self.plane.origin_ij[0], j + self.plane.origin_ij[1], head=self.plane.head)
        # Where a neighbouring base cell begins, the digits are another's: h3 knows the cell by its centre.
        for place in np.flatnonzero(cells == 0).tolist():
            x, y, z = self.plane.to_vector @ np.array([i[place], j[place], 1.0])
            lat, lon = math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
            cells[place] = h3.latlng_to_cell(lat, lon, (self.plane.origin >> 52) & 15)
        return cells


class Projection:
    """The gnomonic plane of a face of the icosahedron, which the lattices of all resolutions there share.

    `frame` (3, 3) has two axes of the plane, and the direction of its middle.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.frame = build_frame(lattice.plane.to_lattice[2] / np.linalg.norm(lattice.plane.to_lattice[2]))
        self._rows = np.vstack([self.frame, lattice.probe[3]])
        self._work = np.empty((5, BLOCK))

    def project(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """At most BLOCK unit vectors (3, n) as x and y on the plane, and cosines from the circle's middle: (3, n).

        The result is overwritten by the next call.
        """
        work = self._work[:, : vectors.shape[1]]
        for row, out in zip(self._rows, (work[0], work[1], work[3], work[2]), strict=True):
            # Without BLAS: for so few sums its threads cost more than they save.
            np.multiply(vectors[0], row[0], out=out)
            for axis in (1, 2):
                np.multiply(vectors[axis], row[axis], out=work[4])
                np.add(out, work[4], out=out)
        with np.errstate(divide="ignore", invalid="ignore"):  # places far outside; they are masked
            np.divide(work[:2], work[3], out=work[:2])
        return work[:3]


class LatticeIndexer:
    """Finds the cells of points by a lattice: codes block by block, then the cells of many codes together.

    `sides` (2, 3) maps (x, y, 1) of the projection to how far a place lies along the lattice's first two axes; the unit
    is half the distance of two centres. Along the third, 120 degrees from both, it is the sum of the two.
    """

    def __init__(self, lattice: Lattice, projection: Projection | None = None, *, points: int = 0) -> None:
        """`points`: how many there will be, if they come in parts."""
        self.lattice = lattice
        self._size = 2 * lattice.half + 1
        self._last = self._size * self._size  # the code of points that h3 must decide
        # The system gives pages of zeros when they are first used: a table takes the room of the cells that it has.
        self._table = np.zeros(self._last + 1, dtype=np.uint64) if self._last <= _WIDEST_TABLE else None
        self._points = points
        self._work = np.empty((8, BLOCK))
        self.projection = projection if projection and self._shares(projection) else Projection(lattice)
        self._sides = AXES[:2] @ self._compute_affine(self.projection)

    def _compute_affine(self, projection: Projection) -> NDArray[np.float64]:
        """The map (2, 3) from (x, y, 1) of a projection to (i, j); it is exact for the lattice's own."""
        rows = self.lattice.plane.to_lattice @ projection.frame.T
        return np.asarray(rows[:2] / rows[2, 2])

    def _shares(self, projection: Projection) -> bool:
        """Whether the plane of another lattice is this one's, too: over the circle, places differ by less than nothing.

        Both are fitted to the centres of cells, so that they are not equal to the last bit.
        """
        x, y, z = build_frame(self.lattice.probe[3])
        spread = math.sqrt(max(0.0, 1 - self.lattice.nearest**2))
        turn = np.arange(24) * (2 * math.pi / 24)
        rim = (
            np.outer(x, np.cos(turn)) * spread + np.outer(y, np.sin(turn)) * spread + z[:, None] * self.lattice.nearest
        )
        rim = np.hstack([rim, z[:, None]])
        own = self.lattice.plane.to_lattice @ rim
        plane = projection.frame @ rim
        theirs = self._compute_affine(projection) @ (plane / plane[2])
        return bool(np.abs(own[:2] / own[2] - theirs).max() < EDGE_CELLS / 10)

    def find_cells(self, codes: NDArray[np.int64], out: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Write the cells of codes (n,) into `out` (n,), and answer the places where h3 must decide: they are 0."""
        if self._table is None or max(self._points, len(codes)) * _SPARSE < self._last:
            distinct, place = np.unique(codes, return_inverse=True)
            known = distinct[distinct < self._last]
            cells = np.append(self.lattice.find_cells(known), np.uint64(0))  # the last code is the greatest
            np.take(cells, place, out=out)
            return np.flatnonzero(out == 0)
        np.take(self._table, codes, out=out, mode="clip")  # clipping takes no look before; no code is out of range
        missing = np.flatnonzero(out == 0)
        is_new = codes[missing] < self._last
        new = missing[is_new]
        if len(new):
            new_codes = codes[new]
            distinct = self._list_distinct(new_codes)
            self._table[distinct] = self.lattice.find_cells(distinct)
            out[new] = self._table[new_codes]
        return missing[~is_new]

    def _list_distinct(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The distinct codes in their order: few are sorted, many are ticked off."""
        if len(codes) * _SPARSE < self._last:
            return np.unique(codes)
        is_there = np.zeros(self._last, dtype=np.bool_)
        is_there[codes] = True
        return np.flatnonzero(is_there)

    def compute_codes(self, places: NDArray[np.float64], out: NDArray[np.int64]) -> None:
        """Write the lattice codes of at most BLOCK projected points (3, n) into `out`, the last where h3 must decide.

        Lines at whole numbers along the three axes cut the plane into triangles, six to a hexagon. So the whole parts
        along the axes say in which triangle a point lies, and the sixths of their sums which hexagon that belongs to:
        of the three corners of a triangle one is a centre, where the sums (2a + b, a + 2b) are three times (i, j).
        """
        work = self._work[:, : places.shape[1]]
        side, whole, spare = work[:3], work[3:6], work[6]
        with np.errstate(invalid="ignore"):  # places far outside; they are masked
            for row, along_axis in zip(self._sides, side, strict=False):
                np.multiply(places[0], row[0], out=along_axis)
                np.multiply(places[1], row[1], out=spare)
                np.add(along_axis, spare, out=along_axis)
                np.add(along_axis, row[2], out=along_axis)
            np.add(side[0], side[1], out=side[2])
            np.floor(side, out=whole)
            np.subtract(side, whole, out=side)
            least = np.minimum(side[0], side[1], out=spare)
            np.minimum(least, side[2], out=least)
            most = np.maximum(side[0], side[1], out=work[7])
            np.maximum(most, side[2], out=most)
            is_known = least > EDGE_CELLS
            is_known &= most < 1 - EDGE_CELLS
            is_known &= places[2] >= self.lattice.nearest
            cell = whole[:2]
            cell += whole[2]
            cell *= 1 / 3
            cell += 5 / 6 + self.lattice.half  # thirds of whole numbers and a half: never near a whole number
            np.floor(cell, out=cell)
            cell[0] *= self._size
            cell[0] += cell[1]
            cell[0, np.flatnonzero(~is_known)] = self._last  # few
            np.copyto(out, cell[0], casting="unsafe")


def _build_circle(lon: float, lat: float, *, radius: float, count: int) -> Iterator[tuple[float, float]]:
    """Places (lat, lon) in degrees, evenly on a circle of a radius in radians."""
    frame = build_frame(unit_vectors(np.array([lon]), np.array([lat]))[:, 0])
    turn = np.arange(count) * (2 * math.pi / count)
    x, y, z = frame.T @ np.stack(
        [math.sin(radius) * np.cos(turn), math.sin(radius) * np.sin(turn), np.full(count, math.cos(radius))]
    )
    yield from zip(np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x)), strict=True)


@lru_cache(maxsize=64)
def fit_lattice(lon: float, lat: float, *, radius_km: float, resolution: int) -> Lattice | None:
    """`Lattice.fit`, cached: a fit takes some milliseconds, and there are few areas and resolutions."""
    return Lattice.fit(lon, lat, radius_km=radius_km, resolution=resolution)
