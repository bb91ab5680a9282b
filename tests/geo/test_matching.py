"""Matching on the past: where nothing was done, an effect is found no more often than stated, also after a peak."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.effect import AFTER, RADIUS_M, SPANS, START, compare_place, find_members, list_middles, make_town
from geo.matching import (
    Comparison,
    Match,
    compare_with_controls,
    find_disjoint_places,
    find_similar_places,
    match_on_past,
)

PAST = np.array([[1, 4, 16.0], [2, 9, 30], [1, 4, 15], [0, 0, 2], [8, 20, 60]])


def test_the_nearest_pasts_are_chosen_and_weighted() -> None:
    match = match_on_past(PAST, np.array([1, 4, 16.0]), controls=3)
    assert match.index.tolist() == [0, 2, 1]
    assert match.distance[0] == 0
    gap = 2 * np.sqrt(PAST[2] + 0.375) - 2 * np.sqrt(PAST[0] + 0.375)
    assert match.distance[1] == pytest.approx(np.sqrt((gap**2).sum() / 6))
    assert match.weight.sum() == pytest.approx(1)
    assert match.weight[1] / match.weight[0] == pytest.approx(1 / (1 + match.distance[1] ** 2))


def test_fewer_places_than_asked_for_are_all_taken() -> None:
    assert match_on_past(PAST, PAST[0], controls=99).index.tolist() == [0, 2, 1, 3, 4]


def test_places_are_separate_and_the_busiest_come_first() -> None:
    x_m = np.array([0.0, 100, 290, 310, 900])
    chosen = find_disjoint_places(x_m, np.zeros(5), np.array([1.0, 5, 2, 2, 0]), separation_m=200)
    assert chosen.tolist() == [1, 3, 4]


def test_a_similar_place_comes_before_a_busier_one_that_overlaps_it() -> None:
    x_m, past = np.array([0.0, 100, 900, 1000]), np.array([[2.0, 10], [5, 30], [0, 1], [2, 9]])
    orders = [
        find_similar_places(x_m, np.zeros(4), past, np.array(own), separation_m=200)
        for own in ([2.0, 10], [5.0, 31], [0, 0])
    ]
    assert [one.tolist() for one in orders] == [[0, 3], [1, 3], [2, 0]]


def even_town(rate: float, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    level = random.gamma(2, rate / 2, 400)
    recent, rest = random.poisson(level * 0.3), random.poisson(level * 3)
    past = np.column_stack([recent, recent + rest * 0.2, recent + rest]).astype(float)
    return past, random.poisson(level).astype(float), ~np.eye(400, dtype=np.bool_)


def compare(after: float, own: NDArray[np.float64], rate: float = 20, alpha: float = 0.05) -> Comparison:
    past, after_counts, separate = even_town(rate)
    placebos = match_on_past(past, own, controls=199).index
    match = match_on_past(past, own, controls=20)
    return compare_with_controls(
        past, after_counts, own, after, match=match, placebos=placebos, separate=separate, alpha=alpha
    )


def test_a_planted_fall_is_found_and_an_ordinary_count_is_not() -> None:
    own = np.array([6, 18, 66.0])
    ordinary = compare(20, own)
    assert ordinary.expected == pytest.approx(20, abs=2.5)
    assert ordinary.interval[0] < 0 < ordinary.interval[1]
    fallen = compare(5, own)
    assert fallen.expected == ordinary.expected
    assert fallen.estimate == 5 - fallen.expected
    assert fallen.interval[1] < 0
    assert fallen.p == pytest.approx(2 / 200)
    assert 0.7 < fallen.dispersion < 1.6  # the counts are Poisson


def test_a_level_of_one_per_cent_is_wider() -> None:
    own = np.array([6, 18, 66.0])
    usual, strict = compare(20, own).interval, compare(20, own, alpha=0.01).interval
    assert strict[0] < usual[0]
    assert strict[1] > usual[1]


def test_few_placebos_give_a_wider_interval_by_students_t() -> None:
    past, after_counts, separate = even_town(20)
    few = np.arange(12)
    comparison = compare_with_controls(
        past[few], after_counts[few], past[12], after_counts[12],
        match=match_on_past(past[few], past[12], controls=8), placebos=few, separate=separate[np.ix_(few, few)],
    )  # fmt: skip
    scale = float(np.sqrt(np.mean(comparison.residuals**2)))
    assert len(comparison.residuals) == 12
    assert comparison.p_if_none < comparison.p or comparison.after == 0
    assert stats.t.ppf(0.975, 11) * scale > 1.96 * scale
    assert comparison.interval[0] < comparison.estimate < comparison.interval[1]


def test_without_placebos_nothing_is_judged() -> None:
    """Large places, such as a ward of a small town, all overlap. It used to warn, and answered 9 to 9."""
    past, after_counts, separate = even_town(8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        comparison = compare_with_controls(
            past, after_counts, past[0], 9.0,
            match=match_on_past(past, past[0], controls=5), placebos=np.arange(8), separate=np.zeros_like(separate),
        )  # fmt: skip
    assert len(comparison.residuals) == 0
    assert (comparison.p, comparison.p_if_none) == (1, 1)
    assert comparison.interval == (-np.inf, 9.0)
    assert np.isfinite([comparison.expected, comparison.error, comparison.dispersion]).all()


def test_the_rest_of_a_gap_in_the_past_adjusts_the_expectation_by_less_than_the_gap() -> None:
    past, after_counts, separate = even_town(20)
    peak = np.array([40.0, 60, 200])  # higher than any place: a full adjustment would take the peak for a level
    match = Match(np.arange(20), np.full(20, 0.05), np.zeros(20))
    comparison = compare_with_controls(
        past, after_counts, peak, 50.0, match=match, placebos=np.arange(199), separate=separate
    )
    gap = 200 - float(past[:20, -1].mean())
    assert 0 < comparison.adjustment < gap
    assert comparison.expected == pytest.approx(comparison.controls_after + comparison.adjustment)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["poisson", "clusters"])
def test_nothing_done_after_a_peak_is_rarely_called_an_effect(kind: str) -> None:
    random = np.random.default_rng(11)
    at, rejected = list_middles(), []
    for _ in range(12):
        points, time = make_town(kind, random)
        spans = [(time >= START - span) & (time < START) for span in SPANS]
        kept = np.column_stack([*spans, (time >= START) & (time < START + AFTER)]).astype(float)
        counts = find_members(points, at, RADIUS_M) @ kept
        rejected += [compare_place(counts, at, "peak", random)["rejects"] for _ in range(4)]
    # At 5 % it would be as many or more in fewer than 1 of 1,000 such tests; the seed is fixed.
    assert stats.binomtest(sum(rejected), len(rejected), 0.05, alternative="greater").pvalue > 0.001
