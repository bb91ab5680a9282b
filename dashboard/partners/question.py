"""What the Analysis page is asked: one layer, a period, wards; it fits in a link like the map's choices."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from dashboard.freshness import SHORT_NAMES
from dashboard.history import is_history_navigation
from dashboard.places import build_ward_labels
from dashboard.presets import PERIODS
from dashboard.session import Installation
from dashboard.state import Choices, format_query, parse_query
from layers.catalogue import LAYER_NAMES

__all__ = ["ASKED_PERIOD", "draw_request", "format_request_query", "parse_request"]

ASKED_PERIOD: Final = "year"  # patterns over time need time
HELD: Final = "analysis_question"
PREFIX: Final = "analysis_"


def parse_request(query: Mapping[str, str], *, ward_codes: tuple[str, ...], on_map: Choices | None) -> Choices:
    """The question of a link; without one the map's layer and wards over a year."""
    if query:
        asked, _ = parse_query(query, ward_codes=ward_codes)
        period = query.get("period", "")
        period = period if period in PERIODS else ASKED_PERIOD
    else:
        asked, period = on_map or Choices(), ASKED_PERIOD
    return Choices(layers=asked.layers[:1], period=period, wards=asked.wards)


def format_request_query(choices: Choices) -> dict[str, str]:
    """The question as query parameters; the period always, because on opening it is not the map's."""
    return {**format_query(choices), "period": choices.period}


def draw_request(here: Installation, *, on_map: Choices | None) -> Choices:
    """Draw the controls and return what is asked now; the address bar carries it, and back and forward return to it."""
    by_history = is_history_navigation()
    held = st.session_state.get(HELD)
    if held is None or by_history:
        query = {key: st.query_params[key] for key in st.query_params}
        held = parse_request(query, ward_codes=tuple(here.area.wards.codes), on_map=on_map)
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        asked = _draw(here, held, anew=by_history)
    st.session_state[HELD] = asked
    wanted = format_request_query(asked)
    if {key: st.query_params[key] for key in st.query_params} != wanted:
        st.query_params.from_dict(wanted)
    return asked


def _draw(here: Installation, held: Choices, *, anew: bool) -> Choices:
    """What, when and where; `anew`: as `held` says, whatever the controls showed."""
    wanted: dict[str, Any] = {"layer": held.layers[0], "period": held.period, "wards": list(held.wards)}
    for name, value in wanted.items():
        if anew or PREFIX + name not in st.session_state:
            st.session_state[PREFIX + name] = value
    layer = st.pills(
        "What",
        LAYER_NAMES,
        key=PREFIX + "layer",
        format_func=lambda name: SHORT_NAMES[name].capitalize(),
        required=True,
    )
    period = st.pills(
        "When", list(PERIODS), key=PREFIX + "period", format_func=lambda name: PERIODS[name].title, required=True
    )
    labels = build_ward_labels(here.area.wards)
    wards = st.multiselect(
        "Where",
        sorted(labels, key=labels.__getitem__),
        key=PREFIX + "wards",
        format_func=labels.__getitem__,
        placeholder="The whole area",
    )
    chosen = tuple(code for code in here.area.wards.codes if code in wards)
    return replace(held, layers=(str(layer),), period=str(period), wards=chosen)
