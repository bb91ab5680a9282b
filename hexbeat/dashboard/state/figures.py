"""The numbers of the Map page, layer by layer. Different layers are never added up."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from geo.calendar import find_month_start, list_months
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import find_cell_resolution, find_cell_wards, parse_cells
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.freshness import Coverage
from hexbeat.dashboard.state.presets import find_period_before
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import Counts, Filter, count
from layers.layer_spec import LayerSpec

__all__ = ["CELL_COLUMNS", "LayerFigures", "can_compare", "count_layer", "count_months", "select_cell"]

CELL_COLUMNS: Final = ("rank", "cell", "ward_code", "ward_name", "count", "before")


@dataclass(frozen=True, slots=True, eq=False)
class LayerFigures:
    """One layer over the chosen period [start, end), and over the period before, of the same length.

    `before` is None if the records do not cover the period before. `cells` has CELL_COLUMNS, most first; `before` there
    is NaN in the same case. `unplaced` and `shared` are numbers of events, as layers.counting defines them.
    """

    spec: LayerSpec
    start: date
    end: date
    total: float
    before: float | None
    unplaced: int
    shared: int
    cells: pd.DataFrame
    coverage: Coverage


def count_layer(
    columns: Columns, *, layer: str, choices: Choices, last: date, resolution: int, area: Area, coverage: Coverage
) -> LayerFigures:
    """Count one layer as chosen, in the period and in the period before, of the same length."""
    start, end = choices.bounds(last)
    now = _count_by_cell(columns, build_filter(choices, layer=layer, start=start, end=end), resolution, area)
    earlier = None
    if can_compare(coverage, start=start, end=end):
        first, until = find_period_before(start, end)
        earlier = _count_by_cell(columns, build_filter(choices, layer=layer, start=first, end=until), resolution, area)
    return LayerFigures(
        spec=find_layer(layer),
        start=start,
        end=end,
        total=now.total,
        before=earlier.total if earlier else None,
        unplaced=now.unplaced_in_time,
        shared=now.shared_in_time,
        cells=_rank_cells(now.rows, earlier.rows if earlier else None, area),
        coverage=coverage,
    )


def can_compare(coverage: Coverage, *, start: date, end: date) -> bool:
    """True if the records of a layer cover the whole period before, of the same length."""
    return coverage.first is not None and coverage.first <= find_period_before(start, end)[0]


def _count_by_cell(columns: Columns, event_filter: Filter, resolution: int, area: Area) -> Counts:
    return count(columns, event_filter, by=("cell",), resolution=resolution, wards=area.wards, time_zone=area.time_zone)


def _rank_cells(now: pd.DataFrame, earlier: pd.DataFrame | None, area: Area) -> pd.DataFrame:
    """CELL_COLUMNS of the cells with events now; equal counts are in the order of the index, so ranks are stable."""
    ordered = now.sort_values(["count", "cell"], ascending=[False, True], ignore_index=True)
    places = find_cell_wards(parse_cells(ordered["cell"].tolist()), area.wards)
    places["count"] = ordered["count"].to_numpy(dtype=np.float64)
    places["rank"] = np.arange(1, len(places) + 1)
    if earlier is None:
        places["before"] = np.nan
    else:
        earlier_counts = dict(zip(earlier["cell"], earlier["count"], strict=True))
        places["before"] = [float(earlier_counts.get(cell, 0.0)) for cell in places["cell"]]
    return places[list(CELL_COLUMNS)]


def select_cell(columns: Columns, cell: str) -> Columns:
    """The events of one cell of any of the four resolutions."""
    return columns.take(columns.in_cell(cell, find_cell_resolution(cell)))


def count_months(columns: Columns, *, layer: str, choices: Choices, area: Area, end: date, months: int) -> pd.Series:
    """Counts of the whole calendar months up to the one that holds the last day before `end`, zeros included.

    Index "YYYY-MM", oldest first. All filters apply except the period.
    """
    stop = find_month_start(end, int(end.day > 1))
    start = find_month_start(stop, -months)
    counts = count(
        columns,
        build_filter(choices, layer=layer, start=start, end=stop),
        by=("month",),
        wards=area.wards,
        time_zone=area.time_zone,
    )
    names = [month.strftime("%Y-%m") for month in list_months(start, stop)]
    by_month = dict(zip(counts.rows["month"], counts.rows["count"], strict=True))
    return pd.Series([float(by_month.get(name, 0.0)) for name in names], index=names, name="count")
