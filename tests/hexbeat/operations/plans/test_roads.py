import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import networkx as nx
import numpy as np
import pytest

from geo.errors import DataError
from hexbeat.operations.plans.roads import load_road_travel, measure_straight_travel

# Three corners of a square of about 650 m by 1,110 m, and a place far from every road.
LON = np.array([-1.24, -1.23, -1.23, -1.10])
LAT = np.array([54.57, 54.57, 54.58, 54.57])
SPACE = "http://graphml.graphdrawing.org/xmlns"
BARE = "<graph edgedefault='directed'><node id='a'/><node id='b'/><edge source='a' target='b'/></graph>"
RULE = "A road network is a GraphML file whose nodes have x and y in degrees, and whose ways have a length in metres"


def network(path: Path, **ways: Any) -> Path:
    """One-way streets from corner to corner: 0 to 1, 1 to 2, 2 to 0."""
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node in range(3):
        graph.add_node(node, x=float(LON[node]), y=float(LAT[node]))
    for start, end, length in ((0, 1, 700.0), (1, 2, 1200.0), (2, 0, 1500.0)):
        graph.add_edge(start, end, length=length, travel_time=length / 10, **ways)
    nx.write_graphml(graph, path)
    return path


def test_cars_keep_to_one_way_streets_and_their_own_times(tmp_path: Path) -> None:
    travel = load_road_travel(str(network(tmp_path / "town.graphml")), mode="drive")
    assert travel is not None
    ways = travel(LON[:3], LAT[:3])
    # 70, 190 and 120 s and a minute to park, rounded up to minutes; back from 1 to 0 goes round by 2.
    assert ways.seconds.tolist() == [[0, 180, 300], [360, 0, 180], [240, 300, 0]]
    assert ways.km[1, 0] == pytest.approx(2.7)
    assert ways.sentences == ("Ways and times come from town.graphml. Times are rounded up to whole minutes.",)


@pytest.mark.parametrize(
    ("lengths", "times", "km"),
    [
        ((900.0, 700.0), (70, 70), 0.7),
        ((700.0, 900.0), (70, 70), 0.7),
        ((900.0, 700.0), (60, 70), 0.9),
        ((700.0, 900.0), (70, 60), 0.9),
    ],
)
def test_of_two_ways_the_faster_counts_with_its_own_length_and_of_equal_ones_the_shorter(
    tmp_path: Path, lengths: tuple[float, float], times: tuple[int, int], km: float
) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node in range(2):
        graph.add_node(node, x=float(LON[node]), y=float(LAT[node]))
    for length, time in zip(lengths, times, strict=True):
        graph.add_edge(0, 1, length=length, travel_time=float(time))
    nx.write_graphml(graph, tmp_path / "two.graphml")
    travel = load_road_travel(str(tmp_path / "two.graphml"), mode="drive")
    assert travel is not None
    assert travel(LON[:2], LAT[:2]).km[0, 1] == pytest.approx(km)


def test_people_on_foot_go_both_ways(tmp_path: Path) -> None:
    network(tmp_path / "town.graphml")
    travel = load_road_travel("town.graphml", mode="walk", home=tmp_path)
    assert travel is not None
    ways = travel(LON[:3], LAT[:3])
    assert ways.km[1, 0] == ways.km[0, 1] == pytest.approx(0.7)
    assert ways.seconds[0, 1] == 540  # 700 m at 4.8 km/h: 525 s


def test_a_place_that_no_road_reaches_is_reached_straight_and_that_is_said(tmp_path: Path) -> None:
    travel = load_road_travel(str(network(tmp_path / "town.graphml")), mode="walk")
    assert travel is not None
    ways, straight = travel(LON, LAT), measure_straight_travel(LON, LAT, mode="walk")
    assert (ways.seconds[3] == straight.seconds[3]).all()
    assert ways.seconds[0, 1] != straight.seconds[0, 1]
    assert ways.sentences[1] == (
        "It has no way for 43.8 % of the pairs of places. Straight lines with a detour are used there."
    )


