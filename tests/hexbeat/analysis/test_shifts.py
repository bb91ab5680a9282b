"""The busiest shift and its uncertainty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hexbeat.analysis.rhythm import SHIFT_HOURS, WeekdayHour, count_weekday_hours, find_busiest_shift
from layers.filters import Filter
from tests.support.demonstrations import demonstration


def grid(early: float, late: float, night: float, unknown: int = 0) -> WeekdayHour:
    hours = np.zeros((7, 24))
    hours[2, 7], hours[3, 15], hours[4, 23], hours[5, 2] = early, late, night / 2, night / 2
    return WeekdayHour(hours, round(early + late + night), unknown)


def test_a_clear_shift() -> None:
    found = find_busiest_shift(grid(60, 20, 30, unknown=12))
    assert (found.name, found.next, found.clear) == ("early", "night", True)
    assert found.counts == {"early": 60, "late": 20, "night": 30}
    assert found.p == pytest.approx(stats.binomtest(60, 90).pvalue)
    assert found.sentence == (
        "The busiest shift is early (06:00 to 14:00), with 55 % (between 45 % and 64 %) of the 110 records with a time "
        "of day. The next is night (22:00 to 06:00). 12 more have none."
    )


def test_shifts_that_cannot_be_told_apart() -> None:
    found = find_busiest_shift(grid(10, 12, 5))
    assert not found.clear
    assert found.sentence == (
        "Most fall in the late (14:00 to 22:00) shift: 44 % (between 25 % and 65 %) of the 27 records with a time of "
        "day. The early (06:00 to 14:00) shift may be as busy."
    )


@pytest.mark.parametrize(
    ("rhythm", "sentence"),
    [
        (grid(1, 0, 0), "Too few records to say which shift is busiest: 1 has a time of day."),
        (
            grid(0, 1, 1, unknown=1),
            "Too few records to say which shift is busiest: 2 have a time of day. 1 more has none.",
        ),
        (grid(0, 5, 0), "Too few records to say which shift is busiest: 5 have a time of day."),
        (  # one record of eight items says no more than any other one
            grid(8, 0, 0)._replace(known_hour=1),
            "Too few records to say which shift is busiest: 1 has a time of day.",
        ),
        (
            grid(0, 6, 0),
            (
                "The busiest shift is late (14:00 to 22:00), with 100 % (between 54 % and 100 %) of the 6 records with "
                "a time of day. The next is early (06:00 to 14:00)."
            ),
        ),
    ],
)
def test_where_no_shift_could_be_clear_no_share_is_given(rhythm: WeekdayHour, sentence: str) -> None:
    found = find_busiest_shift(rhythm)
    assert found.sentence == sentence
    assert found.too_few != found.clear


def test_no_known_hours() -> None:
    found = find_busiest_shift(grid(0, 0, 0, unknown=3))
    assert (found.name, found.clear, found.p) == (None, False, 1.0)
    assert found.sentence == ("No shift can be named. The time of day is not known for any of the 3 records.")


def test_the_demonstrations_rhythms_are_found() -> None:
    columns, _ = demonstration()
    named = {
        layer: find_busiest_shift(count_weekday_hours(columns, Filter(layers=(layer,))))
        for layer in ("needle_litter", "street_dealing", "overdoses")
    }
    assert {layer: one.name for layer, one in named.items()} == {
        "needle_litter": "early", "street_dealing": "late", "overdoses": "night",
    }  # fmt: skip
    assert all(one.clear for one in named.values())


@given(
    counts=st.lists(st.integers(0, 60), min_size=3, max_size=3),
)
def test_the_interval_holds_the_share_and_the_shifts_hold_the_day(counts: list[int]) -> None:
    found = find_busiest_shift(grid(*map(float, counts)))
    assert sum(found.counts.values()) == pytest.approx(sum(counts))
    assert sum((last - first) % 24 for first, last in SHIFT_HOURS.values()) == 24
    if sum(counts) >= 3:
        assert found.low <= found.share + 0.35  # shared halves are rounded for the interval
        assert found.high >= found.share - 0.35


def test_two_equal_shifts_are_called_different_no_more_than_promised() -> None:
    rng = np.random.default_rng(1)
    draws = rng.multinomial(60, [0.45, 0.45, 0.1], size=150)
    clear = np.mean([find_busiest_shift(grid(*map(float, draw))).clear for draw in draws])
    assert clear <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
