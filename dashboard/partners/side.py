"""Beside the map: where most, or the card of the chosen cell."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.card import Card, card_html, card_rows, cell_card
from dashboard.controls import copy_link_button
from dashboard.partners.judged import cell_words
from dashboard.ranking import show_ranking
from dashboard.session import Installation, reaches_of
from dashboard.state import Choices, to_query
from dashboard.views import LayerView
from dashboard.words import html_text
from layers.access import Action, may
from layers.counts_export import counts_csv, demonstration_mark

__all__ = ["draw_side", "plan_query"]

PLAN: Final = "plan"  # the page of plans, which takes its kind, what counts and the wards from its address
SWEPT: Final = "needle_litter"
PATROLLED: Final = ("street_dealing", "overdoses")  # a closed property is a decision, and no patrol is sent for it


def draw_side(
    here: Installation,
    choices: Choices,
    views: Sequence[LayerView],
    *,
    last: date,
    resolution: int,
    on_choose: Callable[[str | None], None],
    pages: Sequence[StreamlitPage],
) -> None:
    """The card if a cell is chosen, else the list of the cells with the most."""
    if choices.cell:
        card = card_of(here, choices, views, last=last)
        st.html(card_html(card, said=cell_words(here, choices, last=last, resolution=resolution)))
        draw_ways(here, card, choices, last=last, on_choose=on_choose, pages=pages)
    else:
        draw_list(views, choices, on_choose=on_choose)


def draw_list(views: Sequence[LayerView], choices: Choices, *, on_choose: Callable[[str | None], None]) -> None:
    """What matters most in this view; or why there is nothing, and what to do."""
    if not any(len(view.rows) for view in views) and not (choices.view in ("change", "expected") and views[0].nothing):
        st.html(
            '<div class="hb-empty"><h2>Nothing matches</h2><p>No event fits these filters. Take a longer period, more '
            "wards or all hours; <b>Reset</b> brings back everything.</p></div>"
        )
        return
    if not any(group.rows for view in views for group in view.groups):
        st.html(f'<div class="hb-empty"><p>{html_text(views[0].nothing)}</p></div>')
        return
    st.html(f"<h2>{html_text(views[0].heading)}</h2>")
    show_ranking(views, view=choices.view, chosen=choices.cell, on_pick=on_choose)


def card_of(here: Installation, choices: Choices, views: Sequence[LayerView], *, last: date) -> Card:
    """All that is said of the chosen cell."""
    return cell_card(
        here.columns,
        cell=choices.cell or "",
        choices=choices,
        last=last,
        area=here.area,
        reaches=reaches_of(here),
        figures=[view.figures for view in views],
    )


def plan_query(choices: Choices, ward_code: str) -> dict[str, str]:
    """The address of a plan of one ward: of the kind and for what the map shows, where that is one layer that says."""
    shown = choices.layers[0] if len(choices.layers) == 1 else ""
    if shown == SWEPT:
        return {"kind": "sweep", "wards": ward_code}
    if shown in PATROLLED:
        return {"kind": "patrol", "layers": shown, "wards": ward_code}
    return {"wards": ward_code}


def draw_ways(  # the ways on from one card
    here: Installation,
    card: Card,
    choices: Choices,
    *,
    last: date,
    on_choose: Callable[[str | None], None],
    pages: Sequence[StreamlitPage],
) -> None:
    """From the card: back to the list, on to a plan of its ward, the numbers as a file, the link."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Back to the list", key="close_card", on_click=on_choose, args=(None,))
        for page in pages:
            if page.url_path == PLAN and may(here.viewer, Action.PLAN):
                st.page_link(page, label="Plan a visit", query_params=plan_query(choices, card.ward_code))
        if all(may(here.viewer, Action.EXPORT, line.spec.name) for line in card.lines):
            mark = demonstration_mark(here.columns)
            note = {"demonstration": mark} if mark else {}
            st.download_button(
                "Download",
                data=lambda: counts_csv(card_rows(card), note=note),
                file_name=f"hexbeat-{here.area.name}-{card.cell}.csv",
                mime="text/csv",
                on_click="ignore",
            )
        copy_link_button(urlencode(to_query(choices, fixed=choices.bounds(last))), key="copy_card", label="Copy link")
