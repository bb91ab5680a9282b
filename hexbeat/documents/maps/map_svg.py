"""A sketch as SVG in millimetres: the map, its scale bar and north, its legend, and where it comes from."""

from html import escape
from typing import Any, Final

import numpy as np
import shapely

from hexbeat.documents.maps.frame import Frame, choose_scale_length_m, fit_frame
from hexbeat.documents.maps.labels import LabelSpace, draw_names, spread_points
from hexbeat.documents.maps.legend import draw_legend, measure_legend_height
from hexbeat.documents.maps.marks import STOP_MM, draw_mark, measure_stop_width
from hexbeat.documents.maps.patterns import classify_values, draw_classes, draw_line, draw_outline, draw_ring
from hexbeat.documents.maps.sketch import Mark, Sketch
from hexbeat.documents.maps.svg import (
    FONTS,
    clean_text,
    draw_text,
    format_mm,
    format_path,
    format_shape_path,
    measure_text,
)

__all__ = ["render_sketch"]

OUTSIDE: Final = "#e9ebed"
INSIDE: Final = "#ffffff"
BORDER: Final = "#7a8490"
MARGIN_MM: Final = 4.0
SOURCE_SIZE: Final = 1.9
SCALE_SHARE: Final = 0.22  # of the map's width is the longest scale bar
MANY_STOPS: Final = 20  # beyond, their discs are smaller
SMALLER: Final = 0.78
THIN: Final = 0.05  # millimetres within which corners of wards are left out


def render_sketch(sketch: Sketch, *, width_mm: float, height_mm: float) -> bytes:
    """The map as SVG (UTF-8) of that size on paper; the same bytes for the same sketch. North is up."""
    source = break_source(sketch.attribution, width_mm)
    below = measure_legend_height(sketch, width_mm) + 2.6 * len(source) + 0.6
    high = height_mm - below
    frame = fit_frame(find_extent(sketch), left=0, top=0, width=width_mm, height=high, margin=MARGIN_MM)
    room = LabelSpace()
    marks = draw_points(sketch, frame, room)
    furniture = draw_scale(frame, room) + draw_north(frame, room)
    words = draw_words(sketch, frame, room)
    parts = [
        draw_wards(sketch, frame),
        draw_content(sketch, frame),
        draw_borders(sketch, frame),
        draw_overlays(sketch, frame),
        words,
        marks,
        furniture,
        draw_edge(frame),
        draw_legend(sketch, left=0, top=high, width=width_mm),
        *(
            draw_text(0, height_mm - 0.8 - 2.4 * (len(source) - 1 - k), line, size=SOURCE_SIZE, fill="#444")
            for k, line in enumerate(source)
        ),
    ]
    size = f'width="{format_mm(width_mm)}mm" height="{format_mm(height_mm)}mm"'
    said = escape(clean_text(sketch.alt))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {format_mm(width_mm)} {format_mm(height_mm)}" '
        f'role="img" aria-label="{said}" font-family="{FONTS}">{"".join(parts)}</svg>'
    ).encode()


def find_extent(sketch: Sketch) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(sketch.wards).tolist() if sketch.extent is None else sketch.extent
    return west, south, east, north


