import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from geo.kernels import build_gaussian_kernel, score_recency, weigh_recency

X_M, Y_M = (axis.ravel() * 100.0 for axis in np.meshgrid(np.arange(8), np.arange(6)))


@given(st.sampled_from([0.0, 30.0, 100.0, 250.0]))
def test_every_event_is_spread_and_none_is_lost(bandwidth_m: float) -> None:
    kernel = build_gaussian_kernel(X_M, Y_M, bandwidth_m=bandwidth_m)
    assert kernel.sum(axis=0) == pytest.approx(np.ones(48))
    counts = np.random.default_rng(1).poisson(1, 48)
    assert (kernel @ counts).sum() == pytest.approx(counts.sum())


def test_weights_fall_as_a_gaussian_and_end_at_three_bandwidths() -> None:
    kernel = build_gaussian_kernel(X_M, Y_M, bandwidth_m=100).toarray()
    assert kernel[1, 0] / kernel[0, 0] == pytest.approx(np.exp(-0.5))
    assert kernel[3, 0] / kernel[0, 0] == pytest.approx(np.exp(-4.5))
    assert kernel[4, 0] == 0


def test_no_bandwidth_keeps_events_where_they_are() -> None:
    assert (build_gaussian_kernel(X_M, Y_M, bandwidth_m=0).toarray() == np.eye(48)).all()


def test_with_few_sources_only_their_columns_are_filled() -> None:
    whole = build_gaussian_kernel(X_M, Y_M, bandwidth_m=100).toarray()
    few = build_gaussian_kernel(X_M, Y_M, bandwidth_m=100, sources=np.array([3, 40])).toarray()
    assert few[:, [3, 40]].tolist() == whole[:, [3, 40]].tolist()
    assert few.sum() == pytest.approx(2)
    still = build_gaussian_kernel(X_M, Y_M, bandwidth_m=0, sources=np.array([3])).toarray()
    assert still.tolist() == (np.eye(48) * (np.arange(48) == 3)).tolist()
    assert not build_gaussian_kernel(X_M, Y_M, bandwidth_m=100, sources=np.zeros(0, dtype=np.intp)).nnz


def test_a_half_life_halves() -> None:
    assert weigh_recency(np.array([0, 28, 56]), half_life_days=28).tolist() == [1, 0.5, 0.25]


def test_scores_are_of_what_was_near_and_lately() -> None:
    counts = np.zeros((2, 48))
    counts[0, 0], counts[1, 40] = 1, 1  # the older event at 0
    scores = score_recency(
        counts, np.array([30, 2]), build_gaussian_kernel(X_M, Y_M, bandwidth_m=100), half_life_days=14
    )
    assert scores.argmax() == 40
    assert scores[1] > scores[20] == 0
    assert scores.sum() == pytest.approx(0.5 ** (30 / 14) + 0.5 ** (2 / 14))


def test_a_negative_bandwidth_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_gaussian_kernel(X_M, Y_M, bandwidth_m=-1)
    assert str(caught.value) == "A bandwidth is 0 metres or more; it is -1; use 200, which is usual in towns"


def test_no_half_life_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        weigh_recency(np.array([1]), half_life_days=0)
    assert str(caught.value) == "A half-life is more than 0 days; it is 0; use 28, which is usual"
