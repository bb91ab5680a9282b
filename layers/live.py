"""What the screens and the counts read: the live events, or those of a past moment, as columns."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import ColumnElement

from layers.access import Action, Viewer, require
from layers.columns import Columns
from layers.event import DEMONSTRATION, RESOLUTIONS
from layers.moments import to_seconds
from layers.storage.fetch import fetch_rows
from layers.storage.schema import events
from layers.storage.state import read_version, reading

if TYPE_CHECKING:
    from layers.storage.store import Store

__all__ = [
    "LIVE",
    "build_columns",
    "build_known_condition",
    "count_outside",
    "freeze",
    "has_demonstration",
    "is_empty",
    "read_columns",
]

LIVE: Final[ColumnElement[bool]] = events.c.superseded_at.is_(None)


def read_columns(
    store: "Store", viewer: Viewer, *, ward_codes: tuple[str, ...], as_at: datetime | None = None
) -> Columns:
    """The events in these wards that are live, or were at the moment `as_at` (aware; UsageError otherwise).

    Events of other wards are left out; `count_outside` says how many. Reads the store each time: screens use
    `layers.storage.refresh.ColumnCache`.
    """
    require(viewer, Action.SEE_COUNTS)
    condition = LIVE if as_at is None else build_known_condition(as_at)
    with reading(store.engine) as connection:
        version = read_version(connection)
        return build_columns(fetch_rows(connection, condition, ward_codes), version=version, ward_codes=ward_codes)


def build_known_condition(moment: datetime) -> ColumnElement[bool]:
    """The condition that a row was recorded at or before the moment and not yet superseded at it."""
    seconds = to_seconds(moment)
    return sa.and_(
        events.c.recorded_at <= seconds, sa.or_(events.c.superseded_at.is_(None), events.c.superseded_at > seconds)
    )


def build_columns(raw: dict[str, NDArray[Any]], *, version: int, ward_codes: tuple[str, ...]) -> Columns:
    """Columns from the arrays of `layers.storage.fetch.fetch_rows`: sorted by start, then row_id; cells as codes."""
    order = np.lexsort((raw["row_id"], raw["start"]))
    cell, cell_ids = {}, {}
    for resolution in RESOLUTIONS:
        cells = raw[f"h3_{resolution:02d}"][order].astype(np.uint64)
        ids, codes = np.unique(cells, return_inverse=True)
        cell_ids[resolution], cell[resolution] = ids, codes.astype(np.int32)
    columns = Columns(
        version=version,
        row_id=raw["row_id"][order],
        layer=raw["layer"][order].astype(np.uint8),
        start=raw["start"][order],
        end=raw["end"][order],
        precision=raw["precision"][order].astype(np.uint8),
        quantity=raw["quantity"][order].astype(np.int32),
        reported_by=raw["reported_by"][order].astype(np.uint8),
        ward=raw["ward"][order],
        ward_codes=tuple(ward_codes),
        lon=raw["lon"][order],
        lat=raw["lat"][order],
        cell=cell,
        cell_ids=cell_ids,
        demonstration=raw["demonstration"][order].astype(np.bool_),
    )
    return freeze(columns)


def freeze(columns: Columns) -> Columns:
    """The same columns, no longer writable: several screens share them."""
    for name in Columns.__dataclass_fields__:
        value = getattr(columns, name)
        for array in value.values() if isinstance(value, dict) else (value,):
            if isinstance(array, np.ndarray):
                array.setflags(write=False)
    return columns


def count_outside(store: "Store", viewer: Viewer, *, ward_codes: tuple[str, ...]) -> int:
    """How many live events lie in none of these wards, and so in no columns: loaded for another area, or old wards."""
    require(viewer, Action.SEE_COUNTS)
    query = sa.select(sa.func.count()).select_from(events).where(LIVE, events.c.ward_code.not_in(ward_codes))
    with reading(store.engine) as connection:
        return connection.execute(query).scalar_one()


def has_demonstration(store: "Store", viewer: Viewer) -> bool:
    """Whether any live event is synthetic, so that every screen and export must say so."""
    require(viewer, Action.SEE_COUNTS)
    return _any(store, sa.and_(LIVE, events.c.source == DEMONSTRATION))


def is_empty(store: "Store", viewer: Viewer) -> bool:
    """Whether there is no live event."""
    require(viewer, Action.SEE_COUNTS)
    return not _any(store, LIVE)


def _any(store: "Store", condition: ColumnElement[bool]) -> bool:
    with reading(store.engine) as connection:
        return connection.execute(sa.select(events.c.row_id).where(condition).limit(1)).first() is not None
