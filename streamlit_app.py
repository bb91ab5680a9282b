"""Door for people: whom it serves, and nothing else. The public's process never imports the partners' side."""

import importlib
import os
from typing import Final

import streamlit as st

from hexbeat.dashboard.security import forbid_address_lookups

__all__ = ["main"]

SIDES: Final = {"partners": "hexbeat.dashboard.pages.navigation", "public": "hexbeat.dashboard.public.page"}
WALLS: Final = {"partners": "hexbeat.dashboard.security", "public": "hexbeat.dashboard.public.public_security"}


def main() -> None:
    """Serve one side. Run by `hexbeat serve`, or plainly by `streamlit run streamlit_app.py`."""
    side = SIDES.get(audience())
    if side is None:
        st.error("HEXBEAT_AUDIENCE is partners or public.")
        return
    importlib.import_module(side).show()


def audience() -> str:
    """Whom this process serves."""
    return os.environ.get("HEXBEAT_AUDIENCE") or "partners"


forbid_address_lookups()
if __name__ == "__main__":  # Streamlit runs the page's script
    main()
else:  # `streamlit run` found an app by reading this file, and imports it to serve it
    app = st.App(__file__, middleware=importlib.import_module(WALLS.get(audience(), WALLS["partners"])).middleware())
