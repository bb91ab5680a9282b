"""Live events as one file: GeoParquet, GeoPackage or CSV. `hexbeat.store.datasets` writes them as a folder."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyogrio

from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from hexbeat.files import atomic_write, escape_text
from hexbeat.store.event_table import CELL_COLUMNS, TIME_COLUMNS, decode_texts, read_live_table
from hexbeat.store.geoparquet import add_geometry, plain_causes, write_geoparquet
from hexbeat.store.store import Store
from layers.access import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas
    import pandas as pd
else:
    pd = import_lazily("pandas")
    geopandas = import_lazily("geopandas")

__all__ = ["add_points", "export_events", "format_events"]


def export_events(store: Store, viewer: Viewer, out: Path, *, before: "Callable[[int], object]" = int) -> int:
    """Write every live event whose record the viewer may see to `out`, in the format of its ending; return how many.

    `before` is called with this number once it is known, and before anything is written.

    Points are WGS 84 (EPSG:4326), times UTC, cells hexadecimal H3 strings; free text is not exported. Demonstration
    events carry the source "demonstration". The file appears whole or not at all, and is for its own user (mode 0600).

    Raises UsageError for another ending or a folder that does not exist, PolicyError if the viewer may not export.
    """
    write = find_writer(out)
    live = read_live_table(store, viewer)
    before(live.table.num_rows)
    with atomic_write(out, is_private=True) as draft, _name_full_disk():
        write(live.table, draft)
    return int(live.table.num_rows)


@contextmanager
def _name_full_disk() -> Iterator[None]:
    """OSError for what GDAL says of a file that it cannot write; the disk is full, or the file too large."""
    try:
        yield
    except RuntimeError as error:  # pyogrio's errors are of this kind, and say what SQLite said
        if type(error).__module__.partition(".")[0] != "pyogrio":
            raise
        raise OSError(errno.ENOSPC, "there is no room for it on the disk, or its file cannot be written") from error


def find_writer(out: Path) -> "Callable[[pa.Table, Path], None]":
    """The function that writes files of this ending."""
    writers = {".parquet": write_parquet, ".gpkg": write_geopackage, ".csv": write_csv}
    if out.suffix.lower() not in writers:
        raise UsageError(
            "An export is a .parquet, .gpkg or .csv file, or a folder",
            f"{out.name!r} has another ending",
            "give the file another ending, or name a folder without one",
        )
    if not os.path.isdir(out.absolute().parent):  # noqa: PTH112 - Path.is_dir raises at a name that is too long
        raise UsageError(
            "An export needs a folder that exists", f"{out.parent} does not exist", "create it first, or choose another"
        )
    return writers[out.suffix.lower()]


def format_events(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The rows with times as timestamps, and cells as H3 strings that other programs know."""
    columns = {name: pd.to_datetime(frame[name], unit="s", utc=True) for name in TIME_COLUMNS}
    columns |= {name: frame[name].map("{:x}".format) for name in CELL_COLUMNS}
    return frame.assign(**columns).drop(columns=["row_id", "superseded_at"])


def add_points(frame: "pd.DataFrame") -> "geopandas.GeoDataFrame":
    """The rows as a GeoDataFrame of points."""
    return geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(frame.lon, frame.lat), crs="EPSG:4326")


def write_parquet(table: pa.Table, path: Path) -> None:
    """GeoParquet with WKB points."""
    write_geoparquet(add_geometry(table), path)


def write_geopackage(table: pa.Table, path: Path) -> None:
    """A GeoPackage with one layer, events."""
    pyogrio.write_arrow(
        add_geometry(decode_texts(table)), path, layer="events", driver="GPKG", geometry_name="geometry",
        geometry_type="Point", crs="EPSG:4326",
    )  # fmt: skip


def write_csv(table: pa.Table, path: Path) -> None:
    """CSV in UTF-8 with times as 2026-11-21T08:15:00Z; text that a spreadsheet would run gets an apostrophe."""
    columns = [_format_for_csv(table[name].combine_chunks()) for name in table.column_names]
    with plain_causes():
        pyarrow.csv.write_csv(pa.table(columns, names=table.column_names), path)


def _format_for_csv(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        days = pc.cast(pc.cast(column, pa.timestamp("s")), pa.string())  # as in 2026-11-21 08:15:00
        return pc.binary_join_element_wise(pc.utf8_replace_slice(days, 10, 11, "T"), "Z", "")
    if pa.types.is_large_string(column.type):
        column = column.dictionary_encode()
    return _escape_texts(column) if pa.types.is_dictionary(column.type) else column


def _escape_texts(column: pa.DictionaryArray) -> pa.Array:
    """The texts, each escaped once. Those that begin with a letter or digit and are plain need no look."""
    plain = pc.match_substring_regex(column.dictionary, r"^[0-9A-Za-z][\x20-\x7e]*$")
    texts = column.dictionary.to_pylist()
    for place in np.flatnonzero(~plain.to_numpy(zero_copy_only=False)).tolist():
        texts[place] = escape_text(texts[place])
    escaped = pa.DictionaryArray.from_arrays(column.indices, pa.array(texts, pa.string()))
    return pc.cast(escaped, pa.string())
