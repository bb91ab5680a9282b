"""How long it takes from place to place: by great circles, by a road network in a GraphML file, or by an OSRM service.

A network is used only if one was chosen. Where it has no way, great circles are used instead, and the plan says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree
import numpy as np
from defusedxml import DefusedXmlException
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.distance import EARTH_RADIUS_M, distances_m
from geo.errors import DataError
from geo.lazy_modules import import_lazily
from geo.plane import unit_vectors
from geo.travel import PACES, Mode, round_up_minutes, travel_times_s
from layers.wording import format_number

if TYPE_CHECKING:
    import httpx
    import networkx as nx
else:
    httpx = import_lazily("httpx")
    nx = import_lazily("networkx")

__all__ = ["Graph", "Travel", "Ways", "load_road_travel", "measure_straight_ways", "read_graph"]

_GRAPH_RULE: Final = (
    "A road network is a GraphML file whose nodes have x and y in degrees, and whose ways have a length in metres"
)
_HINT: Final = "save it with OSMnx's save_graphml, unprojected"
_RULE: Final = "A road network is a GraphML file, or the address of an OSRM table service"
_NEAR_M: Final = 300.0  # a place further from every road is not on the network
_BATCH: Final = 100  # points that a public OSRM service takes at a time
_PATIENCE_S: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """`ways`: a networkx DiGraph whose edges have `seconds` and `metres`. `names` its nodes, found by `tree`."""

    ways: Any
    names: tuple[Any, ...]
    tree: cKDTree
    metres_a_second: float

    def nearest(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[list[Any], NDArray[np.float64]]:
        """The nodes nearest to points, and how many metres away they are (m,)."""
        apart, place = self.tree.query(_in_space(lon, lat))
        return [self.names[k] for k in place.tolist()], np.asarray(apart, dtype=np.float64)

    def length(self, path: list[Any]) -> float:
        """Metres along a path of nodes."""
        return float(sum(self.ways.edges[a, b]["metres"] for a, b in pairwise(path)))


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Between points, in their order: `seconds` int64 (m, m) in whole minutes, `km` float64 (m, m); `words` say how.

    `lon` and `lat` are the points, degrees (m,).
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    seconds: NDArray[np.int64]
    km: NDArray[np.float64]
    words: tuple[str, ...]


Travel = Callable[[NDArray[np.float64], NDArray[np.float64]], Ways]  # of lon and lat in degrees


def measure_straight_ways(lon: NDArray[np.float64], lat: NDArray[np.float64], *, mode: Mode) -> Ways:
    """Ways by great circles and the detour of towns' streets. They ignore rivers, railways and locked gates."""
    pace = PACES[mode]
    apart = distances_m(lon, lat)
    going = "On foot" if mode == "walk" else "By car"
    parking = f" Parking takes {pace.parking_s} seconds at each stop." if pace.parking_s else ""
    words = (
        f"{going} at {format_number(pace.speed_kmh)} km/h, on ways {format_number(pace.detour)} times as long as the "
        f"straight line.{parking} Times are rounded up to whole minutes."
    )
    return Ways(lon, lat, round_up_minutes(travel_times_s(apart, pace)), apart * pace.detour / 1000, (words,))


def load_road_travel(roads: str | None, *, mode: Mode, home: Path | None = None) -> Travel | None:
    """The travel of a road network: a file's name (relative to `home` as well) or an http(s) address; None without.

    DataError if the file is no such network; the service is asked later, and may raise DataError then.
    """
    if not roads:
        return None
    if roads.startswith(("http://", "https://")):
        return lambda lon, lat: _with_gaps(lon, lat, *_osrm(roads, lon, lat), mode=mode, name="the road service")
    path = Path(roads)
    if home is not None and not path.is_file():
        path = home / roads
    graph = read_graph(path, speed_kmh=PACES[mode].speed_kmh, walking=mode == "walk")
    return lambda lon, lat: _with_gaps(lon, lat, *_by_graph(graph, lon, lat), mode=mode, name=path.name)


def _with_gaps(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    seconds: NDArray[np.float64],
    metres: NDArray[np.float64],
    *,
    mode: Mode,
    name: str,
) -> Ways:
    """The network's ways, and great circles where it has none (NaN)."""
    straight = measure_straight_ways(lon, lat, mode=mode)
    lacking = ~(np.isfinite(seconds) & np.isfinite(metres))
    parking = np.where(np.eye(len(lon), dtype=np.bool_), 0, PACES[mode].parking_s)
    rounded = round_up_minutes(np.ceil(np.where(lacking, 0, seconds) + parking).astype(np.int64))
    words = [f"Ways and times come from {name}. Times are rounded up to whole minutes."]
    if lacking.any():
        share = format_number(float(lacking.mean() * 100))
        words.append(
            f"It has no way for {share} % of the pairs of places. Straight lines with a detour are used there."
        )
    return Ways(
        lon,
        lat,
        np.where(lacking, straight.seconds, rounded),
        np.where(lacking, straight.km, metres / 1000),
        tuple(words),
    )


