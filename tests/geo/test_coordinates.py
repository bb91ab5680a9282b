"""Places in every notation: what is written is read back, or refused, and never becomes another place."""

# ruff: noqa: ARG001 - the notations share one form, and not all have letters, signs and spaces

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.coordinates import parse_degrees
from geo.locations import NATIONAL_GRID, parse_grid_refs, parse_pairs, to_degrees
from geo.number_texts import clean_text

NEAR: Final = 2e-6  # degrees: five decimals of a second or six of a degree are written
MINUSES: Final = "-\u2212\u2013\u2010\u2011\ufe63\uff0d"
SPACES: Final = ("", " ", "\u00a0", "\u2009", "\u200a", "\u202f")


def column(*texts: str) -> pd.Series:
    return pd.Series([clean_text(text) for text in texts], dtype=object)


def read_pair(text: str) -> list[float]:
    point: list[float] = parse_pairs(column(text))[0].round(6).tolist()
    return point


HERE: Final = [-1.235, 54.5742]


@pytest.mark.parametrize(
    "text",
    [
        "54.5742, -1.2350", "54.5742,-1.2350", "54.5742 -1.2350", "(54.5742, -1.2350)", "54.5742; -1.2350",
        "54,5742; -1,2350", "54,5742, -1,2350", "54,5742 -1,2350", "54.5742 / -1.2350", "[54.5742, -1.2350]",
        "54.5742N, 1.2350W", "54.5742, 1.2350W", "N54.5742 W1.2350", "1.2350W 54.5742N",
        "54.5742N1.2350W", "54.5742 n, 1.2350 w", "W 1.2350, N 54.5742", "54.5742\u00b0 N, 1.2350\u00b0 W",
        "54.5742, \u22121.2350", "54.5742, \u20131.2350", "54.5742,\u200a\u2212\u200a1.2350",
        "54\u00b034'27.12\"N, 1\u00b014'6\"W", "54\u00b0 34\u2032 27.12\u2033 N 1\u00b0 14\u2032 6\u2033 W",
        "54\u00b034'27.12\"N1\u00b014'6\"W", "54 34 27.12 N, 1 14 6 W", "N 54 34.452 W 1 14.1",
        "54\u00b034.452'N 1\u00b014.1'W", "54:34:27.12N 1:14:6W", "54 deg 34' 27.12\", -1 deg 14' 6\"",
        "lat 54.5742 lon -1.2350", "Latitude: 54.5742, Longitude: -1.2350", "lng=-1.2350; lat=54.5742",
        "POINT (-1.2350 54.5742)", "POINT(-1.2350 54.5742)", "SRID=4326;POINT(-1.2350 54.5742)",
        "point z (-1.2350 54.5742 12.5)", "POINT (-1.235e0 54.5742)", "POINT (\u22121.2350 54.5742)",
        '{"type": "Point", "coordinates": [-1.2350, 54.5742]}',
        "{'type': 'Point', 'coordinates': [-1.235, 54.5742, 9]}",
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.2350, 54.5742]}, "properties": {}}',
        '{"latitude": "54.5742", "longitude": "-1.2350", "human_address": "{}"}',
        "12 High Street, Middlesbrough (54.5742, -1.2350)", "Location: 54.5742, -1.2350",
        "'54.5742, -1.2350", "'+54.5742, -1.2350",
    ],
)  # fmt: skip
def test_a_place_in_one_cell_in_any_notation(text: str) -> None:
    assert read_pair(text) == HERE


@pytest.mark.parametrize(
    "text",
    [
        "449500 520500", "449500, 520500", "449500,520500", "(449500.0 520500.0)", "449,500 520,500",
        "449,500, 520,500", "E 449500 N 520500", "449500E 520500N", "N 520500 E 449500", "520500N 449500E",
        "Easting: 449500, Northing: 520500", "449500 m, 520500 m", "SRID=27700;POINT(449500 520500)",
        "POINT (449500 520500)", '{"type": "Point", "coordinates": [449500, 520500]}', "449500/520500",
    ],
)  # fmt: skip
def test_eastings_and_northings_in_one_cell(text: str) -> None:
    assert read_pair(text) == to_degrees(np.array([[449500.0, 520500.0]]), NATIONAL_GRID)[0].round(6).tolist()


@pytest.mark.parametrize(
    "text",
    [
        "54.5742", "54.5742N", "54.5742N, 1.2350N", "54.5742E, 1.2350W", "54.5742N, -1.2350W", "54.5742 N 1.2350",
        "54.5742N 1.2350",
        "54,5742,-1,2350", "54 34 27 1 14 6", "54 34, 1 14", "54\u00b074'27\"N 1\u00b014'6\"W", "TS1 2AB",
        "54.5\u00b034'N 1\u00b014'W", "LINESTRING (54.5742 -1.2350)", "MULTIPOINT ((54.5742, -1.2350))",
        "POINT (54.5742)", "POINT (54.5742 -1.2350 1 2 3)", '{"type": "LineString", "coordinates": [[-1.2, 54.5]]}',
        '{"type": "Point", "coordinates": ["x", 1]}', "{" * 400, "4495 5205", "449500", "12 High Street",
        "lat 54.5742 lat 1.2350", "54.5742, -1.2350, 12", "between 54.5742 and 1.2350", "54.57.42, 1.23",
    ],
)  # fmt: skip
def test_what_has_no_meaning_or_two_is_no_place(text: str) -> None:
    assert read_pair(text) == [np.inf, np.inf]


def test_a_blank_point_is_blank() -> None:
    assert np.isnan(parse_pairs(column("", "POINT EMPTY"))).all()


