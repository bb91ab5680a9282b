"""Back-test: what share of the next week's events fell in the small part of the area that each method chose.

Methods and sizes of cells are compared over the same weeks, with paired intervals.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.evaluation import prediction_accuracy
from hexbeat.analysis.daily_counts import Weeks, count_weeks, describe_left_out
from hexbeat.analysis.forecast_methods import METHOD_NAMES, METHODS, RANKS_ONLY, build_kernel, forecast
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import require_one_layer
from layers.wording import format_cell_width, format_list, format_percent, format_span

__all__ = [
    "DECIDING_SHARE",
    "MOST_CELLS",
    "SHARES",
    "Backtest",
    "MethodComparison",
    "Rival",
    "SizeFigure",
    "Tables",
    "backtest",
    "compare_methods",
    "compare_sizes",
    "summarise",
]

SHARES: Final = (0.01, 0.02, 0.05)
DECIDING_SHARE: Final = 0.02
_RESAMPLES: Final = 2000
_SEED: Final = 1
_SIMPLEST_FIRST: Final = ("last_period", "all_history", "gi_star", "kernel")  # of those that tie, the first is chosen
Tables = dict[tuple[int, str], NDArray[np.float64]]
MOST_CELLS: Final = 60_000  # finer resolutions of larger areas are left out, and a note says so
_FEW_WEEKS: Final = 8  # resampling fewer understates how much weeks differ


@dataclass(frozen=True, slots=True)
class MethodComparison:
    """The best method at DECIDING_SHARE over all resolutions, compared with every other method at its best.

    `rivals` are the other methods. `clear`: the lead over each of them is more than chance. `sentence` says so.
    """

    method: str
    resolution: int
    hit_rate: float
    rivals: tuple["Rival", ...]
    clear: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Rival:
    """Another method at its best resolution: the winner's `lead` in share of events, with its paired 95 % interval.

    `told_apart`: the lead is more than chance.
    """

    method: str
    resolution: int
    lead: float
    low: float
    high: float
    told_apart: bool  # the name is a key of the JSON of `backtest`


@dataclass(frozen=True, slots=True)
class SizeFigure:
    """One method at one size of cells: its hit rate, and whether the best size leads it by more than chance."""

    resolution: int
    hit_rate: float
    behind: bool


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """`rows`: a row for each resolution, method and share of the area (see `summarise`).

    `verdict` is the best method and how sure that is; `by_size` the same for each resolution. `gi_star` is how well the
    hotspot map itself does at each size of cells. `weeks` weeks, the period [first, end), were tested; they hold
    `events` events. `unknown` and `swept` events are left out: their day is not known, or sweeps found them.
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
    """Rolling origin: for each of the last `weeks` weeks every method uses only the weeks before it.

    The methods are those of hexbeat.analysis.forecast_methods. Events whose day is not known, and those that sweeps
    found, are left out. The last week ends with the newest record. `progress` is called with each resolution before it
    is tested, and its position. UsageError for too few weeks of records.
    """
    spec = require_one_layer(Filter(layers=(layer,)), "A back-test", incidents=True)
    studies = _build_studies(area, wards, resolutions)
    tables: Tables = {}
    counts: Weeks | None = None
    for position, study in enumerate(studies):
        if progress:
            progress(study.resolution, position)
        counts = count_weeks(columns, layer, study, tested_weeks=weeks, time_zone=area.time_zone)
        tables |= _score_methods(study, counts, weeks)
    if counts is None:
        raise ValueError(resolutions)
    first_day = counts.start_of(len(counts.counts) - weeks)
    end = counts.start_of(len(counts.counts))
    events = counts.counts[-weeks:].sum(axis=1)
    skipped = [
        str(resolution) for resolution in resolutions if resolution not in {study.resolution for study in studies}
    ]
    return Backtest(
        spec=spec,
        rows=summarise(tables, events),
        verdict=compare_methods(tables, events),
        by_size={
            study.resolution: compare_methods(_select_resolution(tables, study.resolution), events) for study in studies
        },
        gi_star=compare_sizes(tables, events, "gi_star"),
        weeks=weeks,
        first=first_day,
        end=end,
        events=int(events.sum()),
        unknown=counts.unknown,
        swept=counts.swept,
        notes=tuple(_build_notes(spec, counts, first_day, end, skipped)),
    )


