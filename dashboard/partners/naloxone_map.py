"""Where overdoses are, who is near, and where the next places would be, on a Folium map."""

from typing import Any, Final

import folium
import streamlit as st
from streamlit_folium import st_folium

from dashboard.basemap import build_base_map
from dashboard.hexlayer import HexLayer
from dashboard.scales import build_count_scale
from dashboard.session import Installation
from layers.naloxone.cover import NaloxoneCover

__all__ = ["draw_cover_map"]

HEIGHT: Final = 560
_HOLDS: Final[dict[str, Any]] = {"color": "#1098ad", "weight": 2.5, "fill": False, "interactive": False}
_NEXT: Final[dict[str, Any]] = {**_HOLDS, "color": "#2f9e44", "weight": 3, "dash_array": "7 5"}
_UNDER: Final[dict[str, Any]] = {**_HOLDS, "color": "#ffffff", "weight": 6, "opacity": 0.85}  # seen on every colour


def draw_cover_map(here: Installation, found: NaloxoneCover) -> None:
    """Cells of overdoses; full circles are the reach of places that hold naloxone, broken ones that of next places."""
    cells, counts = found.cells
    highest = max([1.0, *counts.tolist()])
    layer = HexLayer(
        cells,
        counts,
        scale=build_count_scale(highest, shared=bool((counts % 1).any())),
        title="Overdoses a cell",
        unit="Overdoses",
        layer_id="cells",
    )
    group = folium.FeatureGroup(name="cells")
    group.add_child(layer)
    for frame, look in ((found.holders[found.holders["open"]], _HOLDS), (found.next_places, _NEXT)):
        for lat, lon in zip(frame["lat"].tolist(), frame["lon"].tolist(), strict=True):
            for line in (_UNDER, look):
                group.add_child(folium.Circle((lat, lon), radius=found.reach.straight_m, **line))
            group.add_child(folium.CircleMarker((lat, lon), radius=4, **{**look, "fill": True, "fill_opacity": 1.0}))
    st_folium(
        build_base_map(here.area, view_key="naloxone"),
        key="naloxone_map",
        height=HEIGHT,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=[],
    )
    st.html(
        '<p class="hb-small">Full circles: within reach of a place that holds naloxone and is open. Broken: the next '
        "places. The tables say the same.</p>"
    )
