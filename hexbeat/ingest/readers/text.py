"""Reads CSV and TSV: any delimiter, quoted line breaks, byte order marks; rows as text with the line they begin at."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from hexbeat.ingest.readers.heading_rows import HeadingRow, Numbered, choose_heading_row, find_heading_row
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file
from hexbeat.ingest.readers.opened_file import Chunk, ReadOptions, TextTable, check_headings
from hexbeat.ingest.readers.records import Records, read_chunks
from hexbeat.ingest.readers.text_lines import Lines, RecordTooLongError, detect_encoding

__all__ = ["open_text"]

DELIMITERS: Final = (",", "\t", ";", "|")
LOOK_LINES: Final = 60
_SEPARATOR: Final = re.compile(r'"?sep=(.|\\t)"?\s*', re.IGNORECASE)  # a first line that Excel writes and reads


@contextmanager
def open_text(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open a CSV or TSV file; DataError if it is not text, in another encoding, or has no headings or rows.

    The headings may stand below titles, notes and blank rows (`heading_rows`). A row that is no record is handed over
    as unreadable, and the others are read.
    """
    size = check_file(path, most_bytes=limits.text_bytes)
    encoding, remarks = detect_encoding(path, options.encoding)
    with path.open("rb") as binary:
        records, row, first_line = _find_headings(Lines(path.name, binary, encoding, limits), path, options)
        remarks += row.describe(path.name)
        columns = check_headings(path.name, row.headings, limits)

        def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
            yield from read_chunks(
                path.name, records.read(first_line, columns), columns, wanted_columns,
                unreadable=records.unreadable, done=lambda: min(binary.tell() / size, 1.0),
            )  # fmt: skip
            remarks.extend(_describe_swallowing(path.name, records.swallowing))

        yield TextTable(columns, chunks, remarks=remarks)


def _find_headings(lines: Lines, path: Path, options: ReadOptions) -> tuple[Records, HeadingRow, int]:
    """The records of a file, its headings, and the line below them.

    Of several delimiters that are possible, the first with which the headings fit.
    """
    lines.holds = True
    stated = _SEPARATOR.fullmatch(next(lines.read_from(1), ""))
    begin = options.headings or (2 if stated else 1)
    sample = _take_sample(lines, begin)
    if options.delimiter or stated:
        delimiters = [options.delimiter or ("\t" if stated and stated[1] == "\\t" else stated[1] if stated else ",")]
    elif path.suffix.lower() == ".tsv":
        delimiters = ["\t"]
    else:
        delimiters = _rank_delimiters(sample)
    tables = [Records(lines, delimiter) for delimiter in delimiters]
    if options.fits and options.headings is None:
        for records in tables:
            for rows, ends in _list_rows(records, begin, sample):
                row = find_heading_row(rows, options.fits)
                if row:
                    return records, row, ends[row.records - 1] + 1
    records = tables[0]
    rows, ends = next(_list_rows(records, begin, sample))
    row = choose_heading_row(path.name, rows, line=options.headings)
    return records, row, ends[row.records - 1] + 1 if ends else begin


def _take_sample(lines: Lines, begin: int) -> list[str]:
    """The first lines from that one on: as many as are kept at once."""
    sample: list[str] = []
    with suppress(RecordTooLongError):
        sample.extend(islice(lines.read_from(begin), LOOK_LINES))
    return sample


def _list_rows(records: Records, begin: int, sample: list[str]) -> Iterator[tuple[list[Numbered], list[int]]]:
    """The first records and the lines at which they end; then, if a quote may have swallowed some, every line alone."""
    rows = records.look(begin)
    yield rows, records.ends
    if len(rows) < len(sample):
        alone = [(line, _split(text, records.delimiter)) for line, text in enumerate(sample, start=begin)]
        yield alone, [line for line, _ in alone]


def _rank_delimiters(sample: Sequence[str]) -> list[str]:
    """The delimiters, first the one that gives most lines equally many cells; a comma if none occurs."""

    def count_agreeing(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(_split(line, delimiter)) for line in sample)
        return max(((times, width) for width, times in widths.items() if width > 1), default=(0, 0))

    return sorted(DELIMITERS, key=count_agreeing, reverse=True)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell that is too long
        return []


def _describe_swallowing(name: str, lines: Sequence[int]) -> list[str]:
    """A remark on the rows whose quotes had swallowed others."""
    if not lines:
        return []
    where = f"line {lines[0]:,}" + (f" and {len(lines) - 1:,} more" if len(lines) > 1 else "")
    return [f"{name}: a quote in {where} does not close; the rows below it were read one by one"]
