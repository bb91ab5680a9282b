"""From columns and a filter to counts: which events, with what weight, summed by cell, ward, month and layer.

Incidents count by the share of their interval that falls inside the filter; states count while they are in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import AllowedTime, Calendar, build_week_mask
from geo.counts import compute_shares, expand, sum_groups
from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from geo.wards import Wards
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS
from layers.filters import Filter, Group
from layers.grouping import group_by_cell, group_by_layer, group_by_month, group_by_ward

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = ["Counts", "Filter", "GroupedCounts", "Selection", "count", "count_cells", "count_groups", "select"]

_STATE: Final = np.array([spec.kind == "state" for spec in LAYERS])
_MINUTE, _DAY = PRECISIONS.index("minute"), PRECISIONS.index("day")
_FEW: Final = 8  # codes that are compared one by one
_ALWAYS: Final = 1 << 40  # seconds: beyond any calendar
_GROUPS: Final[tuple[Group, ...]] = ("cell", "ward", "month", "layer")


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Events with a weight above 0: `index` (int64 (n,)) into the columns, ascending, and `weight` (float64 (n,)).

    `unplaced_in_time` incidents lie at least partly in the period but have no time of day (or no day) by which a
    filter of hours (or days) could place them; they are left out. `shared_in_time` incidents are selected with a share
    between 0 and 1, because only a part of the interval to which they are known lies inside the filter.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    unplaced_in_time: int
    shared_in_time: int


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """`rows` holds a row a group: its group columns and `count` (float64; whole numbers are exact).

    `total` is the sum over the whole filter. By month it may be less than the rows' sum for states, which count in
    each month in which they are in force; in all else the rows add up to it. For the other two see Selection.
    """

    total: float
    unplaced_in_time: int
    shared_in_time: int
    rows: "pd.DataFrame"


@dataclass(frozen=True, slots=True, eq=False)
class GroupedCounts:
    """Counts before they are a table: `labels` (a list a group column) and `sums` (float64 (g,)), group by group."""

    total: float
    unplaced_in_time: int
    shared_in_time: int
    labels: dict[str, list[str]]
    sums: NDArray[np.float64]

    def list_rows(self) -> list[dict[str, str | float]]:
        """A row a group: its group columns and `count`."""
        columns = (*self.labels.values(), self.sums.tolist())
        return [dict(zip((*self.labels, "count"), row, strict=True)) for row in zip(*columns, strict=True)]

    def to_counts(self) -> Counts:
        """The same as a table of pandas."""
        rows = pd.DataFrame({**self.labels, "count": self.sums})
        return Counts(self.total, self.unplaced_in_time, self.shared_in_time, rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The filter's time in UTC seconds: [low, high), and the chosen hours of the week (None: all)."""

    low: int
    high: int
    allowed: AllowedTime | None


def select(columns: Columns, chosen: Filter, *, time_zone: str = "Europe/London") -> Selection:
    """The events that a filter selects, each with its weight."""
    window = _window(columns, chosen, Calendar(time_zone))
    index = _candidates(columns, chosen, window)
    unplaced = 0
    if window.allowed is not None:
        limit = _MINUTE if chosen.hours is not None and chosen.hours != (0, 24) else _DAY
        coarse = (columns.precision[index] > limit) & ~_are_states(columns, chosen, index)
        unplaced = int(np.count_nonzero(coarse))
        index = index[~coarse]
    share = _weights(columns, chosen, index, window)
    kept = share > 0
    index, share = index[kept], share[kept]
    weight = share * columns.quantity[index] if chosen.measure == "quantity" else share
    return Selection(index, weight, unplaced, int(np.count_nonzero(share < 1)))


def count(
    columns: Columns,
    chosen: Filter,
    *,
    by: Sequence[Group] = ("cell",),
    resolution: int = 9,
    wards: Wards | None = None,
    time_zone: str = "Europe/London",
) -> Counts:
    """What a filter selects, summed by any of cell, ward, month and layer.

    The rows' columns are those of `by` in its order (ward gives ward_code and ward_name, the code again without
    `wards`) and `count`; they are sorted by them, and empty groups are left out. Raises UsageError for groups or a
    resolution that there are not.
    """
    return count_groups(columns, chosen, by=by, resolution=resolution, wards=wards, time_zone=time_zone).to_counts()


