"""Which places to visit, and in which order, within the hours of several teams: good tours, and how good they are.

The upper bound comes from relaxations of the team orienteering problem. A linear programme ignores who goes where and
when. It keeps three rules: each visit needs a way in and a way out, ways and stops need time, and each visited place is
connected with the start (generalised subtour elimination, by minimum cuts as they are needed). It begins with few ways.
Others are priced and added until none could help, so the bound holds for all ways.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_flow

from geo.lazy_modules import import_lazily
from geo.tour_exact import Proof, find_best_sets, is_countable, is_provable, prove
from geo.tour_problem import Break, Problem, Route, find_breaches, schedule_all, sum_worth
from geo.tour_search import search_tours

if TYPE_CHECKING:
    from ortools.linear_solver import pywraplp
else:
    pywraplp = import_lazily("ortools.linear_solver.pywraplp")

__all__ = [
    "Break",
    "Problem",
    "Route",
    "Solution",
    "find_breaches",
    "find_routes",
    "find_tours",
    "sum_worth",
    "upper_bound",
]

_ROUNDS: Final = 250
_MORE_ROUNDS: Final = 400  # for small problems, which take little time
_SMALL: Final = 40  # places
_WORTH_NOISE: Final = 0.05  # each worth is off by up to so much in varied tours, so that days differ
_MOST_LOSS: Final = 0.02  # the share of the best worth that varied tours may lack, where the best is known
_DRAWS: Final = 3
_MOST_DELAY_S: Final = 600
_MINUTE_S: Final = 60
_TOLERANCE: Final = 2e-5  # a worth so near to the bound has reached it: proofs count in whole grains
_NEAREST: Final = 8  # the programme begins with so many ways from each place
_CUT_ROUNDS: Final = 25  # the value after each round is a bound by itself
_CUTS_A_ROUND: Final = 40
_VIOLATED: Final = 0.02
_GRAIN: Final = 1_000_000  # flows are whole numbers
_EPSILON: Final = 1e-7
_HOUR_S: Final = 3600


def compute_knapsack_bound(problem: Problem) -> float:
    """The most worth that fits into the teams' time if each stop had its shortest way in, parts of visits included.

    Each visit needs a way in, at best the shortest, and each tour ends with a way to the finish. The bound ignores the
    routes, the times between visits, and who goes where, so no tours can collect more.
    """
    n = len(problem)
    if not n:
        return 0.0
    travel = problem.travel_s.astype(np.float64)
    np.fill_diagonal(
        travel, problem.least_gap_s if len(problem.visit_shares) > 1 else np.inf
    )  # a team that stays for the next visit waits
    visit_s = problem.stop_s + np.minimum(travel[:n, :n].min(axis=0), travel[n, :n])
    budget = problem.teams * (compute_working_s(problem) - float(travel[:n, n + 1].min()))
    worth = np.multiply.outer(np.array(problem.visit_shares), problem.worth).ravel()
    seconds = np.tile(visit_s, len(problem.visit_shares))
    order = np.argsort(-worth / seconds, kind="stable")
    part = np.clip((budget - (np.cumsum(seconds[order]) - seconds[order])) / seconds[order], 0, 1)
    return float((worth[order] * part).sum())


def compute_working_s(problem: Problem) -> float:
    """Seconds that a team has for ways and stops: it takes the break, or is back by the break's latest start."""
    if problem.pause is None:
        return float(problem.limit_s)
    return float(max(problem.limit_s - problem.pause.length_s, min(problem.limit_s, problem.pause.latest_s)))


def upper_bound(problem: Problem) -> float:
    """The lowest of the bounds: no tours of the problem collect more.

    With a limit of stops the programme, which has none, is spared: the best visits of that number are nearly the bound.
    """
    places = np.flatnonzero(_find_reachable(problem))
    if not len(places):
        return 0.0
    if problem.most_stops is not None:
        return min(compute_knapsack_bound(problem), _sum_best_visits(problem, places))
    return min(compute_knapsack_bound(problem), _Programme(problem, places).compute_bound())


def _sum_best_visits(problem: Problem, places: NDArray[np.intp]) -> float:
    """The worth of the best visits, as many as all tours together may have, wherever they lie."""
    worth = np.sort(np.multiply.outer(np.array(problem.visit_shares), problem.worth[places]).ravel())[::-1]
    return float(worth[: problem.teams * (problem.most_stops or 0)].sum())


def _find_reachable(problem: Problem) -> NDArray[np.bool_]:
    """Places with a worth above 0 from which a team can be back in time."""
    n = len(problem)
    alone = problem.travel_s[n, :n] + problem.stop_s + problem.travel_s[:n, n + 1]
    reachable: NDArray[np.bool_] = (alone <= compute_working_s(problem)) & (problem.worth > 0)
    return reachable


