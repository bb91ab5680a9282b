"""The lattice is h3, only faster: no point of any kind gets another cell."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.cells import index_points, index_points_at
from geo.lattice import Lattice, LatticeIndexer
from geo.plane import unit_vectors

# (lon, lat): towns on one face, one over two base cells, one over a face's edge, one at a pentagon, and the odd places.
PLACES = {
    "Middlesbrough": (-1.23, 54.57),
    "Boston": (-71.06, 42.36),
    "Tempe": (-111.93, 33.4),
    "a face's edge": (4.4, 52.61),
    "a pentagon": (10.536, 64.7),
    "the date line": (179.99, -17.0),
    "the pole": (0.0, 89.99),
}


def by_h3(lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> NDArray[np.uint64]:
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.array([h3.latlng_to_cell(y, x, resolution) for y, x in pairs], dtype=np.uint64)


def around(place: str, count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = PLACES[place]
    noise = np.random.default_rng(seed).normal(0, 0.06, (2, count))
    return (lon + noise[0] + 180) % 360 - 180, np.clip(lat + noise[1], -90, 90)


@pytest.mark.parametrize("resolution", [8, 9, 10, 11])
@pytest.mark.parametrize("place", PLACES)
def test_random_points_have_the_cells_of_h3(place: str, resolution: int) -> None:
    lon, lat = around(place, 5000, seed=resolution)
    assert np.array_equal(index_points(lon, lat, resolution=resolution), by_h3(lon, lat, resolution))


@pytest.mark.parametrize("resolution", [8, 11])
@pytest.mark.parametrize("place", ["Middlesbrough", "Tempe", "a face's edge"])
def test_points_on_edges_and_corners_have_the_cells_of_h3(place: str, resolution: int) -> None:
    origin = h3.latlng_to_cell(PLACES[place][1], PLACES[place][0], resolution)
    rings = [h3.cell_to_boundary(cell) for cell in h3.grid_disk(origin, 12)]
    sides = np.array([[ring[k - 1], ring[k]] for ring in rings for k in range(len(ring))])
    share = np.array([0.0, 0.5, 1 / 3, 0.1])[:, None, None]
    lat, lon = (sides[:, 0] * (1 - share) + sides[:, 1] * share).reshape(-1, 2).T
    assert np.array_equal(index_points(lon, lat, resolution=resolution), by_h3(lon, lat, resolution))


@pytest.mark.slow
@given(
    st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
    st.integers(0, 12),
    st.floats(1e-4, 3),
    st.integers(0, 2**32 - 1),
)
def test_anywhere_at_any_resolution_cells_are_those_of_h3(
    middle: tuple[float, float], resolution: int, spread: float, seed: int
) -> None:
    noise = np.random.default_rng(seed).uniform(-spread, spread, (2, 300))
    lon, lat = (middle[0] + noise[0] + 180) % 360 - 180, np.clip(middle[1] + noise[1], -90, 90)
    assert np.array_equal(index_points(lon, lat, resolution=resolution), by_h3(lon, lat, resolution))


def test_a_stray_point_far_away_has_its_own_cell() -> None:
    lon, lat = around("Middlesbrough", 2000, seed=1)
    lon[7], lat[7], lon[8], lat[8] = 0.0, 0.0, 178.8, -54.6
    assert np.array_equal(index_points(lon, lat, resolution=9), by_h3(lon, lat, 9))


def test_most_points_of_a_town_need_no_h3() -> None:
    lon, lat = around("Middlesbrough", 5000, seed=3)
    lattice = Lattice.fit(-1.23, 54.57, radius_km=64.0, resolution=9)
    assert lattice is not None
    assert np.count_nonzero(lattice.index(unit_vectors(lon, lat))) == 5000


def test_codes_too_many_for_a_table_are_sorted_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    lon, lat = around("Middlesbrough", 5000, seed=4)
    lattice = Lattice.fit(-1.23, 54.57, radius_km=8.0, resolution=11)
    assert lattice is not None
    by_table = lattice.index(unit_vectors(lon, lat))
    monkeypatch.setattr("geo.lattice._WIDEST_TABLE", 1)
    assert np.array_equal(lattice.index(unit_vectors(lon, lat)), by_table)


def test_points_outside_the_circle_are_left_to_h3() -> None:
    lattice = Lattice.fit(-1.23, 54.57, radius_km=8.0, resolution=9)
    assert lattice is not None
    # The third lies opposite on the globe, where the plane's coordinates come back.
    outside = unit_vectors(np.array([-1.5, 0.0, 178.77]), np.array([54.57, 0.0, -54.57]))
    assert lattice.index(outside).tolist() == [0, 0, 0]


@pytest.mark.parametrize("place", ["a face's edge", "a pentagon"])
def test_there_is_no_lattice_over_a_faces_edge_nor_at_a_pentagon(place: str) -> None:
    assert Lattice.fit(*PLACES[place], radius_km=16.0, resolution=9) is None


def test_points_of_many_places_have_the_cells_of_h3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places far from each other are indexed by squares of a degree, and of a quarter where that is not enough."""
    monkeypatch.setattr("geo.cells._FEWEST_TO_SPLIT", 300)
    parts = [around(place, 900, seed=number) for number, place in enumerate(PLACES)]
    order = np.random.default_rng(8).permutation(900 * len(parts))
    lon, lat = (np.concatenate(part)[order] for part in zip(*parts, strict=True))
    for resolution, cells in index_points_at(lon, lat, resolutions=(8, 11)).items():
        assert np.array_equal(cells, by_h3(lon, lat, resolution))


def test_the_lattices_of_a_face_share_its_plane_and_those_of_others_do_not() -> None:
    here, finer, there = (
        Lattice.fit(*PLACES[place], radius_km=8.0, resolution=resolution)
        for place, resolution in (("Middlesbrough", 8), ("Middlesbrough", 11), ("Boston", 8))
    )
    assert here is not None
    assert finer is not None
    assert there is not None
    first = LatticeIndexer(here)
    assert LatticeIndexer(finer, first.projection).projection is first.projection
    assert LatticeIndexer(there, first.projection).projection is not first.projection
