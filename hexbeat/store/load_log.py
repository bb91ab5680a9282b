"""Lists the committed loads, and undoes the last of them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from geo.errors import StoreError
from geo.lazy_modules import import_lazily
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.database_errors import check_file
from hexbeat.store.databases import read_transaction, write_transaction
from hexbeat.store.schema import batch_files, batches, coverage, events, rejects
from layers.access import Action, Viewer, require
from layers.timestamps import from_seconds, to_seconds

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = ["CommittedLoad", "last_load", "latest_loads", "list_loads", "list_rejects", "undo_last"]


@dataclass(frozen=True, slots=True)
class CommittedLoad:
    """One committed load: when (UTC), for which area, which files, and its counts.

    A file is a dict of file (its name), source, sha256, snapshot, and the counts of `hexbeat.store.loads.FileTally`.
    """

    batch_id: int
    created: datetime
    area: str
    files: tuple[dict[str, Any], ...]
    new: int
    updated: int
    unchanged: int
    removed: int
    rejected: int
    undone_at: datetime | None


def list_loads(engine: Engine, viewer: Viewer) -> list[CommittedLoad]:
    """All loads, the newest first, undone ones too, with the names of their files."""
    require(viewer, Action.SEE_REJECTS)
    with read_transaction(engine) as connection:
        return _read_loads(connection, sa.true())


def last_load(engine: Engine, viewer: Viewer) -> CommittedLoad | None:
    """The load that `undo_last` would undo; None if there is none."""
    require(viewer, Action.UNDO)
    with read_transaction(engine) as connection:
        return _find_last(connection)


def undo_last(engine: Engine, viewer: Viewer, *, batch_id: int | None = None) -> CommittedLoad:
    """Undo the latest load that is not undone: remove its rows and rejects, and reopen the rows that it closed.

    `batch_id` is the load that a person has seen and confirmed. StoreError if another load has become the latest, or if
    there is nothing to undo; nothing is changed then. Returns the load. The answer to "what was known on that day" no
    longer includes an undone load.
    """
    require(viewer, Action.UNDO)
    with write_transaction(engine, rewritten=True) as connection:
        batch = _find_last(connection)
        if batch is None:
            raise StoreError("A load can be undone only once", "there is no load left to undo", "nothing was changed")
        number = batch.batch_id
        if batch_id not in {None, number}:
            raise StoreError(
                "Only the last load can be undone",
                f"load {number} is the last one now, not load {batch_id}",
                "nothing was changed; look at the last load, and confirm again",
            )
        connection.execute(sa.delete(events).where(events.c.batch_id == number))
        connection.execute(
            sa.update(events)
            .values(superseded_at=None, superseded_batch=None)
            .where(events.c.superseded_batch == number)
        )
        connection.execute(sa.delete(rejects).where(rejects.c.batch_id == number))
        connection.execute(sa.delete(coverage).where(coverage.c.batch_id == number))
        connection.execute(sa.update(batches).values(undone_at=to_seconds(None)).where(batches.c.batch_id == number))
        write_with_change(connection, rows=batch.new + batch.updated + batch.removed)
    return batch


def list_rejects(engine: Engine, viewer: Viewer, batch: int | None = None) -> "pd.DataFrame":
    """The rejects of one load; with None, those of the latest load of each file that is not undone.

    Columns batch_id int64, file str, source str, line int64, reason str, raw str (JSON), source_id (str, by which
    `erase` finds the reject; None if not known), by load, file and line. `raw` and `source_id` come from the file: show
    them as text, never as markup.
    """
    require(viewer, Action.SEE_REJECTS)
    names = ("batch_id", "file", "source", "line", "reason", "raw", "source_id")
    query = sa.select(*(rejects.c[name] for name in names))
    query = query.where(_is_current() if batch is None else rejects.c.batch_id == batch)
    query = query.order_by(rejects.c.batch_id, rejects.c.file_no, rejects.c.line, rejects.c.reject_id)
    check_file(engine, indexes=True)
    with read_transaction(engine) as connection:
        rows = connection.execute(query).all()
    frame = pd.DataFrame.from_records(rows, columns=list(names)).astype({"batch_id": "int64", "line": "int64"})
    return frame.assign(source_id=pd.Series([row.source_id for row in rows], dtype="object"))


def latest_loads() -> sa.Subquery:
    """Columns source, file, latest: the latest load of each file that is not undone."""
    return (
        sa.select(batch_files.c.source, batch_files.c.file, sa.func.max(batch_files.c.batch_id).label("latest"))
        .join(batches, batches.c.batch_id == batch_files.c.batch_id)
        .where(batches.c.undone_at.is_(None))
        .group_by(batch_files.c.source, batch_files.c.file)
        .subquery()
    )


def _is_current() -> sa.ColumnElement[bool]:
    """Rejects of the latest load of their file: a file that is sent again replaces its old rejects."""
    latest = latest_loads()
    return sa.exists().where(
        latest.c.source == rejects.c.source,
        latest.c.file == rejects.c.file,
        latest.c.latest == rejects.c.batch_id,
    )


def _find_last(connection: Connection) -> CommittedLoad | None:
    newest = sa.select(sa.func.max(batches.c.batch_id)).where(batches.c.undone_at.is_(None)).scalar_subquery()
    loads = _read_loads(connection, batches.c.batch_id == newest)
    return loads[0] if loads else None


def _read_loads(connection: Connection, condition: sa.ColumnElement[bool]) -> list[CommittedLoad]:
    files: dict[int, list[dict[str, Any]]] = {}
    query = sa.select(batch_files).join(batches, batches.c.batch_id == batch_files.c.batch_id).where(condition)
    for row in connection.execute(query.order_by(batch_files.c.file_no)).mappings():
        files.setdefault(row["batch_id"], []).append(
            {
                "file": row["file"],
                "source": row["source"],
                "sha256": row["sha256"],
                "snapshot": bool(row["snapshot"]),
                **json.loads(row["tally"]),
            }
        )
    rows = connection.execute(sa.select(batches).where(condition).order_by(batches.c.batch_id.desc())).mappings()
    return [_build_load(dict(row), files.get(row["batch_id"], [])) for row in rows]


def _build_load(row: dict[str, Any], files: list[dict[str, Any]]) -> CommittedLoad:
    undone_at = row["undone_at"]
    timestamps = {
        "created": from_seconds(row["created"]),
        "undone_at": None if undone_at is None else from_seconds(undone_at),
    }
    return CommittedLoad(**(row | timestamps | {"files": tuple(files)}))
