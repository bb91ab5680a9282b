"""Searching good tours: insert what is worth most for its time, take some of it out again, and begin anew from there.

Ruin and recreate (Schrimpf and others 2000; Christiaens and Vanden Berghe 2020), for team orienteering with revisits.
The search counts rounds, not seconds: the same problem, seed and rounds give the same tours.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.tour_problem import Problem, Route, collected, schedule

__all__ = ["search_tours"]

_NOISE: Final = 0.25  # worths are seen up to a quarter wrong while tours are rebuilt
_WORSE: Final = 0.012  # tours that are so much worse are still gone on from, at first
_TRIES: Final = 6  # places that are tried before a tour is called full
_RESTART: Final = 150  # rounds without anything better, after which the search goes back to the best


def search_tours(problem: Problem, *, seed: int, rounds: int) -> list[list[int]]:
    """The best tours found (places of each team), feasible when left at second 0."""
    if not len(problem) or not (problem.worth > 0).any():
        return [[] for _ in range(problem.teams)]
    search = _Search(problem, np.random.default_rng(seed))
    current = search.fill([[] for _ in range(problem.teams)], noise=0.0)
    current_worth = collected(problem, current)
    best, best_worth, since = current, current_worth, 0
    for turn in range(rounds):
        trial = search.fill(search.ruin(current), noise=_NOISE)
        trial = search.shorten(trial)
        trial = search.fill(trial, noise=0.0)
        worth, since = collected(problem, trial), since + 1
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

    def sound(self, tours: Sequence[Sequence[int]], routes: Sequence[Route]) -> bool:
        """Whether timed tours keep the limit and the time between visits."""
        if any(route.back_s > self.problem.limit_s for route in routes):
            return False
        twice = [place for place, many in Counter(p for tour in tours for p in tour).items() if many > 1]
        if not twice:
            return True
        spans: dict[int, list[int]] = defaultdict(list)
        for route in routes:
            for place, reach in zip(route.stops, route.arrive_s, strict=True):
                spans[place].append(reach)
        for place in twice:
            least = int(self.problem.stop_s[place]) + self.problem.apart_s
            if any(late - early < least for early, late in pairwise(sorted(spans[place]))):
                return False
        return True

    def fill(self, tours: Sequence[Sequence[int]], *, noise: float) -> list[list[int]]:
        """Tours with as much inserted as fits: each time what is worth most for the time that it takes."""
        problem, n = self.problem, len(self.problem)
        now = [list(tour) for tour in tours]
        routes = [schedule(problem, tour) for tour in now]
        seen = np.bincount(np.array([p for tour in now for p in tour], dtype=np.intp), minlength=n)
        again = np.array([*problem.again, 0.0])
        eye = 1 + noise * self.random.uniform(-1, 1, n)
        costs = [self.costs(now[t], routes[t], routes) for t in range(problem.teams)]
        failed = 0
        while True:
            gain = problem.worth * again[np.minimum(seen, len(again) - 1)] * eye
            least = np.array([cost.min(axis=1) for cost in costs])  # (teams, n)
            ratio = np.where(np.isfinite(least), gain / np.maximum(least, 1.0), 0.0)
            team, place = np.unravel_index(int(ratio.argmax()), ratio.shape)
            if ratio[team, place] <= 0 or failed > _TRIES:
                return now
            at = int(costs[team][place].argmin())
            tour = [*now[team][:at], int(place), *now[team][at:]]
            route = schedule(problem, tour)
            trial, timed = [*now], [*routes]
            trial[team], timed[team] = tour, route
            if not self.sound(trial, timed):
                costs[team][place, at] = np.inf
                failed += 1
                continue
            now, routes, failed = trial, timed, 0
            seen[place] += 1
            costs[team] = self.costs(tour, route, routes)
            for other in range(problem.teams):
                if other != team:
                    self.block(costs[other], now[other], routes[other], routes, [int(place)])

    def costs(self, tour: Sequence[int], route: Route, routes: Sequence[Route]) -> NDArray[np.float64]:
        """Seconds that each place costs at each position of a tour, (n, positions); infinite where it cannot be."""
        problem, n = self.problem, len(self.problem)
        path = np.array([n, *tour, n + 1])
        here, there = path[:-1], path[1:]
        travel = problem.travel_s
        more = travel[here, :n].T + travel[:n, there] - travel[here, there] + problem.stop_s[:, None]
        cost = np.where(route.back_s + more <= problem.limit_s, more, np.inf)
        visited = sorted({place for one in routes for place in one.stops})
        self.block(cost, tour, route, routes, visited)
        return cost

    def block(
        self,
        cost: NDArray[np.float64],
        tour: Sequence[int],
        route: Route,
        routes: Sequence[Route],
        places: Sequence[int],
    ) -> None:
        """Forbid positions (in place) at which visited places would be seen again too soon."""
        problem, n = self.problem, len(self.problem)
        chosen = np.array(places, dtype=np.intp)
        if not len(chosen):
            return
        if len(problem.again) == 1:
            cost[chosen] = np.inf
            return
        path = np.array([n, *tour])
        leave = np.array([0, *(a + problem.stop_s[p] for p, a in zip(route.stops, route.arrive_s, strict=True))])
        reach = leave + problem.travel_s[path][:, chosen].T  # (chosen, positions)
        row = {place: k for k, place in enumerate(places)}
        taboo = np.zeros(reach.shape, dtype=np.bool_)
        for one in routes:
            for place, at in zip(one.stops, one.arrive_s, strict=True):
                if place in row:
                    least = int(problem.stop_s[place]) + problem.apart_s
                    taboo[row[place]] |= np.abs(reach[row[place]] - at) < least
        cost[chosen] = np.where(taboo, np.inf, cost[chosen])

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
        routes = [schedule(self.problem, tour) for tour in tours]
        for team in range(len(tours)):
            for _ in range(20):
                turned = self.turn(tours[team])
                if turned is None:
                    break
                trial, timed = [*tours], [*routes]
                trial[team], timed[team] = turned, schedule(self.problem, turned)
                if timed[team].back_s >= routes[team].back_s or not self.sound(trial, timed):
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
