import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geo.change import compare_periods, count_fewest_events, e_test, ratio_interval
from geo.errors import UsageError

COUNTS = st.integers(0, 60)


def test_the_e_test_equals_the_published_p_values() -> None:
    # Krishnamoorthy and Thomson's worked examples.
    assert e_test(np.array([0, 2]), np.array([3, 6])).round(4).tolist() == [0.0884, 0.1749]


def e_test_by_enumeration(before: int, now: int, days: tuple[float, float], most: int = 400) -> float:
    """Every outcome up to `most` events, by the formula of the paper."""
    first, second = np.arange(most)[:, None], np.arange(most)[None, :]
    spread = np.sqrt(first / days[0] ** 2 + second / days[1] ** 2)
    spread[0, 0] = 1
    apart = np.abs(second / days[1] - first / days[0]) / spread
    pooled = (before + now) / sum(days)
    chance = stats.poisson.pmf(first, pooled * days[0]) * stats.poisson.pmf(second, pooled * days[1])
    return float(chance[apart >= apart[before, now] - 1e-9].sum())


@pytest.mark.slow
@given(COUNTS, COUNTS, st.sampled_from([(1.0, 1.0), (28.0, 31.0), (365.0, 28.0)]))
def test_the_e_test_equals_enumeration(before: int, now: int, days: tuple[float, float]) -> None:
    found = e_test(np.array([before]), np.array([now]), days_before=days[0], days_now=days[1])
    assert found == pytest.approx([e_test_by_enumeration(before, now, days)], abs=1e-9)


@pytest.mark.parametrize(
    ("before", "now", "days"),
    [(3, 246, (1.0, 1.0)), (60, 0, (28.0, 31.0)), (0, 90, (31.0, 28.0)), (150, 20, (1.0, 1.0))],
)
def test_a_small_p_is_exact_and_not_nought(before: int, now: int, days: tuple[float, float]) -> None:
    """It used to be 0 for 3 against 246."""
    (p,) = e_test(np.array([before]), np.array([now]), days_before=days[0], days_now=days[1])
    assert 0 < p < 1e-8
    assert p == pytest.approx(e_test_by_enumeration(before, now, days, most=1500), rel=1e-6)


@pytest.mark.parametrize(("before", "now"), [(0, 1999), (1999, 0), (0, 100_000), (100_000, 1)])
def test_no_p_is_nought(before: int, now: int) -> None:
    (p,) = e_test(np.array([before]), np.array([now]))
    assert 0 < p < 1e-100


def test_the_e_test_equals_scipy_where_rounding_does_not_part_them() -> None:
    # scipy compares statistics exactly, and so may leave out the observed outcome itself.
    pairs = np.array([[6, 2], [0, 5], [12, 4], [40, 60]])
    expected = [stats.poisson_means_test(one, 1, other, 1).pvalue for one, other in pairs.tolist()]
    assert e_test(*pairs.T) == pytest.approx(expected, abs=1e-9)


def test_outcomes_that_tie_with_the_observed_one_count() -> None:
    """Two in the long period and none in the short have the same statistic, but for rounding. scipy leaves them out."""
    (p,) = e_test(np.array([0]), np.array([2]), days_before=365, days_now=28)
    assert p == pytest.approx(0.482278, abs=5e-7)
    assert p == pytest.approx(e_test_by_enumeration(0, 2, (365, 28)), abs=1e-9)
    assert stats.poisson_means_test(0, 365, 2, 28).pvalue == pytest.approx(0.248802, abs=5e-7)


def test_many_events_go_by_the_conditional_test() -> None:
    many = e_test(np.array([1100, 999]), np.array([1000, 1001]))
    assert many[0] == pytest.approx(stats.binomtest(1000, 2100).pvalue, rel=1e-6)
    assert many[1] == pytest.approx(stats.poisson_means_test(999, 1, 1001, 1).pvalue, abs=1e-9)


@given(COUNTS, COUNTS)
def test_the_ratio_lies_in_its_interval_and_turns_with_the_periods(before: int, now: int) -> None:
    one = compare_periods(np.array([before]), np.array([now]), days_before=30, days_now=28)
    other = compare_periods(np.array([now]), np.array([before]), days_before=28, days_now=30)
    if before + now:
        assert one.low <= one.ratio <= one.high
        with np.errstate(divide="ignore"):
            assert 1 / other.high == pytest.approx(one.low)
    assert one.p == pytest.approx(other.p, abs=1e-9)
    assert one.kind.tolist() == [-other.kind[0]]


def test_the_interval_is_clopper_and_pearsons() -> None:
    low, high = ratio_interval(np.array([10]), np.array([20]))
    share = stats.binomtest(20, 30).proportion_ci(method="exact")
    assert low == pytest.approx([share.low / (1 - share.low)])
    assert high == pytest.approx([share.high / (1 - share.high)])


def test_no_events_are_too_few_to_show_a_change() -> None:
    none = compare_periods(np.array([0]), np.array([0]))
    assert none.too_few.tolist() == [True]
    assert np.isnan(none.ratio).all()
    assert (none.low[0], none.high[0], none.p[0], none.kind[0]) == (0, np.inf, 1, 0)


def test_the_fewest_events_are_those_whose_extreme_split_is_significant() -> None:
    assert count_fewest_events(0.5) == 6
    for share in (0.5, 0.3, 0.08):
        fewest, rarer = count_fewest_events(share), min(share, 1 - share)
        assert 2 * rarer**fewest <= 0.05 < 2 * rarer ** (fewest - 1)


def test_quiet_places_do_not_weigh_on_the_others() -> None:
    before, now = np.array([20, 5] + [1] * 500), np.array([50, 6] + [1] * 500)
    change = compare_periods(before, now)
    assert change.kind[:2].tolist() == [1, 0]
    assert change.q[0] == pytest.approx(2 * change.p[0])
    assert change.too_few[2:].all()
    assert np.isnan(change.q[2:]).all()


def test_rates_are_compared_over_periods_of_different_length() -> None:
    change = compare_periods(np.array([120.0]), np.array([10.5]), days_before=365, days_now=28)
    assert change.difference == pytest.approx([10.5 - 120 * 28 / 365])
    assert change.ratio == pytest.approx([10.5 / 28 / (120 / 365)])


@pytest.mark.slow
def test_noise_alone_rarely_shows_a_change() -> None:
    generator = np.random.default_rng(4)
    maps = [compare_periods(*generator.poisson(4, (2, 300))).kind.any() for _ in range(60)]
    assert np.mean(maps) <= 0.12  # 5 % promised; three in a hundred of such runs would show more than this


def test_negative_counts_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        compare_periods(np.array([-1]), np.array([1]))
    assert str(caught.value) == (
        "A comparison needs two periods with a length, and counts of 0 or more of the same places; the counts have "
        "shapes (1,) and (1,), the periods 1.0 and 1.0 days; count the same cells or wards in both periods"
    )
