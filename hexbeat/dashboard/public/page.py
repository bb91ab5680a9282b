"""The public page on a server: the same text, map and tables as the static site, from one release directory.

The map is a folium layer of the places of a release; a tap or a key shows the number of a place. The base map and the
scale are those of the partners' map (`map.assets`). The outlines come from the release alone, once, as a script that
the browser caches. A filter sends a class and a number for each place.
"""

import base64
import json
import logging
import os
import re
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

import folium
import shapely
import streamlit as st
from folium.map import Layer
from folium.template import Template
from streamlit_folium import st_folium

from geo.errors import DataError
from hexbeat.dashboard.map.assets import format_script_json, read_live_script, serve_text
from hexbeat.dashboard.map.map_script import RELEASE_BASEMAP, BasemapScript
from hexbeat.dashboard.public.advice import Contact, render_accessibility, render_advice, render_method, render_sources
from hexbeat.dashboard.public.block_drawing import PADDING, Drawing, find_class, lay_out_release
from hexbeat.dashboard.public.councillor_briefing import build_councillor_briefing, render_councillor_pdf
from hexbeat.dashboard.public.palette import build_map_palette, build_static_palette, build_streamlit_palette
from hexbeat.dashboard.public.place_index import build_search_index, read_place_names
from hexbeat.dashboard.public.public_downloads import build_download_files
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import (
    HINT,
    describe_around,
    describe_block,
    describe_unpublished,
    describe_ward,
    format_period,
)
from hexbeat.dashboard.public.site import DEMONSTRATION, read_map_style, read_public_style, read_served_style
from hexbeat.dashboard.public.view import PATTERNS, format_map_title, render_legend, render_past, render_table
from hexbeat.release.format import CHECKSUMS, Period, Release, ReleasedLayer
from hexbeat.release.release_text import format_promise
from hexbeat.tiles import read_tile_service

__all__ = [
    "SORRY",
    "BlockLayer",
    "build_block_data",
    "build_map",
    "build_names_script",
    "build_streets_script",
    "convert_drawings",
    "show",
]

DOWNLOADS: Final = {
    "numbers.csv": ("Table (CSV)", "text/csv"),
    "numbers.csv-metadata.json": ("What the table's columns mean", "application/json"),
    "numbers.geojson": ("Shapes and numbers (GeoJSON)", "application/geo+json"),
}
WARD_FILE: Final = "ward.pdf"
SORRY: Final = "This page cannot be shown at the moment. Please try again later, or tell whoever publishes it."
ASSETS: Final = Path(__file__).parent / "assets"
HEIGHT_PX: Final = 560
SEARCH_PX: Final = 74  # of the search box above the map
STREETS: Final = "HEXBEAT_STREETS"  # set by `hexbeat serve`: the folder of the streets, and what a map says of them
STREETS_CREDIT: Final = "HEXBEAT_STREETS_CREDIT"
NAMES: Final = "HEXBEAT_NAMES"  # set by `hexbeat serve`: the gazetteer of the area, and what a page says of it
NAMES_CREDIT: Final = "HEXBEAT_NAMES_CREDIT"


class BlockLayer(Layer):
    """The places of one layer and period: the fill of each, and the sentence of its number (`build_block_data`)."""

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
    """Draw the map here on the page. Taps and zooms stay in the browser and run nothing on the server."""
    places = folium.FeatureGroup(name="places")
    places.add_child(BlockLayer(build_block_data(published, drawing, layer, period, ward)))
    st_folium(
        build_map(published, drawing),
        key="public_map",
        height=HEIGHT_PX + measure_search(),
        use_container_width=True,
        feature_group_to_add=places,
        returned_objects=[],
    )


def measure_search() -> int:
    """The pixels that the search box takes above the map: none where the server has no names to look for."""
    return SEARCH_PX if os.environ.get(NAMES) else 0


