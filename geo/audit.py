"""The audit: can anybody prove a small number from what is published of a tree of places? An exact answer.

It knows the tree, the threshold k, the rule of `geo.disclosure` (of which it uses no line), and which nodes were
published with which number. A set of leaves is disclosed if all its possible sums, over all histories that agree with
this, are from 1 to k - 1.

A node with a block of its own is known, so each block, with its unpublished leaves, is a separate problem. Given
everything published, histories of different blocks (and of different periods and layers) are independent, and lowest
and highest sums add up. So a disclosed union has a disclosed part in one block. The hidden rest can be all zeros.
Within a block `geo.audit_profiles` decides all sets of leaves. A number that the rule cannot give is a finding in
itself. Such a block is judged by less: an unpublished leaf has fewer than k.

What cannot be proved may still be likely. So the audit also gives the odds of each number of events in a leaf, with all
histories equally likely. A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to
k - 1 events. Ways are counted with a weight of r for each event, where r gives leaves the same mean as in the block.
Each vector of ways is scaled to a largest value of 1. Neither changes odds within a fixed total. Without them the ways
of some hundred members exceed what a float can hold.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from geo.audit_profiles import Shape, count_leaves, find_most_shown, find_possible_sums

__all__ = ["Finding", "TreeAudit", "audit", "find_leaf_odds"]

LIKELY: Final = 0.95  # odds from which a leaf counts as very probably small
_ONE: Final = np.ones(1)
_DEEPEST: Final = 200


class _Rule(NamedTuple):
    """What all ways of a block depend on: k, the largest total of interest, the weight r, and which guard holds."""

    k: int
    cap: int
    weight: float
    half_full: bool


@lru_cache(maxsize=65536)
def find_leaf_odds(
    shape: Shape, total: int, k: int, *, half_full: bool = False
) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """For each kind of leaf of a block of that shape and total: how many there are, and the odds of 0 to k - 1 events.

    Odds are shares of the histories that agree with the block; exactly 0 where there is none.
    """
    rule = _Rule(k, total, _find_weight(total / count_leaves(shape), k), half_full)
    block = np.zeros(total + 1)
    block[total] = 1
    return tuple((leaves, _compute_odds(around, rule)) for leaves, around in _iterate_leaf_ways(shape, block, rule))


def _find_weight(mean: float, k: int) -> float:
    """The weight of an event that gives a leaf this mean number of events."""
    if not 0 < mean < k - 1:  # all leaves are empty, or all are full
        return 1.0
    events = np.arange(k)

    def excess(log: float) -> float:
        weights = np.exp(log * (events - (k - 1 if log > 0 else 0)))
        return float(weights @ events / weights.sum() - mean)

    return float(np.exp(brentq(excess, -50, 50)))


def _compute_odds(ways: NDArray[np.float64], rule: _Rule) -> tuple[float, ...]:
    """Odds of 0 to k - 1 events in a leaf, from the ways of everything else."""
    every = np.zeros(rule.k)
    every[: len(ways)] = ways[: rule.k]
    every *= _compute_leaf_weights(rule.k, rule.weight)
    return tuple((every / every.sum()).tolist())


def _compute_leaf_weights(k: int, weight: float) -> NDArray[np.float64]:
    """The weights of 0 to k - 1 events in a leaf, the largest being 1."""
    return _scale(np.power(weight, np.arange(k, dtype=np.float64)))


def _iterate_leaf_ways(
    shape: Shape, around: NDArray[np.float64], rule: _Rule
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """For each kind of leaf of a node: how many there are, and the ways of the rest for each number of its events.

    `around`: the ways of everything outside the node, for each total of the node.
    """
    kinds = sorted(Counter(shape).items())
    for (member, times), rest in zip(kinds, _compute_ways_without_one(kinds, rule), strict=True):
        inside = _scale(np.convolve(around, rest[::-1])[len(rest) - 1 :])
        if member:
            for leaves, ways in _iterate_leaf_ways(member, _drop_published(inside, member, rule), rule):
                yield leaves * times, ways
        else:
            yield times, inside


def _compute_ways_without_one(kinds: list[tuple[Shape, int]], rule: _Rule) -> list[NDArray[np.float64]]:
    """For each kind of member: in how many ways all members except one of that kind have each total 0 to cap."""
    powers = [_compute_power(member, times, rule) for member, times in kinds]
    before = list(accumulate(powers[:-1], partial(_join_parts, rule=rule), initial=_ONE))
    after = list(accumulate(powers[:0:-1], partial(_join_parts, rule=rule), initial=_ONE))
    fewer = [_compute_power(member, times - 1, rule) for member, times in kinds]
    return [
        _join_parts(_join_parts(left, own, rule), right, rule)
        for left, own, right in zip(before, fewer, reversed(after), strict=True)
    ]


@lru_cache(maxsize=4096)
def _compute_ways(shape: Shape, rule: _Rule) -> NDArray[np.float64]:
    """The ways in which an unpublished node has each total 0 to cap."""
    if not shape:
        return _compute_leaf_weights(min(rule.k, rule.cap + 1), rule.weight)
    return _drop_published(_join_members(shape, rule), shape, rule)


@lru_cache(maxsize=4096)
def _join_members(shape: Shape, rule: _Rule) -> NDArray[np.float64]:
    """The ways in which its members together have each total, without the rule for the node itself."""
    powers = (_compute_power(member, times, rule) for member, times in sorted(Counter(shape).items()))
    return reduce(partial(_join_parts, rule=rule), powers, _ONE)


@lru_cache(maxsize=4096)
def _compute_power(member: Shape, times: int, rule: _Rule) -> NDArray[np.float64]:
    """The ways in which several equal members together have each total."""
    if times == 0:
        return _ONE
    if times > _DEEPEST:  # so that no recursion is deeper than one step
        _compute_power(member, times - _DEEPEST, rule)
    return _join_parts(_compute_power(member, times - 1, rule), _compute_ways(member, rule), rule)


def _join_parts(first: NDArray[np.float64], second: NDArray[np.float64], rule: _Rule) -> NDArray[np.float64]:
    """The ways of two parts together."""
    return _scale(np.convolve(first, second)[: rule.cap + 1])


def _scale(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = vector.max(initial=0.0)
    return vector / largest if largest > 0 else vector


def _drop_published(vector: NDArray[np.float64], shape: Shape, rule: _Rule) -> NDArray[np.float64]:
    """The same ways, with 0 at the totals that would have been published."""
    ways = vector.copy()
    ways[rule.k : find_most_shown(len(shape), rule.k, half_full=rule.half_full) + 1] = 0
    return ways


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that can be proved, at a node: the possible sums of some of its leaves (empty if not known)."""

    node: int
    reason: str
    possible: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TreeAudit:
    """What the audit checked and found in one tree and period.

    `sets_log2`: all sets of so many leaves were decided, two to this power. `profiles`: how many kinds of sets remained
    to be checked. `narrowest`: the fewest values that an unpublished leaf of a block can have; empty if there is no
    such leaf. `narrowest_union`: likewise for several leaves together, where some value is from 1 to k - 1, and k
    stands for k or more. The search covers all leaves of a block except one, and the kinds of sets that remained. A set
    that is not disclosed has at least two values, so an answer with two is the narrowest of all sets. Of
    `leaves_in_blocks` unpublished leaves of blocks, `likely_small` hold 1 to k - 1 events with odds of 95 % or more, if
    all histories are equally likely.
    """

    findings: tuple[Finding, ...]
    blocks: int
    sets_log2: int
    profiles: int
    narrowest: tuple[int, ...]
    narrowest_union: tuple[int, ...]
    leaves_in_blocks: int
    likely_small: int


