"""Daily and weekly counts of a layer by place, for alerts and forecasts."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.errors import UsageError
from hexbeat.analysis.study import Study
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.coverage import Spans
from layers.encounters import are_searches, find_encounters, name_records
from layers.event import NOT_SWEPT, PRECISIONS, REPORTERS
from layers.layer_spec import LayerSpec
from layers.periods import get_coverage
from layers.wording import format_number, format_plural

__all__ = [
    "FEWEST_HISTORY_WEEKS",
    "KnownDays",
    "Weeks",
    "count_by",
    "count_weeks",
    "describe_left_out",
    "describe_weeks_left_out",
    "find_cells",
    "find_known_days",
    "find_place_records",
    "find_positions",
    "from_ordinal",
    "list_known_weeks",
    "name_place_records",
    "to_ordinal",
]

_WEEK_DAYS: Final = 7
_LONGEST_S: Final = 25 * 3600  # the day of an event with a longer interval is not known
_EPOCH: Final = dt.date(1970, 1, 1)
FEWEST_HISTORY_WEEKS: Final = 8  # before the first week that is tested


@dataclass(frozen=True, slots=True, eq=False)
class KnownDays:
    """The events of a layer whose day is known: `index` (int64 (n,)) into the columns, `day` int64 (n,) since 1970.

    `unknown` events are left out because they are known only to a month or to more than a day. `swept` events are left
    out because a sweep found them: searching would look like an outbreak. `merged` records are left out because they
    tell of the same encounter as another (layers.encounters).
    """

    index: NDArray[np.int64]
    day: NDArray[np.int64]
    unknown: int
    swept: int
    merged: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """Weekly counts of a layer: `counts` float64 (weeks, n), the oldest week first, by the study's n cells.

    Only weeks of which every day is known are here; the last ends with the newest known day. `number` int64 (weeks,)
    says which week each is: 0 begins on `first`. `left_out` weeks between are not known whole. `unknown` events, whose
    day is not known, and `swept` events, which sweeps found, are not counted.
    """

    counts: NDArray[np.float64]
    first: dt.date
    unknown: int
    swept: int
    number: NDArray[np.int64]
    left_out: int = 0

    def find_start(self, week: int) -> dt.date:
        """The first day of a week (0 is the oldest); of the number of weeks: the day after the last one."""
        number = int(self.number[week]) if week < len(self.number) else int(self.number[-1]) + 1
        return self.first + dt.timedelta(days=7 * number)

    def find_weeks(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """The week (a row of `counts`) of each day since 1970 (n,); -1 for a week that is not known whole."""
        number = (day - to_ordinal(self.first)) // 7
        place = np.minimum(np.searchsorted(self.number, number), len(self.number) - 1)
        return np.where(self.number[place] == number, place, -1)

    def measure_ages(self, week: int) -> NDArray[np.float64]:
        """How many weeks before `week` each earlier one is, float64 (week,): 1 for the calendar week before."""
        tested_week = self.number[week] if week < len(self.number) else self.number[-1] + 1
        return np.asarray(tested_week - self.number[:week], dtype=np.float64)


def find_known_days(
    columns: Columns, layer: str, *, time_zone: str, sweeps: bool = False, each_event: bool = True
) -> KnownDays:
    """The events of a layer with the local day on which each began; `sweeps` True keeps those found by sweeps.

    `each_event` False takes records of one encounter once.
    """
    columns.require_numbers([layer])
    layer_rows = np.flatnonzero(columns.layer == find_layer_code(layer))
    by_sweep = columns.reported_by[layer_rows] == REPORTERS.index("sweep")
    chosen_rows = layer_rows if sweeps else layer_rows[~by_sweep]
    month = columns.precision[chosen_rows] == PRECISIONS.index("month")
    has_day = ~month & (columns.end[chosen_rows] - columns.start[chosen_rows] <= _LONGEST_S)
    index, merged = chosen_rows[has_day], 0
    if not each_event:
        encounters = find_encounters(columns, index, time_zone=time_zone)
        index, merged = encounters.index, encounters.merged
    return KnownDays(
        index,
        Calendar(time_zone).days(columns.start[index]),
        unknown=int(np.count_nonzero(~has_day)),
        swept=0 if sweeps else int(np.count_nonzero(by_sweep)),
        merged=merged,
    )


def describe_left_out(spec: LayerSpec, *, unknown: int, swept: int) -> list[str]:
    """Notes on the events left out because their day is not known, and because sweeps found them."""
    notes = []
    if unknown:
        verb, whose = ("is", "its") if unknown == 1 else ("are", "their")
        notes.append(f"{format_plural(unknown, spec.one, spec.many)} {verb} left out because {whose} day is not known.")
    if swept:
        verb, what = ("is", "it") if swept == 1 else ("are", "them")
        notes.append(f"{format_plural(swept, spec.one, spec.many)} {verb} left out because sweeps found {what}.")
    return notes


def describe_weeks_left_out(weeks: Weeks) -> list[str]:
    """A note on the weeks that are left out because they are not known whole."""
    if not weeks.left_out:
        return []
    if weeks.left_out == 1:
        return ["One week is left out, because not all of its days are known."]
    return [f"{weeks.left_out} weeks are left out, because not all of their days are known."]


def to_ordinal(day: dt.date) -> int:
    """A date as days since 1 January 1970."""
    return (day - _EPOCH).days


def from_ordinal(day: int) -> dt.date:
    """The date of a day since 1 January 1970."""
    return _EPOCH + dt.timedelta(days=day)


def count_by(
    time: NDArray[np.int64], place: NDArray[np.integer], *, time_count: int, place_count: int
) -> NDArray[np.float64]:
    """Events by time (0 to times - 1) and place (0 to places - 1), float64 (times, places); others are left out."""
    inside = (time >= 0) & (time < time_count) & (place >= 0) & (place < place_count)
    combined = time[inside] * place_count + place[inside]
    return np.bincount(combined, minlength=time_count * place_count).reshape(time_count, place_count).astype(np.float64)


def find_positions(codes: Sequence[str], order: Sequence[str]) -> NDArray[np.int64]:
    """The position in `order` of each of `codes`, -1 if it is not there."""
    positions = {code: position for position, code in enumerate(order)}
    return np.array([positions.get(code, -1) for code in codes], dtype=np.int64)


def count_weeks(columns: Columns, layer: str, study: Study, *, tested_weeks: int, time_zone: str) -> Weeks:
    """Counts of all weeks that are known whole in the study's wards, the last of which ends with the newest known day.

    Cells and wards are those of the study; events elsewhere are left out. UsageError if there are too few weeks to test
    `tested_weeks` of them with enough history before.
    """
    known = get_coverage(columns, time_zone=time_zone, reported_by=NOT_SWEPT).find_known(
        layer, wards=study.chosen_wards
    )
    first_day, number = list_known_weeks(known)
    weeks, need = len(number), tested_weeks + FEWEST_HISTORY_WEEKS
    if tested_weeks < 1 or weeks < need:
        raise UsageError(
            f"A back-test needs one week or more to test, and {FEWEST_HISTORY_WEEKS} weeks of records before it",
            f"{format_plural(tested_weeks, 'week', 'weeks')} to test and those before are {format_number(need)}, and "
            f"{layer} has {format_number(weeks)} known whole",
            "choose fewer weeks, or load more records",
        )
    events = find_known_days(columns, layer, time_zone=time_zone)
    left_out = int(number[-1] - number[0]) + 1 - weeks
    frame = Weeks(np.zeros((0, 0)), first_day, events.unknown, events.swept, number, left_out)
    place = find_cells(columns, study, events.index)
    counts = count_by(frame.find_weeks(events.day), place, time_count=weeks, place_count=len(study))
    return replace(frame, counts=counts)


def find_cells(columns: Columns, study: Study, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of the cell of each of these events in the study, int64 (n,); -1 outside it and its wards."""
    cells = columns.cell_ids[study.resolution]
    place = np.minimum(np.searchsorted(study.cells, cells), len(study.cells) - 1)
    place = np.where(study.cells[place] == cells, place, -1)
    place = place[columns.find_cell_codes(index, study.resolution)]
    if study.chosen_wards:
        is_chosen = np.array([code in study.chosen_wards for code in columns.ward_codes])
        place = np.where(is_chosen[columns.ward[index]], place, -1)
    return place


