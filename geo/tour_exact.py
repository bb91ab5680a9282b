"""Small problems solved to the end: the best tours, and that none are better.

Without revisits every set of places that a team can visit in time is counted: dynamic programming over sets (Bellman
1962; Held and Karp 1962) finds the least time of each set and last place; teams then share the places out among such
sets. Breaks are kept. With revisits, but without breaks, CP-SAT finds the best tours and proves that none are better.
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
_MOST_SHARED: Final = 12  # of three teams or more: every set is looked at with every part of it
_NEVER: Final = 1 << 29
_Seconds = NDArray[np.int32]
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


def prove(problem: Problem, routes: Sequence[Route], *, effort: float = _EFFORT) -> Proof | None:
    """Better tours than these if there are any, with a bound; None if nothing was found out within the effort.

    One thread, one seed and a limit of work (`effort`, deterministic time of CP-SAT) instead of a clock's: the same
    problem gives the same proof.
    """
    model = _Model(problem)
    model.hint(routes)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = effort
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


def is_countable(problem: Problem) -> bool:
    """Whether places are visited once and those worth something, that a team can reach, are few enough."""
    most = _MOST_PLACES if problem.teams <= 2 else _MOST_SHARED  # noqa: PLR2004 - what one leaves is the other's
    return len(problem.again) == 1 and problem.limit_s < _NEVER and 0 < len(_find_useful(problem)) <= most


def find_best_sets(problem: Problem) -> tuple[float, list[list[int]]]:
    """The most that tours can be worth, and tours (places of each team, in order) that are; see `is_countable`."""
    nodes = _Nodes.of(problem)
    layers = list(_layers(nodes))
    fits = np.concatenate([[0], *(layer.sets[layer.home <= problem.limit_s] for layer in layers)])
    chosen = _share_sets(fits, _sum_worth(nodes, fits), nodes, problem.teams)
    tours = [[int(nodes.place[node]) for node in _order(nodes, layers, one)] for one in chosen]
    return float(_sum_worth(nodes, np.array(chosen)).sum()), tours


def _find_useful(problem: Problem) -> NDArray[np.intp]:
    """Places worth something that a team can visit and be back in time."""
    n = len(problem)
    alone = problem.travel_s[n, :n] + problem.stop_s + problem.travel_s[:n, n + 1]
    return np.flatnonzero((problem.worth > 0) & (alone <= problem.limit_s))


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The k useful places: worth (k,), seconds of stops (k,), between them (k, k), and from the start and home (k,)."""

    problem: Problem
    place: NDArray[np.intp]
    worth: NDArray[np.float64]
    stop: _Seconds
    way: _Seconds
    out: _Seconds
    home: _Seconds

    @staticmethod
    def of(problem: Problem) -> "_Nodes":
        n, place, whole = len(problem), _find_useful(problem), problem.travel_s.clip(max=_NEVER // 2).astype(np.int32)
        stop = problem.stop_s[place].astype(np.int32)
        way = whole[np.ix_(place, place)]
        return _Nodes(problem, place, problem.worth[place], stop, way, whole[n, place], whole[place, n + 1])

    def rested(self, done: _Seconds) -> _Seconds:
        """When a team that is done with a stop goes on after a break there; never, if it could not begin any more."""
        pause = self.problem.pause
        if pause is None:
            return np.full(done.shape, _NEVER, dtype=np.int32)
        later = np.maximum(done, pause.earliest_s) + pause.length_s
        return np.where(done <= pause.latest_s, later, _NEVER).astype(np.int32)

    def ends(self, done: _Seconds) -> tuple[_Seconds, _Seconds]:
        """When a team is home by its last node, (..., k), without a break and with one, by `done` (1 or 2, ..., k)."""
        plain, pause = done[0] + self.home, self.problem.pause
        if pause is None:
            return plain, np.full(plain.shape, _NEVER, dtype=np.int32)
        plain = np.where(plain <= pause.latest_s, plain, _NEVER)
        return plain, np.minimum(done[1], self.rested(done[0])) + self.home


@dataclass(frozen=True, eq=False)
class _Layer:
    """Sets of equal size as bits, int64 (m,) sorted; when each is done, by the last node, (1 or 2, m, k) seconds.

    With breaks first without one taken, then with; `home` (m,) is the earliest second at the finish.
    """

    sets: NDArray[np.int64]
    done: _Seconds
    home: _Seconds


def _layers(nodes: _Nodes) -> Iterator[_Layer]:
    """Sets of one node, of two, and so on, as long as any can be visited in time."""
    sets, start = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
    leave = np.stack([start] if nodes.problem.pause is None else [start, nodes.rested(start)])
    reach: _Seconds = np.minimum(leave[:, :, None] + nodes.out, _NEVER)
    while len((layer := _next(nodes, sets, reach)).sets):
        yield layer
        sets, reach = layer.sets, _reach(nodes, layer.done)


def _reach(nodes: _Nodes, done: _Seconds) -> _Seconds:
    """The earliest seconds, like `done`, at which each next node is reached from sets that are done so."""
    go = done if len(done) == 1 else np.stack([done[0], np.minimum(done[1], nodes.rested(done[0]))])
    found = [(go + nodes.way[:, node]).min(axis=2) for node in range(len(nodes.place))]
    reach: _Seconds = np.minimum(np.stack(found, axis=2), _NEVER)
    return reach


def _next(nodes: _Nodes, sets: NDArray[np.int64], reach: _Seconds) -> _Layer:
    """The sets with one node more that can still be home in time."""
    problem, k = nodes.problem, len(nodes.place)
    rows, lasts, times = [], [], []
    for node in range(k):
        at = np.flatnonzero((sets >> node) & 1 == 0)
        done = reach[:, at, node] + nodes.stop[node]
        if problem.pause is not None:  # no break could begin any more, nor could the team be home without
            done[0, done[0] > problem.pause.latest_s] = _NEVER
        ends = done.min(axis=0) + nodes.home[node] <= problem.limit_s
        rows.append(sets[at[ends]] | (1 << node))
        lasts.append(np.full(int(ends.sum()), node))
        times.append(done[:, ends])
    found, row = np.unique(np.concatenate(rows), return_inverse=True)
    done = np.full((len(reach), len(found), k), _NEVER, dtype=np.int32)
    done[:, row, np.concatenate(lasts)] = np.concatenate(times, axis=1)
    return _Layer(found, done, np.minimum(*nodes.ends(done)).min(axis=1, initial=_NEVER))


def _sum_worth(nodes: _Nodes, sets: NDArray[np.int64]) -> NDArray[np.float64]:
    worth = np.zeros(len(sets))
    for node, value in enumerate(nodes.worth.tolist()):
        worth += value * ((sets >> node) & 1)
    return worth


def _share_sets(fits: NDArray[np.int64], worth: NDArray[np.float64], nodes: _Nodes, teams: int) -> list[int]:
    """Disjoint sets, one a team, that are worth most together."""
    k = len(nodes.place)
    tables: list[NDArray[np.float64]] = []  # by set: the most that one team, two, and so on find in it
    if teams > 1:
        alone = np.full(1 << k, -np.inf)
        alone[fits] = worth
        tables.append(_within(alone, k))
    for _ in range(2, teams):
        tables.append(np.array([(worth_in + tables[-1][left]).max() for left, worth_in in _parts(fits, worth, k)]))
    chosen, whole = list[int](), (1 << k) - 1
    for table in (*reversed(tables), None):
        left = 0.0 if table is None else table[whole & ~fits]
        total = np.where((fits & ~whole) == 0, worth + left, -np.inf)
        chosen.append(int(fits[total.argmax()]))
        whole &= ~chosen[-1]
    return chosen


def _within(table: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """By set the greatest value of a set within it."""
    best = table.copy()
    for node in range(k):
        view = best.reshape(-1, 2, 1 << node)
        view[:, 1] = np.maximum(view[:, 1], view[:, 0])
    return best


def _parts(
    fits: NDArray[np.int64], worth: NDArray[np.float64], k: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """For each set what is left of it without each part that fits, and what the parts are worth."""
    for whole in range(1 << k):
        inside = (fits & ~whole) == 0
        yield whole & ~fits[inside], worth[inside]


def _order(nodes: _Nodes, layers: Sequence[_Layer], chosen: int) -> list[int]:
    """The nodes of a set in an order that brings the team home first."""
    if not chosen:
        return []
    done = _done(layers, chosen)
    plain, after = nodes.ends(done)
    last = int(np.minimum(plain, after).argmin())
    rested = bool(after[last] < plain[last]) and bool(done[1, last] <= nodes.rested(done[0])[last])
    order = [last]
    while chosen := chosen ^ (1 << last):
        wanted = done[int(rested), last] - nodes.stop[last] - nodes.way[:, last]
        done = _done(layers, chosen)
        before = done[int(rested)] == wanted
        here = before | (nodes.rested(done[0]) == wanted) if rested else before
        last = int(np.flatnonzero(here)[0])
        rested = rested and bool(before[last])
        order.append(last)
    return order[::-1]


def _done(layers: Sequence[_Layer], chosen: int) -> _Seconds:
    """The seconds at which a set is done, (1 or 2, k)."""
    layer = layers[chosen.bit_count() - 1]
    done: _Seconds = layer.done[:, int(np.searchsorted(layer.sets, chosen))]
    return done
