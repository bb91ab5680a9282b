"""Hotspots: Getis-Ord Gi*, exact p-values under shuffling, and control of false discoveries.

Gi* compares the sum over a cell's neighbourhood with what shuffling all values over all cells would give. Counts of
events are small and skewed, so the normal tails of z are wrong by orders of magnitude; the p-values here come from the
exact distribution of the sum (`geo.permutation`). bench/honesty.py measures the gain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.errors import UsageError
from geo.permutation import SumDistribution, build_sum_distribution, to_units

__all__ = ["Hotspots", "Side", "benjamini_hochberg", "gi_star", "hotspots", "local_g", "p_values"]

Side = Literal["hot", "cold"]
_ROUNDING: Final = 1e-14  # relative; values that differ by less are equal
_MOST_LEFT_OUT: Final = (
    0.05  # share of the cells: hotspots are few; without a limit all of a town is hot against the fields around it
)
_MOST_STEPS: Final = 50  # each step finds at least one new cell; in practice two to six are taken


@dataclass(frozen=True, slots=True, eq=False)
class Hotspots:
    """The result of `hotspots` for each of n cells, in the order of the values.

    `z` is Gi*. `p` and `q` are one-sided: of the side, hot or cold, to which the cell's sum leans. `kind` int8: 1
    hotspot, -1 cold spot, 0 neither. `total` is the sum over the cell's neighbourhood, and `expected` is its mean where
    there is no hotspot (for cold cells: no cold spot); both in the values' measure. `unit` is the rounding of the
    values in the test (1, for whole counts, is none).
    """

    z: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    kind: NDArray[np.int8]
    total: NDArray[np.float64]
    expected: NDArray[np.float64]
    unit: float


def gi_star(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.float64]:
    """Getis-Ord Gi* of each cell, float64 (n,), as a z-score.

    `values` (n,) any finite numbers; `neighbours` csr (n, n), binary with self, weights allowed. The mean and standard
    deviation are those of all n values. Where nothing can be said (all values are equal, or every cell is a
    neighbour) z is 0. Do not scale rows to sum to 1: Gi* then has the same sign and a smaller z.
    Misleads on small counts: the normal tail of z calls noise hot. Use `p_values`.
    Source: Getis and Ord 1992; Ord and Getis 1995, equation 5.
    """
    values, neighbours = _check_inputs(values, neighbours)
    mean = values.sum() / len(values)
    deviation = values - mean
    variance = float(deviation @ deviation) / len(values)
    if variance <= (_ROUNDING * mean) ** 2:
        return np.zeros(len(values))
    z: NDArray[np.float64] = neighbours @ deviation
    z *= _compute_inverse_scale(neighbours, variance)
    return z


def local_g(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.float64]:
    """Getis-Ord Gi, float64 (n,): as Gi*, but of the cells around a cell, without its own value.

    For comparison with published work (spdep's localG); a self-neighbour in `neighbours` is left out.
    Source: Ord and Getis 1995, equation 4.
    """
    values, neighbours = _check_inputs(values, neighbours)
    count = len(values)
    own = neighbours.diagonal()
    weight, squared = _sum_rows(neighbours)
    weight, squared = weight - own, squared - own * own
    mean = (values.sum() - values) / (count - 1)
    spread = np.sqrt(np.maximum(((values * values).sum() - values * values) / (count - 1) - mean * mean, 0.0))
    spare = np.maximum((count - 1) * squared - weight * weight, 0.0)
    return _divide(neighbours @ values - own * values - mean * weight, spread * np.sqrt(spare / max(count - 2, 1)))


def p_values(
    values: NDArray[np.float64],
    neighbours: csr_array,
    *,
    side: Side = "hot",
    mid: bool = False,
    background: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The exact p-value of each cell's Gi* under shuffling, float64 (n,): the chance of a sum as high (cold: as low).

    The chance is over all arrangements of the values on the cells: the limit of more and more shuffles. For equal
    neighbourhood sizes it falls as z rises. `mid` counts half of the chance of exactly this sum (mid-p, Lancaster
    1961), which is less cautious with small counts. `background`: the cells (bool (n,)) whose values are shuffled; None
    means all. `neighbours` must be binary and values 0 or more; fractions are rounded (`geo.permutation.to_units`).
    """
    values, neighbours = _check_inputs(values, neighbours)
    draws = _count_neighbours(neighbours)
    units, _ = to_units(values, most_draws=int(draws.max(initial=0)))
    sums = np.rint(neighbours @ units.astype(np.float64)).astype(np.int64)
    null = build_sum_distribution(
        units if background is None else units[background], most_draws=int(draws.max(initial=0))
    )
    return _choose_tail(null, side)(draws, sums, mid=mid)


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values (q), float64 (n,): calling all with q <= 0.05 keeps the false discovery rate at 0.05.

    Holds for independent tests and for positively dependent ones, as overlapping neighbourhoods are (Benjamini and
    Hochberg 1995; Benjamini and Yekutieli 2001). Equals scipy.stats.false_discovery_control.
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * (len(p) / np.arange(1, len(p) + 1))
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def hotspots(values: NDArray[np.float64], neighbours: csr_array, q: float = 0.05, *, mid: bool = False) -> Hotspots:
    """Hot and cold spots of values (n,) at false discovery rate `q`, each side by itself.

    Exact p-values and Benjamini-Hochberg, then step-down: the neighbourhoods of found cells, surest first, leave the
    background that is shuffled, and all cells are tested again. This ends when nothing new is found or 5 % of the cells
    have left. So strong hotspots do not hide weaker ones. On a map of noise the first test finds nothing at least 95
    times in 100, and no step follows. p and q are those of the last test. `mid` takes mid-p (`p_values`) instead, which
    finds more and promises less: bench/honesty.md has the figures.
    `neighbours` csr (n, n) binary with self; values 0 or more (UsageError). Misleads: a hotspot is a place where events
    were recorded more densely than elsewhere in this study area, because of more people, more searches or more risk.
    One busy cell among empty ones is no hotspot, however busy: each shuffle makes some neighbourhood as full. Where a
    few such places hide all else (records snapped to a few points), give the square roots of counts instead.
    """
    values, neighbours = _check_inputs(values, neighbours)
    draws = _count_neighbours(neighbours)
    units, unit = to_units(values, most_draws=int(draws.max(initial=0)))
    sums = np.rint(neighbours @ units.astype(np.float64)).astype(np.int64)
    whole = build_sum_distribution(units, most_draws=int(draws.max(initial=0)))
    hot = _step_down(whole, units, neighbours, sums, side="hot", level=q, mid=mid)
    cold = _step_down(whole, units, neighbours, sums, side="cold", level=q, mid=mid)
    leans_hot = hot.p <= cold.p
    adjusted = np.where(leans_hot, hot.q, cold.q)
    return Hotspots(
        z=gi_star(values, neighbours),
        p=np.where(leans_hot, hot.p, cold.p),
        q=adjusted,
        kind=np.where(adjusted <= q, np.where(leans_hot, 1, -1), 0).astype(np.int8),
        total=sums * unit,
        expected=np.where(leans_hot, hot.mean, cold.mean) * unit * draws,
        unit=unit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _TestResult:
    """One side's last test: p, q (n,) and the mean of the background, in units."""

    p: NDArray[np.float64]
    q: NDArray[np.float64]
    mean: float


def _step_down(
    null: SumDistribution,
    units: NDArray[np.int64],
    neighbours: csr_array,
    sums: NDArray[np.int64],
    *,
    side: Side,
    level: float,
    mid: bool,
) -> _TestResult:
    """Test, take the neighbourhoods of the found cells out of the background, and repeat until nothing new is found.

    `null` is the distribution over all cells for the first test; the hot and the cold side share it.
    """
    draws = _count_neighbours(neighbours)
    most = int(draws.max(initial=0))
    most_leaving = min(int(_MOST_LEFT_OUT * len(units)), len(units) - most)
    background = np.ones(len(units), dtype=bool)
    for _ in range(_MOST_STEPS):
        p = _choose_tail(null, side)(draws, sums, mid=mid)
        q = benjamini_hochberg(p)
        rank = np.where(background, _rank_near_hotspots(p, q, neighbours, level), len(p))
        room = most_leaving - int((~background).sum())
        leaves = rank < min(len(p), int(np.sort(rank)[room]))
        if not leaves.any():
            break
        background &= ~leaves
        null = build_sum_distribution(units[background], most_draws=most)
    return _TestResult(p, q, float(units[background].mean()))


def _rank_near_hotspots(
    p: NDArray[np.float64], q: NDArray[np.float64], neighbours: csr_array, level: float
) -> NDArray[np.int64]:
    """The rank by p (0 is surest) of the surest found cell in each cell's neighbourhood, int64 (n,); n if none is.

    Of r found cells, level * r are expected to be false, so as many of the least sure do not count. If their high
    values (for cold: low ones) left the background, more false ones would follow: 0.06 instead of 0.05 was measured.
    """
    count = int((q <= level).sum())
    surest = np.argsort(p, kind="stable")[: count - int(level * count)]
    rank = np.full(len(p), len(p))
    rank[surest] = np.arange(len(surest))
    rank_in_rows = np.append(rank[neighbours.indices], len(p))  # so that an empty last row has a start
    nearest: NDArray[np.int64] = np.minimum.reduceat(rank_in_rows, neighbours.indptr[:-1])
    return np.where(_count_entries(neighbours) > 0, nearest, len(p))


def _choose_tail(null: SumDistribution, side: Side) -> Callable[..., NDArray[np.float64]]:
    """The tail that belongs to a side."""
    return null.at_least if side == "hot" else null.at_most


def _check_inputs(values: NDArray[np.float64], neighbours: csr_array) -> tuple[NDArray[np.float64], csr_array]:
    """Values as float64 and neighbours as csr, of matching sizes; UsageError otherwise."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values) or neighbours.shape != (len(values), len(values)):
        raise UsageError(
            "A list of n values (at least one) needs n x n neighbours",
            f"values have shape {values.shape} and neighbours {tuple(neighbours.shape)}",
            "make both from the same list of cells",
        )
    return values, neighbours if isinstance(neighbours, csr_array) else csr_array(neighbours)


def _sum_rows(neighbours: csr_array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum of weights and of squared weights in each row."""
    return neighbours.sum(axis=1), neighbours.multiply(neighbours).sum(axis=1)


def _compute_inverse_scale(neighbours: csr_array, variance: float) -> NDArray[np.float64]:
    """1 / (s sqrt((n S - W^2) / (n - 1))) of each row, 0 where that is infinite. Binary rows depend on size alone."""
    count = neighbours.shape[0]
    binary = bool((neighbours.data == 1).all())
    sizes = _count_entries(neighbours)
    weight, squared = (np.arange(sizes.max() + 1),) * 2 if binary else _sum_rows(neighbours)
    spare = (count * squared - weight * weight) * (variance / max(count - 1, 1))
    inverse: NDArray[np.float64] = np.zeros(len(spare))
    inverse[spare > 0] = spare[spare > 0] ** -0.5
    return inverse[sizes] if binary else inverse


def _count_neighbours(neighbours: csr_array) -> NDArray[np.int64]:
    """The number of cells in each neighbourhood, int64 (n,); UsageError unless the matrix is binary."""
    if not (neighbours.data == 1).all():
        raise UsageError(
            "Exact p-values need binary neighbours",
            "some weights are neither 0 nor 1",
            "use geo.neighbours.build_neighbours, or set all stored weights to 1",
        )
    return _count_entries(neighbours).astype(np.int64)


def _count_entries(neighbours: csr_array) -> NDArray[np.integer]:
    """The number of entries in each row."""
    ends: NDArray[np.integer] = neighbours.indptr
    return ends[1:] - ends[:-1]


def _divide(numerator: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients, and 0 where the scale is 0."""
    return np.divide(numerator, scale, out=np.zeros_like(numerator), where=scale > 0)
