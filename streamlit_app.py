"""The entry for people: it only chooses the audience. The public process never imports the partners' side."""

import importlib
import os
from typing import Final

import streamlit as st

from hexbeat.dashboard.security import forbid_address_lookups

__all__ = ["main"]

SIDES: Final = {"partners": "hexbeat.dashboard.pages.navigation", "public": "hexbeat.dashboard.public.page"}
SECURITY: Final = {"partners": "hexbeat.dashboard.security", "public": "hexbeat.dashboard.public.public_security"}
LOGIN: Final = {"partners": "hexbeat.dashboard.login_middleware"}  # the public side has none


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
    audience = read_audience() if read_audience() in SIDES else "partners"
    before = importlib.import_module(SECURITY[audience]).middleware()
    login = importlib.import_module(LOGIN[audience]) if audience in LOGIN else None
    app = st.App(
        __file__,
        middleware=[*before, *(login.middleware() if login else [])],
        secrets=login.build_secrets() if login else None,
    )
