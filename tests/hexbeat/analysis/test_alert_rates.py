"""Thresholds of alerts: from the table, and learnt from a restless past."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.prospective_scan import GrowingAlert, Signal
from hexbeat.analysis.alert_rates import (
    PAST_DAYS,
    RAREST,
    Tail,
    estimate_alerts_a_year,
    find_threshold,
    learn_tails,
    raise_threshold,
)


@settings(max_examples=40, deadline=None)
@given(
    often=st.floats(0.05, 8.0),
    events=st.floats(0.01, 60.0),
    places=st.integers(20, 5000),
    fewest=st.sampled_from([2, 3]),
)
def test_a_threshold_is_reached_as_often_as_it_promises(often: float, events: float, places: int, fewest: int) -> None:
    level = float(find_threshold(often, events_a_day=events, places=places, fewest=fewest))
    back = estimate_alerts_a_year(level, events_a_day=events, places=places, fewest=fewest)
    assert back == pytest.approx(max(often, RAREST), rel=1e-6)
    assert float(find_threshold(often / 2, events_a_day=events, places=places, fewest=fewest)) > level


def test_a_larger_area_is_like_towns_that_may_each_hold_all_of_its_events() -> None:
    """In Cleveland's cells thresholds for an even share of the events were reached about twice as often as promised."""
    one = estimate_alerts_a_year(12.0, events_a_day=2.0, places=446, fewest=2)
    assert estimate_alerts_a_year(12.0, events_a_day=2.0, places=892, fewest=2) == pytest.approx(2 * one)
    assert estimate_alerts_a_year(12.0, events_a_day=1.0, places=223, fewest=2) == pytest.approx(one / 2)


def make_alerts(days: list[int], statistic: float) -> list[GrowingAlert]:
    return [GrowingAlert([Signal(day, 1, np.array([0]), 3, 0.1, statistic)]) for day in days]


def test_a_restless_past_raises_the_threshold_and_one_great_outbreak_hardly_does() -> None:
    low, high = np.full(1100, 8.0), np.full(1100, 10.0)
    days = list(range(20, 1090, 20))
    tails = learn_tails(make_alerts(days, 8 + 2 * np.log(2)), low, first_row=0)
    assert tails[:2] == [None, None]  # too short a past
    tail = tails[-1]
    assert tail is not None
    assert tail.scale == pytest.approx(2.0)
    assert tail.alerts_a_year == pytest.approx(18.25, rel=0.05)
    raised = raise_threshold(high, low, tails, alerts_a_year=1.0)
    assert raised[:182] == pytest.approx(high[:182])
    assert raised[-1] == pytest.approx(8 + 2 * np.log(tail.alerts_a_year))
    great = [*make_alerts(days, 8 + 2 * np.log(2)), *make_alerts([1005], 90.0)]
    again = raise_threshold(high, low, learn_tails(great, low, first_row=0), alerts_a_year=1.0)
    assert again[-1] == pytest.approx(raised[-1], abs=0.1)


def test_a_calm_past_lowers_nothing() -> None:
    low, high = np.full(1000, 8.0), np.full(1000, 12.0)
    calm = [Tail(5.0, 0.5)] * (len(low) // 91 + 1)
    assert raise_threshold(high, low, calm, alerts_a_year=1.0) == pytest.approx(high)
    assert learn_tails([], low, first_row=len(low) - PAST_DAYS) == [None] * (len(low) // 91 + 1)
