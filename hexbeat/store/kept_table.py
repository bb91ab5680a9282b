"""The live events of a large store as one Arrow table that is kept beside it, so that an export joins no rows again.

It is one of the results that `hexbeat.store.snapshots` keeps, and is believed and emptied as they are. It has every
layer, in order of time, in columns as Arrow has them in memory, so that a reader maps them. A later version is made of
it and of what changed since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from hexbeat.store.schema import events
from hexbeat.store.snapshot_file import Damage, SnapshotFile
from hexbeat.store.snapshots import FEWEST_EVENTS, read_results, write_results

__all__ = ["KeptTable", "find_kept_table", "keep_table", "list_closed_rows"]

_NAME: Final = "live events"
_FORM: Final = 2  # raised with every change of the columns or of how they are kept


@dataclass(frozen=True, slots=True)
class KeptTable:
    """The table (with `row_id`) and the facts of the store version that it is of."""

    table: pa.Table
    facts: Mapping[str, Any]

    @property
    def version(self) -> int:
        """The store version."""
        return int(self.facts["version"])

    @property
    def last_row(self) -> int:
        """The highest number that a row had."""
        return int(self.facts["last_row"])

    @property
    def reporters(self) -> frozenset[tuple[str, str, str]]:
        """Which layers and sources have which reporters."""
        return frozenset((layer, source, name) for layer, source, name in self.facts["results"]["reporters"])


def find_kept_table(engine: Engine, home: Path) -> KeptTable | None:
    """The table that was kept of this store, of this version or an earlier one, if there is one to believe."""
    file = read_results(engine, home, (), _NAME)
    try:
        if file is None or file.facts["results"]["form"] != _FORM:
            return None
        columns = {name: _unpack(file, name, kind) for name, kind in file.facts["results"]["columns"]}
        return KeptTable(pa.table(columns), file.facts)
    except (Damage, LookupError, TypeError, ValueError, pa.ArrowException):
        return None


def keep_table(
    engine: Engine, home: Path, table: pa.Table, reporters: Sequence[tuple[str, str, str]], *, version: int
) -> bool:
    """Keep the table of a large store; False if it is small, has changed meanwhile, or the disk does not let it."""
    if table.num_rows < FEWEST_EVENTS:
        return False
    arrays: dict[str, NDArray[Any]] = {}
    kinds = [(name, _pack(name, table[name].combine_chunks(), arrays)) for name in table.column_names]
    facts = {"form": _FORM, "columns": kinds, "reporters": list(reporters)}
    return write_results(engine, home, (), _NAME, (facts, arrays), version=version)


def list_closed_rows(connection: Connection, kept: KeptTable) -> NDArray[np.int64]:
    """The numbers of rows that were closed since the table was kept."""
    closed = sa.select(events.c.row_id).where(events.c.superseded_batch > int(kept.facts["last_batch"]))
    return np.array(connection.execute(closed).scalars().all(), dtype=np.int64)


def _pack(name: str, column: pa.Array, arrays: dict[str, NDArray[Any]]) -> str:
    """Put a column into arrays whose names begin with its own; its kind."""
    if pa.types.is_dictionary(column.type):
        _pack_texts(name, column.dictionary.cast(pa.large_string()), arrays)
        arrays[name] = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
        return "text"
    if pa.types.is_large_string(column.type):
        _pack_texts(name, column, arrays)
        return "distinct text"
    if column.null_count:
        arrays[f"{name}.known"] = pc.is_valid(column).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        arrays[name] = pc.fill_null(column, 0.0).to_numpy()
        return "number"
    arrays[name] = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    return "time" if pa.types.is_timestamp(column.type) else "whole"


def _pack_texts(name: str, texts: pa.LargeStringArray, arrays: dict[str, NDArray[Any]]) -> None:
    buffers = texts.buffers()
    first, last = texts.offset, texts.offset + len(texts) + 1
    offsets = np.frombuffer(buffers[1], np.int64)[first:last] if len(texts) else np.zeros(1, np.int64)
    arrays[f"{name}.offsets"] = offsets - offsets[0]
    arrays[f"{name}.texts"] = np.frombuffer(buffers[2] or b"", np.uint8)[offsets[0] : offsets[-1]]


def _unpack_texts(file: SnapshotFile, name: str) -> pa.LargeStringArray:
    offsets, texts = file.read(f"{name}.offsets"), file.read(f"{name}.texts")
    return pa.Array.from_buffers(
        pa.large_string(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(texts)]
    )


def _unpack(file: SnapshotFile, name: str, kind: str) -> pa.Array:
    if kind == "distinct text":
        return _unpack_texts(file, name)
    values = file.read(name)
    if kind == "text":
        names = _unpack_texts(file, name).cast(pa.string())
        missing = values < 0
        return pa.DictionaryArray.from_arrays(values, names, mask=missing if missing.any() else None)
    known = file.read(f"{name}.known") if f"{name}.known" in file else None
    array = pa.array(values, mask=None if known is None else ~known)
    return array.cast(pa.timestamp("s", tz="UTC")) if kind == "time" else array
