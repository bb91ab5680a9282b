"""What no tours can collect more than: relaxations of the team orienteering problem that hold for sure."""

import numpy as np

from geo.tour_problem import Problem

__all__ = ["knapsack_bound"]


def knapsack_bound(problem: Problem) -> float:
    """The most worth that fits into the teams' time if the way to each stop were the shortest there is, in part too.

    Every visit is reached over some way in, at best the shortest, and every tour ends with a way to the finish. Routes,
    the time between visits and who goes where are forgotten, so that no tours can collect more.
    """
    n = len(problem)
    if not n:
        return 0.0
    ways = problem.travel_s.astype(np.float64)
    np.fill_diagonal(ways, np.inf)
    use = problem.stop_s + np.minimum(ways[:n, :n].min(axis=0, initial=np.inf), ways[n, :n])
    pause = problem.pause.length_s if problem.pause else 0
    budget = problem.teams * (problem.limit_s - float(ways[:n, n + 1].min()))
    if problem.pause and problem.limit_s > problem.pause.latest_s:
        # A tour rests or is back by the break's latest start: in both cases so much is left for visits.
        budget -= problem.teams * min(pause, problem.limit_s - problem.pause.latest_s)
    worth = np.multiply.outer(np.array(problem.again), problem.worth).ravel()
    seconds = np.tile(use, len(problem.again))
    order = np.argsort(-worth / seconds, kind="stable")
    part = np.clip((budget - (np.cumsum(seconds[order]) - seconds[order])) / seconds[order], 0, 1)
    return float((worth[order] * part).sum())
