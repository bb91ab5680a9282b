"""The places mask: the pieces where events can happen, made from points or lines and never from events.

A candidate place is a cell of resolution 11 that holds a point or part of a line; the files call it a spot.
`places.csv` of an area has a row for each piece: cell (H3, resolution 9), ward_code, spots and apart. `spots` counts
the candidate places of the piece. `apart` counts those in a selection over the whole area of which no two touch.
`spots.csv` lists the candidate places. `places.toml` says where they come from. A release needs the mask: otherwise
somebody who knows that nothing can happen in a wood would know more than the release allows for.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.cells import count_separate_places, format_cells, index_points_at, parse_cell_strings
from geo.errors import AreaError, DataError
from geo.geofiles import gdal_address
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import WARDS_FILE, Area
from hexbeat.files import atomic_write, format_toml_fact, hash_file

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = import_lazily("geopandas")

__all__ = ["MASK_FILE", "PIECE_RESOLUTION", "MaskReport", "PlacesMask", "build_places_mask", "read_places_mask"]

MASK_FILE: Final = "places.csv"
SPOTS_FILE: Final = "spots.csv"
FACTS_FILE: Final = "places.toml"
PIECE_RESOLUTION: Final = 9
SPOT_RESOLUTION: Final = 11
COLUMNS: Final = ["cell", "ward_code", "spots", "apart"]
_CHUNK_ROWS: Final = 500_000  # rows of a CSV at a time: OS Open UPRN has forty million
_STEP_DEGREES: Final = 1e-4  # distance between the points of a line: 11 m at most, half a candidate place
_COORDINATE_NAMES: Final = {"lon": ("lon", "longitude", "lng"), "lat": ("lat", "latitude")}
_RULE: Final = "A list of places comes from a file of points or lines"
_EVENT_COLUMNS: Final = ("event_id", "source_id", "occurred_from", "h3_11")  # columns of Hexbeat's exports of events
_HINT: Final = "give a CSV with longitude and latitude, or a GeoJSON, GeoPackage, Shapefile or GeoParquet"


@dataclass(frozen=True, slots=True, eq=False)
class PlacesMask:
    """The pieces of an area where events can happen, sorted by ward and cell. Arrays have one value a piece.

    `cell`: H3 cells (uint64). `candidates`: the number of candidate places; one that lies in two pieces counts in both.
    `separate`: the number of those in a selection over the whole area of which no two touch; each counts in one piece
    only, so a small piece may have 0. `candidate_cells`: the H3 cells (uint64) of all candidate places, each once.
    `facts`: places.toml. `sha256`: of places.csv.
    """

    cell: NDArray[np.uint64]
    ward_code: tuple[str, ...]
    candidates: NDArray[np.int64]
    separate: NDArray[np.int64]
    candidate_cells: NDArray[np.uint64]
    facts: dict[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class MaskReport:
    """The number of points or lines read, of candidate places in the area (`spots`), and of pieces that hold them."""

    area: str
    read: int
    spots: int
    pieces: int
    file: str


def build_places_mask(path: Path, area: Area, *, source: str, licence: str, attribution: str) -> MaskReport:
    """Build an area's mask from points or lines (in the CRS that the file names; a CSV is in WGS 84 degrees).

    Writes places.csv, spots.csv and places.toml into the area's folder. DataError if the file has no points or lines,
    or is an export of events; AreaError if none of them lies in the area.
    """
    rows_read, parts = 0, []
    for count, lon, lat in _read_points(path):
        rows_read += count
        parts.append(_find_distinct_points(lon, lat, area))
    candidates = pd.concat(parts).drop_duplicates()
    if candidates.empty:
        raise AreaError(
            "A list of places needs at least one place in its area",
            f"none of the {rows_read:,} rows of {path.name} is in {area.title}",
            "choose the area with --area, or a file of this area",
        )
    groups = candidates.groupby(["ward_code", "cell"], sort=True, as_index=False)
    pieces = groups.agg(spots=("spot", "size"))
    numbers = groups.ngroup().to_numpy().astype(np.int64)
    pieces["apart"] = count_separate_places(candidates["spot"].to_numpy(dtype=np.uint64), numbers, size=len(pieces))
    pieces["cell"] = format_cells(pieces["cell"].to_numpy(dtype=np.uint64))
    with atomic_write(area.folder / MASK_FILE) as draft:
        pieces[COLUMNS].to_csv(draft, index=False, lineterminator="\n")
    cells = format_cells(np.unique(candidates["spot"].to_numpy(dtype=np.uint64)))
    with atomic_write(area.folder / SPOTS_FILE) as draft:
        draft.write_text("\n".join(["spot", *cells]) + "\n", encoding="utf-8")
    facts = {
        "source": source,
        "source_file": path.name,
        "source_sha256": hash_file(path),
        "licence": licence,
        "attribution": attribution,
        "piece_resolution": PIECE_RESOLUTION,
        "spot_resolution": SPOT_RESOLUTION,
        "pieces": len(pieces),
        "wards_sha256": hash_file(area.folder / WARDS_FILE),
        "places_sha256": hash_file(area.folder / MASK_FILE),
        "spots_sha256": hash_file(area.folder / SPOTS_FILE),
    }
    lines = ["# Made by `hexbeat boundaries places`; make again rather than edit."]
    lines += [format_toml_fact(name, value) for name, value in facts.items()]
    with atomic_write(area.folder / FACTS_FILE) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return MaskReport(area.name, rows_read, len(candidates), len(pieces), str(area.folder / MASK_FILE))


def read_places_mask(area: Area) -> PlacesMask:
    """The area's mask; AreaError if there is none, or if it was not made for these wards."""
    rule = f"A release needs the list of places in {area.title} where events can happen"
    hint = f"make it: hexbeat boundaries places FILE --area {area.name}"
    path, spots_path = area.folder / MASK_FILE, area.folder / SPOTS_FILE
    if not all(file.is_file() for file in (path, spots_path, area.folder / FACTS_FILE)):
        raise AreaError(rule, "there is no list yet", hint)
    facts = tomllib.loads((area.folder / FACTS_FILE).read_text(encoding="utf-8"))
    if facts.get("wards_sha256") != hash_file(area.folder / WARDS_FILE):
        raise AreaError(rule, "the list was made for other wards", hint)
    digest = hash_file(path)
    if (facts.get("places_sha256"), facts.get("spots_sha256")) != (digest, hash_file(spots_path)):
        raise AreaError(rule, "the list was changed by hand", hint)
    frame = pd.read_csv(path, dtype={"cell": object, "ward_code": object})
    if list(frame.columns) != COLUMNS:
        raise AreaError(rule, "the list was made by another version of Hexbeat", hint)
    cells, candidate_cells = (
        parse_cell_strings(frame["cell"]),
        parse_cell_strings(pd.read_csv(spots_path, dtype=object)["spot"]),
    )
    candidates, separate = (frame[name].to_numpy(dtype=np.int64) for name in ("spots", "apart"))
    return PlacesMask(cells, tuple(frame["ward_code"]), candidates, separate, candidate_cells, facts, digest)


