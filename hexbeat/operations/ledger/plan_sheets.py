"""Reads sheets of work done: which column holds what. Columns that may name people are refused."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from geo.errors import DataError
from hexbeat.ingest.parsing.dates import DAY, MONTH, Timestamps, parse_timestamps
from hexbeat.operations.spreadsheets import PLACE_FIELDS, PlaceSheet, fold_heading, read_place_sheet

__all__ = ["FIELDS", "UNREAD", "VisitSheetRow", "read_visit_sheet"]

FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "team": ("crew", "team name", "crew name", "unit"),
    "started": ("start", "started at", "start time", "arrived", "from", "date started", "date and time", "date"),
    "clock": ("time", "time started", "time arrived"),
    "ended": ("end", "ended at", "end time", "finished", "finish", "left", "until"),
    "minutes": ("mins", "duration", "duration minutes", "minutes spent", "time spent minutes", "delivered minutes"),
    "needles": ("needles collected", "needles found", "quantity", "sharps", "sharps collected"),
    "place": ("location", "site", "place name", "stop name", "where"),
    "stop": ("stop id", "stop number"),
    "outcome": ("done", "result", "visited", "swept"),
    "kind": ("type", "work"),
    "ref": ("reference", "source id", "id", "record"),
}
_PLAN_FIELDS: Final[Mapping[str, Sequence[str]]] = {"plan_id": (), "arrive": (), "minutes_spent": ()}
_PLAN_FILE_HEADINGS: Final = frozenset(
    {"planid", "stopid", "team", "arrive", "minutes", "wardname"}
)  # of a plan's own file
_PLAN_FILE_TAB: Final = "Stops"
UNREAD: Final = "unread"  # the field of a column that Hexbeat should not read
_PEOPLE_WORDS: Final = frozenset(
    {"name", "names", "who", "by", "pc", "pcso", "ps", "dob", "initials", "person", "people"}
)
_PEOPLE_PARTS: Final = (
    *("officer", "warden", "operative", "staff", "employee", "surname", "forename", "firstname", "lastname"),
    *("fullname", "collar", "shoulder", "badge", "payroll", "phone", "mobile", "email", "signature", "driver"),
    *("sergeant", "constable", "birth"),
)
_CLOCK: Final = re.compile(r"(\d{1,2}:\d\d)(:\d\d)?")
_FORMATS: Final = (
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d %b %Y %H:%M", "%d %b %Y", "%d %B %Y %H:%M", "%d %B %Y"),
    *("%d-%m-%Y %H:%M", "%d-%m-%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%y %H:%M", "%d/%m/%y"),
)


@dataclass(frozen=True, slots=True)
class VisitSheetRow:
    """One row of a sheet: its line in the file, texts by field ("" where blank), point, start and end.

    `plan_id` is the plan of a plan's own file, "" in any other file. `lon` and `lat` are None where the row has no
    coordinates, and infinity where they cannot be a place (never NaN). `started` and `ended` are UTC seconds, None
    where blank. `bad_date`: one of them cannot be read. `day_only`: the start has no time of day.
    `unreadable`: the row is no record, and has no texts.
    """

    line: int
    plan_id: str
    texts: Mapping[str, str]
    lon: float | None
    lat: float | None
    started: int | None
    ended: int | None
    bad_date: bool
    day_only: bool
    unreadable: bool = False


def read_visit_sheet(
    path: Path, *, time_zone: str, headings_by_field: Mapping[str, str] | None = None, unread: Sequence[str] = ()
) -> list[VisitSheetRow]:
    """The rows of a sheet; local times are of `time_zone`.

    `headings_by_field` gives a field another heading, as in {"team": "Crew 4"}. A plan's own CSV or workbook, once it
    is filled in, is such a sheet; its planned times do not count as work done. DataError if the file cannot be read as
    a whole, or has a column that may name people and is neither in `headings_by_field` nor in `unread`.
    """
    sheet = _read_own_sheet(path, headings_by_field)
    _refuse_people(path.name, sheet, set(headings_by_field.values()) if headings_by_field else set(), unread)
    rows = len(sheet.lines)
    blank = pd.Series([""] * rows, dtype="object")
    texts = {field: sheet.texts.get(field, blank) for field in FIELDS}
    plan_ids = blank
    if _is_plan_file(sheet):
        plan_ids = sheet.texts["plan_id"]
        texts |= _find_filled(texts, sheet.texts["arrive"], sheet.texts.get("minutes_spent", blank))
    clocks = sheet.texts.get("clock")
    start = parse_timestamps(texts["started"], formats=_FORMATS, time_zone=time_zone, clocks=clocks)
    end = parse_timestamps(_date_ends(texts["ended"], start), formats=_FORMATS, time_zone=time_zone)
    columns = {field: list(map(str, column)) for field, column in (texts | {"plan_id": plan_ids}).items()}
    sheet_rows = [_build_row(sheet, columns, start, end, k) for k in range(rows)]
    return sheet_rows + [_build_unreadable(row.line) for row in sheet.unreadable]


def _build_unreadable(line: int) -> VisitSheetRow:
    """A row that is no record, to be rejected."""
    texts = dict.fromkeys(FIELDS, "")
    return VisitSheetRow(line, "", texts, None, None, None, None, bad_date=False, day_only=False, unreadable=True)


def _read_own_sheet(path: Path, headings_by_field: Mapping[str, str] | None) -> PlaceSheet:
    """The rows of the file; of a plan's own workbook, those of the sheet of stops."""
    fields = {**FIELDS, **_PLAN_FIELDS}
    if path.suffix.lower() in {".xlsx", ".ods"}:
        with suppress(DataError):
            sheet = read_place_sheet(path, fields=fields, headings_by_field=headings_by_field, tab=_PLAN_FILE_TAB)
            if _is_plan_file(sheet):
                return sheet
    return read_place_sheet(path, fields=fields, headings_by_field=headings_by_field)


