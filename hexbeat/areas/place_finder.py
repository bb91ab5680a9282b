"""Finds a place by what a person types: a street, postcode, ward, school, station, cell, coordinates or grid reference.

Coordinates may be written in any notation that files may have (geo.coordinates).

Nothing typed leaves the machine, and nothing typed is kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA
from scipy.spatial import cKDTree

from geo.cells import format_short_code
from geo.distance import offsets_m
from geo.errors import UsageError
from geo.locations import GRID_REF, parse_pairs
from geo.number_texts import clean_text
from geo.wards import Wards
from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import KINDS, STREET, Gazetteer, read_gazetteer
from hexbeat.areas.name_words import covers_name, split_name
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.areas.street_names import name_cells

__all__ = [
    "FOUND_COLUMNS",
    "FoundPlace",
    "describe_no_match",
    "find_one_place",
    "find_places",
    "format_place_label",
]

FOUND_COLUMNS: Final = ("name", "kind", "ward_code", "ward_name", "lon", "lat")
LONGEST_QUERY: Final = 200
_MOST_NAMED: Final = 5  # places that an error names
_SHORTEST_MISTYPED: Final = 4  # letters of a word in which one typing error is forgiven
_POSTCODE: Final = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)\s?(?:(\d)([A-Z]{0,2}))?")
_CONTEXT_COST: Final = 4.0  # of a word that only the ward or the council has
_CELL: Final = re.compile(r"[0-9a-f]{15}")
_SHORT_CODE: Final = re.compile(r"[0-9a-f]{4}")
_NAMED_RESOLUTIONS: Final = (9, 10)  # of the cells that maps show
_CODE_DIGITS: Final = 5  # of a cell's index that its short code holds whole
_FINEST: Final = 15
_PARK_M: Final = 150.0  # to the nearest postcode, from the known point of a park
_POSTCODES_KNOWN_M: Final = 1_000.0
_FEWEST_FIGURES: Final = 4  # of a grid reference: with two it is a square of 10 km, or the beginning of a postcode


def find_places(words: str, area: Area, *, limit: int = 10, stops: pd.DataFrame | None = None) -> pd.DataFrame:
    """The places of an area that fit what a person typed, best first, at most `limit`: columns FOUND_COLUMNS.

    Wards are always found; streets, postcodes and named places where the area has a gazetteer. `stops` (the same
    columns) are offered before others of the same fit. Part of a postcode gives the middle of all that begin so. Case,
    accents, punctuation and usual short forms do not matter, and one typing error in each word is forgiven. An empty
    frame if nothing fits.
    """
    query = clean_text(words[:LONGEST_QUERY])
    if not query:
        return _build_answer([])
    for find in (_find_cell, _find_postcode, _find_point):
        places = find(query, area)
        if places is not None:
            return places.head(limit)
    named = _build_index(area, read_gazetteer(area)).search(query, limit=limit, stops=stops)
    cells = _find_cells_by_code(query, area) if len(named) < limit else ()
    return pd.concat([named, _build_answer(cells)], ignore_index=True).head(limit) if cells else named


def describe_no_match(words: str, area: Area) -> str:
    """Why nothing was found, and what to try, in one or two sentences."""
    if _is_outside(clean_text(words[:LONGEST_QUERY])):
        return f"That place lies outside {area.title}."
    similar = _find_by_fewer_words(words, area)
    if similar:
        return f"No place in {area.title} fits all of these words. There is {similar}."
    return f"No place in {area.title} fits. Try fewer words, or part of a name."


def _find_by_fewer_words(words: str, area: Area) -> str:
    """The place whose whole name is all words but one, the last before the others; blank if there is none."""
    typed = clean_text(words[:LONGEST_QUERY]).split()
    for left_out in reversed(range(len(typed))) if len(typed) > 1 else ():
        rest = " ".join(typed[:left_out] + typed[left_out + 1 :])
        for row in find_places(rest, area, limit=1).to_dict("records"):
            if set(split_name(rest)) == set(split_name(_cut_near(str(row["name"])))):
                return format_place_label({str(name): value for name, value in row.items()})
    return ""


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place that a person chose: its name ("High Street (Brotton)"), longitude and latitude in degrees, and kind.

    The kinds are those of the gazetteer, "ward", "cell", "postcodes" (several with one beginning), "stop of the plan"
    and "point". `ward_code` is blank for a point outside the area.
    """

    name: str
    lon: float
    lat: float
    kind: str = "point"
    ward_code: str = ""


