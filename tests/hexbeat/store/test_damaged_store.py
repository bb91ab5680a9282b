"""Damaged stores: each reading command answers as before, or with an error in three parts.

208 seeded damages, each met by one command, the commands in turn. Where the answer differs silently, the database
itself finds no fault in the file: a flipped bit within a number or a text is nothing that SQLite can notice.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from geo.errors import StoreError
from hexbeat.store.store import Store
from tests.support.cli import Outcome, Run
from tests.support.damage import READERS, copy_damaged, make_whole_store

SEEDS = 208
WRITING = ("undo", "erase", "export")


def find_fault(path: Path) -> str:
    """What SQLite itself says of the file; "ok" if it finds nothing."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)


def read(run: Run, home: Path, words: tuple[str, ...]) -> Outcome:
    outcome = run(*(word.format(home=home) for word in words), "--home", home)
    return Outcome(outcome.code, outcome.out.replace(str(home), "HOME"), outcome.err)


@pytest.mark.slow
def test_no_damage_gives_a_traceback_or_silently_another_number(tmp_path: Path, run: Run) -> None:
    whole, home = tmp_path / "whole", tmp_path / "home"
    make_whole_store(whole, rows=150)
    read(run, whole, ("briefing",))  # it keeps in the store what the back-test selects
    truth: dict[tuple[str, ...], Outcome] = {}
    refused = 0
    for seed in range(SEEDS):
        words = READERS[seed * 7 % len(READERS)]
        if words not in truth:
            copy_damaged(whole, home, None)
            truth[words] = read(run, home, words)
            assert truth[words].code == 0, truth[words].err
        name = copy_damaged(whole, home, seed)
        outcome = read(run, home, words)
        told = f"{seed} {name} {words[0]}: {outcome.err}"
        if outcome.code:
            assert outcome.code == 3, told
            assert len([line for line in outcome.err.splitlines() if line.strip()]) == 3, told
            refused += 1
        elif outcome.out != truth[words].out:
            assert find_fault(home / "hexbeat.sqlite") == "ok", told
    assert refused > SEEDS // 3


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "{path} is empty"), (bytes(8192), "{path} is full of zeros")],
    ids=["empty", "zeros"],
)
def test_a_file_that_lost_its_content_is_no_new_store(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "hexbeat.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert str(caught.value) == (
        f"The store has to be whole; {said.format(path=path)}; stop Hexbeat, and restore the store from a backup "
        "(hexbeat restore); if there never was one, remove the file"
    )
    assert path.read_bytes() == content


def test_a_log_without_its_file_is_not_written_into_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "hexbeat.sqlite-wal").write_bytes(b"changes")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert str(caught.value) == (
        f"The store has to be whole; {tmp_path}/hexbeat.sqlite is missing, and its write-ahead log is there; stop "
        "Hexbeat, and restore the store from a backup (hexbeat restore); if you removed the store on purpose, remove "
        "hexbeat.sqlite-wal too"
    )
    assert not (tmp_path / "hexbeat.sqlite").exists()


def test_a_store_whose_tables_are_gone_is_no_new_store(tmp_path: Path) -> None:
    Store.open(tmp_path).dispose()
    with closing(sqlite3.connect(tmp_path / "hexbeat.sqlite")) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master")
        connection.commit()
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert str(caught.value) == (
        f"The store has to be whole; {tmp_path}/hexbeat.sqlite is damaged: its tables are gone; stop Hexbeat, and "
        "restore the store from a backup (hexbeat restore)"
    )
