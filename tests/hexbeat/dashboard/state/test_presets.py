from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.dashboard.state.presets import (
    DEFAULT_PERIOD,
    PERIODS,
    SHIFTS,
    find_period_before,
)

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("7d", date(2026, 11, 15), date(2026, 11, 22)),
        ("28d", date(2026, 10, 25), date(2026, 11, 22)),
        ("90d", date(2026, 8, 24), date(2026, 11, 22)),
        ("quarter", date(2026, 10, 1), date(2026, 11, 22)),
        ("last-quarter", date(2026, 7, 1), date(2026, 10, 1)),
        ("year", date(2025, 11, 22), date(2026, 11, 22)),
    ],
)
def test_a_preset_means_these_days_when_the_last_known_day_is_21_november(name: str, start: date, end: date) -> None:
    assert PERIODS[name].bounds(date(2026, 11, 21)) == (start, end)


def test_the_quarter_before_the_first_is_in_the_year_before() -> None:
    assert PERIODS["last-quarter"].bounds(date(2026, 2, 3)) == (date(2025, 10, 1), date(2026, 1, 1))


def test_a_year_that_ends_with_28_february_of_a_leap_year_keeps_its_days() -> None:
    assert PERIODS["year"].bounds(date(2024, 2, 28)) == (date(2023, 3, 1), date(2024, 2, 29))


@given(DAYS)
def test_every_preset_but_last_quarter_ends_with_the_last_known_day(last: date) -> None:
    for name, preset in PERIODS.items():
        start, end = preset.bounds(last)
        assert start < end
        assert (end == last + timedelta(days=1)) == (name != "last-quarter")


@given(DAYS, st.integers(1, 4000))
def test_the_period_before_is_as_long_and_ends_where_this_one_starts(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    first, until = find_period_before(start, end)
    assert (until, until - first) == (start, end - start)


def test_the_three_shifts_cover_every_hour_once() -> None:
    hours = [shift.hours for shift in SHIFTS.values() if shift.hours]
    covered = [hour % 24 for first, until in hours for hour in range(first, until if until > first else until + 24)]
    assert sorted(covered) == list(range(24))


def test_the_period_on_opening_is_one_of_the_presets() -> None:
    assert DEFAULT_PERIOD in PERIODS
