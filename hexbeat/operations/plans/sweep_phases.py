"""The phases of a needle sweep: what a crew visits first, and its tour in that order."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.orienteering import Problem, Route, find_routes
from geo.tour_problem import schedule
from hexbeat.operations.plans.sweep_places import SweepPlaces
from hexbeat.operations.plans.working_time import WorkingTime

__all__ = ["assign_phases", "order_phases"]

_ROUNDS: Final = 120


def assign_phases(places: SweepPlaces, time: WorkingTime, standard_hours: float) -> NDArray[np.intp]:
    """0 reports that are overdue when work begins, 1 other open ones, 2 near play areas and schools, 3 the rest."""
    overdue = (places.reports > 0) & (places.oldest + standard_hours * 3600 < time.begin)
    near_children = np.array([bool(name) for name in places.child], dtype=np.bool_)
    phases: NDArray[np.intp] = np.select([overdue, places.reports > 0, near_children], [0, 1, 2], 3).astype(np.intp)
    return phases


def order_phases(problem: Problem, places: NDArray[np.intp], phase: NDArray[np.intp], *, seed: int) -> Route:
    """The tour of a crew over its places (indices of the problem): phase 0 first, then 1, and so on.

    A phase's stops are chosen by worth and put in order from where the phase before ended. Nothing is visited twice.
    """
    stops: list[int] = []
    for number in sorted({int(phase[place]) for place in places}):
        candidates = places[phase[places] == number]
        stops = _extend_stops(problem, stops, candidates, seed=seed + number)
    return schedule(problem, stops)


def _extend_stops(problem: Problem, stops: list[int], candidates: NDArray[np.intp], *, seed: int) -> list[int]:
    """The stops with those of one phase after them that fit; exact hours and breaks are kept by the whole schedule."""
    if problem.most_stops is not None and len(stops) >= problem.most_stops:
        return stops
    last_stop = stops[-1] if stops else len(problem)
    route = schedule(problem, stops)
    elapsed_s = route.arrive_s[-1] + int(problem.stop_s[last_stop]) if stops else 0
    pause = problem.pause.length_s if problem.pause and route.arrive_s and not _is_rested(route) else 0
    indices = np.concatenate([candidates, [last_stop, len(problem) + 1]])
    part = Problem(
        worth=problem.worth[candidates],
        stop_s=problem.stop_s[candidates],
        travel_s=problem.travel_s[np.ix_(indices, indices)],
        limit_s=max(problem.limit_s - elapsed_s - pause, 0),
        teams=1,
        pause=None if stops else problem.pause,
        most_stops=None if problem.most_stops is None else problem.most_stops - len(stops),
    )
    if part.limit_s < int(part.travel_s[len(candidates), len(candidates) + 1]):
        return stops
    new_stops = [int(candidates[k]) for k in find_routes(part, seed=seed, rounds=_ROUNDS)[0].stops]
    while new_stops and schedule(problem, [*stops, *new_stops]).back_s > problem.limit_s:
        new_stops.pop()  # a wait for the break that the phase alone could not see
    return [*stops, *new_stops]


def _is_rested(route: Route) -> bool:
    """Whether the break lies before the last stop, not on the way home."""
    return route.break_s is not None and route.break_s < route.arrive_s[-1]
