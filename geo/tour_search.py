"""Searching good tours: insert what is worth most for its time, take some of it out again, and begin anew from there.

Ruin and recreate (Schrimpf and others 2000; Christiaens and Vanden Berghe 2020), for team orienteering with revisits.
The search counts rounds, not seconds: the same problem, seed and rounds give the same tours.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.tour_problem import Problem, Route, find_late_revisits, schedule_all, sum_worth

__all__ = ["search_tours"]

_NOISE: Final = 0.25  # worths are seen up to a quarter wrong while tours are rebuilt
_THRIFT: Final = (0.5, 1.4)  # how much time counts against worth, while tours are rebuilt
_WORSE: Final = 0.012  # tours that are so much worse are still gone on from, at first
_TRIES: Final = 6  # places that are tried before a tour is called full
_TURNS: Final = 20
_RESTART: Final = 150  # rounds without anything better, after which the search goes back to the best


def search_tours(problem: Problem, *, seed: int, rounds: int) -> list[list[int]]:
    """The best tours found (places of each team), feasible when left at second 0."""
    if not len(problem) or not (problem.worth > 0).any():
        return [[] for _ in range(problem.teams)]
    search = _Search(problem, np.random.default_rng(seed))
    current = search.fill([[] for _ in range(problem.teams)], noise=0.0)
    current_worth = sum_worth(problem, current)
    best, best_worth, since = current, current_worth, 0
    for turn in range(rounds):
        trial = search.fill(search.mend(search.ruin(current)), noise=_NOISE)
        trial = search.shorten(trial)
        trial = search.fill(trial, noise=0.0)
        worth, since = sum_worth(problem, trial), since + 1
        if worth > current_worth - _WORSE * best_worth * (1 - turn / rounds) * search.random.uniform():
            current, current_worth = trial, worth
        if worth > best_worth * (1 + 1e-9):
            best, best_worth, since = trial, worth, 0
        if since >= _RESTART:
            current, current_worth, since = best, best_worth, 0
    return best


@dataclass(eq=False)
class _Search:
    """One problem, its random numbers, and its times as plain arrays."""

    problem: Problem
    random: np.random.Generator

    def timed(self, tours: Sequence[Sequence[int]]) -> list[Route] | None:
        """The tours with their times; None if a team is late, or a place is seen again too late."""
        routes = schedule_all(self.problem, tours)
        late = any(route.back_s > self.problem.limit_s for route in routes)
        return None if late or find_late_revisits(self.problem, routes) else routes

    def mend(self, tours: list[list[int]]) -> list[list[int]]:
        """The tours without visits that come too late after the last: one of the two goes, by chance."""
        while late := find_late_revisits(self.problem, schedule_all(self.problem, tours)):
            gone = {pair[int(self.random.integers(2))] for pair in late}
            tours = [
                [place for turn, place in enumerate(tour) if (team, turn) not in gone]
                for team, tour in enumerate(tours)
            ]
        return tours

    def fill(self, tours: Sequence[Sequence[int]], *, noise: float) -> list[list[int]]:
        """Tours with as much inserted as fits: each time what is worth most for the time that it takes."""
        problem, n = self.problem, len(self.problem)
        now = [list(tour) for tour in tours]
        routes = schedule_all(problem, now)
        seen = np.bincount(np.array([p for tour in now for p in tour], dtype=np.intp), minlength=n)
        again = np.array([*problem.again, 0.0])
        seeming = problem.worth * (1 + noise * self.random.uniform(-1, 1, n))
        thrift = self.random.uniform(*_THRIFT) if noise else 1.0
        costs = [self.costs(routes[team], routes) for team in range(problem.teams)]
        failed = 0
        while failed <= _TRIES:
            gain = seeming * again[np.minimum(seen, len(again) - 1)]
            least = np.array([cost.min(axis=1) for cost in costs])  # (teams, n)
            ratio = gain / np.maximum(least, 1.0) ** thrift
            team, place = divmod(int(ratio.argmax()), n)
            if ratio[team, place] <= 0:
                break
            at = int(costs[team][place].argmin())
            trial = [*now]
            trial[team] = [*now[team][:at], place, *now[team][at:]]
            timed = self.timed(trial)
            if timed is None:
                costs[team][place, at] = np.inf
                failed += 1
                continue
            changed = [k for k in range(problem.teams) if k == team or timed[k].arrive_s != routes[k].arrive_s]
            now, routes, failed = trial, timed, 0
            seen[place] += 1
            for k in range(problem.teams):
                if k in changed:
                    costs[k] = self.costs(routes[k], routes)
                else:
                    costs[k][place] = self.rows(routes[k], routes, [place])[0]
        return now

    def costs(self, route: Route, routes: Sequence[Route]) -> NDArray[np.float64]:
        """Seconds that each place costs at each position of a tour, (n, positions); infinite where it cannot be."""
        n = len(self.problem)
        cost = self.detours(route, np.arange(n))
        visited = sorted({place for one in routes for place in one.stops})
        if visited:
            cost[visited] = self.rows(route, routes, visited)
        return np.where(cost <= self.slack(route, routes), cost, np.inf)

    def slack(self, route: Route, routes: Sequence[Route]) -> NDArray[np.float64]:
        """By how many seconds all after each position, (positions,), may be put off before a place is seen too late.

        A guide: what waits and other teams make of it only the whole schedule tells.
        """
        problem = self.problem
        most = np.full(len(route.stops) + 1, np.inf)
        if problem.within_s is None or len(problem.again) == 1:
            return most
        visits: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for one in routes:
            for turn, (place, reach) in enumerate(zip(one.stops, one.arrive_s, strict=True)):
                visits[place].append((reach, turn if one is route else -1))
        for place, times in visits.items():
            for (before, first), (reach, turn) in pairwise(sorted(times)) if len(times) > 1 else ():
                left = before + problem.stop_list[place] + problem.within_s - reach
                most[first + 1 : turn + 1] = np.minimum(most[first + 1 : turn + 1], left)
        return most

    def detours(self, route: Route, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Seconds of stop and way that places cost at each position, (places, positions); infinite beyond the limit."""
        n, travel = len(self.problem), self.problem.travel_s
        path = np.array([n, *route.stops, n + 1])
        here, there = path[:-1], path[1:]
        more = travel[here][:, places].T + travel[places][:, there] - travel[here, there]
        more = more + self.problem.stop_s[places][:, None]
        return np.where(route.back_s + more <= self.problem.limit_s, more, np.inf)

    def rows(self, route: Route, routes: Sequence[Route], places: Sequence[int]) -> NDArray[np.float64]:
        """The costs of visited places, waits included: somebody must, where two visits would be too near in time."""
        problem, n = self.problem, len(self.problem)
        chosen = np.array(places, dtype=np.intp)
        if len(problem.again) == 1:
            return np.full((len(chosen), len(route.stops) + 1), np.inf)
        cost = self.detours(route, chosen)
        path = np.array([n, *route.stops])
        leave = np.array([0, *(a + problem.stop_s[p] for p, a in zip(route.stops, route.arrive_s, strict=True))])
        reach = leave + problem.travel_s[path][:, chosen].T  # (chosen, positions)
        near = self.nearest(chosen, reach, routes)
        cost = cost + np.maximum(self.problem.stop_s[chosen][:, None] + problem.apart_s - near, 0)
        fits = route.back_s + cost <= problem.limit_s
        if problem.within_s is not None:
            fits &= near - problem.stop_s[chosen][:, None] <= problem.within_s
        return np.where(fits, cost, np.inf)

    def nearest(
        self, chosen: NDArray[np.intp], reach: NDArray[np.int64], routes: Sequence[Route]
    ) -> NDArray[np.float64]:
        """Seconds from reaching places, (chosen, positions), to when they are reached otherwise, at the nearest."""
        row = np.full(len(self.problem), -1)
        row[chosen] = np.arange(len(chosen))
        visited = row[[place for one in routes for place in one.stops]]
        times = np.array([at for one in routes for at in one.arrive_s])[visited >= 0]
        visited = visited[visited >= 0]
        near = np.full(reach.shape, np.inf)
        np.minimum.at(near, visited, np.abs(reach[visited] - times[:, None]).astype(np.float64))
        return near

    def ruin(self, tours: Sequence[Sequence[int]]) -> list[list[int]]:
        """Tours without some of their stops: a stretch of each of some tours, or those around one place."""
        sizes = [len(tour) for tour in tours]
        total = sum(sizes)
        if not total:
            return [list(tour) for tour in tours]
        many = int(self.random.integers(1, max(2, min(total // 3, 14)) + 1))
        if self.random.uniform() < 0.5:  # noqa: PLR2004 - half of the rounds
            middle = int(self.random.integers(len(self.problem)))
            visited = sorted({p for tour in tours for p in tour})
            far = self.problem.travel_s[middle, visited]
            gone = {visited[k] for k in np.argsort(far, kind="stable")[:many]}
            return [[p for p in tour if p not in gone] for tour in tours]
        out = [list(tour) for tour in tours]
        for team in self.random.permutation(len(out))[: int(self.random.integers(1, len(out) + 1))]:
            length = min(many, len(out[team]))
            first = int(self.random.integers(len(out[team]) - length + 1))
            del out[team][first : first + length]
        return out

    def shorten(self, tours: list[list[int]]) -> list[list[int]]:
        """The same stops in an order that takes less time, where turning a stretch round allows it (2-opt)."""
        routes = schedule_all(self.problem, tours)
        for team in range(len(tours)):
            for _ in range(_TURNS):
                turned = self.turn(tours[team])
                if turned is None:
                    break
                trial = [*tours]
                trial[team] = turned
                timed = self.timed(trial)
                if timed is None or sum(one.back_s for one in timed) >= sum(one.back_s for one in routes):
                    break
                tours, routes = trial, timed
        return tours

    def turn(self, tour: Sequence[int]) -> list[int] | None:
        """The tour with the stretch turned round that saves most, were times the same both ways; None if none does."""
        n, travel = len(self.problem), self.problem.travel_s
        path = np.array([n, *tour, n + 1])
        before, first, last, after = path[:-2, None], path[1:-1, None], path[None, 1:-1], path[None, 2:]
        saved = travel[before, first] + travel[last, after] - travel[before, last] - travel[first, after]
        saved = np.triu(saved, k=1)
        if not saved.size or saved.max() <= 0:
            return None
        low, high = divmod(int(saved.argmax()), saved.shape[1])
        return [*tour[:low], *reversed(tour[low : high + 1]), *tour[high + 1 :]]
