"""Filters as people write them."""

import datetime as dt

import numpy as np
import pytest
import shapely

from geo.errors import UsageError
from geo.wards import Wards
from layers.filters import Filter, filter_from_options, parse_days, parse_hours, resolve_wards

NAMES = {"E05009857": "Central", "E05009865": "Newport", "E05009861": "Linthorpe", "E05001493": "Central"}
WARDS = Wards(tuple(NAMES), tuple(NAMES.values()), np.array([shapely.box(0, 0, 1, 1)] * len(NAMES)))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22-04", (22, 4)),
        ("6-14", (6, 14)),
        (" 22:00 - 04:00 ", (22, 4)),
        ("0-24", (0, 24)),
        ("22-24", (22, 24)),
        ("22-00", (22, 24)),  # until midnight
    ],
)
def test_hours_are_read(text: str, hours: tuple[int, int]) -> None:
    assert parse_hours(text) == hours


@pytest.mark.parametrize("text", ["", "22", "night", "22-4-6", "22:30-04:00", "-4", "\u0662-4"])
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_hours(text)
    assert str(caught.value) == (
        f"Hours are two whole hours with a dash between; {text!r} is not; write 22-04 for a night, or 6-14"
    )


@pytest.mark.parametrize(("text", "fact"), [("24-4", "24 to 4"), ("4-25", "4 to 25"), ("7-7", "7 to 7")])
def test_hours_that_no_day_has(text: str, fact: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_hours(text)
    assert str(caught.value) == (
        f"Hours run from one of 0 to 23 to another of 0 to 24; {fact} was asked for; "
        "write 22-04 for a night, and leave hours out for the whole day"
    )


@pytest.mark.parametrize(
    ("text", "days"),
    [("fri,sat", {4, 5}), ("Monday, TUES", {0, 1}), ("", set()), ("sun,sun,", {6}), ("thurs", {3})],
)
def test_days_are_read(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("word", ["fr", "funday", "sunny", "5"])
def test_what_is_no_day(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_days(f"mon,{word}")
    assert str(caught.value) == (
        f"Days are weekdays with commas between; {word!r} is none; choose from mon, tue, wed, thu, fri, sat, sun"
    )


def test_wards_are_found_by_code_or_name_in_any_case() -> None:
    assert resolve_wards(WARDS, ["newport", "e05009861"]) == ("E05009861", "E05009865")
    assert resolve_wards(WARDS, ["Newport", "E05009865"]) == ("E05009865",)
    assert resolve_wards(WARDS, []) == ()


def test_a_name_that_several_wards_bear_stands_for_all() -> None:
    assert resolve_wards(WARDS, ["CENTRAL "]) == ("E05001493", "E05009857")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Newprt", "did you mean Newport?"),
        ("Hogwarts", "see the wards' names on the map"),
        ("", "see the wards' names on the map"),
    ],
)
def test_a_ward_that_there_is_not(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_wards(WARDS, ["Central", text])
    assert str(caught.value) == f"A ward is named by its code or its name; {text!r} is neither in this area; {hint}"


def test_options_make_a_filter() -> None:
    chosen = filter_from_options(
        WARDS,
        layers=["overdoses", "overdoses"],
        start=dt.date(2024, 1, 1),
        ward_names=["Newport"],
        hours="22-04",
        days="fri",
        reported_by=["sweep"],
        measure="quantity",
    )
    assert chosen == Filter(
        layers=("overdoses",),
        start=dt.date(2024, 1, 1),
        wards=("E05009865",),
        hours=(22, 4),
        days=frozenset({4}),
        reported_by=("sweep",),
        measure="quantity",
    )
    assert filter_from_options(WARDS) == Filter()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"layers": ("litter",)},
            (
                "A layer is one of the four; there is no layer 'litter'; "
                "choose from needle_litter, street_dealing, overdoses, closed_properties"
            ),
        ),
        (
            {"reported_by": ("press",)},
            "A reporter is one of public, officer, sweep, agency; there is no reporter 'press'; check how it is spelt",
        ),
        (
            {"measure": "needles"},
            "A measure is one of events, quantity; there is no measure 'needles'; check how it is spelt",
        ),
        (
            {"start": dt.date(2024, 3, 1), "end": dt.date(2024, 3, 1)},
            (
                "A period begins before it ends, and its end is the first day that no longer counts; "
                "it is asked for from 2024-03-01 to 2024-03-01; for one day, give the day after it as the end"
            ),
        ),
        (
            {"days": frozenset({7})},
            "Weekdays are numbered from Monday, 0, to Sunday, 6; 7 was asked for; leave them out for all days",
        ),
        (
            {"hours": (4, 4)},
            (
                "Hours run from one of 0 to 23 to another of 0 to 24; 4 to 4 was asked for; "
                "write 22-04 for a night, and leave hours out for the whole day"
            ),
        ),
    ],
)
def test_questions_that_make_no_sense(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Filter(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.value) == message
