"""Door for people: settings, audience, pages."""

import streamlit as st

from dashboard.partners import data_page, map_page
from dashboard.screen import ICON, dress, guarded
from layers.settings import Settings

__all__ = ["main"]


def main() -> None:
    """Serve the partners' side. Run by `hexbeat serve`, or plainly by `streamlit run streamlit_app.py`."""
    st.set_page_config(page_title="Hexbeat", page_icon=ICON, layout="wide", initial_sidebar_state="collapsed")
    dress()
    pages = [
        st.Page(lambda: map_page.show(here, pages), title="Map", url_path="map", default=True),
        st.Page(lambda: data_page.show(here, pages), title="Data", url_path="data"),
    ]
    chosen = st.navigation(pages, position="hidden")
    with guarded(Settings.from_environment()) as here:
        chosen.run()


main()
