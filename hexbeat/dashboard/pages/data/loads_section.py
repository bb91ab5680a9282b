"""The sections on the last load, the rejects, the demonstration events and a pending erasure."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from geo.errors import HexbeatError
from hexbeat import demonstration
from hexbeat.dashboard.audit import audit_change, audit_file
from hexbeat.dashboard.pages.data.quality_tables import build_rejects_csv, describe_undo
from hexbeat.dashboard.pages.data.upload_report import REPORT_KEY
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.store.live_columns import has_demonstration, is_empty
from layers.access import Action, may, require
from layers.wording import escape_html, format_date, format_plural

__all__ = [
    "draw_confirmed_button",
    "draw_demonstration",
    "draw_last_load",
    "draw_message",
    "draw_pending_erasure",
    "draw_rejects",
]

FILLING: Final = 20_000  # synthetic events


def draw_confirmed_button(name: str, *, button: str, warning: str, yes: str, act: Callable[[], str]) -> None:
    """Draw a button that asks for confirmation, acts, and then shows a message.

    `act` returns the message. A HexbeatError is shown in its three parts. `warning` is plain text.
    """
    asked_key, message_key = f"{name}_asked", f"{name}_said"
    draw_message(name)
    if not st.session_state.get(asked_key):
        if st.button(button, key=name):
            st.session_state[asked_key] = True
            st.rerun()
        return
    st.html(f'<p role="alert">{escape_html(warning)}</p>')
    with st.container(horizontal=True, gap="small"):
        agreed = st.button(yes, key=f"{name}_yes", type="primary")
        refused = st.button("Keep it", key=f"{name}_no")
    if not (agreed or refused):
        return
    st.session_state[asked_key] = False
    if agreed:
        try:
            with st.spinner("Working …"):
                st.session_state[message_key] = act()
        except HexbeatError as error:
            draw_error(error)
            return
    st.rerun()


def draw_message(name: str) -> None:
    """Show once the message of the confirmed button of that name. Call it also where the button is not drawn."""
    message = st.session_state.pop(f"{name}_said", None)
    if message:
        st.html(f'<p role="status"><b>{escape_html(message)}</b></p>')


def draw_last_load(installation: Installation) -> None:
    """Draw the last load, and the button that undoes it."""
    if not may(installation.viewer, Action.UNDO):
        return
    load = installation.store.last_load(installation.viewer)
    st.html('<h2 class="hb-title">Last load</h2>')
    if load is None:
        st.text("There is no load to undo.")
        return

    def act() -> str:
        with audit_change(installation, action=Action.UNDO, what="data/load") as deed:
            undone = installation.store.undo_last(installation.viewer, batch_id=load.batch_id)
            deed.rows = undone.new + undone.updated + undone.removed
        st.session_state.pop(REPORT_KEY, None)
        return "The load was undone."

    names = ", ".join(str(file["file"]) for file in load.files)
    loaded_at = load.created.astimezone(installation.area.tz)
    new_events = format_plural(load.new, "new event", "new events")
    facts = f"{names}, {format_date(loaded_at.date())} at {loaded_at:%H:%M}: {new_events}"
    st.html(f"<p>{escape_html(facts)}</p>")
    warning = describe_undo(load, time_zone=installation.area.tz)
    draw_confirmed_button("undo", button="Undo the last load", warning=warning, yes="Yes, undo it", act=act)


def draw_rejects(installation: Installation) -> None:
    """Draw the download of rejected rows, to correct them and load the file again."""
    if not may(installation.viewer, Action.SEE_REJECTS):
        return
    rejects = installation.store.rejects(installation.viewer)
    st.html('<h2 class="hb-title">Rejects</h2>')
    if rejects.empty:
        st.text("No row was rejected in the latest load of any file.")
        return

    def build_csv() -> bytes:
        require(installation.viewer, Action.SEE_REJECTS)
        return build_rejects_csv(rejects)

    st.text(
        f"{format_plural(len(rejects), 'row was', 'rows were')} rejected. "
        "Download them, correct them and load the file again."
    )
    st.download_button(
        "Download the rejects",
        data=audit_file(installation, build_csv, form="csv", what="data/rejects", action=Action.SEE_REJECTS),
        file_name="hexbeat-rejects.csv",
        mime="text/csv",
        on_click="ignore",
    )


def draw_filling(installation: Installation) -> None:
    """Draw the button that fills an empty store with synthetic events, for whoever may load."""
    if not may(installation.viewer, Action.LOAD):
        return
    st.html('<h2 class="hb-title">Look around first</h2>')
    st.text("Nothing has been loaded yet. Synthetic records, marked as such everywhere, show what Hexbeat does.")
    if st.button("Fill it with synthetic records", key="demonstrate"):
        with (
            st.spinner("Making synthetic records …"),
            audit_change(installation, action=Action.LOAD, what="data/demonstration") as deed,
        ):
            demonstration.load_demonstration(
                installation.store, installation.viewer, installation.area, events=FILLING, seed=1,
                today=installation.today, home=installation.settings.home,
            )  # fmt: skip
            deed.rows = FILLING
        st.rerun()


def draw_demonstration(installation: Installation) -> None:
    """Draw the button that removes the synthetic events, if there are any; in an empty store, one that makes some."""
    if not len(installation.columns) and is_empty(installation.store, installation.viewer):
        draw_filling(installation)
    if not (has_demonstration(installation.store, installation.viewer) and may(installation.viewer, Action.ERASE)):
        return
    st.html('<h2 class="hb-title">Demonstration events</h2>')

    def act() -> str:
        with audit_change(installation, action=Action.ERASE, what="data/demonstration") as deed:
            number = demonstration.remove_demonstration(
                installation.store, installation.viewer, home=installation.settings.home
            )["removed"]
            deed.rows = number
        return f"{format_plural(number, 'demonstration event was', 'demonstration events were')} removed."

    number = format_plural(int(installation.columns.demonstration.sum()), "synthetic event goes", "synthetic events go")
    st.text("This store holds demonstration events. Remove them before you load real records.")
    draw_confirmed_button(
        "undemonstrate",
        button="Remove the demonstration events",
        warning=f"{number} for good. Real events stay.",
        yes="Yes, remove them",
        act=act,
    )


def draw_pending_erasure(installation: Installation) -> None:
    """Say that the store's files may still hold traces of erased records, if that is so."""
    pending = installation.store.describe_pending_erasure()
    if pending and may(installation.viewer, Action.ERASE):
        st.html('<h2 class="hb-title">Erasure</h2>')
        st.text(pending)
