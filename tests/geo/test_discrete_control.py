"""Discrete control of false discoveries: against plain sums, against Benjamini and Hochberg, and on noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geo.bursts import count_tails
from geo.discrete_control import DiscreteNull, adjust_discrete
from geo.hotspots import benjamini_hochberg


def build_law(trials: float, share: float, dispersion: float) -> object:
    if dispersion <= 1:
        return stats.binom(int(trials), share)
    own = max(trials * share, 1e-3) / (dispersion - 1)
    return stats.betabinom(int(trials), own, own * (1 - share) / share)


@pytest.mark.parametrize("dispersion", [1.0, 1.4, 4.0])
@pytest.mark.parametrize("weight", [0.5, 1.0, 1.5])
def test_what_chance_passes_is_the_sum_of_the_chances_of_all_counts(dispersion: float, weight: float) -> None:
    generator = np.random.default_rng(3)
    trials = generator.integers(0, 60, 40).astype(float)
    share = generator.choice([1 / 37, 7 / 43, 0.3], 40)
    null = DiscreteNull.of_counts(trials, share, dispersion=dispersion, weight=weight)
    for threshold in (1e-6, 1e-4, 2e-3, 0.01, 0.049):
        expected = 0.0
        for number, part in zip(trials, share, strict=True):
            counts = np.arange(number + 1)
            law = build_law(number, part, dispersion)
            tails = law.sf(counts - 1)  # type: ignore[attr-defined]  # of either law
            expected += law.pmf(counts)[tails <= threshold * weight].sum()  # type: ignore[attr-defined]  # of either law
        assert null.count_passing(np.array([threshold]))[0] == pytest.approx(expected, rel=1e-6, abs=1e-8)
    assert null.count_passing(np.array([0.2]))[0] == pytest.approx(0.2 * 40 * weight)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 12)), min_size=1, max_size=40))
def test_it_is_never_less_sure_than_benjamini_and_hochberg(events: list[tuple[int, int]]) -> None:
    trials, inside = (np.array(column, dtype=float) for column in zip(*events, strict=True))
    inside = np.minimum(inside, trials)
    share = np.full(len(trials), 0.1)
    p = count_tails(inside, trials - inside, share)[0]
    null = DiscreteNull.of_counts(trials, share, dispersion=1.0, weight=1.0)
    adjusted, usual = adjust_discrete(p, [null]), benjamini_hochberg(p)
    assert (adjusted <= usual + 1e-7).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert ((adjusted >= 0) & (adjusted <= 1)).all()


def test_tests_of_thousands_of_events_are_as_benjamini_and_hochberg_have_them() -> None:
    generator = np.random.default_rng(4)
    trials, share = np.full(400, 100_000.0), np.full(400, 0.2)
    inside = generator.binomial(100_000, 0.2, 400).astype(float)
    inside[:20] += 600
    p = count_tails(inside, trials - inside, share)[0]
    adjusted = adjust_discrete(p, [DiscreteNull.of_counts(trials, share, dispersion=1.0, weight=1.0)])
    usual = benjamini_hochberg(p)
    small = usual < 0.05
    assert small.sum() >= 15
    assert (adjusted[small] <= usual[small] * (1 + 1e-9)).all()
    assert (adjusted[small] >= usual[small] * 0.9).all()  # one count more changes such a p by a few per cent


def test_few_events_are_found_that_the_full_threshold_hides_and_noise_is_not() -> None:
    """Most of these tests cannot be passed at 0.001 at all, or only at far less."""
    generator = np.random.default_rng(5)
    trials, share = generator.integers(2, 40, 1000).astype(float), np.full(1000, 0.02)
    null = DiscreteNull.of_counts(trials, share, dispersion=1.0, weight=1.0)
    shown, hidden = 0, 0
    for _ in range(200):
        inside = generator.binomial(trials.astype(int), 0.02).astype(float)
        p = count_tails(inside, trials - inside, share)[0]
        shown += int((adjust_discrete(p, [null]) <= 0.05).any())
        inside[:10] = np.minimum(5, trials[:10])
        p = count_tails(inside, trials - inside, share)[0]
        hidden += int((adjust_discrete(p, [null]) <= 0.05)[:10].sum() - (benjamini_hochberg(p) <= 0.05)[:10].sum())
    assert shown <= 18  # of 200, 10 are allowed; 18 has a chance of 1 in 100
    assert hidden >= 200  # one of ten in each
