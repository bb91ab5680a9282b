"""The store's database: engines for SQLite and PostgreSQL, migrations, errors, transactions and the store's version."""

import errno
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from geo.errors import ClockError, StoreError
from hexbeat.folders import sync_folder, write_folder
from hexbeat.store import database_errors
from hexbeat.store.database_errors import (
    RESTORE_HINT,
    build_damage_error,
    describe_error,
    reading_values,
    translate_errors,
)
from hexbeat.store.home_layout import FILE_NAME
from hexbeat.store.postgres import make_postgres_engine
from hexbeat.store.schema import HEAD, batches, store_state, visits
from layers.timestamps import from_seconds
from layers.wording import format_date

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "WRITES",
    "change_version",
    "list_revisions",
    "make_engine",
    "migrate",
    "read_transaction",
    "read_version",
    "read_work_version",
    "require_likely_clock",
    "upgrade_to",
    "work_transaction",
    "write_transaction",
]

WRITES: Final = "hexbeat_writes"  # the execution option of a transaction that will write
_MIGRATION_LOCK: Final = 0x68657862  # any fixed number: "hexb"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_FIRST_BYTES: Final = b"SQLite format 3\x00"
_OLDEST_SQLITE: Final = (3, 33)  # the first with UPDATE ... FROM
_LOCKED_S: Final = 5  # a load keeps nobody from reading: only a program that wants the file alone does
_LIKELY: Final = timedelta(days=366)  # between the last record and now
_VERSION: Final = sa.select(store_state.c.version)
_WORK_VERSION: Final = sa.select(store_state.c.work)
_RAISE: Final = sa.update(store_state).values(version=store_state.c.version + 1)
_RAISE_BOTH: Final = _RAISE.values(rewritten=store_state.c.version + 1)
_RAISE_WORK: Final = sa.update(store_state).values(work=store_state.c.work + 1)
_ALIEN_HINT: Final = "set HEXBEAT_HOME to another folder, or move that file away"


def make_engine(home: Path, database_url: str | None) -> Engine:
    """An engine for the SQLite file in `home` or for PostgreSQL at the URL. Makes `home` if needed, for this user only.

    Neither puts the values of a statement into the text of an error, because they come from records.
    """
    if database_url:
        _prepare_home(home)
        return make_postgres_engine(database_url)
    return _make_sqlite_engine(_prepare_file(home))


def _prepare_home(home: Path) -> None:
    """Beside a database on a server, `home` holds plans and the register. Without a writable one a process goes on."""
    with suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _restrict_access(home, 0o700)


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
        if not path.exists():
            _make_file(path)
        _require_access(path)
        _restrict_access(path, 0o600)  # SQLite gives its -wal and -shm files the mode of the database
        is_empty = not path.stat().st_size
    except OSError as error:
        raise StoreError(
            "Hexbeat needs a store file that it can write to",
            f"{path} cannot be written: {error.strerror}",
            "set HEXBEAT_HOME to another folder",
        ) from error
    if is_empty:  # SQLite would remove the write-ahead log of an empty file
        _require_sqlite(path, b"")
    return path


def _require_access(path: Path) -> None:
    """OSError unless this user may write the file.

    Only SQLite opens the file, because closing it ends every lock that this process holds on it (POSIX, advisory
    locks). Another program would then take itself for the last one, and remove the write-ahead log in which this
    process goes on writing.
    """
    if path.is_dir():
        reason = errno.EISDIR
    elif not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        is_read_only = hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY
        reason = errno.EROFS if is_read_only else errno.EACCES
    else:
        return
    raise OSError(reason, os.strerror(reason))


