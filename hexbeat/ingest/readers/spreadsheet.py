"""Reads XLSX and ODS: checks the package, then runs python-calamine in a process with limited memory and time."""

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

    Values are read as they were saved: formulas are not evaluated and links are not followed. DataError if the workbook
    is protected, damaged, larger than the limits, or has several sheets with rows.
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
            records = _read_records(path.name, rows, worker, errors, limits)
            _, headings = next(records, (1, []))
            columns = check_headings(path.name, _strip_blank_end(headings), limits)

            def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
                return record_chunks(path.name, records, columns, wanted_columns, lambda: 0.5)

            yield TextTable(columns, chunks)
        finally:
            worker.kill()


def _strip_blank_end(headings: list[str]) -> list[str]:
    """The headings without the blank cells at the end, which formatting leaves behind."""
    width = max((place for place, text in enumerate(headings, start=1) if text.strip()), default=0)
    return headings[:width]


def _read_records(
    name: str, rows: TextIO, worker: subprocess.Popen[bytes], errors: IO[bytes], limits: Limits
) -> Iterator[Numbered]:
    """The rows that the worker writes; DataError if it reports a problem or ends without success."""
    for line, cells in enumerate(csv.reader(rows), start=1):
        if line > limits.rows:
            raise _build_error(name, f"the sheet has more than {limits.rows:,} rows", "split it")
        yield int(cells[0]), cells[1:]
    if worker.wait() != 0:
        errors.seek(0)
        raise _build_worker_error(name, errors.read(100_000).decode("utf-8", "replace"))


def _build_worker_error(name: str, output: str) -> DataError:
    """The worker's report as an error; if the worker ended without one, memory or time ran out."""
    try:
        report = json.loads(output)
        word, names = report["problem"], ", ".join(map(repr, report["names"]))
    except (ValueError, KeyError, TypeError):
        return _build_error(
            name, "it is damaged, or takes more memory or time to open than a workbook may", "save the sheet as CSV"
        )
    facts = {
        "empty": ("none of its sheets has rows", "put the records on one sheet"),
        "sheets": (f"the sheets {names} all have rows", 'keep one, or name it in a source profile: sheet = "…"'),
        "no_sheet": (f"it has only {names}, not the sheet that the profile names", "correct the sheet in the profile"),
    }
    return _build_error(
        name, *facts.get(word, ("it is damaged", "open it and save it again, or save the sheet as CSV"))
    )


def _build_error(name: str, fact: str, hint: str) -> DataError:
    return DataError(f"{name} has to be a workbook with one sheet of records", fact, hint)