def _read_points(path: Path) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
    """Chunks of the file: the number of rows, and their points in WGS 84 degrees."""
    try:
        if path.suffix.lower() == ".csv":
            yield from _read_csv_points(path)
            return
        address = path if path.suffix.lower() == ".parquet" else gdal_address(path)
        frame = gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else gpd.read_file(address)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(_RULE, f"{path.name} cannot be read ({type(error).__name__})", _HINT) from error
    _require_no_export(path, frame.columns)
    if frame.crs is None:
        raise DataError(_RULE, f"{path.name} does not name its CRS", "name it in the file, or give a CSV in degrees")
    shapes = frame.to_crs(4326).geometry
    if not shapes.geom_type.isin(("Point", "MultiPoint", "LineString", "MultiLineString")).all():
        raise DataError(_RULE, f"{path.name} has other shapes too", _HINT)
    corners = shapely.get_coordinates(shapely.segmentize(shapes.to_numpy(), _STEP_DEGREES))
    yield len(frame), corners[:, 0], corners[:, 1]


def _read_csv_points(path: Path) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
    header = list(pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns)
    _require_no_export(path, header)
    columns = [next((c for c in header if c.strip().lower() in names), None) for names in _COORDINATE_NAMES.values()]
    if None in columns:
        raise DataError(_RULE, f"{path.name} has the columns {', '.join(header)}", _HINT)
    names = [str(column) for column in columns]
    for part in pd.read_csv(path, usecols=names, dtype=np.float64, chunksize=_CHUNK_ROWS, encoding="utf-8-sig"):
        located = part.dropna()
        yield len(part), located[names[0]].to_numpy(), located[names[1]].to_numpy()


def _require_no_export(path: Path, columns: Iterable[object]) -> None:
    """DataError for a file of Hexbeat's own events."""
    event_columns = [name for name in _EVENT_COLUMNS if name in {str(column).strip().lower() for column in columns}]
    if event_columns:
        raise DataError(
            "A list of places says where events can happen, so it is never made from events",
            f"{path.name} has {' and '.join(event_columns)}, as exports of events do",
            "give addresses, roads or other points that do not come from events",
        )


def _find_distinct_points(lon: NDArray[np.float64], lat: NDArray[np.float64], area: Area) -> pd.DataFrame:
    """The candidate places of these points in the area, each once: columns ward_code, cell, spot."""
    ward = area.wards.locate(lon, lat)
    inside = ward >= 0
    cells = index_points_at(lon[inside], lat[inside], resolutions=(PIECE_RESOLUTION, SPOT_RESOLUTION))
    codes = np.array(area.wards.codes, dtype=object)[ward[inside]]
    frame = pd.DataFrame({"ward_code": codes, "cell": cells[PIECE_RESOLUTION], "spot": cells[SPOT_RESOLUTION]})
    return frame.drop_duplicates()
