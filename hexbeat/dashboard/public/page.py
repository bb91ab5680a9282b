"""The public's page on a server: the same words, map and tables as the static site, from one release directory."""

import base64
import logging
import os
import re
from html import escape
from pathlib import Path
from typing import Final

import streamlit as st

from geo.errors import DataError
from hexbeat.dashboard.public.advice import Contact, render_accessibility, render_advice, render_method, render_sources
from hexbeat.dashboard.public.block_drawing import Drawing, lay_out_release
from hexbeat.dashboard.public.blockmap import draw_block_map
from hexbeat.dashboard.public.councillor_briefing import build_councillor_briefing, render_councillor_pdf
from hexbeat.dashboard.public.palette import build_static_palette, build_streamlit_palette
from hexbeat.dashboard.public.public_downloads import build_download_files
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import describe_ward, format_period
from hexbeat.dashboard.public.site import DEMONSTRATION, read_map_style, read_public_style, read_served_style
from hexbeat.dashboard.public.view import PATTERNS, render_legend, render_past, render_table
from hexbeat.release.format import CHECKSUMS, Period, Release, ReleasedLayer
from hexbeat.release.release_text import format_promise

__all__ = ["SORRY", "convert_drawings", "show"]

DOWNLOADS: Final = {
    "numbers.csv": ("Table (CSV)", "text/csv"),
    "numbers.csv-metadata.json": ("What the table's columns mean", "application/json"),
    "numbers.geojson": ("Shapes and numbers (GeoJSON)", "application/geo+json"),
}
PAPER: Final = "ward.pdf"
SORRY: Final = "This page cannot be shown at the moment. Please try again later, or tell whoever publishes it."


def show() -> None:
    """The page; whatever goes wrong, its reader learns no more than that it did."""
    st.set_page_config(page_title="What is happening here?", layout="wide")
    st.html(f"<style>{build_streamlit_palette()}{read_public_style()}{read_served_style()}</style>")
    try:
        _page()
    except Exception:
        logging.getLogger(__name__).exception("the public page failed")
        st.html(f'<div class="hp" role="alert"><p>{escape(SORRY)}</p></div>')


def _page() -> None:
    folder = Path(os.environ.get("HEXBEAT_RELEASE", ""))
    opened = str(folder), (folder / CHECKSUMS).stat().st_mtime_ns
    published, drawing, files = _load_release(*opened)
    if published.release.facts["demonstration"]:
        _write(f'<p class="hp-mark">{escape(DEMONSTRATION)}</p>')
    ward, layer, period = _choices(published)
    lines = describe_ward(published, layer, period, ward)
    _write(
        f'<div role="status"><p class="hp-lead">{escape(lines[0])}</p>'
        f'<p class="hp-rest">{escape(" ".join(lines[1:]))}</p></div>'
    )
    with st.container(key="hp_board"):
        there, beside = st.columns([3, 2], gap="medium")
    with there, st.container(key="hp_map"):
        draw_block_map(published, drawing, layer, period, ward)
        _write(render_legend(published, layer))
    with beside:
        _write(
            f'<p class="hp-promise">{escape(format_promise(layer.k))}</p>{render_advice(layer, _read_contact())}'
            f"<h2>Compared with its own past</h2>{render_past(published, layer, period, ward)}"
        )
    _draw_details(published, layer, period, ward, files | ({PAPER: _render_briefing(*opened, ward)} if ward else {}))


def _draw_details(
    published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None, files: dict[str, bytes]
) -> None:
    """The table twin, the downloads, and how the numbers are made."""
    _write(
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
        st.download_button(title, files[PAPER], file_name=f"{ward}.pdf", mime="application/pdf", on_click="ignore")
    _write(
        f"<details><summary>Sources and licence</summary>{render_sources(published)}</details>"
        f"<details><summary>Accessibility</summary>{render_accessibility()}</details>"
    )


def _write(html: str) -> None:
    st.html(f'<div class="hp">{convert_drawings(html)}</div>')


def convert_drawings(html: str) -> str:
    """Drawings within HTML as pictures with the same name: Streamlit removes vector shapes from HTML."""
    return re.sub(r"<svg (.*?)</svg>", lambda found: _picture(found[0]), html, flags=re.DOTALL)


def _picture(drawing: str) -> str:
    name = re.search(r'aria-label="([^"]*)"', drawing)
    kind = ' class="hp-map"' if name else ""
    opened = drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    head, rest = opened.split(">", 1)
    defs = "" if name else f"<defs>{PATTERNS}</defs>"
    whole = f"{head}><style>{build_static_palette()}{read_map_style()}</style>{defs}{rest}"
    coded = base64.b64encode(whole.encode()).decode()
    return f'<img{kind} alt="{name[1] if name else ""}" src="data:image/svg+xml;base64,{coded}">'


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


def _choices(published: ReleaseTotals) -> tuple[str | None, ReleasedLayer, Period]:
    """Ward, layer and period, from the widgets; a link carries them, and what it cannot mean is passed over."""
    asked = st.query_params
    heading = st.empty()
    with st.container(key="hp_choices"):
        where, what, when = st.columns([3, 6, 3], gap="medium")
    wards = ["", *published.wards]
    _begin_widget("ward", wards, asked.get("ward"), wards[0])
    ward = where.selectbox(
        "Ward", wards, key="ward",
        format_func=lambda code: published.wards.get(code, f"All of {published.title}"),
    )  # fmt: skip
    names = [layer.name for layer in published.layers]
    _begin_widget("layer", names, asked.get("layer"), names[0])
    name = what.radio(
        "What is counted", names, key="layer", horizontal=True,
        format_func=lambda one: published.release.layer(one).title,
    )  # fmt: skip
    layer = published.release.layer(str(name))
    with when, st.container():  # its place stays while a layer of one period has no slider
        period = _period(layer, asked.get("period"))
    heading.html(
        f'<div class="hp"><h1>What is happening in {escape(published.wards.get(ward, published.title))}?</h1></div>'
    )
    link = {"ward": ward, "layer": layer.name, "period": period.name}
    st.query_params.from_dict({name: value for name, value in link.items() if value})
    return ward or None, layer, period


def _period(layer: ReleasedLayer, asked: str | None) -> Period:
    periods = {period.name: period for period in layer.periods}
    if len(periods) == 1:
        return layer.periods[0]
    key = f"period-{layer.name}"
    _begin_widget(key, list(periods), asked, layer.periods[-1].name)
    chosen = st.select_slider(
        "Period", list(periods), key=key,
        format_func=lambda name: format_period(periods[name]),
    )  # fmt: skip
    return periods[str(chosen)]


def _begin_widget(key: str, options: list[str], asked: str | None, default: str) -> None:
    """A widget begins with what the link asks for, where that is one of its options."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = asked if asked in options else default
