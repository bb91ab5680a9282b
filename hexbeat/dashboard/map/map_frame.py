"""The frame of a live map: streamlit-folium's component, with all but the cells rendered once and kept.

folium and streamlit-folium compile some dozen templates and look through the whole map at each call. Only the data of
the cells change with a filter, so what they make of the rest is kept, and the data are put into the place left for
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import folium
import streamlit as st
import streamlit_folium
from folium.map import Layer

from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import Gazetteer, read_gazetteer
from hexbeat.areas.streets import Streets, read_streets
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import HexLayer
from hexbeat.tiles import TileService, read_tile_service

__all__ = ["MapFrame", "draw_map_frame"]

HOLE: Final = "hexbeatcells"  # a word that nothing else in a map's script has
RETURNED: Final = "last_active_drawing"


@dataclass(frozen=True, slots=True)
class MapFrame:
    """What the component is called with, but for height and cells: `before` and `after` stand around their data."""

    arguments: Mapping[str, Any]
    before: str
    after: str


class CellsHole(Layer):
    """The place of a HexLayer in a map's script."""

    _template = HexLayer._template  # noqa: SLF001 - the same call in the browser

    def __init__(self) -> None:
        super().__init__(name="cells", overlay=True)
        self._name = "HexLayer"

    def data_script(self) -> str:
        """Where the data go."""
        return HOLE


def draw_map_frame(area: Area, hex_layer: HexLayer, *, key: str, height: int, view_key: str) -> Any:
    """Draw the layer on the area's base map, as `st_folium` does; what the browser last returned."""
    frame = _build_frame(area, key, view_key, read_streets(area), read_gazetteer(area), read_tile_service())
    state_key = frame.arguments["key"]

    def keep_returned() -> None:
        st.session_state[key] = st.session_state.get(state_key, {})

    return streamlit_folium._component_func(  # noqa: SLF001 - what `st_folium` ends with
        **frame.arguments,
        feature_group=f"{frame.before}{hex_layer.data_script()}{frame.after}",
        height=height,
        on_change=keep_returned,
    )


@lru_cache(maxsize=32)
def _build_frame(
    area: Area,
    key: str,
    view_key: str,
    streets: Streets | None,
    gazetteer: Gazetteer | None,
    tiles: TileService | None,
) -> MapFrame:
    """What `st_folium` makes of a base map. Everything that the base map is made of is part of the cache's key."""
    del streets, gazetteer, tiles
    base_map = build_base_map(area, view_key=view_key)
    base_map.get_root().render()
    base_map.render()  # type: ignore[no-untyped-call]
    html, header = streamlit_folium._get_html(base_map), streamlit_folium._get_header(base_map)  # noqa: SLF001 - as there
    script = streamlit_folium._get_map_string(base_map)  # noqa: SLF001 - as there
    scripts = [address for _, address in base_map.default_js]
    map_id = streamlit_folium.get_full_id(base_map)
    group = folium.FeatureGroup(name="cells")
    group.add_child(CellsHole())
    before, after = streamlit_folium._get_feature_group_string(group, map=base_map).split(HOLE)  # noqa: SLF001 - as there
    arguments = {
        "script": script,
        "header": header,
        "html": html,
        "id": map_id,
        "key": streamlit_folium.generate_js_hash(script, key),
        "width": None,
        "returned_objects": [RETURNED],
        "default": {RETURNED: None},
        "zoom": None,
        "center": None,
        "return_on_hover": False,
        "layer_control": None,
        "pixelated": False,
        "css_links": [],
        "js_links": list(dict.fromkeys(scripts)),
        "wrap_longitude": False,
    }
    return MapFrame(arguments, before, after)
