"""What a load leaves beside a large store: what readers would have made, and gone when events are erased."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from geo.errors import StoreError
from hexbeat.store import event_table, kept_table, prepared_files, snapshots
from hexbeat.store.column_changes import read_whole
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.event_rows import LIVE, RAW, fetch_rows
from hexbeat.store.event_table import read_live_rows, read_live_table
from hexbeat.store.live_columns import read_columns
from hexbeat.store.prepared_files import LEAST_SHARE, build_raw_events, prepare_files
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.hexbeat.store.test_live_columns import many
from tests.hexbeat.store.test_store_model import assert_equal
from tests.support.events import WARDS, event_frame, load


@pytest.fixture(autouse=True)
def _of_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    set_fewest(monkeypatch, 1)


def set_fewest(monkeypatch: pytest.MonkeyPatch, events: int) -> None:
    for module in (snapshots, kept_table, prepared_files):
        monkeypatch.setattr(module, "FEWEST_EVENTS", events)


def find_files(store: Store) -> list[Path]:
    folder = store.home / snapshots.FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else []


def prepare(store: Store, changed: int = 500) -> bool:
    return prepare_files(store, WARDS, changed=changed)


def require_true(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files lie there, are used as they are, and say what the database says."""
    files = find_files(store)
    assert {path.suffix for path in files} == {".columns", ".results"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    before = [path.stat().st_mtime_ns for path in files]
    with read_transaction(store.engine) as connection:
        plain = read_whole(connection, version=read_version(connection), ward_codes=WARDS).columns
    with monkeypatch.context() as patch:
        patch.setattr(event_table, "_read_pages", lambda *_: pytest.fail("the database was read"))
        patch.setattr(snapshots, "read_whole", lambda *_, **__: pytest.fail("the database was read"))
        patch.setattr(snapshots, "apply_changes", lambda *_, **__: pytest.fail("the database was read"))
        columns = read_columns(store, ANALYST, ward_codes=WARDS)
        kept = read_live_table(store, ANALYST, ward_codes=WARDS)
    assert columns.is_deferred
    assert_equal(columns, plain)
    with monkeypatch.context() as patch:
        patch.setattr(event_table, "read_snapshot_table", lambda *_: None)
        patch.setattr(event_table, "find_kept_table", lambda *_: None)
        patch.setattr(event_table, "keep_table", lambda *_, **__: False)
        fresh = read_live_table(store, ANALYST, ward_codes=WARDS)
    assert kept.table.schema == fresh.table.schema
    assert kept.table.to_pylist() == fresh.table.to_pylist()
    assert (kept.version, kept.coverage) == (fresh.version, fresh.coverage)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_readers_find_what_they_would_have_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store, many())
    load(store, event_frame(["metres"], location_precision_m=[2.5], location_precision=["exact"], category="only"))
    announced: list[int] = []
    assert prepare_files(store, WARDS, changed=501, announce=announced.append)
    assert announced == [501]
    require_true(store, monkeypatch)


