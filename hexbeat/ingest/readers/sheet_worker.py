"""Reads the sheets of a workbook in a process of its own, with bounded memory and time, and writes them as JSON lines.

Started by its path (hexbeat.ingest.readers.spreadsheet), so it imports nothing of the project:
`python -I sheet_worker.py FILE SHEET ROWS BYTES SECONDS`. First it writes, for each visible sheet (or the named one),
its first filled rows, and then the names of the hidden sheets. Standard input answers with the list of the sheets to
write whole. A row is [number in the sheet, cells]. Problems go to standard error as JSON. Formulas are never evaluated:
the saved values are read. A cell with an error has no value, so it is blank.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Any

__all__ = ["cell_text", "main"]

PROBLEM = 3
MOST_WRITTEN = 1_000_000  # bytes of a file: the report of a problem is the only one
EXACT = 2.0**53  # floats are exact for whole numbers up to here
LONGEST_CELL = 131_072
LONGEST_ROW = 1_000_000
MOST_KEPT = 3_000_000  # cells of sheets that are kept between the look and the reading
SECOND = 1_000_000  # in microseconds


def main(arguments: list[str]) -> int:
    """Write the sheets; 3 if there is a problem that standard error names."""
    path, sheet, rows, most_bytes, most_s = arguments
    _limit_resources(int(most_bytes), int(most_s))
    import python_calamine  # noqa: PLC0415  # after the bounds are set

    try:
        with python_calamine.CalamineWorkbook.from_path(path) as workbook:
            return _write_workbook(workbook, sheet, int(rows))
    except python_calamine.PasswordError:
        return _report_problem("password", [])
    except python_calamine.CalamineError as error:
        return _report_problem("damaged", [type(error).__name__])


def _limit_resources(most_bytes: int, most_s: int) -> None:
    """Limit memory and CPU time, on systems that can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))


def _write_workbook(workbook: Any, sheet: str, rows: int) -> int:
    """The look at each sheet, then the sheets that the answer names."""
    sheets = [item for item in workbook.sheets_metadata if str(item.typ).endswith("WorkSheet")]
    visible = [item.name for item in sheets if str(item.visible).endswith("Visible")]
    if sheet and sheet not in workbook.sheet_names:
        return _report_problem("no_sheet", visible)
    data_by_sheet: dict[str, Any] = {}
    cells = 0
    for name in [sheet] if sheet else visible:
        data = workbook.get_sheet_by_name(name)
        first = [row for _, row in zip(range(rows), _list_rows(data), strict=False)]
        _write({"sheet": name, "height": data.total_height, "rows": first})
        cells += data.total_height * data.total_width
        if not data_by_sheet or cells <= MOST_KEPT:
            data_by_sheet[name] = data
    _write({"hidden": [item.name for item in sheets if item.name not in visible and item.name != sheet]})
    sys.stdout.flush()
    for name in json.loads(sys.stdin.readline() or "[]"):
        _write({"sheet": name})
        for row in _list_rows(data_by_sheet.pop(name, None) or workbook.get_sheet_by_name(name)):
            _write(row)
    return 0


def _write(item: Any) -> None:
    sys.stdout.write(json.dumps(item, separators=(",", ":")))
    sys.stdout.write("\n")


def _report_problem(word: str, names: list[str]) -> int:
    json.dump({"problem": word, "names": names[:20]}, sys.stderr)
    return PROBLEM


def _list_rows(sheet: Any) -> Iterator[list[Any]]:
    """The filled rows, [number, cells]; without cells if they are longer than those of a row may be."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):  # empty rows at the top are rows too
        texts = [cell_text(cell) for cell in cells]
        if any(texts):
            lengths = list(map(len, texts))
            too_long = max(lengths) > LONGEST_CELL or sum(lengths) > LONGEST_ROW
            yield [number, None if too_long else texts]


def cell_text(value: Any) -> str:
    """A cell as text: ISO dates (a date alone where there is no time), whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)
    if isinstance(value, timedelta):
        return _format_duration(value)
    if isinstance(value, datetime):
        timestamp = _round_second(value)
        return timestamp.date().isoformat() if timestamp.time() == time() else timestamp.isoformat(" ", "seconds")
    if isinstance(value, time):
        return value.isoformat("seconds")
    return "" if value is None else str(value)  # of a date: YYYY-MM-DD


def _round_second(value: datetime) -> datetime:
    """The nearest second: a clock is saved as a fraction of a day, and may lack a little."""
    with suppress(OverflowError):
        value += timedelta(microseconds=SECOND // 2)
    return value.replace(microsecond=0)


def _format_duration(value: timedelta) -> str:
    """A clock as HH:MM:SS, or more than 24 hours if it is no time of day."""
    seconds = round(value.total_seconds())
    sign = "-" if seconds < 0 else ""
    minutes, second = divmod(abs(seconds), 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
