"""How likely is what cannot be proved: the odds of each number of events in a leaf, all histories equally likely.

A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache, reduce
from itertools import accumulate
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shape", "leaf_odds"]

Shape: TypeAlias = tuple[Any, ...]  # members, each again a Shape
_ONE: Final = np.ones(1)
_STEP: Final = 200


@lru_cache(maxsize=65536)
def leaf_odds(shape: Shape, total: int, k: int) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """For each kind of leaf of a block of that shape and total: how many there are, and the odds of 0 to k - 1 events.

    Odds are shares of the histories that agree with the block; 0 exactly where there is none.
    """
    block = np.zeros(total + 1)
    block[total] = 1
    return tuple((leaves, _shares(around[:k], k)) for leaves, around in _around_leaves(shape, block, k))


def _shares(ways: NDArray[np.float64], k: int) -> tuple[float, ...]:
    every = np.zeros(k)
    every[: len(ways)] = ways
    return tuple((every / every.sum()).tolist())


def _around_leaves(shape: Shape, around: NDArray[np.float64], k: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """For each kind of leaf of a node: how many there are, and the ways of all else for each number of its events.

    `around`: the ways of all that is outside the node, for each total of the node.
    """
    kinds = sorted(Counter(shape).items())
    for (member, times), rest in zip(kinds, _without_one(kinds, k, len(around) - 1), strict=True):
        inside = np.convolve(around, rest[::-1])[len(rest) - 1 :]
        if member:
            for leaves, ways in _around_leaves(member, _failing(inside, member, k), k):
                yield leaves * times, ways
        else:
            yield times, inside


def _without_one(kinds: list[tuple[Shape, int]], k: int, cap: int) -> list[NDArray[np.float64]]:
    """For each kind of member: in how many ways all members but one of that kind have each total 0 to cap."""
    powers = [_power(member, times, k, cap) for member, times in kinds]
    before = list(accumulate(powers[:-1], lambda one, other: np.convolve(one, other)[: cap + 1], initial=_ONE))
    after = list(accumulate(powers[:0:-1], lambda one, other: np.convolve(one, other)[: cap + 1], initial=_ONE))
    fewer = [_power(member, times - 1, k, cap) for member, times in kinds]
    return [
        np.convolve(np.convolve(left, own)[: cap + 1], right)[: cap + 1]
        for left, own, right in zip(before, fewer, reversed(after), strict=True)
    ]


@lru_cache(maxsize=4096)
def _ways(shape: Shape, k: int, cap: int) -> NDArray[np.float64]:
    """In how many ways an unpublished node has each total 0 to cap."""
    return _failing(_joined(shape, k, cap), shape, k) if shape else np.ones(min(k, cap + 1))


@lru_cache(maxsize=4096)
def _joined(shape: Shape, k: int, cap: int) -> NDArray[np.float64]:
    """Likewise for its members together, before the rule is looked at."""
    powers = (_power(member, times, k, cap) for member, times in sorted(Counter(shape).items()))
    return reduce(lambda one, other: np.convolve(one, other)[: cap + 1], powers, _ONE)


@lru_cache(maxsize=4096)
def _power(member: Shape, times: int, k: int, cap: int) -> NDArray[np.float64]:
    """Likewise for so many equal members."""
    if times == 0:
        return _ONE
    if times > _STEP:  # a step at a time: no recursion is deeper
        _power(member, times - _STEP, k, cap)
    return np.convolve(_power(member, times - 1, k, cap), _ways(member, k, cap))[: cap + 1]


def _failing(vector: NDArray[np.float64], shape: Shape, k: int) -> NDArray[np.float64]:
    """The same, with nought at the totals that would have been published."""
    kept = vector.copy()
    kept[k : (len(shape) - 1) * (k - 1) + 1] = 0
    return kept
