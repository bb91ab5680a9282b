"""Near repeats: for how long and how far the risk stays raised after an event."""

from datetime import date

import streamlit as st

from dashboard.findings import find_near_repeats
from dashboard.judging_tables import render_repeats
from dashboard.screen import draw_error
from dashboard.session import Installation
from dashboard.state import Choices, build_filter
from dashboard.words import escape_html
from geo.errors import HexbeatError
from layers.catalogue import find_layer

__all__ = ["draw_repeats"]

MEANING = (
    "Each number says how many pairs of events were so far and so long apart, against how many there would be if the "
    "same events had happened on shuffled days. Raised: more than shuffling gives, with at most 1 in 20 such words "
    "expected to be false. Choose a short period: a place that grew busier over a year looks like repeats."
)


def draw_repeats(here: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    spec = find_layer(asked.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force for months and have no near repeats.")
        return
    start, end = asked.bounds(last)
    try:
        found = find_near_repeats(here, build_filter(asked, layer=spec.name, start=start, end=end))
    except HexbeatError as error:
        draw_error(error)
        return
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(found.sentence)}</p>'
        f'<p class="hb-notes">{escape_html(" ".join(found.notes))}</p></div>'
        f'{render_repeats(found)}<p class="hb-small">{escape_html(MEANING)}</p>'
    )
