"""Several programs on one store: readers see whole states, writers wait for each other, nobody fails."""

import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from geo.errors import StoreError
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import WARDS, event_frame, load
from tests.support.load_processes import FIXED, NEW, Loader, load_once


@pytest.mark.slow
def test_a_reader_sees_whole_states_while_another_process_writes(
    tmp_path: Path, store_url: str | None, loader: Loader
) -> None:
    home = tmp_path / "home"
    with Store.open(home, database_url=store_url) as store:
        pid = loader.start(home, store_url, 1)
        cache, seen = ColumnCache(store), set()
        while len(seen) < 4:
            columns = cache.columns(ANALYST, ward_codes=WARDS)
            last = int(columns.quantity.max(initial=0))
            seen.add(last)
            assert len(columns) == (FIXED if last else 0) + NEW * last
            assert np.count_nonzero(columns.quantity == last) == (FIXED + NEW if last else 0)
        os.kill(pid, signal.SIGKILL)
        loader.rest()
        plain = read_columns(store, ANALYST, ward_codes=WARDS)
        np.testing.assert_array_equal(cache.columns(ANALYST, ward_codes=WARDS).row_id, plain.row_id)


def test_a_load_can_begin_while_another_is_open(store: Store) -> None:
    with store.begin_load(ANALYST, area="a") as slow, slow.file("s", "table", sha256="0") as part:
        part.add_events(event_frame(["slow"]))
        assert load(store, event_frame(["fast"])).new == 1
    assert len(read_columns(store, ANALYST, ward_codes=WARDS)) == 2


@pytest.mark.slow
def test_writers_wait_for_each_other_and_readers_for_nobody(store: Store) -> None:
    """Two threads load, two read: every load enters whole, in the order of its number."""
    failures: list[BaseException] = []
    writing = threading.Event()
    writing.set()
    cache = ColumnCache(store)

    def write(numbers: range) -> None:
        for number in numbers:
            load_once(store, number)

    def read() -> None:
        while writing.is_set():
            columns = cache.columns(ANALYST, ward_codes=WARDS)
            newest = (
                columns.row_id[columns.quantity == columns.quantity[columns.row_id.argmax()]] if len(columns) else []
            )
            assert len(newest) in {0, FIXED + NEW}

    def guarded(work: object, *arguments: object) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test must hear of it
            failures.append(error)

    writers = [threading.Thread(target=guarded, args=(write, range(first, first + 4))) for first in (1, 101)]
    readers = [threading.Thread(target=guarded, args=(read,)) for _ in range(2)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    writing.clear()
    for thread in readers:
        thread.join()
    assert failures == []
    assert [batch.batch_id for batch in store.batches(ANALYST)] == list(range(8, 0, -1))
    columns = read_columns(store, ANALYST, ward_codes=WARDS)
    assert len(columns) == FIXED + 8 * NEW


def test_of_two_who_undo_the_same_load_at_once_one_is_refused(store: Store) -> None:
    for name in ("a", "b", "c"):
        load(store, event_frame([name]))
    answers: list[object] = []
    start = threading.Barrier(2)

    def undo() -> None:
        start.wait(10)
        try:
            answers.append(store.undo_last(ANALYST, batch_id=3).batch_id)
        except StoreError as error:
            answers.append(str(error))

    threads = [threading.Thread(target=undo) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    refusal = (
        "Only the last load can be undone; load 2 is the last one now, not load 3; nothing was changed; look at the "
        "last load, and confirm again"
    )
    assert sorted(answers, key=str) == [3, refusal]
    assert len(read_columns(store, ANALYST, ward_codes=WARDS)) == 2


def test_a_new_store_waits_while_another_program_makes_it(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    path = tmp_path / "home" / "hexbeat.sqlite"
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.executescript("CREATE TABLE empty (x); DROP TABLE empty; VACUUM; BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        timer.start()
        with Store.open(tmp_path / "home") as store:
            assert store.version() == 0
        timer.join()


@pytest.mark.usefixtures("real_migrations")  # which look again once they have the lock
@pytest.mark.parametrize("count", [1, 4])
def test_a_new_store_opened_by_several_at_once_is_made_once(tmp_path: Path, store_url: str | None, count: int) -> None:
    versions: list[int] = []

    def open_it() -> None:
        with Store.open(tmp_path / "home", database_url=store_url) as store:
            versions.append(store.version())

    threads = [threading.Thread(target=open_it) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [0] * count
