"""Parses places to WGS 84 degrees: longitude and latitude, any EPSG, OS grid references, a place in one text."""

import re
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS, Transformer, network
from pyproj.exceptions import CRSError

from geo.coordinates import Place, parse_degrees, parse_place
from geo.errors import DataError
from geo.number_texts import parse_numbers

__all__ = [
    "DEGREES",
    "GRID_REF",
    "NATIONAL_GRID",
    "Points",
    "is_geographic",
    "is_impossible",
    "is_near",
    "parse_grid_refs",
    "parse_pairs",
    "parse_xy",
    "to_degrees",
]

DEGREES: Final = "EPSG:4326"
NATIONAL_GRID: Final = "EPSG:27700"
WGS_84: Final = CRS.from_epsg(4326)
LETTERS: Final = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # of the National Grid: no I
GRID_REF: Final = re.compile(r"([HNOST])([A-HJ-Z])((?:\d\d){1,5})", re.IGNORECASE)
_NATIONAL_GRID_CODE: Final = 27700
_SEPARATORS: Final = re.compile(r"[\s,.-]")
_PLAIN_PAIR: Final = r"^\(?\s*(-?[0-9]{1,3}\.[0-9]+)\s*,\s*(-?[0-9]{1,3}\.[0-9]+)\s*\)?$"
_PLAIN_WKT: Final = r"^POINT ?\((-?[0-9]{1,3}\.[0-9]+) (-?[0-9]{1,3}\.[0-9]+)\)$"
NULL_DEGREES: Final = 1e-6  # missing coordinates often become (0, 0)
Points = NDArray[np.float64]  # (n, 2), x and y; NaN: blank, infinity: not a place


def parse_pairs(texts: pd.Series) -> Points:
    """Longitude and latitude (n, 2) of texts of a place: latitude first, or as `coordinates.parse_place` reads them.

    Infinity for texts that name no place.
    """
    plain = texts.astype("str")
    points = np.full((len(texts), 2), np.nan)
    for pattern, columns in ((_PLAIN_PAIR, (1, 0)), (_PLAIN_WKT, (0, 1))):
        numbers = plain.str.extract(pattern).fillna("")
        pairs = np.column_stack([parse_numbers(numbers[column]) for column in columns])
        points = np.where(np.isnan(points), pairs, points)
    rows = np.flatnonzero(np.isnan(points).any(axis=1) & (texts != "").to_numpy(dtype=np.bool_))
    if len(rows):
        codes, unique = pd.factorize(texts.iloc[rows])
        points[rows] = _parse_places(list(unique))[codes]
    return points


def _parse_places(texts: list[str]) -> Points:
    """Longitude and latitude (n, 2) of texts, each read by itself."""
    rows_by_crs: dict[int | None, list[tuple[int, Place]]] = {}
    for row, text in enumerate(texts):
        if (place := parse_place(text)) is not None:
            rows_by_crs.setdefault(place.crs, []).append((row, place))
    points = np.full((len(texts), 2), np.inf)
    for crs, entries in rows_by_crs.items():
        pairs = np.array([(place.x, place.y) for _, place in entries], dtype=np.float64)
        points[[row for row, _ in entries]] = pairs if crs is None else _to_known_degrees(pairs, f"EPSG:{crs}")
    unread = np.flatnonzero(np.isinf(points).all(axis=1))
    if len(unread):
        references = parse_grid_refs(pd.Series([texts[row] for row in unread], dtype=object))
        points[unread] = to_degrees(references, NATIONAL_GRID)
    return points


def _to_known_degrees(points: Points, crs: str) -> Points:
    """As `to_degrees`; infinity where PROJ does not know the CRS that a text names."""
    try:
        return to_degrees(points, crs)
    except DataError:
        return np.full_like(points, np.inf)


def parse_xy(x: pd.Series, y: pd.Series, crs: str) -> Points:
    """Longitude and latitude (n, 2), WGS 84, of texts of x and y in a CRS; NaN where blank, infinity where not a place.

    Commas may separate the thousands of metres and feet (449,545). In a CRS of degrees a comma is a decimal one.
    """
    if is_geographic(crs):
        return to_degrees(np.column_stack([parse_degrees(x, "lon"), parse_degrees(y, "lat")]), crs)
    return to_degrees(np.column_stack([parse_numbers(x, grouped=True), parse_numbers(y, grouped=True)]), crs)


