"""The audit: equal to brute force where that can be done, and it finds what there is to find."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from bench.small_trees import count_leaves, guarded, half_full, list_histories, list_shapes, publish
from geo.audit import audit, find_leaf_odds
from geo.audit_profiles import find_possible_sums
from geo.disclosure import carry_up

SMALL = [shape for leaves in range(1, 6) for shape in list_shapes(leaves, 2)]


def within(shape: tuple[tuple[object, ...], ...], total: int, k: int, *, half: bool) -> np.ndarray:
    """Every history of a block's unpublished leaves in which no inner node but the block is published."""
    cubes = list_histories(count_leaves(shape), k)
    inner = publish(shape, cubes, k, half_full if half else guarded)[:, :-1]
    members = all(not member for member in shape)
    return cubes[(cubes.sum(axis=1) == total) & (members | (inner == -1).all(axis=1))]


@pytest.mark.parametrize("shape", SMALL, ids=str)
@pytest.mark.parametrize("total", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("half", [False, True], ids=["guarded", "half full"])
def test_possible_sums_are_those_of_brute_force(
    shape: tuple[tuple[object, ...], ...], total: int, *, half: bool
) -> None:
    k, cubes = 3, within(shape, total, 3, half=half)
    found = {frozenset(sums) for sums in find_possible_sums(shape, total, k, half_full=half)}
    if not len(cubes):
        assert found == {frozenset()}
        return
    every = set()
    for chosen in product((0, 1), repeat=cubes.shape[1]):
        every.add(frozenset(np.minimum(cubes @ np.array(chosen), k).tolist()))
    assert found <= every
    assert all(any(least <= sums for least in found) for sums in every)


@pytest.mark.parametrize("shape", SMALL, ids=str)
@pytest.mark.parametrize("half", [False, True], ids=["guarded", "half full"])
def test_odds_are_shares_of_histories(shape: tuple[tuple[object, ...], ...], *, half: bool) -> None:
    cubes = within(shape, 4, 3, half=half)
    if not len(cubes):
        return
    expected = sorted(tuple(np.bincount(leaf, minlength=3) / len(cubes)) for leaf in cubes.T)
    odds = sorted(share for leaves, share in find_leaf_odds(shape, 4, 3, half_full=half) for _ in range(leaves))
    assert np.allclose(odds, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("leaves", "total"), [(450, 10), (450, 2025), (450, 4041), (1300, 60)])
def test_odds_among_many_leaves_are_those_of_whole_numbers(leaves: int, total: int) -> None:
    k = 10
    ways = [1]  # of leaves - 1 leaves, exactly
    for _ in range(leaves - 1):
        sums = [0, *np.cumsum(np.array(ways + [0] * (k - 1), dtype=object)).tolist()]
        ways = [sums[t + 1] - sums[max(0, t - k + 1)] for t in range(min(len(sums) - 1, total + 1))]
    around = [ways[total - v] if 0 <= total - v < len(ways) else 0 for v in range(k)]
    expected = [float(Fraction(way, sum(around))) for way in around]
    ((many, odds),) = find_leaf_odds(((),) * leaves, total, k)
    assert many == leaves
    assert np.allclose(odds, expected, rtol=1e-9, atol=0)


def naive_release(counts: np.ndarray, parent: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Small leaves hidden and true totals of their parents shown: as blocks, what is left of those totals."""
    leaves = np.flatnonzero(np.isin(np.arange(len(parent)), parent, invert=True))
    shown, count = np.zeros(len(parent), dtype=bool), np.zeros(len(parent), dtype=np.int64)
    shown[leaves] = counts[leaves] >= k
    count[shown] = counts[shown]
    for node in np.unique(parent[leaves]):
        under = leaves[(parent[leaves] == node) & ~shown[leaves]]
        shown[node], count[node] = len(under) > 0, counts[under].sum()
    return shown, count


def test_a_naive_release_is_found_out() -> None:
    tree = np.array([7, 7, 7, 7, 8, 8, 8, 9, 9, -1])
    shown, count = naive_release(np.array([9, 0, 2, 0, 1, 0, 0, 0, 0, 0]), tree, 5)
    found = audit(shown, count, tree, k=5).findings
    assert [(finding.node, finding.reason, finding.possible) for finding in found] == [
        (7, "its number is below 5", (2,)),
        (8, "its number is below 5", (1,)),
    ]


def test_full_leaves_are_found_out() -> None:
    tree = np.array([2, 2, -1])
    (finding,) = audit(np.array([False, False, True]), np.array([0, 0, 4]), tree, k=3).findings
    assert finding.reason == "its number is above 2, the most that may be shown of its members"
    assert finding.possible == (2,)


def test_a_block_that_is_more_than_half_full_is_found_out_where_none_may_be() -> None:
    tree = np.array([5, 5, 5, 5, 5, -1])
    shown, count = np.array([False] * 5 + [True]), np.array([0] * 5 + [6])
    assert audit(shown, count, tree, k=3).findings == ()
    (finding,) = audit(shown, count, tree, k=3, half_full=True).findings
    assert finding.reason == "its number is above 5, the most that may be shown of its members"


def test_a_block_of_nothing_is_found_out() -> None:
    tree = np.array([2, 2, -1])
    (finding,) = audit(np.array([True, True, True]), np.array([5, 6, 7]), tree, k=3).findings
    assert finding.reason == "its number is above 0, the most that may be shown of its members"


@st.composite
def sparse_towns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Counts, parents and k: towns of wards of groups, nearly empty, at the threshold, or full just below it."""
    k = draw(st.sampled_from((2, 3, 5, 10)))
    wards = draw(st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=4), min_size=1, max_size=4))
    groups = [size for ward in wards for size in ward]
    leaves = sum(groups)
    counts = draw(st.lists(st.sampled_from((0, 0, 0, 1, 2, k - 1, k - 1, k)), min_size=leaves, max_size=leaves))
    parent = [leaves + group for group, size in enumerate(groups) for _ in range(size)]
    parent += [leaves + len(groups) + ward for ward, sizes in enumerate(wards) for _ in sizes]
    parent += [len(parent) + len(wards)] * len(wards) + [-1]
    return np.array(counts + [0] * (len(parent) - leaves)), np.array(parent), k


