"""The audit trail in the store: entries are added, read, checked, and removed by its own retention rule alone.

A deed is written before its answer leaves. If the store cannot be written, the answer is refused, but for two actions
(`MAY_GO_UNWRITTEN`). If another program holds the store for longer than BUSY_S, nobody waits: the entry is put into a
file in the home folder, on the disk, and the next entry that finds the store free takes it into the chain first.

The home folder holds an anchor too: number and hash of the last entry that a program with this home wrote. If the store
later ends before it, or has another entry there, an older copy was restored. One that says so then precedes the next
entry.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, NoResultFound, OperationalError

from geo.calendar import add_months
from geo.errors import PolicyError, StoreError, UsageError
from hexbeat.store.audit_chain import (
    REMOVAL,
    RESTORE,
    Anchor,
    ChainCheck,
    Entry,
    Outcome,
    check_chain,
    format_removal,
    hash_entry,
)
from hexbeat.store.audit_deeds import CarriedDeed, Deed, build_entry, carry_deed, describe_error, find_carried_deed
from hexbeat.store.audit_home import keep_anchor, keep_waiting, read_anchor, read_waiting
from hexbeat.store.database_errors import is_busy, lacks_rights, lacks_room, translate_errors
from hexbeat.store.databases import WRITES, read_transaction, require_likely_clock
from hexbeat.store.schema import audit_entries, audit_head
from layers.access import Action, Viewer, require
from layers.timestamps import to_seconds

__all__ = [
    "BUSY_S",
    "MAY_GO_UNWRITTEN",
    "audit",
    "list_entries",
    "list_names",
    "require_years",
    "retain_entries",
    "verify_trail",
    "write_before_answer",
    "write_deed",
    "write_with_change",
]

RIGHTS_HINT: Final = "see docs/running.md, Who saw what: the rights that it needs, and `hexbeat audit verify`"
MOST_YEARS: Final = 100  # that entries and events may be kept
_HEAD: Final = sa.select(audit_head.c.number, audit_head.c.hash).with_for_update()
_ADD: Final = sa.insert(audit_entries)
_MOVE_HEAD: Final = sa.update(audit_head)
BUSY_S: Final = 0.3  # seconds that an entry waits for a program that writes
# A copy of the store that can only be read can still be checked, and what must be erased goes from a full disk too.
MAY_GO_UNWRITTEN: Final = frozenset({Action.SEE_AUDIT.value, Action.ERASE.value, Action.RETAIN.value})


@contextmanager
def audit(engine: Engine, home: Path, viewer: Viewer, deed: Deed) -> Iterator[Deed]:
    """Write how what is done inside ends: done, refused or failed.

    `write_deed` inside writes that it is done earlier, before an answer leaves; `write_with_change` does so in the
    transaction that changes the store. If it fails after that, another entry says so. StoreError if it is done and the
    entry cannot be written; an error of the block itself always passes.
    """
    try:
        with carry_deed(home, viewer, deed):
            yield deed
    except BaseException as error:
        outcome: Outcome = "refused" if isinstance(error, PolicyError) else "failed"
        reason = "; ".join(filter(None, (deed.reason, describe_error(error))))
        with suppress(StoreError):  # the person gets an error, and nothing else, in any case
            write_deed(engine, home, viewer, replace(deed, reason=reason, is_written=False), outcome=outcome)
        raise
    if deed.head is not None:
        keep_anchor(home, deed.head)
    write_deed(engine, home, viewer, deed)


def write_deed(engine: Engine, home: Path, viewer: Viewer, deed: Deed, *, outcome: Outcome = "done") -> None:
    """Add a deed to the trail, once. StoreError if that is not possible, unless the deed may go unwritten."""
    if deed.is_written:
        return
    entry = build_entry(viewer, deed, outcome)
    deed.is_written = True
    try:
        _append_or_wait(engine, home, entry)
    except StoreError as error:
        if deed.action in MAY_GO_UNWRITTEN:
            deed.problem = error.fact
            return
        raise StoreError(
            "Hexbeat gives no answer that its audit trail does not hold",
            f"the entry cannot be written ({error.fact})",
            RIGHTS_HINT if lacks_rights(error.__cause__) else error.hint,
        ) from error


def write_before_answer(engine: Engine) -> None:
    """Write what is being done (`audit`), because its answer leaves next; nothing where nothing is being done.

    StoreError if that is not possible, as for `write_deed`.
    """
    if (carried := find_carried_deed()) is not None:
        write_deed(engine, carried.home, carried.viewer, carried.deed)


def write_with_change(connection: Connection, *, rows: int | None = None) -> None:
    """Write what is being done (`audit`) in the transaction that changes the store, as its last step.

    So there is no change without its entry, whatever ends the program. `rows` are those that it changed.
    """
    if (carried := find_carried_deed()) is None or carried.deed.is_written:
        return
    if rows is not None:
        carried.deed.rows = rows
    if carried.deed.action not in MAY_GO_UNWRITTEN:
        _insert_carried(connection, carried)
        return
    try:
        with connection.begin_nested():
            _insert_carried(connection, carried)
    except (DBAPIError, NoResultFound) as error:
        if lacks_room(error) or (isinstance(error, OperationalError) and "no such table" not in str(error.orig)):
            raise  # a disk that is full, or another program: then the change is not made either
        carried.deed.is_written, carried.deed.problem = True, "the database refuses it"


def _insert_carried(connection: Connection, carried: CarriedDeed, head: Anchor | None = None) -> None:
    """Chain the entry of what is being done to the head, which is locked."""
    entry = build_entry(carried.viewer, carried.deed, "done")
    head = head or _lock_head(connection)
    restored = _note_restoration(connection, head, read_anchor(carried.home), entry)
    carried.deed.head = _insert(connection, head, [*restored, entry])
    carried.deed.is_written = True


def _append_or_wait(engine: Engine, home: Path, entry: Entry) -> None:
    """Add the entry to the chain, or put it on the disk of the home folder while the store is busy."""
    try:
        with translate_errors(engine), _pass_busy():
            _append(engine, home, entry)
    except _BusyError:
        keep_waiting(home, entry)
    except (DBAPIError, NoResultFound) as error:
        raise StoreError(
            "The audit trail has to be written",
            "the database refuses it",
            RIGHTS_HINT,
        ) from error


class _BusyError(Exception):
    """Another program writes for longer than an entry waits."""


@contextmanager
def _pass_busy() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if is_busy(error):
            raise _BusyError from error
        raise


def _append(engine: Engine, home: Path, entry: Entry) -> None:
    with _short_transaction(engine) as connection:
        waiting = read_waiting(home)
        head = _lock_head(connection)
        unknown = _find_unknown(connection, [waiting_entry for waiting_entry, _ in waiting])
        restored = _note_restoration(connection, head, read_anchor(home), entry)
        head = _insert(connection, head, [*restored, *unknown, entry])
    keep_anchor(home, head)
    for _, path in waiting:
        path.unlink(missing_ok=True)


@contextmanager
def _short_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes, and waits BUSY_S at most for another program; DBAPIError as the driver has it."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        raw: Any = connection.connection.driver_connection
        before = raw.execute("PRAGMA busy_timeout").fetchone()[0] if is_sqlite else 0
        if is_sqlite:
            raw.execute(f"PRAGMA busy_timeout={int(1000 * BUSY_S)}").close()
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(1000 * BUSY_S)}")
                yield connection
        finally:
            if is_sqlite:
                raw.execute(f"PRAGMA busy_timeout={before}").close()


def _lock_head(connection: Connection) -> Anchor:
    """The last entry. Nobody else can add one until the transaction ends."""
    row = connection.execute(_HEAD).one()
    return Anchor(int(row.number), str(row.hash))


def _insert(connection: Connection, head: Anchor, entries: Sequence[Entry]) -> Anchor:
    """Chain the entries to the head and move it; the new head."""
    for entry in entries:
        linked = replace(entry, number=head.number + 1, previous=head.hash)
        linked = replace(linked, hash=hash_entry(linked))
        connection.execute(_ADD, asdict(linked))
        head = Anchor(linked.number, linked.hash)
        connection.execute(_MOVE_HEAD, {"number": head.number, "hash": head.hash})
    return head


def _find_unknown(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that waited and are not in the chain: a program may be killed before it removes their files."""
    if not entries:
        return []
    query = sa.select(audit_entries.c.entry_id).where(
        audit_entries.c.entry_id.in_([entry.entry_id for entry in entries])
    )
    known = set(connection.execute(query).scalars())
    return [entry for entry in entries if entry.entry_id not in known]


