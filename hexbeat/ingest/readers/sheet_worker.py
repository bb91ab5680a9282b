"""Reads one sheet of a workbook in a process of its own, with bounded memory and time, and writes it as CSV.

Started by its path (hexbeat.ingest.readers.spreadsheet), so it imports nothing of the project:
`python -I sheet_worker.py FILE SHEET BYTES SECONDS`. Standard output: one record a row, the sheet's row number first.
Problems go to standard error as JSON. Formulas are never evaluated: the saved values are read.
"""

import csv
import json
import sys
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Any

__all__ = ["cell_text", "main"]

PROBLEM = 3
EXACT = 2.0**53  # floats are exact for whole numbers up to here


def main(arguments: list[str]) -> int:
    """Write the sheet; 3 if there is a problem that standard error names."""
    path, sheet, most_bytes, most_s = arguments
    _limit_resources(int(most_bytes), int(most_s))
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  # after the bounds are set

    try:
        with CalamineWorkbook.from_path(path) as workbook:
            names = [item.name for item in workbook.sheets_metadata if _is_visible_sheet(item)]
            if sheet and sheet not in workbook.sheet_names:
                return _report_problem("no_sheet", names)
            filled = [sheet] if sheet else [name for name in names if workbook.get_sheet_by_name(name).height]
            if len(filled) != 1:
                return _report_problem("sheets" if filled else "empty", filled)
            _write_rows(workbook.get_sheet_by_name(filled[0]))
    except CalamineError as error:
        return _report_problem("damaged", [type(error).__name__])
    return 0


def _limit_resources(most_bytes: int, most_s: int) -> None:
    """Limit memory and CPU time, on systems that can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _is_visible_sheet(item: Any) -> bool:
    return str(item.visible).endswith("Visible") and str(item.typ).endswith("WorkSheet")


def _report_problem(word: str, names: list[str]) -> int:
    json.dump({"problem": word, "names": names[:20]}, sys.stderr)
    return PROBLEM


def _write_rows(sheet: Any) -> None:
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # a plain stream in this process
    out = csv.writer(sys.stdout)
    for number, cells in enumerate(sheet.iter_rows(), start=1):  # empty rows at the top are rows too
        texts = [cell_text(cell) for cell in cells]
        if any(texts):
            out.writerow([number, *texts])


def cell_text(value: Any) -> str:
    """A cell as text: ISO dates (a date alone where there is no time), whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)
    if isinstance(value, timedelta):
        value = (datetime(2000, 1, 1) + value).time()  # noqa: DTZ001  # only its clock is used
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, time):
        return value.isoformat("seconds")
    return "" if value is None else str(value)  # of a date: YYYY-MM-DD


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
