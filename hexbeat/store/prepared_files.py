"""What is kept beside a large store is made right after a load of much of it, so that no reader has to wait for it.

One read of the database gives both: the snapshot of the area's wards (`hexbeat.store.snapshots`), and the table that
exports keep (`hexbeat.store.kept_table`). After a small load of a large store the first reader brings them up to date,
as it takes less than the load only where much has changed.

It is a kindness to readers and no part of the load: where the disk, the folder, the memory or another program prevents
it, the load is done all the same, and the first reader reads the database.
"""

import ctypes
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from geo.errors import HexbeatError
from geo.lazy_modules import import_lazily
from hexbeat.store.column_changes import LiveColumns, find_last
from hexbeat.store.coverage_log import fetch_coverage
from hexbeat.store.database_errors import check_file, reading_values
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.event_rows import LIVE, RAW, RawEvents, build_columns
from hexbeat.store.snapshots import FEWEST_EVENTS, describe_columns, remove_stale_snapshots, write_snapshot
from layers.catalogue import LAYER_NAMES
from layers.event import DEMONSTRATION, LOCATION_PRECISIONS, PRECISIONS, REPORTERS, RESOLUTIONS

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

    from hexbeat.store import event_table, kept_table
    from hexbeat.store.store import Store
else:
    pa = import_lazily("pyarrow")
    pc = import_lazily("pyarrow.compute")
    event_table = import_lazily("hexbeat.store.event_table")
    kept_table = import_lazily("hexbeat.store.kept_table")

__all__ = ["LEAST_SHARE", "build_raw_events", "prepare_files"]

LEAST_SHARE: Final = 1 / 3  # of the live events that a load changed
_FAILURES: Final = (HexbeatError, OSError, MemoryError, SQLAlchemyError)
_NUMBERS: Final = {
    "row_id": "row_id", "start": "occurred_from", "end": "occurred_to", "quantity": "quantity", "lon": "lon",
    "lat": "lat", **{f"h3_{resolution:02d}": f"h3_{resolution:02d}" for resolution in RESOLUTIONS},
}  # fmt: skip


def prepare_files(
    store: "Store", ward_codes: Sequence[str], *, changed: int, announce: Callable[[int], object] | None = None
) -> bool:
    """Make what is kept beside the store, after a load that added, closed or replaced so many rows.

    Does nothing in a small store, or where the load changed less than LEAST_SHARE of it. Else `announce` gets the
    number of live events first. False if something prevented it, of which nothing is left; it raises no error of the
    store, the disk or the memory. Ctrl+C ends it as it ends anything, and leaves whole files or none.

    It takes no viewer: whoever has loaded may see every layer, and learns how many events there are, and nothing else.
    """
    if sys.platform == "win32":  # where nothing is kept
        return True
    try:
        if changed < FEWEST_EVENTS * LEAST_SHARE:
            return True
        with read_transaction(store.engine) as connection:
            live = int(connection.execute(sa.select(sa.func.count()).where(LIVE)).scalar_one())
        if live < FEWEST_EVENTS or changed < live * LEAST_SHARE:
            return True
        if announce is not None:
            announce(live)
        return _make_files(store, tuple(ward_codes))
    except KeyboardInterrupt:  # which may come between the making of a draft and its removal
        remove_stale_snapshots(store.engine, store.home)
        raise
    except (*_FAILURES, pa.ArrowException):
        return False


def _release_memory() -> None:
    """Hand the memory that the load has freed back to the system, where it can be asked for: glibc keeps it.

    After a load of a million events that is 0.5 GB, more than preparing them takes.
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _make_files(store: "Store", ward_codes: tuple[str, ...]) -> bool:
    _release_memory()
    check_file(store.engine)
    with read_transaction(store.engine) as connection, reading_values(store.engine):
        version = read_version(connection)
        rows = event_table.read_live_rows(connection)
        reporters = event_table.list_reporters(rows)
        columns = build_columns(build_raw_events(rows, ward_codes), version=version, ward_codes=ward_codes)
        coverage = replace(fetch_coverage(connection, ward_codes=ward_codes), reporters=reporters)
        live = LiveColumns(columns.replace_coverage(coverage), *find_last(connection))
        facts = describe_columns(connection, live)
    is_small = len(live.columns) < FEWEST_EVENTS  # of many areas
    has_snapshot = is_small or write_snapshot(store.engine, store.home, live, facts)
    del columns, live
    table = event_table.build_table(rows)
    del rows
    return kept_table.keep_table(store.engine, store.home, table, sorted(reporters), version=version) and has_snapshot


def build_raw_events(rows: "pa.Table", ward_codes: Sequence[str]) -> RawEvents:
    """As `fetch_rows` answers the rows in these wards; `rows` as `event_table.read_live_rows` answers them."""
    ward = _find_codes(rows["ward_code"], ward_codes, other=-1)
    if (ward < 0).any():
        rows, ward = rows.filter(pa.array(ward >= 0)), ward[ward >= 0]
    categories = ("", *_list_names(rows["category"]))
    sources = _list_names(rows["source"])
    codes = {
        "layer": _find_codes(rows["layer"], LAYER_NAMES),
        "precision": _find_codes(rows["time_precision"], PRECISIONS),
        "reported_by": _find_codes(rows["reported_by"], REPORTERS),
        "category": _find_codes(rows["category"], categories, missing=0),
        "ward": ward,
        "source": _find_codes(rows["source"], sources),
        "location": _find_codes(rows["location_precision"], ("", *LOCATION_PRECISIONS), missing=0),
        "demonstration": _find_codes(rows["source"], [DEMONSTRATION], other=-1) + 1,
    }
    values = {name: rows[column].combine_chunks().to_numpy() for name, column in _NUMBERS.items()}
    values["location_m"] = pc.fill_null(rows["location_precision_m"], 0.0).combine_chunks().to_numpy()
    kinds = {name: RAW[name].newbyteorder("=") for name in RAW.names or ()}
    arrays = {name: (codes | values)[name].astype(kind, copy=False) for name, kind in kinds.items()}
    return RawEvents(arrays, categories, sources)


def _list_names(column: "pa.ChunkedArray") -> tuple[str, ...]:
    """The texts that rows have, sorted, without the empty one."""
    return tuple(sorted(filter(None, pc.unique(column.combine_chunks()).cast(pa.string()).to_pylist())))


def _find_codes(
    column: "pa.ChunkedArray", names: Sequence[str], *, missing: int | None = None, other: int | None = None
) -> NDArray[np.int32]:
    """The place of each text among the names: `missing` for no text, `other` for no such name; LookupError without."""
    coded = column.combine_chunks()
    places = {name: place for place, name in enumerate(names)}
    texts = coded.dictionary.to_pylist()
    codes = [places[text] if other is None else places.get(text, other) for text in texts]
    table = np.array([*codes, 0 if missing is None else missing], dtype=np.int32)
    if coded.null_count and missing is None:
        raise LookupError(names)
    return np.asarray(table[pc.fill_null(coded.indices, len(texts)).to_numpy(zero_copy_only=False)])
