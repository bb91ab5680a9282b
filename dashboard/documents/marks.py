"""Points on a printed map: dots, squares, crosses, and discs that hold the number of a stop."""

from typing import Final

from dashboard.documents.svg import number, text

__all__ = ["STOP_MM", "draw_mark"]

STOP_MM: Final = 2.2  # radius of a stop's disc
LABEL_MM: Final = 2.7


def draw_mark(kind: str, x: float, y: float, *, label: str, small: bool = False) -> str:
    """A mark with its middle there, in millimetres; `small` is for the legend."""
    if kind == "stop":
        return draw_stop(x, y, label, 1.7 if small else STOP_MM)
    if kind == "square":
        side = 1.3 if small else 1.5
        shape = (
            f'<rect x="{number(x - side)}" y="{number(y - side)}" width="{number(2 * side)}" '
            f'height="{number(2 * side)}" fill="#fff" stroke="#111" stroke-width="0.7"/>'
        )
    elif kind == "cross":
        arm = 1.2 if small else 1.4
        way = (
            f"M{number(x - arm)},{number(y - arm)} {number(x + arm)},{number(y + arm)}"
            f"M{number(x - arm)},{number(y + arm)} {number(x + arm)},{number(y - arm)}"
        )
        shape = (
            f'<path d="{way}" fill="none" stroke="#fff" stroke-width="1.5"/>'
            f'<path d="{way}" fill="none" stroke="#111" stroke-width="0.7"/>'
        )
    else:
        shape = f'<circle cx="{number(x)}" cy="{number(y)}" r="0.95" fill="#111" stroke="#fff" stroke-width="0.35"/>'
    return shape + (text(x + 2.3, y + 0.9, label, size=LABEL_MM, weight=700, halo="#fff") if label else "")


def draw_stop(x: float, y: float, label: str, radius: float) -> str:
    size = radius * (1.35 if len(label) < 3 else 1.0)  # noqa: PLR2004 - three digits need smaller ones
    disc = (
        f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="#111" stroke="#fff" stroke-width="0.5"/>'
    )
    return disc + text(x, y + size * 0.35, label, size=size, anchor="middle", weight=700, fill="#fff")
