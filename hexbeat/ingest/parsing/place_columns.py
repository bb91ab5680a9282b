"""The place of each row by the columns of a file, and whether the file as a whole holds something else in them.

Latitudes in the column of longitudes, or eastings in it, put every place elsewhere. Which is so is decided from where
all places of the file fall, never for one row by itself.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.coordinates import parse_degrees
from geo.errors import DataError
from geo.locations import (
    DEGREES,
    NATIONAL_GRID,
    Points,
    is_geographic,
    is_impossible,
    parse_grid_refs,
    parse_pairs,
    parse_xy,
    to_degrees,
)
from geo.number_texts import parse_numbers
from geo.wards import OUTSIDE, Wards
from hexbeat.ingest.sources import Location
from hexbeat.ingest.sources.column_plan import ColumnRoles
from layers.wording import format_plural

__all__ = ["PlaceColumns", "PlaceTally", "Reading", "choose_reading"]

Texts = dict[str, pd.Series]
Reading = Literal["as named", "swapped", "metres", "metres swapped", "degrees", "degrees swapped"]
_OTHERS: Final[tuple[Reading, ...]] = ("swapped", "metres", "metres swapped", "degrees", "degrees swapped")
_MEANINGS: Final[dict[Reading, str]] = {
    "as named": "as the columns are named",
    "swapped": "with both coordinates swapped",
    "metres": "as eastings and northings of the National Grid instead of degrees",
    "metres swapped": "as northings and eastings of the National Grid instead of degrees",
    "degrees": "as degrees instead of metres",
    "degrees swapped": "as degrees instead of metres, latitude first",
}
_LEAST_METRES: Final = 1_000.0  # smaller numbers are degrees
_MOST_DEGREES: Final = 180.0
_MOSTLY: Final = 3  # times as many places in the area as they stand: the few others are mistakes of their rows
_CLEARLY: Final = 20  # times as many by another reading: a file is read another way only on clear evidence


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """The columns of the place in one file of a source. `crs` is that of the file's own points."""

    source: str
    plan: ColumnRoles
    rules: Location
    crs: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """The headings of the place."""
        plan = self.plan
        return (*(plan.lon_lat or ()), *(plan.x_y or ()), *filter(None, (plan.grid_ref, plan.lat_lon)))

    def list_readings(self, *, has_points: bool) -> tuple[Reading, ...]:
        """The other readings that these columns allow."""
        plan, rules = self.plan, self.rules
        systems = [DEGREES] if plan.lon_lat else []
        systems += [rules.crs] if plan.x_y and rules.crs else []
        systems += [self.crs or rules.crs or DEGREES] if has_points else []
        kinds = ["metres" if is_geographic(crs) else "degrees" for crs in systems]
        return tuple(
            reading
            for reading in _OTHERS
            if reading.split()[0] in kinds or (reading == "swapped" and (kinds or plan.lat_lon))
        )

    def find_places(self, texts: Texts, points: Points | None, reading: Reading = "as named") -> Points:
        """Longitude and latitude (n, 2) of each row, from the first kind of coordinates that it has in full, or NaN.

        DataError if the file has no points, and the source names no columns for them.
        """
        plan, rules = self.plan, self.rules
        candidates: list[Points] = []
        if points is not None:
            candidates.append(_read_points(points, self.crs or rules.crs or "", reading))
        if plan.lon_lat:
            candidates.append(_read_columns(texts[plan.lon_lat[0]], texts[plan.lon_lat[1]], DEGREES, reading))
        if plan.x_y and rules.crs:
            candidates.append(_read_columns(texts[plan.x_y[0]], texts[plan.x_y[1]], rules.crs, reading))
        if plan.grid_ref:
            candidates.append(to_degrees(parse_grid_refs(texts[plan.grid_ref]), NATIONAL_GRID))
        if plan.lat_lon:
            pairs = parse_pairs(texts[plan.lat_lon])
            candidates.append(pairs[:, ::-1] if reading == "swapped" else pairs)
        if not candidates and plan.address_columns:
            return np.full((len(texts[plan.address_columns[0]]), 2), np.nan)
        if not candidates:
            raise DataError(
                f"A file for {self.source} has shapes",
                "this one is a table without them",
                "choose a source that reads tables, or name the columns of the place in its profile",
            )
        place = candidates[0]
        for points_found in candidates[1:]:
            blank: NDArray[np.bool_] = np.asarray(np.isnan(place).any(axis=1))
            place = np.where(blank[:, None], points_found, place)
        return place