def find_one_place(words: str, area: Area, *, may_lie_outside: bool = False) -> FoundPlace:
    """The one place that words name; UsageError if there is none, or several that fit as well.

    may_lie_outside: coordinates outside the area are a place as well, as the start of a tour may be.
    """
    places = find_places(words, area, limit=_MOST_NAMED + 1)
    if places.empty:
        point = _parse_point(clean_text(words[:LONGEST_QUERY]))
        if point is not None and may_lie_outside:
            return FoundPlace(_format_point(*point), *point)
        if _is_outside(clean_text(words[:LONGEST_QUERY])):
            raise UsageError(
                f"A place lies in {area.title}",
                f"{words[:40]!r} lies outside it",
                "see that no figure is wrong, and that latitude comes first",
            )
        raise UsageError(
            f"A place is a street, a postcode or another place in {area.title}, or a latitude and longitude",
            f"nothing there fits {words[:40]!r}",
            "try fewer words, or part of a name",
        )
    first = places.iloc[0]
    if first["kind"] == "cell" and len(places) > 1:
        raise UsageError(
            "A place has to be one place",
            f"{words[:40]!r} is the short code of {len(places)} cells",
            "give the whole code of the cell, which has 15 letters and digits",
        )
    twins = places[(places["kind"] == first["kind"]) & (places["name"].map(_cut_near) == _cut_near(first["name"]))]
    is_twin = len(twins) > 1 and not set(split_name(words)) - set(split_name(_cut_near(first["name"])))
    if len(places) > 1 and not covers_name(words, _cut_near(first["name"])) and first["kind"] in KINDS:
        twins, is_twin = places, True  # only a part of a longer name, and not the only one
    labels = [format_place_label(row) for row in twins.to_dict("records")]
    if is_twin:
        more = " and others" if len(twins) > _MOST_NAMED else ""
        raise UsageError(
            "A place has to be one place",
            f"{words[:40]!r} fits {', '.join(labels[:_MOST_NAMED])}{more}",
            "add the ward, as in 'high street brotton'",
        )
    return FoundPlace(labels[0], float(first["lon"]), float(first["lat"]), str(first["kind"]), str(first["ward_code"]))


def format_place_label(row: Mapping[str, object]) -> str:
    """A found place with its ward: "High Street, near Jackson Street (Brotton)"; not where its name has it."""
    name, ward = str(row["name"]), str(row["ward_name"])
    return name if not ward or row["kind"] in ("ward", "cell") or f"({ward})" in name else f"{name} ({ward})"


def _cut_near(name: str) -> str:
    return name.split(", near ", maxsplit=1)[0]