def _is_plan_file(sheet: PlaceSheet) -> bool:
    return {fold_heading(heading) for heading in sheet.headings} >= _PLAN_FILE_HEADINGS


def _find_filled(texts: Mapping[str, pd.Series], arrive: pd.Series, spent: pd.Series) -> dict[str, pd.Series]:
    """Starts and minutes of a plan's own file; a start without a day gets the day of the planned arrival.

    The file's minutes are the planned ones. They count where a stop was done and the row does not say for how long.
    """
    starts, minutes = [], []
    for row, (started, planned) in enumerate(zip(texts["started"], arrive, strict=True)):
        starts.append(_date_clock(started, planned))
        done = started or texts["outcome"].iloc[row]
        as_planned = texts["minutes"].iloc[row] if done and not texts["ended"].iloc[row] else ""
        minutes.append(spent.iloc[row] or as_planned)
    return {"started": pd.Series(starts, dtype="object"), "minutes": pd.Series(minutes, dtype="object")}


def _date_clock(text: str, planned: str) -> str:
    """A time of day with the date that brings it nearest to the planned arrival (ISO 8601, local).

    Any other text is returned unchanged.
    """
    clock, arrival = _CLOCK.fullmatch(text), pd.to_datetime(planned[:16], errors="coerce")
    if clock is None or pd.isna(arrival):
        return text
    hours, minutes = map(int, clock[1].split(":"))
    same_day = arrival.normalize() + pd.Timedelta(hours=hours, minutes=minutes)
    nearest = min((same_day + pd.Timedelta(days=day) for day in (-1, 0, 1)), key=lambda time: abs(time - arrival))
    return f"{nearest:%Y-%m-%d %H:%M}" if hours < 24 and minutes < 60 else text  # noqa: PLR2004 - of a day and an hour


def _date_ends(texts: pd.Series, start: Timestamps) -> pd.Series:
    """Ends that are a time of day alone, with the date of the start, or the day after if they are earlier than it."""
    dated = []
    for text, local, unknown in zip(texts, start.local, start.bad | start.blank, strict=True):
        clock = _CLOCK.fullmatch(text)
        if unknown or clock is None:
            dated.append(text)
            continue
        begins = pd.Timestamp(local)
        day = begins.normalize() + pd.Timedelta(days=int(clock[1].zfill(5) < f"{begins:%H:%M}"))
        dated.append(f"{day:%Y-%m-%d} {clock[1].zfill(5)}")
    return pd.Series(dated, dtype="object")


def _refuse_people(name: str, sheet: PlaceSheet, headings_by_field: set[str], unread: Sequence[str]) -> None:
    """DataError if a column may name people and the person loading the file has not said what it holds."""
    accepted = {fold_heading(heading) for heading in (*headings_by_field, *unread)}
    known = {
        fold_heading(word) for field, words in {**FIELDS, **PLACE_FIELDS}.items() for word in (field, *words)
    } | _PLAN_FILE_HEADINGS
    doubtful_headings = [
        heading
        for heading in sheet.headings
        if fold_heading(heading) not in accepted | known and _may_name_people(heading)
    ]
    if doubtful_headings:
        raise DataError(
            "The ledger names teams, never people",
            f"{name} has the {'columns' if len(doubtful_headings) > 1 else 'column'} {', '.join(doubtful_headings)}",
            f"delete it, or say what it holds: --column team='{doubtful_headings[0]}' if it names teams, "
            f"--column {UNREAD}='{doubtful_headings[0]}' if Hexbeat should not read it",
        )


def _may_name_people(heading: str) -> bool:
    words = set(re.split(r"[^a-z]+", heading.casefold()))
    return bool(words & _PEOPLE_WORDS) or any(part in fold_heading(heading) for part in _PEOPLE_PARTS)


def _build_row(
    sheet: PlaceSheet, texts: Mapping[str, Sequence[str]], start: Timestamps, end: Timestamps, row: int
) -> VisitSheetRow:
    lon, lat = sheet.points[row]
    has_point = not np.isnan(sheet.points[row]).any()
    months = not start.blank[row] and start.precision[row] == MONTH
    return VisitSheetRow(
        line=int(sheet.lines[row]),
        plan_id=texts["plan_id"][row],
        texts={field: column[row] for field, column in texts.items()},
        lon=float(lon) if has_point else None,
        lat=float(lat) if has_point else None,
        started=None if start.blank[row] else int(start.utc[row]),
        ended=None if end.blank[row] else int(end.utc[row]),
        bad_date=bool(start.bad[row] or end.bad[row] or months),
        day_only=bool(not start.blank[row] and start.precision[row] == DAY),
    )
