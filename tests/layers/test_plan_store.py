import dataclasses
import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError, UsageError
from layers.plan_store import list_plans, load_plan, plan_from_json, plan_to_json, save_plan
from layers.plans import Place, Plan, PlanKind, Stop, Tour

LONDON = ZoneInfo("Europe/London")
STATION = Place("Police station “Süd”", -1.235, 54.574)


def a_plan(plan_id: str = "abc234", *, begins: dt.datetime = dt.datetime(2026, 10, 24, 22, tzinfo=LONDON)) -> Plan:
    def later(minutes: int) -> dt.datetime:
        return (begins.astimezone(dt.UTC) + dt.timedelta(minutes=minutes)).astimezone(LONDON)

    stop = Stop(
        "1-01", 1, "Central · 4e17", "8a194654e60ffff", "E05009857", "Central", -1.23, 54.57, later(200), later(212),
        12, 0.25, "Number 1 of 4,322 places.",
    )  # fmt: skip
    tour = Tour("Team 1", STATION, STATION, later(0), later(420), (stop,), 14.0, 1.1)
    return Plan(
        plan_id, PlanKind.PATROL, "middlesbrough", "Patrol", later(0), later(0), later(420), ("street_dealing",),
        (2.0,), (tour,), 0.25, 4.0, 0.25, 0.3, 1 / 6, True, (("This plan", 6.2, 4.1, 8.0),), ("How.",), ("What not.",),
    )  # fmt: skip


@given(st.integers(1_577_836_800, 1_893_456_000))
def test_a_plan_comes_back_as_it_was_also_over_clock_changes(second: int) -> None:
    plan = a_plan(begins=dt.datetime.fromtimestamp(second, tz=LONDON))
    found = plan_from_json(plan_to_json(plan))
    assert found == plan
    assert [one.utcoffset() for one in (found.begins, found.ends)] == [
        one.utcoffset() for one in (plan.begins.astimezone(dt.UTC).astimezone(LONDON), plan.ends)
    ]


def test_plans_are_kept_and_listed_the_newest_first(tmp_path: Path) -> None:
    older = a_plan("aaaa22")
    newer = dataclasses.replace(a_plan("bbbb33"), made_at=older.made_at + dt.timedelta(hours=1))
    for plan in (newer, older, newer):
        save_plan(tmp_path, plan)
    assert load_plan(tmp_path, "aaaa22") == older
    assert list_plans(tmp_path) == [("bbbb33", "Patrol", newer.made_at), ("aaaa22", "Patrol", older.made_at)]
    assert sorted(path.name for path in (tmp_path / "plans").iterdir()) == ["aaaa22.json", "bbbb33.json"]


def test_a_plan_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_plan(tmp_path, "zzzz")
    assert str(caught.value) == (
        "A plan is one that was made here, by its code; there is no plan 'zzzz'; make one with `hexbeat plan patrol`"
    )
    save_plan(tmp_path, a_plan())
    with pytest.raises(UsageError) as caught:
        load_plan(tmp_path, "zzzz")
    assert caught.value.hint == "there are abc234"


@pytest.mark.parametrize("code", ["../../etc/passwd", "", "ABC", "a b c d"])
def test_a_code_is_no_path(tmp_path: Path, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_plan(tmp_path, code)
    assert str(caught.value) == (
        f"A plan's code has 4 to 16 small letters and digits; {code!r} has not; see `hexbeat plan list`"
    )


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"form": 9, "time_zone": "Europe/London"}', '{"time_zone": "No/Where"}']
)
def test_a_broken_file_is_named_and_passed_over_in_the_list(tmp_path: Path, text: str) -> None:
    save_plan(tmp_path, a_plan())
    (tmp_path / "plans" / "bad2.json").write_text(text)
    assert [code for code, _, _ in list_plans(tmp_path)] == ["abc234"]
    with pytest.raises(DataError) as caught:
        load_plan(tmp_path, "bad2")
    assert caught.value.rule == "A plan's file is one that Hexbeat wrote"
    assert caught.value.fact.startswith("bad2.json cannot be read (")
    assert caught.value.hint == "make the plan again"
