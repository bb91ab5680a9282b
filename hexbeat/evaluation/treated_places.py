"""Treated places and the events that they are compared on: places as shapes, events as points in metres."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from geo.cells import build_outlines, parse_cell_strings
from hexbeat.analysis.study import Study, load_study, project
from hexbeat.areas.area import Area
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.counting import select
from layers.coverage import Spans, join_spans, subtract_spans
from layers.event import REPORTERS
from layers.filters import Filter
from layers.periods import get_coverage

__all__ = [
    "EventPoints",
    "Shape",
    "TreatedPlace",
    "build_cell_outline",
    "build_event_points",
    "build_ward_outline",
    "find_middles",
]

WITHOUT_SWEEPS = tuple(name for name in REPORTERS if name != "sweep")


@dataclass(frozen=True, slots=True)
class TreatedPlace:
    """A place where something was done from local date `start` until `end`, exclusive (None: without end).

    A circle around (lon, lat), or `outline`: a polygon in degrees as WKT, and (lon, lat) its middle. `event_id` is that
    of a closure, else None.
    """

    name: str
    lon: float
    lat: float
    start: dt.date
    end: dt.date | None = None
    outline: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A shape in metres around (0, 0).

    `reach_m` is how far the shape goes from its middle, `radius_m` the radius of a circle of its size.
    """

    outline: shapely.Geometry
    reach_m: float
    radius_m: float

    def ring(self, ring_m: float) -> "Shape":
        """The ring around the shape, `ring_m` wide."""
        around = shapely.difference(shapely.buffer(self.outline, ring_m), self.outline)
        return Shape(around, self.reach_m + ring_m, self.radius_m + ring_m)


