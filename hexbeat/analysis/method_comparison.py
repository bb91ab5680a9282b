"""Which method of choosing places is best: shares caught with their intervals, and paired comparisons over weeks."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from hexbeat.analysis.forecast_methods import METHOD_NAMES, RANKS_ONLY
from layers.wording import format_cell_width, format_list, format_percent

__all__ = [
    "AREA",
    "DECIDING_SHARE",
    "POINTS",
    "SHARES",
    "MethodComparison",
    "Rival",
    "SizeFigure",
    "Tables",
    "compare_methods",
    "compare_sizes",
    "summarise",
]

SHARES: Final = (0.01, 0.02, 0.05)
DECIDING_SHARE: Final = 0.02
AREA: Final = "the area"
POINTS: Final = "the points"
_RESAMPLES: Final = 2000
_SEED: Final = 1
_SIMPLEST_FIRST: Final = ("last_period", "all_history", "gi_star", "kernel")  # of those that tie, the first is chosen
Tables = dict[tuple[int, str], NDArray[np.float64]]


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


def summarise(tables: Tables, events: NDArray[np.float64]) -> pd.DataFrame:
    """A row for each resolution, method and share, pooled over the weeks; `events` (weeks,) of all cells.

    Columns: resolution, method, area_share, hits, events, hit_rate, PAI (hit rate / area share), PEI (hits / those of
    the best possible choice), RRI (predicted / observed events in the chosen part; NaN for Gi*, whose scores only
    rank), each with _low and _high: the 95 % interval of resampled weeks (expanded percentile bootstrap, seeded). Weeks
    are taken as independent. NaN without events.
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


def compare_methods(tables: Tables, events: NDArray[np.float64], *, whole: str = AREA) -> MethodComparison:
    """Which method, at which resolution, caught the largest share of events in the top DECIDING_SHARE of the `whole`.

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
    return MethodComparison(best[1], best[0], rate, tuple(rivals), clear, _describe_best(best, rate, rivals, whole))


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


def _describe_best(best: tuple[int, str], rate: float, rivals: list[Rival], whole: str) -> str:
    if np.isnan(rate):
        return "There were no events in these weeks, so the methods cannot be compared."
    winner = f"The {METHOD_NAMES[best[1]]}, with cells {format_cell_width(best[0])} across, caught most"
    where = f"{'at' if whole == POINTS else 'in'} {format_percent(DECIDING_SHARE)} of {whole}"
    share = f"{format_percent(rate)} of the next week's events {where}"
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
    """The 95 % percentile interval of a ratio of sums over resampled weeks; NaN if the divisor is 0.

    It is wider than the plain percentiles, which are too narrow for few weeks: the expanded percentile interval of
    Hesterberg 2015, The American Statistician 69:371.
    """
    below = draws @ bottom
    ratios = (draws @ top)[below > 0] / below[below > 0]
    if not len(ratios) or np.isnan(ratios).any():
        return float("nan"), float("nan")
    weeks = draws.shape[1]
    reach = float(stdtrit(max(weeks - 1, 1), 0.975)) * math.sqrt(weeks / max(weeks - 1, 1))
    tail = float(ndtr(-reach))
    low, high = np.quantile(ratios, (tail, 1 - tail)).tolist()
    return low, high


def _build_interval_columns(
    name: str, top: NDArray[np.float64], bottom: NDArray[np.float64], draws: NDArray[np.float64]
) -> dict[str, object]:
    low, high = _find_interval(top, bottom, draws)
    return {name: _divide_sums(top, bottom), f"{name}_low": low, f"{name}_high": high}
