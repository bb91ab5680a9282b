"""The filter of an audit entry holds words of links, and no place that somebody typed."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexbeat.areas.area import Area
from hexbeat.store.audit_words import UNKNOWN, format_audit_values
from layers.catalogue import LAYERS
from layers.filters import DAYS

CANARY = "12 Linthorpe Road"
NAMES = (
    *("layer", "layers", "from_", "from", "start", "to", "end", "day", "as_at", "ward", "wards", "hours", "days"),
    *("measure", "resolution", "size", "by", "view", "period", "against", "shift", "years", "weeks", "kind", "issue"),
    *("categories", "category", "reported_by", "reported"),
)


def test_a_filter_is_written_in_the_words_of_links(area: Area) -> None:
    options = {
        "layer": ["overdoses"],
        "from_": "2026-10-01",
        "to": "21/11/2026",
        "ward": [area.wards.names[0].upper(), area.wards.codes[1]],
        "hours": "22:00-4",
        "days": "Friday, sat",
        "categories": ["ambulance_callout", CANARY],
        "reported_by": ["public"],
        "measure": "quantity",
        "resolution": 9,
        "by": "ward,month",
        "dry_run": True,
        "issue": True,
        "years": 7,
    }
    assert format_audit_values(options, area.wards) == {
        "layers": "overdoses",
        "from": "2026-10-01",
        "to": "2026-11-21",
        "wards": f"{area.wards.codes[0]},{area.wards.codes[1]}",
        "hours": "22-04",
        "days": "fri,sat",
        "category": f"ambulance_callout,{UNKNOWN}" if "ambulance_callout" in _categories() else UNKNOWN,
        "reported": "public",
        "measure": "quantity",
        "size": "9",
        "by": "ward,month",
        "dry_run": "true",
        "issue": "true",
        "years": "7",
    }


def _categories() -> set[str]:
    return {category for spec in LAYERS for category in spec.categories}


def test_python_values_are_written_in_the_same_words(area: Area) -> None:
    values = {
        "start": dt.date(2026, 10, 1),
        "end": dt.datetime(2026, 11, 1, 5, tzinfo=dt.UTC),
        "hours": (22, 4),
        "days": [4, "sat"],
    }
    assert format_audit_values(values | {"wards": area.wards.codes[:2]}, area.wards) == {
        "from": "2026-10-01",
        "to": "2026-11-01",
        "hours": "22-04",
        "days": "fri,sat",
        "wards": ",".join(area.wards.codes[:2]),
    }


@pytest.mark.parametrize(("typed", "written"), [("night", "night"), (" Late ", "late"), ("nightly", UNKNOWN)])
def test_a_named_shift_is_written_by_its_name(typed: str, written: str) -> None:
    assert format_audit_values({"hours": typed}) == {"hours": written}


def test_a_plan_that_was_only_tried_says_nothing_of_issue() -> None:
    assert format_audit_values({"issue": False, "by": "reported_by"}) == {"by": "reported_by"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("canary", [CANARY, "TS1 2AB", "54.5742", "-1.2351", "8919564a9cbffff", "A. Person"])
def test_no_name_lets_a_place_through(area: Area, name: str, canary: str) -> None:
    for value in (canary, [canary], (canary, canary), f"{canary}={canary}"):
        for text in format_audit_values({name: value}, area.wards).values():
            assert canary not in text
            assert set(text.split(",")) <= {UNKNOWN}


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["lon", "lat", "place", "at", "cell", "q", "plan", "file", "out"]), st.text()))
def test_other_names_are_never_written(values: dict[str, str]) -> None:
    assert format_audit_values(values) == {}


@settings(max_examples=60)
@given(st.sampled_from(NAMES), st.one_of(st.text(), st.floats(), st.lists(st.text()), st.integers(), st.none()))
def test_whatever_is_typed_nothing_is_raised_and_only_known_words_come_out(name: str, value: object) -> None:
    for text in format_audit_values({name: value}).values():
        assert all(word in DAYS or set(word) <= set("0123456789-?") or word.isascii() for word in text.split(","))
