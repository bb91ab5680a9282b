from pathlib import Path

import h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import find_meeting_cells
from hexbeat.areas.area import load_area
from hexbeat.areas.place_names import (
    CELL_KM2,
    MOST_CELLS,
    choose_resolution,
    find_cell_resolution,
    find_cell_wards,
    format_cell_code,
    measure_area_km2,
    parse_cells,
)


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_codes_tell_the_cells_of_a_town_apart(resolution: int, tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    cells = [f"{int(cell):x}" for cell in find_meeting_cells(area.wards.polygons, resolution=resolution)]
    codes = {format_cell_code(cell) for cell in cells}
    assert len(codes) == len(cells) > 50
    assert all(len(code) == 4 for code in codes)


def test_a_cell_is_named_after_the_ward_of_its_centre_or_the_nearest(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    inside = area.wards.polygons[3].representative_point()
    cell = h3.latlng_to_cell(inside.y, inside.x, 11)
    far = h3.latlng_to_cell(54.7, -1.2, 9)
    named = find_cell_wards(parse_cells([cell, far]), area.wards)
    assert named["cell"].tolist() == [cell, far]
    assert named["ward_code"].iloc[0] == area.wards.codes[3]
    assert named["ward_name"].iloc[1] in area.wards.names


def test_no_cells_have_no_places(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    assert len(find_cell_wards(np.zeros(0, dtype=np.uint64), area.wards)) == 0


def test_the_area_of_wards_adds_up(tmp_path: Path) -> None:
    wards = load_area("middlesbrough", home=tmp_path).wards
    parts = [measure_area_km2(wards, (code,)) for code in wards.codes]
    assert sum(parts) == pytest.approx(measure_area_km2(wards, ()), rel=1e-9)
    assert measure_area_km2(wards, ()) == pytest.approx(53.9, abs=0.1)


@pytest.mark.parametrize("resolution", range(8, 12))
def test_a_cell_says_its_resolution(resolution: int) -> None:
    assert find_cell_resolution(h3.latlng_to_cell(54.57, -1.23, resolution)) == resolution


@pytest.mark.parametrize(("area_km2", "resolution"), [(2.0, 10), (53.9, 9), (105.4, 8), (597.0, 8), (20_000.0, 8)])
def test_smaller_areas_get_smaller_cells(area_km2: float, resolution: int) -> None:
    assert choose_resolution(area_km2) == resolution


@given(st.floats(0.01, 700))
def test_the_automatic_size_lays_no_more_than_the_most_cells(area_km2: float) -> None:
    assert area_km2 / CELL_KM2[choose_resolution(area_km2)] <= MOST_CELLS
