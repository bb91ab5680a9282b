"""The return: nothing lost, nothing twice, quarters as funders count them, files that no program runs."""

import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from geo.errors import UsageError
from hexbeat.operations.ledger.ledger import VISIT_COLUMNS, read_visits, record_visit
from hexbeat.operations.ledger.ledger_return import (
    GROUPS,
    MEASURES,
    build_return,
    build_return_csv,
    build_return_notes,
    build_return_xlsx,
    mark_demonstration,
    select_plans,
)
from hexbeat.operations.ledger.visits import build_stop_visit
from hexbeat.operations.plans.plan import PlanKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.periods import find_quarter, format_quarter, format_quarter_months
from tests.support.plans import AREA, LONDON, NOW, made_plan, made_visit

PLAN = replace(made_plan(), issued_at=made_plan().made_at)
TRIED = made_plan()
SWEEP = replace(made_plan(PlanKind.SWEEP, plan_id="other"), issued_at=TRIED.made_at)


def test_planned_against_delivered_by_ward_quarter_and_team(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        for tour in PLAN.tours:
            for stop in tour.stops[:2]:
                record_visit(store, ANALYST, build_stop_visit(PLAN, tour, stop, minutes=10, needles=None), now=NOW)
        record_visit(
            store, ANALYST, build_stop_visit(PLAN, PLAN.tours[0], PLAN.tours[0].stops[2], outcome="not_done"), now=NOW
        )
        record_visit(store, ANALYST, made_visit(kind="sweep", plan_id=None, stop_id=None, needles=9), now=NOW)
        found = read_visits(store, ANALYST)
    frame = build_return([PLAN], found, AREA.wards, by=("ward", "quarter", "team"))
    rows = frame[["ward_name", "quarter", "team", *MEASURES]].round(2).to_numpy().tolist()
    assert rows == [
        ["Central", "2026/27 Q3", "Team 1", 4, 60, 2, 35, 0.58, 4, 1, 9],
        ["Longlands & Beechwood", "2026/27 Q3", "Team 2", 2, 30, 0, 0, 0.0, 0, 0, 0],
        ["Park", "2026/27 Q3", "Team 2", 2, 30, 2, 20, 0.67, 2, 0, 0],
    ]
    by_kind = build_return([PLAN], found, AREA.wards, by=("kind", "quarter"), year="calendar")
    assert by_kind[["kind", "quarter", "delivered_minutes", "needles"]].to_numpy().tolist() == [
        ["patrol", "2026 Q4", 40, 0],
        ["sweep", "2026 Q4", 15, 9],
    ]
    assert by_kind["delivered_share"].isna().tolist() == [False, True]
    early = build_return([PLAN], found, AREA.wards, by=(), end=dt.date(2026, 11, 19))
    assert early[["planned_minutes", "visits"]].to_numpy().tolist() == [[0, 0]]


def made_visits(rows: list[tuple]) -> pd.DataFrame:  # type: ignore[type-arg] # Hypothesis made them
    """Rows (ward, team, hour, minutes, needles, outcome, stop) as the ledger has them."""
    names = ("ward_code", "team", "hour", "minutes", "needles", "outcome", "stop_id")
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    found = pd.DataFrame(
        {name: pd.Series(list(values), dtype="object") for name, values in zip(names, columns, strict=True)}
    )
    begun = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(found["hour"].astype("int64"), unit="h")
    plans = found["stop_id"].map(lambda stop: PLAN.plan_id if stop else None).astype("object")
    return found.assign(started_at=begun, kind="patrol", plan_id=plans).astype({"needles": "Int64", "minutes": "int64"})


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(AREA.wards.codes),
            st.sampled_from(["Team 1", "Team 2", "Nights"]),
            st.integers(0, 800 * 24),
            st.integers(0, 300),
            st.none() | st.integers(0, 50),
            st.sampled_from(["done", "not_done"]),
            st.none() | st.sampled_from(["1-1", "1-2", "2-1"]),
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from(GROUPS), unique=True),
    st.sampled_from(["financial", "calendar"]),
)
def test_minutes_visits_and_needles_are_conserved_whatever_the_groups(rows: list[tuple], by: list, year: str) -> None:  # type: ignore[type-arg] # Hypothesis made them
    found = made_visits(rows)
    frame = build_return([PLAN, SWEEP], found, AREA.wards, by=by, year=year)  # type: ignore[arg-type] # sampled
    assert int(frame["delivered_minutes"].sum()) == sum(row[3] for row in rows)
    assert int(frame["needles"].sum()) == sum(row[4] or 0 for row in rows)
    assert int(frame["visits"].sum()) == len(rows)
    assert int(frame["other_visits"].sum()) == sum(row[6] is None for row in rows)
    assert int(frame["stops_done"].sum()) == len({row[6] for row in rows if row[6] and row[5] == "done"})
    assert (int(frame["planned_minutes"].sum()), int(frame["planned_stops"].sum())) == (240, 16)


