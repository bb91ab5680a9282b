"""The stops of a team on a phone: the next stop on a map, one tap to record it, one tap to undo the last record."""

from typing import Final

import streamlit as st

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.map.tour_map import draw_next_stop
from hexbeat.dashboard.pages.record.record_view import TourProgress, build_progress, render_progress, render_row
from hexbeat.dashboard.pages.record.recorder import MESSAGE_KEY, draw_recorder
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.stop_links import read_links
from hexbeat.operations.ledger.ledger import read_visits, undo_visit
from hexbeat.operations.plans.plan import Plan, Tour
from layers.access import Action, may
from layers.wording import format_plural

__all__ = ["draw_stops"]

OFFLINE: Final = (
    "Without a connection this page still records: the phone keeps what you tap, and sends it when the connection is "
    "back. Until then it keeps the plan's code, the team, the stop, what was done and when."
)


def draw_stops(installation: Installation, plan: Plan, tour: Tour) -> None:
    """Draw the team's progress, the next stop, and all stops."""
    progress = build_progress(
        plan,
        tour,
        read_visits(installation.store, installation.viewer, plan_id=plan.plan_id),
        zone=installation.area.tz,
    )
    st.html(render_progress(progress))
    # Each part has a container, so that it keeps its place and no widget appears twice for a moment.
    if may(installation.viewer, Action.RECORD_WORK):
        with st.container(key="hb_done_now"):
            draw_card(installation, progress)
        with st.container(key="hb_done_undo"):
            draw_undo(installation, progress)
    draw_list(installation, progress)
    st.html(f'<p class="hb-small">{OFFLINE}</p>')


def draw_card(installation: Installation, progress: TourProgress) -> None:
    """Draw the map of the stop to go to (of the first one when all are recorded), and its card with the buttons."""
    state = progress.next or next(iter(progress.states), None)
    if state is None:
        return
    with st.container(key="hb_done_map"):
        draw_next_stop(installation.area, progress.plan, progress.tour, state.stop)
    with st.container(key="hb_offline"):  # hexbeat.dashboard.news leaves it in use without a connection
        draw_recorder(
            installation, progress, read_links(installation),
            key=f"done_recorder_{progress.plan.plan_id}_{progress.tour.team}",
        )  # fmt: skip


def draw_undo(installation: Installation, progress: TourProgress) -> None:
    """Draw the button that undoes the last record."""
    if progress.last is None or progress.last.visit_id is None:
        return
    st.button(
        f"Undo stop {progress.last.stop.order}",
        width="stretch",
        key=f"done_undo_{progress.last.visit_id}",
        on_click=undo_stop,
        args=(installation, progress.last.visit_id, progress.last.stop.order),
    )


def undo_stop(installation: Installation, name: str, order: int) -> None:
    """Undo one visit, and keep a message that says what is recorded now."""
    try:
        with audit_change(installation, action=Action.RECORD_WORK, what="done/undo"):
            has_earlier = undo_visit(installation.store, installation.viewer, name)
    except HexbeatError as error:
        st.session_state[MESSAGE_KEY] = error
        return
    st.session_state[MESSAGE_KEY] = f"Stop {order}: " + (
        "what was recorded before is back." if has_earlier else "undone. It is open again."
    )


def draw_list(installation: Installation, progress: TourProgress) -> None:
    """Draw all stops in their order, folded for those who record."""
    allowed = may(installation.viewer, Action.RECORD_WORK)
    with st.expander(f"All {format_plural(len(progress.states), 'stop', 'stops')}", expanded=not allowed):
        rows = [f"<li>{render_row(state, is_sweep=progress.is_sweep)}</li>" for state in progress.states]
        st.html(f'<ol class="hb-done-list">{"".join(rows)}</ol>')
