"""Rhythm: incidents by weekday and hour and by month, and the busiest shift and how sure that is."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK, STEP_S, Calendar, build_week_mask, format_month, parse_month
from geo.tails import binomial_at_least, share_interval
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.columns import Columns
from layers.counting import count, select
from layers.coverage import Spans
from layers.event import PRECISIONS
from layers.filters import Filter
from layers.wording import format_percent, format_plural

__all__ = [
    "SHIFT_HOURS",
    "BusiestShift",
    "WeekdayHour",
    "count_by_month",
    "count_known_hours",
    "count_weekday_hours",
    "find_busiest_shift",
]

# Local hours [from, to) of the three shifts that cover a day.
SHIFT_HOURS: Final = {"early": (6, 14), "late": (14, 22), "night": (22, 6)}
_LEVEL: Final = 0.05
# Of fewer records not even all in one shift would pass the test below (2 x 0.5^5 is above 0.05), and the interval of a
# share reaches over most of 0 to 100 %. So no shift is called the busiest, and no share is given.
_FEWEST: Final = 6


class WeekdayHour(NamedTuple):
    """`grid` (float64 (7, 24), Monday first, local hours) sums the incidents whose time of day is known.

    `known_hour` is how many of the selected incidents have a time of day; `unknown_hour` have none and are missing from
    the grid. States have no hour and are in none of the three.
    """

    grid: NDArray[np.float64]
    known_hour: int
    unknown_hour: int


@dataclass(frozen=True, slots=True)
class BusiestShift:
    """The shift with the most incidents of a weekday-by-hour grid.

    `counts` are events by shift. `share` is that of the busiest, with its exact 95 % interval `low` to `high` (Clopper
    and Pearson 1934, of counts rounded to whole events). `p` compares the busiest with the next: two-sided binomial,
    which is valid although both were picked on the same data (Hung and Fithian 2019). `clear`: p is at most 0.05.
    `too_few`: under six records or events, of which no shift could be clear; `sentence` gives no share then. `name` is
    None without events. Near repeats make the interval and p too small.
    """

    name: str | None
    next: str | None
    counts: dict[str, float]
    share: float
    low: float
    high: float
    p: float
    clear: bool
    too_few: bool
    known_hour: int
    unknown_hour: int

    @property
    def sentence(self) -> str:
        """Which shift, how sure, and from how many records."""
        if self.name is None or self.next is None:
            if not self.unknown_hour:
                return "There are no records here, so no shift can be named."
            number = self.unknown_hour
            records = "the only record" if number == 1 else f"any of the {number:,} records"
            return f"No shift can be named. The time of day is not known for {records}."
        verb = "has" if self.unknown_hour == 1 else "have"
        left_out = f" {self.unknown_hour:,} more {verb} none." if self.unknown_hour else ""
        if self.too_few:
            have = "has" if self.known_hour == 1 else "have"
            return f"Too few records to say which shift is busiest: {self.known_hour:,} {have} a time of day.{left_out}"
        busiest, following = (_format_shift(name) for name in (self.name, self.next))
        share = (
            f"{format_percent(self.share)} (between {format_percent(self.low)} and {format_percent(self.high)}) of the "
            f"{format_plural(self.known_hour, 'record', 'records')} with a time of day"
        )
        if self.clear:
            return f"The busiest shift is {busiest}, with {share}. The next is {following}.{left_out}"
        return f"Most fall in the {busiest} shift: {share}. The {following} shift may be as busy.{left_out}"


def count_weekday_hours(columns: Columns, event_filter: Filter, time_zone: str = "Europe/London") -> WeekdayHour:
    """The selected incidents by local weekday and hour; those found between two times are shared over the hours."""
    calendar = Calendar(time_zone)
    selection = select(columns, event_filter, time_zone=time_zone)
    incident = np.array([spec.kind == "incident" for spec in LAYERS])[columns.layer[selection.index]]
    timed = columns.precision[selection.index] == PRECISIONS.index("minute")
    index = selection.index[incident & timed]
    instant = columns.start[index] == columns.end[index]
    size = columns.quantity[index].astype(np.float64) if event_filter.measure == "quantity" else np.ones(len(index))
    hour = calendar.week_hours(columns.start[index[instant]])
    grid: NDArray[np.float64] = np.bincount(hour, weights=size[instant], minlength=HOURS_A_WEEK).astype(np.float64)
    grid = grid + _share_hours(columns, index[~instant], size[~instant], event_filter, calendar)
    return WeekdayHour(grid.reshape(7, 24), len(index), int(np.count_nonzero(incident & ~timed)))


def count_known_hours(
    columns: Columns, event_filter: Filter, known: Spans, *, time_zone: str = "Europe/London"
) -> WeekdayHour:
    """The same on known days, whatever the filter's own period: days that are not known are no lull."""
    parts = [
        count_weekday_hours(columns, replace(event_filter, start=start, end=end), time_zone) for start, end in known
    ]
    grids = np.array([np.zeros((7, 24)), *(part.grid for part in parts)])
    hours = (sum(part.known_hour for part in parts), sum(part.unknown_hour for part in parts))
    return WeekdayHour(grids.sum(axis=0), *hours)


