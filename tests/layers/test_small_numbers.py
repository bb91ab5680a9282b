"""No hidden number of an answer can be worked out from what the answer shows."""

from dataclasses import replace
from itertools import product
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from layers.columns import Columns
from layers.counting import choose_shown, count
from layers.filters import Filter
from layers.restriction import restrict_columns
from layers.roles import POINTS, Detail
from tests.support.events import Event, columns_of, local

START: Final = local("2026-11-02 00:00")  # a Monday
WARDS: Final = tuple(f"E0500{number:04d}" for number in range(1, 7))


def find_range(known: list[tuple[set[int], float]], unknown: int, size: int) -> tuple[float, float]:
    """The least and the most that a number can be, by linear programming over sums of numbers that are not negative."""
    matrix = np.array([[float(place in members) for place in range(size)] for members, _ in known])
    sums = np.array([total for _, total in known])
    goal = np.zeros(size)
    ends = []
    for sign in (1.0, -1.0):
        goal[unknown] = sign
        solved = linprog(goal, A_eq=matrix, b_eq=sums, bounds=(0, None))
        assert solved.success, solved.message
        ends.append(sign * solved.fun)
    return ends[0], ends[1]


@pytest.mark.slow
@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(2, 6))
def test_the_total_and_the_shown_numbers_solve_for_no_hidden_one(events: list[int], fewest: int) -> None:
    shown = choose_shown(np.array(events, dtype=np.float64), fewest)
    hidden = np.flatnonzero(~shown).tolist()
    assert all(events[place] >= fewest for place in np.flatnonzero(shown))
    total = sum(events)
    if total < fewest or not hidden:  # a small total is not shown either
        return
    known = [(set(range(len(events))), float(total))]
    known += [({place}, float(events[place])) for place in np.flatnonzero(shown).tolist()]
    rest = float(sum(events[place] for place in hidden))
    assert rest >= fewest
    for place in hidden:  # even for who knows which groups are empty: they are not among these
        if len(events) > 1:
            assert find_range(known, place, len(events)) == pytest.approx((0.0, rest))


@given(st.lists(st.integers(1, 40), max_size=8), st.integers(2, 6))
def test_no_more_is_hidden_than_is_needed(events: list[int], fewest: int) -> None:
    numbers = np.array(events, dtype=np.float64)
    shown = choose_shown(numbers, fewest)
    small = numbers < fewest
    if np.count_nonzero(small) != 1 and not 0 < numbers[small].sum() < fewest:
        assert np.array_equal(shown, ~small)
    elif shown.any():  # the smallest of the others, and one of them less would not be enough
        extra = small ^ ~shown
        assert numbers[extra].max() <= numbers[shown].min()
        less = ~shown
        less[np.flatnonzero(extra)[np.argmax(numbers[extra])]] = False
        assert np.count_nonzero(less) < 2 or numbers[less].sum() < fewest


def see(numbers: list[int], fewest: int, **fields: Any) -> Columns:
    """So many events in each of the wards, one cell a ward, as a role sees them that sees no smaller numbers."""
    events = [
        replace(Event(START + 60 * at, ward=WARDS[place], lon=-1.25 + 0.02 * place), **fields)
        for place, number in enumerate(numbers)
        for at in range(number)
    ]
    return restrict_columns(columns_of(events, ward_codes=WARDS), {"needle_litter": Detail("points", fewest=fewest)})


@pytest.mark.parametrize(
    "by", [("ward",), ("cell",), ("ward", "month"), ("cell", "weekday"), ("month", "ward", "hour")]
)
@pytest.mark.parametrize("measure", ["events", "quantity"])
def test_a_single_small_group_takes_the_smallest_other_with_it(by: Any, measure: Any) -> None:
    counted = count(see([9, 1, 7, 5], 3, quantity=2), Filter(layers=("needle_litter",), measure=measure), by=by)
    each = 2 if measure == "quantity" else 1
    assert (counted.total, sorted(counted.rows["count"])) == (22 * each, [7 * each, 9 * each])


def test_what_is_enough_hides_nothing_more() -> None:
    for numbers, shown in (([9, 2, 2, 5], [9, 5]), ([9, 1, 1, 5], [9]), ([9, 7, 5], [9, 7, 5]), ([9, 1], [])):
        counted = count(see(numbers, 3), Filter(layers=("needle_litter",)), by=("ward",))
        assert (counted.total, counted.rows["count"].tolist()) == (sum(numbers), shown)
    everything = restrict_columns(see([9, 1], 3), {"needle_litter": POINTS})
    assert everything.find_fewest() == 3  # what was hidden once stays so


def test_of_equal_groups_the_first_goes() -> None:
    for order in product((4.0, 6.0), repeat=3):
        shown = choose_shown(np.array([*order, 1.0]), 2)
        assert np.count_nonzero(~shown) == 2
        assert int(np.argmin(shown)) == int(np.argmin(order))
