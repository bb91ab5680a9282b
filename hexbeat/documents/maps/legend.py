"""What a printed map explains below itself: its classes with their numbers, its marks, its lines."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from hexbeat.documents.maps.marks import draw_mark
from hexbeat.documents.maps.patterns import draw_classes, draw_line_key, draw_outline
from hexbeat.documents.maps.sketch import Outline, Sketch
from hexbeat.documents.maps.svg import draw_text, measure_text

__all__ = ["draw_legend", "measure_legend_height"]

SIZE: Final = 2.6
ROW: Final = 5.0
SWATCH_WIDE, SWATCH_HIGH = 7.0, 3.4
GAP: Final = 4.5
LATTICE: Final = 1.2  # between swatch and words

Entry = tuple[str, int, str]  # kind, class or style, words


def list_entries(sketch: Sketch) -> list[Entry]:
    """All that is to be explained, in order."""
    found: list[Entry] = []
    if sketch.scale is not None and len(sketch.shaded):
        found += [("title", 0, sketch.legend_title)] if sketch.legend_title else []
        found += [("class", place, label) for place, label in enumerate(sketch.scale.labels)]
    found += [("outline", area.style, area.label) for area in find_first_areas(sketch.areas)]
    found += [("line", line.style, line.label) for line in sketch.lines if line.label]
    return found + [(kind, 0, words) for kind, words in sketch.keys]


def find_first_areas(areas: Sequence[Outline]) -> list[Outline]:
    """The first area of each label that is not empty."""
    named: dict[str, Outline] = {}
    for area in areas:
        named.setdefault(area.label, area)
    return [area for label, area in named.items() if label]


def lay_out_entries(entries: Sequence[Entry], width: float) -> list[tuple[float, int, Entry]]:
    """Each entry with its x and its row."""
    found, x, row = [], 0.0, 0
    for entry in entries:
        wide = measure_entry_width(entry)
        if x and x + wide > width:
            x, row = 0.0, row + 1
        found.append((x, row, entry))
        x += wide + GAP
    return found


def measure_entry_width(entry: Entry) -> float:
    swatch = 0.0 if entry[0] == "title" else SWATCH_WIDE + LATTICE
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
    kind, which, words = entry
    base = y + SWATCH_HIGH * 0.78
    if kind == "title":
        return draw_text(x, base, words, size=SIZE, weight=700)
    return draw_swatch(sketch, kind, which, x, y) + draw_text(x + SWATCH_WIDE + LATTICE, base, words, size=SIZE)


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
