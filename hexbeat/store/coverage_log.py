"""What loads, and people who correct them, say of the days that are complete; read as `layers.coverage.Coverage`."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from geo.errors import UsageError
from hexbeat.store.databases import read_transaction, write_transaction
from hexbeat.store.schema import coverage
from layers.access import Action, Viewer, require
from layers.catalogue import find_layer
from layers.coverage import Coverage, CoverageEntry
from layers.timestamps import to_seconds

__all__ = ["correct_coverage", "fetch_coverage", "read_coverage", "write_entries"]

_EPOCH: Final = dt.date(1970, 1, 1)


def read_coverage(
    engine: Engine, viewer: Viewer, *, ward_codes: tuple[str, ...], as_at: dt.datetime | None = None
) -> Coverage:
    """The coverage of these wards, as it is or as it was at a past moment (aware)."""
    require(viewer, Action.SEE_COUNTS)
    with read_transaction(engine) as connection:
        return fetch_coverage(connection, ward_codes=ward_codes, as_at=as_at)


def fetch_coverage(
    connection: Connection, *, ward_codes: tuple[str, ...], as_at: dt.datetime | None = None
) -> Coverage:
    """The same, in a transaction that is open already."""
    query = sa.select(coverage).order_by(coverage.c.row_id)
    if as_at is not None:
        query = query.where(coverage.c.recorded_at <= to_seconds(as_at))
    entries = tuple(_build_entry(dict(row)) for row in connection.execute(query).mappings())
    return Coverage(entries, tuple(ward_codes))


def write_entries(
    connection: Connection, entries: Sequence[CoverageEntry], *, batch_id: int | None, moment: int
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
            "recorded_at": moment,
        }
        for entry in entries
    ]
    if rows:
        connection.execute(sa.insert(coverage), rows)


def correct_coverage(engine: Engine, viewer: Viewer, entry: CoverageEntry, *, now: dt.datetime | None = None) -> None:
    """Set or clear days by hand; this outlasts what loads say.

    UsageError for another kind of entry, for days in a wrong order, for an unknown layer, and for days to set without
    a source.
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
    with write_transaction(engine, rewritten=False) as connection:
        write_entries(connection, [entry], batch_id=None, moment=to_seconds(now))


def _build_entry(row: dict[str, Any]) -> CoverageEntry:
    entry = CoverageEntry(
        layer=row["layer"],
        source=row["source"],
        scope=row["scope"],
        start=_EPOCH + dt.timedelta(days=row["first_day"]),
        end=_EPOCH + dt.timedelta(days=row["end_day"]),
        kind=row["kind"],
    )
    return entry if row["wards"] is None else replace(entry, wards=tuple(json.loads(row["wards"])))
