import re
from typing import Any

import folium
import h3
import pytest
import streamlit_folium

from hexbeat.dashboard.map import basemap
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.map.live_map import build_frame, draw_map_frame
from hexbeat.documents.maps.scales import build_count_scale
from tests.support.demonstrations import middlesbrough

CELL = h3.str_to_int(h3.latlng_to_cell(54.57, -1.23, 9))
STYLE = CellStyle(scale=build_count_scale(31), title="Finds", unit="finds")


def without_ids(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments without folium's random numbers, the layer's own among them."""
    del arguments["on_change"]
    return {
        name: re.sub(r"[0-9a-f]{32}", "", value) if isinstance(value, str) and name != "key" else value
        for name, value in arguments.items()
    }


def test_the_component_gets_what_streamlit_folium_would_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basemap, "serve_text", lambda stem, suffix, _: f"../files/{stem}{suffix}")
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(streamlit_folium, "_component_func", lambda **arguments: calls.append(arguments))
    build_frame.cache_clear()
    draw_map_frame(middlesbrough(), HexLayer([CELL], [3.0], STYLE), key="map", height=300, view_key="view")
    build_frame.cache_clear()
    group = folium.FeatureGroup(name="cells")
    group.add_child(HexLayer([CELL], [3.0], STYLE))
    streamlit_folium.st_folium(
        basemap.build_base_map(middlesbrough(), view_key="view"),
        key="map",
        height=300,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=["last_active_drawing"],
    )
    ours, theirs = map(without_ids, calls)
    assert ours == theirs
