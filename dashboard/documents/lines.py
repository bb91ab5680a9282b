"""Lines on a printed map: dark colours that differ, dashes that differ as well, on a white bed."""

from typing import Any, Final

from dashboard.documents.svg import format_mm, format_shape_path

__all__ = ["draw_line", "draw_line_key", "draw_outline", "draw_ring"]

WIDTH_MM: Final = 0.75
BED_MM: Final = 1.5
FINE_MM: Final = 0.2
# Colour and dashes by style: each pair can be told apart without its colour.
STYLES: Final = (
    ("#111111", ""),
    ("#0b4a86", "3 1.2"),
    ("#8a3b06", "0.8 1.1"),
    ("#3f6212", "4 1 0.8 1"),
    ("#6b2477", "1.8 0.8"),
    ("#444444", "5 2"),
)


def draw_line(shape: Any, style: int) -> str:
    """A line (shapely, millimetres) of a style."""
    way = format_shape_path(shape)
    bed = f'<path d="{way}" fill="none" stroke="#fff" stroke-width="{BED_MM}" stroke-linejoin="round"/>'
    return bed + draw_stroke(way, style)


def draw_line_key(x: float, y: float, width: float, style: int) -> str:
    """A short level line for the legend."""
    return draw_stroke(f"M{format_mm(x)},{format_mm(y)} {format_mm(x + width)},{format_mm(y)}", style)


def draw_stroke(way: str, style: int) -> str:
    colour, dashes = STYLES[style % len(STYLES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{WIDTH_MM}" stroke-linejoin="round" '
        f'stroke-linecap="butt"{dashed}/>'
    )


def draw_outline(shape: Any, style: int, *, fine: bool = False) -> str:
    """The edge of a polygon (millimetres), strong, on a white bed; `fine`: thin, full and without one."""
    way = format_shape_path(shape)
    if fine:
        colour = STYLES[style % len(STYLES)][0]
        return f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{FINE_MM}" stroke-linejoin="round"/>'
    bed = f'<path d="{way}" fill="#000" fill-opacity="0.08" stroke="#fff" stroke-width="1.3" stroke-linejoin="round"/>'
    return bed + draw_stroke(way, style)


def draw_ring(x: float, y: float, radius: float) -> str:
    """A dashed circle, in millimetres."""
    where = f'cx="{format_mm(x)}" cy="{format_mm(y)}" r="{format_mm(radius)}" fill="none"'
    return (
        f'<circle {where} stroke="#fff" stroke-width="1.2"/>'
        f'<circle {where} stroke="#111" stroke-width="0.5" stroke-dasharray="2 1"/>'
    )
