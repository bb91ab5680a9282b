"""From degrees to millimetres of paper: a town is small enough for a flat map at its middle latitude."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.distance import PAPER_METRES_PER_DEGREE
from hexbeat.documents.maps.sketch import Bounds

__all__ = ["Box", "Frame", "LabelSpace", "choose_scale_length_m", "fit_frame", "widen_bounds"]

STEPS: Final = (1.0, 2.0, 5.0)

Box = tuple[float, float, float, float]  # left, top, right, bottom in millimetres


@dataclass(frozen=True, slots=True)
class Frame:
    """A window of `width` by `height` millimetres at (`left`, `top`) whose middle is `lon`, `lat`."""

    left: float
    top: float
    width: float
    height: float
    lon: float
    lat: float
    metres_a_mm: float

    def to_mm(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Longitudes and latitudes (n, 2) as x to the right and y down, in millimetres."""
        at = np.asarray(coordinates, dtype=np.float64).reshape(-1, 2)
        east = (at[:, 0] - self.lon) * PAPER_METRES_PER_DEGREE * math.cos(math.radians(self.lat))
        north = (at[:, 1] - self.lat) * PAPER_METRES_PER_DEGREE
        x = self.left + self.width / 2 + east / self.metres_a_mm
        y = self.top + self.height / 2 - north / self.metres_a_mm
        return np.column_stack([x, y])

    def shapes_to_mm(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Shapes (n,) in millimetres, cut to the window; those outside it are empty."""
        moved = shapely.transform(shapes, self.to_mm)
        return np.asarray(shapely.intersection(shapely.make_valid(moved), self.window))

    @property
    def window(self) -> Any:
        """The window as a polygon in millimetres."""
        return shapely.box(self.left, self.top, self.left + self.width, self.top + self.height)


@dataclass(slots=True)
class LabelSpace:
    """The parts of the sheet that are taken."""

    taken: list[Box] = field(default_factory=list)

    def take(self, box: Box) -> bool:
        """Take the box, and return True, unless it overlaps one that is taken."""
        return self.take_all([box])

    def take_all(self, boxes: Sequence[Box]) -> bool:
        """Take all of the boxes, which may overlap each other, and return True; or none of them, and return False."""
        is_free = all(
            right <= a or c <= left or bottom <= b or d <= top
            for left, top, right, bottom in boxes
            for a, b, c, d in self.taken
        )
        if is_free:
            self.taken.extend(boxes)
        return is_free

    def block(self, box: Box) -> None:
        """Take the box even if it overlaps others."""
        self.taken.append(box)


def fit_frame(bounds: Bounds, *, left: float, top: float, width: float, height: float, margin: float) -> Frame:
    """The window whose middle is that of `bounds` and in which they fit with `margin` millimetres to spare."""
    west, south, east, north = bounds
    lat = (south + north) / 2
    across = (east - west) * PAPER_METRES_PER_DEGREE * math.cos(math.radians(lat))
    along = (north - south) * PAPER_METRES_PER_DEGREE
    metres = max(across / (width - 2 * margin), along / (height - 2 * margin), 0.1)
    return Frame(left, top, width, height, (west + east) / 2, lat, metres)


def widen_bounds(coordinates: ArrayLike, *, least_m: float) -> Bounds:
    """The bounds of points (n, 2) in degrees, widened about their middle to at least `least_m` metres each way."""
    at = np.asarray(coordinates, dtype=np.float64).reshape(-1, 2)
    (west, south), (east, north) = at.min(axis=0).tolist(), at.max(axis=0).tolist()
    lon, lat = (west + east) / 2, (south + north) / 2
    wide = max(east - west, least_m / PAPER_METRES_PER_DEGREE / math.cos(math.radians(lat))) / 2
    high = max(north - south, least_m / PAPER_METRES_PER_DEGREE) / 2
    return lon - wide, lat - high, lon + wide, lat + high


def choose_scale_length_m(frame: Frame, *, longest_mm: float) -> float:
    """The longest of 1, 2, 5, 10, 20 ... metres that is no longer than `longest_mm` on paper."""
    longest = frame.metres_a_mm * longest_mm
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in STEPS if step * power <= longest)
