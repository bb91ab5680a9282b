"""The map, or a small multiple of maps: one layer each, never a sum."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard.livemap import draw_live_map
from dashboard.session import Installation
from dashboard.state import Choices
from dashboard.views import LayerView
from dashboard.words import escape_html

__all__ = ["draw_maps"]

HEIGHT: Final = 540
SMALL_HEIGHT: Final = 340


def draw_maps(here: Installation, choices: Choices, views: Sequence[LayerView]) -> str | None:
    """Draw a map for each layer; the cell that was picked on one of them in this run, if any was."""
    if len(views) == 1:
        return draw_map(here, choices, views[0], height=HEIGHT)
    picked = None
    for first in range(0, len(views), 2):
        for each, column in zip(views[first : first + 2], st.columns(2, gap="small"), strict=False):
            with column:
                st.html(f'<h2 class="hb-map-title">{escape_html(each.figures.spec.title)}</h2>')
                picked = draw_map(here, choices, each, height=SMALL_HEIGHT) or picked
    return picked


def draw_map(here: Installation, choices: Choices, view: LayerView, *, height: int) -> str | None:
    """One layer's map."""
    pick = draw_live_map(
        here.area,
        view.drawing.layer(),
        key=f"map_{view.figures.spec.name}_{height}",
        height=height,
        selected=choices.cell,
        fit=choices.wards,
    )
    return pick.cell if pick and pick.new else None
