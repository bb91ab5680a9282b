"""The gazetteer of an area: its streets, postcodes and named places, as people on foot call them.

`gazetteer.csv` stands beside the wards, a row for each point: kind, name, ward_code (blank: just outside the area),
lon and lat. A street has a row for each known point along it. `gazetteer.toml` names the sources, their licences and
the sentences to show wherever names of the gazetteer are shown.
"""

import csv
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.distance import offsets_m
from geo.errors import AreaError
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import WARDS_FILE, Area
from hexbeat.files import hash_file

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse, spatial
    from scipy.sparse import csgraph
else:
    # Names of cells need none of them, and are printed by commands that start often.
    pd = import_lazily("pandas")
    sparse = import_lazily("scipy.sparse")
    csgraph = import_lazily("scipy.sparse.csgraph")
    spatial = import_lazily("scipy.spatial")

__all__ = [
    "COLUMNS",
    "FACTS_FILE",
    "GAZETTEER_FILE",
    "KINDS",
    "LANDMARKS",
    "STREET",
    "Gazetteer",
    "NamingPoints",
    "group_points",
    "read_gazetteer",
]

GAZETTEER_FILE: Final = "gazetteer.csv"
FACTS_FILE: Final = "gazetteer.toml"
COLUMNS: Final = ("kind", "name", "ward_code", "lon", "lat")
STREET: Final = "street"
# Every kind of place, in the order in which places of one name are offered.
KINDS: Final = (
    STREET, "station", "bus station", "hospital", "school", "college", "police station", "prison", "pharmacy", "park",
    "sports ground", "theatre", "conference centre", "race track", "shopping area", "supermarket", "petrol station",
    "nightclub", "subway", "car park", "airport", "ferry", "taxi rank", "stop", "postcode", "place",
)  # fmt: skip
# The kinds that a person can see from afar, or ask the way to: a place may be named by one that is near.
LANDMARKS: Final = ("station", "bus station", "hospital", "school", "college")
# Points of one name that are nearer to each other than this are one street, or one place.
_POSTCODES_ONLY: Final = frozenset({"Code-Point Open"})  # sources of which nothing but postcodes is kept
_SAME_PLACE_M: Final = 600.0
_NEAR_STREETS: Final = 8  # streets looked at to distinguish two of one name


@dataclass(frozen=True, slots=True, eq=False)
class NamingPoints:
    """Points that may name a place, in the order of the file: all (n,), degrees in WGS 84.

    `names` are str. A point that `is_street` is one of a street, else that of a landmark.
    """

    names: NDArray[np.object_]
    is_street: NDArray[np.bool_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)  # without slots, so that what is derived can be kept
class Gazetteer:
    """The named points of an area and of the 300 m around it.

    `content` is gazetteer.csv, and `facts` is gazetteer.toml.
    """

    content: bytes
    facts: dict[str, Any]

    @cached_property
    def points(self) -> "pd.DataFrame":
        """All points, with the columns of `COLUMNS`, sorted by kind and name; degrees are WGS 84."""
        return pd.read_csv(BytesIO(self.content), dtype={"kind": str, "name": str, "ward_code": str}, na_filter=False)

    @property
    def attributions(self) -> tuple[str, ...]:
        """The sentences to show with names of the gazetteer, each once."""
        return tuple(dict.fromkeys(source["attribution"] for source in self.facts["sources"]))

    @property
    def name_attributions(self) -> tuple[str, ...]:
        """Those of `attributions` that go with names of places, which are never postcodes."""
        sources = [source for source in self.facts["sources"] if source["title"] not in _POSTCODES_ONLY]
        return tuple(dict.fromkeys(source["attribution"] for source in sources))

    @cached_property
    def naming_points(self) -> NamingPoints:
        """The points that may name a place: streets, and landmarks that have a name of their own."""
        named = [
            row
            for row in csv.reader(StringIO(self.content.decode(), newline=""))
            if row[0] == STREET or (row[0] in LANDMARKS and " near " not in row[1])
        ]
        return NamingPoints(
            names=np.array([row[1] for row in named], dtype=object),
            is_street=np.array([row[0] == STREET for row in named], dtype=np.bool_),
            lon=np.array([row[3] for row in named], dtype=np.float64),
            lat=np.array([row[4] for row in named], dtype=np.float64),
        )

    @cached_property
    def postcodes(self) -> "pd.DataFrame":
        """The postcodes of the area: name ("TS1 2AA"), ward_code, lon, lat."""
        return self.entries[self.entries["kind"] == "postcode"].reset_index(drop=True)

    @cached_property
    def entries(self) -> "pd.DataFrame":
        """The places of the area, one row each: kind, name, ward_code, lon, lat, points.

        Two streets of one name in different places are two rows. A place stands at that of its points which is nearest
        to the middle of them; its ward is the ward of that point.
        """
        inside = self.points[self.points["ward_code"] != ""].reset_index(drop=True)
        if inside.empty:
            return inside.assign(points=np.zeros(0, dtype=np.int64))
        places = inside.assign(place=group_points(inside))
        middle = places.groupby("place")[["lon", "lat"]].transform("mean")
        places["away"] = (
            ((places["lon"] - middle["lon"]) * np.cos(np.radians(middle["lat"]))) ** 2
            + (places["lat"] - middle["lat"]) ** 2
        ).round(12)
        places["points"] = places.groupby("place")["name"].transform("size")
        places = places.sort_values(["place", "away", "lon", "lat"], kind="stable").drop_duplicates("place")
        order = places["kind"].map({kind: place for place, kind in enumerate(KINDS)})
        ordered = places.assign(order=order).sort_values(["order", "name", "ward_code", "lon", "lat"], kind="stable")
        return _tell_apart(ordered[[*COLUMNS, "points"]].reset_index(drop=True))


