"""Selected events cut into parts: by the periods, weekdays and hours that they meet.

An incident counts in each part by the share of its interval there. A state counts as a whole in each part.
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

__all__ = ["TimeParts", "Window", "build_window", "cut_by_time", "find_states"]

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
    """Parts (m,): `event` is the index in the selection; `low` is the first UTC second, `high` the end.

    `period` is the index of the last of `edges` (k,) that is not after the part; between two edges no period of any
    unit begins. `weekday` (Monday 0) and `hour` are -1 where they are not known. Arrays that nobody needs are empty.
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
    """The time window of a filter."""
    low = calendar.day_start(chosen.start) if chosen.start else -_ALWAYS
    high = calendar.day_start(chosen.end) if chosen.end else _ALWAYS
    mask = build_week_mask(chosen.hours, chosen.days)
    if mask.all() or not len(columns):
        return Window(low, high, None)
    # A window no wider than the events changes no answer, and keeps the table of hours finite.
    first = max(low, int(columns.start[0]))
    last = max(first, min(high, int(columns.last_end[0]) + 1))
    return Window(first, last, AllowedTime.between(first, last, calendar=calendar, mask=mask))


def find_states(columns: Columns, chosen: Filter, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each event is a state; a single False if the filter has no layer of states."""
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
    """Cut the selected events, at `index` and with `weight` (n,), as the groupings need."""
    cut = _Cut(columns, index, weight, chosen, build_window(columns, chosen, calendar), calendar)
    parts = cut.cut_by_periods([grouping.unit for grouping in groupings if grouping.unit])
    clocks = {grouping.clock for grouping in groupings if grouping.clock}
    return cut.cut_by_clock(parts, weekday="weekday" in clocks, hour="hour" in clocks) if clocks else parts


class _Cut:
    """A selection with its times, and the ways to cut it."""

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
        self.state = np.broadcast_to(find_states(columns, chosen, index), index.shape)
        self.size = columns.quantity[index] if chosen.measure == "quantity" else None

    def cut_by_periods(self, units: Sequence[PeriodUnit]) -> TimeParts:
        """Cut where a period of any of the units begins."""
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
        weight[several] = self._compute_weights(
            event[several], part_low[several], part_high[several], self.window.allowed
        )
        return TimeParts(event, weight, part_low, part_high, edges, period, _NONE, _NONE)

    def _compute_weights(
        self, event: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], allowed: AllowedTime | None
    ) -> NDArray[np.float64]:
        share = compute_shares(self.start[event], self.end[event], low=low, high=high, allowed=allowed)
        return share if self.size is None else share * self.size[event]

    def cut_by_clock(self, parts: TimeParts, *, weekday: bool, hour: bool) -> TimeParts:
        """Cut parts further, by weekday or hour or both. A time that is too coarse for one gets -1 for it."""
        event = parts.event
        day_known = (self.precision <= _DAY) | self.state
        hour_known = (self.precision == _MINUTE) | self.state
        instant = (self.start == self.end)[event]
        hours = self.calendar.week_hours(parts.low)
        uncut = replace(
            parts,
            weekday=np.where(day_known[event], hours // 24, -1) if weekday else np.full(len(event), -1),
            hour=np.where(hour_known[event], hours % 24, -1) if hour else np.full(len(event), -1),
        )
        to_hour = ~instant & hour_known[event] & hour
        to_day = ~instant & day_known[event] & ~to_hour & weekday
        cuts = [_take_parts(uncut, ~(to_hour | to_day))]
        for is_wanted, by_hour in ((to_hour, True), (to_day, False)):
            for state in (False, True):
                chosen_parts = np.flatnonzero(is_wanted & (self.state[event] == state))
                if len(chosen_parts):
                    cuts += self._share_over_slots(
                        _take_parts(uncut, chosen_parts), state=state, weekday=weekday, hour=by_hour
                    )
        return _join_parts(cuts)

    def _share_over_slots(self, parts: TimeParts, *, state: bool, weekday: bool, hour: bool) -> list[TimeParts]:
        """Cut parts of intervals by slots of the week: incidents by their share of each slot, states as a whole."""
        first, last = int(parts.low.min()), int(parts.high.max()) + 1
        allowed_hours = build_week_mask(None, ()) if state else build_week_mask(self.chosen.hours, self.chosen.days)
        slots = []
        for day in range(7) if weekday else (-1,):
            for clock in range(24) if hour else (-1,):
                mask = allowed_hours & _build_slot(day, clock)
                if not mask.any():
                    continue
                table = AllowedTime.between(first, last, calendar=self.calendar, mask=mask)
                share = self._compute_weights(parts.event, parts.low, parts.high, table)
                met = _take_parts(parts if state else replace(parts, weight=share), share > 0)
                size = len(met.event)
                slots.append(replace(met, weekday=np.full(size, day), hour=np.full(size, clock)))
        return slots


def _find_edges(units: Sequence[PeriodUnit], calendar: Calendar, low: int, high: int) -> NDArray[np.int64]:
    """The starts of periods, sorted: from the period that holds `low` to the one after `high`."""
    edges: set[int] = set()
    for unit in units:
        first, last = unit.find(calendar, np.array([low, high])).tolist()
        edges |= {unit.start(calendar, number) for number in range(first, last + 2)}
    return np.array(sorted(edges), dtype=np.int64)


def _build_slot(day: int, hour: int) -> NDArray[np.bool_]:
    """The hours of the week on a weekday at an hour; -1 means any weekday, or any hour."""
    hours = np.arange(HOURS_A_WEEK)
    return np.asarray(((day < 0) | (hours // 24 == day)) & ((hour < 0) | (hours % 24 == hour)))


_ARRAYS: Final = tuple(field.name for field in fields(TimeParts) if field.name != "edges")


def _take_parts(parts: TimeParts, index: NDArray[np.int64] | NDArray[np.bool_]) -> TimeParts:
    """Some of the parts; empty arrays stay empty."""
    arrays = {name: getattr(parts, name) for name in _ARRAYS}
    return replace(parts, **{name: array[index] for name, array in arrays.items() if len(array)})


def _join_parts(parts: Sequence[TimeParts]) -> TimeParts:
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS})
