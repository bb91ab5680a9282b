"""Filters as people write them."""

import dataclasses
import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from geo.wards import Wards
from layers.event import REPORTERS
from layers.filters import (
    COLUMN_FILTERS,
    ColumnChoices,
    Filter,
    describe_columns,
    filter_from_options,
    parse_days,
    parse_hours,
    resolve_values,
    resolve_wards,
)
from tests.support.events import Event, columns_of

ROOT = Path(__file__).resolve().parents[2]

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
def test_other_texts_are_not_hours(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_hours(text)
    assert str(caught.value) == (
        f"Hours are two whole hours with a hyphen between them; {text!r} is not written like that; write 22-04 for a "
        "night, or 6-14"
    )


@pytest.mark.parametrize(("text", "fact"), [("24-4", "24 to 4"), ("4-25", "4 to 25"), ("7-7", "7 to 7")])
def test_hours_that_no_day_has(text: str, fact: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_hours(text)
    assert str(caught.value) == (
        f"Hours start at 0 to 23 and end at another hour, up to 24; you asked for {fact}; write 22-04 for a night, and "
        "leave hours out for the whole day"
    )


@pytest.mark.parametrize(
    ("text", "days"),
    [("fri,sat", {4, 5}), ("Monday, TUES", {0, 1}), ("", set()), ("sun,sun,", {6}), ("thurs", {3})],
)
def test_days_are_read(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("word", ["fr", "funday", "sunny", "5"])
def test_other_words_are_not_days(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_days(f"mon,{word}")
    assert str(caught.value) == (
        f"Days are weekdays with commas between them; {word!r} is not a weekday; choose from mon, tue, wed, thu, "
        "fri, sat, sun"
    )


def test_wards_are_found_by_code_or_name_in_any_case() -> None:
    assert resolve_wards(WARDS, ["newport", "e05009861"]) == ("E05009861", "E05009865")
    assert resolve_wards(WARDS, ["Newport", "E05009865"]) == ("E05009865",)
    assert resolve_wards(WARDS, []) == ()


def test_a_name_that_several_wards_have_stands_for_all() -> None:
    assert resolve_wards(WARDS, ["CENTRAL "]) == ("E05001493", "E05009857")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Newprt", "did you mean Newport?"),
        ("Hogwarts", "see the names of the wards on the map"),
        ("", "see the names of the wards on the map"),
    ],
)
def test_an_unknown_ward_is_refused(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_wards(WARDS, ["Central", text])
    assert (
        str(caught.value)
        == f"A ward is chosen by its code or its name; no ward of this area has the code or name {text!r}; {hint}"
    )


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
            "A reporter is one of public, officer, sweep, agency; there is no reporter 'press'; check the spelling",
        ),
        (
            {"measure": "needles"},
            "A measure is one of events, quantity; there is no measure 'needles'; check the spelling",
        ),
        (
            {"start": dt.date(2024, 3, 1), "end": dt.date(2024, 3, 1)},
            (
                "A period begins before it ends. Its end is the first day that no longer counts; you asked for "
                "2024-03-01 to 2024-03-01; for one day, give the day after it as the end"
            ),
        ),
        (
            {"days": frozenset({7})},
            "Weekdays have numbers from 0 (Monday) to 6 (Sunday); you asked for 7; leave them out for all days",
        ),
        (
            {"hours": (4, 4)},
            (
                "Hours start at 0 to 23 and end at another hour, up to 24; you asked for 4 to 4; write 22-04 for a "
                "night, and leave hours out for the whole day"
            ),
        ),
    ],
)
def test_impossible_filters_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Filter(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.value) == message


def test_each_filter_by_a_column_is_one_field_and_one_object() -> None:
    assert [field.name for field in dataclasses.fields(ColumnChoices)] == [one.field for one in COLUMN_FILTERS]
    assert len({one.query for one in COLUMN_FILTERS} | {one.option for one in COLUMN_FILTERS}) == 2 * len(
        COLUMN_FILTERS
    )
    assert {bool(one.known) for one in COLUMN_FILTERS} == {True, False}


