"""Lattices for drawing: every cell is drawn once, where h3 has it."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.drawing_lattice import DrawingLattice, fit_drawing_lattice, fit_drawing_lattices
from geo.plane import unit_vectors

PLACES = {"Middlesbrough": (-1.23, 54.57), "Boston": (-71.06, 42.36), "Tempe": (-111.93, 33.4)}
ON_AN_EDGE = h3.latlng_to_cell(52.61, 4.4, 6)  # of two faces


def find_cells_around(lon: float, lat: float, resolution: int) -> NDArray[np.uint64]:
    noise = np.random.default_rng(5).normal(0, 0.06, (2, 800))
    cells = {h3.latlng_to_cell(lat + north, lon + east, resolution) for east, north in noise.T}
    return np.random.default_rng(6).permutation(np.array(sorted(cells), dtype=np.uint64))


def measure_error_m(cell: int, drawn: NDArray[np.float64]) -> float:
    """How far the corners that h3 has are from the nearest of those that are drawn (6, 3), at most."""
    lats, lons = np.array(h3.cell_to_boundary(cell)).T
    true = unit_vectors(lons, lats).T
    return float(np.linalg.norm(true[:, None] - drawn[None], axis=2).min(axis=1).max() * 6_371_000)


def corners_drawn(lattice: DrawingLattice) -> NDArray[np.float64]:
    """The six corners (n, 6, 3) of each set bit, by the matrix alone."""
    bits = np.unpackbits(np.frombuffer(lattice.mask, dtype=np.uint8))[: lattice.width * lattice.height]
    i, j = np.divmod(np.flatnonzero(bits), lattice.height)
    thirds = np.array([(2, 1), (1, 2), (-1, 1), (-2, -1), (-1, -2), (1, -1)]) / 3
    places = np.stack([i[:, None] + thirds[:, 0], j[:, None] + thirds[:, 1], np.ones((len(i), 6))], axis=2)
    vectors: NDArray[np.float64] = places @ lattice.matrix.T
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


@pytest.mark.parametrize("resolution", [8, 9, 10, 11])
@pytest.mark.parametrize("place", ["Middlesbrough", "Boston", "Tempe"])
def test_cells_are_drawn_where_h3_has_them(place: str, resolution: int) -> None:
    cells = find_cells_around(*PLACES[place], resolution)
    lattice = fit_drawing_lattice(cells)
    assert lattice is not None
    assert sorted(lattice.order.tolist()) == list(range(len(cells)))
    for cell, drawn in zip(cells[lattice.order].tolist(), corners_drawn(lattice), strict=True):
        assert measure_error_m(cell, drawn) < 1e-6


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_few_cells_have_a_lattice_too(count: int) -> None:
    cells = np.array(h3.grid_disk(h3.latlng_to_cell(54.57, -1.23, 9), 1)[:count], dtype=np.uint64)
    lattice = fit_drawing_lattice(cells)
    assert lattice is not None
    assert np.unpackbits(np.frombuffer(lattice.mask, dtype=np.uint8)).sum() == count
    assert corners_drawn(lattice).shape == (count, 6, 3)


def test_cells_in_one_row_have_a_lattice_too() -> None:
    origin = h3.latlng_to_cell(54.57, -1.23, 9)
    i, j = h3.cell_to_local_ij(origin, origin)
    cells = np.array([h3.local_ij_to_cell(origin, i + step, j) for step in range(40)], dtype=np.uint64)
    lattice = fit_drawing_lattice(cells)
    assert lattice is not None
    assert sorted((lattice.width, lattice.height)) == [1, 40]


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [h3.latlng_to_cell(54.57, -1.23, 8), h3.latlng_to_cell(54.57, -1.23, 9)],
        h3.grid_disk(h3.latlng_to_cell(64.7, 10.536, 9), 5),
        h3.grid_disk(h3.latlng_to_cell(52.61, 4.4, 6), 12),
        [h3.latlng_to_cell(54.57, -1.23, 11), h3.latlng_to_cell(51.5, -0.1, 11)],
    ],
    ids=["none", "two resolutions", "a pentagon", "two faces", "too far apart"],
)
def test_where_no_lattice_holds_it_says_so(cells: list[int]) -> None:
    assert fit_drawing_lattice(np.array(cells, dtype=np.uint64)) is None


def check_lattices(cells: NDArray[np.uint64]) -> tuple[list[DrawingLattice], NDArray[np.int64]]:
    """The lattices hold each cell once but for the rest, and draw it where h3 has it."""
    lattices, rest = fit_drawing_lattices(cells)
    everything = np.concatenate([*(lattice.order for lattice in lattices), rest])
    assert sorted(everything.tolist()) == list(range(len(cells)))
    for lattice in lattices:
        for cell, drawn in list(zip(cells[lattice.order].tolist(), corners_drawn(lattice), strict=True))[::7]:
            assert measure_error_m(cell, drawn) < 1e-5
    return lattices, rest


def test_over_two_faces_each_has_a_lattice_and_only_the_cells_on_the_edge_have_none() -> None:
    cells = np.array(h3.grid_disk(ON_AN_EDGE, 12), dtype=np.uint64)
    lattices, rest = check_lattices(cells)
    assert len(lattices) < 8
    assert {len(h3.get_icosahedron_faces(cell)) for cell in cells[rest].tolist()} == {2}


def test_towns_too_far_from_each_other_have_a_lattice_each() -> None:
    towns = [h3.grid_disk(h3.latlng_to_cell(lat, lon, 11), 4) for lat, lon in ((54.57, -1.23), (51.5, -0.1))]
    lattices, rest = check_lattices(np.array([cell for town in towns for cell in town], dtype=np.uint64))
    assert ([lattice.order.size for lattice in lattices], rest.size) == ([61, 61], 0)


def test_a_whole_country_is_one_lattice() -> None:
    england = h3.LatLngPoly([(50.0, -5.7), (50.1, -3.5), (51.2, 1.4), (52.8, 1.8), (55.8, -2.0), (53.5, -3.1)])
    cells = np.array(h3.polygon_to_cells(england, 7), dtype=np.uint64)
    lattices, rest = fit_drawing_lattices(cells)
    assert (len(cells) > 15_000, len(lattices), rest.size) == (True, 1, 0)


def test_many_cells_of_other_base_cells_are_not_related_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo.drawing_lattice._MOST_FOREIGN", 10)
    lon, lat = PLACES["Tempe"]  # over two base cells
    cells = np.array(h3.grid_disk(h3.latlng_to_cell(lat, lon, 8), 30), dtype=np.uint64)
    assert len({cell >> 45 for cell in cells.tolist()}) == 2
    lattices, rest = check_lattices(cells)
    assert (len(lattices), rest.size) == (2, 0)


def test_around_a_pentagon_there_is_no_lattice() -> None:
    cells = np.array(h3.grid_disk(h3.get_pentagons(9)[0], 5), dtype=np.uint64)
    lattices, rest = check_lattices(cells)
    assert (lattices, rest.tolist()) == ([], list(range(len(cells))))


def test_no_cells_have_no_lattice() -> None:
    lattices, rest = fit_drawing_lattices(np.array([], dtype=np.uint64))
    assert (lattices, rest.size) == ([], 0)


@pytest.mark.slow
@given(st.floats(-180, 180), st.floats(-89.9, 89.9), st.integers(2, 11), st.integers(0, 12))
def test_anywhere_on_earth_each_cell_is_drawn_once_where_it_is(
    lon: float, lat: float, resolution: int, size: int
) -> None:
    cells = h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), size)
    check_lattices(np.random.default_rng(size).permutation(np.array(cells, dtype=np.uint64)))
