"""Reads the live events, or those that were live at a past time, as columns for screens and counts."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement

from geo.wards import Wards
from hexbeat.store.coverage_log import fetch_coverage, fetch_reporters
from hexbeat.store.database_errors import check_file
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.event_rows import KNOWN, LIVE, RAW, RawEvents, build_columns, fetch_rows, freeze
from hexbeat.store.schema import events
from hexbeat.store.snapshots import read_live
from layers.access import Action, Viewer, list_details, list_layers, require
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.coverage import Coverage
from layers.event import DEMONSTRATION
from layers.restriction import restrict_columns
from layers.roles import NOTHING, Detail
from layers.timestamps import to_seconds

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "build_no_columns",
    "count_outside",
    "has_demonstration",
    "is_empty",
    "read_columns",
    "read_whole_columns",
    "restrict",
]


def read_columns(
    store: "Store",
    viewer: Viewer,
    *,
    ward_codes: tuple[str, ...],
    wards: Wards | None = None,
    as_at: datetime | None = None,
) -> Columns:
    """The live events in these wards, or those at `as_at` (aware; UsageError otherwise), as the viewer may see them.

    What is finer than the policy is not in them (`layers.restriction`). `wards` are the boundaries; UsageError without
    them for a viewer who sees a layer in cells. Events of other wards are left out; `count_outside` says how many.
    Reads the store each time: screens use `hexbeat.store.column_cache.ColumnCache`.
    """
    require(viewer, Action.SEE_COUNTS)
    return restrict(read_whole_columns(store, ward_codes=ward_codes, as_at=as_at), list_details(viewer), wards)


def restrict(columns: Columns, details: tuple[tuple[str, Detail], ...], wards: Wards | None) -> Columns:
    """The columns with what these details of each layer show; the same object where they show everything."""
    restricted = restrict_columns(columns, dict(details), wards=wards)
    return columns if restricted is columns else freeze(restricted)


def read_whole_columns(store: "Store", *, ward_codes: tuple[str, ...], as_at: datetime | None = None) -> Columns:
    """The same without regard to who asks: the inside of `read_columns` and the cache, which restrict it."""
    if as_at is None:
        return read_live(store.engine, store.home, ward_codes).columns
    known_at = to_seconds(as_at)
    check_file(store.engine)
    with read_transaction(store.engine) as connection:
        version = read_version(connection)
        rows = fetch_rows(connection, KNOWN, ward_codes, known_at=known_at)
        columns = build_columns(rows, version=version, ward_codes=ward_codes)
        coverage = fetch_coverage(connection, ward_codes=ward_codes, as_at=as_at)
        return columns.replace_coverage(
            replace(coverage, reporters=fetch_reporters(connection, KNOWN, known_at=known_at))
        )


def build_no_columns(*, version: int, ward_codes: tuple[str, ...]) -> Columns:
    """Columns without an event, of which nothing is known: what a viewer sees who may not see counts."""
    arrays = {name: np.zeros(0, dtype=RAW[name].newbyteorder("=")) for name in RAW.names or ()}
    columns = build_columns(RawEvents(arrays, ("",), ()), version=version, ward_codes=ward_codes)
    return replace(columns, coverage=Coverage((), ward_codes), details={spec.name: NOTHING for spec in LAYERS})


def count_outside(store: "Store", viewer: Viewer, *, ward_codes: tuple[str, ...]) -> int:
    """How many live events lie in none of these wards, and so are in no columns: of another area, or of old wards."""
    require(viewer, Action.SEE_COUNTS)
    query = (
        sa.select(sa.func.count())
        .select_from(events)
        .where(LIVE, events.c.ward_code.not_in(ward_codes), events.c.layer.in_(list_layers(viewer)))
    )
    with read_transaction(store.engine) as connection:
        return connection.execute(query).scalar_one()


def has_demonstration(store: "Store", viewer: Viewer) -> bool:
    """Whether any live event is synthetic, so that every screen and export must say so."""
    require(viewer, Action.SEE_COUNTS)
    return _has_any(store, sa.and_(LIVE, events.c.source == DEMONSTRATION))


def is_empty(store: "Store", viewer: Viewer) -> bool:
    """Whether there is no live event."""
    require(viewer, Action.SEE_COUNTS)
    return not _has_any(store, LIVE)


def _has_any(store: "Store", condition: ColumnElement[bool]) -> bool:
    with read_transaction(store.engine) as connection:
        return connection.execute(sa.select(events.c.row_id).where(condition).limit(1)).first() is not None
