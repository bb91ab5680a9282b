"""Snapshots: the live events of a large store as columns in files beside it, which every process maps and shares.

Reading a million events from the database takes seconds and half a gigabyte, at every command and start. So the columns
are kept as they lie in memory (`hexbeat.store.snapshot_file`), in the folder `.columns` of the home, one file for each
set of wards. A snapshot is only a cache of what the database says. Of a store of FEWEST_EVENTS or more it is made after
a load of much of it (`prepared_files`) or when it is first read, made again from what changed when a later version is
read, and made anew when in doubt. It is believed if

- this account owns the file and its folder, and nobody else may read them;
- it was made by this schema and these codes of layers, precisions and reporters, from this database, for these wards;
- the audit trail and the loads that it names are those of this store, at this version or an earlier one, since which no
  row was removed or reopened: a store that was restored from a backup has another history, even with an equal version;
- each array equals its checksums when it is first used. Where not, the file is removed and the database is read.

Erasure, retention and undo empty the folder. A program that writes a snapshot meanwhile finds out before the file gets
its name, or is waited for. What another server or a killed program left is removed when the store is next opened.
A snapshot holds every layer whole, as the database does: only what `layers.restriction` leaves reaches a viewer.

In the same folder lies, under the same conditions, what the dashboard worked out ahead for a role (`write_results`).
"""

import hashlib
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from geo.errors import StoreError
from hexbeat.folders import sync_folder
from hexbeat.store.column_changes import LiveColumns, apply_changes, find_last, read_whole
from hexbeat.store.coverage_log import fetch_coverage
from hexbeat.store.database_errors import check_file
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.schema import HEAD, audit_entries, audit_head, batches, store_state
from hexbeat.store.snapshot_file import Damage, SnapshotFile, erase_file, open_file, write_file
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.event import LOCATION_PRECISIONS, PRECISIONS, REPORTERS, RESOLUTIONS

if sys.platform != "win32":
    import fcntl

__all__ = [
    "FEWEST_EVENTS",
    "FOLDER",
    "describe_columns",
    "empty_snapshots",
    "find_snapshot",
    "lock_snapshots",
    "open_believed",
    "read_live",
    "read_results",
    "remove_stale_snapshots",
    "write_results",
    "write_snapshot",
]

FEWEST_EVENTS: Final = 20_000  # smaller stores are read in a fifth of a second
FOLDER: Final = ".columns"
_MOST_FILES: Final = 8  # sets of wards; beyond, the one that was made first is removed
_RESULTS: Final = ".results"
_ROOM: Final = 2  # times the size of a snapshot that the disk must have free


def read_live(
    engine: Engine, home: Path, ward_codes: tuple[str, ...], *, known: LiveColumns | None = None
) -> LiveColumns:
    """The live events in these wards, without regard to who asks; `known` is what the caller has of an earlier version.

    From the snapshot where there is one to believe, else from the database; then a large store gets a snapshot.
    """
    with read_transaction(engine) as connection:
        version = read_version(connection)
        if known is not None and known.columns.version == version:
            return known
    if known is None:
        known = _open_snapshot(engine, home, ward_codes)
        if known is None:
            check_file(engine)
    with read_transaction(engine) as connection:
        version = read_version(connection)
        rewritten = connection.execute(sa.select(store_state.c.rewritten)).scalar_one()
        if known is not None and known.columns.version == version:
            return known
        is_stale = known is None or known.columns.version < rewritten
        if known is None or is_stale:
            live = read_whole(connection, version=version, ward_codes=ward_codes)
        else:
            live = apply_changes(connection, known, version=version)
        is_new = len(live.columns) >= FEWEST_EVENTS and not live.columns.is_deferred
        facts = describe_columns(connection, live) if is_new else None
    if is_stale:
        remove_stale_snapshots(engine, home)  # with PostgreSQL, another server may have erased
    if facts is None or not write_snapshot(engine, home, live, facts):
        return live
    return _open_snapshot(engine, home, ward_codes) or live


def _open_snapshot(engine: Engine, home: Path, ward_codes: tuple[str, ...]) -> LiveColumns | None:
    """The columns of the snapshot of these wards, if there is one to believe: of this version, or of an earlier one."""
    path = find_snapshot(home, ward_codes)
    try:
        _require_folder(path.parent)
        file = open_file(path)
        with read_transaction(engine) as connection:
            _require_same_history(connection, engine, file.facts, ward_codes)
            facts = file.facts
            coverage = fetch_coverage(connection, ward_codes=ward_codes)
        version = int(facts["version"])
        tables: dict[str, Any] = {
            "version": version,
            "categories": tuple(facts["categories"]),
            "ward_codes": ward_codes,
            "sources": tuple(facts["sources"]),
        }
        reporters = frozenset((layer, source, reporter) for layer, source, reporter in facts["reporters"])
        tables["coverage"] = replace(coverage, reporters=reporters)
        columns = Columns.defer(tables, _Reader(file, path, engine, version, ward_codes))
        return LiveColumns(columns, int(facts["last_row"]), int(facts["last_batch"]))
    except (Damage, OSError, LookupError, TypeError, ValueError):
        return None


