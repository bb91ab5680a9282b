"""Reads XLSX, XLSM, XLSB, XLS and ODS: checks the file, then runs python-calamine in a process with limited memory.

Sheets of one form, such as one a month, are read as one table. Sheets of another form, such as a cover, and hidden ones
are passed over. The person is told of all that.
"""

import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final, TextIO

from geo.errors import DataError
from hexbeat.environment import select_environment
from hexbeat.ingest.readers.heading_rows import (
    LOOK_ROWS,
    HeadingRow,
    Numbered,
    choose_heading_row,
    find_heading_row,
    is_total,
)
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file, check_package
from hexbeat.ingest.readers.opened_file import Chunk, ReadOptions, TextTable, UnreadableRow, check_headings
from hexbeat.ingest.readers.records import read_chunks
from layers.wording import format_list

__all__ = ["open_spreadsheet"]

WORKER: Final = Path(__file__).with_name("sheet_worker.py")
OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_REPEATS: Final = 3  # rows of a sheet that may all stand on other sheets by chance
_LONG: Final = "it has a cell or row of more characters than Hexbeat reads"


@contextmanager
def open_spreadsheet(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open the sheets of a workbook that have the headings that are needed, or the one that the profile names.

    Values are read as they were saved: formulas are not evaluated and links are not followed. Hidden rows are rows, and
    are read; hidden sheets only if they are named. DataError if the workbook is protected, damaged, or larger than the
    limits.
    """
    check_file(path, most_bytes=limits.package_bytes)
    if path.suffix.lower() == ".xls":
        _check_old_workbook(path)
    else:
        check_package(path, limits=limits)
    rows = str(max(LOOK_ROWS, options.headings or 0))
    command = [sys.executable, "-I", str(WORKER), str(path.resolve()), options.sheet or "", rows]
    bounds = [str(limits.worker_bytes), str(limits.worker_s)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603  # this interpreter and our own file; no shell
            [*command, *bounds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=select_environment()
        ) as worker,
        io.TextIOWrapper(worker.stdout or io.BytesIO(), encoding="utf-8") as output,
    ):  # fmt: skip
        try:
            workbook = _Workbook(path.name, output, worker, errors, limits)
            yield _choose_sheets(workbook, options)
        finally:
            worker.kill()


def _check_old_workbook(path: Path) -> None:
    """DataError unless the file is what its ending .xls says: other programs save web pages and texts under it."""
    with path.open("rb") as file:
        start = file.read(1000)
    if start.startswith(OLD_WORKBOOK):
        return
    fact, hint = "its first bytes do not fit", "export it again, or correct the ending of its name"
    if start.startswith(b"PK"):
        fact, hint = "it is a newer workbook", "correct the ending of its name to .xlsx"
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        fact, hint = "it is a web page or XML", "open it in a spreadsheet program and save it as XLSX"
    elif b"\x00" not in start:
        fact, hint = "it is text", "correct the ending of its name to .csv"
    raise DataError(f"{path.name} has to be a workbook of Excel 97 to 2003 (XLS), as its name says", fact, hint)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """The first filled rows of a sheet, and its height."""

    name: str
    height: int
    rows: list[Numbered]


@dataclass(frozen=True, slots=True, eq=False)
class _Workbook:
    """The process that reads a workbook, and what it writes."""

    name: str
    output: TextIO
    worker: subprocess.Popen[bytes]
    errors: IO[bytes]
    limits: Limits

    def look(self) -> tuple[list[_Look], list[str]]:
        """The first rows of each sheet that has any, and the names of the hidden sheets."""
        looks = []
        while "hidden" not in (item := self.read_item() or {"hidden": []}):
            rows = [(number, cells) for number, cells in item["rows"] if cells is not None]
            if rows:
                looks.append(_Look(item["sheet"], item["height"], rows))
        return looks, item["hidden"]

    def request(self, names: Sequence[str]) -> None:
        """Ask for the sheets to read whole."""
        with suppress(BrokenPipeError):  # it has ended: reading says why
            if self.worker.stdin:
                self.worker.stdin.write((json.dumps(list(names)) + "\n").encode())
                self.worker.stdin.close()
        self.read_item()  # the name of the first

    def read_rows(self, after: int, unreadable: list[UnreadableRow], width: int) -> Iterator[Numbered]:
        """The rows of the sheet that comes next, below the row `after`; cells beside the headings are left out."""
        rows = 0
        while isinstance(row := self.read_item(), list):
            rows += 1
            if rows > self.limits.rows:
                raise _build_error(self.name, f"a sheet has more than {self.limits.rows:,} rows", "split it")
            number, cells = row
            if number <= after:
                continue
            if cells is None or is_total(cells):
                unreadable.append(UnreadableRow(number, _LONG if cells is None else "it is a total of other rows"))
            elif any(text.strip() for text in cells[:width]):
                yield number, cells[:width]

    def read_item(self) -> Any:
        """What the process writes next; None at its end. DataError if it reports a problem or ends without success."""
        line = self.output.readline()
        if line.endswith("\n"):
            return json.loads(line)
        if self.worker.wait() != 0:
            self.errors.seek(0)
            raise _build_worker_error(self.name, self.errors.read(100_000).decode("utf-8", "replace"))
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """A sheet to read: its headings, and the row in which they end."""

    name: str
    row: HeadingRow
    columns: tuple[str, ...]

    def find_columns(self, wanted: Sequence[str], file: str, first: str) -> tuple[str, ...]:
        """This sheet's own headings for those of the first sheet; DataError if one is missing."""
        folded = {_fold(column): column for column in reversed(self.columns)}
        missing = [column for column in wanted if _fold(column) not in folded]
        if missing:
            raise DataError(
                "Sheets that are read as one table have the same headings",
                f"the sheet {self.name} of {file} has no column {missing[0]}, which the sheet {first} has",
                "add the column, or name one sheet",
            )
        return tuple(column if column in self.columns else folded[_fold(column)] for column in wanted)


def _fold(heading: str) -> str:
    return re.sub(r"[\s_\-]+", "", heading).casefold()


def _choose_sheets(workbook: _Workbook, options: ReadOptions) -> TextTable:
    """The table of the sheets that fit, with remarks on those that do not."""
    looks, hidden = workbook.look()
    if not looks:
        raise _build_error(workbook.name, "none of its sheets has rows", "put the records on one sheet")
    rows = _find_fitting(looks, options) or _choose_by_form(workbook.name, looks, options)
    sheets = [
        _Sheet(name, row, check_headings(workbook.name, _strip_blank_end(row.headings), workbook.limits))
        for name, row in rows.items()
    ]
    remarks = _describe_sheets(workbook.name, sheets, [look.name for look in looks], hidden)
    columns = sheets[0].columns

    def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
        own_columns = [sheet.find_columns(wanted_columns, workbook.name, sheets[0].name) for sheet in sheets]
        workbook.request([sheet.name for sheet in sheets])
        yield from _read_sheets(workbook, sheets, own_columns, wanted_columns)

    return TextTable(columns, chunks, remarks=remarks)


def _find_fitting(looks: Sequence[_Look], options: ReadOptions) -> dict[str, HeadingRow]:
    """The sheets that have the headings that are needed, each with its row of headings."""
    if options.fits is None:
        return {}
    heading_rows = {}
    for look in looks:
        rows = look.rows if options.headings is None else [row for row in look.rows if row[0] == options.headings]
        row = find_heading_row(rows, options.fits)
        if row:
            heading_rows[look.name] = row
    return heading_rows


def _choose_by_form(name: str, looks: Sequence[_Look], options: ReadOptions) -> dict[str, HeadingRow]:
    """The sheets of the form that has most rows: those with the same headings."""
    forms: dict[tuple[str, ...], dict[str, HeadingRow]] = {}
    heights: dict[tuple[str, ...], int] = {}
    for look in looks:
        if options.headings and len(looks) > 1 and options.headings not in [line for line, _ in look.rows]:
            continue
        row = choose_heading_row(f"{name}, sheet {look.name},", look.rows, line=options.headings)
        form = tuple(sorted(_fold(heading) for heading in row.headings if heading.strip()))
        forms.setdefault(form, {})[look.name] = row
        heights[form] = heights.get(form, 0) + look.height
    if not forms:
        raise _build_error(name, f"no sheet has texts in row {options.headings}", "correct headings in the profile")
    return forms[max(heights, key=lambda form: (len(form) > 1, heights[form]))]


def _describe_sheets(name: str, sheets: Sequence[_Sheet], filled: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """Remarks on the rows of the headings, the sheets that are read as one table, and those that are not read."""
    names = [sheet.name for sheet in sheets]
    others = [sheet for sheet in filled if sheet not in names]
    remarks = [f"{name}: the sheets {format_list(names)} were read as one table"] if len(names) > 1 else []
    if others:
        remarks.append(f"{name}: {_count_sheets(others)} not read, as {'it has' if len(others) == 1 else 'they have'} "
                       f"other headings than {names[0]}")  # fmt: skip
    if hidden:
        remarks.append(f"{name}: {_count_sheets(hidden, 'hidden ')} not read")
    several = len(filled) > 1
    return remarks + [
        remark for sheet in sheets for remark in sheet.row.describe(f"{name}, sheet {sheet.name}" if several else name)
    ]


def _count_sheets(names: Sequence[str], kind: str = "") -> str:
    return f"the {kind}sheet{'s' if len(names) > 1 else ''} {format_list(names)} {'were' if len(names) > 1 else 'was'}"


def _strip_blank_end(headings: list[str]) -> list[str]:
    """The headings without the blank cells at the end, which formatting leaves behind."""
    width = max((place for place, text in enumerate(headings, start=1) if text.strip()), default=0)
    return headings[:width]


def _read_sheets(
    workbook: _Workbook, sheets: Sequence[_Sheet], own_columns: Sequence[tuple[str, ...]], wanted: tuple[str, ...]
) -> Iterator[Chunk]:
    """The chunks of each sheet; DataError if none has rows, or one only repeats rows of the others."""
    several = len(sheets) > 1
    known: set[int] = set()
    rows_read = 0
    for sheet, own in zip(sheets, own_columns, strict=True):
        unreadable: list[UnreadableRow] = []
        rows = workbook.read_rows(sheet.row.lines[-1], unreadable, len(sheet.columns))
        rows_before, repeats, hashes = rows_read, 0, set[int]()
        for chunk in read_chunks(
            workbook.name, rows, sheet.columns, own, unreadable=unreadable, done=lambda: 0.5, may_be_empty=several
        ):
            rows_read += len(chunk.lines)
            if several:
                keys = [hash(row) for row in chunk.frame.itertuples(index=False, name=None)]
                repeats += sum(key in known for key in keys)
                hashes.update(keys)
            columns = chunk.frame.set_axis(list(wanted), axis=1)
            yield replace(chunk, frame=columns, sheet=sheet.name if several else None)
        known |= hashes
        _require_own_rows(workbook.name, sheet.name, rows=rows_read - rows_before, repeats=repeats)
    if not rows_read and several:
        raise DataError(f"{workbook.name} needs rows below its headings", "it has none", "export it again")


def _require_own_rows(name: str, sheet: str, *, rows: int, repeats: int) -> None:
    if rows > MOST_REPEATS and repeats == rows:
        raise DataError(
            "Sheets that are read as one table have different rows",
            f"all {rows:,} rows of the sheet {sheet} of {name} stand on other sheets too",
            "name one sheet, or delete the sheet that repeats the others",
        )


def _build_worker_error(name: str, output: str) -> DataError:
    """The worker's report as an error; if the worker ended without one, memory or time ran out."""
    try:
        report = json.loads(output)
        word, names = report["problem"], ", ".join(map(repr, report["names"]))
    except (ValueError, KeyError, TypeError):
        return _build_error(
            name, "it is damaged, or takes more memory or time to open than a workbook may", "save the sheet as CSV"
        )
    facts: Mapping[str, tuple[str, str]] = {
        "password": ("it has a password", "save it without a password, or as CSV"),
        "no_sheet": (f"it has only {names}, not the sheet that is named", "correct the name of the sheet"),
    }
    return _build_error(
        name, *facts.get(word, ("it is damaged", "open it and save it again, or save the sheet as CSV"))
    )


def _build_error(name: str, fact: str, hint: str) -> DataError:
    return DataError(f"{name} has to be a workbook with one sheet of records", fact, hint)
