import numpy as np
import pytest
from scipy import optimize, stats

from geo.errors import UsageError
from geo.farrington import _expect_count, _find_baseline_weeks, _weigh_down_outbreaks, farrington_flexible
from geo.tails import count_quantile, poisson_at_least

WEEKS = np.arange(52 * 5 + 20)


def seasonal(seed: int, *, mean: float, columns: int = 4) -> np.ndarray:
    """Weekly counts with a yearly wave and a slow rise."""
    rate = mean * (1 + 0.5 * np.sin(2 * np.pi * WEEKS / 52)) * (1 + WEEKS / 1000)
    return np.random.default_rng(seed).poisson(rate[:, None], (len(WEEKS), columns)).astype(float)


def test_expected_follows_the_season_and_the_trend() -> None:
    found = farrington_flexible(seasonal(1, mean=200, columns=1), last=40)
    rate = 200 * (1 + 0.5 * np.sin(2 * np.pi * WEEKS / 52)) * (1 + WEEKS / 1000)
    # Seasons are steps of five to seven weeks; within one the wave moves by up to a fifth.
    assert found.expected[-40:, 0] == pytest.approx(rate[-40:], rel=0.22)
    assert np.isnan(found.expected[:-40]).all()


def test_a_planted_outbreak_is_an_alarm_and_noise_rarely() -> None:
    counts = seasonal(2, mean=10)
    quiet = farrington_flexible(counts, last=20)
    assert quiet.alarm.sum() <= 3  # of 80 judged weeks, 0.5 % promised
    counts[-1, 0] += 25
    found = farrington_flexible(counts, last=1)
    assert found.alarm[-1].tolist()[0]
    assert found.statistic[-1, 0] > 1
    assert (found.alarm == (found.statistic > 1)).all()


def test_a_past_outbreak_hardly_raises_the_bound() -> None:
    counts = seasonal(3, mean=10, columns=1)
    before = farrington_flexible(counts).upper[-1, 0]
    counts[-54:-51] += 60  # the same season, a year ago
    after = farrington_flexible(counts).upper[-1, 0]
    assert before <= after < 1.6 * before


def test_uneven_counts_raise_the_bound() -> None:
    generator = np.random.default_rng(4)
    even = generator.poisson(10, (len(WEEKS), 1)).astype(float)
    uneven = generator.negative_binomial(2, 2 / 12, (len(WEEKS), 1)).astype(float)
    assert farrington_flexible(uneven).upper[-1, 0] > farrington_flexible(even).upper[-1, 0] + 5


def test_no_past_events_and_hardly_any_now_are_no_alarm() -> None:
    counts = np.zeros((len(WEEKS), 2))
    counts[-1] = [3, 9]
    found = farrington_flexible(counts)
    assert found.alarm[-1].tolist() == [False, True]


def test_the_season_of_a_week_is_the_same_weeks_of_earlier_years() -> None:
    ages, season = _find_baseline_weeks(52 * 5 + 10)
    assert ages.min() == 27
    assert ages[season == 0].tolist() == [year * 52 + step for year in range(1, 6) for step in range(-3, 4)]
    assert set(season.tolist()) == set(range(10))
    assert np.bincount(season).min() >= 5 * 4


def test_published_numbers_of_the_r_package_surveillance() -> None:
    """Its tests/testthat/test-farringtonFlexible.R: weights checked by hand; bounds of a mean of 5 ("nbPlugin")."""
    assert _weigh_down_outbreaks(np.repeat([0.0, 2.0], 5), 0.0) == pytest.approx(np.repeat([1.6, 0.4], 5))
    assert [count_quantile(chance, 5.0, 1.5) for chance in (0.05, 0.95)] == [1, 10]
    assert [count_quantile(chance, 5.0, 1.0) for chance in (0.05, 0.95)] == [2, 9]
    assert float(poisson_at_least(11, 5.0)) == pytest.approx(0.01369527, abs=1e-8)


@pytest.mark.parametrize(("mean", "size"), [(0.7, None), (6.0, None), (20.0, 3.0)])
def test_the_expectation_is_that_of_the_likelihoods_maximum(mean: float, size: float | None) -> None:
    """Written anew: Poisson likelihood with weights by a general optimiser, dispersion and quantile by scipy.stats."""
    generator = np.random.default_rng(6)
    ages, season = _find_baseline_weeks(52 * 5 + 10)
    rate = mean * (1 + 0.4 * np.cos(season))
    past = (generator.poisson(rate) if size is None else generator.negative_binomial(size, size / (size + rate))) * 1.0
    past[100] += 12 * mean  # an outbreak, so that weights are used
    design = np.column_stack([np.ones(len(ages)), -ages / 52, *(season == one for one in range(1, 10))]).astype(float)

    def fitted(weights: np.ndarray) -> tuple[np.ndarray, float, float]:
        def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
            means = np.exp(design @ beta)
            return float((weights * (means - past * (design @ beta))).sum()), design.T @ (weights * (means - past))

        beta = optimize.minimize(loss, np.zeros(11), jac=True, method="BFGS", options={"gtol": 1e-9}).x
        means = np.exp(design @ beta)
        spread = (weights * (past - means) ** 2 / means).sum() / (len(past) - 11)
        return means, float(np.exp(beta[0])), max(1.0, float(spread))

    means, _, spread = fitted(np.ones(len(past)))
    root = np.sqrt(means)[:, None] * design
    leverage = np.diag(root @ np.linalg.solve(root.T @ root, root.T))
    anscombe = 1.5 * (past ** (2 / 3) * means ** (-1 / 6) - np.sqrt(means)) / np.sqrt(spread * (1 - leverage))
    weights = np.where(anscombe > 2.58, 1 / anscombe**2, 1.0)
    assert (weights < 1).any()
    _, now, spread = fitted(weights * len(past) / weights.sum())
    upper = stats.nbinom.ppf(0.995, now / (spread - 1), 1 / spread) if spread > 1 else stats.poisson.ppf(0.995, now)
    assert _expect_count(past, ages, season, 0.005) == (pytest.approx(now, rel=1e-5), upper)


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        farrington_flexible(np.zeros((120, 1)))
    assert str(caught.value) == (
        "Farrington's method needs three years before the first week that it tests; there are 119 weeks; use EARS"
    )
