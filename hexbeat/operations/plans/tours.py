"""From solved tours to a plan's tours: local times, places in words, and a short stable code."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo.orienteering import Problem, Route
from hexbeat.analysis.study import Study
from hexbeat.areas.place_names import format_cell_name
from hexbeat.operations.plans.plan import Pause, Place, Stop, Tour
from hexbeat.operations.plans.roads import Ways
from hexbeat.operations.plans.working_time import WorkingTime

__all__ = ["VisitedPlace", "build_tour", "build_visited_places", "hash_short_id"]

_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class VisitedPlace:
    """A place of a plan, whichever team visits it and how often. For the fields see `Stop`."""

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
    """Cells of a study in words, in their order; where each is gone to and what is there, (k,), by that order."""
    return [
        VisitedPlace(
            place=format_cell_name(str(study.ward_names[cell]), int(study.cells[cell])),
            cell=str(study.names[cell]),
            ward_code=str(study.ward_codes[cell]),
            ward_name=str(study.ward_names[cell]),
            lon=round(float(lon[k]), 6),
            lat=round(float(lat[k]), 6),
            expected=float(expected[k]),
            open_reports=0 if open_reports is None else int(open_reports[k]),
        )
        for k, cell in enumerate(cells.tolist())
    ]


def build_tour(
    problem: Problem,
    route: Route,
    places: Sequence[VisitedPlace],
    ways: Ways,
    *,
    time: WorkingTime,
    ends: tuple[Place, Place],
    named: tuple[int, str],
    reason: Callable[[int, int], str],
) -> Tour:
    """One team's tour in words. `named` is the team's number and name; stops are named by number and order ("1-03").

    `reason` is called with the place and the second (from the beginning of the working time) at which it is reached.
    """
    number, team = named
    stops = []
    for order, (place, reach) in enumerate(zip(route.stops, route.arrive_s, strict=True), start=1):
        seen, spent = places[place], int(problem.stop_s[place])
        stops.append(
            Stop(
                stop_id=f"{number}-{order:02d}",
                order=order,
                place=seen.place,
                cell=seen.cell,
                ward_code=seen.ward_code,
                ward_name=seen.ward_name,
                lon=seen.lon,
                lat=seen.lat,
                arrive=time.moment(reach),
                leave=time.moment(reach + spent),
                minutes=spent // 60,
                expected=seen.expected,
                reason=reason(place, reach),
                open_reports=seen.open_reports,
            )
        )
    path = np.array([len(problem), *route.stops, len(problem) + 1])
    seconds = int(problem.travel_s[path[:-1], path[1:]].sum())
    return Tour(
        team=team,
        start=ends[0],
        finish=ends[1],
        leaves=time.moment(_find_leave_s(problem, route)),
        returns=time.moment(route.back_s),
        stops=tuple(stops),
        travel_minutes=seconds / 60,
        travel_km=float(ways.km[path[:-1], path[1:]].sum()),
        pauses=_find_pauses(problem, route, time),
    )


def _find_leave_s(problem: Problem, route: Route) -> int:
    """The second at which a team leaves; as late as it can for its first stop, unless it rests before."""
    if not route.stops:
        return route.back_s
    direct = route.arrive_s[0] - int(problem.travel_s[len(problem), route.stops[0]])
    if route.break_s is None or problem.pause is None or route.break_s >= route.arrive_s[0]:
        return direct
    return min(direct - problem.pause.length_s, route.break_s)


def _find_pauses(problem: Problem, route: Route, time: WorkingTime) -> tuple[Pause, ...]:
    """What lies between stops beside the way: the break, and whole minutes of waiting."""
    n, found = len(problem), list[Pause]()
    path = (n, *route.stops, n + 1)
    left = [
        _find_leave_s(problem, route),
        *(at + int(problem.stop_s[place]) for place, at in zip(route.stops, route.arrive_s, strict=True)),
    ]
    reached = (*route.arrive_s, route.back_s)

    def add(kind: Literal["break", "wait"], after: int, begin: int, end: int) -> None:
        if end - begin >= _MINUTE_S:
            found.append(Pause(kind, after, time.moment(begin), time.moment(end), (end - begin) // _MINUTE_S))

    for leg, (free, reach) in enumerate(zip(left, reached, strict=True) if route.stops else ()):
        begun, way = route.break_s, int(problem.travel_s[path[leg], path[leg + 1]])
        on = free
        if begun is not None and problem.pause and free <= begun <= reach - way - problem.pause.length_s:
            on = begun + problem.pause.length_s
            add("wait", leg, free, begun)
            add("break", leg, begun, on)
        add("wait", leg, on + way, reach)
    return tuple(found)


def hash_short_id(*parts: object, arrays: Sequence[NDArray[np.generic]] = ()) -> str:
    """Six small letters and digits that stand for choices, tours and data; equal ones have the same code.

    The tours are part of it: what is recorded for stop "1-03" must never be read as for another place.
    """
    digest = hashlib.sha256("\x1f".join(map(repr, parts)).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return base64.b32encode(digest.digest())[:6].decode().lower()
