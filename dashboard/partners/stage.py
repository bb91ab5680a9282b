"""The map, or a small multiple of maps: one layer each, never a sum."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import streamlit as st

from dashboard.figures import LayerFigures
from dashboard.hexlayer import HexLayer
from dashboard.livemap import show_map
from dashboard.places import parse_cells
from dashboard.scales import count_scale
from dashboard.session import Installation, scale_maximum
from dashboard.state import Choices
from dashboard.words import html_text

__all__ = ["draw_maps", "layer_of"]

HEIGHT: Final = 540
SMALL_HEIGHT: Final = 340


def draw_maps(
    here: Installation, choices: Choices, figures: Sequence[LayerFigures], *, last: date, resolution: int
) -> str | None:
    """Draw a map for each layer; the cell that was picked on one of them in this run, if any was."""
    if len(figures) == 1:
        return draw_map(here, choices, figures[0], height=HEIGHT, last=last, resolution=resolution)
    picked = None
    for first in range(0, len(figures), 2):
        for each, column in zip(figures[first : first + 2], st.columns(2, gap="small"), strict=False):
            with column:
                st.html(f'<h2 class="hb-map-title">{html_text(each.spec.title)}</h2>')
                found = draw_map(here, choices, each, height=SMALL_HEIGHT, last=last, resolution=resolution)
                picked = found or picked
    return picked


def draw_map(
    here: Installation, choices: Choices, figures: LayerFigures, *, height: int, last: date, resolution: int
) -> str | None:
    """One layer's map."""
    layer = layer_of(here, choices, figures, last=last, resolution=resolution)
    pick = show_map(
        here.area,
        layer,
        key=f"map_{figures.spec.name}_{height}",
        height=height,
        selected=choices.cell,
        fit=choices.wards,
    )
    return pick.cell if pick and pick.new else None


def layer_of(here: Installation, choices: Choices, figures: LayerFigures, *, last: date, resolution: int) -> HexLayer:
    """The cells of a layer as they are drawn, on a scale that keeps still while the filters change."""
    maximum = scale_maximum(here, choices, layer=figures.spec.name, last=last, resolution=resolution)
    counts = figures.cells["count"]
    shares = bool((counts % 1 != 0).any())
    spec = figures.spec
    unit = spec.item.capitalize() if choices.measure == "quantity" and spec.item not in spec.many else spec.title
    return HexLayer(
        parse_cells(figures.cells["cell"].tolist()),
        counts.to_numpy(),
        scale=count_scale(maximum, shared=shares),
        title=unit,
        unit=unit,
        layer_id="cells",
    )
