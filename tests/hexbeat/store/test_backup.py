"""Backups: what comes back is what was there, whole or not at all; on PostgreSQL with pg_dump beside it."""

import os
import tarfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from hexbeat.operations.plans.plan_store import load_plan, save_plan
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.records import read_live_records
from hexbeat.store.schema import audit_entries, audit_head, metadata, store_state
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run, answer
from tests.support.events import WARDS, event_frame, load
from tests.support.plans import made_plan
from tests.support.stores import Server

EMPTY = "A backup is restored into an empty home"
SECRET = b"met Rumpelstilzchen behind the mill"


def read_tables(store: Store) -> dict[str, list[str]]:
    """Every row of every table but those of the store's version and of the trail, into which these commands write."""
    with store.engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(sa.select(table)).all()))
            for name, table in metadata.tables.items()
            if name not in {store_state.name, audit_entries.name, audit_head.name}
        }


def fill(home: Path, url: str | None = None) -> None:
    """A store with two loads, a plan, a register and an upload that is being read."""
    with Store.open(home, database_url=url) as store:
        load(store, event_frame([f"k-{number}" for number in range(300)]))
        load(store, event_frame(["k-1", "k-2"], quantity=7))
        save_plan(store.documents(ANALYST), made_plan())
    for name in ("published/middlesbrough/1/release.json", "uploads/half.csv", "sources/own.toml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"{name} \N{EURO SIGN}", encoding="utf-8")


def test_a_restored_backup_is_whole(tmp_path: Path, run: Run) -> None:
    home, file, again = tmp_path / "home", tmp_path / "backup.tar.gz", tmp_path / "again"
    fill(home)
    answer(run("coverage", "--home", home, "--format", "json"))
    with Store.open(home) as store:  # others use it meanwhile
        written = answer(run("backup", file, "--home", home, "--format", "json"))
        tables, records = read_tables(store), read_live_records(store, ANALYST)
    assert written["rows"]["events"] == 302
    assert file.stat().st_mode & 0o777 == 0o600
    answer(run("restore", file, "--home", again, "--format", "json"))
    with Store.open(again) as store:
        assert read_tables(store) == tables
        assert read_live_records(store, ANALYST).equals(records)
        assert "coverage" in [entry.what for entry in list_entries(store.engine, ANALYST)]
        assert load_plan(store.documents(ANALYST), made_plan().plan_id) == made_plan()
    names = {path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file()}
    assert names - {"hexbeat.sqlite-wal", "hexbeat.sqlite-shm", ".shared-files.json"} == {
        "hexbeat.sqlite", "audit_anchor.txt", "published/middlesbrough/1/release.json", "sources/own.toml"
    }  # fmt: skip
    assert {again.stat().st_mode & 0o777, (again / "sources/own.toml").stat().st_mode & 0o777} == {0o700, 0o600}


def test_a_backup_has_no_trace_of_what_was_erased(tmp_path: Path, run: Run) -> None:
    home, file = tmp_path / "home", tmp_path / "backup.tar.gz"
    with Store.open(home) as store:
        load(store, event_frame([f"k-{number}" for number in range(300)]))
        load(store, event_frame(["secret"], note=SECRET.decode()))
        with store.engine.begin() as connection:  # as a program that is killed before it rebuilds the file
            connection.exec_driver_sql("PRAGMA secure_delete = OFF")
            connection.exec_driver_sql("DELETE FROM events WHERE source_id = 'secret'")
    assert SECRET in (home / "hexbeat.sqlite").read_bytes()
    answer(run("backup", file, "--home", home, "--format", "json"))
    with tarfile.open(file) as packed:
        store_file = packed.extractfile("hexbeat.sqlite")
        assert store_file is not None
        assert SECRET not in store_file.read()


def test_restoring_keeps_what_was_there_and_makes_servers_read_anew(tmp_path: Path, run: Run) -> None:
    home, file = tmp_path / "home", tmp_path / "backup.tar.gz"
    fill(home)
    answer(run("backup", file, "--home", home, "--format", "json"))
    with Store.open(home) as store:
        cache = ColumnCache(store)
        load(store, event_frame(["later"]))
        assert len(cache.columns(ANALYST, ward_codes=WARDS).start) == 301
        refused = run("restore", file, "--home", home)
        assert (refused.code, refused.err) == (
            2,
            f"{EMPTY}.\n  {home} is not empty.\n  Choose another home, or use --replace.\n",
        )
        version = store.version()
        assert run("restore", file, "--home", home, "--replace").code == 0
        assert len(cache.columns(ANALYST, ward_codes=WARDS).start) == 300
        assert store.version() > version
    (former,) = tmp_path.glob("home-before-*")
    with Store.open(former) as store:
        assert len(read_live_records(store, ANALYST)) == 301


@pytest.mark.parametrize(
    ("offset", "fact"),
    [(None, "is another kind of file"), (0.5, None), (0.95, None)],
    ids=["another file", "half", "nearly all"],
)
def test_what_is_no_whole_backup_changes_nothing(
    tmp_path: Path, run: Run, offset: float | None, fact: str | None
) -> None:
    home, file, again = tmp_path / "home", tmp_path / "backup.tar.gz", tmp_path / "again"
    fill(home)
    answer(run("backup", file, "--home", home, "--format", "json"))
    if offset is None:
        with tarfile.open(file, "w:gz") as packed:
            packed.add(home / "sources", arcname="sources")
    else:
        os.truncate(file, int(file.stat().st_size * offset))
    refused = run("restore", file, "--home", again)
    reason = fact or "cannot be used (it breaks off or is damaged)"
    hint = "Nothing was changed; choose another backup, or make room."
    hint = "Choose a file that hexbeat backup wrote." if fact else hint
    assert (refused.code, refused.err) == (
        3,
        f"A backup has to be one that Hexbeat wrote, and whole.\n  backup.tar.gz {reason}.\n  {hint}\n",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz", "home"]


@pytest.mark.postgres
@pytest.mark.slow
def test_a_dump_and_a_backup_of_the_home_are_whole(
    tmp_path: Path, run: Run, database_url: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file, again = tmp_path / "home", tmp_path / "backup.tar.gz", tmp_path / "again"
    fill(home, database_url)
    monkeypatch.setenv("HEXBEAT_DATABASE_URL", database_url)
    written = run("backup", file, "--home", home)
    assert written.err.splitlines()[-1] == (
        "The events are in PostgreSQL, and not in this file: use pg_dump for them (docs/running.md, Backups)."
    )
    name = sa.engine.make_url(database_url).database or ""
    dumped = postgres_server.run_program("pg_dump", "--format=custom", name)
    with Store.open(home, database_url=database_url) as store:
        tables, version = read_tables(store), store.version()
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    postgres_server.execute(f"CREATE DATABASE {name}")
    postgres_server.run_program("pg_restore", "--exit-on-error", "--dbname", name, content=dumped)
    answer(run("restore", file, "--home", again, "--format", "json"))
    with Store.open(again, database_url=database_url) as store:
        assert (read_tables(store), store.version()) == (tables, version)
        assert load_plan(store.documents(ANALYST), made_plan().plan_id) == made_plan()
