"""Backups: the store and the other files of its home in one file, and a home made again from it.

A backup is a tar file (gzip) of mode 0600. It holds `backup.json` (what is in it, with the SHA-256 of each file), the
store as one SQLite file without traces of erased rows (VACUUM INTO, which sees one version of the store throughout and
blocks no writer), and the home's other files. Uploads, drafts, logs of SQLite and sign-ins are left out. On PostgreSQL
the database is its administrator's to back up (pg_dump); the backup then holds the home's files alone, and says so.
"""

import hashlib
import json
import os
import re
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from dataclasses import replace as change
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from geo.errors import DataError, StoreError, UsageError
from hexbeat.files import atomic_write, hash_file
from hexbeat.folders import hold_draft, remove_drafts, sync_folder
from hexbeat.store.audit_trail import write_before_answer
from hexbeat.store.database_errors import build_damage_error, reading_values, translate_errors
from hexbeat.store.databases import read_transaction
from hexbeat.store.home_layout import FILE_NAME
from hexbeat.store.known_schema import find_schema_fault
from hexbeat.store.schema import HEAD, metadata, sign_ins, store_state
from hexbeat.store.store import Store
from layers.access import Action, Viewer, require

__all__ = ["Backup", "read_backup", "restore_backup", "write_backup"]

FORMAT: Final = "hexbeat-backup/1"
_FACTS: Final = "backup.json"
_TRIES: Final = 5
_MOST_FACTS: Final = 16 * 1024 * 1024  # bytes of backup.json; a home has some hundred files
_LEAST_S: Final = 60.0  # seconds for the check of a store that comes back, and as many bytes of it a second
_BYTES_A_SECOND: Final = 1_000_000
_LEFT_OUT: Final = ("uploads",)
_RULE: Final = "A backup has to be one that Hexbeat wrote, and whole"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: when it was made (UTC, ISO 8601), the schema, rows a table, and SHA-256 a file.

    `rows` is empty where the store is in PostgreSQL.
    """

    made: str
    schema: str
    rows: dict[str, int]
    files: dict[str, str]

    @property
    def has_store(self) -> bool:
        """Whether the events are in it, too."""
        return FILE_NAME in self.files


def write_backup(store: Store, viewer: Viewer, out: Path) -> Backup:
    """Write the store and its home to one file, which appears whole or not at all, while others use the store.

    StoreError if the store is damaged, or changes all the time; DataError if the file cannot be written; UsageError if
    it would lie in the home itself.
    """
    require(viewer, Action.EXPORT)
    require(viewer, Action.ERASE)  # a backup holds every layer whole: it is for those who keep the store
    home = store.home.resolve()
    if out.absolute().parent.resolve().is_relative_to(home):
        raise UsageError("A backup lies outside the home", f"{out} is inside {store.home}", "choose another folder")
    with atomic_write(out) as draft, tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".backup-") as room:
        for _ in range(_TRIES):
            before = _read_state(store)
            backup = _pack(store, home, draft, Path(room))
            if _read_state(store) == before:
                write_before_answer(store.engine)
                return backup
    raise StoreError("A backup needs a moment without changes", "the store changed each time", "try again later")


def _read_state(store: Store) -> tuple[Any, ...]:
    """What changes when somebody changes the store or a file of its home."""
    with read_transaction(store.engine) as connection:
        row = connection.execute(sa.select(store_state.c.version, store_state.c.work)).one()
    files = [(name, path.stat().st_size, path.stat().st_mtime_ns) for name, path in _list_files(store.home.resolve())]
    return (*row, files)


def _list_files(home: Path) -> list[tuple[str, Path]]:
    """The files of a home by their names in it, without the store's own, uploads and drafts (names with a dot)."""
    files = []
    for path in sorted(home.rglob("*")):
        parts = path.relative_to(home).parts
        is_stores = len(parts) == 1 and parts[0].startswith(FILE_NAME)
        if path.is_file() and not (is_stores or parts[0] in _LEFT_OUT or any(part.startswith(".") for part in parts)):
            files.append(("/".join(parts), path))
    return files


