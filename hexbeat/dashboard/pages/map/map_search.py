"""The search box above the map: Enter goes to a place and marks it. The place is in no address and no log."""

import time
from collections.abc import Callable
from typing import Final

import h3
import pandas as pd
import streamlit as st

from hexbeat.areas.area import find_ward_bounds
from hexbeat.areas.place_finder import FoundPlace
from hexbeat.dashboard.map.hex_layer import MapMark
from hexbeat.dashboard.place_box import draw_place_search
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.plans.plan_access import may_see_plan
from hexbeat.operations.plans.plan_store import list_stops, load_newest_plan
from layers.wording import escape_html

__all__ = ["draw_map_search"]

KEY: Final = "map_search"
LAST_KEY: Final = "map_search_last"  # the place that the map went to last, and the number of that search


def draw_map_search(
    installation: Installation, *, resolution: int, on_choose: Callable[[str | None], None]
) -> tuple[str | None, MapMark | None]:
    """Draw the box. The cell to choose, if the person has just found a cell, and the mark; None where there is none.

    The stops of the plan that was made last are found too ("stop 3").
    `on_choose` opens the card of a cell (an H3 string), for the button beside the name of what was found.
    """
    area = installation.area

    def list_newest_stops() -> pd.DataFrame | None:
        plan = load_newest_plan(installation.documents, area.name)
        return list_stops(plan) if plan and may_see_plan(installation.viewer, plan) else None

    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"{KEY}_row"):
        place = draw_place_search(area, "Find a place", key=KEY, list_stops=list_newest_stops)
        if place is None:
            st.session_state.pop(LAST_KEY, None)  # the same words go there again
            return None, None
        cell = h3.latlng_to_cell(place.lat, place.lon, resolution)
        if place.kind != "ward":
            st.button("Show its card", key=f"{KEY}_card", on_click=on_choose, args=(cell,))
        # The mark on the map shows its name; this says it to who does not see the map.
        st.html(f'<p class="hb-sr" role="status">Marked on the map: {escape_html(place.name)}</p>', width="content")
    number, is_new = count_search(place)
    bounds = find_ward_bounds(area, [place.ward_code]) if place.kind == "ward" else None
    mark = MapMark(place.lon, place.lat, place.name, number, bounds)
    return cell if is_new and place.kind == "cell" else None, mark


def count_search(place: FoundPlace) -> tuple[int, bool]:
    """The number of this search in the session, and whether it is a new one: the place differs from the last one."""
    last, number = st.session_state.get(LAST_KEY, (None, 0))
    if place == last:
        return number, False
    # The browser remembers the last number longer than this session lasts, so that a count from 1 would not do.
    number = time.time_ns() // 1_000_000
    st.session_state[LAST_KEY] = (place, number)
    return number, True
