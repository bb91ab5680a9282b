"""Coordinates as people and programs write them: one of them in a cell, or a place in one cell.

Only what has one meaning is read: 54.5742, 54,5742, 54.5742N, N 54 34.452, 54°34'27.1"N, with any of the usual signs;
pairs of these; WKT and GeoJSON points; eastings and northings of the National Grid. Everything else is no place.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.number_texts import normalise_signs, parse_numbers

__all__ = ["Axis", "Place", "parse_degrees", "parse_place"]

Axis = Literal["lon", "lat"]
_MARKS: Final[dict[int, str]] = dict.fromkeys(map(ord, "\u00ba\u02da"), "\u00b0")  # signs that look like degrees
_MARKS.update(dict.fromkeys(map(ord, "\u2032\u2019\u2018\u00b4`\u02b9"), "'"))
_MARKS.update(dict.fromkeys(map(ord, "\u2033\u201d\u201c\u02ba"), '"'))
_DEGREES: Final = re.compile(r"(?<=\d)\s*(?:degrees?|deg\.?)(?![a-z])", re.IGNORECASE)
_ANGLE: Final = re.compile(
    r"(?P<before>[NSEW])?\s*(?P<sign>[-+])?\s*(?P<degrees>[0-9]{1,3}(?:[.,][0-9]+)?)"
    r"(?:(?P<gap>\s*[°:]\s*|\s+)(?P<minutes>[0-9]{1,2}(?:[.,][0-9]+)?)"
    r"(?:(?P<second_gap>\s*[':]\s*|\s+)(?P<seconds>[0-9]{1,2}(?:[.,][0-9]+)?)\s*\"?|\s*')?|\s*°)?"
    r"\s*(?P<after>[NSEW])?",
    re.IGNORECASE,
)
_AXES: Final[dict[str, Axis]] = {"N": "lat", "S": "lat", "E": "lon", "W": "lon"}
_SIXTY: Final = 60
_LABEL: Final = re.compile(r"(?P<lat>lat(?:itude)?)|(?P<lon>lon(?:g(?:itude)?)?|lng)", re.IGNORECASE)
_LABELLED: Final = re.compile(
    rf"(?P<first>{_LABEL.pattern.replace('?P<lat>', '?:').replace('?P<lon>', '?:')})\.?\s*[:=]?\s*(?P<one>[^a-z]+?)"
    rf"[\s,;/&]*(?<![a-z])(?P<second>{_LABEL.pattern.replace('?P<lat>', '?:').replace('?P<lon>', '?:')})\.?\s*[:=]?\s*"
    r"(?P<two>.+)",
    re.IGNORECASE,
)
_NUMBER: Final = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?"
_WKT: Final = re.compile(
    rf"(?:SRID=(?P<srid>[0-9]{{4,6}})\s*;\s*)?POINT\s*(?:ZM|Z|M)?\s*"
    rf"(?:\(\s*(?P<x>{_NUMBER})\s+(?P<y>{_NUMBER})(?:\s+{_NUMBER}){{0,2}}\s*\)|(?P<empty>EMPTY))",
    re.IGNORECASE,
)
_EAST: Final = r"(?P<east>[0-9]{5,6}(?:\.[0-9]+)?|[0-9]{2,3},[0-9]{3})"
_NORTH: Final = r"(?P<north>[0-9]{5,7}(?:\.[0-9]+)?|[0-9]{2,3},[0-9]{3})"
_EASTING: Final = r"(?:E|X|eastings?)\s*[:=]?\s*"
_NORTHING: Final = r"(?:N|Y|northings?)\s*[:=]?\s*"
_GAP: Final = r"(?:\s*[,;/]\s*|\s+)"
_UNIT: Final = r"\s*m?\s*"
_METRES: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:{_EASTING})?{_EAST}{_UNIT}E?{_GAP}(?:{_NORTHING})?{_NORTH}{_UNIT}N?",
        rf"{_NORTHING}{_NORTH}{_UNIT}{_GAP}{_EASTING}{_EAST}{_UNIT}",
        rf"{_NORTH}{_UNIT}N{_GAP}{_EAST}{_UNIT}E",
    )
)
_NAMED: Final = re.compile(r"[A-Za-z ]{1,30}[:=]\s*")  # Location: 54.57, -1.23
_BEHIND_ADDRESS: Final = re.compile(r"(?P<address>[^()]*)\((?P<pair>[^()]+)\)")
_SHAPE_WORDS: Final = re.compile(r"point|line|polygon|curve|circle|collection|srid|surface", re.IGNORECASE)
_LONGEST: Final = 500  # characters of a place in one cell; more is no place, and would take long to try


class Place(NamedTuple):
    """A place of one cell: x and y in a CRS (an EPSG code); `crs` None means a blank place."""

    crs: int | None
    x: float
    y: float


class _Angle(NamedTuple):
    value: float
    axis: Axis | None  # what its letter says
    by_spaces: bool


def parse_degrees(texts: pd.Series, axis: Axis) -> NDArray[np.float64]:
    """Degrees (n,) of a column of longitudes or latitudes: NaN where blank, infinity where a text is no such angle.

    A comma is a decimal one. The letters N and S belong to latitudes, E and W to longitudes.
    """
    numbers = parse_numbers(texts)
    rows = np.flatnonzero(np.isinf(numbers))
    if len(rows):
        codes, unique = pd.factorize(texts.iloc[rows])
        angles = [_parse_angle(_normalise(text)) for text in unique]
        values = [np.inf if angle is None or angle.axis not in {None, axis} else angle.value for angle in angles]
        numbers[rows] = np.array(values, dtype=np.float64)[codes]
    return numbers


def parse_place(text: str) -> Place | None:
    """The place that one text names; None if it names none, or may name several."""
    if len(text) > _LONGEST:
        return None
    text = _normalise(text)
    for parse in (_parse_wkt, _parse_json, _parse_metres, _parse_labelled, _parse_pair):
        place = parse(text)
        if place is not None:
            return place
    if named := _NAMED.match(text):
        return _parse_pair(text[named.end() :])
    address = _BEHIND_ADDRESS.fullmatch(text)
    if address and not _SHAPE_WORDS.search(address["address"]):
        return _parse_pair(address["pair"])
    return None


def _normalise(text: str) -> str:
    text = normalise_signs(text).translate(_MARKS).replace("''", '"')
    return _DEGREES.sub("°", text)


def _parse_number(text: str) -> float:
    return float(text.replace(",", "."))


def _parse_angle(text: str) -> _Angle | None:
    """An angle in degrees; None if the text is none, or contradicts itself ("-1.23W")."""
    match = _ANGLE.fullmatch(text.strip())
    if match is None:
        return None
    parts = match.groupdict()
    letter = parts["before"] or parts["after"]
    whole = [parts["degrees"], parts["minutes"]][: bool(parts["minutes"]) + bool(parts["seconds"])]
    by_spaces = any(gap is not None and not gap.strip() for gap in (parts["gap"], parts["second_gap"]))
    if (
        (parts["before"] and parts["after"])
        or (letter and parts["sign"])
        or any(not number.isdecimal() for number in whole)  # only the last number may have decimals
        or (by_spaces and not parts["seconds"] and not letter)  # 54 34 may be anything
    ):
        return None
    minutes, seconds = (_parse_number(parts[name] or "0") for name in ("minutes", "seconds"))
    if minutes >= _SIXTY or seconds >= _SIXTY:
        return None
    value = _parse_number(parts["degrees"]) + minutes / 60 + seconds / 3600
    negative = parts["sign"] == "-" or (letter or "").upper() in {"S", "W"}
    return _Angle(-value if negative else value, _AXES[letter.upper()] if letter else None, by_spaces)


def _parse_wkt(text: str) -> Place | None:
    match = _WKT.fullmatch(text.strip())
    if match is None:
        return None
    if match["empty"]:
        return Place(None, np.nan, np.nan)
    x, y = float(match["x"]), float(match["y"])
    in_metres = match["srid"] is None and _is_national_grid(x, y)
    return Place(27700 if in_metres else int(match["srid"] or 4326), x, y)


def _is_national_grid(x: float, y: float) -> bool:
    return 1_000 <= x <= 800_000 and 1_000 <= y <= 1_400_000  # noqa: PLR2004 - metres, beyond any degrees


def _parse_json(text: str) -> Place | None:
    """A GeoJSON point, or an object with latitude and longitude; quotes may be single ones."""
    if not text.startswith("{"):
        return None
    table: Any = None
    for candidate in (text, text.replace("'", '"')):
        try:
            table = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        break
    if not isinstance(table, dict):
        return None
    geometry = table.get("geometry") if table.get("type") == "Feature" else table
    if not isinstance(geometry, dict):
        return None
    numbers = geometry.get("coordinates") if geometry.get("type") == "Point" else _pick_lon_lat(geometry)
    if not isinstance(numbers, list) or not 2 <= len(numbers) <= 4:  # noqa: PLR2004 - with height and measure
        return None
    try:
        x, y = (float(number) for number in numbers[:2])
    except (TypeError, ValueError):
        return None
    return Place(27700 if _is_national_grid(x, y) else 4326, x, y)


def _pick_lon_lat(table: dict[str, Any]) -> list[Any] | None:
    named = {_find_label(key): value for key, value in table.items() if _LABEL.fullmatch(key)}
    return [named["lon"], named["lat"]] if named.keys() == {"lon", "lat"} else None


def _find_label(text: str) -> Axis:
    return "lat" if text.lower().startswith("lat") else "lon"


def _parse_metres(text: str) -> Place | None:
    """Eastings and northings of the National Grid in one text: five or more figures each, so never degrees."""
    inner = text.strip().strip("()[]").strip()
    for form in _METRES:
        if match := form.fullmatch(inner):
            return Place(27700, *(float(match[name].replace(",", "")) for name in ("east", "north")))
    return None


def _parse_labelled(text: str) -> Place | None:
    """Latitude and longitude that are named as such, in any order."""
    match = _LABELLED.fullmatch(text.strip())
    if match is None:
        return None
    axes = _find_label(match["first"]), _find_label(match["second"])
    angles = _parse_angle(match["one"]), _parse_angle(match["two"])
    if axes[0] == axes[1]:
        return None
    values = {}
    for axis, angle in zip(axes, angles, strict=True):
        if angle is None or angle.axis not in {None, axis}:
            return None
        values[axis] = angle.value
    return Place(4326, values["lon"], values["lat"])


def _parse_pair(text: str) -> Place | None:
    """Two angles, latitude first unless their letters say otherwise; None if the text can be split in two ways."""
    inner = text.strip()
    if inner[:1] + inner[-1:] in {"()", "[]"}:
        inner = inner[1:-1].strip()
    places = set()
    for first, second in _list_splits(inner):
        one, two = _parse_angle(first), _parse_angle(second)
        if one is None or two is None or (one.by_spaces and not one.axis) or (two.by_spaces and not two.axis):
            continue
        if one.axis == "lon" or two.axis == "lat":
            one, two = two, one
        if one.axis in {None, "lat"} and two.axis in {None, "lon"}:
            places.add(Place(4326, two.value, one.value))
    return places.pop() if len(places) == 1 else None


def _list_splits(text: str) -> Iterator[tuple[str, str]]:
    """The ways to part a text into two coordinates: by its strongest separator, or at any space or letter."""
    for separator in ";|/":
        if separator in text:
            first, _, second = text.partition(separator)
            yield first, second
            return
    commas = [match.start() for match in re.finditer(",", text)]
    if len(commas) == 1:
        yield text[: commas[0]], text[commas[0] + 1 :]
        return
    spaced = [place for place in commas if text[place + 1 : place + 2].isspace()]
    if commas and len(spaced) == 1:  # 54,5742, -1,2350
        yield text[: spaced[0]], text[spaced[0] + 1 :]
        return
    for match in re.finditer(r"\s+|(?<=[NSEWnsew])(?=\s*[0-9])|(?<=[^\sA-Za-z])(?=[NSEWnsew])", text):
        yield text[: match.start()], text[match.end() :]
