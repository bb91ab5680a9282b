"""Adds up the comparisons of one place or many: here (the places), next door (their rings), and both together."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from geo.matching import Comparison

__all__ = ["Side", "SideCounts", "add_sides", "count_needed_events", "count_once", "is_fall_noticeable", "pool_sides"]

_POWER = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class SideCounts:
    """One side of one place. All counts are in units.

    `before` is that of the place and of its controls, scaled to the length of after. `contributions` (n,) is what each
    event adds to the place after, less what it adds to the matched controls. `past_change` is how much the past has
    changed since the rule was fixed. `event_counts` (n,) is what each event counts in the place after.
    """

    comparison: Comparison
    before: tuple[float, float]
    contributions: NDArray[np.float64]
    past_change: float
    event_counts: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Here, next door, or both together: counts in the unit of the layers (events, unless weights were given).

    `before` is scaled to the length of after. `like_before` and `like_after` are of the matched controls. `estimate` =
    `after` - `expected` (minus: fewer), with its `interval`. `p` is two-sided, NaN for both together. `spread` is the
    standard deviation of 2 √count without an effect, about 1 for Poisson counts. `decidable`: a count of 0 would have
    been a clear change. `comparable`: there are comparable places; if not, only `before` and `after` mean anything.
    """

    before: float
    after: float
    expected: float
    like_before: float
    like_after: float
    estimate: float
    interval: tuple[float, float]
    p: float
    spread: float
    decidable: bool
    comparable: bool


def pool_sides(sides: Sequence[SideCounts], *, unit: float, alpha: float, comparable: bool = True) -> Side:
    """The sum of one side over all places; with one place its own comparison, by the ranks of its placebos.

    The variance of a sum over several is dispersion x Σ (contribution of each event)². So shared controls, and places
    that overlap or are controls of each other, do not count as independent. The ends of the interval are normal. Many
    places that were chosen because they are busy stay busier than their matched controls. So the interval goes from
    what the regression expects to what the plain difference of differences expects, which bracket the truth (Ding and
    Li 2019). Where no place has a placebo to judge it by, nothing is comparable.
    """
    comparable = comparable and any(len(side.comparison.residuals) for side in sides)
    after, expected = (sum(getattr(side.comparison, name) for side in sides) for name in ("after", "expected"))
    estimate = after - expected
    if len(sides) == 1:
        comparison = sides[0].comparison
        error, interval, p, decidable = (
            comparison.error,
            comparison.interval,
            comparison.p,
            comparison.p_if_none <= alpha,
        )
    else:
        error = _estimate_error(sides, after, expected)
        z = NormalDist().inv_cdf(1 - alpha / 2)
        fewest, most = sorted((expected, _find_plain_expected(sides)))
        interval = (after - most - z * error, after - fewest + z * error)
        p = 2 * NormalDist().cdf(-max(after - most, fewest - after, 0.0) / error)
        decidable = fewest > z * error
        error += (most - fewest) / (2 * z)
    return Side(
        before=unit * sum(side.before[0] for side in sides),
        after=unit * after,
        expected=unit * expected,
        like_before=unit * sum(side.before[1] for side in sides),
        like_after=unit * sum(side.comparison.controls_after for side in sides),
        estimate=unit * estimate,
        interval=(unit * interval[0], unit * interval[1]),
        p=p,
        spread=float(error / np.sqrt(expected + 0.375)),
        decidable=decidable,
        comparable=comparable,
    )


def _estimate_error(sides: Sequence[SideCounts], after: float, expected: float) -> float:
    weight = np.array([side.comparison.expected + 0.1 for side in sides])
    dispersion = float(weight @ [side.comparison.dispersion for side in sides] / weight.sum())
    contributions = np.sum([side.contributions for side in sides], axis=0)
    # Without an effect there would have been as many events as expected, not only those that there were.
    return float(np.sqrt(max(dispersion, 0.1) * ((contributions**2).sum() + max(expected - after, 0.0) + 0.375)))


def _find_plain_expected(sides: Sequence[SideCounts]) -> float:
    """The count before, changed by as much as the matched controls changed (plain difference of differences)."""
    return max(0.0, sum(side.comparison.controls_after + side.before[0] - side.before[1] for side in sides))


def count_once(sides: Sequence[SideCounts], *, unit: float) -> float:
    """The events after the start in all places, each counted once even if it lies in several."""
    return unit * float(np.max([side.event_counts for side in sides], axis=0).sum())


def add_sides(near: Side, door: Side | None, *, unit: float, alpha: float) -> Side:
    """Here and next door together, with errors taken as independent; `p` is NaN, because this is no test."""
    if door is None:
        return near
    z = NormalDist().inv_cdf(1 - alpha / 2)
    errors = [side.spread * np.sqrt(side.expected / unit + 0.375) * unit for side in (near, door)]
    error = float(np.hypot(*errors))
    sums = {
        name: getattr(near, name) + getattr(door, name)
        for name in ("before", "after", "expected", "like_before", "like_after", "estimate")
    }
    return Side(
        **sums,
        interval=(sums["estimate"] - z * error, sums["estimate"] + z * error),
        p=float("nan"),
        spread=float(error / unit / np.sqrt(sums["expected"] / unit + 0.375)),
        decidable=sums["expected"] > z * error,
        comparable=near.comparable and door.comparable,
    )


def is_fall_noticeable(side: Side, *, unit: float, alpha: float, fall: float = 0.5) -> bool:
    """Whether a fall by the share `fall` would have been noticed 4 times in 5."""
    return side.expected / unit >= count_needed_events(side, alpha=alpha, fall=fall)


def count_needed_events(side: Side, *, alpha: float, fall: float = 0.5) -> float:
    """How many events have to be expected after, for a fall by the share `fall` to be noticed 4 times in 5.

    From the difference of 2 √count, for counts that vary as much as these did.
    """
    normal = NormalDist()
    deviation = (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(_POWER)) * side.spread
    return float((deviation / (2 * (1 - np.sqrt(1 - fall)))) ** 2)
