"""XLSX and ODS: checked as a package first, then read by python-calamine in a process with bounded memory and time."""

import csv
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, TextIO

from geo.errors import DataError
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file, check_package
from hexbeat.ingest.readers.opened_file import Chunk, ReadOptions, TextTable, check_headings
from hexbeat.ingest.readers.text import Numbered, record_chunks

__all__ = ["open_spreadsheet"]

WORKER: Final = Path(__file__).with_name("sheet_worker.py")


@contextmanager
def open_spreadsheet(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open the only filled sheet of a workbook, or the one that the profile names.

    Values are read as they were saved: formulas are not evaluated and links are not followed. DataError if the
    workbook is protected, damaged, larger than the limits, or has several filled sheets.
    """
    check_file(path, most_bytes=limits.package_bytes)
    check_package(path, limits=limits)
    command = [sys.executable, "-I", str(WORKER), str(path.resolve()), options.sheet or ""]
    bounds = [str(limits.worker_bytes), str(limits.worker_s)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603  # this interpreter and our own file; no shell
            [*command, *bounds], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as worker,
        io.TextIOWrapper(worker.stdout or io.BytesIO(), encoding="utf-8", newline="") as rows,
    ):  # fmt: skip
        try:
            records = _records(path.name, rows, worker, errors, limits)
            _, headings = next(records, (1, []))
            columns = check_headings(path.name, _until_blank(headings), limits)

            def chunks(wanted: tuple[str, ...]) -> Iterator[Chunk]:
                return record_chunks(path.name, records, columns, wanted, lambda: 0.5)

            yield TextTable(columns, chunks)
        finally:
            worker.kill()


def _until_blank(headings: list[str]) -> list[str]:
    """Without the blank cells at the end, which formatting leaves behind."""
    last = max((place for place, text in enumerate(headings, start=1) if text.strip()), default=0)
    return headings[:last]


def _records(
    name: str, rows: TextIO, worker: subprocess.Popen[bytes], errors: IO[bytes], limits: Limits
) -> Iterator[Numbered]:
    """The rows that the worker writes; DataError if it says or shows that it could not read them."""
    for line, cells in enumerate(csv.reader(rows), start=1):
        if line > limits.rows:
            raise _unusable(name, f"the sheet has more than {limits.rows:,} rows", "split it")
        yield int(cells[0]), cells[1:]
    if worker.wait() != 0:
        errors.seek(0)
        raise _problem(name, errors.read(100_000).decode("utf-8", "replace"))


def _problem(name: str, output: str) -> DataError:
    """The worker's report as an error; if the worker ended without one, memory or time ran out."""
    try:
        report = json.loads(output)
        word, names = report["problem"], ", ".join(map(repr, report["names"]))
    except (ValueError, KeyError, TypeError):
        return _unusable(
            name, "it is damaged, or takes more memory or time to open than a workbook may", "save the sheet as CSV"
        )
    facts = {
        "empty": ("none of its sheets has rows", "put the records on one sheet"),
        "sheets": (f"the sheets {names} all have rows", 'keep one, or name it in a source profile: sheet = "…"'),
        "no_sheet": (f"it has only {names}, not the sheet that the profile names", "correct the sheet in the profile"),
    }
    return _unusable(name, *facts.get(word, ("it is damaged", "open it and save it again, or save the sheet as CSV")))


def _unusable(name: str, fact: str, hint: str) -> DataError:
    return DataError(f"{name} has to be a workbook with one sheet of records", fact, hint)
