"""Backups: what comes back is what was there, whole or not at all; on PostgreSQL with pg_dump beside it."""

import io
import json
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from geo.errors import DataError, StoreError
from hexbeat.accounts import find_account
from hexbeat.files import hash_file
from hexbeat.operations.plans.plan_store import load_plan, save_plan
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import audit, list_entries
from hexbeat.store.backup import restore_backup, write_backup
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.databases import upgrade_to
from hexbeat.store.records import read_live_records
from hexbeat.store.schema import audit_entries, audit_head, metadata, store_state
from hexbeat.store.sign_ins import PROVIDER, SignIn, begin_sign_in, end_sign_in, find_sign_in, list_sign_ins
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run, answer
from tests.support.events import WARDS, event_frame, load
from tests.support.plans import made_plan
from tests.support.postgres_servers import Server

EMPTY = "A backup is restored into an empty home"
HINT = "  Stop Hexbeat, wait until its commands have ended, and try again.\n"
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


def pack_changed(
    source: Path, target: Path, copy: Path, *, schema: str | None = None, rows: dict[str, int] | None = None
) -> None:
    """A backup with another SQLite file, which its list names and hashes truly. `rows` have to be there."""
    with tarfile.open(source) as packed:
        facts = json.loads(packed.extractfile("backup.json").read())  # type: ignore[union-attr]
    facts["files"] = {"hexbeat.sqlite": hash_file(copy)}
    facts["schema"] = schema or facts["schema"]
    with closing(sqlite3.connect(copy)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        counted = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - our own tables
            for name in sorted(names & set(metadata.tables))
        }
    facts["rows"] = counted
    assert rows is None or rows.items() <= counted.items()
    with tarfile.open(target, "w:gz", compresslevel=1) as packed:
        content = json.dumps(facts).encode()
        member = tarfile.TarInfo("backup.json")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
        packed.add(copy, arcname="hexbeat.sqlite")


@pytest.mark.slow
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


def test_no_backup_appears_without_its_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("The disk of the store needs room", "it is full", "make room")

    out = tmp_path / "backup.tar.gz"
    with Store.open(tmp_path / "home") as store:
        deed = Deed(door="command", action="export", what="backup")
        monkeypatch.setattr("hexbeat.store.audit_trail._append_or_wait", refuse)
        with pytest.raises(StoreError) as caught, audit(store.engine, store.home, ANALYST, deed):
            write_backup(store, ANALYST, out)
        assert str(caught.value) == (
            "Hexbeat gives no answer that its audit trail does not hold; the entry cannot be written (it is full); "
            "make room"
        )
        assert list(tmp_path.iterdir()) == [tmp_path / "home"]


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
        in_use = run("restore", file, "--home", home, "--replace")
        assert (in_use.code, in_use.err) == (
            3,
            f"A home is replaced while nobody uses it.\n  Another program has {home}/hexbeat.sqlite open.\n{HINT}",
        )
        assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz", "home"]
        store.engine.dispose()  # a server that has no connection at this moment
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


def test_nobody_is_signed_in_to_a_home_that_comes_back(tmp_path: Path) -> None:
    home, file, older = tmp_path / "home", tmp_path / "backup.tar.gz", tmp_path / "older.tar.gz"
    sign_in = SignIn("a", "a@example.org", PROVIDER, (), 1_800_000_000, 1_800_000_100)
    with Store.open(home) as store:
        key = begin_sign_in(store, sign_in)
        assert write_backup(store, ANALYST, file).rows["sign_ins"] == 0
        end_sign_in(store, key)
        copy = tmp_path / "hexbeat.sqlite"
        other = begin_sign_in(store, sign_in)
        with closing(sqlite3.connect(home / "hexbeat.sqlite")) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    pack_changed(file, older, copy, rows={"sign_ins": 1})  # as an older Hexbeat wrote it
    for number, pack in enumerate((file, older)):
        restored, _ = restore_backup(pack, tmp_path / f"again-{number}")
        assert restored.rows["sign_ins"] == 0
        with Store.open(tmp_path / f"again-{number}") as store:
            assert list_sign_ins(store, ANALYST, now=1_800_000_001) == []
            assert [find_sign_in(store, secret, now=1_800_000_001) for secret in (key, other)] == [None, None]


PLANTED: Final = {
    "CREATE TRIGGER evil AFTER UPDATE ON store_state BEGIN DELETE FROM events; END": "has the foreign trigger 'evil'",
    "CREATE VIEW evil AS SELECT * FROM events": "has the foreign view 'evil'",
    "CREATE TABLE evil (one)": "has the foreign table 'evil'",
    "CREATE INDEX evil ON events (note)": "has the foreign index 'evil'",
    "DROP TRIGGER audit_entries_fixed": "lacks the trigger audit_entries_fixed",
    "DROP INDEX events_one_live; CREATE INDEX events_one_live ON events (source, source_id)": (
        "has another index events_one_live than Hexbeat makes"
    ),
    "UPDATE alembic_version SET version_num = '0001'": "has another schema than 0010, which the backup names",
}


