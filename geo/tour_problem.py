"""The team orienteering problem as Hexbeat has it: places worth visiting, teams with hours, tours and their rules.

A place's worth is collected by the first visit; further visits follow within a span of time and are worth less.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError

__all__ = ["Break", "Problem", "Route", "find_breaches", "find_late_revisits", "schedule", "schedule_all", "sum_worth"]


@dataclass(frozen=True, slots=True)
class Break:
    """A break of `length_s` that begins between `earliest_s` and `latest_s` after the start, where the team then is.

    A team that is back by `latest_s` needs none.
    """

    length_s: int
    earliest_s: int
    latest_s: int


@dataclass(frozen=True, eq=False)
class Problem:
    """n places and what a visit to each is worth; times in whole seconds.

    `worth` float64 (n,) of the first visit, 0 or more. `stop_s` int64 (n,) spent at a visit. `travel_s` int64
    (n + 2, n + 2) from row to column; row n is the start, n + 1 the finish. Every one of `teams` leaves at 0 and is
    back by `limit_s`. Visit k of a place (0 is the first) is worth `again[k]` of it, falling; it is visited
    len(`again`) times at most, each time `apart_s` or more, and `within_s` or less (None: any time), after the last
    visit's end, whoever made it. Never are two teams at one place.
    """

    worth: NDArray[np.float64]
    stop_s: NDArray[np.int64]
    travel_s: NDArray[np.int64]
    limit_s: int
    teams: int
    again: tuple[float, ...] = (1.0,)
    apart_s: int = 0
    within_s: int | None = None
    pause: Break | None = None

    def __post_init__(self) -> None:
        n = len(self.worth)
        falling = all(0 < late <= early for early, late in pairwise((1.0, *self.again)))
        shapes = self.stop_s.shape == (n,) and self.travel_s.shape == (n + 2, n + 2)
        signs = (self.worth >= 0).all() and (self.stop_s > 0).all() and (self.travel_s >= 0).all()
        pause = self.pause is None or (self.pause.length_s > 0 and 0 <= self.pause.earliest_s <= self.pause.latest_s)
        if not (shapes and signs and falling and pause and self.again and self.teams > 0):
            raise UsageError(
                "Tours are made of places with worths of 0 or more, stops above 0 and times between all of them",
                f"there are {n} worths, stops of shape {self.stop_s.shape} and times of shape {self.travel_s.shape}",
                "give one worth and one stop a place, times with start and finish, and worths of visits that fall",
            )
        if self.apart_s < 0 or (self.within_s is not None and self.within_s < self.apart_s):
            raise UsageError(
                "A place is seen again after a least time and before a most, neither below 0",
                f"they are {self.apart_s} and {self.within_s} s",
                "5400 and 10800 s are usual",
            )

    def __len__(self) -> int:
        return len(self.worth)

    @cached_property
    def travel_rows(self) -> list[list[int]]:
        """`travel_s` as lists, which are quicker to read one by one."""
        rows: list[list[int]] = self.travel_s.tolist()
        return rows

    @cached_property
    def stop_list(self) -> list[int]:
        """`stop_s` as a list."""
        seconds: list[int] = self.stop_s.tolist()
        return seconds


@dataclass(frozen=True, slots=True)
class Route:
    """One team's tour: places in order, the second at which each is reached, when a break begins, when it is over.

    `break_s` None: none is needed. `back_s` the second at which the finish is reached.
    """

    stops: tuple[int, ...]
    arrive_s: tuple[int, ...]
    break_s: int | None
    back_s: int


def schedule(problem: Problem, stops: Sequence[int], *, leave_s: int = 0) -> Route:
    """When a team that leaves at `leave_s`, and is alone, reaches each place: see `schedule_all`."""
    return schedule_all(problem, [stops], leave_s=[leave_s])[0]


def schedule_all(
    problem: Problem, tours: Sequence[Sequence[int]], *, leave_s: Sequence[int] | None = None
) -> list[Route]:
    """When teams that leave at `leave_s` (None: 0) reach each place of their tours, each as early as it can.

    A team that comes too soon after the last visit of a place, its own or another's, waits there; the break is taken as
    late as it may be. The hours, the number of visits and those that come too late after the last are not looked at:
    `find_breaches` does.
    """
    walks = [_Walk(problem, tour, leave) for tour, leave in zip(tours, leave_s or [0] * len(tours), strict=True)]
    coming = [(walk.reach, team) for team, walk in enumerate(walks) if walk.going]
    heapify(coming)
    free: dict[int, int] = {}
    while coming:
        _, team = heappop(coming)
        walk = walks[team]
        ready = free.get(walk.place, 0)
        if walk.reach < ready:
            walk.wait(ready)
        else:
            free[walk.place] = walk.reach + walk.stop[walk.place] + problem.apart_s
            walk.visit()
        if walk.going:
            heappush(coming, (walk.reach, team))
    return [walk.route() for walk in walks]


class _Walk:
    """One team under way: where it goes next and when it will be there."""

    def __init__(self, problem: Problem, tour: Sequence[int], leave_s: int) -> None:
        self.travel, self.stop, self.pause = problem.travel_rows, problem.stop_list, problem.pause
        self.tour, self.finish = tour, len(problem) + 1
        self.arrive: list[int] = []
        self.here, self.now, self.rested = len(problem), leave_s, -1
        self.head_on()

    def head_on(self) -> None:
        """To the next place, or the finish; first the break, if it could not begin in time after that stop."""
        self.going = len(self.arrive) < len(self.tour)
        self.place = self.tour[len(self.arrive)] if self.going else self.finish
        self.reach = self.now + self.travel[self.here][self.place]
        self.rest_before(self.reach)

    def rest_before(self, reach: int) -> None:
        if self.pause is None or self.rested >= 0:
            return
        done = reach + (self.stop[self.place] if self.going else 0)
        if done > self.pause.latest_s:
            self.rested = max(self.now, self.pause.earliest_s)
            self.reach = self.rested + self.pause.length_s + self.travel[self.here][self.place]

    def wait(self, ready: int) -> None:
        """Until a place may be visited again; a break that would come too late after that is taken instead."""
        self.rest_before(ready)
        self.reach = max(self.reach, ready)

    def visit(self) -> None:
        self.arrive.append(self.reach)
        self.here, self.now = self.place, self.reach + self.stop[self.place]
        self.head_on()

    def route(self) -> Route:
        return Route(tuple(self.tour), tuple(self.arrive), self.rested if self.rested >= 0 else None, self.reach)


def sum_worth(problem: Problem, stops: Sequence[Sequence[int]]) -> float:
    """What these tours (places of each team) are worth together."""
    times = np.bincount(np.array([place for tour in stops for place in tour], dtype=np.intp), minlength=len(problem))
    running = np.concatenate([[0.0], np.cumsum(problem.again)])
    return float((problem.worth * running[np.minimum(times, len(problem.again))]).sum())


def find_late_revisits(problem: Problem, routes: Sequence[Route]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Visits that begin more than `within_s` after the last of their place: that one's team and turn, and theirs."""
    if problem.within_s is None or len(problem.again) == 1:
        return []
    visits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for team, route in enumerate(routes):
        for turn, (place, reach) in enumerate(zip(route.stops, route.arrive_s, strict=True)):
            visits[place].append((reach, team, turn))
    found = []
    for place, times in visits.items():
        most = problem.stop_list[place] + problem.within_s
        for early, late in pairwise(sorted(times)) if len(times) > 1 else ():
            if late[0] - early[0] > most:
                found.append((early[1:], late[1:]))
    return found


