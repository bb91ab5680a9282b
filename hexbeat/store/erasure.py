"""Erasure: permanent removal of one event on request, or of all events that are too old.

In SQLite the rows are deleted, the file is rebuilt without them (VACUUM), and the write-ahead log is emptied. In
PostgreSQL the rows are deleted and the tables are rewritten (VACUUM FULL), which only their owner may do. Then the
store's files have no byte of them. Another program that uses the store, or a full disk, can delay the rebuilding.
Hexbeat then says so, and finishes when the store is next opened or something else is erased. The store can be used
meanwhile.

Limits: PostgreSQL's own write-ahead log (pg_wal) has old rows until the server recycles it, usually within some
checkpoints. Archived logs, replicas and backups have them for as long as the server's administrator keeps these.
Neither database can overwrite blocks that the file system or the disk has already freed.
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
from geo.errors import StoreError
from hexbeat.store.audit_trail import require_years, write_with_change
from hexbeat.store.database_errors import check_file
from hexbeat.store.databases import read_transaction, require_likely_clock, write_transaction
from hexbeat.store.schema import alert_answers, batch_files, batches, coverage, events, rejects, store_state, visits
from layers.access import Action, Viewer, require
from layers.timestamps import to_seconds

__all__ = ["LEDGER", "PATIENCE_S", "Erasure", "describe_pending", "erase", "erase_source", "finish", "retain"]

PATIENCE_S: Final = 10.0  # how long an erasure waits for readers of an old state
LEDGER: Final = "ledger"  # the source name that means visits; a visit's identifier is its visit_id
_DAY_S: Final = 86_400
_STATE: Final = sa.select(store_state.c.erasure_pending, store_state.c.rewritten)
_PENDING_TEXT: Final = (
    "Traces may remain in the store's files: another program uses the store, its disk is full, or you may not rewrite "
    "it. Hexbeat tries again each time it opens the store."
)
_REPEAT: Final = re.compile(r"#(?:[2-9]|[1-9]\d+)$")  # as hexbeat.ingest.parsing.keys numbers them


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many events, rows (versions), rejects and visits were removed; `complete` if the files keep no traces."""

    events: int
    rows: int
    rejects: int
    complete: bool
    visits: int = 0

    @property
    def removed_any(self) -> bool:
        """Whether anything was removed; False if nothing has that name, perhaps because it is misspelt."""
        return bool(self.rows or self.rejects or self.visits)

    @property
    def notice(self) -> str | None:
        """What is still to do, as sentences; None if the erasure is complete."""
        return None if self.complete else f"The rows are gone. {_PENDING_TEXT}"


def erase(engine: Engine, viewer: Viewer, source: str, source_id: str) -> Erasure:
    """Remove all versions of one event, and the rejects of that source whose row has the same natural key.

    With the source "ledger": remove a visit, by its visit_id.

    Rejected rows have no number of a repeat. So KEY#2 removes only the event KEY#2, but all rejects of KEY, because any
    of them may describe it. A reject without a known key (stored by an older Hexbeat) is removed if a value of its row
    is the key, or if its values include every part of a key of several columns. If the key is a hash, such a reject
    cannot be found; `erase_source` and `retain` remove it.
    """
    require(viewer, Action.ERASE)
    check_file(engine, indexes=True)
    with write_transaction(engine, rewritten=True) as connection:
        condition = sa.and_(events.c.source == source, events.c.source_id == source_id)
        rows = connection.execute(sa.delete(events).where(condition)).rowcount
        removed_rejects = _drop_rejects(connection, source, source_id)
        removed_visits = _drop_visits(connection, visits.c.visit_id == source_id) if source == LEDGER else 0
        if rows or removed_rejects or removed_visits:
            _mark_pending(connection)
        write_with_change(connection, rows=rows + removed_rejects + removed_visits)
    return Erasure(min(rows, 1), rows, removed_rejects, finish(engine, patience_s=PATIENCE_S), removed_visits)


