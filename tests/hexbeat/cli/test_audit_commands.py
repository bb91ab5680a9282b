"""hexbeat audit, and what the other commands write into the trail."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import hexbeat
from geo.errors import DataError
from hexbeat.accounts import find_account
from hexbeat.cli.command_audit import ACTIONS
from hexbeat.cli.main import COMMANDS, load_command
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Outcome, Run, answer, make_empty_store
from tests.support.demonstrations import copy_filled_store

PLACE = "Linthorpe Road"
POSTCODE = "TS1 4AG"
LAT, LON = "54.5701", "-1.2399"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the demonstration's store, whose trail is this test's own."""
    return copy_filled_store(tmp_path / "home")


def list_written(home: Path) -> list[Any]:
    with Store.open(home) as store:
        return list(reversed(list_entries(store.engine, ANALYST)))


@pytest.mark.slow
def test_a_command_is_written_once_with_who_what_filter_rows_and_outcome(run: Run, home: Path, tmp_path: Path) -> None:
    before = len(list_written(home))
    answer(run("counts", "--layer", "needle_litter", "--by", "ward", "--hours", "22-04", "--format", "json"))
    run("counts", "--ward", "12 Linthorpe Road")
    run("counts", "--layer", "needle_litter", "--by", "ward", "--out", tmp_path / "counts.csv")
    rows = [
        (it.subject, it.role, it.door, it.action, it.what, it.filter, it.form, it.outcome, it.reason)
        for it in list_written(home)[before:]
    ]
    who = (find_account(), "analyst", "command", "see_counts", "counts")
    usual = "layers=needle_litter&measure=events&size=9"
    assert rows == [
        (*who, f"by=ward&hours=22-04&{usual}", "json", "done", ""),
        (*who, "by=cell&measure=events&size=9&wards=?", "screen", "failed", "UsageError, exit code 2"),
        (*who, f"by=ward&{usual}", "csv", "done", ""),
    ]
    assert [it.rows is not None for it in list_written(home)[before:]] == [True, False, True]


EVERY = (
    ("counts", "--ward", PLACE),
    ("counts", "--category", PLACE),
    ("hotspots", "--layer", "needle_litter", "--ward", POSTCODE),
    ("change", "--layer", PLACE),
    ("alerts", "--day", PLACE),
    ("near-repeats", "--layer", PLACE),
    ("backtest", "--layer", PLACE),
    ("naloxone", "--ward", PLACE),
    ("evidence", "--lat", LAT, "--lon", LON, "--radius", "200", "--reference", PLACE, "--by", "A. Person"),
    ("evidence", "--place", PLACE, "--reference", PLACE, "--by", "A. Person"),
    ("evaluate", "--at", f"{LAT},{LON}", "--start", "2026-01-01", "--layer", PLACE),
    ("evaluate", "--cell", "89195648c3bffff", "--start", "2026-01-01", "--layer", PLACE),
    ("plan", "patrol", "--start", f"{LAT},{LON}", "--hours", PLACE),
    ("plan", "sweep", "--start", PLACE),
    ("plan", "remove", PLACE),
    ("done", "list", "--team", PLACE, "--plan", PLACE),
    ("done", "undo", "--visit", PLACE),
    ("done", PLACE, "1-1"),
    ("done", "record", PLACE, "1-1"),
    ("return", "--by", PLACE),
    ("history", PLACE),
    ("rejects", "--batch", "7"),
    ("erase", "--source", PLACE, "--source-id", PLACE, "--yes"),
    ("coverage", "clear", "--layer", PLACE, "--from", "2026-01-01", "--to", "2026-02-01", "--source", PLACE),
    ("places", "list", "--kind", PLACE),
    ("ingest", f"{PLACE}.csv", "--source", PLACE),
    ("places", "load", f"{PLACE}.csv", "--kind", "school"),
    ("briefing", "--ward", PLACE),
    ("audit", "list", "--subject", PLACE, "--action", PLACE),
)


@pytest.mark.slow
def test_no_place_that_is_typed_is_ever_written(run: Run, home: Path) -> None:
    for arguments in EVERY:
        run(*arguments)
    entries = list_written(home)
    assert len(entries) > len(EVERY) // 2
    for entry in entries:
        text = json.dumps([entry.action, entry.what, entry.filter, entry.form, entry.reason]).lower()
        for canary in (PLACE, POSTCODE, LAT, LON, "person", "89195648c3bffff", ".csv"):
            assert canary.lower() not in text, entry
        assert entry.what != "other", entry


def test_every_command_has_an_action() -> None:
    groups = {name.split()[0] for name in ACTIONS}
    assert groups == set(COMMANDS)
    names = set[str]()
    for name in COMMANDS:
        command = load_command(name)
        parts = getattr(command, "commands", {})
        names |= {f"{name} {part}" for part in parts}
        names |= {name} if not parts or command.invoke_without_command else set()
    assert names - set(ACTIONS) == set()
    assert set(ACTIONS) - names == {"audit"}


