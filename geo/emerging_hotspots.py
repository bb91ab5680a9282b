"""Emerging hotspots: how each cell developed over time bins, in the classes of ArcGIS' emerging hot spot analysis.

Every bin is tested by concentration (`geo.concentration`) or by Gi* (`geo.hotspots`), and the trend of the deviation
over the bins by Mann and Kendall's test. Three things differ from ArcGIS. Neighbours are in space only, so each bin is
compared with itself. The p-values are exact. A place with too few events has a class of its own.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.sparse import csr_array

from geo.concentration import find_concentrations
from geo.errors import UsageError
from geo.hotspots import hotspots
from geo.permutation import build_sum_distribution, to_units
from geo.surroundings import Surroundings
from geo.tails import poisson_at_least

__all__ = [
    "DEFINITIONS",
    "Emerging",
    "Pattern",
    "Trend",
    "classify",
    "find_emerging_concentrations",
    "find_emerging_hotspots",
    "mann_kendall",
]

_MOST_BINS: Final = 0.9  # "90 percent of the time-step intervals"
_FEWEST_BINS: Final = 4  # Mann and Kendall's test cannot find a trend at 5 % in fewer
_SHORTEST_RUN: Final = 2
_HALF: Final = 0.5
_SMALLEST_RATE: Final = 0.1  # events of the surroundings; of less, the deviation would jump with every event
_PLENTY: Final = (
    5.0  # mean events of a neighbourhood in a bin; with so many, a place without a hotspot has not too few events
)


class Pattern(StrEnum):
    """How a place developed; cold patterns mirror the hot ones."""

    NEW = "new"
    CONSECUTIVE = "consecutive"
    INTENSIFYING = "intensifying"
    PERSISTENT = "persistent"
    DIMINISHING = "diminishing"
    SPORADIC = "sporadic"
    OSCILLATING = "oscillating"
    HISTORICAL = "historical"
    NEW_COLD = "new cold"
    CONSECUTIVE_COLD = "consecutive cold"
    INTENSIFYING_COLD = "intensifying cold"
    PERSISTENT_COLD = "persistent cold"
    DIMINISHING_COLD = "diminishing cold"
    SPORADIC_COLD = "sporadic cold"
    OSCILLATING_COLD = "oscillating cold"
    HISTORICAL_COLD = "historical cold"
    NONE = "no significant trend"
    TOO_FEW = "too few events to say"


DEFINITIONS: Final[dict[Pattern, str]] = {
    Pattern.NEW: "A hotspot in the last period, and never before.",
    Pattern.CONSECUTIVE: "A hotspot in the last two or more periods without a break, never before that, and in less "
    "than 90 % of all periods.",
    Pattern.INTENSIFYING: "A hotspot in at least 90 % of the periods and in the last one, and clearly getting hotter.",
    Pattern.PERSISTENT: "A hotspot in at least 90 % of the periods and in the last one, with no clear trend.",
    Pattern.DIMINISHING: "A hotspot in at least 90 % of the periods and in the last one, and clearly getting less hot.",
    Pattern.SPORADIC: "A hotspot in the last period, on and off before, in less than 90 % of the periods, and never a "
    "cold spot.",
    Pattern.OSCILLATING: "A hotspot in the last period that was a cold spot before, and hot in less than 90 % of the "
    "periods.",
    Pattern.HISTORICAL: "A hotspot in at least 90 % of the periods, but not in the last one.",
    Pattern.NONE: "It fits none of the patterns. That does not show that nothing changes here.",
    Pattern.TOO_FEW: "So few events that even a place with six times the average would not be found in most periods.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """Mann and Kendall's test of each series, float64 (n,) each: `z` above 0 rises, `p` two-sided."""

    z: NDArray[np.float64]
    p: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Emerging:
    """The result of `find_emerging_hotspots`: a pattern for each of n cells, `z` and `kind` (bins, n), trends of z."""

    pattern: list[Pattern]
    z: NDArray[np.float64]
    kind: NDArray[np.int8]
    trend: Trend


def mann_kendall(series: NDArray[np.float64]) -> Trend:
    """Test whether each column of `series` (times, n) rises or falls, with ties and a continuity correction.

    The normal approximation is usual from about ten times on; with fewer than four no trend can be found. Times must be
    independent: a season in the series looks like a trend. A column of equal values has z = 0 and p = 1.
    Source: Mann 1945; Kendall 1975.
    """
    series = np.asarray(series, dtype=np.float64)
    count = len(series)
    score = np.zeros(series.shape[1])
    equal = np.ones(series.shape)  # how many of the column equal each value, itself included
    for lag in range(1, count):
        later = np.sign(series[lag:] - series[:-lag])
        score += later.sum(axis=0)
        equal[lag:] += later == 0
        equal[:-lag] += later == 0
    ties = ((equal - 1) * (2 * equal + 5)).sum(axis=0)  # over members of a tie: sums to t (t - 1) (2t + 5)
    variance = np.maximum(count * (count - 1) * (2 * count + 5) - ties, 0) / 18
    z = np.divide(score - np.sign(score), np.sqrt(variance), out=np.zeros_like(score), where=variance > 0)
    return Trend(z, 2 * special.ndtr(-np.abs(z)))


def classify(kind: NDArray[np.int8], trend: Trend, *, level: float = 0.05) -> list[Pattern]:
    """The pattern of each column of `kind` (bins, n; 1 hot, -1 cold, 0 neither), given the trend of its z.

    DEFINITIONS says what each means. A hot last bin gives a hot pattern, a cold one a cold pattern; otherwise the
    pattern is historical or none.
    """
    hot, cold = _classify_side(kind, trend, level=level), _classify_side(-kind, Trend(-trend.z, trend.p), level=level)
    return [_choose_pattern(*both) for both in zip(hot, cold, strict=True)]


