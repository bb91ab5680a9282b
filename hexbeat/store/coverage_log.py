"""What loads, and people who correct them, say of the days that are complete; read as `layers.coverage.Coverage`.

With it comes how late the records of each source arrive, from the loads of the store.
"""

import datetime as dt
import difflib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Engine

from geo.errors import UsageError
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.database_errors import reading_values
from hexbeat.store.databases import read_transaction, write_transaction
from hexbeat.store.schema import batch_files, batches, coverage, events
from layers.access import Action, Viewer, list_details, list_layers, require
from layers.arrivals import FEWEST_LOADS, LATEST_DAYS, WINDOW_DAYS, Arrivals, measure_arrivals
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
# A load of the future is one of a clock that was ahead; the window of time would end with it.
_LOADS: Final = (
    sa.select(batch_files.c.source, batches.c.batch_id, batches.c.created, batches.c.new)
    .join(batches, batches.c.batch_id == batch_files.c.batch_id)
    .where(batches.c.undone_at.is_(None), batches.c.created <= sa.bindparam("known_at"))
    .distinct()
    .order_by(batches.c.created, batches.c.batch_id)
)
_MOST_NEW: Final = 100_000  # events of a load: larger ones are no daily log, and would take long to look through


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
        arrivals = _fetch_arrivals(connection, ward_codes=tuple(ward_codes), as_at=as_at)
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


def _fetch_arrivals(
    connection: Connection, *, ward_codes: tuple[str, ...], as_at: dt.datetime | None = None
) -> tuple[Arrivals, ...]:
    """The arrivals of each layer and source in these wards, as known at a past time (aware; None: now).

    None of sources with fewer than FEWEST_LOADS loads: then no event is looked at.
    """
    loads = _fetch_loads(connection, as_at)
    regular = {source: times for source, times in loads.items() if len(times) >= FEWEST_LOADS}
    if not regular or not ward_codes:
        return ()
    numbers = sorted({number for times in regular.values() for number in list(times)[1:]})
    receipts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in connection.execute(_select_first_versions(), {"numbers": numbers, "wards": ward_codes}):
        receipts.setdefault((row.layer, row.source), []).append((row.occurred_from, row.recorded_at))
    return tuple(
        measure_arrivals(
            layer,
            source,
            loaded_at=np.array(list(regular[source].values()), dtype=np.int64),
            started_at=np.array([started_at for started_at, _ in rows], dtype=np.int64),
            recorded_at=np.array([recorded_at for _, recorded_at in rows], dtype=np.int64),
        )
        for (layer, source), rows in sorted(receipts.items())
        if source in regular
    )


def _fetch_loads(connection: Connection, as_at: dt.datetime | None) -> dict[str, dict[int, int]]:
    """For each source the loads of the time that is learnt from, by number, with their UTC seconds, in order.

    Large ones are left out, the first of all loads of a source is kept: from its day on days are learnt from.
    """
    known_at = to_seconds(as_at if as_at is not None else dt.datetime.now(dt.UTC))
    rows = connection.execute(_LOADS, {"known_at": known_at}).all()
    since = (rows[-1].created if rows else 0) - (WINDOW_DAYS + 2 * LATEST_DAYS) * _DAY_S
    loads: dict[str, dict[int, int]] = {}
    for source, number, created, new in rows:
        own = loads.setdefault(source, {})
        if not own or (created >= since and new <= _MOST_NEW):
            own[number] = created
    return loads


@cache
def _select_first_versions() -> sa.Select[Any]:
    """Source, layer, start and time of recording of the events in `wards` that the loads `numbers` brought first."""
    earlier = events.alias("earlier")
    is_first: ColumnElement[bool] = sa.not_(
        sa.exists().where(earlier.c.event_id == events.c.event_id, earlier.c.row_id < events.c.row_id)
    )
    return sa.select(events.c.source, events.c.layer, events.c.occurred_from, events.c.recorded_at).where(
        events.c.batch_id.in_(sa.bindparam("numbers", expanding=True)),
        events.c.ward_code.in_(sa.bindparam("wards", expanding=True)),
        events.c.time_precision != "month",
        is_first,
    )
