"""The plan page: a patrol or a needle sweep for one working time, as a sentence, a map, a table and files."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.header import draw_header
from dashboard.partners.map_page import draw_empty_store
from dashboard.partners.plan_asking import draw_patrol_choices, draw_sweep_choices
from dashboard.partners.plan_making import find_open_kind, make_patrol, make_sweep, open_plan
from dashboard.partners.plan_result import draw_plan, draw_saved_plans
from dashboard.screen import STYLE
from dashboard.session import Installation
from layers.access import Action, may

__all__ = ["show"]

KINDS: Final = {"patrol": "Patrol", "sweep": "Needle sweep"}


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the plan page."""
    draw_header(here, pages)
    st.html(STYLE / "plan.css")
    if not may(here.viewer, Action.PLAN):
        st.text("Your role does not plan.")
        return
    if not len(here.columns):
        draw_empty_store(here, pages)
        return
    kind = st.segmented_control(
        "Plan", list(KINDS), default=find_open_kind(here), required=True, key="plan_kind", format_func=KINDS.__getitem__,
        label_visibility="collapsed",
    )  # fmt: skip
    seed = int(st.session_state.get("plan_seed", 0))
    patrol = draw_patrol_choices(here, seed) if kind == "patrol" else None
    sweep = draw_sweep_choices(here, seed) if kind == "sweep" else None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        ready = patrol is not None or sweep is not None
        make = st.button("Make the plan", key="plan_make", type="primary", disabled=not ready, on_click=first_seed)
        again = st.button(
            "Another as good", key="plan_again", disabled=not ready, on_click=next_seed,
            help="The same choices with other stops, order and times.",
        )  # fmt: skip
    if (make or again) and patrol:
        make_patrol(here, patrol)
    if (make or again) and sweep:
        make_sweep(here, sweep)
    found = open_plan(here)
    if found:
        draw_plan(here, found, pages)
    else:
        st.html(
            '<div class="hb-empty"><h2>No plan is open</h2><p>Choose above and press <b>Make the plan</b>; it takes '
            "some seconds. The first plan of new records judges the forecasts first, which takes longer.</p></div>"
        )
    draw_saved_plans(here)


def first_seed() -> None:
    """The plan of these choices: the same again for the same records."""
    st.session_state["plan_seed"] = 0


def next_seed() -> None:
    """Another plan of the same choices."""
    st.session_state["plan_seed"] = int(st.session_state.get("plan_seed", 0)) + 1
