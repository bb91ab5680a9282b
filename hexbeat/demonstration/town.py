"""Where demonstration events can lie: points along invented streets inside the real wards."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.cells import index_points
from geo.distance import metres_per_degree
from geo.wards import Wards

__all__ = ["Places", "make_street_places"]

STREETS_PER_WARD: Final = 80
POINTS_PER_STREET: Final = 10
NEIGHBOURS: Final = 12
CENTRE_KM2: Final = (
    1.2  # km2 of a ward for each centre, at most MOST_CENTRES, so that there are villages between fields
)
MOST_CENTRES: Final = 4


@dataclass(frozen=True, eq=False)
class Places:
    """Points for events, m of them, each inside its ward.

    lon, lat (m,) in WGS 84 degrees; `ward` (m,) the ward's place in the area's wards; `weight` (m,) the share of an
    area's ordinary events that fall there, summing to 1; `x_m`, `y_m` (m,) metres in a plane around the area's middle.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    ward: NDArray[np.int32]
    weight: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.lon)

    @cached_property
    def cell(self) -> NDArray[np.uint64]:
        """The H3 cell of resolution 9 of each place, (m,)."""
        return index_points(self.lon, self.lat, resolution=9)

    @cached_property
    def tree(self) -> cKDTree:
        """For searches by metres."""
        return cKDTree(np.column_stack([self.x_m, self.y_m]))

    @cached_property
    def near(self) -> NDArray[np.int64]:
        """The nearest places of each place, itself first, (m, NEIGHBOURS); a small area has fewer columns."""
        _, numbers = self.tree.query(
            np.column_stack([self.x_m, self.y_m]), k=np.arange(1, min(NEIGHBOURS, len(self)) + 1)
        )
        return np.asarray(numbers, dtype=np.int64)

    def distance_m(self, first: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
        """Metres between places, by their numbers."""
        return np.hypot(self.x_m[first] - self.x_m[other], self.y_m[first] - self.y_m[other])


def make_street_places(wards: Wards, random: np.random.Generator) -> Places:
    """Invented streets in each ward: centres, short streets around them, and points of these in the ward.

    Wards have similar weights, compact ones somewhat more, so that events are denser where people live close together.
    No street is a real one.
    """
    west, south, east, north = wards.bounds
    scale = metres_per_degree((south + north) / 2)
    area_km2 = np.array([shapely.area(polygon) for polygon in wards.polygons]) * scale.prod() / 1e6
    ward_points = [
        _draw_street_points(polygon, size, scale, random)
        for polygon, size in zip(wards.polygons, area_km2, strict=True)
    ]
    ward = np.repeat(np.arange(len(ward_points)), [len(points) for points in ward_points])
    points: NDArray[np.float64] = np.concatenate(ward_points).round(6)
    inside = wards.locate(points[:, 0], points[:, 1]) == ward
    points, ward = _fill_wards(points[inside], ward[inside], wards)
    metres = (points - [(west + east) / 2, (south + north) / 2]) * scale
    share = (_draw_ward_weights(area_km2, random) / np.bincount(ward))[ward]
    weight = random.lognormal(0.0, 0.5, len(points)).astype(np.float64) * share
    return Places(
        lon=points[:, 0].copy(),
        lat=points[:, 1].copy(),
        ward=ward.astype(np.int32),
        weight=weight / weight.sum(),
        x_m=metres[:, 0].copy(),
        y_m=metres[:, 1].copy(),
    )


def _draw_ward_weights(area_km2: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """The relative number of events of each ward."""
    return random.lognormal(0, 0.35, len(area_km2)) * np.maximum(area_km2, 0.2) ** -0.4


def _draw_street_points(
    polygon: shapely.Geometry, area_km2: float, scale: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Points (lon, lat) along streets around some centres of a ward; some may lie outside it."""
    centres = _draw_points_inside(polygon, int(np.clip(round(area_km2 / CENTRE_KM2), 1, MOST_CENTRES)), random)
    centre = random.integers(len(centres), size=STREETS_PER_WARD)
    spread_m = np.clip(np.sqrt(area_km2 * 1e6 / len(centres)) / 2.5, 60, 380)
    middle_m = random.normal(0, spread_m, (STREETS_PER_WARD, 2))
    # Streets around one centre run along two directions at right angles, as in most towns.
    direction = (
        random.uniform(0, np.pi / 2, len(centres))[centre] + random.integers(2, size=STREETS_PER_WARD) * np.pi / 2
    )
    along_m = np.linspace(-0.5, 0.5, POINTS_PER_STREET) * random.uniform(80, 220, STREETS_PER_WARD)[:, None]
    offset_m = (
        middle_m[:, None, :] + along_m[:, :, None] * np.column_stack([np.cos(direction), np.sin(direction)])[:, None, :]
    )
    offset_m = offset_m + random.normal(0, 3, offset_m.shape)
    points: NDArray[np.float64] = (centres[centre][:, None, :] + offset_m / scale).reshape(-1, 2)
    return points


def _draw_points_inside(polygon: shapely.Geometry, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """`count` random points (lon, lat) in a polygon; fewer and a point inside it if too few draws hit it."""
    west, south, east, north = shapely.bounds(polygon)
    candidates = random.uniform([west, south], [east, north], (60 * count, 2))
    inside = candidates[shapely.contains_xy(polygon, candidates[:, 0], candidates[:, 1])][:count]
    inner = shapely.get_coordinates(shapely.point_on_surface(polygon))
    return inside if len(inside) == count else np.vstack([inside, inner])


def _fill_wards(
    points: NDArray[np.float64], ward: NDArray[np.int64], wards: Wards
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The points with a point added in each ward that has none, sorted by ward."""
    bare = np.setdiff1d(np.arange(len(wards)), ward)
    points = np.vstack([points, shapely.get_coordinates(shapely.point_on_surface(wards.polygons[bare]))])
    ward = np.concatenate([ward, bare])
    order = np.argsort(ward, kind="stable")
    return points[order], ward[order]
