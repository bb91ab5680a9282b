import dataclasses
import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError, UsageError
from hexbeat.operations.plans.plan import PastRow, Pause
from hexbeat.operations.plans.plan_store import (
    issue_plan,
    list_plans,
    list_series,
    list_stops,
    load_newest_plan,
    load_plan,
    plan_from_json,
    plan_to_json,
    read_issued,
    remove_plan,
    save_plan,
    withdraw_plan,
)
from hexbeat.store.shared_documents import DocumentKind
from tests.support.paths import ROOT
from tests.support.plans import LONDON, change_plan, make_backtested_plan, make_small_plan, with_break
from tests.support.stores import documents_in

OLD_PLAN = ROOT / "tests" / "fixtures" / "plans" / "p7f3a2.json"


@given(st.integers(1_577_836_800, 1_893_456_000))
def test_a_plan_comes_back_as_it_was_also_over_clock_changes(second: int) -> None:
    plan = make_small_plan(begins=dt.datetime.fromtimestamp(second, tz=LONDON))
    found = plan_from_json(plan_to_json(plan))
    assert found == plan
    assert [one.utcoffset() for one in (found.begins, found.ends)] == [
        one.utcoffset() for one in (plan.begins.astimezone(dt.UTC).astimezone(LONDON), plan.ends)
    ]


def test_breaks_come_back_and_plans_of_before_they_were_kept_have_none() -> None:
    plan = make_small_plan()
    (tour,) = plan.tours
    begins, ends = tour.stops[0].leave, tour.returns
    paused = dataclasses.replace(tour, pauses=(Pause("break", 1, begins, ends, 208),))
    held = plan_to_json(dataclasses.replace(plan, tours=(paused,)))
    assert plan_from_json(held).tours == (paused,)
    del held["tours"][0]["pauses"]
    assert plan_from_json(held) == plan


def test_a_plan_is_tried_then_issued_and_stays_issued_when_it_is_made_again(tmp_path: Path) -> None:
    documents, plan = documents_in(tmp_path), make_small_plan()
    save_plan(documents, plan)
    assert read_issued(documents) == []
    moment = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
    issued = issue_plan(documents, plan.plan_id, now=moment)
    assert issued == dataclasses.replace(plan, issued_at=moment)
    assert issue_plan(documents, plan.plan_id, now=moment + dt.timedelta(hours=1)) == issued
    save_plan(documents, plan)
    assert load_plan(documents, plan.plan_id) == issued
    assert read_issued(documents) == [issued]
    assert plan_from_json(plan_to_json(issued)) == issued
    assert withdraw_plan(documents, plan.plan_id) == plan
    assert load_plan(documents, plan.plan_id) == plan
    with pytest.raises(UsageError) as caught:
        issue_plan(documents, "zzzz9")
    assert str(caught.value) == (
        f"A plan is named by its code; there is no plan 'zzzz9'; the newest are {plan.plan_id}"
    )


def test_the_days_of_one_sweep_are_found_together(tmp_path: Path) -> None:
    documents = documents_in(tmp_path)
    first, later, alone = (dataclasses.replace(make_small_plan(), plan_id=code) for code in ("aaaa", "bbbb", "cccc"))
    later = dataclasses.replace(later, begins=first.begins + dt.timedelta(days=1), series="aaaa")
    first = dataclasses.replace(first, series="aaaa")
    for plan in (later, alone, first):
        save_plan(documents, plan)
    assert [plan.plan_id for plan in list_series(documents, later)] == ["aaaa", "bbbb"]
    assert list_series(documents, alone) == [alone]


def test_a_printed_plan_says_what_its_past_shares_are_of() -> None:
    """Of snapped records they are shares of the points, and must not be read as shares of the area."""
    plan = make_backtested_plan()
    points = dataclasses.replace(plan, past=dataclasses.replace(plan.past, whole="the points"))
    assert "past_whole" not in plan_to_json(plan)
    assert plan_to_json(points)["past_whole"] == "the points"
    assert plan_from_json(plan_to_json(points)) == points


def test_a_plan_of_before_the_past_was_kept_is_read_as_not_judged() -> None:
    whole = change_plan(
        make_small_plan(),
        held=(0.11, 0.08, 0.14),
        held_weeks=8,
        rows=(PastRow("This plan", 6.2, 4.1, 8.0, 0.11, 0.02),),
        wards=("E05009857",),
    )
    held = plan_to_json(whole)
    assert plan_from_json(held) == whole
    new = ("held", "held_weeks", "proved", "past_shares", "wards")
    older = {name: value for name, value in held.items() if name not in new}
    assert plan_from_json(older) == make_small_plan()


def read_stored(home: Path) -> dict[str, bytes]:
    """The plans as the store has them, by code."""
    plans = documents_in(home).read_all(DocumentKind.PLAN)
    return {code: document.content for code, document in plans.items()}


def test_a_stored_plan_of_before_its_fields_were_grouped_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    shutil.copy(OLD_PLAN, tmp_path / "plans")
    plan = load_plan(documents_in(tmp_path), "p7f3a2")
    expected = change_plan(
        make_backtested_plan(), held=(0.11, 0.084, 0.141), held_weeks=8, wards=("E05009857",), proved=True
    )
    assert plan == dataclasses.replace(expected, tours=(with_break(expected.tours[0]),))
    # Commands go on to print what was stored then, to the letter.
    assert plan_to_json(plan) == json.loads(OLD_PLAN.read_text(encoding="utf-8"))
    save_plan(documents_in(tmp_path), plan)
    assert load_plan(documents_in(tmp_path), "p7f3a2") == plan


