"""Why a place is a stop of a patrol: one plain sentence on its own records, and how busy it is among all places.

"5 of the last 8 Friday evenings had a report of street dealing here." Only records with a time of day can speak of
hours, so that such numbers are at least as high. Finds of sweeps do not count, as in the forecast.

A stop in a hotspot says so. Hotspots do not choose stops: plans that prefer them hold no more (bench/README.md, Plans).
"""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar, add_months
from geo.cells import index_points
from hexbeat.analysis.daily_counts import find_cells, find_known_days, to_ordinal
from hexbeat.analysis.hotspot_explanation import describe_kind
from hexbeat.analysis.hotspot_groups import HOT
from hexbeat.analysis.hotspot_map import HotspotMap, build_hotspot_map
from hexbeat.analysis.method_selection import USUAL_HOTSPOTS, choose_hotspot_size, read_selection
from hexbeat.analysis.month_rates import count_month_rates
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import Area
from hexbeat.operations.plans.expected_events import ExpectedEvents, LayerForecast
from hexbeat.operations.plans.working_time import WorkingTime
from hexbeat.store.shared_documents import SharedDocuments
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.encounters import name_records
from layers.event import NOT_SWEPT, PRECISIONS
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import get_coverage
from layers.wording import format_date, format_plural

__all__ = [
    "_StopHotspots",
    "_find_hotspots",
    "build_patrol_reason",
    "describe_rank",
    "name_part_of_day",
    "rank_cells",
]

_SAME_DAYS: Final = 8  # the last so many Fridays
_WEEKS: Final = 8
_LOOK_BACK_WEEKS: Final = 26  # for so many known Fridays
_MONTHS: Final = 12
_YEAR_DAYS: Final = 365
_FEWEST: Final = 2  # with one record a sentence on a part of the day says little
_RECENT_DAYS: Final = 14  # records and hotspots that end earlier are named by their last day
_DAY_S: Final = 86_400
_LONG_H: Final = 9  # no one part of the day
_PARTS: Final = ((5, 12, "morning"), (12, 17, "afternoon"), (17, 21, "evening"))
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOTSPOT_DAYS: Final = 28
_DAY: Final = dt.timedelta(days=1)


def build_patrol_reason(
    columns: Columns,
    area: Area,
    expected: ExpectedEvents,
    candidates: NDArray[np.intp],
    time: WorkingTime,
    *,
    documents: SharedDocuments | None = None,
) -> Callable[[int, int], str]:
    """A function of a candidate place (and a second, which it ignores) that says why it is a stop.

    Hotspots have the size of cells that the map of hotspots takes, by what is stored in `documents`.
    """
    rank = rank_cells(expected)
    tallies = [_count_records(columns, area, expected, layer, candidates, time) for layer in expected.layers]
    maps = [_find_hotspots(columns, area, expected, layer, time, documents=documents) for layer in expected.layers]

    def reason(place: int, _: int) -> str:
        cell = int(candidates[place])
        sentences = [tally.describe(place) for tally in tallies] + [hotspots.describe(cell) for hotspots in maps]
        return " ".join([*filter(None, sentences), describe_rank(expected, rank, cell)])

    return reason


def rank_cells(expected: ExpectedEvents) -> NDArray[np.intp]:
    """The rank of each cell of the study by its worth, from 1."""
    rank = np.empty(len(expected.worth), dtype=np.intp)
    rank[np.argsort(-expected.worth, kind="stable")] = np.arange(1, len(expected.worth) + 1)
    return rank


def describe_rank(expected: ExpectedEvents, rank: NDArray[np.intp], cell: int) -> str:
    """How busy a cell is among all places, as in "Among the busiest 2 % of places at this time of day."."""
    percent = max(1, math.ceil(100 * rank[cell] / len(rank)))
    when = "" if expected.any_hour else " at this time of day"
    return f"Among the busiest {percent} % of places{when}."


def name_part_of_day(hours: tuple[float, float]) -> str | None:
    """Morning, afternoon, evening or night, by when hours begin; None for hours that are longer than any of them."""
    first, last = hours
    if (last - first) % 24 > _LONG_H or last - first == 24:  # noqa: PLR2004 - a day
        return None
    return next((name for low, high, name in _PARTS if low <= first < high), "night")