@dataclass(frozen=True, eq=False)
class EventPoints:
    """The n events of some layers: `index` into the columns, `x_m`, `y_m` (n,) in the plane of `study`.

    `harm` (n,) is the weight of each event: 1 unless weights were given. `unit` is the sum of squared weights over
    their sum, so that weighted counts divided by it vary about as Poisson counts do.
    """

    columns: Columns
    area: Area
    study: Study
    layers: tuple[str, ...]
    reported_by: tuple[str, ...]
    index: NDArray[np.int64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    harm: NDArray[np.float64]

    @cached_property
    def unit(self) -> float:
        """The unit of weighted counts; 1 for plain counts."""
        total = float(self.harm.sum())
        return float((self.harm**2).sum()) / total if total > 0 else 1.0

    def find_missing(self, start: dt.date, end: dt.date) -> Spans:
        """The days of [start, end) that are not known of all layers in all wards: controls come from all of them.

        Days that other sources cover than the last known one count as not known, because they cannot be compared.
        """
        coverage = get_coverage(self.columns, time_zone=self.area.time_zone, reported_by=self.reported_by)
        period = (start, end)
        known_layers = [name for name in self.layers if coverage.find_reach(name)]
        return join_spans(
            span
            for name in known_layers
            for span in subtract_spans((period,), coverage.find_known_like_last(name, period))
            if start < end
        )

    @cached_property
    def tree(self) -> cKDTree:
        """For searches by metres."""
        return cKDTree(np.column_stack([self.x_m, self.y_m]))

    def count_period(self, start: dt.date, end: dt.date) -> tuple[NDArray[np.float64], int]:
        """The weight of each event in [start, end), float64 (n,) in units; and how many events are shared in time."""
        period_filter = Filter(layers=self.layers, start=start, end=end, reported_by=self.reported_by)
        selection = select(self.columns, period_filter, time_zone=self.area.time_zone)
        place = np.searchsorted(self.index, selection.index)
        weights = np.zeros(len(self.index))
        weights[place] = selection.weight
        return weights * self.harm / self.unit, selection.shared_in_time

    def find_inside(self, shape: Shape, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> csr_array:
        """Which events lie in the shape moved to each of m middles: csr (m, n) of ones."""
        middles = np.column_stack([x_m, y_m])
        events_near = (
            self.tree.query_ball_point(middles, shape.reach_m + 1e-6) if len(self.index) else [[]] * len(middles)
        )
        middle = np.repeat(np.arange(len(middles)), [len(events) for events in events_near])
        event = np.fromiter(chain.from_iterable(events_near), dtype=np.int64)
        shapely.prepare(shape.outline)
        is_inside = shapely.contains_xy(shape.outline, self.x_m[event] - x_m[middle], self.y_m[event] - y_m[middle])
        ones = np.ones(int(is_inside.sum()))
        return csr_array((ones, (middle[is_inside], event[is_inside])), shape=(len(middles), len(self.index)))

    def find_middle(self, treated: TreatedPlace) -> tuple[float, float]:
        """The middle of a treated place in metres."""
        x_m, y_m = project(self.study.crs, np.array([treated.lon]), np.array([treated.lat]))
        return float(x_m[0]), float(y_m[0])

    def build_shape(self, treated: TreatedPlace, radius_m: float) -> Shape:
        """The shape of a treated place around its middle."""
        if treated.outline is None:
            return Shape(shapely.Point(0, 0).buffer(radius_m, quad_segs=32), radius_m, radius_m)
        middle = self.find_middle(treated)
        degrees = shapely.from_wkt(treated.outline)
        crs = self.study.crs
        outline = shapely.transform(
            degrees, lambda corners: np.column_stack(project(crs, corners[:, 0], corners[:, 1])) - middle
        )
        reach_m = float(np.hypot(*shapely.get_coordinates(outline).T).max())
        return Shape(outline, reach_m, float(np.sqrt(shapely.area(outline) / np.pi)))


def build_event_points(
    columns: Columns,
    area: Area,
    layers: Mapping[str, float],
    *,
    reported_by: tuple[str, ...] = (),
    category_weights: NDArray[np.float64] | None = None,
) -> EventPoints:
    """The events of `layers` (name: weight of an event) that were `reported_by` these (empty: by all but sweeps).

    `category_weights` (len(columns),) multiplies each event's weight; None: by 1.
    """
    reporters = reported_by or WITHOUT_SWEEPS
    is_counted = np.isin(columns.layer, [find_layer_code(name) for name in layers])
    is_counted &= np.isin(columns.reported_by, [REPORTERS.index(name) for name in reporters])
    index = np.flatnonzero(is_counted)
    weight = np.zeros(256)
    for name, value in layers.items():
        weight[find_layer_code(name)] = value
    harm = weight[columns.layer[index]]
    if category_weights is not None:
        harm = harm * category_weights[index]
    study = load_study(area, (), 10)
    x_m, y_m = project(study.crs, columns.lon[index], columns.lat[index])
    return EventPoints(columns, area, study, tuple(layers), reporters, index, x_m, y_m, harm)


def find_middles(points: EventPoints, pool: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middles of the pool's cells in metres."""
    centres = shapely.centroid(build_outlines(parse_cell_strings(pool)))
    return project(points.study.crs, shapely.get_x(centres), shapely.get_y(centres))


def build_ward_outline(area: Area, codes: tuple[str, ...]) -> tuple[str, float, float]:
    """The outline of wards as WKT in degrees, and its middle (lon, lat)."""
    places = [place for place, code in enumerate(area.wards.codes) if code in codes]
    return _describe_outline(shapely.union_all(area.wards.polygons[places]))


def build_cell_outline(cells: NDArray[np.uint64]) -> tuple[str, float, float]:
    """The outline of H3 cells as WKT in degrees, and its middle (lon, lat)."""
    return _describe_outline(shapely.union_all(build_outlines(cells), grid_size=1e-9))


def _describe_outline(geometry: shapely.Geometry) -> tuple[str, float, float]:
    middle = shapely.centroid(geometry)
    return shapely.to_wkt(geometry, rounding_precision=7), float(middle.x), float(middle.y)
