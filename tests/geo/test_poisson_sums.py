"""Intervals of weighted sums of counts: exact where they can be, and never without the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.poisson_sums import Interval, interval_of_difference, interval_of_sum

WEIGHTS = st.floats(0, 1e6, allow_subnormal=False)
COUNTS = st.floats(0, 1e5, allow_subnormal=False)
PARTS = st.lists(st.tuples(COUNTS, WEIGHTS), max_size=6)
ENDS = st.tuples(*[st.floats(-1e9, 1e9)] * 3).map(sorted)


def build_sum(parts: list[tuple[float, float]], factor: float = 1.0) -> Interval:
    return interval_of_sum([count for count, _ in parts], [factor * weight for _, weight in parts])


@given(PARTS)
def test_the_interval_holds_the_sum(parts: list[tuple[float, float]]) -> None:
    value, low, high = build_sum(parts)
    assert value == pytest.approx(sum(count * weight for count, weight in parts))
    assert 0 <= low <= value * (1 + 1e-9)
    assert value <= high * (1 + 1e-9)


@given(PARTS, st.floats(0.01, 1e3))
def test_pounds_are_linear_in_the_unit_cost(parts: list[tuple[float, float]], factor: float) -> None:
    assert build_sum(parts, factor) == pytest.approx([factor * end for end in build_sum(parts)], rel=1e-9, abs=1e-9)


@given(st.lists(COUNTS, min_size=1, max_size=6), WEIGHTS)
def test_parts_of_one_unit_cost_are_one_count(counts: list[float], weight: float) -> None:
    together = interval_of_sum([sum(counts)], [weight])
    assert interval_of_sum(counts, [weight] * len(counts)) == pytest.approx(together, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390), (100, 81.36, 121.63)],  # Garwood 1936, as tabulated
)
def test_one_unit_cost_has_the_exact_interval(count: int, low: float, high: float) -> None:
    assert interval_of_sum([count], [100.0]) == pytest.approx([100 * count, 100 * low, 100 * high], rel=2e-3)


def test_dearer_events_make_the_sum_less_certain() -> None:
    even, uneven = interval_of_sum([10, 10], [100, 100]), interval_of_sum([10, 10], [199, 1])
    assert even.value == uneven.value
    assert (uneven.low < even.low, uneven.high > even.high) == (True, True)


def test_without_events_the_dearest_decides_and_without_weights_all_is_nothing() -> None:
    assert interval_of_sum([0, 0], [10, 1000]) == pytest.approx([0, 0, 3688.9], rel=1e-4)
    assert interval_of_sum([], []) == (0, 0, 0)


@given(ENDS, ENDS)
def test_a_difference_holds_its_value_and_turns_with_its_sides(one: list[float], other: list[float]) -> None:
    first, second = Interval(one[1], one[0], one[2]), Interval(other[1], other[0], other[2])
    value, low, high = interval_of_difference(first, second)
    assert low <= value <= high
    assert interval_of_difference(second, first) == pytest.approx([-value, -high, -low])


@pytest.mark.parametrize(("counts", "weights"), [([1], []), ([-1], [1]), ([1], [-1])])
def test_what_is_no_cost_is_refused(counts: list[float], weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^each count needs a weight, and neither may be negative$"):
        interval_of_sum(counts, weights)
