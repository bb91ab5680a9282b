import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from geo.neighbours import build_neighbours

MIDDLESBROUGH = (54.57, -1.23)


def disk(lat: float, lon: float, *, resolution: int, rings: int) -> np.ndarray:
    return np.array(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), rings), dtype=np.uint64)


def neighbours_by_h3(cells: np.ndarray) -> set[tuple[int, int]]:
    place = {cell: at for at, cell in enumerate(cells.tolist())}
    return {(at, place[near]) for cell, at in place.items() for near in h3.grid_disk(cell, 1) if near in place}


def pairs_of(cells: np.ndarray) -> set[tuple[int, int]]:
    matrix = build_neighbours(cells)
    assert set(matrix.data.tolist()) <= {1.0}
    rows, columns = matrix.nonzero()
    assert len(rows) == matrix.nnz
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


@pytest.mark.slow
@given(
    st.floats(49.9, 60.8), st.floats(-8, 1.8), st.integers(6, 11), st.integers(0, 6), st.randoms(use_true_random=False)
)
def test_neighbours_equal_those_of_h3(lat: float, lon: float, resolution: int, rings: int, random: object) -> None:
    cells = disk(lat, lon, resolution=resolution, rings=rings).tolist()
    random.shuffle(cells)  # type: ignore[attr-defined]  # a random.Random
    kept = np.array(cells[: max(1, len(cells) * 3 // 4)], dtype=np.uint64)
    assert pairs_of(kept) == neighbours_by_h3(kept)


@pytest.mark.parametrize(
    ("lat", "lon", "resolution"), [(0, 0, 2), (64.7, 10.5, 4), (58.157706, 11.545295, 9), (58.2, -1, 3)]
)
def test_neighbours_across_base_cells_and_pentagons_equal_those_of_h3(lat: float, lon: float, resolution: int) -> None:
    cells = disk(lat, lon, resolution=resolution, rings=10)
    assert pairs_of(cells) == neighbours_by_h3(cells)


def test_a_whole_disk_has_seven_in_every_inner_row() -> None:
    cells = disk(*MIDDLESBROUGH, resolution=9, rings=20)
    sizes = np.diff(build_neighbours(cells).indptr)
    assert np.bincount(sizes).tolist() == [0, 0, 0, 0, 6, 114, 0, 1141]


def test_one_cell_is_its_own_neighbour() -> None:
    assert build_neighbours(disk(*MIDDLESBROUGH, resolution=9, rings=0)).toarray().tolist() == [[1.0]]


def test_a_repeated_cell_is_refused() -> None:
    cells = disk(*MIDDLESBROUGH, resolution=9, rings=1)
    with pytest.raises(UsageError) as caught:
        build_neighbours(np.append(cells, cells[:2]))
    assert str(caught.value) == (
        "A study area has each cell only once; 2 cells are repeated; remove repeated cells with numpy.unique"
    )