class _Reader:
    """Reads the arrays of a snapshot; where one is damaged, the database is read in the place of the file."""

    def __init__(
        self, file: SnapshotFile, path: Path, engine: Engine, version: int, ward_codes: tuple[str, ...]
    ) -> None:
        self._file, self._path, self._engine = file, path, engine
        self._version, self._ward_codes = version, ward_codes
        self._whole: dict[str, NDArray[Any]] | None = None

    def __call__(self, name: str) -> NDArray[Any]:
        if self._whole is None:
            try:
                return self._file.read(name)
            except Damage:
                self._whole = self._read_database()
        return self._whole[name]

    def _read_database(self) -> dict[str, NDArray[Any]]:
        with suppress(OSError):
            self._path.unlink()
        check_file(self._engine)
        with read_transaction(self._engine) as connection:
            version = read_version(connection)
            whole = read_whole(connection, version=version, ward_codes=self._ward_codes)
        if version != self._version:
            raise StoreError(
                "The store's snapshot has to be whole",
                "it was damaged, and the store has changed meanwhile; Hexbeat has removed it",
                "ask again: the store itself is read then",
            )
        return whole.columns.list_arrays(derived=True)


def describe_columns(connection: Connection, live: LiveColumns) -> dict[str, Any]:
    """What a snapshot says of itself: what it was made of in this transaction, and the tables of its codes."""
    columns, coverage = live.columns, live.columns.coverage
    return {
        **_describe_store(connection, columns.ward_codes, columns.version, (live.last_row, live.last_batch)),
        "categories": list(columns.categories),
        "sources": list(columns.sources),
        "reporters": sorted(coverage.reporters) if coverage else [],
    }


def _describe_store(
    connection: Connection, ward_codes: tuple[str, ...], version: int, last: tuple[int, int]
) -> dict[str, Any]:
    """Of which store a file is, and of which part of its history; `last` is what `find_last` answers."""
    head = connection.execute(sa.select(audit_head.c.number, audit_head.c.hash)).one_or_none()
    return {
        "made_of": _describe_making(connection.engine),
        "version": version,
        "ward_codes": list(ward_codes),
        "anchor": list(head) if head else [0, ""],
        "last_row": last[0],
        "last_batch": last[1],
        "batches": _hash_batches(connection, last[1]),
    }


def _describe_making(engine: Engine) -> list[Any]:
    """What has to be equal for a snapshot to be of use: the database, the schema, and the codes of this Hexbeat."""
    layers = [[spec.name, spec.kind] for spec in LAYERS]
    names = [list(table) for table in (PRECISIONS, REPORTERS, LOCATION_PRECISIONS, RESOLUTIONS)]
    return [HEAD, layers, *names, _identify(engine)]


def _identify(engine: Engine) -> list[Any]:
    if engine.dialect.name == "sqlite":
        status = Path(str(engine.url.database)).stat()
        return ["sqlite", status.st_ino]
    return ["postgresql", engine.url.host, engine.url.port, engine.url.database]


