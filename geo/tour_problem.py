"""The team orienteering problem: places that are worth a visit, teams with limited hours, and the rules of tours.

The first visit collects the worth of a place. Later visits collect less, and must come within a span of time.
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
    """A break of `length_s` that begins between `earliest_s` and `latest_s` after the start, wherever the team is.

    A team that is back by `latest_s` needs no break.
    """

    length_s: int
    earliest_s: int
    latest_s: int


@dataclass(frozen=True, eq=False)
class Problem:
    """n places and what a visit to each is worth; times in whole seconds.

    `worth` float64 (n,) of the first visit, 0 or more. `stop_s` int64 (n,) is the time that a visit takes. `travel_s`
    int64 (n + 2, n + 2) from row to column; row n is the start, row n + 1 the finish. Each of `teams` leaves at 0 and
    is back by `limit_s`.
    Visit k of a place (0 is the first) collects the share `visit_shares[k]` of its worth; the shares never rise. A
    place has at most len(`visit_shares`) visits. Between the end of one visit and the start of the next, by any team,
    lie at least `least_gap_s` and at most `most_gap_s` (None: no limit). Two teams are never at one place. A tour has
    at most `most_stops` visits (None: as many as fit).
    """

    worth: NDArray[np.float64]
    stop_s: NDArray[np.int64]
    travel_s: NDArray[np.int64]
    limit_s: int
    teams: int
    visit_shares: tuple[float, ...] = (1.0,)
    least_gap_s: int = 0
    most_gap_s: int | None = None
    pause: Break | None = None
    most_stops: int | None = None

    def __post_init__(self) -> None:
        n = len(self.worth)
        falling = all(0 < later <= earlier for earlier, later in pairwise((1.0, *self.visit_shares)))
        shapes = self.stop_s.shape == (n,) and self.travel_s.shape == (n + 2, n + 2)
        signs = (self.worth >= 0).all() and (self.stop_s > 0).all() and (self.travel_s >= 0).all()
        pause = self.pause is None or (self.pause.length_s > 0 and 0 <= self.pause.earliest_s <= self.pause.latest_s)
        if not (shapes and signs and falling and pause and self.visit_shares and self.teams > 0):
            raise UsageError(
                "Each place needs a worth of 0 or more, a stop above 0 and travel times to all the others",
                f"there are {n} worths, stops of shape {self.stop_s.shape} and times of shape {self.travel_s.shape}",
                "give one worth and one stop for each place, times with start and finish, and shares that never rise",
            )
        if self.least_gap_s < 0 or (self.most_gap_s is not None and self.most_gap_s < self.least_gap_s):
            raise UsageError(
                "The least time between two visits of a place is 0 or more, and the most is no shorter",
                f"they are {self.least_gap_s} and {self.most_gap_s} s",
                "use for example 5400 and 10800 s",
            )

    def __len__(self) -> int:
        return len(self.worth)

    @cached_property
    def travel_rows(self) -> list[list[int]]:
        """`travel_s` as lists: reading one number at a time is faster than from an array."""
        rows: list[list[int]] = self.travel_s.tolist()
        return rows

    @cached_property
    def stop_list(self) -> list[int]:
        """`stop_s` as a list."""
        seconds: list[int] = self.stop_s.tolist()
        return seconds


@dataclass(frozen=True, slots=True)
class Route:
    """One team's tour: the places in order, and the second at which the team reaches each.

    `break_s` is the second at which the break begins; None: no break is needed. `back_s` is the second at which the
    team reaches the finish.
    """

    stops: tuple[int, ...]
    arrive_s: tuple[int, ...]
    break_s: int | None
    back_s: int


def schedule(problem: Problem, stops: Sequence[int], *, leave_s: int = 0) -> Route:
    """The times of one team that leaves at `leave_s` and is alone: see `schedule_all`."""
    return schedule_all(problem, [stops], leave_s=[leave_s])[0]


def schedule_all(
    problem: Problem, tours: Sequence[Sequence[int]], *, leave_s: Sequence[int] | None = None
) -> list[Route]:
    """The times of teams that leave at `leave_s` (None: 0) and reach each place of their tours as early as they can.

    A team that comes too soon after the last visit of a place, by any team, waits there. A break is taken as late as
    the rules allow. This function does not check the hours, the number of visits or visits that come too late after
    the last one: `find_breaches` does.
    """
    walks = [_Walk(problem, tour, leave) for tour, leave in zip(tours, leave_s or [0] * len(tours), strict=True)]
    arrivals = [(walk.arrival, team) for team, walk in enumerate(walks) if walk.going]
    heapify(arrivals)
    free_from: dict[int, int] = {}
    while arrivals:
        _, team = heappop(arrivals)
        walk = walks[team]
        ready = free_from.get(walk.place, 0)
        if walk.arrival < ready:
            walk.wait(ready)
        else:
            free_from[walk.place] = walk.arrival + walk.stop[walk.place] + problem.least_gap_s
            walk.visit()
        if walk.going:
            heappush(arrivals, (walk.arrival, team))
    return [walk.build_route() for walk in walks]


class _Walk:
    """One team on its way: where it goes next and when it arrives.

    It is at `position` and free to leave at `free_s`. `arrival` is when it reaches the next `place`. `break_s` is -1
    until the break is taken.
    """

    def __init__(self, problem: Problem, tour: Sequence[int], leave_s: int) -> None:
        self.travel, self.stop, self.pause = problem.travel_rows, problem.stop_list, problem.pause
        self.tour, self.finish = tour, len(problem) + 1
        self.arrive: list[int] = []
        self.position, self.free_s, self.break_s = len(problem), leave_s, -1
        self.plan_next_leg()

    def plan_next_leg(self) -> None:
        """Go to the next place or to the finish. Take the break first if it could not begin in time after that stop."""
        self.going = len(self.arrive) < len(self.tour)
        self.place = self.tour[len(self.arrive)] if self.going else self.finish
        self.arrival = self.free_s + self.travel[self.position][self.place]
        self.take_break_before(self.arrival)

    def take_break_before(self, arrival: int) -> None:
        if self.pause is None or self.break_s >= 0:
            return
        done = arrival + (self.stop[self.place] if self.going else 0)
        if done > self.pause.latest_s:
            self.break_s = max(self.free_s, self.pause.earliest_s)
            self.arrival = self.break_s + self.pause.length_s + self.travel[self.position][self.place]

    def wait(self, ready: int) -> None:
        """Wait until the place may be visited again, or take the break now if it would come too late after that."""
        self.take_break_before(ready)
        self.arrival = max(self.arrival, ready)

    def visit(self) -> None:
        self.arrive.append(self.arrival)
        self.position, self.free_s = self.place, self.arrival + self.stop[self.place]
        self.plan_next_leg()

    def build_route(self) -> Route:
        return Route(tuple(self.tour), tuple(self.arrive), self.break_s if self.break_s >= 0 else None, self.arrival)


def sum_worth(problem: Problem, stops: Sequence[Sequence[int]]) -> float:
    """What these tours (the places of each team) are worth together."""
    visit_counts = np.bincount(
        np.array([place for tour in stops for place in tour], dtype=np.intp), minlength=len(problem)
    )
    total_shares = np.concatenate([[0.0], np.cumsum(problem.visit_shares)])
    return float((problem.worth * total_shares[np.minimum(visit_counts, len(problem.visit_shares))]).sum())


def find_late_revisits(problem: Problem, routes: Sequence[Route]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of visits to one place more than `most_gap_s` apart: (team, turn) of the earlier and of the later visit."""
    if problem.most_gap_s is None or len(problem.visit_shares) == 1:
        return []
    visits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for team, route in enumerate(routes):
        for turn, (place, arrival) in enumerate(zip(route.stops, route.arrive_s, strict=True)):
            visits[place].append((arrival, team, turn))
    late_pairs = []
    for place, arrivals in visits.items():
        longest_s = problem.stop_list[place] + problem.most_gap_s
        for early, late in pairwise(sorted(arrivals)) if len(arrivals) > 1 else ():
            if late[0] - early[0] > longest_s:
                late_pairs.append((early[1:], late[1:]))
    return late_pairs


