"""Which sums are possible for every choice of leaves at once: exact, by dynamic programming with bit sets.

A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events. A profile
belongs to a choice of leaves. It holds the possible pairs (s, t): s is the sum over the chosen leaves, where k stands
for k or more, and t the sum over all. It is one integer, bit t of row s, with rows of 2 * (cap + 1) bits, so that
shifts add profiles. Profiles of a node are sums of those of its members, with only the totals at which the node is not
published. If the profile of a choice contains that of another, it always leaves more possible, and is dropped.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias

__all__ = ["Shape", "count_leaves", "find_most_shown", "find_possible_sums"]

Shape: TypeAlias = tuple[Any, ...]  # members, each again a Shape
_DEEPEST: Final = 200


def count_leaves(shape: Shape) -> int:
    """The unpublished leaves of an inner node; 0 for a leaf itself."""
    return sum(count_leaves(member) or 1 for member in shape)


def find_most_shown(members: int, k: int, *, half_full: bool) -> int:
    """The largest total that may be shown of so many members of capacity k - 1: it leaves room for k - 1, or half."""
    most = max((members - 1) * (k - 1), 0)
    return min(most, members * (k - 1) // 2) if half_full else most


@lru_cache(maxsize=65536)
def find_possible_sums(shape: Shape, total: int, k: int, *, half_full: bool = False) -> tuple[tuple[int, ...], ...]:
    """The possible sums, sorted, of every choice of leaves of a block of that shape and total, none and all included.

    k stands for k or more. Choices that leave more possible than another choice are dropped.
    """
    width = _compute_row_bits(total)
    rows = [(s, 1 << s * width + total) for s in range(k + 1)]
    return tuple(
        sorted({tuple(s for s, bit in rows if profile & bit) for profile in _join_members(shape, k, total, half_full)})
    )


@lru_cache(maxsize=65536)
def _find_failed(shape: Shape, k: int, cap: int, half_full: bool) -> tuple[int, ...]:  # noqa: FBT001 - a key of the cache
    """Profiles of an unpublished node, for totals up to cap."""
    if not shape:
        every, width = (1 << cap + 1) - 1, _compute_row_bits(cap)
        return (1 << k) - 1 & every, sum(1 << s * width + s for s in range(k) if s <= cap)
    low, high = k, find_most_shown(len(shape), k, half_full=half_full)  # totals from low to high would be published
    published = (1 << high + 1) - (1 << low) if high >= low else 0
    unpublished = _repeat_in_rows(((1 << cap + 1) - 1) & ~published, k, cap)
    return _keep_minimal({profile & unpublished for profile in _join_members(shape, k, cap, half_full)})


@lru_cache(maxsize=65536)
def _join_members(shape: Shape, k: int, cap: int, half_full: bool) -> tuple[int, ...]:  # noqa: FBT001 - a key of the cache
    """Profiles of members together, built member by member, so that parts that shapes share are computed once."""
    if not shape:
        return (1,)
    if len(shape) > _DEEPEST:  # fills the cache first, so that no recursion is deeper than one step
        _join_members(shape[:-_DEEPEST], k, cap, half_full)
    before = _join_members(shape[:-1], k, cap, half_full)
    last = [list(_find_spans(profile, k, cap)) for profile in _find_failed(shape[-1], k, cap, half_full)]
    return _keep_minimal({_add_profiles(first, spans, k, cap) for first in before for spans in last})


def _add_profiles(first: int, spans: Iterable[tuple[int, int]], k: int, cap: int) -> int:
    """The sums of all pairs of a profile with all pairs of another, given by its spans."""
    result, done, widened = 0, 1, first
    for shift, length in sorted(spans, key=_get_length):
        while done < length:  # the union of the first `done` shifts, doubled until it is wide enough
            step = min(done, length - done)
            widened |= widened << step
            done += step
        result |= widened << shift
    width, every = _compute_row_bits(cap), (1 << cap + 1) - 1
    large = result >> k * width
    row = 0
    while large:  # every row from k on stands for k or more
        row |= large & every
        large >>= width
    return result & _repeat_in_rows(every, k - 1, cap) | row << k * width


def _find_spans(profile: int, k: int, cap: int) -> Iterator[tuple[int, int]]:
    """The runs of consecutive totals in each row of a profile: the shift of each run, and its length."""
    width, every = _compute_row_bits(cap), (1 << cap + 1) - 1
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
def _repeat_in_rows(totals: int, last: int, cap: int) -> int:
    """The same totals in each row from 0 to the last."""
    width = _compute_row_bits(cap)
    return sum(totals << s * width for s in range(last + 1))


def _compute_row_bits(cap: int) -> int:
    """Bits of a row: room for the sum of two totals up to cap."""
    return 2 * (cap + 1)


def _get_length(span: tuple[int, int]) -> int:
    return span[1]


def _keep_minimal(profiles: Iterable[int]) -> tuple[int, ...]:
    """The profiles that contain no other profile."""
    minimal: list[int] = []
    for profile in sorted(profiles, key=_rank_by_size):
        if not any(small & profile == small for small in minimal):
            minimal.append(profile)
    return tuple(minimal)


def _rank_by_size(profile: int) -> tuple[int, int]:
    return profile.bit_count(), profile