def build_block_data(
    published: ReleaseTotals, drawing: Drawing, layer: ReleasedLayer, period: Period, ward: str | None
) -> dict[str, Any]:
    """The argument of `L.blockLayer`: for each place, in the order of the outlines, a fill and an index into `words`.

    `around` says the same for a place that a reader looked for; its last one is for where nothing is published.

    The index (`owners`) is -1 if nothing is published. `here` is the outline of the ward and `fit` its south-west and
    north-east corner; None for the whole area.
    """
    covering = published.covering(layer, period)
    blocks = published.release.find_blocks(layer.name, period.name)
    numbers = {block.place_id: k for k, block in enumerate(blocks)}
    owners = [covering[shape.place.place_id] for shape in drawing.leaves[layer.place_set]]
    return {
        "release": format_release_id(published),
        "view": f"{layer.name} {period.name}",
        "set": layer.place_set,
        "fills": [find_class(block, layer.k) for block in owners],
        "owners": [numbers[block.place_id] if block else -1 for block in owners],
        "words": [describe_block(published, layer, period, block) for block in blocks],
        "around": [describe_around(published, layer, period, block) for block in (*blocks, None)],
        "nothing": describe_unpublished(published, layer, period),
        "hint": HINT,
        "title": format_map_title(published, layer, period, ward),
        "here": drawing.wards[ward].path if ward else None,
        "fit": find_bounds(drawing.wards[ward].place.outline) if ward else None,
    }


def build_map(published: ReleaseTotals, drawing: Drawing) -> folium.Map:
    """The folium map under the places. Its script does not depend on the choices, or the map would start again."""
    (south, west), (north, east) = find_area_bounds(drawing)
    page_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=11,
        tiles=None,
        attribution_control=False,  # ours shows text as text
        zoom_snap=0.25,
        min_zoom=7,
        max_zoom=17,
    )
    # Folium's own lists are shared by all maps and name files on other servers.
    page_map.default_css = []
    # In one file, because streamlit-folium asks for the next one only when it has the one before.
    scripts = ";\n".join([read_live_script(), build_places_script(), build_release_script(published, drawing)])
    page_map.default_js = [("map", serve_text("map", ".js", scripts))]
    if folder := os.environ.get(STREETS):
        script = build_streets_script(format_release_id(published), folder)
        page_map.default_js.append(("streets", serve_text("streets", ".js", script)))
    if file := os.environ.get(NAMES):
        page_map.default_js.append(("names", serve_text("names", ".js", build_names_script(published, drawing, file))))
    page_map.add_child(BasemapScript(RELEASE_BASEMAP, build_base_options(format_release_id(published))))
    return page_map


def build_base_options(release_id: str) -> dict[str, Any]:
    """The argument of `Hexbeat.publicMap`: the release, and the tiles that the settings give to the public."""
    tiles = read_tile_service(public=True)
    if tiles is None:
        return {"id": release_id, "tiles": None, "attribution": []}
    # The credit of the streets stands on the page, beside that of the wards.
    options = {**tiles.script_options, "under": tiles.under, "credits": []}
    return {"id": release_id, "tiles": options, "attribution": [tiles.attribution]}


def format_release_id(published: ReleaseTotals) -> str:
    """The name of the outlines that a map shows, made from published facts: the area and the number of the release."""
    facts = published.release.facts
    return f"{facts['area']['name']} {facts['number']}"


@cache
def build_places_script() -> str:
    """The browser's side of the map and its style sheet, in one file."""
    style = build_map_palette() + _read_asset("map.css") + _read_asset("blockmap.css")
    sheet = f"Object.assign(document.createElement('style'), {{textContent: {format_script_json(style)}}})"
    scripts = [_read_asset(name) for name in ("shapes.js", "search.js", "blockmap.js")]
    return "\n".join([f"document.head.append({sheet});", *scripts])


@lru_cache(maxsize=2)
def build_streets_script(release_id: str, folder: str) -> str:
    """The script that hands the streets of the release's area to the browser (streets.json, beside its wards)."""
    streets = json.loads((Path(folder) / "streets.json").read_text(encoding="utf-8"))
    data = {key: streets[key] for key in ("origin", "step", "names", "lines", "areas")}
    return f"Hexbeat.addStreets({format_script_json(release_id)},{format_script_json({'data': data})});\n"


@lru_cache(maxsize=2)
def build_names_script(published: ReleaseTotals, drawing: Drawing, file: str) -> str:
    """The script that hands the names that readers may look for to the browser, which searches in them by itself."""
    names = read_place_names(Path(file), os.environ.get(NAMES_CREDIT, ""))
    data = build_search_index(drawing, published.wards, names) | {"titles": list(published.wards.values())}
    return f"Hexbeat.addNames({format_script_json(format_release_id(published))},{format_script_json(data)});\n"


