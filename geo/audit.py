"""The audit: can anything small be proved from what is published of a tree of places? Decided exactly.

It knows the tree, the threshold k, the rule of `geo.disclosure` (of which it uses no line), and which nodes were
published with which number. A set of leaves is disclosed if its possible sums, over all histories that agree with all
that, are all of 1 to k - 1.

What has a block of its own is no longer in play, so each block, with the unpublished leaves in it, is a problem of its
own: given everything published, histories of different blocks (and of different periods and layers) are independent,
lowest and highest sums add up, and so a disclosed union has a disclosed part in one block. The hidden rest can be all
zeros. Within a block `geo.audit_profiles` decides all sets of leaves. Numbers that the rule cannot give are a finding
in themselves, and are then judged by less: that an unpublished leaf has fewer than k.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.audit_odds import find_leaf_odds
from geo.audit_profiles import Shape, count_leaves, find_most_shown, find_possible_sums

__all__ = ["Finding", "TreeAudit", "audit"]

LIKELY: Final = 0.95  # odds from which a leaf counts as very probably small


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