def _make_file(path: Path) -> None:
    """Make an empty SQLite file, at once with its header: so a file of no bytes is never a new store."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:  # SQLite would write the changes of the lost file into the new one
        raise StoreError(
            "The store has to be whole",
            f"{path} is missing, and its write-ahead log is there",
            f"{RESTORE_HINT}; if you removed the store on purpose, remove {log.name} too",
        )
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        write_folder(draft.parent, {draft.name: _build_empty_file()})
        draft.chmod(0o600)
        with suppress(FileExistsError):  # another program has just made it
            os.link(draft, path)
        sync_folder(draft.parent)
    finally:
        draft.unlink(missing_ok=True)


@cache
def _build_empty_file() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA user_version=0")
        connection.execute("VACUUM")
        return connection.serialize()


def _require_sqlite(path: Path, first_bytes: bytes) -> None:
    if not first_bytes.strip(b"\x00"):
        fact = f"{path} is empty" if not first_bytes else f"{path} is full of zeros"
        raise StoreError("The store has to be whole", fact, f"{RESTORE_HINT}; if there never was one, remove the file")
    if first_bytes != _FIRST_BYTES:
        hint = f"{_ALIEN_HINT}; if it was the store, restore it from a backup (hexbeat restore)"
        raise StoreError("The store has to be a Hexbeat SQLite file", f"{path} is another kind of file", hint)


def _restrict_access(path: Path, mode: int) -> None:
    """Set the mode, unless another user owns the file."""
    with suppress(PermissionError):
        path.chmod(mode)


def _identify(path: Path) -> tuple[int, int] | None:
    """Which file has this name now; None if none has."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_sqlite_engine(path: Path) -> Engine:
    def _connect() -> sqlite3.Connection:
        # A file that was removed is not made again, empty, by connecting to it.
        address = f"{path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, timeout=_LOCKED_S, check_same_thread=False)
        try:
            connection.execute("PRAGMA schema_version").close()  # reads the first page
            connection.execute(f"PRAGMA busy_timeout={1000 * database_errors.BUSY_S}").close()
        except sqlite3.DatabaseError as error:
            connection.close()
            if database_errors.is_busy(error):
                raise StoreError(
                    "Hexbeat can read a store that no other program keeps for itself alone",
                    f"another program has locked {path} for {_LOCKED_S} seconds",
                    "wait until it has finished, or end it, then try again",
                ) from error
            if "not a database" in str(error):  # then nothing can have it open as a database
                with path.open("rb") as file:
                    _require_sqlite(path, file.read(len(_FIRST_BYTES)))
            raise
        return connection

    engine = sa.create_engine(URL.create("sqlite", database=str(path)), creator=_connect, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identify(path)
        connection.isolation_level = None  # transactions begin only where _begin says so, below
        # Of several that open a new store at once, all but one are refused this at first.
        database_errors.repeat_while_busy(lambda: connection.execute("PRAGMA journal_mode=WAL").close())
        for pragma in (
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",  # staged rows never reach the disk
            "cache_size=-65536",
            "cell_size_check=ON",  # a damaged page is noticed when it is read, not when it misleads
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "checkout")
    def _require_same_file(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != _identify(path):  # replaced, or removed: a new connection finds out
            raise DisconnectionError

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later cannot wait for another writer: it would fail at once.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def migrate(engine: Engine) -> None:
    """Bring the store to the newest schema, in one transaction; nothing is ever destroyed.

    StoreError if the database is not a store, or is the store of a newer Hexbeat. Two programs that open a new store at
    the same time wait for each other.
    """
    try:
        with translate_errors(engine), engine.connect() as connection:
            with reading_values(engine):
                revision = _read_revision(connection)
            if revision == HEAD:
                return
            if revision is None:
                _require_new(connection)
        with translate_errors(engine), engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                _upgrade(connection)
    except sa.exc.DatabaseError as error:
        raise StoreError(
            "The store has to be a complete Hexbeat database",
            describe_error(engine, error),
            f"{RESTORE_HINT}, or {_ALIEN_HINT}",
        ) from error


def _require_new(connection: Connection) -> None:
    """StoreError if a SQLite file without tables holds more than its first page: then its tables were lost."""
    if connection.dialect.name == "sqlite":
        connection.rollback()
        connection.execution_options(**{WRITES: True})  # wait for a program that is making the store
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        if pages > 1 and not sa.inspect(connection).get_table_names():
            raise build_damage_error(connection.engine, "its tables are gone")


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    revision = _read_revision(connection)  # again, now that no other program can change it
    if revision == HEAD:
        return
    if revision is not None and revision not in list_revisions():
        raise StoreError(
            "A store needs the version of Hexbeat that made it, or a newer one",
            f"this store has schema {revision}, and this Hexbeat knows only up to {HEAD}",
            "install the newer Hexbeat; nothing was changed",
        )
    upgrade_to(connection, "head")


def upgrade_to(connection: Connection, revision: str) -> None:
    """Run the migrations up to a revision, in the transaction of the connection."""
    from alembic import command  # noqa: PLC0415  # half a second to import, and most starts do not need it

    config = _build_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def list_revisions() -> set[str]:
    """The revisions of the schema that this Hexbeat knows."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as in upgrade_to

    return {script.revision for script in ScriptDirectory.from_config(_build_config()).walk_revisions()}


def _build_config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # as in upgrade_to

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


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
    return int(connection.execute(_VERSION).scalar_one())


def read_work_version(connection: Connection) -> int:
    """The version of visits and reference places, as this transaction sees it."""
    return int(connection.execute(_WORK_VERSION).scalar_one())


def change_version(connection: Connection, *, rewritten: bool = False) -> int:
    """Take the writers' lock and raise the version; `rewritten` if rows are removed or reopened, not only added.

    Every writer calls this first. So in PostgreSQL too, writers run one after the other, and row and batch numbers rise
    in the order of commits.
    """
    connection.execute(_RAISE_BOTH if rewritten else _RAISE)
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
            connection.execute(_RAISE_WORK)
            yield connection


def require_likely_clock(connection: Connection, now: datetime) -> None:
    """ClockError if the clock is more than a year ahead of the last load and of the last visit that was recorded.

    What is removed by age is chosen by the clock, and cannot be restored. A store without either passes.
    """
    recorded = [
        connection.execute(sa.select(sa.func.max(column))).scalar_one()
        for column in (batches.c.created, visits.c.recorded_at)
    ]
    newest = max((seconds for seconds in recorded if seconds is not None), default=None)
    if newest is not None and now - from_seconds(newest) > _LIKELY:
        today, last = (format_date(time.date()) for time in (now, from_seconds(newest)))
        raise ClockError(
            "What is too old is removed by the clock, so the clock has to be right",
            f"it says {today}, and the last records came on {last}",
            "check the date of this machine; nothing was removed",
        )