def _hash_batches(connection: Connection, last_batch: int) -> str:
    """The SHA-256 of every load up to the last: when, how many rows, and whether it was undone."""
    query = sa.select(batches).where(batches.c.batch_id <= last_batch).order_by(batches.c.batch_id)
    rows = [list(row) for row in connection.execute(query)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _require_same_history(connection: Connection, engine: Engine, facts: Any, ward_codes: tuple[str, ...]) -> None:
    """Damage unless a snapshot was made of this store, and no row was removed or reopened since."""
    version, rewritten = connection.execute(sa.select(store_state.c.version, store_state.c.rewritten)).one()
    last = find_last(connection)
    last_then = (facts["last_row"], facts["last_batch"])
    is_last = last_then == last if facts["version"] == version else last_then[0] <= last[0] and last_then[1] <= last[1]
    number, digest = facts["anchor"]
    entry = sa.select(audit_entries.c.hash).where(audit_entries.c.number == number)
    is_same = (
        facts["made_of"] == _describe_making(engine)
        and tuple(facts["ward_codes"]) == ward_codes
        and rewritten <= facts["version"] <= version
        and is_last
        and (number == 0 or connection.execute(entry).scalar_one_or_none() == digest)
        and facts["batches"] == _hash_batches(connection, last_then[1])
    )
    if not is_same:
        raise Damage


def find_snapshot(home: Path, ward_codes: tuple[str, ...]) -> Path:
    """Where the snapshot of these wards lies, if there is one."""
    digest = hashlib.sha256(json.dumps(ward_codes).encode()).hexdigest()
    return home / FOLDER / f"{digest[:16]}.columns"


def _require_folder(folder: Path) -> None:
    """Damage unless the folder is a folder of this user alone."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Damage


def write_snapshot(engine: Engine, home: Path, live: LiveColumns, facts: dict[str, Any]) -> bool:
    """Write the snapshot; False where the disk, the folder or another program that writes one prevents it."""
    path = find_snapshot(home, live.columns.ward_codes)
    return _write(engine, path, facts, lambda: live.columns.list_arrays(derived=True))


def _write(
    engine: Engine, path: Path, facts: dict[str, Any], list_arrays: Callable[[], dict[str, NDArray[Any]]]
) -> bool:
    if sys.platform == "win32":  # no locks, and a file that is mapped could not be replaced
        return False
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _require_folder(path.parent)
        arrays = list_arrays()
        size = sum(array.nbytes for array in arrays.values())
        if shutil.disk_usage(path.parent).free < _ROOM * size:
            return False
        with lock_snapshots(path.parent, patience_s=0.0) as is_locked:
            if not is_locked:
                return False
            _remove_leftovers(path)
            draft = write_file(path, facts, arrays)
            try:
                _name_draft(engine, draft, path, facts["version"])
            finally:
                if draft.exists():
                    erase_file(draft)
    except (Damage, OSError):
        return False
    return True


def write_results(
    engine: Engine,
    home: Path,
    ward_codes: tuple[str, ...],
    name: str,
    results: tuple[dict[str, Any], dict[str, NDArray[Any]]],
    *,
    version: int,
) -> bool:
    """Keep what was worked out of the records of this version, under a name, as safely as a snapshot is kept.

    `results`: what goes into the header, and arrays. False if it was not kept: the store has changed, or it cannot be.
    """
    with read_transaction(engine) as connection:
        if read_version(connection) != version:
            return False
        facts = _describe_store(connection, ward_codes, version, find_last(connection))
    return _write(engine, _find_results(home, name), {**facts, "results": results[0]}, lambda: results[1])


def read_results(engine: Engine, home: Path, ward_codes: tuple[str, ...], name: str) -> SnapshotFile | None:
    """What was kept under a name, if it is to be believed: of this store, and since then no row was removed."""
    with read_transaction(engine) as connection:
        file = open_believed(connection, _find_results(home, name))
    return file if file is not None and tuple(file.facts["ward_codes"]) == ward_codes else None


def open_believed(connection: Connection, path: Path) -> SnapshotFile | None:
    """A snapshot or what was kept under a name, of whatever wards, if it is to be believed. It has every layer."""
    try:
        _require_folder(path.parent)
        file = open_file(path)
        _require_same_history(connection, connection.engine, file.facts, tuple(file.facts["ward_codes"]))
    except (Damage, OSError, LookupError, TypeError, ValueError):
        return None
    return file


def _find_results(home: Path, name: str) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return home / FOLDER / f"{digest[:16]}{_RESULTS}"


def _name_draft(engine: Engine, draft: Path, path: Path, version: int) -> None:
    """Give a draft its name; Damage if rows were removed since it was read."""
    with read_transaction(engine) as connection:
        if connection.execute(sa.select(store_state.c.rewritten)).scalar_one() > version:
            raise Damage
    os.replace(draft, path)  # noqa: PTH105 - atomic within a folder, which its name says
    sync_folder(path.parent)


def _remove_leftovers(path: Path) -> None:
    """Remove drafts of killed programs, and the oldest files beyond those that are kept. The caller has the lock."""
    others = [file for file in path.parent.iterdir() if file != path]
    drafts = [file for file in others if file.name.startswith(".")]
    named = sorted(
        (file for file in others if file not in drafts and file.suffix == path.suffix),
        key=lambda file: file.lstat().st_mtime,
    )
    for file in (*drafts, *named[: max(0, len(named) - _MOST_FILES + 1)]):
        erase_file(file)


@contextmanager
def lock_snapshots(folder: Path, *, patience_s: float) -> Iterator[bool]:
    """Whether this program alone writes or removes snapshots in the folder; it waits so long for another."""
    if sys.platform == "win32":
        yield True
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield _take_lock(number, time.monotonic() + patience_s)
    finally:
        os.close(number)


def _take_lock(number: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def empty_snapshots(home: Path, *, patience_s: float) -> bool:
    """Overwrite and remove every snapshot of a home; False if one may be left, because somebody writes it for long."""
    folder = home / FOLDER
    try:
        with lock_snapshots(folder, patience_s=patience_s) as is_locked:
            for file in folder.iterdir():
                erase_file(file)
            return is_locked
    except FileNotFoundError:
        return True
    except OSError:
        return False


def remove_stale_snapshots(engine: Engine, home: Path) -> None:
    """Remove what must not lie there any more: snapshots of before an erasure, or of another store, and drafts."""
    folder = home / FOLDER
    with suppress(OSError), lock_snapshots(folder, patience_s=0.0) as is_locked:
        for file in list(folder.iterdir()) if is_locked else []:
            if not _is_usable(engine, home, file):
                erase_file(file)


def _is_usable(engine: Engine, home: Path, path: Path) -> bool:
    with read_transaction(engine) as connection:
        file = open_believed(connection, path)
    return file is not None and (
        path.suffix == _RESULTS or path == find_snapshot(home, tuple(file.facts["ward_codes"]))
    )
