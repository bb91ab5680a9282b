"""Beside the map: where most, or the card of the chosen cell."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.card import Card, build_card_rows, build_cell_card, render_card
from dashboard.controls import draw_copy_link_button
from dashboard.partners.judged import describe_cell
from dashboard.ranking import draw_ranking
from dashboard.session import Installation, find_coverage
from dashboard.state import Choices, format_query
from dashboard.views import LayerView
from dashboard.words import escape_html
from layers.access import Action, may
from layers.counts_export import build_counts_csv, find_demonstration_mark

__all__ = ["draw_cell_panel", "format_plan_query"]

PLAN: Final = "plan"  # the page of plans, which takes its kind, what counts and the wards from its address
SWEPT: Final = "needle_litter"
PATROLLED: Final = ("street_dealing", "overdoses")  # a closed property is a decision, and no patrol is sent for it


def draw_cell_panel(
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
        card = build_card(here, choices, views, last=last)
        st.html(render_card(card, said=describe_cell(here, choices, last=last, resolution=resolution)))
        draw_card_links(here, card, choices, last=last, on_choose=on_choose, pages=pages)
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
        st.html(f'<div class="hb-empty"><p>{escape_html(views[0].nothing)}</p></div>')
        return
    st.html(f"<h2>{escape_html(views[0].heading)}</h2>")
    draw_ranking(views, view=choices.view, chosen=choices.cell, on_pick=on_choose)


def build_card(here: Installation, choices: Choices, views: Sequence[LayerView], *, last: date) -> Card:
    """All that is said of the chosen cell."""
    return build_cell_card(
        here.columns,
        cell=choices.cell or "",
        choices=choices,
        last=last,
        area=here.area,
        reaches=find_coverage(here),
        figures=[view.figures for view in views],
    )


def format_plan_query(choices: Choices, ward_code: str) -> dict[str, str]:
    """The address of a plan of one ward: of the kind and for what the map shows, where that is one layer that says."""
    shown = choices.layers[0] if len(choices.layers) == 1 else ""
    if shown == SWEPT:
        return {"kind": "sweep", "wards": ward_code}
    if shown in PATROLLED:
        return {"kind": "patrol", "layers": shown, "wards": ward_code}
    return {"wards": ward_code}


def draw_card_links(  # the ways on from one card
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
                st.page_link(page, label="Plan a visit", query_params=format_plan_query(choices, card.ward_code))
        if all(may(here.viewer, Action.EXPORT, line.spec.name) for line in card.lines):
            mark = find_demonstration_mark(here.columns)
            note = {"demonstration": mark} if mark else {}
            st.download_button(
                "Download",
                data=lambda: build_counts_csv(build_card_rows(card), note=note),
                file_name=f"hexbeat-{here.area.name}-{card.cell}.csv",
                mime="text/csv",
                on_click="ignore",
            )
        draw_copy_link_button(
            urlencode(format_query(choices, fixed=choices.bounds(last))), key="copy_card", label="Copy link"
        )
