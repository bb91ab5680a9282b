"""A small page with one map: a filter, a cell chosen elsewhere, and a line that says what was chosen on the map.

Its address says what the map holds: ?seed=, ?cells= (how they lie), ?selected=, ?ward=, ?title=, ?height=, ?frames=.
"""

import h3.api.basic_int as h3
import numpy as np
import streamlit as st

from hexbeat.areas.area import load_area
from hexbeat.dashboard.map.hex_layer import CellStyle, Frames, HexLayer
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.documents.maps.scales import build_count_scale

st.set_page_config(layout="wide")
asked = st.query_params
area = load_area(asked.get("area", "middlesbrough"))
seed = int(st.number_input("Seed", value=int(asked.get("seed", 1)), min_value=1))
middle = h3.latlng_to_cell(54.548, -1.23, int(asked.get("resolution", 9)))
cells = np.array(h3.grid_disk(middle, int(asked.get("rings", 8))), dtype=np.uint64)
random = np.random.default_rng(seed)
values = np.floor(random.exponential(4, len(cells))) * (random.random(len(cells)) < 0.8)

title = asked.get("title", "Needle finds in a cell")
frames = None
if "frames" in asked:
    shown = np.stack([values, np.zeros(len(cells)), values[::-1]])
    frames = Frames(("Jan 2026", "Feb 2026: not known", "Mar 2026"), (True, False, True), shown)
    values = shown.max(axis=0)
outlined = values >= 12 if "outlined" in asked else None
layer = HexLayer(
    cells,
    values,
    CellStyle(scale=build_count_scale(31), title=title, unit="Needle finds"),
    outlined=outlined,
    frames=frames,
)
pick = draw_live_map(
    area,
    layer,
    key="cells",
    height=int(asked.get("height", 520)),
    selected=asked.get("selected") or st.session_state.get("chosen"),
    fit=[asked["ward"]] if "ward" in asked else [],
)
if "twice" in asked:
    again = HexLayer(cells, values, CellStyle(scale=build_count_scale(31), title=title, unit="Needle finds"))
    draw_live_map(area, again, key="again", height=300, view="cells")
if pick and pick.new:
    st.session_state["chosen"] = pick.cell
    st.session_state["news"] = st.session_state.get("news", 0) + 1
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.write(f"chosen {pick.cell if pick else 'nothing'}, {st.session_state.get('news', 0)} times;")
st.write(f"runs {st.session_state['runs']};")