@pytest.mark.slow
@given(sparse_towns(), st.booleans())
@settings(max_examples=150)
def test_adversarial_towns_disclose_nothing_and_naive_ones_are_found_out(
    town: tuple[np.ndarray, np.ndarray, int],
    half: bool,  # noqa: FBT001 - Hypothesis hands it over by its place
) -> None:
    counts, parent, k = town
    carried = carry_up(counts, parent, k=k, half_full=half)
    assert audit(carried.published, carried.count, parent, k=k, half_full=half).findings == ()
    shown, count = naive_release(counts, parent, k)
    small = shown & (count > 0) & (count < k)
    assert set(np.flatnonzero(small)) <= {f.node for f in audit(shown, count, parent, k=k).findings if f.possible}


@pytest.mark.slow
@given(sparse_towns(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_integer_programmes_agree(town: tuple[np.ndarray, np.ndarray, int], chance: object) -> None:
    counts, parent, k = town
    carried = carry_up(counts, parent, k=k)
    leaves = [node for node in range(len(parent)) if node not in parent and not carried.published[node]]
    if not leaves:
        return
    chosen = chance.sample(leaves, chance.randint(1, len(leaves)))  # type: ignore[attr-defined] # random.Random
    low, high = programme(carried.published, carried.count, parent, k, chosen)
    assert low == 0 or high >= k


def programme(
    shown: np.ndarray, count: np.ndarray, parent: np.ndarray, k: int, chosen: list[int]
) -> tuple[float, float]:
    """Lowest and highest sum of the chosen leaves, by HiGHS: a variable a node for what it hands up or publishes.

    An unpublished leaf is under k. A failed node has T < k, or (its second variable is 1) T > C - (k - 1).
    """
    n = len(parent)
    inner = [node in parent for node in range(n)]
    fails = [False] * n
    rows, lows, highs = [], [], []
    upper, lower = np.zeros(2 * n), np.zeros(2 * n)
    upper[n:] = 1
    for node in range(n):
        members = [child for child in np.flatnonzero(parent == node) if fails[child]]
        fails[node] = not shown[node] and (not inner[node] or bool(members))
        if not inner[node]:
            upper[node] = 0 if shown[node] else k - 1
            continue
        most, above = sum(upper[m] for m in members), (len(members) - 1) * (k - 1)
        upper[node], lower[node] = (count[node], count[node]) if shown[node] else (most, 0)
        row = np.zeros(2 * n)
        row[members], row[node] = 1, -1
        rows.append(row)
        lows.append(0.0)
        highs.append(0.0)
        if fails[node] and above >= k:
            for sign, limit in ((1.0, k - 1.0), (-1.0, 0.0)):  # T <= k - 1 + most * z;  T >= (above + 1) * z
                row = np.zeros(2 * n)
                row[node], row[n + node] = sign, -most if sign > 0 else above + 1
                rows.append(row)
                lows.append(-np.inf)
                highs.append(limit)
    goal = np.zeros(2 * n)
    goal[chosen] = 1
    constraints = [LinearConstraint(np.array(rows), lows, highs)] if rows else []
    answers = [
        milp(sign * goal, integrality=np.ones(2 * n), bounds=Bounds(lower, upper), constraints=constraints)
        for sign in (1, -1)
    ]
    assert all(answer.status == 0 for answer in answers)
    return round(answers[0].fun), -round(answers[1].fun)


def test_more_members_than_python_can_recurse_are_audited() -> None:
    members = 1300
    parent = np.append(np.full(members, members), -1)
    counts = np.append(np.random.default_rng(0).integers(0, 4, members), 0)
    carried = carry_up(counts, parent, k=4)
    found = audit(carried.published, carried.count, parent, k=4)
    assert (found.findings, found.blocks, found.narrowest) == ((), 1, (0, 1, 2, 3))
