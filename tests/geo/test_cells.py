"""Cells: doors of the index, the study area, names and sizes."""

import h3.api.basic_int as h3
import h3.api.basic_str as h3_str
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import (
    build_outlines,
    count_separate_places,
    find_meeting_cells,
    format_cells,
    format_short_code,
    index_points,
    index_points_at,
    measure_areas_km2,
    parse_cell_strings,
)
from geo.errors import DataError, UsageError

TOWN = shapely.Point(-1.23, 54.57).buffer(0.03, quad_segs=3)
DISK = np.array(sorted(h3.grid_disk(h3.latlng_to_cell(54.57, -1.23, 9), 4)), dtype=np.uint64)
CENTRE = h3.latlng_to_cell(54.574, -1.2345, 11)
FINE_DISK = sorted(h3.grid_disk(CENTRE, 6))
NONE = np.array([], dtype=np.int64)
CHOICES = st.lists(st.integers(0, len(FINE_DISK) - 1), min_size=1, max_size=80)


def test_the_contracts_cell_of_a_point() -> None:
    cells = index_points([-1.2345], [54.5762], resolution=9)
    assert cells.dtype == np.uint64
    assert format_cells(cells) == [h3_str.latlng_to_cell(54.5762, -1.2345, 9)]


def test_no_points_have_no_cells() -> None:
    assert index_points([], [], resolution=9).tolist() == []


def test_resolutions_together_equal_each_alone() -> None:
    lon, lat = np.random.default_rng(1).normal((-1.23, 54.57), 0.05, (1000, 2)).T
    together = index_points_at(lon, lat, resolutions=(8, 11))
    assert list(together) == [8, 11]
    for resolution, cells in together.items():
        assert np.array_equal(cells, index_points(lon, lat, resolution=resolution))


@pytest.mark.parametrize(("lon", "lat"), [(np.nan, 54.0), (-1.2, np.inf), (449_000.0, 517_000.0), (-1.2, 91.0)])
def test_what_is_not_on_the_globe_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(DataError) as caught:
        index_points([-1.2, lon], [54.5, lat], resolution=9)
    assert str(caught.value) == (
        "A point has a longitude from -180 to 180 and a latitude from -90 to 90 degrees; 1 of 2 points do not, the "
        "first at position 1; leave out points without coordinates, and convert eastings and northings to degrees first"
    )


def test_a_resolution_that_h3_has_not_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        index_points([-1.2], [54.5], resolution=16)
    assert str(caught.value) == (
        "An H3 resolution is a whole number from 0 to 15; you asked for 16; choose 8, 9, 10 or 11 for a town"
    )


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_the_study_area_is_every_cell_that_meets_it(resolution: int) -> None:
    cells = find_meeting_cells([TOWN], resolution=resolution)
    around = np.unique(np.array([near for cell in cells.tolist() for near in h3.grid_disk(cell, 2)], dtype=np.uint64))
    met = shapely.intersects(TOWN, build_outlines(around))
    assert cells.tolist() == around[met].tolist()


def test_the_study_area_of_a_sliver_and_of_nothing() -> None:
    sliver = shapely.box(-1.23, 54.57, -1.23 + 1e-7, 54.57 + 1e-7)
    assert find_meeting_cells([sliver], resolution=9).tolist() == [h3.latlng_to_cell(54.57, -1.23, 9)]
    assert find_meeting_cells([], resolution=9).tolist() == []


def test_the_study_area_of_two_parts_with_a_hole() -> None:
    ring = shapely.difference(TOWN, shapely.Point(-1.23, 54.57).buffer(0.02))
    both = find_meeting_cells([ring, shapely.affinity.translate(TOWN, 0.2)], resolution=9)
    assert h3.latlng_to_cell(54.57, -1.23, 9) not in both.tolist()
    assert h3.latlng_to_cell(54.57, -1.03, 9) in both.tolist()


@pytest.mark.shared
@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_the_study_area_of_real_wards(shared: object, resolution: int) -> None:
    wards = shapely.from_geojson((shared / "boundaries" / "middlesbrough_wards_2025.geojson").read_text())  # type: ignore[operator]  # a Path
    whole = shapely.union_all(shapely.get_parts(wards))
    cells = find_meeting_cells(shapely.get_parts(wards), resolution=resolution)
    west, south, east, north = whole.bounds
    box = h3.geo_to_h3shape(shapely.box(west - 0.02, south - 0.02, east + 0.02, north + 0.02))
    every = np.array(sorted(h3.h3shape_to_cells(box, resolution)), dtype=np.uint64)
    assert cells.tolist() == every[shapely.intersects(whole, build_outlines(every))].tolist()


