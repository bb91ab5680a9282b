"""Opening: what is made, who may read it, what is refused, and that nothing is ever destroyed."""

import os
import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import hexbeat.store.migrations
from geo.errors import StoreError
from hexbeat.store.databases import make_engine
from hexbeat.store.live_columns import has_demonstration, is_empty
from hexbeat.store.schema import HEAD, metadata
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame, load
from tests.support.faults import as_other_user
from tests.support.postgres_servers import Server

pytestmark = pytest.mark.usefixtures("real_migrations")


def test_a_new_store_is_empty_and_at_version_nought(store: Store) -> None:
    assert (store.version(), store.batches(ANALYST), is_empty(store, ANALYST), has_demonstration(store, ANALYST)) == (
        0,
        [],
        True,
        False,
    )


def test_home_and_file_are_for_this_user_only(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with Store.open(home) as store:
        load(store, event_frame(["a"]))
        assert store.version() == 1  # a connection that stays open keeps the log
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in home.iterdir()}
        assert oct(home.stat().st_mode & 0o777) == "0o700"
        assert modes == {
            "hexbeat.sqlite": "0o600",
            "hexbeat.sqlite-wal": "0o600",
            "hexbeat.sqlite-shm": "0o600",
        }


def test_sqlite_is_set_to_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, store.engine.connect() as connection:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "temp_store", "busy_timeout")
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "temp_store": 2,
        "busy_timeout": 30_000,
    }


def test_opening_again_keeps_what_is_there(tmp_path: Path, store_url: str | None) -> None:
    with Store.open(tmp_path, database_url=store_url) as store:
        load(store, event_frame(["a"]))
    with Store.open(tmp_path, database_url=store_url) as store:
        assert (store.version(), is_empty(store, ANALYST)) == (1, False)


def test_the_schema_is_what_the_migrations_make(store: Store) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(hexbeat.store.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []


@pytest.mark.slow
def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path, store_url: str | None) -> None:
    with Store.open(tmp_path, database_url=store_url) as store, store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9998'"))
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url=store_url)
    assert str(caught.value) == (
        "A store needs the version of Hexbeat that made it, or a newer one; this store has schema 9998, and this "
        f"Hexbeat knows only up to {HEAD}; install the newer Hexbeat; nothing was changed"
    )
    engine = make_engine(tmp_path, store_url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9998"
    engine.dispose()


def test_the_database_of_another_program_is_refused(tmp_path: Path, store_url: str | None) -> None:
    engine = make_engine(tmp_path, store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE accounts (number INTEGER)"))
    engine.dispose()
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url=store_url)
    assert str(caught.value) == (
        "The store has to be a Hexbeat database; this one holds the tables of another program; set HEXBEAT_HOME to "
        "another folder, or move that file away"
    )


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "hexbeat.sqlite"
    path.write_text("these are my notes about something else")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert str(caught.value) == (
        f"The store has to be a Hexbeat SQLite file; {path} is another kind of file; set HEXBEAT_HOME to another "
        "folder, or move that file away; if it was the store, restore it from a backup (hexbeat restore)"
    )
    assert path.read_text() == "these are my notes about something else"


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hexbeat.sqlite"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert str(caught.value) == (
        f"The store has to be whole; {path} is damaged: file is not a database; stop Hexbeat, and restore the store "
        "from a backup (hexbeat restore)"
    )


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "file" / "home")
    assert str(caught.value) == (
        f"Hexbeat needs a store file that it can write to; {tmp_path}/file/home/hexbeat.sqlite cannot be written: "
        "Not a "
        "directory; set HEXBEAT_HOME to another folder"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a store of another user")
def test_the_store_of_another_user_who_lets_one_in_is_opened() -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        Path(folder).chmod(0o755)
        Store.open(home).dispose()
        home.chmod(0o777)
        (home / "hexbeat.sqlite").chmod(0o666)
        with as_other_user(), Store.open(home) as store:
            load(store, event_frame(["a"]))
            assert not is_empty(store, ANALYST)
        assert oct(home.stat().st_mode & 0o777) == "0o777"
        home.chmod(0o755)
        with as_other_user(), pytest.raises(StoreError) as caught:
            Store.open(home)
        assert str(caught.value) == (
            f"Hexbeat needs a store file that it can write to; {home}/hexbeat.sqlite says: attempt to write a "
            "readonly database; nothing was changed; make the file and its folder writable, or set HEXBEAT_HOME to "
            "another folder"
        )
        (home / "hexbeat.sqlite").chmod(0o644)
        with as_other_user(), pytest.raises(StoreError) as caught:
            Store.open(home)
        assert str(caught.value) == (
            f"Hexbeat needs a store file that it can write to; {home}/hexbeat.sqlite cannot be written: Permission "
            "denied; "
            "set HEXBEAT_HOME to another folder"
        )


def test_a_long_writer_is_named_instead_of_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexbeat.store.database_errors.BUSY_S", 0.1)
    with Store.open(tmp_path) as store:
        other = sqlite3.connect(tmp_path / "hexbeat.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            load(store, event_frame(["a"]))
        other.close()
        assert str(caught.value) == (
            "Only one load can change the store at a time; another program has been writing to the store for 0.1 "
            "seconds; wait until it has finished, then try again"
        )
        assert is_empty(store, ANALYST)


@pytest.mark.postgres
def test_postgres_addresses_of_every_spelling(tmp_path: Path, database_url: str) -> None:
    for spelling in ("postgresql://", "postgres://", "postgresql+pg8000://"):
        with Store.open(tmp_path, database_url=database_url.replace("postgresql://", spelling)) as store:
            assert store.version() == 0


@pytest.mark.parametrize(
    ("address", "fact"),
    [
        (
            "mysql://root@host/db",
            "it begins with mysql://; write it as postgresql://user@host/database, or leave it out for SQLite",
        ),
        ("//", "it cannot be read as an address; write it as postgresql://user@host/database"),
    ],
)
def test_an_address_of_another_kind_is_refused(tmp_path: Path, address: str, fact: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url=address)
    assert str(caught.value) == f"HEXBEAT_DATABASE_URL has to be a PostgreSQL address; {fact}"


def test_a_server_that_does_not_answer_is_said_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url="postgresql://someone:secret@127.0.0.1:9/db")
    assert str(caught.value) == (
        "The database has to answer; 127.0.0.1 says: Can't create a connection to host 127.0.0.1 and port 9 (timeout "
        "is None and source_address is None).; check HEXBEAT_DATABASE_URL, that the server is running, and that its "
        "disk has room"
    )


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_said(tmp_path: Path, postgres_server: Server) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url=postgres_server.url("nowhere"))
    # Which of the two depends on whether the server hangs up before its answer is read.
    rule = "The database has to answer"
    refused = "check HEXBEAT_DATABASE_URL, that the server is running, and that its disk has room"
    cut = (
        "what was under way is stored as a whole or not at all; look before you repeat it, and check that the server "
        "is running. Hexbeat connects again by itself"
    )
    assert (caught.value.rule, caught.value.fact, caught.value.hint) in {
        (rule, 'the server says: database "nowhere" does not exist', refused),
        (rule, "the server ended the connection, or cannot be reached", cut),
    }


