"""Dates as people write them: every form that is claimed gives back the day and the clock that were written."""

import calendar
import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexbeat.ingest.parsing.date_words import parse_clock, rewrite_date, shorten_months
from hexbeat.ingest.parsing.dates import DAY, MINUTE, MONTH, parse_timestamps

DAY_FIRST = ("%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y")
MONTHS = list(calendar.month_name)[1:]
SHORT = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]
WEEKDAYS = list(calendar.day_name)


def ordinal(number: int) -> str:
    ending = "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


DATES: dict[str, Callable[[dt.date], str]] = {
    "9 September 2025": lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    "9 Sept 2025": lambda day: f"{day.day} {SHORT[day.month - 1]} {day.year}",
    "9 Sept. 2025": lambda day: f"{day.day} {SHORT[day.month - 1]}. {day.year}",
    "9-Sep-25": lambda day: f"{day.day}-{SHORT[day.month - 1][:3]}-{day.year % 100:02d}",
    "9SEP2025": lambda day: f"{day.day}{SHORT[day.month - 1][:3].upper()}{day.year}",
    "9th September 2025": lambda day: f"{ordinal(day.day)} {MONTHS[day.month - 1]} {day.year}",
    "the 9th of": lambda day: f"{ordinal(day.day)} of {MONTHS[day.month - 1]} {day.year}",
    "Tuesday 9 September 2025": lambda day: f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}",
    "Tue, 9 Sep 2025": lambda day: f"{WEEKDAYS[day.weekday()][:3]}, {day.day} {SHORT[day.month - 1][:3]} {day.year}",
    "September 9, 2025": lambda day: f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
    "2025 Sep 9": lambda day: f"{day.year} {SHORT[day.month - 1][:3]} {day.day}",
    "09/09/2025": lambda day: day.strftime("%d/%m/%Y"),
    "09/09/25": lambda day: day.strftime("%d/%m/%y"),
    "Tue 09/09/2025": lambda day: f"{WEEKDAYS[day.weekday()][:3]} {day:%d/%m/%Y}",
    "9.9.2025": lambda day: f"{day.day}.{day.month}.{day.year}",
    "2025-09-09": lambda day: day.isoformat(),
}
CLOCKS: dict[str, Callable[[dt.time], str]] = {
    "14:30": lambda time: f"{time:%H:%M}",
    "2:30 PM": lambda time: f"{(time.hour % 12) or 12}:{time.minute:02d} {'PM' if time.hour >= 12 else 'AM'}",
    "2.30pm": lambda time: f"{(time.hour % 12) or 12}.{time.minute:02d}{'pm' if time.hour >= 12 else 'am'}",
    "2:30 p.m.": lambda time: f"{(time.hour % 12) or 12}:{time.minute:02d} {'p' if time.hour >= 12 else 'a'}.m.",
}
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0))


def read(texts: list[str], *, clocks: list[str] | None = None) -> list[tuple[dt.datetime, int] | None]:
    """The local time and the precision of each text; None where it is no date."""
    found = parse_timestamps(
        pd.Series(texts, dtype="str"), formats=DAY_FIRST, time_zone="UTC",
        clocks=None if clocks is None else pd.Series(clocks, dtype="str"),
    )  # fmt: skip
    rows = zip(found.local.astype("datetime64[s]").tolist(), found.precision.tolist(), found.bad.tolist(), strict=True)
    return [None if bad else (local, precision) for local, precision, bad in rows]


@pytest.mark.slow
@pytest.mark.parametrize("form", DATES)
@settings(max_examples=10)
@given(days=st.lists(DAYS, min_size=5, max_size=20))
def test_every_form_of_a_date_gives_back_its_day(form: str, days: list[dt.date]) -> None:
    assert read([DATES[form](day) for day in days]) == [(dt.datetime.combine(day, dt.time()), DAY) for day in days]


@pytest.mark.slow
@pytest.mark.parametrize("clock", CLOCKS)
@settings(max_examples=15)
@given(form=st.sampled_from(list(DATES)), moments=st.lists(st.tuples(DAYS, TIMES), min_size=5, max_size=20))
def test_every_clock_beside_every_date_gives_back_its_minute(
    clock: str, form: str, moments: list[tuple[dt.date, dt.time]]
) -> None:
    expected = [(dt.datetime.combine(day, time), MINUTE) for day, time in moments]
    days, times = [DATES[form](day) for day, _ in moments], [CLOCKS[clock](time) for _, time in moments]
    assert read([f"{day} {time}" for day, time in zip(days, times, strict=True)]) == expected
    assert read(days, clocks=times) == expected


