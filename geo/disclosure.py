"""Guarded carry-up: which totals of a tree of places may be published, so that no small number can be proved.

A total is **safe** when for every set of leaves the sums that are possible, over all histories that agree with what is
published and with this rule known, include 0 or a value of k or more. The rule: a leaf with k events or more is
published. In every other node, from below to the top, the members are the leaves and nodes under it that are not;
their total T is published if k <= T <= C - (k - 1), where C is the sum of their capacities. Otherwise the node fails,
and is one member of its parent, of capacity min(k - 1, C); what the root cannot publish stays hidden. A failed node is
one member and never its leaves: with leaves as members (2, 2, 2), (0) at k = 3 would prove three small ones.

Safe is not unlikely: of a block that is nearly full most leaves are very probably small. With `half_full` T may be at
most C / 2 as well, which shows less, and is as safe: a failed node can still be anything from 0 to its capacity, and
there is only more room left beside a chosen set.

`audit` decides the same question from what is published alone; it lives in `geo.audit`, and neither uses the other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.audit import audit
from geo.errors import PolicyError, UsageError

__all__ = ["CarriedCounts", "audit", "carry_up", "require_tree"]

_LEAST: Final = 2  # a threshold of one protects nobody


@dataclass(frozen=True, slots=True, eq=False)
class CarriedCounts:
    """What may be published of one tree and period; arrays of one value a node.

    `published` (bool): the node is a block. `count` (int64): its number, 0 where it is none; a block of an inner node
    is without the blocks under it. `hidden` is what no block holds: for the publisher's eyes only.
    """

    published: NDArray[np.bool_]
    count: NDArray[np.int64]
    hidden: int


def carry_up(
    counts: NDArray[np.int64],
    parent: NDArray[np.int64],
    *,
    k: int,
    places: NDArray[np.int64] | None = None,
    minimum_places: int = 1,
    half_full: bool = False,
) -> CarriedCounts:
    """The blocks of a tree.

    `counts` int64 (n,): events of each node, 0 for nodes that are no leaves. `parent` int64 (n,): the place of each
    node's parent, later in the order than the node itself; -1 for the one root, the last. `places` int64 (n,): at how
    many distinct places each leaf's events were; a block then needs `minimum_places` too. That is safe only if k is at
    least that minimum and every leaf has 2 * minimum - 1 possible places, fixed in advance: the caller sees to it.
    They must be possible together: `count_separate_places` counts places of which no two touch, so no two possible ones
    of the whole tree may touch. Take any numbers of the leaves that the rule without a minimum publishes in the same
    way, and lay the events of each leaf on as many of its possible places as there are of both: all of these count.
    Under each block that is the minimum: one leaf alone has so many events, or every event has a place of its own, and
    there are k. What is no block without a minimum is none with one. So the same is published with these numbers, and
    all that is possible under the rule without a minimum, which is safe, stays possible.
    `half_full`: of a node at most half of what its members could hold is shown.

    Raises UsageError if the arrays are no such tree, PolicyError if k is under 2 or under the minimum of places.
    """
    require_tree(counts, parent)
    _require_threshold(k, minimum_places)
    total, spread = counts.astype(np.int64).tolist(), (places if places is not None else counts).tolist()
    leaf = np.ones(len(parent), dtype=bool)
    leaf[parent[parent >= 0]] = False
    capacity = [k - 1 if is_leaf else 0 for is_leaf in leaf.tolist()]
    published, count = np.zeros(len(parent), dtype=bool), np.zeros(len(parent), dtype=np.int64)
    for node, above in enumerate(parent.tolist()):
        enough = total[node] >= k and (places is None or spread[node] >= minimum_places)
        if enough and (leaf[node] or total[node] <= _most(capacity[node], k, half_full=half_full)):
            published[node], count[node] = True, total[node]
        elif above >= 0:
            total[above] += total[node]
            spread[above] += spread[node]
            capacity[above] += min(k - 1, capacity[node])
    return CarriedCounts(published, count, int(np.sum(counts) - count.sum()))


def require_tree(counts: NDArray[np.int64], parent: NDArray[np.int64]) -> None:
    """UsageError unless the arrays are a tree: children first, one root at the end, whole counts only of leaves."""
    rule = "A tree lists children before their parents, its one root last, and counts of leaves alone"
    order = np.arange(len(parent))
    inner = np.zeros(len(parent), dtype=bool)
    if len(parent) == 0 or len(counts) != len(parent) or parent[-1] != -1:
        raise UsageError(rule, "there is no root at its end", "sort the nodes by level")
    if (parent[:-1] <= order[:-1]).any() or (parent >= len(parent)).any():
        raise UsageError(rule, "a node comes after its parent, or has none", "sort the nodes by level")
    inner[parent[:-1]] = True
    if (counts < 0).any() or counts[inner].any():
        raise UsageError(rule, "a count is negative, or of a node with children", "count the events of the leaves")


def _most(capacity: int, k: int, *, half_full: bool) -> int:
    """The largest total that may be shown of members with that capacity."""
    most = capacity - (k - 1)
    return min(most, capacity // 2) if half_full else most


def _require_threshold(k: int, minimum_places: int) -> None:
    rule = "A threshold is 2 or more, and no smaller than the minimum of places"
    if k < _LEAST or minimum_places > k:
        raise PolicyError(rule, f"k is {k}, the minimum of places {minimum_places}", "choose a larger k")
