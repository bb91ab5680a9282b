"""An erasure that cannot be finished now: the store opens and reads, says so, and finishes as soon as it can."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from geo.errors import StoreError
from hexbeat.store import erasure
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame, load
from tests.support.faults import files_limited_to
from tests.support.postgres_servers import Server

SECRET = b"met Rumpelstilzchen behind the mill"
WHY = (
    "Traces may remain in the store's files: another program uses the store, its disk is full, or you may not rewrite "
    "it. Hexbeat tries again each time it opens the store."
)
PENDING = f"An earlier erasure is not finished. {WHY}"


def fill(store: Store) -> None:
    load(store, event_frame([f"k-{place}" for place in range(2000)], note="nothing of note"))
    load(store, event_frame(["secret"], note=SECRET.decode()))


def leave_pending(store: Store) -> None:
    """Delete the event and leave the sweep undone, as a program that is killed in between does."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE source_id = 'secret'")
        connection.exec_driver_sql("UPDATE store_state SET erasure_pending = TRUE")


@contextmanager
def written_by_another(home: Path) -> Iterator[None]:
    """Another program is in the middle of writing to the store."""
    other = sqlite3.connect(home / "hexbeat.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def disk_full(home: Path) -> Iterator[None]:
    """There is room for the log of small changes, but not for the whole file once more."""
    assert (home / "hexbeat.sqlite").stat().st_size > 300_000
    with files_limited_to(200_000):
        yield


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk; a limit on the size of files stands for a full one above")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("hindrance", [written_by_another, disk_full])
def test_a_store_with_a_pending_erasure_opens_and_reads(
    tmp_path: Path, hindrance: Callable[[Path], AbstractContextManager[None]]
) -> None:
    with Store.open(tmp_path) as store:
        fill(store)
        leave_pending(store)
    with hindrance(tmp_path), Store.open(tmp_path) as store:
        assert store.describe_pending_erasure() == PENDING
        assert len(read_live_records(store, ANALYST)) == 2000
    with Store.open(tmp_path) as store:
        assert store.describe_pending_erasure() is None
        assert SECRET not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_an_erasure_without_room_to_finish_says_so(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        fill(store)
        with disk_full(tmp_path):
            erased = store.erase(ANALYST, "table", "secret")
        assert (erased.rows, erased.complete, erased.notice) == (1, False, f"The rows are gone. {WHY}")
        assert store.describe_pending_erasure() == PENDING
        assert store.erase(ANALYST, "table", "k-1").complete
        assert store.describe_pending_erasure() is None


def test_on_a_full_disk_an_erasure_takes_no_room_from_others(small_disk: Path) -> None:
    home, ballast = small_disk / "home", small_disk / "ballast"
    with Store.open(home) as store:
        fill(store)
        with store.engine.connect():  # another connection keeps the log in being
            free = shutil.disk_usage(small_disk).free - 150_000
            ballast.write_bytes(bytes(free))
            assert not store.erase(ANALYST, "table", "secret").complete
            assert (home / "hexbeat.sqlite-wal").stat().st_size == 0
            assert SECRET not in b"".join(path.read_bytes() for path in home.iterdir())
    with Store.open(home) as store:
        assert (store.describe_pending_erasure(), len(read_live_records(store, ANALYST))) == (PENDING, 2000)
    ballast.unlink()
    with Store.open(home) as store:
        assert store.describe_pending_erasure() is None


@pytest.mark.slow
def test_an_erasure_with_no_room_at_all_changes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        fill(store)
        with files_limited_to(1000), pytest.raises(StoreError) as caught:
            store.erase(ANALYST, "table", "secret")
        assert str(caught.value) == (
            f"The database has to answer; {tmp_path}/hexbeat.sqlite says: disk I/O error; check that the disk has "
            "room, and "
            "that the file and its folder can be written"
        )
        assert store.describe_pending_erasure() is None
        assert len(read_live_records(store, ANALYST)) == 2001


@pytest.fixture
def lesser_url(tmp_path: Path, database_url: str, postgres_server: Server) -> Iterator[str]:
    """The address of a filled store by which another user opens it, who may read it and no more."""
    with Store.open(tmp_path, database_url=database_url) as store:
        fill(store)
    name, role = sa.engine.make_url(database_url).database or "", f"r{uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN", name)
    postgres_server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", name)
    yield database_url.replace(postgres_server.user, role, 1)
    postgres_server.execute(f"DROP OWNED BY {role}", name)
    postgres_server.execute(f"DROP ROLE {role}", name)


@pytest.mark.postgres
def test_one_who_may_only_read_opens_a_store_with_a_pending_erasure(
    tmp_path: Path, database_url: str, lesser_url: str
) -> None:
    with Store.open(tmp_path, database_url=database_url) as store:
        leave_pending(store)
    with Store.open(tmp_path, database_url=lesser_url) as store:
        assert store.describe_pending_erasure() == PENDING
        assert len(read_live_records(store, ANALYST)) == 2000
    with Store.open(tmp_path, database_url=database_url) as store:
        assert store.describe_pending_erasure() is None


@pytest.mark.postgres
def test_one_who_does_not_own_the_tables_leaves_the_rest_to_their_owner(
    tmp_path: Path, database_url: str, lesser_url: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PATIENCE_S", 0.3)
    url = sa.engine.make_url(lesser_url)
    grant = f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {url.username}"
    postgres_server.execute(grant, url.database or "")
    with Store.open(tmp_path, database_url=lesser_url) as store:
        erased = store.erase(ANALYST, "table", "secret")
        assert (erased.rows, erased.complete, erased.notice) == (1, False, f"The rows are gone. {WHY}")
    with Store.open(tmp_path, database_url=database_url) as store:
        assert store.describe_pending_erasure() is None


def test_what_is_erased_during_a_sweep_is_not_taken_for_swept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    name = f"_sweep_{'sqlite' if store.engine.dialect.name == 'sqlite' else 'postgres'}"
    sweep = getattr(erasure, name)

    def overtaken(engine: sa.Engine, deadline: float) -> bool:
        done = bool(sweep(engine, deadline))
        monkeypatch.setattr(erasure, "finish", lambda *_, **__: False)  # another program, killed before its own sweep
        store.erase(ANALYST, "table", "k-1")
        monkeypatch.undo()
        return done

    monkeypatch.setattr(erasure, name, overtaken)
    assert store.erase(ANALYST, "table", "secret").complete
    assert store.describe_pending_erasure() == PENDING
    assert store.erase(ANALYST, "table", "k-2").complete
    assert store.describe_pending_erasure() is None
