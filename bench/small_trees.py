"""Every small tree of places and all its histories, to check disclosure control by brute force.

A shape is a node by its members, each again a shape; () is a leaf. Leaves with k events or more are published and no
longer matter, so leaves have 0 to k - 1 here, and a tree with published leaves is the same as a smaller tree.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[Any, ...]
Guard = Callable[[int, int], int]  # members and k: the most that may be shown


def guarded(members: int, k: int) -> int:
    """The rule's guard: the members' capacity less k - 1."""
    return (members - 1) * (k - 1)


def half_full(members: int, k: int) -> int:
    """The stricter guard: also at most half of the members' capacity."""
    return min(guarded(members, k), members * (k - 1) // 2)


def unguarded(members: int, k: int) -> int:
    """No guard: the search must find disclosures."""
    return members * k


@cache
def list_shapes(leaves: int, depth: int) -> tuple[Shape, ...]:
    """Every shape with so many leaves, all of them `depth` levels below its top."""
    if depth == 0:
        return ((),) if leaves == 1 else ()
    return tuple(tuple(sorted(members)) for members in _forests(leaves, depth - 1, leaves))


def _forests(leaves: int, depth: int, largest: int) -> Iterator[Shape]:
    """Every multiset of shapes with so many leaves in all, none with more than `largest`."""
    if leaves == 0:
        yield ()
        return
    for size in range(min(leaves, largest), 0, -1):
        for times in range(leaves // size, 0, -1):
            for some in combinations_with_replacement(list_shapes(size, depth), times):
                for rest in _forests(leaves - size * times, depth, size - 1):
                    yield (*some, *rest)


def list_histories(leaves: int, k: int) -> NDArray[np.int64]:
    """Every cube of so many leaves: int64 (k ** leaves, leaves)."""
    return np.indices((k,) * leaves).reshape(leaves, -1).T


def publish(shape: Shape, cubes: NDArray[np.int64], k: int, most: Guard = guarded) -> NDArray[np.int64]:
    """What the rule publishes of each cube: int64 (cubes, inner nodes), a block's number, or -1 for no block."""
    seen: list[NDArray[np.int64]] = []
    _carry_totals(shape, cubes, iter(range(cubes.shape[1])), k, most, seen)
    return np.stack(seen, axis=1)


def _carry_totals(
    shape: Shape, cubes: NDArray[np.int64], leaf: Iterator[int], k: int, most: Guard, seen: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The totals of a node, and whether it failed and so is a member of its parent."""
    if not shape:
        return cubes[:, next(leaf)], np.ones(len(cubes), dtype=bool)
    total, members = np.zeros(len(cubes), dtype=np.int64), np.zeros(len(cubes), dtype=np.int64)
    for member in shape:
        part, fails = _carry_totals(member, cubes, leaf, k, most, seen)
        total += np.where(fails, part, 0)
        members += fails
    limit = np.array([most(n, k) for n in range(len(shape) + 1)])[members]
    is_published = (total >= k) & (total <= limit)
    seen.append(np.where(is_published, total, -1))
    return total, ~is_published & (members > 0)


def count_disclosed(shape: Shape, k: int, most: Guard = guarded) -> tuple[int, int, int]:
    """(cubes, output classes, pairs of class and set of leaves that are disclosed) of one shape, by brute force."""
    leaves = count_leaves(shape)
    cubes = list_histories(leaves, k)
    _, group = np.unique(publish(shape, cubes, k, most), axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group.ravel()[order]) > 0])
    disclosed = 0
    for leaf_set in range(1, 1 << leaves):
        is_chosen = np.array([leaf_set >> leaf & 1 for leaf in range(leaves)])
        sums = (cubes @ is_chosen)[order]
        low, high = np.minimum.reduceat(sums, starts), np.maximum.reduceat(sums, starts)
        none_possible = ~np.logical_or.reduceat((sums == 0) | (sums >= k), starts)
        disclosed += int(np.count_nonzero(none_possible & (low >= 1) & (high < k)))
    return len(cubes), len(starts), disclosed


def count_leaves(shape: Shape) -> int:
    """Leaves of a shape; a leaf is one."""
    return sum(count_leaves(member) for member in shape) if shape else 1


def build_parents(shape: Shape) -> NDArray[np.int64]:
    """The shape as an array of parents: leaves first, in the order of `list_histories`, and its top last."""
    inner: list[list[int]] = []
    leaves = count_leaves(shape)
    _number(shape, iter(range(leaves)), leaves, inner)
    parent = np.full(leaves + len(inner), -1, dtype=np.int64)
    for place, children in enumerate(inner):
        parent[children] = leaves + place
    return parent


def _number(shape: Shape, leaf: Iterator[int], leaves: int, inner: list[list[int]]) -> int:
    if not shape:
        return next(leaf)
    children = [_number(member, leaf, leaves, inner) for member in shape]
    inner.append(children)
    return leaves + len(inner) - 1
