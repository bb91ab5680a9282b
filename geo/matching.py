"""Matched controls: untreated places with a past like the treated one's, and what happened in them afterwards.

The past of a place is a row of totals over nested spans that all end with the intervention, shortest first (say the
last 4 weeks, 16 weeks, half-year and year). It holds the level, the trend and any peak just before, so the controls
regress to the mean as the treated place does. Counts are compared as 2 √(count + 3/8), whose standard deviation is
about 1 at any level (Anscombe 1948).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.spatial import cKDTree

from geo.tails import student_above, student_quantile

__all__ = [
    "FEWEST_CONTROLS",
    "Comparison",
    "Match",
    "compare_with_controls",
    "find_disjoint_places",
    "find_similar_places",
    "match_on_past",
]

FEWEST_CONTROLS: Final = 8  # so many matched controls does a comparison need
_FEWEST_FOR_RANKS: Final = 119  # placebos; with fewer, the interval and p come from Student's t instead of ranks
_FEWEST_FOR_TREND: Final = 30  # places; with fewer, the regression is on one span of the past instead of two


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The matched controls: `index` int64 (k,) of the most similar places, nearest first; `weight` (k,) sums to 1.

    `distance` (k,): about 1 is what two places with equal rates differ by chance.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    distance: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The count after the intervention in a treated place, compared with its matched controls.

    `estimate` = `after` - `expected`; minus is fewer. `interval`: `after` less the range of counts that the placebos
    lead one to expect without the intervention, at level 1 - alpha. `p` is two-sided, by rank among the placebos: at
    least 2 / (placebos + 1). `p_if_none` is the p of no event at all. `error` is about the standard deviation of
    `estimate` without an effect, and `dispersion` its square over that of Poisson counts. `controls_after` is the
    weighted mean of the controls; `adjustment` was added to it for the rest of the gap in the past. `residuals`
    (placebos,) are the same comparison for each placebo, in standard deviations.
    """

    after: float
    expected: float
    estimate: float
    interval: tuple[float, float]
    p: float
    p_if_none: float
    error: float
    dispersion: float
    controls_after: float
    adjustment: float
    residuals: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Expectations:
    """For each of n places: what its own controls lead one to expect, and the sum of their squared weights."""

    expected: NDArray[np.float64]
    squared_weight: NDArray[np.float64]


def find_disjoint_places(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], level: NDArray[np.float64], *, separation_m: float
) -> NDArray[np.int64]:
    """Places at least `separation_m` from each other, int64, highest `level` first; equal levels in the order given."""
    points = np.column_stack([x_m, y_m])
    tree = cKDTree(points)
    is_free = np.ones(len(points), dtype=np.bool_)
    places = []
    for place in np.argsort(-level, kind="stable").tolist():
        if is_free[place]:
            places.append(place)
            is_free[tree.query_ball_point(points[place], separation_m * (1 - 1e-9))] = False
    return np.array(places, dtype=np.int64)


def find_similar_places(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    past: NDArray[np.float64],
    target: NDArray[np.float64],
    *,
    separation_m: float,
) -> NDArray[np.int64]:
    """Places at least `separation_m` from each other, int64, those most similar to the target's past (spans,) first.

    Not the busiest first. Each would then be the busiest of all that overlap it, which is partly chance, so it would
    become quieter than a treated place with the same past that was not chosen in this way (the winner's curse).
    """
    return find_disjoint_places(x_m, y_m, -_compute_distances(target[None, :], past)[0], separation_m=separation_m)


def match_on_past(past: NDArray[np.float64], target: NDArray[np.float64], *, controls: int) -> Match:
    """The `controls` places whose past (n, spans) is nearest to the target's (spans,); fewer if there are fewer.

    The distance is Euclidean between the stabilised totals of all spans, over √(2 spans). Equal distances keep the
    order of the places. Weights are 1 / (1 + distance²), scaled to sum to 1.
    """
    distance = _compute_distances(target[None, :], past)[0]
    nearest = np.argsort(distance, kind="stable")[:controls]
    weight = 1 / (1 + distance[nearest] ** 2)
    return Match(nearest, weight / weight.sum() if len(weight) else weight, distance[nearest])


