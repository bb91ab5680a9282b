"""The map of `hexbeat.open().map()`: a folium map that carries its scripts and styles, for a notebook or a file."""

from typing import Any, Final

import folium
import geopandas
from branca.element import Element
from folium.template import Template

from hexbeat.analysis.hotspot_map import COLD, HOT, HotspotMap
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import name_cells
from hexbeat.dashboard.map.assets import read_scripts, read_styles
from hexbeat.dashboard.map.basemap import build_area_scripts, build_base_map
from hexbeat.dashboard.map.cell_styles import build_count_style, build_hotspot_style, classify_hotspots, format_unit
from hexbeat.dashboard.map.hex_layer import HexLayer
from layers.event import Measure
from layers.layer_spec import LayerSpec
from layers.wording import escape_html

__all__ = ["build_count_layer", "build_hotspot_layer", "build_notebook_map"]

# Over the map, which fills its frame.
MARK_STYLE: Final = (
    "position:fixed;z-index:1000;top:8px;left:50%;transform:translateX(-50%);margin:0;padding:3px 10px;"
    "border-radius:4px;background:#fff3cd;color:#4a3800;font:600 13px sans-serif"
)


class InlineContent(Element):
    """Text that enters the page unchanged: no part of it is read as a template."""

    _template = Template("{{ this.content }}")

    def __init__(self, content: str) -> None:
        super().__init__()
        self._name = "InlineContent"
        self.content = content


def build_notebook_map(area: Area, cells: HexLayer, *, mark: str | None) -> folium.Map:
    """A folium map of the area's wards and these cells; `mark` says which events are synthetic (None: none are)."""
    base_map = build_base_map(area, live=False)
    figure: Any = base_map.get_root()  # a branca Figure, which has the parts of a page
    # Before folium's own script, which calls them.
    figure.header.add_child(InlineContent(f"<style>{read_styles()}</style>"), name="hexbeat_styles")
    scripts = f"{read_scripts()};\n{build_area_scripts(area)}".replace("</script", "<\\/script")
    figure.header.add_child(InlineContent(f"<script>{scripts}</script>"), name="hexbeat_scripts")
    if mark:
        text = escape_html(f"DEMONSTRATION: {mark}")
        figure.html.add_child(InlineContent(f'<p style="{MARK_STYLE}">{text}</p>'), name="hexbeat_mark")
    cells.name_cells(lambda cell_ids: name_cells(cell_ids, area))
    base_map.add_child(cells)
    return base_map


def build_count_layer(rows: geopandas.GeoDataFrame, spec: LayerSpec, *, measure: Measure) -> HexLayer:
    """Counts as the Map page draws them; `rows` has the columns cell and count."""
    counts = rows["count"].astype("float64")
    maximum = float(counts.max()) if len(counts) else 1.0
    style = build_count_style(counts, format_unit(spec, measure), maximum=maximum)
    return HexLayer(parse_cells(rows["cell"].tolist()), counts.to_numpy(), style)


def build_hotspot_layer(hotspot_map: HotspotMap) -> HexLayer:
    """Hot cells, cold cells and the others, as the Map page draws them."""
    kinds = hotspot_map.rows["hotspot"].to_numpy()
    hot, cold = kinds == HOT, kinds == COLD
    return HexLayer(
        parse_cells(hotspot_map.rows["cell"].tolist()),
        classify_hotspots(kinds),
        build_hotspot_style(kinds, hotspot_map.spec.title),
        outlined=hot if hot.any() else None,
        dashed=cold if cold.any() else None,
    )
