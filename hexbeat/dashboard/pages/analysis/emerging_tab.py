"""Emerging hotspots: the sentence, the map by category, what the categories mean, and the places as a table."""

from datetime import date
from typing import Final

import pandas as pd
import streamlit as st

from hexbeat.analysis.emerging_map import EmergingMap
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.dashboard.pages.map.tabs import draw_frame
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.findings import find_findings
from hexbeat.dashboard.state.session import Installation, choose_area_resolution
from hexbeat.dashboard.views.emerging_view import (
    build_emerging_drawing,
    build_emerging_rows,
    build_emerging_table,
    describe_emerging,
    render_emerging_card,
    render_patterns,
)
from hexbeat.dashboard.views.sentence import format_places
from layers.wording import escape_html

__all__ = ["draw_emerging"]

HEIGHT: Final = 520
PICKED: Final = "emerging_cell"


def draw_emerging(installation: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    layer, resolution = asked.layers[0], choose_area_resolution(installation, asked)
    found = find_findings(installation, asked, layer=layer, last=last, resolution=resolution).emerging
    rows = build_emerging_rows(found, installation.area)
    labels = build_ward_labels(installation.area.wards)
    place = format_places([labels[code] for code in asked.wards], installation.area.title)
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(describe_emerging(found, rows, place=place))}</p>'
        f'<p class="hb-notes">{escape_html(" ".join(found.notes))}</p></div>'
    )
    if rows.empty:
        st.text("Choose a longer period, or more wards.")
        return
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            drawing = build_emerging_drawing(rows, found.spec.title)
            pick = draw_live_map(
                installation.area,
                drawing.layer(),
                key="map_emerging",
                height=HEIGHT,
                fit=asked.wards,
                selected=find_picked_cell(rows),
            )
            if pick and pick.new:
                st.session_state[PICKED] = pick.cell
        with st.container(key="hb_analysis_words", width=440):
            draw_picked(found, rows)
            st.html(f'<h2 class="hb-title">What the patterns mean</h2>{render_patterns(rows)}')
    draw_frame(build_emerging_table(rows), key="emerging_table", alt="The places and their patterns over time")


def find_picked_cell(rows: pd.DataFrame) -> str | None:
    """The cell that was picked in this session, while it is on the map."""
    cell = st.session_state.get(PICKED)
    return cell if isinstance(cell, str) and (rows["cell"] == cell).any() else None


def draw_picked(found: EmergingMap, rows: pd.DataFrame) -> None:
    """The card of the picked cell; how to get one where none is."""
    cell = find_picked_cell(rows)
    if cell is None:
        st.html('<p class="hb-small">Choose a place on the map to see what became of it, period by period.</p>')
        return
    with st.container(key="hb_emerging_card"):
        st.html(render_emerging_card(found, rows, cell))
