"""Control of false discoveries over exact tests of counts.

Few events have few possible counts, so that a test of them at 0.001 is passed by chance far less often than once in a
thousand. Benjamini and Hochberg reckon with the full thousandth, and find less than they might. Here each test counts
with what it can pass by chance (Heyse 2011, A false discovery rate procedure for categorical data; Döhler, Durand and
Roquain 2018, Electronic Journal of Statistics 12).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from geo.bursts import count_tails, find_chance, find_growth

__all__ = ["DiscreteNull", "adjust_discrete", "find_threshold"]

_LEAST_P: Final = 1e-8  # of smaller p, and of larger ones than the next, what chance passes is taken as p itself
_MOST_P: Final = 0.05
_MOST_SPREAD: Final = 30.0  # standard deviation of a count: of wider ones p is as good as continuous
_ROUNDING: Final = 1e-9
_DIGITS: Final = 9  # tests with equal trials and shares, to so many digits, are looked at once

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DiscreteNull:
    """How many of so many tests pass by chance at each threshold: `passing` at `threshold` and above, both (s,).

    `plain`: how many have counts so large that each p is passed as often as it says.
    """

    tests: float
    threshold: Floats
    passing: Floats
    plain: float = 0.0

    @classmethod
    def of_counts(cls, trials: Floats, share: Floats, *, dispersion: float, weight: float) -> Self:
        """Of tests by `count_tails` of `trials` events, of which each falls inside with `share` (m,).

        Thresholds are of p / weight; `dispersion` as there.
        """
        is_stepped = trials * share * dispersion <= _MOST_SPREAD**2
        pairs, repeats = np.unique(
            np.column_stack([trials, share])[is_stepped].round(_DIGITS), axis=0, return_counts=True
        )
        inside = np.maximum(np.floor(pairs[:, 0] * pairs[:, 1]), 1.0)
        possible = inside <= pairs[:, 0]
        of_all, share_of = pairs[possible].T
        tests, inside = repeats[possible].astype(np.float64), inside[possible]
        tails = count_tails(inside, of_all - inside, share_of, dispersion=dispersion)[0]
        chance = find_chance(inside, of_all, share_of, dispersion=dispersion)
        thresholds, masses = [np.zeros(0)], [np.zeros(0)]
        while len(inside):
            beyond = tails - chance
            is_last = (inside + 1 > of_all) | (beyond < _LEAST_P)
            is_step = tails <= _MOST_P * weight
            thresholds.append(tails[is_step] / weight)
            masses.append((tests * np.where(is_last, tails, chance))[is_step])
            chance = chance * find_growth(inside, of_all, share_of, dispersion=dispersion)
            of_all, share_of, tests, inside, tails, chance = (
                column[~is_last] for column in (of_all, share_of, tests, inside + 1, beyond, chance)
            )
        threshold, mass = np.concatenate(thresholds), np.concatenate(masses)
        order = np.argsort(threshold, kind="stable")
        plain = float((~is_stepped).sum()) * weight
        return cls(float(len(trials)) * weight, threshold[order], np.cumsum(mass[order]), plain)

    def count_passing(self, threshold: Floats) -> Floats:
        """The number of tests that pass by chance at these thresholds (k,), each with p / weight up to it."""
        position = np.searchsorted(self.threshold, threshold * (1 + _ROUNDING), side="right")
        passing = np.concatenate([[0.0], self.passing])[position] + threshold * self.plain
        is_listed = (threshold >= _LEAST_P) & (threshold <= _MOST_P)
        return np.where(is_listed, passing, threshold * self.tests)


def adjust_discrete(p: Floats, nulls: Sequence[DiscreteNull], *, counted: NDArray[np.bool_] | None = None) -> Floats:
    """The least rate of false discoveries at which each of these weighted p (k,) is a find; at most 1.

    `counted` (k,): which are finds of their own (default all). Others need the same p, and make no room for more.
    """
    order = np.argsort(p, kind="stable")
    ranked = p[order]
    numbers = np.cumsum(np.ones(len(p)) if counted is None else counted[order])
    finds = numbers[np.searchsorted(ranked, ranked, side="right") - 1]
    rate = _count_passing(ranked, nulls) / np.maximum(finds, 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(rate[::-1])[::-1], 1.0)
    return adjusted


def find_threshold(p: Floats, nulls: Sequence[DiscreteNull], *, allowed: float) -> float:
    """The highest of these weighted p (k,) that chance passes `allowed` times at most, with room for rounding; or 0."""
    return float(p[_count_passing(p, nulls) <= allowed].max(initial=0.0)) * (1 + _ROUNDING)


def _count_passing(p: Floats, nulls: Sequence[DiscreteNull]) -> Floats:
    return np.asarray(np.sum([null.count_passing(p) for null in nulls], axis=0))