def count_groups(
    columns: Columns,
    chosen: Filter,
    *,
    by: Sequence[Group] = ("cell",),
    resolution: int = 9,
    wards: Wards | None = None,
    time_zone: str = "Europe/London",
) -> GroupedCounts:
    """`count`, whose answer is no table yet: pandas, which takes a third of a second to import, is not used."""
    _require_groups(by, columns, resolution)
    selection = select(columns, chosen, time_zone=time_zone)
    index, weight = selection.index, selection.weight
    month: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    shared = selection.shared_in_time
    if "month" in by:
        event, month, weight = _by_month(columns, selection, chosen, Calendar(time_zone))
        shared = _shared_over_months(columns, chosen, selection, event[weight > 0])
        index = index[event]
    groups = {
        "cell": lambda: group_by_cell(columns, index, resolution),
        "ward": lambda: group_by_ward(columns, index, wards),
        "month": lambda: group_by_month(month),
        "layer": lambda: group_by_layer(columns, index),
    }
    grouped = [groups[name]() for name in by]
    parts, sums = sum_groups([group.code for group in grouped], [group.size for group in grouped], weight)
    labels: dict[str, list[str]] = {}
    for group, part in zip(grouped, parts, strict=True):
        labels |= group.label(part)
    return GroupedCounts(
        total=float(selection.weight.sum()),
        unplaced_in_time=selection.unplaced_in_time,
        shared_in_time=shared,
        labels=labels,
        sums=sums,
    )


def _shared_over_months(columns: Columns, chosen: Filter, selection: Selection, event: NDArray[np.int64]) -> int:
    """How many incidents the filter or the months share; `event` (m,) is the place of each month's part."""
    parts = np.bincount(event, minlength=len(selection.index))
    quantity = columns.quantity[selection.index] if chosen.measure == "quantity" else 1
    shared = (selection.weight < quantity) | (parts > 1)
    return int(np.count_nonzero(shared & ~_are_states(columns, chosen, selection.index)))


