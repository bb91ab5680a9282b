"""The map on a Streamlit page: a filter changes its cells, not its zoom; a click on a cell comes back as a Pick."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h3
import streamlit as st

from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.areas.street_names import name_cells
from hexbeat.dashboard.map.hex_layer import HexLayer
from hexbeat.dashboard.map.map_frame import draw_map_frame

__all__ = ["Pick", "draw_live_map"]

FINEST_RESOLUTION = 15


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
