"""The entry for people: it only chooses the audience. The public process never imports the partners' side."""

import importlib
import os
from typing import Final

import streamlit as st

from hexbeat.dashboard.web.hosts import forbid_address_lookups
from hexbeat.dashboard.web.server import SECURITY

__all__ = ["main"]

SIDES: Final = {"partners": "hexbeat.dashboard.pages.navigation", "public": "hexbeat.dashboard.public.page"}


def main() -> None:
    """Show the pages of one side. Run by `hexbeat serve`, or by `streamlit run streamlit_app.py`."""
    side = SIDES.get(read_audience())
    if side is None:
        st.error("HEXBEAT_AUDIENCE has to be partners or public.")
        return
    importlib.import_module(side).show()


def read_audience() -> str:
    """The audience of this process, from HEXBEAT_AUDIENCE."""
    return os.environ.get("HEXBEAT_AUDIENCE") or "partners"


forbid_address_lookups()
if __name__ == "__main__":  # Streamlit runs the page's script
    main()
else:  # `streamlit run` found an app by reading this file, and imports it to serve it
    security = importlib.import_module(SECURITY.get(read_audience(), SECURITY["partners"]))
    app = st.App(__file__, middleware=security.middleware(), secrets=security.build_secrets())