def _build_studies(area: Area, wards: tuple[str, ...], resolutions: Sequence[int]) -> list[Study]:
    """The study areas from coarse to fine, up to the last with about MOST_CELLS cells; the coarsest in any case."""
    studies: list[Study] = []
    for resolution in sorted(set(resolutions)):
        finer = resolution - studies[-1].resolution if studies else 0
        if studies and len(studies[-1]) * 7**finer > MOST_CELLS * 1.25:  # each cell has seven finer ones
            break
        studies.append(load_study(area, wards, resolution))
    return studies


def _select_resolution(tables: Tables, resolution: int) -> Tables:
    """The tables of one resolution."""
    return {key: table for key, table in tables.items() if key[0] == resolution}


def _score_methods(study: Study, history_counts: Weeks, weeks: int) -> Tables:
    """For each method float64 (3, weeks, shares): events caught, most that any choice could catch, events predicted."""
    kernel = build_kernel(study)
    tables = {(study.resolution, method): np.zeros((3, weeks, len(SHARES))) for method in METHODS}
    for place in range(weeks):
        week = len(history_counts.counts) - weeks + place
        observed = history_counts.counts[week]
        if not observed.any():
            continue
        best = _count_caught(observed, observed, study)[0]
        for method in METHODS:
            scores = forecast(method, history_counts.counts[:week], study, kernel)
            # Gi* ranks by itself: it is multiplied by the area here, because it is divided by it later.
            predicted = scores * study.area_km2 if method in RANKS_ONLY else scores
            hits, expected = _count_caught(observed, predicted, study)
            tables[study.resolution, method][:, place] = hits, best, expected
    return tables


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


def _build_notes(spec: LayerSpec, counts: Weeks, first: dt.date, end: dt.date, skipped: list[str]) -> list[str]:
    explanation = (
        f"Each week of {format_span(first, end)} was forecast from the weeks before it. The winner has the largest "
        f"share of events in the top {format_percent(DECIDING_SHARE)} of the area. Intervals come from resampled weeks."
    )
    notes = [explanation]
    if (end - first).days < 7 * _FEW_WEEKS:
        notes.append(f"There are fewer than {_FEW_WEEKS} weeks, so the intervals are narrower than they should be.")
    notes += describe_left_out(spec, unknown=counts.unknown, swept=counts.swept)
    if skipped:
        notes.append(f"Resolution {', '.join(skipped)} is left out: it would have more than {MOST_CELLS:,} cells.")
    return notes


def summarise(tables: Tables, events: NDArray[np.float64]) -> pd.DataFrame:
    """A row for each resolution, method and share, pooled over the weeks; `events` (weeks,) of all cells.

    Columns: resolution, method, area_share, hits, events, hit_rate, PAI (hit rate / area share), PEI (hits / those of
    the best possible choice), RRI (predicted / observed events in the chosen part; NaN for Gi*, whose scores only
    rank), each with _low and _high: the 95 % interval of resampled weeks (percentile bootstrap, seeded). Weeks are
    taken as independent. NaN without events.
    """
    draws = _resample_weeks(len(events))
    rows = []
    for (resolution, method), table in tables.items():
        for column, share in enumerate(SHARES):
            hits, best, predicted = table[:, :, column]
            row: dict[str, object] = {"resolution": resolution, "method": method, "area_share": share}
            row |= {"hits": float(hits.sum()), "events": float(events.sum())}
            row |= _build_interval_columns("hit_rate", hits, events, draws)
            row |= _build_interval_columns("PAI", hits, events * share, draws)
            row |= _build_interval_columns("PEI", hits, best, draws)
            row |= _build_interval_columns("RRI", predicted * (np.nan if method in RANKS_ONLY else 1.0), hits, draws)
            rows.append(row)
    return pd.DataFrame(rows)