def read_gazetteer(area: Area) -> Gazetteer | None:
    """The area's gazetteer, kept in memory until its files change; None if it has none.

    AreaError if its files cannot be read, were changed by hand, or were made for other wards.
    """
    files = [area.folder / name for name in (GAZETTEER_FILE, FACTS_FILE, WARDS_FILE)]
    if not all(file.is_file() for file in files[:2]):
        return None
    stamp = tuple(number for file in files for number in (file.stat().st_mtime_ns, file.stat().st_size))
    return _read(area.folder, area.title, stamp)


@lru_cache(maxsize=8)
def _read(folder: Path, title: str, stamp: tuple[int, ...]) -> Gazetteer:
    """The gazetteer in a folder. The stamp is part of the key of the cache, so that a rebuilt one is read again."""
    del stamp
    rule = f"The gazetteer of {title} has to be complete, and made for its wards"
    hint = f"build it again: hexbeat gazetteer build FILE... --area {folder.name}"
    try:
        facts = tomllib.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        content = (folder / GAZETTEER_FILE).read_bytes()
    except (OSError, ValueError) as error:
        raise AreaError(rule, f"it cannot be read ({type(error).__name__})", hint) from error
    is_whole = facts.get("gazetteer_sha256") == hashlib.sha256(content).hexdigest()
    if not is_whole or content.partition(b"\n")[0].decode(errors="replace").rstrip("\r").split(",") != list(COLUMNS):
        raise AreaError(rule, "it was changed by hand, or only one of its two files was copied", hint)
    if facts.get("wards_sha256") != hash_file(folder / WARDS_FILE):
        raise AreaError(rule, "it was made for other wards", hint)
    return Gazetteer(content, facts)


def _tell_apart(entries: "pd.DataFrame") -> "pd.DataFrame":
    """Entries with names of their own within a ward: of two High Streets each says which other street it is near."""
    is_twin = entries.duplicated(["kind", "name", "ward_code"], keep=False).to_numpy()
    streets = entries[entries["kind"] == STREET]
    if not is_twin.any() or len(streets) < _NEAR_STREETS:
        return entries
    lon, lat = float(entries["lon"].mean()), float(entries["lat"].mean())
    tree = spatial.cKDTree(offsets_m(streets["lon"], streets["lat"], origin_lon=lon, origin_lat=lat))
    twins = entries[is_twin]
    _, nearest = tree.query(offsets_m(twins["lon"], twins["lat"], origin_lon=lon, origin_lat=lat), k=_NEAR_STREETS)
    street_names = streets["name"].to_numpy(dtype=object)
    names = []
    for name, indices in zip(twins["name"], nearest.tolist(), strict=True):
        other = next((street_names[index] for index in indices if street_names[index] != name), None)
        names.append(f"{name}, near {other}" if other and " near " not in name else name)
    renamed = entries.copy()
    renamed.loc[is_twin, "name"] = names
    return renamed


def group_points(points: "pd.DataFrame") -> NDArray[np.int64]:
    """A number for each point (n,), equal for points of one kind and name that hang together."""
    xy = offsets_m(
        points["lon"], points["lat"], origin_lon=float(points["lon"].mean()), origin_lat=float(points["lat"].mean())
    )
    # A third axis keeps points of other names out of reach, so that one search finds the pairs of all names.
    name = points.groupby(["kind", "name"], sort=False).ngroup().to_numpy(dtype=np.float64)
    tree = spatial.cKDTree(np.column_stack([xy, name * (_SAME_PLACE_M * 2)]))
    pairs = tree.query_pairs(_SAME_PLACE_M, output_type="ndarray")
    links = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
    _, place = csgraph.connected_components(links, directed=False)
    return np.asarray(place, dtype=np.int64)