def test_a_filter_by_a_column_is_named_where_it_is_defined_and_nowhere_else() -> None:
    asking = [
        "hexbeat/cli/count_commands.py", "hexbeat/cli/change_commands.py", "hexbeat/cli/hotspot_commands.py",
        "hexbeat/cli/filter_options.py", "hexbeat/dashboard/state/choices.py", "hexbeat/dashboard/views/sentence.py",
        "hexbeat/dashboard/views/expected_view.py", "hexbeat/dashboard/views/hotspots_view.py",
        "hexbeat/dashboard/pages/map/filter_widgets.py", "hexbeat/dashboard/pages/map/map_page.py",
        "layers/counting.py",
    ]  # fmt: skip
    for one in COLUMN_FILTERS:
        names = re.compile(rf"\b{one.field}\b|\"{one.query}\"|{one.option}")
        assert [path for path in asking if names.search((ROOT / path).read_text(encoding="utf-8"))] == []


def test_clauses() -> None:
    chosen = ColumnChoices(categories=("fatal", "near, miss", "drugs and other"), reported_by=("public", "sweep"))
    assert describe_columns(chosen) == (
        " (category fatal, “near, miss” or drugs and other) reported by the public and sweeps"
    )
    assert describe_columns(ColumnChoices(categories=("fatal",))) == " (category fatal)"
    assert describe_columns(ColumnChoices()) == ""


@given(st.lists(st.text(min_size=1).filter(lambda text: text == text.strip()), unique=True))
def test_values_come_back_from_a_link_whatever_they_are(values: list[str]) -> None:
    for one in COLUMN_FILTERS:
        assert one.parse_query(one.format_query(values)) == values


CASES = columns_of(
    [
        Event(1, layer="overdoses", category="fatal"),
        Event(2, layer="overdoses", category="Fatal"),
        Event(3, layer="overdoses", category="near, miss"),
        Event(4, layer="overdoses"),
        Event(5, layer="needle_litter", category="park"),
        Event(6, layer="street_dealing"),
    ]
)


def test_the_values_that_can_be_chosen_are_those_of_the_layers() -> None:
    category, reporter = COLUMN_FILTERS
    assert category.find_values(CASES, ("overdoses",)) == ("Fatal", "fatal", "near, miss")
    assert category.find_values(CASES, ("needle_litter", "street_dealing")) == ("park",)
    assert category.find_values(CASES) == ("Fatal", "fatal", "near, miss", "park")
    assert category.find_values(CASES, ("street_dealing",)) == ()
    assert reporter.find_values(CASES, ("overdoses",)) == REPORTERS


def test_values_are_found_in_any_case() -> None:
    def resolved(*values: str) -> tuple[str, ...]:
        return resolve_values(Filter(layers=("overdoses",), categories=values), CASES).categories

    assert resolved("fatal") == ("Fatal", "fatal")
    assert resolved(" FATAL") == ("Fatal", "fatal")
    assert resolved("FATAL", "fatal", "Near, Miss") == ("Fatal", "fatal", "near, miss")
    assert resolve_values(Filter(reported_by=("sweep",)), CASES) == Filter(reported_by=("sweep",))


RULE = "A category has to be in the records"


@pytest.mark.parametrize(
    ("layers", "value", "rest"),
    [
        (("overdoses",), "park", "no record of overdoses has 'park'; choose from Fatal, fatal and “near, miss”"),
        ((), "x", "no record has 'x'; choose from Fatal, fatal, “near, miss” and park"),
        (
            ("street_dealing",),
            "park",
            "you asked for 'park', and the records of street_dealing have none; leave the category out",
        ),
    ],
)
def test_a_value_that_no_record_has(layers: tuple[str, ...], value: str, rest: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_values(Filter(layers=layers, categories=(value,)), CASES)
    assert str(caught.value) == f"{RULE}; {rest}"


def test_of_very_many_values_the_nearest_leads() -> None:
    many = columns_of([Event(number, category=f"kind {number:02d}") for number in range(30)])
    with pytest.raises(UsageError) as caught:
        resolve_values(Filter(categories=("kind 29x",)), many)
    listed = ", ".join(f"kind {number:02d}" for number in range(20))
    assert str(caught.value) == (
        "A category has to be in the records; no record has 'kind 29x'; did you mean kind 29? Or choose from "
        f"{listed} and 10 more"
    )