@pytest.fixture(scope="module")
def whole_backup(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A backup, and the SQLite file in it."""
    folder = tmp_path_factory.mktemp("whole")
    with Store.open(folder / "home") as store:
        load(store, event_frame(["k-1", "k-2"]))
        write_backup(store, ANALYST, folder / "backup.tar.gz")
    with tarfile.open(folder / "backup.tar.gz") as packed:
        packed.extract("hexbeat.sqlite", folder, filter="data")
    return folder / "backup.tar.gz", folder / "hexbeat.sqlite"


@pytest.mark.parametrize(("statements", "fault"), PLANTED.items(), ids=list(PLANTED.values()))
def test_a_store_that_hexbeat_did_not_make_so_is_refused(
    tmp_path: Path, whole_backup: tuple[Path, Path], statements: str, fault: str
) -> None:
    copy, evil = tmp_path / "copy.sqlite", tmp_path / "evil.tar.gz"
    shutil.copy(whole_backup[1], copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(statements)
    pack_changed(whole_backup[0], evil, copy)
    copy.unlink()
    with pytest.raises(DataError) as refused:
        restore_backup(evil, tmp_path / "home")
    assert str(refused.value) == (
        f"A backup has to be one that Hexbeat wrote, and whole; the store in evil.tar.gz {fault}; choose another backup"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tar.gz"]


def test_the_schemas_that_older_hexbeats_made_are_known(tmp_path: Path, whole_backup: tuple[Path, Path]) -> None:
    again = tmp_path / "again"
    left = tmp_path / ".again-restore-1"  # of a restoration that was killed
    left.mkdir()
    file, copy = tmp_path / "old.tar.gz", tmp_path / "old.sqlite"
    engine = sa.create_engine(f"sqlite:///{copy}")
    with engine.begin() as connection:
        upgrade_to(connection, "0004")
        connection.exec_driver_sql("ANALYZE")  # its tables of statistics are no harm
    engine.dispose()
    pack_changed(whole_backup[0], file, copy, schema="0004")
    restored, _ = restore_backup(file, again)
    assert "sign_ins" not in restored.rows
    Store.open(again).dispose()
    assert not left.exists()


def test_a_check_of_a_store_ends_in_time(
    tmp_path: Path, whole_backup: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexbeat.store.backup._LEAST_S", -60.0)
    copy, big = tmp_path / "copy.sqlite", tmp_path / "big.tar.gz"
    shutil.copy(whole_backup[1], copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(
            "INSERT INTO published SELECT 'a', value, 'x' FROM"
            " (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 20000) SELECT * FROM n)"
        )
    pack_changed(whole_backup[0], big, copy, rows={"published": 20_000})
    copy.unlink()
    with pytest.raises(DataError) as refused:
        restore_backup(big, tmp_path / "home")
    assert str(refused.value) == (
        "A backup has to be one that Hexbeat wrote, and whole; the store in big.tar.gz takes too long to "
        "check; choose another backup"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["big.tar.gz"]


def test_the_trail_of_a_home_that_was_destroyed_says_that_it_came_back(tmp_path: Path, run: Run) -> None:
    home, file = tmp_path / "home", tmp_path / "backup.tar.gz"
    Store.open(home).dispose()
    made = answer(run("backup", file, "--home", home, "--format", "json"))["made"]
    noted = answer(run("audit", "verify", "--home", home, "--format", "json"))
    shutil.rmtree(home)
    assert run("restore", file, "--home", home).code == 0
    with Store.open(home) as store:
        entry = list_entries(store.engine, ANALYST)[0]
    assert (entry.action, entry.outcome, entry.reason) == ("restore_home", "done", f"from a backup made {made}")
    assert entry.subject == find_account()
    verified = run("audit", "verify", "--home", home)
    assert verified.code == 0
    assert verified.err.splitlines()[-1] == (
        f"The trail was restored from a backup with entry {entry.number}: entries that came after that backup are "
        "lost, and only --expect NUMBER:HASH, with an anchor that was noted elsewhere, finds whether there were any."
    )
    again = answer(run("audit", "verify", "--home", home, "--format", "json"))
    assert (again["restored"], again["from_backup"]) == ([], [entry.number])
    assert noted["from_backup"] == []
    later = f"{99}:{'a' * 64}"
    assert run("audit", "verify", "--expect", later, "--home", home).code == 3


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
