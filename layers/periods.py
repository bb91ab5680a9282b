"""Periods for analyses: quarters, known periods, the same length before, a year before, and time bins.

Where a function chooses for the person, it also returns a sentence that says what it chose.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar, find_month_start, list_months
from geo.errors import UsageError
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns
from layers.counting import NO_HOURS, lacks_hours
from layers.coverage import Coverage, CoverageEntry
from layers.event import PRECISIONS
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.wording import MONTH_NAMES, format_date, format_list, format_span

__all__ = [
    "FEWEST_BINS",
    "NO_REPORTERS",
    "QUARTER_YEARS",
    "Bins",
    "Period",
    "QuarterYear",
    "choose_bins",
    "clip_period",
    "describe_missing_days",
    "find_day_end",
    "find_known_period",
    "find_month_only_share",
    "find_period_before",
    "find_quarter",
    "find_year_before",
    "format_quarter",
    "format_quarter_months",
    "get_coverage",
    "has_known_day",
    "parse_day",
    "require_one_layer",
]

QuarterYear = Literal["financial", "calendar"]
QUARTER_YEARS: Final[tuple[QuarterYear, ...]] = get_args(QuarterYear)
_APRIL: Final = 4
Period = tuple[dt.date, dt.date]  # half-open local dates
FEWEST_BINS: Final = 4  # with fewer no trend can be found (geo.emerging_hotspots)
_MOST_WEEKS: Final = 26  # bins of a week, up to so many; for longer periods bins of four weeks
_MOST_OF: Final = 0.5
_EPOCH: Final = dt.date(1970, 1, 1)
_DAY_FORMATS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d %b %Y", "%d %B %Y")
_DAY: Final = dt.timedelta(days=1)
NO_REPORTERS: Final = "No source brings records by these reporters."


@dataclass(frozen=True, slots=True)
class Bins:
    """Time bins, oldest first, and a sentence that says how they were chosen."""

    periods: tuple[Period, ...]
    unit: str  # "week", "four weeks", "month"
    description: str  # "4 bins from 25 Oct to 21 Nov 2026: weeks."


def require_one_layer(chosen: Filter, what: str, *, incidents: bool = False) -> LayerSpec:
    """The one layer of a filter; UsageError for none or several, or for a layer of states where `incidents` are needed.

    `what` begins the rule, as in "A hotspot map".
    """
    names = ", ".join(spec.name for spec in LAYERS if spec.kind == "incident" or not incidents)
    if len(chosen.layers) == 1:
        spec = find_layer(chosen.layers[0])
        if incidents and spec.kind != "incident":
            fact = f"{spec.many} are in force for months"
            raise UsageError(f"{what} needs incidents, which happen on a day", fact, f"choose one of {names}")
        return spec
    fact = f"you chose {format_list(chosen.layers)}" if chosen.layers else "you chose none"
    raise UsageError(
        f"{what} shows one layer, because different things cannot be added up", fact, f"choose one of {names}"
    )


def get_coverage(columns: Columns, *, time_zone: str, reported_by: tuple[str, ...] = ()) -> Coverage:
    """What is known of each layer, of the sources that bring such reporters (none given: of all).

    Where the columns carry no coverage, each layer is known from its first event to its last.
    """
    if columns.coverage is not None:
        return columns.coverage.narrow(reported_by)
    periods = [(spec.name, _find_event_period(columns, code, time_zone)) for code, spec in enumerate(LAYERS)]
    entries = tuple(CoverageEntry(name, "", "", *period) for name, period in periods if period)
    return Coverage(entries, columns.ward_codes)


def _find_event_period(columns: Columns, code: int, time_zone: str) -> Period | None:
    """From the day of a layer's first event to the day after its last; None without events.

    For states the last is the one that began last: an order that runs for months says nothing of those months.
    """
    events_of_layer = np.flatnonzero(columns.layer == code)
    if not events_of_layer.size:
        return None
    start = columns.start[events_of_layer]
    latest = start if LAYERS[code].kind == "state" else np.maximum(start, columns.end[events_of_layer] - 1)
    first, last = Calendar(time_zone).days(np.array([start[0], latest.max()])).tolist()
    return _EPOCH + first * _DAY, _EPOCH + (last + 1) * _DAY


def find_known_period(
    columns: Columns, layer: str, *, time_zone: str, wards: tuple[str, ...] = (), reported_by: tuple[str, ...] = ()
) -> Period | None:
    """From the first day of which a layer's records know anything to the last; None where they know nothing.

    Days between may be missing: `get_coverage(...).find_missing` names them.
    """
    return get_coverage(columns, time_zone=time_zone, reported_by=reported_by).find_reach(layer, wards=wards)


def clip_period(columns: Columns, chosen: Filter, *, time_zone: str) -> tuple[Period | None, list[str]]:
    """The part of the filter's period that the layer's records cover, and sentences on what was left out.

    None if the layer has no records in the period. PolicyError if the viewer of the columns does not see the layer, or
    not its small numbers.
    """
    spec = require_one_layer(chosen, "A period of records")
    columns.require_numbers([spec.name])
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=chosen.reported_by)
    known_period = coverage.find_reach(spec.name, wards=chosen.wards)
    if known_period is None:
        has_others = bool(chosen.reported_by) and find_known_period(columns, spec.name, time_zone=time_zone)
        return None, [NO_REPORTERS if has_others else f"No {spec.many} have been loaded."]
    start, end = (
        max(chosen.start or known_period[0], known_period[0]),
        min(chosen.end or known_period[1], known_period[1]),
    )
    sentences = []
    if chosen.end is not None and end < chosen.end:
        sentences.append(f"The records end on {format_date(known_period[1] - _DAY)}. Later days are left out.")
    if chosen.start is not None and start > chosen.start:
        sentences.append(f"The records begin on {format_date(known_period[0])}. Earlier days are left out.")
    if start < end and (missing := coverage.describe_missing(spec.name, (start, end), wards=chosen.wards)):
        sentences.append(f"{missing}.")
    return (
        ((start, end), sentences) if start < end else (None, [f"There are no records of {_describe_period(chosen)}."])
    )


def _describe_period(chosen: Filter) -> str:
    if chosen.start and chosen.end:
        return format_span(chosen.start, chosen.end)
    return f"the time from {format_date(chosen.start)} on" if chosen.start else "that time"


def describe_missing_days(columns: Columns, chosen: Filter, *, time_zone: str) -> str | None:
    """Which days, or hours, of the period asked for are not known, layer by layer; None where all of them are.

    An open end of the period is where the records of the layer begin or end. Without layers, those with any records.
    """
    coverage, parts = get_coverage(columns, time_zone=time_zone, reported_by=chosen.reported_by), []
    layers = chosen.layers or coverage.layers
    for name in layers:
        period = _find_asked_period(coverage, chosen, name)
        missing = coverage.describe_missing(name, period, wards=chosen.wards) if period else "no day is known"
        known = coverage.find_known_in(name, period, wards=chosen.wards) if period else ()
        if lacks_hours(columns, dataclasses.replace(chosen, layers=(name,)), known, time_zone=time_zone):
            missing = NO_HOURS
        if missing:
            parts.append(f"{find_layer(name).title}: {missing}" if len(layers) > 1 else missing)
    return "; ".join(parts) or (None if layers else "no day is known")


def has_known_day(columns: Columns, chosen: Filter, *, time_zone: str) -> bool:
    """Whether a day of the period asked for is known of any of the layers, at the hours asked for."""
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=chosen.reported_by)
    for name in chosen.layers or coverage.layers:
        period = _find_asked_period(coverage, chosen, name)
        known = coverage.find_known_in(name, period, wards=chosen.wards) if period else ()
        own = dataclasses.replace(chosen, layers=(name,))
        if known and not lacks_hours(columns, own, known, time_zone=time_zone):
            return True
    return False


def _find_asked_period(coverage: Coverage, chosen: Filter, layer: str) -> Period | None:
    """The filter's period, an open end where the records of the layer begin or end; None where they know nothing."""
    reach = coverage.find_reach(layer, wards=chosen.wards)
    first, end = chosen.start or (reach and reach[0]), chosen.end or (reach and reach[1])
    return (first, end) if first and end else None


