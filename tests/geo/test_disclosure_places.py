"""The minimum of places, by brute force: safe where every leaf has 2 P - 1 possible places, not where it has few."""

from itertools import product

import numpy as np
import pytest

from bench.small_trees import build_parents, count_leaves, list_shapes
from geo.disclosure import carry_up

K, MOST = 3, 4  # threshold, most events in a leaf
Output = tuple[int, ...]


def leaf_states(spots: int) -> list[tuple[int, int]]:
    """Events, and at how many places they were."""
    return [(n, p) for n in range(MOST + 1) for p in range(min(n, 1), min(n, spots) + 1)]


def outcomes(shape: tuple[object, ...], spots: int, minimum: int) -> dict[Output, np.ndarray]:
    """For everything that can be published, the leaves' events of every history that gives it."""
    leaves, parent = count_leaves(shape), build_parents(shape)
    found: dict[Output, list[list[int]]] = {}
    for history in product(leaf_states(spots), repeat=leaves):
        counts, places = np.zeros((2, len(parent)), dtype=np.int64)
        counts[:leaves], places[:leaves] = zip(*history, strict=True)
        carried = carry_up(counts, parent, k=K, places=places, minimum_places=minimum)
        key = tuple(np.where(carried.published, carried.count, -1).tolist())
        found.setdefault(key, []).append(counts[:leaves].tolist())
    return {key: np.array(cubes) for key, cubes in found.items()}


def disclosures(shape: tuple[object, ...], spots: int, minimum: int) -> int:
    """Pairs of an output and a set of leaves whose possible sums are all from 1 to k - 1."""
    bad = 0
    for cubes in outcomes(shape, spots, minimum).values():
        for chosen in product((0, 1), repeat=cubes.shape[1]):
            sums = cubes @ np.array(chosen)
            bad += bool(((sums >= 1) & (sums < K)).all())
    return bad


@pytest.mark.parametrize(
    "shape",
    [shape for leaves, depth in ((1, 1), (2, 1), (3, 1), (2, 2), (3, 2)) for shape in list_shapes(leaves, depth)],
    ids=str,
)  # fmt: skip
def test_with_enough_possible_places_nothing_small_is_proved(shape: tuple[object, ...]) -> None:
    assert disclosures(shape, 3, 2) == 0


@pytest.mark.slow
def test_four_pieces_too() -> None:
    assert disclosures(((), (), (), ()), 3, 2) == 0


def test_a_minimum_as_high_as_the_threshold_is_safe_too() -> None:
    assert disclosures(((), (), ()), 5, 3) == disclosures((((), ()), ((),)), 5, 3) == 0


def test_with_few_possible_places_a_piece_is_proved_small() -> None:
    assert disclosures(((), (), ()), 1, 3) > 0  # three places in three pieces of one place: each has an event