@dataclass(frozen=True, slots=True, eq=False)
class _MonthTally:
    """In how many of the last known months a place had records, int64 (k,), of `months`."""

    name: LayerSpec
    hit: NDArray[np.int64]
    months: int

    def describe(self, place: int) -> str:
        """As in "7 of the last 12 known months had a report of street dealing here."; "" without any."""
        if not self.hit[place]:
            return ""
        return f"{self.hit[place]} of the last {self.months} known months had {_format_one(self.name)} here."


@dataclass(frozen=True, slots=True, eq=False)
class _DayTally:
    """The records of each candidate place, int64 (k,): `same_days` of the last `days` with any in the hours.

    `in_hours` and `recent` count those of the last weeks, in the hours and at any time; `in_year` those of a year.
    `until` is the last known day where that is some time ago.
    """

    name: LayerSpec
    same_days: NDArray[np.int64]
    in_hours: NDArray[np.int64]
    recent: NDArray[np.int64]
    in_year: NDArray[np.int64]
    days: int
    weekday: str
    part: str | None
    until: dt.date | None

    def describe(self, place: int) -> str:
        """The most telling of these numbers in a sentence; "" where there is no record of the last year."""
        last = "last" if self.until is None else "last known"
        weeks = f"the last {_WEEKS} weeks" if self.until is None else f"the {_WEEKS} weeks to {format_date(self.until)}"
        hours = f"{self.part}s" if self.part else "these hours"
        if self.days == _SAME_DAYS and self.same_days[place] >= _FEWEST:
            days = f"{self.weekday} {self.part}s" if self.part else f"{self.weekday}s, in these hours,"
            return f"{self.same_days[place]} of the {last} {_SAME_DAYS} {days} had {_format_one(self.name)} here."
        if self.in_hours[place] >= _FEWEST:
            number = format_plural(int(self.in_hours[place]), self.name.one, self.name.many)
            return f"{number} here in {'the ' if self.part else ''}{hours} of {weeks}."
        if self.recent[place]:
            return f"{format_plural(int(self.recent[place]), self.name.one, self.name.many)} here in {weeks}."
        if self.in_year[place]:
            year = "the last 12 months" if self.until is None else f"the 12 months to {format_date(self.until)}"
            return f"{format_plural(int(self.in_year[place]), self.name.one, self.name.many)} here in {year}."
        return ""


def _count_records(
    columns: Columns,
    area: Area,
    expected: ExpectedEvents,
    layer: LayerForecast,
    candidates: NDArray[np.intp],
    time: WorkingTime,
) -> _MonthTally | _DayTally:
    """The records of one layer at the candidate places."""
    name = name_records(find_layer(layer.layer), searches=layer.searches)
    if layer.by_month:
        counts = count_month_rates(columns, layer.layer, expected.study, time_zone=area.time_zone).counts[-_MONTHS:]
        return _MonthTally(name, np.count_nonzero(counts[:, candidates], axis=0), len(counts))
    known = find_known_days(columns, layer.layer, time_zone=area.time_zone)
    position = np.full(len(expected.study), -1, dtype=np.int64)
    position[candidates] = np.arange(len(candidates))
    cell = find_cells(columns, expected.study, known.index)
    place = np.where(cell >= 0, position[np.maximum(cell, 0)], -1)
    index, day, place = known.index[place >= 0], known.day[place >= 0], place[place >= 0]
    shift_day, in_hours = _find_shift_days(columns, index, time)
    last_day = min(layer.newest, time.day - dt.timedelta(days=1))
    newest = to_ordinal(last_day)
    is_recent = (day > newest - 7 * _WEEKS) & (day <= newest)
    days = _list_known_days(columns, layer, expected, time, last_day)
    pairs = np.unique(np.column_stack([place, shift_day])[in_hours & np.isin(shift_day, days)], axis=0)
    k = len(candidates)
    return _DayTally(
        name,
        same_days=np.bincount(pairs[:, 0], minlength=k),
        in_hours=np.bincount(place[is_recent & in_hours], minlength=k),
        recent=np.bincount(place[is_recent], minlength=k),
        in_year=np.bincount(place[(day > newest - _YEAR_DAYS) & (day <= newest)], minlength=k),
        days=len(days),
        weekday=_WEEKDAYS[time.day.weekday()],
        part=name_part_of_day(time.hours),
        until=layer.newest if (time.day - layer.newest).days > _RECENT_DAYS else None,
    )


