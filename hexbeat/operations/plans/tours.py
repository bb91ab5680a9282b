"""Builds a plan's tours from the solved routes: local times, named places, and a short stable code."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo.orienteering import Problem, Route, find_breaches
from geo.tour_problem import schedule
from hexbeat.analysis.study import Study
from hexbeat.operations.plans.plan import Pause, Place, Stop, Tour
from hexbeat.operations.plans.roads import TravelTable
from hexbeat.operations.plans.working_time import WorkingTime

__all__ = ["VisitedPlace", "build_tour", "build_visited_places", "hash_short_id", "spread_stops"]

_MINUTE_S: Final = 60
# Shares of the free time: the largest that breaks no rule of the tours.
_SPREADS: Final = tuple(part / 20 for part in range(20, 0, -1))


@dataclass(frozen=True, slots=True)
class VisitedPlace:
    """A place that one or more stops of a plan visit. For the fields see `Stop`."""

    place: str
    cell: str
    ward_code: str
    ward_name: str
    lon: float
    lat: float
    expected: float
    open_reports: int = 0


def build_visited_places(
    study: Study,
    cells: NDArray[np.intp],
    *,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    expected: NDArray[np.float64],
    open_reports: NDArray[np.intp] | None = None,
) -> list[VisitedPlace]:
    """The places of k cells of a study, in their order. `lon`, `lat`, `expected` and `open_reports` are (k,)."""
    return [
        VisitedPlace(
            place=name,
            cell=str(study.names[cell]),
            ward_code=str(study.ward_codes[cell]),
            ward_name=str(study.ward_names[cell]),
            lon=round(float(lon[k]), 6),
            lat=round(float(lat[k]), 6),
            expected=float(expected[k]),
            open_reports=0 if open_reports is None else int(open_reports[k]),
        )
        for k, (cell, name) in enumerate(zip(cells.tolist(), study.name_places(cells), strict=True))
    ]


def build_tour(
    problem: Problem,
    route: Route,
    places: Sequence[VisitedPlace],
    travel_table: TravelTable,
    *,
    time: WorkingTime,
    ends: tuple[Place, Place],
    team_label: tuple[int, str],
    reason: Callable[[int, int], str],
) -> Tour:
    """The tour of one team. `team_label` is its number and name; a stop's code has team number and order ("1-03").

    `reason` is called with the place and the second (from the beginning of the working time) at which it is reached.
    """
    number, team = team_label
    stops = []
    for order, (place, arrive_s) in enumerate(zip(route.stops, route.arrive_s, strict=True), start=1):
        visited, stop_s = places[place], int(problem.stop_s[place])
        stops.append(
            Stop(
                stop_id=f"{number}-{order:02d}",
                order=order,
                place=visited.place,
                cell=visited.cell,
                ward_code=visited.ward_code,
                ward_name=visited.ward_name,
                lon=visited.lon,
                lat=visited.lat,
                arrive=time.local_time(arrive_s),
                leave=time.local_time(arrive_s + stop_s),
                minutes=stop_s // 60,
                expected=visited.expected,
                reason=reason(place, arrive_s),
                open_reports=visited.open_reports,
            )
        )
    path = np.array([len(problem), *route.stops, len(problem) + 1])
    seconds = int(problem.travel_s[path[:-1], path[1:]].sum())
    return Tour(
        team=team,
        start=ends[0],
        finish=ends[1],
        leaves=time.local_time(_find_leave_s(problem, route)),
        returns=time.local_time(route.back_s),
        stops=tuple(stops),
        travel_minutes=seconds / 60,
        travel_km=float(travel_table.km[path[:-1], path[1:]].sum()),
        pauses=_find_pauses(problem, route, time),
    )


def spread_stops(problem: Problem, routes: Sequence[Route]) -> tuple[Route, ...]:
    """The same stops, spread over the hours as evenly as the rules of tours allow; where it helps, one tour backwards.

    With few stops a team would be back early. The time between stops is free for other work, and for the break. Two
    teams that visit one place must come within a span of time, which another order of one of them can allow.
    """
    orders = [list(routes)] + [
        [_reverse(problem, route) if other == team else route for other, route in enumerate(routes)]
        for team in range(len(routes))
    ]
    for share in _SPREADS:
        for order in orders:
            spread = [_spread_route(problem, route, share) for route in order]
            sound = [route for route in spread if route is not None]
            if len(sound) == len(routes) and not find_breaches(problem, sound):
                return _widen_routes(problem, order, sound, share)
    return tuple(routes)


def _widen_routes(
    problem: Problem, packed: Sequence[Route], spread: Sequence[Route], share: float
) -> tuple[Route, ...]:
    """Each tour in turn spread over more of its free time than this share, where the others allow it."""
    wide = list(spread)
    for team, route in enumerate(packed):
        for more in (part for part in _SPREADS if part > share):
            trial = _spread_route(problem, route, more)
            if trial is not None and not find_breaches(problem, [*wide[:team], trial, *wide[team + 1 :]]):
                wide[team] = trial
                break
    return tuple(wide)


def _reverse(problem: Problem, route: Route) -> Route:
    """The tour the other way round, from the beginning of the hours; its break is found when it is spread."""
    return schedule(replace(problem, pause=None), route.stops[::-1])


def _spread_route(problem: Problem, route: Route, share: float) -> Route | None:
    """One route with this share of its free time put between its stops; None if its break finds no place then."""
    if not route.stops:
        return route
    n = len(problem)
    leave_s = max(route.arrive_s[0] - int(problem.travel_s[n, route.stops[0]]), 0)
    packed = schedule(replace(problem, pause=None), route.stops, leave_s=leave_s)
    gap_s = int((problem.limit_s - packed.back_s) * share / len(route.stops)) // _MINUTE_S * _MINUTE_S
    if gap_s <= 0:
        return route
    arrive_s = tuple(reached_s + k * gap_s for k, reached_s in enumerate(packed.arrive_s))
    back_s = packed.back_s + len(route.stops) * gap_s
    if problem.pause is None or back_s <= problem.pause.latest_s:
        return Route(route.stops, arrive_s, None, back_s)
    middle_s = (problem.pause.earliest_s + problem.pause.latest_s) // 2
    begins = [
        (max(reached_s + int(problem.stop_s[place]), problem.pause.earliest_s), turn)
        for turn, (place, reached_s) in enumerate(zip(route.stops, arrive_s, strict=True))
    ]
    for break_s, turn in sorted(begins, key=lambda begin: abs(begin[0] - middle_s)):
        trial = _take_break(problem, Route(route.stops, arrive_s, break_s, back_s), turn)
        if not find_breaches(replace(problem, teams=1), [trial]):
            return trial
    return None


def _take_break(problem: Problem, route: Route, turn: int) -> Route:
    """The tour with its break after the stop of this turn: what comes later waits, where there is too little time."""
    if problem.pause is None or route.break_s is None:
        return route
    path = (*route.stops, len(problem) + 1)
    ready_s = route.break_s + problem.pause.length_s + int(problem.travel_s[path[turn], path[turn + 1]])
    late_s = max(ready_s - (*route.arrive_s, route.back_s)[turn + 1], 0)
    arrive_s = (*route.arrive_s[: turn + 1], *(reached_s + late_s for reached_s in route.arrive_s[turn + 1 :]))
    return replace(route, arrive_s=arrive_s, back_s=route.back_s + late_s)


def _find_leave_s(problem: Problem, route: Route) -> int:
    """The second at which a team leaves: as late as its first stop allows, unless it takes its break before."""
    if not route.stops:
        return route.back_s
    direct = route.arrive_s[0] - int(problem.travel_s[len(problem), route.stops[0]])
    if route.break_s is None or problem.pause is None or route.break_s >= route.arrive_s[0]:
        return direct
    return min(direct - problem.pause.length_s, route.break_s)


def _find_pauses(problem: Problem, route: Route, time: WorkingTime) -> tuple[Pause, ...]:
    """The break and the whole minutes of waiting between stops."""
    n, pauses = len(problem), list[Pause]()
    path = (n, *route.stops, n + 1)
    leave_s = [
        _find_leave_s(problem, route),
        *(arrived_s + int(problem.stop_s[place]) for place, arrived_s in zip(route.stops, route.arrive_s, strict=True)),
    ]
    arrive_s = (*route.arrive_s, route.back_s)

    def add(kind: Literal["break", "wait"], after: int, begin: int, end: int) -> None:
        if end - begin >= _MINUTE_S:
            pauses.append(Pause(kind, after, time.local_time(begin), time.local_time(end), (end - begin) // _MINUTE_S))

    for leg, (free_s, reach_s) in enumerate(zip(leave_s, arrive_s, strict=True) if route.stops else ()):
        break_s, travel_s = route.break_s, int(problem.travel_s[path[leg], path[leg + 1]])
        ready_s = free_s
        if break_s is not None and problem.pause and free_s <= break_s <= reach_s - travel_s - problem.pause.length_s:
            ready_s = break_s + problem.pause.length_s
            add("wait", leg, free_s, break_s)
            add("break", leg, break_s, ready_s)
        add("wait", leg, ready_s + travel_s, reach_s)
    return tuple(pauses)


def hash_short_id(*parts: object, arrays: Sequence[NDArray[np.generic]] = ()) -> str:
    """A code of six small letters and digits for choices, tours and data; equal ones have the same code.

    The tours are included, so that a visit recorded for stop "1-03" never seems to be of another place.
    """
    digest = hashlib.sha256("\x1f".join(map(repr, parts)).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return base64.b32encode(digest.digest())[:6].decode().lower()
