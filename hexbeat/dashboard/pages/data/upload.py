"""Load a file: find its source, match its columns, check it in a dry run, then load it."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import pandas as pd
import streamlit as st

from geo.errors import DataError, HexbeatError
from hexbeat.dashboard.pages.data.quality_tables import render_reasons, render_report, render_samples
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.uploads import select_main_files, write_uploads
from hexbeat.dashboard.views.controls import draw_day
from hexbeat.ingest.column_guesses import PARTS
from hexbeat.ingest.ingest import IngestReport, ingest_files
from hexbeat.ingest.sources import SourceProfile, list_profiles, save_profile
from hexbeat.ingest.suggestions import Suggestion, make_profile, suggest_profile
from layers.catalogue import LAYERS
from layers.coverage import Span, Spans, join_spans
from layers.wording import escape_html, format_day_spans, format_list

__all__ = ["REPORT_KEY", "build_match_table", "build_profile", "draw_column_match", "draw_upload", "parse_matches"]

NOT_USED: Final = "not used"
NAME_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
REPORT_KEY: Final = "upload_report"  # (files, source, layer) and the report of the dry run or the load
SUGGESTION_KEY: Final = "upload_suggestion"
ROUND_KEY: Final = "upload_round"  # a number that rises after each load, so that the next one begins without files
NEW_SOURCE: Final = "a new source: match the columns"
BY_FILE: Final = "as the file says"
BY_SOURCE: Final = "by source"
STATED: Final = "stated"
OTHERS: Final = "Where nothing was found in these days, there was none. All other days are not known."
COVERS_TITLES: Final = {
    "month": "its whole month",
    "file": "the days from its first to its last record",
    "open": "the days from the first record of the log to its last",
    "stated": "",
}


def draw_upload(installation: Installation) -> None:
    """The right side of the data page."""
    st.html('<h2 class="hb-title">Load a file</h2>')
    files = st.file_uploader(
        "CSV, Excel, ODS, GeoJSON, GeoPackage, Shapefile (all parts), GeoParquet, KML, GPX, Open311, or a ZIP of them",
        accept_multiple_files=True,
        key=f"upload_{st.session_state.get(ROUND_KEY, 0)}",
    )
    if not files:
        draw_result()
        return
    signature = tuple(file.file_id for file in files)
    try:
        suggestion = find_suggestion(installation, files, signature)
        draw_suggestion(suggestion)
        source = draw_source_choice(installation, suggestion, signature)
        if source is None:
            draw_column_match(installation, suggestion)
            return
        layer = draw_layer_choice(source)
        covers = draw_days_choice(installation, source)
        draw_check_and_load(installation, files, (signature, source.name, layer, covers), source, layer, covers)
    except HexbeatError as error:
        draw_error(error)


def find_suggestion(installation: Installation, files: Sequence[Any], signature: tuple[str, ...]) -> Suggestion:
    """A suggestion of what the first file is, read only once for the same files."""
    entry = st.session_state.get(SUGGESTION_KEY)
    if entry is None or entry[0] != signature:
        with st.spinner("Looking at the file …"), write_uploads(files, installation.settings.home) as paths:
            entry = (signature, suggest_profile(select_main_files(paths)[0], home=installation.settings.home))
        st.session_state[SUGGESTION_KEY] = entry
    suggestion: Suggestion = entry[1]
    return suggestion


def draw_suggestion(suggestion: Suggestion) -> None:
    """Draw what the file seems to be, and why."""
    guess = f"the source {suggestion.source}" if suggestion.source else "a source that is not known yet"
    reasons = "".join(f"<li>{escape_html(reason)}</li>" for reason in suggestion.reasons)
    st.html(f"<p>{escape_html(suggestion.file)} looks like <b>{escape_html(guess)}</b>:</p><ul>{reasons}</ul>")


def draw_source_choice(
    installation: Installation, suggestion: Suggestion, signature: tuple[str, ...]
) -> SourceProfile | None:
    """Draw the sources. The chosen one; None for a new one."""
    profiles = {profile.name: profile for profile in list_profiles(installation.settings.home)}
    options = [*profiles, NEW_SOURCE]
    wanted = st.session_state.pop("upload_saved", None) or suggestion.source or NEW_SOURCE
    key = f"upload_source_{hash(signature)}"
    if key not in st.session_state or (wanted in profiles and wanted != suggestion.source):
        st.session_state[key] = wanted
    source = st.selectbox("Source", options, key=key)
    return profiles.get(source)


def draw_layer_choice(source: SourceProfile) -> str | None:
    """Draw the choice of a layer for all rows, if the profile would read it from a column. None: as the file says."""
    if source.layer.value or not source.layer.column:
        return None
    titles = {spec.name: spec.title for spec in LAYERS}
    layer = st.selectbox("Layer", [BY_FILE, *titles], format_func=lambda name: titles.get(name, name))
    return None if layer == BY_FILE else str(layer)


def draw_days_choice(installation: Installation, source: SourceProfile) -> Span | None:
    """Draw the choice of the days for which the file is complete. [from, to), or None: as the source's rule has it."""
    must_state = source.covers == "stated"
    options = (STATED,) if must_state else (BY_SOURCE, STATED)
    titles = {BY_SOURCE: COVERS_TITLES[source.covers], STATED: "other days" if len(options) > 1 else "these days"}
    chosen = st.radio(
        "The file is complete for",
        options,
        format_func=titles.__getitem__,
        key=f"upload_covers_{source.name}",
        help=OTHERS,
    )
    if chosen != STATED:
        return None
    with st.container(horizontal=True, gap="small"):
        first = draw_day("First day", installation.today, key="upload_first")
        last = draw_day("Last day", installation.today, key="upload_last")
    if first is None or last is None:
        return None
    return first, last + timedelta(days=1)


