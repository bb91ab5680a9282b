"""Plans by command: what is asked, what is written, and what is refused."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from hexbeat.cli.plan_answers import KINDS
from hexbeat.cli.plan_options import choose_day
from hexbeat.documents.plan.plan_files import PLAN_FILES
from hexbeat.operations.plans.plan_store import load_plan, plan_from_json, save_plan
from hexbeat.operations.plans.working_time import find_next_shift_day, find_next_working_day
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run, make_empty_store
from tests.support.demonstrations import filled_store, select_for
from tests.support.plans import example_plan, make_small_plan
from tests.support.stores import documents_in

START = ("--start", "54.574,-1.235")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    select_for("street_dealing")
    return Path(shutil.copytree(filled_store(), tmp_path / "filled"))


@pytest.mark.slow
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


@pytest.mark.slow
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
        "--most-stops",
        "2",
        "--issue",
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    plan = plan_from_json(done.json)
    with Store.open(filled) as store:
        entry = list_entries(store.engine, ANALYST, most=1)[0]
    assert (entry.what, entry.filter, entry.rows) == ("plan sweep", "day=2026-11-22&hours=08-10&issue=true", 4)
    assert plan.most_stops == 2
    assert [len(tour.stops) for tour in plan.tours] == [2, 2]
    assert [(tour.team, tour.start.name) for tour in plan.tours] == [("Crew 1", "Yard"), ("Crew 2", "Yard")]
    assert any("standard for a report is 4 hours" in line for line in plan.settings)


def test_a_role_is_not_told_the_titles_of_plans_that_it_may_not_see(run: Run, tmp_path: Path) -> None:
    home = make_empty_store(tmp_path / "home")
    save_plan(documents_in(home), make_small_plan())  # of street dealing, in cells finer than the council sees
    assert [row["plan"] for row in run("plan", "list", "--home", home, "--format", "json").json["rows"]] == ["abc234"]
    theirs = run("plan", "list", "--home", home, "--role", "council")
    assert (theirs.code, theirs.out.strip()) == (0, "Plans: none")
    assert theirs.err.splitlines()[-1] == "1 other plan shows more than your role may see."


@pytest.mark.parametrize(
    ("hour", "message"),
    [(13, ""), (14, "Today 06:00 to 14:00 cannot be worked any more, so the plan is for Wednesday 2 Dec 2026. ")],
)
def test_a_plan_without_a_day_is_for_the_next_that_can_be_worked(
    hour: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = dt.datetime(2026, 12, 1, hour, tzinfo=dt.UTC)
    day = choose_day(None, (6, 14), now, find_next_shift_day)
    assert capsys.readouterr().err.strip() == (f"{message}Choose another day with --day." if message else "")
    assert day == dt.date(2026, 12, 2 if message else 1)
    assert choose_day("2026-11-20", (6, 14), now, find_next_shift_day) == dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("now", "hours", "why"),
    [
        ("2026-12-01 23:41", (22, 2), "22:00 to 02:00 has begun, and a sweep needs all of its hours"),
        ("2026-12-01 15:00", (7, 15), "07:00 to 15:00 cannot be worked any more"),
        ("2026-11-28 06:00", (7, 15), "07:00 to 15:00 is at a weekend"),
    ],
)
def test_a_sweep_of_a_later_day_says_why_it_is_not_for_today(
    now: str, hours: tuple[float, float], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 23:41 it said that hours until two could not be worked any more."""
    day = choose_day(None, hours, dt.datetime.fromisoformat(now), find_next_working_day)
    later = f"{day:%A} {day.day} {day:%b} {day.year}"
    expected = f"Today {why}, so the plan is for {later}. Choose another day with --day."
    assert capsys.readouterr().err.strip() == expected
    assert later == ("Monday 30 Nov 2026" if "weekend" in why else "Wednesday 2 Dec 2026")


@pytest.mark.parametrize("lon", ["nan", "inf", "-181"])
def test_a_start_that_is_nowhere_is_refused(run: Run, filled: Path, lon: str) -> None:
    (filled / "plans.toml").write_text(f"[start]\nlon = {lon}\nlat = 54.574\n")
    done = run("plan", "sweep", "--home", filled, "--day", "2026-11-22")
    assert done.code == 3
    assert "  One of its starts has no lon and lat in degrees." in done.err.splitlines()


@pytest.mark.slow
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


@pytest.mark.slow
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
