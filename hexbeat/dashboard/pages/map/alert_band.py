"""Alerts on the Map page: a band, its details, and the draft of a form that a person may send."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final

import streamlit as st

from geo.wards import Wards
from hexbeat.analysis.alert_report import Alert, AlertReport
from hexbeat.analysis.alert_sentences import (
    describe_chance,
    describe_next_step,
    describe_place,
    describe_state,
    describe_ward_names,
)
from hexbeat.analysis.scan_alerts import SCAN
from hexbeat.dashboard.audit import audit_file
from hexbeat.dashboard.pages.alert_section import draw_answer_form
from hexbeat.dashboard.state.findings import are_alerts_awaited, find_alerts
from hexbeat.dashboard.state.freshness import Freshness, list_old_layers
from hexbeat.dashboard.state.session import Installation, find_freshness
from hexbeat.documents.alert_form import render_alert_form, render_alert_form_pdf, takes_alert_form
from hexbeat.operations.alert_answers import AlertAnswer, describe_answers, find_answers, read_answers
from layers.access import may_make, require_document
from layers.catalogue import LAYER_NAMES, find_layer
from layers.encounters import OFFICERS_NOTE, name_records
from layers.wording import escape_html, format_about, format_count, format_date, format_list, format_plural

__all__ = ["draw_alerts", "drop_old_alerts", "has_urgent_alert", "render_alerts", "render_band", "sort_alerts"]

ANY: Final = "any"  # of the methods by ward
FEWEST_TIMES: Final = 2  # "1 times as many" says nothing
HEADINGS: Final = ("Alert", "Usual", "By chance", "First raised")
CAUTION: Final = (
    "An alert is a question, not a finding: recording may have changed, and records may still arrive. Each day Hexbeat "
    "compares the last 1 to 28 days of every small group of cells with the year before."
)


def draw_alerts(installation: Installation) -> None:
    """Draw the band if there is an alert of records that are not old; nothing otherwise."""
    if are_alerts_awaited(installation):
        st.html('<p class="hb-small">Alerts are still being worked out. They appear here when they are ready.</p>')
        return
    report = drop_old_alerts(find_alerts(installation), find_freshness(installation), today=installation.today)
    if not report.alerts:
        return
    with st.container(key="hb_urgent_alert" if has_urgent_alert(report) else "hb_alert", gap="xxsmall"):
        # Answers are read each time: the alerts come from a cache that an answer leaves as it is. The container keeps
        # its key when one is given, so that the list below stays open.
        answers = read_answers(installation.store, installation.viewer)
        st.html(render_band(report, answers, installation.area.wards))
        with st.expander("All alerts: what, where, since when"):
            st.html(render_alerts(report, answers, installation.area.wards))
            for line in describe_ward_names(installation.columns, report.alerts):
                st.html(f'<p class="hb-small">{escape_html(line)}</p>')
            draw_form_button(installation, list(filter(takes_alert_form, report.alerts)))
            draw_answer_form(installation, sort_alerts(report), answers)


def drop_old_alerts(report: AlertReport, freshness: Mapping[str, Freshness], *, today: date) -> AlertReport:
    """The report without alerts of layers whose records end long ago: what was alarming then is no alert now."""
    old = list_old_layers(freshness, layers=freshness, today=today)
    return replace(report, alerts=tuple(alert for alert in report.alerts if alert.layer not in old))


def draw_form_button(installation: Installation, alerts: list[Alert]) -> None:
    """Draw the downloads of the draft, if an alert drafts a form and the role may export."""
    if not alerts or not may_make(installation.viewer, "alert_form"):
        return
    demonstration = bool(installation.columns.demonstration.any())

    def build_form(*, pdf: bool) -> bytes:
        require_document(installation.viewer, "alert_form")
        now = datetime.now(installation.area.tz)
        if pdf:
            return render_alert_form_pdf(alerts, area=installation.area, made_at=now, demonstration=demonstration)
        return render_alert_form(alerts, area=installation.area, made_at=now, demonstration=demonstration).encode()

    name = f"hexbeat-{installation.area.name}-drug-information-draft-{installation.today}"
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime in (
            ("Download the draft form", "pdf", "application/pdf"),
            ("The same as a page (HTML)", "html", "text/html"),
        ):
            st.download_button(
                label,
                data=audit_file(
                    installation, partial(build_form, pdf=ending == "pdf"), form=ending, what="map/alert form"
                ),
                file_name=f"{name}.{ending}",
                mime=mime,
                on_click="ignore",
                key=f"alert_form_{ending}",
            )
    st.html(
        '<p class="hb-small">A draft for the local drug information system. Hexbeat sends nothing: a person fills in '
        "what is missing, checks it, and decides.</p>"
    )


def sort_alerts(report: AlertReport) -> list[Alert]:
    """The alerts of now, then others; open ones before those that grow no more, and people in danger before the rest.

    Then the newest told and the most unusual.
    """

    def rank(alert: Alert) -> tuple[bool, bool, bool, int, float]:
        day = (alert.told_on or alert.first_day).toordinal()
        return (not alert.is_current, not alert.is_open, not takes_alert_form(alert), -day, alert.chance_a_year or 0.0)

    return sorted(report.alerts, key=rank)


def has_urgent_alert(report: AlertReport) -> bool:
    """Whether one of the alerts of now drafts a form, which means that people are in danger."""
    return any(alert.is_current and alert.is_open and takes_alert_form(alert) for alert in report.alerts)


def render_band(report: AlertReport, answers: Sequence[AlertAnswer] = (), wards: Wards | None = None) -> str:
    """The first alert, the number of others, and the number that chance alone would bring; "" without alerts.

    First is one of now that nobody has answered; without one the band is quiet, and says what was answered of the first
    of all.
    """
    alerts = sort_alerts(report)
    if not alerts:
        return ""
    answer_by_alert = list(
        zip(alerts, map(find_standing_answer, alerts, find_answers(alerts, answers, wards)), strict=True)
    )
    waiting = [(alert, answer) for alert, answer in answer_by_alert if alert.is_current and answer is None]
    first, answer = (waiting or answer_by_alert)[0]
    lead = (
        f"When the records ended ({format_date(first.records_end)}):" if first.records_end else "Out of the ordinary:"
    )
    if answer:
        lead = f"{answer.outcome.capitalize()} on {format_date(answer.recorded_at.date())}:"
    quiet = " hb-answered" if answer and answer.outcome != "confirmed" else ""
    more = f" {format_plural(len(alerts) - 1, 'more alert', 'more alerts')} below." if len(alerts) > 1 else ""
    chance = describe_chance(first) or describe_chance_alerts(report)
    searches = f" {OFFICERS_NOTE}" if first.searches else ""
    return (
        f'<p class="hb-alert{quiet}"><b>{lead}</b> {escape_html(describe_alert(first))}. '
        f"{escape_html(describe_usual(first))}.{escape_html(searches)}"
        f"<span>{escape_html(more)} {escape_html(chance)}</span></p>"
    )


def find_standing_answer(alert: Alert, answers: Sequence[AlertAnswer]) -> AlertAnswer | None:
    """The last answer to an alert, unless new events came on a later day: then it waits for another one."""
    last = answers[-1] if answers else None
    newest = alert.updated_on or alert.told_on or alert.last_day
    return last if last and last.recorded_at.date() >= newest else None


def describe_alert(alert: Alert) -> str:
    """As in "16 overdoses in Linthorpe, 25 Oct to 28 Oct 2026"."""
    spec = name_records(find_layer(alert.layer), searches=alert.searches)
    return f"{format_count(alert.count, spec)} {describe_place(alert)}, {format_alert_days(alert)}"


def format_alert_days(alert: Alert) -> str:
    """The day of an alert, or its first and last day."""
    if alert.first_day == alert.last_day:
        return format_date(alert.first_day)
    first = format_date(alert.first_day).removesuffix(f" {alert.last_day.year}")
    return f"{first} to {format_date(alert.last_day)}"


def describe_usual(alert: Alert) -> str:
    """As in "About 3 are usual", "Fewer than 1 is usual"."""
    number = round(alert.expected)
    if number < 1:
        return "Fewer than 1 is usual"
    about = format_about(number)
    return f"{about[:1].upper()}{about[1:]} {'is' if number == 1 else 'are'} usual"


def count_false_alarms(report: AlertReport) -> dict[str, float]:
    """Alerts a year that chance alone raises in each layer, over all places, at the setting in use."""
    rates = {row.layer: row.false_alarms_a_year for row in report.settings if row.method in {SCAN, ANY}}
    return {layer: rates[layer] for layer in LAYER_NAMES if layer in rates}


def describe_chance_alerts(report: AlertReport) -> str:
    """As in "Chance alone raises about 2 alerts a year, over all layers."; "" where nothing was looked at."""
    total = sum(count_false_alarms(report).values())
    if not total:
        return ""
    number = "less than one alert" if total < 1 else f"about {format_plural(round(total), 'alert', 'alerts')}"
    return f"Chance alone raises {number} a year, over all layers."


def render_alerts(report: AlertReport, answers: Sequence[AlertAnswer] = (), wards: Wards | None = None) -> str:
    """All alerts in plain words with their answers, and folded away how sure they are. Texts are escaped."""
    alerts = sort_alerts(report)
    lines = "".join(
        f"<li>{escape_html(describe_fully(alert, report.day, own))}</li>"
        for alert, own in zip(alerts, find_answers(alerts, answers, wards), strict=True)
    )
    rows = "".join(_render_row(alert) for alert in alerts)
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADINGS)
    chance = describe_chance_alerts(report)
    certainty = "".join(f'<p class="hb-small">{escape_html(line)}</p>' for line in describe_certainty(report, chance))
    return (
        f'<ul class="hb-alerts">{lines}</ul><details class="hb-sure"><summary>How sure is this?</summary>{certainty}'
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="How each alert was found">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def describe_fully(alert: Alert, day: date, answers: Sequence[AlertAnswer] = ()) -> str:
    """What, where, since when, how unusual, and what was answered or is to do next.

    `day` is the last day that was looked at.

    As in "16 overdoses in Linthorpe since 25 Oct 2026. About 3 are usual: about 6 times as many."
    """
    spec = name_records(find_layer(alert.layer), searches=alert.searches)
    when = f"on {format_date(alert.first_day)}" if alert.first_day == alert.last_day else f"{format_alert_days(alert)}"
    if alert.first_day < alert.last_day == day and alert.is_current:
        when = f"since {format_date(alert.first_day)}"
    times = alert.count / alert.expected if alert.expected else 0.0
    has_times = times >= FEWEST_TIMES and round(alert.expected) >= 1
    unusual = f": {format_about(round(times))} times as many" if has_times else ""
    lead = f"When the records ended ({format_date(alert.records_end)}): " if alert.records_end else ""
    category = f' ("{alert.category}")' if alert.category else ""
    parts = [
        f"{lead}{format_count(alert.count, spec)}{category} {describe_place(alert)}, {when}.",
        f"{describe_usual(alert)}{unusual}.",
        describe_chance(alert),
        OFFICERS_NOTE if alert.searches else "",
        describe_state(alert) if alert.is_current else "",
        describe_answers(answers),
        describe_next_step(alert) if alert.is_current and not answers else "",
    ]
    return " ".join(filter(None, parts))


def describe_certainty(report: AlertReport, chance: str) -> Sequence[str]:
    """Sentences on how sure the alerts are, and the notes of the report."""
    return [line for line in (f"{CAUTION} {chance}".strip(), " ".join(report.notes)) if line]


def _render_row(alert: Alert) -> str:
    when = format_date(alert.told_on) if alert.told_on else format_list(alert.methods)
    cells = (describe_alert(alert), describe_usual(alert), describe_chance(alert), when)
    return f"<tr>{''.join(f'<td>{escape_html(cell)}</td>' for cell in cells)}</tr>"
