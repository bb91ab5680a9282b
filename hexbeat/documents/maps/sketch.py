"""What a printed map holds: wards, shaded places, points, lines, outlines and rings. `map_svg` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hexbeat.documents.maps.scales import Scale

__all__ = ["NO_SHAPES", "Bounds", "Line", "Mark", "MarkKind", "Outline", "Ring", "Sketch", "StreetShapes"]

MarkKind = Literal["dot", "square", "cross", "stop", "triangle", "diamond", "site"]
Bounds = tuple[float, float, float, float]  # west, south, east, north in degrees
NO_SHAPES: Final[NDArray[Any]] = np.zeros(0, dtype=object)


class StreetShapes(Protocol):
    """The streets of an area (`hexbeat.areas.streets.Streets`), without a way from here to the areas' files."""

    def list_shapes(self, part: str, kind: str) -> Sequence[tuple[str, NDArray[np.float64]]]:
        """Name and coordinates (n, 2) in degrees of each of the "lines" of a class, or of each ring of its "areas"."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in degrees (WGS 84). A "stop" is a disc that holds its `label`; the others have theirs beside them."""

    lon: float
    lat: float
    kind: MarkKind = "dot"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points (lon, lat) in degrees. `style` chooses colour and dashes together: 0, 1, 2, ..."""

    points: tuple[tuple[float, float], ...]
    label: str = ""
    style: int = 0


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon (shapely, degrees) with a strong edge and no fill, for hotspots and the areas of crews.

    `fine`: a thin edge that covers nothing, for many small ones.
    """

    shape: Any
    label: str = ""
    style: int = 0
    fine: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle of `radius_m` metres about a point in degrees."""

    lon: float
    lat: float
    radius_m: float
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """One map. Polygons are shapely's in degrees; `values` (n,) belong to `shaded` (n,) and are classed by `scale`.

    `wards` and `names` have the same order; an empty name is not written. `legend_title` says what the classes count;
    `keys` are further entries of the legend: (kind of mark, text). `extent` is what must be visible (None: all wards).
    `streets`: None draws none. `attribution` is written below the map. `alt` says what the map shows, for people who
    cannot see it.
    """

    wards: NDArray[Any]
    names: tuple[str, ...]
    attribution: str
    alt: str
    shaded: NDArray[Any] = field(default_factory=NO_SHAPES.copy)
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    scale: Scale | None = None
    legend_title: str = ""
    points: tuple[Mark, ...] = ()
    lines: tuple[Line, ...] = ()
    areas: tuple[Outline, ...] = ()
    rings: tuple[Ring, ...] = ()
    keys: tuple[tuple[MarkKind, str], ...] = ()
    extent: Bounds | None = None
    streets: StreetShapes | None = None
