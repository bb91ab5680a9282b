"""Door for people: whom it serves, and nothing else. The public's process never imports the partners' side."""

import importlib
import os
from typing import Final

import streamlit as st

__all__ = ["main"]

SIDES: Final = {"partners": "dashboard.partners.pages", "public": "dashboard.public.page"}


def main() -> None:
    """Serve one side. Run by `hexbeat serve`, or plainly by `streamlit run streamlit_app.py`."""
    side = SIDES.get(os.environ.get("HEXBEAT_AUDIENCE") or "partners")
    if side is None:
        st.error("HEXBEAT_AUDIENCE is partners or public.")
        return
    importlib.import_module(side).show()


main()
