"""Sheets of work done, read as texts: which columns mean what, and none that names people."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from geo.errors import DataError
from layers.parsing.dates import DAY, MONTH, Moments, parse_moments
from layers.plain_sheets import PLACE_FIELDS, PlainSheet, folded, read_plain_sheet

__all__ = ["FIELDS", "UNREAD", "DoneRow", "read_done_sheet"]

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
UNREAD: Final = "unread"  # what a person calls a column that is to stay unread
_WHOLE: Final = frozenset({"name", "names", "who", "by", "pc", "pcso", "ps", "dob", "initials", "person", "people"})
_PARTS: Final = (
    *("officer", "warden", "operative", "staff", "employee", "surname", "forename", "firstname", "lastname"),
    *("fullname", "collar", "shoulder", "badge", "payroll", "phone", "mobile", "email", "signature", "driver"),
    *("sergeant", "constable", "birth"),
)
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d")
_FORMATS: Final = (
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d %b %Y %H:%M", "%d %b %Y", "%d %B %Y %H:%M", "%d %B %Y"),
    *("%d-%m-%Y %H:%M", "%d-%m-%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%y %H:%M", "%d/%m/%y"),
)


@dataclass(frozen=True, slots=True)
class DoneRow:
    """One row: its line, texts by field ("" where blank), its point (None: none said; NaN never), its start and end.

    `lon` and `lat` are infinity where what the row says is no place. `started` and `ended` are UTC seconds, None where
    not said; `bad_date` where one is said and cannot be read, `day_only` where it says no time of day.
    """

    line: int
    texts: Mapping[str, str]
    lon: float | None
    lat: float | None
    started: int | None
    ended: int | None
    bad_date: bool
    day_only: bool


def read_done_sheet(
    path: Path, *, time_zone: str, named: Mapping[str, str] | None = None, unread: Sequence[str] = ()
) -> list[DoneRow]:
    """The rows of a sheet; local times are of `time_zone`. `named` says other headings, as in {"team": "Crew 4"}.

    DataError if the file cannot be read as a whole, or has a column that looks as if it named people: it has to be
    deleted, named as what it is, or put among `unread`.
    """
    sheet = read_plain_sheet(path, fields=FIELDS, named=named)
    _refuse_people(path.name, sheet, set(named.values()) if named else set(), unread)
    rows = len(sheet.lines)
    blank = pd.Series([""] * rows, dtype="object")
    texts = {field: sheet.texts.get(field, blank) for field in FIELDS}
    clocks = sheet.texts.get("clock")
    start = parse_moments(texts["started"], formats=_FORMATS, time_zone=time_zone, clocks=clocks)
    end = parse_moments(_dated(texts["ended"], start), formats=_FORMATS, time_zone=time_zone)
    return [_row(sheet, texts, start, end, k) for k in range(rows)]


def _dated(texts: pd.Series, start: Moments) -> pd.Series:
    """Ends that are a clock alone, with the day of the start: the day after where the clock is earlier."""
    dated = []
    for text, local, unknown in zip(texts, start.local, start.bad | start.blank, strict=True):
        if unknown or not _CLOCK.fullmatch(text):
            dated.append(text)
            continue
        begins = pd.Timestamp(local)
        day = begins.normalize() + pd.Timedelta(days=int(text.zfill(5) < f"{begins:%H:%M}"))
        dated.append(f"{day:%Y-%m-%d} {text.zfill(5)}")
    return pd.Series(dated, dtype="object")


def _refuse_people(name: str, sheet: PlainSheet, named: set[str], unread: Sequence[str]) -> None:
    """DataError if a column that nobody has spoken for looks as if it named people."""
    spoken = {folded(heading) for heading in (*named, *unread)}
    known = {folded(word) for field, words in {**FIELDS, **PLACE_FIELDS}.items() for word in (field, *words)}
    doubtful = [heading for heading in sheet.headings if folded(heading) not in spoken | known and _looks(heading)]
    if doubtful:
        raise DataError(
            "The ledger keeps the names of teams and none of people",
            f"{name} has the {'columns' if len(doubtful) > 1 else 'column'} {', '.join(doubtful)}",
            f"delete it, or say what it is: --column team='{doubtful[0]}' if it names teams, "
            f"--column {UNREAD}='{doubtful[0]}' to leave it unread",
        )


def _looks(heading: str) -> bool:
    words = set(re.split(r"[^a-z]+", heading.casefold()))
    return bool(words & _WHOLE) or any(part in folded(heading) for part in _PARTS)


def _row(sheet: PlainSheet, texts: Mapping[str, pd.Series], start: Moments, end: Moments, k: int) -> DoneRow:
    lon, lat = sheet.points[k]
    said = not np.isnan(sheet.points[k]).any()
    months = not start.blank[k] and start.precision[k] == MONTH
    return DoneRow(
        line=int(sheet.lines[k]),
        texts={field: str(column.iloc[k]) for field, column in texts.items()},
        lon=float(lon) if said else None,
        lat=float(lat) if said else None,
        started=None if start.blank[k] else int(start.utc[k]),
        ended=None if end.blank[k] else int(end.utc[k]),
        bad_date=bool(start.bad[k] or end.bad[k] or months),
        day_only=bool(not start.blank[k] and start.precision[k] == DAY),
    )