def find_emerging_hotspots(
    counts: NDArray[np.float64], neighbours: csr_array, *, q: float = 0.05, level: float = 0.05, times: float = 6.0
) -> Emerging:
    """Patterns of counts (bins, n) over time bins of equal length, oldest first.

    `q` is the false discovery rate in each bin, `level` the level of the trend's test. A cell that is hot or cold in no
    bin is TOO_FEW if a place with `times` the average rate would be missed in more than half of the bins.
    Misleads: bins that are not over yet, or of unequal length, look like trends. Raises UsageError for fewer than four
    bins.
    """
    counts = _require_bins(counts)
    maps = [hotspots(row, neighbours, q) for row in counts]
    z, kind = np.array([result.z for result in maps]), np.array([result.kind for result in maps])
    return _combine(z, kind, np.array([_is_detectable(row, neighbours, q, times) for row in counts]), level)


def find_emerging_concentrations(
    counts: NDArray[np.float64],
    surroundings: Surroundings,
    dispersion: tuple[float, float],
    *,
    q: float = 0.05,
    level: float = 0.05,
    times: float = 6.0,
) -> Emerging:
    """As `find_emerging_hotspots`, by the test of concentration in each bin: a bin by itself shows no steadiness.

    `dispersion` as in geo.concentration.Timing, of the whole period. z is the deviation of a place's count from the
    rate of its surroundings, in standard deviations. Raises UsageError for fewer than four bins.
    """
    counts = _require_bins(counts)
    z, kind, detectable = [], [], []
    for row in counts:
        result = find_concentrations(row, surroundings, q=q, dispersion=dispersion)
        rate = result.expected / result.size
        deviation = np.sqrt(np.maximum(rate, _SMALLEST_RATE) * dispersion[0])
        z.append((row - rate) / deviation)
        kind.append(result.kind)
        expected = rate * np.diff(surroundings.patches.indptr)
        smallest = poisson_at_least(np.ceil(times * expected), expected) <= q / max(len(row), 1)
        detectable.append(smallest & (expected > 0) | (expected >= _PLENTY))
    return _combine(np.array(z), np.array(kind), np.array(detectable), level)


def _require_bins(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 2 or len(counts) < _FEWEST_BINS:  # noqa: PLR2004  # bins and cells
        raise UsageError(
            "A pattern over time needs at least four bins", f"the counts have shape {counts.shape}", "use shorter bins"
        )
    return counts


def _combine(z: NDArray[np.float64], kind: NDArray[np.int8], detectable: NDArray[np.bool_], level: float) -> Emerging:
    """The patterns of z and kind (bins, n); `detectable` (bins, n): a hotspot there would have been found."""
    trend = mann_kendall(z)
    patterns = classify(kind, trend, level=level)
    too_few = (detectable.mean(axis=0) < _HALF) & (kind == 0).all(axis=0)
    return Emerging(
        pattern=[
            Pattern.TOO_FEW if is_too_few else pattern for is_too_few, pattern in zip(too_few, patterns, strict=True)
        ],
        z=z,
        kind=kind,
        trend=trend,
    )


def _classify_side(kind: NDArray[np.int8], trend: Trend, *, level: float) -> NDArray[np.object_]:
    """The hot pattern of each column, or NONE; cold spots count only for Pattern.OSCILLATING."""
    hot = kind == 1
    last, mostly = hot[-1], hot.mean(axis=0) >= _MOST_BINS - 1e-9
    run = np.cumprod(hot[::-1], axis=0).sum(axis=0)  # bins without a break up to the last
    only_run = hot.sum(axis=0) == run
    clear = trend.p < level
    cases = {
        Pattern.HISTORICAL: ~last & mostly,
        Pattern.NONE: ~last,
        Pattern.INTENSIFYING: mostly & clear & (trend.z > 0),
        Pattern.DIMINISHING: mostly & clear,
        Pattern.PERSISTENT: mostly,
        Pattern.CONSECUTIVE: only_run & (run >= _SHORTEST_RUN),
        Pattern.NEW: only_run,
        Pattern.OSCILLATING: (kind == -1).any(axis=0),
    }
    names: NDArray[np.object_] = np.array([*cases, Pattern.SPORADIC], dtype=object)
    return names[np.select(list(cases.values()), np.arange(len(cases)), len(cases))]


def _choose_pattern(hot: Pattern, cold: Pattern) -> Pattern:
    """The pattern of the side of the last bin; without one, the historical pattern if there is one."""
    cold = cold if cold is Pattern.NONE else Pattern(f"{cold} cold")
    current = [side for side in (hot, cold) if side not in {Pattern.NONE, Pattern.HISTORICAL, Pattern.HISTORICAL_COLD}]
    past = [side for side in (hot, cold) if side is not Pattern.NONE]
    return next(iter([*current, *past]), Pattern.NONE)


def _is_detectable(counts: NDArray[np.float64], neighbours: csr_array, q: float, times: float) -> NDArray[np.bool_]:
    """Whether `times` the average rate would give each neighbourhood a sum that is significant by itself, bool (n,).

    Or whether there are plenty of events. Where a few cells hold most of them nothing weaker is found, but not because
    there are too few.
    """
    draws = np.diff(csr_array(neighbours).indptr).astype(np.int64)
    units, unit = to_units(counts, most_draws=int(draws.max()))
    smallest = build_sum_distribution(units, most_draws=int(draws.max())).fewest(q / len(counts))
    stands_out: NDArray[np.bool_] = times * units.mean() * draws >= smallest[draws]
    plenty: NDArray[np.bool_] = units.mean() * unit * draws >= _PLENTY
    return np.logical_or(stands_out, plenty)
