"""Which places to visit, in which order, within the hours of several teams: good tours, and how good for sure.

What no tours can collect more than is known from relaxations of the team orienteering problem. A linear programme
forgets who goes where and when: visits need ways in and out, ways and stops need time, and whatever is visited hangs
together with the start (generalised subtour elimination, found by least cuts as they are needed). Ways that are left
out at first are priced and taken in until none could help, so that the bound is that of all ways.
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

__all__ = ["Break", "Problem", "Route", "Solution", "find_breaches", "find_tours", "sum_worth", "upper_bound"]

_ROUNDS: Final = 250
_MORE_ROUNDS: Final = 400  # of small problems, which take little time
_SMALL: Final = 40  # places
_VARIED: Final = 0.05  # worths are seen so far from the truth, so that days differ
_PRICE: Final = 0.02  # of the best, where that is known, is what varied tours may lack
_DRAWS: Final = 3
_MOST_DELAY_S: Final = 600
_MINUTE_S: Final = 60
_EXACT: Final = 2e-5  # what is so near to the bound has reached it: proofs count in whole grains
_NEAREST: Final = 8  # ways from each place that the programme begins with
_CUT_ROUNDS: Final = 25  # of cuts; each round's value is a bound by itself
_CUTS_A_ROUND: Final = 40
_VIOLATED: Final = 0.02
_GRAIN: Final = 1_000_000  # flows are whole numbers
_EPSILON: Final = 1e-7
_HOUR_S: Final = 3600


def knapsack_bound(problem: Problem) -> float:
    """The most worth that fits into the teams' time if the way to each stop were the shortest there is, in part too.

    Every visit is reached over some way in, at best the shortest, and every tour ends with a way to the finish. Routes,
    the least and the most time between visits and who goes where are forgotten, so that no tours can collect more.
    """
    n = len(problem)
    if not n:
        return 0.0
    ways = problem.travel_s.astype(np.float64)
    np.fill_diagonal(ways, problem.apart_s if len(problem.again) > 1 else np.inf)  # who stays for the next visit waits
    use = problem.stop_s + np.minimum(ways[:n, :n].min(axis=0), ways[n, :n])
    budget = problem.teams * (working_s(problem) - float(ways[:n, n + 1].min()))
    worth = np.multiply.outer(np.array(problem.again), problem.worth).ravel()
    seconds = np.tile(use, len(problem.again))
    order = np.argsort(-worth / seconds, kind="stable")
    part = np.clip((budget - (np.cumsum(seconds[order]) - seconds[order])) / seconds[order], 0, 1)
    return float((worth[order] * part).sum())


def working_s(problem: Problem) -> float:
    """Seconds that a team can spend on ways and stops: it rests, or is back by the break's latest start."""
    if problem.pause is None:
        return float(problem.limit_s)
    return float(max(problem.limit_s - problem.pause.length_s, min(problem.limit_s, problem.pause.latest_s)))


def upper_bound(problem: Problem) -> float:
    """The least of the bounds: no tours of the problem collect more."""
    useful = np.flatnonzero(_find_reachable(problem))
    if not len(useful):
        return 0.0
    return min(knapsack_bound(problem), _Programme(problem, useful).bound())


def _find_reachable(problem: Problem) -> NDArray[np.bool_]:
    """Places worth something that a team can visit and be back in time."""
    n = len(problem)
    alone = problem.travel_s[n, :n] + problem.stop_s + problem.travel_s[:n, n + 1]
    found: NDArray[np.bool_] = (alone <= working_s(problem)) & (problem.worth > 0)
    return found


