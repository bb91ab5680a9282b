"""Alerts on the Map page: a band, its details, and the draft of a form that a person may send."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final

import streamlit as st

from hexbeat.analysis.alerts import Alert, AlertReport
from hexbeat.dashboard.audit import audit_file
from hexbeat.dashboard.state.findings import find_alerts
from hexbeat.dashboard.state.freshness import Freshness, list_old_layers
from hexbeat.dashboard.state.session import Installation, find_freshness
from hexbeat.documents.alert_form import render_alert_form, render_alert_form_pdf, takes_alert_form
from layers.access import may_make, require_document
from layers.catalogue import LAYER_NAMES, find_layer
from layers.encounters import OFFICERS_NOTE, name_records
from layers.wording import escape_html, format_about, format_count, format_date, format_list, format_plural

__all__ = ["draw_alerts", "drop_old_alerts", "has_urgent_alert", "render_alerts", "render_band", "sort_alerts"]

DAYS_A_YEAR: Final = 365
FEWEST_TIMES: Final = 2  # "1 times as many" says nothing
HEADINGS: Final = ("Alert", "Expected", "Found by")
CAUTION: Final = (
    "An alert is a question, not a finding: recording may have changed, and records may still arrive. C1, C2 and C3 "
    "compare a day with the four weeks before it, in the whole area and in each ward."
)


def draw_alerts(installation: Installation) -> None:
    """Draw the band if there is an alert of records that are not old; nothing otherwise."""
    report = drop_old_alerts(find_alerts(installation), find_freshness(installation), today=installation.today)
    if not report.alerts:
        return
    with st.container(key="hb_urgent_alert" if has_urgent_alert(report) else "hb_alert", gap="xxsmall"):
        st.html(render_band(report))
        with st.expander("All alerts: what, where, since when"):
            st.html(render_alerts(report))
            draw_form_button(installation, list(filter(takes_alert_form, report.alerts)))


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
    """The alerts of now, then others; first those that draft a form, because people are in danger, then by excess."""

    def rank(alert: Alert) -> tuple[bool, bool, float, date]:
        return (not alert.is_current, not takes_alert_form(alert), alert.expected - alert.count, alert.first_day)

    return sorted(report.alerts, key=rank)


def has_urgent_alert(report: AlertReport) -> bool:
    """Whether one of the alerts of now drafts a form, which means that people are in danger."""
    return any(alert.is_current and takes_alert_form(alert) for alert in report.alerts)


def render_band(report: AlertReport) -> str:
    """The first alert, the number of others, and the number that chance alone would bring; "" without alerts."""
    alerts = sort_alerts(report)
    if not alerts:
        return ""
    first = alerts[0]
    lead = (
        f"When the records ended ({format_date(first.records_end)}):" if first.records_end else "Out of the ordinary:"
    )
    more = f" {format_plural(len(alerts) - 1, 'more alert', 'more alerts')} below." if len(alerts) > 1 else ""
    chance = f"In {report.days} days chance alone brings {format_alert_number(count_chance_alerts(report))}."
    expected = format_about(first.expected)
    searches = f" {OFFICERS_NOTE}" if first.searches else ""
    return (
        f'<p class="hb-alert"><b>{lead}</b> {escape_html(describe_alert(first))}, where '
        f"{escape_html(expected)} would be expected.{escape_html(searches)}<span>"
        f"{escape_html(more)} {escape_html(chance)}</span></p>"
    )


def describe_alert(alert: Alert) -> str:
    """As in "16 overdoses in Linthorpe, 25 Oct to 28 Oct 2026"."""
    spec = name_records(find_layer(alert.layer), searches=alert.searches)
    return f"{format_count(alert.count, spec)} in {alert.place}, {format_alert_days(alert)}"


def format_alert_days(alert: Alert) -> str:
    """The day of an alert, or its first and last day."""
    if alert.first_day == alert.last_day:
        return format_date(alert.first_day)
    first = format_date(alert.first_day).removesuffix(f" {alert.last_day.year}")
    return f"{first} to {format_date(alert.last_day)}"


def count_false_alarms(report: AlertReport) -> dict[str, float]:
    """False alarms a year of each layer over all places, at the setting in use."""
    rates = {row.layer: row.false_alarms_a_year for row in report.settings if row.method == "any"}
    return {layer: rates[layer] for layer in LAYER_NAMES if layer in rates}


def count_chance_alerts(report: AlertReport) -> float:
    """The alerts that chance alone would bring in the days of the report, over all layers and places."""
    return sum(count_false_alarms(report).values()) * report.days / DAYS_A_YEAR


def format_alert_number(number: float) -> str:
    """As in "about 8 alerts", "less than one alert"."""
    return "less than one alert" if number < 1 else f"about {format_plural(round(number), 'alert', 'alerts')}"


def render_alerts(report: AlertReport) -> str:
    """All alerts in plain words, and folded away how sure they are. Texts are escaped."""
    lines = "".join(f"<li>{escape_html(describe_fully(alert, report.day))}</li>" for alert in sort_alerts(report))
    rows = "".join(_render_row(alert) for alert in sort_alerts(report))
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADINGS)
    rates = [
        f"{format_plural(round(rate), 'time', 'times')} a year for {find_layer(layer).many}"
        for layer, rate in count_false_alarms(report).items()
    ]
    chance = f"By chance alone alerts come about {format_list(rates)}, over all places." if rates else ""
    certainty = "".join(f'<p class="hb-small">{escape_html(line)}</p>' for line in describe_certainty(report, chance))
    return (
        f'<ul class="hb-alerts">{lines}</ul><details class="hb-sure"><summary>How sure is this?</summary>{certainty}'
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="How each alert was found">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def describe_fully(alert: Alert, day: date) -> str:
    """What, where, since when and how unusual; `day` is the last day that was looked at.

    As in "16 overdoses in Linthorpe since 25 Oct 2026. About 3 would be usual: about 6 times as many."
    """
    spec = name_records(find_layer(alert.layer), searches=alert.searches)
    place = alert.place if alert.ward_code else f"{alert.place}, the whole area"
    when = f"on {format_date(alert.first_day)}" if alert.first_day == alert.last_day else f"{format_alert_days(alert)}"
    if alert.first_day < alert.last_day == day and alert.is_current:
        when = f"since {format_date(alert.first_day)}"
    times = alert.count / alert.expected if alert.expected else 0.0
    unusual = f": {format_about(round(times))} times as many" if times >= FEWEST_TIMES else ""
    ended = f"When the records ended ({format_date(alert.records_end)}): " if alert.records_end else ""
    note = f" {OFFICERS_NOTE}" if alert.searches else ""
    usual = format_about(alert.expected)
    return (
        f"{ended}{format_count(alert.count, spec)} in {place}, {when}. {usual[:1].upper()}{usual[1:]} would be "
        f"usual{unusual}.{note}"
    )


def describe_certainty(report: AlertReport, chance: str) -> Sequence[str]:
    """Sentences on how sure the alerts are, and the notes of the report."""
    return [line for line in (f"{CAUTION} {chance}".strip(), " ".join(report.notes)) if line]


def _render_row(alert: Alert) -> str:
    cells = (describe_alert(alert), format_about(alert.expected), format_list(alert.methods))
    return f"<tr>{''.join(f'<td>{escape_html(cell)}</td>' for cell in cells)}</tr>"