def _by_graph(
    graph: Graph, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and metres (m, m) along the network between the nodes nearest to the points; NaN without a way."""
    nodes, apart = graph.nearest(lon, lat)
    many = len(lon)
    seconds, metres = np.full((many, many), np.nan), np.full((many, many), np.nan)
    on_roads = apart <= _NEAR_M
    for start in np.flatnonzero(on_roads).tolist():
        times, paths = nx.single_source_dijkstra(graph.ways, nodes[start], weight="seconds")
        for end in np.flatnonzero(on_roads).tolist():
            if nodes[end] in times:
                beside = apart[start] + apart[end] if start != end else 0.0
                seconds[start, end] = times[nodes[end]] + beside / graph.metres_a_second
                metres[start, end] = graph.length(paths[nodes[end]]) + beside
    return seconds, metres


def _osrm(
    address: str, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and metres (m, m) by an OSRM table service (/table/v1/PROFILE), asked in parts; NaN where it has none."""
    many = len(lon)
    seconds, metres = np.full((many, many), np.nan), np.full((many, many), np.nan)
    half = _BATCH // 2
    parts = [np.arange(first, min(first + half, many)) for first in range(0, many, half)]
    with httpx.Client(timeout=_PATIENCE_S, follow_redirects=False) as client:
        for rows in parts:
            for columns in parts:
                found = _fetch_table(client, address, lon, lat, rows, columns)
                for table, name in ((seconds, "durations"), (metres, "distances")):
                    table[np.ix_(rows, columns)] = found[name]
    return seconds, metres


def _fetch_table(
    client: "httpx.Client",
    address: str,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> dict[str, NDArray[np.float64]]:
    """One table of the service: the places are sent rounded to a metre, and nothing else."""
    both = np.concatenate([rows, columns])
    points = ";".join(f"{lon[k]:.5f},{lat[k]:.5f}" for k in both)
    span = {"sources": range(len(rows)), "destinations": range(len(rows), len(both))}
    query = {"annotations": "duration,distance"} | {name: ";".join(map(str, of)) for name, of in span.items()}
    try:
        answer = client.get(f"{address.rstrip('/')}/{points}", params=query)
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        found = {name: np.array(said[name], dtype=np.float64) for name in ("durations", "distances")}
        found = {name: table.reshape(len(rows), len(columns)) for name, table in found.items()}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
        raise DataError(
            _RULE,
            f"the service did not answer with a table of times and distances ({type(error).__name__})",
            "check the address, as http://localhost:5000/table/v1/foot, or plan without roads",
        ) from error
    return found


def read_graph(path: Path, *, speed_kmh: float, walking: bool) -> Graph:
    """The network of a file; DataError for one that is none.

    On foot every way is walked in both directions at `speed_kmh`; by car it takes its own `travel_time` if it has one.
    """
    raw = _read(path)
    try:
        at = {node: (float(data["x"]), float(data["y"])) for node, data in raw.nodes(data=True)}
        ways = nx.DiGraph()
        for start, end, data in raw.edges(data=True):
            metres = float(data["length"])
            own = data.get("travel_time")
            seconds = float(own) if own is not None and not walking else metres / (speed_kmh / 3.6)
            for one, other in ((start, end), (end, start)) if walking or not raw.is_directed() else ((start, end),):
                if not ways.has_edge(one, other) or ways.edges[one, other]["seconds"] > seconds:
                    ways.add_edge(one, other, seconds=seconds, metres=metres)
        lon, lat = np.array([at[node] for node in ways.nodes], dtype=np.float64).reshape(-1, 2).T
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            _GRAPH_RULE, f"{path.name} has nodes or ways without these ({type(error).__name__})", _HINT
        ) from error
    if not len(lon) or not ((np.abs(lon) <= 180) & (np.abs(lat) <= 90)).all():  # noqa: PLR2004 - degrees
        fact = f"{path.name} has no ways" if not len(lon) else f"{path.name} has nodes that are not in degrees"
        raise DataError(_GRAPH_RULE, fact, _HINT)
    return Graph(ways, tuple(ways.nodes), cKDTree(_in_space(lon, lat)), speed_kmh / 3.6)


def _read(path: Path) -> Any:
    """The file as networkx reads it; entities and document types, which can be bombs, are refused before."""
    try:
        defusedxml.ElementTree.parse(path, forbid_dtd=True)
        return nx.read_graphml(path, force_multigraph=True)
    except FileNotFoundError as error:
        raise DataError(
            _GRAPH_RULE, f"there is no file {path.name}", "check its name, or plan without roads"
        ) from error
    except (OSError, ParseError, DefusedXmlException, nx.NetworkXError, ValueError, KeyError, TypeError) as error:
        raise DataError(_GRAPH_RULE, f"{path.name} cannot be read ({type(error).__name__})", _HINT) from error


def _in_space(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the globe in metres (m, 3): near ones are as far apart as on the ground."""
    return EARTH_RADIUS_M * unit_vectors(lon, lat).T
