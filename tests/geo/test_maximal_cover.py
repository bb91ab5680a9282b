from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from geo.errors import UsageError
from geo.maximal_cover import find_best_cover, find_greedy_cover


def by_brute_force(reaches: np.ndarray, demand: np.ndarray, number: int) -> float:
    choices = combinations(range(reaches.shape[1]), min(number, reaches.shape[1]))
    return max(float(demand[reaches[:, list(choice)].any(axis=1)].sum()) for choice in choices)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(1, 9), st.integers(1, 4))
def test_the_cover_is_the_best_that_brute_force_finds(seed: int, points: int, candidates: int, number: int) -> None:
    random = np.random.default_rng(seed)
    reaches = (random.uniform(size=(points, candidates)) < 0.3).astype(float)
    demand = random.integers(0, 5, points).astype(float)
    cover = find_best_cover(csr_array(reaches), demand, number)
    assert cover.covered == pytest.approx(by_brute_force(reaches, demand, number))
    assert cover.proven
    assert cover.gap == 0
    assert len(cover.chosen) <= number
    assert cover.gain.sum() == pytest.approx(cover.covered)
    assert (np.diff(cover.gain) <= 1e-9).all()
    assert demand[reaches[:, cover.chosen].any(axis=1)].sum() == cover.covered


def test_greedy_is_only_a_start() -> None:
    # The largest candidate covers the middle of both halves; the two halves together cover more.
    reaches = csr_array(np.array([[1, 0, 0], [1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 1], [0, 1, 0.0]]))
    assert find_greedy_cover(reaches, np.ones(6), 2).tolist() == [2, 0]
    best = find_best_cover(reaches, np.ones(6), 2)
    assert best.chosen.tolist() == [0, 1]
    assert best.covered == 6


def test_there_is_a_bound_when_time_is_up() -> None:
    random = np.random.default_rng(3)
    reaches = csr_array((random.uniform(size=(400, 150)) < 0.05).astype(float))
    cover = find_best_cover(reaches, random.integers(1, 9, 400).astype(float), 12, seconds=1e-9)
    assert cover.covered <= cover.bound
    assert cover.proven == (cover.gap == 0)
    assert len(cover.chosen) == 12


def test_nothing_to_cover_chooses_nothing() -> None:
    cover = find_best_cover(csr_array((3, 4)), np.ones(3), 2)
    assert (len(cover.chosen), cover.covered, cover.proven) == (0, 0.0, True)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        find_best_cover(csr_array((3, 4)), np.ones(2), 0)
    assert str(caught.value) == (
        "A cover needs a demand of 0 or more for each point, and at least one place to choose; "
        "there are 3 points, 2 demands and 0 places; count the events of the same points, and ask for one place or more"
    )
