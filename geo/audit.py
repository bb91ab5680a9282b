"""The audit: can anything small be proved from what is published of a tree of places? Decided exactly.

It knows the tree, the threshold k, the rule of `geo.disclosure` (of which it uses no line), and which nodes were
published with which number. A set of leaves is disclosed if its possible sums, over all histories that agree with all
that, are all of 1 to k - 1.

What has a block of its own is no longer in play, so each block, with the unpublished leaves in it, is a problem of its
own: given everything published, histories of different blocks (and of different periods and layers) are independent,
lowest and highest sums add up, and so a disclosed union has a disclosed part in one block. The hidden rest can be all
zeros. Within a block `geo.audit_profiles` decides all sets of leaves. Numbers that the rule cannot give are a finding
in themselves, and are then judged by less: that an unpublished leaf has fewer than k.

What cannot be proved may still be likely. So the odds of each number of events in a leaf are told too, all histories
equally likely. A shape is a node by its unpublished members, each again a shape; () is a leaf, with 0 to k - 1 events.
Ways are counted with a weight of r for each event, r such that leaves hold as many on average as those of the block do,
and each vector of them is scaled to a largest of 1. A weight for each event, and a factor for each vector, change no
odds within a fixed total; but without them the ways of some hundred members are more than a float can hold.
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


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that can be proved: at a node, of some of its leaves, whose possible sums are these (or none said)."""

    node: int
    reason: str
    possible: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TreeAudit:
    """What the audit tried and found in one tree and period.

    `sets_log2`: of how many leaves all sets were decided, as a power of two; `profiles` how many kinds of sets remained
    to be looked at. `narrowest`: the fewest values that an unpublished leaf of a block can have; empty if there is no
    such leaf. `narrowest_union`: likewise of leaves together, 1 to k - 1 being among the values, k standing for k or
    more; looked for among all leaves of a block but one, and the kinds of sets that remained. What is not disclosed
    has two values at least, so that an answer of two is the narrowest of all sets. Of `leaves_in_blocks` unpublished
    leaves of blocks, `likely_small` hold 1 to k - 1 events with odds of 95 % or more, all histories being equally
    likely.
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

    `published` bool (n,), `count` int64 (n,), `parent` int64 (n,) as `geo.disclosure.carry_up` describes them: a block
    of an inner node is its total without the blocks under it; `half_full` as there. Where a minimum of places is
    asked for as well, every history of the plain rule is one of that rule too, so what cannot be proved here cannot be
    proved there.
    """
    shapes, inner = _shapes(published, parent)
    findings: list[Finding] = []
    values: list[tuple[int, ...]] = []
    unions: list[tuple[int, ...]] = []
    profiles = in_blocks = likely = 0
    for node in np.flatnonzero(published).tolist():
        shape, total = shapes[node], int(count[node])
        reason = _against_rule(shape, total, k, is_leaf=not inner[node], half_full=half_full)
        if reason:
            findings.append(Finding(node, reason, _provable(count_leaves(shape) or 1, total, k)))
        elif inner[node]:
            found = find_possible_sums(shape, total, k, half_full=half_full)
            findings += [Finding(node, "a set of its leaves has few events", s) for s in found if _is_small(s, k)]
            profiles += len(found)
            odds = find_leaf_odds(shape, total, k, half_full=half_full)
            of_leaves = [tuple(v for v in range(k) if share[v]) for _, share in odds]
            values += of_leaves
            unions += [*found, *(tuple(sorted({min(total - v, k) for v in leaf})) for leaf in of_leaves)]
            in_blocks += count_leaves(shape)
            likely += sum(leaves for leaves, share in odds if 1 - share[0] >= LIKELY)
    hidden = 0 if published[-1] else count_leaves(shapes[-1])
    narrowest = min(values, key=len, default=())
    union = min((sums for sums in unions if any(1 <= s < k for s in sums)), key=len, default=())
    return TreeAudit(
        tuple(findings), int(published.sum()), in_blocks + hidden, profiles, narrowest, union, in_blocks, likely
    )


def _shapes(published: NDArray[np.bool_], parent: NDArray[np.int64]) -> tuple[list[Shape], list[bool]]:
    """Each node by its unpublished members, and whether it is an inner node. Without members a node is no member."""
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


def _against_rule(shape: Shape, total: int, k: int, *, is_leaf: bool, half_full: bool) -> str:
    """Why the rule cannot have given this block; empty if it can."""
    if total < k:
        return f"its number is below {k}"
    if is_leaf:
        return ""
    most = find_most_shown(len(shape), k, half_full=half_full)
    return f"its number is above {most}, the most that may be shown of its members" if total > most else ""


def _provable(leaves: int, total: int, k: int) -> tuple[int, ...]:
    """The fewest sums from 1 to k - 1 that are all that is possible for some leaves of a block; empty if none are.

    Known of the leaves: they add up to the total, and each of them has fewer than k.
    """
    spans = [(max(0, total - (leaves - j) * (k - 1)), min(total, j * (k - 1))) for j in range(1, leaves + 1)]
    if total < k:
        spans.append((total, total))
    small = [(low, high) for low, high in spans if 1 <= low <= high < k]
    low, high = min(small, key=_width, default=(1, 0))
    return tuple(range(low, high + 1))


def _width(span: tuple[int, int]) -> int:
    return span[1] - span[0]


def _is_small(sums: Iterable[int], k: int) -> bool:
    return all(1 <= s < k for s in sums)
