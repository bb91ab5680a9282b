"""One answer from one comparison or many: here, next door, and both together."""

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
    """One side of one place: its comparison, (own, controls') before scaled to the length of after, and more.

    `adds` (n,) is what each event adds to after, less what it adds to the matched controls. `late` is how much the past
    has changed since the rule was fixed. `came` (n,) is what each event counts in the place after. All in units.
    """

    found: Comparison
    before: tuple[float, float]
    adds: NDArray[np.float64]
    late: float
    came: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Here, next door, or both together: counts in the unit of the layers (events, unless weights were given).

    `before` is scaled to the length of after; `like_before` and `like_after` are of the matched controls. `estimate` =
    `after` - `expected` (minus: fewer) with its `interval`; `p` two-sided, NaN for both together. `spread` is the
    standard deviation of 2 √count without an effect, about 1 for Poisson counts. `decidable`: no event at all would
    have been more than chance. `like`: there are comparable places; if not, only `before` and `after` mean anything.
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
    like: bool


def pool_sides(sides: Sequence[SideCounts], *, unit: float, alpha: float, like: bool = True) -> Side:
    """One side over all places; with one place its own comparison, by the ranks of its placebos.

    The variance of the sum over several is dispersion x Σ (what each event adds to it)², so that shared controls, and
    places that overlap or serve as each other's control, do not count as independent; normal ends. Many places that
    were chosen because they are busy go on busier than their matched controls. So the interval reaches from what the
    regression expects to what the plain difference of differences expects, which bracket the truth (Ding and Li
    2019).
    """
    after, expected = (sum(getattr(one.found, name) for one in sides) for name in ("after", "expected"))
    estimate = after - expected
    if len(sides) == 1:
        found = sides[0].found
        error, interval, p, decidable = found.error, found.interval, found.p, found.p_if_none <= alpha
    else:
        error = _error_of_sum(sides, after, expected)
        reach = NormalDist().inv_cdf(1 - alpha / 2)
        fewest, most = sorted((expected, _plain_expected(sides)))
        interval = (after - most - reach * error, after - fewest + reach * error)
        p = 2 * NormalDist().cdf(-max(after - most, fewest - after, 0.0) / error)
        decidable = fewest > reach * error
        error += (most - fewest) / (2 * reach)
    return Side(
        before=unit * sum(one.before[0] for one in sides),
        after=unit * after,
        expected=unit * expected,
        like_before=unit * sum(one.before[1] for one in sides),
        like_after=unit * sum(one.found.controls_after for one in sides),
        estimate=unit * estimate,
        interval=(unit * interval[0], unit * interval[1]),
        p=p,
        spread=float(error / np.sqrt(expected + 0.375)),
        decidable=decidable,
        like=like,
    )


def _error_of_sum(sides: Sequence[SideCounts], after: float, expected: float) -> float:
    weight = np.array([one.found.expected + 0.1 for one in sides])
    dispersion = float(weight @ [one.found.dispersion for one in sides] / weight.sum())
    adds = np.sum([one.adds for one in sides], axis=0)
    # Without an effect as many as expected would have come, not only the few that did.
    return float(np.sqrt(max(dispersion, 0.1) * ((adds**2).sum() + max(expected - after, 0.0) + 0.375)))


def _plain_expected(sides: Sequence[SideCounts]) -> float:
    """What came before, changed by as much as the matched controls changed."""
    return max(0.0, sum(one.found.controls_after + one.before[0] - one.before[1] for one in sides))


def count_once(sides: Sequence[SideCounts], *, unit: float) -> float:
    """What came after in all places, an event that lies in several counted once."""
    return unit * float(np.max([one.came for one in sides], axis=0).sum())


def add_sides(here: Side, door: Side | None, *, unit: float, alpha: float) -> Side:
    """Here and next door together, their errors taken as independent; `p` is NaN: it is no test of its own."""
    if door is None:
        return here
    reach = NormalDist().inv_cdf(1 - alpha / 2)
    errors = [one.spread * np.sqrt(one.expected / unit + 0.375) * unit for one in (here, door)]
    error = float(np.hypot(*errors))
    sums = {
        name: getattr(here, name) + getattr(door, name)
        for name in ("before", "after", "expected", "like_before", "like_after", "estimate")
    }
    return Side(
        **sums,
        interval=(sums["estimate"] - reach * error, sums["estimate"] + reach * error),
        p=float("nan"),
        spread=float(error / unit / np.sqrt(sums["expected"] / unit + 0.375)),
        decidable=sums["expected"] > reach * error,
        like=here.like and door.like,
    )


def is_fall_noticeable(side: Side, *, unit: float, alpha: float, fall: float = 0.5) -> bool:
    """Whether a fall by that share would have been noticed 4 times in 5."""
    return side.expected / unit >= count_needed_events(side, alpha=alpha, fall=fall)


def count_needed_events(side: Side, *, alpha: float, fall: float = 0.5) -> float:
    """How many events would have to be expected after, for a fall by that share to be noticed 4 times in 5.

    From the difference of 2 √count, for counts that vary as much as these did.
    """
    normal = NormalDist()
    reach = (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(_POWER)) * side.spread
    return float((reach / (2 * (1 - np.sqrt(1 - fall)))) ** 2)