def compare_with_controls(
    past: NDArray[np.float64],
    after: NDArray[np.float64],
    target_past: NDArray[np.float64],
    target_after: float,
    *,
    match: Match,
    placebos: NDArray[np.int64],
    separate: NDArray[np.bool_],
    alpha: float = 0.05,
) -> Comparison:
    """Compare a treated place with its `match`, and judge the result by the same comparison for the `placebos`.

    `past` (n, spans) and `after` (n,) are of n untreated places. `placebos` int64 are those of them with a similar
    past. `separate` bool (n, n) says which places may be compared with each other.
    The expected count is the weighted mean of the controls, plus an adjustment for the rest of the gap in the past: a
    regression of after on the past, over all n places. A full adjustment, as in a plain difference of differences,
    would take a peak for a level. The variance is fitted over all places as (1 + Σ weight²)(a + b expected).
    The p and the interval hold if the treated place is exchangeable with the placebos given the past, however
    overdispersed the counts are (placebos in space: Abadie, Diamond and Hainmueller 2010; ranks of residuals: Vovk,
    Gammerman and Shafer 2005). Needs FEWEST_CONTROLS places.
    Without a usable placebo (their own controls overlap) nothing is judged: p is 1 and the interval has no lower end.
    Misleads where no place has a similar past: look at the distances of the match.
    """
    slope = _fit_slopes(past, after)
    adjustment = float((target_past - match.weight @ past[match.index]) @ slope)
    controls_after = float(match.weight @ after[match.index])
    expected, squared_weight = max(0.0, controls_after + adjustment), float((match.weight**2).sum())
    expectations = _expect_all(past, after, separate, slope, controls=len(match.index))
    known = np.flatnonzero(expectations.squared_weight > 0)
    fitted = _fit_variance(after[known], expectations.expected[known], expectations.squared_weight[known])
    usable = np.intersect1d(placebos, known)
    sd = np.sqrt(_compute_variance(expectations.expected[usable], expectations.squared_weight[usable], fitted))
    residuals = (_stabilise(after[usable]) - _stabilise(expectations.expected[usable])) / sd
    own_sd = float(np.sqrt(_compute_variance(np.array([expected]), np.array([squared_weight]), fitted)[0]))
    centre = float(_stabilise(np.array([expected]))[0])
    lower, upper = (_unstabilise(centre + limit * own_sd) for limit in _find_limits(residuals, alpha))
    scale = _average_square(residuals) * own_sd**2
    scores = (_stabilise(np.array([target_after, 0.0])) - centre) / own_sd
    return Comparison(
        after=target_after,
        expected=expected,
        estimate=target_after - expected,
        interval=(target_after - upper, target_after - lower),
        p=_compute_rank_p(residuals, float(scores[0])),
        p_if_none=_compute_rank_p(residuals, float(scores[1])),
        error=float(np.sqrt(scale * (expected + 0.375))),
        dispersion=scale / (1 + squared_weight),
        controls_after=controls_after,
        adjustment=adjustment,
        residuals=residuals,
    )


