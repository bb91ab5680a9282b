"""Live events in memory, updated with the changes since they were read. The screens read these."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import Connection

from hexbeat.store.coverage_log import fetch_coverage, fetch_reporters
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.live_columns import LIVE, build_columns, fetch_rows, freeze, read_whole_columns
from hexbeat.store.schema import batches, events, store_state
from layers.access import Action, Detail, Viewer, list_details, require
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.restriction import restrict_columns

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = ["ColumnCache", "merge_columns"]

Code = TypeVar("Code", bound=np.integer)
_MOST_PAST: Final = 2  # past states in memory
_MOST_AREAS: Final = 4  # sets of wards in memory
_MOST_RESTRICTED: Final = 8  # sets of columns in memory for viewers who do not see all of it


@dataclass(frozen=True, slots=True)
class _CachedColumns:
    """Columns, and the last row and load that they include."""

    columns: Columns
    last_row: int
    last_batch: int


class ColumnCache:
    """The results of `hexbeat.store.live_columns.read_columns`, from memory. Safe to share between threads.

    For a later version it adds the new rows and drops the closed rows. After an undo, an erasure or a retention it
    reads everything again. The result always equals a plain read, and its arrays are read-only. What a
    viewer may not see is taken out of what is kept, for each set of details by itself.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._lock = threading.Lock()
        self._live: dict[tuple[str, ...], _CachedColumns] = {}
        self._past: dict[tuple[tuple[str, ...], int, datetime], Columns] = {}
        self._restricted: dict[tuple[Columns, tuple[tuple[str, Detail], ...]], Columns] = {}

    def columns(self, viewer: Viewer, *, ward_codes: tuple[str, ...], as_at: datetime | None = None) -> Columns:
        """The live events in these wards, or those at `as_at` (aware datetime), as the viewer may see them."""
        require(viewer, Action.SEE_COUNTS)
        with self._lock:
            whole = self._read_live(tuple(ward_codes)) if as_at is None else self._read_past(tuple(ward_codes), as_at)
            return self._restrict(whole, list_details(viewer))

    def _restrict(self, whole: Columns, details: tuple[tuple[str, Detail], ...]) -> Columns:
        """What viewers with these details see of the columns. Columns are compared by identity: new ones are new."""
        known = self._restricted.pop((whole, details), None)
        if known is None:
            known = freeze(restrict_columns(whole, dict(details)))
            if known is whole:
                return whole
            in_use = [*(cached.columns for cached in self._live.values()), *self._past.values()]
            kept = [key for key in self._restricted if any(key[0] is columns for columns in in_use)]
            self._restricted = {key: self._restricted[key] for key in kept[1 - _MOST_RESTRICTED :]}
        self._restricted[whole, details] = known
        return known

    def _read_past(self, ward_codes: tuple[str, ...], as_at: datetime) -> Columns:
        key = (ward_codes, self._store.version(), as_at)
        if key not in self._past:
            columns = read_whole_columns(self._store, ward_codes=ward_codes, as_at=as_at)
            if len(self._past) >= _MOST_PAST:
                self._past.pop(next(iter(self._past)))
            key = (ward_codes, columns.version, as_at)
            self._past[key] = columns
        return self._past[key]

    def _read_live(self, ward_codes: tuple[str, ...]) -> Columns:
        cached = self._live.pop(ward_codes, None)
        with read_transaction(self._store.engine) as connection:
            version = read_version(connection)
            if cached is None or cached.columns.version != version:
                cached = _refresh(connection, cached, version=version, ward_codes=ward_codes)
        while len(self._live) >= _MOST_AREAS:
            self._live.pop(next(iter(self._live)))
        self._live[ward_codes] = cached
        return cached.columns


def _refresh(
    connection: Connection, old: _CachedColumns | None, *, version: int, ward_codes: tuple[str, ...]
) -> _CachedColumns:
    rewritten = connection.execute(sa.select(store_state.c.rewritten)).scalar_one()
    if old is None or old.columns.version < rewritten:
        raw = fetch_rows(connection, LIVE, ward_codes)
        columns = build_columns(raw, version=version, ward_codes=ward_codes)
        reporters = fetch_reporters(connection, LIVE)
    else:
        raw = fetch_rows(connection, sa.and_(LIVE, events.c.row_id > old.last_row), ward_codes)
        added = build_columns(raw, version=version, ward_codes=ward_codes)
        closed = sa.select(events.c.row_id).where(events.c.superseded_batch > old.last_batch)
        numbers = np.array(connection.execute(closed).scalars().all(), dtype=np.int64)
        columns = merge_columns(old.columns, added, numbers)
        reporters = _find_reporters(connection, old, is_any_closed=bool(len(numbers)))
    coverage = replace(fetch_coverage(connection, ward_codes=ward_codes), reporters=reporters)
    columns = replace(columns, coverage=coverage)
    return _CachedColumns(
        columns, _find_highest(connection, events.c.row_id), _find_highest(connection, batches.c.batch_id)
    )


