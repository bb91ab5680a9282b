from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo import permutation as shuffling
from geo.errors import UsageError
from geo.permutation import FINEST_UNIT, MOST_UNITS, build_sum_distribution, to_units

UNITS = hnp.arrays(np.int64, st.integers(3, 9), elements=st.integers(0, 6))


def sums_by_enumeration(units: np.ndarray, draws: int) -> np.ndarray:
    """The chance of each sum, over every choice of cells."""
    sums = [sum(choice) for choice in combinations(units.tolist(), draws)]
    return np.bincount(sums) / len(sums)


@given(UNITS, st.integers(1, 3))
def test_the_distribution_equals_enumeration(units: np.ndarray, draws: int) -> None:
    chance = build_sum_distribution(units, most_draws=3).chance[draws]
    expected = sums_by_enumeration(units, draws)
    assert chance[: len(expected)] == pytest.approx(expected, abs=1e-14)
    assert not chance[len(expected) :].any()


@given(UNITS)
def test_the_fourier_way_equals_the_shift_way(units: np.ndarray) -> None:
    histogram = np.bincount(units)
    by_shifts, by_fourier = shuffling._build_by_shifts(histogram, 3), shuffling._build_by_fourier(histogram, 3)  # noqa: SLF001  # two ways to one table
    assert by_fourier == pytest.approx(by_shifts, abs=1e-13)


@pytest.mark.parametrize("mean", [0.05, 1, 30])
def test_both_ways_agree_on_a_town(mean: float) -> None:
    histogram = np.bincount(np.random.default_rng(3).negative_binomial(0.5, 0.5 / (0.5 + mean), 4000))
    by_shifts, by_fourier = shuffling._build_by_shifts(histogram, 7), shuffling._build_by_fourier(histogram, 7)  # noqa: SLF001  # two ways to one table
    assert np.abs(by_fourier - by_shifts).max() < 1e-14
    assert by_shifts.sum(axis=1) == pytest.approx(np.ones(8), abs=1e-12)


def test_large_neighbourhoods_do_not_overflow() -> None:
    null = build_sum_distribution(np.random.default_rng(3).poisson(0.3, 4000), most_draws=120)
    assert null.chance.sum(axis=1) == pytest.approx(np.ones(121), abs=1e-10)
    assert null.chance[100] @ np.arange(null.chance.shape[1]) == pytest.approx(30, rel=0.1)


@given(UNITS, st.integers(1, 3), st.integers(0, 25))
def test_the_tails_are_tails(units: np.ndarray, draws: int, total: int) -> None:
    null, expected = build_sum_distribution(units, most_draws=3), sums_by_enumeration(units, draws)
    cells, sums = np.array([draws]), np.array([total])
    if total < len(expected) and expected[total] > 0:
        point = expected[total]
        assert null.at_least(cells, sums) == pytest.approx([expected[total:].sum()])
        assert null.at_most(cells, sums) == pytest.approx([expected[: total + 1].sum()])
        assert null.at_least(cells, sums, mid=True) == pytest.approx([expected[total:].sum() - point / 2])
        assert null.at_most(cells, sums, mid=True) == pytest.approx([expected[: total + 1].sum() - point / 2])
    assert 0 < null.at_least(cells, sums)[0] <= 1


def test_an_impossible_sum_has_the_chance_of_one_draw() -> None:
    null = build_sum_distribution(np.zeros(10, dtype=np.int64), most_draws=2)
    assert null.at_least(np.array([2]), np.array([5])) == pytest.approx([1 / 45])


def test_whole_counts_keep_their_unit() -> None:
    units, unit = to_units(np.array([0, 3, 7]), most_draws=7)
    assert (units.tolist(), unit) == ([0, 3, 7], 1.0)


def test_shared_counts_are_rounded_to_sixteenths() -> None:
    units, unit = to_units(np.array([0.5, 1 / 3]), most_draws=7)
    assert (units.tolist(), unit) == ([8, 5], FINEST_UNIT)


def test_great_counts_take_a_greater_unit() -> None:
    units, unit = to_units(np.array([100_000, 3]), most_draws=7)
    assert (units.tolist(), unit) == ([12_500, 0], 8.0)
    assert 7 * 100_000 / unit <= MOST_UNITS < 7 * 100_000 / (unit / 2)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_values_that_are_no_counts_are_refused(bad: float) -> None:
    with pytest.raises(UsageError) as caught:
        to_units(np.array([1.0, bad]), most_draws=7)
    assert str(caught.value) == (
        "Values to shuffle are finite counts of 0 or more; 1 of 2 are not; count events with "
        "layers.counting.count, or leave those cells out"
    )


def test_more_draws_than_cells_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_sum_distribution(np.array([1, 2]), most_draws=3)
    assert str(caught.value) == (
        "A neighbourhood cannot have more cells than the study area; you asked for 3 draws from 2 cells; use a "
        "larger study area "
        "or a smaller neighbourhood"
    )


def test_the_fewest_that_stand_out_are_the_first_rare_sum() -> None:
    null = build_sum_distribution(np.random.default_rng(3).poisson(0.3, 500), most_draws=7)
    fewest = null.fewest(0.01)
    for draws in (1, 4, 7):
        pair = np.array([fewest[draws], fewest[draws] - 1], dtype=np.int64)
        rare, usual = null.at_least(np.full(2, draws), pair)
        assert rare <= 0.01 < usual
    assert fewest[0] == np.inf
    assert null.fewest(1e-5)[1] == np.inf  # one draw of 500 cells is never as rare
