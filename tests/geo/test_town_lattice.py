"""Single precision says which cell a point is in, or that it does not know; it is never wrong."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from numpy.typing import NDArray

from geo.cells import index_points_at
from geo.distance import EARTH_RADIUS_M
from geo.lattice import BLOCK, Lattice, LatticeIndexer
from geo.plane import unit_vectors
from geo.town_lattice import TownIndexer

PLACES = {"Middlesbrough": (-1.23, 54.57), "Tempe": (-111.93, 33.4), "Ushuaia": (-68.3, -54.8), "Quito": (-78.5, -0.2)}
RESOLUTIONS = (8, 9, 10, 11)


def fit(place: str, radius_km: float, resolutions: tuple[int, ...] = RESOLUTIONS) -> list[Lattice]:
    fitted = [Lattice.fit(*PLACES[place], radius_km=radius_km, resolution=resolution) for resolution in resolutions]
    return [lattice for lattice in fitted if lattice is not None]


def compute_both(
    place: str, lattices: list[Lattice], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The codes of single and of double precision, (lattices, n) each."""
    town = TownIndexer.build(*PLACES[place], lattices)
    assert town is not None
    quick, exact = (np.empty((len(lattices), len(lon)), dtype=np.int64) for _ in range(2))
    town.compute_codes(lon, lat, quick)
    for row, lattice in zip(exact, lattices, strict=True):
        indexer = LatticeIndexer(lattice)
        indexer.compute_codes(indexer.projection.project(unit_vectors(lon, lat)), row)
    return quick, exact


def find_unknown(lattices: list[Lattice]) -> NDArray[np.int64]:
    return np.array([[(2 * lattice.half + 1) ** 2] for lattice in lattices])


@pytest.mark.parametrize("radius_km", [8.0, 32.0])
@pytest.mark.parametrize("place", PLACES)
def test_the_codes_are_those_of_double_precision_and_few_are_left(place: str, radius_km: float) -> None:
    lattices = fit(place, radius_km)
    assert len(lattices) == len(RESOLUTIONS)
    spread = radius_km / 111 * 0.7
    noise = np.random.default_rng(5).uniform(-spread, spread, (2, BLOCK))
    lon, lat = PLACES[place][0] + noise[0] / np.cos(np.radians(PLACES[place][1])), PLACES[place][1] + noise[1]
    quick, exact = compute_both(place, lattices, lon, lat)
    is_known = quick != find_unknown(lattices)
    assert np.array_equal(quick[is_known], exact[is_known])
    assert is_known.mean(axis=1).min() > 0.97


@pytest.mark.parametrize("place", PLACES)
def test_points_as_near_to_an_edge_as_the_doubt_are_right_or_left(place: str) -> None:
    """Points on the sides of cells all over the circle, moved across by up to some doubts; nearer ones are all left."""
    radius_km, resolution = 16.0, 11
    lattices = fit(place, radius_km, (resolution,))
    town = TownIndexer.build(*PLACES[place], lattices)
    assert town is not None
    random = np.random.default_rng(6)
    spread = radius_km / 111 * 0.7
    ends = []
    for lon, lat in random.uniform(-spread, spread, (2000, 2)):
        middle = PLACES[place][0] + lon / np.cos(np.radians(PLACES[place][1])), PLACES[place][1] + lat
        ring = h3.cell_to_boundary(h3.latlng_to_cell(middle[1], middle[0], resolution))
        number = random.integers(len(ring))
        ends.append((ring[number - 1], ring[number]))
    first, second = np.array(ends).transpose(1, 2, 0)
    share = random.uniform(0.1, 0.9, len(ends))
    lat, lon = first * share + second * (1 - share)
    half_m = h3.average_hexagon_edge_length(resolution, unit="m") * 3**0.5 / 2
    doubt_m = town.doubt[0] * half_m
    turn = np.arctan2(*(second - first)) + np.pi / 2
    moves = doubt_m * np.concatenate([np.full(1000, 0.1), random.uniform(0.1, 4, 1000)]) * random.choice([-1, 1], 2000)
    lat = lat + np.degrees(moves / EARTH_RADIUS_M) * np.sin(turn)
    lon = lon + np.degrees(moves / EARTH_RADIUS_M) * np.cos(turn)
    quick, exact = compute_both(place, lattices, lon, lat)
    is_known = quick != find_unknown(lattices)
    assert np.array_equal(quick[is_known], exact[is_known])
    assert not is_known[0, :1000].any()
    assert is_known[0, 1000:].mean() > 0.3


def test_points_outside_the_circle_are_left() -> None:
    lattices = fit("Middlesbrough", 8.0)
    lon = np.array([-1.23, -1.5, 0.0, 178.77, -180.0, 180.0, -1.23])
    lat = np.array([54.57, 54.57, 0.0, -54.57, 90.0, -90.0, 54.57 + 0.0725])
    quick, _ = compute_both("Middlesbrough", lattices, lon, lat)
    assert (quick != find_unknown(lattices)).any(axis=0).tolist() == [True, *[False] * 6]


@pytest.mark.parametrize(
    ("lat", "radius_km", "resolution"), [(54.57, 128.0, 11), (89.0, 8.0, 9)], ids=["too wide", "near a pole"]
)
def test_where_single_precision_is_not_enough_there_is_none(lat: float, radius_km: float, resolution: int) -> None:
    lattice = Lattice.fit(-1.23, lat, radius_km=radius_km, resolution=resolution)
    assert lattice is not None
    assert TownIndexer.build(-1.23, lat, [lattice]) is None


def test_lattices_of_other_circles_are_not_taken_together() -> None:
    assert TownIndexer.build(*PLACES["Middlesbrough"], fit("Middlesbrough", 8.0) + fit("Middlesbrough", 16.0)) is None
    assert TownIndexer.build(*PLACES["Middlesbrough"], []) is None


def test_a_town_of_many_blocks_and_stray_points_has_the_cells_of_h3() -> None:
    random = np.random.default_rng(9)
    lon, lat = random.normal(-1.23, 0.05, 20_000), random.normal(54.57, 0.03, 20_000)
    lon[::1999], lat[::1999] = 12.5, 41.9
    for resolution, cells in index_points_at(lon, lat, resolutions=(4, *RESOLUTIONS)).items():
        pairs = zip(lat.tolist(), lon.tolist(), strict=True)
        assert cells.tolist() == [h3.latlng_to_cell(y, x, resolution) for y, x in pairs]