def test_a_return_of_nothing_has_its_columns_and_no_rows(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        none = read_visits(store, ANALYST)
    frame = build_return([], none, AREA.wards, by=("ward", "team"))
    assert (len(frame), list(frame)[:4]) == (0, ["ward_code", "ward_name", "team", "planned_stops"])
    elsewhere = build_return([PLAN], none, AREA.wards, by=("team",), start=dt.date(2030, 1, 1))
    assert len(elsewhere) == 0


def test_plans_that_were_only_tried_are_not_planned_work(tmp_path: Path) -> None:
    """Those that were issued count, and those with visits: of an earlier version a plan does not say which it is."""
    tries = [replace(TRIED, plan_id="p2222"), TRIED, replace(TRIED, plan_id="p3333")]
    issued = replace(PLAN, plan_id="p4444", begins=PLAN.begins + dt.timedelta(days=1))
    sweep = made_plan(PlanKind.SWEEP, plan_id="p5555")
    with Store.open(tmp_path / "home") as store:
        before = read_visits(store, ANALYST)
        record_visit(store, ANALYST, build_stop_visit(PLAN, PLAN.tours[0], PLAN.tours[0].stops[0]), now=NOW)
        after = read_visits(store, ANALYST)
    assert [one.plan_id for one in select_plans([*tries, issued, sweep], before)] == ["p4444"]
    assert [one.plan_id for one in select_plans([*tries, issued, sweep], after)] == ["p7f3a", "p4444"]
    frame = build_return(tries, after, AREA.wards, by=())
    assert frame[["planned_stops", "planned_minutes", "delivered_minutes"]].to_numpy().tolist() == [[8, 120, 15]]
    words = "2 plans were only tried and are left out: p2222, p3333"
    assert build_return_notes(tries, after)[-1] == words
    assert len(build_return_notes(tries, after, start=dt.date(2026, 11, 20))) == 1
    assert len(build_return_notes(tries, after, end=dt.date(2026, 11, 20))) == 2


def test_work_of_demonstration_plans_is_marked_in_every_row_that_holds_it(tmp_path: Path) -> None:
    """Real records may have taken the place of the demonstration since: plan and visits stay, and say what they are."""
    trial = replace(PLAN, plan_id="trial", synthetic=True, tours=PLAN.tours[:1])
    with Store.open(tmp_path / "home") as store:
        for plan, tour in ((PLAN, PLAN.tours[1]), (trial, trial.tours[0])):
            record_visit(store, ANALYST, build_stop_visit(plan, tour, tour.stops[0]), now=NOW)
        found = read_visits(store, ANALYST)
    assert mark_demonstration(found, [PLAN, trial]).set_index("plan_id")["demonstration"].to_dict() == {
        "trial": True, "p7f3a": False,
    }  # fmt: skip
    mark = "DEMONSTRATION: holds work of plans made from synthetic events, not real"
    frame = build_return([PLAN, trial], found, AREA.wards, by=("team",))
    assert frame[["team", "planned_stops", "visits", "demonstration"]].to_numpy().tolist() == [
        ["Team 1", 8, 1, mark], ["Team 2", 4, 1, ""],
    ]  # fmt: skip
    assert build_return_csv(frame).decode().splitlines()[1].endswith(f',"{mark}"')
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(build_return_xlsx(frame, ())))
    assert workbook.get_sheet_by_name("Return").to_python()[1][-1] == mark
    assert "demonstration" not in build_return([PLAN], found, AREA.wards, by=("team",))
    note = "DEMONSTRATION: some plans rest on synthetic events, which are not real"
    assert build_return_notes([PLAN, trial], found)[0] == note
    later = dt.date(2027, 1, 1)
    assert "demonstration" not in build_return([PLAN, trial], found, AREA.wards, by=("team",), start=later)
    assert note not in build_return_notes([PLAN, trial], found, start=later)


