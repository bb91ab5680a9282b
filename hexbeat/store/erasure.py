"""Removal for good: one event on request, or all that are too old. No byte of them stays in the store's files.

What that means. In SQLite the rows are deleted, the file is built anew without them (VACUUM), and the write-ahead log
is emptied into it. In PostgreSQL the tables are written anew (VACUUM FULL), which only their owner may do, and the old
files given back. Another program that uses the store, or a full disk, can delay what follows the deletion: that is then
said, and done when the store is next opened or anything else is erased. Until then the store serves. PostgreSQL's own
write-ahead log (pg_wal) still holds what was once written until the server recycles it, usually within some
checkpoints, and so do archived log, replicas and backups, for as long as they are kept: they are the server's keeper's
business. Neither database can reach blocks that the file system or the disk has set free.
"""

import json
import re
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from geo.calendar import add_months
from geo.errors import StoreError, UsageError
from hexbeat.store.databases import reading, writing
from hexbeat.store.schema import batch_files, batches, events, rejects, store_state, visits
from layers.access import Action, Viewer, require
from layers.timestamps import to_seconds

__all__ = ["LEDGER", "PATIENCE_S", "Erasure", "describe_pending", "erase", "erase_source", "finish", "retain"]

PATIENCE_S: Final = 10.0  # how long an erasure waits for readers of an old state
LEDGER: Final = "ledger"  # the source by which a visit is named; a visit's identifier is its visit_id
_TO_DO: Final = (
    "Traces may stay in the store's files, because another program uses the store, its disk is full, or this user may "
    "not rewrite it. Hexbeat tries again each time it opens the store."
)
_REPEAT: Final = re.compile(r"#(?:[2-9]|[1-9]\d+)$")  # as hexbeat.ingest.parsing.keys numbers them


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was removed: events, their rows (versions), rejects, visits; and whether the files are swept yet."""

    events: int
    rows: int
    rejects: int
    complete: bool
    visits: int = 0

    @property
    def found(self) -> bool:
        """Whether there was anything to remove; False means that nothing bore that name, a misspelt one perhaps."""
        return bool(self.rows or self.rejects or self.visits)

    @property
    def notice(self) -> str | None:
        """What is still to do, as a sentence; None if nothing is."""
        return None if self.complete else f"The rows are gone. {_TO_DO}"


def erase(engine: Engine, viewer: Viewer, source: str, source_id: str) -> Erasure:
    """Remove all versions of one event, and the rejects of that source whose row has the same natural key.

    With the source "ledger" it is a visit, by its visit_id.
    A rejected row never bears the number of a repeat: of KEY#2 the rejects of KEY go too, since any of them may tell of
    it, but of the events KEY#2 alone. A reject without a known key (of a store that an older Hexbeat filled) goes if
    whole values of its row are the key, or all parts of a key of several columns; one whose key was a digest cannot be
    told there, and goes with `erase_source` or `retain`.
    """
    require(viewer, Action.ERASE)
    with writing(engine, rewritten=True) as connection:
        mine = sa.and_(events.c.source == source, events.c.source_id == source_id)
        rows = connection.execute(sa.delete(events).where(mine)).rowcount
        dropped = _drop_rejects(connection, source, source_id)
        worked = _drop_visits(connection, visits.c.visit_id == source_id) if source == LEDGER else 0
        if rows or dropped or worked:
            _mark(connection)
    return Erasure(min(rows, 1), rows, dropped, finish(engine, patience_s=PATIENCE_S), worked)


def erase_source(engine: Engine, viewer: Viewer, source: str) -> Erasure:
    """Remove all versions of every event of a source, and its rejects. Its loads are no longer there to undo.

    With the source "ledger" every visit goes.
    """
    require(viewer, Action.ERASE)
    with writing(engine, rewritten=True) as connection:
        mine = events.c.source == source
        gone = connection.execute(sa.select(sa.func.count(sa.distinct(events.c.event_id))).where(mine)).scalar_one()
        rows = connection.execute(sa.delete(events).where(mine)).rowcount
        dropped = connection.execute(sa.delete(rejects).where(rejects.c.source == source)).rowcount
        of_others = sa.select(batch_files.c.batch_id).where(batch_files.c.source != source)
        of_source = sa.select(batch_files.c.batch_id).where(batch_files.c.source == source)
        emptied = sa.and_(batches.c.batch_id.in_(of_source), batches.c.batch_id.not_in(of_others))
        connection.execute(
            sa.update(batches).values(undone_at=to_seconds(None)).where(emptied, batches.c.undone_at.is_(None))
        )
        worked = _drop_visits(connection, sa.true()) if source == LEDGER else 0
        if rows or dropped or worked:
            _mark(connection)
    return Erasure(gone, rows, dropped, finish(engine, patience_s=PATIENCE_S), worked)


def retain(engine: Engine, viewer: Viewer, years: int, *, now: datetime | None = None) -> Erasure:
    """Remove events that ended more than `years` calendar years ago, with all versions, and rejects loaded before then.

    An event has ended when its newest version says so, be that live or superseded. A visit goes when all its versions
    began before then. UsageError unless years >= 1.
    """
    require(viewer, Action.RETAIN)
    if years < 1:
        raise UsageError("Events are kept for a whole number of years", f"{years} is not one", "choose 1 or more")
    limit = to_seconds(add_months(now or datetime.now(UTC), -12 * years))
    with writing(engine, rewritten=True) as connection:
        newer = events.alias("newer")
        superseded = sa.exists().where(newer.c.event_id == events.c.event_id, newer.c.row_id > events.c.row_id)
        ended = sa.select(events.c.event_id).where(events.c.occurred_to < limit, sa.not_(superseded))
        gone = connection.execute(sa.select(sa.func.count()).select_from(ended.subquery())).scalar_one()
        rows = connection.execute(sa.delete(events).where(events.c.event_id.in_(ended))).rowcount
        old = sa.select(batches.c.batch_id).where(batches.c.created < limit)
        dropped = connection.execute(sa.delete(rejects).where(rejects.c.batch_id.in_(old))).rowcount
        later = sa.select(visits.c.visit_id).where(visits.c.started_at >= limit)
        worked = _drop_visits(connection, visits.c.visit_id.not_in(later))
        if rows or dropped or worked:
            _mark(connection)
    return Erasure(gone, rows, dropped, finish(engine, patience_s=PATIENCE_S), worked)


def _drop_visits(connection: Connection, mine: sa.ColumnElement[bool]) -> int:
    """Delete all versions of visits, and return how many visits there were."""
    gone = connection.execute(sa.select(sa.func.count(sa.distinct(visits.c.visit_id))).where(mine)).scalar_one()
    if gone:
        connection.execute(sa.delete(visits).where(mine))
        connection.execute(sa.update(store_state).values(work=store_state.c.work + 1))
    return int(gone)


def _drop_rejects(connection: Connection, source: str, source_id: str) -> int:
    """Delete the rejects of that key, and return how many there were."""
    base = _REPEAT.sub("", source_id)
    mine = rejects.c.source == source
    dropped = connection.execute(sa.delete(rejects).where(mine, rejects.c.source_id.in_({source_id, base}))).rowcount
    unknown = sa.select(rejects.c.reject_id, rejects.c.raw).where(mine, rejects.c.source_id.is_(None))
    named = [number for number, raw in connection.execute(unknown) if _names(_values(raw), source_id, base)]
    for number in named:
        connection.execute(sa.delete(rejects).where(rejects.c.reject_id == number))
    return dropped + len(named)


def _names(values: set[str], source_id: str, base: str) -> bool:
    """Whether whole values are the key, or every part of it that is filled."""
    parts = {part for part in base.split("|") if part}
    return not values.isdisjoint({source_id, base}) or (bool(parts) and parts <= values)


def _values(raw: str) -> set[str]:
    """The values of a raw row, without blanks around them."""
    try:
        row = json.loads(raw)
    except ValueError:
        return {raw}
    return {str(value).strip() for value in row.values()} if isinstance(row, dict) else {str(row)}


def _mark(connection: Connection) -> None:
    connection.execute(sa.update(store_state).values(erasure_pending=sa.true()))


def describe_pending(engine: Engine) -> str | None:
    """That an erasure has not swept the files yet, as two sentences; None if all have."""
    return None if _find_pending(engine) is None else f"An earlier erasure is not finished. {_TO_DO}"


def _find_pending(engine: Engine) -> int | None:
    """The version that last took rows away, if its files are not swept yet; None if they are."""
    with reading(engine) as connection:
        state = connection.execute(sa.select(store_state.c.erasure_pending, store_state.c.rewritten)).one()
    return int(state.rewritten) if state.erasure_pending else None


def finish(engine: Engine, *, patience_s: float) -> bool:
    """Sweep the files if an erasure has not done so yet; False if that cannot be done now.

    It cannot while another program reads an old state or writes, without room on the disk, or by a user who may not
    rewrite the tables. The mark that an erasure left then stays, as it does when a program is killed between deleting
    and sweeping, and the next opening sweeps.
    """
    pending = _find_pending(engine)
    if pending is None:
        return True
    sweep = _sweep_sqlite if engine.dialect.name == "sqlite" else _sweep_postgres
    try:
        if not sweep(engine, time.monotonic() + patience_s):
            return False
        with writing(engine, rewritten=False) as connection:
            # What another program erased since then stays marked: this sweep may have come before it.
            swept = sa.update(store_state).where(store_state.c.rewritten == pending)
            connection.execute(swept.values(erasure_pending=sa.false()))
    except (DBAPIError, sqlite3.Error, StoreError):
        return False
    return True


def _sweep_sqlite(engine: Engine, deadline: float) -> bool:
    with engine.connect() as connection:
        connection.detach()
        raw = connection.connection.cursor()
        raw.execute(f"PRAGMA busy_timeout={max(100, int(1000 * (deadline - time.monotonic())))}")
        try:
            raw.execute("VACUUM")
        finally:  # a log that grew until the disk was full is emptied too, for whoever else needs the room
            raw.execute("PRAGMA busy_timeout=100")
            is_emptied = _empty_log(raw, deadline)
        return is_emptied


def _empty_log(raw: DBAPICursor, deadline: float) -> bool:
    """Move the write-ahead log into the file; False if readers of an old state did not let it end in time."""
    while True:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if raw.fetchone() == (0, 0, 0):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


_TABLES: Final = (events, rejects, visits)
_SNAPSHOTS: Final = sa.text(
    "SELECT pid, xact_start FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
)


def _sweep_postgres(engine: Engine, deadline: float) -> bool:
    with engine.connect() as connection:
        connection.connection.rollback()  # the pool's question whether the line is up has begun a transaction
        connection.execution_options(isolation_level="AUTOCOMMIT")
        # VACUUM FULL carries over whatever a transaction older than the deletion could still see.
        older = set(connection.execute(_SNAPSHOTS).all())
        while older & set(connection.execute(_SNAPSHOTS).all()):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        wait_ms = max(100, int(1000 * (deadline - time.monotonic())))
        connection.execute(sa.text(f"SET lock_timeout = {wait_ms}"))
        try:
            before = _file_numbers(connection)
            for table in _TABLES:
                connection.execute(sa.text(f"VACUUM FULL {table.name}"))
            # To a user who does not own a table VACUUM says no more than a warning, and leaves it.
            is_rewritten = before.isdisjoint(_file_numbers(connection))
        finally:
            connection.execute(sa.text("RESET lock_timeout"))
        _checkpoint(connection)
    return is_rewritten


def _file_numbers(connection: Connection) -> set[int]:
    """The numbers of the files that hold the tables now; a table that is written anew gets another."""
    numbers = (sa.func.pg_relation_filenode(sa.cast(table.name, REGCLASS)) for table in _TABLES)
    return set(connection.execute(sa.select(*numbers)).one())


def _checkpoint(connection: Connection) -> None:
    """Have the old files unlinked now; where this user may not ask for it, the server does so within minutes."""
    try:
        connection.execute(sa.text("CHECKPOINT"))
    except DBAPIError:
        return
