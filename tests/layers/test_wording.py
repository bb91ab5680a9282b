"""Numbers, chances, dates and things in words."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.catalogue import find_layer
from layers.wording import (
    escape_html,
    format_about,
    format_ago,
    format_count,
    format_date,
    format_list,
    format_not_known,
    format_number,
    format_odds,
    format_p,
    format_percent,
    format_plural,
    format_span,
)

NEEDLES = find_layer("needle_litter")


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0004, "fewer than 1 in 1,000"),
        (0.001, "about 1 in 1,000"),
        (0.00285, "about 1 in 350"),
        (0.024, "about 1 in 42"),
        (0.3, "about 1 in 3"),
        (0.44, "about 4 in 10"),
        (1.0, "about 10 in 10"),
    ],
)
def test_chances_are_odds(p: float, words: str) -> None:
    assert format_odds(p) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.001, "under 0.01"), (0.04, "0.04"), (0.12, "0.1"), (2.96, "3"), (1234.5, "1,234.5"), (14.0, "14")],
)
def test_numbers(number: float, words: str) -> None:
    assert format_number(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.04, "under 1"), (1.2, "about 1"), (57.7, "about 58"), (14.0, "14"), (1234.5, "about 1,235")],
)
def test_numbers_for_people_are_rounded(number: float, words: str) -> None:
    assert format_about(number) == words


def test_things_have_their_number() -> None:
    assert format_count(1, NEEDLES) == "1 needle find"
    assert format_count(14, NEEDLES) == "14 needle finds"
    assert format_count(1, NEEDLES, "quantity") == "1 needle"
    assert format_count(2.5, NEEDLES, "quantity") == "about 3 needles"
    assert format_count(57.7, NEEDLES) == "about 58 needle finds"
    assert format_count(0.4, NEEDLES) == "under 1 needle find"
    assert format_count(2, find_layer("overdoses"), "quantity") == "2 overdoses"


def test_dates_shares_and_lists() -> None:
    assert format_date(dt.date(2026, 11, 21)) == "21 Nov 2026"
    assert format_span(dt.date(2026, 10, 26), dt.date(2026, 11, 22)) == "26 Oct to 21 Nov 2026"
    assert format_span(dt.date(2025, 12, 30), dt.date(2026, 1, 2)) == "30 Dec 2025 to 1 Jan 2026"
    assert format_span(dt.date(2026, 1, 1), dt.date(2026, 1, 2)) == "1 Jan 2026"
    assert [format_percent(share) for share in (0, 0.001, 0.184, 1)] == ["0 %", "under 1 %", "18 %", "100 %"]
    assert [format_list(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (dt.date(2026, 10, 25), dt.date(2026, 11, 22), "25 Oct to 21 Nov 2026"),
        (dt.date(2025, 12, 25), dt.date(2026, 1, 5), "25 Dec 2025 to 4 Jan 2026"),
        (dt.date(2026, 11, 21), dt.date(2026, 11, 22), "21 Nov 2026"),
    ],
)
def test_a_period_is_written_by_its_first_and_last_day(start: dt.date, end: dt.date, words: str) -> None:
    assert format_span(start, end) == words


def test_numbers_percents_and_plurals() -> None:
    assert [format_number(value) for value in (1204, 1.46, -0.04, -0.001, 0.0, 12.96)] == [
        *("1,204", "1.5", "-0.04", "0", "0", "13"),
    ]
    assert [format_percent(share) for share in (0.18, 0.001, 0.0, 12.0)] == ["18 %", "under 1 %", "0 %", "1,200 %"]
    assert [format_plural(value, "find", "finds") for value in (1, 2, 0.4)] == ["1 find", "2 finds", "0.4 finds"]


def test_long_lists_end_with_the_number_of_the_rest() -> None:
    names = ["Central", "Newport", "Park", "Kader", "Acklam"]
    assert [format_list(names[:n]) for n in range(4)] == [
        "",
        "Central",
        "Central and Newport",
        "Central, Newport and Park",
    ]
    assert format_list(names, most=3) == "Central, Newport, Park and 2 more"
    assert format_list(names[:3], most=3) == "Central, Newport and Park"
    assert format_list(names) == "Central, Newport, Park, Kader and Acklam"


@given(st.text())
def test_escaped_text_has_no_markup(text: str) -> None:
    assert not set("<>\"'\n\r\x00") & set(escape_html(text))


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (1, "1 day ago"),
        (13, "13 days ago"),
        (14, "2 weeks ago"),
        (91, "13 weeks ago"),
        (92, "3 months ago"),
        (699, "23 months ago"),
        (1095, "36 months ago"),
        (1096, "3 years ago"),
    ],
)
def test_how_long_ago(days: int, text: str) -> None:
    today = dt.date(2026, 11, 30)
    assert format_ago(today - dt.timedelta(days=days), today) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< 0.001"),
        (0.000999, "< 0.001"),
        (0.001, "0.001"),
        (0.0234, "0.023"),
        (1.0, "1"),
        (None, ""),
        (math.nan, ""),
    ],
)
def test_p_values_in_tables(p: float | None, text: str) -> None:
    assert format_p(p) == text


def test_days_that_are_not_known() -> None:
    march, june = (dt.date(2024, 3, 1), dt.date(2024, 4, 1)), (dt.date(2024, 6, 3), dt.date(2024, 6, 4))
    assert format_not_known([march]) == "Mar 2024 is not known"
    assert format_not_known([march, june]) == "Mar 2024 and 3 Jun 2024 are not known"