def test_outlines_are_those_of_h3_in_order_of_longitude_and_latitude() -> None:
    for cell, outline in zip(DISK.tolist(), build_outlines(DISK), strict=True):
        ring = [(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]
        assert shapely.get_coordinates(outline)[:-1].tolist() == [list(corner) for corner in ring]
    assert build_outlines(DISK[:0]).tolist() == []


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 15)), max_size=20))
def test_names_come_back_as_cells(places: list[tuple[float, float, int]]) -> None:
    cells = np.array([h3.latlng_to_cell(lat, lon, resolution) for lon, lat, resolution in places], dtype=np.uint64)
    assert format_cells(cells) == [h3.int_to_str(cell) for cell in cells.tolist()]
    assert parse_cell_strings(format_cells(cells)).tolist() == cells.tolist()


@pytest.mark.parametrize("name", ["", "Central", "-1", "8" * 40, "0"])
def test_what_names_no_cell_is_refused(name: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_cell_strings([*format_cells(DISK[:1]), name])
    assert str(caught.value) == (
        f"A cell is named by its H3 number in hexadecimal digits; {name!r} is not a cell; copy the name from a map's "
        "link, or from the column `cell` of `hexbeat counts`"
    )


def test_sizes_are_those_of_h3() -> None:
    assert measure_areas_km2(DISK).tolist() == [h3.cell_area(cell) for cell in DISK.tolist()]


def test_short_codes_of_neighbours_differ() -> None:
    codes = {format_short_code(cell) for cell in DISK.tolist()}
    assert len(codes) == len(DISK)
    assert {len(code) for code in codes} == {4}


def taken(cells: list[int]) -> list[int]:
    """The cells that count: each distinct one is a group of its own."""
    distinct = sorted(set(cells))
    numbers = np.array([distinct.index(cell) for cell in cells], dtype=np.int64)
    counts = count_separate_places(np.array(cells, dtype=np.uint64), numbers, size=len(distinct))
    assert set(counts.tolist()) <= {0, 1}
    return [cell for cell, count in zip(distinct, counts.tolist(), strict=True) if count]


@given(CHOICES)
def test_no_two_places_touch_and_every_cell_is_one_or_touches_one(choice: list[int]) -> None:
    cells = [FINE_DISK[k] for k in choice]
    places = taken(cells)
    for place in places:
        assert not (set(h3.grid_disk(place, 1)) - {place}) & set(places)
    for cell in cells:
        assert set(h3.grid_disk(cell, 1)) & set(places)


@pytest.mark.slow
@given(CHOICES, st.randoms(use_true_random=False))
def test_neither_the_order_nor_repetition_makes_a_difference(choice: list[int], random: object) -> None:
    pairs = [(FINE_DISK[k], k % 3) for k in choice] + [(FINE_DISK[choice[0]], 2)]
    before = [pairs[k] for k in range(len(pairs))]
    pairs *= 2
    random.shuffle(pairs)  # type: ignore[attr-defined]  # a random.Random
    counts = [
        count_separate_places(
            np.array([c for c, _ in part], dtype=np.uint64), np.array([g for _, g in part]), size=4
        ).tolist()
        for part in (before, pairs)
    ]
    assert counts[0] == counts[1]
    assert counts[0][3] == 0
    assert sum(counts[0]) == len(taken([cell for cell, _ in before]))


@given(st.sets(st.integers(0, len(FINE_DISK) - 1), min_size=1, max_size=80), st.integers(1, 5))
def test_places_that_do_not_touch_are_all_counted_each_in_its_group(choice: set[int], size: int) -> None:
    """What the minimum of places of a release rests on: events laid on such places have that many."""
    apart = taken([FINE_DISK[k] for k in choice])
    groups = np.arange(len(apart)) % size
    counts = count_separate_places(np.array(apart, dtype=np.uint64), groups, size=size)
    assert counts.tolist() == np.bincount(groups, minlength=size).tolist()


def test_a_building_on_the_corner_of_three_cells_is_one_place() -> None:
    lat, lon = h3.cell_to_boundary(CENTRE)[2]
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    cells = index_points(lon + 8.5e-6 * np.cos(turn), lat + 5e-6 * np.sin(turn), resolution=11)  # 1.1 m across
    assert len(np.unique(cells)) == 3
    assert count_separate_places(cells, np.zeros(12, dtype=np.int64), size=1).tolist() == [1]
    assert sum(count_separate_places(cells, np.arange(12, dtype=np.int64), size=12).tolist()) == 1


def test_a_street_is_not_one_place() -> None:
    street = np.array(h3.grid_path_cells(FINE_DISK[0], FINE_DISK[-1]), dtype=np.uint64)
    assert 3 * count_separate_places(street, np.zeros(len(street), dtype=np.int64), size=1)[0] >= len(street) > 3


def test_nothing_is_nowhere() -> None:
    assert count_separate_places(NONE.astype(np.uint64), NONE, size=2).tolist() == [0, 0]
