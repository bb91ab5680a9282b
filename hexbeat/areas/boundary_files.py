"""Reads a published file of wards, and writes the two files of an area."""

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import shapely
from pyproj import CRS
from pyproj.transformer import TransformerGroup

from geo.errors import AreaError
from geo.geofiles import describe_format, detect_format, gdal_address
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import AREA_FILE, WARDS_FILE
from hexbeat.files import format_toml_fact

if TYPE_CHECKING:
    import geopandas as gpd
    import pyogrio
else:
    pyogrio = import_lazily("pyogrio")
    gpd = import_lazily("geopandas")

__all__ = [
    "PUBLISHED_FORMATS",
    "describe_projection",
    "format_wards_json",
    "project_to_degrees",
    "read_published",
    "write_area",
]

PUBLISHED_FORMATS: Final = (".geojson", ".json", ".topojson", ".geojsonl", ".gpkg", ".shp", ".fgb", ".parquet")
MOST_BYTES: Final = 500_000_000  # every ward of England in full detail takes less than half of this
WGS84: Final = "EPSG:4326"


def read_published(path: Path) -> "tuple[gpd.GeoDataFrame, list[str]]":
    """The one layer of a published file, in its own CRS, and the reader's warnings.

    GeoJSON, TopoJSON, GeoPackage, Shapefile, FlatGeobuf or GeoParquet. AreaError if the file is missing, has another
    format, several layers, no rows, a row that is not a polygon, or more than MOST_BYTES.
    """
    if not path.is_file() or path.suffix.lower() not in PUBLISHED_FORMATS:
        raise AreaError(
            f"A file of wards ends in one of {', '.join(PUBLISHED_FORMATS)}",
            f"{path.name} {_describe_ending(path)}",
            "give the path of a GeoJSON, GeoPackage, Shapefile or GeoParquet",
        )
    if path.stat().st_size > MOST_BYTES:
        raise AreaError(
            f"A file of wards has at most {MOST_BYTES // 1_000_000} MB",
            f"{path.name} has {path.stat().st_size // 1_000_000} MB",
            "export only the wards of your area",
        )
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        try:
            frame = _read_one_layer(path)
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            shapely.errors.ShapelyError,
            ValueError,
            UnicodeError,
        ) as error:
            raise AreaError(
                "Hexbeat has to be able to read the file of wards",
                f"{path.name} cannot be read ({type(error).__name__})",
                "open it in QGIS and export it as GeoPackage",
            ) from error
    _require_polygons(path, frame)
    return frame, [str(remark.message) for remark in remarks]


def project_to_degrees(frame: "gpd.GeoDataFrame", *, file: str) -> "gpd.GeoDataFrame":
    """The frame in WGS 84 longitude and latitude. AreaError if its CRS is unknown or does not fit its coordinates."""
    if frame.crs is None:
        raise AreaError(
            "A file of wards has to name its coordinate reference system (CRS)",
            f"{file} does not name one",
            "save it again with its CRS (a Shapefile needs its .prj file beside it)",
        )
    degrees = frame.to_crs(WGS84)
    west, south, east, north = degrees.total_bounds
    # A comparison with infinity or NaN, which failed projections give, is false as well.
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - the bounds of the earth
        raise AreaError(
            "Wards have longitudes from -180 to 180 degrees and latitudes from -90 to 90",
            f"in {frame.crs.name}, {file} reaches from {west:.6g}, {south:.6g} to {east:.6g}, {north:.6g}",
            "save it again with the CRS of its coordinates (British National Grid is EPSG:27700)",
        )
    return degrees


