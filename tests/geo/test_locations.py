"""Texts of places to degrees: any coordinate system, grid references, pairs."""

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError
from geo.locations import NATIONAL_GRID, is_impossible, is_near, parse_grid_refs, parse_pairs, parse_xy, to_degrees


def column(*texts: str) -> pd.Series:
    return pd.Series(texts, dtype=object)


def test_no_commas_in_degrees_of_any_system() -> None:
    x, y = column("449,545"), column("520,345")
    assert np.isfinite(parse_xy(x, y, NATIONAL_GRID)).all()
    for crs in ("EPSG:4258", "EPSG:4326"):  # in degrees a comma is a decimal one
        assert parse_xy(column("-1,235"), column("54,575"), crs).round(6).tolist() == [[-1.235, 54.575]]


@given(st.integers(0, 6), st.integers(0, 12), st.integers(0, 99_999), st.integers(0, 99_999), st.integers(1, 5))
def test_grid_references_name_squares(column_km: int, row_km: int, east: int, north: int, digits: int) -> None:
    letters = "VWXYZQRSTULMNOPFGHJKABCDE"  # from the south-west corner of a 500 km square
    big = {(0, 0): "S", (1, 0): "T", (0, 1): "N", (1, 1): "O", (0, 2): "H"}.get((column_km // 5, row_km // 5), "J")
    if big == "J":
        return
    name = big + letters[row_km % 5 * 5 + column_km % 5]
    side = 10 ** (5 - digits)
    text = f"{name} {east // side:0{digits}d} {north // side:0{digits}d}"
    point = parse_grid_refs(column(text))[0]
    corner = np.array([column_km * 100_000 + east // side * side, row_km * 100_000 + north // side * side])
    assert (point == corner + side / 2).all()


def test_what_is_no_grid_reference() -> None:
    points = parse_grid_refs(column("", "NI 10 10", "NZ 123", "Middlesbrough", "AA 10 10"))
    assert np.isnan(points[0]).all()
    assert np.isinf(points[1:]).all()


def test_pairs_are_latitude_first() -> None:
    points = parse_pairs(column("(54.57, -1.23)", "54.57 -1.23", "", "nowhere", "54.57"))
    assert points[:2].tolist() == [[-1.23, 54.57]] * 2
    assert np.isnan(points[2]).all()
    assert np.isinf(points[3:]).all()


@pytest.mark.parametrize("crs", [NATIONAL_GRID, "EPSG:3857", "EPSG:32630", "EPSG:4258"])
def test_any_coordinate_system(crs: str) -> None:
    there = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(-1.235, 54.575)
    degrees = to_degrees(np.array([there, (np.nan, 1.0), (0.0, 0.0), (np.inf, 1.0)]), crs)
    assert degrees[0].tolist() == pytest.approx([-1.235, 54.575], abs=1e-7)
    assert np.isnan(degrees[1]).any()
    assert is_impossible(degrees).tolist() == [False, False, True, True]


def test_an_unknown_coordinate_system() -> None:
    with pytest.raises(DataError) as caught:
        to_degrees(np.zeros((1, 2)), "EPSG:0")
    assert str(caught.value) == (
        "A coordinate system has to be one that PROJ knows; 'EPSG:0' is not one; name it by its EPSG code, such as "
        "EPSG:27700"
    )


def test_impossible_places_and_placeholders() -> None:
    points = np.array([(0.0, 0.0), (181.0, 0.0), (0.0, 91.0), (np.nan, 1.0), (-71.0587, 42.3594), (np.inf, 0.0)])
    assert is_impossible(points).tolist() == [True, True, True, False, False, True]
    assert is_near(points, ((-71.0587, 42.3594),)).tolist() == [False, False, False, False, True, False]
