"""Reads CSV and TSV: any delimiter, quoted line breaks, byte order marks; rows as text with the line they begin at."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from geo.errors import DataError
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file, detect_kind
from hexbeat.ingest.readers.opened_file import (
    CHUNK_ROWS,
    Chunk,
    ReadOptions,
    TextTable,
    build_text_frame,
    check_headings,
)

__all__ = ["Numbered", "open_text", "record_chunks"]

DELIMITERS: Final = (",", "\t", ";", "|")
LOOK_BYTES: Final = 65_536
Numbered = tuple[int, list[str]]  # the line at which a record begins, and its cells


@contextmanager
def open_text(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open a CSV or TSV file; DataError if it is not text, in another encoding, or has no headings or rows."""
    size = check_file(path, most_bytes=limits.text_bytes)
    encoding = _detect_encoding(path, options.encoding)
    with path.open("rb") as binary:
        text = io.TextIOWrapper(binary, encoding=encoding, newline="")
        lines = _Lines(path.name, text, encoding, limits)
        first_line = next(iter(lines), "")
        while first_line and not first_line.strip():
            first_line = next(lines, "")
        delimiter = options.delimiter or ("\t" if path.suffix.lower() == ".tsv" else _choose_delimiter(first_line))
        records = _read_records(lines, first_line, delimiter)
        _, headings = next(records, (1, []))
        columns = check_headings(path.name, headings, limits)

        def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
            return record_chunks(path.name, records, columns, wanted_columns, lambda: min(binary.tell() / size, 1.0))

        yield TextTable(columns, chunks)


def _detect_encoding(path: Path, profile_encoding: str | None) -> str:
    """The encoding by byte order mark, else the named one, else UTF-8; DataError if the file is not text at all."""
    with path.open("rb") as file:
        start = file.read(LOOK_BYTES)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    kind = detect_kind(start)
    wide = (profile_encoding or "").lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if kind or (b"\x00" in start and not wide):
        raise DataError(
            f"{path.name} has to be text, as CSV is",
            f"it is {kind or 'binary'}",
            "export it as CSV in UTF-8, or correct the ending of its name",
        )
    return profile_encoding or "utf-8"


def _choose_delimiter(line: str) -> str:
    """The most frequent delimiter of the heading line; a comma if it has none."""
    return max(DELIMITERS, key=line.count)


class _Lines:
    """The lines of a text file, numbered, none longer than the limit. `held` are those of the record being read."""

    def __init__(self, name: str, text: TextIO, encoding: str, limits: Limits) -> None:
        self.name, self.text, self.encoding, self.limits = name, text, encoding, limits
        self.number = 0
        self.held: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        most = self.limits.line_characters
        try:
            line = self.text.readline(most + 1)
        except UnicodeError as error:
            raise DataError(
                f"{self.name} has to be in {self.encoding.upper()}",
                f"the text near line {self.number + 1} is not",
                'save it as UTF-8, or name its encoding in a source profile: encoding = "cp1252" for Excel on Windows',
            ) from error
        if not line:
            raise StopIteration
        if len(line) > most:
            raise DataError(
                f"A line has at most {most:,} characters",
                f"line {self.number + 1} of {self.name} is longer",
                "check that the file is a CSV with line breaks",
            )
        self.number += 1
        self.held.append(line)
        return line


def _read_records(lines: _Lines, first_line: str, delimiter: str) -> Iterator[Numbered]:
    """Records with the line at which each begins; blank lines are skipped."""
    begin = lines.number
    reader = csv.reader(_prepend_line(first_line, lines), delimiter=delimiter)
    try:
        for cells in reader:
            if cells and (len(cells) > 1 or cells[0].strip()):
                yield begin, cells
            last_lines, begin = list(lines.held), lines.number + 1
            lines.held.clear()
        list(csv.reader(last_lines if first_line else [], delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" not in str(error) and "limit" not in str(error):
            return  # the last record is only untidy, and was read
        raise DataError(
            f"A cell has at most {csv.field_size_limit():,} characters, and closes its quotes",
            f"in {lines.name} the record that begins at line "
            f"{begin - (len(last_lines) if 'unexpected' in str(error) else 0)} does not end",
            "close the quote that opens there",
        ) from error


def _prepend_line(first_line: str, lines: _Lines) -> Iterator[str]:
    if first_line:
        yield first_line
    yield from lines


def record_chunks(
    name: str,
    records: Iterator[Numbered],
    columns: tuple[str, ...],
    wanted_columns: tuple[str, ...],
    done: Callable[[], float],
) -> Iterator[Chunk]:
    """Records in chunks, with the wanted columns only; DataError if there are none or one is wider than the headings.

    A record may be shorter than the headings (missing cells are blank) or longer by blank cells.
    """
    width, places = len(columns), [columns.index(column) for column in wanted_columns]
    pick: Callable[[list[str]], Any] = itemgetter(*places) if len(places) > 1 else lambda cells: _pick(cells, places)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    rows_read = 0
    for line, cells in records:
        if len(cells) != width:
            _fit(name, line, cells, width)
        rows.append(pick(cells))
        lines.append(line)
        if len(rows) >= CHUNK_ROWS:
            yield Chunk(build_text_frame(rows, wanted_columns), np.array(lines, dtype=np.int64), done())
            rows_read += len(rows)
            rows, lines = [], []
    if not rows_read and not rows:
        raise DataError(f"{name} needs rows below its headings", "it has none", "export it again")
    if rows:
        yield Chunk(build_text_frame(rows, wanted_columns), np.array(lines, dtype=np.int64), 1.0)


def _pick(cells: list[str], places: list[int]) -> tuple[str, ...]:
    return tuple(cells[place] for place in places)


def _fit(name: str, line: int, cells: list[str], width: int) -> None:
    """Give the record as many cells as there are headings."""
    if any(cell.strip() for cell in cells[width:]):
        raise DataError(
            "A row has no more cells than there are headings",
            f"line {line} of {name} has {len(cells)} cells, and there are {width} headings",
            "put quotes around texts that contain the delimiter",
        )
    cells.extend([""] * (width - len(cells)))
