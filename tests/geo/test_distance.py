"""The Earth's size stands once: sphere and ellipsoid agree as far as they should."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geo.distance import (
    EARTH_RADIUS_M,
    METRES_PER_DEGREE,
    area_m2,
    degrees_around,
    distances_m,
    geodesic_m,
    metres_per_degree,
    offsets_m,
)

LON = st.floats(-1.4, -1.0)
LAT = st.floats(54.4, 54.7)


@given(st.lists(st.tuples(LON, LAT), min_size=2, max_size=6))
def test_distances_are_those_of_the_ellipsoid_within_a_third_of_a_per_cent(points: list[tuple[float, float]]) -> None:
    lon, lat = np.array(points).T
    found = distances_m(lon, lat)
    many = len(points)
    exact = (
        Geod(ellps="WGS84")
        .inv(np.repeat(lon, many), np.repeat(lat, many), np.tile(lon, many), np.tile(lat, many))[2]
        .reshape(many, many)
    )
    assert np.allclose(found, exact, rtol=0.0035, atol=0.01)
    assert (found == found.T).all()
    assert (np.diag(found) == 0).all()


@given(LON, LAT, LON, LAT)
def test_the_flat_plane_agrees_with_great_circles_over_a_town(
    lon: float, lat: float, east: float, north: float
) -> None:
    flat = np.hypot(*offsets_m([east], [north], origin_lon=lon, origin_lat=lat)[0])
    assert flat == pytest.approx(distances_m([lon, east], [lat, north])[0, 1], rel=0.005, abs=0.01)


def test_a_degree_of_latitude_is_the_sphere_s_and_the_ellipsoid_s() -> None:
    assert pytest.approx(111_195.08, abs=0.01) == METRES_PER_DEGREE
    assert pytest.approx(2 * np.pi * EARTH_RADIUS_M) == 360 * METRES_PER_DEGREE
    assert metres_per_degree(54.57).round().tolist() == [64_677, 111_316]
    assert metres_per_degree(0).round(1).tolist() == [111_319.5, 110_574.3]


def test_offsets_lead_east_and_north() -> None:
    assert offsets_m([1.0, 0.0], [60.0, 61.0], origin_lon=0, origin_lat=60).tolist() == pytest.approx(
        np.array([[METRES_PER_DEGREE / 2, 0.0], [0.0, METRES_PER_DEGREE]])
    )


def test_the_degrees_around_a_place_hold_its_reach_and_never_the_whole_circle() -> None:
    east, north = degrees_around(60.0, reach_m=1000.0)
    assert (east * METRES_PER_DEGREE / 2, north * METRES_PER_DEGREE) == pytest.approx((1000.0, 1000.0))
    assert degrees_around(90.0, reach_m=1000.0)[0] == pytest.approx(100 * north)


def test_distances_and_areas_on_the_ellipsoid_are_those_of_proj() -> None:
    square = shapely.box(-1.3, 54.5, -1.2, 54.6)
    hole = shapely.Polygon(square.exterior, [shapely.box(-1.27, 54.53, -1.23, 54.57).exterior])  # both one way round
    far, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(hole))
    assert area_m2(hole) == pytest.approx(far)
    assert area_m2(shapely.MultiPolygon([hole])) == area_m2(hole)
    assert area_m2(shapely.LineString([(0, 0), (1, 1)])) == 0
    one, other = np.array([-1.3]), np.array([54.5])
    assert geodesic_m(one, other, to_lon=one, to_lat=other + 0.01).tolist() == pytest.approx([1113.14], abs=0.01)