def erase_source(engine: Engine, viewer: Viewer, source: str) -> Erasure:
    """Remove all versions of every event of a source, and its rejects. Its loads can no longer be undone.

    With the source "ledger": remove every visit.
    """
    require(viewer, Action.ERASE)
    check_file(engine, indexes=True)
    with write_transaction(engine, rewritten=True) as connection:
        condition = events.c.source == source
        removed_events = connection.execute(
            sa.select(sa.func.count(sa.distinct(events.c.event_id))).where(condition)
        ).scalar_one()
        rows = connection.execute(sa.delete(events).where(condition)).rowcount
        removed_rejects = connection.execute(sa.delete(rejects).where(rejects.c.source == source)).rowcount
        connection.execute(sa.delete(coverage).where(coverage.c.source == source))
        other_loads = sa.select(batch_files.c.batch_id).where(batch_files.c.source != source)
        source_loads = sa.select(batch_files.c.batch_id).where(batch_files.c.source == source)
        is_emptied = sa.and_(batches.c.batch_id.in_(source_loads), batches.c.batch_id.not_in(other_loads))
        connection.execute(
            sa.update(batches).values(undone_at=to_seconds(None)).where(is_emptied, batches.c.undone_at.is_(None))
        )
        removed_visits = _drop_visits(connection, sa.true()) if source == LEDGER else 0
        if rows or removed_rejects or removed_visits:
            _mark_pending(connection)
        write_with_change(connection, rows=rows + removed_rejects + removed_visits)
    return Erasure(removed_events, rows, removed_rejects, finish(engine, patience_s=PATIENCE_S), removed_visits)