def find_breaches(problem: Problem, routes: Sequence[Route]) -> list[str]:
    """Every rule of the problem that timed tours break, in words; empty for a sound plan. Trusts no other function."""
    found = []
    if len(routes) > problem.teams:
        found.append(f"{len(routes)} tours for {problem.teams} teams")
    visits: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for team, route in enumerate(routes):
        found += [f"tour {team}: {what}" for what in _find_route_breaches(problem, route)]
        for place, reach in zip(route.stops, route.arrive_s, strict=True):
            visits[place].append((reach, reach + int(problem.stop_s[place])))
    for place, spans in visits.items():
        if len(spans) > len(problem.again):
            found.append(f"place {place} is visited {len(spans)} times")
        if any(late[0] - early[1] < problem.apart_s for early, late in pairwise(sorted(spans))):
            found.append(f"place {place} is visited again too soon")
        within = problem.within_s
        if within is not None and any(late[0] - early[1] > within for early, late in pairwise(sorted(spans))):
            found.append(f"place {place} is visited again too late")
    return found


def _find_route_breaches(problem: Problem, route: Route) -> list[str]:
    n, found = len(problem), []
    path = (n, *route.stops, n + 1)
    left = [0, *(a + int(problem.stop_s[p]) for p, a in zip(route.stops, route.arrive_s, strict=True))]
    reached = [*route.arrive_s, route.back_s]
    pause, begun = problem.pause, route.break_s
    for (here, there), leave, reach in zip(pairwise(path), left, reached, strict=True):
        needed = int(problem.travel_s[here, there])
        if begun is not None and pause is not None and leave <= begun <= reach:
            needed += pause.length_s
            begun_here = begun >= leave and begun + pause.length_s + int(problem.travel_s[here, there]) <= reach
            found += [] if begun_here else ["the break overlaps the way"]
            pause = None  # it lies in one leg
        if reach - leave < needed:
            found.append(f"too little time from {here} to {there}")
    if route.back_s > problem.limit_s:
        found.append(f"back {route.back_s - problem.limit_s} s late")
    if problem.pause is not None:
        wanted = route.back_s > problem.pause.latest_s
        if wanted and begun is None:
            found.append("no break")
        if begun is not None and not problem.pause.earliest_s <= begun <= problem.pause.latest_s:
            found.append("the break begins at the wrong time")
        if begun is not None and pause is not None:
            found.append("the break lies in a stop")
    return found
