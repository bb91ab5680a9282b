"""Which sums are possible for every choice of leaves at once: exact, by dynamic programming with bit sets.

A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events. A profile
belongs to a choice of leaves: the pairs (s, t) that are possible, s the sum over the chosen leaves, where k stands for
k or more, and t the sum over all. It is a tuple of k + 1 bit sets over t, one for each s. Profiles of a node are sums
of those of its members, with only the totals left at which the node is not published. A choice whose profile holds
another's leaves more open than that other, whatever else is chosen, and is left out.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = ["Shape", "possible_sums"]

Shape: TypeAlias = tuple[Any, ...]  # members, each again a Shape
Profile: TypeAlias = tuple[int, ...]


@lru_cache(maxsize=65536)
def possible_sums(shape: Shape, total: int, k: int) -> tuple[tuple[int, ...], ...]:
    """For every choice of leaves of a block of that shape and total (none and all too), its possible sums, sorted.

    k stands for k or more. Choices that leave more open than another are left out.
    """
    return tuple(
        sorted({tuple(s for s, totals in enumerate(p) if totals >> total & 1) for p in _joined(shape, k, total)})
    )


@lru_cache(maxsize=65536)
def _failed(shape: Shape, k: int, cap: int) -> tuple[Profile, ...]:
    """Profiles of an unpublished node, for totals up to cap."""
    every = (1 << (cap + 1)) - 1
    if not shape:
        one = (*(1 << s & every for s in range(k)), 0)
        return ((1 << k) - 1 & every, *([0] * k)), one
    low, high = k, (len(shape) - 1) * (k - 1)  # totals from low to high would be published
    shown = (1 << (high + 1)) - (1 << low) if high >= low else 0
    return _least({tuple(totals & ~shown for totals in profile) for profile in _joined(shape, k, cap)})


@lru_cache(maxsize=65536)
def _joined(shape: Shape, k: int, cap: int) -> tuple[Profile, ...]:
    """Profiles of members together; built up member by member, so that what shapes share is done once."""
    if not shape:
        return ((1, *([0] * k)),)
    every = (1 << (cap + 1)) - 1
    before, last = _joined(shape[:-1], k, cap), _failed(shape[-1], k, cap)
    return _least({_sum(first, second, every) for first in before for second in last})


def _sum(first: Profile, second: Profile, every: int) -> Profile:
    """All pairs of one with all pairs of the other."""
    k = len(first) - 1
    result = [0] * (k + 1)
    for s, totals in enumerate(second):
        while totals:
            t = (totals & -totals).bit_length() - 1
            totals &= totals - 1  # noqa: PLW2901 - the lowest bit is dealt with
            for r, others in enumerate(first):
                result[min(r + s, k)] |= others << t
    return tuple(totals & every for totals in result)


def _least(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """The profiles that hold no other one."""
    kept: list[Profile] = []
    for profile in sorted(profiles, key=_size):
        if not any(all(a & b == a for a, b in zip(small, profile, strict=True)) for small in kept):
            kept.append(profile)
    return tuple(kept)


def _size(profile: Profile) -> tuple[int, Profile]:
    return sum(totals.bit_count() for totals in profile), profile
