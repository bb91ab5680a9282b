"""A road network from a GraphML file, in OSMnx's format: nodes with x and y, ways with length and maybe travel_time."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree
import networkx as nx
import numpy as np
from defusedxml import DefusedXmlException
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.errors import DataError

__all__ = ["Graph", "read_graph"]

_EARTH_M: Final = 6_371_008.8
_RULE: Final = (
    "A road network is a GraphML file whose nodes have x and y in degrees, and whose ways have a length in metres"
)
_HINT: Final = "save it with OSMnx's save_graphml, unprojected"


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
        raise DataError(_RULE, f"{path.name} has nodes or ways without them ({type(error).__name__})", _HINT) from error
    if not len(lon) or not ((np.abs(lon) <= 180) & (np.abs(lat) <= 90)).all():  # noqa: PLR2004 - degrees
        fact = f"{path.name} has no ways" if not len(lon) else f"{path.name} has nodes that are not in degrees"
        raise DataError(_RULE, fact, _HINT)
    return Graph(ways, tuple(ways.nodes), cKDTree(_in_space(lon, lat)), speed_kmh / 3.6)


def _read(path: Path) -> Any:
    """The file as networkx reads it; entities and document types, which can be bombs, are refused before."""
    try:
        defusedxml.ElementTree.parse(path, forbid_dtd=True)
        return nx.read_graphml(path, force_multigraph=True)
    except FileNotFoundError as error:
        raise DataError(_RULE, f"there is no file {path.name}", "check its name, or plan without --roads") from error
    except (OSError, ParseError, DefusedXmlException, nx.NetworkXError, ValueError, KeyError, TypeError) as error:
        raise DataError(_RULE, f"{path.name} cannot be read ({type(error).__name__})", _HINT) from error


def _in_space(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the globe in metres (m, 3): near ones are as far apart as on the ground."""
    east, north = np.radians(lon), np.radians(lat)
    return _EARTH_M * np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
