"""The minimum of places: spots that do not touch, so that one building is never two of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest

from geo.cells import count_separate_places, index_points_at
from hexbeat.areas.area import load_area
from hexbeat.areas.places_mask import build_places_mask, read_places_mask
from hexbeat.release.release_places import build_piece_tree
from layers.event import RESOLUTIONS
from tests.support.releases import Publisher, made_quarters

AREA = load_area("middlesbrough")
WARD = 12
IN_2024 = 1_720_000_000


def overdoses_at(lon: np.ndarray, lat: np.ndarray) -> pd.DataFrame:
    """An overdose of July 2024 at each point, all of one ward."""
    frame = made_quarters(AREA, number=len(lon), layer="overdoses", seed=3)
    cells = {f"h3_{size:02}": cell for size, cell in index_points_at(lon, lat, resolutions=RESOLUTIONS).items()}
    ward = np.unique(AREA.wards.locate(lon, lat))
    assert len(ward) == len(np.unique(cells["h3_09"])) == 1
    code = AREA.wards.codes[int(ward[0])]
    return frame.assign(lon=lon, lat=lat, ward_code=code, occurred_from=IN_2024, occurred_to=IN_2024, **cells)


def published(events: pd.DataFrame, folder: Path) -> list[tuple[str, int]]:
    publisher = Publisher(folder / "home")
    publisher.load(events, now="2026-07-02")
    return [(block.level, block.count) for block in publisher.publish(folder / "out").release.blocks]


def middle() -> tuple[int, float, float]:
    """A piece deep in its ward: its cell, and the spot at its middle with its degrees."""
    point = AREA.wards.polygons[WARD].representative_point()
    lat, lon = h3.cell_to_latlng(h3.latlng_to_cell(point.y, point.x, 9))
    return h3.latlng_to_cell(lat, lon, 11), lon, lat


@pytest.mark.slow
def test_twelve_overdoses_in_one_building_on_a_corner_of_three_spots_are_not_shown(tmp_path: Path) -> None:
    lat, lon = h3.cell_to_boundary(middle()[0])[2]
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    events = overdoses_at(lon + 8.5e-6 * np.cos(turn), lat + 5e-6 * np.sin(turn))  # 1.1 m across
    assert events["h3_11"].nunique() == 3
    assert published(events, tmp_path) == []


@pytest.mark.slow
def test_at_two_places_they_are_not_shown_either_and_at_three_they_are(tmp_path: Path) -> None:
    spots = sorted(set(h3.grid_ring(middle()[0], 2)))
    apart = [spots[0]]
    apart += [spot for spot in spots if h3.grid_distance(spot, spots[0]) == 2][:1]
    apart += [spot for spot in spots if min(h3.grid_distance(spot, other) for other in apart) > 1][:1]
    lat, lon = np.array([h3.cell_to_latlng(spot) for spot in apart]).T
    assert published(overdoses_at(np.resize(lon[:2], 12), np.resize(lat[:2], 12)), tmp_path / "two") == []
    three = published(overdoses_at(np.resize(lon, 12), np.resize(lat, 12)), tmp_path / "three")
    assert three == [("piece", 12)]


@pytest.mark.slow
def test_every_piece_can_have_all_its_possible_places_at_once(tmp_path: Path) -> None:
    """What makes the minimum safe: events laid on the possible places of all pieces together have that many."""
    area = replace(AREA, folder=tmp_path)
    shutil.copy(AREA.folder / "wards.geojson", tmp_path)
    rng = np.random.default_rng(5)
    west, south, east, north = AREA.bounds
    points = pd.DataFrame({"lon": rng.uniform(west, east, 9000), "lat": rng.uniform(south, north, 9000)})
    for name, rows in (("a.csv", points), ("b.csv", points[::-1])):
        rows.to_csv(tmp_path / name, index=False)
        build_places_mask(tmp_path / name, area, source="s", licence="l", attribution="a")
        shutil.copy(tmp_path / "places.csv", tmp_path / f"places-{name}")
    assert (tmp_path / "places-a.csv").read_bytes() == (tmp_path / "places-b.csv").read_bytes()
    tree = build_piece_tree(area, read_places_mask(area), "coarse-5", floor=0.1, least_spots=5)
    points = pd.read_csv(tmp_path / "a.csv")
    ward = AREA.wards.locate(points["lon"].to_numpy(), points["lat"].to_numpy())
    cells = index_points_at(points["lon"].to_numpy(), points["lat"].to_numpy(), resolutions=(9, 11))
    rows = pd.DataFrame({"spot": cells[11], "ward": ward, "cell": cells[9]})[ward >= 0]
    leaf = tree.find_leaves(rows["cell"].tolist(), [AREA.wards.codes[k] for k in rows["ward"]])
    rows = rows.assign(leaf=leaf).sort_values(["spot", "ward", "cell"]).drop_duplicates("spot")
    each = count_separate_places(rows["spot"].to_numpy(), np.arange(len(rows)), size=len(rows)) == 1
    laid = rows[each]
    counts = count_separate_places(laid["spot"].to_numpy(), laid["leaf"].to_numpy(), size=len(tree.places))
    possible = [place.possible_places or 0 for place in tree.places]
    assert counts.tolist() == possible
    assert min(possible[: len({*leaf.tolist()})]) >= 5
