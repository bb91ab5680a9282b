"""The page of work done: opened on a phone by the link of a plan and a team; below it what the week has come to."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.header import show_header
from dashboard.partners.done_import import draw_import
from dashboard.partners.done_stops import draw_stops
from dashboard.partners.done_week import all_plans, draw_week
from dashboard.screen import STYLE
from dashboard.session import Installation
from dashboard.words import html_text
from layers.access import Action, may
from layers.plans.plan import Plan, Tour

__all__ = ["show"]

PLAN: Final = "plan"  # what a link says: ?plan=sckx7i&team=Team 1
TEAM: Final = "team"
LINKED_KEY: Final = "done_linked"  # whether the page was opened by the link of a plan


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    st.html(STYLE / "done.css")
    show_header(here, pages)
    if not may(here.viewer, Action.SEE_WORK):
        st.text("Your role does not see what was done.")
        return
    plans = all_plans(here)
    if not plans:
        draw_no_plan(pages)
        draw_week(here)
        return
    with st.container(horizontal=True, wrap=False, key="hb_done_page", gap="large"):
        with st.container(key="hb_done"):
            above, below = st.container(), st.container()
            by_link = st.query_params.get(PLAN) in {plan.plan_id for plan in plans}
            linked = st.session_state.setdefault(LINKED_KEY, by_link)  # the address fills itself later on
            choosing, stops = (below, above) if linked else (above, below)  # on a link the stop comes first
            with choosing:
                plan, tour = choose(plans)
            with stops:
                st.html(f'<p class="hb-sentence">{html_text(tour.team)}: {html_text(plan.title)}</p>')
                draw_stops(here, plan, tour)
            if may(here.viewer, Action.RECORD_WORK):
                draw_import(here, plan, tour)
        with st.container(key="hb_done_week"):
            draw_week(here)


def draw_no_plan(pages: Sequence[StreamlitPage]) -> None:
    """There is no plan yet: say where one is made."""
    st.html(
        '<div class="hb-empty"><h2>No plan has been made yet</h2><p>Make a patrol or sweep plan first. Its link opens '
        "this page on a phone with the stops of one team, to tick them off by one tap each.</p></div>"
    )
    for page in pages:
        if page.url_path == "plan":
            st.page_link(page, label="Go to the Plan page")


def choose(plans: Sequence[Plan]) -> tuple[Plan, Tour]:
    """The plan and the team: those of the link, else the newest and its first; the address follows the choice."""
    by_id = {plan.plan_id: plan for plan in plans}
    asked = st.query_params.get(PLAN, "")
    given = by_id.get(asked, plans[0])
    named = st.query_params.get(TEAM, "")
    if asked and asked not in by_id:
        st.text("The plan of this link is not kept here. Choose another.")
    with st.expander("Another plan or team", expanded=asked not in by_id):
        ids = list(by_id)
        plan = by_id[
            st.selectbox("Plan", ids, index=ids.index(given.plan_id), format_func=lambda one: by_id[one].title)
        ]
        teams = [tour.team for tour in plan.tours]
        team = st.selectbox("Team", teams, index=teams.index(named) if named in teams else 0)
    st.query_params.update({PLAN: plan.plan_id, TEAM: team})
    return plan, plan.tours[teams.index(team)]
