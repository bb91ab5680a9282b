"""Shares of intervals and sums of groups, for arrays.

An event known only to an interval counts by the part of the interval that falls inside a filter: the aoristic weight
of Ratcliffe and McCullagh (1998), with the interval taken as uniform.
"""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import AllowedTime
from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = ["compute_shares", "expand", "number_distinct", "sum_groups"]

_DENSE_GROUPS: Final = 1 << 22  # up to so many possible groups each has a sum; beyond, the groups that occur are sorted


def compute_shares(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    *,
    low: int | NDArray[np.int64],
    high: int | NDArray[np.int64],
    allowed: AllowedTime | None = None,
) -> NDArray[np.float64]:
    """The part (float64 (n,), 0 to 1) of each interval [start, end) that lies in [low, high) and in allowed time.

    All are UTC seconds; low and high may differ by event. An instant (end == start) has 1 or 0. Seconds stay whole
    numbers until the one division, so an interval that lies wholly inside has exactly 1.
    """
    instant = end <= start
    first, last = np.maximum(start, low), np.minimum(end, high)
    last = np.maximum(first, last)
    if allowed is None:
        inside, counts_instant = last - first, instant
    else:
        # An interval that does not meet [low, high) may lie outside the table. It has no part.
        first, last = np.where(last > first, first, low), np.where(last > first, last, low)
        inside = allowed.seconds_before(last) - allowed.seconds_before(first)
        counts_instant = instant & allowed.holds(np.where(instant & (start >= low) & (start < high), start, low))
    part = inside / np.maximum(end - start, 1)
    return np.where(instant, counts_instant & (start >= low) & (start < high), part)


def expand(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every whole number from first to last (inclusive), event by event: the event (m,) and the number (m,)."""
    counts = last - first + 1
    event = np.repeat(np.arange(len(first)), counts)
    return event, first[event] + np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)


def number_distinct(values: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Each value's place (int64 (n,)) among the sorted distinct values, and those: numpy.unique by a hash table."""
    codes, distinct = pd.factorize(values)
    order = np.argsort(distinct)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], distinct[order]


def sum_groups(
    codes: Sequence[NDArray[np.integer]], sizes: Sequence[int], weights: NDArray[np.float64] | None = None
) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Sums of weights (None: counts) of the groups that occur, in the order of their codes.

    `codes` are arrays (n,), one for each thing to group by, `codes[k]` from 0 to sizes[k] - 1. Gives the codes of each
    group (int64 (g,), one array for each thing) and its sum (float64 (g,)); groups whose sum is 0 are left out.
    """
    if not codes:
        codes, sizes = [np.zeros(0 if weights is None else len(weights), dtype=np.int64)], [1]
        return [], sum_groups(codes, sizes, weights)[1]
    combined = codes[0].astype(np.int64)
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        combined = combined * size + code
    if prod(sizes) <= _DENSE_GROUPS:
        sums = np.bincount(combined, weights=weights, minlength=1)
        groups = np.flatnonzero(sums)
        totals = sums[groups].astype(np.float64)
    else:
        groups, group = np.unique(combined, return_inverse=True)
        totals = np.bincount(group, weights=weights, minlength=len(groups)).astype(np.float64)
        groups, totals = groups[totals != 0], totals[totals != 0]
    parts: list[NDArray[np.int64]] = []
    for size in reversed(sizes):
        groups, part = np.divmod(groups, size)
        parts.insert(0, part)
    return parts, totals
