"""The publisher's choices, and the periods that follow from them."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import PolicyError
from hexbeat.release.block_counts import find_default_start, find_period, list_due_periods
from hexbeat.release.policy import load_policy
from hexbeat.store.shared_documents import SharedDocuments
from tests.support.paths import ROOT
from tests.support.stores import documents_in

POLICY = ROOT / "hexbeat" / "release" / "policy.toml"
RULE = "A release policy has to keep to what is proved safe"


def written(home: Path, text: str) -> SharedDocuments:
    home.mkdir(exist_ok=True)
    (home / "release.toml").write_text(text, encoding="utf-8")
    return documents_in(home)


def test_the_policy_that_comes_with_hexbeat(tmp_path: Path) -> None:
    terms = {
        layer.name: (layer.k, layer.months, layer.place_set) for layer in load_policy(documents_in(tmp_path)).layers
    }
    assert terms == {
        "needle_litter": (5, 3, "fine"),
        "street_dealing": (5, 3, "fine"),
        "overdoses": (10, 12, "coarse-5"),
        "closed_properties": (10, 12, "whole"),
    }


def test_the_file_to_copy_says_what_the_layers_say(tmp_path: Path) -> None:
    copied = written(tmp_path / "home", POLICY.read_text(encoding="utf-8"))
    assert load_policy(copied) == load_policy(documents_in(tmp_path))


NEEDLES = '[layers.needle_litter]\nk = {k}\nmonths = {months}\nplaces = "{places}"\ncounted = "c"\n{more}\n'


@pytest.mark.parametrize(
    ("terms", "fact"),
    [
        ({"k": 2}, "k of needle_litter is 2; it has to be 3 or more, and at least the minimum of places"),
        (
            {"more": "minimum_places = 6"},
            "k of needle_litter is 5; it has to be 3 or more, and at least the minimum of places",
        ),
        (
            {"more": "minimum_places = 1"},
            ("the minimum of places of needle_litter is 1; it has to be 2 or more, or left out"),
        ),
        (
            {"more": "half_full = 1"},
            "needle_litter has half_full, which is unknown or of the wrong type",
        ),
        ({"months": 5}, "the period of needle_litter is 5 months; it has to be 1, 3, 6 or 12"),
        ({"places": "streets"}, "places of needle_litter is 'streets'; it has to be pieces or borough"),
        (
            {"places": "borough", "more": "minimum_places = 3"},
            "needle_litter has a minimum of places for the whole borough; only pieces can have one",
        ),
        (
            {"more": 'category = "fatal"'},
            "needle_litter has category, which is unknown or of the wrong type",
        ),
        ({"k": '"5"'}, "needle_litter has k, which is unknown or of the wrong type"),
    ],
)
def test_unsafe_terms_are_refused(tmp_path: Path, terms: dict[str, object], fact: str) -> None:
    text = NEEDLES.format(**({"k": 5, "months": 3, "places": "pieces", "more": ""} | terms))
    with pytest.raises(PolicyError) as caught:
        load_policy(written(tmp_path / "home", text))
    assert str(caught.value) == f"{RULE}; {fact}; see docs/publishing.md"


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("floor = 2", "release.toml names no layer"),
        ("[layers.needle_litter]\nk = 5", "needle_litter lacks months, places, counted"),
        ("windows = 3", "release.toml has windows, which is unknown or of the wrong type"),
        ("floor = 2\n" + NEEDLES.format(k=5, months=3, places="pieces", more=""),
         "floor is 2; it has to be a share of a cell, from 0 to 1"),
        ('[[sources]]\nname = "x"\n' + NEEDLES.format(k=5, months=3, places="pieces", more=""),
         "a source needs exactly a name, a title and a note, as texts"),
    ],
)  # fmt: skip
def test_unsafe_policies_are_refused(tmp_path: Path, text: str, fact: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(written(tmp_path / "home", text))
    assert str(caught.value) == f"{RULE}; {fact}; see docs/publishing.md"


def test_a_layer_within_a_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(written(tmp_path / "home", "[layers.fatal_overdoses]\nk = 5\n"))
    assert str(caught.value) == (
        "Only whole layers can be released: a layer inside another would prove the numbers between them; "
        "'fatal_overdoses' is not a layer; choose from needle_litter, street_dealing, overdoses, closed_properties"
    )


def test_a_period_is_due_one_period_late() -> None:
    first = dt.date(2026, 1, 1)
    assert list_due_periods(first, dt.date(2026, 6, 30), 3) == ()
    assert [period.name for period in list_due_periods(first, dt.date(2026, 7, 1), 3)] == ["2026-Q1"]
    assert [period.name for period in list_due_periods(dt.date(2026, 1, 2), dt.date(2026, 10, 1), 3)] == ["2026-Q2"]
    assert [period.name for period in list_due_periods(first, dt.date(2028, 1, 1), 12)] == ["2026"]
    assert find_default_start(dt.date(2026, 11, 22)) == dt.date(2023, 1, 1)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)), st.sampled_from((1, 3, 6, 12)))
def test_periods_follow_one_another_without_gap(day: dt.date, months: int) -> None:
    period = find_period(day, months)
    assert period.start <= day < period.end
    assert find_period(period.end, months).start == period.end
    assert find_period(period.end - dt.timedelta(days=1), months) == period
