"""Points on a printed map: shapes that differ without colour, and discs that hold the number of a stop."""

from collections.abc import Callable, Mapping
from typing import Final

from hexbeat.documents.maps.svg import draw_text, format_mm, format_path

__all__ = ["STOP_MM", "draw_mark", "measure_stop_width"]

STOP_MM: Final = 2.2  # radius of a stop's disc
LABEL_MM: Final = 2.7


def draw_mark(kind: str, x: float, y: float, *, label: str, small: bool = False) -> str:
    """A mark with its middle at x, y in millimetres; `small` is for the legend."""
    if kind == "stop":
        return draw_stop(x, y, label, 1.7 if small else STOP_MM)
    shape = _SHAPES.get(kind, draw_dot)(x, y, 0.85 if small else 1.0)
    return shape + (draw_text(x + 2.3, y + 0.9, label, size=LABEL_MM, weight=700, halo="#fff") if label else "")


def measure_stop_width(label: str) -> float:
    """The width of a stop's disc in millimetres; it is wider if it holds several numbers."""
    return 2 * STOP_MM + max(len(label) - 2, 0) * STOP_MM * 0.62


def draw_stop(x: float, y: float, label: str, radius: float) -> str:
    size = radius * 1.35
    half = max(measure_stop_width(label) / 2 / STOP_MM, 1.0) * radius
    corner = f'x="{format_mm(x - half)}" y="{format_mm(y - radius)}"'
    box = f'{corner} width="{format_mm(2 * half)}" height="{format_mm(2 * radius)}"'
    disc = f'<rect {box} rx="{format_mm(radius)}" fill="#111" stroke="#fff" stroke-width="0.5"/>'
    return disc + draw_text(x, y + size * 0.35, label, size=size, anchor="middle", weight=700, fill="#fff")


def draw_dot(x: float, y: float, size: float) -> str:
    return (
        f'<circle cx="{format_mm(x)}" cy="{format_mm(y)}" r="{format_mm(1.05 * size)}" fill="#111" stroke="#fff" '
        'stroke-width="0.35"/>'
    )


def draw_square(x: float, y: float, size: float) -> str:
    side = 1.5 * size
    left, top, right, bottom = x - side, y - side, x + side, y + side
    return draw_polygon([(left, top), (right, top), (right, bottom), (left, bottom)], "#fff")


def draw_triangle(x: float, y: float, size: float) -> str:
    side = 1.6 * size
    return draw_polygon([(x, y - side), (x + side, y + side * 0.8), (x - side, y + side * 0.8)], "#fff")


def draw_diamond(x: float, y: float, size: float) -> str:
    side = 1.7 * size
    return draw_polygon([(x, y - side), (x + side, y), (x, y + side), (x - side, y)], "#888")


def draw_cross(x: float, y: float, size: float) -> str:
    arm = 1.4 * size
    arms = ([(x - arm, y - arm), (x + arm, y + arm)], [(x - arm, y + arm), (x + arm, y - arm)])
    return draw_strokes("".join(format_path(points) for points in arms))


def draw_site(x: float, y: float, size: float) -> str:
    """A ring with a cross through it: the place that a document is about."""
    arm = 3.0 * size
    arms = ([(x - arm, y), (x + arm, y)], [(x, y - arm), (x, y + arm)])
    ring = f'<circle cx="{format_mm(x)}" cy="{format_mm(y)}" r="{format_mm(1.8 * size)}" fill="none" stroke="#111"'
    return draw_strokes("".join(format_path(points) for points in arms)) + f'{ring} stroke-width="0.5"/>'


def draw_polygon(corners: list[tuple[float, float]], fill: str) -> str:
    path = format_path(corners, closed=True)
    return (
        f'<path d="{path}" fill="{fill}" stroke="#fff" stroke-width="1.1"/>'
        f'<path d="{path}" fill="{fill}" stroke="#111" stroke-width="0.6" stroke-linejoin="round"/>'
    )


def draw_strokes(path: str) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="#fff" stroke-width="1.5"/>'
        f'<path d="{path}" fill="none" stroke="#111" stroke-width="0.7"/>'
    )


_SHAPES: Final[Mapping[str, Callable[[float, float, float], str]]] = {
    "dot": draw_dot,
    "square": draw_square,
    "triangle": draw_triangle,
    "diamond": draw_diamond,
    "cross": draw_cross,
    "site": draw_site,
}
