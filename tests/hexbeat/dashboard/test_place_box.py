"""The box of places without a browser: what a browser may send, and what the box offers."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from hexbeat.dashboard.place_box import parse_click, parse_position

JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lat", "lon", "lng"]), inner),
    max_leaves=6,
)


@given(JUNK)
def test_what_a_browser_sends_is_a_place_on_the_globe_or_nothing(sent: Any) -> None:
    for point in (parse_click({"last_clicked": sent}), parse_click(sent), parse_position(sent)):
        assert point is None or (abs(point[0]) <= 180 and abs(point[1]) <= 90)


def test_what_a_browser_sends_is_read() -> None:
    assert parse_click({"last_clicked": {"lat": 54.5, "lng": -1.2}}) == (-1.2, 54.5)
    assert parse_position({"lat": 54.5, "lon": -1.2}) == (-1.2, 54.5)
    assert parse_position({"lat": 91, "lon": 0}) is None


def test_a_number_that_no_float_holds_is_no_place() -> None:
    assert parse_click({"last_clicked": {"lat": 10**400, "lng": 0}}) is None
    assert parse_position({"lat": 0, "lon": -(10**400)}) is None


def draw_page() -> None:
    import streamlit  # noqa: PLC0415 - AppTest takes the source of this function alone

    from hexbeat.areas.area import load_area  # noqa: PLC0415
    from hexbeat.dashboard.place_box import draw_place_box  # noqa: PLC0415

    found = draw_place_box(load_area("middlesbrough"), "Where", key="box")
    streamlit.text("none" if found is None else f"{found.kind}: {found.name}")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", ["none"]),
        ("linthorpe rd", ["street: Linthorpe Road (Park)"]),
        ("NZ 4925 2035", ["point: 54.57602, -1.23956 (Central)"]),
        ("51.5, -0.1", ["That place lies outside Middlesbrough.", "none"]),
        ("qqqq", ["No place in Middlesbrough fits. Try fewer words, or part of a name.", "none"]),
    ],
)
def test_the_box_says_what_it_found(words: str, shown: list[str], tmp_path: Path) -> None:
    app = AppTest.from_function(draw_page, default_timeout=60).run()
    app.text_input(key="box_words").set_value(words).run()
    assert not app.exception
    assert [text.value for text in app.text] == shown
    assert list(tmp_path.iterdir()) == []
