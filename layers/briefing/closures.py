"""Closed properties that a meeting must know of: those newly in force, and those that end soon."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from geo.calendar import Calendar
from geo.cells import format_cells
from layers.areas import Area
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns

__all__ = ["ClosureLine", "find_closure_lines"]

RESOLUTION: Final = 9
_EPOCH: Final = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class ClosureLine:
    """A closure by its first and its last day, where it lies, and why it is named. Degrees are those of the event."""

    kind: Literal["new", "ending"]
    first_day: dt.date
    last_day: dt.date
    ward_code: str
    ward_name: str
    cell: str
    lon: float
    lat: float


def find_closure_lines(
    columns: Columns, area: Area, *, today: dt.date, days: int, wards: tuple[str, ...] = ()
) -> tuple[ClosureLine, ...]:
    """Closures in force whose first day lies within the last `days` days, or whose last within the next `days`.

    One that is both is named as ending. Ending ones stand first, the soonest first; then new ones, the newest first.
    An order without an end is taken to last as long as the layer says.
    """
    calendar = Calendar(area.time_zone)
    own = np.flatnonzero(columns.layer == LAYER_NAMES.index("closed_properties"))
    firsts = [_EPOCH + dt.timedelta(days=int(day)) for day in calendar.days(columns.start[own])]
    lasts = [_EPOCH + dt.timedelta(days=int(day)) for day in calendar.days(columns.end[own] - 1)]
    cells = format_cells(columns.cell_ids[RESOLUTION][columns.cell[RESOLUTION][own]])
    span = dt.timedelta(days=days)
    found = []
    for place, (first, last, cell) in enumerate(zip(firsts, lasts, cells, strict=True)):
        code = columns.ward_codes[columns.ward[own[place]]]
        if first > today or last < today or (wards and code not in wards):
            continue
        ending, new = last <= today + span, first >= today - span
        if ending or new:
            name = area.wards.names[area.wards.codes.index(code)] if code in area.wards.codes else code
            kind: Literal["new", "ending"] = "ending" if ending else "new"
            lon, lat = float(columns.lon[own[place]]), float(columns.lat[own[place]])
            found.append(ClosureLine(kind, first, last, code, name, cell, lon, lat))
    return tuple(sorted(found, key=_order))


def _order(line: ClosureLine) -> tuple[bool, int, str]:
    day = line.last_day.toordinal() if line.kind == "ending" else -line.first_day.toordinal()
    return line.kind == "new", day, line.cell
