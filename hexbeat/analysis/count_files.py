"""Counts as files: CSV, GeoJSON that QGIS opens, GeoParquet; for the command line and the screens."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from geo.cells import build_outlines
from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from geo.wards import Wards
from hexbeat.areas.area import Area
from hexbeat.files import atomic_write, escape_formulas, require_folder
from layers.columns import Columns
from layers.counting import Counts

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

    from hexbeat.areas import street_names
else:
    pd = import_lazily("pandas")
    geopandas = import_lazily("geopandas")
    street_names = import_lazily("hexbeat.areas.street_names")

__all__ = [
    "MARK",
    "add_mark",
    "add_shapes",
    "build_counts_csv",
    "build_counts_geojson",
    "build_counts_geoparquet",
    "export_counts",
    "find_demonstration_mark",
]

MARK: Final = "synthetic events, not real"
DECIMALS: Final = 6  # of a degree: about 0.1 m


def find_demonstration_mark(columns: Columns) -> str | None:
    """The mark to show with these events, because all or some are synthetic; None if none is."""
    synthetic = int(columns.demonstration.sum())
    if not synthetic:
        return None
    return MARK if synthetic == len(columns) else f"{synthetic:,} of {len(columns):,} events are synthetic, not real"


def export_counts(counts: Counts, out: Path, *, by: Sequence[str], area: Area, note: Mapping[str, str]) -> None:
    """Write the rows of a count to `out`: .csv, .geojson or .parquet. The file appears whole or not at all.

    Cells have their names in the column `place`. GeoJSON and GeoParquet carry hexagons where `by` has cell, else ward
    polygons where it has ward (EPSG:4326). `note` is what the file says about itself; with the key "demonstration"
    every row is marked as well.

    Raises UsageError for another ending, a folder that does not exist, or a map of neither cells nor wards.
    """
    ending = out.suffix.lower()
    if ending not in {".csv", ".geojson", ".parquet"}:
        raise UsageError(
            "Counts are written as .csv, .geojson or .parquet",
            f"{out.name!r} is none of these",
            "give --out another ending",
        )
    require_folder(out)
    is_named = "place" in counts.rows or "cell" not in by
    rows = counts.rows if is_named else street_names.add_place_names(counts.rows, area)
    if ending == ".csv":
        content = build_counts_csv(rows, note=note)
    else:
        write = build_counts_geojson if ending == ".geojson" else build_counts_geoparquet
        content = write(rows, by=by, wards=area.wards, note=note)
    with atomic_write(out) as draft:
        draft.write_bytes(content)


def build_counts_csv(rows: "pd.DataFrame", *, note: Mapping[str, str]) -> bytes:
    """CSV in UTF-8, one header line; text that a spreadsheet would run is made harmless."""
    return escape_formulas(add_mark(rows, note)).to_csv(index=False, lineterminator="\n").encode()


def build_counts_geojson(rows: "pd.DataFrame", *, by: Sequence[str], wards: Wards, note: Mapping[str, str]) -> bytes:
    """A FeatureCollection in WGS 84 (RFC 7946), six decimals, with `note` as the member "metadata"."""
    frame = add_shapes(add_mark(rows, note), by=by, wards=wards)
    features = json.loads(frame.to_json(drop_id=True, to_wgs84=False))["features"]
    return json.dumps({"type": "FeatureCollection", "metadata": dict(note), "features": features}).encode()


def build_counts_geoparquet(rows: "pd.DataFrame", *, by: Sequence[str], wards: Wards, note: Mapping[str, str]) -> bytes:
    """GeoParquet with WKB polygons in EPSG:4326; the mark of demonstration events is a column."""
    buffer = io.BytesIO()
    if "hour" in rows:  # a column of Parquet has one type: an hour that is not known is null
        rows = rows.assign(hour=pd.to_numeric(rows["hour"], errors="coerce").astype("Int64"))
    add_shapes(add_mark(rows, note), by=by, wards=wards).to_parquet(buffer, index=False)
    return buffer.getvalue()


def add_mark(rows: "pd.DataFrame", note: Mapping[str, str]) -> "pd.DataFrame":
    """The rows, with integer counts if all are whole, and columns "demonstration" and "days_not_known" if so."""
    counts = rows["count"]
    marked = rows.assign(count=counts.astype("int64")) if (counts % 1 == 0).all() else rows
    if "missing" in note:
        marked = marked.assign(days_not_known=note["missing"])
    return marked.assign(demonstration=note["demonstration"]) if "demonstration" in note else marked


def add_shapes(rows: "pd.DataFrame", *, by: Sequence[str], wards: Wards) -> "geopandas.GeoDataFrame":
    """The rows with a polygon each: the hexagon where there is a cell, else the ward."""
    if "cell" in by:
        ids = np.array([int(cell, 16) for cell in rows["cell"]], dtype=np.uint64)
        shapes = build_outlines(ids)
    elif "ward" in by:
        index_by_code = {code: index for index, code in enumerate(wards.codes)}
        shapes = wards.polygons[[index_by_code[code] for code in rows["ward_code"]]]
    else:
        raise UsageError(
            "A map file needs cells or wards",
            f"the counts are by {', '.join(by)}",
            "group by cell or ward, or write .csv",
        )
    # A corner that two cells share is rounded to the same point, so that no slivers open between them.
    rounded = shapely.transform(np.asarray(shapes), lambda corners: corners.round(DECIMALS))
    return geopandas.GeoDataFrame(rows, geometry=rounded, crs="EPSG:4326")
