"""The versions of one event: what was known of it, and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from layers.access import Action, Viewer, require
from layers.event import EVENT_COLUMNS
from layers.moments import from_seconds
from layers.storage.schema import events
from layers.storage.state import reading

__all__ = ["Version", "history"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an event, valid in the store from `recorded_at` until `superseded_at` (UTC; None: still live).

    `event` holds the columns of layers.event.EVENT_COLUMNS. Its texts are what a source said: show them as text.
    """

    event_id: str
    row_id: int
    batch_id: int
    recorded_at: datetime
    superseded_at: datetime | None
    superseded_batch: int | None
    event: dict[str, Any]


def history(engine: Engine, viewer: Viewer, event_id: str) -> list[Version]:
    """All versions, the oldest first; an empty list if there is no such event."""
    require(viewer, Action.SEE_RECORDS)
    query = sa.select(events).where(events.c.event_id == event_id).order_by(events.c.row_id)
    with reading(engine) as connection:
        return [_version(dict(row)) for row in connection.execute(query).mappings()]


def _version(row: dict[str, Any]) -> Version:
    superseded = row["superseded_at"]
    return Version(
        event_id=row["event_id"],
        row_id=row["row_id"],
        batch_id=row["batch_id"],
        recorded_at=from_seconds(row["recorded_at"]),
        superseded_at=None if superseded is None else from_seconds(superseded),
        superseded_batch=row["superseded_batch"],
        event={name: row[name] for name in EVENT_COLUMNS},
    )
