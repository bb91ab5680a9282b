"""Live events kept in memory, and brought up to date by what changed since: what the screens read."""

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import Connection

from layers.access import Action, Viewer, require
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.fetch import fetch_rows
from layers.live import LIVE, freeze, make_columns, read_columns
from layers.schema import batches, events, store_state
from layers.state import read_version, reading

if TYPE_CHECKING:
    from layers.store import Store

__all__ = ["ColumnCache", "merge_columns"]

_PAST_KEPT: Final = 2  # past moments kept, of the present version


class ColumnCache:
    """`layers.live.read_columns` for one set of wards, answered from memory. Safe to share between threads.

    A later version is reached by adding the new rows and dropping the closed ones; after an undo, an erasure or a
    retention all is read again. The answer always equals the plain read, and its arrays cannot be written to.
    """

    def __init__(self, store: "Store", ward_codes: tuple[str, ...]) -> None:
        self._store, self._ward_codes = store, tuple(ward_codes)
        self._lock = threading.Lock()
        self._columns: Columns | None = None
        self._last_row = self._last_batch = 0
        self._past: dict[tuple[int, datetime], Columns] = {}

    def read(self, viewer: Viewer, *, as_at: datetime | None = None) -> Columns:
        """The live columns, or those of a past moment (aware datetime)."""
        require(viewer, Action.SEE_COUNTS)
        with self._lock:
            if as_at is None:
                return self._read_live()
            key = (self._store.version(), as_at)
            if key not in self._past:
                kept = [(old, value) for old, value in self._past.items() if old[0] == key[0]][1 - _PAST_KEPT :]
                columns = read_columns(self._store, viewer, ward_codes=self._ward_codes, as_at=as_at)
                self._past = dict(kept) | {(columns.version, as_at): columns}
                return columns
            return self._past[key]

    def _read_live(self) -> Columns:
        with reading(self._store.engine) as connection:
            version = read_version(connection)
            if self._columns is not None and self._columns.version == version:
                return self._columns
            self._columns = self._refreshed(connection, self._columns, version)
            self._last_row = _highest(connection, events.c.row_id)
            self._last_batch = _highest(connection, batches.c.batch_id)
            return self._columns

    def _refreshed(self, connection: Connection, old: Columns | None, version: int) -> Columns:
        rewritten = connection.execute(sa.select(store_state.c.rewritten)).scalar_one()
        if old is None or old.version < rewritten:
            raw = fetch_rows(connection, LIVE, self._ward_codes)
            return make_columns(raw, version=version, ward_codes=self._ward_codes)
        new = sa.and_(LIVE, events.c.row_id > self._last_row)
        added = make_columns(
            fetch_rows(connection, new, self._ward_codes), version=version, ward_codes=self._ward_codes
        )
        closed = sa.select(events.c.row_id).where(events.c.superseded_batch > self._last_batch)
        return merge_columns(old, added, np.array(connection.execute(closed).scalars().all(), dtype=np.int64))


def _highest(connection: Connection, column: "sa.Column[Any]") -> int:
    return int(connection.execute(sa.select(sa.func.max(column))).scalar_one() or 0)


def merge_columns(old: Columns, added: Columns, closed: NDArray[np.int64]) -> Columns:
    """`old` without the rows numbered `closed`, and with `added`, whose row numbers are all higher."""
    kept = np.flatnonzero(~np.isin(old.row_id, closed))
    # Equal starts stand in order of row number, and added rows have the higher ones.
    places = np.searchsorted(old.start[kept], added.start, side="right")

    def merged(name: str) -> NDArray[Any]:
        return np.insert(getattr(old, name)[kept], places, getattr(added, name))

    cell, cell_ids = {}, {}
    for resolution in RESOLUTIONS:
        ids, old_codes, added_codes = _merge_cells(
            old.cell_ids[resolution],
            old.cell[resolution][kept],
            added.cell_ids[resolution],
            added.cell[resolution],
        )
        cell_ids[resolution], cell[resolution] = ids, np.insert(old_codes, places, added_codes)
    names = set(Columns.__dataclass_fields__) - {"version", "ward_codes", "cell", "cell_ids"}
    arrays = {name: merged(name) for name in names}
    return freeze(Columns(version=added.version, ward_codes=old.ward_codes, cell=cell, cell_ids=cell_ids, **arrays))


def _merge_cells(
    old_ids: NDArray[np.uint64], old: NDArray[np.int32], added_ids: NDArray[np.uint64], added: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
    """The sorted cells that are still in use, and both columns of codes into them."""
    used = np.bincount(old, minlength=len(old_ids)) > 0
    ids = np.union1d(old_ids[used], added_ids)
    old_map = np.searchsorted(ids, old_ids).astype(np.int32)
    added_map = np.searchsorted(ids, added_ids).astype(np.int32)
    return ids, old_map[old], added_map[added]
