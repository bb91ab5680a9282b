"""Which places to visit, in which order, within the hours of several teams: good tours, and how good for sure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from geo.tour_bounds import knapsack_bound
from geo.tour_problem import Break, Problem, Route, breaches, collected, schedule
from geo.tour_search import search_tours

__all__ = ["Break", "Problem", "Route", "Solved", "breaches", "collected", "knapsack_bound", "make_tours"]

_ROUNDS: Final = 400
_VARIED: Final = 0.05  # worths are seen so far from the truth, so that days differ
_MOST_DELAY_S: Final = 600
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Solved:
    """Timed tours, one a team (some may be empty), and their worth.

    `bound` is what no tours can exceed; `gap` = 1 - score / bound.
    """

    routes: tuple[Route, ...]
    score: float
    bound: float

    @property
    def gap(self) -> float:
        """How far from the bound at most, as a share of it; 0 where nothing can be collected."""
        return max(0.0, 1 - self.score / self.bound) if self.bound > 0 else 0.0


def make_tours(problem: Problem, *, seed: int = 0, rounds: int = _ROUNDS, varied: bool = False) -> Solved:
    """Good tours for a problem. `varied`: seeds differ in order and times, at the cost of a little worth.

    The same problem, seed and rounds give the same tours: no clock is looked at.
    """
    random = np.random.default_rng(seed)
    seen = problem
    if varied:
        seen = replace(problem, worth=problem.worth * (1 + _VARIED * random.uniform(-1, 1, len(problem))))
    tours = search_tours(seen, seed=seed, rounds=rounds)
    routes = tuple(schedule(problem, tour) for tour in tours)
    if varied:
        routes = _vary(problem, tours, random)
    return Solved(routes, collected(problem, [route.stops for route in routes]), knapsack_bound(problem))


def _vary(problem: Problem, tours: Sequence[Sequence[int]], random: np.random.Generator) -> tuple[Route, ...]:
    """The tours dealt out anew among teams, turned round by chance, and left some minutes late, where that may be."""
    dealt = [list(tours[k]) for k in random.permutation(len(tours))]
    routes = [schedule(problem, tour) for tour in dealt]
    if random.uniform() < 0.5:  # noqa: PLR2004 - as often as not
        turned = [schedule(problem, tour[::-1]) for tour in dealt]
        routes = routes if breaches(problem, turned) else turned
    for team, route in enumerate(routes):
        most = min(problem.limit_s - route.back_s, _MOST_DELAY_S) // _MINUTE_S
        for minutes in range(int(random.integers(most + 1)), 0, -1):
            later = [*routes]
            later[team] = schedule(problem, route.stops, leave_s=minutes * _MINUTE_S)
            if not breaches(problem, later):
                routes = later
                break
    return tuple(routes)