def test_an_old_sqlite_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 26, 0))
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert str(caught.value) == (
        f"The store needs SQLite 3.33 or newer; this Python has {sqlite3.sqlite_version}; use a Python with a "
        "newer SQLite, or set HEXBEAT_DATABASE_URL to use PostgreSQL"
    )


@pytest.fixture
def next_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations with one more, as a later Hexbeat will have; the file of that migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(
        Path(hexbeat.store.migrations.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr("hexbeat.store.databases._MIGRATIONS", folder)
    monkeypatch.setattr("hexbeat.store.databases.HEAD", "9999")
    script = folder / "versions" / "v9999_later.py"
    script.write_text(
        "from alembic import op\nimport sqlalchemy as sa\n"
        f"revision, down_revision = '9999', '{HEAD}'\n"
        "def upgrade():\n    op.add_column('batches', sa.Column('remark', sa.Text))\n"
    )
    return script


def make_older(tmp_path: Path, store_url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        then.setattr("hexbeat.store.databases._MIGRATIONS", Path(hexbeat.store.migrations.__file__).parent)
        then.setattr("hexbeat.store.databases.HEAD", HEAD)
        with Store.open(tmp_path / "home", database_url=store_url) as store:
            load(store, event_frame(["a"]))


def test_an_older_store_is_brought_up_to_date(
    tmp_path: Path, store_url: str | None, next_schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next_schema.exists()
    make_older(tmp_path, store_url, monkeypatch)
    with Store.open(tmp_path / "home", database_url=store_url) as store:
        assert "remark" in {column["name"] for column in sa.inspect(store.engine).get_columns("batches")}
        assert (store.version(), is_empty(store, ANALYST)) == (1, False)


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, store_url: str | None, next_schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(tmp_path, store_url, monkeypatch)
    next_schema.write_text(next_schema.read_text() + "    raise OSError('power cut')\n")
    with pytest.raises(OSError, match=r"^power cut$"):
        Store.open(tmp_path / "home", database_url=store_url)
    monkeypatch.undo()
    with Store.open(tmp_path / "home", database_url=store_url) as store:
        assert "remark" not in {column["name"] for column in sa.inspect(store.engine).get_columns("batches")}
        assert (store.version(), is_empty(store, ANALYST)) == (1, False)


@pytest.mark.postgres
def test_a_long_writer_in_postgres_is_named_too(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexbeat.store.database_errors.BUSY_S", 0.1)
    with Store.open(tmp_path, database_url=database_url) as store, store.engine.begin() as other:
        other.execute(sa.text("UPDATE store_state SET version = 7"))
        with pytest.raises(StoreError) as caught:
            load(store, event_frame(["a"]))
    assert str(caught.value) == (
        "Only one load can change the store at a time; another program has been writing to the store for 0.1 "
        "seconds; wait until it has finished, then try again"
    )


def test_errors_do_not_tell_the_values_of_a_statement(store: Store) -> None:
    statement = sa.text("UPDATE nowhere SET raw = :raw")
    with store.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as caught:
        connection.execute(statement, {"raw": "Rumpelstilzchen"})
    assert "nowhere" in str(caught.value)
    assert "Rumpelstilzchen" not in str(caught.value)
