"""The N candidates that together cover the most demand, exactly: the maximal covering location problem."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.sparse import csr_array, hstack, identity, vstack

from geo.errors import UsageError

__all__ = ["MaximalCover", "find_best_cover", "find_greedy_cover"]


@dataclass(frozen=True, slots=True, eq=False)
class MaximalCover:
    """The chosen candidates: `chosen` int64 (k,), in the order of what each adds, its `gain` float64 (k,).

    `covered` is the demand that they cover together. `bound` is what no choice of as many can exceed. `proven` says
    whether the two are equal.
    """

    chosen: NDArray[np.int64]
    gain: NDArray[np.float64]
    covered: float
    bound: float
    proven: bool

    @property
    def gap(self) -> float:
        """1 - covered / bound; 0 when proved best."""
        return 1 - self.covered / self.bound if self.bound > self.covered else 0.0


def find_best_cover(
    reaches: csr_array, demand: NDArray[np.float64], number: int, *, seconds: float = 20.0
) -> MaximalCover:
    """The `number` candidates that cover the most `demand` (points,); `reaches` csr (points, candidates) of ones.

    Maximise Σ demand_i y_i, y_i ≤ Σ_j reaches_ij x_j, Σ x_j ≤ number, x binary, y in [0, 1] (Church and ReVelle 1974),
    by branch and bound (HiGHS, Huangfu and Hall 2018). Points that the same candidates reach are merged. A candidate
    that reaches only a part of what another reaches is left out. Among equal choices the first candidates win, as far
    as HiGHS is deterministic. When the time is up, the answer is the better of the solver's choice and the greedy
    choice, with the bound. UsageError for shapes that do not fit, negative demand or a number under 1.
    """
    demand = np.asarray(demand, dtype=np.float64)
    if reaches.shape[0] != len(demand) or number < 1 or (demand < 0).any():
        raise UsageError(
            "A cover needs a demand of 0 or more for each point, and at least one place to choose",
            f"there are {reaches.shape[0]} points, {len(demand)} demands and {number} places",
            "count the events of the same points, and ask for one place or more",
        )
    greedy = find_greedy_cover(reaches, demand, number)
    merged, sums = _merge_points(reaches, demand)
    useful = np.unique(np.concatenate([_find_undominated(merged), greedy])).astype(np.int64)
    if not len(sums) or len(useful) <= number:
        chosen = greedy if len(useful) > number else useful
        return _build_cover(reaches, demand, chosen, bound=float(_sum_covered(reaches, demand, chosen)))
    chosen, bound = _solve(merged[:, useful], sums, number, seconds)
    best = useful[chosen]
    if _sum_covered(reaches, demand, greedy) >= _sum_covered(reaches, demand, best):
        best = greedy
    return _build_cover(reaches, demand, best, bound=bound)


def find_greedy_cover(reaches: csr_array, demand: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """The candidate that adds most, again and again; the first of equal ones. Covers at least 1 - 1/e of the best."""
    columns, open_demand = reaches.tocsc(), np.array(demand, dtype=np.float64)
    cover: list[int] = []
    for _ in range(min(number, reaches.shape[1])):
        gains = open_demand @ columns
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        cover.append(best)
        open_demand[columns.indices[columns.indptr[best] : columns.indptr[best + 1]]] = 0
    return np.array(cover, dtype=np.int64)


def _merge_points(reaches: csr_array, demand: NDArray[np.float64]) -> tuple[csr_array, NDArray[np.float64]]:
    """Points with demand that some candidate reaches; points that the same candidates reach are merged."""
    points = np.flatnonzero((demand > 0) & (np.diff(reaches.indptr) > 0))
    rows = reaches[points]
    rows.sort_indices()
    keys = [rows.indices[rows.indptr[i] : rows.indptr[i + 1]].tobytes() for i in range(len(points))]
    group_of_key: dict[bytes, int] = {}
    group = np.array([group_of_key.setdefault(key, len(group_of_key)) for key in keys], dtype=np.int64)
    first = np.unique(group, return_index=True)[1] if len(group) else np.zeros(0, dtype=np.int64)
    sums = np.zeros(len(group_of_key))
    np.add.at(sums, group, demand[points])
    return csr_array(rows[first]), sums


def _find_undominated(reaches: csr_array) -> NDArray[np.int64]:
    """Candidates that no other candidate dominates by reaching all their points; the first of equal ones."""
    size = np.diff(reaches.tocsc().indptr)
    common = (reaches.T @ reaches).tocoo()
    row, column = common.coords
    is_dominated = (common.data == size[row]) & (row != column) & ((size[column] > size[row]) | (column < row))
    dominated = np.unique(row[is_dominated])
    return np.setdiff1d(np.flatnonzero(size > 0), dominated).astype(np.int64)


def _solve(
    reaches: csr_array, demand: NDArray[np.float64], number: int, seconds: float
) -> tuple[NDArray[np.int64], float]:
    """The chosen candidates and the bound, by HiGHS."""
    points, candidates = reaches.shape
    rows = vstack(
        [hstack([reaches, -identity(points)]), csr_array(np.repeat([1.0, 0.0], [candidates, points])[None, :])]
    ).tocsr()
    lower = np.concatenate([np.zeros(points), [0.0]])
    upper = np.concatenate([np.full(points, np.inf), [float(number)]])
    solution = optimize.milp(
        np.concatenate([np.zeros(candidates), -demand]),
        constraints=optimize.LinearConstraint(rows, lower, upper),
        integrality=np.repeat([1, 0], [candidates, points]),
        bounds=optimize.Bounds(0, 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    chosen = np.zeros(0, dtype=np.int64) if solution.x is None else np.flatnonzero(solution.x[:candidates] > 0.5)  # noqa: PLR2004 - binary
    bound = demand.sum() if solution.mip_dual_bound is None else -solution.mip_dual_bound
    return chosen, float(min(bound, demand.sum()))


def _sum_covered(reaches: csr_array, demand: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    return float(demand[(reaches[:, chosen].sum(axis=1) > 0)].sum()) if len(chosen) else 0.0


def _build_cover(
    reaches: csr_array, demand: NDArray[np.float64], chosen: NDArray[np.int64], *, bound: float
) -> MaximalCover:
    """The chosen candidates in the order of what each adds; those that add nothing are left out."""
    order = find_greedy_cover(csr_array(reaches[:, chosen]), demand, len(chosen)) if len(chosen) else chosen
    ordered = chosen[order]
    sums = np.array([_sum_covered(reaches, demand, ordered[: last + 1]) for last in range(len(ordered))])
    covered = float(sums[-1]) if len(sums) else 0.0
    tight = bound <= covered * (1 + 1e-9) + 1e-9
    return MaximalCover(ordered, np.diff(sums, prepend=0.0), covered, covered if tight else bound, tight)
