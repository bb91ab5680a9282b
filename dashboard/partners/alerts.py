"""Alerts on the first screen: a quiet band, its details, and the draft of a form that a person may send."""

from datetime import datetime

import streamlit as st

from dashboard.alert_band import alarming, alerts_html, band_html
from dashboard.findings import alerts_of
from dashboard.session import Installation
from layers.access import Action, may, require
from layers.alert_form import FORM_LAYER, alert_form
from layers.alert_words import Alert

__all__ = ["draw_alerts"]


def draw_alerts(here: Installation) -> None:
    """Draw the band if there is an alert; nothing otherwise."""
    report = alerts_of(here)
    if not report.alerts:
        return
    with st.container(key="hb_alarm" if alarming(report) else "hb_alert", gap="xxsmall"):
        st.html(band_html(report))
        with st.expander("What, where, how sure"):
            st.html(alerts_html(report))
            draw_form_button(here, [alert for alert in report.alerts if alert.layer == FORM_LAYER])


def draw_form_button(here: Installation, found: list[Alert]) -> None:
    """A button for the draft, where there is an alert of overdoses and the role exports."""
    if not found or not may(here.viewer, Action.EXPORT, FORM_LAYER):
        return
    demonstration = bool(here.columns.demonstration.any())

    def drafted() -> bytes:
        require(here.viewer, Action.EXPORT, FORM_LAYER)
        made = datetime.now(here.area.tz)
        return alert_form(found, area=here.area, made=made, demonstration=demonstration).encode()

    st.download_button(
        "Download the draft form",
        data=drafted,
        file_name=f"hexbeat-{here.area.name}-drug-information-draft-{here.today}.html",
        mime="text/html",
        on_click="ignore",
        key="alert_form",
    )
    st.html(
        '<p class="hb-small">A draft for the local drug information system. Hexbeat sends nothing: a person fills in '
        "what is missing, checks it, and decides.</p>"
    )
