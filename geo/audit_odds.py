"""How likely is what cannot be proved: the odds of each number of events in a leaf, all histories equally likely.

A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events.
"""

from collections import Counter
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shape", "leaf_odds"]

Shape: TypeAlias = tuple[Any, ...]  # members, each again a Shape
_ONE: Final = np.ones(1)


@lru_cache(maxsize=65536)
def leaf_odds(shape: Shape, total: int, k: int) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """For each kind of leaf of a block of that shape and total: how many there are, and the odds of 0 to k - 1 events.

    Odds are shares of the histories that agree with the block; 0 exactly where there is none.
    """
    ways = float(_at(_joined(shape, k, total), total))
    kinds = [_with_leaf(shape, k, total, value) for value in range(k)]
    return tuple(
        (same[0][0], tuple(float(_at(vector, total)) / ways for _, vector in same)) for same in zip(*kinds, strict=True)
    )


def _at(vector: NDArray[np.float64], total: int) -> float:
    return float(vector[total]) if total < len(vector) else 0.0


@lru_cache(maxsize=4096)
def _ways(shape: Shape, k: int, cap: int) -> NDArray[np.float64]:
    """In how many ways an unpublished node has each total 0 to cap."""
    return _failing(_joined(shape, k, cap), shape, k) if shape else np.ones(min(k, cap + 1))


@lru_cache(maxsize=4096)
def _joined(shape: Shape, k: int, cap: int) -> NDArray[np.float64]:
    """Likewise for its members together, before the rule is looked at."""
    vector = _ONE
    for member in shape:
        vector = np.convolve(vector, _ways(member, k, cap))[: cap + 1]
    return vector


@lru_cache(maxsize=4096)
def _with_leaf(shape: Shape, k: int, cap: int, value: int) -> tuple[tuple[int, NDArray[np.float64]], ...]:
    """For each kind of leaf: how many there are, and the ways of all totals with one of them at that value."""
    fixed = np.zeros(value + 1)
    fixed[value] = 1
    found = []
    for member, times in sorted(Counter(shape).items()):
        others = list(shape)
        others.remove(member)
        rest = _joined(tuple(others), k, cap)
        inner = _with_leaf(member, k, cap, value) if member else ((1, fixed),)
        for leaves, vector in inner:
            kept = _failing(vector, member, k) if member else vector
            found.append((leaves * times, np.convolve(rest, kept)[: cap + 1]))
    return tuple(found)


def _failing(vector: NDArray[np.float64], shape: Shape, k: int) -> NDArray[np.float64]:
    """The same, with nought at the totals that would have been published."""
    kept = vector.copy()
    kept[k : (len(shape) - 1) * (k - 1) + 1] = 0
    return kept