def _stabilise(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    root: NDArray[np.float64] = 2 * np.sqrt(np.maximum(counts, 0) + 0.375)
    return root


def _unstabilise(root: float) -> float:
    """The count of a stabilised value; 0 for a value below that of count 0."""
    return max(0.0, (max(root, 0.0) / 2) ** 2 - 0.375)


def _compute_distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (n, m) between the pasts of n and m places."""
    gap = _stabilise(first)[:, None, :] - _stabilise(second)[None, :, :]
    distance: NDArray[np.float64] = np.sqrt((gap**2).sum(axis=2) / (2 * first.shape[1]))
    return distance


def _fit_slopes(past: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """What one more event in each span of the past adds to the count after, (spans,), by weighted least squares.

    Only the longest span and the second shortest are used: more would fit noise. With few places, only the longest.
    """
    spans = past.shape[1]
    used = [spans - 1] if len(past) < _FEWEST_FOR_TREND or spans < 3 else [spans - 1, 1]  # noqa: PLR2004 - level and trend
    root = np.sqrt(1 / (past[:, -1] + 1))
    design = np.column_stack([np.ones(len(past)), past[:, used]]) * root[:, None]
    fitted = np.linalg.lstsq(design, after * root, rcond=None)[0]
    slope = np.zeros(spans)
    slope[used] = fitted[1:]
    return slope


def _expect_all(
    past: NDArray[np.float64],
    after: NDArray[np.float64],
    separate: NDArray[np.bool_],
    slope: NDArray[np.float64],
    *,
    controls: int,
) -> _Expectations:
    """What each place's own controls lead one to expect there; `squared_weight` is 0 where there are too few."""
    distance = np.where(separate, _compute_distances(past, past), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :controls]
    weight = 1 / (1 + np.take_along_axis(distance, nearest, axis=1) ** 2)  # 0 at an infinite distance
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    gap = past - np.einsum("nk,nks->ns", weight, past[nearest])
    expected = np.maximum(0.0, (weight * after[nearest]).sum(axis=1) + gap @ slope)
    enough = (weight > 0).sum(axis=1) >= min(controls, FEWEST_CONTROLS)
    return _Expectations(expected, np.where(enough, (weight**2).sum(axis=1), 0.0))


def _fit_variance(
    after: NDArray[np.float64], expected: NDArray[np.float64], squared_weight: NDArray[np.float64]
) -> tuple[float, float]:
    """The a and b of `_compute_variance`, by non-negative least squares; (1, 0) are those of Poisson counts."""
    squares = (_stabilise(after) - _stabilise(expected)) ** 2
    weight = np.minimum(expected, 1) / (1 + expected)
    design = np.column_stack([1 + squared_weight, (1 + squared_weight) * expected])
    a, b = optimize.nnls(design * weight[:, None], squares * weight)[0].tolist()
    return (a, b) if a + b > 0 else (1.0, 0.0)


def _compute_variance(
    expected: NDArray[np.float64], squared_weight: NDArray[np.float64], fitted: tuple[float, float]
) -> NDArray[np.float64]:
    """Of the stabilised difference; at least a tenth of Poisson's, so that it is not 0 in a quiet town."""
    variance: NDArray[np.float64] = (1 + squared_weight) * np.maximum(fitted[0] + fitted[1] * expected, 0.1)
    return variance


def _average_square(residuals: NDArray[np.float64]) -> float:
    """The mean square of residuals; that of the fitted variance, 1, where no placebo has enough controls of its own."""
    return float(np.mean(residuals**2)) if len(residuals) else 1.0


def _find_limits(residuals: NDArray[np.float64], alpha: float) -> tuple[float, float]:
    """The residuals between which 1 - alpha of places without an effect lie."""
    count = len(residuals)
    if not count:
        return -np.inf, np.inf
    if count < _FEWEST_FOR_RANKS:
        half_width = student_quantile(1 - alpha / 2, max(count - 1, 1)) * float(np.sqrt(_average_square(residuals)))
        return -half_width, half_width
    ranked = np.sort(residuals)
    outside = int(np.floor(alpha / 2 * (count + 1) + 1e-9))
    return float(ranked[outside - 1]), float(ranked[count - outside])


def _compute_rank_p(residuals: NDArray[np.float64], value: float) -> float:
    """Twice the smaller share of placebos that are at least as extreme, the place itself included."""
    count = len(residuals)
    if not count:
        return 1.0
    if count < _FEWEST_FOR_RANKS:
        scale = float(np.sqrt(np.mean(residuals**2)))
        return 2 * student_above(abs(value) / scale, max(count - 1, 1)) if scale > 0 else 1.0
    tolerance = 1e-9 * (1 + abs(value))
    below, above = int((residuals <= value + tolerance).sum()), int((residuals >= value - tolerance).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (count + 1))
