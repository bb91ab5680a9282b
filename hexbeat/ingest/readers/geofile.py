"""Reads GeoJSON, GeoPackage, Shapefile (by pyogrio) and GeoParquet (by pyarrow): attributes as text, points as x, y."""

import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import DataError
from geo.geofiles import gdal_address
from geo.lazy_modules import import_lazily
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file, require_start
from hexbeat.ingest.readers.opened_file import CHUNK_ROWS, Chunk, ReadOptions, TextTable, check_headings

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    import pyogrio
else:
    pyogrio = import_lazily("pyogrio")
    pa = import_lazily("pyarrow")
    pc = import_lazily("pyarrow.compute")
    pq = import_lazily("pyarrow.parquet")

__all__ = ["GEOFILE_SUFFIXES", "open_geofile"]

MB: Final = 1_000_000
GEOFILE_SUFFIXES: Final = {
    ".geojson": (b"{", "GeoJSON"),
    ".json": (b"{", "GeoJSON"),
    ".gpkg": (b"SQLite format 3\x00", "a GeoPackage"),
    ".shp": (b"\x00\x00\x27\x0a", "a shapefile"),
    ".parquet": (b"PAR1", "GeoParquet"),
    ".geoparquet": (b"PAR1", "GeoParquet"),
}


@contextmanager
def open_geofile(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open a file of points; DataError if it is damaged, has several layers, or lines and polygons not asked for.

    Nothing is reprojected here: `crs` is that of the file, None if the file names none.
    """
    check_file(path, most_bytes=limits.geofile_bytes)
    magic, kind = GEOFILE_SUFFIXES[path.suffix.lower()]
    require_start(path, magic, kind=kind)
    with _open_parquet(path) if "parquet" in path.suffix.lower() else nullcontext() as file:
        with _translate_errors(path):
            opened = _open_vector(path, options, limits) if file is None else _open_table(path, file, options, limits)
        yield opened


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Turn the errors of GDAL and Arrow into a DataError. Never used around a caller's own code."""
    try:
        yield
    except (
        pyogrio.errors.DataSourceError,
        pa.ArrowException,
        OSError,
        UnicodeDecodeError,
        shapely.errors.ShapelyError,
    ) as error:
        raise DataError(
            f"{path.name} has to be {GEOFILE_SUFFIXES[path.suffix.lower()][1]}, complete and undamaged",
            f"it cannot be read ({type(error).__name__})",
            "put the .shx and .dbf files of the shapefile beside it"
            if path.suffix.lower() == ".shp"
            else "export it again",
        ) from error


def _open_vector(path: Path, options: ReadOptions, limits: Limits) -> TextTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what GDAL warns about is found by the checks of the rows
        address = gdal_address(path) or str(path.resolve())
        layer = _choose_layer(path, address, options.geo_layer)
        info = pyogrio.read_info(address, layer=layer, encoding=options.encoding)
    _require_driver(path, info["driver"])
    columns = check_headings(path.name, list(info["fields"]), limits)
    total = max(int(info["features"]), 1)

    def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
        dates = {"DATE_AS_STRING": "YES"} if info["driver"] == "GeoJSON" else {}
        fields = [info["fields"][columns.index(column)] for column in wanted_columns]
        with (
            _translate_errors(path),
            pyogrio.raw.open_arrow(
                address, layer=layer, columns=fields, encoding=options.encoding, batch_size=CHUNK_ROWS,
                use_pyarrow=True, **dates,
            ) as (meta, reader),
        ):  # fmt: skip
            geometry = meta["geometry_name"] or "wkb_geometry"
            yield from _read_batches(path.name, reader, tuple(fields), wanted_columns, geometry, total, options.shapes)

    return TextTable(columns, chunks, info["crs"])


def _require_driver(path: Path, driver: str) -> None:
    """DataError if GDAL reads the file as another format than its name says."""
    if driver not in ("GeoJSON", "GPKG", "ESRI Shapefile"):
        raise DataError(
            f"{path.name} has to be {GEOFILE_SUFFIXES[path.suffix.lower()][1]}, as its name says",
            f"GDAL reads it as {driver}",
            "export it again",
        )


def _choose_layer(path: Path, address: str, wanted_layer: str | None) -> str:
    """The only layer with geometries, or the named one; DataError otherwise."""
    layers = [str(name) for name, kind in pyogrio.list_layers(address) if kind]
    if wanted_layer in layers:
        return str(wanted_layer)
    if len(layers) == 1 and wanted_layer is None:
        return layers[0]
    names = ", ".join(map(repr, layers)) or "none"
    raise DataError(
        f"{path.name} needs one layer of points, or a source profile that names the layer",
        f"its layers are {names}",
        'name one in a source profile: geo_layer = "…"' if layers else "export the points again",
    )


@contextmanager
def _open_parquet(path: Path) -> "Iterator[pq.ParquetFile]":
    with _translate_errors(path):
        file = pq.ParquetFile(path)
    with file:
        yield file


def _open_table(path: Path, file: "pq.ParquetFile", options: ReadOptions, limits: Limits) -> TextTable:
    metadata = _read_geo_metadata(path, file)
    geometry = metadata["primary_column"]
    about = metadata["columns"][geometry]
    fields = [field.name for field in file.schema_arrow if field.name != geometry]
    columns = check_headings(path.name, fields, limits)
    total = file.metadata.num_rows
    unpacked = sum(file.metadata.row_group(part).total_byte_size for part in range(file.metadata.num_row_groups))
    if unpacked > limits.unpacked_bytes:
        raise DataError(
            f"GeoParquet unpacks to at most {limits.unpacked_bytes / MB:,.2f} MB",
            f"{path.name} unpacks to {unpacked / MB:,.2f} MB",
            "split it, by month for instance",
        )
    if total > limits.rows or about.get("encoding") != "WKB":
        raise DataError(
            f"GeoParquet has at most {limits.rows:,} rows and geometries in WKB",
            f"{path.name} has {total:,} rows in {about.get('encoding')}",
            "export it again with geometry_encoding WKB",
        )

    def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
        wanted_fields = [fields[columns.index(column)] for column in wanted_columns]
        with _translate_errors(path):
            reader = file.iter_batches(CHUNK_ROWS, columns=[*wanted_fields, geometry])
            yield from _read_batches(
                path.name, reader, tuple(wanted_fields), wanted_columns, geometry, max(total, 1), options.shapes
            )

    crs = about.get("crs", "OGC:CRS84")
    return TextTable(columns, chunks, json.dumps(crs) if isinstance(crs, dict) else crs)


def _read_geo_metadata(path: Path, file: "pq.ParquetFile") -> dict[str, Any]:
    try:
        metadata: dict[str, Any] = json.loads((file.schema_arrow.metadata or {})[b"geo"])
        metadata["columns"][metadata["primary_column"]]["encoding"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path.name} has to be GeoParquet",
            "it is Parquet without a geometry column",
            "write it with GeoPandas or QGIS, or save it as CSV",
        ) from error
    return metadata


