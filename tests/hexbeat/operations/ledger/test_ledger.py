"""The ledger: recording twice changes nothing, corrections keep what was, undoing puts it back, the policy is asked."""

import datetime as dt
from typing import Any

import pytest

from geo.errors import DataError, PolicyError, StoreError, UsageError
from hexbeat.operations.ledger.ledger import (
    VISIT_COLUMNS,
    RecordedVisit,
    list_imports,
    read_visit_history,
    read_visits,
    record_import,
    record_visit,
    undo_import,
    undo_visit,
    work_version,
)
from hexbeat.operations.ledger.visits import Visit, build_stop_visit, find_cell_and_ward, find_stop, find_tour, visit_id
from hexbeat.store.erasure import Erasure
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from tests.support.plans import AREA, LONDON, NOW, made_plan, made_visit

NOBODY = Viewer("nobody")
LATER = NOW + dt.timedelta(hours=1)


def bring(store: Store, *found: Visit, dry_run: bool = False) -> tuple[dict[str, int], int | None]:
    return record_import(store, ANALYST, found, area=AREA.name, file="done.csv", sha256="0", dry_run=dry_run, now=NOW)


def minutes_of(store: Store) -> list[int]:
    return read_visits(store, ANALYST)["minutes"].tolist()


def test_a_visit_is_recorded_once(store: Store) -> None:
    visit = made_visit()
    assert record_visit(store, ANALYST, visit, now=NOW) == RecordedVisit(visit_id(visit), "new")
    assert record_visit(store, ANALYST, visit, now=LATER) == RecordedVisit(visit_id(visit), "unchanged")
    frame = read_visits(store, ANALYST)
    assert tuple(frame.columns) == VISIT_COLUMNS
    assert frame.drop(columns="needles").iloc[0].to_dict() == {
        "visit_id": visit_id(visit),
        "plan_id": "p7f3a",
        "stop_id": "1-1",
        "kind": "patrol",
        "team": "Team 1",
        "place": "Central near 85",
        "cell": "8a19465485b7fff",
        "ward_code": visit.ward_code,
        "lon": visit.lon,
        "lat": visit.lat,
        "started_at": dt.datetime(2026, 11, 19, 22, 30, tzinfo=dt.UTC),
        "minutes": 15,
        "outcome": "done",
        "recorded_at": NOW,
    }
    assert frame["needles"].isna().all()
    assert {str(kind) for kind in frame.dtypes[["started_at", "recorded_at"]]} == {"datetime64[s, UTC]"}


def test_a_correction_keeps_what_was_and_undoing_puts_it_back(store: Store) -> None:
    name = record_visit(store, ANALYST, made_visit(minutes=15), now=NOW).visit_id
    assert record_visit(store, ANALYST, made_visit(minutes=12), now=LATER).outcome == "updated"
    assert minutes_of(store) == [12]
    assert undo_visit(store, ANALYST, name, now=LATER) is True
    assert minutes_of(store) == [15]
    assert undo_visit(store, ANALYST, name, now=LATER) is False
    assert minutes_of(store) == []
    past = read_visit_history(store, ANALYST, name)
    assert past["minutes"].tolist() == [15, 12, 15]
    assert past["superseded_at"].notna().all()
    with pytest.raises(StoreError) as caught:
        undo_visit(store, ANALYST, name)
    assert str(caught.value) == (
        "Only a recorded visit can be undone; there is no visit of that name; see the names with hexbeat done list; "
        "nothing was changed"
    )


def test_needles_that_are_not_said_stay(store: Store) -> None:
    record_visit(store, ANALYST, made_visit(kind="sweep", needles=7), now=NOW)
    assert record_visit(store, ANALYST, made_visit(kind="sweep", minutes=20), now=NOW).outcome == "updated"
    frame = read_visits(store, ANALYST)
    assert (frame["needles"].tolist(), frame["minutes"].tolist()) == ([7], [20])


def test_a_tap_leaves_what_was_computed_from_events_alone(store: Store) -> None:
    before, work = store.version(), work_version(store, ANALYST)
    record_visit(store, ANALYST, made_visit(), now=NOW)
    assert (store.version(), work_version(store, ANALYST)) == (before, work + 1)


def test_visits_are_chosen_by_start_and_plan(store: Store) -> None:
    record_visit(store, ANALYST, made_visit(), now=NOW)
    other = made_visit(plan_id=None, stop_id=None, started_at=dt.datetime(2026, 11, 19, 23, tzinfo=LONDON))
    record_visit(store, ANALYST, other, now=NOW)
    at = dt.datetime(2026, 11, 19, 23, tzinfo=dt.UTC)
    assert [len(read_visits(store, ANALYST, **chosen)) for chosen in ({}, {"start": at}, {"end": at})] == [2, 1, 1]
    assert read_visits(store, ANALYST, plan_id="p7f3a")["stop_id"].tolist() == ["1-1"]


