"""The public server process: Streamlit's app behind our security. `hexbeat serve --audience public` becomes it."""

import logging
import sys
from typing import Final

import streamlit as st
import uvicorn

from hexbeat.dashboard.public.public_security import middleware
from hexbeat.dashboard.security import forbid_address_lookups

__all__ = ["build_public_app", "run_server"]

LARGEST_MESSAGE: Final = 1_000_000  # bytes; a browser sends its choices, which take some hundreds


def build_public_app(script: str) -> st.App:
    """The app that serves this script of Streamlit's to the public."""
    forbid_address_lookups()
    return st.App(script, middleware=middleware())


def run_server(script: str, host: str, port: int) -> None:
    """Serve until a signal comes. Streamlit's settings come from the environment."""
    for name in ("uvicorn.access", "uvicorn.error"):  # no log of the people who look at the map
        logging.getLogger(name).addFilter(lambda record: record.levelno >= logging.WARNING)
    uvicorn.run(
        build_public_app(script),
        host=host,
        port=port,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        server_header=False,
        access_log=False,
        log_config=None,
    )


if __name__ == "__main__":
    run_server(sys.argv[1], sys.argv[2], int(sys.argv[3]))
