"""The rule: what may be published of a tree of places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.small_trees import (
    build_parents,
    count_disclosed,
    count_leaves,
    guarded,
    half_full,
    list_histories,
    list_shapes,
    publish,
    unguarded,
)
from geo.disclosure import carry_up
from geo.errors import PolicyError, UsageError

TREE_RULE = "A tree lists children before their parents, its one root last, and counts of leaves alone"


def counted(parent: list[int], leaves: list[int]) -> tuple[np.ndarray, np.ndarray]:
    counts = np.zeros(len(parent), dtype=np.int64)
    counts[: len(leaves)] = leaves
    return counts, np.array(parent, dtype=np.int64)


def test_leaves_with_enough_are_published_and_the_rest_goes_up() -> None:
    carried = carry_up(*counted([4, 4, 4, 4, -1], [7, 2, 1, 2]), k=3)
    assert carried.published.tolist() == [True, False, False, False, False]
    assert carried.hidden == 5  # 5 of at most 6 would prove that two of three had one or two
    carried = carry_up(*counted([4, 4, 4, 4, -1], [7, 2, 1, 1]), k=3)
    assert carried.count.tolist() == [7, 0, 0, 0, 4]
    assert carried.hidden == 0


def test_two_full_leaves_prove_each_other_and_are_hidden() -> None:
    assert carry_up(*counted([2, 2, -1], [2, 2]), k=3).hidden == 4


def test_a_failed_node_is_one_member_and_never_its_leaves() -> None:
    # (2, 2, 2), (0) at k = 3: with leaves as members of the root, 6 of at most 8 would be shown.
    carried = carry_up(*counted([4, 4, 4, 5, 6, 6, -1], [2, 2, 2, 0]), k=3)
    assert not carried.published.any()
    assert carried.hidden == 6


def test_a_total_within_the_guard_of_failed_groups_is_published() -> None:
    parent = [6, 6, 7, 7, 8, 8, 9, 9, 9, -1]
    carried = carry_up(*counted(parent, [1, 0, 1, 0, 2, 0]), k=3)
    assert carried.count.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 4]


def test_a_node_without_members_is_no_member() -> None:
    carried = carry_up(*counted([4, 4, 5, 5, 6, 6, -1], [3, 4, 0, 1]), k=3)
    assert carried.count.tolist() == [3, 4, 0, 0, 0, 0, 0]
    assert carried.hidden == 1


def test_a_minimum_of_places_holds_at_every_level() -> None:
    counts, parent = counted([4, 4, 4, 4, -1], [12, 1, 1, 1])
    spread = np.array([1, 1, 1, 1, 0])
    assert carry_up(counts, parent, k=3).count.tolist() == [12, 0, 0, 0, 3]
    few = carry_up(counts, parent, k=3, places=spread, minimum_places=3)
    assert few.count.tolist() == [0, 0, 0, 0, 0]
    assert few.hidden == 15
    spread[0] = 3
    assert carry_up(counts, parent, k=3, places=spread, minimum_places=3).count.tolist() == [12, 0, 0, 0, 3]


def test_of_places_together_at_most_half_is_shown_where_that_is_asked_for() -> None:
    five = counted([5, 5, 5, 5, 5, -1], [2, 2, 1, 0, 0])
    assert carry_up(*five, k=3, half_full=True).count.tolist() == [0, 0, 0, 0, 0, 5]
    full = counted([5, 5, 5, 5, 5, -1], [2, 2, 1, 1, 0])
    assert carry_up(*full, k=3).count.tolist() == [0, 0, 0, 0, 0, 6]
    assert carry_up(*full, k=3, half_full=True).hidden == 6


@pytest.mark.parametrize("half", [False, True], ids=["guarded", "half full"])
@pytest.mark.parametrize("shape", [shape for leaves in range(1, 6) for shape in list_shapes(leaves, 3)], ids=str)
def test_the_rule_is_the_one_that_brute_force_proves(shape: tuple[object, ...], *, half: bool) -> None:
    leaves, parent = count_leaves(shape), build_parents(shape)
    cubes = list_histories(leaves, 3)
    expected = publish(shape, cubes, 3, half_full if half else guarded)
    for cube, seen in zip(cubes[::5], expected[::5], strict=True):
        carried = carry_up(*counted(parent.tolist(), cube.tolist()), k=3, half_full=half)
        assert np.where(carried.published, carried.count, -1)[leaves:].tolist() == seen.tolist()


def test_brute_force_proves_nothing_small_in_any_tree_to_six_leaves() -> None:
    for leaves in range(1, 7):
        for shape in list_shapes(leaves, 3):
            assert count_disclosed(shape, 3)[2] == 0, shape
    for leaves in range(1, 5):
        for shape in list_shapes(leaves, 3):
            assert count_disclosed(shape, 4)[2] == count_disclosed(shape, 2)[2] == 0, shape


def test_brute_force_proves_nothing_small_with_the_stricter_guard() -> None:
    for leaves in range(1, 6):
        for shape in list_shapes(leaves, 3):
            assert count_disclosed(shape, 3, half_full)[2] == 0, shape
            assert leaves > 4 or count_disclosed(shape, 4, half_full)[2] == 0, shape


def test_brute_force_does_find_what_the_guard_is_for() -> None:
    assert count_disclosed(((), ()), 3, unguarded)[2] > 0


@given(st.integers(2, 12), st.integers(1, 6), st.data())
def test_events_are_conserved_and_no_block_is_small(k: int, groups: int, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 7), min_size=groups, max_size=groups))
    leaves = [group for group, size in enumerate(sizes) for _ in range(size)]
    counts = data.draw(st.lists(st.integers(0, 2 * k), min_size=len(leaves), max_size=len(leaves)))
    parent = [len(leaves) + group for group in leaves] + [len(leaves) + groups] * groups + [-1]
    carried = carry_up(*counted(parent, counts), k=k)
    assert carried.count.sum() + carried.hidden == sum(counts)
    assert (carried.count[carried.published] >= k).all()
    assert not carried.count[~carried.published].any()


@pytest.mark.parametrize(
    ("parent", "leaves", "fact", "hint"),
    [
        ([], [], "there is no root at its end", "sort the nodes by level"),
        ([1, 0], [1], "there is no root at its end", "sort the nodes by level"),
        ([2, 0, -1], [1], "a node comes after its parent, or has none", "sort the nodes by level"),
        ([-1, -1], [1], "a node comes after its parent, or has none", "sort the nodes by level"),
        ([1, -1], [1, 1], "a count is negative, or of a node with children", "count the events of the leaves"),
        ([1, -1], [-1], "a count is negative, or of a node with children", "count the events of the leaves"),
    ],
)
def test_what_is_no_tree_is_refused(parent: list[int], leaves: list[int], fact: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        carry_up(*counted(parent, leaves), k=3)
    assert str(caught.value) == f"{TREE_RULE}; {fact}; {hint}"


@pytest.mark.parametrize(("k", "minimum"), [(1, 1), (3, 4)])
def test_thresholds_that_protect_nobody_are_refused(k: int, minimum: int) -> None:
    with pytest.raises(PolicyError) as caught:
        carry_up(*counted([1, -1], [5]), k=k, minimum_places=minimum)
    assert str(caught.value) == (
        "A threshold is 2 or more, and no smaller than the minimum of places; "
        f"k is {k}, the minimum of places {minimum}; choose a larger k"
    )
