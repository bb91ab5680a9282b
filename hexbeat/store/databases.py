"""The store's database: engines for SQLite and PostgreSQL, migrations, errors, transactions and the store's version."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from geo.errors import StoreError
from hexbeat.store.schema import HEAD, store_state

__all__ = [
    "BUSY_S",
    "FILE_NAME",
    "WRITES",
    "breaks_rule",
    "change_version",
    "is_busy",
    "make_engine",
    "migrate",
    "read_transaction",
    "read_version",
    "read_work_version",
    "translate_errors",
    "work_transaction",
    "write_transaction",
]

FILE_NAME: Final = "hexbeat.sqlite"
BUSY_S: Final = 30  # seconds that a writer waits for another
WRITES: Final = "hexbeat_writes"  # the execution option of a transaction that will write
_MIGRATION_LOCK: Final = 0x68657862  # any fixed number: "hexb"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_OLDEST_SQLITE: Final = (3, 33)  # the first with UPDATE ... FROM
# Classes of PostgreSQL's codes: connection, authorisation, no such database, resources, operator, system, internal.
_SYSTEM: Final = ("08", "28", "3D", "53", "57", "58", "XX")
_ALIEN_HINT: Final = "set HEXBEAT_HOME to another folder, or move that file away"


def make_engine(home: Path, database_url: str | None) -> Engine:
    """An engine for the SQLite file in `home` (created if needed, for this user only) or for PostgreSQL at the URL.

    Neither puts the values of a statement into the text of an error, because they come from records.
    """
    if database_url:
        return _make_postgres_engine(database_url)
    return _make_sqlite_engine(_prepare_file(home))


def _prepare_file(home: Path) -> Path:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(
            "The store needs SQLite 3.33 or newer",
            f"this Python has {sqlite3.sqlite_version}",
            "use a Python with a newer SQLite, or set HEXBEAT_DATABASE_URL to use PostgreSQL",
        )
    path = home / FILE_NAME
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _restrict_access(home, 0o700)
        # SQLite gives its -wal and -shm files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        _restrict_access(path, 0o600)
    except OSError as error:
        raise StoreError(
            "Hexbeat needs a store file that it can write to",
            f"{path} cannot be written: {error.strerror}",
            "set HEXBEAT_HOME to another folder",
        ) from error
    with path.open("rb") as file:
        first_bytes = file.read(16)
    if first_bytes and first_bytes != b"SQLite format 3\x00":
        raise StoreError("The store has to be a Hexbeat SQLite file", f"{path} is another kind of file", _ALIEN_HINT)
    return path


def _restrict_access(path: Path, mode: int) -> None:
    """Set the mode, unless another user owns the file."""
    with suppress(PermissionError):
        path.chmod(mode)


def _make_sqlite_engine(path: Path) -> Engine:
    engine = sa.create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_S}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin only where _begin says so, below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",  # staged rows never reach the disk
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later cannot wait for another writer: it would fail at once.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_postgres_engine(database_url: str) -> Engine:
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise StoreError(
            "HEXBEAT_DATABASE_URL has to be a PostgreSQL address",
            "it cannot be read as an address",
            "write it as postgresql://user@host/database",
        ) from error
    if url.drivername.split("+")[0] not in {"postgresql", "postgres"}:
        raise StoreError(
            "HEXBEAT_DATABASE_URL has to be a PostgreSQL address",
            f"it begins with {url.drivername}://",
            "write it as postgresql://user@host/database, or leave it out for SQLite",
        )
    url = url.set(drivername="postgresql+pg8000")
    host = url.query.get("host")
    arguments: dict[str, Any] = {
        "application_name": "hexbeat",
        "startup_params": {"lock_timeout": str(int(1000 * BUSY_S))},
    }
    if isinstance(host, str) and host.startswith("/"):
        port = url.port or url.query.get("port") or 5432
        arguments["unix_sock"] = f"{host}/.s.PGSQL.{port}"
        url = url.difference_update_query(["host", "port"])
    return sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn errors of a database that cannot be used into a StoreError; other errors pass unchanged."""
    try:
        yield
    except DBAPIError as error:
        if is_busy(error):
            raise StoreError(
                "Only one load can change the store at a time",
                f"another program has been writing to the store for {BUSY_S} seconds",
                "wait until it has finished, then try again",
            ) from error
        if isinstance(error, OperationalError | InterfaceError) or _get_code(error).startswith(_SYSTEM):
            hint = "check that the disk has room, and that the file and its folder can be written"
            if engine.dialect.name == "postgresql":
                hint = "check HEXBEAT_DATABASE_URL, and that the server is running"
            raise StoreError("The database has to answer", _describe_error(engine, error), hint) from error
        raise


