"""Selected events cut into parts: by the periods they meet, and by the weekdays and hours that they fall into.

An incident counts in each part by the share of its interval there; a state counts whole in each that it meets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK, AllowedTime, Calendar, build_week_mask
from geo.counts import compute_shares, expand
from layers.catalogue import find_layer
from layers.columns import Columns, mark_states
from layers.event import PRECISIONS
from layers.filters import Filter
from layers.grouping import Grouping, PeriodUnit

__all__ = ["TimeParts", "Window", "are_states", "build_window", "cut_by_time"]

_MINUTE, _DAY = PRECISIONS.index("minute"), PRECISIONS.index("day")
_ALWAYS: Final = 1 << 40  # seconds: beyond any calendar


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The filter's time in UTC seconds: [low, high), and the chosen hours of the week (None: all)."""

    low: int
    high: int
    allowed: AllowedTime | None


@dataclass(frozen=True, slots=True, eq=False)
class TimeParts:
    """Parts (m,): `event` is the place in the selection; `low` and `high` bound the part, `low` lying within it.

    `period` is the last of `edges` (k,) not after the part: no period of any unit begins between two of these.
    `weekday` (Monday 0) and `hour` are -1 where they are not known. What nobody asked for is empty.
    """

    event: NDArray[np.int64]
    weight: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    edges: NDArray[np.int64]
    period: NDArray[np.int64]
    weekday: NDArray[np.int64]
    hour: NDArray[np.int64]


_NONE: Final = np.zeros(0, dtype=np.int64)


def build_window(columns: Columns, chosen: Filter, calendar: Calendar) -> Window:
    """The time that a filter asks for."""
    low = calendar.day_start(chosen.start) if chosen.start else -_ALWAYS
    high = calendar.day_start(chosen.end) if chosen.end else _ALWAYS
    mask = build_week_mask(chosen.hours, chosen.days)
    if mask.all() or not len(columns):
        return Window(low, high, None)
    # A window no wider than what there is changes no answer, and its table of hours has an end.
    first = max(low, int(columns.start[0]))
    last = max(first, min(high, int(columns.end.max()) + 1))
    return Window(first, last, AllowedTime.between(first, last, calendar=calendar, mask=mask))


