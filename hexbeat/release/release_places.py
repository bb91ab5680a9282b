"""The trees of places of a release: pieces, groups, wards and the borough, fixed before any event is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.cells import build_outlines
from geo.errors import PolicyError
from hexbeat.areas.area import Area
from hexbeat.areas.places_mask import PlacesMask
from hexbeat.release.format import Place

__all__ = ["PlaceTree", "build_borough_tree", "build_piece_tree"]

_GROUP_RESOLUTION = 8
_METRES_EAST = 0.6  # a degree east over a degree north at England's latitudes; only nearest neighbours depend on it


@dataclass(slots=True)
class _Unit:
    """A piece in the making: parts of one ward that are counted together."""

    ward: int
    cells: list[int]
    candidates: int
    share: float
    outline: shapely.Geometry
    group: int

    @property
    def order(self) -> tuple[int, float, int]:
        return self.candidates, self.share, self.cells[0]

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of its largest cell: cells are counted from there, whatever is joined to it."""
        return _middle(self.cells[0])


@dataclass(frozen=True, eq=False)
class PlaceTree:
    """One set of places: pieces first, then groups, wards, and the borough last.

    `parent` int64 (n,) as `geo.disclosure.carry_up` wants it. `leaf_of` gives the piece of a (cell, ward code).
    """

    places: tuple[Place, ...]
    parent: NDArray[np.int64]
    leaf_of: dict[tuple[int, str], int] = field(repr=False)

    def find_leaves(self, cells: Sequence[int], ward_codes: Sequence[str]) -> NDArray[np.int64]:
        """The piece of each event, by its cell and ward; on other land, the nearest piece of its ward.

        A tree of the borough alone takes everything. -1 for a ward that has no piece.
        """
        if len(self.places) == 1:
            return np.zeros(len(cells), dtype=np.int64)
        pairs = list(zip(cells, ward_codes, strict=True))
        answers = {pair: self.leaf_of.get(pair, -2) for pair in set(pairs)}
        for (cell, ward), leaf in answers.items():
            if leaf == -2:  # noqa: PLR2004 - not a plausible piece
                answers[cell, ward] = self._nearest(cell, ward)
        return np.array([answers[pair] for pair in pairs], dtype=np.int64)

    def _nearest(self, cell: int, ward: str) -> int:
        if ward not in self._by_ward:
            return -1
        middles, leaves = self._by_ward[ward]
        return int(leaves[np.argmin(((middles - _middle(cell)) ** 2).sum(axis=1))])

    @cached_property
    def _by_ward(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
        """The middles (n, 2) of each ward's cells, in the cells' order, and their pieces."""
        found: dict[str, list[tuple[int, int]]] = {}
        for (cell, ward), leaf in sorted(self.leaf_of.items()):
            found.setdefault(ward, []).append((cell, leaf))
        return {
            ward: (np.array([_middle(cell) for cell, _ in pairs]), np.array([leaf for _, leaf in pairs]))
            for ward, pairs in found.items()
        }


def build_borough_tree(area: Area, name: str) -> PlaceTree:
    """The borough alone."""
    borough = Place(
        f"{name}.{area.name}", name, "borough", area.title, None, None, _rounded(_union(area.wards.polygons))
    )
    return PlaceTree((borough,), np.array([-1], dtype=np.int64), {})


def build_piece_tree(area: Area, mask: PlacesMask, name: str, *, floor: float, least_spots: int = 1) -> PlaceTree:
    """The tree of an area's plausible pieces: res-9 cell and ward; groups: the same res-8 parent and ward.

    Pieces with less than the share `floor` of their cell, or fewer than `least_spots` possible places, are joined to
    the nearest of their group, or of their ward where they are alone. Possible places are the mask's spots; where more
    than one is asked for, those of which no two touch (`geo.disclosure.carry_up` says why). PolicyError if a ward as a
    whole has too few.
    """
    units = [
        unit for code in range(len(area.wards.codes)) for unit in _ward_units(area, mask, code, floor, least_spots)
    ]
    units.sort(key=lambda unit: (area.wards.codes[unit.ward], unit.group, -unit.middle[1], unit.cells[0]))
    return _tree(area, name, units)


def _ward_units(area: Area, mask: PlacesMask, ward: int, floor: float, least_spots: int) -> list[_Unit]:
    code = area.wards.codes[ward]
    rows = np.flatnonzero(np.array(mask.ward_code) == code)
    hexagons = build_outlines(mask.cell[rows])
    clipped = shapely.intersection(hexagons, area.wards.polygons[ward])
    shares = (shapely.area(clipped) / shapely.area(hexagons)).tolist()
    possible = mask.separate if least_spots > 1 else mask.candidates
    units = [
        _Unit(ward, [cell], spots, share, outline, int(h3.cell_to_parent(cell, _GROUP_RESOLUTION)))
        for cell, spots, share, outline in zip(
            mask.cell[rows].tolist(), possible[rows].tolist(), shares, clipped, strict=True
        )
    ]
    _join_small(units, floor, least_spots)
    if not units or any(unit.candidates < least_spots for unit in units):
        raise PolicyError(
            f"The minimum of places of a layer needs {least_spots} places where events can happen in every piece",
            f"the whole ward {area.wards.names[ward]} has fewer",
            "make a list of places from more points, or choose a smaller minimum of places",
        )
    return units


def _join_small(units: list[_Unit], floor: float, least_spots: int) -> None:
    """Join the smallest unit that is too small to its neighbour, until none is left that can be joined."""
    while len(units) > 1:
        small = [unit for unit in units if unit.candidates < least_spots or unit.share < floor]
        if not small:
            return
        unit = min(small, key=lambda unit: unit.order)
        others = [other for other in units if other is not unit]
        near = [other for other in others if other.group == unit.group] or others
        place = unit.middle
        best = min(near, key=lambda other: (_squared(other.middle, place[0], place[1]), other.cells[0]))
        units.remove(unit)
        best.cells, best.candidates, best.share = (
            [*best.cells, *unit.cells],
            best.candidates + unit.candidates,
            best.share + unit.share,
        )
        best.outline = _union([best.outline, unit.outline])


def _tree(area: Area, name: str, units: list[_Unit]) -> PlaceTree:
    groups = list(dict.fromkeys((unit.ward, unit.group) for unit in units))
    wards = list(dict.fromkeys(ward for ward, _ in groups))
    codes, names = area.wards.codes, area.wards.names
    group_ids = [f"{name}.{group:x}.{codes[ward]}" for ward, group in groups]
    letters, place_of = _letters(groups), {key: k for k, key in enumerate(groups)}
    borough = f"{name}.{area.name}"
    places, sizes = [], dict.fromkeys(groups, 0)
    for unit in units:
        key = (unit.ward, unit.group)
        sizes[key] += 1
        label = f"{names[unit.ward]} {letters[key]}{sizes[key]}"
        identity = f"{name}.{unit.cells[0]:x}.{codes[unit.ward]}"
        above = group_ids[place_of[key]]
        outline = _rounded(unit.outline)
        places.append(Place(identity, name, "piece", label, codes[unit.ward], above, outline, unit.candidates))
    members: dict[tuple[int, int], list[shapely.Geometry]] = {key: [] for key in groups}
    for unit in units:
        members[unit.ward, unit.group].append(unit.outline)
    for key, identity in zip(groups, group_ids, strict=True):
        outline = _rounded(_union(members[key]))
        label, code = f"{names[key[0]]}, part {letters[key]}", codes[key[0]]
        places.append(Place(identity, name, "group", label, code, f"{name}.{code}", outline))
    for ward in wards:
        outline = _rounded(area.wards.polygons[ward])
        places.append(Place(f"{name}.{codes[ward]}", name, "ward", names[ward], codes[ward], borough, outline))
    places.append(build_borough_tree(area, name).places[0])
    number = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([number.get(place.parent_id or "", -1) for place in places], dtype=np.int64)
    leaf_of = {(cell, codes[unit.ward]): k for k, unit in enumerate(units) for cell in unit.cells}
    return PlaceTree(tuple(places), parent, leaf_of)


def _letters(groups: list[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """A, B, ... Z, AA, AB, ... for the groups of each ward."""
    seen: dict[int, int] = {}
    letters = {}
    for ward, group in groups:
        place = seen.get(ward, 0)
        seen[ward] = place + 1
        letters[ward, group] = ("" if place < 26 else chr(64 + place // 26)) + chr(65 + place % 26)  # noqa: PLR2004 (the alphabet)
    return letters


def _union(shapes: Iterable[shapely.Geometry]) -> shapely.Geometry:
    return shapely.union_all(np.array(list(shapes), dtype=object))


def _rounded(outline: shapely.Geometry) -> shapely.Geometry:
    """The outline's areas alone, to six decimals: what a release holds, and always the same bytes."""
    whole = [part for part in shapely.get_parts(outline) if part.geom_type == "Polygon"]
    joined: shapely.Geometry = shapely.transform(shapely.multipolygons(whole), lambda corners: np.round(corners, 6))
    return shapely.normalize(joined)


def _middle(cell: int) -> tuple[float, float]:
    lat, lon = h3.cell_to_latlng(cell)
    return lon * _METRES_EAST, lat


def _squared(place: tuple[float, float], lon: float, lat: float) -> float:
    return (place[0] - lon) ** 2 + (place[1] - lat) ** 2
