"""Where to stand in the cells of a plan: the busiest point of snapped records, else the middle of the cell."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.cells import build_outlines
from hexbeat.analysis.daily_counts import find_cells
from hexbeat.analysis.study import Study
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.precision import number_points

__all__ = ["PlanPoints", "find_plan_points"]


@dataclass(frozen=True, slots=True, eq=False)
class PlanPoints:
    """For each cell of a study `lon` and `lat` float64 (n,), and the `number` float64 (n,) of its snapped points."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    number: NDArray[np.float64]


def find_plan_points(columns: Columns, study: Study, layers: Iterable[str]) -> PlanPoints:
    """The points of the events of these layers, which are snapped; without layers the middles of the cells.

    Of equally busy points of a cell the westernmost counts.
    """
    centres = shapely.centroid(build_outlines(study.cells))
    lon, lat = shapely.get_x(centres), shapely.get_y(centres)
    rows = np.flatnonzero(np.isin(columns.layer, [find_layer_code(layer) for layer in layers]))
    cell = find_cells(columns, study, rows)
    rows, cell = rows[cell >= 0], cell[cell >= 0]
    point, first = number_points(columns, rows)
    at = cell[first]
    busiest = np.lexsort((-np.arange(len(first)), np.bincount(point, minlength=len(first))))  # the busiest last
    lon[at[busiest]] = columns.lon[rows[first[busiest]]]
    lat[at[busiest]] = columns.lat[rows[first[busiest]]]
    return PlanPoints(lon, lat, np.bincount(at, minlength=len(study)).astype(np.float64))
