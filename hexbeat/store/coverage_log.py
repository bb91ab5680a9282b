"""What loads, and people who correct them, say of the days that are complete; read as `layers.coverage.Coverage`."""

import datetime as dt
import difflib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Engine

from geo.errors import UsageError
from hexbeat.store.arrivals import fetch_arrivals
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.database_errors import reading_values
from hexbeat.store.databases import read_transaction, write_transaction
from hexbeat.store.schema import coverage, events
from layers.access import Action, Viewer, list_details, list_layers, require
from layers.catalogue import find_layer
from layers.coverage import Coverage, CoverageEntry
from layers.restriction import restrict_coverage
from layers.timestamps import to_seconds
from layers.wording import format_date

__all__ = [
    "correct_coverage",
    "fetch_coverage",
    "fetch_reporters",
    "find_today",
    "list_sources",
    "read_coverage",
    "require_source",
    "write_entries",
]

_EPOCH: Final = dt.date(1970, 1, 1)
_DAY_S: Final = 86_400
_ENTRIES: Final = sa.select(coverage).order_by(coverage.c.row_id)


def read_coverage(
    engine: Engine, viewer: Viewer, *, ward_codes: tuple[str, ...], as_at: dt.datetime | None = None
) -> Coverage:
    """The coverage of these wards, as it is or as it was at a past time (aware)."""
    require(viewer, Action.SEE_COUNTS)
    with read_transaction(engine) as connection:
        coverage = fetch_coverage(connection, ward_codes=ward_codes, as_at=as_at)
    return restrict_coverage(coverage, dict(list_details(viewer)))


def fetch_coverage(
    connection: Connection, *, ward_codes: tuple[str, ...], as_at: dt.datetime | None = None
) -> Coverage:
    """The same, in a transaction that is open already.

    An entry counts at most to the end of the UTC day on which it was recorded, because nobody knows days to come.
    """
    query = _ENTRIES if as_at is None else _ENTRIES.where(coverage.c.recorded_at <= to_seconds(as_at))
    with reading_values(connection.engine):
        entries = [_build_entry(row) for row in connection.execute(query)]
        arrivals = fetch_arrivals(connection, ward_codes=tuple(ward_codes), as_at=as_at)
    return Coverage(tuple(entry for entry in entries if entry.start < entry.end), tuple(ward_codes), arrivals=arrivals)


def fetch_reporters(
    connection: Connection, condition: ColumnElement[bool], **values: int
) -> frozenset[tuple[str, str, str]]:
    """(layer, source, reporter) of the events that meet a condition of `hexbeat.store.event_rows`, each once.

    So it says which sources bring which reporters.
    """
    rows = connection.execute(_select_reporters(condition), values)
    return frozenset((layer, source, reporter) for layer, source, reporter in rows)


@lru_cache(maxsize=8)
def _select_reporters(condition: ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(events.c.layer, events.c.source, events.c.reported_by).distinct().where(condition)


def write_entries(
    connection: Connection, entries: Sequence[CoverageEntry], *, batch_id: int | None, recorded_at: int
) -> None:
    """Add entries to the log; `batch_id` is None for what a person corrects."""
    rows = [
        {
            "batch_id": batch_id,
            "layer": entry.layer,
            "source": entry.source,
            "scope": entry.scope,
            "first_day": (entry.start - _EPOCH).days,
            "end_day": (entry.end - _EPOCH).days,
            "kind": entry.kind,
            "wards": None if entry.wards is None else json.dumps(entry.wards),
            "recorded_at": recorded_at,
        }
        for entry in entries
    ]
    if rows:
        connection.execute(sa.insert(coverage), rows)


def find_today(now: dt.datetime | None, time_zone: str) -> dt.date:
    """The local day of a time (aware; None: the clock), which is the first day that is not over yet."""
    return dt.datetime.fromtimestamp(to_seconds(now), ZoneInfo(time_zone)).date()


def list_sources(engine: Engine, viewer: Viewer) -> list[str]:
    """Every source of which the store has a record or known days of a layer that the viewer sees, by name."""
    require(viewer, Action.SEE_COUNTS)
    with read_transaction(engine) as connection:
        queries = [
            sa.select(table.c.source).distinct().where(table.c.layer.in_(list_layers(viewer)))
            for table in (events, coverage)
        ]
        answers = [connection.execute(query).scalars() for query in queries]
        return sorted({source for sources in answers for source in sources if source})


def require_source(source: str, known: Sequence[str]) -> None:
    """UsageError unless this is one of the known sources: a wrong name would stand beside the right one."""
    if source in known:
        return
    similar = difflib.get_close_matches(source, known, n=1)
    raise UsageError(
        "Days are complete for a source that has a profile or records",
        f"there is no source named {source!r}",
        f"did you mean {similar[0]!r}?" if similar else f"choose from {', '.join(known)}",
    )


def correct_coverage(
    engine: Engine,
    viewer: Viewer,
    entry: CoverageEntry,
    *,
    now: dt.datetime | None = None,
    time_zone: str = "Europe/London",
) -> CoverageEntry:
    """Set or clear days by hand, and return what was recorded; this outlasts what loads say.

    Days to set end with the last whole local day before now. UsageError for another kind of entry, for days in a wrong
    order or to come, for an unknown layer, and for days to set without a source.
    """
    require(viewer, Action.LOAD)
    find_layer(entry.layer)
    if entry.kind not in {"set", "cleared"}:
        raise UsageError("A correction sets or clears days", f"this one is {entry.kind!r}", "choose set or cleared")
    if entry.start >= entry.end:
        raise UsageError(
            "A period ends after its first day", f"{entry.start} to {entry.end} does not", "put the earlier day first"
        )
    if entry.kind == "set" and not entry.source:
        raise UsageError(
            "Days are complete for one source", "no source was named", "name the source whose records are complete"
        )
    today = find_today(now, time_zone)
    if entry.kind == "set" and entry.start >= today:
        raise UsageError(
            "Records can be complete only for days that are over",
            f"{format_date(entry.start)} is not over yet",
            f"name days before {format_date(today)}",
        )
    if entry.kind == "set":
        entry = replace(entry, end=min(entry.end, today))
    with write_transaction(engine, rewritten=False) as connection:
        write_entries(connection, [entry], batch_id=None, recorded_at=to_seconds(now))
        write_with_change(connection)
    return entry


def _build_entry(row: sa.Row[Any]) -> CoverageEntry:
    day_after = row.recorded_at // _DAY_S + 1
    end = row.end_day if row.kind == "cleared" else min(row.end_day, day_after)
    entry = CoverageEntry(
        layer=row.layer,
        source=row.source,
        scope=row.scope,
        start=_EPOCH + dt.timedelta(days=row.first_day),
        end=_EPOCH + dt.timedelta(days=end),
        kind=row.kind,
    )
    return entry if row.wards is None else replace(entry, wards=tuple(json.loads(row.wards)))
