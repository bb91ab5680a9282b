"""The box in which a person names a place: a street, a postcode, a school, coordinates. Nothing typed is kept.

Instead of typing, a person may let the browser say where they are, or press on a map: both fill the box with the
point's coordinates, which stay in this session only.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import folium
import pandas as pd
import streamlit as st
from streamlit.components.v2 import component
from streamlit_folium import st_folium

from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.place_finder import FoundPlace, describe_no_match, find_places, format_place_label
from hexbeat.dashboard.map.basemap import build_base_map

__all__ = ["draw_place_box", "draw_place_search", "parse_position"]

_MOST_OFFERED: Final = 6
_LONGEST: Final = 200
_EXAMPLE: Final = "Street, postcode, school or 54.574, -1.235"
_STOP: Final = "stop"
_MAP_HEIGHT: Final = 320
_MAP_WIDTH: Final = 640
_STREET_ZOOM: Final = 15
_DOT: Final[dict[str, Any]] = {"radius": 8, "color": "#ffffff", "weight": 3, "fill_color": "#0057d9", "fill_opacity": 1}
_ASSETS: Final = Path(__file__).parent / "style"
_BUTTON_HTML: Final = '<button type="button">Where I am</button><span role="status"></span>'


def draw_place_box(area: Area, label: str, *, key: str, width: int = 320) -> FoundPlace | None:
    """Draw the box, and the choice where several places fit; the place chosen, or None, with the reason on the page.

    Of several places the one that fits best is chosen until the person takes another. Call it outside a form.
    """
    words = st.text_input(label, key=f"{key}_words", placeholder=_EXAMPLE, max_chars=_LONGEST, width=width)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", width="content"):
        _draw_position_button(key=f"{key}_here", words_key=f"{key}_words")
        on_map = st.toggle("Choose on a map", key=f"{key}_on_map")
    places = _find_offered(words, area)
    if words.strip() and not places:
        st.text(describe_no_match(words, area))
    choice = next(iter(places), None)
    if len(places) > 1:
        choice = st.radio("Which one?", list(places), key=f"{key}_choice_{words.strip().casefold()}")
    place = places[str(choice)] if choice else None
    if on_map:
        with st.container(width=_MAP_WIDTH):
            _draw_map(area, place, key=key)
    if place:
        _draw_credit(area, place)
    return place


def draw_place_search(
    area: Area, label: str, *, key: str, list_stops: Callable[[], pd.DataFrame | None] = lambda: None
) -> FoundPlace | None:
    """Draw the box of a map in a row, so that what is below does not move. The place chosen, if any.

    list_stops: the stops of a plan (`plan_store.list_stops`), asked for where what is typed begins with "stop".
    Call it in a horizontal container, in which other parts may follow.
    """
    words = st.text_input(
        label,
        key=f"{key}_words",
        placeholder=f"{label}: street, postcode ...",
        max_chars=_LONGEST,
        width=240,
        label_visibility="collapsed",
    )
    _draw_position_button(key=f"{key}_here", words_key=f"{key}_words")
    stops = list_stops() if words.strip().casefold().startswith(_STOP) else None
    places = _find_offered(words, area, stops)
    choice = next(iter(places), None)
    if len(places) > 1:
        choice_key = f"{key}_choice_{words.strip().casefold()}"
        options = list(places)
        choice = st.selectbox("Which one?", options, key=choice_key, label_visibility="collapsed", width=220)
    if words.strip() and not places:
        st.text(describe_no_match(words, area))
    return places[str(choice)] if choice else None


def _find_offered(words: str, area: Area, stops: pd.DataFrame | None = None) -> dict[str, FoundPlace]:
    """The places that fit, best first, by their labels; none if nothing is typed."""
    if not words.strip():
        return {}
    rows = find_places(words, area, limit=_MOST_OFFERED, stops=stops).to_dict("records")
    places: dict[str, FoundPlace] = {}
    for row in rows:
        # Two places may have one label, as two stops of one name in a ward do: the first of them stands for both.
        label = format_place_label({str(name): value for name, value in row.items()})
        place = FoundPlace(label, float(row["lon"]), float(row["lat"]), str(row["kind"]), str(row["ward_code"]))
        places.setdefault(label, place)
    return places


def _draw_credit(area: Area, place: FoundPlace) -> None:
    """Draw whose names the gazetteer has, if the place came from it."""
    gazetteer = read_gazetteer(area)
    if gazetteer is not None and place.kind not in ("ward", "cell", "point"):
        st.caption(f"Names: {'; '.join(gazetteer.attributions)}")


def _draw_map(area: Area, place: FoundPlace | None, *, key: str) -> None:
    """Draw a map on which a press fills the box, with a dot on the place that is chosen."""
    dots = folium.FeatureGroup(name="place")
    if place:
        folium.CircleMarker((place.lat, place.lon), **_DOT).add_to(dots)
    map_key, pressed_key = f"{key}_map", f"{key}_pressed"

    def take_point() -> None:
        point = parse_click(st.session_state.get(map_key))
        if point is not None:
            st.session_state[f"{key}_words"] = f"{point[1]:.5f}, {point[0]:.5f}"
            st.session_state[pressed_key] = st.session_state[f"{key}_words"]

    # The map goes to a place that was typed; where the person pressed, it stays as they left it.
    is_pressed = st.session_state.get(pressed_key) == st.session_state.get(f"{key}_words")
    goes = place is not None and not is_pressed
    st_folium(
        build_base_map(area, view_key="place"),
        key=map_key,
        height=_MAP_HEIGHT,
        use_container_width=True,
        feature_group_to_add=dots,
        center=(place.lat, place.lon) if place and goes else None,
        zoom=_STREET_ZOOM if goes else None,
        returned_objects=["last_clicked"],
        on_change=take_point,
    )


def parse_click(returned: Any) -> tuple[float, float] | None:
    """Longitude and latitude of a press on the map; None if the browser sent anything else, which is not trusted."""
    try:
        lon, lat = float(returned["last_clicked"]["lng"]), float(returned["last_clicked"]["lat"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None  # noqa: PLR2004 - degrees


def _draw_position_button(*, key: str, words_key: str) -> None:
    """Draw the button. Once the browser has said where it is, the text box of `words_key` has the coordinates."""

    def take_position() -> None:
        point = parse_position(st.session_state[key].get("position"))
        if point is not None:
            st.session_state[words_key] = f"{point[1]:.5f}, {point[0]:.5f}"

    _declare_button()(key=key, on_position_change=take_position, width="content")


def parse_position(sent: Any) -> tuple[float, float] | None:
    """Longitude and latitude that the browser sent; None if it sent anything else, which is not trusted."""
    try:
        lon, lat = float(sent["lon"]), float(sent["lat"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None  # noqa: PLR2004 - degrees


@cache
def _declare_button() -> Any:
    js, css = ((_ASSETS / f"position.{ending}").read_text(encoding="utf-8") for ending in ("js", "css"))
    return component("hexbeat_position", html=_BUTTON_HTML, js=js, css=css)
