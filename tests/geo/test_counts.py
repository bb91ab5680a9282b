"""Shares of intervals and sums of groups against the plain way, and that nothing is lost."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.calendar import AllowedTime, Calendar, build_week_mask
from geo.counts import compute_shares, expand, number_distinct, sum_groups

LONDON = Calendar("Europe/London")
HOUR = 3600
MOMENTS = st.integers(1_700_000_000, 1_720_000_000)


def share(start: int, end: int, low: int, high: int, allowed: AllowedTime | None = None) -> float:
    return float(compute_shares(np.array([start]), np.array([end]), low=low, high=high, allowed=allowed)[0])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (10, 20, 1.0),
        (0, 20, 0.5),
        (15, 35, 0.75),
        (0, 40, 0.5),
        (0, 10, 0.0),
        (30, 40, 0.0),
        (50, 90, 0.0),
        (10, 10, 1.0),  # instants: the period is half-open
        (29, 29, 1.0),
        (30, 30, 0.0),
        (9, 9, 0.0),
    ],
)
def test_shares_of_a_period(start: int, end: int, expected: float) -> None:
    assert share(start, end, 10, 30) == expected


def test_shares_of_chosen_hours() -> None:
    low, high = (LONDON.month_bounds(649)[0], LONDON.month_bounds(650)[1])  # February and March 2024
    allowed = AllowedTime.between(low, high, calendar=LONDON, mask=build_week_mask((22, 2), {4}))
    friday_22 = low + (24 + 22) * HOUR  # 2 February 2024 was a Friday
    assert share(friday_22, friday_22 + 4 * HOUR, low, high, allowed) == 1.0
    assert share(friday_22 - 2 * HOUR, friday_22 + 2 * HOUR, low, high, allowed) == 0.5
    assert share(friday_22 + HOUR, friday_22 + HOUR, low, high, allowed) == 1.0
    assert share(friday_22 - 1, friday_22 - 1, low, high, allowed) == 0.0
    assert share(low - 5 * HOUR, low - HOUR, low, high, allowed) == 0.0
    assert share(high + 1000 * HOUR, high + 1000 * HOUR, low, high, allowed) == 0.0


@given(
    MOMENTS,
    st.integers(0, 90 * 24 * HOUR),
    st.lists(MOMENTS, min_size=1, max_size=5, unique=True),
    st.sampled_from([None, (22, 4), (6, 14)]),
)
def test_parts_of_a_period_add_up_to_the_whole(
    start: int, length: int, cuts: list[int], hours: tuple[int, int] | None
) -> None:
    edges = [1_690_000_000, *sorted(cuts), 1_730_000_000]
    mask = build_week_mask(hours, ())
    allowed = AllowedTime.between(edges[0], edges[-1], calendar=LONDON, mask=mask) if hours else None
    whole = share(start, start + length, edges[0], edges[-1], allowed)
    parts = [share(start, start + length, low, high, allowed) for low, high in itertools.pairwise(edges)]
    assert sum(parts) == pytest.approx(whole, abs=1e-12)
    assert whole == 1.0 or hours is not None


def test_every_number_from_first_to_last() -> None:
    event, number = expand(np.array([3, 5, 1]), np.array([5, 5, 2]))
    assert event.tolist() == [0, 0, 0, 1, 2, 2]
    assert number.tolist() == [3, 4, 5, 5, 1, 2]


GROUPED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(1, 9)), max_size=60)


@pytest.mark.parametrize("sizes", [(5, 3), (5_000_000, 3)], ids=["few groups", "groups too many for a table"])
@given(rows=GROUPED)
def test_group_sums_are_those_of_a_dictionary(sizes: tuple[int, int], rows: list[tuple[int, int, int]]) -> None:
    expected: Counter[tuple[int, int]] = Counter()
    for first, second, weight in rows:
        expected[first, second] += weight
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    codes, sums = sum_groups([table[:, 0], table[:, 1]], sizes, table[:, 2].astype(np.float64))
    assert list(zip(codes[0].tolist(), codes[1].tolist(), strict=True)) == sorted(expected)
    assert sums.tolist() == [expected[key] for key in sorted(expected)]


def test_without_weights_groups_are_counted() -> None:
    (code,), sums = sum_groups([np.array([2, 0, 2], dtype=np.uint8)], [4])
    assert (code.tolist(), sums.tolist(), sums.dtype) == ([0, 2], [1.0, 2.0], np.float64)


def test_with_nothing_to_group_by_there_is_one_sum() -> None:
    codes, sums = sum_groups([], [], np.array([0.25, 0.5]))
    assert (codes, sums.tolist()) == ([], [0.75])


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_distinct_codes_are_those_of_unique(values: list[int]) -> None:
    array = np.array(values, dtype=np.uint64)
    distinct, inverse = np.unique(array, return_inverse=True)
    codes, found = number_distinct(array)
    assert (codes.tolist(), found.tolist()) == (inverse.tolist(), distinct.tolist())
