"""Distances and areas on the Earth: one sphere, one ellipsoid, and the metres of a degree.

Ways, stays and road networks take the Earth as a sphere (true to 0.5 %). Areas, faults of boundaries and distances in
evidence take the ellipsoid. Two other numbers stay, because files made with them are compared byte by byte.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import pyproj
else:
    pyproj = import_lazily("pyproj")

__all__ = [
    "DEMONSTRATION_METRES_PER_DEGREE",
    "EARTH_RADIUS_M",
    "METRES_PER_DEGREE",
    "PAPER_METRES_PER_DEGREE",
    "area_m2",
    "degrees_around",
    "distances_m",
    "geodesic_m",
    "metres_per_degree",
    "offsets_m",
]

EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius of the sphere (IUGG)
METRES_PER_DEGREE: Final = float(np.radians(EARTH_RADIUS_M))  # of latitude, on the sphere
# At the equator, for drawn maps. Evidence packs are drawn again and compared byte by byte, so with another number they
# would count as changed.
PAPER_METRES_PER_DEGREE: Final = 111_320.0
# For the points of the demonstration: another number would draw another town from the same seed.
DEMONSTRATION_METRES_PER_DEGREE: Final = 111_000.0
_POLE: Final = 0.01  # the least cosine of a latitude, so that a degree of longitude is never 0 m

Floats = NDArray[np.float64]


def distances_m(lon: ArrayLike, lat: ArrayLike) -> Floats:
    """Great-circle distances float64 (n, n) in metres between points in WGS 84 degrees ((n,) each); on the sphere."""
    lon_r, lat_r = np.radians(np.asarray(lon, dtype=np.float64)), np.radians(np.asarray(lat, dtype=np.float64))
    north = np.sin((lat_r[:, None] - lat_r) / 2) ** 2
    east = np.sin((lon_r[:, None] - lon_r) / 2) ** 2
    haversine = north + np.cos(lat_r)[:, None] * np.cos(lat_r) * east
    distances: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    return distances


def geodesic_m(lon: Floats, lat: Floats, *, to_lon: Floats, to_lat: Floats) -> Floats:
    """Distances (n,) in metres on the WGS 84 ellipsoid between pairs of points in degrees, (n,) each."""
    return np.asarray(_load_ellipsoid().inv(lon, lat, to_lon, to_lat)[2], dtype=np.float64)


def offsets_m(lon: ArrayLike, lat: ArrayLike, *, origin_lon: float, origin_lat: float) -> Floats:
    """Metres east and north of an origin (n, 2), of points in degrees ((n,) each), on a plane that touches the sphere.

    True to 0.1 % over some tens of kilometres.
    """
    east = (np.asarray(lon, dtype=np.float64) - origin_lon) * np.cos(np.radians(origin_lat))
    return np.column_stack([east, np.asarray(lat, dtype=np.float64) - origin_lat]) * METRES_PER_DEGREE


def degrees_around(latitude: float, *, reach_m: float) -> tuple[float, float]:
    """How many degrees of longitude and of latitude `reach_m` metres are at a latitude; on the sphere."""
    north = reach_m / METRES_PER_DEGREE
    return north / max(float(np.cos(np.radians(latitude))), _POLE), north


def metres_per_degree(latitude: float) -> Floats:
    """Metres of one degree east and one degree north at a latitude, (2,), from the radii of curvature of WGS 84."""
    sine = np.sin(np.radians(latitude))
    ellipsoid = _load_ellipsoid()
    prime = ellipsoid.a / np.sqrt(1 - ellipsoid.es * sine**2)
    meridian = ellipsoid.a * (1 - ellipsoid.es) / (1 - ellipsoid.es * sine**2) ** 1.5
    return np.asarray(np.radians([prime * np.cos(np.radians(latitude)), meridian]), dtype=np.float64)


def area_m2(geometry: shapely.Geometry) -> float:
    """Square metres on the WGS 84 ellipsoid of polygons in degrees; 0 for what has no area."""
    polygons = [part for part in shapely.get_parts(geometry, return_index=False) if part.geom_type == "Polygon"]
    return float(
        sum(abs(_load_ellipsoid().geometry_area_perimeter(shapely.orient_polygons(part))[0]) for part in polygons)
    )


@cache
def _load_ellipsoid() -> "pyproj.Geod":
    """WGS 84, by PROJ, whose import takes a tenth of a second and is rarely needed."""
    return pyproj.Geod(ellps="WGS84")