def audit(
    published: NDArray[np.bool_],
    count: NDArray[np.int64],
    parent: NDArray[np.int64],
    *,
    k: int,
    half_full: bool = False,
) -> TreeAudit:
    """Everything that can be proved from one tree's blocks.

    `published` bool (n,), `count` int64 (n,), `parent` int64 (n,) and `half_full` as in `geo.disclosure.carry_up`: a
    block of an inner node is its total without the blocks under it. With a minimum of places, every history of the
    plain rule is possible too, so what cannot be proved here cannot be proved there.
    """
    shapes, inner = _build_shapes(published, parent)
    findings: list[Finding] = []
    values: list[tuple[int, ...]] = []
    unions: list[tuple[int, ...]] = []
    profiles = in_blocks = likely_small = 0
    for node in np.flatnonzero(published).tolist():
        shape, total = shapes[node], int(count[node])
        reason = _find_rule_breach(shape, total, k, is_leaf=not inner[node], half_full=half_full)
        if reason:
            findings.append(Finding(node, reason, _find_provable_sums(count_leaves(shape) or 1, total, k)))
        elif inner[node]:
            possible_sums = find_possible_sums(shape, total, k, half_full=half_full)
            findings += [
                Finding(node, "a set of its leaves has few events", s) for s in possible_sums if _is_small(s, k)
            ]
            profiles += len(possible_sums)
            odds = find_leaf_odds(shape, total, k, half_full=half_full)
            leaf_values = [tuple(v for v in range(k) if share[v]) for _, share in odds]
            values += leaf_values
            unions += [*possible_sums, *(tuple(sorted({min(total - v, k) for v in leaf})) for leaf in leaf_values)]
            in_blocks += count_leaves(shape)
            likely_small += sum(leaves for leaves, share in odds if 1 - share[0] >= LIKELY)
    hidden = 0 if published[-1] else count_leaves(shapes[-1])
    narrowest = min(values, key=len, default=())
    union = min((sums for sums in unions if any(1 <= s < k for s in sums)), key=len, default=())
    return TreeAudit(
        tuple(findings), int(published.sum()), in_blocks + hidden, profiles, narrowest, union, in_blocks, likely_small
    )


