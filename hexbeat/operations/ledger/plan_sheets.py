"""Sheets of work done, read as texts: what the columns mean, and no column that names people."""

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
_PLANNED: Final[Mapping[str, Sequence[str]]] = {"plan_id": (), "arrive": (), "minutes_spent": ()}
_OWN: Final = frozenset({"planid", "stopid", "team", "arrive", "minutes", "wardname"})  # of a plan's own file
_OWN_TAB: Final = "Stops"
UNREAD: Final = "unread"  # the field of a column that Hexbeat should not read
_WHOLE: Final = frozenset({"name", "names", "who", "by", "pc", "pcso", "ps", "dob", "initials", "person", "people"})
_PARTS: Final = (
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
    """One row: its line, texts by field ("" where blank), its point (None: none said; NaN never), its start and end.

    `plan_id` is the plan that the row is of, in a plan's own file; "" in any other.
    `lon` and `lat` are infinity where what the row says is no place. `started` and `ended` are UTC seconds, None where
    not said; `bad_date` where one is said and cannot be read, `day_only` where it says no time of day.
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


def read_visit_sheet(
    path: Path, *, time_zone: str, named: Mapping[str, str] | None = None, unread: Sequence[str] = ()
) -> list[VisitSheetRow]:
    """The rows of a sheet; local times are of `time_zone`. `named` says other headings, as in {"team": "Crew 4"}.

    A plan's own CSV or workbook is one of them, once it is filled in: its planned times are no work done. DataError if
    the file cannot be read as a whole, or has a column that looks as if it names people: delete it, name it as what it
    holds, or put it among `unread`.
    """
    sheet = _read(path, named)
    _refuse_people(path.name, sheet, set(named.values()) if named else set(), unread)
    rows = len(sheet.lines)
    blank = pd.Series([""] * rows, dtype="object")
    texts = {field: sheet.texts.get(field, blank) for field in FIELDS}
    plan_ids = blank
    if _is_own(sheet):
        plan_ids = sheet.texts["plan_id"]
        texts |= _find_filled(texts, sheet.texts["arrive"], sheet.texts.get("minutes_spent", blank))
    clocks = sheet.texts.get("clock")
    start = parse_timestamps(texts["started"], formats=_FORMATS, time_zone=time_zone, clocks=clocks)
    end = parse_timestamps(_date_ends(texts["ended"], start), formats=_FORMATS, time_zone=time_zone)
    return [_row(sheet, texts | {"plan_id": plan_ids}, start, end, k) for k in range(rows)]


def _read(path: Path, named: Mapping[str, str] | None) -> PlaceSheet:
    """The only sheet that has rows; of a plan's own workbook its stops."""
    fields = {**FIELDS, **_PLANNED}
    try:
        return read_place_sheet(path, fields=fields, named=named)
    except DataError:
        if path.suffix.lower() not in {".xlsx", ".ods"}:
            raise
        with suppress(DataError):
            sheet = read_place_sheet(path, fields=fields, named=named, tab=_OWN_TAB)
            if _is_own(sheet):
                return sheet
        raise


def _is_own(sheet: PlaceSheet) -> bool:
    return {fold_heading(heading) for heading in sheet.headings} >= _OWN


def _find_filled(texts: Mapping[str, pd.Series], arrive: pd.Series, spent: pd.Series) -> dict[str, pd.Series]:
    """Starts and minutes of a plan's own file: a start that is a clock alone is of the night of the planned arrival.

    Its minutes are the planned ones: they count where the row says that the stop was done, and not for how long.
    """
    starts, minutes = [], []
    for k, (started, planned) in enumerate(zip(texts["started"], arrive, strict=True)):
        starts.append(_near_arrival(started, planned))
        done = started or texts["outcome"].iloc[k]
        as_planned = texts["minutes"].iloc[k] if done and not texts["ended"].iloc[k] else ""
        minutes.append(spent.iloc[k] or as_planned)
    return {"started": pd.Series(starts, dtype="object"), "minutes": pd.Series(minutes, dtype="object")}


def _near_arrival(text: str, planned: str) -> str:
    """A clock with the day that brings it nearest to the planned arrival (ISO 8601, local); other texts unchanged."""
    clock, arrival = _CLOCK.fullmatch(text), pd.to_datetime(planned[:16], errors="coerce")
    if clock is None or pd.isna(arrival):
        return text
    hours, minutes = map(int, clock[1].split(":"))
    same = arrival.normalize() + pd.Timedelta(hours=hours, minutes=minutes)
    nearest = min((same + pd.Timedelta(days=day) for day in (-1, 0, 1)), key=lambda one: abs(one - arrival))
    return f"{nearest:%Y-%m-%d %H:%M}" if hours < 24 and minutes < 60 else text  # noqa: PLR2004 - of a day and an hour


def _date_ends(texts: pd.Series, start: Timestamps) -> pd.Series:
    """Ends that are a clock alone, with the day of the start: the day after where the clock is earlier."""
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


def _refuse_people(name: str, sheet: PlaceSheet, named: set[str], unread: Sequence[str]) -> None:
    """DataError if a column that nobody has named looks as if it names people."""
    spoken = {fold_heading(heading) for heading in (*named, *unread)}
    known = {
        fold_heading(word) for field, words in {**FIELDS, **PLACE_FIELDS}.items() for word in (field, *words)
    } | _OWN
    doubtful = [
        heading for heading in sheet.headings if fold_heading(heading) not in spoken | known and _looks(heading)
    ]
    if doubtful:
        raise DataError(
            "The ledger names teams, never people",
            f"{name} has the {'columns' if len(doubtful) > 1 else 'column'} {', '.join(doubtful)}",
            f"delete it, or say what it holds: --column team='{doubtful[0]}' if it names teams, "
            f"--column {UNREAD}='{doubtful[0]}' if Hexbeat should not read it",
        )


def _looks(heading: str) -> bool:
    words = set(re.split(r"[^a-z]+", heading.casefold()))
    return bool(words & _WHOLE) or any(part in fold_heading(heading) for part in _PARTS)


def _row(
    sheet: PlaceSheet, texts: Mapping[str, pd.Series], start: Timestamps, end: Timestamps, k: int
) -> VisitSheetRow:
    lon, lat = sheet.points[k]
    has_point = not np.isnan(sheet.points[k]).any()
    months = not start.blank[k] and start.precision[k] == MONTH
    return VisitSheetRow(
        line=int(sheet.lines[k]),
        plan_id=str(texts["plan_id"].iloc[k]),
        texts={field: str(column.iloc[k]) for field, column in texts.items()},
        lon=float(lon) if has_point else None,
        lat=float(lat) if has_point else None,
        started=None if start.blank[k] else int(start.utc[k]),
        ended=None if end.blank[k] else int(end.utc[k]),
        bad_date=bool(start.bad[k] or end.bad[k] or months),
        day_only=bool(not start.blank[k] and start.precision[k] == DAY),
    )
