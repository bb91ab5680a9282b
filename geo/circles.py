"""Circles of places that grow by one place at a time, and the strongest excess of events in any of them.

The engine of the scan statistics in `geo.scan`. Columns are windows of time (a scan of space alone has one). Margins of
places and windows fix what is expected, so replicates differ in their counts only: these are added up as small whole
numbers for all replicates at once, and compared with the least count that could still beat the replicate's maximum.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.spatial import cKDTree

__all__ = ["Best", "Circles", "Expectation", "find_best", "find_circles", "log_likelihood_ratio", "raise_maxima"]

_SPHERE_M: Final = 6_367_000.0  # the published program's sphere, so that the same places lie within a radius
_WORD: Final = 8  # replicates looked at together, as the bytes of one machine word
_BISECTIONS: Final = 60
_BLOCK: Final = 256  # replicates added up together, so that a centre's counts stay near the processor
_STEP: Final = 4  # circles looked at together: only where the largest has enough for the smallest, each by itself
_LEAST_BOUND: Final = 0.5  # below this all counts are computed
_SLACK: Final = 1 + 1e-9  # candidates are computed exactly later, so a bound may let a few more through

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Circles:
    """For each place as a centre the places near it, nearest first: the first k of them are one circle.

    `members` intp (pairs,), centre after centre; `starts` intp (centres + 1,), where each centre begins.
    """

    members: NDArray[np.intp]
    starts: NDArray[np.intp]

    def __iter__(self) -> Iterator[NDArray[np.intp]]:
        """The members round each centre in turn; none where no circle is small enough."""
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.members[start:end]

    def choose(self, centres: slice) -> "Circles":
        """The circles round some of the centres."""
        chosen = list(self)[centres]
        return Circles(np.concatenate(chosen), np.cumsum([0, *map(len, chosen)]))

    def keep(self, places: NDArray[np.bool_]) -> "Circles":
        """The circles without the places (places,) that are False: as many events in each, in fewer steps."""
        is_kept = places[self.members]
        return Circles(self.members[is_kept], np.concatenate([[0], np.cumsum(is_kept)])[self.starts])


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """Margins that say how many events a circle and window would hold: place total x window total / all, by stratum.

    `places` (places, strata), `windows` (strata, windows), `totals` (strata,), all above 0.
    """

    places: NDArray[np.float64]
    windows: NDArray[np.float64]
    totals: NDArray[np.float64]

    def compute(self, members: NDArray[np.intp]) -> Floats:
        """Expected events float64 (members, windows) in the circles of the first 1, 2, ... members."""
        sums = self.places[members].cumsum(axis=0)
        expected = np.zeros((len(members), self.windows.shape[1]))
        for stratum, total in enumerate(self.totals):
            expected += sums[:, stratum, None] * self.windows[stratum] / total  # whole products: equal ones tie
        return expected


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The strongest circle and window round one centre."""

    centre: int
    members: NDArray[np.intp]
    window: int
    observed: int
    expected: float
    statistic: float


def find_circles(lon: Floats, lat: Floats, weight: Floats, *, radius_m: float, most_weight: float) -> Circles:
    """Circles round every place, up to a radius and a sum of `weight`, whichever comes first.

    `lon`, `lat` (places,) in WGS 84 degrees, `weight` (places,). Distances are chords on a sphere of 6,367 km; equal
    distances keep the order of the places. A circle stops before the first place that would pass `most_weight`.
    """
    lon_r, lat_r = np.radians(lon), np.radians(lat)
    position = _SPHERE_M * np.column_stack(
        [np.cos(lat_r) * np.cos(lon_r), np.cos(lat_r) * np.sin(lon_r), np.sin(lat_r)]
    )
    members, starts = [np.empty(0, dtype=np.intp)], [0]
    if len(position):
        for centre, near in enumerate(cKDTree(position).query_ball_point(position, radius_m, return_sorted=True)):
            places = np.array(near, dtype=np.intp)
            distance_m = np.linalg.norm(position[places] - position[centre], axis=1)
            places = places[np.argsort(distance_m, kind="stable")]
            members.append(places[: np.searchsorted(np.cumsum(weight[places]), most_weight, side="right")])
            starts.append(starts[-1] + len(members[-1]))
    return Circles(np.concatenate(members), np.array(starts, dtype=np.intp))


def log_likelihood_ratio(observed: NDArray[np.int64], expected: Floats, total: float) -> Floats:
    """The statistic c ln(c/m) + (C - c) ln((C - c)/(C - m)), 0 where c is not above m. Source: Kulldorff 1997.

    `observed` c and `expected` m of one shape, `total` C of all events.
    """
    above = (observed > expected) & (expected > 0)
    inside, mean = np.where(above, observed, 1.0), np.where(above, expected, 1.0)
    outside = np.where(above, total - inside, 1.0)
    outside_mean = np.where(above, total - mean, 1.0)
    ratio: Floats = special.xlogy(inside, inside / mean) + special.xlogy(outside, outside / outside_mean)
    return np.where(above, ratio, 0.0)