def _build_shapes(published: NDArray[np.bool_], parent: NDArray[np.int64]) -> tuple[list[Shape], list[bool]]:
    """Each node by its unpublished members, and whether it is an inner node. An inner node without any is left out."""
    inner = np.zeros(len(parent), dtype=bool)
    inner[parent[parent >= 0]] = True
    members: list[list[Shape]] = [[] for _ in parent]
    shapes: list[Shape] = []
    for node, above in enumerate(parent.tolist()):
        shape = tuple(sorted(members[node]))
        shapes.append(shape)
        if above >= 0 and not published[node] and (shape or not inner[node]):
            members[above].append(shape)
    return shapes, inner.tolist()


def _find_rule_breach(shape: Shape, total: int, k: int, *, is_leaf: bool, half_full: bool) -> str:
    """Why the rule cannot give this block; empty if it can."""
    if total < k:
        return f"its number is below {k}"
    if is_leaf:
        return ""
    most = find_most_shown(len(shape), k, half_full=half_full)
    return f"its number is above {most}, the most that may be shown of its members" if total > most else ""


def _find_provable_sums(leaves: int, total: int, k: int) -> tuple[int, ...]:
    """The narrowest range of sums within 1 to k - 1 that some leaves of a block must have; empty if there is none.

    Two things are known of the leaves: they add up to the total, and each has fewer than k.
    """
    spans = [(max(0, total - (leaves - j) * (k - 1)), min(total, j * (k - 1))) for j in range(1, leaves + 1)]
    if total < k:
        spans.append((total, total))
    small = [(low, high) for low, high in spans if 1 <= low <= high < k]
    low, high = min(small, key=_measure_width, default=(1, 0))
    return tuple(range(low, high + 1))


def _measure_width(span: tuple[int, int]) -> int:
    return span[1] - span[0]


def _is_small(sums: Iterable[int], k: int) -> bool:
    return all(1 <= s < k for s in sums)
