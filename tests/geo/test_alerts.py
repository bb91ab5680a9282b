import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo.alerts import Alerts, ears, estimate_false_alarms
from geo.errors import UsageError

SERIES = hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(0, 12))


def column(*counts: float) -> np.ndarray:
    return np.array(counts, dtype=float)[:, None]


def test_c1_and_c2_by_hand() -> None:
    counts = column(2, 4, 6, 4, 2, 4, 6, 30, 5, 20)
    plain = {"sigma_floor": 0.0, "fewest": 0.0}
    one, two = ears(counts, method="C1", **plain), ears(counts, method="C2", **plain)
    # Baseline of day 7 for C1, of day 9 for C2: 2 4 6 4 2 4 6; mean 4; variance 16 / 6 is less than Poisson's 4.
    assert one.expected[7, 0] == two.expected[9, 0] == 4
    assert one.statistic[7, 0] == pytest.approx((30 - 4) / 2)
    assert two.statistic[9, 0] == pytest.approx((20 - 4) / 2)
    assert one.upper[7, 0] == 10
    assert one.alarm[:, 0].tolist() == [False] * 7 + [True, False, False]
    assert two.alarm[:, 0].tolist() == [False] * 9 + [True]


def test_an_uneven_baseline_keeps_its_own_spread() -> None:
    counts = column(0, 0, 20, 0, 0, 20, 0, 30)
    found = ears(counts, method="C1")
    assert found.statistic[7, 0] == pytest.approx((30 - counts[:7].mean()) / counts[:7].std(ddof=1))


def test_c3_adds_up_three_days_of_slow_rise() -> None:
    counts = column(*[4] * 9, 8, 8, 8)
    two, three = ears(counts, method="C2"), ears(counts, method="C3")
    assert not two.alarm.any()
    assert two.statistic[9:11, 0].tolist() == [2, 2]
    assert three.statistic[11, 0] == pytest.approx((two.statistic[9:12, 0] - 1).sum())
    assert three.alarm[:, 0].tolist() == [False] * 11 + [True]


@given(SERIES, st.sampled_from(["C1", "C2", "C3"]))
def test_the_future_changes_nothing(counts: np.ndarray, method: str) -> None:
    whole, part = ears(counts, method=method), ears(counts[: len(counts) // 2 + 1], method=method)
    for one, other in ((whole.statistic, part.statistic), (whole.expected, part.expected), (whole.alarm, part.alarm)):
        np.testing.assert_array_equal(one[: len(other)], other)


@given(SERIES)
def test_a_short_history_never_alarms(counts: np.ndarray) -> None:
    found = ears(counts, method="C2")
    assert np.isnan(found.statistic[:9]).all()
    assert not found.alarm[:9].any()


def test_one_event_after_a_quiet_week_is_no_alarm() -> None:
    counts = column(*[0] * 20, 1)
    assert not ears(counts).alarm.any()
    assert ears(counts, sigma_floor=0.1, fewest=1).alarm[-1, 0]


def test_floors_keep_false_alarms_of_sparse_series_few() -> None:
    with_floors = estimate_false_alarms(ears, mean=0.2, series=50)
    without = estimate_false_alarms(lambda counts: ears(counts, sigma_floor=0.01, fewest=1), mean=0.2, series=50)
    assert with_floors < 1
    assert without > 10


def test_false_alarms_are_counted_over_the_year_alone() -> None:
    def always(counts: np.ndarray) -> Alerts:
        return Alerts(counts, counts, counts, np.ones(counts.shape, dtype=bool))

    assert estimate_false_alarms(always, mean=1, size=0.5, times_a_year=52, history=10, series=3) == 52


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        ears(column(1), method="C4")
    assert str(caught.value) == "EARS has the methods C1, C2 and C3; you asked for C4; choose C2, the usual method"