def find_place_records(columns: Columns, study: Study, layer: str) -> NDArray[np.int64]:
    """The records of a layer in the cells and wards of a study, int64 (n,), without those that sweeps found."""
    rows = np.flatnonzero((columns.layer == find_layer_code(layer)) & (columns.reported_by != REPORTERS.index("sweep")))
    return rows[find_cells(columns, study, rows) >= 0]


def name_place_records(columns: Columns, study: Study, layer: str) -> LayerSpec:
    """The layer as its records in a study are called: searches by officers where all of them are."""
    spec = find_layer(layer)
    return name_records(spec, searches=are_searches(columns, find_place_records(columns, study, layer), spec))


def list_known_weeks(known: Spans) -> tuple[dt.date, NDArray[np.int64]]:
    """The first day of week 0, and the numbers of the weeks that lie wholly in known days, in order.

    Weeks are counted back from the end of the last span that holds one.
    """
    whole = [span for span in known if (span[1] - span[0]).days >= _WEEK_DAYS]
    if not whole:
        return _EPOCH, np.zeros(0, dtype=np.int64)
    end = whole[-1][1]
    weeks = (end - whole[0][0]).days // _WEEK_DAYS
    first_day = end - dt.timedelta(days=_WEEK_DAYS * weeks)
    offsets = [((start - first_day).days, (stop - first_day).days) for start, stop in whole]
    numbers = [week for start, stop in offsets for week in range(max(-(-start // _WEEK_DAYS), 0), stop // _WEEK_DAYS)]
    return first_day, np.array(numbers, dtype=np.int64)
