"""Daily counts for alerts: only of days that are known, in the area and in each ward; and how old the records are."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from hexbeat.analysis.alert_report import Alert
from hexbeat.analysis.daily_counts import KnownDays, count_by, find_positions, from_ordinal, to_ordinal
from hexbeat.areas.area import Area
from layers.arrivals import LATEST_DAYS, find_arrived
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.coverage import Coverage, Spans
from layers.event import REPORTERS
from layers.layer_spec import LayerSpec
from layers.periods import Period, find_month_only_share
from layers.wording import format_ago, format_date, format_list, format_percent

__all__ = [
    "AREA",
    "CURRENT_DAYS",
    "NEWEST_WEEKS",
    "DailySeries",
    "count_known_days",
    "count_run",
    "describe_arrivals",
    "describe_end",
    "describe_untested",
    "find_arrived_days",
    "find_end",
    "is_ended",
    "join_series",
    "list_days",
    "mark_old_alert",
]

AREA: Final = 0  # the place that is the whole area; wards are from 1
NEWEST_WEEKS: Final = 8  # records that end longer ago raise no alert
CURRENT_DAYS: Final = 7  # alerts of older records are dated to when the records ended
_MONTH_WEEKS: Final = 8  # records of so many weeks that are all known only to their month have no days
_LEAST_KNOWN: Final = 0.5  # of the days of a baseline: with fewer, no alert says nothing
_YEAR_DAYS: Final = 365
_DAY: Final = dt.timedelta(days=1)
_FULL: Final = 0.9  # days of which more are on record are not named
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class DailySeries:
    """Daily counts float64 (days, places) of places that know the same days.

    `days` int64 (days,): the known days since 1970, in order; days that are not known have no row. `places` (places,):
    AREA, or a ward from 1. `by_officers`, as `counts`: how many of them officers reported.
    """

    days: NDArray[np.int64]
    places: NDArray[np.int64]
    counts: NDArray[np.float64]
    by_officers: NDArray[np.float64]


def count_known_days(
    columns: Columns,
    events: KnownDays,
    area: Area,
    coverage: Coverage,
    *,
    layer: str,
    day: dt.date,
    history_days: int,
) -> list[DailySeries]:
    """Counts on the known days of the `history_days` that end with `day`; a series for places of the same known days.

    The area knows the days that all its wards know. Days that other sources cover than the last known one do not count:
    a source that begins is no rise. Places that know no day at all are in none.
    """
    first = day - (history_days - 1) * _DAY
    ward = find_positions(columns.ward_codes, area.wards.codes)[columns.ward[events.index]]
    officers = columns.reported_by[events.index] == REPORTERS.index("officer")
    size = {"time_count": history_days, "place_count": len(area.wards)}
    counts, by_officers = (
        _add_total(count_by(events.day[is_counted] - to_ordinal(first), ward[is_counted], **size))
        for is_counted in (np.ones(len(ward), dtype=np.bool_), officers)
    )
    places: dict[Spans, list[int]] = {}
    for place, code in enumerate(("", *area.wards.codes)):
        wards = (code,) if code else ()
        known = coverage.find_known_like_last(layer, (first, day + _DAY), wards=wards)
        places.setdefault(known, []).append(place)
    return [
        DailySeries(rows + to_ordinal(first), np.array(own), counts[rows][:, own], by_officers[rows][:, own])
        for known, own in places.items()
        if len(rows := list_days(known) - to_ordinal(first))
    ]


def _add_total(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts (days, wards) with the whole area as the first column."""
    return np.column_stack([counts.sum(axis=1), counts])


def list_days(spans: Spans) -> NDArray[np.int64]:
    """All days of spans, since 1970."""
    parts = [np.arange(to_ordinal(start), to_ordinal(end)) for start, end in spans]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def join_series(series: Sequence[DailySeries]) -> list[NDArray[np.float64]]:
    """The counts (days,) of every place, area first."""
    columns = [(int(place), part.counts[:, k]) for part in series for k, place in enumerate(part.places)]
    return [column for _, column in sorted(columns, key=lambda item: item[0])]


def count_run(coverage: Coverage, layer: str, day: dt.date) -> int:
    """How many days in a row that end with `day` are known in the whole area, from the same sources."""
    known = coverage.find_known_like_last(layer, (dt.date.min, day + _DAY))
    return (day - known[-1][0]).days + 1 if known and known[-1][1] == day + _DAY else 0


def find_end(coverage: Coverage, layers: Sequence[LayerSpec]) -> dt.date | None:
    """The last day of which anything is known of the layers; None where nothing is."""
    reaches = [coverage.find_reach(spec.name) for spec in layers]
    return max((reach[1] - _DAY for reach in reaches if reach), default=None)