def _build_answer(rows: Iterable[tuple[str, str, str, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(FOUND_COLUMNS))


def _find_point(query: str, area: Area) -> pd.DataFrame | None:
    """The point that a query gives by coordinates or a grid reference; None if it gives none."""
    point = _parse_point(query)
    if point is None:
        return None
    ward = _find_ward(*point, area)
    return _build_answer([] if ward == ("", "") else [(_format_point(*point), "point", *ward, *point)])


def _parse_point(query: str) -> tuple[float, float] | None:
    """Longitude and latitude of a query in any notation of coordinates; None if it has none."""
    if not any(letter.isdecimal() for letter in query):
        return None
    reference = GRID_REF.fullmatch(query.replace(" ", ""))
    if reference is not None and len(reference[3]) < _FEWEST_FIGURES:
        return None
    lon, lat = parse_pairs(pd.Series([query], dtype=object))[0].tolist()
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None  # noqa: PLR2004 - degrees


def _format_point(lon: float, lat: float) -> str:
    return f"{lat:.5f}, {lon:.5f}"


def _is_outside(query: str) -> bool:
    """Whether a query that finds nothing names a point or a cell, which then lies outside the area."""
    return _parse_point(query) is not None or _parse_cell(query) is not None


def _find_cell(query: str, area: Area) -> pd.DataFrame | None:
    """The cell that a query names by its H3 string; None if it names none."""
    cell = _parse_cell(query)
    if cell is None:
        return None
    row = _describe_cell(cell, area)
    return _build_answer([row] if row else [])


def _parse_cell(query: str) -> int | None:
    if not _CELL.fullmatch(query.lower()) or not h3.is_valid_cell(int(query, 16)):
        return None
    return int(query, 16)


def _describe_cell(cell: int, area: Area) -> tuple[str, str, str, str, float, float] | None:
    """A cell as a row of the answer; None if its centre lies outside the area."""
    lat, lon = h3.cell_to_latlng(cell)
    ward = _find_ward(lon, lat, area)
    return None if ward == ("", "") else (name_cells([cell], area)[0], "cell", *ward, lon, lat)


def _find_cells_by_code(query: str, area: Area) -> list[tuple[str, str, str, str, float, float]]:
    """The cells of an area that have a short code, of each size; in a wide area a code has several.

    A code holds the last five digits of the index and the last bit of the digit before. So each cell five sizes larger
    whose own last bit fits has one cell of that code, which is put together here instead of listing all cells.
    """
    if not _SHORT_CODE.fullmatch(query.lower()):
        return []
    code, rows = int(query, 16), []
    for resolution in _NAMED_RESOLUTIONS:
        shift = 3 * (_FINEST - resolution)
        digits = (1 << 3 * _CODE_DIGITS) - 1
        cells = {
            parent & ~(digits << shift | 0xF << 52) | (code & digits) << shift | resolution << 52
            for parent in _list_parents(area.wards, resolution - _CODE_DIGITS)
        }
        named = {cell for cell in cells if format_short_code(cell) == f"{code:04x}" and h3.is_valid_cell(cell)}
        rows += [row for cell in sorted(named) if (row := _describe_cell(cell, area))]
    return rows


def _list_parents(wards: Wards, resolution: int) -> set[int]:
    """The large cells in which any place of the wards can lie: those of the wards' corners, and their neighbours."""
    corners = [
        (lat, lon)
        for west, south, east, north in shapely.bounds(np.asarray(wards.polygons, dtype=object)).tolist()
        for lat in (south, north)
        for lon in (west, east)
    ]
    large = {h3.latlng_to_cell(lat, lon, resolution) for lat, lon in corners}
    return {cell for middle in large for cell in h3.grid_disk(middle, 1)}


def _find_ward(lon: float, lat: float, area: Area) -> tuple[str, str]:
    """Code and name of the ward of a point; blank outside the area."""
    ward = int(area.wards.locate([lon], [lat])[0])
    return ("", "") if ward < 0 else (area.wards.codes[ward], area.wards.names[ward])


def _find_postcode(query: str, area: Area) -> pd.DataFrame | None:
    """A postcode, or the middle of all postcodes that begin as the query does; None if it is no part of a postcode."""
    gazetteer = read_gazetteer(area)
    if gazetteer is None:
        return None
    codes = gazetteer.postcodes
    compact = query.upper().replace(" ", "")
    # "TS1 2" is a sector, "TS12" a district, "TS12AA" the postcode TS1 2AA: a space decides, or what there is.
    whole = codes[codes["name"].str.replace(" ", "", regex=False) == compact]
    match = _POSTCODE.fullmatch(query.upper())
    if whole.empty and match is not None:
        begin = f"{match[1]} {match[2] or ''}{match[3] or ''}"
        whole = codes[codes["name"].str.startswith(begin)]
        name = begin.strip()
    elif not whole.empty:
        name = str(whole["name"].iloc[0])
    if whole.empty:
        return None  # "A19" looks like part of a postcode and is a road: the search by names answers
    kind = "postcode" if len(whole) == 1 else "postcodes"
    lon, lat = float(whole["lon"].mean()), float(whole["lat"].mean())
    return _build_answer([(name, kind, *_find_ward(lon, lat, area), lon, lat)])


@lru_cache(maxsize=8)
def _build_index(area: Area, gazetteer: Gazetteer | None) -> "_Index":
    """Area and gazetteer stay in memory until their files change, and are compared by identity."""
    authorities = dict(zip(area.wards.codes, area.wards.lad_names, strict=False))
    return _Index(_list_places(area, gazetteer), authorities)


def _list_places(area: Area, gazetteer: Gazetteer | None) -> pd.DataFrame:
    """Every place that can be found by a name: FOUND_COLUMNS, wards first; postcodes are found by their own rule."""
    labels = build_ward_labels(area.wards)
    middles = shapely.get_coordinates(shapely.point_on_surface(np.asarray(area.wards.polygons, dtype=object)))
    wards = _build_answer(
        (name, "ward", code, name, lon, lat)
        for code, name, (lon, lat) in zip(area.wards.codes, area.wards.names, middles.tolist(), strict=True)
    )
    if gazetteer is None:
        return wards
    entries = gazetteer.entries[gazetteer.entries["kind"] != "postcode"]
    entries = _mark_parks(entries, gazetteer.postcodes).assign(ward_name=entries["ward_code"].map(labels))
    return pd.concat([wards, entries[list(FOUND_COLUMNS)]], ignore_index=True)


def _mark_parks(entries: pd.DataFrame, postcodes: pd.DataFrame) -> pd.DataFrame:
    """The entries, with the kind "park" for what is called a park and has no postcode near it.

    police.uk lists parks among its streets, and streets are called Turnberry Park as well: along those lie postcodes.
    A park between houses stays a street, and so does all that is further than a kilometre from any known postcode.
    """
    named = (entries["kind"] == STREET) & entries["name"].str.endswith(" Park")
    if not named.any() or postcodes.empty:
        return entries
    lon, lat = float(postcodes["lon"].mean()), float(postcodes["lat"].mean())
    tree = cKDTree(offsets_m(postcodes["lon"], postcodes["lat"], origin_lon=lon, origin_lat=lat))
    candidates = entries[named]
    away, _ = tree.query(offsets_m(candidates["lon"], candidates["lat"], origin_lon=lon, origin_lat=lat))
    parks = candidates.index[(away >= _PARK_M) & (away <= _POSTCODES_KNOWN_M)]
    return entries.assign(kind=entries["kind"].mask(entries.index.isin(parks), "park"))


class _Index:
    """The words of all names, each with the places that have it."""

    def __init__(self, places: pd.DataFrame, authorities: Mapping[str, str]) -> None:
        self._places = places
        self._authorities = authorities
        order = {kind: place for place, kind in enumerate(("stop of the plan", "ward", *KINDS))}
        self._kind_order = places["kind"].map(order).to_numpy(dtype=np.int64)
        self._names = [split_name(name) for name in places["name"]]
        self._by_name: dict[str, list[int]] = {}
        self._by_context: dict[str, list[int]] = {}  # words of the ward and the council: "Station Road Redcar"
        words_by_text = {text: set(split_name(text)) for text in {*places["ward_name"], *authorities.values()}}
        for place, (name, ward, code) in enumerate(
            zip(self._names, places["ward_name"], places["ward_code"], strict=True)
        ):
            for word in set(name):
                self._by_name.setdefault(word, []).append(place)
            for word in words_by_text[ward] | words_by_text.get(authorities.get(code, ""), set()):
                self._by_context.setdefault(word, []).append(place)

    @cached_property
    def _vocabulary(self) -> list[str]:
        return list({*self._by_name, *self._by_context})

    @cached_property
    def _compact(self) -> dict[str, list[int]]:
        """The places by their names without spaces, for who types none."""
        compact: dict[str, list[int]] = {}
        for place, name in enumerate(self._names):
            compact.setdefault("".join(name), []).append(place)
        return compact

    def search(self, query: str, *, limit: int, stops: pd.DataFrame | None) -> pd.DataFrame:
        """The places whose name or ward has every word of the query, best first."""
        if stops is not None and not stops.empty:
            merged = pd.concat([stops[list(FOUND_COLUMNS)], self._places], ignore_index=True)
            return _Index(merged, self._authorities).search(query, limit=limit, stops=None)
        words = split_name(query)
        if not words:
            return self._places.head(0)
        penalty = np.zeros(len(self._places))
        for place, word in enumerate(words):
            penalty += self._match_word(word, is_last=place == len(words) - 1)
        ranks = [
            (penalty[place] + self._measure_rest(place, words), self._kind_order[place], place)
            for place in np.flatnonzero(np.isfinite(penalty)).tolist()
        ]
        # A street of Park ward is no answer to "park road" where there is a Park Road.
        lowest = min((cost for cost, _, _ in ranks), default=0.0)
        near = sorted(rank for rank in ranks if rank[0] < lowest + _CONTEXT_COST - 0.5)
        best = [place for _, _, place in near[:limit]] or self._compact.get("".join(words), [])[:limit]
        return self._places.iloc[best].reset_index(drop=True)

    def _match_word(self, word: str, *, is_last: bool) -> NDArray[np.float64]:
        """What each place costs for one word of the query: 0 for the word itself, infinite where no word fits."""
        costs = {word: 0.0}
        if is_last or len(word) >= _SHORTEST_MISTYPED:
            costs |= {known: 1.0 for known in self._vocabulary if known.startswith(word) and known != word}
        if len(word) >= _SHORTEST_MISTYPED and not any(letter.isdigit() for letter in word):
            near = process.extract(word, self._vocabulary, scorer=OSA.distance, score_cutoff=1, limit=None)
            costs |= {known: 2.0 for known, _, _ in near if known not in costs}
        result = np.full(len(self._places), np.inf)
        for known, cost in costs.items():
            for places, extra in (
                (self._by_name.get(known, ()), 0.0),
                (self._by_context.get(known, ()), _CONTEXT_COST),
            ):
                if places:
                    result[places] = np.minimum(result[places], cost + extra)
        return result

    def _measure_rest(self, place: int, words: list[str]) -> float:
        """How much of a place's name the query leaves out; more if the name does not begin as the query does."""
        name = self._names[place]
        rest = len([word for word in name if word not in words])
        return rest * 0.5 + (0.0 if name[:1] == words[:1] else 0.25)
