"""Alerts with what people answered to them: the section of the briefing, and the form that the Map page shares."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from geo.errors import HexbeatError
from geo.wards import Wards
from hexbeat.analysis.alert_report import Alert
from hexbeat.analysis.alert_sentences import describe_next_step, describe_state, describe_ward_names
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.findings import find_alert_history
from hexbeat.dashboard.state.session import Installation
from hexbeat.documents.briefing_document import LEAD_ALERT
from hexbeat.operations.alert_answers import (
    MOST_LETTERS,
    OUTCOMES,
    AlertAnswer,
    answer_alert,
    describe_answers,
    find_answers,
    read_answers,
)
from layers.access import Action, may
from layers.catalogue import find_layer
from layers.wording import escape_html, format_count, format_date

__all__ = ["draw_alert_history", "draw_alert_section", "draw_answer_form", "render_alert_list"]

ERROR_KEY: Final = "hb_alert_error"
DONE_KEY: Final = "hb_alert_answered"
OUTCOME_LABELS: Final = {
    "seen": "Seen, being looked at",
    "confirmed": "Confirmed: something was there",
    "not confirmed": "Not confirmed",
}
HISTORY_HEADINGS: Final = ("First raised", "What and where", "How many", "What became of it")


def draw_alert_section(
    installation: Installation, alerts: Sequence[Alert], *, empty: str, more: Sequence[str], lead: Alert | None = None
) -> None:
    """Draw the alerts, newest first, what to do next, the form for answers, and on request those of the year.

    `empty` stands in place of alerts, `more` are sentences below them. `lead`: the one with which the page begins.
    """
    answers = read_answers(installation.store, installation.viewer)
    more = [*more, *describe_ward_names(installation.columns, alerts)]
    alert_list = render_alert_list(alerts, answers, installation.area.wards, empty=empty, more=more, lead=lead)
    st.html(f'<h2 class="hb-title">Alerts</h2>{alert_list}')
    draw_outcome()
    with st.expander("Answer an alert, or see those of the last year"):
        draw_answer_form(installation, alerts, answers)
        draw_alert_history(installation, answers)


def draw_outcome() -> None:
    """Draw what became of the last answer that this session gave, once."""
    error = st.session_state.pop(ERROR_KEY, None)
    if error:
        draw_error(error)
    if st.session_state.pop(DONE_KEY, False):
        st.html('<p class="hb-notes" role="status">Your answer is recorded for everybody.</p>')


def render_alert_list(
    alerts: Sequence[Alert],
    answers: Sequence[AlertAnswer],
    wards: Wards,
    *,
    empty: str,
    more: Sequence[str] = (),
    lead: Alert | None = None,
) -> str:
    """The alerts as a list: what, how unusual, since when, what was answered, or what to do next. Texts are escaped.

    Of `lead`, with which the page begins, what and how unusual is not said again.
    """
    if not alerts:
        return f'<p class="hb-notes">{escape_html(empty)}</p>'
    alert_answers = zip(alerts, find_answers(alerts, answers, wards), strict=True)
    items = "".join(f"<li>{_render_alert(alert, own, is_lead=alert is lead)}</li>" for alert, own in alert_answers)
    below = "".join(f'<p class="hb-small">{escape_html(line)}</p>' for line in more)
    return f'<ul class="hb-alerts">{items}</ul>{below}'


def _render_alert(alert: Alert, answers: Sequence[AlertAnswer], *, is_lead: bool) -> str:
    first, _, rest = (LEAD_ALERT if is_lead else alert.sentence).partition(". ")
    state = describe_state(alert) if alert.is_current else ""
    next_step = describe_next_step(alert) if alert.is_current and not answers else ""
    words = " ".join(filter(None, [rest, state, describe_answers(answers), next_step]))
    return f"<b>{escape_html(first.rstrip('.'))}.</b> {escape_html(words)}"


def draw_answer_form(installation: Installation, alerts: Sequence[Alert], answers: Sequence[AlertAnswer]) -> None:
    """Draw the form in which a person answers an alert; nothing where there is none that the role may answer.

    Where each of them has an answer, the form is folded away.
    """
    open_alerts = {
        alert.identifier: alert
        for alert in alerts
        if alert.identifier and may(installation.viewer, Action.ANSWER_ALERTS, alert.layer)
    }
    draw_outcome()
    if not open_alerts:
        return
    is_answered = all(find_answers(list(open_alerts.values()), answers, installation.area.wards))
    if is_answered and not st.toggle("Answer again", key="hb_answer_again"):
        return
    with st.form("hb_answer", border=False), st.container(key="hb_answer_fields", gap="small"):
        label = st.selectbox(
            "Answer an alert",
            list(open_alerts),
            format_func=lambda identifier: format_short(open_alerts[identifier]),
            key="hb_answer_alert",
        )
        outcome = st.radio(
            "What became of it?", OUTCOMES, format_func=OUTCOME_LABELS.__getitem__, key="hb_answer_outcome"
        )
        note = st.text_input("Note for everybody (no names of people)", max_chars=MOST_LETTERS, key="hb_answer_note")
        if st.form_submit_button("Record the answer"):
            record_answer(installation, open_alerts[label], str(outcome), note)
            st.rerun()


def record_answer(installation: Installation, alert: Alert, outcome: str, note: str) -> None:
    """Record an answer, with its entry in the audit trail; what the policy or the store refuses is shown."""
    try:
        with audit_change(installation, action=Action.ANSWER_ALERTS, what="briefing/answer", layers=[alert.layer]):
            answer_alert(installation.store, installation.viewer, alert, outcome=outcome, note=note)
    except HexbeatError as error:
        st.session_state[ERROR_KEY] = error
    else:
        st.session_state[DONE_KEY] = True


def format_short(alert: Alert) -> str:
    """As in "35 overdoses, North Ormesby, 10 Nov 2026"."""
    count = format_count(alert.count, find_layer(alert.layer))
    return f"{count}, {alert.place}, since {format_date(alert.first_day)}"


def draw_alert_history(installation: Installation, answers: Sequence[AlertAnswer]) -> None:
    """Draw, on request, the alerts of the last year and what became of each."""
    if not st.toggle("Show the alerts of the last year", key="hb_alert_history"):
        return
    with st.spinner("Looking at each day of the last year …"):
        alerts = find_alert_history(installation).alerts
    st.html(render_history(alerts, answers, installation.area.wards))


def render_history(alerts: Sequence[Alert], answers: Sequence[AlertAnswer], wards: Wards) -> str:
    """A row an alert, the newest first. Texts are escaped."""
    if not alerts:
        return '<p class="hb-notes">There was no alert in the last year.</p>'
    ordered = sorted(alerts, key=lambda alert: alert.told_on or alert.first_day, reverse=True)
    head = "".join(f'<th scope="col">{name}</th>' for name in HISTORY_HEADINGS)
    alert_answers = zip(ordered, find_answers(ordered, answers, wards), strict=True)
    rows = "".join(_render_row(alert, own) for alert, own in alert_answers)
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Alerts of the last year">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _render_row(alert: Alert, answers: Sequence[AlertAnswer]) -> str:
    spec = find_layer(alert.layer)
    usual = "fewer than 1" if round(alert.expected) < 1 else str(round(alert.expected))
    became = " ".join(describe_answers([answer]) for answer in answers) or "No answer yet"
    cells = (
        format_date(alert.told_on or alert.first_day),
        f"{spec.title}, {alert.place}",
        f"{format_count(alert.count, spec)}; usual: {usual}",
        became,
    )
    return f"<tr>{''.join(f'<td>{escape_html(cell)}</td>' for cell in cells)}</tr>"
