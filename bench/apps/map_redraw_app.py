"""One map of ?cells= hexagons, drawn by ?way=hexlayer, geojson or pydeck; each press of the button is a filter."""

import json
from typing import Any

import folium
import h3.api.basic_int as h3
import numpy as np
import pydeck
import streamlit as st
from numpy.typing import NDArray
from streamlit_folium import st_folium

from hexbeat.areas.area import load_area
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.documents.maps.scales import build_count_scale

MIDDLE = (54.57, -1.17)
SCALE = build_count_scale(255)


@st.cache_data
def cells_around(count: int) -> NDArray[np.uint64]:
    """So many cells of resolution 10, in a disk."""
    rings = int(np.ceil(np.sqrt(count / 3)))
    return np.array(h3.grid_disk(h3.latlng_to_cell(*MIDDLE, 10), rings), dtype=np.uint64)[:count]


@st.cache_data
def outlines(count: int) -> list[list[tuple[float, float]]]:
    """Rings in lon/lat, five decimals (a metre), so that the other way is not charged for needless digits."""
    rings = [[(round(lon, 5), round(lat, 5)) for lat, lon in h3.cell_to_boundary(int(c))] for c in cells_around(count)]
    return [[*ring, ring[0]] for ring in rings]


def draw_values(count: int, seed: int) -> NDArray[np.float64]:
    """Whole numbers from 1 to 255, most of them small."""
    return np.minimum(1 + np.floor(np.random.default_rng(seed).exponential(20, count)), 255)


def geojson_layer(count: int, seed: int) -> folium.GeoJson:
    """The same cells and colours as folium users draw them."""
    classes = np.searchsorted(SCALE.breaks, draw_values(count, seed), side="right") - 1
    features = [
        {
            "type": "Feature",
            "id": str(k),
            "properties": {"class": int(kind), "seed": seed},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for k, (ring, kind) in enumerate(zip(outlines(count), classes, strict=True))
    ]

    def style(feature: dict[str, Any]) -> dict[str, Any]:
        return {
            "fillColor": SCALE.light[feature["properties"]["class"]],
            "fillOpacity": 1,
            "weight": 0.5,
            "color": "#555",
        }

    return folium.GeoJson(json.dumps({"type": "FeatureCollection", "features": features}), style_function=style)


@st.cache_data
def ids(count: int) -> list[str]:
    """The names of the cells, as deck.gl's layer takes them."""
    return [h3.int_to_str(int(cell)) for cell in cells_around(count)]


def deck(count: int, seed: int) -> pydeck.Deck:
    """The same cells and colours as users of pydeck draw them, flat and without a base map."""
    classes = np.searchsorted(SCALE.breaks, draw_values(count, seed), side="right") - 1
    colours = [[int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in SCALE.light]
    rows = [{"cell": name, "colour": colours[kind]} for name, kind in zip(ids(count), classes.tolist(), strict=True)]
    layer = pydeck.Layer(
        "H3HexagonLayer", rows, id="cells", get_hexagon="cell", get_fill_color="colour", filled=True, stroked=False,
        extruded=False, pickable=True,
    )  # fmt: skip
    zoom = {500: 12.5, 1_250: 12.0, 5_000: 11.0, 20_000: 10.0}.get(count, 9.0)
    view = pydeck.ViewState(latitude=MIDDLE[0], longitude=MIDDLE[1], zoom=zoom)
    return pydeck.Deck([layer], initial_view_state=view, map_provider=None, map_style=None)


st.set_page_config(layout="wide")
area = load_area("cleveland")
count, way = int(st.query_params["cells"]), st.query_params["way"]
st.session_state.setdefault("seed", 1)
if st.button("Filter"):
    st.session_state["seed"] += 1
seed = st.session_state["seed"]
if way == "hexlayer":
    layer = HexLayer(
        cells_around(count), draw_values(count, seed), CellStyle(scale=SCALE, title=f"Seed {seed}", unit="Finds")
    )
    draw_live_map(area, layer, key="map", height=600)
elif way == "pydeck":
    st.pydeck_chart(deck(count, seed), height=600, key="map")
else:
    group = folium.FeatureGroup(name="cells")
    group.add_child(geojson_layer(count, seed))
    ground = build_base_map(area)
    ground.options["prefer_canvas"] = True  # faster than its thousands of SVG elements
    st_folium(
        ground, key="map", height=600, use_container_width=True, feature_group_to_add=group,
        returned_objects=["last_active_drawing"],
    )  # fmt: skip