def find_best(
    counts: NDArray[np.int64], circles: Circles, expectation: Expectation, *, total: float, fewest: int
) -> list[Best]:
    """The strongest circle and window round each centre that has one with more events than expected.

    `counts` int64 (places, windows). Of equally strong ones the smaller circle, then the earlier column, is taken.
    """
    best = []
    for centre, members in enumerate(circles):
        observed, expected = counts[members].cumsum(axis=0), expectation.compute(members)
        ratio = np.where(observed >= fewest, log_likelihood_ratio(observed, expected, total), 0.0)
        if ratio.size and ratio.max() > 0:
            size, window = np.unravel_index(ratio.argmax(), ratio.shape)
            at = (size, window)
            best.append(
                Best(centre, members[: size + 1], int(window), int(observed[at]), float(expected[at]), float(ratio[at]))
            )
    return best


def raise_maxima(
    maxima: Floats,
    counts: NDArray[np.integer],
    circles: Circles,
    expectation: Expectation,
    *,
    total: float,
    fewest: int,
) -> None:
    """Raise `maxima` (replicates,) in place to the strongest ratio in the replicates' `counts`.

    `counts` whole numbers (places, windows, replicates). Exact: only counts that reach a bound are computed, and
    replicates that stay below it are looked at again with half of it.
    """
    bound = _guess_bound(maxima, counts, circles, expectation, total, fewest)
    low = np.arange(len(maxima))
    while len(low):
        for start in range(0, len(low), _BLOCK):
            block = low[start : start + _BLOCK]
            raised = maxima[block]
            _raise_above(raised, counts[:, :, block], circles, expectation, bound, total, fewest)
            maxima[block] = raised
        low = low[maxima[low] < bound]
        bound = bound / 2 if bound > _LEAST_BOUND else 0.0


def _guess_bound(
    maxima: Floats, counts: NDArray[np.integer], circles: Circles, expectation: Expectation, total: float, fewest: int
) -> float:
    """A ratio that most replicates reach: the median of a few of them, in some of the circles."""
    few = maxima[: 2 * _WORD].copy()
    if len(few):
        some = circles.choose(slice(0, None, 8))
        _raise_above(few, counts[:, :, : len(few)], some, expectation, 0.0, total, fewest)
    return float(np.median(few)) if len(few) else 0.0


def _raise_above(
    maxima: Floats,
    counts: NDArray[np.integer],
    circles: Circles,
    expectation: Expectation,
    bound: float,
    total: float,
    fewest: int,
) -> None:
    """Raise `maxima` to the ratios of `bound` or more."""
    most = int(counts.sum(axis=0, dtype=np.int64).max(initial=0))
    largest = _find_largest_means(most, bound, total, fewest)
    packed = _pack(counts, np.min_scalar_type(most + 1))
    windows, width = packed.shape[1:]
    running = np.empty((max(np.diff(circles.starts), default=0) + _STEP, windows, width), dtype=packed.dtype)
    for members in circles:
        if not len(members):
            continue
        last = len(members) - 1
        expected = expectation.compute(members)
        expected = np.append(expected, np.repeat(expected[-1:], -len(members) % _STEP, axis=0), axis=0)  # whole steps
        least = np.searchsorted(largest, expected).astype(packed.dtype)
        running[0] = packed[members[0]]
        for size, place in enumerate(members[1:].tolist(), start=1):
            np.add(running[size - 1], packed[place], out=running[size])
        running[last + 1 : len(least)] = running[last]
        hits = _find_true(running[_STEP - 1 : len(least) : _STEP] >= least[::_STEP, :, None])
        step, rest = np.divmod(hits, windows * width)
        at = (step * _STEP + np.arange(_STEP)[:, None]) * windows * width + rest
        observed = running.reshape(-1)[at]
        above = observed >= least.reshape(-1)[at // width]
        at, observed = at[above], observed[above].astype(np.int64)
        ratio = log_likelihood_ratio(observed, expected.reshape(-1)[at // width], total)
        np.maximum.at(maxima, at % width, ratio)


def _find_largest_means(most: int, bound: float, total: float, fewest: int) -> Floats:
    """The largest mean at which each count 0 to `most` still has a ratio of `bound`; below 0 where none has."""
    counts = np.arange(most + 1)
    lower, upper = np.zeros(most + 1), counts.astype(np.float64)
    for _ in range(_BISECTIONS if bound > 0 else 0):
        middle = (lower + upper) / 2
        enough = log_likelihood_ratio(counts, middle, total) >= bound
        lower, upper = np.where(enough, middle, lower), np.where(enough, upper, middle)
    return np.where(counts < fewest, -1.0, upper * _SLACK)


def _pack(counts: NDArray[np.integer], dtype: np.dtype[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """The counts as small numbers, with empty replicates up to a whole word."""
    replicates = counts.shape[2]
    packed = np.zeros((*counts.shape[:2], -(-replicates // _WORD) * _WORD), dtype=dtype)
    packed[:, :, :replicates] = counts
    return packed


def _find_true(where: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Flat positions of the few that are True; whole words are looked at first."""
    words = np.flatnonzero(where.reshape(-1).view(np.uint64) != 0)
    positions = np.flatnonzero(where.reshape(-1, _WORD)[words])
    return words[positions // _WORD] * _WORD + positions % _WORD
