"""Recognises events that an older Hexbeat stored under another key, so that a file loaded again changes nothing.

A row without an identifier is named by its content. Once that was every column that is read, its status and note among
them. Now it is what does not change (`ColumnRoles.identity_columns`). Events of before keep their names. A row that is
loaded again finds its event by its former name, or, if its status has changed meanwhile, by its place, time, layer,
quantity, category and reporter.
"""

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from hexbeat.store.event_rows import LIVE
from hexbeat.store.schema import events
from hexbeat.store.staging import OF_FILE, former_events, incoming

__all__ = ["adopt_former_keys", "find_former_keys"]

_WITH_FORMER_KEYS: Final = sa.select(incoming.c.source).where(OF_FILE, incoming.c.former_id.is_not(None)).distinct()
_HASH: Final = "_" * 20  # LIKE's wildcards: a former content key had 20 digits, today's have 22
_PATTERNS: Final = (_HASH, f"{_HASH}#%", f"%|{_HASH}", f"%|{_HASH}#%")  # alone, repeated, in the scope of a snapshot
_SAME: Final = ("source", "layer", "lon", "lat", "occurred_from", "quantity", "category", "reported_by", "scope")


def _is_former(source: str) -> ColumnElement[bool]:
    """Live events of a source whose name may be the hash of a row's content of before."""
    return sa.and_(LIVE, events.c.source == source, sa.or_(*(events.c.source_id.like(form) for form in _PATTERNS)))


def find_former_keys(connection: Connection, source: str) -> bool:
    """Whether the store may have events of this source under former keys. Only then rows need theirs."""
    return connection.execute(sa.select(events.c.row_id).where(_is_former(source)).limit(1)).first() is not None


def adopt_former_keys(connection: Connection, file_no: int) -> None:
    """Give staged rows of a file the names under which their events are live, where these are former ones."""
    own = sa.and_(incoming.c.file_no == file_no, incoming.c.former_id.is_not(None))
    for source in connection.execute(_WITH_FORMER_KEYS, {"file": file_no}).scalars().all():
        _adopt_by_name(connection, own)
        _adopt_by_facts(connection, own, source, file_no)


def _has_live(source_id: ColumnElement[str]) -> ColumnElement[bool]:
    return sa.exists().where(events.c.source == incoming.c.source, events.c.source_id == source_id, LIVE)


def _adopt_by_name(connection: Connection, own: ColumnElement[bool]) -> None:
    identifier = (
        sa.select(events.c.event_id)
        .where(events.c.source == incoming.c.source, events.c.source_id == incoming.c.former_id, LIVE)
        .scalar_subquery()
    )
    connection.execute(
        sa.update(incoming)
        .values(event_id=identifier, source_id=incoming.c.former_id)
        .where(own, _has_live(incoming.c.former_id), sa.not_(_has_live(incoming.c.source_id)))
    )


def _adopt_by_facts(connection: Connection, own: ColumnElement[bool], source: str, file_no: int) -> None:
    """Pair rows that no name matches with events that none matches: equal facts, each row and each event once."""
    waiting = sa.and_(own, incoming.c.source == source, sa.not_(_has_live(incoming.c.source_id)))
    first, last = connection.execute(
        sa.select(sa.func.min(incoming.c.occurred_from), sa.func.max(incoming.c.occurred_from)).where(waiting)
    ).one()
    if first is None:
        return
    connection.execute(sa.delete(former_events))
    names = [column.name for column in former_events.columns]
    matched = sa.exists().where(
        incoming.c.file_no == file_no,
        incoming.c.source == events.c.source,
        incoming.c.source_id == events.c.source_id,
    )
    connection.execute(
        sa.insert(former_events).from_select(
            names,
            sa.select(*(events.c[name] for name in names)).where(
                _is_former(source), events.c.occurred_from.between(first, last), sa.not_(matched)
            ),
        )
    )
    pairs = connection.execute(
        sa.select(incoming.c.stage_id, former_events.c.event_id, former_events.c.source_id)
        .join(former_events, sa.and_(*(_equals(name) for name in _SAME)))
        .where(waiting)
        .order_by(incoming.c.stage_id, former_events.c.row_id)
    )
    updates = [
        {"row": row, "event": event, "name": name} for row, event, name in _pair_once(tuple(pair) for pair in pairs)
    ]
    if updates:
        connection.execute(
            sa.update(incoming)
            .values(event_id=sa.bindparam("event"), source_id=sa.bindparam("name"))
            .where(incoming.c.stage_id == sa.bindparam("row")),
            updates,
        )


def _equals(name: str) -> ColumnElement[bool]:
    left, right = incoming.c[name], former_events.c[name]
    return left.is_not_distinct_from(right) if name in {"category", "scope"} else left == right


def _pair_once(pairs: Iterable[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """The pairs in which neither the row nor the event is in a pair before."""
    rows, names, unique = set[int](), set[str](), list[tuple[int, str, str]]()
    for row, event, name in pairs:
        if row not in rows and name not in names:
            rows.add(row)
            names.add(name)
            unique.append((row, event, name))
    return unique
