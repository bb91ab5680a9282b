"""The locks of a SQLite file: nothing that this process does with its store may end them while the store is open."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hexbeat.store.backup import write_backup
from hexbeat.store.database_errors import check_file
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame, load

COUNT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM events").fetchone()[0])
connection.close()
"""


def count_apart(path: Path) -> int:
    """Another program opens the store, counts its events, and closes it."""
    command = [sys.executable, "-c", COUNT, str(path)]
    return int(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def open_again(store: Store) -> None:
    Store.open(store.home).dispose()


def back_up(store: Store) -> None:
    write_backup(store, ANALYST, store.home.parent / "backup.tar.gz")


def check(store: Store) -> None:
    check_file(store.engine, indexes=True)


def erase(store: Store) -> None:
    store.erase(ANALYST, "table", "a")


@pytest.mark.parametrize("use", [open_again, back_up, check, erase])
def test_another_program_that_closes_the_store_leaves_the_log_of_this_one(
    tmp_path: Path, use: Callable[[Store], None]
) -> None:
    path = tmp_path / "home" / "hexbeat.sqlite"
    with Store.open(tmp_path / "home") as store:
        load(store, event_frame(["a", "b"]))
        store.version()  # a connection of this process stays open
        use(store)
        before = count_apart(path)
        assert path.with_name("hexbeat.sqlite-wal").exists()
        load(store, event_frame(["c", "d"]))
        assert count_apart(path) == before + 2
    assert count_apart(path) == before + 2


def test_another_program_leaves_the_log_of_two_openings(tmp_path: Path) -> None:
    path = tmp_path / "hexbeat.sqlite"
    with Store.open(tmp_path) as store, Store.open(tmp_path) as second:
        load(store, event_frame(["a"]))
        assert count_apart(path) == 1
        assert path.with_name("hexbeat.sqlite-wal").exists()
        load(second, event_frame(["b"]))
        load(store, event_frame(["c"]))
    assert count_apart(path) == 3
