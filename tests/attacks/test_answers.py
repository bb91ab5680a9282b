"""A visitor who asks everything: wards, periods, zooms, and the difference of any two answers, over random towns.

Whatever he can compute is made of blocks. Each answer is checked to be a sum of blocks, each difference of two nested
answers to be nothing or k at least, and for random regions, over several periods, an integer programme of its own finds
the least and the most that can have happened there, and every value between that matters.
"""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.disclosure import carry_up
from hexbeat.release.format import Place, Release, ReleasedLayer
from tests.attacks.solver import can_sum_to, lowest_and_highest
from tests.support.releases import QUARTERS, block_of, example_release, fine_places

FINE = fine_places()
PARENT = np.array([next((k for k, up in enumerate(FINE) if up.place_id == place.parent_id), -1) for place in FINE])
ZOOMS = ("piece", "group", "ward", "borough")


def release_of(counts: list[list[int]], k: int) -> Release:
    """The rule's release of two quarters."""
    published = {}
    for period, of_period in zip(QUARTERS, counts, strict=True):
        all_counts = np.array([*of_period, *[0] * (len(FINE) - len(of_period))])
        carried = carry_up(all_counts, PARENT, k=k)
        nodes = np.flatnonzero(carried.published).tolist()
        published[period.name] = tuple((FINE[node].place_id, int(carried.count[node])) for node in nodes)
    return example_release(published=published, k=k)


def answers(release: Release) -> dict[tuple[str, ...], int]:
    """Every number that the public side can make: for a place at each zoom and any periods, what is shown there."""
    layer, found = release.layer("needle_litter"), {}
    for place in FINE:
        for size in (1, 2):
            for periods in combinations([period.name for period in layer.periods], size):
                blocks = [block for name in periods for block in release.find_blocks(layer.name, name)]
                inside = [
                    block for block in blocks if is_within(release, release.places[block.place_id], place.place_id)
                ]
                found[(place.place_id, *periods)] = sum(block.count for block in inside)
    return found


def is_within(release: Release, place: Place, place_id: str) -> bool:
    while place.place_id != place_id and place.parent_id:
        place = release.places[place.parent_id]
    return place.place_id == place_id


towns = st.integers(3, 7).flatmap(
    lambda k: st.tuples(
        st.just(k),
        st.lists(
            st.lists(st.sampled_from((0, 0, 1, k - 1, k - 1, k, 2 * k)), min_size=8, max_size=8), min_size=2, max_size=2
        ),
    )
)


@pytest.mark.slow
@given(towns)
@settings(max_examples=60)
def test_every_answer_and_every_difference_of_nested_answers_is_nothing_or_enough(
    town: tuple[int, list[list[int]]],
) -> None:
    k, counts = town
    release = release_of(counts, k)
    found = answers(release)
    for (place, *periods), count in found.items():
        assert count == 0 or count >= k
        for (inner, *inner_periods), part in found.items():
            nested = set(inner_periods) <= set(periods) and is_within(release, release.places[inner], place)
            if nested:
                assert count - part == 0 or count - part >= k


@pytest.mark.slow
@given(towns, st.data())
@settings(max_examples=30)
def test_no_region_of_any_periods_is_proved_small(town: tuple[int, list[list[int]]], data: st.DataObject) -> None:
    """Regions are what is left of one answer when the pieces of another are taken out, and random pieces besides."""
    k, counts = town
    release = release_of(counts, k)
    layer = release.layer("needle_litter")
    region = data.draw(st.sets(st.tuples(st.integers(0, 1), st.integers(0, 7)), min_size=1, max_size=10))
    low, high = 0, 0
    for at, period in enumerate(layer.periods):
        pieces = sorted(piece for when, piece in region if when == at)
        if pieces:
            least, most = lowest_and_highest(*as_arrays(release, layer, period.name), layer.k, pieces)
            low, high = low + least, high + most
            truth = sum(counts[at][piece] for piece in pieces)
            assert least <= truth <= most
    assert low == 0 or high >= k


@pytest.mark.slow
@given(towns, st.data())
@settings(max_examples=20)
def test_the_programme_and_the_audit_agree_on_every_sum(town: tuple[int, list[list[int]]], data: st.DataObject) -> None:
    """Not only the ends: each sum below k is possible by the programme exactly if a history gives it."""
    k, counts = town
    release = release_of(counts, k)
    layer = release.layer("needle_litter")
    arrays = as_arrays(release, layer, "2026-Q1")
    pieces = sorted(data.draw(st.sets(st.integers(0, 7), min_size=1, max_size=4)))
    truth = sum(counts[0][piece] for piece in pieces)
    assert can_sum_to(*arrays, k, pieces, truth)
    least, most = lowest_and_highest(*arrays, k, pieces)
    possible = [total for total in range(k) if can_sum_to(*arrays, k, pieces, total)]
    assert possible == [] or possible[0] == least
    assert possible == [] or possible[0] == 0 or most >= k


def test_a_naive_release_is_caught_by_the_same_programme() -> None:
    """Ward totals as they are, small pieces hidden: two finds in one ward are proved, so the programme can find."""
    block = block_of("needle_litter", "2026-Q1", next(p for p in FINE if p.level == "ward"), 2)
    release = example_release(published={"2026-Q1": ((block.place_id, block.count),)})
    arrays = as_arrays(release, release.layer("needle_litter"), "2026-Q1")
    assert lowest_and_highest(*arrays, 5, [0, 1, 2, 3]) == (2, 2)


def as_arrays(release: Release, layer: ReleasedLayer, period: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is published of a period, as arrays over the nodes: published, count, parent."""
    shown, count = np.zeros(len(FINE), dtype=bool), np.zeros(len(FINE), dtype=np.int64)
    number = {place.place_id: node for node, place in enumerate(FINE)}
    for block in release.find_blocks(layer.name, period):
        shown[number[block.place_id]], count[number[block.place_id]] = True, block.count
    return shown, count, PARENT
