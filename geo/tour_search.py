"""A search for good tours: insert the places that are worth most for their time, take some out, and insert again.

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

_NOISE: Final = 0.25  # while tours are rebuilt, each worth is off by up to a quarter
_TIME_WEIGHTS: Final = (0.5, 1.4)  # exponents of time against worth while tours are rebuilt
_TOLERATED_LOSS: Final = (
    0.012  # share of the best worth: at first the search continues from tours that are worse by so much
)
_MOST_FAILURES: Final = 6  # places in a row that do not fit before a tour is called full
_MOST_REVERSALS: Final = 20  # a tour, in one round
_RESTART: Final = 150  # rounds without anything better before the search goes back to the best


def search_tours(problem: Problem, *, seed: int, rounds: int) -> list[list[int]]:
    """The best tours found (places of each team), feasible when left at second 0."""
    if not len(problem) or not (problem.worth > 0).any():
        return [[] for _ in range(problem.teams)]
    search = _Search(problem, np.random.default_rng(seed))
    current = search.fill([[] for _ in range(problem.teams)], noise=0.0)
    current_worth = sum_worth(problem, current)
    best, best_worth, idle_rounds = current, current_worth, 0
    for round_number in range(rounds):
        trial = search.fill(search.drop_late_revisits(search.ruin(current)), noise=_NOISE)
        trial = search.shorten(trial)
        trial = search.fill(trial, noise=0.0)
        worth, idle_rounds = sum_worth(problem, trial), idle_rounds + 1
        if worth > current_worth - _TOLERATED_LOSS * best_worth * (1 - round_number / rounds) * search.random.uniform():
            current, current_worth = trial, worth
        if worth > best_worth * (1 + 1e-9):
            best, best_worth, idle_rounds = trial, worth, 0
        if idle_rounds >= _RESTART:
            current, current_worth, idle_rounds = best, best_worth, 0
    return best


@dataclass(eq=False)
class _Search:
    """One problem, its random numbers, and its times as plain arrays."""

    problem: Problem
    random: np.random.Generator

    def schedule_in_time(self, tours: Sequence[Sequence[int]]) -> list[Route] | None:
        """The tours with their times; None if a team is late, or a place is seen again too late."""
        routes = schedule_all(self.problem, tours)
        late = any(route.back_s > self.problem.limit_s for route in routes)
        return None if late or find_late_revisits(self.problem, routes) else routes

    def drop_late_revisits(self, tours: list[list[int]]) -> list[list[int]]:
        """The tours without visits that come too late after the last one: one of each two is dropped at random."""
        while late_pairs := find_late_revisits(self.problem, schedule_all(self.problem, tours)):
            dropped = {pair[int(self.random.integers(2))] for pair in late_pairs}
            tours = [
                [place for turn, place in enumerate(tour) if (team, turn) not in dropped]
                for team, tour in enumerate(tours)
            ]
        return tours

    def fill(self, tours: Sequence[Sequence[int]], *, noise: float) -> list[list[int]]:
        """Insert places as long as any fits: each time the one that is worth most for the time that it takes."""
        problem, n = self.problem, len(self.problem)
        current = [list(tour) for tour in tours]
        routes = schedule_all(problem, current)
        visit_counts = np.bincount(np.array([p for tour in current for p in tour], dtype=np.intp), minlength=n)
        visit_shares = np.array([*problem.visit_shares, 0.0])
        noisy_worth = problem.worth * (1 + noise * self.random.uniform(-1, 1, n))
        time_weight = self.random.uniform(*_TIME_WEIGHTS) if noise else 1.0
        costs = [self.compute_costs(routes[team], routes) for team in range(problem.teams)]
        self.close_full(current, costs)
        failures = 0
        while failures <= _MOST_FAILURES:
            gain = noisy_worth * visit_shares[np.minimum(visit_counts, len(visit_shares) - 1)]
            least = np.array([cost.min(axis=1) for cost in costs])  # (teams, n)
            ratio = gain / np.maximum(least, 1.0) ** time_weight
            team, place = divmod(int(ratio.argmax()), n)
            if ratio[team, place] <= 0:
                break
            position = int(costs[team][place].argmin())
            trial = [*current]
            trial[team] = [*current[team][:position], place, *current[team][position:]]
            trial_routes = self.schedule_in_time(trial)
            if trial_routes is None:
                costs[team][place, position] = np.inf
                failures += 1
                continue
            changed_teams = [
                k for k in range(problem.teams) if k == team or trial_routes[k].arrive_s != routes[k].arrive_s
            ]
            current, routes, failures = trial, trial_routes, 0
            visit_counts[place] += 1
            for k in range(problem.teams):
                if k in changed_teams:
                    costs[k] = self.compute_costs(routes[k], routes)
                else:
                    costs[k][place] = self.compute_revisit_costs(routes[k], routes, [place])[0]
            self.close_full(current, costs)
        return current

    def close_full(self, tours: Sequence[Sequence[int]], costs: list[NDArray[np.float64]]) -> None:
        """Let nothing fit into tours that have as many stops as they may."""
        most = self.problem.most_stops
        for team, tour in enumerate(tours):
            if most is not None and len(tour) >= most:
                costs[team] = np.full_like(costs[team], np.inf)

    def compute_costs(self, route: Route, routes: Sequence[Route]) -> NDArray[np.float64]:
        """Seconds that each place costs at each position of a tour, (n, positions); infinite where it does not fit."""
        n = len(self.problem)
        cost = self.compute_detours(route, slice(n))
        visited = sorted({place for other in routes for place in other.stops})
        if visited:
            cost[visited] = self.compute_revisit_costs(route, routes, visited)
        return np.where(cost <= self.compute_slack(route, routes), cost, np.inf)

    def compute_slack(self, route: Route, routes: Sequence[Route]) -> NDArray[np.float64]:
        """How many seconds of delay each position, (positions,), allows before a later revisit comes too late.

        This is a guide. Only the whole schedule knows what waits and other teams add.
        """
        problem = self.problem
        slack = np.full(len(route.stops) + 1, np.inf)
        if problem.most_gap_s is None or len(problem.visit_shares) == 1:
            return slack
        visits: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for other in routes:
            for turn, (place, arrival) in enumerate(zip(other.stops, other.arrive_s, strict=True)):
                visits[place].append((arrival, turn if other is route else -1))
        for place, arrivals in visits.items():
            for (before, first), (arrival, turn) in pairwise(sorted(arrivals)) if len(arrivals) > 1 else ():
                spare = before + problem.stop_list[place] + problem.most_gap_s - arrival
                slack[first + 1 : turn + 1] = np.minimum(slack[first + 1 : turn + 1], spare)
        return slack

    def compute_detours(self, route: Route, places: NDArray[np.intp] | slice) -> NDArray[np.float64]:
        """Seconds of stop and travel that places cost at each position, (places, positions); infinite if too late."""
        n, travel = len(self.problem), self.problem.travel_s
        path = np.array([n, *route.stops, n + 1])
        origins, destinations = path[:-1], path[1:]
        extra = travel[origins][:, places].T + travel[places].take(destinations, axis=1) - travel[origins, destinations]
        extra += self.problem.stop_s[places][:, None]
        return np.where(route.back_s + extra <= self.problem.limit_s, extra, np.inf)

    def compute_revisit_costs(
        self, route: Route, routes: Sequence[Route], places: Sequence[int]
    ) -> NDArray[np.float64]:
        """The costs of places that are visited already: a team may have to wait between two visits of one place."""
        problem, n = self.problem, len(self.problem)
        candidates = np.array(places, dtype=np.intp)
        if len(problem.visit_shares) == 1:
            return np.full((len(candidates), len(route.stops) + 1), np.inf)
        cost = self.compute_detours(route, candidates)
        path = np.array([n, *route.stops])
        departures = np.array([0, *(a + problem.stop_s[p] for p, a in zip(route.stops, route.arrive_s, strict=True))])
        arrivals = departures + problem.travel_s[path][:, candidates].T  # (candidates, positions)
        gaps = self.find_nearest_gaps(candidates, arrivals, routes)
        cost = cost + np.maximum(self.problem.stop_s[candidates][:, None] + problem.least_gap_s - gaps, 0)
        fits = route.back_s + cost <= problem.limit_s
        if problem.most_gap_s is not None:
            fits &= gaps - problem.stop_s[candidates][:, None] <= problem.most_gap_s
        return np.where(fits, cost, np.inf)

    def find_nearest_gaps(
        self, candidates: NDArray[np.intp], arrivals: NDArray[np.int64], routes: Sequence[Route]
    ) -> NDArray[np.float64]:
        """Seconds between reaching each candidate, (candidates, positions), and the nearest other visit of it."""
        row = np.full(len(self.problem), -1)
        row[candidates] = np.arange(len(candidates))
        visited = row[[place for route in routes for place in route.stops]]
        times = np.array([arrival for route in routes for arrival in route.arrive_s])[visited >= 0]
        visited = visited[visited >= 0]
        gaps = np.full(arrivals.shape, np.inf)
        np.minimum.at(gaps, visited, np.abs(arrivals[visited] - times[:, None]).astype(np.float64))
        return gaps

    def ruin(self, tours: Sequence[Sequence[int]]) -> list[list[int]]:
        """Take some stops out of the tours: a stretch of each of some tours, or the stops around one place."""
        sizes = [len(tour) for tour in tours]
        total = sum(sizes)
        if not total:
            return [list(tour) for tour in tours]
        count = int(self.random.integers(1, max(2, min(total // 3, 14)) + 1))
        if self.random.uniform() < 0.5:  # noqa: PLR2004 - half of the rounds
            middle = int(self.random.integers(len(self.problem)))
            visited = sorted({place for tour in tours for place in tour})
            distances = self.problem.travel_s[middle, visited]
            removed = {visited[k] for k in np.argsort(distances, kind="stable")[:count]}
            return [[place for place in tour if place not in removed] for tour in tours]
        remaining = [list(tour) for tour in tours]
        for team in self.random.permutation(len(remaining))[: int(self.random.integers(1, len(remaining) + 1))]:
            length = min(count, len(remaining[team]))
            first = int(self.random.integers(len(remaining[team]) - length + 1))
            del remaining[team][first : first + length]
        return remaining

    def shorten(self, tours: list[list[int]]) -> list[list[int]]:
        """The same stops in an order that takes less time, where the reversal of a stretch gives one (2-opt)."""
        routes = schedule_all(self.problem, tours)
        for team in range(len(tours)):
            for _ in range(_MOST_REVERSALS):
                shorter = self.reverse_best_stretch(tours[team])
                if shorter is None:
                    break
                trial = [*tours]
                trial[team] = shorter
                trial_routes = self.schedule_in_time(trial)
                if trial_routes is None or sum(route.back_s for route in trial_routes) >= sum(
                    route.back_s for route in routes
                ):
                    break
                tours, routes = trial, trial_routes
        return tours

    def reverse_best_stretch(self, tour: Sequence[int]) -> list[int] | None:
        """Reverse the stretch that saves most time if times are the same both ways; None if no reversal saves any."""
        n, travel = len(self.problem), self.problem.travel_s
        path = np.array([n, *tour, n + 1])
        before, first, last, after = path[:-2, None], path[1:-1, None], path[None, 1:-1], path[None, 2:]
        savings = travel[before, first] + travel[last, after] - travel[before, last] - travel[first, after]
        savings = np.triu(savings, k=1)
        if not savings.size or savings.max() <= 0:
            return None
        low, high = divmod(int(savings.argmax()), savings.shape[1])
        return [*tour[:low], *reversed(tour[low : high + 1]), *tour[high + 1 :]]
