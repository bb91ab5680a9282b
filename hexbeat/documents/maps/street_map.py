"""The streets of a printed map: water and green space under the cells, roads over them, and names where there is room.

What is drawn depends on the scale: main roads alone for a town on a page, streets and their names for a neighbourhood.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from hexbeat.documents.maps.frame import Box, Frame, LabelSpace
from hexbeat.documents.maps.sketch import StreetShapes
from hexbeat.documents.maps.svg import draw_text, format_mm, format_shape_path, measure_text

__all__ = ["draw_ground", "draw_roads", "draw_street_names"]

WATER, GREEN = "#dbe6ee", "#e9f0e6"
EDGE, SURFACE, RAIL = "#67727d", "#ffffff", "#67727d"
OPACITY: Final = 0.75  # of roads, so that the hatching of cells is seen through them
EDGE_MM: Final = 0.16
SIMPLIFY_MM: Final = 0.05
# Up to how many metres a millimetre a class is drawn, and named; its width in millimetres at 6, 15, 30 and 70 of them.
SCALES_M: Final = (6.0, 15.0, 30.0, 70.0)
ROADS: Final = {
    "path": (8.0, 0.0, (0.25, 0.2, 0.1, 0.1)),
    "rail": (70.0, 0.0, (0.35, 0.3, 0.25, 0.2)),
    "street": (32.0, 14.0, (1.1, 0.55, 0.2, 0.1)),
    "through": (80.0, 22.0, (1.6, 0.9, 0.45, 0.2)),
    "main": (300.0, 40.0, (2.0, 1.2, 0.65, 0.35)),
}
CASED_FROM_MM: Final = 0.5
NAME_MM: Final = {"main": 2.1, "through": 2.0, "street": 1.9}
AGAIN_MM: Final = 45.0  # between two names of one street
FRACTIONS: Final = (0.5, 0.3, 0.7, 0.15, 0.85)
BEND_MM: Final = 0.9


def draw_ground(streets: StreetShapes | None, frame: Frame) -> str:
    """Green space and water."""
    if streets is None:
        return ""
    green, water = (draw_areas(streets, kind, frame, colour) for kind, colour in (("green", GREEN), ("water", WATER)))
    rivers = draw_lines(list_lines(streets, "water", frame), WATER, width=0.5)
    return green + rivers + water


def draw_areas(streets: StreetShapes, kind: str, frame: Frame, colour: str) -> str:
    """The areas of a class; a hole is a ring of its own, which the even-odd rule leaves out."""
    rings = [shapely.Polygon(ring) for _, ring in list_near(streets, "areas", kind, frame)]
    visible_rings = [ring for ring in rings if shapely.intersects(ring, frame.window)]
    shapes = shapely.intersection(shapely.make_valid(np.array(visible_rings, dtype=object)), frame.window)
    path = "".join(format_shape_path(shapely.simplify(shape, SIMPLIFY_MM)) for shape in shapes)
    return f'<path d="{path}" fill="{colour}" fill-rule="evenodd"/>' if path else ""


def draw_roads(streets: StreetShapes | None, frame: Frame) -> str:
    """Roads and railways, the main ones last; wide ones have edges."""
    if streets is None:
        return ""
    edges, surfaces = [], []
    for kind, (drawn_from, _, widths) in ROADS.items():
        if frame.metres_a_mm > drawn_from:
            continue
        width = float(np.interp(frame.metres_a_mm, SCALES_M, widths))
        lines = list_lines(streets, kind, frame)
        if kind == "rail":
            edges.append(draw_lines(lines, RAIL, width=width, dash="1.2 0.7"))
        elif width < CASED_FROM_MM:
            edges.append(draw_lines(lines, EDGE, width=width))
        else:
            edges.append(draw_lines(lines, EDGE, width=width + 2 * EDGE_MM))
            surfaces.append(draw_lines(lines, SURFACE, width=width))
    paths = "".join(edges + surfaces)
    return f'<g opacity="{OPACITY}">{paths}</g>' if paths else ""


def list_lines(streets: StreetShapes, kind: str, frame: Frame) -> list[Any]:
    """The lines of a class in millimetres, cut to the window."""
    lines = [shapely.linestrings(line) for _, line in list_near(streets, "lines", kind, frame)]
    clipped_lines = shapely.intersection(shapely.simplify(np.array(lines, dtype=object), SIMPLIFY_MM), frame.window)
    return [line for line in clipped_lines if not shapely.is_empty(line)]


def list_near(streets: StreetShapes, part: str, kind: str, frame: Frame) -> list[tuple[str, NDArray[np.float64]]]:
    """Name and coordinates in millimetres of each shape of a class whose bounds meet the window: no other is seen."""
    shapes = streets.list_shapes(part, kind)
    if not shapes:
        return []
    starts = np.cumsum([0, *(len(places) for _, places in shapes[:-1])])
    at = frame.to_mm(np.concatenate([places for _, places in shapes]))
    low, high = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
    left, top, right, bottom = shapely.bounds(frame.window)
    is_near = ((low <= (right, bottom)) & (high >= (left, top))).all(axis=1)
    near = [(shapes[place], starts[place]) for place in np.flatnonzero(is_near).tolist()]
    return [(name, at[start : start + len(places)]) for (name, places), start in near]


def draw_lines(lines: list[Any], colour: str, *, width: float, dash: str = "") -> str:
    path = "".join(format_shape_path(line) for line in lines)
    dashes = f' stroke-dasharray="{dash}"' if dash else ' stroke-linecap="round"'
    look = f'fill="none" stroke="{colour}" stroke-width="{format_mm(width)}" stroke-linejoin="round"'
    return f'<path d="{path}" {look}{dashes}/>' if path else ""


def draw_street_names(streets: StreetShapes | None, frame: Frame, space: LabelSpace) -> str:
    """Names along the roads, of the main ones first, where nothing else stands."""
    if streets is None:
        return ""
    labels: list[str] = []
    places: list[tuple[str, float, float]] = []
    for kind, size in NAME_MM.items():
        if frame.metres_a_mm > ROADS[kind][1]:
            continue
        for name, line in sorted(list_near(streets, "lines", kind, frame), key=lambda entry: -len(entry[1])):
            if not name:
                continue
            for x, y, angle in find_stretches(line, measure_text(name, size), frame):
                again = any(other == name and math.hypot(x - a, y - b) < AGAIN_MM for other, a, b in places)
                if again or not space.take_all(list_boxes(x, y, angle, width=measure_text(name, size), height=size)):
                    continue
                places.append((name, x, y))
                text = draw_text(x, y + size * 0.35, name, size=size, anchor="middle", fill="#333", halo="#fff")
                turn = f"{math.degrees(angle):.1f} {format_mm(x)} {format_mm(y)}"
                labels.append(f'<g transform="rotate({turn})">{text}</g>')
    return "".join(labels)


def find_stretches(line: NDArray[np.float64], width: float, frame: Frame) -> Iterator[tuple[float, float, float]]:
    """Middle (x, y) and angle in radians of the nearly straight stretches of a line that are as long as a name."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    for fraction in FRACTIONS:
        start = fraction * along[-1] - width / 2
        if start < 0 or start + width > along[-1]:
            continue
        x, y = (np.interp(start + width * np.linspace(0, 1, 5), along, line[:, axis]) for axis in (0, 1))
        across, down = float(x[-1] - x[0]), float(y[-1] - y[0])
        chord = math.hypot(across, down)
        middle = (float(x[0] + x[-1]) / 2, float(y[0] + y[-1]) / 2)
        if chord < width * 0.94 or not shapely.contains_xy(frame.window.buffer(-width / 2), *middle):
            continue
        if float(np.abs(across * (y[0] - y) - (x[0] - x) * down).max()) / chord > BEND_MM:
            continue
        angle = math.atan2(down, across)
        yield (*middle, angle - math.copysign(math.pi, angle) if abs(angle) > math.pi / 2 else angle)


def list_boxes(x: float, y: float, angle: float, *, width: float, height: float) -> list[Box]:
    """A turned name as a row of small boxes."""
    steps = max(1, math.ceil(width / height))
    half = height * 0.65
    places = [(k / steps - 0.5) * max(width - height, 0) for k in range(steps + 1)]
    middles = [(x + at * math.cos(angle), y + at * math.sin(angle)) for at in places]
    return [(a - half, b - half, a + half, b + half) for a, b in middles]