def compare_methods(tables: Tables, events: NDArray[np.float64]) -> MethodComparison:
    """Which method, at which resolution, caught the largest share of events in the top DECIDING_SHARE of the area.

    The lead over the best of each other method is measured on the same weeks (paired resampling). The winner is picked
    on these weeks too, so its own share is a little too high. Equal shares go to the simpler method and coarser cells.
    """
    column = SHARES.index(DECIDING_SHARE)
    hits = {key: table[0, :, column] for key, table in tables.items()}
    order = sorted(hits, key=lambda key: (-hits[key].sum(), _SIMPLEST_FIRST.index(key[1]), key[0]))
    best = order[0]
    draws = _resample_weeks(len(events))
    rivals = []
    for method in dict.fromkeys(key[1] for key in order if key[1] != best[1]):
        other = next(key for key in order if key[1] == method)
        lead = _divide_sums(hits[best] - hits[other], events)
        low, high = _find_interval(hits[best] - hits[other], events, draws)
        rivals.append(Rival(method, other[0], lead, low, high, told_apart=bool(low > 0)))
    clear = all(rival.told_apart for rival in rivals)
    rate = _divide_sums(hits[best], events)
    return MethodComparison(best[1], best[0], rate, tuple(rivals), clear, _describe_best(best, rate, rivals))


def compare_sizes(tables: Tables, events: NDArray[np.float64], method: str) -> tuple[SizeFigure, ...]:
    """One method at each resolution, from coarse to fine, against its own best (paired resampling of weeks)."""
    column = SHARES.index(DECIDING_SHARE)
    hits = {key[0]: tables[key][0, :, column] for key in sorted(tables) if key[1] == method}
    best = max(hits.values(), key=lambda caught: float(caught.sum()))
    draws = _resample_weeks(len(events))
    return tuple(
        SizeFigure(size, _divide_sums(caught, events), behind=bool(_find_interval(best - caught, events, draws)[0] > 0))
        for size, caught in hits.items()
    )


def _describe_best(best: tuple[int, str], rate: float, rivals: list[Rival]) -> str:
    if np.isnan(rate):
        return "There were no events in these weeks, so the methods cannot be compared."
    winner = f"The {METHOD_NAMES[best[1]]}, with cells {format_cell_width(best[0])} across, caught most"
    share = f"{format_percent(rate)} of the next week's events in {format_percent(DECIDING_SHARE)} of the area"
    similar = [f"the {METHOD_NAMES[rival.method]}" for rival in rivals if not rival.told_apart]
    if not similar:
        return f"{winner}: {share}. That is clearly more than any other method."
    return f"{winner}: {share}. The difference from {format_list(similar)} may be chance."


def _resample_weeks(weeks: int) -> NDArray[np.float64]:
    """How often each week is drawn in each resample, float64 (resamples, weeks)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(weeks, np.full(weeks, 1 / weeks), size=_RESAMPLES).astype(np.float64)


def _divide_sums(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> float:
    total = float(bottom.sum())
    return float(top.sum()) / total if total else float("nan")


def _find_interval(
    top: NDArray[np.float64], bottom: NDArray[np.float64], draws: NDArray[np.float64]
) -> tuple[float, float]:
    """The 95 % percentile interval of a ratio of sums over resampled weeks; NaN if the divisor is 0."""
    below = draws @ bottom
    ratios = (draws @ top)[below > 0] / below[below > 0]
    if not len(ratios) or np.isnan(ratios).any():
        return float("nan"), float("nan")
    low, high = np.quantile(ratios, (0.025, 0.975)).tolist()
    return low, high


def _build_interval_columns(
    name: str, top: NDArray[np.float64], bottom: NDArray[np.float64], draws: NDArray[np.float64]
) -> dict[str, object]:
    low, high = _find_interval(top, bottom, draws)
    return {name: _divide_sums(top, bottom), f"{name}_low": low, f"{name}_high": high}
