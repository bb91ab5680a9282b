from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.distance import area_m2
from geo.polygon_coverage import (
    find_enclosed_gaps,
    find_faults,
    find_narrow_inlets,
    is_narrow,
    repair,
    round_polygons,
    to_degrees,
    to_plane,
)

WEST, SOUTH, STEP = -1.25, 54.55, 0.01


def grid(columns: int = 3, rows: int = 3, jitter: NDArray[np.float64] | None = None) -> NDArray[Any]:
    """Squares of a hundredth of a degree, by rows from the south-west; jitter (rows+1, columns+1, 2) moves corners."""
    moved = np.zeros((rows + 1, columns + 1, 2)) if jitter is None else jitter

    def corner(row: int, column: int) -> tuple[float, float]:
        east, north = moved[row, column]
        return WEST + STEP * (column + east), SOUTH + STEP * (row + north)

    return np.array(
        [
            shapely.Polygon([corner(r, c), corner(r, c + 1), corner(r + 1, c + 1), corner(r + 1, c)])
            for r in range(rows)
            for c in range(columns)
        ],
        dtype=object,
    )


def widened(polygons: NDArray[Any], place: int, east: float) -> NDArray[Any]:
    """A copy in which the eastern edge of one square is moved by so many degrees."""
    west, south, right, north = polygons[place].bounds
    moved = polygons.copy()
    moved[place] = shapely.box(west, south, right + east, north)
    return moved


def test_a_coverage_has_no_faults() -> None:
    assert find_faults(round_polygons(grid())) == []


def test_an_overlap_names_both_its_ground_and_its_place() -> None:
    (fault,) = find_faults(widened(grid(), 0, 0.001))
    assert (fault.kind, fault.members) == ("overlap", (0, 1))
    assert fault.area_m2 == pytest.approx(0.001 * STEP * 64_700 * 111_330, rel=0.01)
    assert 0 < fault.lon - (WEST + STEP) < 0.001
    assert SOUTH < fault.lat < SOUTH + STEP


def test_a_sliver_names_all_who_enclose_it() -> None:
    (fault,) = find_faults(widened(grid(), 4, -0.00001))
    assert (fault.kind, fault.members) == ("sliver", (1, 2, 4, 5, 7, 8))
    assert fault.area_m2 == pytest.approx(0.00001 * STEP * 64_700 * 111_330, rel=0.01)


def test_a_wide_gap_is_a_place_of_nobody_and_no_fault() -> None:
    ring = np.delete(grid(), 4)
    assert find_faults(ring) == []
    (gap,) = find_enclosed_gaps(ring)
    assert area_m2(gap) == pytest.approx(area_m2(grid()[4]))


def test_corners_that_are_not_shared_are_an_edge_fault() -> None:
    polygons = grid(2, 1)
    west, south, east, north = polygons[0].bounds
    polygons[0] = shapely.Polygon(
        [(west, south), (east, south), (east, south + STEP / 2), (east, north), (west, north)]
    )
    assert [(fault.kind, fault.members) for fault in find_faults(polygons)] == [("edge", (0,)), ("edge", (1,))]


def test_a_ring_that_crosses_itself_is_reported_alone() -> None:
    polygons = widened(grid(), 8, 0.001)
    west, south, east, north = polygons[0].bounds
    polygons[0] = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    (fault,) = find_faults(polygons)
    assert (fault.kind, fault.members, fault.reason) == ("ring", (0,), "Self-intersection")


def test_an_empty_polygon_is_reported() -> None:
    polygons = grid()
    polygons[3] = shapely.Polygon()
    (fault,) = find_faults(polygons)
    assert (fault.kind, fault.members, fault.reason) == ("ring", (3,), "Nothing is left of it")


@pytest.mark.parametrize("east", [0.000012, -0.000012])
def test_repair_closes_a_narrow_overlap_or_sliver_and_reports_it(east: float) -> None:
    faulty = round_polygons(widened(grid(), 4, east))
    mended, (fault,) = repair(faulty)
    assert find_faults(mended) == []
    assert fault.kind == ("overlap" if east > 0 else "sliver")
    ground = sum(area_m2(polygon) for polygon in mended) - sum(area_m2(polygon) for polygon in faulty)
    assert ground == pytest.approx(-fault.area_m2 if east > 0 else fault.area_m2, rel=0.01)


def test_a_gap_that_is_open_to_the_outside_is_worth_a_look_and_no_fault() -> None:
    polygons = round_polygons(widened(grid(3, 1), 0, -0.000004))
    assert find_faults(polygons) == []
    assert find_narrow_inlets(polygons) == [0, 1]
    assert find_narrow_inlets(round_polygons(grid())) == []


def test_repair_shares_corners() -> None:
    polygons = grid(2, 1)
    west, south, east, north = polygons[0].bounds
    polygons[0] = shapely.Polygon(
        [(west, south), (east, south), (east, south + STEP / 2), (east, north), (west, north)]
    )
    mended, faults = repair(polygons)
    assert find_faults(mended) == []
    assert [fault.kind for fault in faults] == ["edge", "edge"]
    assert [area_m2(polygon) for polygon in mended] == pytest.approx([area_m2(polygon) for polygon in polygons])


