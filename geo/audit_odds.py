"""How likely is what cannot be proved: the odds of each number of events in a leaf, all histories equally likely.

A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events.

Ways are counted with a weight of r for each event, r such that leaves hold as many on average as those of the block do,
and each vector of them is scaled to a largest of 1. A weight for each event, and a factor for each vector, change no
odds within a fixed total; but without them the ways of some hundred members are more than a float can hold.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache, partial, reduce
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from geo.audit_profiles import Shape, count_leaves, find_most_shown

__all__ = ["find_leaf_odds"]

_ONE: Final = np.ones(1)
_STEP: Final = 200


class _Rule(NamedTuple):
    """What all ways of a block depend on: k, the largest total that is of interest, the weight r, and the bound."""

    k: int
    cap: int
    weight: float
    half_full: bool


@lru_cache(maxsize=65536)
def find_leaf_odds(
    shape: Shape, total: int, k: int, *, half_full: bool = False
) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """For each kind of leaf of a block of that shape and total: how many there are, and the odds of 0 to k - 1 events.

    Odds are shares of the histories that agree with the block; 0 exactly where there is none.
    """
    rule = _Rule(k, total, _weight(total / count_leaves(shape), k), half_full)
    block = np.zeros(total + 1)
    block[total] = 1
    return tuple((leaves, _shares(around, rule)) for leaves, around in _around_leaves(shape, block, rule))


def _weight(mean: float, k: int) -> float:
    """The weight of an event with which a leaf holds that many on average."""
    if not 0 < mean < k - 1:  # all leaves are empty, or all are full
        return 1.0
    events = np.arange(k)

    def excess(log: float) -> float:
        weights = np.exp(log * (events - (k - 1 if log > 0 else 0)))
        return float(weights @ events / weights.sum() - mean)

    return float(np.exp(brentq(excess, -50, 50)))


def _shares(ways: NDArray[np.float64], rule: _Rule) -> tuple[float, ...]:
    """Odds of 0 to k - 1 events in a leaf from the ways of all else."""
    every = np.zeros(rule.k)
    every[: len(ways)] = ways[: rule.k]
    every *= _leaf(rule.k, rule.weight)
    return tuple((every / every.sum()).tolist())


def _leaf(k: int, weight: float) -> NDArray[np.float64]:
    """The weights of 0 to k - 1 events in a leaf, the largest being 1."""
    return _scaled(np.power(weight, np.arange(k, dtype=np.float64)))


def _around_leaves(shape: Shape, around: NDArray[np.float64], rule: _Rule) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """For each kind of leaf of a node: how many there are, and the ways of all else for each number of its events.

    `around`: the ways of all that is outside the node, for each total of the node.
    """
    kinds = sorted(Counter(shape).items())
    for (member, times), rest in zip(kinds, _without_one(kinds, rule), strict=True):
        inside = _scaled(np.convolve(around, rest[::-1])[len(rest) - 1 :])
        if member:
            for leaves, ways in _around_leaves(member, _failing(inside, member, rule), rule):
                yield leaves * times, ways
        else:
            yield times, inside


def _without_one(kinds: list[tuple[Shape, int]], rule: _Rule) -> list[NDArray[np.float64]]:
    """For each kind of member: in how many ways all members but one of that kind have each total 0 to cap."""
    powers = [_power(member, times, rule) for member, times in kinds]
    before = list(accumulate(powers[:-1], partial(_join_parts, rule=rule), initial=_ONE))
    after = list(accumulate(powers[:0:-1], partial(_join_parts, rule=rule), initial=_ONE))
    fewer = [_power(member, times - 1, rule) for member, times in kinds]
    return [
        _join_parts(_join_parts(left, own, rule), right, rule)
        for left, own, right in zip(before, fewer, reversed(after), strict=True)
    ]


@lru_cache(maxsize=4096)
def _ways(shape: Shape, rule: _Rule) -> NDArray[np.float64]:
    """In how many ways an unpublished node has each total 0 to cap."""
    if not shape:
        return _leaf(min(rule.k, rule.cap + 1), rule.weight)
    return _failing(_join_members(shape, rule), shape, rule)


@lru_cache(maxsize=4096)
def _join_members(shape: Shape, rule: _Rule) -> NDArray[np.float64]:
    """Likewise for its members together, before the rule is looked at."""
    powers = (_power(member, times, rule) for member, times in sorted(Counter(shape).items()))
    return reduce(partial(_join_parts, rule=rule), powers, _ONE)


@lru_cache(maxsize=4096)
def _power(member: Shape, times: int, rule: _Rule) -> NDArray[np.float64]:
    """Likewise for so many equal members."""
    if times == 0:
        return _ONE
    if times > _STEP:  # a step at a time: no recursion is deeper
        _power(member, times - _STEP, rule)
    return _join_parts(_power(member, times - 1, rule), _ways(member, rule), rule)


def _join_parts(one: NDArray[np.float64], other: NDArray[np.float64], rule: _Rule) -> NDArray[np.float64]:
    """Ways of two parts together."""
    return _scaled(np.convolve(one, other)[: rule.cap + 1])


def _scaled(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = vector.max(initial=0.0)
    return vector / largest if largest > 0 else vector


def _failing(vector: NDArray[np.float64], shape: Shape, rule: _Rule) -> NDArray[np.float64]:
    """The same, with nought at the totals that would have been published."""
    kept = vector.copy()
    kept[rule.k : find_most_shown(len(shape), rule.k, half_full=rule.half_full) + 1] = 0
    return kept