def count_cells(
    columns: Columns, selection: Selection, *, resolution: int = 9
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """A selection summed by cell: sorted cells (uint64 (g,)) and their sums (float64 (g,)), for maps."""
    ids = columns.cell_ids[resolution]
    (place,), sums = sum_groups([columns.cell[resolution][selection.index]], [len(ids)], selection.weight)
    return ids[place], sums


def _window(columns: Columns, chosen: Filter, calendar: Calendar) -> _Window:
    low = calendar.day_start(chosen.start) if chosen.start else -_ALWAYS
    high = calendar.day_start(chosen.end) if chosen.end else _ALWAYS
    mask = build_week_mask(chosen.hours, chosen.days)
    if mask.all() or not len(columns):
        return _Window(low, high, None)
    # A window no wider than what there is changes no answer, and its table of hours has an end.
    first = max(low, int(columns.start[0]))
    last = max(first, min(high, int(columns.end.max()) + 1))
    return _Window(first, last, AllowedTime.between(first, last, calendar=calendar, mask=mask))


def _candidates(columns: Columns, chosen: Filter, window: _Window) -> NDArray[np.int64]:
    """The events of the chosen layers, wards and reporters that lie at least partly in the period."""
    first, last = np.searchsorted(columns.start, (window.low, window.high)).tolist()
    early = np.flatnonzero(columns.end[:first] > window.low)
    early = early[_matches(columns, chosen, early)]
    late = np.flatnonzero(_matches(columns, chosen, slice(first, last))) + first
    return np.concatenate([early, late]) if len(early) else late


def _matches(columns: Columns, chosen: Filter, where: slice | NDArray[np.int64]) -> NDArray[np.bool_]:
    keep = np.ones(len(columns.start[where]), dtype=np.bool_)
    for names, known, codes in (
        (chosen.layers, LAYER_NAMES, columns.layer),
        (chosen.reported_by, REPORTERS, columns.reported_by),
        (chosen.wards, columns.ward_codes, columns.ward),
    ):
        if names:
            keep &= _among(codes[where], [known.index(name) for name in names if name in known], len(known))
    return keep


def _among(codes: NDArray[np.integer], wanted: list[int], size: int) -> NDArray[np.bool_]:
    """Whether each code is one of the wanted. Few comparisons are several times quicker than a table's look-ups."""
    if len(wanted) > _FEW:
        table = np.zeros(size, dtype=np.bool_)
        table[wanted] = True
        return np.asarray(table[codes])
    found: NDArray[np.bool_] = np.zeros(len(codes), dtype=np.bool_)
    for code in wanted:
        found |= codes == code
    return found


def _are_states(columns: Columns, chosen: Filter, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which events are states; one False for all where no layer of states is asked for."""
    if chosen.layers and not any(_STATE[LAYER_NAMES.index(name)] for name in chosen.layers):
        return np.zeros(1, dtype=np.bool_)
    return np.asarray(_STATE[columns.layer[index]])


def _weights(columns: Columns, chosen: Filter, index: NDArray[np.int64], window: _Window) -> NDArray[np.float64]:
    """The share of each event that falls inside the window; 1 for a state."""
    if window.allowed is None and chosen.start is None and chosen.end is None:
        return np.ones(len(index))
    start, end = columns.start[index], columns.end[index]
    incident = ~_are_states(columns, chosen, index)
    share = np.ones(len(index))
    if window.allowed is None:
        part = np.flatnonzero(((start < window.low) | (end > window.high)) & incident)
    else:
        instant = (start == end) & incident
        if instant.all():
            return window.allowed.holds(start).astype(np.float64)
        share[instant] = window.allowed.holds(start[instant])
        part = np.flatnonzero((start != end) & incident)
    share[part] = compute_shares(start[part], end[part], low=window.low, high=window.high, allowed=window.allowed)
    return share


def _by_month(
    columns: Columns, selection: Selection, chosen: Filter, calendar: Calendar
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The selected events month by month: place in the selection, month since January 1970, weight, (m,) each."""
    window = _window(columns, chosen, calendar)
    start, end = columns.start[selection.index], columns.end[selection.index]
    if not len(start):
        return np.arange(0), np.arange(0), np.zeros(0)
    from_s = np.maximum(start, window.low)
    to_s = np.maximum(from_s, np.minimum(end, window.high) - 1)
    first, last = calendar.months(np.array([from_s.min(), to_s.max()])).tolist()
    edges = np.array([calendar.month_start(month) for month in range(first, last + 2)])
    first_month = np.searchsorted(edges, from_s, side="right") - 1
    last_month = np.searchsorted(edges, to_s, side="right") - 1
    if (first_month == last_month).all():
        return np.arange(len(start)), first + first_month, selection.weight
    event, month = expand(first_month, last_month)
    weight = selection.weight[event]
    several = np.flatnonzero((last_month > first_month)[event] & ~_STATE[columns.layer[selection.index[event]]])
    crossing, in_month = event[several], month[several]
    weight[several] = compute_shares(
        start[crossing],
        end[crossing],
        low=np.maximum(edges[in_month], window.low),
        high=np.minimum(edges[in_month + 1], window.high),
        allowed=window.allowed,
    )
    if chosen.measure == "quantity":
        weight[several] *= columns.quantity[selection.index[crossing]]
    return event, first + month, weight


def _require_groups(by: Sequence[Group], columns: Columns, resolution: int) -> None:
    for group in by:
        if group not in _GROUPS or by.count(group) > 1:
            raise UsageError(
                f"Counts are grouped by any of {', '.join(_GROUPS)}, each once",
                f"{', '.join(by)} was asked for",
                "write them with commas between, as ward,month",
            )
    if resolution not in columns.cell:
        raise UsageError(
            f"Cells are kept at resolutions {', '.join(map(str, sorted(columns.cell)))}",
            f"resolution {resolution} was asked for",
            "choose one of them; 9 is the usual",
        )
