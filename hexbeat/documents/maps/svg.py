"""Parts of SVG as text. Text from data is escaped here; no other module makes markup from it."""

from collections.abc import Iterable
from html import escape
from typing import Any, Final

import shapely

__all__ = ["FONTS", "clean_text", "draw_text", "format_mm", "format_path", "format_shape_path", "measure_text"]

# A screen has the first; a PDF has only the one that Typst brings, which is the last named.
FONTS: Final = "Helvetica, Arial, Libertinus Serif, serif"
EM: Final = 0.52  # the width of a letter as a share of its size, roughly


def format_mm(value: float) -> str:
    """Millimetres to a hundredth, without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def clean_text(text: str) -> str:
    """Text without the characters that no document may hold: control characters become spaces."""
    return "".join(char if char.isprintable() else " " for char in text)


def draw_text(
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    anchor: str = "start",
    weight: int = 400,
    fill: str = "#111",
    halo: str | None = None,
) -> str:
    """A text at a point in millimetres; `halo` is the colour of an edge that keeps it legible on any background."""
    font = f'font-size="{format_mm(size)}" text-anchor="{anchor}" font-weight="{weight}"'
    look = f'x="{format_mm(x)}" y="{format_mm(y)}" {font}'
    escaped = escape(clean_text(text))
    edge = ""
    if halo:
        edge = (
            f'<text {look} fill="none" stroke="{halo}" stroke-width="{format_mm(size * 0.3)}" stroke-linejoin="round" '
            f'aria-hidden="true">{escaped}</text>'
        )
    return f'{edge}<text {look} fill="{fill}">{escaped}</text>'


def measure_text(text: str, size: float) -> float:
    """The rough width of a text in millimetres at a size."""
    return len(text) * EM * size


def format_path(points: Iterable[Iterable[float]], *, closed: bool = False) -> str:
    """The `d` of a line through points in millimetres."""
    steps = " ".join(",".join(format_mm(part) for part in point) for point in points)
    return f"M{steps}{'Z' if closed else ''}" if steps else ""


def format_shape_path(shape: Any) -> str:
    """The `d` of a polygon or lines in millimetres, holes and all; "" for what is empty."""
    paths = []
    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            rings = (part.exterior, *part.interiors)
            paths += [format_path(shapely.get_coordinates(ring)[:-1].tolist(), closed=True) for ring in rings]
        elif isinstance(part, shapely.LineString):
            paths.append(format_path(shapely.get_coordinates(part).tolist()))
        elif isinstance(part, shapely.GeometryCollection):
            paths.append(format_shape_path(part))
    return "".join(paths)
