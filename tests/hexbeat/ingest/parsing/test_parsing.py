"""Texts to values, moments and places."""

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError
from hexbeat.ingest.parsing.dates import DAY, MINUTE, MONTH, parse_timestamps, to_utc
from hexbeat.ingest.parsing.locations import (
    NATIONAL_GRID,
    is_impossible,
    is_near,
    parse_grid_refs,
    parse_pairs,
    parse_xy,
    to_degrees,
)
from hexbeat.ingest.parsing.quantities import parse_quantities
from hexbeat.ingest.parsing.values import (
    clean_column,
    clean_text,
    map_words,
    match_texts,
    parse_numbers,
)
from tests.support.input_files import utc


def column(*texts: str) -> pd.Series:
    return pd.Series(texts, dtype=object)


def test_texts_are_cleaned() -> None:
    texts = column(" a\xa0\xa0b\t", "it\ufffds", "NULL", "null", "None", "\ufeffx")
    assert clean_column(texts, ("NULL", "None")).tolist() == [
        "a b", "its", "", "null", "", "x",
    ]  # fmt: skip


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


def test_rules_do_not_regard_case() -> None:
    texts = column("Needle Pickup", "needle", "Glass")
    assert match_texts(texts, equals=["NEEDLE", "glass"]).tolist() == [False, True, True]
    assert match_texts(texts, contains=["NEEDLE"]).tolist() == [True, True, False]
    assert match_texts(texts, contains=["needle"], matches=r"\bpick").tolist() == [True, False, False]
    assert map_words(texts, values={"GLASS": "g"}, containing={"pick": "p"}, default=None).tolist() == ["p", None, "g"]
    assert map_words(column("", "as it is"), values={}, containing={}, default="x").tolist() == ["x", "as it is"]


def test_numbers_tell_blank_from_nonsense() -> None:
    assert np.array_equal(parse_numbers(column("1.5", "", "x", "-2")), [1.5, np.nan, np.inf, -2], equal_nan=True)
    found = parse_quantities(column("", "3", "3.0", "0", "1.5", "x", "1000001", "inf"))
    assert (found.numbers.tolist(), found.bad.tolist()) == ([1, 3, 3, 1, 1, 1, 1, 1], [False] * 3 + [True] * 5)
    assert found.blank.tolist() == [True] + [False] * 7


@pytest.mark.parametrize(
    ("text", "plain", "grouped"),
    [("449,545", np.inf, 449_545), ("1,234,567.5", np.inf, 1_234_567.5), ("-1,000", np.inf, -1000), ("12", 12, 12),
     ("54,57", np.inf, np.inf), ("0,123", np.inf, np.inf), ("1,2345", np.inf, np.inf), ("1,,234", np.inf, np.inf),
     ("", np.nan, np.nan)],
)  # fmt: skip
def test_commas_part_thousands_only_where_they_may(text: str, plain: float, grouped: float) -> None:
    assert np.array_equal(parse_numbers(column(text)), [plain], equal_nan=True)
    assert np.array_equal(parse_numbers(column(text), grouped=True), [grouped], equal_nan=True)
    assert parse_quantities(column("1,234", "54,57")).numbers.tolist() == [1234, 1]


def test_no_commas_in_degrees_of_any_system() -> None:
    x, y = column("449,545"), column("520,345")
    assert np.isfinite(parse_xy(x, y, NATIONAL_GRID)).all()
    for crs in ("EPSG:4258", "EPSG:4326"):  # in degrees a comma is a decimal one
        assert parse_xy(column("-1,235"), column("54,575"), crs).round(6).tolist() == [[-1.235, 54.575]]


@pytest.mark.parametrize(
    ("text", "precision", "moment"),
    [
        ("2025-07-01T09:05:30.123Z", MINUTE, "2025-07-01 09:05:30"),
        ("2025-07-01T09:05+0100", MINUTE, "2025-07-01 08:05"),
        ("2025-07-01 09:05:00-05", MINUTE, "2025-07-01 14:05"),
        ("2025/7/1 9:05", MINUTE, "2025-07-01 08:05"),
        ("2025-07-01", DAY, "2025-06-30 23:00"),
        ("2025-12", MONTH, "2025-12-01 00:00"),
        ("1/7/2025", DAY, "2025-06-30 23:00"),
        ("1-Jul-2025", DAY, "2025-06-30 23:00"),
    ],
)
def test_moments(text: str, precision: int, moment: str) -> None:
    found = parse_timestamps(column(text), formats=["%d/%m/%Y", "%d-%b-%Y"], time_zone="Europe/London")
    assert (found.utc.tolist(), found.precision.tolist(), found.bad.tolist()) == ([utc(moment)], [precision], [False])


@pytest.mark.parametrize(
    "text", ["31/02/2025", "9999-12-31", "0001-01-01", "20250701", "soon", "12/31/2025", "2025-07-01 25:00"]
)
def test_what_is_no_date(text: str) -> None:
    found = parse_timestamps(column(text, ""), formats=["%d/%m/%Y"], time_zone="Europe/London")
    assert (found.bad.tolist(), found.blank.tolist()) == ([True, False], [False, True])


def test_the_first_format_that_fits_wins() -> None:
    found = parse_timestamps(column("01/02/2025", "12/31/2025"), formats=["%d/%m/%Y", "%m/%d/%Y"], time_zone="UTC")
    assert found.utc.tolist() == [utc("2025-02-01"), utc("2025-12-31")]


@given(st.datetimes(min_value=pd.Timestamp("1971-01-01"), max_value=pd.Timestamp("2037-01-01")))
def test_local_times_come_back(moment: object) -> None:
    local = np.array([moment], dtype="datetime64[s]")
    seconds = to_utc(local, "Europe/London")
    back = pd.DatetimeIndex(seconds.astype("datetime64[s]"), tz="UTC").tz_convert("Europe/London").tz_localize(None)
    skipped = pd.Timestamp(back[0]) - pd.Timestamp(local[0])
    assert pd.Timedelta(0) <= skipped <= pd.Timedelta("1h")


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
