"""A plan on the page: the sentence, the map, each team's stops, the files, and how it was made."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.documents.plan_files import PLAN_FILES, build_plan_file
from dashboard.documents.plan_words import describe_way, find_mark
from dashboard.partners.plan_map import draw_tours, render_key
from dashboard.partners.plan_words import describe_past, render_tour
from dashboard.session import Installation
from dashboard.words import escape_html
from layers.access import Action, may, require
from layers.plans.plan import Plan
from layers.plans.store import list_plans
from layers.plans.words import describe_optimality, headline

__all__ = ["draw_plan", "draw_saved_plans"]

DONE: Final = "done"  # the page of the ledger
MOST_SAVED: Final = 30


def draw_plan(here: Installation, plan: Plan, pages: Sequence[StreamlitPage]) -> None:
    """All of a plan, the answer first."""
    marked = f'<p class="hb-notes"><b>{escape_html(find_mark(plan))}</b></p>' if plan.synthetic else ""
    title = escape_html(f"{plan.title} · plan {plan.plan_id}")
    st.html(
        f'<div aria-live="polite"><h2 class="hb-map-title">{title}</h2>'
        f'<p class="hb-sentence">{escape_html(headline(plan))}</p>'
        f'<p class="hb-notes">{escape_html(describe_past(plan))} {escape_html(describe_optimality(plan))}</p>{marked}</div>'
    )
    if any(tour.stops for tour in plan.tours):
        draw_files(here, plan, pages)
        with st.container(horizontal=True, key="hb_plan_body", gap="medium"):
            with st.container(key="hb_plan_map"):
                st.html(render_key(plan))
                draw_tours(here.area, plan)
            with st.container(key="hb_plan_stops"):
                draw_teams(plan)
    with st.expander("How this plan was made, and what it cannot know"):
        items = "".join(f"<li>{escape_html(line)}</li>" for line in (*plan.notes, *plan.settings))
        st.html(f'<ul class="hb-notes">{items}</ul>')


def draw_teams(plan: Plan) -> None:
    """Each team's way and stops, a tab a team."""
    for tab, tour in zip(st.tabs([tour.team for tour in plan.tours]), plan.tours, strict=True):
        with tab:
            st.html(f'<p class="hb-tour">{escape_html(describe_way(plan, tour))}</p>')
            st.html(render_tour(plan, tour))


def draw_files(here: Installation, plan: Plan, pages: Sequence[StreamlitPage]) -> None:
    """A button for each kind of file, and the way to the page on which stops are ticked off."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for page in pages:
            if page.url_path == DONE:
                st.page_link(page, label="Tick stops off (phone)", query_params={"plan": plan.plan_id})
        if may(here.viewer, Action.EXPORT):
            for kind, (label, mime, suffix) in PLAN_FILES.items():
                st.download_button(
                    label,
                    data=lambda kind=kind: _file(here, plan, kind),  # type: ignore[misc]  # a button's own kind
                    file_name=f"hexbeat-{plan.area}-{plan.kind}-{plan.plan_id}{suffix}",
                    mime=mime,
                    on_click="ignore",
                    key=f"plan_file_{kind}",
                )


def _file(here: Installation, plan: Plan, kind: str) -> bytes:
    """The file, made when its button is pressed; the policy is asked again then."""
    require(here.viewer, Action.EXPORT)
    return build_plan_file(plan, here.area, kind)


def draw_saved_plans(here: Installation) -> None:
    """The plans that were made here, to open one again."""
    saved = list_plans(here.settings.home)[:MOST_SAVED]
    if not saved:
        return
    with st.expander("Earlier plans"):
        words = {code: f"{title} ({code})" for code, title, _ in saved}
        chosen = st.selectbox(
            "Open a plan again", list(words), index=None, key="plan_open", format_func=words.__getitem__
        )
        if chosen and chosen != st.query_params.get("plan"):
            st.button("Open it", key="plan_open_it", on_click=_open, args=(chosen,))


def _open(code: str) -> None:
    st.query_params["plan"] = code
