"""The partners' pages, on this machine only."""

import streamlit as st

from dashboard.partners.analysis_page import show as show_analysis
from dashboard.partners.briefing_page import show as show_briefing
from dashboard.partners.data_page import show as show_data
from dashboard.partners.done_page import show as show_done
from dashboard.partners.evidence_page import show as show_evidence
from dashboard.partners.map_page import show as show_map
from dashboard.partners.naloxone_page import show as show_naloxone
from dashboard.partners.outcome_page import show as show_outcome
from dashboard.partners.plan_page import show as show_plan
from dashboard.screen import ICON, dress, run_guarded
from dashboard.session import Installation
from layers.settings import Settings

__all__ = ["show"]


def show() -> None:
    """The partners' side."""
    st.set_page_config(page_title="Hexbeat", page_icon=ICON, layout="wide")
    dress()
    run_guarded(Settings.from_environment(), show_pages)


def show_pages(here: Installation) -> None:
    """The pages of the partners' side."""
    pages = [
        st.Page(lambda: show_map(here, pages), title="Map", url_path="map", default=True),
        st.Page(lambda: show_analysis(here, pages), title="Analysis", url_path="analysis"),
        st.Page(lambda: show_plan(here, pages), title="Plan", url_path="plan"),
        st.Page(lambda: show_briefing(here, pages), title="Briefing", url_path="briefing"),
        st.Page(lambda: show_evidence(here, pages), title="Evidence", url_path="evidence"),
        st.Page(lambda: show_done(here, pages), title="Done", url_path="done"),
        st.Page(lambda: show_outcome(here, pages), title="Did it work", url_path="outcome"),
        st.Page(lambda: show_naloxone(here, pages), title="Naloxone", url_path="naloxone"),
        st.Page(lambda: show_data(here, pages), title="Data", url_path="data"),
    ]
    st.navigation(pages, position="hidden").run()
