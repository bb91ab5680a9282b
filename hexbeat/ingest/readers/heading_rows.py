"""Finds the row of headings of a table: below titles and notes, and in two rows where a group stands above."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from geo.errors import DataError

__all__ = ["LOOK_ROWS", "HeadingRow", "Numbered", "choose_heading_row", "find_heading_row", "is_text", "is_total"]

Numbered = tuple[int, list[str]]  # the line at which a record begins, and its cells
Fits = Callable[[Sequence[str]], bool]
LOOK_ROWS: Final = 30  # rows among which the headings are looked for
LEAST_SHARE: Final = 0.6  # of the table's width that headings fill
_VALUE: Final = re.compile(r"[£$€]?[-+\u2212]?[\d.,:/ \-]*\d[\d.,:/ \-]*%?(?:[T ]?\d\d:\d\d.*)?")  # a number or date
_FEW_CELLS: Final = 2  # a record has a place and a date, so more than these
_TOTAL: Final = re.compile(r"\s*(?:grand[ -]?|sub[ -]?)?totals?\s*[:=]?\s*[\d.,]*\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """The headings, the number of records that they end with, their lines (two where a group stands above).

    `passed` is the number of rows with texts above them.
    """

    headings: list[str]
    records: int
    lines: tuple[int, ...]
    passed: int

    def describe(self, name: str) -> list[str]:
        """A remark on where the headings are, if that is not the first row."""
        if not self.passed and len(self.lines) == 1:
            return []
        lines = " and ".join(f"{line:,}" for line in self.lines)
        return [f"{name}: the headings are in row{'s' if len(self.lines) > 1 else ''} {lines}"]


def is_total(cells: Sequence[str]) -> bool:
    """Whether a row is a total of others: its first cell says so, or any cell of a row that is mostly blank.

    A note of a record may be the same word, but a record has at least a date and a place beside it.
    """
    if _TOTAL.fullmatch(next((cell for cell in cells if cell), "")):
        return True
    filled = sum(bool(cell) for cell in cells)
    return filled <= max(_FEW_CELLS, len(cells) // 2) and any(cell and _TOTAL.fullmatch(cell) for cell in cells)


def choose_heading_row(name: str, rows: Sequence[Numbered], *, line: int | None) -> HeadingRow:
    """The headings: in the given line, else by the shape of the rows.

    DataError if no row begins at the given line.
    """
    if line is not None:
        return _take_line(name, rows, line)
    return _choose_by_shape(rows) if rows else HeadingRow([], 0, (1,), 0)


def find_heading_row(rows: Sequence[Numbered], fits: Fits) -> HeadingRow | None:
    """The first of the rows that has the headings that are needed, alone or together with the row above it."""
    for place, (_, cells) in enumerate(rows):
        if fits(_strip(cells)):
            return _build(rows, place)
        if place and is_text(cells):
            joined = _join(rows[place - 1][1], cells)
            if fits(_strip(joined)):
                return _build(rows, place, joined)
    return None


def _take_line(name: str, rows: Sequence[Numbered], line: int) -> HeadingRow:
    for place, (begin, _) in enumerate(rows):
        if begin == line:
            return HeadingRow(rows[place][1], place + 1, (line,), 0)
    raise DataError(
        "The row of headings has to be a row with texts",
        f"row {line:,} of {name} has none",
        "correct headings in the source profile",
    )


def _choose_by_shape(rows: Sequence[Numbered]) -> HeadingRow:
    """The first row of texts that is about as wide as the table; else the first that is as wide; else the first."""
    filled = [sum(1 for cell in cells if cell.strip()) for _, cells in rows]
    widths = [number for number in filled if number > 1] or filled
    common = Counter(widths).most_common()
    width = max(number for number, times in common if times == common[0][1])
    wide = [place for place, number in enumerate(filled) if number >= LEAST_SHARE * width]
    texts = [place for place in wide if is_text(rows[place][1])]
    place = (texts or wide or [0])[0]
    return _build_group(rows, place) or _build(rows, place)


def _build_group(rows: Sequence[Numbered], place: int) -> HeadingRow | None:
    """The headings of two rows, if the second has texts below every blank cell of the first, and blanks elsewhere."""
    if place + 1 >= len(rows):
        return None
    upper, lower = _strip(rows[place][1]), _strip(rows[place + 1][1])
    upper += [""] * (len(lower) - len(upper))
    lower += [""] * (len(upper) - len(lower))
    pairs = list(zip(upper, lower, strict=True))
    completes = any(not above for above, _ in pairs) and all(above or below for above, below in pairs)
    has_gap = any(above and not below for above, below in pairs)
    if not (completes and has_gap and is_text(lower) and "" in upper[:-1]):
        return None
    return _build(rows, place + 1, _join(upper, lower))


def _build(rows: Sequence[Numbered], place: int, joined: list[str] | None = None) -> HeadingRow:
    line, cells = rows[place]
    first = place if joined is None else place - 1
    passed = sum(any(cell.strip() for cell in above) for _, above in rows[:first])
    lines = (line,) if joined is None else (rows[first][0], line)
    return HeadingRow(joined or cells, place + 1, lines, passed)


def _join(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """One heading from two rows: the lower, with its group before it where it repeats, or the upper where it is blank.

    The name of a group counts for the blank cells to its right, as merged cells are saved.
    """
    width = max(len(upper), len(lower))
    above = [*(cell.strip() for cell in upper), *[""] * (width - len(upper))]
    below = [*(cell.strip() for cell in lower), *[""] * (width - len(lower))]
    times = Counter(below)
    joined, group = [], ""
    for name, heading in zip(above, below, strict=True):
        group = name or (group if heading else "")
        joined.append(f"{group} {heading}".strip() if heading and times[heading] > 1 else heading or name)
    return joined


def _strip(cells: Sequence[str]) -> list[str]:
    """The cells without blanks around them, and without the blank cells at the end."""
    texts = [cell.replace("\xa0", " ").strip() for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def is_text(cells: Sequence[str]) -> bool:
    """Whether most of the filled cells are neither numbers nor dates."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    values = sum(bool(_VALUE.fullmatch(text)) for text in texts)
    return bool(texts) and values <= 0.3 * len(texts)  # years stand in headings too
