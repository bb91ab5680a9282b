"""The public map on a server: a folium layer of the places of a release, which a tap or a key makes speak.

The ground, the scale and the sources are those of the partners' map (`map.assets`); the outlines come from the
release alone, once, as a script that the browser keeps. A filter sends a class and a number for each place.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import folium
import shapely
from folium.map import Layer
from folium.template import Template
from streamlit_folium import st_folium

from hexbeat.dashboard.map.assets import format_script_json, read_live_script, serve_text
from hexbeat.dashboard.map.map_script import RELEASE_GROUND, BasemapScript
from hexbeat.dashboard.public.block_drawing import PADDING, Drawing, find_class
from hexbeat.dashboard.public.palette import build_map_palette
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import HINT, describe_block, describe_unpublished
from hexbeat.dashboard.public.view import PATTERNS, format_map_title
from hexbeat.release.format import Period, ReleasedLayer

__all__ = ["BlockLayer", "build_block_data", "draw_block_map"]

ASSETS: Final = Path(__file__).parent / "assets"
HEIGHT_PX: Final = 560


class BlockLayer(Layer):
    """The places of one layer and period: how each is filled, and the words of its number. Data as block_data gives."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = L.blockLayer({{ this.data_script() }});"
        "{% endmacro %}"
    )

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(name="places", overlay=True)
        self._name = "BlockLayer"
        self.data = data

    def data_script(self) -> str:
        """The data as JSON that is safe in a script and in folium's templates."""
        return format_script_json(self.data)


def draw_block_map(
    published: ReleaseTotals, drawing: Drawing, layer: ReleasedLayer, period: Period, ward: str | None
) -> None:
    """Draw the map at this place of the page. Taps and zooms stay in the browser: they run nothing here."""
    places = folium.FeatureGroup(name="places")
    places.add_child(BlockLayer(build_block_data(published, drawing, layer, period, ward)))
    st_folium(
        build_map(published, drawing),
        key="public_map",
        height=HEIGHT_PX,
        use_container_width=True,
        feature_group_to_add=places,
        returned_objects=[],
    )


def build_block_data(
    published: ReleaseTotals, drawing: Drawing, layer: ReleasedLayer, period: Period, ward: str | None
) -> dict[str, Any]:
    """What `L.blockLayer` takes: for each place, in the order of its outline, a fill and a number's place in `words`.

    Owners are -1 where nothing is published. `here` is the outline of the ward and `fit` its south-west and north-east
    corner; None for the whole area.
    """
    covering = published.covering(layer, period)
    blocks = published.release.blocks_of(layer.name, period.name)
    numbers = {block.place_id: k for k, block in enumerate(blocks)}
    owners = [covering[shape.place.place_id] for shape in drawing.leaves[layer.place_set]]
    return {
        "release": format_release_id(published),
        "view": f"{layer.name} {period.name}",
        "set": layer.place_set,
        "fills": [find_class(block, layer.k) for block in owners],
        "owners": [numbers[block.place_id] if block else -1 for block in owners],
        "words": [describe_block(published, layer, period, block) for block in blocks],
        "nothing": describe_unpublished(published, layer, period),
        "hint": HINT,
        "title": format_map_title(published, layer, period, ward),
        "here": drawing.wards[ward].path if ward else None,
        "fit": find_bounds(drawing.wards[ward].place.outline) if ward else None,
    }


def build_map(published: ReleaseTotals, drawing: Drawing) -> folium.Map:
    """The folium map under the places. Its script is the same whatever is chosen, or it would start anew."""
    (south, west), (north, east) = find_area_bounds(drawing)
    made = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=11,
        tiles=None,
        attribution_control=False,  # ours shows text as text
        zoom_snap=0.25,
        min_zoom=7,
        max_zoom=17,
    )
    # Folium's own lists are shared by all maps and name files on other people's servers.
    made.default_css = []
    made.default_js = [
        ("map", serve_text("map", ".js", read_live_script())),
        ("places", serve_text("places", ".js", build_places_script())),
        ("release", serve_text("release", ".js", build_release_script(published, drawing))),
    ]
    made.add_child(BasemapScript(RELEASE_GROUND, format_release_id(published)))
    return made


def format_release_id(published: ReleaseTotals) -> str:
    """Which outlines a map shows: a name and a number that are published."""
    facts = published.release.facts
    return f"{facts['area']['name']} {facts['number']}"


@cache
def build_places_script() -> str:
    """The browser's side of the map and its style sheet, in one file."""
    style = build_map_palette() + _asset("map.css") + _asset("blockmap.css")
    sheet = f"Object.assign(document.createElement('style'), {{textContent: {format_script_json(style)}}})"
    return f"document.head.append({sheet});\n{_asset('shapes.js')}\n{_asset('blockmap.js')}"


@lru_cache(maxsize=2)
def build_release_script(published: ReleaseTotals, drawing: Drawing) -> str:
    """The script that hands the outlines of a release to the browser."""
    data = {
        "title": published.title,
        "attribution": [],  # the page names its sources; here they would lie under the words of a place
        "bounds": find_area_bounds(drawing),
        "frame": [*drawing.frame, PADDING],
        "patterns": PATTERNS,
        "wards": [
            {"name": published.wards[code], "at": shape.label_at, "outline": shape.path}
            for code, shape in sorted(drawing.wards.items(), key=lambda pair: -shapely.area(pair[1].place.outline))
        ],
        "sets": {name: [shape.path for shape in shapes] for name, shapes in drawing.leaves.items()},
    }
    return f"Hexbeat.addRelease({format_script_json(format_release_id(published))},{format_script_json(data)});\n"


def find_area_bounds(drawing: Drawing) -> list[list[float]]:
    """South-west and north-east corner of all that is drawn, each as latitude and longitude."""
    return find_bounds(shapely.GeometryCollection([shape.place.outline for shape in drawing.ground]))


def find_bounds(outline: shapely.Geometry) -> list[list[float]]:
    west, south, east, north = (round(float(edge), 5) for edge in shapely.bounds(outline))
    return [[south, west], [north, east]]


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