def are_states(columns: Columns, chosen: Filter, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which events are states; one False for all where no layer of states is asked for."""
    if chosen.layers and not any(find_layer(name).kind == "state" for name in chosen.layers):
        return np.zeros(1, dtype=np.bool_)
    return mark_states(columns.layer[index])


def cut_by_time(
    columns: Columns,
    index: NDArray[np.int64],
    weight: NDArray[np.float64],
    chosen: Filter,
    calendar: Calendar,
    groupings: Sequence[Grouping],
) -> TimeParts:
    """The selected events, at `index` and with `weight` (n,), cut as the groupings need."""
    cut = _Cut(columns, index, weight, chosen, build_window(columns, chosen, calendar), calendar)
    parts = cut.by_periods([each.unit for each in groupings if each.unit])
    clocks = {each.clock for each in groupings if each.clock}
    return cut.by_clock(parts, weekday="weekday" in clocks, hour="hour" in clocks) if clocks else parts


class _Cut:
    """A selection with its times, ready to be cut."""

    def __init__(
        self,
        columns: Columns,
        index: NDArray[np.int64],
        weight: NDArray[np.float64],
        chosen: Filter,
        window: Window,
        calendar: Calendar,
    ) -> None:
        self.chosen, self.window, self.calendar, self.weight = chosen, window, calendar, weight
        self.start, self.end = columns.start[index], columns.end[index]
        self.precision = columns.precision[index]
        self.state = np.broadcast_to(are_states(columns, chosen, index), index.shape)
        self.size = columns.quantity[index] if chosen.measure == "quantity" else None

    def by_periods(self, units: Sequence[PeriodUnit]) -> TimeParts:
        """Cut where any of the units begins a period."""
        every = np.arange(len(self.start))
        low = np.maximum(self.start, self.window.low)
        high = np.maximum(low, np.minimum(self.end, self.window.high))
        if not units or not len(every):
            return TimeParts(every, self.weight, low, high, _NONE, _NONE, _NONE, _NONE)
        edges = _find_edges(units, self.calendar, int(low.min()), int(high.max()))
        first = np.searchsorted(edges, low, side="right") - 1
        long = np.flatnonzero(high > edges[first + 1])
        if not len(long):
            return TimeParts(every, self.weight, low, high, edges, first, _NONE, _NONE)
        last = first.copy()
        last[long] = np.searchsorted(edges, high[long] - 1, side="right") - 1
        event, period = expand(first, last)
        part_low, part_high = np.maximum(edges[period], low[event]), np.minimum(edges[period + 1], high[event])
        weight = self.weight[event]
        several = np.flatnonzero((last > first)[event] & ~self.state[event])
        weight[several] = self._share(event[several], part_low[several], part_high[several], self.window.allowed)
        return TimeParts(event, weight, part_low, part_high, edges, period, _NONE, _NONE)

    def _share(
        self, event: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], allowed: AllowedTime | None
    ) -> NDArray[np.float64]:
        share = compute_shares(self.start[event], self.end[event], low=low, high=high, allowed=allowed)
        return share if self.size is None else share * self.size[event]

    def by_clock(self, parts: TimeParts, *, weekday: bool, hour: bool) -> TimeParts:
        """Cut parts further, by weekday or hour or both; what is known too coarsely for one has none of it."""
        event = parts.event
        day_known = (self.precision <= _DAY) | self.state
        hour_known = (self.precision == _MINUTE) | self.state
        instant = (self.start == self.end)[event]
        hours = self.calendar.week_hours(parts.low)
        whole = replace(
            parts,
            weekday=np.where(day_known[event], hours // 24, -1) if weekday else np.full(len(event), -1),
            hour=np.where(hour_known[event], hours % 24, -1) if hour else np.full(len(event), -1),
        )
        to_hour = ~instant & hour_known[event] & hour
        to_day = ~instant & day_known[event] & ~to_hour & weekday
        cut = [_take(whole, ~(to_hour | to_day))]
        for which, by_hour in ((to_hour, True), (to_day, False)):
            for state in (False, True):
                some = np.flatnonzero(which & (self.state[event] == state))
                if len(some):
                    cut += self._spread(_take(whole, some), state=state, weekday=weekday, hour=by_hour)
        return _join(cut)

    def _spread(self, parts: TimeParts, *, state: bool, weekday: bool, hour: bool) -> list[TimeParts]:
        """Parts of intervals, slot by slot: of each the share that falls into it; a state whole where it meets it."""
        first, last = int(parts.low.min()), int(parts.high.max()) + 1
        wanted = build_week_mask(None, ()) if state else build_week_mask(self.chosen.hours, self.chosen.days)
        found = []
        for day in range(7) if weekday else (-1,):
            for clock in range(24) if hour else (-1,):
                mask = wanted & _build_slot(day, clock)
                if not mask.any():
                    continue
                table = AllowedTime.between(first, last, calendar=self.calendar, mask=mask)
                share = self._share(parts.event, parts.low, parts.high, table)
                part = _take(parts if state else replace(parts, weight=share), share > 0)
                size = len(part.event)
                found.append(replace(part, weekday=np.full(size, day), hour=np.full(size, clock)))
        return found


def _find_edges(units: Sequence[PeriodUnit], calendar: Calendar, low: int, high: int) -> NDArray[np.int64]:
    """Where periods begin: from the one that holds `low` to the one after `high`, sorted."""
    edges: set[int] = set()
    for unit in units:
        first, last = unit.find(calendar, np.array([low, high])).tolist()
        edges |= {unit.start(calendar, number) for number in range(first, last + 2)}
    return np.array(sorted(edges), dtype=np.int64)


def _build_slot(day: int, hour: int) -> NDArray[np.bool_]:
    """The hours of the week on a weekday at an hour; -1: on any, at any."""
    hours = np.arange(HOURS_A_WEEK)
    return np.asarray(((day < 0) | (hours // 24 == day)) & ((hour < 0) | (hours % 24 == hour)))


_ARRAYS: Final = tuple(each.name for each in fields(TimeParts) if each.name != "edges")


def _take(parts: TimeParts, which: NDArray[np.int64] | NDArray[np.bool_]) -> TimeParts:
    """Some of the parts; what is empty stays so."""
    arrays = {name: getattr(parts, name) for name in _ARRAYS}
    return replace(parts, **{name: array[which] for name, array in arrays.items() if len(array)})


def _join(parts: Sequence[TimeParts]) -> TimeParts:
    return replace(parts[0], **{name: np.concatenate([getattr(each, name) for each in parts]) for name in _ARRAYS})
