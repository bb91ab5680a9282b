"""Small problems, solved exactly: the best tours, and a proof that none are better.

Without revisits, dynamic programming over sets of places (Bellman 1962; Held and Karp 1962) finds the least time of
each set and last place, for every set that a team can visit in time. Each team then gets one of these sets. Breaks are
kept. With revisits, but without breaks, CP-SAT finds the best tours and proves that none are better.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.lazy_modules import import_lazily
from geo.tour_problem import Problem, Route

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
else:
    cp_model = import_lazily("ortools.sat.python.cp_model")

__all__ = ["Proof", "find_best_sets", "is_countable", "is_provable", "prove"]

_MOST_PLACES: Final = 20
_MOST_SHARED: Final = 12  # places for three teams or more: the work grows with every part of every set
_NEVER: Final = 1 << 29
_Seconds = NDArray[np.int32]
_MOST_VISITS: Final = 14  # with more, a proof takes too long
_EFFORT: Final = 0.5  # deterministic time of CP-SAT: the same work everywhere, usually a second or two
_GRAIN: Final = 100_000  # the greatest worth as a whole number


@dataclass(frozen=True, slots=True)
class Proof:
    """The best tours found, and a bound that no tours exceed. The effort may have ended before the two met."""

    routes: tuple[Route, ...]
    bound: float


def is_provable(problem: Problem) -> bool:
    """Whether a problem has few enough visits for `prove`, and no breaks or limit of stops: its model has none."""
    if problem.pause is not None or problem.most_stops is not None:
        return False
    return 0 < len(problem) * len(problem.visit_shares) <= _MOST_VISITS


def prove(problem: Problem, routes: Sequence[Route], *, effort: float = _EFFORT) -> Proof | None:
    """The best tours that CP-SAT finds from these, with a bound; None if it has no answer within the effort.

    It runs with one thread, one seed and a limit of work (`effort`, deterministic time of CP-SAT) instead of a clock,
    so the same problem gives the same proof.
    """
    model = _Model(problem)
    model.add_hints(routes)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(model.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return Proof(model.read_routes(solver), solver.best_objective_bound * model.unit)


class _Model:
    """A model of CP-SAT: visits (place, turn) are nodes of circuits through node 0, one circuit for each team."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.model = problem, cp_model.CpModel()
        turns = range(len(problem.visit_shares))
        self.visits = [(place, turn) for place in range(len(problem)) for turn in turns]
        self.unit = max(float(problem.worth.max()), 1e-300) / _GRAIN
        model, count = self.model, len(self.visits)
        self.visited = [model.new_bool_var("") for _ in range(count)]
        self.arrival = [model.new_int_var(0, problem.limit_s, "") for _ in range(count)]
        self.legs: dict[tuple[int, int], cp_model.IntVar] = {}
        arcs: list[tuple[int, int, cp_model.LiteralT]] = []
        for node in range(count):
            arcs.append((node + 1, node + 1, ~self.visited[node]))
            arcs += [self._add_leg(0, node + 1), self._add_leg(node + 1, 0)]
            for other in range(count):
                if self.visits[node][0] != self.visits[other][0]:
                    arcs.append(self._add_leg(node + 1, other + 1))
        model.add_multiple_circuit(arcs)
        model.add(sum(self.legs[0, node + 1] for node in range(count)) <= problem.teams)
        self._add_revisit_rules()
        worths = [problem.worth[place] * problem.visit_shares[turn] for place, turn in self.visits]
        # Rounded up, so that a bound on the whole numbers is also a bound on the true worths.
        weights = [int(np.ceil(worth / self.unit - 1e-9)) for worth in worths]
        model.maximize(sum(weight * visited for weight, visited in zip(weights, self.visited, strict=True)))

    def _add_leg(self, start: int, end: int) -> "tuple[int, int, cp_model.IntVar]":
        """Add the leg from one node to another, and its rule for their times. Node 0 is the start and the finish."""
        problem, n = self.problem, len(self.problem)
        used = self.legs[start, end] = self.model.new_bool_var("")
        origin = n if not start else self.visits[start - 1][0]
        destination = n + 1 if not end else self.visits[end - 1][0]
        seconds = int(problem.travel_s[origin, destination]) + (int(problem.stop_s[origin]) if start else 0)
        departure = self.arrival[start - 1] if start else 0
        arrival = self.arrival[end - 1] if end else problem.limit_s
        self.model.add(arrival >= departure + seconds).only_enforce_if(used)
        return start, end, used

    def _add_revisit_rules(self) -> None:
        for node, (place, turn) in enumerate(self.visits):
            if turn:
                self.model.add_implication(self.visited[node], self.visited[node - 1])
                least = int(self.problem.stop_s[place]) + self.problem.least_gap_s
                lower = self.model.add(self.arrival[node] >= self.arrival[node - 1] + least)
                lower.only_enforce_if(self.visited[node])
                if self.problem.most_gap_s is not None:
                    most_s = int(self.problem.stop_s[place]) + self.problem.most_gap_s
                    upper = self.model.add(self.arrival[node] <= self.arrival[node - 1] + most_s)
                    upper.only_enforce_if(self.visited[node])

    def add_hints(self, routes: Sequence[Route]) -> None:
        """Let the solver begin from these tours."""
        arrivals_of_place: dict[int, list[int]] = {}
        for route in routes:
            for place, arrival in zip(route.stops, route.arrive_s, strict=True):
                arrivals_of_place.setdefault(place, []).append(arrival)
        for node, (place, turn) in enumerate(self.visits):
            arrivals = sorted(arrivals_of_place.get(place, []))
            self.model.add_hint(self.visited[node], turn < len(arrivals))
            if turn < len(arrivals):
                self.model.add_hint(self.arrival[node], arrivals[turn])

    def read_routes(self, solver: "cp_model.CpSolver") -> tuple[Route, ...]:
        """The tours of a solution, in the order of their first stops; empty tours for teams that are not needed."""
        next_node = {start: end for (start, end), used in self.legs.items() if start and solver.value(used)}
        first_nodes = [end for (start, end), used in self.legs.items() if not start and end and solver.value(used)]
        problem, routes = self.problem, []
        for first in first_nodes:
            nodes = [first]
            while next_node[nodes[-1]]:
                nodes.append(next_node[nodes[-1]])
            stops = [self.visits[node - 1][0] for node in nodes]
            arrive = [solver.value(self.arrival[node - 1]) for node in nodes]
            done_s = arrive[-1] + int(problem.stop_s[stops[-1]])
            back_s = done_s + int(problem.travel_s[stops[-1], len(problem) + 1])
            routes.append(Route(tuple(stops), tuple(arrive), None, back_s))
        straight_s = int(problem.travel_s[len(problem), len(problem) + 1])
        empty = [Route((), (), None, straight_s)] * (problem.teams - len(routes))
        return (*routes, *empty)


