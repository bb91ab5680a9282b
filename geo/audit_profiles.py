"""Which sums are possible for every choice of leaves at once: exact, by dynamic programming with bit sets.

A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events. A profile
belongs to a choice of leaves: the pairs (s, t) that are possible, s the sum over the chosen leaves, where k stands for
k or more, and t the sum over all. It is one integer: bit t of row s, rows being 2 * (cap + 1) bits apart, so that
profiles are added by shifts. Profiles of a node are sums of those of its members, with only the totals left at which
the node is not published. A choice whose profile holds another's leaves more open than that other, whatever else is
chosen, and is left out.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias

__all__ = ["Shape", "count_leaves", "find_most_shown", "find_possible_sums"]

Shape: TypeAlias = tuple[Any, ...]  # members, each again a Shape
_STEP: Final = 200


def count_leaves(shape: Shape) -> int:
    """The unpublished leaves of an inner node; 0 for a leaf itself."""
    return sum(count_leaves(member) or 1 for member in shape)


def find_most_shown(members: int, k: int, *, half_full: bool) -> int:
    """The most that may be shown of so many members of capacity k - 1: what leaves room for k - 1, or half if asked."""
    most = max((members - 1) * (k - 1), 0)
    return min(most, members * (k - 1) // 2) if half_full else most


@lru_cache(maxsize=65536)
def find_possible_sums(shape: Shape, total: int, k: int, *, half_full: bool = False) -> tuple[tuple[int, ...], ...]:
    """For every choice of leaves of a block of that shape and total (none and all too), its possible sums, sorted.

    k stands for k or more. Choices that leave more open than another are left out.
    """
    width = _width(total)
    rows = [(s, 1 << s * width + total) for s in range(k + 1)]
    return tuple(
        sorted({tuple(s for s, bit in rows if profile & bit) for profile in _join_members(shape, k, total, half_full)})
    )


@lru_cache(maxsize=65536)
def _find_failed(shape: Shape, k: int, cap: int, half_full: bool) -> tuple[int, ...]:  # noqa: FBT001 - a key of the cache
    """Profiles of an unpublished node, for totals up to cap."""
    if not shape:
        every, width = (1 << cap + 1) - 1, _width(cap)
        return (1 << k) - 1 & every, sum(1 << s * width + s for s in range(k) if s <= cap)
    low, high = k, find_most_shown(len(shape), k, half_full=half_full)  # totals from low to high would be published
    shown = (1 << high + 1) - (1 << low) if high >= low else 0
    kept = _rows(((1 << cap + 1) - 1) & ~shown, k, cap)
    return _least({profile & kept for profile in _join_members(shape, k, cap, half_full)})


@lru_cache(maxsize=65536)
def _join_members(shape: Shape, k: int, cap: int, half_full: bool) -> tuple[int, ...]:  # noqa: FBT001 - a key of the cache
    """Profiles of members together; built up member by member, so that what shapes share is done once."""
    if not shape:
        return (1,)
    if len(shape) > _STEP:  # what it is built upon is then known already, a step at a time: no recursion is deeper
        _join_members(shape[:-_STEP], k, cap, half_full)
    before = _join_members(shape[:-1], k, cap, half_full)
    last = [list(_spans(profile, k, cap)) for profile in _find_failed(shape[-1], k, cap, half_full)]
    return _least({_add_profiles(first, spans, k, cap) for first in before for spans in last})


def _add_profiles(first: int, spans: Iterable[tuple[int, int]], k: int, cap: int) -> int:
    """All pairs of a profile with all pairs of another, of which the spans are given."""
    result, done, widened = 0, 1, first
    for shift, length in sorted(spans, key=_length):
        while done < length:  # the union of the first `done` shifts, doubled until it is wide enough
            step = min(done, length - done)
            widened |= widened << step
            done += step
        result |= widened << shift
    width, every = _width(cap), (1 << cap + 1) - 1
    large = result >> k * width
    row = 0
    while large:  # every row from k on means k or more
        row |= large & every
        large >>= width
    return result & _rows(every, k - 1, cap) | row << k * width


def _spans(profile: int, k: int, cap: int) -> Iterator[tuple[int, int]]:
    """The runs of a profile's pairs of one s and totals in a row: by how much each shifts, and how many there are."""
    width, every = _width(cap), (1 << cap + 1) - 1
    for s in range(k + 1):
        totals, at = profile >> s * width & every, s * width
        while totals:
            skipped = (totals & -totals).bit_length() - 1
            totals >>= skipped
            length = (~totals & totals + 1).bit_length() - 1
            yield at + skipped, length
            totals >>= length
            at += skipped + length


@lru_cache(maxsize=4096)
def _rows(totals: int, last: int, cap: int) -> int:
    """The same totals in each row from 0 to the last."""
    width = _width(cap)
    return sum(totals << s * width for s in range(last + 1))


def _width(cap: int) -> int:
    """Bits of a row: room for the sum of two totals up to cap."""
    return 2 * (cap + 1)


def _length(span: tuple[int, int]) -> int:
    return span[1]


def _least(profiles: Iterable[int]) -> tuple[int, ...]:
    """The profiles that hold no other one."""
    kept: list[int] = []
    for profile in sorted(profiles, key=_size):
        if not any(small & profile == small for small in kept):
            kept.append(profile)
    return tuple(kept)


def _size(profile: int) -> tuple[int, int]:
    return profile.bit_count(), profile
