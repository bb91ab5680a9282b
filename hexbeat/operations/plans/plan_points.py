"""Where to stand in the cells of a plan: the busiest point of snapped records, else the middle of the cell."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hexbeat.analysis.daily_counts import find_cells, find_place_records
from hexbeat.analysis.study import Study
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.precision import LocationPrecision, describe_places, number_points
from layers.wording import format_cell_width

__all__ = ["PLAN_RESOLUTION", "PlanPoints", "choose_plan_resolution", "describe_plan_places", "find_plan_points"]

PLAN_RESOLUTION: Final = 10  # 0.015 km2, nearest to the 150 m squares of hot-spot policing


@dataclass(frozen=True, slots=True, eq=False)
class PlanPoints:
    """For each cell of a study `lon` and `lat` float64 (n,), and the `number` float64 (n,) of its snapped points."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    number: NDArray[np.float64]


def find_plan_points(columns: Columns, study: Study, layers: Iterable[str]) -> PlanPoints:
    """The points of the records of these layers, which are snapped; without layers the middles of the cells.

    Finds of sweeps do not count. Of equally busy points of a cell the westernmost counts.
    """
    lon, lat = study.lon.copy(), study.lat.copy()
    parts = [find_place_records(columns, study, layer) for layer in layers]
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    cell = find_cells(columns, study, rows)
    point, first = number_points(columns, rows)
    at = cell[first]
    busiest = np.lexsort((-np.arange(len(first)), np.bincount(point, minlength=len(first))))  # the busiest last
    lon[at[busiest]] = columns.lon[rows[first[busiest]]]
    lat[at[busiest]] = columns.lat[rows[first[busiest]]]
    return PlanPoints(lon, lat, np.bincount(at, minlength=len(study)).astype(np.float64))


def choose_plan_resolution(precisions: Iterable[LocationPrecision]) -> int:
    """The size of a plan's cells: PLAN_RESOLUTION, or larger where the records know no better."""
    return min(PLAN_RESOLUTION, *(precision.finest for precision in precisions))


def describe_plan_places(layer: str, precision: LocationPrecision, study: Study) -> str:
    """What the places of a plan are where records are not exact; "" where they are."""
    if not precision.snapped and precision.finest == RESOLUTIONS[-1]:
        return ""
    records = f"records of {find_layer(layer).title.lower()}"
    stop = ", and a stop is at the point with the most records" if precision.snapped else ""
    width = format_cell_width(study.resolution)
    return f"{describe_places(precision, records=records)}. So places are {width} across{stop}."
