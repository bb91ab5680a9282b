"""Places like a treated one: matched on the past alone, and what happened in them while nothing was done there.

The past of a place is a row of totals over nested spans that all end with the intervention, shortest first (say the
last 4 weeks, 16 weeks, half-year and year). It holds level, trend and any peak just before, so that like places regress
to the mean as the treated one does. Counts are compared as 2 √(count + 3/8), whose standard deviation is about 1 at any
level (Anscombe 1948).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.spatial import cKDTree

from geo.tails import student_above, student_quantile

__all__ = [
    "FEWEST_LIKE",
    "Comparison",
    "Match",
    "compare_with_controls",
    "find_disjoint_places",
    "find_similar_places",
    "match_on_past",
]

FEWEST_LIKE: Final = 8  # untreated places that a comparison needs
_RANKED: Final = 119  # so many placebos and more give the interval's ends by rank; fewer by Student's t
_TO_FIT: Final = 30  # places that a regression on two spans of the past needs


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """`index` int64 (k,) of the places that are most alike, nearest first, and their `weight` (k,), which sum to 1.

    `distance` (k,): 1 is about what two equal places differ by chance.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    distance: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What came after in a treated place against what came in places that were like it.

    `estimate` = `after` - `expected`; minus is fewer. `interval`: `after` less the counts that 1 - alpha of placebos
    let one expect without the intervention. `p` two-sided, by rank among the placebos: at least 2 / (placebos + 1);
    `p_of_none` the p that no event at all would have had. `error` about the standard deviation of `estimate` without
    an effect, `dispersion` its square over that of Poisson counts. `like_after` the weighted mean of the like places,
    `moved` what was added to it for what was left of the gap in the past. `residuals` (placebos,) the same comparison
    for each placebo, in standard deviations.
    """

    after: float
    expected: float
    estimate: float
    interval: tuple[float, float]
    p: float
    p_of_none: float
    error: float
    dispersion: float
    like_after: float
    moved: float
    residuals: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Expectations:
    """For each of n places: what its like places lead one to expect, and the sum of their squared weights."""

    expected: NDArray[np.float64]
    uncertain: NDArray[np.float64]


def find_disjoint_places(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], level: NDArray[np.float64], *, apart_m: float
) -> NDArray[np.int64]:
    """Places none of which is nearer than `apart_m` to another, int64, highest `level` first; equal ones in order."""
    points = np.column_stack([x_m, y_m])
    tree = cKDTree(points)
    free = np.ones(len(points), dtype=np.bool_)
    chosen = []
    for place in np.argsort(-level, kind="stable").tolist():
        if free[place]:
            chosen.append(place)
            free[tree.query_ball_point(points[place], apart_m * (1 - 1e-9))] = False
    return np.array(chosen, dtype=np.int64)


def find_similar_places(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    past: NDArray[np.float64],
    target: NDArray[np.float64],
    *,
    apart_m: float,
) -> NDArray[np.int64]:
    """Places none of which is nearer than `apart_m` to another, int64, most like the target's past (spans,) first.

    Not busiest first: each would be the busiest of all that overlap it, which is partly chance, and such places go on
    quieter than a treated place with the same past that was not chosen so (the winner's curse).
    """
    return find_disjoint_places(x_m, y_m, -_distances(target[None, :], past)[0], apart_m=apart_m)


def match_on_past(past: NDArray[np.float64], target: NDArray[np.float64], *, controls: int) -> Match:
    """The `controls` places whose past (n, spans) is nearest to the target's (spans,); fewer where there are fewer.

    Distance: Euclidean between the stabilised totals of all spans, over √(2 spans). Equal distances in the order of
    places. Weight 1 / (1 + distance²), made to sum to 1.
    """
    distance = _distances(target[None, :], past)[0]
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
    apart: NDArray[np.bool_],
    alpha: float = 0.05,
) -> Comparison:
    """Compare a treated place with its `match`, and judge by what the same comparison gives for the `placebos`.

    `past` (n, spans) and `after` (n,) are of n untreated places, `placebos` int64 those of them with a like past, and
    `apart` bool (n, n) which may be compared with each other. Expected: the weighted mean of the like places, moved by
    the regression, over all n, of after on the past for what is left of the gap in the past. A full move, as in a plain
    difference of differences, would take a peak for a level. The variance is fitted over all places as
    (1 + Σ weight²)(a + b expected). The p and interval hold if the treated place is exchangeable with the placebos
    given the past, however overdispersed the counts are (placebos in space: Abadie, Diamond and Hainmueller 2010; ranks
    of residuals: Vovk, Gammerman and Shafer 2005). Needs FEWEST_LIKE places.
    Misleads where no place has a past like it: look at the distances of the match.
    """
    slope = _slopes(past, after)
    moved = float((target_past - match.weight @ past[match.index]) @ slope)
    like_after = float(match.weight @ after[match.index])
    expected, uncertain = max(0.0, like_after + moved), float((match.weight**2).sum())
    everywhere = _expect_all(past, after, apart, slope, controls=len(match.index))
    known = np.flatnonzero(everywhere.uncertain > 0)
    fitted = _fit_variance(after[known], everywhere.expected[known], everywhere.uncertain[known])
    judged = np.intersect1d(placebos, known)
    spread = np.sqrt(_variance(everywhere.expected[judged], everywhere.uncertain[judged], fitted))
    residuals = (_stabilise(after[judged]) - _stabilise(everywhere.expected[judged])) / spread
    own = float(np.sqrt(_variance(np.array([expected]), np.array([uncertain]), fitted)[0]))
    middle = float(_stabilise(np.array([expected]))[0])
    low, high = (_unstabilise(middle + limit * own) for limit in _limits(residuals, alpha))
    scale = float(np.mean(residuals**2)) * own**2
    reached = (_stabilise(np.array([target_after, 0.0])) - middle) / own
    return Comparison(
        after=target_after,
        expected=expected,
        estimate=target_after - expected,
        interval=(target_after - high, target_after - low),
        p=_rank_p(residuals, float(reached[0])),
        p_of_none=_rank_p(residuals, float(reached[1])),
        error=float(np.sqrt(scale * (expected + 0.375))),
        dispersion=scale / (1 + uncertain),
        like_after=like_after,
        moved=moved,
        residuals=residuals,
    )


def _stabilise(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    root: NDArray[np.float64] = 2 * np.sqrt(np.maximum(counts, 0) + 0.375)
    return root


def _unstabilise(root: float) -> float:
    """The count of a stabilised value; 0 below that of none."""
    return max(0.0, (max(root, 0.0) / 2) ** 2 - 0.375)


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (n, m) between the pasts of n and m places."""
    gap = _stabilise(one)[:, None, :] - _stabilise(other)[None, :, :]
    distance: NDArray[np.float64] = np.sqrt((gap**2).sum(axis=2) / (2 * one.shape[1]))
    return distance


def _slopes(past: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """What an event more in each span of the past adds to the after, (spans,), by weighted least squares.

    Only the longest span and the second shortest take part: more would fit noise. With few places, only the longest.
    """
    spans = past.shape[1]
    used = [spans - 1] if len(past) < _TO_FIT or spans < 3 else [spans - 1, 1]  # noqa: PLR2004 - level and trend
    root = np.sqrt(1 / (past[:, -1] + 1))
    design = np.column_stack([np.ones(len(past)), past[:, used]]) * root[:, None]
    fitted = np.linalg.lstsq(design, after * root, rcond=None)[0]
    slope = np.zeros(spans)
    slope[used] = fitted[1:]
    return slope


def _expect_all(
    past: NDArray[np.float64],
    after: NDArray[np.float64],
    apart: NDArray[np.bool_],
    slope: NDArray[np.float64],
    *,
    controls: int,
) -> _Expectations:
    """What each place's own like places lead one to expect there; `uncertain` is 0 where there are too few of them."""
    distance = np.where(apart, _distances(past, past), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :controls]
    weight = 1 / (1 + np.take_along_axis(distance, nearest, axis=1) ** 2)  # 0 at an infinite distance
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    gap = past - np.einsum("nk,nks->ns", weight, past[nearest])
    expected = np.maximum(0.0, (weight * after[nearest]).sum(axis=1) + gap @ slope)
    enough = (weight > 0).sum(axis=1) >= min(controls, FEWEST_LIKE)
    return _Expectations(expected, np.where(enough, (weight**2).sum(axis=1), 0.0))


def _fit_variance(
    after: NDArray[np.float64], expected: NDArray[np.float64], uncertain: NDArray[np.float64]
) -> tuple[float, float]:
    """The a and b of `_variance`, by non-negative weighted least squares of squares; (1, 0) of Poisson counts."""
    squares = (_stabilise(after) - _stabilise(expected)) ** 2
    weight = np.minimum(expected, 1) / (1 + expected)
    design = np.column_stack([1 + uncertain, (1 + uncertain) * expected])
    a, b = optimize.nnls(design * weight[:, None], squares * weight)[0].tolist()
    return (a, b) if a + b > 0 else (1.0, 0.0)


def _variance(
    expected: NDArray[np.float64], uncertain: NDArray[np.float64], fitted: tuple[float, float]
) -> NDArray[np.float64]:
    """Of the stabilised difference; at least a tenth of Poisson's, so that no quiet town gives a spread of nought."""
    variance: NDArray[np.float64] = (1 + uncertain) * np.maximum(fitted[0] + fitted[1] * expected, 0.1)
    return variance


def _limits(residuals: NDArray[np.float64], alpha: float) -> tuple[float, float]:
    """Between which residuals 1 - alpha of no-effect places lie."""
    many = len(residuals)
    if many < _RANKED:
        reach = student_quantile(1 - alpha / 2, max(many - 1, 1)) * float(np.sqrt(np.mean(residuals**2)))
        return -reach, reach
    order = np.sort(residuals)
    outside = int(np.floor(alpha / 2 * (many + 1) + 1e-9))
    return float(order[outside - 1]), float(order[many - outside])


def _rank_p(residuals: NDArray[np.float64], value: float) -> float:
    """Twice the smaller share of placebos that lie as far out, the place itself counted among them."""
    many = len(residuals)
    if many < _RANKED:
        scale = float(np.sqrt(np.mean(residuals**2)))
        return 2 * student_above(abs(value) / scale, max(many - 1, 1)) if scale > 0 else 1.0
    near = 1e-9 * (1 + abs(value))
    below, above = int((residuals <= value + near).sum()), int((residuals >= value - near).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (many + 1))