@dataclass(eq=False)
class _Programme:
    """The linear programme over k useful places. A way has no direction; it takes the shorter of the two times."""

    problem: Problem
    useful: NDArray[np.intp]
    ways: dict[tuple[int, int], Any] = field(default_factory=dict)
    cuts: list[tuple[NDArray[np.bool_], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        problem, k, n = self.problem, len(self.useful), len(self.problem)
        solver = pywraplp.Solver.CreateSolver("GLOP")
        travel = problem.travel_s[np.ix_(self.useful, self.useful)]
        self.travel_h = np.minimum(travel, travel.T) / _HOUR_S
        self.solver, infinity = solver, solver.infinity()
        self.unit = float(problem.worth[self.useful].max())  # worths and hours of about 1 keep the solver exact
        self.degree = [solver.Constraint(0.0, 0.0) for _ in range(k)]
        self.budget = solver.Constraint(-infinity, 0.0)
        teams, balance = solver.Constraint(0.0, float(problem.teams)), solver.Constraint(0.0, 0.0)
        self.visit = [[solver.NumVar(0.0, 1.0, "") for _ in problem.visit_shares] for _ in range(k)]
        self.leave = [solver.NumVar(0.0, infinity, "") for _ in range(k)]
        self.back = [solver.NumVar(0.0, infinity, "") for _ in range(k)]
        goal = solver.Objective()
        goal.SetMaximization()
        for place, index in enumerate(self.useful.tolist()):
            for visit, worth in zip(self.visit[place], problem.visit_shares, strict=True):
                goal.SetCoefficient(visit, worth * float(problem.worth[index]) / self.unit)
                self.degree[place].SetCoefficient(visit, -2.0)
                self.budget.SetCoefficient(visit, float(problem.stop_s[index]) / _HOUR_S)
            for end, seconds in (
                (self.leave[place], float(problem.travel_s[n, index]) - compute_working_s(problem)),
                (self.back[place], float(problem.travel_s[index, n + 1])),
            ):
                self.degree[place].SetCoefficient(end, 1.0)
                self.budget.SetCoefficient(end, seconds / _HOUR_S)
            if len(problem.visit_shares) > 1:  # a team that stays for the next visit waits
                stay = solver.NumVar(0.0, infinity, "")
                self.degree[place].SetCoefficient(stay, 2.0)
                self.budget.SetCoefficient(stay, problem.least_gap_s / _HOUR_S)
            teams.SetCoefficient(self.leave[place], 1.0)
            balance.SetCoefficient(self.leave[place], 1.0)
            balance.SetCoefficient(self.back[place], -1.0)
        nearest = np.argsort(self.travel_h + np.diag(np.full(k, np.inf)), axis=1, kind="stable")[
            :, : min(_NEAREST, k - 1)
        ]
        for place in range(k):
            for other in nearest[place].tolist():
                self.add_way(min(place, other), max(place, other))

    def add_way(self, low: int, high: int) -> None:
        """Add the way between two places."""
        if (low, high) in self.ways:
            return
        way = self.solver.NumVar(0.0, self.solver.infinity(), "")
        self.ways[low, high] = way
        self.degree[low].SetCoefficient(way, 1.0)
        self.degree[high].SetCoefficient(way, 1.0)
        self.budget.SetCoefficient(way, float(self.travel_h[low, high]))
        for inside, cut in self.cuts:
            if inside[low] != inside[high]:
                cut.SetCoefficient(way, 1.0)

    def compute_bound(self) -> float:
        """The programme's value over all ways, with the cuts that were needed."""
        value = self.solve_with_pricing()
        for _ in range(_CUT_ROUNDS):
            if not self.add_cuts():
                break
            value = min(value, self.solve_with_pricing())
        return value * self.unit * (1 + _EPSILON)

    def solve_with_pricing(self) -> float:
        """Solve, and add the ways that could help, until none could."""
        while True:
            if self.solver.Solve() != pywraplp.Solver.OPTIMAL:
                return float("inf")
            gains = self.compute_gains()
            low, high = np.nonzero(np.triu(gains > _EPSILON, k=1))
            new_pairs = [pair for pair in zip(low.tolist(), high.tolist(), strict=True) if pair not in self.ways]
            if not new_pairs:
                return float(self.solver.Objective().Value())
            new_pairs.sort(key=lambda pair: (-gains[pair], pair))
            for pair in new_pairs[: 4 * len(self.useful)]:
                self.add_way(*pair)

    def compute_gains(self) -> NDArray[np.float64]:
        """How much each way would add to the value, (k, k), by the duals of the last solution."""
        degree = np.array([row.dual_value() for row in self.degree])
        costs = degree[:, None] + degree + self.budget.dual_value() * self.travel_h
        for inside, cut in self.cuts:
            dual = cut.dual_value()
            if dual:
                costs += dual * (inside[:, None] != inside)
        gains: NDArray[np.float64] = -costs
        return gains

    def add_cuts(self) -> int:
        """Add cuts for sets of visited places that lack a connection with the start; return how many."""
        k = len(self.useful)
        flow = np.zeros((k, k))
        for (low, high), way in self.ways.items():
            flow[low, high] = flow[high, low] = way.solution_value()
        to_start = np.array(
            [leave.solution_value() + back.solution_value() for leave, back in zip(self.leave, self.back, strict=True)]
        )
        first = np.array([visits[0].solution_value() for visits in self.visit])
        violated: dict[bytes, tuple[float, int, NDArray[np.bool_]]] = {}
        for inside, place in _find_cut_off(flow, to_start, first):
            lacking = 2 * first[place] - float(flow[inside][:, ~inside].sum() + to_start[inside].sum())
            key = inside.tobytes()
            if lacking > _VIOLATED and (key not in violated or lacking > violated[key][0]):
                violated[key] = (lacking, place, inside)
        worst = sorted(violated.values(), key=lambda item: -item[0])[:_CUTS_A_ROUND]
        for _, place, inside in worst:
            self.add_cut(inside, place)
        return len(worst)

    def add_cut(self, inside: NDArray[np.bool_], place: int) -> None:
        """Require ways out of the set: at least twice the value of the place's first visit."""
        cut = self.solver.Constraint(0.0, self.solver.infinity())
        low, high = np.array(list(self.ways)).T
        for crosses, way in zip((inside[low] != inside[high]).tolist(), self.ways.values(), strict=True):
            if crosses:
                cut.SetCoefficient(way, 1.0)
        for index in np.flatnonzero(inside).tolist():
            cut.SetCoefficient(self.leave[index], 1.0)
            cut.SetCoefficient(self.back[index], 1.0)
        cut.SetCoefficient(self.visit[place][0], -2.0)
        self.cuts.append((inside, cut))


def _find_cut_off(
    flow: NDArray[np.float64], to_start: NDArray[np.float64], first: NDArray[np.float64]
) -> list[tuple[NDArray[np.bool_], int]]:
    """Sets of places (bool (k,)) that may lack ways to the start, each with its most visited place.

    First the connected components. Where each of them reaches the start, the minimum cut from each place in turn.
    """
    k = len(first)
    capacity = np.rint(np.block([[flow, to_start[:, None]], [to_start[None, :], np.zeros((1, 1))]]) * _GRAIN).astype(
        np.int32
    )
    graph = csr_array(capacity)
    count, label = connected_components(graph, directed=False)
    cut_off = [label[:k] == number for number in range(count) if number != label[k]]
    sets = [(inside, int(np.where(inside, first, -1).argmax())) for inside in cut_off if first[inside].max() > 0]
    if sets:
        return sets
    for place in np.flatnonzero(first > _VIOLATED).tolist():
        flow_to_start = maximum_flow(graph, place, k)
        if flow_to_start.flow_value >= (2 * first[place] - _VIOLATED) * _GRAIN:
            continue
        residual = csr_array(graph - flow_to_start.flow)
        residual.eliminate_zeros()
        reached = np.zeros(k + 1, dtype=np.bool_)
        reached[_find_reached(residual, place)] = True
        sets.append((reached[:k], place))
    return sets


def _find_reached(graph: csr_array, start: int) -> list[int]:
    """The nodes that a node reaches in a directed graph, over edges with a weight above 0."""
    reached, stack = {start}, [start]
    while stack:
        node = stack.pop()
        span = slice(graph.indptr[node], graph.indptr[node + 1])
        for neighbour, weight in zip(graph.indices[span].tolist(), graph.data[span].tolist(), strict=True):
            if weight > 0 and neighbour not in reached:
                reached.add(neighbour)
                stack.append(neighbour)
    return sorted(reached)


@dataclass(frozen=True, slots=True)
class Solution:
    """Timed tours, one for each team (some may be empty), and their worth.

    `bound` is what no tours can exceed; `gap` = 1 - score / bound. `proved`: some tours have exactly the worth `bound`,
    and these are within 2 % of it. What they lack is the price of variation.
    """

    routes: tuple[Route, ...]
    score: float
    bound: float
    proved: bool

    @property
    def gap(self) -> float:
        """What the tours lack at most, as a share of the bound; 0 where nothing can be collected."""
        lack = max(0.0, 1 - self.score / self.bound) if self.bound > 0 else 0.0
        return lack if lack > _TOLERANCE else 0.0


def find_tours(problem: Problem, *, seed: int = 0, rounds: int | None = None, varied: bool = False) -> Solution:
    """Good tours for a problem. `varied`: other seeds give other orders and times, at the cost of a little worth.

    The same problem, seed and rounds (None: a usual number) give the same tours, because no clock is used. Small
    problems are solved exactly. Varied tours are then the first of a few draws that lacks 2 % at most; if none does,
    the best tours are dealt out and reversed at random.
    """
    random = np.random.default_rng(seed)
    usual = _MORE_ROUNDS if len(problem) <= _SMALL else _ROUNDS
    rounds = usual if rounds is None else rounds
    routes = _search_varied(problem, random, seed=seed, rounds=rounds, varied=varied)
    bound = upper_bound(problem)
    if _sum_route_worth(problem, routes) >= bound * (1 - _TOLERANCE):
        return Solution(routes, _sum_route_worth(problem, routes), bound, proved=True)
    best = _prove_best(problem, routes)
    if best is None:
        return Solution(routes, _sum_route_worth(problem, routes), bound, proved=False)
    bound, most = min(bound, best.bound), _sum_route_worth(problem, best.routes)
    if not varied:
        routes = max(routes, best.routes, key=lambda tours: _sum_route_worth(problem, tours))
    for draw in range(1, _DRAWS):
        if _sum_route_worth(problem, routes) >= (1 - _MOST_LOSS) * most:
            break
        routes = _search_varied(problem, random, seed=seed + draw, rounds=rounds, varied=True)
    if _sum_route_worth(problem, routes) < (1 - _MOST_LOSS) * most:
        routes = _vary_tours(problem, [route.stops for route in best.routes], random)
    score = _sum_route_worth(problem, routes)
    return Solution(routes, score, bound, proved=max(most, score) >= bound * (1 - _TOLERANCE))


def find_routes(problem: Problem, *, seed: int, rounds: int) -> tuple[Route, ...]:
    """The tours of `find_tours`, for those who need no bound: large problems then take half the time."""
    if not is_countable(problem) and is_provable(problem):
        return find_tours(problem, seed=seed, rounds=rounds).routes  # the bound spares most proofs
    routes = tuple(schedule_all(problem, search_tours(problem, seed=seed, rounds=rounds)))
    best = _prove_best(problem, routes)
    return routes if best is None else max(routes, best.routes, key=lambda tours: _sum_route_worth(problem, tours))


def _search_varied(
    problem: Problem, random: np.random.Generator, *, seed: int, rounds: int, varied: bool
) -> tuple[Route, ...]:
    """Search for tours. Varied ones come from worths with some noise, and are then varied at random."""
    if not varied:
        return tuple(schedule_all(problem, search_tours(problem, seed=seed, rounds=rounds)))
    noisy = replace(problem, worth=problem.worth * (1 + _WORTH_NOISE * random.uniform(-1, 1, len(problem))))
    return _vary_tours(problem, search_tours(noisy, seed=seed, rounds=rounds), random)


def _prove_best(problem: Problem, routes: Sequence[Route]) -> Proof | None:
    """The best tours of a small problem, and a bound that no tours exceed; None for a large problem."""
    if is_countable(problem):
        most, tours = find_best_sets(problem)
        return Proof(tuple(schedule_all(problem, tours)), most)
    return prove(problem, routes) if is_provable(problem) else None


def _sum_route_worth(problem: Problem, routes: Sequence[Route]) -> float:
    return sum_worth(problem, [route.stops for route in routes])


def _vary_tours(problem: Problem, tours: Sequence[Sequence[int]], random: np.random.Generator) -> tuple[Route, ...]:
    """Deal the tours out anew among the teams, reverse them or not, and start some minutes later where that fits."""
    shuffled = [list(tours[k]) for k in random.permutation(len(tours))]
    routes = schedule_all(problem, shuffled)
    if random.uniform() < 0.5:  # noqa: PLR2004 - half of the draws
        reversed_routes = schedule_all(problem, [tour[::-1] for tour in shuffled])
        routes = routes if find_breaches(problem, reversed_routes) else reversed_routes
    leave = [0] * len(routes)
    for team, route in enumerate(routes):
        most_minutes = min(problem.limit_s - route.back_s, _MOST_DELAY_S) // _MINUTE_S
        for minutes in range(int(random.integers(most_minutes + 1)), 0, -1):
            trial_leave = [*leave]
            trial_leave[team] = minutes * _MINUTE_S
            delayed = schedule_all(problem, [route.stops for route in routes], leave_s=trial_leave)
            if not find_breaches(problem, delayed):
                routes, leave = delayed, trial_leave
                break
    return tuple(routes)