def test_a_team_is_one_however_it_is_written_and_visits_that_overlap_are_told(tmp_path: Path) -> None:
    first = made_visit(plan_id=None, stop_id=None, minutes=20)
    with Store.open(tmp_path / "home") as store:
        record_visit(store, ANALYST, first, now=NOW)
        assert record_visit(store, ANALYST, replace(first, team="team  1"), now=NOW).outcome == "updated"
        record_visit(
            store, ANALYST, replace(first, started_at=first.started_at + dt.timedelta(minutes=5), lon=-1.2), now=NOW
        )
        found = read_visits(store, ANALYST)
    frame = build_return([PLAN], found, AREA.wards, by=("team",))
    assert frame[["team", "visits", "delivered_minutes"]].to_numpy().tolist() == [["Team 1", 2, 40], ["Team 2", 0, 0]]
    assert build_return_notes([PLAN], found)[-1] == (
        "1 visit begins before the same team's earlier visit ends: 15 minutes count twice"
    )
    apart = found.assign(team=["Team 1", "Team 2"])
    assert len(build_return_notes([PLAN], apart)) == 1


def test_quarters_of_both_kinds_of_year() -> None:
    days = [dt.date(2026, 1, 1), dt.date(2026, 3, 31), dt.date(2026, 4, 1), dt.date(2026, 12, 31), dt.date(2000, 2, 1)]
    assert [format_quarter(day) for day in days] == [
        "2025/26 Q4", "2025/26 Q4", "2026/27 Q1", "2026/27 Q3", "1999/00 Q4",
    ]  # fmt: skip
    assert [format_quarter(day, year="calendar") for day in days[:4]] == ["2026 Q1", "2026 Q1", "2026 Q2", "2026 Q4"]
    assert find_quarter(dt.date(2026, 11, 22)) == (dt.date(2026, 10, 1), dt.date(2027, 1, 1))
    assert find_quarter(dt.date(2026, 2, 28)) == (dt.date(2026, 1, 1), dt.date(2026, 4, 1))
    assert format_quarter_months(dt.date(2026, 11, 22)) == "Oct to Dec 2026"


def test_a_visit_counts_on_its_local_day() -> None:
    found = pd.DataFrame({name: pd.Series([None], dtype="object") for name in VISIT_COLUMNS})
    midnight = dt.datetime(2026, 4, 1, 0, 30, tzinfo=LONDON)  # 31 March 23:30 in UTC
    found.loc[0] = {**found.loc[0], "ward_code": AREA.wards.codes[0], "team": "A", "kind": "patrol", "minutes": 5,
                    "started_at": pd.Timestamp(midnight).tz_convert("UTC"), "outcome": "done"}  # fmt: skip
    found = found.astype({"needles": "Int64", "minutes": "int64"})
    assert build_return([], found, AREA.wards, by=("quarter",))["quarter"].tolist() == ["2026/27 Q1"]


def test_files_hold_no_formula_and_notes_say_what_is_missing() -> None:
    with pytest.raises(UsageError) as caught:
        build_return([], pd.DataFrame(), AREA.wards, by=("ward", "ward"))
    assert str(caught.value) == (
        "A return is by any of ward, quarter, month, team, kind, each once; you asked for 'ward, ward'; for "
        "example --by ward,quarter,team"
    )
    found = pd.DataFrame({name: pd.Series([None], dtype="object") for name in VISIT_COLUMNS})
    found.loc[0] = {**found.loc[0], "ward_code": AREA.wards.codes[0], "team": "=1+1", "kind": "patrol", "minutes": 5,
                    "started_at": pd.Timestamp(NOW), "outcome": "done", "plan_id": "gone", "stop_id": "1"}  # fmt: skip
    found = found.astype({"needles": "Int64", "minutes": "int64"})
    frame = build_return([], found, AREA.wards, by=("team",))
    assert build_return_csv(frame).decode().splitlines()[1] == "'=1+1,0,0,1,5,,1,0,0"
    notes = build_return_notes([], found)
    assert notes == (
        "Delivered minutes are what teams recorded. Needles are those that sweeps collected, not public reports",
        "Planned minutes do not include 1 deleted plan that visits answer",
    )
    book = build_return_xlsx(frame, notes)
    assert book == build_return_xlsx(frame, notes)
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(book))
    assert sheets.get_sheet_by_name("Return").to_python()[1][:5] == ["'=1+1", 0, 0, 1, 5]
    assert sheets.get_sheet_by_name("About").to_python() == [[note] for note in notes]
