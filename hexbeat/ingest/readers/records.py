"""The records of a delimited text: rows that a stray quote has swallowed are read one by one, and none is lost."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest
from operator import itemgetter
from typing import Any, Final

import numpy as np

from geo.errors import DataError
from hexbeat.ingest.readers.heading_rows import LOOK_ROWS, Numbered, is_total
from hexbeat.ingest.readers.opened_file import CHUNK_ROWS, Chunk, UnreadableRow, build_text_frame
from hexbeat.ingest.readers.text_lines import Lines, RecordTooLongError

__all__ = ["Records", "read_chunks"]

MOST_PENDING: Final = 200_000  # unreadable rows without a chunk of others between them
STEP_BACK: Final = 1_000  # what reading again costs at least, in characters
MOST_READ_AGAIN: Final = 100  # times the characters of a record: what stray quotes may cost
_NUMBER: Final = re.compile(r"[-+]?\d[\d.,]*")
_DATE: Final = re.compile(r"\d{1,4}[-/.]\w{1,9}[-/.]\d{1,4}.*")
_VALUES: Final = ("number", "date")
_OPEN: Final = "a quote opens in it and does not close"
_SWALLOWS: Final = "a quote opens in it, and whole rows follow before it closes"
_BACKSLASH: Final = "it has a quote behind a backslash, where a quote has to be doubled"
_HALF: Final = "the file ends in the middle of it"
_LONG: Final = f"it has a cell of more than {csv.field_size_limit():,} characters"
_TOTAL: Final = "it is a total of other rows"


class Records:
    """The records of a text with the line at which each begins; blank ones are left out.

    `unreadable` collects the rows that are no records since it was last cleared.
    """

    def __init__(self, lines: Lines, delimiter: str) -> None:
        self.lines, self.delimiter = lines, delimiter
        self.unreadable: list[UnreadableRow] = []
        self.ends: list[int] = []
        self.width: int | None = None  # the number of headings, once they are known
        self._least = 0  # the cells up to the last heading that is not blank
        self.swallowing: list[int] = []  # the first lines of records that had swallowed others
        self._usual: list[str] = []  # a row that was read without doubt
        self._read_again = 0

    def look(self, begin: int) -> list[Numbered]:
        """The first records from that line on, which are read again later; `ends` are the lines at which they end."""
        self.lines.holds, self.ends = True, []
        return list(islice(self._read(begin, look=True), LOOK_ROWS))

    def read(self, begin: int, columns: Sequence[str]) -> Iterator[Numbered]:
        """The records from that line on, of a table with these headings."""
        self.width, self.lines.holds = len(columns), False
        self._least = max((place for place, column in enumerate(columns, start=1) if column), default=0)
        self.unreadable.clear()
        self.swallowing.clear()
        return self._read(begin)

    def _read(self, begin: int, *, look: bool = False) -> Iterator[Numbered]:
        again = True
        while again:
            again = False
            self.lines.begin = begin
            reader = csv.reader(self.lines.read_from(begin), delimiter=self.delimiter)
            before = begin - 1
            try:
                for cells in reader:
                    end = before + reader.line_num
                    if end != begin or self.lines.careful:
                        problem, next_line = self._find_problem(begin, end, cells)
                        if problem:
                            self._reject(begin, problem)
                            begin, again = next_line, next_line <= end
                            if again:
                                self._count_again(begin, end)
                                break
                            continue
                    line, begin = begin, end + 1
                    self.lines.begin = begin
                    if any(cells) and (len(cells) > 1 or cells[0].strip()):
                        if look:
                            self.ends.append(end)
                        if self._is_half_written(end, cells):
                            self._reject(line, _HALF)
                            continue
                        self._usual = cells
                        yield line, cells
            except (csv.Error, RecordTooLongError):
                end = before + reader.line_num
                self._reject(begin, _LONG if end <= begin else _OPEN)
                begin, again = begin + 1, True
                self._count_again(begin, end)

    def _is_half_written(self, end: int, cells: list[str]) -> bool:
        """Whether it is short of cells, and the file ends without the end of its line: a copy that broke off."""
        if self.width is None or len(cells) >= self._least:
            return False
        return not self.lines.get(end, end)[-1].endswith(("\n", "\r"))

    def _reject(self, begin: int, problem: str) -> None:
        self.unreadable.append(UnreadableRow(begin, problem))
        if len(self.unreadable) > MOST_PENDING:
            raise DataError(
                "A table has rows with a cell for each heading",
                f"{self.lines.name} has more than {MOST_PENDING:,} rows near line {begin:,} that cannot be read",
                "check that it is the right file, and export it again",
            )

    def _count_again(self, begin: int, end: int) -> None:
        """Count what is read again; DataError if that is too much, so that no file can take endless time."""
        self.swallowing.append(begin - 1)
        self._read_again += max(STEP_BACK, sum(map(len, self.lines.get(begin, end))))
        if self._read_again > MOST_READ_AGAIN * self.lines.limits.record_characters:
            raise DataError(
                "A quote has to close in the row in which it opens",
                f"in {len(self.swallowing):,} rows of {self.lines.name} up to line {begin - 1:,} it does not",
                "close the quotes, or export the file again",
            )

    def _find_problem(self, begin: int, end: int, cells: list[str]) -> tuple[str, int]:
        """What is wrong with the record ("": nothing), and the line from which to read on."""
        lines = self.lines
        raw = lines.get(begin, end)
        if lines.has_ended:  # while it was read: whole records are there before the end of the file is
            return _OPEN, begin + 1
        if end > begin and self._has_swallowed(raw):
            return _SWALLOWS, begin + 1
        if lines.odd and any(line in lines.odd for line in range(begin, end + 1)):
            if any('\\"' in line for line in raw) and not self._is_strict(raw):
                return _BACKSLASH, end + 1
            if self.width is not None and is_total(cells):
                return _TOTAL, end + 1
        return "", end + 1

    def _is_strict(self, raw: list[str]) -> bool:
        """Whether the quotes are as they should be."""
        try:
            list(csv.reader(raw, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return False
        return True

    def _has_swallowed(self, raw: list[str]) -> bool:
        """Whether a line of the record, but the first, looks like a whole record by itself."""
        if self.width is None or self.width < 2:  # noqa: PLR2004  # a line of text is always one cell
            return False
        kinds = [_find_kind(text) for text in self._usual]
        first = [_find_kind(text) for text in raw[0].rstrip("\r\n").split(self.delimiter)]
        usual = [kind or other for kind, other in zip_longest(kinds, first, fillvalue="")][: self.width]
        return any(self._looks_whole(line, usual) for line in raw[1:])

    def _looks_whole(self, line: str, usual: Sequence[str]) -> bool:
        """Whether a line has a cell for each heading, with numbers and dates where the usual row has them."""
        cells = next(csv.reader([line], delimiter=self.delimiter), [])
        if len(cells) != self.width:
            return False
        pairs = [(_find_kind(cell), kind) for cell, kind in zip(cells, usual, strict=False) if kind in _VALUES]
        return any(mine == kind for mine, kind in pairs) and all(mine in (kind, "") for mine, kind in pairs)


def _find_kind(text: str) -> str:
    text = text.strip().strip('"')
    if not text:
        return ""
    if _DATE.fullmatch(text):
        return "date"
    return "number" if _NUMBER.fullmatch(text) else "text"


def read_chunks(
    name: str,
    records: Iterator[Numbered],
    columns: tuple[str, ...],
    wanted_columns: tuple[str, ...],
    *,
    unreadable: list[UnreadableRow],
    done: Callable[[], float],
    may_be_empty: bool = False,
) -> Iterator[Chunk]:
    """Records in chunks, with the wanted columns only; DataError if there are none, unless that may be.

    A record may be shorter than the headings (missing cells are blank) or longer by blank cells; one with more cells
    is added to `unreadable`, which each chunk takes over.
    """
    width, places = len(columns), [columns.index(column) for column in wanted_columns]
    pick: Callable[[list[str]], Any] = itemgetter(*places) if len(places) > 1 else lambda cells: _pick(cells, places)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    has_rows = False

    def build_chunk(share: float) -> Chunk:
        problems = tuple(unreadable)
        unreadable.clear()
        frame = build_text_frame(rows, wanted_columns)
        return Chunk(frame, np.array(lines, dtype=np.int64), share, unreadable=problems)

    for line, cells in records:
        if len(cells) != width and not _fit(cells, width):
            fact = f"it has {len(cells):,} cells, and there are {width:,} headings"
            unreadable.append(UnreadableRow(line, fact))
        else:
            rows.append(pick(cells))
            lines.append(line)
        if len(rows) >= CHUNK_ROWS or len(unreadable) >= CHUNK_ROWS:
            yield build_chunk(done())
            has_rows = True
            rows, lines = [], []
    if not (may_be_empty or has_rows or rows or unreadable):
        raise DataError(f"{name} needs rows below its headings", "it has none", "export it again")
    if rows or unreadable:
        yield build_chunk(1.0)


def _pick(cells: list[str], places: list[int]) -> tuple[str, ...]:
    return tuple(cells[place] for place in places)


def _fit(cells: list[str], width: int) -> bool:
    """Give the record as many cells as there are headings; False if it has more that are not blank."""
    if any(cell.strip() for cell in cells[width:]):
        return False
    cells.extend([""] * (width - len(cells)))
    return True
