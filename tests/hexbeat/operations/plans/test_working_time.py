"""Hours as people write them."""

import datetime as dt

import pytest

from geo.errors import UsageError
from hexbeat.operations.plans.working_time import (
    build_working_time,
    find_next_shift_day,
    find_next_working_day,
    format_working_hours,
    parse_working_hours,
)


@pytest.mark.parametrize(
    ("text", "hours", "shown"),
    [
        ("18:00 to 02:00", (18, 2), "18:00 to 02:00"),
        ("6pm-2am", (18, 2), "18:00 to 02:00"),
        ("1830-0230", (18.5, 2.5), "18:30 to 02:30"),
        (" 22-04 ", (22, 4), "22:00 to 04:00"),
        ("18-24", (18, 24), "18:00 to 00:00"),
        ("18:00-00:00", (18, 24), "18:00 to 00:00"),
        ("Late", (14, 22), "14:00 to 22:00"),
        ("from 6 p.m. until midnight", (18, 24), "18:00 to 00:00"),
        ("9.30am – 5pm", (9.5, 17), "09:30 to 17:00"),  # noqa: RUF001 - a dash that people type
        ("noon to 6pm", (12, 18), "12:00 to 18:00"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, hours: tuple[float, float], shown: str) -> None:
    assert parse_working_hours(text) == hours
    assert format_working_hours(hours) == shown
    assert parse_working_hours(shown) == hours


@pytest.mark.parametrize("text", ["x", "25-3", "6-6", "13pm-2am", "18", "18:75-20", "18-20-22"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_working_hours(text)
    assert str(caught.value) == (
        f"Hours are a start and an end; {text!r} is not written like that; write for example 18:00 to 02:00, 6pm-2am "
        "or 22-04"
    )


def test_half_hours_are_instants_of_the_local_clock() -> None:
    time = build_working_time(dt.date(2026, 11, 20), (18.5, 2.5), "Europe/London")
    assert (time.clock_hours, time.seconds) == ("18:30 to 02:30", 8 * 3600)
    assert time.week_hours().sum() == pytest.approx(8)


@pytest.mark.parametrize(
    ("now", "day"),
    [("2026-12-01 06:59", "2026-12-01"), ("2026-12-01 07:01", "2026-12-02"), ("2026-12-04 16:00", "2026-12-07")],
)
def test_a_sweep_is_for_a_working_day_that_has_not_begun(now: str, day: str) -> None:
    assert find_next_working_day((7, 15), dt.datetime.fromisoformat(now)) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("hours", "now", "day"),
    [
        ((6, 14), "2026-12-01 13:59", "2026-12-01"),
        ((6, 14), "2026-12-01 14:00", "2026-12-02"),
        ((18, 24), "2026-12-01 23:59", "2026-12-01"),
        ((22, 4), "2026-12-02 03:00", "2026-12-02"),
    ],
)
def test_a_patrol_is_for_hours_that_are_not_over(hours: tuple[float, float], now: str, day: str) -> None:
    assert find_next_shift_day(hours, dt.datetime.fromisoformat(now)) == dt.date.fromisoformat(day)
