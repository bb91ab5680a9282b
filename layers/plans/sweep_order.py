"""One crew's stops in phases: all that can be done of the first before the second, each in a short order."""

import numpy as np
from numpy.typing import NDArray

from geo.orienteering import Problem, Route, find_tours
from geo.tour_problem import schedule

__all__ = ["order_phases"]

_ROUNDS = 120


def order_phases(problem: Problem, own: NDArray[np.intp], phase: NDArray[np.intp], *, seed: int) -> Route:
    """The tour of a crew over its own places (numbers of the problem), of which phase 0 comes first, then 1, and so on.

    A phase's stops are chosen by worth and put in order from where the phase before ended. Nothing is visited twice.
    """
    stops: list[int] = []
    for turn in sorted({int(phase[place]) for place in own}):
        among = own[phase[own] == turn]
        stops = _extend_stops(problem, stops, among, seed=seed + turn)
    return schedule(problem, stops)


def _extend_stops(problem: Problem, stops: list[int], among: NDArray[np.intp], *, seed: int) -> list[int]:
    """The stops with those of one phase after them that fit; exact hours and breaks are kept by the whole schedule."""
    last = stops[-1] if stops else len(problem)
    gone = schedule(problem, stops)
    now = gone.arrive_s[-1] + int(problem.stop_s[last]) if stops else 0
    pause = problem.pause.length_s if problem.pause and gone.arrive_s and not _is_rested(gone) else 0
    chosen = np.concatenate([among, [last, len(problem) + 1]])
    part = Problem(
        worth=problem.worth[among],
        stop_s=problem.stop_s[among],
        travel_s=problem.travel_s[np.ix_(chosen, chosen)],
        limit_s=max(problem.limit_s - now - pause, 0),
        teams=1,
        pause=None if stops else problem.pause,
    )
    if part.limit_s < int(part.travel_s[len(among), len(among) + 1]):
        return stops
    found = [int(among[k]) for k in find_tours(part, seed=seed, rounds=_ROUNDS).routes[0].stops]
    while found and schedule(problem, [*stops, *found]).back_s > problem.limit_s:
        found.pop()  # a wait for the break that the phase alone could not see
    return [*stops, *found]


def _is_rested(route: Route) -> bool:
    """Whether the break lies before the last stop, not on the way home."""
    return route.break_s is not None and route.break_s < route.arrive_s[-1]
