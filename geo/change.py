"""What changed between two periods: difference, ratio with an exact interval, and a test of two Poisson rates."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from geo.errors import UsageError
from geo.hotspots import benjamini_hochberg
from geo.tails import binomial_at_least, binomial_at_most

__all__ = ["Change", "compare_periods", "count_fewest_events", "e_test", "ratio_interval"]

_MOST_BY_E_TEST: Final = (
    2000  # events in both periods; with more, the conditional exact test differs by less than 1 in 100
)
_BLOCK: Final = 4_000_000  # probabilities in memory at once
_SPREADS: Final = 8  # standard deviations on either side that hold all but 1e-12 of a Poisson distribution
_CUT_OFF: Final = 1e-8  # a smaller p is added up over more outcomes
_MOST_SPREADS: Final = 32
_LEAST_P: Final = float(np.finfo(np.float64).tiny)  # no p is 0: a smaller one is given as this
_EXTRA_FOR_SMALL_MEANS: Final = 20  # counts added above, for small means
_EQUAL: Final = 1e-10  # statistics closer than this, relatively, are the same


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """The change of n places (cells or wards) from the period before to now, each array (n,).

    `difference` in events: now less the count before, scaled to the length of now. `ratio` of rates (NaN without
    events, infinite where there were none before) with its exact `low` and `high`. `p` is two-sided; `q` is after
    false-discovery control among the places with enough events (NaN for the others). `too_few` bool: so few events that
    no split of them between the periods would be significant. `kind` int8: 1 rise, -1 fall, 0 no clear change.
    """

    difference: NDArray[np.float64]
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    too_few: NDArray[np.bool_]
    kind: NDArray[np.int8]


def compare_periods(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    *,
    days_before: float = 1.0,
    days_now: float = 1.0,
    q: float = 0.05,
) -> Change:
    """Compare counts (n,) of two periods of `days_before` and `days_now` days, place by place.

    Shared (fractional) counts are rounded to whole events for the intervals and tests, not for difference and ratio.
    Counts are taken as Poisson: where one person or household causes many events, p is too small. Places with too few
    events to say take no part in the false-discovery control (Tarone 1990; Gilbert 2005). That depends on the total of
    both periods alone, and so favours neither direction. Raises UsageError for negative counts or periods of no length.
    """
    before, now = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    if before.shape != now.shape or (before < 0).any() or (now < 0).any() or not (days_before > 0 and days_now > 0):
        raise UsageError(
            "A comparison needs two periods with a length, and counts of 0 or more of the same places",
            f"the counts have shapes {before.shape} and {now.shape}, the periods {days_before} and {days_now} days",
            "count the same cells or wards in both periods",
        )
    whole_before, whole_now = np.rint(before).astype(np.int64), np.rint(now).astype(np.int64)
    share = days_now / (days_before + days_now)
    too_few = whole_before + whole_now < count_fewest_events(share, level=q)
    p = e_test(whole_before, whole_now, days_before=days_before, days_now=days_now)
    adjusted = np.full(len(p), np.nan)
    adjusted[~too_few] = benjamini_hochberg(p[~too_few])
    low, high = ratio_interval(whole_before, whole_now, days_before=days_before, days_now=days_now)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (now / days_now) / (before / days_before)
    difference = now - before * days_now / days_before
    is_change = ~too_few & (np.nan_to_num(adjusted, nan=1.0) <= q)
    return Change(
        difference=difference,
        ratio=ratio,
        low=low,
        high=high,
        p=p,
        q=adjusted,
        too_few=too_few,
        kind=np.where(is_change, np.sign(difference), 0).astype(np.int8),
    )


def count_fewest_events(share: float, *, level: float = 0.05) -> int:
    """The fewest events in both periods together that can show a change: an extreme split has p of `level` or less.

    `share` is now's share of the days; the rarer extreme split counts, with its two-sided p. Equal periods at 5 %: 6
    events, because 2 / 2^6 = 0.03 and 2 / 2^5 = 0.06.
    """
    rarer = min(share, 1 - share)
    return int(np.ceil(np.log(level / 2) / np.log(rarer)))


def ratio_interval(
    before: NDArray[np.int64],
    now: NDArray[np.int64],
    *,
    days_before: float = 1.0,
    days_now: float = 1.0,
    level: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The exact interval (low, high), (n,) each, of the ratio of rates now / before.

    Given the sum, now is binomial, so Clopper and Pearson's limits of its share become limits of the ratio
    (Przyborowski and Wilenski 1940). Covers at least `level`, usually more. No events: 0 to infinity.
    """
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(now > 0, special.betaincinv(now, before + 1, tail), 0.0)
        high = np.where(before > 0, special.betaincinv(now + 1, before, 1 - tail), 1.0)
        days = days_before / days_now
        return low / (1 - low) * days, high / (1 - high) * days


