import numpy as np
import pytest

from geo.errors import UsageError
from geo.knox import knox_test


def events(count: int, *, repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events over 4 km and a year; so many of them with another within 90 m and three days."""
    generator = np.random.default_rng(2)
    x_m, y_m, day = (
        generator.uniform(0, 4000, count),
        generator.uniform(0, 4000, count),
        generator.uniform(0, 365, count),
    )
    near, late = generator.uniform(-60, 60, (2, repeats)), generator.uniform(0, 3, repeats)
    return (
        np.append(x_m, x_m[:repeats] + near[0]),
        np.append(y_m, y_m[:repeats] + near[1]),
        np.append(day, day[:repeats] + late),
    )


def test_pairs_are_counted_in_their_bands() -> None:
    x_m, y_m = np.array([0, 0, 50, 1000.0]), np.zeros(4)
    found = knox_test(x_m, y_m, np.array([0, 1, 9, 1.0]), distances_m=(0, 1, 100), days=(0, 2, 30), shuffles=9)
    # (0, 1) at one place a day apart; (0, 2) and (1, 2) 50 m, nine and eight days apart; the fourth is far away.
    assert found.observed.tolist() == [[1, 0], [0, 2]]


def test_pairs_are_those_of_a_loop() -> None:
    x_m, y_m, day = events(60, repeats=10)
    found = knox_test(x_m, y_m, day, distances_m=(100, 400, 900), days=(1, 30, 90), shuffles=1)
    expected = np.zeros((2, 2), dtype=int)
    for one in range(70):
        for other in range(one):
            apart, later = np.hypot(x_m[one] - x_m[other], y_m[one] - y_m[other]), abs(day[one] - day[other])
            row, column = np.searchsorted([100, 400, 900], apart, "right"), np.searchsorted([1, 30, 90], later, "right")
            if row in (1, 2) and column in (1, 2):
                expected[row - 1, column - 1] += 1
    assert found.observed.tolist() == expected.tolist()


def test_near_repeats_are_found_where_they_are_and_nowhere_else() -> None:
    found = knox_test(*events(600, repeats=60), distances_m=(0, 100, 400, 800), days=(0, 4, 14, 60), shuffles=199)
    assert found.ratio[0, 0] > 5
    assert found.p[0, 0] == 1 / 200
    assert (found.p[1:, 1:] > 0.01).all()


def test_without_repeats_little_is_found_and_the_same_seed_says_the_same() -> None:
    one = knox_test(*events(400, repeats=0), distances_m=(0, 200, 400), days=(0, 7, 28), shuffles=99)
    assert (one.p > 0.01).all()
    assert one.expected == pytest.approx(one.observed, rel=0.6)
    other = knox_test(*events(400, repeats=0), distances_m=(0, 200, 400), days=(0, 7, 28), shuffles=99)
    assert (one.p == other.p).all()
    assert (one.expected == other.expected).all()


def test_no_pairs_say_nothing() -> None:
    found = knox_test(np.array([0.0]), np.array([0.0]), np.array([1.0]), shuffles=9)
    assert not found.observed.any()
    assert np.isnan(found.ratio).all()
    assert (found.p == 1).all()


def test_bounds_that_do_not_rise_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        knox_test(np.zeros(2), np.zeros(2), np.zeros(2), days=(0, 7, 7))
    assert str(caught.value) == (
        "Bands need two or more bounds, in rising order; they are (0, 7, 7); use for example (0, 100, 200)"
    )