@dataclass(eq=False)
class _Programme:
    """The linear programme over k useful places; ways go either way, at the shorter of the two times."""

    problem: Problem
    useful: NDArray[np.intp]
    ways: dict[tuple[int, int], Any] = field(default_factory=dict)
    cuts: list[tuple[NDArray[np.bool_], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        problem, k, n = self.problem, len(self.useful), len(self.problem)
        solver = pywraplp.Solver.CreateSolver("GLOP")
        own = problem.travel_s[np.ix_(self.useful, self.useful)]
        self.apart_h = np.minimum(own, own.T) / _HOUR_S
        self.solver, infinity = solver, solver.infinity()
        self.unit = float(problem.worth[self.useful].max())  # worths and hours of about 1 keep the solver exact
        self.degree = [solver.Constraint(0.0, 0.0) for _ in range(k)]
        self.budget = solver.Constraint(-infinity, 0.0)
        teams, even = solver.Constraint(0.0, float(problem.teams)), solver.Constraint(0.0, 0.0)
        self.visit = [[solver.NumVar(0.0, 1.0, "") for _ in problem.again] for _ in range(k)]
        self.leave = [solver.NumVar(0.0, infinity, "") for _ in range(k)]
        self.back = [solver.NumVar(0.0, infinity, "") for _ in range(k)]
        goal = solver.Objective()
        goal.SetMaximization()
        for place, at in enumerate(self.useful.tolist()):
            for visit, worth in zip(self.visit[place], problem.again, strict=True):
                goal.SetCoefficient(visit, worth * float(problem.worth[at]) / self.unit)
                self.degree[place].SetCoefficient(visit, -2.0)
                self.budget.SetCoefficient(visit, float(problem.stop_s[at]) / _HOUR_S)
            for end, seconds in (
                (self.leave[place], float(problem.travel_s[n, at]) - working_s(problem)),
                (self.back[place], float(problem.travel_s[at, n + 1])),
            ):
                self.degree[place].SetCoefficient(end, 1.0)
                self.budget.SetCoefficient(end, seconds / _HOUR_S)
            if len(problem.again) > 1:  # who stays for the next visit waits
                stay = solver.NumVar(0.0, infinity, "")
                self.degree[place].SetCoefficient(stay, 2.0)
                self.budget.SetCoefficient(stay, problem.apart_s / _HOUR_S)
            teams.SetCoefficient(self.leave[place], 1.0)
            even.SetCoefficient(self.leave[place], 1.0)
            even.SetCoefficient(self.back[place], -1.0)
        near = np.argsort(self.apart_h + np.diag(np.full(k, np.inf)), axis=1, kind="stable")[:, : min(_NEAREST, k - 1)]
        for place in range(k):
            for other in near[place].tolist():
                self.add_way(min(place, other), max(place, other))

    def add_way(self, low: int, high: int) -> None:
        """Take in the way between two places."""
        if (low, high) in self.ways:
            return
        way = self.solver.NumVar(0.0, self.solver.infinity(), "")
        self.ways[low, high] = way
        self.degree[low].SetCoefficient(way, 1.0)
        self.degree[high].SetCoefficient(way, 1.0)
        self.budget.SetCoefficient(way, float(self.apart_h[low, high]))
        for inside, cut in self.cuts:
            if inside[low] != inside[high]:
                cut.SetCoefficient(way, 1.0)

    def bound(self) -> float:
        """The programme's value over all ways, with the cuts that were needed."""
        value = self.priced()
        for _ in range(_CUT_ROUNDS):
            if not self.add_cuts():
                break
            value = min(value, self.priced())
        return value * self.unit * (1 + _EPSILON)

    def priced(self) -> float:
        """Solve, and take in ways that could help, until none could."""
        while True:
            if self.solver.Solve() != pywraplp.Solver.OPTIMAL:
                return float("inf")
            gain = self.reduced_costs()
            low, high = np.nonzero(np.triu(gain > _EPSILON, k=1))
            fresh = [pair for pair in zip(low.tolist(), high.tolist(), strict=True) if pair not in self.ways]
            if not fresh:
                return float(self.solver.Objective().Value())
            fresh.sort(key=lambda pair: (-gain[pair], pair))
            for pair in fresh[: 4 * len(self.useful)]:
                self.add_way(*pair)

    def reduced_costs(self) -> NDArray[np.float64]:
        """By how much the value would rise with each way, (k, k), by the duals of the last solution."""
        degree = np.array([row.dual_value() for row in self.degree])
        cost = degree[:, None] + degree + self.budget.dual_value() * self.apart_h
        for inside, cut in self.cuts:
            dual = cut.dual_value()
            if dual:
                cost += dual * (inside[:, None] != inside)
        gain: NDArray[np.float64] = -cost
        return gain

    def add_cuts(self) -> int:
        """Demand ways out of sets of places that are visited but cut off from the start; how many were added."""
        k = len(self.useful)
        flow = np.zeros((k, k))
        for (low, high), way in self.ways.items():
            flow[low, high] = flow[high, low] = way.solution_value()
        out = np.array(
            [leave.solution_value() + back.solution_value() for leave, back in zip(self.leave, self.back, strict=True)]
        )
        first = np.array([visits[0].solution_value() for visits in self.visit])
        found: dict[bytes, tuple[float, int, NDArray[np.bool_]]] = {}
        for inside, place in _find_cut_off(flow, out, first):
            lacking = 2 * first[place] - float(flow[inside][:, ~inside].sum() + out[inside].sum())
            key = inside.tobytes()
            if lacking > _VIOLATED and (key not in found or lacking > found[key][0]):
                found[key] = (lacking, place, inside)
        worst = sorted(found.values(), key=lambda one: -one[0])[:_CUTS_A_ROUND]
        for _, place, inside in worst:
            self.add_cut(inside, place)
        return len(worst)

    def add_cut(self, inside: NDArray[np.bool_], place: int) -> None:
        """Ways out of the set, twice as many as the place's first visit."""
        cut = self.solver.Constraint(0.0, self.solver.infinity())
        for (low, high), way in self.ways.items():
            if inside[low] != inside[high]:
                cut.SetCoefficient(way, 1.0)
        for at in np.flatnonzero(inside).tolist():
            cut.SetCoefficient(self.leave[at], 1.0)
            cut.SetCoefficient(self.back[at], 1.0)
        cut.SetCoefficient(self.visit[place][0], -2.0)
        self.cuts.append((inside, cut))


def _find_cut_off(
    flow: NDArray[np.float64], out: NDArray[np.float64], first: NDArray[np.float64]
) -> list[tuple[NDArray[np.bool_], int]]:
    """Sets of places (bool (k,)), each with the place in it that is visited most, that may lack ways to the start.

    First the parts that hang together; where each reaches the start, the least cut from every place in turn.
    """
    k = len(first)
    whole = np.rint(np.block([[flow, out[:, None]], [out[None, :], np.zeros((1, 1))]]) * _GRAIN).astype(np.int32)
    graph = csr_array(whole)
    parts, part = connected_components(graph, directed=False)
    cut_off = [part[:k] == number for number in range(parts) if number != part[k]]
    found = [(inside, int(np.where(inside, first, -1).argmax())) for inside in cut_off if first[inside].max() > 0]
    if found:
        return found
    for place in np.flatnonzero(first > _VIOLATED).tolist():
        solved = maximum_flow(graph, place, k)
        if solved.flow_value >= (2 * first[place] - _VIOLATED) * _GRAIN:
            continue
        left = csr_array(graph - solved.flow)
        left.eliminate_zeros()
        reach = np.zeros(k + 1, dtype=np.bool_)
        reach[_find_reached(left, place)] = True
        found.append((reach[:k], place))
    return found


def _find_reached(graph: csr_array, start: int) -> list[int]:
    """What can be reached in a directed graph of positive weights."""
    seen, stack = {start}, [start]
    while stack:
        at = stack.pop()
        span = slice(graph.indptr[at], graph.indptr[at + 1])
        for other, weight in zip(graph.indices[span].tolist(), graph.data[span].tolist(), strict=True):
            if weight > 0 and other not in seen:
                seen.add(other)
                stack.append(other)
    return sorted(seen)


@dataclass(frozen=True, slots=True)
class Solution:
    """Timed tours, one a team (some may be empty), and their worth.

    `bound` is what no tours can exceed; `gap` = 1 - score / bound. `proved`: the bound is the worth of tours that there
    are, and these are within 2 % of it; what they lack is the price of varying them.
    """

    routes: tuple[Route, ...]
    score: float
    bound: float
    proved: bool

    @property
    def gap(self) -> float:
        """How far from the bound at most, as a share of it; 0 where nothing can be collected."""
        far = max(0.0, 1 - self.score / self.bound) if self.bound > 0 else 0.0
        return far if far > _EXACT else 0.0


def find_tours(problem: Problem, *, seed: int = 0, rounds: int | None = None, varied: bool = False) -> Solution:
    """Good tours for a problem. `varied`: seeds differ in order and times, at the cost of a little worth.

    The same problem, seed and rounds (None: enough) give the same tours: no clock is looked at. Small problems are
    solved to the end; varied tours are then those of a few draws that lack 2 % at most, or else the best ones turned.
    """
    random = np.random.default_rng(seed)
    usual = _MORE_ROUNDS if len(problem) <= _SMALL else _ROUNDS
    rounds = usual if rounds is None else rounds
    routes = _search_varied(problem, random, seed=seed, rounds=rounds, varied=varied)
    bound = upper_bound(problem)
    if _worth(problem, routes) >= bound * (1 - _EXACT):
        return Solution(routes, _worth(problem, routes), bound, proved=True)
    best = _prove_best(problem, routes)
    if best is None:
        return Solution(routes, _worth(problem, routes), bound, proved=False)
    bound, most = min(bound, best.bound), _worth(problem, best.routes)
    if not varied:
        routes = max(routes, best.routes, key=lambda found: _worth(problem, found))
    for draw in range(1, _DRAWS):
        if _worth(problem, routes) >= (1 - _PRICE) * most:
            break
        routes = _search_varied(problem, random, seed=seed + draw, rounds=rounds, varied=True)
    if _worth(problem, routes) < (1 - _PRICE) * most:
        routes = _vary(problem, [route.stops for route in best.routes], random)
    score = _worth(problem, routes)
    return Solution(routes, score, bound, proved=max(most, score) >= bound * (1 - _EXACT))


def _search_varied(
    problem: Problem, random: np.random.Generator, *, seed: int, rounds: int, varied: bool
) -> tuple[Route, ...]:
    """Tours that were searched for; varied ones by worths that are seen a little wrong, and then turned by chance."""
    if not varied:
        return tuple(schedule_all(problem, search_tours(problem, seed=seed, rounds=rounds)))
    seen = replace(problem, worth=problem.worth * (1 + _VARIED * random.uniform(-1, 1, len(problem))))
    return _vary(problem, search_tours(seen, seed=seed, rounds=rounds), random)


def _prove_best(problem: Problem, routes: Sequence[Route]) -> Proof | None:
    """The best tours of a small problem and a bound that none exceed; None for a large one."""
    if is_countable(problem):
        most, tours = find_best_sets(problem)
        return Proof(tuple(schedule_all(problem, tours)), most)
    return prove(problem, routes) if is_provable(problem) else None


def _worth(problem: Problem, routes: Sequence[Route]) -> float:
    return sum_worth(problem, [route.stops for route in routes])


def _vary(problem: Problem, tours: Sequence[Sequence[int]], random: np.random.Generator) -> tuple[Route, ...]:
    """The tours dealt out anew among teams, turned round by chance, and left some minutes late, where that may be."""
    dealt = [list(tours[k]) for k in random.permutation(len(tours))]
    routes = schedule_all(problem, dealt)
    if random.uniform() < 0.5:  # noqa: PLR2004 - as often as not
        turned = schedule_all(problem, [tour[::-1] for tour in dealt])
        routes = routes if find_breaches(problem, turned) else turned
    leave = [0] * len(routes)
    for team, route in enumerate(routes):
        most = min(problem.limit_s - route.back_s, _MOST_DELAY_S) // _MINUTE_S
        for minutes in range(int(random.integers(most + 1)), 0, -1):
            trial = [*leave]
            trial[team] = minutes * _MINUTE_S
            later = schedule_all(problem, [one.stops for one in routes], leave_s=trial)
            if not find_breaches(problem, later):
                routes, leave = later, trial
                break
    return tuple(routes)
