"""The columns of an export that a snapshot has, so that the first export of a large store reads only the others.

Only columns that a snapshot keeps as the database has them: not `category`, where "" and missing are the same to it,
nor `quantity` and `location_precision_m`, whose numbers are shorter there.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from geo.cells import format_cells
from hexbeat.store.databases import read_version
from hexbeat.store.snapshot_file import Damage, SnapshotFile
from hexbeat.store.snapshots import FOLDER, find_snapshot, open_believed
from layers.catalogue import LAYER_NAMES
from layers.event import PRECISIONS, REPORTERS, RESOLUTIONS

__all__ = ["find_order", "read_snapshot_table"]

_TIMES: Final = {"occurred_from": "start", "occurred_to": "end"}


def read_snapshot_table(connection: Connection, home: Path) -> pa.Table | None:
    """`row_id`, and what else the largest snapshot of the connection's version has of an export, in order of time.

    None without one. It holds the live rows of some wards only: whoever uses it compares the rows.
    """
    file = _find_largest(connection, home)
    if file is None:
        return None
    texts = {
        "layer": ("layer", LAYER_NAMES),
        "source": ("source", file.facts["sources"]),
        "time_precision": ("precision", PRECISIONS),
        "reported_by": ("reported_by", REPORTERS),
        "ward_code": ("ward", file.facts["ward_codes"]),
    }
    try:
        columns: dict[str, Any] = {name: pa.array(file.read(name)) for name in ("row_id", "lon", "lat")}
        for name, array in _TIMES.items():
            columns[name] = pa.array(file.read(array)).cast(pa.timestamp("s", tz="UTC"))
        columns |= {name: _build_texts(file.read(array), list(names)) for name, (array, names) in texts.items()}
        for size in RESOLUTIONS:
            names = format_cells(file.read(f"cell_ids_{size:02d}"))
            columns[f"h3_{size:02d}"] = _build_texts(file.read(f"cell_{size:02d}"), list(names))
    except Damage:  # who next opens the snapshot removes it
        return None
    return pa.table(columns)


def _find_largest(connection: Connection, home: Path) -> SnapshotFile | None:
    """The largest snapshot of the connection's version, of whatever wards."""
    version = read_version(connection)
    try:
        paths = sorted((home / FOLDER).glob("[!.]*.columns"), key=lambda path: path.stat().st_size, reverse=True)
    except OSError:
        return None
    for path in paths:
        file = open_believed(connection, path)
        if file is not None and file.facts["version"] == version:
            return file if path == find_snapshot(home, tuple(file.facts["ward_codes"])) else None
    return None


def _build_texts(codes: NDArray[np.integer[Any]], names: list[str]) -> pa.DictionaryArray:
    """The texts as a dictionary, which holds none that has no event."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    places = np.zeros(len(names), dtype=np.int32)
    places[used] = np.arange(len(used), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(places[codes], pa.array([names[k] for k in used.tolist()], pa.string()))


def find_order(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """At which place of `rows` (ascending, (n,)) each of the `wanted` ones is; None if they are not the same rows."""
    if len(rows) != len(wanted):
        return None
    order = np.searchsorted(rows, wanted)
    is_same = bool((order < len(rows)).all()) and bool((rows[order] == wanted).all())
    return order if is_same else None
