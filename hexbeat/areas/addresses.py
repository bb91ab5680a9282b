"""Finds the place of a record that has no coordinates, only a postcode or the name of a street, as people write them.

A text gives its own place or none. Several streets of one name, a text of which a part is not understood, and a name
that is not in the gazetteer give none: of the 7,142 names of streets in Cleveland, 160 are one letter from another, so
a typing error is never corrected. The street that it may mean is named.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA
from scipy.spatial import cKDTree

from geo.distance import offsets_m
from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import STREET, Gazetteer, group_points, read_gazetteer
from hexbeat.areas.name_words import split_name
from hexbeat.areas.place_names import build_ward_labels
from layers.event import LocationKind

__all__ = ["AddressFinder", "AddressPlace", "UnknownAddress", "build_address_finder"]

POSTCODE_M: Final = (50.0, 200.0)  # the least and the most that an address may lie from the point of its postcode
# Of 1,290 streets of Newport (OpenStreetMap, June 2023), 80 % lie wholly within so many metres of their middle, and of
# the average street 92 % of its length. Most streets of a gazetteer have one known point, so their length is not known.
LEAST_STREET_M: Final = 175.0
# So many postcodes at one point are those of post boxes and large firms, which stand at the sorting office.
FEWEST_POST_BOXES: Final = 10
LONGEST: Final = 200  # letters of a text that are looked at
_MOST_CHOICES: Final = 5
_MOST_PARTS: Final = 8
_WHOLE: Final = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})")
_PART: Final = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?(\d[A-Z]?)?|[A-Z]{1,2}\d?")
_WITHIN: Final = re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?)\s*(\d[A-Z]{2})\b")
_PARTED: Final = re.compile(r"[,;()\n]+")
# What may stand before the name of a street. "Near" and "off" are not here: they are about a place elsewhere.
_BEFORE: Final = re.compile(
    r"(?:on or near|in front of|front of|rear of|outside|opposite|behind|opp|o/s|at|on|in)\b\.?\s*", re.IGNORECASE
)
_DWELLING: Final = re.compile(
    r"(?:(?:flat|apartment|apt|unit)\.?\s*)?(?:no\.?\s*)?\d{1,4}[a-z]?(?:\s*[-\u2013/&]\s*\d{1,4}[a-z]?)?(?=\s|$)",
    re.IGNORECASE,
)
_COUNTRIES: Final = frozenset({("uk",), ("england",), ("united", "kingdom"), ("great", "britain")})
# Words of wards and councils that say nothing by themselves: "Station Road East" is not Station Road in East Ward.
_GENERAL: Final = frozenset(
    split_name(
        "and the of on in by north south east west central centre town upper lower old new park hill village green end "
        "road street lane ward side"
    )
)


@dataclass(frozen=True, slots=True)
class AddressPlace:
    """A place: its longitude and latitude in degrees, what it was found by, and by how many metres it may be off."""

    lon: float
    lat: float
    kind: LocationKind
    metres: float


@dataclass(frozen=True, slots=True)
class UnknownAddress:
    """Why a text gives no place. `part` is "postcode" or "street", or "choice" if `reason` lists several streets."""

    part: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Street:
    """A street: its label for people, its place, and the wards of its points (none: it lies just outside the area)."""

    label: str
    place: AddressPlace
    wards: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class AddressFinder:
    """The postcodes and streets of an area. `title` is what people call it."""

    title: str
    _postcodes: dict[str, AddressPlace | UnknownAddress]
    _streets: dict[tuple[str, ...], list[_Street]]  # by folded words
    _contexts: tuple[tuple[tuple[str, ...], frozenset[str]], ...]  # words of a ward or council, and its wards
    _names: dict[int, dict[str, str]]  # by length: folded words in one text, and the name as it is written

    def find_postcode(self, text: str) -> AddressPlace | UnknownAddress:
        """The place of a whole postcode, in any spacing and case."""
        compact = re.sub(r"[\s.\-]", "", text[:LONGEST]).upper()
        if _WHOLE.fullmatch(compact):
            place = self._postcodes.get(compact)
            return place or UnknownAddress("postcode", f"not in the gazetteer of {self.title}")
        is_part = _PART.fullmatch(compact) is not None
        return UnknownAddress("postcode", "only a part of a postcode" if is_part else "not a postcode")

    def find_street(self, text: str) -> AddressPlace | UnknownAddress:
        """The place of a street, as in "14 Linthorpe Rd, Middlesbrough"; that of a whole postcode in the text, if any.

        A house number before the name does not matter. Behind it may stand its ward, the council or the area, which
        distinguish streets of one name. A text that says anything else gives no place.
        """
        within = _WITHIN.search(text[:LONGEST].upper())
        if within is not None:
            return self.find_postcode(within[1] + within[2])
        parts = [part.strip() for part in _PARTED.split(text[:LONGEST]) if part.strip()][:_MOST_PARTS]
        while len(parts) > 1 and not _cut_before(parts[0]):  # "Flat 2, 14 Linthorpe Road"
            parts = parts[1:]
        reading = next(self._list_readings(parts), None)
        if reading is None:
            return UnknownAddress("street", self._describe_unknown(parts))
        streets, rest, same_part = reading
        return self._choose(streets, rest, same_part=same_part)

    def _list_readings(self, parts: Sequence[str]) -> Iterator[tuple[list[_Street], list[str], bool]]:
        """Streets whose name begins the text, longest names first: the rest of the text, and if it is of one part."""
        if not parts:
            return
        for first in dict.fromkeys((parts[0], _cut_before(parts[0]))):
            for count in range(len(parts), 0, -1):
                streets = self._streets.get(tuple(split_name(" ".join([first, *parts[1:count]]))))
                if streets:
                    yield streets, list(parts[count:]), False
            words = first.split()
            for count in range(len(words) - 1, 0, -1):
                streets = self._streets.get(tuple(split_name(" ".join(words[:count]))))
                if streets:
                    yield streets, [" ".join(words[count:]), *parts[1:]], True

    def _choose(self, streets: list[_Street], rest: list[str], *, same_part: bool) -> AddressPlace | UnknownAddress:
        """The one of several streets that fits the rest of the text."""
        fitting = streets
        for position, part in enumerate(rest):
            words = tuple(split_name(part))
            if words in _COUNTRIES:
                continue
            wards = self._find_wards(words, whole_only=same_part and position == 0)
            if not wards:
                return UnknownAddress("street", f"the rest of the address is no ward or council of {self.title}")
            fitting = [street for street in fitting if street.wards & wards]
        if len(fitting) == 1:
            return fitting[0].place
        labels = [street.label for street in fitting or streets]
        more = f" and {len(labels) - _MOST_CHOICES} more" if len(labels) > _MOST_CHOICES else ""
        return UnknownAddress("choice", ", ".join(labels[:_MOST_CHOICES]) + more)

    def _find_wards(self, words: tuple[str, ...], *, whole_only: bool) -> frozenset[str]:
        """The wards that words mean: by a whole name, or (unless `whole_only`) by some words of one."""
        if not set(words) - _GENERAL and whole_only:
            return frozenset()
        wards = [
            codes
            for name, codes in self._contexts
            if name == words or (not whole_only and set(words) <= set(name) and set(words) - _GENERAL)
        ]
        return frozenset().union(*wards)

    def _describe_unknown(self, parts: Sequence[str]) -> str:
        """That a street is not known, with the one or two that a typing error may have meant."""
        name = " ".join(split_name(_cut_before(parts[0]))) if parts else ""
        known = {
            text: written for shift in (-1, 0, 1) for text, written in self._names.get(len(name) + shift, {}).items()
        }
        near = process.extract(name, list(known), scorer=OSA.distance, score_cutoff=1, limit=2)
        similar = " or ".join(sorted(known[text] for text, _, _ in near))
        return f"not in the gazetteer of {self.title}" + (f"; similar: {similar}" if similar else "")


def build_address_finder(area: Area) -> AddressFinder | None:
    """The postcodes and streets of an area, kept in memory until its files change; None if it has no gazetteer.

    AreaError if its gazetteer cannot be read.
    """
    gazetteer = read_gazetteer(area)
    return None if gazetteer is None else _build_finder(area, gazetteer)


@lru_cache(maxsize=4)
def _build_finder(area: Area, gazetteer: Gazetteer) -> AddressFinder:
    """The finder. Area and gazetteer stay in memory until their files change, and are compared by identity."""
    streets = _list_streets(area, gazetteer)
    by_words: dict[tuple[str, ...], list[_Street]] = {}
    names: dict[int, dict[str, str]] = {}
    for name, label, street in streets:
        for words in {tuple(split_name(name)), tuple(split_name(label))}:
            by_words.setdefault(words, []).append(street)
        text = " ".join(split_name(name))
        names.setdefault(len(text), {}).setdefault(text, name)
    return AddressFinder(area.title, _place_postcodes(gazetteer.points), by_words, _list_contexts(area), names)


def _cut_before(part: str) -> str:
    """A text without "outside", a flat and a house number before the name of the street."""
    for pattern in (_BEFORE, _DWELLING, _DWELLING):
        match = pattern.match(part)
        part = part[match.end() :].strip() if match else part
    return part


def _place_postcodes(points: pd.DataFrame) -> dict[str, AddressPlace | UnknownAddress]:
    """Each postcode without its space, at its point. It is off by the distance to the nearest other postcode at most.

    The half of that would be too little: the land of a postcode reaches half-way to the nearest other at one side only.
    Postcodes of post boxes have no place: on a map they would make a hotspot of the sorting office.
    """
    codes = points[points["kind"] == "postcode"].drop_duplicates("name")
    if codes.empty:
        return {}
    xy = _measure_xy(codes, codes)
    away, _ = cKDTree(xy).query(xy, k=2)
    metres = np.clip(np.where(np.isfinite(away[:, 1]), away[:, 1], np.inf), *POSTCODE_M).round(1)
    together = codes.groupby(["lon", "lat"])["name"].transform("size").tolist()
    rows = zip(codes["name"], codes["lon"].tolist(), codes["lat"].tolist(), metres.tolist(), together, strict=True)
    return {
        name.replace(" ", ""): AddressPlace(lon, lat, "postcode", off)
        if count < FEWEST_POST_BOXES
        else UnknownAddress("postcode", f"one of {count} at a single point, as those of post boxes are")
        for name, lon, lat, off, count in rows
    }


def _list_streets(area: Area, gazetteer: Gazetteer) -> list[tuple[str, str, _Street]]:
    """Name, name of its entry in the gazetteer, and place of every street, those just outside the area too."""
    points = gazetteer.points[gazetteer.points["kind"] == STREET].reset_index(drop=True)
    if points.empty:
        return []
    points = points.assign(place=group_points(points), is_outside=points["ward_code"] == "")
    # A street stands at a point in the area, if it has one, but is known as far as all its points reach.
    has_inside = ~points.groupby("place")["is_outside"].transform("min")
    core = points[~(points["is_outside"] & has_inside)]
    xy = _measure_xy(core, points)
    middle = pd.DataFrame(xy, index=core["place"]).groupby(level=0).transform("mean").to_numpy()
    core = core.assign(away=((xy - middle) ** 2).sum(axis=1).round(3))
    stands = core.sort_values(["place", "away", "lon", "lat"], kind="stable").drop_duplicates("place")
    stands = stands.set_index("place")
    reach = _measure_reach(points, stands)
    wards = points[~points["is_outside"]].groupby("place")["ward_code"].agg(frozenset)
    labels = build_ward_labels(area.wards)
    entries = gazetteer.entries[gazetteer.entries["kind"] == STREET]
    entry_names = dict(zip(zip(entries["lon"], entries["lat"], strict=True), entries["name"], strict=True))
    streets = []
    for place, name, code, lon, lat in stands[["name", "ward_code", "lon", "lat"]].itertuples(name=None):
        entry = entry_names.get((lon, lat), name)
        entry = entry if entry.startswith(name) else name
        ward = labels.get(code, f"outside {area.title}")
        address_place = AddressPlace(lon, lat, "street", max(LEAST_STREET_M, round(float(reach[place]), 1)))
        streets.append((name, entry, _Street(f"{entry} ({ward})", address_place, wards.get(place, frozenset()))))
    return sorted(streets, key=lambda item: item[2].label)


def _measure_xy(points: pd.DataFrame, around: pd.DataFrame) -> NDArray[np.float64]:
    """Metres (n, 2) of points from the middle of those around."""
    middle = float(around["lon"].mean()), float(around["lat"].mean())
    return offsets_m(points["lon"], points["lat"], origin_lon=middle[0], origin_lat=middle[1])


def _measure_reach(points: pd.DataFrame, stands: pd.DataFrame) -> pd.Series:
    """Metres from where each street stands to the farthest of its points, by place."""
    own = stands.loc[points["place"], ["lon", "lat"]]
    metres = np.hypot(*(_measure_xy(points, points) - _measure_xy(own, points)).T)
    return pd.Series(metres, index=points["place"]).groupby(level=0).max()


def _list_contexts(area: Area) -> tuple[tuple[tuple[str, ...], frozenset[str]], ...]:
    """The folded names of the area, its councils and its wards (their codes too), each with its ward codes."""
    wards = area.wards
    codes_by_name: dict[tuple[str, ...], set[str]] = {tuple(split_name(area.title)): set(wards.codes)}
    for names in (wards.names, wards.codes, wards.lad_names):
        for code, name in zip(wards.codes, names, strict=False):
            codes_by_name.setdefault(tuple(split_name(name)), set()).add(code)
    return tuple((words, frozenset(codes)) for words, codes in codes_by_name.items() if words)
