"""From columns and a filter to counts: which events, with what weight, summed by any of the groupings.

Incidents count by the share of their interval that falls inside the filter; states count while they are in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.counts import compute_shares, sum_groups
from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from geo.wards import Wards
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.event import PRECISIONS
from layers.filters import COLUMN_FILTERS, Filter
from layers.grouping import GROUPINGS, GROUPS, Group, Parts
from layers.time_shares import Window, are_states, build_window, cut_by_time

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = ["Counts", "Filter", "GroupedCounts", "Selection", "count", "count_cells", "count_groups", "select"]

_MINUTE, _DAY = PRECISIONS.index("minute"), PRECISIONS.index("day")
_FEW: Final = 8  # codes that are compared one by one


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

    `total` is the sum over the whole filter. By month, weekday or any other time it may be less than the rows' sum for
    states, which count in each in which they are in force; in all else the rows add up to it. For the other two see
    Selection.
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
    labels: dict[str, Sequence[object]]
    sums: NDArray[np.float64]

    def list_rows(self) -> list[dict[str, object]]:
        """A row a group: its group columns and `count`."""
        columns = (*self.labels.values(), self.sums.tolist())
        return [dict(zip((*self.labels, "count"), row, strict=True)) for row in zip(*columns, strict=True)]

    def to_counts(self) -> Counts:
        """The same as a table of pandas."""
        rows = pd.DataFrame({**self.labels, "count": self.sums})
        return Counts(self.total, self.unplaced_in_time, self.shared_in_time, rows)


def select(columns: Columns, chosen: Filter, *, time_zone: str = "Europe/London") -> Selection:
    """The events that a filter selects, each with its weight."""
    window = build_window(columns, chosen, Calendar(time_zone))
    index = _candidates(columns, chosen, window)
    unplaced = 0
    if window.allowed is not None:
        limit = _MINUTE if chosen.hours is not None and chosen.hours != (0, 24) else _DAY
        coarse = (columns.precision[index] > limit) & ~are_states(columns, chosen, index)
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
    """What a filter selects, summed by any of GROUPINGS.

    The rows' columns are those of `by` in its order (ward gives ward_code and ward_name, the code again without
    `wards`) and `count`; they are sorted by them, and empty groups are left out. What is not known (an hour, a
    category, a ward's council) is the group "". Raises UsageError for groups or a resolution that there are not.
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
    groupings = [GROUPINGS[name] for name in by]
    calendar = Calendar(time_zone)
    index, weight, shared = selection.index, selection.weight, selection.shared_in_time
    edges = period = weekday = hour = np.zeros(0, dtype=np.int64)
    if any(each.unit or each.clock for each in groupings):
        cut = cut_by_time(columns, index, weight, chosen, calendar, groupings)
        shared = _shared_over_parts(columns, chosen, selection, cut.event[cut.weight > 0])
        index, weight = index[cut.event], cut.weight
        edges, period, weekday, hour = cut.edges, cut.period, cut.weekday, cut.hour
    parts = Parts(columns, index, edges, period, weekday, hour, calendar, resolution, wards)
    grouped = [each.group(parts) for each in groupings]
    codes, sums = sum_groups([group.code for group in grouped], [group.size for group in grouped], weight)
    labels: dict[str, Sequence[object]] = {}
    for group, code in zip(grouped, codes, strict=True):
        labels |= group.label(code)
    return GroupedCounts(
        total=float(selection.weight.sum()),
        unplaced_in_time=selection.unplaced_in_time,
        shared_in_time=shared,
        labels=labels,
        sums=sums,
    )


def _shared_over_parts(columns: Columns, chosen: Filter, selection: Selection, event: NDArray[np.int64]) -> int:
    """How many incidents the filter or the groups share; `event` (m,) is the place of each part in the selection."""
    parts = np.bincount(event, minlength=len(selection.index))
    quantity = columns.quantity[selection.index] if chosen.measure == "quantity" else 1
    shared = (selection.weight < quantity) | (parts > 1)
    return int(np.count_nonzero(shared & ~are_states(columns, chosen, selection.index)))


def count_cells(
    columns: Columns, selection: Selection, *, resolution: int = 9
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """A selection summed by cell: sorted cells (uint64 (g,)) and their sums (float64 (g,)), for maps."""
    ids = columns.cell_ids[resolution]
    (place,), sums = sum_groups([columns.cell[resolution][selection.index]], [len(ids)], selection.weight)
    return ids[place], sums


def _candidates(columns: Columns, chosen: Filter, window: Window) -> NDArray[np.int64]:
    """The events of the chosen layers, wards and other columns that lie at least partly in the period."""
    first, last = np.searchsorted(columns.start, (window.low, window.high)).tolist()
    early = np.flatnonzero(columns.end[:first] > window.low)
    early = early[_matches(columns, chosen, early)]
    late = np.flatnonzero(_matches(columns, chosen, slice(first, last))) + first
    return np.concatenate([early, late]) if len(early) else late


def _matches(columns: Columns, chosen: Filter, where: slice | NDArray[np.int64]) -> NDArray[np.bool_]:
    keep = np.ones(len(columns.start[where]), dtype=np.bool_)
    for names, known, codes in (
        (chosen.layers, LAYER_NAMES, columns.layer),
        *((one.get_chosen(chosen), one.get_names(columns), one.get_codes(columns)) for one in COLUMN_FILTERS),
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
    is_among: NDArray[np.bool_] = np.zeros(len(codes), dtype=np.bool_)
    for code in wanted:
        is_among |= codes == code
    return is_among


def _weights(columns: Columns, chosen: Filter, index: NDArray[np.int64], window: Window) -> NDArray[np.float64]:
    """The share of each event that falls inside the window; 1 for a state."""
    if window.allowed is None and chosen.start is None and chosen.end is None:
        return np.ones(len(index))
    start, end = columns.start[index], columns.end[index]
    incident = ~are_states(columns, chosen, index)
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
