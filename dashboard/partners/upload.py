"""Load a file: what it is, a dry run with reasons, then the load itself."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from dashboard.partners.matching import draw_column_match
from dashboard.quality import render_reasons, render_report, render_samples
from dashboard.screen import draw_error
from dashboard.session import Installation
from dashboard.uploads import select_main_files, write_uploads
from dashboard.words import escape_html
from geo.errors import HexbeatError
from layers.catalogue import LAYERS
from layers.ingest import IngestReport, ingest_files
from layers.sources import SourceProfile, list_profiles, suggest_profile
from layers.sources.suggest import Suggestion

__all__ = ["REPORT_KEY", "draw_upload"]

REPORT_KEY: Final = "upload_report"  # (files, source, layer) and the report of the dry run or the load
SUGGESTION_KEY: Final = "upload_suggestion"
ROUND_KEY: Final = "upload_round"  # counts up after each load, so that the next one begins without files
NEW_SOURCE: Final = "a new source: match the columns"
BY_FILE: Final = "as the file says"


def draw_upload(here: Installation) -> None:
    """The right side of the data page."""
    st.html('<h2 class="hb-title">Load a file</h2>')
    files = st.file_uploader(
        "CSV, TSV, Excel, ODS, GeoJSON, GeoPackage, Shapefile (all its parts), GeoParquet, or Open311 JSON and XML",
        accept_multiple_files=True,
        key=f"upload_{st.session_state.get(ROUND_KEY, 0)}",
    )
    if not files:
        draw_result()
        return
    signature = tuple(file.file_id for file in files)
    try:
        suggestion = find_suggestion(here, files, signature)
        draw_suggestion(suggestion)
        source = draw_source_choice(here, suggestion, signature)
        if source is None:
            draw_column_match(here, suggestion)
            return
        layer = draw_layer_choice(source)
        draw_check_and_load(here, files, (signature, source.name, layer), source, layer)
    except HexbeatError as error:
        draw_error(error)


def find_suggestion(here: Installation, files: Sequence[Any], signature: tuple[str, ...]) -> Suggestion:
    """What the first file seems to be; looked at once."""
    held = st.session_state.get(SUGGESTION_KEY)
    if held is None or held[0] != signature:
        with st.spinner("Looking at the file …"), write_uploads(files, here.settings.home) as paths:
            held = (signature, suggest_profile(select_main_files(paths)[0], home=here.settings.home))
        st.session_state[SUGGESTION_KEY] = held
    found: Suggestion = held[1]
    return found


def draw_suggestion(suggestion: Suggestion) -> None:
    """What the file seems to be, and why."""
    guess = f"the source {suggestion.source}" if suggestion.source else "a source that is not known yet"
    reasons = "".join(f"<li>{escape_html(reason)}</li>" for reason in suggestion.reasons)
    st.html(f"<p>{escape_html(suggestion.file)} looks like <b>{escape_html(guess)}</b>:</p><ul>{reasons}</ul>")


def draw_source_choice(here: Installation, suggestion: Suggestion, signature: tuple[str, ...]) -> SourceProfile | None:
    """The source that the person takes; None for a new one."""
    profiles = {profile.name: profile for profile in list_profiles(here.settings.home)}
    options = [*profiles, NEW_SOURCE]
    wanted = st.session_state.pop("upload_saved", None) or suggestion.source or NEW_SOURCE
    key = f"upload_source_{hash(signature)}"
    if key not in st.session_state or (wanted in profiles and wanted != suggestion.source):
        st.session_state[key] = wanted
    chosen = st.selectbox("Source", options, key=key)
    return profiles.get(chosen)


def draw_layer_choice(source: SourceProfile) -> str | None:
    """The layer of all rows, asked for only where the profile would read it from a column."""
    if source.layer.value or not source.layer.column:
        return None
    titles = {spec.name: spec.title for spec in LAYERS}
    chosen = st.selectbox("Layer", [BY_FILE, *titles], format_func=lambda name: titles.get(name, name))
    return None if chosen == BY_FILE else str(chosen)


def draw_check_and_load(
    here: Installation, files: Sequence[Any], key: tuple[Any, ...], source: SourceProfile, layer: str | None
) -> None:
    """The dry run, its report, and the load."""
    if st.button("Check the file", type="primary", help="Reads everything and stores nothing."):
        report = load_files(here, files, source, layer, dry_run=True)
        st.session_state[REPORT_KEY] = (key, report)
    held = st.session_state.get(REPORT_KEY)
    if held is None or held[0] != key:
        st.text("Nothing is stored before you have seen what would happen.")
        return
    draw_report(held[1])
    accepted = sum(file.tally.accepted + file.tally.removed for file in held[1].files)
    if not accepted:
        st.text("There is nothing in it to load.")
    elif st.button("Load it", type="primary", key="load"):
        st.session_state[REPORT_KEY] = (None, load_files(here, files, source, layer, dry_run=False))
        st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
        st.rerun()


def load_files(
    here: Installation, files: Sequence[Any], source: SourceProfile, layer: str | None, *, dry_run: bool
) -> IngestReport:
    """Read the files, with progress."""
    words = "Checking …" if dry_run else "Loading …"
    bar = st.progress(0.0, words)

    def tell(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), words)

    with write_uploads(files, here.settings.home) as paths:
        report = ingest_files(
            here.store,
            here.viewer,
            select_main_files(paths),
            source=source,
            area=here.area,
            home=here.settings.home,
            dry_run=dry_run,
            layer=layer,
            progress=tell,
        )
    bar.empty()
    return report


def draw_report(report: IngestReport) -> None:
    """What happened to the rows, the reasons, and the first rejected rows."""
    parts = (
        render_report(report.files, dry_run=report.dry_run),
        render_reasons(report.files),
        render_samples(report.samples),
    )
    st.html("".join(parts))
    for remark in report.remarks:
        st.text(remark + ".")


def draw_result() -> None:
    """After a load: what it did."""
    held = st.session_state.get(REPORT_KEY)
    if held is None or held[1].dry_run:
        st.text("Drop a file here. It is checked first; nothing is stored before you say so.")
        return
    st.html('<p role="status"><b>Loaded.</b></p>')
    draw_report(held[1])
