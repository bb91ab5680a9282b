"""Guarded carry-up: which totals of a tree of places may be published, so that nobody can prove a small number.

A release is **safe** if for every set of leaves the possible sums include 0 or a value of k or more. Possible are all
histories that agree with what is published, for somebody who knows this rule. The rule: a leaf with k events or more is
published. The members of every other node, from the bottom to the top, are the leaves and nodes under it that are not
published. Their total T is published if k <= T <= C - (k - 1), where C is the sum of their capacities. Otherwise the
node fails, and is one member of its parent, with capacity min(k - 1, C). What the root cannot publish stays hidden. A
failed node is one member and never its leaves: with leaves as members, (2, 2, 2), (0) at k = 3 would prove three small
numbers.

Safe does not mean unlikely: in a block that is nearly full most leaves are very probably small. With `half_full` T may
also be at most C / 2. That shows less, and is as safe: a failed node can still have anything from 0 to its capacity,
and only more room is left beside a chosen set.

`audit` decides the same question from what is published alone. It lives in `geo.audit`, and neither uses the other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.audit import audit
from geo.errors import PolicyError, UsageError

__all__ = ["CarriedCounts", "audit", "carry_up", "require_tree"]

_LEAST_THRESHOLD: Final = 2  # a threshold of one protects nobody


@dataclass(frozen=True, slots=True, eq=False)
class CarriedCounts:
    """What may be published of one tree and period; arrays of one value a node.

    `published` (bool): the node is a block. `count` (int64): its number, 0 where it is no block; the number of an inner
    node is without the blocks under it. `hidden` is what no block holds: only the publisher may see it.
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

    `counts` int64 (n,): events of each node, 0 for nodes that are not leaves. `parent` int64 (n,): the index of each
    node's parent, higher than the node's own; -1 for the one root, the last.
    `places` int64 (n,): at how many distinct places each leaf's events were. A block then needs `minimum_places` too.
    This is safe only if k is at least that minimum and every leaf has 2 * minimum - 1 possible places, fixed in
    advance: the caller must make sure of it. The places must be possible together. `count_separate_places` counts
    places of which no two touch, so no two possible places of the whole tree may touch.
    The proof: take any numbers of the leaves that the rule without a minimum publishes in the same way. Put the events
    of each leaf on as many of its possible places as it has events, or on all of them if it has more events: all these
    places count. Under each block they reach the minimum: either one leaf alone has so many events, or every event has
    its own place, and there are k. A node that is no block without a minimum is none with one. So the same is published
    with these numbers, and all that is possible under the rule without a minimum, which is safe, stays possible.
    `half_full`: at most half of what the members of a node could hold is shown.

    Raises UsageError if the arrays are no such tree, PolicyError if k is under 2 or under the minimum of places.
    """
    require_tree(counts, parent)
    _require_threshold(k, minimum_places)
    totals, place_counts = counts.astype(np.int64).tolist(), (places if places is not None else counts).tolist()
    leaf = np.ones(len(parent), dtype=bool)
    leaf[parent[parent >= 0]] = False
    capacity = [k - 1 if is_leaf else 0 for is_leaf in leaf.tolist()]
    published, count = np.zeros(len(parent), dtype=bool), np.zeros(len(parent), dtype=np.int64)
    for node, parent_node in enumerate(parent.tolist()):
        enough = totals[node] >= k and (places is None or place_counts[node] >= minimum_places)
        if enough and (leaf[node] or totals[node] <= _find_most_shown(capacity[node], k, half_full=half_full)):
            published[node], count[node] = True, totals[node]
        elif parent_node >= 0:
            totals[parent_node] += totals[node]
            place_counts[parent_node] += place_counts[node]
            capacity[parent_node] += min(k - 1, capacity[node])
    return CarriedCounts(published, count, int(np.sum(counts) - count.sum()))


def require_tree(counts: NDArray[np.int64], parent: NDArray[np.int64]) -> None:
    """UsageError unless the arrays are a tree: children first, one root at the end, and counts of leaves alone."""
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


def _find_most_shown(capacity: int, k: int, *, half_full: bool) -> int:
    """The largest total that may be shown of members with this capacity."""
    most = capacity - (k - 1)
    return min(most, capacity // 2) if half_full else most


def _require_threshold(k: int, minimum_places: int) -> None:
    rule = "A threshold is 2 or more, and no smaller than the minimum of places"
    if k < _LEAST_THRESHOLD or minimum_places > k:
        raise PolicyError(rule, f"k is {k}, the minimum of places {minimum_places}", "choose a larger k")
