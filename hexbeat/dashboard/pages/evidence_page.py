"""The evidence page: make a pack of the incidents near a place for a closure case, or check one. It is restricted."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError, UsageError
from hexbeat.areas.place_finder import FoundPlace
from hexbeat.dashboard.audit import audit_change, audit_file
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.pages.map.map_page import draw_empty_store
from hexbeat.dashboard.place_box import draw_place_box
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.freshness import find_last_known_day
from hexbeat.dashboard.state.session import Installation, find_freshness
from hexbeat.dashboard.views.charts import render_picture
from hexbeat.documents.evidence.evidence_apart import check_pack_apart
from hexbeat.documents.evidence.evidence_document import (
    MARKING,
    build_fact_rows,
    describe_map,
    describe_no_records,
    format_incident,
    format_source,
    is_unknown,
    render_evidence_map,
    render_evidence_pdf,
)
from hexbeat.documents.evidence.evidence_sheets import SOURCE_COLUMNS, build_evidence_xlsx
from hexbeat.reports.evidence import EvidenceRequest, build_evidence, hash_content, list_default_layers, record_pack
from layers.access import Action, list_layers, may_make, require
from layers.catalogue import find_layer
from layers.wording import escape_html, format_date, format_number, format_plural

__all__ = ["show"]

PACK_KEY: Final = "evidence_pack"
REASON_HELP: Final = "Why the case needs these records. It is needed for overdoses, and stands in no file."
MOST_BYTES: Final = 50_000_000  # bytes of a file to check
RECORD_TITLES: Final = {"number": "No.", "when": "When", "layer": "Layer", "what": "What", "where": "Where",
                       "source": "Source", "doubts": "Caution"}  # fmt: skip


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    allowed = list_layers(installation.viewer, Action.MAKE_EVIDENCE)
    if not allowed or not may_make(installation.viewer, "evidence"):
        st.text("Your role cannot make evidence packs.")
        return
    st.html(
        '<p class="hb-sentence">Incidents recorded near a place, for a closure case.</p><p class="hb-notes">The pack '
        "tells what was recorded near a point, never who lives there. Its files state the case and the name that you "
        "give here. Hexbeat keeps neither.</p>"
    )
    request = draw_form(installation, allowed)
    if request is not None:
        make_pack(installation, request)
    content = st.session_state.get(PACK_KEY)
    if content is not None:
        draw_pack(installation, content)
    draw_check(installation)


def draw_form(installation: Installation, allowed: list[str]) -> EvidenceRequest | None:
    """Draw the form. The request once the button is pressed; None before, or after an error on the page."""
    place = draw_place_box(installation.area, "Place", key="evidence_place", width=420)
    with st.form("evidence_form", border=False), st.container(key="evidence_fields"):
        with st.container(horizontal=True, gap="medium"):
            radius = st.number_input("Metres around it", 20, 1000, 100, step=10, key="evidence_radius", width=160)
            newest = find_newest_day(installation, allowed)
            first = st.date_input(
                "From", newest - dt.timedelta(days=365), key="evidence_from", format="DD/MM/YYYY", width=160
            )
            last = st.date_input("To", newest, key="evidence_to", format="DD/MM/YYYY", width=160)
        layers = st.multiselect(
            "Layers",
            allowed,
            default=[name for name in list_default_layers() if name in allowed],
            key="evidence_layers",
            format_func=lambda name: find_layer(name).title,
            help=" ".join(filter(None, (find_layer(name).evidence_caution for name in allowed))) or None,
        )
        with st.container(horizontal=True, gap="medium"):
            reference = st.text_input("Case", key="evidence_case", max_chars=120)
            name = st.text_input("Made by", key="evidence_by", max_chars=120)
        reason = st.text_input("Reason", key="evidence_reason", max_chars=200, help=REASON_HELP)
        notes = st.checkbox("With free text, where a source stores it", key="evidence_notes")
        pressed = st.form_submit_button("Make the pack", type="primary")
    if not pressed:
        return None
    try:
        require_text("Case", reference)
        require_text("Made by", name)
        place = require_place(place)
        require_days(first, last)
        end = last + dt.timedelta(days=1)
        return EvidenceRequest(
            place.lon, place.lat, float(radius), first, end, reference, name, tuple(layers), notes, reason
        )
    except HexbeatError as error:
        st.session_state.pop(PACK_KEY, None)
        draw_error(error)
        return None


def find_newest_day(installation: Installation, allowed: Sequence[str]) -> dt.date:
    """The last known day of the layers that a pack has at first, at the latest yesterday."""
    layers = [name for name in list_default_layers() if name in allowed]
    return find_last_known_day(find_freshness(installation), layers=layers, today=installation.today)


def require_text(field: str, text: str) -> None:
    """UsageError, which names the field as the page does, if nothing is written in it."""
    if not text.strip():
        rule = "A pack says for which case it is and who made it"
        raise UsageError(rule, f"the field {field} is empty", "write a reference and a name of a few words")


def require_days(first: dt.date, last: dt.date) -> None:
    """UsageError, in the words of the page, if the last day comes before the first."""
    if last < first:
        raise UsageError(
            "A pack is about the days from From to To",
            f"From is {format_date(first)}, and To is {format_date(last)}",
            "choose the same day or a later one in To",
        )


def require_place(place: FoundPlace | None) -> FoundPlace:
    """The place of the box; UsageError if none is chosen."""
    if place is None:
        raise UsageError(
            "A pack is about one place",
            "the box Place has none yet",
            "write a street, a postcode, a latitude and longitude or a grid reference, and press Enter",
        )
    return place


def make_pack(installation: Installation, request: EvidenceRequest) -> None:
    """Make the pack and keep it for this session only, or show the error."""
    try:
        with st.spinner("Gathering the records …"):
            now = dt.datetime.now(installation.area.tz)
            details: dict[str, Any] = {"layers": request.layers, "from": request.start, "to": request.end}
            reason = request.reason
            with audit_change(
                installation, action=Action.MAKE_EVIDENCE, what="evidence", reason=reason, **details
            ) as deed:
                content = build_evidence(
                    installation.store, installation.viewer, installation.columns, installation.area, request,
                    made_at=now,
                )  # fmt: skip
                deed.rows = len(content["incidents"])
            record_pack(installation.documents, hash_content(content), now)
        st.session_state[PACK_KEY] = content
    except HexbeatError as error:
        st.session_state.pop(PACK_KEY, None)
        draw_error(error)


def draw_pack(installation: Installation, content: dict[str, Any]) -> None:
    """Draw the downloads, the map beside the facts, the records and the sources."""
    st.html(f'<p class="hb-sentence" aria-live="polite">{escape_html(describe_pack(content))}</p>')
    st.html(f'<p class="hb-silent">{escape_html(MARKING)}</p>')
    stem = f"hexbeat-{installation.area.name}-evidence-{hash_content(content)[:8]}"
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime in (
            ("PDF", ".pdf", "application/pdf"),
            ("Excel", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ):

            def build_file(kind: str = ending) -> bytes:
                for name in content["layers"]:
                    require(installation.viewer, Action.MAKE_EVIDENCE, name)
                return (
                    render_evidence_pdf(content, installation.area) if kind == ".pdf" else build_evidence_xlsx(content)
                )

            st.download_button(
                label,
                data=audit_file(installation, build_file, form=ending.removeprefix("."), action=Action.MAKE_EVIDENCE),
                file_name=stem + ending,
                mime=mime,
                on_click="ignore",
                key=f"evidence{ending}",
            )
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            st.html(
                render_picture(
                    render_evidence_map(content, installation.area, width_mm=112, height_mm=112), describe_map(content)
                )
            )
        with st.container(key="hb_analysis_words", width="stretch"):
            st.html(render_facts(content))
    draw_table([format_incident(row) for row in content["incidents"]], content)


def describe_pack(content: dict[str, Any]) -> str:
    """The number of records and the place, in a sentence."""
    number = len(content["incidents"])
    records = "Records not known" if is_unknown(content) else format_plural(number, "record", "records")
    near = f"within {format_number(content['radius_m'])} metres of the place, in {content['ward_name']} ward"
    return f"{records} {near}.{' Not all days of the period are known.' if content['not_known'] else ''}"


def render_facts(content: dict[str, Any]) -> str:
    """The facts and the caveats of the pack."""
    rows = "".join(
        f'<tr><th scope="row">{escape_html(name)}</th><td>{escape_html(text)}</td></tr>'
        for name, text in [*build_fact_rows(content), ("SHA-256", hash_content(content))]
    )
    items = "".join(f"<li>{escape_html(text)}</li>" for text in content["caveats"])
    return (
        f'<table class="hb-plain"><tbody>{rows}</tbody></table><h2 class="hb-title">What to know before relying on '
        f'this</h2><ul class="hb-notes">{items}</ul>'
    )


def draw_table(rows: list[dict[str, str]], content: dict[str, Any]) -> None:
    """Draw the records and the sources on a canvas, so that no text runs as HTML."""
    st.html('<h2 class="hb-title">Records</h2>')
    if not rows:
        st.text(describe_no_records(content))
        return
    titles = [*RECORD_TITLES.items(), *([("note", "Note")] if any(row["note"] for row in rows) else [])]
    frame = pd.DataFrame([{title: row[name] for name, title in titles} for row in rows])
    st.dataframe(frame, hide_index=True, width="stretch", key="evidence_records")
    st.html('<h2 class="hb-title">Sources</h2>')
    sources = pd.DataFrame([format_source(row) for row in content["sources"]], columns=list(SOURCE_COLUMNS))
    st.dataframe(sources, hide_index=True, width="stretch", key="evidence_sources")


def draw_check(installation: Installation) -> None:
    """Draw the check of a pack that somebody uploads."""
    with st.expander("Check a pack"):
        file = st.file_uploader("A .pdf or .xlsx of a pack", type=["pdf", "xlsx"], key="evidence_check")
        if file is None:
            return
        try:
            home, documents = installation.settings.home, installation.documents
            check = check_pack_apart(file.name, file.read(MOST_BYTES), home=home, documents=documents)
        except HexbeatError as error:
            draw_error(error)
            return
        css_class = "hb-sentence" if check.intact else "hb-silent"
        st.html(
            f'<div aria-live="polite"><p class="{css_class}">{escape_html(check.sentence)}</p><p class="hb-notes">Case '
            f"{escape_html(check.reference)}. SHA-256 {escape_html(check.digest)}</p></div>"
        )
