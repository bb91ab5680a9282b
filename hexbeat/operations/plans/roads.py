"""Travel times between places: by great circles, by a road network in a GraphML file, or by an OSRM service.

A network is used only if one was chosen. Where it has no route, great circles are used instead, and the plan says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
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

__all__ = ["Graph", "Travel", "TravelTable", "load_road_travel", "measure_straight_travel", "read_graph"]

_GRAPH_RULE: Final = (
    "A road network is a GraphML file whose nodes have x and y in degrees, and whose ways have a length in metres"
)
_HINT: Final = "save it with OSMnx's save_graphml, unprojected"
_ROADS_RULE: Final = "A road network is a GraphML file, or the address of an OSRM table service"
_MOST_OFF_ROAD_M: Final = 300.0  # a place further from every road is not on the network
_MOST_POINTS: Final = 100  # points that a public OSRM service takes at a time
_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """`ways`: a networkx DiGraph whose edges have `seconds` and `metres`. `names` its nodes, found by `tree`."""

    network: Any
    names: tuple[Any, ...]
    tree: cKDTree
    metres_a_second: float

    def nearest(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[list[Any], NDArray[np.float64]]:
        """The nodes nearest to points, and how many metres away they are (m,)."""
        distance_m, index = self.tree.query(_to_xyz(lon, lat))
        return [self.names[k] for k in index.tolist()], np.asarray(distance_m, dtype=np.float64)

    def length(self, path: list[Any]) -> float:
        """Metres along a path of nodes."""
        return float(sum(self.network.edges[a, b]["metres"] for a, b in pairwise(path)))


@dataclass(frozen=True, slots=True, eq=False)
class TravelTable:
    """Travel between points: `seconds` int64 (m, m), in whole minutes, and `km` float64 (m, m).

    `lon` and `lat` are the points, degrees (m,). `sentences` say how the times were found.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    seconds: NDArray[np.int64]
    km: NDArray[np.float64]
    sentences: tuple[str, ...]

    def without_way(self, point: int) -> "TravelTable":
        """The same table with no way to or from a point, as of a team that starts wherever its first stop is."""
        seconds, km = self.seconds.copy(), self.km.copy()
        for values in (seconds, km):
            values[point, :] = 0
            values[:, point] = 0
        return replace(self, seconds=seconds, km=km)


Travel = Callable[[NDArray[np.float64], NDArray[np.float64]], TravelTable]  # of lon and lat in degrees


def measure_straight_travel(lon: NDArray[np.float64], lat: NDArray[np.float64], *, mode: Mode) -> TravelTable:
    """Travel by great circles and the usual detour of streets. It ignores rivers, railways and locked gates."""
    pace = PACES[mode]
    straight_m = distances_m(lon, lat)
    mode_text = "On foot" if mode == "walk" else "By car"
    parking = f" Parking takes {pace.parking_s} seconds at each stop." if pace.parking_s else ""
    sentence = (
        f"{mode_text} at {format_number(pace.speed_kmh)} km/h, on ways {format_number(pace.detour)} times as long as "
        f"the straight line.{parking} Times are rounded up to whole minutes."
    )
    return TravelTable(
        lon, lat, round_up_minutes(travel_times_s(straight_m, pace)), straight_m * pace.detour / 1000, (sentence,)
    )


def load_road_travel(roads: str | None, *, mode: Mode, home: Path | None = None) -> Travel | None:
    """The travel of a road network: a file's name (relative to `home` too) or an http(s) address; None without one.

    DataError if the file is not such a network. A service is asked later, and may raise DataError then.
    """
    if not roads:
        return None
    if roads.startswith(("http://", "https://")):
        return lambda lon, lat: _fill_gaps(lon, lat, *_query_osrm(roads, lon, lat), mode=mode, name="the road service")
    path = Path(roads)
    if home is not None and not path.is_file():
        path = home / roads
    graph = read_graph(path, speed_kmh=PACES[mode].speed_kmh, walking=mode == "walk")
    return lambda lon, lat: _fill_gaps(lon, lat, *_measure_graph(graph, lon, lat), mode=mode, name=path.name)


def _fill_gaps(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    seconds: NDArray[np.float64],
    metres: NDArray[np.float64],
    *,
    mode: Mode,
    name: str,
) -> TravelTable:
    """The network's travel, and great circles where it has no route (NaN)."""
    straight = measure_straight_travel(lon, lat, mode=mode)
    missing = ~(np.isfinite(seconds) & np.isfinite(metres))
    parking = np.where(np.eye(len(lon), dtype=np.bool_), 0, PACES[mode].parking_s)
    rounded = round_up_minutes(np.ceil(np.where(missing, 0, seconds) + parking).astype(np.int64))
    sentences = [f"Ways and times come from {name}. Times are rounded up to whole minutes."]
    if missing.any():
        share = format_number(float(missing.mean() * 100))
        sentences.append(
            f"It has no way for {share} % of the pairs of places. Straight lines with a detour are used there."
        )
    return TravelTable(
        lon,
        lat,
        np.where(missing, straight.seconds, rounded),
        np.where(missing, straight.km, metres / 1000),
        tuple(sentences),
    )


