"""Plans by command: what is asked, what is written, and what is refused."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from hexbeat.cli.plan_answers import KINDS
from hexbeat.documents.plan.plan_files import PLAN_FILES
from hexbeat.operations.plans.plan_store import load_plan, plan_from_json, save_plan
from tests.support.cli import Run, make_empty_store
from tests.support.demonstrations import filled_store, select_for
from tests.support.plans import example_plan
from tests.support.stores import documents_in

START = ("--start", "54.574,-1.235")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    select_for("street_dealing")
    return Path(shutil.copytree(filled_store(), tmp_path / "filled"))


def test_a_patrol_is_told_kept_shown_and_written(run: Run, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "tonight.gpx"
    done = run(
        "plan", "patrol", "--home", filled, *START, "--day", "2026-11-20", "--hours", "20-22", "--teams", "1",
        "--format", "json", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    plan = plan_from_json(done.json)
    assert load_plan(documents_in(filled), plan.plan_id) == plan
    assert plan.past.held is not None
    assert " stops. The stops of such plans held " in done.json["headline"]
    assert "The back-test that chose the method used these weeks too, which may flatter the plans." in plan.notes
    assert plan.begins == dt.datetime(2026, 11, 20, 20, tzinfo=plan.begins.tzinfo)
    assert out.read_bytes().startswith(b"<?xml")
    assert "Written to tonight.gpx." in done.err
    assert "DEMONSTRATION: synthetic events, not real." in done.err.splitlines()
    plans = run("plan", "list", "--home", filled, "--format", "json").json["rows"]
    assert [row["plan"] for row in plans] == [plan.plan_id]
    outcome = run("plan", "show", plan.plan_id, "--home", filled)
    assert outcome.code == 0
    assert f"(plan {plan.plan_id}). {done.json['headline']}" in " ".join(outcome.out.split())
    assert "The plan knows only what people report, and where officers search." in outcome.err


def test_a_sweep_begins_where_plans_toml_says(run: Run, filled: Path) -> None:
    (filled / "plans.toml").write_text('standard_hours = 4\n[start]\nname = "Yard"\nlon = -1.235\nlat = 54.574\n')
    done = run(
        "plan",
        "sweep",
        "--home",
        filled,
        "--day",
        "2026-11-22",
        "--hours",
        "8-10",
        "--crews",
        "2",
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    plan = plan_from_json(done.json)
    assert [(tour.team, tour.start.name) for tour in plan.tours] == [("Crew 1", "Yard"), ("Crew 2", "Yard")]
    assert any("standard for a report is 4 hours" in line for line in plan.settings)


@pytest.mark.parametrize("lon", ["nan", "inf", "-181"])
def test_a_start_that_is_nowhere_is_refused(run: Run, filled: Path, lon: str) -> None:
    (filled / "plans.toml").write_text(f"[start]\nlon = {lon}\nlat = 54.574\n")
    done = run("plan", "sweep", "--home", filled, "--day", "2026-11-22")
    assert done.code == 3
    assert "  One of its starts has no lon and lat in degrees." in done.err.splitlines()


def test_without_a_station_tours_begin_in_the_middle_and_that_is_said(run: Run, filled: Path) -> None:
    done = run(
        "plan", "patrol", "--home", filled, "--day", "2026-11-20", "--hours", "18-21", "--mode", "drive",
        "--teams", "1", "--format", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert plan_from_json(done.json).tours[0].start.name == "Middle of the area"
    assert (
        "No station is loaded or set, so tours start in the middle of the area. Change this with --start LAT,LON."
        in done.err
    )


def test_a_start_from_which_nothing_can_be_reached_is_refused(run: Run, filled: Path) -> None:
    done = run("plan", "patrol", "--home", filled, "--start", "51.5,-0.12", "--day", "2026-11-20", "--hours", "20-22")
    assert done.code == 2
    assert done.err.splitlines()[-3:] == [
        "A patrol needs a stop that it can reach, and return from, within its hours.",
        "  No place with expected events is near enough to the start.",
        "  Start nearer, choose longer hours, or go by car.",
    ]


def test_the_kinds_of_file_are_those_that_documents_make() -> None:
    assert tuple(PLAN_FILES) == KINDS


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("patrol",), 2, "A plan needs records of reports of street dealing."),
        (("patrol", *START, "--layer", "street_dealing=much"), 2, "The weight of a layer is a number."),
        (("patrol", *START, "--stops", "ten"), 2, "Minutes of a stop are two whole numbers with a dash between them."),
        (("patrol", "--start", "54.5"), 2, "Nothing there fits '54.5'."),
        (("patrol", *START, "--out", "plan.doc"), 2, "'plan.doc' has another ending."),
        (("patrol", *START, "--roads", "gone.graphml"), 3, "There is no file gone.graphml."),
        (("show", "zzzz"), 2, "There is no plan 'zzzz'."),
        (("sweep", *START, "--crews", "0"), 2, "A sweep has 1 to 12 crews."),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    make_empty_store(tmp_path / "home")
    done = run("plan", *arguments)
    assert done.code == code
    assert words in done.err
    assert done.out == ""


def test_the_gpx_of_several_teams_is_a_file_each(run: Run, tmp_path: Path) -> None:
    plan = example_plan()
    save_plan(documents_in(tmp_path / "home"), plan)
    out = tmp_path / "tonight.gpx"
    shown = run("plan", "show", plan.plan_id, "--home", tmp_path / "home", "--out", out)
    assert shown.code == 0, shown.err
    assert "Written to tonight-team-a.gpx and tonight-team-b.gpx." in " ".join(shown.err.split())
    assert sorted(path.name for path in tmp_path.glob("*.gpx")) == ["tonight-team-a.gpx", "tonight-team-b.gpx"]
    (tmp_path / "home" / "plans.toml").write_text("geo_links = false\n")
    run("plan", "show", plan.plan_id, "--home", tmp_path / "home", "--out", tmp_path / "tonight.ics")
    assert "geo:" not in (tmp_path / "tonight.ics").read_text()