def parse_grid_refs(texts: pd.Series) -> Points:
    """Eastings and northings (n, 2) in metres of the centres of the squares that OS grid references name.

    "NZ 495 205" is the square of 100 m whose south-west corner is (449500, 520500), so its centre lies 50 m beyond.
    Case and spaces do not matter, but spaces may not part the figures unevenly: "NZ 49500 205" has one figure lost. Two
    numbers of five or more figures are eastings and northings themselves.
    """
    codes, unique = pd.factorize(texts)
    points = np.array([_parse_grid_ref(text) for text in unique], dtype=np.float64).reshape(-1, 2)
    return points[codes]


def _parse_grid_ref(text: str) -> tuple[float, float]:
    if not text:
        return np.nan, np.nan
    match = GRID_REF.fullmatch(_SEPARATORS.sub("", text)) if _is_parted_evenly(text) else None
    if match is None:
        place = parse_place(text) if text[0].isdecimal() else None
        return (place.x, place.y) if place is not None and place.crs == _NATIONAL_GRID_CODE else (np.inf, np.inf)
    first_letter, second_letter = LETTERS.index(match[1].upper()), LETTERS.index(match[2].upper())
    column = (first_letter - 2) % 5 * 5 + second_letter % 5  # of 100 km squares, from the false origin of SV
    row = 19 - first_letter // 5 * 5 - second_letter // 5
    digits, half = match[3], len(match[3]) // 2
    side = 10.0 ** (5 - half)
    east, north = int(digits[:half]) * side, int(digits[half:]) * side
    return column * 100_000 + east + side / 2, row * 100_000 + north + side / 2


def _is_parted_evenly(text: str) -> bool:
    """Whether the spaces among the figures, if there are any, leave as many figures before one of them as after it."""
    groups = [len(group) for group in re.findall("[0-9]+", text)]
    if len(re.findall(r"[0-9]\.[0-9]", text)) > 1:  # 495.5 205.5 has decimals, not separators
        return False
    return len(groups) <= 1 or sum(groups) / 2 in {sum(groups[:place]) for place in range(1, len(groups))}


@lru_cache(maxsize=16)
def _find_crs(crs: str) -> CRS:
    """The CRS; DataError if PROJ does not know it."""
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise DataError(
            "A coordinate system has to be one that PROJ knows",
            f"{crs[:40]!r} is not one",
            "name it by its EPSG code, such as EPSG:27700",
        ) from error


def is_geographic(crs: str) -> bool:
    """Whether coordinates of a CRS are degrees; DataError if PROJ does not know it."""
    return bool(_find_crs(crs).is_geographic)


@lru_cache(maxsize=16)
def _load_transformer(crs: str) -> Transformer:
    # No grid is ever fetched, so nothing leaves the machine. Without OSTN15 the National Grid is right to about 2 m.
    network.set_network_enabled(active=False)  # type: ignore[attr-defined]  # documented, not in __all__
    return Transformer.from_crs(_find_crs(crs), WGS_84, always_xy=True)


def to_degrees(points: Points, crs: str) -> Points:
    """Longitude and latitude (n, 2), WGS 84, of x and y in a CRS; NaN stays NaN, what is not in the CRS is infinity.

    DataError if PROJ does not know the CRS.
    """
    transformer = _load_transformer(crs)
    if _find_crs(crs).is_geographic and _find_crs(crs).to_epsg() == WGS_84.to_epsg():
        return points
    blank: NDArray[np.bool_] = np.asarray(np.isnan(points).any(axis=1))
    safe = np.where(blank[:, None] | np.isinf(points), 0.0, points)
    lon, lat = transformer.transform(safe[:, 0], safe[:, 1])
    degrees = np.column_stack([lon, lat])
    unknown: NDArray[np.bool_] = np.isinf(points).any(axis=1) | (safe == 0).all(
        axis=1
    )  # (0, 0) is no place in any of them
    degrees[unknown & ~blank] = np.inf
    return np.where(np.isnan(points), np.nan, degrees)


def is_impossible(points: Points) -> NDArray[np.bool_]:
    """Which points (n,) are not on the globe, or at longitude 0 and latitude 0; blank ones are not."""
    lon, lat = points[:, 0], points[:, 1]
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(lon) > 180) | (np.abs(lat) > 90)  # noqa: PLR2004  # degrees
        null = (np.abs(lon) < NULL_DEGREES) & (np.abs(lat) < NULL_DEGREES)
    return np.asarray(beyond | null)


def is_near(points: Points, places: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    """Which points (n,) are one of the places, to a millionth of a degree (0.1 m)."""
    is_match: NDArray[np.bool_] = np.zeros(len(points), dtype=np.bool_)
    for lon, lat in places:
        is_match |= (np.abs(points[:, 0] - lon) < NULL_DEGREES) & (np.abs(points[:, 1] - lat) < NULL_DEGREES)
    return is_match
