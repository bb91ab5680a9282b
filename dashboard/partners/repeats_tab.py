"""Near repeats: for how long and how far the risk stays raised after an event."""

from datetime import date

import streamlit as st

from dashboard.findings import near_repeats_of
from dashboard.judging_tables import repeats_html
from dashboard.screen import show_error
from dashboard.session import Installation
from dashboard.state import Choices, filter_for
from dashboard.words import html_text
from geo.errors import HexbeatError
from layers.catalogue import layer_named

__all__ = ["draw_repeats"]

MEANING = (
    "Each number says how many pairs of events were so far and so long apart, against how many there would be if the "
    "same events had happened on shuffled days. Raised: more than shuffling gives, with at most 1 in 20 such words "
    "expected to be false. Choose a short period: a place that grew busier over a year looks like repeats."
)


def draw_repeats(here: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    spec = layer_named(asked.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force for months and have no near repeats.")
        return
    start, end = asked.bounds(last)
    try:
        found = near_repeats_of(here, filter_for(asked, layer=spec.name, start=start, end=end))
    except HexbeatError as error:
        show_error(error)
        return
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{html_text(found.sentence)}</p>'
        f'<p class="hb-notes">{html_text(" ".join(found.notes))}</p></div>'
        f'{repeats_html(found)}<p class="hb-small">{html_text(MEANING)}</p>'
    )
