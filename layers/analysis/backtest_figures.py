"""The figures of a back-test: shares caught, PAI, PEI and RRI with intervals, and which method wins."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.analysis.forecasts import METHOD_WORDS, RANKS_ONLY
from layers.wording import format_cell_width, format_percent

__all__ = [
    "DECIDING_SHARE",
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
_RESAMPLES: Final = 2000
_SEED: Final = 1
_SIMPLEST: Final = ("last_period", "all_history", "gi_star", "kernel")  # of those that tie, the first is chosen

Tables = dict[tuple[int, str], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class MethodComparison:
    """The winner at DECIDING_SHARE over all methods and resolutions, against the best of every other method.

    `rivals` are the others: their best resolution, the winner's lead in share of events with its 95 % interval, and
    whether they can be told apart. `clear`: from all of them. `sentence` says it.
    """

    method: str
    resolution: int
    hit_rate: float
    rivals: tuple["Rival", ...]
    clear: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Rival:
    """One other method at its best resolution: how far the winner leads, with a paired interval."""

    method: str
    resolution: int
    lead: float
    low: float
    high: float
    told_apart: bool


@dataclass(frozen=True, slots=True)
class SizeFigure:
    """One method at one size of cells: its share caught, and whether it is behind the best size by more than chance."""

    resolution: int
    hit_rate: float
    behind: bool


def summarise(tables: Tables, events: NDArray[np.float64]) -> pd.DataFrame:
    """A row for each resolution, method and share, pooled over the weeks; `events` (weeks,) of all cells.

    Columns: resolution, method, area_share, hits, events, hit_rate, PAI (hit rate / area share), PEI (hits / those of
    the best possible choice), RRI (predicted / observed events in the part chosen; NaN for Gi*, whose scores are no
    numbers), each with _low and _high: the 95 % interval of resampled weeks (percentile bootstrap, seeded). Weeks are
    taken as independent. NaN without events.
    """
    draws = _resample_weeks(len(events))
    rows = []
    for (resolution, method), table in tables.items():
        for column, share in enumerate(SHARES):
            hits, best, predicted = table[:, :, column]
            row: dict[str, object] = {"resolution": resolution, "method": method, "area_share": share}
            row |= {"hits": float(hits.sum()), "events": float(events.sum())}
            row |= _with_interval("hit_rate", hits, events, draws)
            row |= _with_interval("PAI", hits, events * share, draws)
            row |= _with_interval("PEI", hits, best, draws)
            row |= _with_interval("RRI", predicted * (np.nan if method in RANKS_ONLY else 1.0), hits, draws)
            rows.append(row)
    return pd.DataFrame(rows)


def compare_methods(tables: Tables, events: NDArray[np.float64]) -> MethodComparison:
    """Which method, at which resolution, caught the largest share of events in the top DECIDING_SHARE of the area.

    The lead over the best of each other method is judged on the same weeks (paired resampling). The winner was chosen
    by looking, so that its own share flatters a little. Equal shares go to the simpler method and the coarser cells.
    """
    column = SHARES.index(DECIDING_SHARE)
    hits = {key: table[0, :, column] for key, table in tables.items()}
    order = sorted(hits, key=lambda key: (-hits[key].sum(), _SIMPLEST.index(key[1]), key[0]))
    best = order[0]
    draws = _resample_weeks(len(events))
    rivals = []
    for method in dict.fromkeys(key[1] for key in order if key[1] != best[1]):
        other = next(key for key in order if key[1] == method)
        lead = _ratio(hits[best] - hits[other], events)
        low, high = _interval(hits[best] - hits[other], events, draws)
        rivals.append(Rival(method, other[0], lead, low, high, told_apart=bool(low > 0)))
    clear = all(rival.told_apart for rival in rivals)
    rate = _ratio(hits[best], events)
    return MethodComparison(best[1], best[0], rate, tuple(rivals), clear, _describe_best(best, rate, rivals))


def compare_sizes(tables: Tables, events: NDArray[np.float64], method: str) -> tuple[SizeFigure, ...]:
    """One method at each resolution, from coarse to fine, against its own best (paired resampling of weeks)."""
    column = SHARES.index(DECIDING_SHARE)
    hits = {key[0]: tables[key][0, :, column] for key in sorted(tables) if key[1] == method}
    best = max(hits.values(), key=lambda caught: float(caught.sum()))
    draws = _resample_weeks(len(events))
    return tuple(
        SizeFigure(size, _ratio(caught, events), behind=bool(_interval(best - caught, events, draws)[0] > 0))
        for size, caught in hits.items()
    )


def _describe_best(best: tuple[int, str], rate: float, rivals: list[Rival]) -> str:
    if np.isnan(rate):
        return "There were no events in these weeks, so nothing can be judged."
    first = f"The {METHOD_WORDS[best[1]]}, with cells {format_cell_width(best[0])} across, caught most"
    caught = f"{format_percent(rate)} of the next week's events in {format_percent(DECIDING_SHARE)} of the area"
    near = [f"the {METHOD_WORDS[rival.method]}" for rival in rivals if not rival.told_apart]
    if not near:
        return f"{first}: {caught}, more than any other method by more than chance."
    return f"{first}: {caught}; it cannot be told from {' or from '.join(near)}."


def _resample_weeks(weeks: int) -> NDArray[np.float64]:
    """How often each week is drawn in each resample, float64 (resamples, weeks)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(weeks, np.full(weeks, 1 / weeks), size=_RESAMPLES).astype(np.float64)


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> float:
    whole = float(bottom.sum())
    return float(top.sum()) / whole if whole else float("nan")


def _interval(top: NDArray[np.float64], bottom: NDArray[np.float64], draws: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % percentile interval of a ratio of sums over resampled weeks; NaN where nothing is left to divide by."""
    below = draws @ bottom
    ratios = (draws @ top)[below > 0] / below[below > 0]
    if not len(ratios) or np.isnan(ratios).any():
        return float("nan"), float("nan")
    low, high = np.quantile(ratios, (0.025, 0.975)).tolist()
    return low, high


def _with_interval(
    name: str, top: NDArray[np.float64], bottom: NDArray[np.float64], draws: NDArray[np.float64]
) -> dict[str, object]:
    low, high = _interval(top, bottom, draws)
    return {name: _ratio(top, bottom), f"{name}_low": low, f"{name}_high": high}
