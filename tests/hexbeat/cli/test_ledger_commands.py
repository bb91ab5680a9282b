"""done, return and places: a shift from its plan to the return, on the command line."""

import csv
import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
import python_calamine
import xlsxwriter

from hexbeat.operations.plans.plan_store import save_plan
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run
from tests.support.gpx import gpx_of, walked
from tests.support.plans import made_plan
from tests.support.stores import documents_in

BEGAN = dt.datetime(2026, 11, 18, 22, tzinfo=dt.UTC)
PLAN = made_plan(begins=BEGAN)


@pytest.fixture
def ledger_home(tmp_path: Path) -> Path:
    """The home of `run`, with one plan in it."""
    save_plan(documents_in(tmp_path / "home"), PLAN)
    return tmp_path / "home"


@pytest.mark.slow
def test_a_shift_from_tap_to_return(run: Run, ledger_home: Path, tmp_path: Path) -> None:
    assert documents_in(ledger_home).list_names(DocumentKind.PLAN)
    first = run("done", "p7f3a", "1-1", "--minutes", 12, "--at", "22:31", "--format", "json").json["visits"][0]
    assert (first["what"], first["started"], first["minutes"]) == ("new", "2026-11-18 22:31", 12)
    assert run("done", "record", "p7f3a", "1-2", "1-3").code == 0  # as planned
    assert run("done", "p7f3a", "1-4", "--not-done").code == 0
    visits = run("done", "list", "--plan", "p7f3a", "--format", "json").json["visits"]
    assert [(one["stop_id"], one["minutes"], one["outcome"]) for one in visits] == [
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
    assert run(*command).err.splitlines()[-1] == "All of this is recorded already: nothing was changed."

    out = tmp_path / "return.csv"
    outcome = run("return", "--by", "team,quarter", "--out", out, "--format", "json")
    assert outcome.json["rows"] == [
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
    erased = run("erase", "--source", "ledger", "--source-id", visits[1]["visit_id"], "--yes", "--format", "json")
    assert erased.json == {"events": 0, "versions": 0, "rejects": 0, "visits": 1, "complete": True}


def test_work_of_a_demonstration_plan_says_so(run: Run, ledger_home: Path, tmp_path: Path) -> None:
    """The store holds no demonstration any more, or never did: the plan itself knows."""
    trial = replace(PLAN, plan_id="trial7", synthetic=True)
    save_plan(documents_in(ledger_home), trial)
    assert run("done", "p7f3a", "1-1").code == 0
    assert "DEMONSTRATION" not in run("done", "list").err
    assert run("done", "trial7", "2-1").code == 0
    listed = run("done", "list", "--format", "json")
    assert [(row["plan_id"], row["demonstration"]) for row in listed.json["visits"]] == [
        ("p7f3a", False), ("trial7", True),
    ]  # fmt: skip
    said = "DEMONSTRATION: 1 visit here answers a plan made from synthetic events, not real.\n"
    assert listed.err == said
    plans = run("plan", "list", "--format", "json").json["rows"]
    assert {row["plan"]: row["demonstration"] for row in plans} == {"p7f3a": "no", "trial7": "yes"}
    mark = "DEMONSTRATION: made from synthetic events, not real."
    assert mark in run("plan", "show", "trial7").err.splitlines()
    assert mark not in run("plan", "show", "p7f3a").err.splitlines()
    out = tmp_path / "return.csv"
    assert run("return", "--by", "team", "--out", out).code == 0
    with out.open(newline="") as file:
        marks = [row["demonstration"] for row in csv.DictReader(file)]
    assert marks == ["DEMONSTRATION: holds work of plans made from synthetic events, not real"] * 2


def test_a_stop_that_is_to_come_is_refused_with_the_time_that_was_taken(run: Run, ledger_home: Path) -> None:
    begins = dt.datetime(2999, 11, 18, 22, tzinfo=dt.UTC)
    save_plan(documents_in(ledger_home), made_plan(begins=begins, plan_id="later1"))
    refused = run("done", "later1", "1-1")
    assert refused.code == 2
    assert refused.err.splitlines()[-3:] == [
        "A visit lies in the past.",
        "  Without --at, stop 1-1 begins as planned, at 2999-11-18 22:30, and that is to come.",
        "  Give the time with --at, such as --at 22:31 or --at '2026-11-19 22:31'.",
    ]
    assert run("done", "list", "--format", "json").json["visits"] == []


def test_the_audit_trail_names_both_forms_of_done(run: Run, ledger_home: Path) -> None:
    for words in (("done", "p7f3a", "1-1"), ("done", "record", "p7f3a", "1-2"), ("done", "p7f3a", "9-9")):
        run(*words)
    with Store.open(ledger_home) as store:
        entries = list(reversed(list_entries(store.engine, ANALYST)))
    assert [(it.action, it.what, it.outcome) for it in entries] == [
        ("record_work", "done record", "done"),
        ("record_work", "done record", "done"),
        ("record_work", "done record", "failed"),
    ]


def test_a_stop_is_named_with_or_without_its_nought(run: Run, ledger_home: Path) -> None:
    tour = made_plan(begins=BEGAN, plan_id="made01", teams=1).tours[0]
    stops = tuple(replace(stop, stop_id=f"1-{stop.order:02d}") for stop in tour.stops)  # as planning names them
    save_plan(documents_in(ledger_home), replace(PLAN, plan_id="made01", tours=(replace(tour, stops=stops),)))
    visits = run("done", "made01", "1-2", "1-03", "1-4", "--format", "json").json["visits"]
    assert [one["stop_id"] for one in visits] == ["1-02", "1-03", "1-04"]
    refused = run("done", "made01", "1-20")
    assert (refused.code, refused.err.splitlines()[1].strip()) == (3, "Plan made01 has no stop '1-20'.")


@pytest.mark.slow
def test_plans_that_were_only_tried_are_left_out_and_can_be_removed(run: Run, ledger_home: Path) -> None:
    save_plan(documents_in(ledger_home), made_plan(begins=BEGAN, plan_id="tried2"))
    assert run("done", "p7f3a", "1-1").code == 0
    payload = run("return", "--by", "kind", "--format", "json").json
    assert [(row["planned_stops"], row["planned_minutes"]) for row in payload["rows"]] == [(8, 120)]
    note = "1 plan was only tried and is left out: tried2"
    assert payload["notes"][-1] == note

    unsure = run("plan", "remove", "tried2")
    assert (unsure.code, unsure.err.splitlines()[1].strip()) == (
        2,
        "There is no terminal on which to ask you.",
    )
    assert run("plan", "remove", "tried2", "--yes", "--format", "json").json == {"removed": "tried2"}
    assert run("return", "--by", "kind", "--format", "json").json["notes"][1:] == []
    refused = run("plan", "remove", "p7f3a", "--yes")
    assert (refused.code, refused.err.splitlines()[-2].strip()) == (2, "Plan p7f3a has 1 visit.")
    gone = run("plan", "remove", "tried2", "--yes")
    assert (gone.code, gone.err.splitlines()[-2].strip()) == (2, "There is no plan 'tried2'.")
    assert [row["plan"] for row in run("plan", "list", "--format", "json").json["rows"]] == ["p7f3a"]


UNSEEN = [
    "A plan is shown to those who see the numbers in its reasons.",
    "  Numbers of needle finds below 5 are not shown to your role.",
    "  Make a plan of your own for other layers, or ask the analyst of the partnership.",
]


@pytest.mark.slow
def test_a_plan_that_a_role_may_not_see_it_may_not_remove_record_or_evaluate(run: Run, ledger_home: Path) -> None:
    log = ledger_home / "log.csv"
    log.write_text("plan,stop,start,minutes\np7f3a,1-1,2026-07-01 10:00,5\n", encoding="utf-8")
    (ledger_home / "policy.toml").write_text(
        '[roles.police]\ndocuments = ["evaluation"]\n'
        '[roles.police.layers]\nneedle_litter = { detail = "points", fewest = 5 }\n',
        encoding="utf-8",
    )
    for words in (
        ("plan", "show", "p7f3a"),
        ("plan", "withdraw", "p7f3a"),
        ("plan", "remove", "p7f3a", "--yes"),
        ("done", "p7f3a", "1-1"),
        ("done", "import", log, "--plan", "p7f3a"),
        ("evaluate", "--plan", "p7f3a", "--layer", "street_dealing", "--start", "2026-07-01"),
    ):
        refused = run(*words, "--role", "police")
        assert (words, refused.code, refused.out, refused.err.splitlines()[-3:]) == (words, 4, "", UNSEEN)
    assert [row["plan"] for row in run("plan", "list", "--format", "json").json["rows"]] == ["p7f3a"]
    assert run("plan", "remove", "p7f3a", "--yes").code == 0


def test_a_plan_that_cannot_be_read_is_removed_by_who_sees_every_point(run: Run, ledger_home: Path) -> None:
    documents_in(ledger_home).write(DocumentKind.PLAN, "bad2", b"{")
    refused = run("plan", "remove", "bad2", "--yes", "--role", "police")
    assert (refused.code, refused.err.splitlines()[-3:]) == (
        4,
        [
            "The access policy decides who may do what.",
            "  It does not let police see points.",
            "  Ask the analyst of the partnership.",
        ],
    )
    assert run("plan", "remove", "bad2", "--yes", "--format", "json").json == {"removed": "bad2"}


@pytest.mark.slow
@pytest.mark.usefixtures("ledger_home")
def test_an_issued_plan_is_planned_work_until_it_is_withdrawn(run: Run) -> None:
    def read_planned() -> list[int]:
        return [row["planned_stops"] for row in run("return", "--by", "kind", "--format", "json").json["rows"]]

    assert read_planned() == []
    assert run("plan", "issue", "p7f3a", "--format", "json").json["plan"] == "p7f3a"
    assert read_planned() == [8]
    assert [row["issued"] for row in run("plan", "list", "--format", "json").json["rows"]] == ["yes"]
    assert run("plan", "withdraw", "p7f3a", "--format", "json").json == {"withdrawn": "p7f3a"}
    assert read_planned() == []
    run("plan", "issue", "p7f3a")
    run("done", "p7f3a", "1-1")
    refused = run("plan", "withdraw", "p7f3a")
    assert refused.err.splitlines()[-3:] == [
        "You cannot withdraw a plan with recorded visits, because the return compares them with it.",
        "  Plan p7f3a has 1 visit.",
        "  Undo the visits first with `hexbeat done undo`.",
    ]
    deeds = run("audit", "list", "--format", "json").json["entries"]
    assert {"plan issue", "plan withdraw"} <= {deed["what"] for deed in deeds}


def test_a_sheet_of_one_team_in_two_spellings_counts_once_and_overlaps_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(
        "Team,Kind,Started,Minutes,Lat,Lon\nTeam 1,patrol,18/11/2026 22:00,20,54.56,-1.24\n"
        "team 1,patrol,18/11/2026 22:00,20,54.56,-1.24\nTeam 1,patrol,18/11/2026 22:05,20,54.57,-1.24\n"
    )
    brought = run("done", "import", path, "--format", "json")
    assert (brought.json["new"], brought.json["reasons"]) == (2, {"duplicate": 1})
    words = "1 visit begins before the same team's earlier visit ends: 15 minutes count twice"
    assert brought.json["notes"] == [words]
    assert run("return", "--format", "json").json["notes"][-1] == words


FILLED: dict[str, dict[str, object]] = {
    "1-1": {"started": dt.time(22, 41), "done": "yes", "minutes_spent": 9},
    "1-2": {"done": "x"},
    "1-3": {"done": "no"},
    "2-4": {"started": "0:10", "ended": "0:31"},  # the night has gone on to the next day
}


def handed_in(path: Path) -> Path:
    """The plan's own file as a team filled it in, in a program that keeps both sheets of the workbook."""
    if path.suffix == ".csv":
        sheets = {"Stops": list(csv.reader(path.read_text(encoding="utf-8").splitlines()))}
    else:
        book = python_calamine.CalamineWorkbook.from_path(path)
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    head, *rows = sheets["Stops"]
    records = [dict(zip(head, row, strict=True)) for row in rows]
    records = [row | FILLED.get(str(row["stop_id"]), {}) for row in records]
    headings = [*head, "ended"]
    sheets["Stops"] = [headings, *([row.get(heading, "") for heading in headings] for row in records)]
    path = path.with_stem("filled")
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(sheets["Stops"])
        return path
    with xlsxwriter.Workbook(path) as book:
        clock = book.add_format({"num_format": "hh:mm"})
        for name, cells in sheets.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(cells):
                for column, value in enumerate(row):
                    sheet.write(line, column, value, clock if isinstance(value, dt.time) else None)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_plans_own_file_is_filled_in_and_handed_in(run: Run, ledger_home: Path, tmp_path: Path, kind: str) -> None:
    own = tmp_path / f"own.{kind}"
    assert run("plan", "show", "p7f3a", "--out", own).code == 0
    empty = run("done", "import", own)
    assert (empty.code, empty.err.splitlines()[1].strip()) == (
        3,
        "None of its 8 rows can be used (not_filled_in 8).",
    )
    report = run("done", "import", handed_in(own), "--format", "json").json
    assert (report["plan_id"], report["new"], report["answered"], report["not_done"]) == ("p7f3a", 4, 3, 1)
    assert report["reasons"] == {"not_filled_in": 4}
    visits = run("done", "list", "--format", "json").json["visits"]
    assert sorted((one["stop_id"], one["team"], one["started"], one["minutes"], one["outcome"]) for one in visits) == [
        ("1-1", "Team 1", "2026-11-18 22:41", 9, "done"),
        ("1-2", "Team 1", "2026-11-18 23:00", 15, "done"),
        ("1-3", "Team 1", "2026-11-18 23:30", 0, "not_done"),
        ("2-4", "Team 2", "2026-11-19 00:10", 21, "done"),
    ]
    save_plan(documents_in(ledger_home), made_plan(begins=BEGAN, plan_id="other2"))
    refused = run("done", "import", tmp_path / f"filled.{kind}", "--plan", "other2")
    assert (refused.code, refused.err.splitlines()[1].strip()) == (
        3,
        "None of its 8 rows can be used (other_plan 8).",
    )


def test_a_return_that_cannot_be_written_is_told(run: Run, ledger_home: Path, tmp_path: Path) -> None:
    assert ledger_home.is_dir()
    outcome = run("return", "--out", tmp_path / "gone" / "x.csv")
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, "The folder of the file has to exist.")
    (tmp_path / "dir.xlsx").mkdir()
    outcome = run("return", "--out", tmp_path / "dir.xlsx")
    assert (outcome.code, outcome.err.splitlines()[-2].strip()) == (3, "dir.xlsx cannot be written (it is a folder).")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("done", "none1", "1-1"), 2, "There is no plan 'none1'."),
        (("done", "p7f3a", "9-9"), 3, "Plan p7f3a has no stop '9-9'."),
        (("done", "p7f3a", "1-1", "--at", "noon"), 2, "--at is 'noon'."),
        (("done", "p7f3a", "1-1", "--team", "X"), 3, "Plan p7f3a has no team 'X'."),
        (("done", "undo", "0000"), 2, "There is no terminal on which to ask you."),
        (("done", "undo", "0000", "--yes"), 3, "There is no visit of that name."),
        (("return", "--by", "ward,street"), 2, "--by is 'ward,street'."),
        (("return", "--out", "return.pdf"), 2, "--out is return.pdf."),
        (("places", "load", "x.csv", "--kind", "pub"), 2, "There is no kind 'pub'."),
        (("places", "load", "x.csv", "--kind", "school", "--column", "name"), 2, "--column is 'name'."),
        (("places", "undo", "--kind", "school", "--yes"), 3, "No load of school is left to undo."),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    run: Run, ledger_home: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert ledger_home.is_dir()
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.splitlines()[1].strip() == message
    assert run("done", "list", "--format", "json").json["visits"] == []


def test_places_are_loaded_listed_removed_and_put_back(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "holders.csv"
    path.write_text("Site,lon,lat,Hours\nAlbert Pharmacy,-1.2400,54.5720,08:00-18:00\nLeeds,-1.55,53.8,\n")
    command = ("places", "load", path, "--kind", "naloxone", "--column", "name=Site")
    tried = run(*command, "--dry-run")
    assert tried.err.splitlines() == ["Rejected: line 3 (Leeds), outside_area", "Dry run: nothing was changed."]
    report = run(*command, "--format", "json").json
    assert (report["accepted"], report["rejected"], report["load_id"]) == (1, 1, 1)
    places = run("places", "list", "--format", "json").json["places"]
    assert [(one["kind"], one["name"], one["hours"]) for one in places] == [
        ("naloxone", "Albert Pharmacy", "08:00-18:00")
    ]
    assert json.loads(run("places", "remove", "--kind", "naloxone", "--yes", "--format", "json").out)["removed"] == 1
    assert run("places", "list").out.strip() == "Places: none"
    assert run("places", "undo", "--kind", "naloxone", "--yes", "--format", "json").json["places_now"] == 1