def break_source(words: str, width: float) -> list[str]:
    """The attribution broken into lines that fit."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if measure_text(longer, SOURCE_SIZE) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def draw_wards(sketch: Sketch, frame: Frame) -> str:
    """The sheet and the wards on it."""
    wards = "".join(format_shape_path(shape) for shape in clip_wards(sketch, frame))
    return (
        f'<rect x="0" y="0" width="{format_mm(frame.width)}" height="{format_mm(frame.height)}" fill="{OUTSIDE}"/>'
        f'<path d="{wards}" fill="{INSIDE}" fill-rule="nonzero"/>'
    )


def clip_wards(sketch: Sketch, frame: Frame) -> Any:
    """The wards in millimetres, cut to the window."""
    moved = shapely.simplify(shapely.transform(sketch.wards, frame.to_mm), THIN)
    return shapely.intersection(shapely.make_valid(moved), frame.window)


def draw_content(sketch: Sketch, frame: Frame) -> str:
    """The shaded places, cut to the window."""
    if sketch.scale is None or not len(sketch.shaded):
        return ""
    return draw_classes(frame.shapes_to_mm(sketch.shaded), classify_values(sketch.values, sketch.scale), sketch.scale)


def draw_borders(sketch: Sketch, frame: Frame) -> str:
    lines = shapely.boundary(shapely.transform(sketch.wards, frame.to_mm))
    seen = shapely.intersection(shapely.simplify(lines, THIN), frame.window)
    way = "".join(format_shape_path(line) for line in seen)
    return f'<path d="{way}" fill="none" stroke="{BORDER}" stroke-width="0.28" stroke-linejoin="round"/>'


def draw_overlays(sketch: Sketch, frame: Frame) -> str:
    """Outlines, rings and lines."""
    drawn = [
        draw_outline(shape, area.style, fine=area.fine)
        for area in sketch.areas
        for shape in clip_to_window(area.shape, frame)
    ]
    for ring in sketch.rings:
        ((x, y),) = frame.to_mm([(ring.lon, ring.lat)]).tolist()
        drawn.append(draw_ring(x, y, ring.radius_m / frame.metres_a_mm))
    for line in sketch.lines:
        if len(line.points) > 1:
            drawn += [draw_line(way, line.style) for way in clip_to_window(shapely.linestrings(line.points), frame)]
    return "".join(drawn)


def clip_to_window(shape: Any, frame: Frame) -> list[Any]:
    """The part of a shape in degrees that is in the window, in millimetres; nothing if there is none."""
    cut = shapely.intersection(shapely.transform(shape, frame.to_mm), frame.window)
    return [] if shapely.is_empty(cut) else [cut]


def draw_points(sketch: Sketch, frame: Frame, room: LabelSpace) -> str:
    """Marks in the window; stops part where they would cover each other, with a line to where they are."""
    at = frame.to_mm([(mark.lon, mark.lat) for mark in sketch.points])
    inside = [place for place, (x, y) in enumerate(at.tolist()) if shapely.contains_xy(frame.window, x, y)]
    stops = [place for place in inside if sketch.points[place].kind == "stop"]
    shown = at.copy()
    small = len(stops) > MANY_STOPS
    if stops:
        widest = (SMALLER if small else 1.0) * max(measure_stop_width(sketch.points[place].label) for place in stops)
        shown[stops] = keep_inside(spread_points(at[stops], gap=widest + 0.4), frame)
    leaders, marks = [], []
    for place in inside:
        mark, (x, y) = sketch.points[place], shown[place].tolist()
        if np.hypot(*(shown[place] - at[place])) > STOP_MM / 2:
            leaders.append(draw_leader(at[place].tolist(), (x, y)))
        marks.append(draw_mark(mark.kind, x, y, label=mark.label, small=small and mark.kind == "stop"))
        room.block(measure_mark(mark, x, y))
    return "".join(leaders) + "".join(marks)


def keep_inside(points: Any, frame: Frame) -> Any:
    low = (frame.left + STOP_MM + 0.5, frame.top + STOP_MM + 0.5)
    high = (frame.left + frame.width - STOP_MM - 0.5, frame.top + frame.height - STOP_MM - 0.5)
    return np.clip(points, low, high)


def draw_leader(start: list[float], end: tuple[float, float]) -> str:
    way = format_path([start, end])
    dot = f'<circle cx="{format_mm(start[0])}" cy="{format_mm(start[1])}" r="0.7" fill="#111"/>'
    return f'<path d="{way}" stroke="#fff" stroke-width="0.9"/><path d="{way}" stroke="#111" stroke-width="0.35"/>{dot}'


def measure_mark(mark: Mark, x: float, y: float) -> tuple[float, float, float, float]:
    beside = measure_text(mark.label, 2.7) + 1.0 if mark.kind != "stop" and mark.label else 0.0
    half = max(measure_stop_width(mark.label) / 2, 2.2) + 0.2 if mark.kind == "stop" else 2.4
    return x - half, y - 2.4, x + half + beside, y + 2.4


def draw_words(sketch: Sketch, frame: Frame, room: LabelSpace) -> str:
    return draw_names(clip_wards(sketch, frame), sketch.names, room, within=frame.window)


def draw_scale(frame: Frame, room: LabelSpace) -> str:
    """A bar of a round length at the lower left."""
    metres = choose_scale_length_m(frame, longest_mm=frame.width * SCALE_SHARE)
    wide = metres / frame.metres_a_mm
    words = f"{metres:,.0f} m" if metres < 1000 else f"{metres / 1000:,.0f} km"  # noqa: PLR2004 - metres in a kilometre
    x, y = 3.5, frame.height - 3.5
    ground = f'x="1.5" y="{format_mm(y - 5)}" width="{format_mm(wide + 4)}" height="7" fill="#fff" fill-opacity="0.9"'
    bar = format_path([(x, y - 1.2), (x, y), (x + wide, y), (x + wide, y - 1.2)])
    room.block((1.5, y - 5, wide + 5.5, y + 2))
    return (
        f'<rect {ground}/><path d="{bar}" fill="none" stroke="#111" stroke-width="0.45"/>'
        f"{draw_text(x + wide / 2, y - 1.5, words, size=2.5, anchor='middle')}"
    )


def draw_edge(frame: Frame) -> str:
    """The line around the map."""
    size = f'width="{format_mm(frame.width - 0.2)}" height="{format_mm(frame.height - 0.2)}"'
    return f'<rect x="0.1" y="0.1" {size} fill="none" stroke="#111" stroke-width="0.25"/>'


def draw_north(frame: Frame, room: LabelSpace) -> str:
    """An arrow at the upper right."""
    x, y = frame.width - 5, 2.5
    arrow = format_path([(x, y), (x + 1.5, y + 4.4), (x, y + 3.4), (x - 1.5, y + 4.4)], closed=True)
    room.block((x - 3, y - 1, x + 3, y + 8))
    ground = f'x="{format_mm(x - 2.8)}" y="{format_mm(y - 1)}" width="5.6" height="9" fill="#fff" fill-opacity="0.9"'
    letter = draw_text(x, y + 7.2, "N", size=2.6, anchor="middle", weight=700)
    return f'<rect {ground}/><path d="{arrow}" fill="#111"/>{letter}'