def draw_check_and_load(
    installation: Installation,
    files: Sequence[Any],
    key: tuple[Any, ...],
    source: SourceProfile,
    layer: str | None,
    covers: Span | None,
) -> None:
    """Draw the button of the dry run, its report, and the button that loads the files."""
    if covers is None and st.session_state.get(f"upload_covers_{source.name}") == STATED:
        st.text("Choose the first and the last day for which the file is complete.")
        return
    if st.button("Check the file", type="primary", help="Reads everything and stores nothing."):
        report = load_files(installation, files, source, layer, covers, dry_run=True)
        st.session_state[REPORT_KEY] = (key, report)
    entry = st.session_state.get(REPORT_KEY)
    if entry is None or entry[0] != key:
        st.text("You see what would change before anything is stored.")
        return
    draw_report(entry[1])
    accepted = sum(file.tally.accepted + file.tally.removed for file in entry[1].files)
    if not accepted and covers is None:
        st.text("This file has nothing to load.")
    elif st.button("Load it", type="primary", key="load"):
        st.session_state[REPORT_KEY] = (None, load_files(installation, files, source, layer, covers, dry_run=False))
        st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
        st.rerun()


def load_files(
    installation: Installation,
    files: Sequence[Any],
    source: SourceProfile,
    layer: str | None,
    covers: Span | None,
    *,
    dry_run: bool,
) -> IngestReport:
    """Load the files, or only check them in a dry run. Shows progress."""
    text = "Checking …" if dry_run else "Loading …"
    bar = st.progress(0.0, text)

    def show_progress(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text)

    with write_uploads(files, installation.settings.home) as paths:
        report = ingest_files(
            installation.store,
            installation.viewer,
            select_main_files(paths),
            source=source,
            area=installation.area,
            home=installation.settings.home,
            dry_run=dry_run,
            layer=layer,
            progress=show_progress,
            covers=covers,
        )
    bar.empty()
    return report


def describe_days(report: IngestReport) -> str:
    """Which days the files complete, and that all others will be not known, in sentences.

    A running log is also complete between what was loaded of it before and what is loaded now.
    """
    spans: dict[tuple[str, str], list[Span]] = {}
    for entry in (entry for file in report.files for entry in file.coverage):
        spans.setdefault((entry.layer, entry.kind), []).append((entry.start, entry.end))
    if not spans:
        return "No day becomes known by this file, because it has no events and no days were stated."
    which = "This file is" if len(report.files) == 1 else "These files are"
    by_days: dict[Spans, list[str]] = {}
    for (layer, _), days in spans.items():
        by_days.setdefault(join_spans(days), []).append(layer)
    sentences = [
        f"{which} complete for {format_day_spans(days, most=12)}{_format_layers(layers) if len(by_days) > 1 else ''}."
        for days, layers in by_days.items()
    ]
    if any(kind == "open" for _, kind in spans):
        sentences.append("It is a running log: days between earlier loads and this one are known too.")
    verb = "will be" if report.dry_run else "are"
    return " ".join([*sentences, f"Other days {verb} not known, unless other files complete them."])