def is_busy(error: DBAPIError) -> bool:
    """Whether the database gave up waiting for another program that writes."""
    return _get_code(error) == "55P03" or "database is locked" in str(error.orig)


def _get_code(error: Exception) -> str:
    """PostgreSQL's five-letter error code; empty for SQLite, and if the server gave none."""
    original = getattr(error, "orig", error)
    return str(original.args[0].get("C", "")) if original.args and isinstance(original.args[0], dict) else ""


def breaks_rule(error: Exception) -> bool:
    """Whether a database refused a row that breaks a rule of the schema, such as a unique key or a required value."""
    return isinstance(getattr(error, "orig", error), sqlite3.IntegrityError) or _get_code(error).startswith("23")


def _describe_error(engine: Engine, error: DBAPIError) -> str:
    """The main sentence of the database's error, without its details, which may hold values of a record."""
    place = engine.url.database if engine.dialect.name == "sqlite" else engine.url.host or "the server"
    message = error.orig.args[0] if error.orig and error.orig.args else ""
    sentence = message.get("M", "") if isinstance(message, dict) else str(message).splitlines()[0]
    return f"{place} says: {sentence}"


def migrate(engine: Engine) -> None:
    """Bring the store to the newest schema, in one transaction; nothing is ever destroyed.

    StoreError if the database is not a store, or is the store of a newer Hexbeat. Two programs that open a new store at
    the same time wait for each other.
    """
    try:
        with translate_errors(engine), engine.connect() as connection:
            if _read_revision(connection) == HEAD:
                return
        with translate_errors(engine), engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                _upgrade(connection)
    except sa.exc.DatabaseError as error:
        raise StoreError(
            "The store has to be a complete Hexbeat database",
            _describe_error(engine, error),
            "restore it from a copy, or " + _ALIEN_HINT,
        ) from error


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    revision = _read_revision(connection)  # again, now that no other program can change it
    if revision == HEAD:
        return
    from alembic import command  # noqa: PLC0415  # half a second to import, and most starts do not need it
    from alembic.config import Config  # noqa: PLC0415  # the same
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # the same

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known_revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known_revisions:
        raise StoreError(
            "A store needs the version of Hexbeat that made it, or a newer one",
            f"this store has schema {revision}, and this Hexbeat knows only up to {HEAD}",
            "install the newer Hexbeat; nothing was changed",
        )
    command.upgrade(config, "head")


def _read_revision(connection: Connection) -> str | None:
    """The schema's revision, None for an empty database; StoreError if the tables belong to another program."""
    tables = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in tables and "store_state" in tables:
        return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one())
    if tables:
        raise StoreError(
            "The store has to be a Hexbeat database", "this one holds the tables of another program", _ALIEN_HINT
        )
    return None


def read_version(connection: Connection) -> int:
    """The version as this transaction sees it."""
    return int(connection.execute(sa.select(store_state.c.version)).scalar_one())


def read_work_version(connection: Connection) -> int:
    """The version of visits and reference places, as this transaction sees it."""
    return int(connection.execute(sa.select(store_state.c.work)).scalar_one())


def change_version(connection: Connection, *, rewritten: bool = False) -> int:
    """Take the writers' lock and raise the version; `rewritten` if rows are removed or reopened, not only added.

    Every writer calls this first. So in PostgreSQL too, writers run one after the other, and row and batch numbers rise
    in the order of commits.
    """
    next_version = store_state.c.version + 1
    values = {"version": next_version} | ({"rewritten": next_version} if rewritten else {})
    connection.execute(sa.update(store_state).values(values))
    return read_version(connection)


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one version of the store throughout and blocks no writer."""
    with translate_errors(engine), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


@contextmanager
def write_transaction(engine: Engine, *, rewritten: bool) -> Iterator[Connection]:
    """A transaction that changes the store, one writer at a time."""
    with translate_errors(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            change_version(connection, rewritten=rewritten)
            yield connection


@contextmanager
def work_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes visits or reference places but no event, one writer of the store at a time.

    The version of the events stays the same, so results computed from them stay valid in caches.
    """
    with translate_errors(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            connection.execute(sa.update(store_state).values(work=store_state.c.work + 1))
            yield connection
