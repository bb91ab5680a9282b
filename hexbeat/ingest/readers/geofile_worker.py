"""Reads one file of shapes, or of Parquet, in a process of its own, with bounded memory and time.

Started by its path (hexbeat.ingest.readers.worker_process), so it imports nothing of the project:
`python -I geofile_worker.py REQUEST BYTES SECONDS`. Standard output: one line of JSON with the columns. Then it waits
for a line of JSON with the wanted columns, and writes their rows as an Arrow stream: texts, and the shapes as WKB.
Problems go to standard error as JSON. No content of the file is ever in one.
"""

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["format_column", "main"]

PROBLEM = 3
MOST_WRITTEN = 1_000_000  # bytes of a file: the report of a problem is the only one
# Drivers that open other files or addresses that a file names.
SKIPPED = (
    "OGR_VRT", "GDALG", "SQLite", "MBTiles", "PMTiles", "HTTP", "WFS", "OAPIF", "CSW", "OGCAPI", "EEDA", "PLSCENES",
    "Elasticsearch", "Carto", "AmigoCloud", "NGW", "GPSBabel", "ADBC", "MVT", "GML", "CSV", "GTFS",
)  # fmt: skip
UNUSED = ("geopandas", "pandas", "shapely", "pyproj")  # pyogrio works without them, and starts five times as fast


def main(arguments: list[str]) -> int:
    """Write the columns, then the rows; 3 if there is a problem that standard error names."""
    request, most_bytes, most_s = json.loads(arguments[0]), int(arguments[1]), int(arguments[2])
    _limit_resources(most_bytes, most_s)
    sys.meta_path.insert(0, _Refusal())
    os.environ["GDAL_SKIP"] = ",".join(SKIPPED)
    try:
        with _open_parquet(request) if request["parquet"] else _open_shapes(request) as (header, read_batches):
            print(json.dumps(header), flush=True)  # noqa: T201  # the answer of this process
            line = sys.stdin.readline()
            if line:
                _write_rows(read_batches(json.loads(line)), header["geometry"])
    except _ProblemError as problem:
        return _report_problem(problem.word, problem.names)
    except Exception as error:  # noqa: BLE001  # whatever GDAL and Arrow raise: the file is damaged
        return _report_problem("damaged", [type(error).__name__])
    return 0


class _Refusal:
    """Finds no module that is not needed, so that libraries do without it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """ImportError for the modules that are not needed."""
        del path, target
        if name in UNUSED:
            raise ModuleNotFoundError(name=name)


class _ProblemError(Exception):
    def __init__(self, word: str, names: list[str]) -> None:
        super().__init__(word)
        self.word, self.names = word, names


def _limit_resources(most_bytes: int, most_s: int) -> None:
    """Limit memory and CPU time, on systems that can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))


def _report_problem(word: str, names: list[str]) -> int:
    json.dump({"problem": word, "names": names[:20]}, sys.stderr)
    return PROBLEM


@contextmanager
def _open_shapes(request: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    import pyogrio  # noqa: PLC0415  # after the bounds are set
    import pyogrio.raw  # noqa: PLC0415

    address, encoding = request["address"], request["encoding"]
    layers = [str(name) for name, kind in pyogrio.list_layers(address) if kind]
    layer = request["layer"] or (layers[0] if len(layers) == 1 else "")
    if layer not in layers:
        raise _ProblemError("layers", layers)
    info = pyogrio.read_info(address, layer=layer, encoding=encoding)
    fields = [str(field) for field in info["fields"]]
    header = {
        "columns": fields,
        "crs": info["crs"],
        "driver": info["driver"],
        "total": int(info["features"]),
        "geometry": "geometry",
    }
    # A date or time is handed over as the file has it: GDAL would take a time without a zone for UTC.
    options = {"DATE_AS_STRING": "YES"} if info["driver"] == "GeoJSON" else {}

    def read_batches(wanted: list[int]) -> Iterator[Any]:
        names = [fields[place] for place in wanted]
        with pyogrio.raw.open_arrow(
            address, layer=layer, columns=names, encoding=encoding, batch_size=request["rows"], use_pyarrow=True,
            datetime_as_string=True, **options,
        ) as (meta, reader):  # fmt: skip
            geometry = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                yield [batch.column(name) for name in names], batch.column(geometry)

    yield header, read_batches


@contextmanager
def _open_parquet(request: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    import pyarrow.parquet as pq  # noqa: PLC0415  # after the bounds are set

    with pq.ParquetFile(request["address"]) as file:
        geometry, about = _read_geo_metadata(file.schema_arrow.metadata or {})
        fields = [field.name for field in file.schema_arrow if field.name != geometry]
        groups = range(file.metadata.num_row_groups)
        crs = about.get("crs", "OGC:CRS84")
        header = {
            "columns": fields,
            "crs": json.dumps(crs) if isinstance(crs, dict) else crs,
            "driver": "Parquet",
            "total": file.metadata.num_rows,
            "geometry": geometry,
            "encoding": about.get("encoding"),
            "unpacked": sum(file.metadata.row_group(group).total_byte_size for group in groups),
        }

        def read_batches(wanted: list[int]) -> Iterator[Any]:
            names = [fields[place] for place in wanted]
            for batch in file.iter_batches(request["rows"], columns=[*names, *([geometry] if geometry else [])]):
                yield [batch.column(name) for name in names], batch.column(geometry) if geometry else None

        yield header, read_batches


def _read_geo_metadata(metadata: dict[bytes, bytes]) -> tuple[str | None, dict[str, Any]]:
    """The geometry column and what the file says of it; None if the file is plain Parquet."""
    with suppress(KeyError, TypeError, ValueError, RecursionError):
        about = json.loads(metadata[b"geo"])
        geometry = str(about["primary_column"])
        return geometry, dict(about["columns"][geometry])
    return None, {}


def _write_rows(batches: Iterable[Any], geometry: str | None) -> None:
    """The rows as an Arrow stream with the columns 0, 1, … of texts, and "geometry" of WKB."""
    import pyarrow as pa  # noqa: PLC0415  # after the bounds are set

    writer = None
    for columns, shapes in batches:
        arrays = [format_column(column) for column in columns]
        if geometry is not None:
            arrays.append(shapes.cast(pa.large_binary()))
        # A row of its own says how many rows there are if no column is wanted.
        arrays.append(pa.nulls(len(arrays[0]) if arrays else len(shapes)))
        batch = pa.record_batch(arrays, names=[str(place) for place in range(len(arrays))])
        if writer is None:
            writer = pa.ipc.new_stream(sys.stdout.buffer, batch.schema)
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def format_column(column: Any) -> Any:
    """An Arrow column as texts, "" for missing values: whole numbers without a point, times as ISO 8601."""
    import pyarrow as pa  # noqa: PLC0415  # after the bounds are set
    import pyarrow.compute as pc  # noqa: PLC0415

    if pa.types.is_floating(column.type):
        return pa.array([_format_number(value) for value in column.to_pylist()], pa.large_string())
    try:
        return pc.fill_null(pc.cast(column, pa.large_string()), "")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists, structs, bytes
        return pa.array(["" if value is None else str(value) for value in column.to_pylist()], pa.large_string())


def _format_number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
