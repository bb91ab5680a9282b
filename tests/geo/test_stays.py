"""Stays of a track: as walked, never longer than the track, never at two places at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.distance import METRES_PER_DEGREE
from geo.stays import find_stays

LAT = 54.57
EAST = 1 / (METRES_PER_DEGREE * np.cos(np.radians(LAT)))  # degrees of longitude in a metre
PLACES = np.array([0.0, 300.0, 420.0])  # metres east; the last two overlap at a radius of 100 m


def stays(seconds: list[float], metres: list[float], *, radius_m: float = 100) -> list[tuple[int, int, int, int]]:
    found = find_stays(
        np.array(seconds),
        np.array(metres) * EAST,
        np.full(len(metres), LAT),
        PLACES * EAST,
        np.full(3, LAT),
        radius_m=radius_m,
    )
    return [(stay.place, round(stay.start), round(stay.end), round(stay.seconds)) for stay in found]


def test_a_walk_past_is_as_long_as_the_way_through_the_circle() -> None:
    # 600 m in 600 s, 1 m/s: 100 m each side of the first place, to the midpoint (360 m) of the second and the third.
    assert stays([0, 600], [-150, 450]) == [(0, 50, 250, 200), (1, 350, 510, 160), (2, 510, 600, 90)]


def test_standing_still_counts_whatever_the_number_of_fixes() -> None:
    many = [float(second) for second in range(0, 601, 10)]
    assert stays(many, [5.0] * len(many)) == [(0, 0, 600, 600)]
    assert stays([0, 600], [5, 5]) == [(0, 0, 600, 600)]
    assert stays([600, 0], [5, 5]) == [(0, 0, 600, 600)]


def test_a_pause_counts_at_one_place_only_and_not_for_ever() -> None:
    assert stays([0, 1500], [5, 5]) == [(0, 0, 1500, 1500)]  # the receiver slept while nobody moved
    assert stays([0, 1500], [5, 305]) == []  # nobody knows where it was in between
    assert stays([0, 2760], [5, 5]) == []  # nor after three quarters of an hour


def test_short_absences_do_not_part_a_stay_and_long_ones_do() -> None:
    out = [0, 300, 310, 400, 410, 700]
    assert stays(out, [0, 0, 150, 150, 0, 0]) == [(0, 0, 700, pytest.approx(603, abs=5))]
    back = [0, 300, 310, 500, 510, 800]
    assert [(place, start) for place, start, _, _ in stays(back, [0, 0, 150, 150, 0, 0])] == [(0, 0), (0, 505)]


def test_nothing_comes_of_nothing() -> None:
    assert stays([], []) == []
    assert stays([0], [0]) == []
    assert stays([0, 0], [0, 0]) == []
    assert find_stays(*(np.zeros(2),) * 3, np.zeros(0), np.zeros(0), radius_m=100) == []


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(-600, 900)), min_size=2, max_size=30),
    st.sampled_from([30.0, 100.0, 250.0]),
)
def test_stays_are_never_longer_than_the_track_nor_at_two_places(steps: list[tuple[int, int]], radius_m: float) -> None:
    seconds = np.cumsum([step for step, _ in steps]).astype(float).tolist()
    metres = [float(place) for _, place in steps]
    found = stays(seconds, metres, radius_m=radius_m)
    assert sum(spent for *_, spent in found) <= seconds[-1] - seconds[0] + len(found)
    for place, start, end, spent in found:
        assert seconds[0] <= start + 1
        assert end <= seconds[-1] + 1
        assert 0 < spent + 1 <= end - start + 2
        assert place in range(3)
    mixed = np.random.default_rng(1).permutation(len(seconds))
    assert stays([seconds[k] for k in mixed], [metres[k] for k in mixed], radius_m=radius_m) == found