def test_a_refusal_before_the_viewer_is_known_is_written(run: Run, home: Path, tmp_path: Path) -> None:
    before = len(list_written(home))
    (home / "policy.toml").write_text('[local]\n"somebody else" = "analyst"\n', encoding="utf-8")
    assert [run(*words).code for words in (["counts"], ["shared"], ["policy", "check"])] == [4, 4, 4]
    (home / "policy.toml").write_text(f'[local]\n"{find_account()}" = "council"\n', encoding="utf-8")
    assert run("counts", "--role", "analyst").code == 4
    (home / "policy.toml").write_text("[roles", encoding="utf-8")
    assert run("export", "--out", tmp_path / "events.csv").code == 3
    with pytest.raises(DataError):
        hexbeat.open(home)
    (home / "policy.toml").unlink()
    rows = [
        (it.subject, it.role, it.door, it.action, it.what, it.outcome, it.reason) for it in list_written(home)[before:]
    ]
    who, not_named = (find_account(), "none"), "yours is not among them"
    assert rows == [
        (*who, "command", "see_counts", "counts", "refused", not_named),
        (*who, "command", "see_settings", "shared", "refused", not_named),
        (*who, "command", "see_settings", "policy check", "refused", not_named),
        (*who, "command", "see_counts", "counts", "refused", "analyst may do more than council"),
        (*who, "command", "export", "export", "failed", "DataError, exit code 3"),
        (*who, "python", "see_counts", "open", "failed", "DataError, exit code 3"),
    ]


def test_where_there_is_no_store_a_refusal_makes_none(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "policy.toml").write_text("[local]\n", encoding="utf-8")
    assert run("counts").code == 4
    assert [path.name for path in folder.iterdir()] == ["policy.toml"]


@pytest.mark.slow
def test_commands_about_settings_sessions_and_backups_are_written(run: Run, home: Path, tmp_path: Path) -> None:
    before = len(list_written(home))
    plans, pack = tmp_path / "plans.toml", tmp_path / "pack.tar.gz"
    plans.write_text("standard_hours = 3\n", encoding="utf-8")
    for words in (
        ["policy", "check"],
        ["sessions", "list"],
        ["sessions", "end", "--all"],
        ["shared", "put", plans],
        ["shared", "show", "plans.toml"],
        ["shared", "remove", "plans.toml", "--yes"],
        ["plan", "list"],
        ["backup", pack],  # whose own entry comes after it
        ["restore", pack, "--replace"],
    ):
        assert run(*words).code == 0, words
    assert [(it.action, it.what, it.role, it.outcome) for it in list_written(home)[before:]] == [
        ("see_settings", "policy check", "analyst", "done"),
        ("see_audit", "sessions list", "analyst", "done"),
        ("see_audit", "sessions end", "analyst", "done"),
        ("plan", "shared put", "analyst", "done"),
        ("see_settings", "shared show", "analyst", "done"),
        ("plan", "shared remove", "analyst", "done"),
        ("see_work", "plan list", "analyst", "done"),
        ("restore_home", "restore", "none", "done"),
    ]


def test_the_trail_is_listed_filtered_and_written_as_csv(run: Run, home: Path, tmp_path: Path) -> None:
    run("coverage")
    listed = answer(run("audit", "list", "--action", "see_counts", "--format", "json"))["entries"]
    assert [(row["what"], row["subject"], row["outcome"]) for row in listed][:1] == [
        ("coverage", find_account(), "done")
    ]
    assert answer(run("audit", "list", "--subject", "nobody", "--format", "json")) == {"entries": []}
    assert answer(run("audit", "list", "--to", "2001-01-01", "--format", "json")) == {"entries": []}
    out = tmp_path / "trail.csv"
    told = answer(run("audit", "list", "--out", out, "--format", "json"))
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (told, rows[0]["what"], len(rows[0]["hash"])) == ({"out": str(out), "entries": len(rows)}, "audit list", 64)
    assert len(list_written(home)) == len(rows) + 1  # it is written before the file is, and was read before that
    assert (
        run("audit", "list", "--most", "1").err == "These are the newest 1. --most shows more, and --out writes all.\n"
    )
    assert run("audit", "list", "--out", tmp_path / "trail.txt") == Outcome(
        2, "", "The audit trail is written as a .csv file.\n  --out is trail.txt.\n  Give it this ending.\n"
    )


def test_the_trail_is_verified_and_an_anchor_is_expected_of_it(run: Run, tmp_path: Path) -> None:
    home = make_empty_store(
        tmp_path / "new"
    )  # other tests have left their entries in the store that this file begins with
    empty = answer(run("audit", "verify", "--home", home, "--format", "json"))
    assert empty == {
        "entries": 0, "first": None, "last": None, "anchor": None, "whole": True, "removed_to": 0, "restored": [],
        "from_backup": [],
    }  # fmt: skip
    second = answer(run("audit", "verify", "--home", home, "--format", "json"))
    third = answer(run("audit", "verify", "--home", home, "--expect", second["anchor"], "--format", "json"))
    assert (third["whole"], third["entries"], third["restored"]) == (True, second["entries"] + 1, [])
    missing = f"999:{'a' * 64}"
    outcome = run("audit", "verify", "--home", home, "--expect", missing)
    assert outcome.code == 3
    assert outcome.err == (
        "The audit trail has to be one unbroken chain.\n"
        f"  It ends with entry {third['last'] + 1}, before entry 999 that was noted elsewhere: entries were removed, "
        "or an older copy of the store was restored.\n"
        "  Keep this store as it is, and compare it with a backup.\n"
    )
    assert list_written(home)[-1].reason == "DataError, exit code 3"


def test_what_is_too_old_is_removed_by_its_own_rule(run: Run, home: Path) -> None:
    run("coverage")
    outcome = run("audit", "retain", "--years", "7", "--yes", "--format", "json")
    assert (answer(outcome), outcome.err) == (
        {"removed": 0, "up_to": None}, "No entry is older than 7 years: nothing was removed.\n",
    )  # fmt: skip
    assert run("audit", "retain", "--years", "7").err == (
        "Confirm this before Hexbeat does it.\n"
        "  There is no terminal on which to ask you.\n"
        "  Add --yes to confirm it in the command.\n"
    )
    assert [(it.action, it.what, it.filter) for it in list_written(home)][-1] == ("retain", "audit retain", "years=7")
