import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from geo.travel import PACES, Pace, round_up_minutes, travel_times_s


def test_times_are_whole_seconds_rounded_up_with_parking_at_each_place() -> None:
    apart = np.array([[0.0, 1000.0], [1000.0, 0.0]])
    assert travel_times_s(apart, PACES["walk"]).tolist() == [[0, 975], [975, 0]]  # 1,300 m at 4.8 km/h
    assert travel_times_s(apart, PACES["drive"]).tolist() == [[0, 270], [270, 0]]  # 1,400 m at 24 km/h, and a minute
    assert round_up_minutes(np.array([0, 1, 60, 61])).tolist() == [0, 60, 60, 120]


@given(st.floats(0, 20_000), st.floats(0, 20_000))
def test_who_goes_further_takes_no_less_time(one: float, other: float) -> None:
    times = travel_times_s(np.array(sorted((one, other))), PACES["walk"])
    assert times[0] <= times[1]


@pytest.mark.parametrize("pace", [Pace(0, 1.3), Pace(4.8, 0.9), Pace(4.8, 1.3, -1)])
def test_a_pace_that_is_none_is_refused(pace: Pace) -> None:
    with pytest.raises(UsageError) as caught:
        travel_times_s(np.zeros((1, 1)), pace)
    assert str(caught.value) == (
        "A pace needs a speed above 0, a detour of 1 or more and a parking time of 0 or more; they are "
        f"{pace.speed_kmh} km/h, {pace.detour} and {pace.parking_s} s; use 4.8 km/h with a detour of 1.3, which is "
        "usual on foot"
    )
