"""A recency-weighted kernel: recent and near events give a score of where events will be next.

The simple alternative to hotspot maps in the back-test (prospective hot-spotting: Bowers, Johnson and Pease 2004).
"""

from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from geo.errors import UsageError

__all__ = ["build_gaussian_kernel", "score_recency", "weigh_recency"]

_REACH = 3.0  # bandwidths; beyond them the weight of a Gaussian is under 1 in 80


def build_gaussian_kernel(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    *,
    bandwidth_m: float,
    sources: NDArray[np.intp] | None = None,
) -> csr_array:
    """Weights csr (n, n) float64 between places (cell centres, in metres on a plane): the spread of an event's risk.

    Entry (a, b) is the share of an event at b that counts for a; columns sum to 1, so that events at the area's edge
    count as much as others. Places more than 3 bandwidths apart share nothing. `bandwidth_m` is the standard deviation;
    0 keeps every event in its place. `sources`: the places (m,), each once, where events can be, if not all; the
    columns of others stay empty. Raises UsageError for a negative bandwidth.
    """
    if not bandwidth_m >= 0:
        raise UsageError("A bandwidth is 0 metres or more", f"it is {bandwidth_m}", "use 200, which is usual in towns")
    count = len(x_m)
    own = np.arange(count) if sources is None else np.asarray(sources, dtype=np.intp)
    if not bandwidth_m:
        return csr_array((np.ones(len(own)), (own, own)), shape=(count, count))
    places = np.column_stack([x_m, y_m])
    near = cKDTree(places).query_ball_point(places[own], _REACH * bandwidth_m)
    size = np.fromiter(map(len, near), dtype=np.intp, count=len(own))
    rows = np.fromiter(chain.from_iterable(near), dtype=np.intp, count=int(size.sum()))
    columns = np.repeat(own, size)
    weights = np.exp(((x_m[rows] - x_m[columns]) ** 2 + (y_m[rows] - y_m[columns]) ** 2) / (-2 * bandwidth_m**2))
    return csr_array((weights / np.bincount(columns, weights, count)[columns], (rows, columns)), shape=(count, count))


def weigh_recency(ages_days: NDArray[np.float64], *, half_life_days: float) -> NDArray[np.float64]:
    """Weights of events of these ages (0 or more days): 1 today, a half after each half-life; same shape, float64."""
    if not half_life_days > 0:
        raise UsageError("A half-life is more than 0 days", f"it is {half_life_days}", "use 28, which is usual")
    weights: NDArray[np.float64] = np.exp2(-np.asarray(ages_days, dtype=np.float64) / half_life_days)
    return weights


def score_recency(
    counts: NDArray[np.float64], ages_days: NDArray[np.float64], kernel: csr_array, *, half_life_days: float
) -> NDArray[np.float64]:
    """The score of each place, float64 (n,), from counts (periods, n) and the ages of the periods' middles (periods,).

    Scores rank places; they are not expected numbers of events. Without decay and spread the score is the count of all
    history.
    """
    weights = weigh_recency(ages_days, half_life_days=half_life_days)
    scores: NDArray[np.float64] = kernel @ (weights @ np.asarray(counts, dtype=np.float64))
    return scores
