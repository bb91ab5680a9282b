"""The partners' pages, on this machine only. What a page needs is imported when it is first shown."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import PolicyError
from hexbeat.dashboard.audit import audit_refusal, audit_view
from hexbeat.dashboard.header import READ_TITLE, draw_header
from hexbeat.dashboard.screen import apply_style, run_page, settle_memory
from hexbeat.dashboard.state.prepared_results import draw_watch
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.view_menu import open_view
from hexbeat.settings import Settings
from layers.access import Action, may_open, require_page

__all__ = ["MODULES", "PAGES", "show"]

# Address by title, in the order of the header. The first is the home.
PAGES: Final = {
    "Map": "map",
    "Analysis": "analysis",
    "Plan": "plan",
    "Briefing": "briefing",
    "Evidence": "evidence",
    "Record work": "done",
    "Did it work?": "outcome",
    "Naloxone": "naloxone",
    "Data": "data",
    "Audit": "audit",
    READ_TITLE: "read",
}
# Where the page of each address lives, below this folder.
MODULES: Final = {
    "map": "map.map_page",
    "analysis": "analysis.analysis_page",
    "plan": "plan.plan_page",
    "briefing": "briefing_page",
    "evidence": "evidence_page",
    "done": "record.record_page",
    "outcome": "evaluation.evaluation_page",
    "naloxone": "naloxone_page",
    "data": "data.data_page",
    "audit": "audit_page",
    "read": "read_page",
}
# Pages that write into the audit trail what they show, once their choices are known; the others show all there is.
_WRITE_THEMSELVES: Final = frozenset({"map", "analysis", "briefing", "naloxone", "audit"})
_ACTIONS: Final = {"done": Action.SEE_WORK, "audit": Action.SEE_AUDIT}  # the others: see counts


def show() -> None:
    """Draw the partners' side."""
    st.set_page_config(page_title="Hexbeat", layout="wide")
    apply_style()
    run_page(Settings.from_environment(), draw_pages)


def draw_pages(installation: Installation) -> None:
    """Draw the page of the address. Pages that the viewer may not open are not offered; their address is refused."""
    offered: list[StreamlitPage] = []
    by_address: dict[str, StreamlitPage] = {}
    refused: list[StreamlitPage] = []
    viewer = installation.viewer
    for title, address in PAGES.items():
        is_allowed = may_open(viewer, address)
        is_first = is_allowed and not offered
        page = st.Page(build_page(installation, offered, address), title=title, url_path=address, default=is_first)
        (offered if is_allowed else refused).append(page)
        if is_allowed:
            by_address[address] = page
    if not offered:
        raise PolicyError(
            "The access policy decides who may open which page",
            f"it lets {viewer.role} open none of these",
            "ask the analyst of the partnership",
        )
    page = st.navigation([*offered, *refused], position="hidden")
    open_view(installation, by_address, is_root=page == offered[0] and not st.query_params)
    page.run()


def build_page(installation: Installation, pages: Sequence[StreamlitPage], address: str) -> Callable[[], None]:
    """A function that draws one page."""

    def show_page() -> None:
        viewer, action = installation.viewer, _ACTIONS.get(address, Action.SEE_COUNTS)
        if not may_open(viewer, address) and pages:
            draw_header(installation, pages)  # from a page that is refused there is a way to the others
        with audit_refusal(installation, address, action=action):
            require_page(viewer, address)
            if address not in _WRITE_THEMSELVES:
                query = {key: st.query_params[key] for key in st.query_params}
                audit_view(installation, address, query, action=action)
            import_module(f"hexbeat.dashboard.pages.{MODULES[address]}").show(installation, pages)
        draw_watch(installation)
        settle_memory(address)

    return show_page
