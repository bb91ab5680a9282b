"""Parity with scipy.stats."""

import numpy as np
import pytest
from scipy import stats

from geo.tails import (
    binomial_at_least,
    binomial_at_most,
    count_quantile,
    poisson_at_least,
    share_interval,
    student_above,
    student_quantile,
)

SHARES = (0.01, 0.3, 0.5, 0.97)


def test_poisson_tails() -> None:
    counts, means = np.meshgrid(np.arange(-2, 40), [0.0, 1e-6, 0.3, 2.5, 30.0])
    expected = stats.poisson.sf(counts - 1, means)
    assert poisson_at_least(counts, means) == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("tries", [1, 2, 7, 500])
def test_binomial_tails_and_intervals(tries: int) -> None:
    for hits in {0, 1, tries // 3, tries - 1, tries}:
        for share in SHARES:
            expected = stats.binom.sf(hits - 1, tries, share)
            assert binomial_at_least(hits, tries, share) == pytest.approx(expected, rel=1e-9)
            assert binomial_at_most(hits, tries, share) == pytest.approx(stats.binom.cdf(hits, tries, share), rel=1e-9)
        for level in (0.8, 0.95):
            interval = stats.binomtest(hits, tries).proportion_ci(confidence_level=level, method="exact")
            assert share_interval(hits, tries, level=level) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert share_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("mean", [0.001, 0.4, 3.0, 77.5, 4000.0])
@pytest.mark.parametrize("chance", [0.01, 0.5, 0.995])
def test_quantiles(mean: float, chance: float) -> None:
    assert count_quantile(chance, mean) == stats.poisson.ppf(chance, mean)
    for spread in (1.01, 2.5, 40.0):
        expected = stats.nbinom.ppf(chance, mean / (spread - 1), 1 / spread)
        assert count_quantile(chance, mean, spread) == expected


@pytest.mark.parametrize("freedom", [1, 2, 7, 30, 117])
def test_students_tails_and_quantiles(freedom: int) -> None:
    for value in (-3.0, 0.0, 0.4, 1.96, 12.0, 300.0):
        assert student_above(value, freedom) == pytest.approx(stats.t.sf(value, freedom), rel=1e-12)
    for chance in (0.005, 0.2, 0.5, 0.95, 0.975, 0.9995):
        expected = stats.t.ppf(chance, freedom)
        assert student_quantile(chance, freedom) == pytest.approx(expected, rel=1e-12, abs=1e-12)
