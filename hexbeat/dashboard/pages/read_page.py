"""The page "How to read this": the first three steps, and what every statistic on the screens means."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.meanings import MEANINGS, render_sentences
from hexbeat.dashboard.welcome import draw_steps
from layers.wording import escape_html

__all__ = ["show"]

BEFORE_YOU_REPEAT: Final = (
    "Say the period and the place with the number, as the sentence above the map does.",
    "Say recorded. Nobody knows what was not reported.",
    (
        "Small numbers about small places can point at somebody. What is here is for the partnership. Only the public "
        "release is made for publishing."
    ),
    "In an emergency, call 999.",
)


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    draw_header(installation, pages)
    st.html('<h2 class="hb-page-title">How to read this</h2>')
    with st.container(key="hb_read_page"):
        draw_steps(installation)
        st.html(f'<h2 class="hb-title">Before you repeat a number</h2>{render_sentences(BEFORE_YOU_REPEAT)}')
        st.html('<h2 class="hb-title">What the numbers mean</h2>')
        for meaning in MEANINGS.values():
            st.html(f'<h3 class="hb-points">{escape_html(meaning.title)}</h3>{render_sentences(meaning.sentences)}')
