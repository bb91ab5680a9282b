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
from geo.locations import NATIONAL_GRID, Points, parse_grid_refs, parse_pairs, parse_xy, to_degrees
from hexbeat.ingest.parsing.values import clean_column
from hexbeat.ingest.readers import Chunk, ReadOptions, UnreadableRow, open_file

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
LEAST_FIELDS: Final = 2  # that a row of headings names
_DEGREES: Final = "EPSG:4326"
_MISSING: Final = ("", "-", "n/a", "N/A", "NULL", "None")


@dataclass(frozen=True, slots=True, eq=False)
class PlaceSheet:
    """Rows (n,): cleaned texts by field ("" where blank), lines, and points (n, 2) as longitude and latitude.

    A point is NaN if the row has none, infinity if its coordinates cannot be a place. `headings` are the file's own.
    `unreadable` are rows that are not among them. `sheets` is the sheet of each row, where the workbook has several.
    `remarks` are sentences without a full stop on what was chosen, such as the row of the headings.
    """

    texts: Mapping[str, pd.Series]
    lines: NDArray[np.int64]
    points: Points
    headings: tuple[str, ...]
    unreadable: tuple[UnreadableRow, ...] = ()
    sheets: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def fold_heading(heading: str) -> str:
    """A heading without case, blanks, hyphens, underscores and full stops."""
    return re.sub(r"[\s_.\-]+", "", heading).casefold()


def read_place_sheet(
    path: Path,
    *,
    fields: Mapping[str, Sequence[str]],
    headings_by_field: Mapping[str, str] | None = None,
    tab: str | None = None,
    encoding: str | None = None,
) -> PlaceSheet:
    """Read a file of any kind that Hexbeat reads, by known headings; columns with other headings are not read.

    `fields` maps each field to the headings that mean it. `headings_by_field` gives the heading that a person chose
    for a field, which takes precedence. `tab` is the sheet of a workbook (None: all that have two of the fields), and
    `encoding` that of a text. Polygons and lines count as a point inside them. DataError if the file cannot be read as
    a whole, lacks a chosen heading, or has more than 200,000 rows.
    """
    all_fields, chosen_headings = {**PLACE_FIELDS, **fields}, headings_by_field or {}

    def fits(headings: Sequence[str]) -> bool:
        return _has_fields(headings, all_fields, chosen_headings)

    with open_file(path, ReadOptions(shapes="inside_point", sheet=tab, encoding=encoding, fits=fits)) as opened:
        heading_by_field = _choose_headings(path.name, opened.columns, all_fields, chosen_headings)
        chunks = list(_limit_rows(path.name, opened.chunks(tuple(dict.fromkeys(heading_by_field.values())))))
    if not chunks:
        raise DataError(f"{path.name} needs rows below its headings", "it has none", "export it again")
    frame = pd.concat([chunk.frame for chunk in chunks], ignore_index=True)
    texts = {field: clean_column(frame[heading], _MISSING) for field, heading in heading_by_field.items()}
    shapes = [chunk.points for chunk in chunks if chunk.points is not None]
    geometry = np.vstack(shapes) if shapes else None
    if geometry is not None and opened.crs is None:
        raise DataError(
            f"{path.name} has to name the coordinate system of its points",
            "it names none",
            "put its .prj beside it, or save it as GeoJSON",
        )
    points = _find_points(texts, len(frame)) if geometry is None else to_degrees(geometry, str(opened.crs))
    lines = np.concatenate([chunk.lines for chunk in chunks])
    unreadable = tuple(row for chunk in chunks for row in chunk.unreadable)
    sheets = tuple(chunk.sheet for chunk in chunks if chunk.sheet for _ in chunk.lines)
    return PlaceSheet(texts, lines, points, opened.columns, unreadable, sheets, tuple(opened.remarks))


def _has_fields(
    headings: Sequence[str], fields: Mapping[str, Sequence[str]], chosen_headings: Mapping[str, str]
) -> bool:
    """Whether a row can be that of the headings: it has every chosen one, and two of the fields."""
    folded_headings = {fold_heading(heading) for heading in headings}
    if chosen_headings:
        return {fold_heading(heading) for heading in chosen_headings.values()} <= folded_headings
    known = [{fold_heading(name) for name in (field, *aliases)} for field, aliases in fields.items()]
    return sum(bool(names & folded_headings) for names in known) >= LEAST_FIELDS


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


def _choose_headings(
    name: str, columns: tuple[str, ...], fields: Mapping[str, Sequence[str]], headings_by_field: Mapping[str, str]
) -> dict[str, str]:
    """The heading of each field that the file has."""
    headings = {fold_heading(column): column for column in reversed(columns) if column}
    heading_by_field = {}
    for field, aliases in fields.items():
        names = [headings_by_field[field]] if field in headings_by_field else [field, *aliases]
        heading = next((headings[fold_heading(alias)] for alias in names if fold_heading(alias) in headings), None)
        if heading is None and field in headings_by_field:
            raise DataError(
                "A named column has to be in the file",
                f"{name} has no column {headings_by_field[field]!r}",
                f"its columns are {', '.join(columns)}",
            )
        if heading is not None:
            heading_by_field[field] = heading
    return heading_by_field


def _find_points(texts: Mapping[str, pd.Series], rows: int) -> Points:
    """Degrees (rows, 2) from the first that a row has: lon and lat, easting and northing, grid reference, or a pair."""
    points = np.full((rows, 2), np.nan)
    for candidates in _parse_points(texts):
        points = np.where(np.isnan(points).any(axis=1)[:, None], candidates, points)
    return points


def _parse_points(texts: Mapping[str, pd.Series]) -> list[Points]:
    """The points of each kind of coordinates that the sheet has, in order of precedence."""
    points = []
    if {"lon", "lat"} <= texts.keys():
        points.append(parse_xy(texts["lon"], texts["lat"], _DEGREES))
    if {"easting", "northing"} <= texts.keys():
        points.append(parse_xy(texts["easting"], texts["northing"], NATIONAL_GRID))
    if "grid_ref" in texts:
        points.append(to_degrees(parse_grid_refs(texts["grid_ref"]), NATIONAL_GRID))
    if "lat_lon" in texts:
        points.append(parse_pairs(texts["lat_lon"]))
    return points