def find_breaches(problem: Problem, routes: Sequence[Route]) -> list[str]:
    """Every rule that timed tours break, in words; empty for a sound plan. Uses no function that makes tours."""
    breaches = []
    if len(routes) > problem.teams:
        breaches.append(f"{len(routes)} tours for {problem.teams} teams")
    visits: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for team, route in enumerate(routes):
        if problem.most_stops is not None and len(route.stops) > problem.most_stops:
            breaches.append(f"tour {team} has {len(route.stops)} stops")
        breaches += [f"tour {team}: {breach}" for breach in _find_route_breaches(problem, route)]
        for place, arrival in zip(route.stops, route.arrive_s, strict=True):
            visits[place].append((arrival, arrival + int(problem.stop_s[place])))
    for place, spans in visits.items():
        if len(spans) > len(problem.visit_shares):
            breaches.append(f"place {place} is visited {len(spans)} times")
        if any(late[0] - early[1] < problem.least_gap_s for early, late in pairwise(sorted(spans))):
            breaches.append(f"place {place} is visited again too soon")
        within = problem.most_gap_s
        if within is not None and any(late[0] - early[1] > within for early, late in pairwise(sorted(spans))):
            breaches.append(f"place {place} is visited again too late")
    return breaches


def _find_route_breaches(problem: Problem, route: Route) -> list[str]:
    n, breaches = len(problem), []
    path = (n, *route.stops, n + 1)
    departures = [0, *(a + int(problem.stop_s[p]) for p, a in zip(route.stops, route.arrive_s, strict=True))]
    arrivals = [*route.arrive_s, route.back_s]
    open_break, break_s = problem.pause, route.break_s
    for (origin, destination), departure, arrival in zip(pairwise(path), departures, arrivals, strict=True):
        needed = int(problem.travel_s[origin, destination])
        if break_s is not None and open_break is not None and departure <= break_s <= arrival:
            needed += open_break.length_s
            if break_s + needed > arrival:
                breaches.append("the break overlaps the way")
            open_break = None  # it lies in one leg
        if arrival - departure < needed:
            breaches.append(f"too little time from {origin} to {destination}")
    if route.back_s > problem.limit_s:
        breaches.append(f"back {route.back_s - problem.limit_s} s late")
    if problem.pause is not None:
        needs_break = route.back_s > problem.pause.latest_s
        if needs_break and break_s is None:
            breaches.append("no break")
        if break_s is not None and not problem.pause.earliest_s <= break_s <= problem.pause.latest_s:
            breaches.append("the break begins at the wrong time")
        if break_s is not None and open_break is not None:
            breaches.append("the break lies in a stop")
    return breaches