def split_sixtieths(value: float) -> tuple[int, int, float]:
    """Degrees, minutes and seconds of a positive angle, to five decimals of a second."""
    seconds = round(value * 3600, 5)
    whole = int(seconds // 60)
    return whole // 60, whole % 60, round(seconds - whole * 60, 5)


def write_decimal(value: float, letters: str, minus: str, space: str) -> str:
    return f"{minus if value < 0 else ''}{abs(value):.6f}"


def write_with_comma(value: float, letters: str, minus: str, space: str) -> str:
    return write_decimal(value, letters, minus, space).replace(".", ",")


def write_letter_after(value: float, letters: str, minus: str, space: str) -> str:
    return f"{abs(value):.6f}{space}{letters[value < 0]}"


def write_letter_before(value: float, letters: str, minus: str, space: str) -> str:
    return f"{letters[value < 0]}{space}{abs(value):.6f}"


def write_seconds(value: float, letters: str, minus: str, space: str) -> str:
    degrees, minutes, seconds = split_sixtieths(abs(value))
    return f"{degrees}\u00b0{space}{minutes}\u2032{space}{seconds:.5f}\u2033{space}{letters[value < 0]}"


def write_signed_seconds(value: float, letters: str, minus: str, space: str) -> str:
    degrees, minutes, seconds = split_sixtieths(abs(value))
    return f"{minus if value < 0 else ''}{degrees}\u00b0{minutes:02d}'{seconds:08.5f}\""


def write_spaced_seconds(value: float, letters: str, minus: str, space: str) -> str:
    degrees, minutes, seconds = split_sixtieths(abs(value))
    return f"{degrees} {minutes} {seconds:.5f} {letters[value < 0]}"


def write_decimal_minutes(value: float, letters: str, minus: str, space: str) -> str:
    minutes = round(abs(value) * 60, 6)
    return f"{letters[value < 0]}{space}{int(minutes // 60)}\u00b0{space}{minutes % 60:.6f}'"


Write = Callable[[float, str, str, str], str]
NOTATIONS: Final[tuple[Write, ...]] = (
    write_decimal, write_with_comma, write_letter_after, write_letter_before, write_seconds, write_signed_seconds,
    write_spaced_seconds, write_decimal_minutes,
)  # fmt: skip
latitudes, longitudes = st.floats(-89, 89), st.floats(-179, 179)


def is_same_or_refused(read: float, value: float) -> bool:
    """Whether a value is read as itself; infinity, a refusal, is fine too."""
    return bool(np.isinf(read) or abs(read - value) < NEAR)


@pytest.mark.slow
@given(latitudes, longitudes, st.sampled_from(NOTATIONS), st.sampled_from(MINUSES), st.sampled_from(SPACES))
def test_columns_in_every_notation(lat: float, lon: float, write: Write, minus: str, space: str) -> None:
    written = (write(lat, "NS", minus, space), write(lon, "EW", minus, space))
    assert abs(parse_degrees(column(written[0]), "lat")[0] - lat) < NEAR, written
    assert abs(parse_degrees(column(written[1]), "lon")[0] - lon) < NEAR, written


@pytest.mark.slow
@given(
    latitudes,
    longitudes,
    st.sampled_from(NOTATIONS),
    st.sampled_from(NOTATIONS),
    st.sampled_from([", ", ",", " ", "; ", ";", " / "]),
    st.sampled_from(MINUSES),
    st.sampled_from(SPACES),
)
def test_pairs_in_every_notation_are_read_or_refused(
    lat: float, lon: float, first: Write, second: Write, between: str, minus: str, space: str
) -> None:
    text = first(lat, "NS", minus, space) + between + second(lon, "EW", minus, space)
    point = parse_pairs(column(text))[0]
    assert is_same_or_refused(point[0], lon), text
    assert is_same_or_refused(point[1], lat), text
    if first is second and ";" in between:
        assert np.isfinite(point).all(), text


@pytest.mark.slow
@given(st.text("0123456789.,;-NSEWnsew\u00b0'\" \u2212POINT()/:", max_size=30))
def test_no_text_ends_with_an_error_and_none_gives_half_a_place(text: str) -> None:
    point = parse_pairs(column(text))[0]
    assert np.isfinite(point).all() or np.isinf(point).all() or np.isnan(point).all()


@given(st.integers(0, 99_999), st.integers(0, 99_999), st.integers(1, 5), st.data())
def test_grid_references_of_any_form_name_their_square_or_nothing(
    east: int, north: int, figures: int, data: st.DataObject
) -> None:
    digits = f"{east:05d}"[:figures] + f"{north:05d}"[:figures]
    side = 10 ** (5 - figures)
    square = [400_000 + int(digits[:figures]) * side + side / 2, 500_000 + int(digits[figures:]) * side + side / 2]
    text = "".join(mark + data.draw(st.sampled_from(["", "", "", " ", "\u2009"])) for mark in f"NZ{digits}")
    text = data.draw(st.sampled_from([text, text.lower()]))
    point = parse_grid_refs(column(text))[0].tolist()
    assert point in (square, [np.inf, np.inf]), text
    assert parse_grid_refs(column(f"nz {digits[:figures]} {digits[figures:]}"))[0].tolist() == square


def test_figures_that_are_parted_unevenly_or_have_decimals_are_no_grid_reference() -> None:
    texts = column("NZ 49500 205", "NZ 9 500 520 500", "NZ 495.5 205.5", "NZ 4.95 20.5", "4495 5205")
    assert np.isinf(parse_grid_refs(texts)).all()
    assert parse_grid_refs(column("449500 520500", "NZ.495.205")).tolist() == [[449500, 520500], [449550, 520550]]
