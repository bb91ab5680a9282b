"""Snapped records by point: what a choice of cells can catch where events lie only at some points.

Between the points no record can lie. So chance, and a share "of the area", are among the points and not among cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexbeat.analysis.daily_counts import Weeks, count_by, find_cells, find_known_days
from hexbeat.analysis.study import Study
from layers.columns import Columns
from layers.precision import number_points

__all__ = ["PointWeeks", "count_point_weeks", "count_points"]


@dataclass(frozen=True, slots=True, eq=False)
class PointWeeks:
    """Weekly counts by point: `counts` float64 (weeks, points), in the weeks of `Weeks`.

    `cell` int64 (points,) is the position of each point's cell in the study of `cells` cells.
    """

    counts: NDArray[np.float64]
    cell: NDArray[np.int64]
    cells: int

    def find_known(self, week: int) -> NDArray[np.bool_]:
        """The points (points,) at which an event was seen before a week."""
        return np.asarray(self.counts[:week].any(axis=0))

    def measure_sizes(self, week: int) -> NDArray[np.float64]:
        """How many points of each cell were seen before a week, float64 (cells,)."""
        return np.bincount(self.cell[self.find_known(week)], minlength=self.cells).astype(np.float64)

    def count_catchable(self, week: int) -> NDArray[np.float64]:
        """The events of a week at points seen before it, by cell (cells,): nobody could choose the others."""
        known = self.find_known(week)
        caught = np.bincount(self.cell[known], weights=self.counts[week][known], minlength=self.cells)
        return caught.astype(np.float64)


def count_point_weeks(columns: Columns, layer: str, study: Study, weeks: Weeks, *, time_zone: str) -> PointWeeks:
    """The events of `count_weeks` by point instead of by cell."""
    events = find_known_days(columns, layer, time_zone=time_zone)
    week, cell = weeks.find_weeks(events.day), find_cells(columns, study, events.index)
    inside = (week >= 0) & (cell >= 0)
    point, first = number_points(columns, events.index[inside])
    counts = count_by(week[inside], point, time_count=len(weeks.number), place_count=len(first))
    return PointWeeks(counts, cell[inside][first], len(study))


def count_points(columns: Columns, study: Study, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many distinct points of these events each cell of the study has, float64 (n,)."""
    cell = find_cells(columns, study, index)
    _, first = number_points(columns, index[cell >= 0])
    return np.bincount(cell[cell >= 0][first], minlength=len(study)).astype(np.float64)
