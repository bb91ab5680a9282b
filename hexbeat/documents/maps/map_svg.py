"""A sketch as SVG in millimetres: the map, its scale bar and north, its legend, and where it comes from.

Names of wards cover nothing, and discs of stops do not cover each other. The legend below the map explains its classes
with their numbers, its marks and its lines.
"""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from hexbeat.documents.maps.frame import Frame, LabelSpace, choose_scale_length_m, fit_frame
from hexbeat.documents.maps.marks import STOP_MM, draw_mark, measure_stop_width
from hexbeat.documents.maps.patterns import (
    classify_values,
    draw_classes,
    draw_line,
    draw_line_key,
    draw_outline,
    draw_ring,
)
from hexbeat.documents.maps.sketch import Mark, Outline, Sketch
from hexbeat.documents.maps.street_map import draw_ground, draw_roads, draw_street_names
from hexbeat.documents.maps.svg import (
    FONTS,
    clean_text,
    draw_text,
    format_mm,
    format_path,
    format_shape_path,
    measure_text,
)

__all__ = ["render_sketch", "spread_points"]

OUTSIDE: Final = "#e9ebed"
INSIDE: Final = "#ffffff"
BORDER: Final = "#7a8490"
MARGIN_MM: Final = 4.0
WIDE_EM: Final = 0.62  # the width of a letter of the widest usual fonts, as a share of its size
SOURCE_SIZE: Final = 1.9
SCALE_SHARE: Final = 0.22  # of the map's width is the longest scale bar
MANY_STOPS: Final = 20  # beyond, their discs are smaller
SMALL_STOP_SHARE: Final = 0.78
SIMPLIFY_MM: Final = 0.05  # corners of wards within this distance of a line are left out
SIZES: Final = (2.8, 2.4, 2.1, 1.8)
# Where a name is tried, in millimetres to the right of and below the middle of its ward.
OFFSETS: Final = ((0, 0), (0, -4), (0, 4), (-6, 0), (6, 0), (0, -8), (0, 8), (-6, -4), (6, -4), (-6, 4), (6, 4))
LONGEST_LINE: Final = 14  # letters; a longer name of several words is broken into two lines
MOST_ROUNDS: Final = 80

SIZE: Final = 2.6
ROW: Final = 5.0
SWATCH_WIDE, SWATCH_HIGH = 7.0, 3.4
ENTRY_GAP: Final = 4.5
SWATCH_GAP: Final = 1.2  # between a swatch and its text

Entry = tuple[str, int, str]  # kind, class or style, text


def list_entries(sketch: Sketch) -> list[Entry]:
    """The entries of the legend, in order."""
    entries: list[Entry] = []
    if sketch.scale is not None and len(sketch.shaded):
        entries += [("title", 0, sketch.legend_title)] if sketch.legend_title else []
        entries += [("class", place, label) for place, label in enumerate(sketch.scale.labels)]
    entries += [("outline", area.style, area.label) for area in find_first_areas(sketch.areas)]
    entries += [("line", line.style, line.label) for line in sketch.lines if line.label]
    return entries + [(kind, 0, text) for kind, text in sketch.keys]


def find_first_areas(areas: Sequence[Outline]) -> list[Outline]:
    """The first area of each label that is not empty."""
    areas_by_label: dict[str, Outline] = {}
    for area in areas:
        areas_by_label.setdefault(area.label, area)
    return [area for label, area in areas_by_label.items() if label]


def lay_out_entries(entries: Sequence[Entry], width: float) -> list[tuple[float, int, Entry]]:
    """Each entry with its x and its row."""
    placed_entries, x, row = [], 0.0, 0
    for entry in entries:
        entry_width = measure_entry_width(entry)
        if x and x + entry_width > width:
            x, row = 0.0, row + 1
        placed_entries.append((x, row, entry))
        x += entry_width + ENTRY_GAP
    return placed_entries


def measure_entry_width(entry: Entry) -> float:
    swatch = 0.0 if entry[0] == "title" else SWATCH_WIDE + SWATCH_GAP
    return swatch + measure_text(entry[2], SIZE)


def measure_legend_height(sketch: Sketch, width: float) -> float:
    """Millimetres that the legend needs at a width; 0 where there is nothing to explain."""
    places = lay_out_entries(list_entries(sketch), width)
    return ROW * (places[-1][1] + 1) + 1.5 if places else 0.0


