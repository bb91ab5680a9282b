"""What a person sees first: three steps on their first visit, later what is new since they were last here."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import streamlit as st

from geo.errors import StoreError
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.saved_views import Visit, note_visit, put_steps_away
from layers.access import Action, may, may_open
from layers.catalogue import LAYER_NAMES
from layers.wording import escape_html, format_count, format_date, format_list

__all__ = ["describe_news", "draw_steps", "draw_welcome", "list_steps", "open_visit"]

VISIT_KEY: Final = "hb_visit"
READ_KEY: Final = "hb_welcome_read"


def open_visit(installation: Installation) -> Visit | None:
    """The visit of this session, noted in its first run; None for who sees no counts, or where it cannot be kept."""
    if VISIT_KEY not in st.session_state:
        visit = None
        if may(installation.viewer, Action.SEE_COUNTS):
            last_row = int(installation.columns.row_id.max()) if len(installation.columns) else 0
            try:
                visit = note_visit(installation.documents, last_row=last_row)
            except StoreError:  # somebody is loading, or the store is only read: the next visit says it
                visit = None
        st.session_state[VISIT_KEY] = visit
    current: Visit | None = st.session_state[VISIT_KEY]
    return current


def draw_welcome(installation: Installation) -> None:
    """Draw the steps of a first visit, later what is new; nothing once it was put away."""
    visit = open_visit(installation)
    if visit is None or st.session_state.get(READ_KEY):
        return
    if not visit.knows_steps:
        with st.container(key="hb_welcome", gap="xxsmall"):
            draw_steps(installation)
            st.button("I know this now", key="hb_steps_away", on_click=_put_away, args=(installation, True))
    elif news := describe_news(installation, visit):
        with st.container(key="hb_welcome", gap="xxsmall"):
            st.html(f'<p class="hb-notes" role="status">{escape_html(news)}</p>')
            st.button("Hide", key="hb_news_away", on_click=_put_away, args=(installation, False))


def _put_away(installation: Installation, knows_steps: bool) -> None:  # noqa: FBT001 - a callback's arguments
    st.session_state[READ_KEY] = True
    if knows_steps:
        try:
            put_steps_away(installation.documents)
        except StoreError:
            return  # they come again at the next visit


def describe_news(installation: Installation, visit: Visit) -> str:
    """What was loaded since the visit before, as the viewer may see it; "" where nothing was, and on a first visit."""
    columns = installation.columns
    if visit.before_at is None or visit.before_row is None:
        return ""
    is_new = columns.row_id > visit.before_row
    counts = np.bincount(columns.layer[is_new], minlength=len(LAYER_NAMES))
    parts = []
    for spec in columns.list_shown():
        number = int(counts[LAYER_NAMES.index(spec.name)])
        fewest = columns.find_fewest((spec.name,))
        if number and not columns.hides(spec.name):
            parts.append(format_count(number, spec) if number >= fewest else f"fewer than {fewest} {spec.many}")
    if not parts:
        return ""
    at = datetime.fromtimestamp(visit.before_at, UTC).astimezone(installation.area.tz)
    return (
        f"Since you were last here, on {format_date(at.date())} at {at:%H:%M}: {format_list(parts)} "
        "are new or were changed."
    )


def list_steps(installation: Installation) -> tuple[str, ...]:
    """Three steps for a person who is here for the first time; other ones while nothing is loaded."""
    viewer = installation.viewer
    if not len(installation.columns):
        return (
            "Open Data and drop a file there. Look at what Hexbeat makes of it, then load it."
            if may_open(viewer, "data")
            else "Ask the analyst of the partnership to load the first file.",
            "Open Map. It shows what was loaded, and says which days are not known.",
            "Choose a place on the map. Its card says what happened there, and when.",
        )
    third = (
        "Plan a visit from the card, or make a plan for a shift or a sweep under Plan and record."
        if may_open(viewer, "plan")
        else "Copy the link of what you see, or download it, to show it to others."
    )
    return (
        "Read the sentence above the map. Choose what, when and where in the filters, and it changes with them.",
        "Choose a place on the map or in the list. Its card says what happened there, and when.",
        third,
    )


def draw_steps(installation: Installation) -> None:
    """Draw the three steps."""
    steps = "".join(f"<li>{escape_html(step)}</li>" for step in list_steps(installation))
    st.html(f'<h2 class="hb-title">Three steps to begin with</h2><ol class="hb-notes hb-steps">{steps}</ol>')
