"""The page of work done: opened on a phone by the link of a plan and a team; below it what the week has come to."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.header import draw_header
from dashboard.partners.done_import import draw_import
from dashboard.partners.done_stops import draw_stops
from dashboard.partners.done_week import draw_week, load_plans
from dashboard.screen import STYLE
from dashboard.session import Installation
from dashboard.words import escape_html
from layers.access import Action, may
from layers.plans.plan import Plan, Tour

__all__ = ["show"]

PLAN: Final = "plan"  # what a link says: ?plan=sckx7i&team=Team 1
TEAM: Final = "team"
LINKED_KEY: Final = "done_linked"  # whether the page was opened by the link of a plan


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    st.html(STYLE / "done.css")
    draw_header(here, pages)
    if not may(here.viewer, Action.SEE_WORK):
        st.text("Your role does not see what was done.")
        return
    plans = load_plans(here)
    if not plans:
        draw_no_plan(pages)
        draw_week(here)
        return
    with st.container(horizontal=True, wrap=False, key="hb_done_page", gap="large"):
        with st.container(key="hb_done"):
            draw_team(here, plans)
        with st.container(key="hb_done_week"):
            draw_week(here)


def draw_team(here: Installation, plans: Sequence[Plan]) -> None:
    """The stops of one team, once it is known which plan and which team."""
    above, below = st.container(), st.container()
    by_link = st.query_params.get(PLAN) in {plan.plan_id for plan in plans}
    linked = st.session_state.setdefault(LINKED_KEY, by_link)  # the address fills itself later on
    choosing, stops = (below, above) if linked else (above, below)  # on a link the stop comes first
    with choosing:
        plan = choose_plan(plans)
    if plan is None:
        return
    with stops:
        tour = choose_team(plan)
        if tour is None:
            return
        st.html(f'<p class="hb-sentence">{escape_html(tour.team)}: {escape_html(plan.title)}</p>')
        draw_stops(here, plan, tour)
    if may(here.viewer, Action.RECORD_WORK):
        draw_import(here, plan, tour)


def draw_no_plan(pages: Sequence[StreamlitPage]) -> None:
    """There is no plan yet: say where one is made."""
    st.html(
        '<div class="hb-empty"><h2>No plan has been made yet</h2><p>Make a patrol or sweep plan first. Its link opens '
        "this page on a phone with the stops of one team, to tick them off by one tap each.</p></div>"
    )
    for page in pages:
        if page.url_path == "plan":
            st.page_link(page, label="Go to the Plan page")


def choose_plan(plans: Sequence[Plan]) -> Plan | None:
    """The plan of the link, or the newest where the address names none; the address follows the choice.

    None until one is chosen where the link names a plan that is not kept: another one would be another team's work.
    """
    by_id = {plan.plan_id: plan for plan in plans}
    ids = list(by_id)

    def title(plan_id: str) -> str:
        """Plans that were made anew have one title: the code tells them apart, for the person and for Streamlit."""
        return f"{by_id[plan_id].title} ({plan_id})"

    asked = st.query_params.get(PLAN, "")
    if asked and asked not in by_id:
        st.warning("The plan of this link is not kept here; choose one below.")
        chosen = st.selectbox("Plan", ids, index=None, format_func=title, placeholder="Choose a plan")
        if chosen is None:
            return None
        st.query_params[PLAN] = chosen
        st.rerun()
    with st.expander("Another plan", expanded=not asked):
        given = ids.index(asked) if asked else 0
        plan_id = st.selectbox("Plan", ids, index=given, format_func=title, key="done_plan")
    plan = by_id[plan_id]
    if plan_id != asked and st.query_params.get(TEAM) not in {tour.team for tour in plan.tours}:
        st.query_params.pop(TEAM, None)  # it was a team of the plan before
    st.query_params[PLAN] = plan_id
    return plan


def choose_team(plan: Plan) -> Tour | None:
    """The team of the link, or the only one; None until one is chosen. The address follows the choice."""
    teams = [tour.team for tour in plan.tours]
    named = st.query_params.get(TEAM, "")
    asking = st.container()
    if len(teams) == 1 and named in ("", *teams):
        team: str | None = teams[0]
    else:
        given = teams.index(named) if named in teams else None
        with st.container(key="hb_done_team"):
            team = st.radio("Team", teams, index=given, horizontal=True, key=f"done_team_{plan.plan_id}")
    if team is None:
        with asking:
            if named:
                st.warning("The team of this link is not in this plan; choose one below.")
            st.html(f'<p class="hb-sentence">Which team of {escape_html(plan.title)}?</p>')
        return None
    st.query_params[TEAM] = team
    return plan.tours[teams.index(team)]
