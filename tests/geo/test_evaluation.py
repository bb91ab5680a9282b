import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo.errors import UsageError
from geo.evaluation import (
    accuracy_at_share,
    prediction_accuracy,
    sum_within_shares,
    weighted_displacement_difference,
)

PAPER = ((308, 318), (207, 110), (150, 140), (178, 157))


def test_prediction_accuracy_equals_the_published_numbers() -> None:
    table = prediction_accuracy(np.array([6, 3, 0]), np.array([3, 2, 1]), np.ones(3))
    assert table["PAI"].tolist() == [2, 1.5, 1]
    assert table["PEI"].tolist() == [1, 1, 1]
    assert table["RRI"].round(4).tolist() == [0.5, 0.5556, 0.6667]


def test_cells_stand_in_order_of_predicted_density_not_of_prediction() -> None:
    table = prediction_accuracy(np.array([1, 1, 2]), np.array([4, 3, 1]), np.array([8, 3, 1]))
    assert table["cell"].tolist() == [1, 2, 0]
    assert table["area"].tolist() == [3, 1, 8]


def test_equal_predictions_never_flatter() -> None:
    table = prediction_accuracy(np.array([9, 0, 5]), np.ones(3), np.ones(3))
    assert table["observed"].tolist() == [0, 5, 9]


@pytest.mark.slow
@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.integers(0, 9)), st.data())
def test_the_whole_area_is_no_better_than_chance_and_nothing_beats_the_best(observed: np.ndarray, data: object) -> None:
    predicted = data.draw(hnp.arrays(np.float64, len(observed), elements=st.integers(0, 9)))  # type: ignore[attr-defined]  # Hypothesis' draw
    if observed.sum() == 0:
        return
    table = prediction_accuracy(observed, predicted, np.ones(len(observed)))
    assert table["PAI"].iloc[-1] == pytest.approx(1)
    assert (table["PEI"] <= 1 + 1e-12).all()
    assert sorted(table["cell"]) == list(range(len(observed)))
    best = prediction_accuracy(observed, observed, np.ones(len(observed)))
    assert best["PEI"].to_numpy() == pytest.approx(np.ones(len(observed)))


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 3), st.integers(1, 3)), min_size=1, max_size=30))
def test_sums_within_shares_are_those_of_the_whole_table(cells: list[tuple[int, int, int]]) -> None:
    observed, predicted, area = np.array(cells, dtype=np.float64).T
    table = prediction_accuracy(observed, predicted, area)
    curve = np.concatenate([[0.0], table["area_share"]])
    caught, expected = sum_within_shares(observed, predicted, area, (0.01, 0.1, 0.5, 1.0))
    for found, column in ((caught, "observed"), (expected, "predicted")):
        sums = np.concatenate([[0.0], np.cumsum(table[column])])
        assert found.tolist() == np.interp((0.01, 0.1, 0.5, 1.0), curve, sums).tolist()


def test_no_events_give_no_accuracy() -> None:
    table = prediction_accuracy(np.zeros(2), np.array([1.0, 2.0]), np.ones(2))
    assert table["PAI"].isna().all()
    at = accuracy_at_share(table, share=0.5)
    assert math.isnan(at.hit_rate)
    assert at.hit_rate_interval == (0.0, 1.0)


def test_the_top_of_the_area_with_its_interval() -> None:
    observed = np.array([8, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    at = accuracy_at_share(prediction_accuracy(observed, observed, np.ones(10)), share=0.1)
    assert (at.cells, at.hits, at.events, at.hit_rate, at.pai, at.pei) == (1, 8, 10, 0.8, 8, 1)
    # Clopper and Pearson's interval of 8 in 10, as in statistical tables.
    assert at.hit_rate_interval == pytest.approx((0.4439, 0.9748), abs=5e-5)
    assert at.pai_interval == pytest.approx((4.439, 9.748), abs=5e-4)


def test_a_share_smaller_than_any_cell_takes_one() -> None:
    assert accuracy_at_share(prediction_accuracy(np.ones(4), np.ones(4), np.ones(4)), share=0.01).cells == 1


def test_different_cells_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        prediction_accuracy(np.ones(2), np.ones(3), np.ones(2))
    assert str(caught.value) == (
        "Observed, predicted and area need one number for each of the same cells, with areas above 0; their shapes are "
        "(2,), (3,) and (2,); make all three from the same list of cells"
    )


def test_the_displacement_difference_equals_the_paper() -> None:
    found = weighted_displacement_difference(*PAPER)
    assert (found.local, found.displacement, found.estimate) == (-107, -11, -118)
    assert found.standard_error == pytest.approx(math.sqrt(1568), rel=1e-14)
    assert round(found.z, 2) == -2.98
    assert tuple(round(end) for end in found.interval) == (-196, -40)


def test_weights_equal_the_published_numbers() -> None:
    # Wheeler's worked examples of periods and of areas of different size.
    longer = weighted_displacement_difference((100, 50), (80, 20), time_weights=(2, 1))
    assert (longer.estimate, longer.standard_error) == pytest.approx((-20, math.sqrt(115)))
    sizes = weighted_displacement_difference(*PAPER, area_weights=(0.9, 1.2, 1.6, 1.5))
    numbers = (sizes.estimate, sizes.standard_error, sizes.z, *sizes.interval)
    assert numbers == pytest.approx((-99.69444444, 35.4280755, -2.813995483, -169.1321965, -30.25669241), abs=1e-7)


def test_no_events_at_all_have_no_z() -> None:
    found = weighted_displacement_difference((0, 0), (0, 0))
    assert (found.estimate, found.standard_error) == (0, 0)
    assert math.isnan(found.z)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        weighted_displacement_difference((1, 2), (-1, 2))
    assert str(caught.value) == (
        "Counts are 0 or more, weights above 0, and alpha lies between 0 and 1; the counts are [[1.0, 2.0], "
        "[-1.0, 2.0], [0.0, 0.0], [0.0, 0.0]], alpha is 0.05; give counts as pairs (before, after)"
    )