def e_test(
    before: NDArray[np.int64], now: NDArray[np.int64], *, days_before: float = 1.0, days_now: float = 1.0
) -> NDArray[np.float64]:
    """Two-sided p, float64 (n,), that two Poisson rates are equal: the E-test.

    The chance, at the pooled rate, of a standardised difference at least as great as the observed one; 1 without
    events. More powerful than the conditional test, and nearly exact. Each distinct pair is worked out once. Differs
    from scipy.stats.poisson_means_test at ties: outcomes whose statistic equals the observed one but for rounding count
    here, the observed outcome always, and scipy may leave them out (0 in 365 days against 2 in 28: here 0.482278).
    Above 2,000 events in both periods the conditional exact test
    (scipy.stats.binomtest, doubled smaller tail) stands in. Source: Krishnamoorthy and Thomson 2004.
    """
    pairs, place = np.unique(np.stack([before, now]), axis=1, return_inverse=True)
    p = np.ones(pairs.shape[1])
    days = (days_before, days_now)
    for column, (first, second) in enumerate(pairs.T.tolist()):
        if first + second > _MOST_BY_E_TEST:
            p[column] = _test_conditionally(first, second, days)
        elif first + second > 0:
            p[column] = _e_test(first, second, days)
    return p[place.reshape(-1)]


def _test_conditionally(before: int, now: int, days: tuple[float, float]) -> float:
    """Twice the smaller binomial tail, at least _LEAST_P."""
    total, share = before + now, days[1] / sum(days)
    tails = binomial_at_most(now, total, share), binomial_at_least(now, total, share)
    return max(min(1.0, 2 * min(tails)), _LEAST_P)


def _e_test(before: int, now: int, days: tuple[float, float]) -> float:
    """The E-test of one pair with at least one event; at least _LEAST_P."""
    p = _add_up_extremes(before, now, days, _SPREADS)
    if p < _CUT_OFF:  # what was cut off may be as much, or all of it
        p = _add_up_extremes(before, now, days, _MOST_SPREADS)
    return max(p, _LEAST_P)


def _add_up_extremes(before: int, now: int, days: tuple[float, float], spreads: int) -> float:
    """The chance of outcomes at least as far apart, within so many standard deviations."""
    pooled = (before + now) / sum(days)
    seen = abs(now / days[1] - before / days[0]) / np.sqrt(before / days[0] ** 2 + now / days[1] ** 2)
    firsts, seconds = (_list_likely_counts(pooled * length, spreads) for length in days)
    chance = _compute_chances(seconds, pooled * days[1])
    p = 0.0
    for block in np.array_split(firsts, 1 + len(firsts) * len(seconds) // _BLOCK):
        first = block[:, None]
        spread = np.sqrt(first / days[0] ** 2 + seconds / days[1] ** 2)
        spread[spread == 0] = 1.0  # no events in either: their difference is 0 whatever divides it
        extreme = np.abs(seconds / days[1] - first / days[0]) / spread >= seen * (1 - _EQUAL)
        p += float(_compute_chances(block, pooled * days[0]) @ (extreme @ chance))
    return min(p, 1.0)


def _list_likely_counts(mean: float, spreads: int) -> NDArray[np.int64]:
    """The whole numbers within so many standard deviations of a Poisson mean, and some more for small means."""
    reach = spreads * np.sqrt(mean)
    extra = _EXTRA_FOR_SMALL_MEANS * spreads // _SPREADS
    return np.arange(max(0, int(mean - reach)), int(mean + reach + extra) + 1)


def _compute_chances(numbers: NDArray[np.int64], mean: float) -> NDArray[np.float64]:
    """Poisson probabilities. A call of scipy.stats.poisson.pmf takes ten times as long."""
    chances: NDArray[np.float64] = np.exp(special.xlogy(numbers, mean) - mean - special.gammaln(numbers + 1))
    return chances
