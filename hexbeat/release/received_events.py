"""Reads the events that a release counts: those known at its time, with the times that fix their period."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from hexbeat.areas.area import Area
from hexbeat.store.databases import read_transaction
from hexbeat.store.event_rows import KNOWN
from hexbeat.store.schema import batch_files, batches, events
from layers.access import Action, Viewer, require
from layers.event import DEMONSTRATION
from layers.timestamps import to_seconds

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = ["KnownEvents", "find_first_receipt", "read_events"]

_COLUMNS: Final = ("event_id", "layer", "h3_09", "h3_11", "ward_code", "lon", "lat", "reported_by")
_ORIGIN: Final = ("occurred_from", "recorded_at")
_FROM_POLICE_UK: Final = "police-uk-"
SEARCHES: Final = "police-uk-stop-search"  # every record of this source is a search by officers


@dataclass(frozen=True, slots=True, eq=False)
class KnownEvents:
    """The events that were live at a time, one row each, sorted by event_id.

    `frame` has event_id, layer, h3_09, h3_11, ward_code, lon, lat and reported_by as known then, and occurred_from and
    recorded_at (UTC seconds) of the event's first version, so that no later correction moves an event to another
    period. `demonstration`, `police_uk`, `searches` (those of data.police.uk) and `real` (all but the demonstration):
    whether anything was loaded from there, with or without events, so that naming a source reveals nothing about events
    that are not shown.
    """

    frame: pd.DataFrame
    demonstration: bool
    police_uk: bool
    real: bool
    searches: bool = False


def read_events(store: "Store", viewer: Viewer, *, as_at: datetime, area: Area) -> KnownEvents:
    """The events of the area that were known at `as_at` (aware). PolicyError if the viewer may not export.

    An event of a ward that the area does not have gets its ward from its coordinates.
    """
    require(viewer, Action.EXPORT)
    first_version = events.alias("first")
    numbers = sa.select(sa.func.min(events.c.row_id).label("row_id")).group_by(events.c.event_id).subquery()
    origins = (
        sa.select(first_version.c.event_id, first_version.c.occurred_from, first_version.c.recorded_at)
        .join(numbers, numbers.c.row_id == first_version.c.row_id)
        .subquery()
    )
    query = (
        sa.select(*(events.c[name] for name in _COLUMNS), *(origins.c[name] for name in _ORIGIN))
        .join(origins, origins.c.event_id == events.c.event_id)
        .where(KNOWN)
        .order_by(events.c.event_id)
    )
    loaded = (
        sa.select(batch_files.c.source)
        .join(batches, batches.c.batch_id == batch_files.c.batch_id)
        .where(batches.c.created <= to_seconds(as_at), batches.c.undone_at.is_(None))
        .distinct()
    )
    with read_transaction(store.engine) as connection:
        rows = connection.execute(query, {"known_at": to_seconds(as_at)}).all()
        sources = set(connection.execute(loaded).scalars())
    names = [*_COLUMNS, *_ORIGIN]
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    frame = pd.DataFrame({name: np.array(values) for name, values in zip(names, columns, strict=True)})
    return KnownEvents(
        _select_area(frame, area),
        DEMONSTRATION in sources,
        any(source.startswith(_FROM_POLICE_UK) for source in sources),
        bool(sources - {DEMONSTRATION}),
        SEARCHES in sources,
    )


def find_first_receipt(store: "Store", viewer: Viewer) -> datetime | None:
    """When the first load that was not undone was made; None for a store without one."""
    require(viewer, Action.EXPORT)
    query = sa.select(sa.func.min(batches.c.created)).where(batches.c.undone_at.is_(None))
    with read_transaction(store.engine) as connection:
        created = connection.execute(query).scalar()
    return None if created is None else datetime.fromtimestamp(created, UTC)


def _select_area(frame: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The events in the area's wards; those with codes of other wards get their ward from their coordinates."""
    codes = np.array([*area.wards.codes, ""], dtype=object)
    ward = frame["ward_code"].to_numpy(dtype=object)
    other = ~np.isin(ward.astype(str), codes.astype(str))
    if other.any():
        lon, lat = (frame.loc[other, name].to_numpy(dtype=np.float64) for name in ("lon", "lat"))
        ward[other] = codes[area.wards.locate(lon, lat)]
    frame = frame.assign(ward_code=ward)
    return frame[frame["ward_code"] != ""].reset_index(drop=True)
