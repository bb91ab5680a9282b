"""GeoParquet 1.1 of points (https://geoparquet.org/releases/v1.1.0): WKB, WGS 84, and the box of all of them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

__all__ = ["add_geometry", "plain_causes", "write_geoparquet"]

_POINT_TYPE: Final = 1
_ROW_GROUP: Final = 131_072  # rows: a reader of a few cells skips the others
_MOST_ENTRIES: Final = 65_536  # of a dictionary that is written with each group of rows
# Columns of which nearly each row has its own value: a dictionary of them is given up halfway, and makes files larger.
_DISTINCT: Final = frozenset({"event_id", "source_id", "lon", "lat", "geometry", "occurred_from", "occurred_to"})
_POINT: Final = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])


def add_geometry(table: pa.Table) -> pa.Table:
    """The table with a column `geometry` of points (WKB, little-endian) from `lon` and `lat`, in WGS 84 degrees."""
    points = np.empty(table.num_rows, dtype=_POINT)
    points["order"], points["type"] = 1, _POINT_TYPE
    points["x"], points["y"] = table["lon"].to_numpy(), table["lat"].to_numpy()
    offsets = np.arange(table.num_rows + 1, dtype=np.int64) * _POINT.itemsize
    if offsets[-1] <= np.iinfo(np.int32).max:
        buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(points)]
        return table.append_column("geometry", pa.Array.from_buffers(pa.binary(), table.num_rows, buffers))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(points)]
    return table.append_column("geometry", pa.Array.from_buffers(pa.large_binary(), table.num_rows, buffers))


@contextmanager
def plain_causes() -> Iterator[None]:
    """OSError in the system's own words, without Arrow's around them."""
    try:
        yield
    except OSError as error:
        if not error.errno:
            raise
        raise OSError(error.errno, os.strerror(error.errno)) from error


def write_geoparquet(table: pa.Table, path: Path) -> None:
    """Write a table of points with their geometry as one file; dictionaries are written as the texts that they hold.

    Each group of rows has the least and greatest value of its columns, `lon` and `lat` among them.
    """
    column = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "crs": pyproj.CRS.from_epsg(4326).to_json_dict(),
        **({"bbox": _find_box(table)} if table.num_rows else {}),
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    times = {field.name: pa.timestamp("us", tz="UTC") for field in table.schema if pa.types.is_timestamp(field.type)}
    table = _decode_distinct(table)
    schema = pa.schema([field.with_type(times.get(field.name, field.type)) for field in table.schema])
    repeated = [name for name in schema.names if name not in _DISTINCT]
    # Without Arrow's own schema a reader finds texts, whatever they were here.
    with (
        plain_causes(),
        pq.ParquetWriter(
            path, schema, compression="zstd", store_schema=False, write_page_checksum=True, use_dictionary=repeated
        ) as writer,
    ):
        writer.add_key_value_metadata({"geo": json.dumps(geo)})
        writer.write_table(table.cast(schema), row_group_size=_ROW_GROUP)


def _decode_distinct(table: pa.Table) -> pa.Table:
    """The table with plain texts in the place of long dictionaries, which each group of rows would write as a whole."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table.column(place).combine_chunks()
            if len(column.dictionary) > _MOST_ENTRIES:
                table = table.set_column(place, field.name, column.cast(pa.string()))
    return table


def _find_box(table: pa.Table) -> list[float]:
    """West, south, east, north."""
    lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
    return [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())]
