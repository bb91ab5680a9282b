"""The streets of an area for its maps: built from a published file, kept beside the wards, read by every map.

`streets.json` holds lines and areas by class (see `hexbeat.areas.street_files.CLASSES`). Coordinates are whole steps of
`step` degrees from `origin`: the first place of a line, then the way from each place to the next. `streets.toml` says
where they come from, under which licence, and whether they are complete.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.distance import metres_per_degree
from geo.errors import AreaError, DataError, UsageError
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import Area, Publisher
from hexbeat.areas.street_files import read_street_shapes
from hexbeat.areas.street_lines import tidy_areas, tidy_lines
from hexbeat.files import atomic_write, format_toml_fact, hash_file

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
else:
    gpd = import_lazily("geopandas")
    pd = import_lazily("pandas")

__all__ = ["PARTLY_SHOWN", "STREETS_FILE", "StreetReport", "Streets", "build_streets", "read_streets"]

STREETS_FILE: Final = "streets.json"
FACTS_FILE: Final = "streets.toml"
FORMAT: Final = 1
AROUND_M: Final = 1_000.0  # how far beyond the wards the streets go
STEP_DEGREES: Final = 1e-5  # a metre
DECIMALS: Final = 5
NEAR_M: Final = 40.0  # a place on a street is at most so far from its line
COMPLETE_SHARE: Final = 0.8  # of the places where events can happen lie on a street, if the streets are complete
FEWEST_PLACES: Final = 50
PARTLY_SHOWN: Final = "Streets partly shown"
PARTS: Final = {"lines": ("main", "through", "street", "path", "rail", "water"), "areas": ("green", "water")}


@dataclass(frozen=True, slots=True, eq=False)
class Streets:
    """The streets of an area: `data` as in streets.json, `facts` as in streets.toml, `sha256` of streets.json."""

    data: dict[str, Any]
    facts: dict[str, Any]
    sha256: str
    _read: dict[tuple[str, str], list[tuple[str, NDArray[np.float64]]]] = field(
        default_factory=dict, init=False, repr=False
    )

    @property
    def credits(self) -> list[str]:
        """What every map that shows the streets says of them."""
        attribution = str(self.facts["attribution"])
        return [attribution] if self.facts["complete"] else [f"{PARTLY_SHOWN}. {attribution}"]

    def list_shapes(self, part: str, kind: str) -> Sequence[tuple[str, NDArray[np.float64]]]:
        """Name and coordinates (n, 2) in degrees of each of the "lines" of a class, or of each ring of its "areas"."""
        if (part, kind) not in self._read:  # a plan has a map for each of its stops
            self._read[part, kind] = list(self._read_shapes(part, kind))
        return self._read[part, kind]

    def _read_shapes(self, part: str, kind: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
        names = self.data["names"]
        for name, *rings in self.data[part].get(kind, ()):
            for ring in rings if part == "areas" else [rings]:
                steps = np.cumsum(np.array(ring, dtype=np.int64).reshape(-1, 2), axis=0)
                yield names[name] if name >= 0 else "", np.array(self.data["origin"]) + steps * self.data["step"]


@dataclass(frozen=True, slots=True)
class StreetReport:
    """What was built: shapes read, lines, areas and names kept, bytes of the file.

    near_places: the share of the area's places where events can happen that lie on a street, None if those are not
    known. complete: whether maps show the streets without the words "streets partly shown".
    """

    area: str
    read: int
    lines: int
    areas: int
    names: int
    bytes: int
    near_places: float | None
    complete: bool
    file: str


def build_streets(
    path: Path,
    area: Area,
    *,
    more: Sequence[Path] = (),
    publisher: Publisher | None = None,
    partial: bool = False,
    where: str | None = None,
) -> StreetReport:
    """Build an area's streets from a file, and write streets.json and streets.toml into the area's folder.

    more: further files of the same publisher, as for an area in two counties. publisher: who published the files
    (None: as the first file itself shows). where: a condition on its rows, in SQL.
    partial: the file does not hold all streets; else they count as complete if they reach most of the places where
    events can happen. DataError if the file cannot be read or has no streets here; UsageError if nobody says who
    published it.
    """
    around = build_surroundings(area)
    parts = [read_street_shapes(file, find_bounds(around), where=where) for file in (path, *more)]
    shapes, own_publisher = pd.concat([part for part, _ in parts], ignore_index=True), parts[0][1]
    credit = publisher or own_publisher
    if credit is None:
        raise UsageError(
            "A map says who made its streets, and under which licence",
            f"{path.name} does not say",
            "add --origin, --licence and --attribution",
        )
    rows_read = len(shapes)
    tidy = clip_and_tidy(shapes, around, area, partial=partial)
    data = encode_streets(tidy, area)
    if not data["lines"]:
        raise DataError(
            "The streets of an area are lines in it that hang together",
            f"{path.name} has none in {area.title}",
            "choose the area with --area, or a file of this area",
        )
    near = measure_near_places(tidy[tidy.geometry.geom_type == "LineString"], area)
    complete = not partial and (near is None or near >= COMPLETE_SHARE)
    with atomic_write(area.folder / STREETS_FILE) as draft:
        draft.write_text(format_streets(data), encoding="utf-8")
    lines, areas = (sum(map(len, data[part].values())) for part in PARTS)
    facts = {
        "source": credit.source,
        "source_file": ", ".join(file.name for file in (path, *more)),
        "source_sha256": ", ".join(hash_file(file) for file in (path, *more)),
        **({"where": where} if where else {}),
        "licence": credit.licence,
        "attribution": credit.attribution,
        "complete": complete,
        **({} if near is None else {"near_places": near}),
        "lines": lines,
        "areas": areas,
        "streets_sha256": hash_file(area.folder / STREETS_FILE),
    }
    heading = "# Made by `hexbeat streets build`; build again rather than edit. streets.json has the same licence."
    with atomic_write(area.folder / FACTS_FILE) as draft:
        lines_of_facts = [format_toml_fact(name, value) for name, value in facts.items()]
        draft.write_text("\n".join([heading, *lines_of_facts]) + "\n", encoding="utf-8")
    return StreetReport(
        area.name, rows_read, lines, areas, len(data["names"]),
        (area.folder / STREETS_FILE).stat().st_size, near, complete, str(area.folder / STREETS_FILE),
    )  # fmt: skip


def read_streets(area: Area) -> Streets | None:
    """The area's streets, None if none are built. They stay in memory until a file changes.

    AreaError if the files do not belong together, or another version of Hexbeat made them.
    """
    paths = (area.folder / STREETS_FILE, area.folder / FACTS_FILE)
    if not all(path.is_file() for path in paths):
        return None
    stamps = [path.stat() for path in paths]
    return load_streets(area.folder, area.title, tuple((stamp.st_mtime_ns, stamp.st_size) for stamp in stamps))


@lru_cache(maxsize=8)
def load_streets(folder: Path, title: str, stamps: tuple[tuple[int, int], ...]) -> Streets:
    """The streets in a folder. The stamps are part of the key of the cache, so that rebuilt streets are read again."""
    del stamps
    rule, hint = f"The streets of {title} are as they were built", "build them again: hexbeat streets build"
    try:
        facts = tomllib.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        data = json.loads((folder / STREETS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AreaError(rule, f"they cannot be read ({type(error).__name__})", hint) from error
    digest = hash_file(folder / STREETS_FILE)
    if facts.get("streets_sha256") != digest:
        raise AreaError(rule, f"{STREETS_FILE} is not the one that {FACTS_FILE} describes", hint)
    if data.get("format") != FORMAT or not {"attribution", "complete", "licence"} <= set(facts):
        raise AreaError(rule, "another version of Hexbeat built them", hint)
    return Streets(data, facts, digest)


def build_surroundings(area: Area) -> shapely.Geometry:
    """The wards and a kilometre around them, in degrees."""
    to_metres, to_degrees = build_projection(area)
    wards = shapely.transform(shapely.union_all(area.wards.polygons), to_metres)
    around: shapely.Geometry = shapely.transform(shapely.simplify(wards.buffer(AROUND_M), 20.0), to_degrees)
    return around


def find_bounds(shape: shapely.Geometry) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.bounds(shape).tolist()
    return west, south, east, north


def build_projection(area: Area) -> tuple[Any, Any]:
    """From degrees to metres about the middle of the area, and back."""
    middle, scale = np.array(area.centre), metres_per_degree(area.centre[1])
    return lambda degrees: (degrees - middle) * scale, lambda metres: metres / scale + middle


def clip_and_tidy(
    shapes: "gpd.GeoDataFrame", around: shapely.Geometry, area: Area, *, partial: bool
) -> "gpd.GeoDataFrame":
    """The shapes within the surroundings, tidied, in degrees."""
    to_metres, to_degrees = build_projection(area)
    pieces = shapes.explode(ignore_index=True)
    pieces = pieces[pieces.geometry.geom_type.isin(("LineString", "Polygon"))]
    flat = shapely.transform(shapely.force_2d(pieces.geometry.to_numpy()), to_metres)
    window = shapely.transform(around, to_metres)
    shapely.prepare(window)
    is_area = (pieces.geometry.geom_type == "Polygon").to_numpy()
    flat[is_area] = shapely.make_valid(flat[is_area])
    is_outside = shapely.disjoint(window, flat)
    crosses = ~is_outside & ~shapely.covers(window, flat)
    flat[crosses] = shapely.intersection(flat[crosses], window)
    inside = pieces.assign(geometry=flat).set_crs(None, allow_override=True)[~is_outside]
    exploded = inside.explode(ignore_index=True)
    kinds = exploded.geometry.geom_type
    parts = [tidy_lines(exploded[kinds == "LineString"], partial=partial), tidy_areas(exploded[kinds == "Polygon"])]
    tidy = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return tidy.set_geometry(shapely.transform(tidy.geometry.to_numpy(), to_degrees))


def measure_near_places(lines: "gpd.GeoDataFrame", area: Area) -> float | None:
    """The share of the places where events can happen that lie on a street; None if they are not known."""
    path = area.folder / "spots.csv"
    if not path.is_file():
        return None
    cells = [int(cell, 16) for cell in pd.read_csv(path, dtype=str)["spot"]]
    if len(cells) < FEWEST_PLACES:
        return None
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in cells]).T
    to_metres, _ = build_projection(area)
    roads = lines[lines["kind"].isin(("main", "through", "street", "path"))]
    tree = shapely.STRtree(shapely.transform(roads.geometry.to_numpy(), to_metres))
    points = shapely.transform(shapely.points(lon, lat), to_metres)
    near = np.unique(tree.query(points, predicate="dwithin", distance=NEAR_M)[0])
    return round(len(near) / len(cells), 3)


def encode_streets(shapes: "gpd.GeoDataFrame", area: Area) -> dict[str, Any]:
    """The contents of streets.json."""
    names = sorted(set(shapes["name"]) - {""})
    number = {name: place for place, name in enumerate(names)} | {"": -1}
    origin = np.round(np.array(area.centre), 2)
    data: dict[str, Any] = {
        "format": FORMAT, "origin": origin.tolist(), "step": STEP_DEGREES, "names": names,
        "lines": {}, "areas": {},
    }  # fmt: skip
    for part, kinds in PARTS.items():
        wanted = "Polygon" if part == "areas" else "LineString"
        for kind in kinds:
            own = shapes[(shapes["kind"] == kind) & (shapes.geometry.geom_type == wanted)]
            shaped = zip(own["name"], own.geometry, strict=True)
            rows = [encode_shape(number[name], shape, origin) for name, shape in shaped]
            if drawn := [row for row in rows if row]:
                data[part][kind] = drawn
    return data


def encode_shape(name: int, shape: Any, origin: NDArray[np.float64]) -> list[Any]:
    """The number of the name and the coordinates of a line, or the rings of an area; empty if too small to be drawn."""
    if isinstance(shape, shapely.LineString):
        line = encode_chain(shapely.get_coordinates(shape), origin)
        return [name, *line] if len(line) > 2 else []  # noqa: PLR2004 - one place is no line
    rings = [encode_chain(shapely.get_coordinates(ring)[:-1], origin) for ring in (shape.exterior, *shape.interiors)]
    large = [ring for ring in rings if len(ring) > 4]  # noqa: PLR2004 - two places are no ring
    return [name, *large] if len(rings[0]) > 4 else []  # noqa: PLR2004


def encode_chain(coordinates: NDArray[np.float64], origin: NDArray[np.float64]) -> list[int]:
    """The first place in steps from the origin, then the way from each place to the next other one."""
    steps = np.rint((coordinates - origin) / STEP_DEGREES).astype(np.int64)
    moves = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    moves = moves[np.concatenate([[True], (moves[1:] != 0).any(axis=1)])]
    flat: list[int] = moves.ravel().tolist()
    return flat


def format_streets(data: dict[str, Any]) -> str:
    """JSON with a line for each shape, so that two builds can be compared."""
    parts = []
    for key, value in data.items():
        if key not in PARTS:
            parts.append(f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}")
            continue
        kinds = [
            f"{json.dumps(kind)}:[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]"
            for kind, rows in value.items()
        ]
        parts.append(f"{json.dumps(key)}:{{" + ",\n".join(kinds) + "}")
    return "{" + ",\n".join(parts) + "}\n"
