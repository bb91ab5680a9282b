"""What commands do where no store is, where another program keeps it for itself, and under a clock that jumped."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hexbeat.store import databases
from layers.wording import format_date
from tests.support.cli import Outcome, Run


@pytest.fixture
def finds(tmp_path: Path) -> Path:
    path = tmp_path / "finds.csv"
    path.write_text(
        "layer,source_id,latitude,longitude,date\nneedle_litter,A-1,54.576,-1.235,01/10/2011\n", encoding="utf-8"
    )
    return path


def test_a_clock_far_ahead_of_the_records_has_to_be_confirmed(
    run: Run, finds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ingest", finds, "--source", "table").code == 0
    monkeypatch.setattr(databases, "_LIKELY", -timedelta(days=1))
    today = format_date(datetime.now(UTC).date())
    for command in (("retain",), ("audit", "retain")):
        outcome = run(*command, "--years", 1, "--yes")
        if command == ("retain",):
            assert (outcome.code, outcome.err) == (
                3,
                (
                    "What is too old is removed by the clock, so the clock has to be right.\n"
                    f"  It says {today}, and the last records came on {today}.\n"
                    "  Check the date of this machine; nothing was removed; if the date is right, add "
                    "--clock-is-right.\n"
                ),
            )
        else:
            assert outcome.code == 0  # no entry is so old
    assert run("retain", "--years", 6, "--yes", "--clock-is-right", "--format", "json").json["events"] == 1


def test_a_home_without_a_store_is_said_and_none_is_made(run: Run, finds: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for command in (("counts",), ("rejects",), ("audit", "list"), ("retain", "--years", 1, "--yes"), ("history", "0")):
        assert run(*command) == Outcome(
            3,
            "",
            "This command needs a store that is there.\n"
            f"  {home} holds none.\n"
            "  Check --home and HEXBEAT_HOME, or load records first (hexbeat ingest or hexbeat demo).\n",
        )
    assert not home.exists()
    assert run("ingest", finds, "--source", "table").code == 0
    assert run("counts").code == 0


def test_a_store_that_another_program_keeps_for_itself_is_not_waited_for_long(
    run: Run, finds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ingest", finds, "--source", "table").code == 0
    monkeypatch.setattr(databases, "_LOCKED_S", 0.1)
    path = tmp_path / "home" / "hexbeat.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert run("counts") == Outcome(
            3,
            "",
            "Hexbeat can read a store that no other program keeps for itself alone.\n"
            f"  Another program has locked {path} for 0.1 seconds.\n"
            "  Wait until it has finished, or end it, then try again.\n",
        )