def _format_layers(layers: Sequence[str]) -> str:
    return f" ({format_list([spec.short for spec in LAYERS if spec.name in layers])})"


def draw_report(report: IngestReport) -> None:
    """Draw what happened to the rows, the reasons, and the first rejected rows."""
    parts = (
        f'<p class="hb-days" role="status"><b>{escape_html(describe_days(report))}</b></p>',
        render_report(report.files, dry_run=report.dry_run),
        render_reasons(report.files),
        render_samples(report.samples),
    )
    st.html("".join(parts))
    for remark in report.remarks:
        st.text(remark + ".")


def draw_result() -> None:
    """Draw what the last load of this session did."""
    entry = st.session_state.get(REPORT_KEY)
    if entry is None or entry[1].dry_run:
        st.text("Drop a file here. Hexbeat checks it first and stores nothing until you say so.")
        return
    st.html('<p role="status"><b>Loaded.</b></p>')
    draw_report(entry[1])


def build_match_table(suggestion: Suggestion) -> pd.DataFrame:
    """The columns Column, Samples and Meaning, with one row for each column of the file; meanings are guesses."""
    return pd.DataFrame(
        {
            "Column": [guess.column for guess in suggestion.columns],
            "Samples": [", ".join(guess.samples[:3]) for guess in suggestion.columns],
            "Meaning": [PARTS.get(guess.part or "", NOT_USED) for guess in suggestion.columns],
        }
    )


def parse_matches(frame: pd.DataFrame) -> dict[str, str]:
    """The part of an event that each column holds, for columns with a meaning."""
    parts = {meaning: part for part, meaning in PARTS.items()}
    pairs = zip(frame["Column"], frame["Meaning"], strict=True)
    return {str(column): parts[meaning] for column, meaning in pairs if meaning in parts}


def build_profile(
    suggestion: Suggestion, parts: Mapping[str, str], *, name: str, layer: str, taken: Sequence[str]
) -> SourceProfile:
    """A profile of the matched columns, with the dates and doubtful places of the suggestion.

    DataError if the name has other characters than allowed, or if another source has it.
    """
    if not NAME_PATTERN.fullmatch(name) or name in taken:
        raise DataError(
            "A source needs a name of its own, of lower-case letters, digits and hyphens",
            f"{name!r} {'is taken' if name in taken else 'is not such a name'}",
            "choose one such as council-sweeps",
        )
    suggested = suggestion.profile
    return make_profile(
        name,
        parts,
        layer=layer,
        formats=suggested.time.formats,
        records=suggested.records,
        doubtful=suggested.location.doubtful,
        midnight_is_day=suggested.time.midnight_is_day,
    )


def draw_column_match(installation: Installation, suggestion: Suggestion) -> None:
    """Draw the columns, the layer and the name of a new source, and the button that saves its profile."""
    st.html(f"<h3>Columns of {escape_html(suggestion.file)}</h3>")
    edited = st.data_editor(
        build_match_table(suggestion),
        hide_index=True,
        width="stretch",
        key=f"matching_{suggestion.file}",
        disabled=["Column", "Samples"],
        column_config={"Meaning": st.column_config.SelectboxColumn(options=[NOT_USED, *PARTS.values()], required=True)},
    )
    titles: dict[str, str] = {spec.name: spec.title for spec in LAYERS}
    guessed = suggestion.profile.layer.value or LAYERS[0].name
    layer = st.selectbox(
        "What a row is", list(titles), index=list(titles).index(guessed), format_func=titles.__getitem__
    )
    name = st.text_input("Name of the source", value=suggestion.profile.name, max_chars=40)
    if st.button("Save as a source", type="primary"):
        taken = [profile.name for profile in list_profiles(installation.settings.home)]
        profile = build_profile(suggestion, parse_matches(edited), name=name, layer=str(layer), taken=taken)
        save_profile(profile, installation.settings.home)
        st.session_state["upload_saved"] = profile.name
        st.rerun()
