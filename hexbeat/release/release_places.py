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
    """A future piece: parts of one ward that are counted together."""

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
        """The middle of its first cell, from which distances are measured even after others are joined to it."""
        return _find_middle(self.cells[0])


@dataclass(frozen=True, eq=False)
class PlaceTree:
    """One set of places: pieces first, then groups, wards, and the borough last.

    `parent` int64 (n,) as in `geo.disclosure.carry_up`. `leaf_of` gives the piece of a (cell, ward code).
    """

    places: tuple[Place, ...]
    parent: NDArray[np.int64]
    leaf_of: dict[tuple[int, str], int] = field(repr=False)

    def find_leaves(self, cells: Sequence[int], ward_codes: Sequence[str]) -> NDArray[np.int64]:
        """The piece of each event, by its cell and ward; outside the mask, the nearest piece of its ward.

        In a tree of the borough alone, all events are in the borough. -1 for a ward that has no piece.
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
        return int(leaves[np.argmin(((middles - _find_middle(cell)) ** 2).sum(axis=1))])

    @cached_property
    def _by_ward(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
        """The middles (n, 2) of each ward's cells, in the cells' order, and their pieces."""
        pairs_by_ward: dict[str, list[tuple[int, int]]] = {}
        for (cell, ward), leaf in sorted(self.leaf_of.items()):
            pairs_by_ward.setdefault(ward, []).append((cell, leaf))
        return {
            ward: (np.array([_find_middle(cell) for cell, _ in pairs]), np.array([leaf for _, leaf in pairs]))
            for ward, pairs in pairs_by_ward.items()
        }


def build_borough_tree(area: Area, name: str) -> PlaceTree:
    """The tree of the borough alone."""
    borough = Place(
        f"{name}.{area.name}", name, "borough", area.title, None, None, _round_outline(_unite(area.wards.polygons))
    )
    return PlaceTree((borough,), np.array([-1], dtype=np.int64), {})


def build_piece_tree(area: Area, mask: PlacesMask, name: str, *, floor: float, least_spots: int = 1) -> PlaceTree:
    """The tree of the pieces of the places mask. A piece is a res-9 cell and ward, a group a res-8 cell and ward.

    A piece with less than the share `floor` of its cell, or with fewer than `least_spots` possible places, is joined to
    the nearest of its group, or of its ward if it is alone in its group. Possible places are the mask's candidate
    places; if more than one is required, only those of which no two touch (`geo.disclosure.carry_up` says why).
    PolicyError if a ward as a whole has too few.
    """
    units = [
        unit
        for code in range(len(area.wards.codes))
        for unit in _build_ward_units(area, mask, code, floor, least_spots)
    ]
    units.sort(key=lambda unit: (area.wards.codes[unit.ward], unit.group, -unit.middle[1], unit.cells[0]))
    return _build_tree(area, name, units)


def _build_ward_units(area: Area, mask: PlacesMask, ward: int, floor: float, least_spots: int) -> list[_Unit]:
    code = area.wards.codes[ward]
    rows = np.flatnonzero(np.array(mask.ward_code) == code)
    hexagons = build_outlines(mask.cell[rows])
    clipped = shapely.intersection(hexagons, area.wards.polygons[ward])
    shares = (shapely.area(clipped) / shapely.area(hexagons)).tolist()
    possible = mask.separate if least_spots > 1 else mask.candidates
    units = [
        _Unit(ward, [cell], candidates, share, outline, int(h3.cell_to_parent(cell, _GROUP_RESOLUTION)))
        for cell, candidates, share, outline in zip(
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
    """Join the smallest unit that is too small to its nearest neighbour, until no unit is too small or one is left."""
    while len(units) > 1:
        small = [unit for unit in units if unit.candidates < least_spots or unit.share < floor]
        if not small:
            return
        unit = min(small, key=lambda unit: unit.order)
        others = [other for other in units if other is not unit]
        neighbours = [other for other in others if other.group == unit.group] or others
        place = unit.middle
        best = min(neighbours, key=lambda other: (_square_distance(other.middle, place[0], place[1]), other.cells[0]))
        units.remove(unit)
        best.cells, best.candidates, best.share = (
            [*best.cells, *unit.cells],
            best.candidates + unit.candidates,
            best.share + unit.share,
        )
        best.outline = _unite([best.outline, unit.outline])


def _build_tree(area: Area, name: str, units: list[_Unit]) -> PlaceTree:
    groups = list(dict.fromkeys((unit.ward, unit.group) for unit in units))
    wards = list(dict.fromkeys(ward for ward, _ in groups))
    codes, names = area.wards.codes, area.wards.names
    group_ids = [f"{name}.{group:x}.{codes[ward]}" for ward, group in groups]
    letters, position_by_group = _assign_letters(groups), {key: k for k, key in enumerate(groups)}
    borough = f"{name}.{area.name}"
    places, sizes = [], dict.fromkeys(groups, 0)
    for unit in units:
        key = (unit.ward, unit.group)
        sizes[key] += 1
        label = f"{names[unit.ward]} {letters[key]}{sizes[key]}"
        identity = f"{name}.{unit.cells[0]:x}.{codes[unit.ward]}"
        parent_id = group_ids[position_by_group[key]]
        outline = _round_outline(unit.outline)
        places.append(Place(identity, name, "piece", label, codes[unit.ward], parent_id, outline, unit.candidates))
    members: dict[tuple[int, int], list[shapely.Geometry]] = {key: [] for key in groups}
    for unit in units:
        members[unit.ward, unit.group].append(unit.outline)
    for key, identity in zip(groups, group_ids, strict=True):
        outline = _round_outline(_unite(members[key]))
        label, code = f"{names[key[0]]}, part {letters[key]}", codes[key[0]]
        places.append(Place(identity, name, "group", label, code, f"{name}.{code}", outline))
    for ward in wards:
        outline = _round_outline(area.wards.polygons[ward])
        places.append(Place(f"{name}.{codes[ward]}", name, "ward", names[ward], codes[ward], borough, outline))
    places.append(build_borough_tree(area, name).places[0])
    position_by_id = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([position_by_id.get(place.parent_id or "", -1) for place in places], dtype=np.int64)
    leaf_of = {(cell, codes[unit.ward]): k for k, unit in enumerate(units) for cell in unit.cells}
    return PlaceTree(tuple(places), parent, leaf_of)


def _assign_letters(groups: list[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """A, B, ... Z, AA, AB, ... for the groups of each ward."""
    number_by_ward: dict[int, int] = {}
    letters = {}
    for ward, group in groups:
        number = number_by_ward.get(ward, 0)
        number_by_ward[ward] = number + 1
        letters[ward, group] = ("" if number < 26 else chr(64 + number // 26)) + chr(65 + number % 26)  # noqa: PLR2004 (the alphabet)
    return letters


def _unite(shapes: Iterable[shapely.Geometry]) -> shapely.Geometry:
    return shapely.union_all(np.array(list(shapes), dtype=object))


def _round_outline(outline: shapely.Geometry) -> shapely.Geometry:
    """The polygons of an outline, to six decimals and normalised, so that a release always has the same bytes."""
    polygons = [part for part in shapely.get_parts(outline) if part.geom_type == "Polygon"]
    joined: shapely.Geometry = shapely.transform(shapely.multipolygons(polygons), lambda corners: np.round(corners, 6))
    return shapely.normalize(joined)


def _find_middle(cell: int) -> tuple[float, float]:
    lat, lon = h3.cell_to_latlng(cell)
    return lon * _METRES_EAST, lat


def _square_distance(place: tuple[float, float], lon: float, lat: float) -> float:
    return (place[0] - lon) ** 2 + (place[1] - lat) ** 2
