"""What can have happened in some pieces, by integer programmes with HiGHS: nothing of the rule's or the audit's code.

A variable a node for what it hands up or publishes, and one that is 1 where a failed node's total is above the guard.
Integers throughout: a linear relaxation would allow histories that are none, and miss what can be proved.
"""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

__all__ = ["can_sum_to", "lowest_and_highest"]


def lowest_and_highest(
    shown: np.ndarray, count: np.ndarray, parent: np.ndarray, k: int, chosen: list[int]
) -> tuple[int, int]:
    """The least and the most events of the chosen leaves together, over every history that gives what is published."""
    rows, bounds = _programme(shown, count, parent, k)
    answers = [_solve(sign * _goal(len(parent), chosen), rows, bounds) for sign in (1, -1)]
    assert all(answer.status == 0 for answer in answers)
    return round(answers[0].fun), -round(answers[1].fun)


def can_sum_to(shown: np.ndarray, count: np.ndarray, parent: np.ndarray, k: int, chosen: list[int], total: int) -> bool:
    """Whether some history that gives what is published has exactly so many events in the chosen leaves."""
    rows, bounds = _programme(shown, count, parent, k)
    goal = _goal(len(parent), chosen)
    answer = _solve(np.zeros_like(goal), [*rows, (goal, float(total), float(total))], bounds)
    assert answer.status in (0, 2)
    return bool(answer.status == 0)


Row = tuple[np.ndarray, float, float]


def _goal(nodes: int, chosen: list[int]) -> np.ndarray:
    goal = np.zeros(2 * nodes)
    goal[chosen] = 1
    return goal


def _solve(goal: np.ndarray, rows: list[Row], bounds: Bounds) -> object:
    constraints = LinearConstraint(*(np.array(part) for part in zip(*rows, strict=True)))
    return milp(goal, integrality=np.ones(len(goal)), bounds=bounds, constraints=constraints)


def _programme(shown: np.ndarray, count: np.ndarray, parent: np.ndarray, k: int) -> tuple[list[Row], Bounds]:
    nodes = len(parent)
    lower, upper = np.zeros(2 * nodes), np.zeros(2 * nodes)
    upper[nodes:] = 1
    rows: list[Row] = []
    fails = np.zeros(nodes, dtype=bool)
    for node in range(nodes):
        children = np.flatnonzero(parent == node)
        members = children[fails[children]]
        fails[node] = not shown[node] and (len(children) == 0 or len(members) > 0)
        if shown[node]:
            lower[node] = upper[node] = count[node]
        else:
            upper[node] = k - 1 if len(children) == 0 else upper[members].sum()
        if len(children):
            rows.append((_row(nodes, {**dict.fromkeys(members.tolist(), 1.0), node: -1.0}), 0.0, 0.0))
            guard = (len(members) - 1) * (k - 1)
            if fails[node] and guard >= k:
                most = float(upper[node])
                rows.append((_row(nodes, {node: 1.0, nodes + node: -most}), -np.inf, k - 1.0))
                rows.append((_row(nodes, {node: 1.0, nodes + node: -(guard + 1.0)}), 0.0, np.inf))
    return rows, Bounds(lower, upper)


def _row(nodes: int, terms: dict[int, float]) -> np.ndarray:
    row = np.zeros(2 * nodes)
    for place, factor in terms.items():
        row[place] = factor
    return row