def test_without_a_network_there_is_none() -> None:
    assert load_road_travel(None, mode="walk") is None
    assert load_road_travel("", mode="walk") is None


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("no xml", "bad.graphml cannot be read (ParseError)"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><graphml/>', "bad.graphml cannot be read (DTDForbidden)"),
        (f"<graphml xmlns='{SPACE}'><graph edgedefault='directed'/></graphml>", "bad.graphml has no ways"),
        (f"<graphml xmlns='{SPACE}'>{BARE}</graphml>", "bad.graphml has nodes or ways without these (KeyError)"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, text: str, fact: str) -> None:
    (tmp_path / "bad.graphml").write_text(text)
    with pytest.raises(DataError) as caught:
        load_road_travel(str(tmp_path / "bad.graphml"), mode="walk")
    assert str(caught.value) == f"{RULE}; {fact}; save it with OSMnx's save_graphml, unprojected"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_road_travel("gone.graphml", mode="walk", home=tmp_path)
    assert str(caught.value) == (f"{RULE}; there is no file gone.graphml; check its name, or plan without roads")


class Service(BaseHTTPRequestHandler):
    """An OSRM table service: a second a thousandth of a degree, ten metres for each; none to the last place."""

    asked: list[str] = []  # noqa: RUF012 - of the whole class, for the test to read

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        Service.asked.append(self.path)
        points = [tuple(map(float, point.split(","))) for point in address.path.rsplit("/", 1)[1].split(";")]
        query = parse_qs(address.query)
        rows, columns = ([int(k) for k in query[name][0].split(";")] for name in ("sources", "destinations"))
        times = [
            [None if points[b][0] == LON[3] else abs(points[a][0] - points[b][0]) * 1000 for b in columns] for a in rows
        ]
        metres = [[None if value is None else value * 10 for value in row] for row in times]
        body = {"code": "Ok", "durations": times, "distances": metres}
        if "broken" in address.path:
            body = {"code": "InvalidQuery"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls it by
        del format, args


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Service.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_is_asked_in_parts_for_rounded_places_alone(service: str) -> None:
    travel = load_road_travel(f"{service}/table/v1/foot", mode="walk")
    assert travel is not None
    many = 120
    lon, lat = np.linspace(-1.3, -1.2, many), np.full(many, 54.57)
    ways = travel(lon, lat)
    assert len(Service.asked) == 9
    assert max(path.count(";") for path in Service.asked) < 250
    assert ways.seconds[0, -1] == 120  # 100 s, rounded up
    assert ways.km[0, -1] == pytest.approx(1.0)
    assert ways.sentences == ("Ways and times come from the road service. Times are rounded up to whole minutes.",)


def test_where_a_service_has_no_way_straight_lines_stand_in(service: str) -> None:
    travel = load_road_travel(f"{service}/table/v1/foot", mode="walk")
    assert travel is not None
    ways = travel(LON, LAT)
    assert (ways.seconds[:, 3] == measure_straight_travel(LON, LAT, mode="walk").seconds[:, 3]).all()


@pytest.mark.parametrize("path", ["/broken/v1/foot", None])
def test_a_service_that_does_not_answer_is_an_error(service: str, path: str | None) -> None:
    address = f"{service}{path}" if path else "http://127.0.0.1:9/table/v1/foot"
    travel = load_road_travel(address, mode="walk")
    assert travel is not None
    with pytest.raises(DataError) as caught:
        travel(LON, LAT)
    word = "KeyError" if path else "ConnectError"
    assert str(caught.value) == (
        "A road network is a GraphML file, or the address of an OSRM table service; the service did not answer with a "
        f"table of times and distances ({word}); check the address, as http://localhost:5000/table/v1/foot, or plan "
        "without roads"
    )
