"""The button "Where I am": the browser says where it is, if the person allows it, and only when the button is pressed.

The position fills a text box of the page. It stays in this session's memory; no file, log or address has it.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.components.v2 import component

__all__ = ["draw_position_button", "parse_position"]

_ASSETS: Final = Path(__file__).parent / "style"
_HTML: Final = '<button type="button">Where I am</button><span role="status"></span>'


def draw_position_button(*, key: str, words_key: str) -> None:
    """Draw the button. Once the browser has said where it is, the text box of `words_key` has the coordinates."""

    def take_position() -> None:
        point = parse_position(st.session_state[key].get("position"))
        if point is not None:
            st.session_state[words_key] = f"{point[1]:.5f}, {point[0]:.5f}"

    _declare_button()(key=key, on_position_change=take_position, width="content")


def parse_position(sent: Any) -> tuple[float, float] | None:
    """Longitude and latitude that the browser sent; None if it sent anything else, which is not trusted."""
    try:
        lon, lat = float(sent["lon"]), float(sent["lat"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None  # noqa: PLR2004 - degrees


@cache
def _declare_button() -> Any:
    js, css = ((_ASSETS / f"position.{ending}").read_text(encoding="utf-8") for ending in ("js", "css"))
    return component("hexbeat_position", html=_HTML, js=js, css=css)