def _read_columns(x: pd.Series, y: pd.Series, crs: str, reading: Reading) -> Points:
    if reading == "as named":
        return parse_xy(x, y, crs)
    if reading.endswith("swapped"):
        x, y = y, x
    if reading == "swapped":
        return parse_xy(x, y, crs)
    if not is_geographic(crs):
        return _keep_degrees(np.column_stack([parse_degrees(x, "lon"), parse_degrees(y, "lat")]))
    return _read_metres(np.column_stack([parse_numbers(x, grouped=True), parse_numbers(y, grouped=True)]))


def _read_points(points: Points, crs: str, reading: Reading) -> Points:
    if reading == "as named":
        return to_degrees(points, crs)
    if reading.endswith("swapped"):
        points = points[:, ::-1]
    if reading == "swapped":
        return to_degrees(points, crs)
    return _read_metres(points) if is_geographic(crs) else _keep_degrees(points)


def _keep_degrees(numbers: Points) -> Points:
    with np.errstate(invalid="ignore"):
        are_degrees: NDArray[np.bool_] = np.asarray((np.abs(numbers) <= _MOST_DEGREES).all(axis=1))
    return np.where(are_degrees[:, None] | np.isnan(numbers), numbers, np.inf)


def _read_metres(numbers: Points) -> Points:
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((numbers >= _LEAST_METRES).all(axis=1) & np.isfinite(numbers).all(axis=1))
    points = np.where(np.isnan(numbers), np.nan, np.inf)
    if len(rows):
        points[rows] = to_degrees(numbers[rows], NATIONAL_GRID)
    return points


@dataclass(slots=True)
class PlaceTally:
    """How many places of a file lie in the area by each reading, of `rows` with a place."""

    rows: int = 0
    inside: Counter[Reading] = field(default_factory=Counter)

    def add(self, columns: PlaceColumns, texts: Texts, points: Points | None, wards: Wards, *, ward: NDArray[np.int32],
            missing: NDArray[np.bool_]) -> None:  # fmt: skip
        """Count the rows of a chunk; `ward` (n,) is that of each place as the columns are named, OUTSIDE for none."""
        self.rows += int(np.count_nonzero(~missing))
        self.inside["as named"] += int(np.count_nonzero(ward != OUTSIDE))
        outside = np.flatnonzero(~missing & (ward == OUTSIDE))
        if not len(outside):
            return
        outside_texts = {name: texts[name].iloc[outside] for name in columns.names}
        outside_points = None if points is None else points[outside]
        for reading in columns.list_readings(has_points=points is not None):
            place = columns.find_places(outside_texts, outside_points, reading)
            possible = np.isfinite(place).all(axis=1) & ~is_impossible(place)
            ward_indices = wards.locate(place[possible, 0], place[possible, 1])
            self.inside[reading] += int(np.count_nonzero(ward_indices != OUTSIDE))


def choose_reading(name: str, tally: PlaceTally, *, area: str, wider_region: bool) -> tuple[Reading, tuple[str, ...]]:
    """How the file's columns of the place are read, and a sentence on it where that is not as they are named.

    Another reading is taken where no place of the file lies in the area as named, and most do by it; of a file of a
    wider region, some do. DataError if it stays unclear.
    """
    named = tally.inside["as named"]
    other = max(_OTHERS, key=lambda reading: tally.inside[reading])
    count = tally.inside[other]
    if count == 0:
        return "as named", ()
    if named >= _MOSTLY * count:
        few = f"{format_plural(count, 'place', 'places')} would lie in {area} {_MEANINGS[other]}"
        return "as named", (f"{name}: {few}, and {named:,} lie there as they stand; all are read as they stand",)
    is_most = wider_region or 2 * count >= tally.rows
    if is_most and count >= _CLEARLY * named:
        of_all = f"{count:,} of {tally.rows:,} places lie in {area} that way, and {named or 'none'} as they stand"
        return other, (f"{name}: coordinates are read {_MEANINGS[other]}, because {of_all}",)
    raise DataError(
        "The coordinates of a file are all in the same order and system",
        f"{name} has {format_plural(named, 'place', 'places')} in {area} as its coordinates stand, "
        f"and {count:,} {_MEANINGS[other]}",
        "correct the columns of the place, or split the file",
    )
