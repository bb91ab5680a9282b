"""The map of a release as vector shapes in whole units, drawn once and coloured for any layer and period.

Longitude and latitude are projected flat at the middle latitude of the area (a town is small enough) and rounded to
whole units. So neighbours share their corners exactly, and a line between two of them is found by comparing its ends.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.release.format import Block, Place

__all__ = [
    "PADDING",
    "Drawing",
    "Shape",
    "StreetLines",
    "find_class",
    "format_borders",
    "format_streets",
    "lay_out_release",
    "list_steps",
]

WIDTH: Final = 2000  # units from west to east: about 5 m each in a town
PADDING: Final = 20
CLASSES: Final = 5
REMAINDERS: Final = {"group": "rest-part", "ward": "rest-ward", "borough": "rest-area"}

Ring = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One place as closed rings in whole units; `label_at` is a point inside, `box` is left, top, width, height."""

    place: Place
    rings: tuple[Ring, ...]
    label_at: tuple[int, int]
    box: tuple[int, int, int, int]

    @property
    def path(self) -> str:
        """The rings as the `d` of an SVG path: "Mx y" and then steps "dx dy" after one "l" a ring."""
        return "".join(_format_ring_path(ring) for ring in self.rings)


@dataclass(frozen=True, eq=False)
class Drawing:
    """All places of a release: `leaves` by place set, `wards` by code; `base` is the wards, or else the whole area.

    frame: west and north in degrees, and units per degree of longitude and of latitude; PADDING is added to both.
    """

    width: int
    height: int
    frame: tuple[float, float, float, float]
    leaves: Mapping[str, tuple[Shape, ...]]
    wards: Mapping[str, Shape]
    base: tuple[Shape, ...]


@dataclass(frozen=True, eq=False)
class StreetLines:
    """The streets below and beside the places: by class, lines of (n, 2) degrees; and the credits that go with them."""

    lines: Mapping[str, Sequence[NDArray[np.float64]]]
    credits: Sequence[str]


def lay_out_release(published: ReleaseTotals) -> Drawing:
    """Lay out every smallest place and every ward."""
    places = published.release.places.values()
    west, south, east, north = shapely.total_bounds(np.array([place.outline for place in places]))
    shrink = math.cos(math.radians((south + north) / 2))
    unit = (east - west) * shrink / WIDTH
    frame = (float(west), float(north), float(shrink / unit), float(1 / unit))
    sets = dict.fromkeys(place.place_set for place in places)
    leaves = {name: tuple(_build_shape(place, frame) for place in published.release.leaves(name)) for name in sets}
    wards = {place.ward_code: place for place in places if place.level == "ward" and place.ward_code}
    shapes = {code: _build_shape(wards[code], frame) for code in published.wards}
    boroughs = [place for place in places if place.parent_id is None][:1]
    base = tuple(shapes.values()) or tuple(_build_shape(place, frame) for place in boroughs)
    height = round((north - south) / unit) + 2 * PADDING
    return Drawing(WIDTH + 2 * PADDING, height, frame, leaves, shapes, base)


def _build_shape(place: Place, frame: tuple[float, float, float, float]) -> Shape:
    west, north, x_units, y_units = frame
    outline = shapely.transform(
        place.outline,
        lambda corners: np.rint((corners - (west, north)) * (x_units, -y_units)) + PADDING,
        include_z=False,
    )
    rings = tuple(ring for part in shapely.get_parts(place.outline) for ring in _list_rings(part, frame))
    label_point = shapely.point_on_surface(place.outline)
    label_at = (round((label_point.x - west) * x_units) + PADDING, round((north - label_point.y) * y_units) + PADDING)
    left, top, right, bottom = (round(value) for value in shapely.bounds(outline))
    return Shape(place, rings, label_at, (left, top, right - left, bottom - top))


def _list_rings(part: shapely.Geometry, frame: tuple[float, float, float, float]) -> Iterable[Ring]:
    if not isinstance(part, shapely.Polygon):
        return
    west, north, x_units, y_units = frame
    for line in (part.exterior, *part.interiors):
        corners = shapely.get_coordinates(line)[:-1]
        units = np.rint((corners - (west, north)) * (x_units, -y_units)).astype(int) + PADDING
        ring = _drop_repeats([(int(x), int(y)) for x, y in units])
        if len(ring) > 2:  # noqa: PLR2004 - fewer corners enclose nothing
            yield ring


def _drop_repeats(corners: list[tuple[int, int]]) -> Ring:
    ring = [corner for k, corner in enumerate(corners) if corner != corners[k - 1]]
    return tuple(ring)


def _format_ring_path(ring: Ring) -> str:
    steps = " ".join(f"{x - a} {y - b}" for (a, b), (x, y) in pairwise(ring))
    return f"M{ring[0][0]} {ring[0][1]}l{steps}z"


def format_borders(shapes: Iterable[Shape], covering: Mapping[str, Block | None]) -> str:
    """The lines between different blocks as the `d` of an SVG path. None within a block or between hidden places."""
    owners_by_side: dict[tuple[tuple[int, int], tuple[int, int]], list[str]] = {}
    for shape in shapes:
        block = covering.get(shape.place.place_id)
        for ring in shape.rings:
            for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
                owners_by_side.setdefault((min(start, end), max(start, end)), []).append(
                    block.place_id if block else ""
                )
    return "".join(
        f"M{a} {b}L{x} {y}"
        for ((a, b), (x, y)), owners in owners_by_side.items()
        if owners[0] != owners[-1] or len(owners) == 1
    )


def format_streets(streets: StreetLines, drawing: Drawing) -> str:
    """The streets as SVG: one path a class, drawn as an edge and a pale surface, which stand out from any colour.

    Corners that would fall on the same unit are left out.
    """
    west, north, x_units, y_units = drawing.frame
    paths = []
    for kind, lines in streets.lines.items():
        parts = []
        for line in lines:
            units = np.rint((line - (west, north)) * (x_units, -y_units)).astype(int) + PADDING
            corners = [(int(x), int(y)) for x, y in units]
            polyline = corners[:1] + [end for start, end in pairwise(corners) if end != start]
            if len(polyline) > 1:
                steps = " ".join(f"{x - a} {y - b}" for (a, b), (x, y) in pairwise(polyline))
                parts.append(f"M{polyline[0][0]} {polyline[0][1]}l{steps}")
        paths.append(f'<path id="hp-road-{kind}" d="{"".join(parts)}"/>')
    uses = "".join(
        f'<use class="hp-{part} hp-{kind}" href="#hp-road-{kind}"/>'
        for part in ("edge", "surface")
        for kind in streets.lines
    )
    return f"<defs>{''.join(paths)}</defs>{uses}"


def list_steps(k: int) -> tuple[int, ...]:
    """Where the classes of small places begin: k, 2 k, 4 k, 8 k, 16 k."""
    return tuple(k * 2**step for step in range(CLASSES))


def find_class(block: Block | None, k: int) -> str:
    """The class of a place: "c0" to "c4" by a small place's number, a hatch for each larger level, or "hidden"."""
    if block is None:
        return "hidden"
    if block.level in REMAINDERS:
        return REMAINDERS[block.level]
    return f"c{sum(block.count >= step for step in list_steps(k)) - 1}"