def _note_restoration(connection: Connection, head: Anchor, anchor: Anchor | None, entry: Entry) -> list[Entry]:
    """An entry that says that the store is an older copy, or another one, than this home wrote to; usually none."""
    if anchor is None or anchor == head:
        return []
    query = sa.select(audit_entries.c.hash).where(audit_entries.c.number == anchor.number)
    base = connection.execute(sa.select(audit_head.c.base_number)).scalar_one()
    if anchor.number <= base or connection.execute(query).scalar_one_or_none() == anchor.hash:
        return []
    reason = f"this home wrote entry {anchor.number}, which the store no longer has: an older copy was restored"
    return [
        replace(
            entry,
            entry_id=uuid4().hex,
            action=RESTORE,
            what="audit trail",
            filter=f"noted={anchor}",
            form="",
            rows=None,
            outcome="done",
            reason=reason,
        )
    ]


def list_entries(
    engine: Engine,
    viewer: Viewer,
    *,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    subject: str | None = None,
    action: str | None = None,
    most: int | None = None,
) -> list[Entry]:
    """Entries of [start, end) (aware), the newest first; `subject` and `action` as they are written."""
    require(viewer, Action.SEE_AUDIT)
    query = sa.select(audit_entries).order_by(audit_entries.c.number.desc())
    if start is not None:
        query = query.where(audit_entries.c.at >= to_seconds(start))
    if end is not None:
        query = query.where(audit_entries.c.at < to_seconds(end))
    if subject is not None:
        query = query.where(audit_entries.c.subject == subject)
    if action is not None:
        query = query.where(audit_entries.c.action == action)
    with read_transaction(engine) as connection:
        return [Entry(**row) for row in connection.execute(query.limit(most)).mappings()]


