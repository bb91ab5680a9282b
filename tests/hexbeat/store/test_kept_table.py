"""The table that exports keep: what the database says at its version, and gone when events are erased."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hexbeat.store import event_table, kept_table, snapshots
from hexbeat.store.event_files import export_events
from hexbeat.store.event_table import read_live_table
from hexbeat.store.snapshots import read_live
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.policy import Policy
from layers.roles import WARDS as WARDS_ALONE
from layers.roles import Role
from tests.hexbeat.store.test_live_columns import many
from tests.support.events import WARDS, event_frame, load


@pytest.fixture(autouse=True)
def _of_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_table, "FEWEST_EVENTS", 1)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After which row the database was read, each time that it was."""
    rows: list[int] = []
    read_pages = event_table._read_pages  # noqa: SLF001 - what is watched

    def watch(connection: object, row: int, names: object) -> object:
        rows.append(row)
        return read_pages(connection, row, names)  # type: ignore[arg-type]  # what the caller gave

    monkeypatch.setattr(event_table, "_read_pages", watch)
    return rows


def read(store: Store) -> pa.Table:
    return read_live_table(store, ANALYST, ward_codes=WARDS).table


def read_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> pa.Table:
    """The same without what is kept, and without a snapshot."""
    with monkeypatch.context() as patch:
        patch.setattr(event_table, "read_snapshot_table", lambda *_: None)
        patch.setattr(event_table, "find_kept_table", lambda *_: None)
        patch.setattr(event_table, "keep_table", lambda *_, **__: False)
        return read(store)


def list_rows(table: pa.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def find_files(store: Store) -> list[Path]:
    folder = store.home / snapshots.FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_second_export_reads_no_row_and_has_the_same(
    store: Store, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(store, many())
    load(store, event_frame(["metres", "none"], location_precision_m=[2.5, None], location_precision=["exact", None]))
    first = read_live_table(store, ANALYST, ward_codes=WARDS)
    assert reads == [0]
    second = read_live_table(store, ANALYST, ward_codes=WARDS)
    assert reads == [0]
    assert second.table.schema == first.table.schema
    assert list_rows(second.table) == list_rows(first.table)
    assert (second.layers, second.version, second.coverage) == (first.layers, first.version, first.coverage)
    assert list_rows(first.table) == list_rows(read_database(store, monkeypatch))
    assert [path.stat().st_mode & 0o777 for path in find_files(store)] == [0o600]


@pytest.mark.slow
def test_a_later_version_reads_what_changed(store: Store, reads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    load(store, many())
    read(store)
    load(store, event_frame(["k1", "k2"], quantity=7, category="brand new", occurred_from=3600))
    load(store, event_frame(["new"], layer="overdoses", category="fatal", reported_by="agency"))
    later = read_live_table(store, ANALYST, ward_codes=WARDS)
    assert reads == [0, 500]
    assert list_rows(later.table) == list_rows(read_database(store, monkeypatch))
    reads.clear()
    again = read_live_table(store, ANALYST, ward_codes=WARDS)
    assert reads == []
    assert list_rows(again.table) == list_rows(later.table)
    assert again.coverage == later.coverage
    assert again.coverage.reporters >= {("overdoses", "table", "agency")}


def make_snapshot(store: Store, wards: tuple[str, ...]) -> Path:
    read_live(store.engine, store.home, wards)
    return snapshots.find_snapshot(store.home, wards)


@pytest.mark.parametrize("how", ["whole", "other wards", "earlier", "damaged"])
def test_the_first_export_reads_what_no_snapshot_has(store: Store, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(snapshots, "FEWEST_EVENTS", 1)
    asked: list[set[str]] = []
    read_pages = event_table._read_pages  # noqa: SLF001 - what is watched

    def watch(connection: object, row: int, names: Sequence[str]) -> object:
        asked.append(set(names))
        return read_pages(connection, row, names)  # type: ignore[arg-type]  # what the caller gave

    monkeypatch.setattr(event_table, "_read_pages", watch)
    load(store, many())
    snapshot = make_snapshot(store, WARDS if how == "other wards" else (*WARDS, "E05999999"))
    assert snapshot.exists()
    if how == "earlier":
        load(store, event_frame(["k1", "new"], quantity=7))
    elif how == "damaged":
        content = bytearray(snapshot.read_bytes())
        content[-4096] ^= 1
        snapshot.write_bytes(content)
    first = read(store)
    assert len(asked) == 1
    assert ("lon" in asked[0]) == (how != "whole")
    expected = read_database(store, monkeypatch)
    assert first.schema == expected.schema
    assert list_rows(first) == list_rows(expected)


def test_a_role_gets_its_layers_of_what_is_kept(sqlite_store: Store, reads: list[int]) -> None:
    load(sqlite_store, many())
    whole = read(sqlite_store)
    viewer = replace(ANALYST, policy=Policy(((Role.ANALYST, "overdoses", WARDS_ALONE),)))
    own = read_live_table(sqlite_store, viewer, ward_codes=WARDS)
    assert reads == [0]
    assert "overdoses" not in own.layers
    assert list_rows(own.table) == [row for row in list_rows(whole) if row["layer"] != "overdoses"]


def test_no_text_of_a_hidden_layer_is_in_a_file(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["seen"]))
    load(sqlite_store, event_frame(["hidden"], layer="overdoses", category="only-there", source="other"))
    viewer = replace(ANALYST, policy=Policy(((Role.ANALYST, "overdoses", WARDS_ALONE),)))
    for number in range(2):  # from the database, and from what is kept
        path = tmp_path / f"{number}.parquet"
        assert export_events(sqlite_store, viewer, path) == 1
        names = ["layer", "source", "source_id", "category", "h3_11"]
        table = pq.ParquetFile(path, read_dictionary=names).read(names)
        texts = {text for name in names for text in table[name].chunk(0).dictionary.to_pylist()}
        assert texts >= {"seen", "table"}
        assert texts.isdisjoint({"overdoses", "other", "hidden", "only-there"})


@pytest.mark.slow
def test_a_damaged_table_is_read_again(sqlite_store: Store, reads: list[int]) -> None:
    load(sqlite_store, many())
    whole = read(sqlite_store)
    (path,) = find_files(sqlite_store)
    for place in (10, 500, path.stat().st_size - 4096):
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        reads.clear()
        assert list_rows(read(sqlite_store)) == list_rows(whole)
        assert reads == [0]


@pytest.mark.parametrize("deed", ["erase", "undo"])
def test_nothing_of_an_erased_event_stays(sqlite_store: Store, reads: list[int], deed: str) -> None:
    load(sqlite_store, many())
    load(sqlite_store, event_frame(["secret-key"], category="only-here"))
    read(sqlite_store)
    (path,) = find_files(sqlite_store)
    assert b"secret-key" in path.read_bytes()
    with path.open("rb") as disk:
        if deed == "erase":
            sqlite_store.erase(ANALYST, "table", "secret-key")
        else:
            sqlite_store.undo_last(ANALYST)
        assert set(disk.read()) == {0}
    assert find_files(sqlite_store) == []
    reads.clear()
    assert "secret-key" not in read(sqlite_store)["source_id"].to_pylist()
    assert reads == [0]
    assert not any(b"secret-key" in path.read_bytes() for path in find_files(sqlite_store))


def test_a_small_store_keeps_none(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_table, "FEWEST_EVENTS", 501)
    load(sqlite_store, many())
    read(sqlite_store)
    assert find_files(sqlite_store) == []
