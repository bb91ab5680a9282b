"""Files of reference places: which rows can be used, as what, and why the others cannot."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import DataError
from geo.wards import OUTSIDE
from layers.areas import Area
from layers.parsing.places import is_impossible
from layers.plain_sheets import PlaceSheet, read_place_sheet

__all__ = ["KIND_WORDS", "PLACE_COLUMNS", "PlacesFile", "read_places_file"]

# Each kind, and the words for one and for many.
KIND_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "naloxone": ("place that holds naloxone", "places that hold naloxone"),
    "play_area": ("play area", "play areas"),
    "school": ("school", "schools"),
    "station": ("police station", "police stations"),
    "depot": ("depot", "depots"),
    "named_place": ("named place", "named places"),
}
PLACE_COLUMNS: Final = ("kind", "name", "lon", "lat", "ward_code", "hours")
FIELDS: Final = {
    "name": ("title", "place", "site", "site name", "place name", "school", "establishment name", "label"),
    "hours": ("opening hours", "opening times", "open hours"),
    "opens": ("open from", "open", "opening"),
    "closes": ("open to", "open until", "close", "closing"),
}
REASONS: Final = ("missing_location", "impossible_location", "outside_area", "duplicate")
LONGEST: Final = 200
SAMPLES: Final = 5
_SAME_PLACE_DIGITS: Final = 6  # of a degree: 0.1 m


@dataclass(frozen=True, slots=True, eq=False)
class PlacesFile:
    """What a file holds: `places` (PLACE_COLUMNS, hours None where not said), rows read, and the rejected ones.

    `reasons` counts the rejected rows by REASONS; `samples` are the first of them: (line, reason, name).
    """

    places: pd.DataFrame
    read: int
    reasons: Mapping[str, int]
    samples: tuple[tuple[int, str, str], ...]


def read_places_file(path: Path, *, kind: str, area: Area, named: Mapping[str, str] | None = None) -> PlacesFile:
    """The places of a file, all of one kind; a row without a name is named by its kind and ward.

    DataError if the file cannot be read as a whole, or no row of it can be used.
    """
    sheet = read_place_sheet(path, fields=FIELDS, named=named)
    ward = _wards_of(sheet, area)
    frame = _frame(sheet, ward, kind=kind, area=area)
    reasons = _reasons(sheet, ward, frame)
    bad = np.flatnonzero(reasons != "")
    counted = dict(sorted(Counter(reasons[bad].tolist()).items()))
    if len(bad) == len(frame):
        said = ", ".join(f"{reason} {number:,}" for reason, number in counted.items())
        raise DataError(
            f"{path.name} has to hold places in {area.title}",
            f"none of its {len(frame):,} rows can be used ({said})",
            "check its columns of coordinates, and the area; nothing was changed",
        )
    names = sheet.texts.get("name", pd.Series([""] * len(frame), dtype="object"))
    samples = tuple((int(sheet.lines[k]), str(reasons[k]), str(names.iloc[k])[:LONGEST]) for k in bad[:SAMPLES])
    return PlacesFile(frame[reasons == ""].reset_index(drop=True), len(frame), counted, samples)


def _wards_of(sheet: PlaceSheet, area: Area) -> NDArray[np.int32]:
    finite = np.asarray(np.isfinite(sheet.points).all(axis=1))
    safe = np.where(finite[:, None], sheet.points, 0.0)
    return np.where(finite, area.wards.locate(safe[:, 0], safe[:, 1]), OUTSIDE).astype(np.int32)


def _frame(sheet: PlaceSheet, ward: NDArray[np.int32], *, kind: str, area: Area) -> pd.DataFrame:
    """PLACE_COLUMNS of every row, usable or not."""
    said = {field: list(sheet.texts[field]) if field in sheet.texts else [""] * len(ward) for field in FIELDS}
    inside = [None if place == OUTSIDE else int(place) for place in ward]
    wards = ["" if place is None else area.wards.names[place] for place in inside]
    one = KIND_WORDS[kind][0]
    columns: dict[str, list[str | None]] = {
        "kind": [kind] * len(ward),
        "name": [
            (name or f"{one[0].upper()}{one[1:]}, {where}")[:LONGEST]
            for name, where in zip(said["name"], wards, strict=True)
        ],
        "ward_code": ["" if place is None else area.wards.codes[place] for place in inside],
        "hours": [_hours(*spoken) for spoken in zip(said["hours"], said["opens"], said["closes"], strict=True)],
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})
    return frame.assign(lon=sheet.points[:, 0], lat=sheet.points[:, 1])[list(PLACE_COLUMNS)]


def _hours(hours: str, opens: str, closes: str) -> str | None:
    """Opening hours as the row says them: in words, or from and to; None where it does not."""
    return (hours or (f"{opens} to {closes}" if opens and closes else ""))[:LONGEST] or None


def _reasons(sheet: PlaceSheet, ward: NDArray[np.int32], frame: pd.DataFrame) -> NDArray[np.object_]:
    """Why each row cannot be used; "" where it can."""
    points = sheet.points
    blank = np.isnan(points).any(axis=1)
    finite = np.asarray(np.isfinite(points).all(axis=1))
    wrong = ~blank & (~finite | is_impossible(np.where(finite[:, None], points, 1.0)))
    outside = ward == OUTSIDE
    keys = frame[["name"]].assign(
        lon=frame["lon"].round(_SAME_PLACE_DIGITS), lat=frame["lat"].round(_SAME_PLACE_DIGITS)
    )
    twice = keys.duplicated().to_numpy(dtype=np.bool_)
    return np.select([blank, wrong, outside, twice], list(REASONS), default="").astype(object)