def list_names(engine: Engine, viewer: Viewer) -> tuple[list[str], list[str]]:
    """The subjects and the actions of all entries, each once, in order."""
    require(viewer, Action.SEE_AUDIT)
    with read_transaction(engine) as connection:
        subjects, actions = (
            sorted(connection.execute(sa.select(column).distinct()).scalars())
            for column in (audit_entries.c.subject, audit_entries.c.action)
        )
    return subjects, actions


def verify_trail(engine: Engine, home: Path, viewer: Viewer, *, expected: Anchor | None = None) -> ChainCheck:
    """Check every hash of the trail, against the head, and against anchors: of this home and, if given, `expected`."""
    require(viewer, Action.SEE_AUDIT)
    own = read_anchor(home)  # before the transaction begins, so that it holds the entry
    query = sa.select(audit_entries).order_by(audit_entries.c.number)
    with read_transaction(engine) as connection:
        state = connection.execute(sa.select(audit_head)).one_or_none()
        if state is None:
            return ChainCheck(0, None, None, "its head is missing")
        anchors = {own: "in the home folder"} if own is not None and own.number > state.base_number else {}
        anchors |= {} if expected is None else {expected: "elsewhere"}
        rows = connection.execution_options(yield_per=2_000).execute(query).mappings()
        return check_chain(
            (Entry(**row) for row in rows),
            head=Anchor(int(state.number), state.hash),
            base=Anchor(int(state.base_number), state.base_hash),
            anchors=anchors,
        )


def require_years(years: int, what: str) -> None:
    """UsageError unless `what` may be kept for so many years: 1 to MOST_YEARS."""
    if years < 1:
        raise UsageError(f"{what} are kept for at least 1 year", f"you asked for {years} years", "choose 1 or more")
    if years > MOST_YEARS:
        fact = f"you asked for {years:,} years"
        raise UsageError(f"{what} are kept for at most {MOST_YEARS} years", fact, f"choose {MOST_YEARS} or fewer")


def retain_entries(
    engine: Engine,
    home: Path,
    viewer: Viewer,
    years: int,
    *,
    now: dt.datetime | None = None,
    is_clock_sure: bool = False,
) -> tuple[int, Anchor | None]:
    """Remove the entries before the first one of the last `years` calendar years: how many, and the last of them.

    One entry with that number and hash is added in the same transaction, and the head keeps both, so that the chain
    still verifies; so is the entry of what is being done (`audit`). UsageError unless `years` is 1 to
    MOST_YEARS; StoreError if the chain is broken, and ClockError unless the clock is likely or `is_clock_sure`: then
    nothing is removed.
    """
    require(viewer, Action.SEE_AUDIT)
    require(viewer, Action.RETAIN)
    require_years(years, "Audit entries")
    if (check := verify_trail(engine, home, viewer)).problem:
        raise StoreError(
            "Entries can be removed from an unbroken audit trail alone",
            f"this one is broken: {check.problem}",
            "see docs/running.md, Who saw what",
        )
    now = now or dt.datetime.now(dt.UTC)
    limit = to_seconds(add_months(now, -12 * years))
    with translate_errors(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            head = _lock_head(connection)
            base = _find_base(connection, head, limit)
            if base is None:
                return 0, None
            if not is_clock_sure:
                require_likely_clock(connection, now)
            entry = _build_removal(viewer, base, years)
            removed = connection.execute(
                sa.select(sa.func.count()).where(audit_entries.c.number <= base.number)
            ).scalar_one()
            head = _insert(connection, head, [replace(entry, rows=removed)])
            write_with_change(connection, rows=removed)
            connection.execute(sa.update(audit_head).values(base_number=base.number, base_hash=base.hash))
            connection.execute(sa.delete(audit_entries).where(audit_entries.c.number <= base.number))
    keep_anchor(home, head)
    return removed, base


def _find_base(connection: Connection, head: Anchor, limit: int) -> Anchor | None:
    """The last entry of those that are all older than the limit; None if there is none."""
    oldest = connection.execute(sa.select(sa.func.min(audit_entries.c.number)).where(audit_entries.c.at >= limit))
    last = (oldest.scalar_one() or head.number + 1) - 1
    query = sa.select(audit_entries.c.hash).where(audit_entries.c.number == last)
    digest = connection.execute(query).scalar_one_or_none()
    return None if digest is None else Anchor(last, digest)


def _build_removal(viewer: Viewer, base: Anchor, years: int) -> Entry:
    kept_for = "1 year" if years == 1 else f"{years} years"
    deed = Deed(door="store", action=Action.RETAIN, what=REMOVAL, form="", reason=f"kept: {kept_for}")
    return replace(build_entry(viewer, deed, "done"), filter=format_removal(base))
