"""How many events come in one burst, and tails of counts that carry it.

One dealer, one quarrel or one bag of needles makes several records. Counts of such events vary more than Poisson's, and
an exact test that does not know it calls most bursts hotspots.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.sparse import csr_array

__all__ = ["BURST_DAYS", "count_tails", "find_chance", "find_growth", "measure_bursts"]

_CERTAIN: Final = 1.645  # standard errors: below, the excess of pairs may be noise, and no burst is carried
BURST_DAYS: Final = 10  # near repeats come within days; after so many they are no burst any more
_LEAST_DISPERSION: Final = 1.001  # nearer to 1, the beta-binomial is the binomial but for rounding
_MOST_TERMS: Final = 4_000_000

Floats = NDArray[np.float64]


def measure_bursts(
    place: NDArray[np.int64], time: NDArray[np.int64], patches: csr_array, *, times: int, lag: int = BURST_DAYS
) -> tuple[float, float]:
    """The variance of counts over their mean, of single places and of patches: 1 without bursts.

    `place`, `time` (events,): positions among m places and `times` days (or months: `lag` 0). `patches` csr (m, m),
    binary with self. Pairs of events of one place within `lag` times are compared with those expected if each place
    kept its events and they fell at any time: a place that is always busy has no excess. The excess for each event is
    what the variance has above the mean. It is 1 unless the excess is above its noise (one-sided 5 %). Places that grew
    busy in the period look like bursts, which makes the tests more cautious.
    """
    lag = min(lag, times // 3)
    if times < 2 * (lag + 1) or len(place) < 2:  # noqa: PLR2004  # a pair
        return 1.0, 1.0
    spread = np.arange(times)
    share = float((np.minimum(spread + lag, times - 1) - np.maximum(spread - lag, 0) + 1).sum()) / times**2
    sizes = np.diff(patches.indptr)[place]
    event = np.repeat(np.arange(len(place)), sizes)
    entry = np.arange(len(event)) - np.repeat(np.cumsum(sizes) - sizes - patches.indptr[place], sizes)
    patch = patches.indices[entry].astype(np.int64)
    single = _measure_ratio(place, time, share=share, lag=lag, times=times)
    return single, max(single, _measure_ratio(patch, time[event], share=share, lag=lag, times=times))


def _measure_ratio(place: NDArray[np.int64], time: NDArray[np.int64], *, share: float, lag: int, times: int) -> float:
    """The variance ratio of the counts of windows; an event may be in several."""
    counts = np.bincount(place).astype(np.float64)
    pairs = float((counts * (counts - 1)).sum())
    excess = float(_count_near(place, time, lag=lag, times=times).sum() - len(place)) - pairs * share
    if excess <= _CERTAIN * np.sqrt(2 * pairs * share * (1 - share)):
        return 1.0
    # Families that begin before the period or end after it lack a part, the more the shorter it is.
    return 1.0 + (1 + lag / times) * excess / (1 - share) / len(place)


def _count_near(place: NDArray[np.int64], time: NDArray[np.int64], *, lag: int, times: int) -> Floats:
    """For each event the events of its place at most `lag` apart, itself too, float64 (events,)."""
    span = times + 2 * lag + 2
    middle = place * span + time + lag + 1
    keys = np.sort(middle)
    near = np.searchsorted(keys, middle + lag, side="right") - np.searchsorted(keys, middle - lag, side="left")
    return near.astype(np.float64)


def count_tails(inside: Floats, around: Floats, share: Floats, *, dispersion: float = 1.0) -> tuple[Floats, Floats]:
    """P(at least `inside`) and P(at most `inside`) of inside + around events, if each falls inside with `share`.

    (m,) each; counts are whole. Binomial, and with a `dispersion` (variance over mean) above 1 beta-binomial: what is
    left if two negative binomial counts of one dispersion are known by their sum (the negative hypergeometric). So the
    uncertainty of the surroundings is in it.
    """
    if dispersion <= _LEAST_DISPERSION or inside.sum() > _MOST_TERMS:
        inside, around = inside / dispersion, around / dispersion
        at_least = np.where(inside > 0, special.betainc(np.maximum(inside, 1e-12), around + 1, share), 1.0)
        at_most = np.where(around > 0, special.betaincc(inside + 1, np.maximum(around, 1e-12), share), 1.0)
        return at_least, at_most
    total = inside + around
    sizes = inside.astype(np.int64) + 1
    row = np.repeat(np.arange(len(inside)), sizes)
    number = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chance = find_chance(number.astype(np.float64), total[row], share[row], dispersion=dispersion)
    at_most = np.bincount(row, chance, minlength=len(inside))
    own_chance = chance[np.cumsum(sizes) - 1]
    # The sum has no digits left where the tail is below 1e-15; it is never less than its first term.
    return np.clip(1 - at_most + own_chance, own_chance, 1.0), np.clip(at_most, 0.0, 1.0)


def find_chance(inside: Floats, trials: Floats, share: Floats, *, dispersion: float) -> Floats:
    """P(exactly `inside`) of `trials` events, as `count_tails` has it."""
    log_ways = special.gammaln(trials + 1) - special.gammaln(inside + 1) - special.gammaln(trials - inside + 1)
    if dispersion <= _LEAST_DISPERSION:
        return np.asarray(np.exp(log_ways + special.xlogy(inside, share) + special.xlog1py(trials - inside, -share)))
    own, others = _find_beta(trials, share, dispersion)
    return np.asarray(
        np.exp(log_ways + special.betaln(own + inside, others + trials - inside) - special.betaln(own, others))
    )


def find_growth(inside: Floats, trials: Floats, share: Floats, *, dispersion: float) -> Floats:
    """P(exactly `inside` + 1) over P(exactly `inside`) of `trials` events; 0 where all are inside."""
    if dispersion <= _LEAST_DISPERSION:
        return np.asarray((trials - inside) / (inside + 1) * share / (1 - share))
    own, others = _find_beta(trials, share, dispersion)
    left = trials - inside
    return np.asarray(left / (inside + 1) * (own + inside) / np.maximum(others + left - 1, 1e-12))


def _find_beta(trials: Floats, share: Floats, dispersion: float) -> tuple[Floats, Floats]:
    own = np.maximum(trials * share, 1e-3) / (dispersion - 1)
    return own, own * (1 - share) / share