def draw_legend(sketch: Sketch, *, left: float, top: float, width: float) -> str:
    """The legend with its upper left corner there."""
    places = lay_out_entries(list_entries(sketch), width)
    return "".join(draw_entry(sketch, entry, left + x, top + 1.5 + row * ROW) for x, row, entry in places)


def draw_entry(sketch: Sketch, entry: Entry, x: float, y: float) -> str:
    kind, number, text = entry
    base = y + SWATCH_HIGH * 0.78
    if kind == "title":
        return draw_text(x, base, text, size=SIZE, weight=700)
    return draw_swatch(sketch, kind, number, x, y) + draw_text(x + SWATCH_WIDE + SWATCH_GAP, base, text, size=SIZE)


def draw_swatch(sketch: Sketch, kind: str, which: int, x: float, y: float) -> str:
    middle = (x + SWATCH_WIDE / 2, y + SWATCH_HIGH / 2)
    if kind == "class" and sketch.scale is not None:
        box = np.array([shapely.box(x, y, x + SWATCH_WIDE, y + SWATCH_HIGH)], dtype=object)
        return draw_classes(box, np.array([which]), sketch.scale)
    if kind == "line":
        return draw_line_key(x, middle[1], SWATCH_WIDE, which)
    if kind == "outline":
        return draw_outline(shapely.box(x + 0.5, y + 0.4, x + SWATCH_WIDE - 0.5, y + SWATCH_HIGH - 0.4), which)
    return draw_mark(kind, *middle, label="1" if kind == "stop" else "", small=True)


def draw_names(shapes: NDArray[Any], names: Sequence[str], space: LabelSpace, *, within: Any) -> str:
    """The name of each shape (in millimetres) near its middle, the largest first; left out where there is no room."""
    order = np.argsort(-shapely.area(shapes), kind="stable").tolist()
    names_svg = []
    for place in order:
        if not names[place] or shapely.is_empty(shapes[place]):
            continue
        names_svg.append(draw_name(shapes[place], names[place], space, within))
    return "".join(names_svg)


def draw_name(shape: Any, name: str, space: LabelSpace, within: Any) -> str:
    middle = shapely.get_point(shapely.maximum_inscribed_circle(shape, tolerance=0.5), 0)
    lines = break_name(name)
    for size in SIZES:
        text_width, text_height = max(measure_text(line, size) for line in lines), size * 1.15 * len(lines)
        for right, down in OFFSETS:
            x, y = middle.x + right, middle.y + down
            box = (x - text_width / 2, y - text_height / 2, x + text_width / 2, y + text_height / 2)
            inside = shapely.contains_xy(shape, x, y) and shapely.contains(within, shapely.box(*box))
            if inside and space.take(box):
                first = y - text_height / 2 + size * 0.85
                return "".join(
                    draw_text(x, first + k * size * 1.15, line, size=size, anchor="middle", fill="#222", halo="#fff")
                    for k, line in enumerate(lines)
                )
    return ""


def break_name(name: str) -> list[str]:
    """A long name in two lines, broken at the space nearest to its middle."""
    if len(name) <= LONGEST_LINE or " " not in name:
        return [name]
    spaces = [place for place, char in enumerate(name) if char == " "]
    middle = min(spaces, key=lambda place: abs(place - len(name) / 2))
    return [name[:middle], name[middle + 1 :]]


def spread_points(points: NDArray[np.float64], *, gap: float) -> NDArray[np.float64]:
    """Points (n, 2), moved until all are at least `gap` from each other; the same result for the same points."""
    moved = points.astype(np.float64).copy()
    for _ in range(MOST_ROUNDS):
        offsets = moved[:, None, :] - moved[None, :, :]
        distances = np.hypot(offsets[..., 0], offsets[..., 1])
        is_close = (distances < gap) & ~np.eye(len(moved), dtype=bool)
        if not is_close.any():
            break
        for first, second in np.argwhere(np.triu(is_close)).tolist():
            step = moved[first] - moved[second]
            length = float(np.hypot(*step))
            # Two stops at the same place have no direction, so each pair gets its own.
            angle = 2.4 * (first + 1)
            unit = step / length if length > 1e-6 else np.array([np.cos(angle), np.sin(angle)])  # noqa: PLR2004 - no direction
            push = (gap - length) / 2 + 0.01
            if push > 0:
                moved[first] += unit * push
                moved[second] -= unit * push
    return moved


