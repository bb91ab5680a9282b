"""Names of cells in the words of the street: "Linthorpe Road, near Borough Road (Central)".

The first street is the one with most known points in the cell, or else the nearest one. The second is another street in
the cell, or the nearest street or landmark. No two cells of an area and resolution have one name: where two would, one
takes the next of its streets, and if that does not help, its last word is its short code. So a cell has the same name
wherever it is named. Without a gazetteer, or far from any street, it is named by its part of the ward and its code.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.cells import format_short_code, index_points
from geo.distance import offsets_m
from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import Gazetteer, NamingPoints, read_gazetteer
from hexbeat.areas.place_names import parse_cells

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FINEST_NAMED",
    "add_place_names",
    "drop_code",
    "format_in_sentence",
    "name_cell",
    "name_cells",
    "name_group",
    "name_points",
    "split_ward",
]

FINEST_NAMED: Final = 10  # finer cells lie so close to each other that their names always end in the code
_REACH_M: Final = 400.0  # a street further away than this names no cell of resolution 9 or finer
_SECONDS: Final = 6  # streets that a cell tries as its second before its name ends in the code
_NEAREST: Final = 24  # points looked at around a cell's centre
_WELL_KNOWN_M: Final = 60.0  # a station or hospital counts as this much nearer than a street
_IN_GROUP: Final = 2  # streets that name a group of cells
_MIDDLE: Final = 0.25  # share of the way from a ward's centre to its edge that is its middle
_DIRECTIONS: Final = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
_ROOT_3: Final = 3**0.5
_TAIL: Final = re.compile(r" (\([^()]*\)(?: · \w+)?|· \w+)$")  # the ward in brackets, the code, or both
_CODE: Final = re.compile(r" · \w+$")
_PARTS: Final = "|".join(name.capitalize() for name in (*_DIRECTIONS, "middle"))
_PLAIN_WORDS: Final = re.compile(f"(?:Near|(?:{_PARTS}) of) ")  # how a name begins that does not begin with a street


def name_cells(cells: NDArray[np.uint64] | Sequence[int], area: Area) -> list[str]:
    """The names of cells (n,), all of one resolution, in the order given; a cell outside the area has one as well."""
    ids = np.asarray(cells, dtype=np.uint64)
    if ids.size == 0:
        return []
    resolution = int(ids[0]) >> 52 & 0xF
    return _get_namer(area, read_gazetteer(area), resolution).name(ids)


def name_group(cells: NDArray[np.uint64] | Sequence[int], area: Area) -> str:
    """The name of cells that count as one place, the most important first: its first streets, and its ward.

    As in "Linthorpe Road and Southfield Road (Central)". A group of one street has the name of its first cell.
    """
    ids = np.asarray(cells, dtype=np.uint64)
    namer = _get_namer(area, read_gazetteer(area), int(ids[0]) >> 52 & 0xF)
    streets, ward = namer.list_streets(ids)
    if len(streets) < _IN_GROUP:
        return namer.name(ids[:1])[0]
    return f"{' and '.join(streets[:_IN_GROUP])} ({ward})"


def name_cell(cell: str, area: Area) -> str:
    """The name of one cell, from its H3 string."""
    return name_cells(parse_cells([cell]), area)[0]


def add_place_names(rows: "pd.DataFrame", area: Area, *, where: "pd.Series[bool] | None" = None) -> "pd.DataFrame":
    """Rows of cells (H3 strings in `cell`) with their names in a column `place` beside it.

    `where`: the rows that get a name, "" for the others; None: all of them.
    """
    named = rows.drop(columns="place", errors="ignore")
    places = np.full(len(rows), "", dtype=object)
    gets_name = np.ones(len(rows), dtype=np.bool_) if where is None else where.to_numpy(dtype=np.bool_)
    places[gets_name] = name_cells(parse_cells(rows.loc[gets_name, "cell"].tolist()), area)
    named.insert(list(named.columns).index("cell") + 1, "place", places)
    return named


def split_ward(place: str) -> tuple[str, str]:
    """A name in two parts, as in "Linthorpe Road, near Borough Road" and "(Central)"; a code stands with the ward."""
    tail = _TAIL.search(place)
    return (place[: tail.start()], tail[1]) if tail else (place, "")


def drop_code(place: str) -> str:
    """A name without the code of its cell, for lists that distinguish their places by something else."""
    return _CODE.sub("", place)


def format_in_sentence(place: str) -> str:
    """A name as it stands inside a sentence: "near Linthorpe Road and Borough Road (Central)"; streets keep theirs."""
    return place[0].lower() + place[1:] if _PLAIN_WORDS.match(place) else place


def name_points(lon: NDArray[np.float64], lat: NDArray[np.float64], area: Area) -> list[str]:
    """The names of points (n,) in degrees: those of the cells of resolution 10 in which they lie."""
    return name_cells(index_points(lon, lat, resolution=FINEST_NAMED), area)


@dataclass(frozen=True, slots=True)
class _CellStreets:
    """The streets of one cell: whether the first lies in it, the others that may stand beside it, best first.

    `strength` orders cells that would have one name: the points of the first street in the cell, less its distance.
    """

    first: str
    is_inside: bool
    seconds: tuple[str, ...]
    strength: float

    def format_choices(self, ward: str) -> list[str]:
        """The names that the cell may have, best first; empty if no street is near."""
        if not self.first:
            return []
        if self.is_inside:
            choices = [f"{self.first}, near {second} ({ward})" for second in self.seconds]
            return choices or [f"{self.first} ({ward})"]
        choices = [f"Near {self.first} and {second} ({ward})" for second in self.seconds]
        return choices or [f"Near {self.first} ({ward})"]


@lru_cache(maxsize=16)
def _get_namer(area: Area, gazetteer: Gazetteer | None, resolution: int) -> "_Namer":
    """Area and gazetteer stay in memory until their files change, and are compared by identity."""
    return _Namer(area, gazetteer, resolution)


class _Namer:
    """Names the cells of one area and resolution. What it found is kept for the next time.

    A name belongs to that of all cells that could have it which has it highest in its list, or holds more of the
    street, or lies nearer. All cells that share a first street lie around the points of this street, so only they are
    looked at. A cell takes the first name of its list that belongs to it, or else the first with its code.
    """

    def __init__(self, area: Area, gazetteer: Gazetteer | None, resolution: int) -> None:
        self._area, self._resolution = area, resolution
        self._origin = area.centre
        self._reach_m = max(_REACH_M, 2 * h3.average_hexagon_edge_length(resolution, unit="m"))
        self._steps = int(self._reach_m / (_ROOT_3 * h3.average_hexagon_edge_length(resolution, unit="m"))) + 1
        self._choices: dict[int, list[str]] = {}  # of each cell; empty where no street is near
        self._streets: dict[int, _CellStreets] = {}
        self._wards: dict[int, str] = {}  # the names of theirs
        self._owners: dict[str, tuple[tuple[int, float, int], int]] = {}  # of each name: the claim, and the cell
        self._settled: set[str] = set()  # first streets whose names have their owners
        self._final: dict[int, str] = {}  # the name of each cell that was asked for
        self._lock = Lock()  # sessions of several people ask one namer
        self._tree: shapely.STRtree | None = None
        if gazetteer is not None and len(gazetteer.naming_points):
            self._index(gazetteer.naming_points)

    def _index(self, points: NamingPoints) -> None:
        self._xy = self._project(points.lon, points.lat)
        self._tree = shapely.STRtree(np.asarray(shapely.points(self._xy)))
        self._names, self._is_street = points.names, points.is_street
        self._held = index_points(points.lon, points.lat, resolution=self._resolution)
        self._inside = _count_inside(self._held[self._is_street], self._names[self._is_street])

    def name(self, cells: NDArray[np.uint64]) -> list[str]:
        """The names of cells, in the order given."""
        with self._lock:
            return self._name(cells.tolist())

    def _name(self, cells: list[int]) -> list[str]:
        new = [cell for cell in dict.fromkeys(cells) if cell not in self._final]
        self._describe(new)
        if self._resolution <= FINEST_NAMED:
            self._settle({self._streets[cell].first for cell in new} - self._settled - {""})
        unnamed = [cell for cell in new if not self._choices[cell]]
        parts = dict(zip(unnamed, _name_by_ward(np.array(unnamed, dtype=np.uint64), self._area), strict=True))
        self._final.update((cell, self._choose(cell, parts)) for cell in new)
        return [self._final[cell] for cell in cells]

    def list_streets(self, cells: NDArray[np.uint64]) -> tuple[list[str], str]:
        """The first streets of cells in which such a street lies, each once, in the order of the cells; their ward.

        The ward is that of the first cell.
        """
        ids = cells.tolist()
        with self._lock:
            self._describe(ids)
        streets = [self._streets[cell] for cell in ids]
        return list(dict.fromkeys(street.first for street in streets if street.is_inside)), self._wards[ids[0]]

    def _choose(self, cell: int, parts: dict[int, str]) -> str:
        choices = self._choices[cell]
        own = (name for name in choices if self._owners.get(name, (None, 0))[1] == cell)
        first = choices[0] if choices else parts[cell]
        return next(own, f"{first} · {format_short_code(cell)}")

    def _settle(self, streets: set[str]) -> None:
        """Find the owner of every name that begins with one of these streets."""
        if not streets or self._tree is None:
            return
        held = np.unique(self._held[np.isin(self._names, list(streets)) & self._is_street])
        around = {near for cell in held.tolist() for near in h3.grid_disk(cell, self._steps)}
        self._describe(list(around))
        for cell in around:
            streets_of_cell = self._streets[cell]
            if streets_of_cell.first not in streets:
                continue
            for rank, name in enumerate(self._choices[cell]):
                claim = (rank, -streets_of_cell.strength, cell)
                if name not in self._owners or claim < self._owners[name][0]:
                    self._owners[name] = (claim, cell)
        self._settled |= streets

    def _describe(self, cells: Sequence[int]) -> None:
        """Find the streets of cells, and the names that they may have, unless they are known already."""
        new = [cell for cell in dict.fromkeys(cells) if cell not in self._choices]
        if not new:
            return
        wards = self._area.wards.find_cell_wards(np.array(new, dtype=np.uint64)).tolist()
        for cell, streets, ward in zip(new, self._find_streets(new), wards, strict=True):
            self._streets[cell], self._wards[cell] = streets, self._area.wards.names[ward]
            self._choices[cell] = streets.format_choices(self._wards[cell])

    def _find_streets(self, cells: list[int]) -> list[_CellStreets]:
        """The streets and landmarks in or near each cell."""
        if self._tree is None:
            return [_choose_streets({}, {}, set())] * len(cells)
        centres = np.array([h3.cell_to_latlng(cell) for cell in cells])
        xy = self._project(centres[:, 1], centres[:, 0])
        place, point = self._tree.query(shapely.points(xy), predicate="dwithin", distance=self._reach_m)
        metres = np.hypot(*(self._xy[point] - xy[place]).T)
        order = np.lexsort((point, metres, place))
        place, point, metres = place[order], point[order], metres[order]
        ends = np.searchsorted(place, np.arange(len(cells)), side="right").tolist()
        starts = [0, *ends[:-1]]
        return [
            self._choose_nearest(cell, point[start:end][:_NEAREST].tolist(), metres[start:end][:_NEAREST].tolist())
            for cell, start, end in zip(cells, starts, ends, strict=True)
        ]

    def _choose_nearest(self, cell: int, nearest: list[int], metres: list[float]) -> _CellStreets:
        """The streets that name a cell, from the points in it and the nearest around its centre, nearest first."""
        nearest_m: dict[str, float] = {}
        streets: set[str] = set()
        for point, away in zip(nearest, metres, strict=True):
            name = self._names[point]
            if self._is_street[point]:
                streets.add(name)
            as_near = away if self._is_street[point] else away - _WELL_KNOWN_M
            nearest_m[name] = min(as_near, nearest_m.get(name, np.inf))
        return _choose_streets(self._inside.get(cell, {}), nearest_m, streets)

    def _project(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        return offsets_m(lon, lat, origin_lon=self._origin[0], origin_lat=self._origin[1])


def _count_inside(held: NDArray[np.uint64], names: NDArray[np.object_]) -> dict[int, dict[str, int]]:
    """The number of points of each street in each cell."""
    inside: dict[int, dict[str, int]] = {}
    for (cell, name), number in Counter(zip(held.tolist(), names.tolist(), strict=True)).items():
        inside.setdefault(cell, {})[name] = number
    return inside


def _choose_streets(inside: dict[str, int], nearest_m: dict[str, float], streets: set[str]) -> _CellStreets:
    """The streets that name a cell, from the points in it and the metres to the nearest points around its centre."""

    def order(name: str) -> tuple[int, float, str]:
        return -inside.get(name, 0), nearest_m.get(name, np.inf), name

    firsts = sorted(set(inside) | streets, key=order)
    if not firsts:
        return _CellStreets("", is_inside=False, seconds=(), strength=0.0)
    first = firsts[0]
    seconds = [name for name in sorted(set(inside) | set(nearest_m), key=order) if name != first]
    strength = inside.get(first, 0) - nearest_m.get(first, _REACH_M) / 1e4
    return _CellStreets(first, first in inside, tuple(seconds[:_SECONDS]), strength)


def _name_by_ward(cells: NDArray[np.uint64], area: Area) -> list[str]:
    """As in "North-east of Central", by the direction from the ward's centre; "Middle of Central" where it is near."""
    if cells.size == 0:
        return []
    lon, lat = area.centre
    ward = area.wards.find_cell_wards(cells)
    polygons = np.asarray(area.wards.polygons, dtype=object)
    middles = shapely.get_coordinates(shapely.centroid(polygons))
    middle_xy = offsets_m(middles[:, 0], middles[:, 1], origin_lon=lon, origin_lat=lat)
    bounds = shapely.bounds(polygons)
    lower = offsets_m(bounds[:, 0], bounds[:, 1], origin_lon=lon, origin_lat=lat)
    upper = offsets_m(bounds[:, 2], bounds[:, 3], origin_lon=lon, origin_lat=lat)
    radius_m = np.hypot(*(upper - lower).T) / 2
    centres = np.array([h3.cell_to_latlng(cell) for cell in cells.tolist()])
    xy = offsets_m(centres[:, 1], centres[:, 0], origin_lon=lon, origin_lat=lat)
    names = []
    for index, point in zip(ward.tolist(), xy, strict=True):
        east, north = point - middle_xy[index]
        direction = _DIRECTIONS[round(np.degrees(np.arctan2(north, east)) / 45) % 8]
        part = "middle" if np.hypot(east, north) < _MIDDLE * radius_m[index] else direction
        names.append(f"{part[0].upper()}{part[1:]} of {area.wards.names[index]}")
    return names
