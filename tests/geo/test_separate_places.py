"""Different places: cells of which no two touch."""

import h3.api.basic_int as h3
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import index_points
from geo.separate_places import count_separate_places

CENTRE = h3.latlng_to_cell(54.574, -1.2345, 11)
DISK = sorted(h3.grid_disk(CENTRE, 6))
NONE = np.array([], dtype=np.int64)
CHOICES = st.lists(st.integers(0, len(DISK) - 1), min_size=1, max_size=80)


def taken(cells: list[int]) -> list[int]:
    """The cells that count: each distinct one is a group of its own."""
    distinct = sorted(set(cells))
    numbers = np.array([distinct.index(cell) for cell in cells], dtype=np.int64)
    counts = count_separate_places(np.array(cells, dtype=np.uint64), numbers, size=len(distinct))
    assert set(counts.tolist()) <= {0, 1}
    return [cell for cell, count in zip(distinct, counts.tolist(), strict=True) if count]


@given(CHOICES)
def test_no_two_places_touch_and_every_cell_is_one_or_touches_one(choice: list[int]) -> None:
    cells = [DISK[k] for k in choice]
    places = taken(cells)
    for place in places:
        assert not (set(h3.grid_disk(place, 1)) - {place}) & set(places)
    for cell in cells:
        assert set(h3.grid_disk(cell, 1)) & set(places)


@given(CHOICES, st.randoms(use_true_random=False))
def test_neither_the_order_nor_repetition_makes_a_difference(choice: list[int], random: object) -> None:
    pairs = [(DISK[k], k % 3) for k in choice] + [(DISK[choice[0]], 2)]
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


@given(st.sets(st.integers(0, len(DISK) - 1), min_size=1, max_size=80), st.integers(1, 5))
def test_places_that_do_not_touch_are_all_counted_each_in_its_group(choice: set[int], size: int) -> None:
    """What the minimum of places of a release rests on: events laid on such places have that many."""
    apart = taken([DISK[k] for k in choice])
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
    street = np.array(h3.grid_path_cells(DISK[0], DISK[-1]), dtype=np.uint64)
    assert 3 * count_separate_places(street, np.zeros(len(street), dtype=np.int64), size=1)[0] >= len(street) > 3


def test_nothing_is_nowhere() -> None:
    assert count_separate_places(NONE.astype(np.uint64), NONE, size=2).tolist() == [0, 0]
