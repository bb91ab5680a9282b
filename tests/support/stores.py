"""Empty stores for tests, in SQLite and in a real PostgreSQL."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, inspect
from sqlalchemy.util import LRUCache

import hexbeat.store.migrations
from hexbeat.store import databases
from hexbeat.store.schema import (
    HEAD,
    alert_answers,
    audit_entries,
    audit_head,
    batch_files,
    batches,
    coverage,
    events,
    reference_places,
    rejects,
    shared_documents,
    sign_ins,
    visits,
    work_loads,
)
from hexbeat.store.shared_documents import SharedDocuments
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.postgres_servers import Server

__all__ = [
    "dispose_stores",
    "documents_in",
    "older_store",
    "real_migrations",
    "recorded_schema",
    "shared_statements",
    "store",
    "store_in",
    "store_url",
    "wipe",
    "wiped_store",
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where a test's store lives: None for SQLite in its home, else the address of a new PostgreSQL database."""
    return request.getfixturevalue("database_url") if request.param == "postgres" else None


@pytest.fixture(scope="session")
def wiped_store(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One PostgreSQL database, and one open engine, for all tests that ask for a `store`; each wipes it first."""
    postgres_server.execute("CREATE DATABASE wiped")
    with Store.open(tmp_path_factory.mktemp("wiped"), database_url=postgres_server.url("wiped")) as opened:
        yield opened
    postgres_server.execute("DROP DATABASE wiped WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store; each test that asks for it runs on SQLite and on PostgreSQL."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        with Store.open(home) as opened:
            yield opened
        return
    shared: Store = request.getfixturevalue("wiped_store")
    wipe(shared)
    home.mkdir(mode=0o700)
    yield Store(shared.engine, home)


_OPENED: Final[dict[Path, Store]] = {}


def store_in(home: Path) -> Store:
    """The SQLite store in a home; it stays open until the test has ended."""
    key = home.resolve()
    if key not in _OPENED:
        _OPENED[key] = Store.open(home)
    return _OPENED[key]


def documents_in(home: Path) -> SharedDocuments:
    """What the SQLite store in a home shares, for an analyst."""
    return store_in(home).documents(ANALYST)


@pytest.fixture(autouse=True)
def dispose_stores() -> Iterator[None]:
    """Close the stores that `store_in` opened."""
    yield
    while _OPENED:
        _OPENED.popitem()[1].dispose()


def wipe(store: Store) -> None:
    """Make a store as if it were new."""
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            reset_trail(connection)
            tables = "coverage, events, batches, batch_files, rejects, visits, reference_places, work_loads"
            tables += ", shared_documents, sign_ins, alert_answers"
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
        else:
            for table in (
                coverage,
                events,
                rejects,
                batch_files,
                batches,
                visits,
                reference_places,
                work_loads,
                sign_ins,
                shared_documents,
                alert_answers,
            ):
                connection.execute(table.delete())
            connection.exec_driver_sql("DELETE FROM sqlite_sequence")
        fresh = "UPDATE store_state SET version = 0, rewritten = 0, work = 0, documents = 0, erasure_pending = FALSE"
        connection.exec_driver_sql(fresh)


def reset_trail(connection: Connection) -> None:
    """Empty the audit trail, as only the owner of the database can, who may switch its triggers off."""
    for table in (audit_entries, audit_head):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    connection.execute(audit_entries.delete())
    connection.execute(audit_head.delete())
    connection.execute(audit_head.insert().values(row_id=1, number=0, hash="0" * 64, base_number=0, base_hash="0" * 64))
    for table in (audit_entries, audit_head):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")


@contextmanager
def older_store(home: Path, url: str | None, head: str) -> Iterator[Connection]:
    """A store as Hexbeat made it when migration `head` was the newest: a transaction in it while the block runs."""
    versions = Path(hexbeat.store.migrations.__file__).parent / "versions"
    newer = [path.name for path in versions.glob("v*.py") if path.name[1:5] > head]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        migrations = Path(folder) / "migrations"
        shutil.copytree(versions.parent, migrations, ignore=shutil.ignore_patterns("__pycache__", *newer))
        patch.setattr(databases, "_MIGRATIONS", migrations)
        patch.setattr(databases, "HEAD", head)
        engine = databases.make_engine(home, url)
        databases.migrate(engine)
        with engine.begin() as connection:
            yield connection
        engine.dispose()


_UPGRADE: Final = databases.__dict__["_upgrade"]
_MIGRATIONS: Final = databases.__dict__["_MIGRATIONS"]


@pytest.fixture(scope="session", autouse=True)
def recorded_schema() -> Iterator[None]:
    """An empty database becomes a store by the statements that Alembic's work amounts to: a tenth of the time.

    Older stores are still brought up to date by Alembic, and so is everything in a process of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_upgrade", _repeat_or_upgrade)
        yield


class SharedStatements(LRUCache):  # type: ignore[type-arg] # of keys and compiled statements
    """What SQLAlchemy keeps of the statements that it has put into words, for all stores of one kind of database.

    It keeps them for each store apart, by the database's dialect, and nearly every test opens stores of its own.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


@pytest.fixture(scope="session", autouse=True)
def shared_statements() -> Iterator[None]:
    """A statement is put into words once for all stores of a test run: a tenth of what tests of stores take."""
    shared, create_engine = SharedStatements(3_000), sa.create_engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sa, "create_engine", partial(create_engine, execution_options={"compiled_cache": shared}))
        yield


@pytest.fixture
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic makes the new stores of this test."""
    monkeypatch.setattr(databases, "_upgrade", _UPGRADE)


def _repeat_or_upgrade(connection: Connection) -> None:
    as_released = (databases.HEAD, databases.__dict__["_MIGRATIONS"]) == (HEAD, _MIGRATIONS)
    if not as_released or inspect(connection).get_table_names():
        _UPGRADE(connection)
        return
    if connection.dialect.name == "postgresql":
        _repeat_or_record(connection)
        return
    raw: Any = connection.connection.driver_connection
    for statement in _statements():
        raw.execute(statement).close()


_RECORDED: Final[list[tuple[str, Any]]] = []  # what Alembic told PostgreSQL, with the values


def _repeat_or_record(connection: Connection) -> None:
    """The first time Alembic makes the store, and is overheard; then the database is told the same."""
    if _RECORDED:
        for statement, values in _RECORDED:
            connection.exec_driver_sql(statement, values)
        return
    told: list[tuple[str, Any]] = []

    def overhear(_: Connection, __: object, statement: str, values: Any, *___: object) -> None:
        if not statement.lstrip().startswith("SELECT pg_catalog"):  # it asks which tables there are
            told.append((statement, values))

    sa.event.listen(connection, "before_cursor_execute", overhear)
    try:
        _UPGRADE(connection)
    finally:
        sa.event.remove(connection, "before_cursor_execute", overhear)
    _RECORDED.extend(told)


@cache
def _statements() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_upgrade", _UPGRADE)
        with Store.open(Path(folder) / "home"):
            pass
        (file,) = (Path(folder) / "home").glob("*.sqlite")
        with closing(sqlite3.connect(file)) as made:
            return tuple(made.iterdump())[1:-1]  # without BEGIN and COMMIT
