"""The line that is always in sight: area, pages, how far the records reach, who looks, and the demonstration mark."""

from collections.abc import Mapping, Sequence
from datetime import date

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.freshness import Reach, freshness_words, short_name
from dashboard.session import Installation, reaches_of
from dashboard.words import html_text
from layers.catalogue import LAYERS
from layers.counts_export import demonstration_mark

__all__ = ["facts_html", "show_header"]


def show_header(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the header."""
    with st.container(horizontal=True, key="hb_header", vertical_alignment="center", gap="small"):
        st.html(f"<h1><b>Hexbeat</b> · {html_text(here.area.title)}</h1>", width="content")
        for page in pages:
            st.page_link(page)
        facts = facts_html(
            reaches_of(here), today=here.today, role=here.viewer.role, mark=demonstration_mark(here.columns)
        )
        st.html(facts, width="stretch")


def facts_html(reaches: Mapping[str, Reach], *, today: date, role: str, mark: str | None) -> str:
    """A list: each layer and its newest record, the role, and the mark if any event is synthetic (None: none is)."""
    items = [
        f"<li>{short_name(spec)} <b>{freshness_words(reaches[spec.name], today=today)}</b></li>" for spec in LAYERS
    ]
    items.append(f"<li>role <b>{html_text(role)}</b></li>")
    if mark:
        items.append(f'<li class="hb-badge">DEMONSTRATION: {html_text(mark)}</li>')
    return f'<ul class="hb-facts" aria-label="How far the records reach">{"".join(items)}</ul>'
