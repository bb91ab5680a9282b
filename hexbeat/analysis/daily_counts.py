"""Daily and weekly counts of a layer by place, for alerts and forecasts."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.errors import UsageError
from hexbeat.analysis.study import Study
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS
from layers.layer_spec import LayerSpec
from layers.periods import find_known_period
from layers.wording import format_number, format_plural

__all__ = [
    "FEWEST_HISTORY_WEEKS",
    "KnownDays",
    "Weeks",
    "count_by",
    "count_weeks",
    "describe_left_out",
    "find_known_days",
    "find_positions",
    "to_ordinal",
]

_LONGEST_S: Final = 25 * 3600  # of an event with a longer interval the day is not known
_EPOCH: Final = dt.date(1970, 1, 1)
FEWEST_HISTORY_WEEKS: Final = 8  # before the first week that is judged


@dataclass(frozen=True, slots=True, eq=False)
class KnownDays:
    """The events of a layer whose day is known: `index` (int64 (n,)) into the columns, `day` int64 (n,) since 1970.

    `unknown` events are left out because they are known only to a month or to more than a day, and `swept` events
    because a sweep found them: searching would look like an outbreak.
    """

    index: NDArray[np.int64]
    day: NDArray[np.int64]
    unknown: int
    swept: int


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """`counts` float64 (weeks, n) of a layer by week, oldest first, and by the study's cells.

    `first` is the first day of the first week; the last week ends with the newest record. `unknown` events, whose day
    is not known, and `swept` events, which sweeps found, are not counted.
    """

    counts: NDArray[np.float64]
    first: dt.date
    unknown: int
    swept: int

    def start_of(self, week: int) -> dt.date:
        """The first day of a week (0 is the oldest)."""
        return self.first + dt.timedelta(days=7 * week)


def find_known_days(columns: Columns, layer: str, *, time_zone: str, sweeps: bool = False) -> KnownDays:
    """The events of a layer with the local day on which each began; `sweeps` True keeps those found by sweeps."""
    own = np.flatnonzero(columns.layer == find_layer_code(layer))
    by_sweep = columns.reported_by[own] == REPORTERS.index("sweep")
    counted = own if sweeps else own[~by_sweep]
    month = columns.precision[counted] == PRECISIONS.index("month")
    has_day = ~month & (columns.end[counted] - columns.start[counted] <= _LONGEST_S)
    index = counted[has_day]
    day = Calendar(time_zone).days(columns.start[index])
    return KnownDays(index, day, int(np.count_nonzero(~has_day)), 0 if sweeps else int(np.count_nonzero(by_sweep)))


def describe_left_out(spec: LayerSpec, *, unknown: int, swept: int) -> list[str]:
    """A note on the events whose day is not known, and one on those that sweeps found; none for none."""
    notes = []
    if unknown:
        verb, whose = ("is", "its") if unknown == 1 else ("are", "their")
        notes.append(f"{format_plural(unknown, spec.one, spec.many)} {verb} left out because {whose} day is not known.")
    if swept:
        verb, what = ("is", "it") if swept == 1 else ("are", "them")
        notes.append(f"{format_plural(swept, spec.one, spec.many)} {verb} left out because sweeps found {what}.")
    return notes


def to_ordinal(day: dt.date) -> int:
    """A date as days since 1 January 1970."""
    return (day - _EPOCH).days


def count_by(time: NDArray[np.int64], place: NDArray[np.integer], *, times: int, places: int) -> NDArray[np.float64]:
    """Events by time (0 to times - 1) and place (0 to places - 1), float64 (times, places); others are left out."""
    inside = (time >= 0) & (time < times) & (place >= 0) & (place < places)
    combined = time[inside] * places + place[inside]
    return np.bincount(combined, minlength=times * places).reshape(times, places).astype(np.float64)


def find_positions(codes: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """For each of `codes` its position in `wanted`, -1 if it is not in it."""
    positions = {code: position for position, code in enumerate(wanted)}
    return np.array([positions.get(code, -1) for code in codes], dtype=np.int64)


def count_weeks(columns: Columns, layer: str, study: Study, *, judged: int, time_zone: str) -> Weeks:
    """Whole weeks from the layer's first record to its last; UsageError if there are too few to judge `judged` of them.

    Cells and wards are those of the study; events elsewhere are left out.
    """
    known = find_known_period(columns, layer, time_zone=time_zone)
    weeks = (known[1] - known[0]).days // 7 if known else 0
    if known is None or judged < 1 or weeks < judged + FEWEST_HISTORY_WEEKS:
        raise UsageError(
            f"A back-test needs one week or more to judge, and {FEWEST_HISTORY_WEEKS} weeks of records before it",
            f"you asked for {format_number(judged)} weeks, and {layer} has {format_number(weeks)} in all",
            "choose fewer weeks, or load more records",
        )
    first = known[1] - dt.timedelta(days=7 * weeks)
    events = find_known_days(columns, layer, time_zone=time_zone)
    cells = columns.cell_ids[study.resolution]
    place = np.minimum(np.searchsorted(study.cells, cells), len(study.cells) - 1)
    place = np.where(study.cells[place] == cells, place, -1)[columns.cell[study.resolution][events.index]]
    if study.chosen:
        chosen = np.array([code in study.chosen for code in columns.ward_codes])
        place = np.where(chosen[columns.ward[events.index]], place, -1)
    week = (events.day - to_ordinal(first)) // 7
    return Weeks(count_by(week, place, times=weeks, places=len(study)), first, events.unknown, events.swept)
