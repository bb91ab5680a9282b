"""Small problems with revisits solved to the end: CP-SAT finds the best tours, and proves that none are better."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geo.lazy_modules import import_lazily
from geo.tour_problem import Problem, Route

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
else:
    cp_model = import_lazily("ortools.sat.python.cp_model")

__all__ = ["Proof", "is_provable", "prove"]

_MOST_VISITS: Final = 14  # beyond, a proof takes too long
_EFFORT: Final = 0.5  # deterministic time: the same work on every machine, a second or two on a usual one
_GRAIN: Final = 100_000  # the greatest worth in whole numbers


@dataclass(frozen=True, slots=True)
class Proof:
    """The best tours found, and a bound that none exceed; the effort may have ended before they met."""

    routes: tuple[Route, ...]
    bound: float


def is_provable(problem: Problem) -> bool:
    """Whether a problem is small, counting a place as often as it may be visited; breaks are not stated here."""
    return 0 < len(problem) * len(problem.again) <= _MOST_VISITS and problem.pause is None


def prove(problem: Problem, routes: Sequence[Route]) -> Proof | None:
    """Better tours than these if there are any, with a bound; None if nothing was found out within the effort.

    One thread, one seed and a limit of work instead of time: the same problem gives the same proof.
    """
    model = _Model(problem)
    model.hint(routes)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _EFFORT
    status = solver.solve(model.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return Proof(model.routes(solver), solver.best_objective_bound * model.unit)


class _Model:
    """Visits (place, time of visiting it) as nodes of circuits through node 0, one circuit a team."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.model = problem, cp_model.CpModel()
        again = len(problem.again)
        self.visits = [(place, turn) for place in range(len(problem)) for turn in range(again)]
        self.unit = max(float(problem.worth.max()), 1e-300) / _GRAIN
        model, count = self.model, len(self.visits)
        self.here = [model.new_bool_var("") for _ in range(count)]
        self.reach = [model.new_int_var(0, problem.limit_s, "") for _ in range(count)]
        self.ways: dict[tuple[int, int], cp_model.IntVar] = {}
        arcs: list[tuple[int, int, cp_model.LiteralT]] = []
        for node in range(count):
            arcs.append((node + 1, node + 1, ~self.here[node]))
            arcs += [self._way(0, node + 1), self._way(node + 1, 0)]
            for other in range(count):
                if self.visits[node][0] != self.visits[other][0]:
                    arcs.append(self._way(node + 1, other + 1))
        model.add_multiple_circuit(arcs)
        model.add(sum(self.ways[0, node + 1] for node in range(count)) <= problem.teams)
        self._revisits()
        worths = [problem.worth[place] * problem.again[turn] for place, turn in self.visits]
        # Rounded up, so that the bound in whole numbers is one of the true worths.
        weights = [int(np.ceil(worth / self.unit - 1e-9)) for worth in worths]
        model.maximize(sum(weight * here for weight, here in zip(weights, self.here, strict=True)))

    def _way(self, start: int, end: int) -> "tuple[int, int, cp_model.IntVar]":
        """The way from one node to another and what it demands of their times; 0 is start and finish."""
        problem, n = self.problem, len(self.problem)
        used = self.ways[start, end] = self.model.new_bool_var("")
        here = n if not start else self.visits[start - 1][0]
        there = n + 1 if not end else self.visits[end - 1][0]
        seconds = int(problem.travel_s[here, there]) + (int(problem.stop_s[here]) if start else 0)
        left = self.reach[start - 1] if start else 0
        reached = self.reach[end - 1] if end else problem.limit_s
        self.model.add(reached >= left + seconds).only_enforce_if(used)
        return start, end, used

    def _revisits(self) -> None:
        for node, (place, turn) in enumerate(self.visits):
            if turn:
                self.model.add_implication(self.here[node], self.here[node - 1])
                apart = int(self.problem.stop_s[place]) + self.problem.apart_s
                later = self.model.add(self.reach[node] >= self.reach[node - 1] + apart)
                later.only_enforce_if(self.here[node])
                if self.problem.within_s is not None:
                    most = int(self.problem.stop_s[place]) + self.problem.within_s
                    sooner = self.model.add(self.reach[node] <= self.reach[node - 1] + most)
                    sooner.only_enforce_if(self.here[node])

    def hint(self, routes: Sequence[Route]) -> None:
        """Begin from these tours."""
        times: dict[int, list[int]] = {}
        for route in routes:
            for place, reach in zip(route.stops, route.arrive_s, strict=True):
                times.setdefault(place, []).append(reach)
        for node, (place, turn) in enumerate(self.visits):
            found = sorted(times.get(place, []))
            self.model.add_hint(self.here[node], turn < len(found))
            if turn < len(found):
                self.model.add_hint(self.reach[node], found[turn])

    def routes(self, solver: "cp_model.CpSolver") -> tuple[Route, ...]:
        """The tours of a solution, in the order of their first stops; empty ones for teams that are not needed."""
        after = {start: end for (start, end), used in self.ways.items() if start and solver.value(used)}
        firsts = [end for (start, end), used in self.ways.items() if not start and end and solver.value(used)]
        problem, found = self.problem, []
        for first in firsts:
            nodes = [first]
            while after[nodes[-1]]:
                nodes.append(after[nodes[-1]])
            stops = [self.visits[node - 1][0] for node in nodes]
            arrive = [solver.value(self.reach[node - 1]) for node in nodes]
            done = arrive[-1] + int(problem.stop_s[stops[-1]])
            back = done + int(problem.travel_s[stops[-1], len(problem) + 1])
            found.append(Route(tuple(stops), tuple(arrive), None, back))
        straight = int(problem.travel_s[len(problem), len(problem) + 1])
        empty = [Route((), (), None, straight)] * (problem.teams - len(found))
        return (*found, *empty)