def test_repair_leaves_a_wide_overlap_to_the_publisher() -> None:
    faulty = widened(grid(), 0, 0.001)
    mended, faults = repair(faulty)
    assert faults == []
    assert [fault.kind for fault in find_faults(mended)] == ["overlap"]


def test_repair_keeps_both_halves_of_a_ring_that_crosses_itself() -> None:
    bowtie = np.array([shapely.Polygon([(0, 50), (0.01, 50.01), (0.01, 50), (0, 50.01)])], dtype=object)
    (mended,), (fault,) = repair(bowtie)
    assert mended.is_valid
    assert shapely.get_num_geometries(mended) == 2
    assert fault.kind == "ring"


def test_repair_does_not_touch_what_is_sound() -> None:
    polygons = round_polygons(grid())
    mended, faults = repair(polygons)
    assert faults == []
    assert shapely.equals_exact(mended, polygons).all()


def test_rounding_gives_six_decimals_runs_outer_rings_anticlockwise_and_drops_repeats() -> None:
    ring = [(0.12345678, 51), (0.12345679, 51), (0.1, 51.1), (0.2, 51.1), (0.12345678, 51)]
    (rounded,) = round_polygons(np.array([shapely.Polygon(ring)], dtype=object))
    assert shapely.get_coordinates(rounded).tolist() == [
        [0.123457, 51.0], [0.2, 51.1], [0.1, 51.1], [0.123457, 51.0],
    ]  # fmt: skip


def test_rounding_leaves_no_negative_zero_and_no_height() -> None:
    triangle = shapely.Polygon([(-1e-9, 51, 3), (1, 51, 3), (1, 52, 3)])
    (rounded,) = round_polygons(np.array([triangle], dtype=object))
    assert not rounded.has_z
    assert not np.signbit(shapely.get_coordinates(rounded)).any()


def test_a_narrow_strip_is_narrow_however_long() -> None:
    strip, ward = (
        shapely.box(WEST, SOUTH, WEST + 0.1, SOUTH + 0.00001),
        shapely.box(WEST, SOUTH, WEST + 0.1, SOUTH + 0.001),
    )
    assert is_narrow(np.array([strip, ward], dtype=object), latitude=SOUTH).tolist() == [True, False]


@given(st.floats(-80, 80), st.floats(-0.3, 0.3))
def test_the_plane_is_true_to_the_ellipsoid_and_closes(latitude: float, offset: float) -> None:
    square = np.array([shapely.box(1, latitude + offset, 1.001, latitude + offset + 0.001)], dtype=object)
    plane = to_plane(square, latitude=latitude + offset)
    assert plane[0].area == pytest.approx(area_m2(square[0]), rel=1e-3)
    back = to_degrees(plane, latitude=latitude + offset)
    assert shapely.equals_exact(back, square, tolerance=1e-11).all()


shift = st.floats(-0.3, 0.3)


@pytest.mark.slow
@given(st.lists(st.tuples(shift, shift), min_size=16, max_size=16))
def test_rounding_keeps_any_coverage_a_coverage(shifts: list[tuple[float, float]]) -> None:
    polygons = round_polygons(grid(jitter=np.array(shifts).reshape(4, 4, 2)))
    assert find_faults(polygons) == []


@pytest.mark.slow
@given(st.lists(st.tuples(shift, shift), min_size=16, max_size=16), st.integers(0, 8), st.floats(-1.5e-5, 1.5e-5))
def test_repair_makes_a_coverage_of_small_errors_and_moves_little(
    shifts: list[tuple[float, float]], place: int, error: float
) -> None:
    polygons = grid(jitter=np.array(shifts).reshape(4, 4, 2))
    polygons[place] = shapely.transform(polygons[place], lambda degrees: degrees + error)
    faulty = round_polygons(polygons)
    mended, _ = repair(faulty)
    assert find_faults(mended) == []
    for before, after in zip(faulty, mended, strict=True):
        assert area_m2(shapely.symmetric_difference(before, after)) < 10_000


@given(st.lists(st.tuples(shift, shift), min_size=3, max_size=3), st.integers(-8, 2))
def test_rounding_a_polygon_with_a_speck_of_any_form_never_fails(shifts: list[tuple[float, float]], power: int) -> None:
    corners = [(-1.28 + x * 1e-5 * 2.0**power, 54.5 + y * 1e-5 * 2.0**power) for x, y in shifts]
    speck = shapely.Polygon(corners)
    polygons = np.array([shapely.MultiPolygon([shapely.box(-1.30, 54.50, -1.29, 54.51), speck])], dtype=object)
    repaired, _ = repair(round_polygons(polygons))
    assert find_faults(repaired) == []
    assert abs(area_m2(repaired[0]) - area_m2(shapely.box(-1.30, 54.50, -1.29, 54.51)) - area_m2(speck)) < 50
