"""Fills and lines on a printed map: classes by lightness and hatching, lines that differ in colour and dashes."""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from hexbeat.documents.maps.scales import TOO_FEW_CLASS, Scale
from hexbeat.documents.maps.svg import format_mm, format_shape_path

__all__ = ["classify_values", "draw_classes", "draw_line", "draw_line_key", "draw_outline", "draw_ring"]

EDGE: Final = "#3d4650"
DARK_INK, LIGHT_INK = "#111", "#fff"
MIDDLE: Final = 0.45  # relative luminance above which dark lines show better than light ones
PATTERNS: Final = ("", "/", "\\", "x", "-", "|", "+")  # one a class, in turn, so that every class differs
SPACING_MM: Final = 1.5
INK_MM: Final = 0.22
ANGLES: Final = {"/": (45.0,), "\\": (-45.0,), "x": (45.0, -45.0), "-": (0.0,), "|": (90.0,), "+": (0.0, 90.0)}
LUMINANCE: Final = (0.2126, 0.7152, 0.0722)
WIDTH_MM: Final = 0.75
WHITE_EDGE_MM: Final = 1.5
FINE_MM: Final = 0.2
# Colour and dashes by style: the dashes alone distinguish the styles.
STYLES: Final = (
    ("#111111", ""),
    ("#0b4a86", "3 1.2"),
    ("#8a3b06", "0.8 1.1"),
    ("#3f6212", "4 1 0.8 1"),
    ("#6b2477", "1.8 0.8"),
    ("#444444", "5 2"),
)


def classify_values(values: NDArray[np.float64], scale: Scale) -> NDArray[np.int64]:
    """The class of each value (n,); -1 for a value below the scale, which is not drawn."""
    return np.searchsorted(np.array(scale.breaks), values, side="right") - 1


def draw_classes(shapes: NDArray[Any], classes: NDArray[np.int64], scale: Scale) -> str:
    """Shapes in millimetres, each filled and hatched as its class is; -1 is left out."""
    parts = []
    for index, colour in enumerate(scale.light):
        class_shapes = shapes[classes == index]
        class_shapes = class_shapes[~shapely.is_empty(class_shapes)]
        if len(class_shapes):
            is_too_few = scale.breaks[index] == TOO_FEW_CLASS
            parts.append(draw_class(class_shapes, colour, "x" if is_too_few else PATTERNS[index % len(PATTERNS)]))
    return "".join(parts)


def draw_class(shapes: NDArray[Any], colour: str, pattern: str) -> str:
    outlines = "".join(format_shape_path(shape) for shape in shapes)
    fill = f'<path d="{outlines}" fill="{colour}" fill-rule="evenodd" stroke="{EDGE}" stroke-width="0.12"/>'
    if not pattern:
        return fill
    ink = DARK_INK if measure_luminance(colour) > MIDDLE else LIGHT_INK
    lines = "".join(format_shape_path(hatch) for angle in ANGLES[pattern] for hatch in build_hatches(shapes, angle))
    return (
        f'{fill}<path d="{lines}" fill="none" stroke="{ink}" stroke-width="{format_mm(INK_MM)}" stroke-opacity="0.75"/>'
    )


def build_hatches(shapes: NDArray[Any], angle: float) -> list[Any]:
    """Parallel lines at `angle` degrees, SPACING_MM apart on one grid for the whole sheet, cut to the shapes."""
    whole = shapely.union_all(shapes)
    turned = shapely.affinity.rotate(whole, -angle, origin=(0, 0))
    left, top, right, bottom = shapely.bounds(turned).tolist()
    first = np.floor(top / SPACING_MM) * SPACING_MM
    rows = np.arange(first, bottom + SPACING_MM, SPACING_MM) + SPACING_MM / 2
    ends = np.array([[(left - 1, row), (right + 1, row)] for row in rows])
    lines = shapely.MultiLineString(list(ends))
    hatches = shapely.affinity.rotate(lines.intersection(turned), angle, origin=(0, 0))
    return [] if hatches.is_empty else [hatches]


def measure_luminance(colour: str) -> float:
    """The luminance of "#rrggbb", with sRGB taken as linear: exact enough to choose between black and white ink."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return sum(weight * part for weight, part in zip(LUMINANCE, parts, strict=True))


def draw_line(shape: Any, style: int) -> str:
    """A line (shapely, millimetres) of a style."""
    path = format_shape_path(shape)
    white_edge = f'<path d="{path}" fill="none" stroke="#fff" stroke-width="{WHITE_EDGE_MM}" stroke-linejoin="round"/>'
    return white_edge + draw_stroke(path, style)


def draw_line_key(x: float, y: float, width: float, style: int) -> str:
    """A short level line for the legend."""
    return draw_stroke(f"M{format_mm(x)},{format_mm(y)} {format_mm(x + width)},{format_mm(y)}", style)


def draw_stroke(path: str, style: int) -> str:
    colour, dashes = STYLES[style % len(STYLES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{WIDTH_MM}" stroke-linejoin="round" '
        f'stroke-linecap="butt"{dashed}/>'
    )


def draw_outline(shape: Any, style: int, *, fine: bool = False) -> str:
    """The edge of a polygon (millimetres), strong, on a wider white line; `fine`: thin, unbroken, without white."""
    path = format_shape_path(shape)
    if fine:
        colour = STYLES[style % len(STYLES)][0]
        return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{FINE_MM}" stroke-linejoin="round"/>'
    white_edge = (
        f'<path d="{path}" fill="#000" fill-opacity="0.08" stroke="#fff" stroke-width="1.3" stroke-linejoin="round"/>'
    )
    return white_edge + draw_stroke(path, style)


def draw_ring(x: float, y: float, radius: float) -> str:
    """A dashed circle, in millimetres."""
    circle = f'cx="{format_mm(x)}" cy="{format_mm(y)}" r="{format_mm(radius)}" fill="none"'
    return (
        f'<circle {circle} stroke="#fff" stroke-width="1.2"/>'
        f'<circle {circle} stroke="#111" stroke-width="0.5" stroke-dasharray="2 1"/>'
    )
