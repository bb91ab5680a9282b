"""The map on a Streamlit page: a filter changes its cells, not its zoom; a click on a cell comes back as a Pick."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import h3
import streamlit as st
from streamlit_folium import st_folium

from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.dashboard.map.basemap import Tiles, build_base_map
from hexbeat.dashboard.map.hex_layer import HexLayer

__all__ = ["Pick", "draw_live_map"]

FINEST_RESOLUTION = 15


@dataclass(frozen=True, slots=True)
class Pick:
    """The cell (H3 index as a string) that was last chosen on a map, by click, tap or key.

    `new` is true in the one run that the choice has caused. Streamlit keeps repeating the last choice afterwards, also
    after another cell was chosen in a table: follow a pick only when it is new.
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
    tiles: Tiles | None = None,
) -> Pick | None:
    """Draw the area and the layer at this place of the page, and return what was chosen on the map, if anything was.

    key: one for each map of a page.
    view: a name under which zoom and centre are kept through filters and changes of page (None: the key). Maps of one
    name look at the same place and move together: give the maps of a small multiple, which are of one size, one name.
    height: in pixels. selected: the cell that the page regards as chosen (None: whatever the layer says), ringed.
    fit: codes of the wards that the map turns to when they change; empty: the whole area. UsageError if there is no
    such ward.
    """
    coming = find_pick(parse_choice(st.session_state.get(key)), key, mark_seen=False)
    # A choice that the page has not heard of yet is ringed already, or the ring would jump back for one run.
    hex_layer.selected = coming.cell if coming and coming.new else selected or hex_layer.selected
    hex_layer.fit = find_ward_bounds(area, fit) if fit else hex_layer.fit
    cells = folium.FeatureGroup(name="cells")
    cells.add_child(hex_layer)
    returned = st_folium(
        build_base_map(area, view_key=view or key, tiles=tiles),
        key=key,
        height=height,
        use_container_width=True,
        feature_group_to_add=cells,
        returned_objects=["last_active_drawing"],
    )
    return find_pick(parse_choice(returned), key, mark_seen=True)


def parse_choice(returned: Any) -> tuple[str, float] | None:
    """The chosen cell and the number of its event from what the browser sent, which is not to be trusted; else None."""
    try:
        drawing = returned["last_active_drawing"]
        lon, lat = map(float, drawing["geometry"]["coordinates"])
        resolution = int(drawing["properties"]["resolution"])
        event = float(drawing["properties"]["event"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    sound = abs(lon) <= 180 and abs(lat) <= 90 and 0 <= resolution <= FINEST_RESOLUTION and math.isfinite(event)  # noqa: PLR2004 - degrees
    return (h3.latlng_to_cell(lat, lon, resolution), event) if sound else None


def find_pick(choice: tuple[str, float] | None, key: str, *, mark_seen: bool) -> Pick | None:
    """The choice as a Pick; `new` unless this session has seen its event at this map (and marked it so)."""
    if choice is None:
        return None
    seen: Mapping[str, float] = st.session_state.setdefault("hexbeat_seen_picks", {})
    cell, event = choice
    pick = Pick(cell=cell, new=seen.get(key) != event)
    if mark_seen:
        st.session_state["hexbeat_seen_picks"] = {**seen, key: event}
    return pick
