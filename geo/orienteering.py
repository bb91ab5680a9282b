"""Which places to visit, in which order, within the hours of several teams: good tours, and how good for sure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from geo.tour_bounds import upper_bound
from geo.tour_exact import find_best_sets, is_countable
from geo.tour_problem import Break, Problem, Route, find_breaches, schedule_all, sum_worth
from geo.tour_proof import Proof, is_provable, prove
from geo.tour_search import search_tours

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