def is_ended(last: dt.date, today: dt.date) -> bool:
    """Whether records that end with the day `last` are too old to say anything of now."""
    return last < today - dt.timedelta(weeks=NEWEST_WEEKS)


def is_current(last_day: dt.date, last_known: dt.date, today: dt.date) -> bool:
    """Whether an alert up to `last_day` is of now: that day, or the last known day, is at most CURRENT_DAYS ago."""
    return max(last_day, last_known) >= today - dt.timedelta(days=CURRENT_DAYS)


def mark_old_alert(alert: Alert, last_known: dt.date, today: dt.date | None) -> Alert:
    """The alert, marked as one of when the records ended where it is not of now; None looks back."""
    if today is None or is_current(alert.last_day, last_known, today):
        return alert
    sentence = f"When the records ended ({format_date(last_known)}): {alert.sentence}"
    return replace(alert, records_end=last_known, sentence=sentence)


def describe_end(last: dt.date, today: dt.date, spec: LayerSpec | None = None) -> str:
    """As in "Records end 23 months ago (31 Dec 2024). There are no alerts of now."; of one layer if given."""
    of_layer = f" of {spec.many}" if spec else ""
    return f"Records{of_layer} end {format_ago(last, today)} ({format_date(last)}). There are no alerts of now."


def describe_untested(
    columns: Columns,
    area: Area,
    coverage: Coverage,
    spec: LayerSpec,
    period: Period,
    *,
    baseline_days: int,
    today: dt.date | None = None,
    wards: Sequence[str] = (),
) -> str | None:
    """Why having no alert of a layer on the known days of a period says nothing; None where it says something.

    Its records end too long before `today` (None: look back), have no days, or too few days before these are known.
    """
    last = find_end(coverage, [spec])
    if last and today and not is_current(last, last, today):
        return describe_end(last, today, spec)
    if _lacks_days(columns, spec, period[1], area.time_zone):
        return f"Alerts of {spec.many} are not known: the records of these weeks are known only to their month."
    start = period[0] - dt.timedelta(days=_YEAR_DAYS)
    days = list_days(coverage.find_known_like_last(spec.name, (start, period[1]), wards=wards))
    tested_days = days[days >= to_ordinal(period[0])]
    before = np.searchsorted(days, tested_days)
    recent = before - np.searchsorted(days, tested_days - baseline_days)
    if not len(tested_days) or ((before >= baseline_days) & (recent >= _LEAST_KNOWN * baseline_days)).any():
        return None
    return f"Alerts of {spec.many} are not known: only {recent.max()} of the {baseline_days} days before are known."


def find_arrived_days(
    coverage: Coverage, spec: LayerSpec, first: int, day: dt.date, time_zone: str
) -> NDArray[np.float64]:
    """The share of each day's events that are on record, from `first` (since 1970) to `day`, float64 (days,)."""
    calendar = Calendar(time_zone)
    layer_arrivals = [arrival for arrival in coverage.arrivals if arrival.layer == spec.name]
    newest = np.arange(max(to_ordinal(day) - LATEST_DAYS, first), to_ordinal(day) + 1)
    shares = find_arrived(layer_arrivals, [calendar.day_start(from_ordinal(number)) for number in newest.tolist()])
    return np.concatenate([np.ones(to_ordinal(day) + 1 - first - len(newest)), shares])


def describe_arrivals(arrived: NDArray[np.float64], spec: LayerSpec, last: dt.date) -> list[str]:
    """That the newest days are not complete yet, as a note; `arrived` (days,) ends with `last`.

    As in "Overdoses arrive late: about 55 % of those of 30 Nov 2026 are here. What is usual allows for that."
    """
    days = [(last - int(age) * _DAY, arrived[-1 - age]) for age in range(len(arrived)) if arrived[-1 - age] < _FULL]
    if not days:
        return []
    shares = [f"about {format_percent(float(share))} of those of {format_date(day)}" for day, share in days]
    subject = f"{spec.many[:1].upper()}{spec.many[1:]}"
    return [f"{subject} arrive late: {format_list(shares[:_MOST_NAMED])} are here. What is usual allows for that."]


def _lacks_days(columns: Columns, spec: LayerSpec, until: dt.date, time_zone: str) -> bool:
    """Whether there are records of the last weeks, and each is known only to its month."""
    calendar = Calendar(time_zone)
    low, high = calendar.day_start(until - dt.timedelta(weeks=_MONTH_WEEKS)), calendar.day_start(until)
    recent = (columns.layer == LAYER_NAMES.index(spec.name)) & (columns.end >= low) & (columns.start < high)
    return find_month_only_share(columns, np.flatnonzero(recent)) == 1
