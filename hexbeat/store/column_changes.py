"""The live events of a store version, read whole, or brought from one version to the next by what changed.

Inside of `hexbeat.store.column_cache` and `hexbeat.store.snapshots`, which ask who may see what.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import Connection

from hexbeat.store.coverage_log import fetch_coverage, fetch_reporters
from hexbeat.store.event_rows import ADDED, LIVE, build_columns, fetch_rows, freeze
from hexbeat.store.schema import batches, events
from layers.columns import Columns
from layers.event import RESOLUTIONS

__all__ = ["LiveColumns", "apply_changes", "find_last", "merge_columns", "read_whole"]

Code = TypeVar("Code", bound=np.integer)
_LAST: Final = tuple(sa.select(sa.func.max(column)) for column in (events.c.row_id, batches.c.batch_id))


@dataclass(frozen=True, slots=True)
class LiveColumns:
    """Columns, and the last row and load of the store that they include."""

    columns: Columns
    last_row: int
    last_batch: int


def read_whole(connection: Connection, *, version: int, ward_codes: tuple[str, ...]) -> LiveColumns:
    """Every live event in these wards."""
    columns = build_columns(fetch_rows(connection, LIVE, ward_codes), version=version, ward_codes=ward_codes)
    coverage = fetch_coverage(connection, ward_codes=ward_codes)
    coverage = replace(coverage, reporters=fetch_reporters(connection, LIVE))
    return LiveColumns(columns.replace_coverage(coverage), *find_last(connection))


def apply_changes(connection: Connection, old: LiveColumns, *, version: int) -> LiveColumns:
    """The events of a later version: with the rows that were added, and without those that were closed.

    No row may have been removed or reopened since (`store_state.rewritten`). Where no event of the wards changed, the
    arrays are those of before.
    """
    ward_codes = old.columns.ward_codes
    raw = fetch_rows(connection, ADDED, ward_codes, last_row=old.last_row)
    closed = sa.select(events.c.row_id).where(events.c.superseded_batch > old.last_batch)
    numbers = np.array(connection.execute(closed).scalars().all(), dtype=np.int64)
    columns = old.columns
    if len(raw.arrays["row_id"]) or np.isin(columns.row_id, numbers).any():
        added = build_columns(raw, version=version, ward_codes=ward_codes)
        columns = merge_columns(columns, added, numbers)
    coverage = fetch_coverage(connection, ward_codes=ward_codes)
    reporters = _find_reporters(connection, old, is_any_closed=bool(len(numbers)))
    columns = columns.replace_coverage(replace(coverage, reporters=reporters), version=version)
    return LiveColumns(columns, *find_last(connection))


def _find_reporters(
    connection: Connection, old: LiveColumns, *, is_any_closed: bool
) -> frozenset[tuple[str, str, str]]:
    """Which reporters each source has; of new rows alone where none was closed, because all rows take a while."""
    if is_any_closed or old.columns.coverage is None:
        return fetch_reporters(connection, LIVE)
    return old.columns.coverage.reporters | fetch_reporters(connection, ADDED, last_row=old.last_row)


def find_last(connection: Connection) -> tuple[int, int]:
    """The highest numbers of a row and of a load; 0 where there is none."""
    row, batch = (connection.execute(query).scalar_one() or 0 for query in _LAST)
    return int(row), int(batch)


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
