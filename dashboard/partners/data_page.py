"""The data page: on the left what there is, on the right what can be loaded."""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.header import draw_header
from dashboard.partners.loads import draw_demonstration, draw_last_load, draw_pending_erasure, draw_rejects
from dashboard.partners.reference_section import draw_reference
from dashboard.partners.upload import draw_upload
from dashboard.quality import render_sources
from dashboard.session import Installation
from dashboard.words import escape_html, format_plural
from layers.access import Action, may
from layers.storage.reading import count_outside, summarise_sources

__all__ = ["show"]


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the data page."""
    draw_header(here, pages)
    with st.container(horizontal=True, wrap=False, key="hb_data", gap="large"):
        with st.container(key="hb_data_left", width="stretch"):
            draw_sources(here)
            draw_last_load(here)
            draw_rejects(here)
            draw_demonstration(here)
            draw_pending_erasure(here)
        with st.container(key="hb_data_right", width="stretch"):
            if may(here.viewer, Action.LOAD):
                draw_upload(here)
            else:
                st.text("Your role does not load files.")
            draw_reference(here)


def draw_sources(here: Installation) -> None:
    """Freshness and quality of each source."""
    st.html('<h2 class="hb-title">What there is</h2>')
    summary = summarise_sources(here.store, here.viewer)
    if summary.empty:
        st.text("Nothing has been loaded yet. Drop a file on this page to begin.")
        return
    explained = (
        "No time of day: known to the day or month only. Snapped: at a point that several records share, so the exact "
        "place is not known. Rejects: rows that could not be used, of the latest load of each file."
    )
    table = render_sources(summary, today=here.today, time_zone=here.area.tz)
    outside = count_outside(here.store, here.viewer, ward_codes=tuple(here.area.wards.codes))
    lost = ""
    if outside:
        words = f"{format_plural(outside, 'record lies', 'records lie')} in wards that {here.area.title} does not have."
        lost = f'<p class="hb-silent">{escape_html(words)}</p>'
    st.html(f'{table}{lost}<p class="hb-small">{explained}</p>')