def _pack(store: Store, home: Path, draft: Path, room: Path) -> Backup:
    files = _list_files(home)
    rows: dict[str, int] = {}
    if store.engine.dialect.name == "sqlite":
        copy = room / FILE_NAME
        copy.unlink(missing_ok=True)
        _copy_store(store, copy)
        rows = _check_copy(copy, store)
        files = [(FILE_NAME, copy), *files]
    created = datetime.now(UTC).isoformat(timespec="seconds")
    backup = Backup(created, HEAD, rows, {name: hash_file(path) for name, path in files})
    facts = room / _FACTS
    facts.write_text(json.dumps({"format": FORMAT, **asdict(backup)}, indent=1) + "\n", encoding="utf-8")
    with open(draft, "wb", opener=_open_private) as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as packed:
            for name, path in [(_FACTS, facts), *files]:
                packed.add(path, arcname=name, recursive=False)
        file.flush()
        os.fsync(file.fileno())
    return backup


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _copy_store(store: Store, copy: Path) -> None:
    with translate_errors(store.engine), store.engine.connect() as connection:
        raw = connection.connection.cursor()
        raw.execute("VACUUM INTO ?", (str(copy),))
        raw.close()
    with translate_errors(store.engine), closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"DELETE FROM {sign_ins.name}")  # noqa: S608 - our own table
        connection.commit()


def _check_copy(copy: Path, store: Store) -> dict[str, int]:
    """The rows of each table; StoreError unless the copy is whole, its indexes too, and could be restored."""
    with translate_errors(store.engine), reading_values(store.engine), closing(sqlite3.connect(copy)) as connection:
        finding = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if finding != "ok":
            raise build_damage_error(store.engine, str(finding).splitlines()[-1])
        if fault := find_schema_fault(connection, HEAD):
            raise StoreError(
                "A backup holds a store as Hexbeat makes it", f"this store {fault}", "change it back, and try again"
            )
        return _count_rows(connection)


def _count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    known = sorted(set(metadata.tables) & set(names))
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in known}  # noqa: S608 - our own tables


def read_backup(path: Path) -> Backup:
    """What a backup says that it holds; DataError if it is none."""
    with _explain_reading(path), tarfile.open(path, "r:gz") as packed:
        member = packed.next()
        file = packed.extractfile(member) if member is not None and member.name == _FACTS else None
        content = file.read(_MOST_FACTS + 1) if file is not None else b""
        facts = json.loads(content) if 0 < len(content) <= _MOST_FACTS else {}
        if not isinstance(facts, dict) or facts.pop("format", None) != FORMAT or not _is_list(facts.get("files")):
            raise DataError(_RULE, f"{path.name} is another kind of file", "choose a file that hexbeat backup wrote")
        datetime.fromisoformat(facts["made"])  # it goes into the audit trail
        return Backup(**facts)


def _is_list(files: Any) -> bool:
    """Whether this is a list of files with their hashes."""
    return isinstance(files, dict) and all(isinstance(text, str) for text in files.values())