def test_a_later_load_of_much_of_the_store_makes_them_anew(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(sqlite_store, many())
    assert prepare(sqlite_store)
    load(sqlite_store, many(700, seed=4))
    load(sqlite_store, event_frame(["k1", "new"], quantity=7))
    assert prepare(sqlite_store, changed=700)
    require_true(sqlite_store, monkeypatch)


@pytest.mark.parametrize("wards", [WARDS, WARDS[:1], ("E05999999", *WARDS), ("W1",)])
def test_rows_of_a_table_become_what_the_database_answers(store: Store, wards: tuple[str, ...]) -> None:
    load(store, many())
    with read_transaction(store.engine) as connection:
        expected = fetch_rows(connection, LIVE, wards)
        made = build_raw_events(read_live_rows(connection), wards)
    assert (made.categories, made.sources) == (expected.categories, expected.sources)
    for name in RAW.names or ():
        np.testing.assert_array_equal(made.arrays[name], expected.arrays[name], strict=True)


def test_small_stores_and_small_loads_are_left_to_readers(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(sqlite_store, many())
    fewest = int(500 * LEAST_SHARE) + 1
    announced: list[int] = []
    assert prepare_files(sqlite_store, WARDS, changed=fewest - 1, announce=announced.append)
    set_fewest(monkeypatch, 501)
    assert prepare_files(sqlite_store, WARDS, changed=500, announce=announced.append)
    assert (announced, find_files(sqlite_store)) == ([], [])
    set_fewest(monkeypatch, 500)
    assert prepare_files(sqlite_store, WARDS, changed=fewest, announce=announced.append)
    assert announced == [500]
    assert [path.suffix for path in find_files(sqlite_store)] == [".results"]  # the wards have fewer


def raise_error(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(28, "No space left on device"),
        StoreError("rule", "fact", "hint"),
        pa.ArrowCapacityError("too long"),
    ],
)
def test_what_prevents_it_leaves_the_load_done(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    load(sqlite_store, many())
    with monkeypatch.context() as patch:
        patch.setattr(event_table, "build_table", raise_error(error))
        assert not prepare(sqlite_store)
    assert sqlite_store.version() == 1
    assert prepare(sqlite_store)
    require_true(sqlite_store, monkeypatch)


def test_a_full_disk_a_strange_folder_and_another_writer_prevent_it(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(sqlite_store, many())
    folder = sqlite_store.home / snapshots.FOLDER
    with monkeypatch.context() as patch:
        patch.setattr(snapshots.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        assert not prepare(sqlite_store)
        assert find_files(sqlite_store) == []
    with snapshots.lock_snapshots(folder, patience_s=0.0):
        assert not prepare(sqlite_store)
        assert find_files(sqlite_store) == []
    folder.rmdir()
    folder.write_text("a file")
    assert not prepare(sqlite_store)
    assert read_live_table(sqlite_store, ANALYST, ward_codes=WARDS).table.num_rows == 500


def test_a_load_that_comes_meanwhile_is_in_no_file(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(sqlite_store, many())
    build = event_table.build_table

    def load_meanwhile(rows: object) -> object:
        load(sqlite_store, event_frame(["later"]))
        return build(rows)  # type: ignore[arg-type]  # what the caller gave

    with monkeypatch.context() as patch:
        patch.setattr(event_table, "build_table", load_meanwhile)
        assert not prepare(sqlite_store)
    assert "later" in read_live_table(sqlite_store, ANALYST, ward_codes=WARDS).table["source_id"].to_pylist()
    assert read_columns(sqlite_store, ANALYST, ward_codes=WARDS).version == 2


@pytest.mark.parametrize("deed", ["erase", "erase a source", "retain", "undo"])
def test_nothing_of_an_erased_event_stays(sqlite_store: Store, deed: str) -> None:
    load(sqlite_store, many())
    load(sqlite_store, event_frame(["secret-key"], category="only-here"))
    assert prepare(sqlite_store)
    files = find_files(sqlite_store)
    assert [b"secret-key" in path.read_bytes() for path in files].count(True) == 1
    assert all(b"only-here" in path.read_bytes() for path in files)
    opened = [path.open("rb") for path in files]
    deeds: dict[str, Callable[[], object]] = {
        "erase": lambda: sqlite_store.erase(ANALYST, "table", "secret-key"),
        "erase a source": lambda: sqlite_store.erase_source(ANALYST, "table"),
        "retain": lambda: sqlite_store.retain(ANALYST, 1),
        "undo": lambda: sqlite_store.undo_last(ANALYST),
    }
    deeds[deed]()
    for disk in opened:
        assert set(disk.read()) == {0}
        disk.close()
    assert find_files(sqlite_store) == []
    prepare(sqlite_store)
    for path in find_files(sqlite_store):
        content = path.read_bytes()
        assert b"secret-key" not in content
        assert b"only-here" not in content


def test_an_erasure_that_comes_meanwhile_leaves_no_file(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(sqlite_store, many())
    load(sqlite_store, event_frame(["secret-key"]))
    write = prepared_files.write_snapshot

    def erase_first(*arguments: object) -> bool:
        sqlite_store.erase(ANALYST, "table", "secret-key")
        return write(*arguments)  # type: ignore[arg-type]  # what the caller gave

    monkeypatch.setattr(prepared_files, "write_snapshot", erase_first)
    assert not prepare(sqlite_store)
    assert find_files(sqlite_store) == []


def test_an_interruption_right_after_a_draft_was_written_leaves_none(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(sqlite_store, many())
    write = snapshots.write_file

    def write_and_stop(*arguments: Any) -> Path:
        write(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(snapshots, "write_file", write_and_stop)
    with pytest.raises(KeyboardInterrupt, match=r"\A\Z"):
        prepare(sqlite_store)
    assert list((sqlite_store.home / snapshots.FOLDER).iterdir()) == []


def test_an_interruption_leaves_the_load_done(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(sqlite_store, many())
    with monkeypatch.context() as patch:
        patch.setattr(event_table, "build_table", raise_error(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt, match=r"\A\Z"):
            prepare(sqlite_store)
    assert [path.suffix for path in find_files(sqlite_store)] == [".columns"]
    assert prepare(sqlite_store)
    require_true(sqlite_store, monkeypatch)
