"""Reads shapes by GDAL, and Parquet, in a process with limited memory and time: attributes as text, points as x, y."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from geo.errors import DataError
from geo.geofiles import describe_format, gdal_address
from geo.lazy_modules import import_lazily
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file
from hexbeat.ingest.readers.opened_file import CHUNK_ROWS, Chunk, ReadOptions, TextTable, check_headings
from hexbeat.ingest.readers.shapes import build_points
from hexbeat.ingest.readers.worker_process import Worker, WorkerError, start_worker

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = import_lazily("pyarrow")

__all__ = ["open_geofile"]

MB: Final = 1_000_000
WORKER: Final = Path(__file__).with_name("geofile_worker.py")
TITLES: Final = {
    "gpkg": "a GeoPackage",
    "parquet": "Parquet or GeoParquet",
    "geojsonseq": "GeoJSON lines",
    "json": "GeoJSON",
}
DRIVERS: Final = ("GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON", "GPKG", "ESRI Shapefile", "FlatGeobuf", "Parquet")
DEGREES: Final = "OGC:CRS84"


@contextmanager
def open_geofile(path: Path, options: ReadOptions, *, kind: str, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open a file of points, or plain Parquet; `kind` is its format as `geo.geofiles` detects it.

    DataError if it is damaged, or has several layers. Nothing is reprojected here: `crs` is that of the file, None if
    the file names none. A feature that is no point, where points are expected, is an unreadable row.
    """
    size = check_file(path, most_bytes=limits.geofile_bytes)
    request = {
        "address": str(path.resolve()) if kind == "parquet" else gdal_address(path),
        "parquet": kind == "parquet",
        "layer": options.geo_layer,
        "encoding": options.encoding,
        "rows": CHUNK_ROWS,
    }
    with start_worker(WORKER, request, limits=limits, size=size) as worker:
        try:
            header = worker.read_header()
        except WorkerError as error:
            raise _build_worker_error(path, kind, error) from error
        _check_header(path, kind, header, options, limits)
        columns = check_headings(path.name, header["columns"], limits)

        def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
            worker.ask([columns.index(column) for column in wanted_columns])
            try:
                yield from _read_rows(path.name, worker, header, wanted_columns, options.shapes, limits)
            except (WorkerError, pa.ArrowException, OSError) as error:
                raise _build_worker_error(path, kind, error) from error

        yield TextTable(columns, chunks, _read_crs(path, header))


def _check_header(path: Path, kind: str, header: dict[str, Any], options: ReadOptions, limits: Limits) -> None:
    """DataError if GDAL reads the file as another format, or if Parquet is too large or has no shapes in WKB."""
    if header["driver"] not in DRIVERS:
        raise DataError(
            f"{path.name} has to be {_describe(kind)}", f"GDAL reads it as {header['driver']}", "export it again"
        )
    if header.get("unpacked", 0) > limits.unpacked_bytes:
        raise DataError(
            f"Parquet unpacks to at most {limits.unpacked_bytes / MB:,.2f} MB",
            f"{path.name} unpacks to {header['unpacked'] / MB:,.2f} MB",
            "split it, by month for instance",
        )
    if options.records == "features" and header["geometry"] is None:
        raise DataError(
            f"{path.name} has to hold shapes",
            "it is Parquet without a geometry column",
            "choose a source that reads tables, or write it with GeoPandas or QGIS",
        )
    if header["driver"] == "Parquet" and header["geometry"] and header["encoding"] != "WKB":
        raise DataError(
            "GeoParquet has geometries in WKB",
            f"{path.name} has them in another encoding",
            "export it again with geometry_encoding WKB",
        )


def _describe(kind: str) -> str:
    return TITLES.get(kind) or describe_format(kind)


def _build_worker_error(path: Path, kind: str, error: Exception) -> DataError:
    """What the worker reports, as an error; if it ended without a report, memory or time ran out."""
    word, names = (error.word, error.names) if isinstance(error, WorkerError) else ("damaged", [type(error).__name__])
    if word == "layers":
        return DataError(
            f"{path.name} needs one layer of points, or a source profile that names the layer",
            f"its layers are {', '.join(map(repr, names)) or 'none'}",
            'name one in a source profile: geo_layer = "…"' if names else "export the points again",
        )
    rule = f"{path.name} has to be {_describe(kind)}, complete and undamaged"
    if word == "damaged":
        hint = "put the .shx and .dbf files of the shapefile beside it" if kind == "shapefile" else "export it again"
        return DataError(rule, f"it cannot be read ({names[0] if names else 'damaged'})", hint)
    return DataError(rule, "it takes more memory or time to open than such a file may", "export it again, or as CSV")


def _read_crs(path: Path, header: dict[str, Any]) -> str | None:
    """The CRS that the file names; DataError if it names one that PROJ does not know."""
    crs = DEGREES if header["driver"] == "TopoJSON" else header["crs"]  # TopoJSON is in degrees, and cannot say so
    if header["geometry"] is None or not crs:
        return None
    try:
        pyproj.CRS.from_user_input(crs)
    except (pyproj.exceptions.CRSError, UnicodeError) as error:
        raise DataError(
            f"{path.name} has to name a coordinate system that PROJ knows",
            "the one that it names is not known",
            "set the layer's coordinate system, and export it again",
        ) from error
    return str(crs)


def _read_rows(  # the file, and how to read it
    name: str, worker: Worker, header: dict[str, Any], wanted_columns: tuple[str, ...], rule: str, limits: Limits
) -> Iterator[Chunk]:
    rows_read, total = 0, max(header["total"], 1)
    width, has_points = len(wanted_columns), header["geometry"] is not None
    for batch in _read_batches(worker):
        if rows_read + len(batch) > limits.rows:
            raise DataError(f"A file has at most {limits.rows:,} rows", f"{name} has more", "split it")
        texts = {column: batch.column(place).to_pylist() for place, column in enumerate(wanted_columns)}
        frame = pd.DataFrame(texts, index=range(len(batch)), dtype=object)
        lines = np.arange(rows_read + 1, rows_read + len(batch) + 1, dtype=np.int64)
        points, unreadable = _read_points(batch.column(width), rule) if has_points else (None, None)
        rows_read += len(batch)
        yield Chunk(frame, lines, min(rows_read / total, 1.0), points, unreadable)
    if not rows_read:
        raise DataError(f"{name} needs at least one feature", "it has none", "export it again")


def _read_batches(worker: Worker) -> "Iterator[pa.RecordBatch]":
    """The batches that the worker writes; WorkerError if it does not end well, even between two batches."""
    try:
        with pa.ipc.open_stream(worker.answers) as reader:
            yield from (batch for batch in reader if len(batch))
    except (pa.ArrowException, OSError):
        worker.require_success()
        if worker.answers.read(1):  # a worker that wrote nothing found no rows
            raise
    worker.require_success()


def _read_points(binary: Any, rule: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    shapes = shapely.from_wkb(binary.to_numpy(zero_copy_only=False), on_invalid="ignore")
    return build_points(shapes, binary.is_valid().to_numpy(zero_copy_only=False), rule)
