"""What a database says when it cannot be used, as a StoreError: busy, full, read-only, damaged, unreachable, cut off.

A damaged SQLite file shows itself in many ways: as an error of SQLite, as a text that is no text, as a value of a kind
that Hexbeat never writes. So where reading fails on a value, the file is looked through (PRAGMA quick_check) before
anything else is blamed. `check_file` does the same before everything is read.
"""

import shutil
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, NoResultFound, OperationalError, SQLAlchemyError

from geo.errors import HexbeatError, StoreError
from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import ssl

    from pg8000 import dbapi as pg8000
else:
    ssl = import_lazily("ssl")
    pg8000 = import_lazily("pg8000.dbapi")

__all__ = [
    "BUSY_S",
    "RESTORE_HINT",
    "breaks_rule",
    "build_damage_error",
    "check_file",
    "describe_error",
    "is_busy",
    "lacks_rights",
    "lacks_room",
    "reading_values",
    "repeat_while_busy",
    "translate_errors",
]

BUSY_S: Final = 30  # seconds that a writer waits for another
RESTORE_HINT: Final = "stop Hexbeat, and restore the store from a backup (hexbeat restore)"
_AGAIN_S: Final = 0.02
_ROOM_BYTES: Final = 1_000_000  # a disk with less is full: SQLite needs some pages, and its index of the log
# Classes of PostgreSQL's codes: connection, authorisation, no such database, resources, operator, system, internal.
_SYSTEM: Final = ("08", "28", "3D", "53", "57", "58", "XX")
_CUT: Final = ("08", "57P")  # the server ends, or has ended, the connection
_FULL: Final = "53100"  # PostgreSQL: no room on the disk of the server
_FORBIDDEN: Final = ("42501", "25006")  # no privilege; a transaction or a server that only reads
# How SQLite begins to say that a file is not what it was. A store that opened once has all its tables and columns.
_DAMAGED: Final = (
    "malformed", "not a database", "unsupported file format", "no such table", "no such column", "no such index",
    "could not decode", "database schema",
)  # fmt: skip
_VALUE_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError, NoResultFound, AttributeError)


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn errors of a database that cannot be used into a StoreError; other errors pass unchanged.

    Errors of a value pass too, unless the file turns out to be damaged.
    """
    try:
        yield
    except HexbeatError:
        raise
    except Exception as error:  # also those of PostgreSQL's driver, which a cursor of its own raises
        store_error = _build_store_error(engine, error)
        if store_error is None:
            raise
        raise store_error from error


def _build_store_error(engine: Engine, error: Exception) -> StoreError | None:
    if isinstance(error, DBAPIError | sqlite3.Error):
        return _explain_database_error(engine, error)
    if engine.dialect.name == "sqlite":
        finding = find_damage(engine) if isinstance(error, (*_VALUE_ERRORS, SQLAlchemyError)) else None
        return build_damage_error(engine, finding) if finding else None
    if isinstance(error, ssl.SSLError):
        return _explain_tls(engine, error)
    if isinstance(error, struct.error | ConnectionError):  # the driver met the end of a connection in the middle
        return _build_cut_error(engine)
    return _explain_database_error(engine, error) if isinstance(error, pg8000.Error) else None


def _explain_database_error(engine: Engine, error: Exception) -> StoreError | None:  # noqa: PLR0911 - one a cause
    sentence, code = _read_sentence(error), _get_code(error)
    if is_busy(error):
        return StoreError(
            "Only one load can change the store at a time",
            f"another program has been writing to the store for {BUSY_S} seconds",
            "wait until it has finished, then try again",
        )
    if breaks_rule(error):
        return None
    if engine.dialect.name == "sqlite":
        return _explain_sqlite(engine, error, sentence.lower())
    if lacks_rights(error):
        return StoreError(
            "This needs a database user who may do it",
            describe_error(engine, error),
            "nothing was changed; use the address of a user with these rights in HEXBEAT_DATABASE_URL",
        )
    if lacks_room(error):
        return StoreError(
            "The disk of the database needs room",
            describe_error(engine, error),
            "nothing was changed; make room on its server, then try again",
        )
    if code.startswith(_CUT) or getattr(error, "connection_invalidated", False) or _is_network_error(sentence):
        return _build_cut_error(engine)
    if "Server refuses SSL" in sentence:
        return StoreError(
            "The connection has to be encrypted, as sslmode in HEXBEAT_DATABASE_URL says",
            f"{_name_place(engine)} offers no TLS",
            "turn TLS on in the server; nothing was sent",
        )
    if isinstance(error, OperationalError | InterfaceError | pg8000.Error) or code.startswith(_SYSTEM):
        hint = "check HEXBEAT_DATABASE_URL, that the server is running, and that its disk has room"
        return StoreError("The database has to answer", describe_error(engine, error), hint)
    return None


def _explain_sqlite(engine: Engine, error: Exception, sentence: str) -> StoreError | None:
    if "readonly" in sentence:
        return StoreError(
            "Hexbeat needs a store file that it can write to",
            describe_error(engine, error),
            "nothing was changed; make the file and its folder writable, or set HEXBEAT_HOME to another folder",
        )
    if not Path(engine.url.database or "").exists():
        return StoreError("The store has to be there", f"{_name_place(engine)} is gone", RESTORE_HINT)
    if any(sign in sentence for sign in _DAMAGED):
        return build_damage_error(engine, sentence)
    if _is_disk_error(error) and (full := _describe_full_disk(engine)):
        return StoreError("The disk of the store needs room", full, "nothing was changed; make room, then try again")
    if _is_disk_error(error):
        hint = "check that the disk has room, and that the file and its folder can be written"
        return StoreError("The database has to answer", describe_error(engine, error), hint)
    finding = find_damage(engine)
    return build_damage_error(engine, finding) if finding else None


def _explain_tls(engine: Engine, error: "ssl.SSLError") -> StoreError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = str(error.reason or "the connection broke off").replace("_", " ").lower()
        fact = f"{_name_place(engine)}: TLS failed: {reason}"
        return StoreError("The database has to answer", fact, "check the server's TLS, and sslmode in the address")
    return StoreError(
        "The database has to prove that it is the one that is meant",
        f"{_name_place(engine)}: {_clean(error.verify_message.rstrip('.'))}",
        "nothing was sent; check the host in HEXBEAT_DATABASE_URL, sslrootcert, and the server's certificate",
    )


def _is_disk_error(error: Exception) -> bool:
    return isinstance(error, OperationalError | InterfaceError | sqlite3.OperationalError | sqlite3.InterfaceError)


def _describe_full_disk(engine: Engine) -> str | None:
    """That the disk is full; None if it has room."""
    folder = Path(engine.url.database or "").absolute().parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    return f"{folder} has {free // 1000:,} kB left" if free < _ROOM_BYTES else None


def _is_network_error(sentence: str) -> bool:
    return any(sign in sentence for sign in ("network error", "connection is closed", "server closed the connection"))


def _build_cut_error(engine: Engine) -> StoreError:
    return StoreError(
        "The database has to answer",
        f"{_name_place(engine)} ended the connection, or cannot be reached",
        "what was under way is stored as a whole or not at all; look before you repeat it, and check that the server "
        "is running. Hexbeat connects again by itself",
    )


def build_damage_error(engine: Engine, finding: str) -> StoreError:
    """The error of a damaged file; `finding` is what the database says of it, never the content of a record."""
    return StoreError("The store has to be whole", f"{_name_place(engine)} is damaged: {finding}", RESTORE_HINT)


def find_damage(engine: Engine, *, indexes: bool = False, table: str | None = None) -> str | None:
    """What SQLite finds wrong in its file (PRAGMA quick_check); None if nothing, and for PostgreSQL.

    With `indexes` each index is compared with its table, too (PRAGMA integrity_check); with `table` that one alone.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    try:
        address = f"{Path(engine.url.database).absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_S)
    except sqlite3.Error:
        return None
    try:
        what = "integrity" if indexes or table else "quick"
        finding = str(connection.execute(f"PRAGMA {what}_check({table or 1})").fetchone()[0])
    except (sqlite3.Error, TypeError, UnicodeError) as error:
        sentence = _clean(str(error))  # a disk that is full or fails is another matter: what comes next says so
        is_damage = not isinstance(error, sqlite3.Error) or any(sign in sentence.lower() for sign in _DAMAGED)
        return sentence if is_damage else None
    finally:
        with suppress(sqlite3.Error):
            connection.close()
    return None if finding == "ok" else _clean(finding)


