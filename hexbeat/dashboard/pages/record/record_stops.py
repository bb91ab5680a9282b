"""The stops of a team on a phone: the next stop large, one tap to record it, one tap to undo the last record."""

import datetime as dt
from typing import Final

import streamlit as st

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.map.tour_map import draw_next_stop
from hexbeat.dashboard.pages.record.record_view import (
    StopState,
    TourProgress,
    build_progress,
    render_card,
    render_progress,
    render_row,
)
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.stop_links import draw_stop_links
from hexbeat.operations.ledger.ledger import read_visits, record_visit, undo_visit
from hexbeat.operations.ledger.visits import (
    DONE,
    MOST_MINUTES,
    MOST_NEEDLES,
    NOT_DONE,
    build_stop_visit,
    estimate_start,
)
from hexbeat.operations.plans.plan import Plan, Tour
from layers.access import Action, may
from layers.wording import escape_html, format_plural

__all__ = ["draw_stops"]

CHOSEN_KEY: Final = "done_chosen"  # the stop that a person picked from the list, in place of the next one
MESSAGE_KEY: Final = "done_said"
OFFLINE: Final = (
    "This page needs a connection. Without one, its buttons do not work and nothing is recorded. You can tick the "
    "stops on the printed plan instead, or let the phone record its track and load the file below."
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
    with st.container():
        draw_message()
    if may(installation.viewer, Action.RECORD_WORK):
        with st.container(key="hb_done_now"):
            draw_card(installation, progress)
        with st.container(key="hb_done_undo"):
            draw_undo(installation, progress)
    draw_list(installation, progress)
    st.html(
        '<p class="hb-offline" role="alert">No connection: nothing is recorded now.</p>'
        f'<p class="hb-small">{OFFLINE}</p>'
    )


def draw_message() -> None:
    """Draw the message of the last tap, or its error."""
    message = st.session_state.pop(MESSAGE_KEY, None)
    if isinstance(message, HexbeatError):
        draw_error(message)
    elif message:
        st.html(f'<p role="status"><b>{escape_html(message)}</b></p>')


def draw_card(installation: Installation, progress: TourProgress) -> None:
    """Draw the stop to go to, with its numbers and buttons."""
    chosen_id = st.session_state.get(CHOSEN_KEY)
    state = (
        next((candidate for candidate in progress.states if candidate.stop.stop_id == chosen_id), None) or progress.next
    )
    if state is None:
        st.html(
            '<div class="hb-done-card"><h2>All stops are recorded</h2>'
            "<p>Thank you. To correct one, choose it below.</p></div>"
        )
        return
    with st.container(key="hb_done_map"):
        draw_next_stop(installation.area, progress.plan, progress.tour, state.stop)
    st.html(render_card(state, total=len(progress.states)))
    key = f"{progress.plan.plan_id}_{progress.tour.team}_{state.stop.stop_id}"
    minutes_key, needles_key = f"done_min_{key}", f"done_needles_{key}"
    if progress.is_sweep:
        with st.container(key="hb_done_needles"):
            draw_number_input("Needles collected", state.needles or 0, MOST_NEEDLES, needles_key)
    button = st.container()
    draw_stop_links(installation, state.stop)
    # The minutes are as planned unless somebody says otherwise, so that they stand after the button.
    with st.container(key="hb_done_minutes"):
        draw_number_input("Minutes", state.minutes if state.done else state.stop.minutes, MOST_MINUTES, minutes_key)
    label = "Correct" if state.visit_id else "Done"
    # The keys of the fields, not their values: a value typed last arrives with the tap, after this was drawn.
    arguments = (installation, progress, state, minutes_key, needles_key if progress.is_sweep else None)
    button.button(
        label, type="primary", width="stretch", key=f"done_yes_{key}", on_click=record_stop, args=(*arguments, DONE)
    )
    st.button(
        "Could not do it", width="stretch", key=f"done_no_{key}", on_click=record_stop, args=(*arguments, NOT_DONE)
    )


def draw_number_input(label: str, value: int | None, maximum: int, key: str) -> None:
    """Draw a field for a whole number with large buttons."""
    st.number_input(label, min_value=0, max_value=maximum, value=value or 0, step=1, key=key)


def record_stop(
    installation: Installation,
    progress: TourProgress,
    state: StopState,
    minutes_key: str,
    needles_key: str | None,
    outcome: str,
) -> None:
    """Record a stop with the values of two fields. A second tap on a slow page records nothing."""
    minutes = int(st.session_state[minutes_key])
    needles = int(st.session_state[needles_key]) if needles_key else None
    now = dt.datetime.now(dt.UTC)
    stop = state.stop
    duration = minutes if outcome == DONE else 0
    try:
        visits = read_visits(installation.store, installation.viewer, plan_id=progress.plan.plan_id)
        current = build_progress(progress.plan, progress.tour, visits, zone=installation.area.tz)
        current_state = next(candidate for candidate in current.states if candidate.stop.stop_id == stop.stop_id)
        if current_state.visit_id is not None and state.visit_id is None:
            return
        start = current_state.started if current_state.done and outcome == DONE else None
        visit = build_stop_visit(
            progress.plan,
            progress.tour,
            stop,
            started_at=start or estimate_start(progress.plan, stop, minutes=duration, now=now),
            minutes=duration,
            needles=needles if outcome == DONE else None,
            outcome=outcome,
        )
        with audit_change(installation, action=Action.RECORD_WORK, what="done/visit") as deed:
            record_visit(installation.store, installation.viewer, visit, now=now)
            deed.rows = 1
    except HexbeatError as error:
        st.session_state[MESSAGE_KEY] = error
        return
    st.session_state.pop(CHOSEN_KEY, None)
    st.session_state[MESSAGE_KEY] = f"Recorded: stop {stop.order}, " + (
        f"{duration} minutes from {visit.started_at.astimezone(installation.area.tz):%H:%M}."
        if outcome == DONE
        else "not done."
    )


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
    """Draw all stops in their order, folded for those who record; a tap on one shows it above."""
    allowed = may(installation.viewer, Action.RECORD_WORK)
    folded = st.expander(f"All {format_plural(len(progress.states), 'stop', 'stops')}", expanded=not allowed)
    for state in progress.states:
        with folded, st.container(horizontal=True, gap="small", key=f"hb_done_stop_{state.stop.order}"):
            if allowed:
                st.button(
                    f"Stop {state.stop.order}",
                    key=f"done_choose_{state.stop.stop_id}",
                    on_click=choose_stop,
                    args=(state.stop.stop_id,),
                )
            st.html(render_row(state, is_sweep=progress.is_sweep))


def choose_stop(stop_id: str) -> None:
    """Show a stop above, to do it out of order or to correct it."""
    st.session_state[CHOSEN_KEY] = stop_id