def render_sketch(sketch: Sketch, *, width_mm: float, height_mm: float) -> bytes:
    """The map as SVG (UTF-8) of that size on paper; the same bytes for the same sketch. North is up."""
    source = break_source(sketch.attribution, width_mm)
    height_below = measure_legend_height(sketch, width_mm) + 2.6 * len(source) + 0.6
    map_height = height_mm - height_below
    frame = fit_frame(find_extent(sketch), left=0, top=0, width=width_mm, height=map_height, margin=MARGIN_MM)
    space = LabelSpace()
    marks = draw_points(sketch, frame, space)
    furniture = draw_scale(frame, space) + draw_north(frame, space)
    names = draw_ward_names(sketch, frame, space) + draw_street_names(sketch.streets, frame, space)
    parts = [
        draw_wards(sketch, frame),
        draw_ground(sketch.streets, frame),
        draw_content(sketch, frame),
        draw_roads(sketch.streets, frame),
        draw_borders(sketch, frame),
        draw_overlays(sketch, frame),
        names,
        marks,
        furniture,
        draw_edge(frame),
        draw_legend(sketch, left=0, top=map_height, width=width_mm),
        *(
            draw_text(0, height_mm - 0.8 - 2.4 * (len(source) - 1 - k), line, size=SOURCE_SIZE, fill="#444")
            for k, line in enumerate(source)
        ),
    ]
    size = f'width="{format_mm(width_mm)}mm" height="{format_mm(height_mm)}mm"'
    alt = escape(clean_text(sketch.alt))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {format_mm(width_mm)} {format_mm(height_mm)}" '
        f'role="img" aria-label="{alt}" font-family="{FONTS}">{"".join(parts)}</svg>'
    ).encode()


def find_extent(sketch: Sketch) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(sketch.wards).tolist() if sketch.extent is None else sketch.extent
    return west, south, east, north


def break_source(attribution: str, width: float) -> list[str]:
    """The attribution broken into lines that fit, also where a screen has only a wide font for it."""
    lines = [""]
    for word in attribution.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) * WIDE_EM * SOURCE_SIZE > width and lines[-1]:
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
    moved = shapely.simplify(shapely.transform(sketch.wards, frame.to_mm), SIMPLIFY_MM)
    return shapely.intersection(shapely.make_valid(moved), frame.window)


def draw_content(sketch: Sketch, frame: Frame) -> str:
    """The shaded places, cut to the window."""
    if sketch.scale is None or not len(sketch.shaded):
        return ""
    return draw_classes(frame.shapes_to_mm(sketch.shaded), classify_values(sketch.values, sketch.scale), sketch.scale)


def draw_borders(sketch: Sketch, frame: Frame) -> str:
    lines = shapely.boundary(shapely.transform(sketch.wards, frame.to_mm))
    visible = shapely.intersection(shapely.simplify(lines, SIMPLIFY_MM), frame.window)
    path = "".join(format_shape_path(line) for line in visible)
    return f'<path d="{path}" fill="none" stroke="{BORDER}" stroke-width="0.28" stroke-linejoin="round"/>'


def draw_overlays(sketch: Sketch, frame: Frame) -> str:
    """Outlines, rings and lines."""
    parts = [
        draw_outline(shape, area.style, fine=area.fine)
        for area in sketch.areas
        for shape in clip_to_window(area.shape, frame)
    ]
    for ring in sketch.rings:
        ((x, y),) = frame.to_mm([(ring.lon, ring.lat)]).tolist()
        parts.append(draw_ring(x, y, ring.radius_m / frame.metres_a_mm))
    for line in sketch.lines:
        if len(line.points) > 1:
            parts += [draw_line(path, line.style) for path in clip_to_window(shapely.linestrings(line.points), frame)]
    return "".join(parts)


def clip_to_window(shape: Any, frame: Frame) -> list[Any]:
    """The part of a shape in degrees that is in the window, in millimetres; nothing if there is none."""
    part = shapely.intersection(shapely.transform(shape, frame.to_mm), frame.window)
    return [] if shapely.is_empty(part) else [part]