@pytest.mark.slow
@settings(max_examples=10)
@given(st.lists(st.dates(dt.date(1970, 1, 1), dt.date(2069, 12, 31)), min_size=5, max_size=20))
def test_a_month_is_a_month(days: list[dt.date]) -> None:
    expected = [(dt.datetime.combine(day.replace(day=1), dt.time()), MONTH) for day in days]
    assert read([f"{SHORT[day.month - 1][:3]}-{day.year % 100:02d}" for day in days]) == expected
    assert read([f"{MONTHS[day.month - 1]} {day.year}" for day in days]) == expected


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("9 Sep 2025 14:30 BST", "2025-09-09T13:30:00"),
        ("09/09/2025 2:30 PM GMT", "2025-09-09T14:30:00"),
        ("9 Sep 2025 14:30", "2025-09-09T13:30:00"),
    ],
)
def test_gmt_and_bst_are_zones(text: str, utc: str) -> None:
    found = parse_timestamps(pd.Series([text], dtype="str"), formats=DAY_FIRST, time_zone="Europe/London")
    assert found.utc[0].astype("datetime64[s]") == np.datetime64(utc)


@pytest.mark.parametrize(
    "text", ["31 Sept 2025", "9 Septober 2025", "13/13/2025", "soon", "30 Feb 2024", "9 Sep 12025"]
)
def test_what_is_no_date_stays_none(text: str) -> None:
    assert read([text]) == [None]
    assert rewrite_date(text) == text


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("1900-01-01 14:30:00", "14:30"), ("2025-11-21 14:30:00", "14:30"), ("0.604166666666667", "14:30"),
        ("14h30", "14:30"), ("930", "09:30"), ("12 a.m.", "00:00"), ("12pm", "12:00"),
        ("25:00", None), ("13pm", None), ("10", None), ("noonish", None), ("1.5", None),
    ],
)  # fmt: skip
def test_a_clock_cell_is_what_people_see(text: str, clock: str | None) -> None:
    seconds = parse_clock(text)
    assert (None if seconds is None else f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}") == clock


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-03-01", "2024-04-01", ""], ["2024-03", "2024-04", ""]),
        (["2024-03-01 00:00:00", "2024-04"], ["2024-03", "2024-04"]),
        (["01/03/2024", "1 April 2024"], ["2024-03", "2024-04"]),
        (["2024-03-01", "2024-04-02"], ["2024-03-01", "2024-04-02"]),
        (["2024-03-01 14:30", "2024-04-01"], ["2024-03-01 14:30", "2024-04"]),
    ],
)
def test_a_column_of_months_may_hold_their_first_days(texts: list[str], expected: list[str]) -> None:
    assert shorten_months(pd.Series(texts, dtype=object)).tolist() == expected


@pytest.mark.parametrize("text", ["Sept 20", "Sept 26", "September 1", "Sep. 31", "SEP, 09", "Sept 20 14:30", "May 05"])
def test_a_month_with_a_number_that_may_be_a_day_without_a_year_is_no_date(text: str) -> None:
    assert read([text]) == [None]


@pytest.mark.parametrize("text", ["Sep-25", "Sep '25", "Sept/25", "Sep 2025", "Sept, 2025"])
def test_a_month_with_a_year_is_a_month(text: str) -> None:
    assert read([text]) == [(dt.datetime.combine(dt.date(2025, 9, 1), dt.time()), MONTH)]


def test_a_month_with_a_number_that_no_day_has_is_a_month() -> None:
    assert read(["Sep 95"]) == [(dt.datetime.combine(dt.date(1995, 9, 1), dt.time()), MONTH)]


@pytest.mark.parametrize("text", ["1 Apr\u0130l 2024", "1 Augu\u017ft 2024", "1 May 2024 14:30 b\u017ft"])
def test_letters_that_only_resemble_those_of_a_month_or_a_zone_make_no_date(text: str) -> None:
    """Python's regular expressions find them equal without regard to case, and no month is called so."""
    assert rewrite_date(text) == text
    assert read([text, "9 April 2025"]) == [None, (dt.datetime(2025, 4, 9), DAY)]  # noqa: DTZ001 - a local day
