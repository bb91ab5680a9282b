"""The map on a Streamlit page: a filter changes its cells, not its zoom; a click on a cell comes back as a Pick.

folium and streamlit-folium compile some dozen templates and look through the whole map at each call. Only the data of
the cells change with a filter. So what they make of the rest is kept, and the data are put into their place in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import folium
import h3
import streamlit as st
import streamlit_folium
from folium.map import Layer

from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.areas.gazetteer import Gazetteer, read_gazetteer
from hexbeat.areas.street_names import name_cells
from hexbeat.areas.streets import Streets, read_streets
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import HexLayer
from hexbeat.tiles import TileService, read_tile_service

__all__ = ["MapFrame", "Pick", "build_frame", "draw_live_map", "draw_map_frame"]

FINEST_RESOLUTION = 15
HOLE: Final = "hexbeatcells"  # a word that nothing else in a map's script has
RETURNED: Final = "last_active_drawing"


@dataclass(frozen=True, slots=True)
class Pick:
    """The cell (H3 index as a string) that was last chosen on a map, by click, tap or key.

    `new` is true only in the run that the choice caused. Streamlit repeats the last choice in later runs, even after
    another cell was chosen in a table, so follow a pick only when it is new.
    """

    cell: str
    new: bool


def draw_live_map(
    area: Area,
    hex_layer: HexLayer,
    *,
    key: str,
    height: int = 560,
    selected: str | None = None,
    fit: Sequence[str] = (),
    view: str | None = None,
) -> Pick | None:
    """Draw the area and the layer here on the page, and return what was chosen on the map (None: nothing).

    key: one for each map of a page.
    view: a name under which zoom and centre are kept through filters and changes of page (None: the key). Maps with the
    same name show the same place and move together, so give one name to the maps of a small multiple.
    height: in pixels. selected: the chosen cell, which gets a ring (None: the one of the layer).
    fit: codes of the wards that the map moves to when they change; empty: the whole area. UsageError if there is no
    such ward.
    """
    pending = find_pick(parse_choice(st.session_state.get(key)), key, mark_seen=False)
    # Draw the ring of a new choice at once, or it would jump back for one run.
    hex_layer.selected = pending.cell if pending and pending.new else selected or hex_layer.selected
    hex_layer.fit = find_ward_bounds(area, fit) if fit else hex_layer.fit
    hex_layer.name_cells(lambda cells: name_cells(cells, area))
    returned = draw_map_frame(area, hex_layer, key=key, height=height, view_key=view or key)
    return find_pick(parse_choice(returned), key, mark_seen=True)


def parse_choice(returned: Any) -> tuple[str, float] | None:
    """The chosen cell and the number of its event; None if the browser sent anything else, which is not trusted."""
    try:
        drawing = returned["last_active_drawing"]
        lon, lat = map(float, drawing["geometry"]["coordinates"])
        resolution = int(drawing["properties"]["resolution"])
        event = float(drawing["properties"]["event"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    is_valid = abs(lon) <= 180 and abs(lat) <= 90 and 0 <= resolution <= FINEST_RESOLUTION and math.isfinite(event)  # noqa: PLR2004 - degrees
    return (h3.latlng_to_cell(lat, lon, resolution), event) if is_valid else None


def find_pick(choice: tuple[str, float] | None, key: str, *, mark_seen: bool) -> Pick | None:
    """The choice as a Pick; it is new unless this session has already seen its event on this map."""
    if choice is None:
        return None
    events: Mapping[str, float] = st.session_state.setdefault("hexbeat_seen_picks", {})
    cell, event = choice
    pick = Pick(cell=cell, new=events.get(key) != event)
    if mark_seen:
        st.session_state["hexbeat_seen_picks"] = {**events, key: event}
    return pick


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
    frame = build_frame(area, key, view_key, read_streets(area), read_gazetteer(area), read_tile_service())
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
def build_frame(
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
    base_map.render()  # type: ignore[no-untyped-call]  # branca types some of its functions only
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