def test_a_stored_plan_names_its_format_and_groups_its_fields(tmp_path: Path) -> None:
    plan = make_backtested_plan()
    save_plan(documents_in(tmp_path), plan)
    stored = json.loads(read_stored(tmp_path)[plan.plan_id])
    assert stored["format"] == "hexbeat-plan/2"
    assert stored["time_zone"] == "Europe/London"
    assert stored["scope"] == {"layers": ["street_dealing", "needle_litter"], "weights": [0.7, 0.3], "wards": None}
    assert stored["worth"] == {
        "covered": 12.0, "expected": 36.0, "score": 9.8, "bound": 10.0, "gap": 0.02, "proved": False,
    }  # fmt: skip
    assert stored["past"]["rows"][0] == {
        "label": "Plans made like this one", "pai": 15.4, "low": 12.0, "high": 18.1, "share": 0.14, "area": 0.0091,
    }  # fmt: skip
    assert "form" not in stored


def test_plans_are_kept_and_listed_the_newest_first(tmp_path: Path) -> None:
    older = make_small_plan("aaaa22")
    newer = dataclasses.replace(make_small_plan("bbbb33"), made_at=older.made_at + dt.timedelta(hours=1))
    for plan in (newer, older, newer):
        save_plan(documents_in(tmp_path), plan)
    assert load_plan(documents_in(tmp_path), "aaaa22") == older
    assert list_plans(documents_in(tmp_path)) == [
        ("bbbb33", "Patrol", newer.made_at),
        ("aaaa22", "Patrol", older.made_at),
    ]
    assert sorted(read_stored(tmp_path)) == ["aaaa22", "bbbb33"]


def test_a_plan_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_plan(documents_in(tmp_path), "zzzz")
    assert str(caught.value) == ("A plan is named by its code; there is no plan 'zzzz'; make a plan first")
    save_plan(documents_in(tmp_path), make_small_plan())
    with pytest.raises(UsageError) as caught:
        load_plan(documents_in(tmp_path), "zzzz")
    assert caught.value.hint == "the newest are abc234"


def test_a_plan_is_removed_readable_or_not(tmp_path: Path) -> None:
    save_plan(documents_in(tmp_path), make_small_plan())
    documents_in(tmp_path).write(DocumentKind.PLAN, "bad2", b"{")
    for code in ("abc234", "bad2"):
        remove_plan(documents_in(tmp_path), code)
    assert read_stored(tmp_path) == {}
    with pytest.raises(UsageError) as caught:
        remove_plan(documents_in(tmp_path), "abc234")
    assert caught.value.fact == "there is no plan 'abc234'"


def test_a_number_that_is_none_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        save_plan(documents_in(tmp_path), change_plan(make_small_plan(), covered=float("nan")))
    assert read_stored(tmp_path) == {}


@pytest.mark.parametrize("code", ["../../etc/passwd", "", "ABC", "a b c d"])
def test_a_code_is_no_path(tmp_path: Path, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_plan(documents_in(tmp_path), code)
    assert str(caught.value) == (
        f"A plan's code has 4 to 16 small letters and digits; you gave {code!r}; copy it from the plan"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"form": 9, "time_zone": "Europe/London"}',
        '{"time_zone": "No/Where"}',
        '{"format": "hexbeat-plan/3", "time_zone": "Europe/London"}',
        '{"format": "hexbeat-plan/2"}',
        "[" * 100_000,
        json.dumps(plan_to_json(make_small_plan()) | {"made_at": "0001-01-01T00:00:00+14:00"}),
    ],
    ids=range(9),
)
def test_a_broken_plan_is_named_and_passed_over_in_the_list(tmp_path: Path, text: str) -> None:
    save_plan(documents_in(tmp_path), make_small_plan())
    documents_in(tmp_path).write(DocumentKind.PLAN, "bad2", text.encode())
    assert [code for code, _, _ in list_plans(documents_in(tmp_path))] == ["abc234"]
    with pytest.raises(DataError) as caught:
        load_plan(documents_in(tmp_path), "bad2")
    assert caught.value.rule == "A plan is one that Hexbeat wrote"
    assert caught.value.fact.startswith("bad2 cannot be read (")
    assert caught.value.hint == "make the plan again"


def test_the_stops_of_the_plan_made_last_are_places_to_find(tmp_path: Path) -> None:
    documents = documents_in(tmp_path)
    assert load_newest_plan(documents, "middlesbrough") is None
    plan = make_small_plan()
    save_plan(documents, plan)
    newest = load_newest_plan(documents, plan.area)
    assert newest == plan
    first = plan.tours[0].stops[0]
    assert list_stops(newest).iloc[0].tolist() == [
        f"Stop 1: {first.place}", "stop of the plan", first.ward_code, first.ward_name, first.lon, first.lat,
    ]  # fmt: skip
    assert load_newest_plan(documents, "cleveland") is None
