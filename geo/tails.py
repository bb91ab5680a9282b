"""Tails and intervals by scipy.special alone, because the import of scipy.stats takes most of a second."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = [
    "binomial_at_least",
    "binomial_at_most",
    "count_quantile",
    "poisson_at_least",
    "share_interval",
    "student_above",
    "student_quantile",
]


def poisson_at_least(count: ArrayLike, mean: ArrayLike) -> NDArray[np.float64]:
    """P(X >= count) of Poisson counts of this mean; 1 for counts of 0 or less."""
    count, mean = np.asarray(count, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    return np.where(count <= 0, 1.0, special.gammainc(np.maximum(count, 1.0), mean))


def binomial_at_least(hits: int, tries: int, share: float) -> float:
    """P(X >= hits) of `tries` tries that each succeed with the chance `share`."""
    if hits <= 0:
        return 1.0
    return float(special.betainc(hits, tries - hits + 1, share)) if hits <= tries else 0.0


def binomial_at_most(hits: int, tries: int, share: float) -> float:
    """P(X <= hits), the mirror of `binomial_at_least`."""
    return binomial_at_least(tries - hits, tries, 1 - share)


def share_interval(hits: int, tries: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a proportion; of no tries 0 to 1. Source: Clopper and Pearson 1934."""
    tail = (1 - level) / 2
    low = float(special.betaincinv(hits, tries - hits + 1, tail)) if hits > 0 else 0.0
    high = float(special.betaincinv(hits + 1, tries - hits, 1 - tail)) if hits < tries else 1.0
    return low, high


def count_quantile(chance: float, mean: float, spread: float = 1.0) -> int:
    """The smallest count k with P(X <= k) >= chance: negative binomial of variance `spread` times the mean.

    A spread of 1 or less is Poisson's; `mean` above 0, `chance` below 1.
    """

    def at_most(count: int) -> float:
        if spread <= 1:
            return float(special.gammaincc(count + 1, mean))
        return float(special.betainc(mean / (spread - 1), count + 1, 1 / spread))

    below, above = -1, 1
    while at_most(above) < chance:
        below, above = above, 2 * above
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if at_most(middle) >= chance else (middle, above)
    return above


def student_above(value: float, freedom: int) -> float:
    """P(T > value) of Student's t with so many degrees of freedom."""
    return float(special.stdtr(freedom, -value))


def student_quantile(chance: float, freedom: int) -> float:
    """The value that Student's t with so many degrees of freedom stays below with this chance."""
    return float(special.stdtrit(freedom, chance))