def find_period_before(period: Period) -> Period:
    """The period of the same length that ends where this one starts."""
    start, end = period
    return start - (end - start), start


def find_year_before(period: Period) -> Period:
    """The same dates a year earlier; 29 February becomes 1 March."""
    return _subtract_year(period[0]), _subtract_year(period[1])


def _subtract_year(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return dt.date(day.year - 1, 3, 1)


def find_month_only_share(columns: Columns, index: NDArray[np.int64]) -> float:
    """The share of these events that are known only to their month; 0 of none."""
    if not len(index):
        return 0.0
    return float((columns.precision[index] == PRECISIONS.index("month")).mean())


def choose_bins(period: Period, *, month_only: float = 0.0) -> Bins | None:
    """Bins that fit a period and end with it: weeks for up to half a year, four weeks for longer periods.

    Where most events are known only to their month (`month_only`, a share), the bins are the whole calendar months of
    the period. Days left over at the start are in no bin. None if there is no room for FEWEST_BINS.
    """
    if month_only > _MOST_OF:
        months = _list_whole_months(period)
        reason = "calendar months, because most records are known only to their month"
        return _build_bins(months, "month", reason) if len(months) >= FEWEST_BINS else None
    days = (period[1] - period[0]).days
    length = 7 if days // 7 <= _MOST_WEEKS else 28
    unit = "week" if length == 7 else "four weeks"  # noqa: PLR2004 - days of a week
    count = days // length
    if count < FEWEST_BINS:
        return None
    ends = [period[1] - k * length * _DAY for k in range(count, -1, -1)]
    reason = "weeks" if unit == "week" else "four weeks each, because there would be more than 26 weeks"
    return _build_bins(list(pairwise(ends)), unit, reason)


def _build_bins(periods: list[Period], unit: str, reason: str) -> Bins:
    span = format_span(periods[0][0], periods[-1][1])
    return Bins(tuple(periods), unit, f"{len(periods)} bins from {span}: {reason}.")


def _list_whole_months(period: Period) -> list[Period]:
    """The calendar months that lie wholly in a period."""
    months = [(month, find_month_start(month, 1)) for month in list_months(*period)]
    return [(start, end) for start, end in months if end <= period[1]]


def format_quarter(day: dt.date, *, year: QuarterYear = "financial") -> str:
    """The quarter of a day: "2026/27 Q3" (October to December 2026), or of the calendar year "2026 Q4".

    Both kinds have the same bounds and sort as text.
    """
    quarter = (day.month - 1) // 3 + 1
    if year == "calendar":
        return f"{day.year} Q{quarter}"
    first = day.year if day.month >= _APRIL else day.year - 1
    return f"{first}/{(first + 1) % 100:02d} Q{(quarter + 2) % 4 + 1}"


def find_quarter(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first day of the quarter that a day is in, and of the one after it."""
    start = find_month_start(day, -((day.month - 1) % 3))
    return start, find_month_start(start, 3)


def format_quarter_months(day: dt.date) -> str:
    """The months of the quarter that a day is in: "Oct to Dec 2026"."""
    start, _ = find_quarter(day)
    return f"{MONTH_NAMES[start.month - 1]} to {MONTH_NAMES[start.month + 1]} {start.year}"


def parse_day(text: str) -> dt.date:
    """A day as 2026-11-21, 21/11/2026 or 21 Nov 2026; UsageError for anything else."""
    for form in _DAY_FORMATS:
        try:
            return dt.datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise UsageError(
        "A day is written 2026-11-21, 21/11/2026 or 21 Nov 2026",
        f"{text!r} is not written like that",
        "put the month in the middle",
    )


def find_day_end(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The last second of a local day, as an aware time: what the store knew when that day ended.

    UsageError for the last day that a calendar of four digits has, which no day follows.
    """
    if day == dt.date.max:
        raise UsageError("A day is before the end of the year 9999", f"{day} is its last day", "choose an earlier day")
    after = day + _DAY
    midnight = dt.datetime(after.year, after.month, after.day, tzinfo=zone)
    return dt.datetime.fromtimestamp(midnight.timestamp() - 1, tz=zone)
