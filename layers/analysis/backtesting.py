"""Back-test: what share of the next week's events fell in the small part of the area that each method chose."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.evaluation import prediction_accuracy
from layers.analysis.backtest_figures import (
    DECIDING_SHARE,
    SHARES,
    MethodComparison,
    SizeFigure,
    Tables,
    compare_methods,
    compare_sizes,
    summarise,
)
from layers.analysis.forecasts import METHODS, RANKS_ONLY, build_kernel, forecast
from layers.analysis.study import Study, load_study
from layers.analysis.weekly import Weeks, count_weeks
from layers.areas import Area
from layers.columns import Columns
from layers.event import RESOLUTIONS, LayerSpec
from layers.filters import Filter
from layers.periods import require_one_layer
from layers.wording import format_number, format_percent, format_span

__all__ = ["MOST_CELLS", "Backtest", "backtest"]

MOST_CELLS: Final = 60_000  # finer resolutions of larger areas are left out, and that is said
_FEW_WEEKS: Final = 8  # resampling fewer understates how much weeks differ


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """`rows`: a row for each resolution, method and share of the area (layers.analysis.backtest_figures.summarise).

    `verdict` the winner and how sure that is; `by_size` the same among the methods at one resolution. `gi_star` how
    the hotspot map itself fares at each size. `weeks` that were judged, [first, end) their period, `events` in them.
    """

    spec: LayerSpec
    rows: pd.DataFrame
    verdict: MethodComparison
    by_size: Mapping[int, MethodComparison]
    gi_star: tuple[SizeFigure, ...]
    weeks: int
    first: dt.date
    end: dt.date
    events: int
    unknown: int
    swept: int
    notes: tuple[str, ...]


def backtest(
    columns: Columns,
    area: Area,
    layer: str,
    *,
    wards: tuple[str, ...] = (),
    weeks: int = 13,
    resolutions: Sequence[int] = RESOLUTIONS,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Rolling origin: for each of the last `weeks` weeks every method sees the weeks before it, and no more.

    The methods are those of layers.analysis.forecasts. Events that do not know their day, and those found by
    sweeps, take no part. The last week ends with the newest record. `progress` is told each resolution before it is
    judged, and its place among them. UsageError for too few weeks of records.
    """
    spec = require_one_layer(Filter(layers=(layer,)), "A back-test", incidents=True)
    fitting = _build_studies(area, wards, resolutions)
    tables: Tables = {}
    counted: Weeks | None = None
    for place, study in enumerate(fitting):
        if progress:
            progress(study.resolution, place)
        counted = count_weeks(columns, layer, study, judged=weeks, time_zone=area.time_zone)
        tables |= _score_methods(study, counted, weeks)
    if counted is None:
        raise ValueError(resolutions)
    first = counted.start_of(len(counted.counts) - weeks)
    end = counted.start_of(len(counted.counts))
    events = counted.counts[-weeks:].sum(axis=1)
    left_out = [str(one) for one in resolutions if one not in {study.resolution for study in fitting}]
    return Backtest(
        spec=spec,
        rows=summarise(tables, events),
        verdict=compare_methods(tables, events),
        by_size={
            study.resolution: compare_methods(_select_resolution(tables, study.resolution), events) for study in fitting
        },
        gi_star=compare_sizes(tables, events, "gi_star"),
        weeks=weeks,
        first=first,
        end=end,
        events=int(events.sum()),
        unknown=counted.unknown,
        swept=counted.swept,
        notes=tuple(_build_notes(spec, counted, first, end, left_out)),
    )


def _build_studies(area: Area, wards: tuple[str, ...], resolutions: Sequence[int]) -> list[Study]:
    """The study areas from coarse to fine, as long as the next has not far too many cells; the coarsest in any case."""
    found: list[Study] = []
    for resolution in sorted(set(resolutions)):
        finer = resolution - found[-1].resolution if found else 0
        if found and len(found[-1]) * 7**finer > MOST_CELLS * 1.25:  # each cell has seven finer ones
            break
        found.append(load_study(area, wards, resolution))
    return found


def _select_resolution(tables: Tables, resolution: int) -> Tables:
    """What belongs to one resolution."""
    return {key: table for key, table in tables.items() if key[0] == resolution}


def _score_methods(study: Study, counted: Weeks, weeks: int) -> Tables:
    """For each method float64 (3, weeks, shares): events caught, those that the best choice had caught, predicted."""
    kernel = build_kernel(study)
    found = {(study.resolution, method): np.zeros((3, weeks, len(SHARES))) for method in METHODS}
    for place in range(weeks):
        now = len(counted.counts) - weeks + place
        observed = counted.counts[now]
        if not observed.any():
            continue
        best = _count_caught(observed, observed, study)[0]
        for method in METHODS:
            scores = forecast(method, counted.counts[:now], study, kernel)
            # Gi* ranks by itself: what is divided by the area again must first be multiplied by it.
            predicted = scores * study.area_km2 if method in RANKS_ONLY else scores
            hits, expected = _count_caught(observed, predicted, study)
            found[study.resolution, method][:, place] = hits, best, expected
    return found


def _count_caught(
    observed: NDArray[np.float64], predicted: NDArray[np.float64], study: Study
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Observed and predicted events in the first SHARES of the area, in order of predicted density.

    The last cell counts in part, so that coarse and fine cells are compared at the same area.
    """
    curve = prediction_accuracy(observed, predicted, study.area_km2)
    share = np.concatenate([[0.0], curve["area_share"]])
    return (
        np.interp(SHARES, share, np.concatenate([[0.0], curve["observed"].cumsum()])),
        np.interp(SHARES, share, np.concatenate([[0.0], curve["predicted"].cumsum()])),
    )


def _build_notes(spec: LayerSpec, counted: Weeks, first: dt.date, end: dt.date, left_out: list[str]) -> list[str]:
    share = format_percent(DECIDING_SHARE)
    judged = (
        f"Judged by the weeks of {format_span(first, end)}, each from the weeks before it; decided by the share of "
    )
    said = [f"{judged}events in the top {share} of the area. Intervals are of resampled weeks."]
    if (end - first).days < 7 * _FEW_WEEKS:
        said.append(f"Fewer than {_FEW_WEEKS} weeks: the intervals are narrower than they should be.")
    if counted.unknown:
        said.append(f"{format_number(counted.unknown)} {spec.many} do not know their day and take no part.")
    if counted.swept:
        said.append(f"{format_number(counted.swept)} {spec.many} were found by sweeps and take no part.")
    if left_out:
        said.append(f"Resolution {', '.join(left_out)} would have more than {MOST_CELLS:,} cells and was left out.")
    return said