def test_an_import_comes_whole_twice_changes_nothing_and_can_be_undone(store: Store) -> None:
    tapped = made_visit(minutes=15)
    record_visit(store, ANALYST, tapped, now=NOW)
    plan = made_plan()
    walked = [build_stop_visit(plan, plan.tours[0], stop, minutes=11) for stop in plan.tours[0].stops]
    assert bring(store, *walked, dry_run=True) == ({"new": 3, "updated": 1, "unchanged": 0}, None)
    assert minutes_of(store) == [15]
    tally, load_id = bring(store, *walked)
    assert (tally, minutes_of(store)) == ({"new": 3, "updated": 1, "unchanged": 0}, [11, 11, 11, 11])
    assert bring(store, *walked) == ({"new": 0, "updated": 0, "unchanged": 4}, None)
    record_visit(store, ANALYST, build_stop_visit(plan, plan.tours[0], plan.tours[0].stops[3], minutes=30), now=LATER)
    undone = undo_import(store, ANALYST, now=LATER)
    assert (undone.load_id, undone.file, undone.tally) == (load_id, "done.csv", tally)
    assert minutes_of(store) == [15, 30]  # the tap is back, the later correction stays
    assert [load.undone_at for load in list_imports(store, ANALYST)] == [LATER]
    assert undo_visit(store, ANALYST, visit_id(walked[3]), now=LATER) is False  # never back to an undone import
    with pytest.raises(StoreError) as caught:
        undo_import(store, ANALYST)
    assert str(caught.value) == "An import can be undone once; no import is left to undo; nothing was changed"


def test_an_import_with_a_visit_twice_or_in_the_future_changes_nothing(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        bring(store, made_visit(), made_visit(minutes=3))
    assert str(caught.value) == "A file holds each visit once; done.csv has 1 visit twice; delete one of each"
    with pytest.raises(UsageError) as caught:
        bring(store, made_visit(), made_visit(stop_id="1-2", started_at=LATER))
    assert str(caught.value) == ("A visit lies in the past; one begins later than now; check its day and time")
    assert (minutes_of(store), list_imports(store, ANALYST)) == ([], [])


@pytest.mark.parametrize(
    ("changes", "fact", "hint"),
    [
        ({"kind": "walk"}, "its kind is 'walk'", "it is patrol or sweep"),
        ({"outcome": "perhaps"}, "its outcome is 'perhaps'", "it is done or not_done"),
        ({"team": " "}, "its team is blank or very long", "name the team"),
        ({"team": "j.smith@force.uk"}, "its team is an address", "name the team, never a person"),
        ({"minutes": -1}, "it has -1 minutes", "they are 0 to 1,440"),
        ({"minutes": 2000}, "it has 2000 minutes", "they are 0 to 1,440"),
        ({"outcome": "not_done"}, "it was not done, yet took minutes", "leave them out"),
        ({"needles": -3}, "it has -3 needles", "they are 0 to a million"),
        ({"lat": float("nan")}, "its place is not on the globe", "check it"),
        ({"stop_id": None}, "it names only a stop or only a plan", "name both"),
    ],
)
def test_what_cannot_be_is_no_visit(changes: dict[str, Any], fact: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        made_visit(**changes)
    assert (
        str(caught.value) == f"A visit says which team was where, from when, and for how many minutes; {fact}; {hint}"
    )


def test_stops_and_teams_are_found_by_name() -> None:
    plan = made_plan()
    assert find_tour(plan, "team 2") is plan.tours[1]
    assert find_tour(made_plan(teams=1), None).team == "Team 1"
    tour, stop = find_stop(plan, "2-3")
    assert (tour.team, stop.order) == ("Team 2", 3)
    with pytest.raises(DataError) as caught:
        find_tour(plan, None)
    assert str(caught.value) == (
        "Work is recorded for a team of the plan; plan p7f3a has several teams; its teams are Team 1, Team 2"
    )
    with pytest.raises(DataError) as caught:
        find_stop(plan, "9-9")
    assert str(caught.value) == (
        "Work is recorded at a stop of the plan; plan p7f3a has no stop '9-9'; take the stop's name from the plan"
    )
    visit = made_visit()
    assert find_cell_and_ward(AREA.wards, visit.lon, visit.lat) == (visit.cell, visit.ward_code)
    assert find_cell_and_ward(AREA.wards, 0.0, 51.5) is None


def test_erasure_and_retention_reach_visits(store: Store) -> None:
    first = record_visit(store, ANALYST, made_visit(), now=NOW).visit_id
    record_visit(store, ANALYST, made_visit(minutes=3), now=NOW)
    old = made_visit(plan_id=None, stop_id=None, started_at=dt.datetime(2016, 5, 1, tzinfo=dt.UTC))
    record_visit(store, ANALYST, old, now=NOW)
    assert store.retain(ANALYST, 6) == Erasure(events=0, rows=0, rejects=0, complete=True, visits=1)
    assert read_visits(store, ANALYST)["visit_id"].tolist() == [first]
    work = work_version(store, ANALYST)
    assert store.erase(ANALYST, "table", first).removed_any is False
    assert store.erase(ANALYST, "ledger", first) == Erasure(events=0, rows=0, rejects=0, complete=True, visits=1)
    assert (len(read_visit_history(store, ANALYST, first)), work_version(store, ANALYST)) == (0, work + 1)
    record_visit(store, ANALYST, made_visit(), now=NOW)
    assert store.erase_source(ANALYST, "ledger").visits == 1


def test_the_policy_is_asked(store: Store) -> None:
    asked: list[tuple[str, Any]] = [
        ("record work", lambda: record_visit(store, NOBODY, made_visit())),
        ("record work", lambda: record_import(store, NOBODY, [], area="a", file="f", sha256="0")),
        ("record work", lambda: undo_visit(store, NOBODY, "a")),
        ("record work", lambda: undo_import(store, NOBODY)),
        ("see work", lambda: read_visits(store, NOBODY)),
        ("see work", lambda: read_visit_history(store, NOBODY, "a")),
        ("see work", lambda: list_imports(store, NOBODY)),
        ("see counts", lambda: work_version(store, NOBODY)),
    ]
    for action, ask in asked:
        with pytest.raises(PolicyError) as caught:
            ask()
        assert caught.value.fact == f"it does not let nobody {action}"
