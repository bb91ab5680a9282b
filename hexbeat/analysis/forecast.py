"""The forecast: where the next week's events are expected, by the method that did best in the back-test."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.analysis.daily_counts import count_weeks, describe_left_out
from hexbeat.analysis.forecast_methods import LAST_WEEKS, RANKS_ONLY, build_needed_kernel, forecast
from hexbeat.analysis.method_comparison import SHARES
from hexbeat.analysis.method_selection import SelectedMethod
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from layers.columns import Columns
from layers.counting import Filter
from layers.layer_spec import LayerSpec
from layers.periods import require_one_layer

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
    """

    spec: LayerSpec
    winner: SelectedMethod
    rows: pd.DataFrame
    start: dt.date
    end: dt.date
    expected: float
    notes: tuple[str, ...]


def build_forecast(
    columns: Columns, area: Area, layer: str, winner: SelectedMethod, *, wards: tuple[str, ...] = ()
) -> Forecast:
    """Forecast from every whole week on record over the whole area, then keep the cells of `wards` (codes; none: all).

    It is made as in the back-test: events whose day is not known, and those that sweeps found, are left out. Forecasts
    follow what was reported: where nobody reports, nothing is expected.
    """
    spec = require_one_layer(Filter(layers=(layer,)), "A forecast", incidents=True)
    study = load_study(area, (), winner.resolution)
    weeks = count_weeks(columns, layer, study, tested_weeks=1, time_zone=area.time_zone)
    scores = forecast(winner.method, weeks.counts, study, build_needed_kernel((winner.method,), study))
    inside = np.isin(study.ward_codes, wards) if wards else np.ones(len(study), dtype=bool)
    # In the back-test's order: by expected events a square kilometre; Gi* ranks by itself.
    density = scores if winner.method in RANKS_ONLY else scores / study.area_km2
    order = np.flatnonzero(inside)[np.argsort(-density[inside], kind="stable")]
    expected = np.full(len(study), np.nan) if winner.method in RANKS_ONLY else scores
    rows = pd.DataFrame(
        {
            "cell": study.names[order],
            "ward_code": study.ward_codes[order],
            "ward_name": study.ward_names[order],
            "expected": expected[order],
            "score": scores[order],
            "band": _find_bands(study, order),
            "last_weeks": weeks.counts[-LAST_WEEKS:].sum(axis=0)[order],
            "on_record": weeks.counts.sum(axis=0)[order],
        }
    )
    start = weeks.start_of(len(weeks.counts))
    return Forecast(
        spec=spec,
        winner=winner,
        rows=rows,
        start=start,
        end=start + _WEEK,
        expected=float(rows["expected"].sum(skipna=False)),
        notes=tuple(describe_left_out(spec, unknown=weeks.unknown, swept=weeks.swept)),
    )


def _find_bands(study: Study, order: NDArray[np.intp]) -> NDArray[np.int64]:
    """For each cell in this order the number of SHARES of the area that the cells before it fill."""
    area = study.area_km2[order]
    before = (area.cumsum() - area) / max(float(area.sum()), np.finfo(float).tiny)
    return np.searchsorted(SHARES, before, side="right")