@lru_cache(maxsize=2)
def build_release_script(published: ReleaseTotals, drawing: Drawing) -> str:
    """The script that hands the outlines of a release to the browser."""
    data = {
        "title": published.title,
        "attribution": [],  # the page names its sources; on the map they would lie under the sentence of a place
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
    return find_bounds(shapely.GeometryCollection([shape.place.outline for shape in drawing.base]))


def find_bounds(outline: shapely.Geometry) -> list[list[float]]:
    west, south, east, north = (round(float(edge), 5) for edge in shapely.bounds(outline))
    return [[south, west], [north, east]]


def _read_asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def show() -> None:
    """Draw the page. If anything fails, the reader learns only that it failed."""
    st.set_page_config(page_title="What is happening here?", layout="wide")
    room = f":root {{ --hp-search: {measure_search()}px; }}"
    st.html(f"<style>{build_streamlit_palette()}{read_public_style()}{read_served_style()}{room}</style>")
    try:
        _draw_page()
    except Exception:
        logging.getLogger(__name__).exception("the public page failed")
        st.html(f'<div class="hp" role="alert"><p>{escape(SORRY)}</p></div>')


def _draw_page() -> None:
    folder = Path(os.environ.get("HEXBEAT_RELEASE", ""))
    release_key = str(folder), (folder / CHECKSUMS).stat().st_mtime_ns
    published, drawing, files = _load_release(*release_key)
    if published.release.facts["demonstration"]:
        _draw_html(f'<p class="hp-mark">{escape(DEMONSTRATION)}</p>')
    ward, layer, period = _draw_choices(published)
    lines = describe_ward(published, layer, period, ward)
    _draw_html(
        f'<div role="status"><p class="hp-lead">{escape(lines[0])}</p>'
        f'<p class="hp-rest">{escape(" ".join(lines[1:]))}</p></div>'
    )
    with st.container(key="hp_board"):
        map_column, advice_column = st.columns([3, 2], gap="medium")
    with map_column, st.container(key="hp_map"):
        draw_block_map(published, drawing, layer, period, ward)
        if credit := ". ".join(filter(None, (os.environ.get(name) for name in (STREETS_CREDIT, NAMES_CREDIT)))):
            _draw_html(f'<p class="hp-credit">{escape(credit)}</p>')
        _draw_html(render_legend(published, layer, period))
    with advice_column:
        _draw_html(
            f'<p class="hp-promise">{escape(format_promise(layer.k))}</p>{render_advice(layer, _read_contact())}'
            f"<h2>Compared with its own past</h2>{render_past(published, layer, period, ward)}"
        )
    _draw_details(
        published, layer, period, ward, files | ({WARD_FILE: _render_briefing(*release_key, ward)} if ward else {})
    )


def _draw_details(
    published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None, files: dict[str, bytes]
) -> None:
    """Draw the map as a table, the downloads, and how the numbers are made."""
    _draw_html(
        "<h2>The map as a table</h2><details><summary>Show the table</summary>"
        f'<div id="hp-table" tabindex="0" role="region" aria-label="Places and their numbers">'
        f"{render_table(published, layer, period, ward)}</div></details>"
        f"<h2>How these numbers are made</h2><details><summary>Read how</summary>"
        f"{render_method(published, layer)}</details>"
        "<h2>Take the numbers with you</h2>"
    )
    for name, (label, mime) in DOWNLOADS.items():
        st.download_button(label, files[name], file_name=name, mime=mime, on_click="ignore")
    if ward:  # a label is Markdown, so that no name of the release is in it
        title = "The chosen ward on one page (PDF)"
        st.download_button(title, files[WARD_FILE], file_name=f"{ward}.pdf", mime="application/pdf", on_click="ignore")
    _draw_html(
        f"<details><summary>Sources and licence</summary>{render_sources(published)}</details>"
        f"<details><summary>Accessibility</summary>{render_accessibility()}</details>"
    )


def _draw_html(html: str) -> None:
    st.html(f'<div class="hp">{convert_drawings(html)}</div>')


def convert_drawings(html: str) -> str:
    """The HTML with its SVG drawings as images of the same name, because Streamlit removes SVG from HTML."""
    return re.sub(r"<svg (.*?)</svg>", lambda match: _convert_picture(match[0]), html, flags=re.DOTALL)


def _convert_picture(drawing: str) -> str:
    name = re.search(r'aria-label="([^"]*)"', drawing)
    kind = ' class="hp-map"' if name else ""
    with_namespace = drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    opening, rest = with_namespace.split(">", 1)
    defs = "" if name else f"<defs>{PATTERNS}</defs>"
    svg = f"{opening}><style>{build_static_palette()}{read_map_style()}</style>{defs}{rest}"
    encoded = base64.b64encode(svg.encode()).decode()
    return f'<img{kind} alt="{name[1] if name else ""}" src="data:image/svg+xml;base64,{encoded}">'


@st.cache_resource(max_entries=2, show_spinner="Reading the release …")
def _load_release(folder: str, changed_ns: int) -> tuple[ReleaseTotals, Drawing, dict[str, bytes]]:
    """The release of a directory with its drawing and downloads; read again when its checksums change."""
    del changed_ns
    published = ReleaseTotals(Release.read(Path(folder)))
    if not published.layers:
        raise DataError(
            "The page shows at least one period", "this release has none yet", "wait until a period is published"
        )
    return published, lay_out_release(published), build_download_files(published)


@st.cache_resource(max_entries=64, show_spinner="Writing the page …")
def _render_briefing(folder: str, changed_ns: int, ward: str) -> bytes:
    """The briefing of one ward, as PDF, written once for all readers of a release."""
    return render_councillor_pdf(build_councillor_briefing(_load_release(folder, changed_ns)[0].release, ward))


def _read_contact() -> Contact:
    """The council's words and form for needles, from HEXBEAT_NEEDLE_CONTACT and HEXBEAT_NEEDLE_FORM."""
    return Contact(os.environ.get("HEXBEAT_NEEDLE_CONTACT") or None, os.environ.get("HEXBEAT_NEEDLE_FORM") or None)


def _draw_choices(published: ReleaseTotals) -> tuple[str | None, ReleasedLayer, Period]:
    """Draw the choices of ward, layer and period, and return them. A link carries them; unknown parts are ignored."""
    query = st.query_params
    heading = st.empty()
    with st.container(key="hp_choices"):
        where, what, when = st.columns([3, 6, 3], gap="medium")
    wards = ["", *published.wards]
    _begin_widget("ward", wards, query.get("ward"), wards[0])
    ward = where.selectbox(
        "Ward", wards, key="ward",
        format_func=lambda code: published.wards.get(code, f"All of {published.title}"),
    )  # fmt: skip
    names = [layer.name for layer in published.layers]
    _begin_widget("layer", names, query.get("layer"), names[0])
    name = what.radio(
        "What is counted", names, key="layer", horizontal=True,
        format_func=lambda layer_name: published.layer(layer_name).title,
    )  # fmt: skip
    layer = published.layer(str(name))
    with when, st.container():  # its place stays while a layer of one period has no slider
        period = _draw_period(layer, query.get("period"), published.find_latest_period(layer))
    heading.html(
        f'<div class="hp"><h1>What is happening in {escape(published.wards.get(ward, published.title))}?</h1></div>'
    )
    link = {"ward": ward, "layer": layer.name, "period": period.name}
    st.query_params.from_dict({name: value for name, value in link.items() if value})
    return ward or None, layer, period


def _draw_period(layer: ReleasedLayer, wanted: str | None, latest: Period) -> Period:
    periods = {period.name: period for period in layer.due_periods}
    if len(periods) == 1:
        return latest
    key = f"period-{layer.name}"
    _begin_widget(key, list(periods), wanted, latest.name)
    name = st.select_slider(
        "Period", list(periods), key=key,
        format_func=lambda name: format_period(periods[name]),
    )  # fmt: skip
    return periods[str(name)]


def _begin_widget(key: str, options: list[str], wanted: str | None, default: str) -> None:
    """Give a widget the value of the link if that is one of its options, else the default."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = wanted if wanted in options else default