@contextmanager
def _explain_reading(path: Path) -> Iterator[None]:
    """DataError for what cannot be read or written while a backup is read."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, ValueError, TypeError, KeyError, RecursionError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it breaks off or is damaged"
        hint = "nothing was changed; choose another backup, or make room"
        raise DataError(_RULE, f"{path.name} cannot be used ({reason})", hint) from error


def restore_backup(path: Path, home: Path, *, replace: bool = False) -> tuple[Backup, Path | None]:
    """Make the home again from a backup, whole or not at all; with `replace` what was there stays beside it.

    Returns what the backup holds, and the folder to which the former home moved. The store's version rises above all
    that came before, so that nothing keeps older numbers in memory. UsageError if the home is not empty and `replace`
    is not given; StoreError if another program has the store open; DataError if the backup is damaged, or not as
    Hexbeat makes one. Nobody is signed in to a home that comes back.
    """
    target = Path(os.path.realpath(home))
    is_there = target.exists() and any(target.iterdir())
    if is_there and not replace:
        raise UsageError(
            "A backup is restored into an empty home", f"{home} is not empty", "choose another home, or use --replace"
        )
    _require_unused(target / FILE_NAME)
    backup = read_backup(path)
    now = datetime.now(UTC)
    draft = target.with_name(f".{target.name}-restore-{os.getpid()}")
    with _explain_reading(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_drafts(target.parent, rf"\.{re.escape(target.name)}-restore-[0-9]+")
        draft.mkdir(mode=0o700)
    with hold_draft(draft):
        with _explain_reading(path):
            _unpack(path, draft, backup)
        if backup.has_store:
            backup = _prepare_store(draft / FILE_NAME, backup, path, version=int(now.timestamp()))
        former = target.with_name(f"{target.name}-before-{now:%Y%m%dT%H%M%SZ}") if is_there else None
        _require_unused(target / FILE_NAME)  # again: unpacking takes a while
        with _explain_reading(path):
            _move_into_place(draft, target, former)
    return backup, former


def _unpack(path: Path, draft: Path, backup: Backup) -> None:
    """The files of a backup; DataError if one is missing, unexpected, or not what it was."""
    left = dict(backup.files)
    with tarfile.open(path, "r:gz") as packed:
        for member in packed:
            if member.name == _FACTS:
                continue
            expected = left.pop(member.name, None)
            file = packed.extractfile(member) if member.isreg() else None
            if expected is None or file is None or not _is_inside(draft, member.name):
                raise DataError(_RULE, f"{path.name} holds what its list does not name", "choose another backup")
            copy = draft / member.name
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _copy_hashed(file, copy) != expected:
                raise DataError(_RULE, f"{member.name} in {path.name} is not what it was", "choose another backup")
    if left:
        raise DataError(_RULE, f"{path.name} lacks {next(iter(left))}", "choose another backup")
    for folder in [draft, *(entry for entry in draft.rglob("*") if entry.is_dir())]:
        sync_folder(folder)


def _is_inside(folder: Path, name: str) -> bool:
    return (folder / name).resolve().is_relative_to(folder.resolve())


def _copy_hashed(file: Any, copy: Path) -> str:
    digest = hashlib.sha256()
    with open(copy, "xb", opener=_open_private) as out:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _require_unused(file: Path) -> None:
    """StoreError if a program has the SQLite file open, as far as its locks show; a damaged file is nobody's."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE").close()
            connection.execute("PRAGMA schema_version").close()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreError(
                "A home is replaced while nobody uses it",
                f"another program has {file} open",
                "stop Hexbeat, wait until its commands have ended, and try again",
            ) from error


def _prepare_store(file: Path, backup: Backup, path: Path, *, version: int) -> Backup:
    """Raise the version and end the sign-ins; what the backup holds then.

    DataError unless the file has the schema that Hexbeat makes, is whole, and holds the rows that the backup names.
    """
    end = time.monotonic() + _LEAST_S + file.stat().st_size / _BYTES_A_SECOND
    with _explain_reading(path), closing(sqlite3.connect(file)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        try:
            connection.execute("PRAGMA trusted_schema=OFF")
            if fault := find_schema_fault(connection, backup.schema):
                raise DataError(_RULE, f"the store in {path.name} {fault}", "choose another backup")
            is_whole = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            is_whole = is_whole and _count_rows(connection) == backup.rows
            rows = _change_store(connection, version) if is_whole else {}
        except sqlite3.Error as error:
            fault = "takes too long to check" if time.monotonic() > end else "is damaged"
            raise DataError(_RULE, f"the store in {path.name} {fault}", "choose another backup") from error
    ended = {name: 0 for name in backup.rows if name == sign_ins.name}
    if not is_whole or rows != backup.rows | ended:
        raise DataError(_RULE, f"the store in {path.name} is damaged", "choose another backup")
    return change(backup, rows=rows)


def _change_store(connection: sqlite3.Connection, version: int) -> dict[str, int]:
    """Raise the version and end the sign-ins; the rows of each table then."""
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute(
        "UPDATE store_state SET version = max(version + 1, ?1), rewritten = max(version + 1, ?1), work = work + ?1",
        (version,),
    )
    if sign_ins.name in _count_rows(connection):  # an older schema has none
        connection.execute(f"DELETE FROM {sign_ins.name}")  # noqa: S608 - our own table
    connection.commit()
    return _count_rows(connection)


def _move_into_place(draft: Path, target: Path, former: Path | None) -> None:
    """The draft becomes the home; the former home gets its new name first, and its old one back if that fails."""
    if former is not None:
        target.rename(former)
    elif target.exists():
        target.rmdir()
    try:
        draft.rename(target)
    except OSError:
        if former is not None:
            former.rename(target)
        raise
    sync_folder(target.parent)
