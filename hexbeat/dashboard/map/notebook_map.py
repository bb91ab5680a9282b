"""The map of Python's door: a folium map that carries its scripts and styles, for a notebook or a file of its own."""

from typing import Any, Final

import folium
import geopandas
import numpy as np
from branca.element import Element
from folium.template import Template

from hexbeat.analysis.hotspot_map import COLD, HOT, HotspotMap
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.dashboard.map.assets import read_scripts, read_styles
from hexbeat.dashboard.map.basemap import build_base_map, build_wards_script
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.documents.maps.scales import build_count_scale, build_hotspot_scale
from layers.event import Measure
from layers.layer_spec import LayerSpec
from layers.wording import escape_html, format_plural

__all__ = ["build_count_layer", "build_hotspot_layer", "build_notebook_map"]

# Over the map, which fills its frame.
MARK_STYLE: Final = (
    "position:fixed;z-index:1000;top:8px;left:50%;transform:translateX(-50%);margin:0;padding:3px 10px;"
    "border-radius:4px;background:#fff3cd;color:#4a3800;font:600 13px sans-serif"
)


class InlineContent(Element):
    """Text that stands in the page as it is, whatever it holds: nothing of it is a template."""

    _template = Template("{{ this.content }}")

    def __init__(self, content: str) -> None:
        super().__init__()
        self._name = "InlineContent"
        self.content = content


def build_notebook_map(area: Area, cells: HexLayer, *, mark: str | None) -> folium.Map:
    """The area's wards and these cells on a folium map; `mark` says which events are synthetic (None: none are)."""
    made = build_base_map(area, live=False)
    figure: Any = made.get_root()  # a branca Figure, which has the parts of a page
    # Before folium's own script, which calls them.
    figure.header.add_child(InlineContent(f"<style>{read_styles()}</style>"), name="hexbeat_styles")
    scripts = f"{read_scripts()};\n{build_wards_script(area)}".replace("</script", "<\\/script")
    figure.header.add_child(InlineContent(f"<script>{scripts}</script>"), name="hexbeat_scripts")
    if mark:
        words = escape_html(f"DEMONSTRATION: {mark}")
        figure.html.add_child(InlineContent(f'<p style="{MARK_STYLE}">{words}</p>'), name="hexbeat_mark")
    made.add_child(cells)
    return made


def build_count_layer(counted: geopandas.GeoDataFrame, spec: LayerSpec, *, measure: Measure) -> HexLayer:
    """Counts as the Map page draws them; `counted` has the columns cell and count."""
    counts = counted["count"].astype("float64")
    unit = spec.item.capitalize() if measure == "quantity" and spec.item not in spec.many else spec.title
    return HexLayer(
        parse_cells(counted["cell"].tolist()),
        counts.to_numpy(),
        CellStyle(
            scale=build_count_scale(float(counts.max()) if len(counts) else 1.0, shared=bool((counts % 1 != 0).any())),
            title=unit,
            unit=unit,
        ),
    )


def build_hotspot_layer(found: HotspotMap) -> HexLayer:
    """Hot, cold and neither, as the Map page draws them."""
    kinds = found.rows["hotspot"].to_numpy()
    hot, cold = kinds == HOT, kinds == COLD
    rest = len(kinds) - int(hot.sum()) - int(cold.sum())
    labels = (
        f"cold spot: {format_plural(int(cold.sum()), 'place', 'places')}",
        f"not significant: {format_plural(rest, 'place', 'places')}",
        f"hotspot: {format_plural(int(hot.sum()), 'place', 'places')}",
    )
    return HexLayer(
        parse_cells(found.rows["cell"].tolist()),
        np.where(hot, 2.0, np.where(cold, 0.0, 1.0)),
        CellStyle(
            scale=build_hotspot_scale(labels),
            title=f"{found.spec.title}: hotspots",
            unit=found.spec.title,
            names=("cold spot", "not significant", "hotspot"),
            swatches=("dashed", "", "outlined"),
        ),
        outlined=hot if hot.any() else None,
        dashed=cold if cold.any() else None,
    )
