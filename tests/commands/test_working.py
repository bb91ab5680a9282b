"""done, return and places: a shift from its plan to the return, on the command line."""

import csv
import datetime as dt
import json
from pathlib import Path

import pytest

from layers.plan_store import save_plan
from tests.support.cli import Run
from tests.support.gpx import gpx_of, walked
from tests.support.working import made_plan

BEGAN = dt.datetime(2026, 11, 18, 22, tzinfo=dt.UTC)
PLAN = made_plan(begins=BEGAN)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of `run`, with one plan in it."""
    save_plan(tmp_path / "home", PLAN)
    return tmp_path / "home"


def test_a_shift_from_tap_to_return(run: Run, home: Path, tmp_path: Path) -> None:
    assert (home / "plans").is_dir()
    first = run("done", "p7f3a", "1-1", "--minutes", 12, "--at", "22:31", "--format", "json").json["visits"][0]
    assert (first["what"], first["started"], first["minutes"]) == ("new", "2026-11-18 22:31", 12)
    assert run("done", "record", "p7f3a", "1-2", "1-3").code == 0  # as planned
    assert run("done", "p7f3a", "1-4", "--not-done").code == 0
    listed = run("done", "list", "--plan", "p7f3a", "--format", "json").json["visits"]
    assert [(one["stop_id"], one["minutes"], one["outcome"]) for one in listed] == [
        ("1-1", 12, "done"),
        ("1-2", 15, "done"),
        ("1-3", 15, "done"),
        ("1-4", 0, "not_done"),
    ]
    assert len(run("done", "list", "--from", "2026-11-19", "--team", "team 1", "--format", "json").json["visits"]) == 1

    stops = PLAN.tours[1].stops
    track = tmp_path / "team2.gpx"
    track.write_text(gpx_of(walked([(stop.arrive, stop.lon, stop.lat, 10) for stop in stops[:3]])))
    command = ("done", "import", track, "--plan", "p7f3a", "--team", "Team 2")
    tried = run(*command, "--dry-run")
    assert (tried.code, tried.err.splitlines()[-1]) == (0, "Dry run: nothing was changed.")
    brought = run(*command, "--format", "json")
    assert (brought.json["new"], brought.json["answered"], brought.json["missed"]) == (3, 3, ["2-4"])
    assert run(*command).err.splitlines()[-1] == "All of it is recorded already: nothing was changed."

    out = tmp_path / "return.csv"
    told = run("return", "--by", "team,quarter", "--out", out, "--format", "json")
    assert told.json["rows"] == [
        {"team": "Team 1", "quarter": "2026/27 Q3", "planned_stops": 4, "planned_minutes": 60, "stops_done": 3,
         "delivered_minutes": 42, "delivered_share": 0.7, "visits": 4, "other_visits": 0, "needles": 0},
        {"team": "Team 2", "quarter": "2026/27 Q3", "planned_stops": 4, "planned_minutes": 60, "stops_done": 3,
         "delivered_minutes": 30, "delivered_share": 0.5, "visits": 3, "other_visits": 0, "needles": 0},
    ]  # fmt: skip
    with out.open(newline="") as file:
        assert [row["delivered_minutes"] for row in csv.DictReader(file)] == ["42", "30"]
    assert run("return", "--from", "2026-11-20", "--format", "json").json["rows"] == []

    assert run("done", "undo", first["visit_id"], "--yes", "--format", "json").json["earlier_version"] is False
    assert run("done", "undo", "--yes", "--format", "json").json["new"] == 3
    assert len(run("done", "list", "--format", "json").json["visits"]) == 3
    erased = run("erase", "--source", "ledger", "--source-id", listed[1]["visit_id"], "--yes", "--format", "json")
    assert erased.json == {"events": 0, "versions": 0, "rejects": 0, "visits": 1, "complete": True}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("done", "none1", "1-1"), 2, "there is no plan 'none1'."),
        (("done", "p7f3a", "9-9"), 3, "plan p7f3a has no stop '9-9'."),
        (("done", "p7f3a", "1-1", "--at", "noon"), 2, "it was given 'noon'."),
        (("done", "p7f3a", "1-1", "--team", "X"), 3, "plan p7f3a has no team 'X'."),
        (("done", "undo", "0000"), 2, "nobody is here to be asked."),
        (("done", "undo", "0000", "--yes"), 3, "there is none of that name."),
        (("return", "--by", "ward,street"), 2, "it was given 'ward,street'."),
        (("return", "--out", "return.pdf"), 2, "it was given return.pdf."),
        (("places", "load", "x.csv", "--kind", "pub"), 2, "there is no kind 'pub'."),
        (("places", "load", "x.csv", "--kind", "school", "--column", "name"), 2, "it was given 'name'."),
        (("places", "undo", "--kind", "school", "--yes"), 3, "no load of school is left to undo."),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    run: Run, home: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert home.is_dir()
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.splitlines()[1].strip() == said
    assert run("done", "list", "--format", "json").json["visits"] == []


def test_places_are_loaded_listed_removed_and_put_back(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "holders.csv"
    path.write_text("Site,lon,lat,Hours\nAlbert Pharmacy,-1.2400,54.5720,08:00-18:00\nLeeds,-1.55,53.8,\n")
    command = ("places", "load", path, "--kind", "naloxone", "--column", "name=Site")
    tried = run(*command, "--dry-run")
    assert tried.err.splitlines() == ["Rejected: line 3 (Leeds), outside_area", "Dry run: nothing was changed."]
    report = run(*command, "--format", "json").json
    assert (report["accepted"], report["rejected"], report["load_id"]) == (1, 1, 1)
    listed = run("places", "list", "--format", "json").json["places"]
    assert [(one["kind"], one["name"], one["hours"]) for one in listed] == [
        ("naloxone", "Albert Pharmacy", "08:00-18:00")
    ]
    assert json.loads(run("places", "remove", "--kind", "naloxone", "--yes", "--format", "json").out)["removed"] == 1
    assert run("places", "list").out.strip() == "Places: none"
    assert run("places", "undo", "--kind", "naloxone", "--yes", "--format", "json").json["places_now"] == 1
