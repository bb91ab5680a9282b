"""Spreadsheets of places or visits: rows by known headings, with their points in degrees."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import DataError
from hexbeat.ingest.parsing.locations import NATIONAL_GRID, Points, parse_grid_refs, parse_pairs, parse_xy, to_degrees
from hexbeat.ingest.parsing.values import clean_column
from hexbeat.ingest.readers import Chunk, ReadOptions, open_file

__all__ = ["PLACE_FIELDS", "PlaceSheet", "fold_heading", "read_place_sheet"]

PLACE_FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "lon": ("lon", "longitude", "long", "lng"),
    "lat": ("lat", "latitude"),
    "easting": ("easting", "eastings"),
    "northing": ("northing", "northings"),
    "grid_ref": ("grid ref", "grid reference", "os grid ref", "os grid reference", "ngr"),
    "lat_lon": ("lat lon", "coordinates"),
}
MOST_ROWS: Final = 200_000  # places or visits; more is another kind of file
_DEGREES: Final = "EPSG:4326"
_MISSING: Final = ("", "-", "n/a", "N/A", "NULL", "None")


@dataclass(frozen=True, slots=True, eq=False)
class PlaceSheet:
    """Rows (n,): cleaned texts by field ("" where blank), lines, and points (n, 2) as longitude and latitude.

    A point is NaN if the row has none, infinity if what it has is no place. `headings` are the file's own.
    """

    texts: Mapping[str, pd.Series]
    lines: NDArray[np.int64]
    points: Points
    headings: tuple[str, ...]


def fold_heading(heading: str) -> str:
    """A heading without case, blanks, hyphens, underscores and full stops."""
    return re.sub(r"[\s_.\-]+", "", heading).casefold()


def read_place_sheet(
    path: Path,
    *,
    fields: Mapping[str, Sequence[str]],
    named: Mapping[str, str] | None = None,
    tab: str | None = None,
) -> PlaceSheet:
    """Read a file of any kind that Hexbeat reads, by known headings; columns with other headings are not read.

    `fields` names each field and the headings that mean it, `named` the heading that a person chose for a field (it
    wins), `tab` the sheet of a workbook (None: the only one with rows). Polygons and lines count as a point inside
    them. DataError if the file cannot be read as a whole, lacks a chosen heading, or is very long.
    """
    with open_file(path, ReadOptions(shapes="inside_point", sheet=tab)) as opened:
        chosen = _choose(path.name, opened.columns, {**PLACE_FIELDS, **fields}, named or {})
        chunks = list(_limit_rows(path.name, opened.chunks(tuple(dict.fromkeys(chosen.values())))))
    if not chunks:
        raise DataError(f"{path.name} needs rows below its headings", "it has none", "export it again")
    frame = pd.concat([chunk.frame for chunk in chunks], ignore_index=True)
    texts = {field: clean_column(frame[heading], _MISSING) for field, heading in chosen.items()}
    shapes = [chunk.points for chunk in chunks if chunk.points is not None]
    geometry = np.vstack(shapes) if shapes else None
    if geometry is not None and opened.crs is None:
        raise DataError(
            f"{path.name} has to name the coordinate system of its points",
            "it names none",
            "put its .prj beside it, or save it as GeoJSON",
        )
    points = _points(texts, len(frame)) if geometry is None else to_degrees(geometry, str(opened.crs))
    lines = np.concatenate([chunk.lines for chunk in chunks])
    return PlaceSheet(texts, lines, points, opened.columns)


def _limit_rows(name: str, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    rows = 0
    for chunk in chunks:
        rows += len(chunk.frame)
        if rows > MOST_ROWS:
            raise DataError(
                f"A file of this kind has at most {MOST_ROWS:,} rows",
                f"{name} has more",
                "check that it is the right one",
            )
        yield chunk


def _choose(
    name: str, columns: tuple[str, ...], fields: Mapping[str, Sequence[str]], named: Mapping[str, str]
) -> dict[str, str]:
    """The heading of each field that the file has."""
    headings = {fold_heading(column): column for column in reversed(columns) if column}
    chosen = {}
    for field, aliases in fields.items():
        wanted = [named[field]] if field in named else [field, *aliases]
        heading = next((headings[fold_heading(alias)] for alias in wanted if fold_heading(alias) in headings), None)
        if heading is None and field in named:
            raise DataError(
                "A named column has to be in the file",
                f"{name} has no column {named[field]!r}",
                f"its columns are {', '.join(columns)}",
            )
        if heading is not None:
            chosen[field] = heading
    return chosen


def _points(texts: Mapping[str, pd.Series], rows: int) -> Points:
    """Degrees by the first that a row has of lon and lat, easting and northing, grid reference, and a pair."""
    points = np.full((rows, 2), np.nan)
    for found in _ways(texts):
        points = np.where(np.isnan(points).any(axis=1)[:, None], found, points)
    return points


def _ways(texts: Mapping[str, pd.Series]) -> list[Points]:
    ways = []
    if {"lon", "lat"} <= texts.keys():
        ways.append(parse_xy(texts["lon"], texts["lat"], _DEGREES))
    if {"easting", "northing"} <= texts.keys():
        ways.append(parse_xy(texts["easting"], texts["northing"], NATIONAL_GRID))
    if "grid_ref" in texts:
        ways.append(to_degrees(parse_grid_refs(texts["grid_ref"]), NATIONAL_GRID))
    if "lat_lon" in texts:
        ways.append(parse_pairs(texts["lat_lon"]))
    return ways