def count_by_month(columns: Columns, event_filter: Filter, *, time_zone: str = "Europe/London") -> pd.DataFrame:
    """Columns month (YYYY-MM), layer, count: every month from the first with a count to the last, zeros included."""
    rows = count(columns, event_filter, by=("month", "layer"), time_zone=time_zone).rows
    layers = [name for name in LAYER_NAMES if not event_filter.layers or name in event_filter.layers]
    months = _list_months(rows["month"].min(), rows["month"].max()) if len(rows) else []
    every = pd.MultiIndex.from_product([months, layers], names=["month", "layer"])
    return rows.set_index(["month", "layer"]).reindex(every, fill_value=0.0).reset_index()


def _share_hours(
    columns: Columns, index: NDArray[np.int64], size: NDArray[np.float64], event_filter: Filter, calendar: Calendar
) -> NDArray[np.float64]:
    """Intervals (n,) spread evenly over the hours of the week that they cover inside the filter, float64 (168,)."""
    start, end = columns.start[index], columns.end[index]
    rate = size / np.maximum(end - start, 1)
    earliest = calendar.day_start(event_filter.start) if event_filter.start else start
    latest = calendar.day_start(event_filter.end) if event_filter.end else end
    start, end = np.maximum(start, earliest), np.minimum(end, latest)
    if not len(index):
        return np.zeros(HOURS_A_WEEK)
    first_step = int(start.min()) // STEP_S
    steps = int(end.max()) // STEP_S - first_step + 2
    # Rates start and end at whole steps; both ends are then corrected for the part of a step.
    seconds = np.zeros(steps)
    rates = np.zeros(steps)
    for second, sign in ((start, 1.0), (end, -1.0)):
        step = second // STEP_S - first_step
        rates += np.bincount(step + 1, weights=sign * rate, minlength=steps)
        seconds += np.bincount(step, weights=sign * rate * ((step + first_step + 1) * STEP_S - second), minlength=steps)
    seconds += np.cumsum(rates) * STEP_S
    hour = calendar.week_hours((np.arange(steps) + first_step) * STEP_S)
    grid = np.bincount(hour, weights=seconds, minlength=HOURS_A_WEEK)
    return np.where(build_week_mask(event_filter.hours, event_filter.days), np.maximum(grid, 0.0), 0.0)


def _list_months(first_month: str, last_month: str) -> list[str]:
    """Every month from one YYYY-MM to another, both included."""
    return [format_month(month) for month in range(parse_month(first_month), parse_month(last_month) + 1)]


def find_busiest_shift(rhythm: WeekdayHour) -> BusiestShift:
    """Which of the early (06-14), late (14-22) and night (22-06) shifts has the most, from a weekday-by-hour grid.

    Of equal shifts the first of the day is named.
    """
    hours = rhythm.grid.sum(axis=0)
    counts = {name: float(hours[_list_shift_hours(*bounds)].sum()) for name, bounds in SHIFT_HOURS.items()}
    rounded = {name: round(number) for name, number in counts.items()}
    ranked = sorted(counts, key=lambda name: -counts[name])
    total = sum(rounded.values())
    if not total:
        return BusiestShift(
            None, None, counts, np.nan, 0.0, 1.0, 1.0, False, True, rhythm.known_hour, rhythm.unknown_hour
        )
    most, second = rounded[ranked[0]], rounded[ranked[1]]
    low, high = share_interval(most, total, level=1 - _LEVEL)
    p = min(1.0, 2 * binomial_at_least(most, most + second, 0.5))
    # A record of many items is one, and hours may hold a part of a record.
    too_few = min(total, rhythm.known_hour) < _FEWEST
    return BusiestShift(
        name=ranked[0],
        next=ranked[1],
        counts=counts,
        share=counts[ranked[0]] / sum(counts.values()),
        low=low,
        high=high,
        p=p,
        clear=p <= _LEVEL and not too_few,
        too_few=too_few,
        known_hour=rhythm.known_hour,
        unknown_hour=rhythm.unknown_hour,
    )


def _list_shift_hours(begin: int, end: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The hours of the day of a shift, which may run over midnight."""
    return np.arange(begin, end if end > begin else end + 24) % 24


def _format_shift(name: str) -> str:
    begin, end = SHIFT_HOURS[name]
    return f"{name} ({begin:02d}:00 to {end:02d}:00)"
