"""Problems of tours for tests: clustered towns, and exact solutions of small ones."""

import itertools

import numpy as np
import scipy.optimize
from scipy.sparse import lil_array

from geo.orienteering import Break, Problem

__all__ = ["best_by_highs", "best_by_trying", "town"]


def town(
    seed: int,
    *,
    places: int,
    teams: int = 1,
    hours: float = 3,
    visit_shares: tuple[float, ...] = (1.0,),
    least_gap_s: int = 7200,
    pause: Break | None = None,
    one_way: bool = False,
) -> Problem:
    """Places in clumps around a station, on foot: a few have most of the worth, and stops take 10 to 16 minutes."""
    random = np.random.default_rng(seed)
    clumps = random.uniform(0, 4000, (max(places // 15, 2), 2))
    places_m = clumps[random.integers(len(clumps), size=places)] + random.normal(0, 300, (places, 2))
    points = np.vstack([places_m, [[2000.0, 2000.0]] * 2])
    distances = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    if one_way:
        distances = distances * random.uniform(1, 1.5, distances.shape)
    return Problem(
        worth=random.gamma(0.7, 1.0, places),
        stop_s=random.integers(10, 17, places) * 60,
        travel_s=(np.ceil(distances * 1.3 / 1.33 / 60) * 60).astype(np.int64),
        limit_s=int(hours * 3600),
        teams=teams,
        visit_shares=visit_shares,
        least_gap_s=least_gap_s,
        pause=pause,
    )


def best_by_trying(problem: Problem) -> float:
    """The most that one team can collect without revisits: every order of every set of places."""
    n, best = len(problem), 0.0
    for count in range(1, n + 1):
        for order in itertools.permutations(range(n), count):
            path = (n, *order, n + 1)
            seconds = sum(int(problem.travel_s[a, b]) for a, b in itertools.pairwise(path))
            if seconds + int(problem.stop_s[list(order)].sum()) <= problem.limit_s:
                best = max(best, float(problem.worth[list(order)].sum()))
    return best


def best_by_highs(problem: Problem) -> float:
    """The most that teams can collect without revisits, by an integer programme of its own (Miller, Tucker, Zemlin).

    Variables: ways (n + 1 by n + 1, the last is start and finish), then the second at which each place is left.
    """
    n, limit = len(problem), float(problem.limit_s)
    size = (n + 1) * (n + 1)
    seconds = np.zeros((n + 1, n + 1))
    seconds[:n, :n] = problem.travel_s[:n, :n]
    seconds[n, :n], seconds[:n, n] = problem.travel_s[n, :n], problem.travel_s[:n, n + 1]
    goal = np.zeros(size + n)
    for place in range(n):
        goal[[a * (n + 1) + place for a in range(n + 1)]] -= problem.worth[place]
    rows = lil_array((2 * n + 1 + (n + 1) * n + n, size + n))
    low, high = np.full(rows.shape[0], -np.inf), np.full(rows.shape[0], np.inf)
    for place in range(n):
        for other in range(n + 1):
            rows[place, other * (n + 1) + place] += 1
            rows[place, place * (n + 1) + other] -= 1
            rows[n + place, other * (n + 1) + place] += 1
        low[place], high[place], high[n + place] = 0, 0, 1
    rows[2 * n, [n * (n + 1) + place for place in range(n)]] = 1
    high[2 * n] = problem.teams
    at = 2 * n + 1
    for before in range(n + 1):
        for place in range(n):
            if before != place:  # left(place) >= left(before) + way + stop, where the way is taken
                rows[at, size + place] = 1
                if before < n:
                    rows[at, size + before] = -1
                rows[at, before * (n + 1) + place] = -2 * limit
                low[at] = seconds[before, place] + problem.stop_s[place] - 2 * limit
            at += 1
    for place in range(n):
        rows[at, size + place] = 1
        rows[at, place * (n + 1) + n] = 2 * limit
        high[at] = limit - seconds[place, n] + 2 * limit
        at += 1
    upper = np.concatenate([np.ones(size), np.full(n, limit)])
    upper[[place * (n + 1) + place for place in range(n + 1)]] = 0
    solved = scipy.optimize.milp(
        goal,
        constraints=scipy.optimize.LinearConstraint(rows.tocsr(), low, high),
        integrality=np.concatenate([np.ones(size), np.zeros(n)]),
        bounds=scipy.optimize.Bounds(np.zeros(size + n), upper),
    )
    assert solved.success
    return -float(solved.fun)