def _find_reporters(
    connection: Connection, old: _CachedColumns, *, is_any_closed: bool
) -> frozenset[tuple[str, str, str]]:
    """Which sources bring which reporters; of new rows alone where none was closed, because all rows take a while."""
    if is_any_closed or old.columns.coverage is None:
        return fetch_reporters(connection, LIVE)
    return old.columns.coverage.reporters | fetch_reporters(connection, sa.and_(LIVE, events.c.row_id > old.last_row))


def _find_highest(connection: Connection, column: "sa.Column[Any]") -> int:
    return int(connection.execute(sa.select(sa.func.max(column))).scalar_one() or 0)


def merge_columns(old: Columns, added: Columns, closed: NDArray[np.int64]) -> Columns:
    """`old` without the rows numbered `closed`, and with `added`, whose row numbers are all higher."""
    kept_rows = np.flatnonzero(~np.isin(old.row_id, closed))
    # Equal starts are in order of row number, and added rows have the higher ones.
    places = np.searchsorted(old.start[kept_rows], added.start, side="right")

    def merge_array(name: str) -> NDArray[Any]:
        return np.insert(getattr(old, name)[kept_rows], places, getattr(added, name))

    cell, cell_ids = {}, {}
    for resolution in RESOLUTIONS:
        ids, old_codes, added_codes = _merge_cells(
            old.cell_ids[resolution],
            old.cell[resolution][kept_rows],
            added.cell_ids[resolution],
            added.cell[resolution],
        )
        cell_ids[resolution], cell[resolution] = ids, np.insert(old_codes, places, added_codes)
    categories, category = _merge_names(
        (old.categories, old.category[kept_rows]), (added.categories, added.category), always=("",)
    )
    sources, source = _merge_names((old.sources, old.source[kept_rows]), (added.sources, added.source))
    tables = {
        "version", "ward_codes", "category", "categories", "source", "sources", "cell", "cell_ids", "coverage",
        "details",
    }  # fmt: skip
    arrays: dict[str, Any] = {name: merge_array(name) for name in set(Columns.__dataclass_fields__) - tables}
    return freeze(
        Columns(
            version=added.version,
            ward_codes=old.ward_codes,
            category=np.insert(category[0], places, category[1]),
            categories=categories,
            source=np.insert(source[0], places, source[1]),
            sources=sources,
            cell=cell,
            cell_ids=cell_ids,
            **arrays,
        )
    )


def _merge_names(
    old: tuple[tuple[str, ...], NDArray[Code]],
    added: tuple[tuple[str, ...], NDArray[Code]],
    *,
    always: tuple[str, ...] = (),
) -> tuple[tuple[str, ...], tuple[NDArray[Code], NDArray[Code]]]:
    """The names that are still in use, and both columns of codes into them. Each pair holds names, and codes in use."""
    is_used_code = np.bincount(old[1], minlength=len(old[0])) > 0
    in_use = {name for name, is_used in zip(old[0], is_used_code.tolist(), strict=True) if is_used}
    names = tuple(sorted({*always, *in_use, *added[0]}))
    code_by_name = {name: code for code, name in enumerate(names)}
    old_codes, added_codes = (
        np.array([code_by_name.get(name, 0) for name in table], dtype=codes.dtype)[codes]
        for table, codes in (old, added)
    )
    return names, (old_codes, added_codes)


def _merge_cells(
    old_ids: NDArray[np.uint64], old: NDArray[np.int32], added_ids: NDArray[np.uint64], added: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
    """The sorted cells that are still in use, and both columns of codes into them."""
    used = np.bincount(old, minlength=len(old_ids)) > 0
    ids = np.union1d(old_ids[used], added_ids)
    old_map = np.searchsorted(ids, old_ids).astype(np.int32)
    added_map = np.searchsorted(ids, added_ids).astype(np.int32)
    return ids, old_map[old], added_map[added]