def _read_batches(
    name: str,
    reader: Any,
    fields: tuple[str, ...],
    wanted_columns: tuple[str, ...],
    geometry: str,
    total: int,
    shapes: str,
) -> Iterator[Chunk]:
    rows_read = 0
    for batch in reader:
        texts = {name: _format_column(batch.column(field)) for name, field in zip(wanted_columns, fields, strict=True)}
        frame = pd.DataFrame(texts, index=range(len(batch)), dtype=object)
        lines = np.arange(rows_read + 1, rows_read + len(batch) + 1, dtype=np.int64)
        binary = batch.column(geometry).to_numpy(zero_copy_only=False)
        points = _build_points(name, shapely.from_wkb(binary, on_invalid="ignore"), lines, shapes)
        rows_read += len(batch)
        if len(batch):
            yield Chunk(frame, lines, min(rows_read / total, 1.0), points)
    if not rows_read:
        raise DataError(f"{name} needs at least one feature", "it has none", "export it again")


def _format_column(column: Any) -> list[str]:
    """An Arrow column as texts, "" for missing values: whole numbers without a point, times as ISO 8601."""
    if pa.types.is_floating(column.type):
        return [_format_number(value) for value in column.to_pylist()]
    try:
        column = pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return ["" if value is None else str(value) for value in column.to_pylist()]  # lists, structs, bytes
    return ["" if value is None else value for value in column.to_pylist()]


def _format_number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


def _build_points(name: str, shapes: NDArray[Any], lines: NDArray[np.int64], rule: str) -> NDArray[np.float64]:
    """Points (n, 2), NaN where there is no geometry. A line or polygon is one point inside it, if the rule says so."""
    kinds = shapely.get_type_id(shapes)
    is_single = (kinds == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    is_other = (kinds != shapely.GeometryType.POINT) & (kinds >= 0) & ~is_single & ~shapely.is_empty(shapes)
    if is_other.any() and rule != "inside_point":
        position = int(np.flatnonzero(is_other)[0])
        raise DataError(
            f"{name} has to hold points",
            f"feature {lines[position]} is a {shapes[position].geom_type}",
            'convert it to points, or set location.shapes = "inside_point" in a source profile',
        )
    shapes = np.where(is_single, shapely.get_geometry(shapes, 0), shapes)
    shapes[is_other] = shapely.point_on_surface(shapes[is_other])
    return np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
