"""A small page with one map: a filter, and a line that says what was chosen."""

import os

import h3
import numpy as np
import streamlit as st

from dashboard.hexlayer import HexLayer
from dashboard.livemap import show_map
from dashboard.scales import count_scale
from geo.cells import index_points
from layers.areas import load_area

st.set_page_config(layout="wide")
area = load_area(os.environ.get("MAP_APP_AREA", "middlesbrough"))
west, south, east, north = area.wards.bounds
seed = st.number_input("Seed", value=1, min_value=1)
random = np.random.default_rng(int(seed))
middle = np.array([west + east, south + north]) / 2
lon, lat = (middle + random.normal(size=(3000, 2)) * [0.022, 0.011]).T
inside = area.wards.locate(lon, lat) >= 0
cells, counts = np.unique(index_points(lon[inside], lat[inside], resolution=9), return_counts=True)

table_cell = st.query_params.get("cell") or st.session_state.get("cell")
layer = HexLayer(
    cells,
    counts,
    scale=count_scale(31),
    title="Needle finds in a cell",
    unit="Needle finds",
    outlined=counts >= 20 if "outlined" in st.query_params else None,
)
wards = [st.query_params["ward"]] if "ward" in st.query_params else []
height = int(st.query_params.get("height", 520))
pick = show_map(area, layer, key="cells", height=height, selected=table_cell, fit=wards)
if pick and pick.new:
    st.session_state["cell"] = pick.cell
st.write(f"runs {st.session_state.setdefault('runs', 0)}")
st.session_state["runs"] += 1
chosen = pick.cell if pick else "nothing"
st.write(f"chosen {chosen} {h3.is_valid_cell(chosen)}")