def check_file(engine: Engine, *, indexes: bool = False, table: str | None = None) -> None:
    """StoreError if the SQLite file is damaged.

    A ninth of the time that reading everything takes; with `indexes`, which are then compared with their tables, a
    third. With `table` only that table and its indexes are looked at.
    """
    if finding := find_damage(engine, indexes=indexes, table=table):
        raise build_damage_error(engine, finding)


@contextmanager
def reading_values(engine: Engine) -> Iterator[None]:
    """StoreError where values of records are none that Hexbeat writes, for example after a bit of the file flipped."""
    try:
        yield
    except _VALUE_ERRORS as error:
        finding = find_damage(engine) or "a record holds a value that Hexbeat never writes"
        raise build_damage_error(engine, finding) from error


def _get_code(error: Exception) -> str:
    """PostgreSQL's five-letter error code; empty for SQLite, and if the server gave none."""
    original = getattr(error, "orig", error)
    return str(original.args[0].get("C", "")) if original.args and isinstance(original.args[0], dict) else ""


def repeat_while_busy(change: Callable[[], None]) -> None:
    """Make a change for which SQLite lets nobody wait; as often as it takes in the time that a writer waits."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            return change()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
        time.sleep(_AGAIN_S)


def is_busy(error: Exception) -> bool:
    """Whether the database gave up waiting for another program that writes."""
    return _get_code(error) == "55P03" or "database is locked" in _read_sentence(error)


def breaks_rule(error: Exception) -> bool:
    """Whether a database refused a row that breaks a rule of the schema, such as a unique key or a required value."""
    return isinstance(getattr(error, "orig", error), sqlite3.IntegrityError) or _get_code(error).startswith("23")


def lacks_rights(error: BaseException | None) -> bool:
    """Whether a PostgreSQL server refused what its user may not do."""
    return isinstance(error, Exception) and _get_code(error) in _FORBIDDEN


def lacks_room(error: BaseException | None) -> bool:
    """Whether a PostgreSQL server has no room on its disk."""
    return isinstance(error, Exception) and _get_code(error) == _FULL


def describe_error(engine: Engine, error: Exception) -> str:
    """The main sentence of the database's error, without its details, which may hold values of a record."""
    return f"{_name_place(engine)} says: {_read_sentence(error)}"


def _name_place(engine: Engine) -> str:
    return str(engine.url.database if engine.dialect.name == "sqlite" else engine.url.host or "the server")


def _read_sentence(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    message = original.args[0] if original.args else ""
    return _clean(str(message.get("M", "") if isinstance(message, dict) else message))


def _clean(text: str) -> str:
    """The first line that says something, of printable characters; a damaged file can put anything into a message."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("***")]
    return "".join(letter if letter.isprintable() else "?" for letter in (lines or [""])[0])[:200]
