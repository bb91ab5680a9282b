"""Words on a map, kept apart: names of wards that hide nothing, and discs of stops that do not cover each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from hexbeat.documents.maps.svg import draw_text, measure_text

__all__ = ["LabelSpace", "draw_names", "spread_points"]

SIZES: Final = (2.8, 2.4, 2.1, 1.8)
# Steps from the middle that are tried, in millimetres to the right and down.
TRIES: Final = ((0, 0), (0, -4), (0, 4), (-6, 0), (6, 0), (0, -8), (0, 8), (-6, -4), (6, -4), (-6, 4), (6, 4))
LONG: Final = 14  # letters; a longer name of several words stands in two lines
ROUNDS: Final = 80

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class LabelSpace:
    """What is taken on the sheet, as boxes (left, top, right, bottom) in millimetres."""

    taken: list[Box] = field(default_factory=list)

    def take(self, box: Box) -> bool:
        """Take the box if nothing there overlaps it."""
        left, top, right, bottom = box
        free = all(right <= a or c <= left or bottom <= b or d <= top for a, b, c, d in self.taken)
        if free:
            self.taken.append(box)
        return free

    def block(self, box: Box) -> None:
        """Take the box, whatever is there."""
        self.taken.append(box)


def draw_names(shapes: NDArray[Any], names: Sequence[str], room: LabelSpace, *, within: Any) -> str:
    """The name of each shape (in millimetres) near its middle, the largest first; left out where there is no room."""
    order = np.argsort(-shapely.area(shapes), kind="stable").tolist()
    drawn = []
    for place in order:
        if not names[place] or shapely.is_empty(shapes[place]):
            continue
        drawn.append(draw_name(shapes[place], names[place], room, within))
    return "".join(drawn)


def draw_name(shape: Any, name: str, room: LabelSpace, within: Any) -> str:
    middle = shapely.get_point(shapely.maximum_inscribed_circle(shape, tolerance=0.5), 0)
    lines = break_name(name)
    for size in SIZES:
        wide, high = max(measure_text(line, size) for line in lines), size * 1.15 * len(lines)
        for right, down in TRIES:
            x, y = middle.x + right, middle.y + down
            box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            inside = shapely.contains_xy(shape, x, y) and shapely.contains(within, shapely.box(*box))
            if inside and room.take(box):
                first = y - high / 2 + size * 0.85
                return "".join(
                    draw_text(x, first + k * size * 1.15, line, size=size, anchor="middle", fill="#222", halo="#fff")
                    for k, line in enumerate(lines)
                )
    return ""


def break_name(name: str) -> list[str]:
    """A long name in two lines, broken at the space nearest to its middle."""
    if len(name) <= LONG or " " not in name:
        return [name]
    spaces = [place for place, char in enumerate(name) if char == " "]
    middle = min(spaces, key=lambda place: abs(place - len(name) / 2))
    return [name[:middle], name[middle + 1 :]]


def spread_points(points: NDArray[np.float64], *, gap: float) -> NDArray[np.float64]:
    """Points (n, 2) moved apart until neighbours are `gap` from each other; the same for the same points."""
    moved = points.astype(np.float64).copy()
    for _ in range(ROUNDS):
        away = moved[:, None, :] - moved[None, :, :]
        apart = np.hypot(away[..., 0], away[..., 1])
        close = (apart < gap) & ~np.eye(len(moved), dtype=bool)
        if not close.any():
            break
        for one, other in np.argwhere(np.triu(close)).tolist():
            step = moved[one] - moved[other]
            length = float(np.hypot(*step))
            # Two stops at one place part sidewards, each pair in its own direction.
            angle = 2.4 * (one + 1)
            unit = step / length if length > 1e-6 else np.array([np.cos(angle), np.sin(angle)])  # noqa: PLR2004 - no direction
            push = (gap - length) / 2 + 0.01
            if push > 0:
                moved[one] += unit * push
                moved[other] -= unit * push
    return moved