def _measure_graph(
    graph: Graph, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and metres (m, m) along the network between the nodes nearest to the points; NaN without a route."""
    nodes, off_road_m = graph.nearest(lon, lat)
    size = len(lon)
    seconds, metres = np.full((size, size), np.nan), np.full((size, size), np.nan)
    on_roads = off_road_m <= _MOST_OFF_ROAD_M
    for start in np.flatnonzero(on_roads).tolist():
        times, paths = nx.single_source_dijkstra(graph.network, nodes[start], weight="seconds")
        for end in np.flatnonzero(on_roads).tolist():
            if nodes[end] in times:
                access_m = off_road_m[start] + off_road_m[end] if start != end else 0.0
                seconds[start, end] = times[nodes[end]] + access_m / graph.metres_a_second
                metres[start, end] = graph.length(paths[nodes[end]]) + access_m
    return seconds, metres


def _query_osrm(
    address: str, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and metres (m, m) by an OSRM table service (/table/v1/PROFILE), asked in parts; NaN where it has none."""
    size = len(lon)
    seconds, metres = np.full((size, size), np.nan), np.full((size, size), np.nan)
    half = _MOST_POINTS // 2
    parts = [np.arange(begin, min(begin + half, size)) for begin in range(0, size, half)]
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client:
        for rows in parts:
            for columns in parts:
                part = _fetch_table(client, address, lon, lat, rows, columns)
                for table, name in ((seconds, "durations"), (metres, "distances")):
                    table[np.ix_(rows, columns)] = part[name]
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
    points_asked = np.concatenate([rows, columns])
    points = ";".join(f"{lon[k]:.5f},{lat[k]:.5f}" for k in points_asked)
    span = {"sources": range(len(rows)), "destinations": range(len(rows), len(points_asked))}
    query = {"annotations": "duration,distance"} | {
        name: ";".join(map(str, positions)) for name, positions in span.items()
    }
    try:
        answer = client.get(f"{address.rstrip('/')}/{points}", params=query)
        answer.raise_for_status()
        fields: dict[str, Any] = answer.json()
        tables = {name: np.array(fields[name], dtype=np.float64) for name in ("durations", "distances")}
        tables = {name: table.reshape(len(rows), len(columns)) for name, table in tables.items()}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
        raise DataError(
            _ROADS_RULE,
            f"the service did not answer with a table of times and distances ({type(error).__name__})",
            "check the address, as http://localhost:5000/table/v1/foot, or plan without roads",
        ) from error
    return tables


def read_graph(path: Path, *, speed_kmh: float, walking: bool) -> Graph:
    """The road network of a GraphML file; DataError if it is not one.

    On foot every edge is walked in both directions at `speed_kmh`. By car an edge takes its own `travel_time` if it has
    one.
    """
    raw = _read_graphml(path)
    try:
        coordinates = {node: (float(data["x"]), float(data["y"])) for node, data in raw.nodes(data=True)}
        network = nx.DiGraph()
        for start, end, data in raw.edges(data=True):
            metres = float(data["length"])
            own_seconds = data.get("travel_time")
            seconds = float(own_seconds) if own_seconds is not None and not walking else metres / (speed_kmh / 3.6)
            for tail, head in ((start, end), (end, start)) if walking or not raw.is_directed() else ((start, end),):
                known = network.edges.get((tail, head), {"seconds": np.inf, "metres": np.inf})
                if (seconds, metres) < (known["seconds"], known["metres"]):  # of ways as fast, the shorter
                    network.add_edge(tail, head, seconds=seconds, metres=metres)
        lon, lat = np.array([coordinates[node] for node in network.nodes], dtype=np.float64).reshape(-1, 2).T
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            _GRAPH_RULE, f"{path.name} has nodes or ways without these ({type(error).__name__})", _HINT
        ) from error
    if not len(lon) or not ((np.abs(lon) <= 180) & (np.abs(lat) <= 90)).all():  # noqa: PLR2004 - degrees
        fact = f"{path.name} has no ways" if not len(lon) else f"{path.name} has nodes that are not in degrees"
        raise DataError(_GRAPH_RULE, fact, _HINT)
    return Graph(network, tuple(network.nodes), cKDTree(_to_xyz(lon, lat)), speed_kmh / 3.6)


def _read_graphml(path: Path) -> Any:
    """The file as networkx reads it; entities and document types, which can be bombs, are refused first."""
    try:
        defusedxml.ElementTree.parse(path, forbid_dtd=True)
        return nx.read_graphml(path, force_multigraph=True)
    except FileNotFoundError as error:
        raise DataError(
            _GRAPH_RULE, f"there is no file {path.name}", "check its name, or plan without roads"
        ) from error
    except (OSError, ParseError, DefusedXmlException, nx.NetworkXError, ValueError, KeyError, TypeError) as error:
        raise DataError(_GRAPH_RULE, f"{path.name} cannot be read ({type(error).__name__})", _HINT) from error


def _to_xyz(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the globe as x, y, z in metres (m, 3), where straight lines approximate short distances."""
    return EARTH_RADIUS_M * unit_vectors(lon, lat).T
