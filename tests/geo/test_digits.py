"""H3 numbers taken apart and put together again."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.digits import decode, decode_base_cell, decode_resolution, encode, find_prefixes

LATITUDES = st.floats(-80, 80)
LONGITUDES = st.floats(-179, 179)


@given(LATITUDES, LONGITUDES, st.integers(0, 15))
def test_a_cell_comes_back_from_its_coordinates(lat: float, lon: float, resolution: int) -> None:
    cells = np.array([h3.latlng_to_cell(lat, lon, resolution)], dtype=np.uint64)
    head = int(find_prefixes(cells)[0])
    assert decode_resolution(head) == resolution
    if decode_base_cell(head) is None:
        assert h3.is_pentagon(h3.cell_to_parent(int(cells[0]), 0))
    else:
        assert decode_base_cell(head) == h3.get_base_cell_number(int(cells[0]))
        assert encode(*decode(cells), head=head).tolist() == cells.tolist()


@pytest.mark.parametrize("resolution", [8, 9, 10, 11])
def test_coordinates_differ_as_those_of_h3_do(resolution: int) -> None:
    origin = h3.latlng_to_cell(54.57, -1.23, resolution)
    disk = h3.grid_disk(origin, 20)
    i, j = decode(np.array([*disk, origin], dtype=np.uint64))
    theirs = np.array([h3.cell_to_local_ij(origin, cell) for cell in disk]) - h3.cell_to_local_ij(origin, origin)
    assert np.array_equal(np.stack([i[:-1] - i[-1], j[:-1] - j[-1]], axis=1), theirs)


def test_coordinates_beyond_the_base_cell_have_no_cell() -> None:
    origin = h3.latlng_to_cell(54.57, -1.23, 5)
    far = np.array([0, 10**6], dtype=np.int64)
    cells = encode(far, far, head=origin >> 45)
    assert cells.tolist() == [h3.cell_to_center_child(h3.cell_to_parent(origin, 0), 5), 0]


def test_no_cells_have_no_coordinates() -> None:
    i, j = decode(np.array([], dtype=np.uint64))
    assert (i.size, j.size) == (0, 0)
