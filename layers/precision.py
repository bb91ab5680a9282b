"""Location precision: whether the places of a layer are snapped to points, and how small its cells may be.

Police.uk moves every crime to the nearest of its anchor points, so many events of many days lie at exactly one place.
Places that were measured, or put on a map by hand, hardly ever coincide to the last digit.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import PRECISIONS, RESOLUTIONS
from layers.wording import format_cell_width, format_plural

__all__ = ["SNAPPED_SHARE", "LocationPrecision", "describe_precision", "measure_precision", "number_points"]

SNAPPED_SHARE: Final = 0.2  # police.uk: 0.7 of a year of one town; the demonstration: under 0.01
_FEWEST_SHARED: Final = 5  # fewer points that come again are a few busy addresses
_MOST_OF: Final = 0.5


@dataclass(frozen=True, slots=True)
class LocationPrecision:
    """How well the places of a layer are known.

    `shared` is the share of events (0 to 1) whose exact coordinates are also those of an event of another day. Events
    known only to their month have no day: any two of them count as of other days. `kind` is "snapped" where `shared` is
    SNAPPED_SHARE or more and at least five points hold events of several days; else "exact". `points` is how many
    distinct points there are. `finest` is the smallest resolution in which an analysis may speak: 11 for exact places.
    For snapped ones it is the finest at which most points have another point in their cell, and 8 where none is.
    """

    kind: Literal["exact", "snapped"]
    events: int
    points: int
    shared: float
    finest: int

    @property
    def snapped(self) -> bool:
        """Whether the places are snapped."""
        return self.kind == "snapped"


def measure_precision(columns: Columns, layer: str, *, time_zone: str) -> LocationPrecision:
    """Measure the location precision of a layer by the places and local days of its events.

    It misleads for few events: a hundred records on 2,500 points hardly coincide, and look exact.
    """
    own = np.flatnonzero(columns.layer == find_layer_code(layer))
    point, first = number_points(columns, own)
    days = _count_days(point, _number_days(columns, own, time_zone), points=len(first))
    shared = float((days[point] > 1).mean()) if len(own) else 0.0
    if shared < SNAPPED_SHARE or np.count_nonzero(days > 1) < _FEWEST_SHARED:
        return LocationPrecision("exact", len(own), len(first), shared, RESOLUTIONS[-1])
    return LocationPrecision("snapped", len(own), len(first), shared, _find_finest(columns, own[first]))


def number_points(columns: Columns, index: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The number of the point at which each of these events lies (n,), and for each point one of its events (points,).

    Events lie at one point if their coordinates are exactly equal. The second array holds places in `index`.
    """
    places = columns.lon[index] + 1j * columns.lat[index]
    _, first, point = np.unique(places, return_index=True, return_inverse=True)
    return point, first


def describe_precision(precision: LocationPrecision) -> str:
    """As in "Records are snapped to 442 points, so cells are no smaller than 350 m across."; "" for exact places."""
    if not precision.snapped:
        return ""
    points = format_plural(precision.points, "point", "points")
    return (
        f"Records are snapped to {points}, so cells are no smaller than {format_cell_width(precision.finest)} across."
    )


def _number_days(columns: Columns, own: NDArray[np.int64], time_zone: str) -> NDArray[np.int64]:
    """The local day of each event (n,); events known only to their month have a number of their own, below 0."""
    day = np.asarray(Calendar(time_zone).days(columns.start[own]), dtype=np.int64)
    month_only = columns.precision[own] == PRECISIONS.index("month")
    return np.where(month_only, day.min(initial=0) - 1 - np.arange(len(own)), day)


def _count_days(point: NDArray[np.intp], day: NDArray[np.int64], *, points: int) -> NDArray[np.intp]:
    """On how many days each point (points,) has events."""
    if not len(point):
        return np.zeros(points, dtype=np.intp)
    span = int(day.max() - day.min()) + 1
    pairs = np.unique(point.astype(np.int64) * span + (day - day.min()))
    return np.bincount(pairs // span, minlength=points)


def _find_finest(columns: Columns, one_each: NDArray[np.int64]) -> int:
    """The finest resolution at which most points, given by an event of each, share their cell with another."""
    for resolution in reversed(RESOLUTIONS):
        cell = columns.cell[resolution][one_each]
        if (np.bincount(cell)[cell] > 1).mean() > _MOST_OF:
            return resolution
    return RESOLUTIONS[0]
