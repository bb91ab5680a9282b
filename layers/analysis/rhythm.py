"""When things happen: hours of the week and months, for cards and lines."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK, STEP_S, Calendar, build_week_mask, format_month
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.columns import Columns
from layers.event import PRECISIONS
from layers.filters import Filter
from layers.query import count, select

__all__ = ["WeekdayHour", "count_by_month", "count_weekday_hours"]


class WeekdayHour(NamedTuple):
    """`grid` (float64 (7, 24), Monday first, local hours) sums the incidents whose time of day is known.

    `known_hour` and `unknown_hour` are how many of the selected incidents have a time of day, and how many have not
    and are missing from the grid. States have no hour and are in none of the three.
    """

    grid: NDArray[np.float64]
    known_hour: int
    unknown_hour: int


def count_weekday_hours(columns: Columns, chosen: Filter, time_zone: str = "Europe/London") -> WeekdayHour:
    """The selected incidents by local weekday and hour; those found between two times are shared over the hours."""
    calendar = Calendar(time_zone)
    selection = select(columns, chosen, time_zone=time_zone)
    incident = np.array([spec.kind == "incident" for spec in LAYERS])[columns.layer[selection.index]]
    timed = columns.precision[selection.index] == PRECISIONS.index("minute")
    index = selection.index[incident & timed]
    instant = columns.start[index] == columns.end[index]
    size = columns.quantity[index].astype(np.float64) if chosen.measure == "quantity" else np.ones(len(index))
    here = index[instant]
    hour = calendar.week_hours(columns.start[here])
    grid: NDArray[np.float64] = np.bincount(hour, weights=size[instant], minlength=HOURS_A_WEEK).astype(np.float64)
    grid = grid + _share_hours(columns, index[~instant], size[~instant], chosen, calendar)
    return WeekdayHour(grid.reshape(7, 24), len(index), int(np.count_nonzero(incident & ~timed)))


def count_by_month(columns: Columns, chosen: Filter, *, time_zone: str = "Europe/London") -> pd.DataFrame:
    """Columns month (YYYY-MM), layer, count: every month from the first with a count to the last, noughts included."""
    rows = count(columns, chosen, by=("month", "layer"), time_zone=time_zone).rows
    layers = [name for name in LAYER_NAMES if not chosen.layers or name in chosen.layers]
    months = _list_months(rows["month"].min(), rows["month"].max()) if len(rows) else []
    every = pd.MultiIndex.from_product([months, layers], names=["month", "layer"])
    return rows.set_index(["month", "layer"]).reindex(every, fill_value=0.0).reset_index()


def _share_hours(
    columns: Columns, index: NDArray[np.int64], size: NDArray[np.float64], chosen: Filter, calendar: Calendar
) -> NDArray[np.float64]:
    """Intervals (n,) of some size shared over the 168 hours of a week: each at its own even rate, inside the filter."""
    start, end = columns.start[index], columns.end[index]
    rate = size / np.maximum(end - start, 1)
    low = calendar.day_start(chosen.start) if chosen.start else start
    high = calendar.day_start(chosen.end) if chosen.end else end
    start, end = np.maximum(start, low), np.minimum(end, high)
    if not len(index):
        return np.zeros(HOURS_A_WEEK)
    first_step = int(start.min()) // STEP_S
    many = int(end.max()) // STEP_S - first_step + 2
    # Rates are switched on and off at whole steps; what that gives too much or too little is put right at both ends.
    seconds = np.zeros(many)
    switched = np.zeros(many)
    for moment, sign in ((start, 1.0), (end, -1.0)):
        step = moment // STEP_S - first_step
        switched += np.bincount(step + 1, weights=sign * rate, minlength=many)
        seconds += np.bincount(step, weights=sign * rate * ((step + first_step + 1) * STEP_S - moment), minlength=many)
    seconds += np.cumsum(switched) * STEP_S
    hour = calendar.week_hours((np.arange(many) + first_step) * STEP_S)
    grid = np.bincount(hour, weights=seconds, minlength=HOURS_A_WEEK)
    return np.where(build_week_mask(chosen.hours, chosen.days), np.maximum(grid, 0.0), 0.0)


def _list_months(first: str, last: str) -> list[str]:
    """Every month from one YYYY-MM to another, both included."""
    low, high = (int(month[:4]) * 12 + int(month[5:]) - 1 - 1970 * 12 for month in (first, last))
    return [format_month(month) for month in range(low, high + 1)]