def describe_projection(crs: CRS) -> list[str]:
    """A warning if a missing grid makes the conversion from a CRS to WGS 84 less accurate.

    Without Ordnance Survey's OSTN15 grid, British National Grid is placed within 2 to 5 m instead of 0.1 m.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # best_available gives the same information
        group = TransformerGroup(crs, WGS84, always_xy=True)
    if group.best_available or not group.transformers:
        return []
    accuracy = group.transformers[0].accuracy
    within = f"within {accuracy:g} m" if accuracy >= 0 else "with unknown accuracy"
    return [f"the best PROJ grid for {crs.name} is not installed, so wards are placed {within}"]


def format_wards_json(name: str, frame: "gpd.GeoDataFrame") -> str:
    """GeoJSON of an area's wards, a line a ward. The same frame gives the same text."""
    properties = frame.drop(columns="geometry").to_dict("records")
    features = [
        {"type": "Feature", "properties": row, "geometry": shapely.geometry.mapping(geometry)}
        for row, geometry in zip(properties, frame.geometry, strict=True)
    ]
    lines = ",\n".join(_format_compact_json(feature) for feature in features)
    return f'{{"type":"FeatureCollection","name":{_format_compact_json(name)},"features":[\n{lines}\n]}}\n'


def write_area(folder: Path, *, wards: str, facts: Mapping[str, Any]) -> None:
    """Write both files of an area. The folder does not change until both are complete on disk.

    Other files in the folder stay. AreaError if the folder cannot be written to.
    """
    try:
        _replace_both(folder, wards=wards, facts=facts)
    except OSError as error:
        raise AreaError(
            "Hexbeat has to be able to write to the folder of the area",
            f"{folder.parent.name}/{folder.name} cannot be written ({error.strerror})",
            "choose another folder with --out, or check that the disk has room",
        ) from error


def _replace_both(folder: Path, *, wards: str, facts: Mapping[str, Any]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft_folder = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_durably(draft_folder / WARDS_FILE, wards)
        _write_durably(draft_folder / AREA_FILE, _format_toml(facts))
        folder.mkdir(exist_ok=True)
        for file in (WARDS_FILE, AREA_FILE):
            (draft_folder / file).replace(folder / file)
    finally:
        shutil.rmtree(draft_folder, ignore_errors=True)


def _describe_ending(path: Path) -> str:
    """Why a file cannot be read that does not exist, or has another ending, as in "is KML"."""
    if not path.is_file():
        return "does not exist"
    kind = detect_format(path)
    return f"is {describe_format(kind)}" if kind else "has another ending"


def _read_one_layer(path: Path) -> Any:
    """A GeoDataFrame, or a DataFrame where the file has no geometry."""
    if path.suffix.lower() == ".parquet":
        return gpd.read_parquet(path)
    address = gdal_address(path)
    if address is None:
        kind = detect_format(path)
        raise AreaError(
            "A file of wards is GeoJSON, a GeoPackage, a shapefile (.shp) or GeoParquet",
            f"{path.name} is {describe_format(kind)}" if kind else f"the contents of {path.name} are in another format",
            "export it again in one of these formats",
        )
    layers = [str(name) for name, _ in pyogrio.list_layers(address)]
    if len(layers) != 1:
        raise AreaError(
            "A file of wards has one layer",
            f"{path.name} has {len(layers)}" + (f": {', '.join(layers[:8])}" if layers else ""),
            "export the layer of wards to a file of its own",
        )
    frame = gpd.read_file(address)
    is_in_degrees = address.startswith("TopoJSON:") and isinstance(frame, gpd.GeoDataFrame) and frame.crs is None
    return frame.set_crs(WGS84) if is_in_degrees else frame  # TopoJSON is in degrees, and cannot say so


def _require_polygons(path: Path, frame: Any) -> None:
    """Refuse a table without geometry, without rows, or with anything but polygons."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        fact = f"{path.name} has no {'rows' if isinstance(frame, gpd.GeoDataFrame) else 'geometry'}"
    else:
        kinds = frame.geometry.geom_type.fillna("none")
        others = kinds[~kinds.isin(["Polygon", "MultiPolygon"])]
        if others.empty:
            return
        rows = "1 row" if len(others) == 1 else f"{len(others)} rows"
        verb = "has" if len(others) == 1 else "have"
        fact = f"{rows} of {path.name} {verb} another shape ({', '.join(sorted(set(others)))})"
    raise AreaError("A file of wards has a polygon in each row", fact, "remove the rows that are not wards")


def _format_compact_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _format_toml(facts: Mapping[str, Any]) -> str:
    header = "# Made by `hexbeat boundaries build`; build again rather than edit.\n"
    return header + "".join(f"{format_toml_fact(name, value)}\n" for name, value in facts.items())


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
