"""The Audit page: who saw or changed what, what left, and whether the trail is whole. It shows no events."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_file, audit_view
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.pages.data.quality_tables import render_table
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.controls import draw_day
from hexbeat.store.audit_chain import Anchor, ChainCheck, Entry
from hexbeat.store.audit_files import build_audit_csv, build_audit_rows
from hexbeat.store.audit_trail import list_entries, list_names, verify_trail
from layers.access import Action, require
from layers.wording import escape_html, format_date, format_list, format_plural

__all__ = ["show"]

MOST: Final = 200  # entries in the table; the file has all
USUAL_DAYS: Final = 28
ALL: Final = "All"
HEADINGS: Final = ("No.", "When", "Who", "Role", "Action", "What", "Filter", "As", "Rows", "Outcome", "Reason")


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    draw_header(installation, pages)
    require(installation.viewer, Action.SEE_AUDIT)
    st.html('<h2 class="hb-title">Who saw or changed what</h2>')
    first, last, subject, action = draw_choices(installation)
    if first is None or last is None or last < first:
        st.text("Choose a first day, and a last day that is not before it.")
        return
    end = last + dt.timedelta(days=1)
    audit_view(installation, "audit", {"from": first, "to": end}, action=Action.SEE_AUDIT, also=f"{subject} {action}")
    try:
        entries = list_entries(
            installation.store.engine,
            installation.viewer,
            start=dt.datetime.combine(first, dt.time(), installation.area.tz),
            end=dt.datetime.combine(end, dt.time(), installation.area.tz),
            subject=subject,
            action=action,
        )
        draw_entries(installation, entries)
        draw_check(installation)
    except HexbeatError as error:
        draw_error(error)


def draw_choices(installation: Installation) -> tuple[dt.date | None, dt.date | None, str | None, str | None]:
    """Draw the filters: the first day, the last day, the person and the action (None: all)."""
    subjects, actions = list_names(installation.store.engine, installation.viewer)
    st.session_state.setdefault("audit_first", installation.today - dt.timedelta(days=USUAL_DAYS - 1))
    st.session_state.setdefault("audit_last", installation.today)
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        first = draw_day("First day", installation.today, key="audit_first")
        last = draw_day("Last day", installation.today, key="audit_last")
        subject = st.selectbox("Who", [ALL, *subjects], key="audit_subject", width=200)
        action = st.selectbox("Action", [ALL, *actions], key="audit_action", format_func=_name_action, width=200)
    return first, last, None if subject == ALL else subject, None if action == ALL else action


def _name_action(action: str) -> str:
    return action.replace("_", " ").capitalize()


def draw_entries(installation: Installation, entries: Sequence[Entry]) -> None:
    """Draw the newest entries as a table, and the download of all."""
    zone = installation.area.time_zone
    if not entries:
        st.text("Nothing is written for these days.")
        return
    newest = entries[:MOST]
    note = "" if len(entries) <= MOST else f" The newest {MOST} are shown; the file has all."
    st.text(f"{format_plural(len(entries), 'entry', 'entries')}.{note}")
    st.download_button(
        "Download as CSV",
        data=audit_file(
            installation,
            lambda: build_audit_csv(entries, time_zone=zone),
            form="csv",
            what="audit",
            action=Action.SEE_AUDIT,
        ),
        file_name=f"hexbeat-{installation.area.name}-audit-{installation.today}.csv",
        mime="text/csv",
        on_click="ignore",
        key="audit_csv",
    )
    rows = [build_row(row) for row in build_audit_rows(newest, time_zone=zone)]
    st.html(
        f'<div class="hb-trail">{render_table(HEADINGS, rows, caption="Entries, newest first", numbers=(0, 8))}</div>'
    )


def build_row(row: dict[str, Any]) -> tuple[str, ...]:
    """One entry as the cells of the table."""
    when = dt.datetime.fromisoformat(row["at"])
    return (
        f"{row['number']:,}",
        f"{format_date(when.date())}, {when:%H:%M}",
        row["subject"],
        row["role"],
        _name_action(row["action"]),
        row["what"],
        row["filter"].replace("&", " "),
        row["form"],
        "" if row["rows"] is None else f"{row['rows']:,}",
        row["outcome"],
        row["reason"],
    )


def draw_check(installation: Installation) -> None:
    """Draw the check of the chain: a button, and a field for an anchor that was noted."""
    st.html('<h2 class="hb-title">Is the trail whole?</h2>')
    st.text(
        "Every entry carries a hash of the one before. The check finds entries that were changed, removed or added."
    )
    anchor = st.text_input("An anchor that you noted (optional)", key="audit_expected", placeholder="NUMBER:HASH")
    if not st.button("Check the trail", key="audit_verify"):
        return
    expected = Anchor.parse(anchor) if anchor.strip() else None
    with st.spinner("Checking …"):
        check = verify_trail(installation.store.engine, installation.store.home, installation.viewer, expected=expected)
    st.html(render_check(check))


def render_check(check: ChainCheck) -> str:
    """What the check found, and the anchor to note."""
    if check.problem:
        return (
            '<div class="hb-empty" role="alert"><h2>The trail is broken</h2>'
            f"<p>{escape_html(check.problem[:1].upper() + check.problem[1:])}.</p>"
            "<p>Keep this store as it is, and compare it with a backup.</p></div>"
        )
    sentences = f"The trail is whole: {format_plural(check.entries, 'entry', 'entries')}."
    if check.removed_to:
        sentences += f" Entries up to {check.removed_to:,} were removed by the retention rule."
    if check.restored:
        numbers = format_list([f"{number:,}" for number in check.restored], most=5)
        sentences += f" An older copy of the store was restored before entry {numbers}: later entries are lost."
    if check.from_backup:
        numbers = format_list([f"{number:,}" for number in check.from_backup], most=5)
        sentences += (
            f" It was restored from a backup with entry {numbers}: entries that came after that backup are lost."
        )
    return (
        f'<p role="status"><b>{escape_html(sentences)}</b></p>'
        "<p>Note this anchor where nobody who can change the store can change it:</p>"
        f"<p><code>{escape_html(str(check.anchor))}</code></p>"
    )
