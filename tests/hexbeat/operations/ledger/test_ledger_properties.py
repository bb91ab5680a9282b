"""Whatever a sheet holds, importing it twice changes nothing, and undoing it leaves what was there before."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import DataError
from hexbeat.operations.ledger.ledger import read_visits, record_visit, undo_import
from hexbeat.operations.ledger.ledger_files import import_visits
from hexbeat.operations.ledger.visits import build_stop_visit
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.plans import AREA, NOW, made_plan

PLAN = made_plan()
ROW = st.tuples(
    st.sampled_from(["Team 1", "team 1", "Crew 9", ""]),
    st.sampled_from(["1-1", "1-2", "2-1", "", "9-9"]),
    st.integers(0, 300),
    st.sampled_from(["", "0", "12", "14.6", "x", "1441"]),
    st.sampled_from(["", "0", "7", "-1"]),
    st.sampled_from(["", "yes", "no", "perhaps"]),
    st.sampled_from([(54.5720, -1.2350), (54.5600, -1.2400), (53.8, -1.5), None]),
)


def line(row: tuple[str, str, int, str, str, str, tuple[float, float] | None]) -> str:
    team, stop, later, minutes, needles, done, point = row
    started = dt.datetime(2026, 11, 19, 20) + dt.timedelta(minutes=later)  # noqa: DTZ001 - as a sheet has it
    lat, lon = point or ("", "")
    return f"{team},{stop},{started:%Y-%m-%d %H:%M},{minutes},{needles},{done},{lat},{lon}"


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(ROW, min_size=1, max_size=8))
def test_an_import_is_idempotent_and_undone_without_a_trace(rows: list[tuple]) -> None:  # type: ignore[type-arg] # Hypothesis made them
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "home") as store:
        path = Path(folder) / "done.csv"
        path.write_text(
            "team,stop,started,minutes,needles,done,lat,lon\n" + "\n".join(line(row) for row in rows) + "\n"
        )
        record_visit(store, ANALYST, build_stop_visit(PLAN, PLAN.tours[0], PLAN.tours[0].stops[0]), now=NOW)
        before = read_visits(store, ANALYST).drop(columns="recorded_at")
        try:
            first = import_visits(store, ANALYST, path, area=AREA, plan=PLAN, now=NOW)
        except DataError:
            assert read_visits(store, ANALYST).drop(columns="recorded_at").equals(before)
            return
        assert first.visits + first.rejected == len(rows)
        assert first.new + first.updated + first.unchanged == first.visits
        after = read_visits(store, ANALYST)
        assert len(after) == len(before) + first.new
        again = import_visits(store, ANALYST, path, area=AREA, plan=PLAN, now=NOW)
        assert (again.unchanged, again.load_id) == (first.visits, None)
        assert read_visits(store, ANALYST).equals(after)
        if first.load_id is not None:
            undo_import(store, ANALYST, now=NOW)
            assert read_visits(store, ANALYST).drop(columns="recorded_at").equals(before)
