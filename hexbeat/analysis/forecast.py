"""The forecast: where the next week's events are expected, by the method that did best in the back-test."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.analysis.backtest import name_whole
from hexbeat.analysis.daily_counts import (
    count_weeks,
    describe_left_out,
    describe_weeks_left_out,
    find_place_records,
    name_place_records,
)
from hexbeat.analysis.forecast_methods import LAST_WEEKS, MONTH_RATES, RANKS_ONLY, build_needed_kernel, forecast
from hexbeat.analysis.method_comparison import AREA, SHARES
from hexbeat.analysis.method_selection import SelectedMethod
from hexbeat.analysis.month_rates import count_month_rates
from hexbeat.analysis.snapped_points import count_points
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import Filter
from layers.encounters import OFFICERS_NOTE
from layers.layer_spec import LayerSpec
from layers.periods import require_one_layer
from layers.precision import describe_precision, measure_place_precision

__all__ = ["Forecast", "build_forecast"]

_WEEK: Final = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """The events that the method of `winner` expects in each cell in the week [start, end) after the newest record.

    `rows`, the cell with the most expected first, has the columns cell (H3 string), ward_code and ward_name (of the
    largest part), expected (events in that week; NaN if the method only ranks), score (which ranks the cells), band (0,
    1, 2: within the first 1, 2, 5 % of the area in this order; 3: beyond), last_weeks (events of the last four weeks)
    and on_record (events of all weeks). `expected` is the sum over the cells, NaN if the method only ranks. A cell on
    the edge counts for its whole area.

    For snapped records bands are shares of the points that were ever seen, and `whole` is "the points". Where records
    are known only to their month (`months` is then a sentence, else ""), expected is the number in 7 days on average,
    last_weeks is NaN, and on_record counts the known months. `searches`: all records are searches by officers.
    """

    spec: LayerSpec
    winner: SelectedMethod
    rows: pd.DataFrame
    start: dt.date
    end: dt.date
    expected: float
    notes: tuple[str, ...]
    whole: str = AREA
    months: str = ""
    searches: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """What a method says of each cell (n,): its score, the last weeks' and all events, and the day after them."""

    scores: NDArray[np.float64]
    last_weeks: NDArray[np.float64]
    on_record: NDArray[np.float64]
    start: dt.date
    months: str
    notes: list[str]


def build_forecast(
    columns: Columns, area: Area, layer: str, winner: SelectedMethod, *, wards: tuple[str, ...] = ()
) -> Forecast:
    """Forecast from every week known whole over the whole area, then keep the cells of `wards` (codes; none: all).

    It is made as in the back-test: events whose day is not known, and those that sweeps found, are left out. Records
    known only to their month rank places by their rates. Forecasts follow what was reported: where nobody reports,
    nothing is expected.
    """
    spec = require_one_layer(Filter(layers=(layer,)), "A forecast", incidents=True)
    study = load_study(area, (), winner.resolution)
    spec = name_place_records(columns, study, layer)
    searches = spec != find_layer(layer)
    weekly = _score_cells(columns, area, spec, winner.method, study)
    precision = measure_place_precision(columns, layer, time_zone=area.time_zone)
    reports = find_place_records(columns, study, layer)
    size = count_points(columns, study, reports) if precision.snapped else study.area_km2
    inside = np.isin(study.ward_codes, wards) if wards else np.ones(len(study), dtype=bool)
    # In the back-test's order: by expected events for each square kilometre, or point; Gi* ranks by itself.
    sized = np.divide(weekly.scores, size, out=np.zeros(len(study)), where=size > 0)
    density = np.where(size > 0, weekly.scores if winner.method in RANKS_ONLY else sized, -np.inf)
    order = np.flatnonzero(inside)[np.argsort(-density[inside], kind="stable")]
    expected = np.full(len(study), np.nan) if winner.method in RANKS_ONLY else weekly.scores
    rows = pd.DataFrame(
        {
            "cell": study.names[order],
            "ward_code": study.ward_codes[order],
            "ward_name": study.ward_names[order],
            "expected": expected[order],
            "score": weekly.scores[order],
            "band": _find_bands(size, order),
            "last_weeks": weekly.last_weeks[order],
            "on_record": weekly.on_record[order],
        }
    )
    return Forecast(
        spec=spec,
        winner=winner,
        rows=rows,
        start=weekly.start,
        end=weekly.start + _WEEK,
        expected=float(rows["expected"].sum(skipna=False)),
        notes=(*([OFFICERS_NOTE] if searches else []), *filter(None, [describe_precision(precision)]), *weekly.notes),
        whole=name_whole(precision),
        months=weekly.months,
        searches=searches,
    )


def _score_cells(columns: Columns, area: Area, spec: LayerSpec, method: str, study: Study) -> _Scores:
    """The method's scores; by month for records that have no days."""
    if method == MONTH_RATES:
        rates = count_month_rates(columns, spec.name, study, time_zone=area.time_zone)
        not_known = np.full(len(study), np.nan)
        return _Scores(rates.rate, not_known, rates.counts.sum(axis=0), rates.end, rates.describe(), [])
    weeks = count_weeks(columns, spec.name, study, tested_weeks=1, time_zone=area.time_zone)
    latest = len(weeks.counts)
    kernel = build_needed_kernel((method,), study, weeks.counts)
    scores = forecast(method, weeks.counts, study, kernel, ages=weeks.measure_ages(latest))
    return _Scores(
        scores,
        weeks.counts[-LAST_WEEKS:].sum(axis=0),
        weeks.counts.sum(axis=0),
        weeks.find_start(latest),
        "",
        [*describe_left_out(spec, unknown=weeks.unknown, swept=weeks.swept), *describe_weeks_left_out(weeks)],
    )


def _find_bands(size: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.int64]:
    """For each cell in this order the number of SHARES of all sizes before it; cells of no size come last."""
    own = size[order]
    before = (own.cumsum() - own) / max(float(own.sum()), np.finfo(float).tiny)
    return np.where(own > 0, np.searchsorted(SHARES, before, side="right"), len(SHARES))