def retain(
    engine: Engine, viewer: Viewer, years: int, *, now: datetime | None = None, is_clock_sure: bool = False
) -> Erasure:
    """Remove events that ended more than `years` calendar years ago, with all versions, and rejects loaded before then.

    The newest version of an event decides when it ended, whether that version is live or superseded. A visit is removed
    if all its versions began before then, an answer to an alert if the alert ended before then. UsageError unless
    it is 1 to MOST_YEARS; ClockError unless the clock is likely, or `is_clock_sure`.
    """
    require(viewer, Action.RETAIN)
    require_years(years, "Events")
    check_file(engine, indexes=True)
    now = now or datetime.now(UTC)
    limit = to_seconds(add_months(now, -12 * years))
    with write_transaction(engine, rewritten=True) as connection:
        if not is_clock_sure:
            require_likely_clock(connection, now)
        newer = events.alias("newer")
        superseded = sa.exists().where(newer.c.event_id == events.c.event_id, newer.c.row_id > events.c.row_id)
        ended = sa.select(events.c.event_id).where(events.c.occurred_to < limit, sa.not_(superseded))
        removed_events = connection.execute(sa.select(sa.func.count()).select_from(ended.subquery())).scalar_one()
        rows = connection.execute(sa.delete(events).where(events.c.event_id.in_(ended))).rowcount
        _cut_coverage(connection, first_day=limit // _DAY_S + 1)
        old_loads = sa.select(batches.c.batch_id).where(batches.c.created < limit)
        removed_rejects = connection.execute(sa.delete(rejects).where(rejects.c.batch_id.in_(old_loads))).rowcount
        later = sa.select(visits.c.visit_id).where(visits.c.started_at >= limit)
        removed_visits = _drop_visits(connection, visits.c.visit_id.not_in(later))
        is_old = alert_answers.c.last_day < limit // _DAY_S
        removed_answers = connection.execute(sa.delete(alert_answers).where(is_old)).rowcount
        if rows or removed_rejects or removed_visits or removed_answers:
            _mark_pending(connection)
        write_with_change(connection, rows=rows + removed_rejects + removed_visits + removed_answers)
    return Erasure(removed_events, rows, removed_rejects, finish(engine, patience_s=PATIENCE_S), removed_visits)


def _cut_coverage(connection: Connection, *, first_day: int) -> None:
    """Days before the first (since 1970) are no longer known: their events were removed."""
    connection.execute(sa.delete(coverage).where(coverage.c.end_day <= first_day))
    connection.execute(sa.update(coverage).where(coverage.c.first_day < first_day).values(first_day=first_day))


def _drop_visits(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    """Delete all versions of visits, and return how many visits there were."""
    removed_visits = connection.execute(
        sa.select(sa.func.count(sa.distinct(visits.c.visit_id))).where(condition)
    ).scalar_one()
    if removed_visits:
        connection.execute(sa.delete(visits).where(condition))
        connection.execute(sa.update(store_state).values(work=store_state.c.work + 1))
    return int(removed_visits)


def _drop_rejects(connection: Connection, source: str, source_id: str) -> int:
    """Delete the rejects of that key, and return how many there were."""
    base = _REPEAT.sub("", source_id)
    condition = rejects.c.source == source
    removed_rejects = connection.execute(
        sa.delete(rejects).where(condition, rejects.c.source_id.in_({source_id, base}))
    ).rowcount
    unknown = sa.select(rejects.c.reject_id, rejects.c.raw).where(condition, rejects.c.source_id.is_(None))
    reject_ids = [
        number for number, raw in connection.execute(unknown) if _match_key(_parse_values(raw), source_id, base)
    ]
    for number in reject_ids:
        connection.execute(sa.delete(rejects).where(rejects.c.reject_id == number))
    return removed_rejects + len(reject_ids)


def _match_key(values: set[str], source_id: str, base: str) -> bool:
    """Whether one of the values is the key, or the values include every part of it that is not blank."""
    parts = {part for part in base.split("|") if part}
    return not values.isdisjoint({source_id, base}) or (bool(parts) and parts <= values)


def _parse_values(raw: str) -> set[str]:
    """The values of a raw row, without blanks around them."""
    try:
        row = json.loads(raw)
    except ValueError:
        return {raw}
    return {str(value).strip() for value in row.values()} if isinstance(row, dict) else {str(row)}


def _mark_pending(connection: Connection) -> None:
    connection.execute(sa.update(store_state).values(erasure_pending=sa.true()))


def describe_pending(engine: Engine) -> str | None:
    """Sentences that say that an erasure is not complete; None if all are complete."""
    return None if _find_pending(engine) is None else f"An earlier erasure is not finished. {_PENDING_TEXT}"


def _find_pending(engine: Engine) -> int | None:
    """The version that last removed rows, if the files still have to be rebuilt; None if not."""
    with read_transaction(engine) as connection:
        state = connection.execute(_STATE).one()
        return int(state.rewritten) if state.erasure_pending else None  # here, where damage is explained


def finish(engine: Engine, *, patience_s: float) -> bool:
    """Rebuild the files without the erased rows, if that is still to do; False if it cannot be done now.

    It cannot be done while another program writes or reads an old state, without room on the disk, or by a user who may
    not rewrite the tables. The store then stays marked, as it does if a program is killed between deleting and
    rebuilding, and Hexbeat tries again when it next opens the store.
    """
    pending = _find_pending(engine)
    if pending is None:
        return True
    sweep = _sweep_sqlite if engine.dialect.name == "sqlite" else _sweep_postgres
    try:
        if not sweep(engine, time.monotonic() + patience_s):
            return False
        with write_transaction(engine, rewritten=False) as connection:
            # If another program has erased since then, the mark stays, because this sweep may have been too early.
            update = sa.update(store_state).where(store_state.c.rewritten == pending)
            connection.execute(update.values(erasure_pending=sa.false()))
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
        finally:  # empty a log that has filled the disk, so that others have room
            raw.execute("PRAGMA busy_timeout=100")
            is_emptied = _empty_log(raw, deadline)
        return is_emptied


def _empty_log(raw: DBAPICursor, deadline: float) -> bool:
    """Move the write-ahead log into the file; False if readers of an old state prevented it until the deadline."""
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
        connection.connection.rollback()  # the pool's test of the connection has begun a transaction
        connection.execution_options(isolation_level="AUTOCOMMIT")
        # VACUUM FULL keeps rows that a transaction older than the deletion can still see.
        older = set(connection.execute(_SNAPSHOTS).all())
        while older & set(connection.execute(_SNAPSHOTS).all()):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        wait_ms = max(100, int(1000 * (deadline - time.monotonic())))
        connection.execute(sa.text(f"SET lock_timeout = {wait_ms}"))
        try:
            before = _read_file_numbers(connection)
            for table in _TABLES:
                connection.execute(sa.text(f"VACUUM FULL {table.name}"))
            # If the user does not own a table, VACUUM only warns and leaves it as it is.
            is_rewritten = before.isdisjoint(_read_file_numbers(connection))
        finally:
            connection.execute(sa.text("RESET lock_timeout"))
        _checkpoint(connection)
    return is_rewritten


def _read_file_numbers(connection: Connection) -> set[int]:
    """The numbers of the files that hold the tables now; a rewritten table gets a new number."""
    numbers = (sa.func.pg_relation_filenode(sa.cast(table.name, REGCLASS)) for table in _TABLES)
    return set(connection.execute(sa.select(*numbers)).one())


def _checkpoint(connection: Connection) -> None:
    """Ask the server to delete the old files now; if this user may not, it deletes them within minutes."""
    try:
        connection.execute(sa.text("CHECKPOINT"))
    except DBAPIError:
        return
