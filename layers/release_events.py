"""What a release counts: the events known at its moment, each with the one period that it belongs to for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from layers.access import Action, Viewer, require
from layers.event import DEMONSTRATION
from layers.live import known_at
from layers.schema import events
from layers.state import reading

if TYPE_CHECKING:
    from layers.store import Store

__all__ = ["KnownEvents", "read_events"]

_COLUMNS: Final = ("event_id", "layer", "h3_09", "h3_11", "ward_code")
_ORIGIN: Final = ("row_id", "occurred_from", "recorded_at")
_FROM_POLICE_UK: Final = "police-uk-"


@dataclass(frozen=True, slots=True, eq=False)
class KnownEvents:
    """The events in force at a moment, one row each, sorted by event_id.

    `frame`: event_id, layer, h3_09, h3_11, ward_code as known then; occurred_from, recorded_at (UTC seconds) and row_id
    of the event's very first version, so that no later correction moves an event to another period. `last_row` is the
    highest row number of the store then: an event whose first row_id is above it had not been received.
    """

    frame: pd.DataFrame
    last_row: int
    demonstration: bool
    police_uk: bool


def read_events(store: "Store", viewer: Viewer, *, moment: datetime, ward_codes: tuple[str, ...]) -> KnownEvents:
    """The events of these wards that were known at an aware moment. PolicyError if the viewer may not export."""
    require(viewer, Action.EXPORT)
    known = known_at(moment)
    first = events.alias("first")
    numbers = sa.select(sa.func.min(events.c.row_id).label("row_id")).group_by(events.c.event_id).subquery()
    origins = (
        sa.select(first.c.event_id, first.c.row_id, first.c.occurred_from, first.c.recorded_at)
        .join(numbers, numbers.c.row_id == first.c.row_id)
        .subquery()
    )
    query = (
        sa.select(
            *(events.c[name] for name in (*_COLUMNS, "source")),
            *(origins.c[name] for name in _ORIGIN),
        )
        .join(origins, origins.c.event_id == events.c.event_id)
        .where(known)
        .order_by(events.c.event_id)
    )
    received = sa.select(sa.func.max(events.c.row_id)).where(events.c.recorded_at <= int(moment.timestamp()))
    with reading(store.engine) as connection:
        rows = connection.execute(query).all()
        last_row = connection.execute(received).scalar_one() or 0
    names = [*_COLUMNS, "source", *_ORIGIN]
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    frame = pd.DataFrame({name: np.array(values) for name, values in zip(names, columns, strict=True)})
    frame = frame[frame["ward_code"].isin(ward_codes)].reset_index(drop=True)
    source = frame["source"].astype(str)
    return KnownEvents(
        frame.drop(columns="source"),
        int(last_row),
        bool((source == DEMONSTRATION).any()),
        bool(source.str.startswith(_FROM_POLICE_UK).any()),
    )
