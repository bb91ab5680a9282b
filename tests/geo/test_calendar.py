"""The local calendar: every local day, month, weekday and hour, over both clock changes."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.calendar import (
    HOURS_A_WEEK,
    AllowedTime,
    Calendar,
    add_months,
    add_months_to_all,
    build_week_mask,
    find_month_start,
    format_month,
    list_months,
    parse_month,
)
from geo.errors import UsageError

LONDON = Calendar("Europe/London")
ZONES = st.sampled_from(["Europe/London", "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
# 1995 to 2049; Lord Howe Island's half-hour summer time and Nepal's 45 minutes fit the steps of a quarter.
SECONDS = st.integers(788_918_400, 2_493_072_000)


@given(SECONDS, ZONES)
def test_local_times_are_those_of_the_standard_library(second: int, zone: str) -> None:
    calendar = Calendar(zone)
    local = dt.datetime.fromtimestamp(second, ZoneInfo(zone))
    moment = np.array([second])
    assert calendar.days(moment).tolist() == [(local.date() - dt.date(1970, 1, 1)).days]
    assert calendar.months(moment).tolist() == [(local.year - 1970) * 12 + local.month - 1]
    assert calendar.weekdays(moment).tolist() == [local.weekday()]
    assert calendar.week_hours(moment).tolist() == [local.weekday() * 24 + local.hour]
    low, high = calendar.day_bounds(local.date())
    assert low <= second < high
    low, high = calendar.month_bounds(calendar.months(moment).tolist()[0])
    assert low <= second < high


@pytest.mark.parametrize(
    ("day", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25), (dt.date(2026, 6, 1), 24)]
)
def test_days_of_a_clock_change_are_shorter_and_longer(day: dt.date, hours: int) -> None:
    low, high = LONDON.day_bounds(day)
    assert high - low == hours * 3600


def test_summer_midnight_is_eleven_at_night_in_utc() -> None:
    assert LONDON.day_start(dt.date(2024, 7, 1)) == 1_719_788_400
    assert LONDON.month_bounds((2024 - 1970) * 12 + 6) == (1_719_788_400, 1_722_466_800)


def test_months_have_names() -> None:
    assert [format_month(month) for month in (0, 11, 12, 683)] == ["1970-01", "1970-12", "1971-01", "2026-12"]


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Calendar("Europe/Middlesbrough")
    assert str(caught.value) == (
        "A time zone is a name from the IANA database; there is no time zone 'Europe/Middlesbrough'; write a name such "
        "as Europe/London"
    )


def test_all_hours_of_all_days_are_the_whole_week() -> None:
    assert build_week_mask(None, ()).all()
    assert build_week_mask((0, 24), range(7)).all()


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = build_week_mask((22, 4), {4})
    assert np.flatnonzero(friday_night).tolist() == [*range(4 * 24 + 22, 5 * 24 + 4)]
    sunday_night = build_week_mask((22, 4), {6})
    assert np.flatnonzero(sunday_night).tolist() == [0, 1, 2, 3, HOURS_A_WEEK - 2, HOURS_A_WEEK - 1]


def test_hours_of_a_day_and_days_without_hours() -> None:
    assert np.flatnonzero(build_week_mask((6, 8), {0, 2})).tolist() == [6, 7, 54, 55]
    assert np.flatnonzero(build_week_mask(None, {1})).tolist() == [*range(24, 48)]


@given(SECONDS, st.integers(0, 40 * 3600), ZONES, st.integers(0, 23), st.integers(1, 24), st.sets(st.integers(0, 6)))
def test_chosen_time_adds_up_as_second_by_second_reading_does(
    start: int, length: int, zone: str, first: int, last: int, days: set[int]
) -> None:
    mask = build_week_mask((first, last) if first != last else None, days)
    calendar = Calendar(zone)
    allowed = AllowedTime.between(start, start + length, calendar=calendar, mask=mask)
    low, high = allowed.seconds_before(np.array([start, start + length])).tolist()
    every = np.arange(start, start + length, 60)
    chosen = mask[calendar.week_hours(every)]
    assert np.array_equal(allowed.holds(every), chosen)
    if length % 60 == 0 and start % 60 == 0:
        assert high - low == 60 * np.count_nonzero(chosen)
    else:
        assert abs(high - low - 60 * np.count_nonzero(chosen)) <= 60 * 8


@pytest.mark.parametrize(("day", "seconds"), [(dt.date(2026, 3, 29), 3600), (dt.date(2026, 10, 25), 3 * 3600)])
def test_one_to_three_oclock_over_the_clock_changes(day: dt.date, seconds: int) -> None:
    # In March 01:00 to 02:00 does not happen; in October it happens twice.
    low, high = LONDON.day_bounds(day)
    allowed = AllowedTime.between(low, high, calendar=LONDON, mask=build_week_mask((1, 3), ()))
    first, last = allowed.seconds_before(np.array([low, high])).tolist()
    assert last - first == seconds


DAYS = st.dates(dt.date(1971, 1, 1), dt.date(2100, 12, 31))


@given(DAYS, st.integers(-400, 400))
def test_months_are_added_as_pandas_adds_them(day: dt.date, months: int) -> None:
    expected = (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
    assert add_months(day, months) == expected
    assert find_month_start(day, months) == expected.replace(day=1)
    local = np.array([day], dtype="datetime64[D]")
    assert add_months_to_all(local, np.array([months])).tolist() == [expected]


def test_a_time_of_day_stays_when_months_are_added() -> None:
    moment = dt.datetime(2024, 2, 29, 13, 5, 7)  # noqa: DTZ001 - a local time
    assert add_months(moment, -12) == dt.datetime(2023, 2, 28, 13, 5, 7)  # noqa: DTZ001 - a local time
    local = np.array([moment], dtype="datetime64[s]")
    later = add_months_to_all(local, np.array([12]))
    assert later.dtype == np.dtype("datetime64[s]")
    assert later.tolist() == [dt.datetime(2025, 2, 28, 13, 5, 7)]  # noqa: DTZ001 - a local time


def test_months_of_a_period_are_those_that_begin_in_it() -> None:
    assert list_months(dt.date(2026, 11, 2), dt.date(2027, 2, 1)) == [dt.date(2026, 12, 1), dt.date(2027, 1, 1)]
    assert list_months(dt.date(2026, 11, 1), dt.date(2026, 11, 2)) == [dt.date(2026, 11, 1)]
    assert list_months(dt.date(2026, 11, 1), dt.date(2026, 11, 1)) == []


@given(st.integers(-1000, 3000))
def test_a_month_is_written_and_read_as_the_same(month: int) -> None:
    assert parse_month(format_month(month)) == month
