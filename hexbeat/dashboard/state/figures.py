"""The numbers of the Map page, layer by layer. Different layers are never added up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import find_month_start, list_months
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import find_cell_resolution, find_cell_wards, parse_cells
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.dashboard.state.presets import find_period_before
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import Counts, Filter, count, lacks_hours
from layers.coverage import KnownState, Spans, count_days
from layers.layer_spec import LayerSpec
from layers.restriction import describe_ward_cells

__all__ = [
    "CELL_COLUMNS",
    "LayerFigures",
    "TimeCounts",
    "can_compare",
    "count_layer",
    "count_months",
    "count_over_time",
    "select_cell",
]

SEARCHER: Final = "officer"  # who reports what a layer calls its searches
CELL_COLUMNS: Final = ("rank", "cell", "ward_code", "ward_name", "count", "before")


@dataclass(frozen=True, slots=True, eq=False)
class LayerFigures:
    """One layer over the chosen period [start, end), and over the period before, of the same length.

    All numbers are of what is on record, also of days that are not known. `before` is None unless every day of both
    periods is known, from the same sources. `cells` has CELL_COLUMNS, most first; `before` there is NaN in the same
    case. `unplaced` and `shared` are numbers of events, as layers.counting defines them. `no_hours`: hours are chosen,
    and no record of these days has a time of day, so that nothing is known of the hours. Of a viewer who sees no number
    of fewer than `fewest` events, a smaller total is NaN, and cells are left out as `count` says. `ward_notes` say how
    chosen wards are made of cells. `searches`: how much of the total are searches by officers, which show where
    officers search; 0 for such a viewer, and NaN where that is not known.
    """

    spec: LayerSpec
    start: date
    end: date
    total: float
    before: float | None
    unplaced: int
    shared: int
    cells: pd.DataFrame
    freshness: Freshness
    no_hours: bool = False
    fewest: int = 1
    ward_notes: tuple[str, ...] = ()
    searches: float = 0.0

    @property
    def is_hidden(self) -> bool:
        """Whether the total is too small for the viewer to see."""
        return bool(np.isnan(self.total))

    @property
    def state(self) -> KnownState:
        """Whether the period is known; where not a single day is known whole it is "not known"."""
        if not self.freshness.find_known_in((self.start, self.end)):
            return "not known"
        return self.freshness.judge((self.start, self.end))

    @property
    def has_number(self) -> bool:
        """Whether there is a number to show: something on record, or a day known on which nothing is."""
        return bool(self.total) or (self.state != "not known" and not self.no_hours)


def count_layer(
    columns: Columns, *, layer: str, choices: Choices, last: date, resolution: int, area: Area, freshness: Freshness
) -> LayerFigures:
    """Count what is on record of one layer as chosen, and of the period before if both are known."""
    start, end = choices.bounds(last)
    event_filter = build_filter(choices, layer=layer, start=start, end=end)
    now = _count_by_cell(columns, event_filter, resolution, area)
    no_hours = not now.total and lacks_hours(
        columns, event_filter, freshness.find_known_in((start, end)), time_zone=area.time_zone
    )
    earlier = None
    if not no_hours and can_compare(freshness, start=start, end=end):
        first, stop = find_period_before(start, end)
        earlier = _count_by_cell(columns, replace(event_filter, start=first, end=stop), resolution, area)
    return LayerFigures(
        spec=find_layer(layer),
        start=start,
        end=end,
        total=now.total,
        before=earlier.total if earlier and not np.isnan(earlier.total) else None,
        unplaced=now.unplaced_in_time,
        shared=now.shared_in_time,
        cells=_rank_cells(now.rows, earlier or None, area),
        freshness=freshness,
        no_hours=no_hours,
        fewest=now.fewest,
        ward_notes=tuple(describe_ward_cells(columns, (layer,))) if choices.wards else (),
        searches=_count_searches(columns, event_filter, area) if now.fewest == 1 and now.total else 0.0,
    )


def _count_searches(columns: Columns, event_filter: Filter, area: Area) -> float:
    """How much of a filter's total are searches by officers; 0 for a layer whose records by officers are none."""
    is_left_out = event_filter.reported_by and SEARCHER not in event_filter.reported_by
    if is_left_out or not find_layer(event_filter.layers[0]).searches:
        return 0.0
    searches = replace(event_filter, reported_by=(SEARCHER,))
    return count(columns, searches, time_zone=area.time_zone).total


def can_compare(freshness: Freshness, *, start: date, end: date) -> bool:
    """True if every day of the period and of the period before, of the same length, is known, from the same sources."""
    both_periods = (find_period_before(start, end)[0], end)
    return freshness.judge(both_periods) == "known" and freshness.is_of_same_sources(both_periods)


def _find_counted_spans(freshness: Freshness, *, start: date, end: date) -> Spans:
    """The known days of [start, end), over which months are counted.

    For a state it is one span from the first to the last of them, because what is in force on both sides of a gap is
    one thing and not two.
    """
    spans = freshness.find_known_in((start, end))
    if spans and find_layer(freshness.layer).kind == "state":
        return ((spans[0][0], spans[-1][1]),)
    return spans