def is_countable(problem: Problem) -> bool:
    """Whether `find_best_sets` can solve the problem: no revisits or limit of stops, and few places that are useful."""
    most = _MOST_PLACES if problem.teams <= 2 else _MOST_SHARED  # noqa: PLR2004 - the second team gets the rest
    is_plain = len(problem.visit_shares) == 1 and problem.most_stops is None and problem.limit_s < _NEVER
    return is_plain and 0 < len(_find_useful_places(problem)) <= most


def find_best_sets(problem: Problem) -> tuple[float, list[list[int]]]:
    """The greatest worth that tours can have, and such tours (the places of each team, in order)."""
    nodes = _Nodes.from_problem(problem)
    stages = list(_build_stages(nodes))
    feasible = np.concatenate([[0], *(stage.sets[stage.finish <= problem.limit_s] for stage in stages)])
    sets = _share_sets(feasible, _sum_set_worth(nodes, feasible), nodes, problem.teams)
    tours = [[int(nodes.place[node]) for node in _find_order(nodes, stages, nodes_of_team)] for nodes_of_team in sets]
    return float(_sum_set_worth(nodes, np.array(sets)).sum()), tours


def _find_useful_places(problem: Problem) -> NDArray[np.intp]:
    """Places with a worth above 0 from which a team can be back in time."""
    n = len(problem)
    alone = problem.travel_s[n, :n] + problem.stop_s + problem.travel_s[:n, n + 1]
    return np.flatnonzero((problem.worth > 0) & (alone <= problem.limit_s))


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The k useful places: worth (k,), seconds of stops (k,), between them (k, k), from the start and to the finish."""

    problem: Problem
    place: NDArray[np.intp]
    worth: NDArray[np.float64]
    stop: _Seconds
    travel: _Seconds
    from_start: _Seconds
    to_finish: _Seconds

    @staticmethod
    def from_problem(problem: Problem) -> "_Nodes":
        n, place = len(problem), _find_useful_places(problem)
        travel_s = problem.travel_s.clip(max=_NEVER // 2).astype(np.int32)
        stop = problem.stop_s[place].astype(np.int32)
        travel = travel_s[np.ix_(place, place)]
        return _Nodes(problem, place, problem.worth[place], stop, travel, travel_s[n, place], travel_s[place, n + 1])

    def leave_after_break(self, done_s: _Seconds) -> _Seconds:
        """When a team leaves a stop after a break there; _NEVER if it is too late for the break to begin."""
        pause = self.problem.pause
        if pause is None:
            return np.full(done_s.shape, _NEVER, dtype=np.int32)
        later = np.maximum(done_s, pause.earliest_s) + pause.length_s
        return np.where(done_s <= pause.latest_s, later, _NEVER).astype(np.int32)

    def compute_finish(self, done_s: _Seconds) -> tuple[_Seconds, _Seconds]:
        """When a team finishes after each last node, (..., k): without and with a break. `done_s` (1 or 2, ..., k)."""
        without_break, pause = done_s[0] + self.to_finish, self.problem.pause
        if pause is None:
            return without_break, np.full(without_break.shape, _NEVER, dtype=np.int32)
        without_break = np.where(without_break <= pause.latest_s, without_break, _NEVER)
        return without_break, np.minimum(done_s[1], self.leave_after_break(done_s[0])) + self.to_finish


@dataclass(frozen=True, eq=False)
class _Stage:
    """Sets of equal size as bits, int64 (m,) sorted.

    `done` (1 or 2, m, k): the earliest second at which a team is done with each set, by the last node. With breaks, the
    first row is without the break and the second is after it. `finish` (m,): the earliest second at the finish.
    """

    sets: NDArray[np.int64]
    done: _Seconds
    finish: _Seconds


def _build_stages(nodes: _Nodes) -> Iterator[_Stage]:
    """Sets of one node, of two, and so on, as long as a team can visit any in time."""
    sets, start = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
    departure = np.stack([start] if nodes.problem.pause is None else [start, nodes.leave_after_break(start)])
    arrival: _Seconds = np.minimum(departure[:, :, None] + nodes.from_start, _NEVER)
    while len((stage := _extend_sets(nodes, sets, arrival)).sets):
        yield stage
        sets, arrival = stage.sets, _compute_arrivals(nodes, stage.done)


def _compute_arrivals(nodes: _Nodes, done: _Seconds) -> _Seconds:
    """The earliest seconds at which a team reaches each next node, from sets that it has `done`."""
    departure = done if len(done) == 1 else np.stack([done[0], np.minimum(done[1], nodes.leave_after_break(done[0]))])
    arrivals = [(departure + nodes.travel[:, node]).min(axis=2) for node in range(len(nodes.place))]
    arrival: _Seconds = np.minimum(np.stack(arrivals, axis=2), _NEVER)
    return arrival


def _extend_sets(nodes: _Nodes, sets: NDArray[np.int64], arrival: _Seconds) -> _Stage:
    """The sets with one node more from which a team can still be back in time."""
    problem, k = nodes.problem, len(nodes.place)
    rows, lasts, times = [], [], []
    for node in range(k):
        candidates = np.flatnonzero((sets >> node) & 1 == 0)
        done = arrival[:, candidates, node] + nodes.stop[node]
        if problem.pause is not None:  # too late to begin the break, and too late to need none
            done[0, done[0] > problem.pause.latest_s] = _NEVER
        in_time = done.min(axis=0) + nodes.to_finish[node] <= problem.limit_s
        rows.append(sets[candidates[in_time]] | (1 << node))
        lasts.append(np.full(int(in_time.sum()), node))
        times.append(done[:, in_time])
    extended, row = np.unique(np.concatenate(rows), return_inverse=True)
    done = np.full((len(arrival), len(extended), k), _NEVER, dtype=np.int32)
    done[:, row, np.concatenate(lasts)] = np.concatenate(times, axis=1)
    return _Stage(extended, done, np.minimum(*nodes.compute_finish(done)).min(axis=1, initial=_NEVER))


def _sum_set_worth(nodes: _Nodes, sets: NDArray[np.int64]) -> NDArray[np.float64]:
    worth = np.zeros(len(sets))
    for node, value in enumerate(nodes.worth.tolist()):
        worth += value * ((sets >> node) & 1)
    return worth


def _share_sets(feasible: NDArray[np.int64], worth: NDArray[np.float64], nodes: _Nodes, teams: int) -> list[int]:
    """Disjoint sets, one for each team, that are worth most together."""
    k = len(nodes.place)
    tables: list[NDArray[np.float64]] = []  # for each set: the most that one team, two, and so on collect in it
    if teams > 1:
        best_of_one = np.full(1 << k, -np.inf)
        best_of_one[feasible] = worth
        tables.append(_max_over_subsets(best_of_one, k))
    for _ in range(2, teams):
        tables.append(
            np.array([(worth_in + tables[-1][rest]).max() for rest, worth_in in _iterate_parts(feasible, worth, k)])
        )
    sets, free = list[int](), (1 << k) - 1
    for table in (*reversed(tables), None):
        rest = 0.0 if table is None else table[free & ~feasible]
        total = np.where((feasible & ~free) == 0, worth + rest, -np.inf)
        sets.append(int(feasible[total.argmax()]))
        free &= ~sets[-1]
    return sets


def _max_over_subsets(table: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """For each set the greatest value of any of its subsets."""
    best = table.copy()
    for node in range(k):
        view = best.reshape(-1, 2, 1 << node)
        view[:, 1] = np.maximum(view[:, 1], view[:, 0])
    return best


def _iterate_parts(
    feasible: NDArray[np.int64], worth: NDArray[np.float64], k: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """For each set: the rest without each feasible part of it, and the worth of these parts."""
    for whole in range(1 << k):
        inside = (feasible & ~whole) == 0
        yield whole & ~feasible[inside], worth[inside]


def _find_order(nodes: _Nodes, stages: Sequence[_Stage], node_set: int) -> list[int]:
    """The nodes of a set in the order with the earliest finish."""
    if not node_set:
        return []
    done = _look_up_done(stages, node_set)
    without_break, with_break = nodes.compute_finish(done)
    last = int(np.minimum(without_break, with_break).argmin())
    had_break = bool(with_break[last] < without_break[last]) and bool(
        done[1, last] <= nodes.leave_after_break(done[0])[last]
    )
    order = [last]
    while node_set := node_set ^ (1 << last):
        wanted_s = done[int(had_break), last] - nodes.stop[last] - nodes.travel[:, last]
        done = _look_up_done(stages, node_set)
        same_state = done[int(had_break)] == wanted_s
        predecessors = same_state | (nodes.leave_after_break(done[0]) == wanted_s) if had_break else same_state
        last = int(np.flatnonzero(predecessors)[0])
        had_break = had_break and bool(same_state[last])
        order.append(last)
    return order[::-1]


def _look_up_done(stages: Sequence[_Stage], node_set: int) -> _Seconds:
    """The seconds at which a team is done with a set, (1 or 2, k)."""
    stage = stages[node_set.bit_count() - 1]
    done: _Seconds = stage.done[:, int(np.searchsorted(stage.sets, node_set))]
    return done
