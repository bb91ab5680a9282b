"""The analysis page: what emerges, at which hours, which method is right how often, whether one follows another."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.freshness import find_last_known_day
from dashboard.header import draw_header
from dashboard.partners.backtest_tab import draw_backtest
from dashboard.partners.emerging_tab import draw_emerging
from dashboard.partners.map_page import draw_empty_store, find_map_choices
from dashboard.partners.question import draw_request
from dashboard.partners.repeats_tab import draw_repeats
from dashboard.partners.rhythm_tab import draw_rhythm
from dashboard.session import Installation, find_coverage

__all__ = ["show"]

NAMES: Final = ("Emerging", "Rhythm", "Back-test", "Near repeats")


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the analysis page."""
    draw_header(here, pages)
    if not len(here.columns):
        draw_empty_store(here, pages)
        return
    asked = draw_request(here, on_map=find_map_choices())
    last = find_last_known_day(find_coverage(here), layers=asked.layers, today=here.today)
    emerging, rhythm, backtest, repeats = st.tabs(NAMES, key="analysis_tab", on_change="rerun")
    if emerging.open:
        with emerging:
            draw_emerging(here, asked, last)
    if rhythm.open:
        with rhythm:
            draw_rhythm(here, asked, last)
    if backtest.open:
        with backtest:
            draw_backtest(here, asked, pages)
    if repeats.open:
        with repeats:
            draw_repeats(here, asked, last)
