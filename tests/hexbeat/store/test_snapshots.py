"""Snapshots of a store: used where true, never believed where not, and gone when events are erased."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from geo.cells import index_points_at
from geo.errors import StoreError
from hexbeat.store import snapshots
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import write_deed
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.column_changes import read_whole
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.home_layout import FILE_NAME
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer
from layers.columns import Columns
from layers.event import RESOLUTIONS
from tests.hexbeat.store.test_live_columns import many
from tests.hexbeat.store.test_store_model import Machine, assert_equal
from tests.support.events import BOTH, WARDS, event_frame, load

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEALTH = Viewer(Role.HEALTH)


@pytest.fixture(autouse=True)
def _of_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FEWEST_EVENTS", 1)


def read(store: Store) -> Columns:
    return read_columns(store, ANALYST, ward_codes=WARDS)


def read_database(store: Store) -> Columns:
    with read_transaction(store.engine) as connection:
        return read_whole(connection, version=read_version(connection), ward_codes=WARDS).columns


def list_files(store: Store) -> list[Path]:
    folder = store.home / snapshots.FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


def find_file(store: Store) -> Path:
    """The file of WARDS, which need not be there."""
    return snapshots.find_snapshot(store.home, WARDS)


def write_entry(store: Store) -> None:
    """An entry of the audit trail, as every command leaves one."""
    write_deed(store.engine, store.home, ANALYST, Deed(door="command", action="see_counts", what="counts"))


def is_used(store: Store) -> bool:
    """Whether the columns come from the file that lies there now."""
    path = find_file(store)
    before = path.lstat().st_mtime_ns if path.exists() else None
    columns = read(store)
    assert_equal(columns, read_database(store))
    return columns.is_deferred and path.lstat().st_mtime_ns == before


@contextmanager
def make_store(home: Path, *, seed: int = 3) -> Iterator[Store]:
    with Store.open(home) as store:
        load(store, many(seed=seed))
        yield store


@pytest.mark.slow
def test_a_snapshot_equals_the_database_and_is_used_again(store: Store) -> None:
    load(store, many())
    assert_equal(read(store), read_database(store))
    path = find_file(store)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert is_used(store)
    assert not read_columns(store, ANALYST, ward_codes=WARDS[:1]).row_id.flags.writeable
    assert len(list_files(store)) == 2
    cache = ColumnCache(store)
    first = cache.columns(ANALYST, ward_codes=WARDS)
    assert first.is_deferred
    assert cache.columns(ANALYST, ward_codes=WARDS) is first


@pytest.mark.slow
def test_a_role_sees_of_a_snapshot_what_it_sees_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = many()
    cells = index_points_at(frame["lon"], frame["lat"], resolutions=RESOLUTIONS)
    with Store.open(tmp_path) as store:
        load(store, frame.assign(**{f"h3_{size:02d}": ids.astype(np.int64) for size, ids in cells.items()}))
        whole = read(store)
        assert whole.is_deferred
        with monkeypatch.context() as patch:
            patch.setattr(snapshots, "_open_snapshot", lambda *_: None)
            plain = read_columns(store, HEALTH, ward_codes=WARDS, wards=BOTH)
        for columns in (
            read_columns(store, HEALTH, ward_codes=WARDS, wards=BOTH),
            ColumnCache(store).columns(HEALTH, ward_codes=WARDS, wards=BOTH),
        ):  # fmt: skip
            assert_equal(columns, plain)
            assert not columns.is_deferred
            assert columns.details
            assert columns.lon.tolist() != whole.lon.tolist()


@pytest.mark.slow
def test_a_snapshot_is_patched_by_what_changed(store: Store) -> None:
    load(store, many())
    read(store)
    before = find_file(store).stat().st_mtime_ns
    load(store, event_frame(["k1", "new"], quantity=7, category="brand new"))
    columns = read(store)
    assert_equal(columns, read_database(store))
    assert (columns.version, columns.is_deferred, find_file(store).stat().st_mtime_ns != before) == (2, True, True)
    load(store, event_frame(["elsewhere"], ward_code="E05999999"))  # nothing for these wards: the file stays
    assert is_used(store)
    assert read(store).version == 3


def test_a_small_store_has_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FEWEST_EVENTS", 501)
    load(store, many())
    assert not read(store).is_deferred
    assert list_files(store) == []


@pytest.mark.slow
def test_the_store_is_a_dictionary_with_a_memory(store: Store) -> None:
    few = settings(max_examples=3, stateful_step_count=7, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Machine(store), settings=few)


@pytest.mark.slow
def test_nothing_of_an_erased_event_stays(tmp_path: Path) -> None:
    lon, lat = -1.23456789012345, 54.43219876543211
    traces = [np.float64(value).tobytes() for value in (lon, lat)] + [b"only-here"]
    deeds = {
        "erase": lambda store: store.erase(ANALYST, "table", "secret"),
        "erase a source": lambda store: store.erase_source(ANALYST, "table"),
        "retain": lambda store: store.retain(ANALYST, 1),
        "undo": lambda store: store.undo_last(ANALYST),
    }
    for name, deed in deeds.items():
        with Store.open(tmp_path / name.replace(" ", "-")) as store:
            load(store, many())
            load(store, event_frame(["secret"], lon=lon, lat=lat, category="only-here"))
            read(store)
            content = find_file(store).read_bytes()
            assert all(trace in content for trace in traces)
            with find_file(store).open("rb") as disk:
                deed(store)
                assert set(disk.read()) == {0}, name
            assert list_files(store) == []
            after = read(store)
            assert_equal(after, read_database(store))
            assert "only-here" not in after.categories
            rest = b"".join(path.read_bytes() for path in list_files(store))
            assert not any(trace in rest for trace in traces)


@pytest.mark.slow
def test_an_erasure_waits_for_who_writes_and_says_what_may_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_store(tmp_path) as store:
        read(store)
        folder = store.home / snapshots.FOLDER
        monkeypatch.setattr("hexbeat.store.store.PATIENCE_S", 0.1)
        with snapshots.lock_snapshots(folder, patience_s=0.0) as is_locked:
            assert is_locked
            erasure = store.erase(ANALYST, "table", "k1")
        assert (erasure.complete, list_files(store)) == (False, [])
        assert erasure.notice is not None
        read(store)
        assert store.erase(ANALYST, "table", "k2").complete


def test_a_draft_of_before_an_erasure_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_store(tmp_path) as store:
        write = snapshots.write_file

        def erase_meanwhile(*arguments: object) -> Path:
            draft = write(*arguments)  # type: ignore[arg-type]
            eraser = threading.Thread(target=store.erase, args=(ANALYST, "table", "k1"))
            eraser.start()
            while store.version() == 1:
                pass
            erasers.append(eraser)
            return draft

        erasers: list[threading.Thread] = []
        monkeypatch.setattr(snapshots, "write_file", erase_meanwhile)
        assert not read(store).is_deferred
        erasers[0].join()
        assert list_files(store) == []


def test_what_a_killed_program_left_goes_at_the_next_opening(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        read(store)
        path = find_file(store)
        (path.parent / f".{path.name}-0123abcd").write_bytes(b"draft")
        old = path.read_bytes()
        store.erase(ANALYST, "table", "k1")
        path.write_bytes(old)  # as if the program had been killed before it emptied the folder
        path.chmod(0o600)
    with Store.open(tmp_path) as store:
        assert list_files(store) == []
        read(store)
        copy = find_file(store).with_name("0000000000000000.columns")
        shutil.copy(find_file(store), copy)
        copy.chmod(0o600)
    with Store.open(tmp_path) as store:
        assert is_used(store)  # the one that is true stays
        assert copy not in list_files(store)


@pytest.mark.slow
def test_a_snapshot_of_another_history_is_not_believed(tmp_path: Path) -> None:
    """A store comes back from a copy, and goes on to the same version with other events."""
    with make_store(tmp_path / "a") as store:
        write_entry(store)
    shutil.copy(tmp_path / "a" / FILE_NAME, tmp_path / "copy")
    for number in (7, 8):
        with Store.open(tmp_path / "a") as store:
            write_entry(store)
            load(store, event_frame(["later"], quantity=number), now=NOW)
            assert not is_used(store)
            assert is_used(store)
            lie = find_file(store).read_bytes()
        if number == 7:
            # The same file of the disk, so that its number is no help.
            (tmp_path / "a" / FILE_NAME).write_bytes((tmp_path / "copy").read_bytes())
            kept = lie
    with Store.open(tmp_path / "a") as store:
        find_file(store).write_bytes(kept)
        assert not is_used(store)
        assert int(read(store).quantity.max()) >= 8


@pytest.mark.slow
def test_a_snapshot_that_lies_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_store(tmp_path / "a") as store, make_store(tmp_path / "b", seed=4) as other:
        read(other)
        theirs = find_file(other).read_bytes()
        read(store)
        path = find_file(store)
        mine = path.read_bytes()

        def put(content: bytes) -> None:
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            path.chmod(0o600)

        for lie in (theirs, mine[:-1], b"", mine[:200], mine + b"\0"):
            put(lie)
            assert not is_used(store)
            assert is_used(store)
        read(store)
        path.chmod(0o604)
        assert not is_used(store)
        path.rename(path.with_name("away"))
        path.symlink_to(path.with_name("away"))
        assert not is_used(store)
        folder = path.parent
        folder.chmod(0o755)
        assert not read(store).is_deferred
        folder.chmod(0o700)
        folder.rename(store.home / "elsewhere")
        folder.symlink_to(store.home / "elsewhere")
        assert not read(store).is_deferred
        folder.unlink()
        read(store)
        monkeypatch.setattr(snapshots, "PRECISIONS", ("day", "minute", "month"))
        assert not is_used(store)


def test_a_bit_that_flips_later_is_noticed_when_its_column_is_used(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        read(store)
        path, plain = find_file(store), read_database(store)
        content = path.read_bytes()
        for name in ("lon", "instant_layer", "cell_10"):
            begin = content.index(plain.list_arrays(derived=True)[name].tobytes())
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            path.chmod(0o600)
            with path.open("r+b") as file:
                file.seek(begin)
                file.write(bytes([content[begin] ^ 4]))
            columns = read(store)
            assert columns.is_deferred
            arrays, expected = columns.list_arrays(derived=True), plain.list_arrays(derived=True)
            for key, array in arrays.items():
                np.testing.assert_array_equal(array, expected[key], strict=True)
            assert not path.exists()
            assert not is_used(store)


def test_a_damaged_snapshot_of_a_version_that_has_gone_says_so(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        read(store)
        path = find_file(store)
        content = path.read_bytes()
        begin = content.index(read_database(store).lon.tobytes())
        path.write_bytes(content[:begin] + bytes([content[begin] ^ 1]) + content[begin + 1 :])
        columns = read(store)
        load(store, event_frame(["later"]))
        with pytest.raises(StoreError) as caught:
            _ = columns.lon
        assert str(caught.value) == (
            "The store's snapshot has to be whole; it was damaged, and the store has changed meanwhile; Hexbeat has "
            "removed it; ask again: the store itself is read then"
        )
        assert_equal(read(store), read_database(store))


def test_a_home_that_cannot_be_written_is_read_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_store(tmp_path) as store:
        monkeypatch.setattr(snapshots.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        assert not read(store).is_deferred
        monkeypatch.undo()
        monkeypatch.setattr(snapshots, "FEWEST_EVENTS", 1)
        (store.home / snapshots.FOLDER).rmdir()
        (store.home / snapshots.FOLDER).write_text("a file")
        assert not read(store).is_deferred


@pytest.mark.slow
def test_what_another_server_erased_goes_when_this_one_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_store(tmp_path) as store:
        cache = ColumnCache(store)
        for codes in (WARDS, WARDS[:1]):
            cache.columns(ANALYST, ward_codes=codes)
        with monkeypatch.context() as patch:
            patch.setattr("hexbeat.store.store.empty_snapshots", lambda *_, **__: True)  # it empties its own home
            store.erase(ANALYST, "table", "k1")
        before = {path: path.stat().st_mtime_ns for path in list_files(store)}
        assert len(before) == 2
        assert_equal(cache.columns(ANALYST, ward_codes=WARDS), read_database(store))
        assert list_files(store) == [find_file(store)]
        assert find_file(store).stat().st_mtime_ns not in before.values()


def test_the_oldest_files_go_when_there_are_many_areas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_MOST_FILES", 2)
    with make_store(tmp_path) as store:
        for codes in (WARDS, WARDS[:1], WARDS[1:]):
            read_columns(store, ANALYST, ward_codes=codes)
        assert len(list_files(store)) == 2
        assert not is_used(store)
        with store.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM events")).scalar_one() == 500
