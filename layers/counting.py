"""From columns and a filter to counts: which events, with what weight, summed by any of the groupings.

Incidents count by the share of their interval that falls inside the filter; states count while they are in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.counts import compute_shares, sum_groups
from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from geo.wards import Wards
from layers.columns import Columns
from layers.coverage import Spans
from layers.event import PRECISIONS
from layers.filters import Filter
from layers.grouping import GROUPINGS, GROUPS, Group, Parts
from layers.instants import find_spans, match_columns, select_instants
from layers.time_shares import Window, build_window, cut_by_time, find_states

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = [
    "NO_HOURS",
    "Counts",
    "Filter",
    "GroupedCounts",
    "Selection",
    "choose_shown",
    "count",
    "count_cells",
    "count_groups",
    "lacks_hours",
    "select",
]

NO_HOURS: Final = "not known at these hours: no record has a time of day"
_MINUTE, _DAY = PRECISIONS.index("minute"), PRECISIONS.index("day")


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Events with a weight above 0: `index` (int64 (n,)) into the columns, ascending, and `weight` (float64 (n,)).

    `unplaced_in_time` incidents lie at least partly in the period, but their time of day (or their day) is not known,
    so a filter of hours (or days) leaves them out. `shared_in_time` incidents have a share between 0 and 1, because
    only a part of the interval in which they happened lies inside the filter.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    unplaced_in_time: int
    shared_in_time: int


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """`rows` holds one row a group: its group columns and `count` (float64; whole numbers are exact).

    `total` is the sum over the whole filter. For states by month, weekday or any other time it may be less than the sum
    of the rows, because a state counts in each time in which it is in force. In all other cases the rows add up to it.
    Selection describes the other two. Of a viewer who sees no number of fewer than `fewest` events, smaller groups are
    left out as empty ones are, and so are others from which they could be worked out (`choose_shown`). A smaller total
    is NaN, and the other two are 0.
    """

    total: float
    unplaced_in_time: int
    shared_in_time: int
    rows: "pd.DataFrame"
    fewest: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class GroupedCounts:
    """Counts without a pandas table: `labels` (one list a group column) and `sums` (float64 (g,)), group by group."""

    total: float
    unplaced_in_time: int
    shared_in_time: int
    labels: dict[str, Sequence[object]]
    sums: NDArray[np.float64]
    fewest: int = 1

    def list_rows(self) -> list[dict[str, object]]:
        """One row a group: its group columns and `count`."""
        columns = (*self.labels.values(), self.sums.tolist())
        return [dict(zip((*self.labels, "count"), row, strict=True)) for row in zip(*columns, strict=True)]

    def to_counts(self) -> Counts:
        """The same with a pandas table."""
        rows = pd.DataFrame({**self.labels, "count": self.sums})
        return Counts(self.total, self.unplaced_in_time, self.shared_in_time, rows, self.fewest)


def select(columns: Columns, chosen: Filter, *, time_zone: str = "Europe/London") -> Selection:
    """The events that a filter selects, each with its weight; PolicyError for a layer that the viewer does not see."""
    columns.require_layers(chosen.layers)
    window = build_window(columns, chosen, Calendar(time_zone))
    spans = find_spans(columns, window)
    instants = select_instants(columns, chosen, spans)
    others = _select_others(columns, chosen, window)
    index, weight = instants, np.ones(len(instants))
    if len(others.index):
        places = np.searchsorted(instants, others.index)
        index, weight = np.insert(instants, places, others.index), np.ones(len(instants) + len(places))
        weight[places + np.arange(len(places))] = others.weight
    if chosen.measure == "quantity":
        weight = weight * columns.quantity[index]
    return Selection(index, weight, others.unplaced_in_time, others.shared_in_time)


def _select_others(columns: Columns, chosen: Filter, window: Window) -> Selection:
    """What is no incident at one instant known to the minute: states, and events of an interval; weights are shares."""
    index = _find_candidates(columns, chosen, window)
    unplaced = 0
    if window.allowed is not None:
        limit = _MINUTE if chosen.hours is not None and chosen.hours != (0, 24) else _DAY
        coarse = (columns.precision[index] > limit) & ~find_states(columns, chosen, index)
        unplaced = int(np.count_nonzero(coarse))
        index = index[~coarse]
    share = _compute_weights(columns, chosen, index, window)
    is_inside = share > 0
    return Selection(index[is_inside], share[is_inside], unplaced, int(np.count_nonzero(share[is_inside] < 1)))


def lacks_hours(columns: Columns, chosen: Filter, known: Spans, *, time_zone: str = "Europe/London") -> bool:
    """Whether hours are chosen, and the known days have records, but none with a time of day."""
    if chosen.hours is None:
        return False
    selections = [select(columns, replace(chosen, start=start, end=end), time_zone=time_zone) for start, end in known]
    if any(len(part.index) for part in selections) or not any(part.unplaced_in_time for part in selections):
        return False
    halves = [
        replace(chosen, start=start, end=end, hours=hours) for start, end in known for hours in ((0, 12), (12, 24))
    ]
    return not any(len(select(columns, half, time_zone=time_zone).index) for half in halves)


def count(
    columns: Columns,
    chosen: Filter,
    *,
    by: Sequence[Group] = ("cell",),
    resolution: int = 9,
    wards: Wards | None = None,
    time_zone: str = "Europe/London",
) -> Counts:
    """Sum what a filter selects by any of GROUPINGS.

    The rows' columns are those of `by` in its order (ward gives ward_code and ward_name, the code again without
    `wards`) and `count`. The rows are sorted by the group columns, and empty groups are left out. What is not known (an
    hour, a category, a ward's council) is the group "". Raises UsageError for unknown groups, or for a resolution at
    which events are not indexed.
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
    """`count` without a table, and so without pandas, whose import takes a third of a second."""
    _require_groups(by, columns, resolution)
    selection = select(columns, chosen, time_zone=time_zone)
    groupings = [GROUPINGS[name] for name in by]
    calendar = Calendar(time_zone)
    index, weight, shared_in_time = selection.index, selection.weight, selection.shared_in_time
    edges = period = weekday = hour = np.zeros(0, dtype=np.int64)
    if any(grouping.unit or grouping.clock for grouping in groupings):
        cuts = cut_by_time(columns, index, weight, chosen, calendar, groupings)
        shared_in_time = _count_shared(columns, chosen, selection, cuts.event[cuts.weight > 0])
        index, weight = index[cuts.event], cuts.weight
        edges, period, weekday, hour = cuts.edges, cuts.period, cuts.weekday, cuts.hour
    parts = Parts(columns, index, edges, period, weekday, hour, calendar, resolution, wards)
    groups = [grouping.group(parts) for grouping in groupings]
    codes, sums = sum_groups([group.code for group in groups], [group.size for group in groups], weight)
    fewest, total = columns.find_fewest(chosen.layers), float(selection.weight.sum())
    if fewest > 1:
        events = _count_events([one.code for one in groups], [one.size for one in groups], index, weight)
        shown = choose_shown(events, fewest)
        codes, sums = [code[shown] for code in codes], sums[shown]
        total = total if len(selection.index) >= fewest else np.nan
    labels: dict[str, Sequence[object]] = {}
    for group, code in zip(groups, codes, strict=True):
        labels |= group.label(code)
    return GroupedCounts(
        total=total,
        unplaced_in_time=_hide_small(selection.unplaced_in_time, fewest),
        shared_in_time=_hide_small(shared_in_time, fewest),
        labels=labels,
        sums=sums,
        fewest=fewest,
    )


def choose_shown(events: NDArray[np.float64], fewest: int) -> NDArray[np.bool_]:
    """Which groups of an answer are shown (n,), by their numbers of events (n,), each above 0, beside their total.

    Not those of fewer than `fewest` events, and of the others none from which a hidden number could be worked out: what
    is left out is at least two groups, and at least `fewest` events together. Where it would be less, the smallest
    other groups are left out as well, of equal ones the first, until it is enough or nothing is left.
    """
    is_shown = events >= fewest
    spare = np.flatnonzero(is_shown)[np.argsort(events[is_shown], kind="stable")].tolist()
    while spare and not is_shown.all() and (np.count_nonzero(~is_shown) == 1 or events[~is_shown].sum() < fewest):
        is_shown[spare.pop(0)] = False
    return is_shown


def _count_events(
    codes: list[NDArray[np.integer]], sizes: list[int], event: NDArray[np.int64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How many events each group of `sum_groups` has, whatever is summed and into how many parts they are cut."""
    pairs, _ = sum_groups([*codes, event], [*sizes, int(event.max(initial=0)) + 1], weight)
    return sum_groups(pairs[:-1], sizes, np.ones(len(pairs[-1])))[1]


def _hide_small(number: int, fewest: int) -> int:
    """The number of events; 0 where it is below the fewest that may be shown."""
    return number if number >= fewest else 0


def _count_shared(columns: Columns, chosen: Filter, selection: Selection, event: NDArray[np.int64]) -> int:
    """How many incidents count in parts; `event` (m,) is the index of each part's event in the selection."""
    parts = np.bincount(event, minlength=len(selection.index))
    quantity = columns.quantity[selection.index] if chosen.measure == "quantity" else 1
    shared = (selection.weight < quantity) | (parts > 1)
    return int(np.count_nonzero(shared & ~find_states(columns, chosen, selection.index)))


def count_cells(
    columns: Columns, selection: Selection, *, resolution: int = 9
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """A selection summed by cell: sorted cells (uint64 (g,)) and their sums (float64 (g,)), for maps."""
    ids = columns.cell_ids[resolution]
    (place,), sums = sum_groups([columns.find_cell_codes(selection.index, resolution)], [len(ids)], selection.weight)
    return ids[place], sums


def _find_candidates(columns: Columns, chosen: Filter, window: Window) -> NDArray[np.int64]:
    """Those of `columns.others` of the chosen layers, wards and other columns that lie partly in the period."""
    first, last = np.searchsorted(columns.start, (window.low, window.high)).tolist()
    low, high = np.searchsorted(columns.others, (first, last)).tolist()
    before, within = columns.others[:low], columns.others[low:high]
    began_before = before[columns.end[before] > window.low]
    began_before = began_before[match_columns(columns, chosen, began_before)]
    # Where all of them are others, slices of the columns are cheaper than a choice of their events.
    is_whole = high - low == last - first
    began_in_period = within[match_columns(columns, chosen, slice(first, last) if is_whole else within)]
    return np.concatenate([began_before, began_in_period]) if len(began_before) else began_in_period


def _compute_weights(columns: Columns, chosen: Filter, index: NDArray[np.int64], window: Window) -> NDArray[np.float64]:
    """The share of each event that falls inside the window; 1 for a state."""
    if window.allowed is None and chosen.start is None and chosen.end is None:
        return np.ones(len(index))
    start, end = columns.start[index], columns.end[index]
    incident = ~find_states(columns, chosen, index)
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


def _require_groups(by: Sequence[Group], columns: Columns, resolution: int) -> None:
    for group in by:
        if group not in GROUPS or by.count(group) > 1:
            raise UsageError(
                f"Counts can be grouped by any of {', '.join(GROUPS)}, each once",
                f"you asked for {', '.join(by)}",
                "choose for example ward and month",
            )
    if resolution not in columns.cell:
        raise UsageError(
            f"Cells are kept at resolutions {', '.join(map(str, sorted(columns.cell)))}",
            f"you asked for resolution {resolution}",
            "choose one of them; 9 is usual",
        )