def draw_points(sketch: Sketch, frame: Frame, space: LabelSpace) -> str:
    """Marks in the window. Stops that would cover each other are moved, with a line to where they really are."""
    points = frame.to_mm([(mark.lon, mark.lat) for mark in sketch.points])
    inside = [place for place, (x, y) in enumerate(points.tolist()) if shapely.contains_xy(frame.window, x, y)]
    stops = [place for place in inside if sketch.points[place].kind == "stop"]
    drawn_at = points.copy()
    small = len(stops) > MANY_STOPS
    if stops:
        widest = max(measure_stop_width(sketch.points[place].label) for place in stops)
        widest *= SMALL_STOP_SHARE if small else 1.0
        drawn_at[stops] = keep_inside(spread_points(points[stops], gap=widest + 0.4), frame)
    leaders, marks = [], []
    for place in inside:
        mark, (x, y) = sketch.points[place], drawn_at[place].tolist()
        if np.hypot(*(drawn_at[place] - points[place])) > STOP_MM / 2:
            leaders.append(draw_leader(points[place].tolist(), (x, y)))
        marks.append(draw_mark(mark.kind, x, y, label=mark.label, small=small and mark.kind == "stop"))
        space.block(measure_mark(mark, x, y))
    return "".join(leaders) + "".join(marks)


def keep_inside(points: Any, frame: Frame) -> Any:
    low = (frame.left + STOP_MM + 0.5, frame.top + STOP_MM + 0.5)
    high = (frame.left + frame.width - STOP_MM - 0.5, frame.top + frame.height - STOP_MM - 0.5)
    return np.clip(points, low, high)


def draw_leader(start: list[float], end: tuple[float, float]) -> str:
    path = format_path([start, end])
    edge = f'<path d="{path}" stroke="#fff" stroke-width="0.9"/>'
    line = f'<path d="{path}" stroke="#111" stroke-width="0.35"/>'
    return f'{edge}{line}<circle cx="{format_mm(start[0])}" cy="{format_mm(start[1])}" r="0.7" fill="#111"/>'


def measure_mark(mark: Mark, x: float, y: float) -> tuple[float, float, float, float]:
    label_width = measure_text(mark.label, 2.7) + 1.0 if mark.kind != "stop" and mark.label else 0.0
    half_width = max(measure_stop_width(mark.label) / 2, 2.2) + 0.2 if mark.kind == "stop" else 2.4
    return x - half_width, y - 2.4, x + half_width + label_width, y + 2.4


def draw_ward_names(sketch: Sketch, frame: Frame, space: LabelSpace) -> str:
    return draw_names(clip_wards(sketch, frame), sketch.names, space, within=frame.window)


def draw_scale(frame: Frame, space: LabelSpace) -> str:
    """A bar of a round length at the lower left."""
    metres = choose_scale_length_m(frame, longest_mm=frame.width * SCALE_SHARE)
    bar_width = metres / frame.metres_a_mm
    label = f"{metres:,.0f} m" if metres < 1000 else f"{metres / 1000:,.0f} km"  # noqa: PLR2004 - metres in a kilometre
    x, y = 3.5, frame.height - 3.5
    box = f'x="1.5" y="{format_mm(y - 5)}" width="{format_mm(bar_width + 4)}" height="7"'
    bar = format_path([(x, y - 1.2), (x, y), (x + bar_width, y), (x + bar_width, y - 1.2)])
    space.block((1.5, y - 5, bar_width + 5.5, y + 2))
    return (
        f'<rect {box} fill="#fff" fill-opacity="0.9"/><path d="{bar}" fill="none" stroke="#111" stroke-width="0.45"/>'
        f"{draw_text(x + bar_width / 2, y - 1.5, label, size=2.5, anchor='middle')}"
    )


def draw_edge(frame: Frame) -> str:
    """The line around the map."""
    size = f'width="{format_mm(frame.width - 0.2)}" height="{format_mm(frame.height - 0.2)}"'
    return f'<rect x="0.1" y="0.1" {size} fill="none" stroke="#111" stroke-width="0.25"/>'


def draw_north(frame: Frame, space: LabelSpace) -> str:
    """An arrow at the upper right."""
    x, y = frame.width - 5, 2.5
    arrow = format_path([(x, y), (x + 1.5, y + 4.4), (x, y + 3.4), (x - 1.5, y + 4.4)], closed=True)
    space.block((x - 3, y - 1, x + 3, y + 8))
    box = f'x="{format_mm(x - 2.8)}" y="{format_mm(y - 1)}" width="5.6" height="9"'
    letter = draw_text(x, y + 7.2, "N", size=2.6, anchor="middle", weight=700)
    return f'<rect {box} fill="#fff" fill-opacity="0.9"/><path d="{arrow}" fill="#111"/>{letter}'