def _find_shift_days(
    columns: Columns, index: NDArray[np.int64], time: WorkingTime
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The day (since 1970) on which the hours began that each record may lie in, and whether it lies in them.

    Clocks count: on a night when they change an hour counts as it is called.
    """
    first, last = time.hours
    length_h = (last - first) % 24 or 24
    since = Calendar(time.time_zone).local_seconds(columns.start[index]) - round(first * 3600)
    has_hour = columns.precision[index] == PRECISIONS.index("minute")
    return since // _DAY_S, has_hour & (since % _DAY_S < length_h * 3600)


def _list_known_days(
    columns: Columns, layer: LayerForecast, expected: ExpectedEvents, time: WorkingTime, last_day: dt.date
) -> list[int]:
    """The last days of the plan's weekday of which the hours are known whole, as days since 1970."""
    coverage = get_coverage(columns, time_zone=time.time_zone, reported_by=NOT_SWEPT)
    length = dt.timedelta(days=2 if time.hours[1] <= time.hours[0] else 1)
    day = last_day + dt.timedelta(days=1) - length
    day -= dt.timedelta(days=(day.weekday() - time.day.weekday()) % 7)
    days: list[int] = []
    for _ in range(_LOOK_BACK_WEEKS):
        if coverage.judge(layer.layer, (day, day + length), wards=expected.study.chosen_wards) == "known":
            days.append(to_ordinal(day))
        if len(days) == _SAME_DAYS:
            break
        day -= dt.timedelta(days=7)
    return days


def _format_one(name: LayerSpec) -> str:
    """As in "a report of street dealing", "an overdose"."""
    return f"{'an' if name.one[0] in 'aeiou' else 'a'} {name.one}"


@dataclass(frozen=True, slots=True, eq=False)
class _StopHotspots:
    """The hotspot map of a layer, and for each cell of a plan's study the row of the map in which a stop there lies.

    `row` int64 (n,), -1 outside the map. `until`: the last day of the map's records where that is some time ago.
    """

    hotspot_map: HotspotMap
    row: NDArray[np.int64]
    until: dt.date | None

    def describe(self, cell: int) -> str:
        """As in "A hotspot of street dealing: 3.2 times its surroundings, on 14 of 28 days."; "" elsewhere."""
        row = int(self.row[cell])
        if row < 0 or self.hotspot_map.rows["hotspot"].iloc[row] != HOT:
            return ""
        facts = self.hotspot_map.rows.iloc[row].to_dict()
        kind = describe_kind(self.hotspot_map, facts, since=False)
        until = "" if self.until is None else f" up to {format_date(self.until)}"
        part = "A hotspot" if facts["cells"] == 1 else "Part of a hotspot"
        return f"{part} of {self.hotspot_map.spec.title.lower()}{until}: {kind}"


def _find_hotspots(
    columns: Columns,
    area: Area,
    expected: ExpectedEvents,
    layer: LayerForecast,
    time: WorkingTime,
    *,
    documents: SharedDocuments | None = None,
) -> _StopHotspots:
    """The hotspots of the last 28 days before the plan, or before the end of the records; of months the last twelve.

    Cells are those of the map of hotspots. Finds of sweeps do not count, as in the forecast.
    """
    end = min(layer.newest + _DAY, time.day)
    start = add_months(end, -_MONTHS) if layer.by_month else end - _HOTSPOT_DAYS * _DAY
    wards = expected.study.chosen_wards
    event_filter = Filter(layers=(layer.layer,), start=start, end=end, wards=wards, reported_by=NOT_SWEPT)
    selection = read_selection(columns, area, layer.layer, documents=documents)
    size = choose_hotspot_size(columns, layer.layer, selection, event_filter=event_filter, time_zone=area.time_zone)
    study = load_study(area, wards, min(size.resolution if size else USUAL_HOTSPOTS, expected.study.resolution))
    hotspot_map = build_hotspot_map(columns, event_filter, study, trend=False, time_zone=area.time_zone)
    cells = index_points(expected.lon, expected.lat, resolution=study.resolution)
    row = np.minimum(np.searchsorted(study.cells, cells), len(study) - 1)
    is_old = (time.day - layer.newest).days > _RECENT_DAYS
    return _StopHotspots(hotspot_map, np.where(study.cells[row] == cells, row, -1), layer.newest if is_old else None)
