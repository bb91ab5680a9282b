"""Alerts on the first screen: a quiet band, its details, and the draft of a form that a person may send."""

from datetime import datetime
from functools import partial

import streamlit as st

from dashboard.alert_band import has_overdose_alert, render_alerts, render_band
from dashboard.documents.alert_form_document import render_alert_form_pdf
from dashboard.findings import find_alerts
from dashboard.session import Installation
from layers.access import Action, may, require
from layers.analysis.alert_form import FORM_LAYER, render_alert_form
from layers.analysis.alert_words import Alert

__all__ = ["draw_alerts"]


def draw_alerts(here: Installation) -> None:
    """Draw the band if there is an alert; nothing otherwise."""
    report = find_alerts(here)
    if not report.alerts:
        return
    with st.container(key="hb_alarm" if has_overdose_alert(report) else "hb_alert", gap="xxsmall"):
        st.html(render_band(report))
        with st.expander("What, where, how sure"):
            st.html(render_alerts(report))
            draw_form_button(here, [alert for alert in report.alerts if alert.layer == FORM_LAYER])


def draw_form_button(here: Installation, found: list[Alert]) -> None:
    """A button for the draft, where there is an alert of overdoses and the role exports."""
    if not found or not may(here.viewer, Action.EXPORT, FORM_LAYER):
        return
    demonstration = bool(here.columns.demonstration.any())

    def drafted(*, pdf: bool) -> bytes:
        require(here.viewer, Action.EXPORT, FORM_LAYER)
        made = datetime.now(here.area.tz)
        if pdf:
            return render_alert_form_pdf(found, area=here.area, made=made, demonstration=demonstration)
        return render_alert_form(found, area=here.area, made=made, demonstration=demonstration).encode()

    name = f"hexbeat-{here.area.name}-drug-information-draft-{here.today}"
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime in (
            ("Download the draft form", "pdf", "application/pdf"),
            ("The same as a page (HTML)", "html", "text/html"),
        ):
            st.download_button(
                label,
                data=partial(drafted, pdf=ending == "pdf"),
                file_name=f"{name}.{ending}",
                mime=mime,
                on_click="ignore",
                key=f"alert_form_{ending}",
            )
    st.html(
        '<p class="hb-small">A draft for the local drug information system. Hexbeat sends nothing: a person fills in '
        "what is missing, checks it, and decides.</p>"
    )