def _count_known(columns: Columns, event_filter: Filter, spans: Spans, **options: Any) -> Counts:
    """Counts of the filter over these spans instead of its own period; `options` are those of `count`."""
    parts = [count(columns, replace(event_filter, start=start, end=end), **options) for start, end in spans]
    if not parts:  # the columns of the groups, and no rows
        whole = count(columns, event_filter, **options)
        return Counts(0.0, 0, 0, whole.rows.iloc[:0])
    if len(parts) == 1:
        return parts[0]
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    keys = [name for name in rows.columns if name != "count"]
    return replace(
        parts[0],
        total=sum(part.total for part in parts),
        unplaced_in_time=sum(part.unplaced_in_time for part in parts),
        shared_in_time=sum(part.shared_in_time for part in parts),
        rows=rows.groupby(keys, sort=False)["count"].sum().reset_index(),
    )


def _count_by_cell(columns: Columns, event_filter: Filter, resolution: int, area: Area) -> Counts:
    return count(columns, event_filter, by=("cell",), resolution=resolution, wards=area.wards, time_zone=area.time_zone)


def _rank_cells(now: pd.DataFrame, earlier: Counts | None, area: Area) -> pd.DataFrame:
    """CELL_COLUMNS of the cells with events now; equal counts are in the order of the index, so ranks are stable."""
    ordered = now.sort_values(["count", "cell"], ascending=[False, True], ignore_index=True)
    places = find_cell_wards(parse_cells(ordered["cell"].tolist()), area.wards)
    places["count"] = ordered["count"].to_numpy(dtype=np.float64)
    places["rank"] = np.arange(1, len(places) + 1)
    if earlier is None:
        places["before"] = np.nan
    else:
        earlier_counts = dict(zip(earlier.rows["cell"], earlier.rows["count"], strict=True))
        absent = 0.0 if earlier.fewest == 1 else np.nan
        places["before"] = [float(earlier_counts.get(cell, absent)) for cell in places["cell"]]
    return places[list(CELL_COLUMNS)]


def select_cell(columns: Columns, cell: str) -> Columns:
    """The events of one cell of any of the four resolutions."""
    return columns.take(columns.in_cell(cell, find_cell_resolution(cell)))


def count_months(
    columns: Columns, *, freshness: Freshness, choices: Choices, area: Area, end: date, months: int
) -> pd.Series:
    """Counts of the whole calendar months up to the one that holds the last day before `end`.

    Index "YYYY-MM", oldest first. A known month without events is 0, a month that is not known NaN; of a partly known
    month the known days count. All filters apply except the period.
    """
    stop = find_month_start(end, int(end.day > 1))
    start = find_month_start(stop, -months)
    names = [month.strftime("%Y-%m") for month in list_months(start, stop)]
    event_filter = build_filter(choices, layer=freshness.layer, start=start, end=stop)
    options = {"by": ("month",), "wards": area.wards, "time_zone": area.time_zone}
    spans = _find_counted_spans(freshness, start=start, end=stop)
    rows = _count_known(columns, event_filter, spans, **options).rows
    by_month = dict(zip(rows["month"], rows["count"], strict=True))
    has_known_day = {name: bool(freshness.find_known_in(_find_month(name))) for name in names}
    values = [float(by_month.get(name, 0.0)) if has_known_day[name] else np.nan for name in names]
    return pd.Series(values, index=names, name="count")


@dataclass(frozen=True, slots=True, eq=False)
class TimeCounts:
    """Counts of one layer in k periods, oldest first: `cells` uint64 (n,), `numbers` (k, n) over the known days.

    `known_days`: how many days of each period are known.
    """

    periods: tuple[tuple[date, date], ...]
    known_days: tuple[int, ...]
    cells: NDArray[np.uint64]
    numbers: NDArray[np.float64]


def count_over_time(
    columns: Columns,
    *,
    freshness: Freshness,
    choices: Choices,
    area: Area,
    periods: Sequence[tuple[date, date]],
    resolution: int,
) -> TimeCounts:
    """Counts by cell in each of some periods; all filters apply except the period."""
    options = {"by": ("cell",), "resolution": resolution, "wards": area.wards, "time_zone": area.time_zone}
    spans = [_find_counted_spans(freshness, start=start, end=end) for start, end in periods]
    counts = []
    for period, days in zip(periods, spans, strict=True):
        event_filter = build_filter(choices, layer=freshness.layer, start=period[0], end=period[1])
        rows = _count_known(columns, event_filter, days, **options).rows
        counts.append(pd.Series(rows["count"].to_numpy(dtype=np.float64), index=rows["cell"].to_numpy(dtype=object)))
    table = pd.concat(counts, axis=1).fillna(0.0) if counts else pd.DataFrame()
    return TimeCounts(
        periods=tuple(periods),
        known_days=tuple(count_days(freshness.find_known_in(period)) for period in periods),
        cells=parse_cells([str(cell) for cell in table.index]),
        numbers=table.to_numpy(dtype=np.float64).T.reshape(len(periods), len(table)),
    )


def _find_month(name: str) -> tuple[date, date]:
    """The half-open calendar month "YYYY-MM"."""
    start = date.fromisoformat(f"{name}-01")
    return start, find_month_start(start, 1)
