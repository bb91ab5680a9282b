"""Load a file: find its source, match its columns, check it in a dry run, then load it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st

from geo.errors import DataError, HexbeatError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.pages.data.loads_section import draw_confirmed_button, draw_message
from hexbeat.dashboard.pages.data.reading_section import (
    CHECK,
    SAVED_KEY,
    assign_suggested_columns,
    draw_reading,
    draw_unusable,
    list_doubts,
    render_points,
    save_dated_source,
)
from hexbeat.dashboard.pages.data.upload_report import REPORT_KEY, draw_report, draw_result, has_too_many_replacements
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.uploads import select_main_files, write_uploads
from hexbeat.dashboard.views.controls import draw_day
from hexbeat.ingest.column_guesses import PARTS
from hexbeat.ingest.ingest import IngestReport
from hexbeat.ingest.load_process import ingest_apart, prepare_jobs, suggest_apart
from hexbeat.ingest.readers import SHEET_SUFFIXES, TEXT_SUFFIXES
from hexbeat.ingest.sources import SourceProfile, list_profiles, save_profile
from hexbeat.ingest.suggestions import Suggestion, find_missing_parts, make_profile
from hexbeat.store.live_columns import has_demonstration
from layers.access import Action
from layers.catalogue import LAYERS
from layers.coverage import Span
from layers.wording import escape_html, format_list

__all__ = ["build_match_table", "build_profile", "draw_column_match", "draw_upload", "parse_matches"]

NOT_USED: Final = "not used"
NAME_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SUGGESTION_KEY: Final = "upload_suggestion"
ROUND_KEY: Final = "upload_round"  # a number that rises after each load, so that the next one begins without files
REPLACE_KEY: Final = "replace_other_events"
NEW_SOURCE: Final = "a new source: match the columns"
BY_FILE: Final = "as the file says"
BY_SOURCE: Final = "by source"
STATED: Final = "stated"
ENCODINGS: Final = {
    "": "what Hexbeat recognises",
    "utf-8": "UTF-8",
    "cp1252": "Windows (cp1252)",
    "utf-16-le": "UTF-16",
    "cp850": "DOS (cp850)",
    "mac-roman": "an old Mac",
}
OTHERS: Final = "Where nothing was found in these days, there was none. All other days are not known."
COVERS_TITLES: Final = {
    "month": "its whole month",
    "file": "the days from its first to its last record",
    "open": "the days from the first record of the log to its last",
    "stated": "",
}


def draw_upload(installation: Installation) -> None:
    """The right side of the data page."""
    prepare_jobs()
    st.html('<h2 class="hb-title">Load a file</h2>')
    files = st.file_uploader(
        "CSV, Excel, ODS, GeoJSON, GeoPackage, Shapefile (all parts), GeoParquet, KML, GPX, Open311, or a ZIP of them",
        accept_multiple_files=True,
        key=f"upload_{st.session_state.get(ROUND_KEY, 0)}",
    )
    if not files:
        draw_message(REPLACE_KEY)
        draw_result(installation)
        return
    reading = draw_reading_choice([file.name for file in files])
    signature = (*(file.file_id for file in files), *reading)
    try:
        suggestion = find_suggestion(installation, files, signature, reading)
        draw_suggestion(suggestion)
        source = draw_source_choice(installation, suggestion, signature)
        draw_unusable(installation)
        if source is None:
            draw_column_match(installation, suggestion)
            return
        source = replace(source, sheet=reading[0] or source.sheet, encoding=reading[1] or source.encoding)
        draw_reading(installation, suggestion, source)
        layer = draw_layer_choice(source)
        covers = draw_days_choice(installation, source)
        key = (signature, source, layer, covers)
        request = UploadRequest(installation, files, suggestion, source, layer, covers)
        draw_check_and_load(request, key)
    except HexbeatError as error:
        draw_error(error)


def draw_reading_choice(names: Sequence[str]) -> tuple[str, str]:
    """Draw the choice of a sheet and of an encoding, folded, for files that have them; "" where nothing is chosen."""
    suffixes = {Path(name).suffix.lower() for name in names}
    sheet, encoding = "", ""
    if not suffixes & {*SHEET_SUFFIXES, *TEXT_SUFFIXES}:
        return sheet, encoding
    with st.expander("Is the file read wrongly?"):
        if suffixes & set(SHEET_SUFFIXES):
            sheet = st.text_input("Only this sheet", key="upload_sheet", placeholder="All sheets that have the columns")
        if suffixes & set(TEXT_SUFFIXES):
            encoding = st.selectbox(
                "Letters look wrong? The file was saved as", list(ENCODINGS), key="upload_encoding",
                format_func=ENCODINGS.__getitem__,
            )  # fmt: skip
    return sheet.strip(), encoding


def find_suggestion(
    installation: Installation, files: Sequence[Any], signature: tuple[str, ...], reading: tuple[str, str]
) -> Suggestion:
    """A suggestion of what the first file is, read only once for the same files."""
    entry = st.session_state.get(SUGGESTION_KEY)
    if entry is None or entry[0] != signature:
        with st.spinner("Looking at the file …"), write_uploads(files, installation.settings.home) as paths:
            path, (sheet, encoding) = select_main_files(paths)[0], reading
            profiles = list_profiles(installation.documents)
            guess = suggest_apart(path, profiles=profiles, sheet=sheet or None, encoding=encoding or None)
            entry = (signature, guess)
        st.session_state[SUGGESTION_KEY] = entry
    suggestion: Suggestion = entry[1]
    return suggestion


def draw_suggestion(suggestion: Suggestion) -> None:
    """Draw what the file seems to be; why, where it is no known source."""
    known = f"fits the source \u201c{suggestion.source}\u201d."
    guess = known if suggestion.source else "fits no source that is known. Say what its columns mean."
    st.html(f"<p><b>{escape_html(suggestion.file)}</b> {escape_html(guess)}</p>")
    if suggestion.source is None:
        sure = [reason for reason in suggestion.reasons if not reason.startswith(CHECK)]
        doubts = list_doubts(suggestion)
        parts = [
            render_points(title, reasons)
            for title, reasons in (("Understood", sure), ("Not certain", doubts))
            if reasons
        ]
        st.html("".join(parts) or "<p></p>")


def draw_source_choice(
    installation: Installation, suggestion: Suggestion, signature: tuple[str, ...]
) -> SourceProfile | None:
    """Draw the sources. The chosen one; None for a new one."""
    profiles = {profile.name: profile for profile in list_profiles(installation.documents)}
    options = [*profiles, NEW_SOURCE]
    preselected = st.session_state.pop(SAVED_KEY, None) or suggestion.source or NEW_SOURCE
    key = f"upload_source_{hash(signature)}"
    if key not in st.session_state or (preselected in profiles and preselected != suggestion.source):
        st.session_state[key] = preselected
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
    option = st.radio(
        "The file is complete for",
        options,
        format_func=titles.__getitem__,
        key=f"upload_covers_{source.name}",
        help=OTHERS,
    )
    if option != STATED:
        return None
    with st.container(horizontal=True, gap="small"):
        first = draw_day("First day", installation.today, key="upload_first")
        last = draw_day("Last day", installation.today, key="upload_last")
    if first is None or last is None:
        return None
    return first, last + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the person chose to load: the files, the source, a layer for all rows, and the days that are complete."""

    installation: Installation
    files: Sequence[Any]
    suggestion: Suggestion
    source: SourceProfile
    layer: str | None
    covers: Span | None


def draw_check_and_load(request: UploadRequest, key: tuple[Any, ...]) -> None:
    """Draw the button of the dry run, its report, and the button that loads the files."""
    covers = request.covers
    if covers is None and st.session_state.get(f"upload_covers_{request.source.name}") == STATED:
        st.text("Choose the first and the last day for which the file is complete.")
        return
    entry = st.session_state.get(REPORT_KEY)
    is_checked = entry is not None and entry[0] == key
    kind: Literal["secondary", "primary"] = "secondary" if is_checked else "primary"  # one button is the next step
    help_text = "Reads everything and stores nothing."
    if st.button("Check the file", type=kind, key="upload_check", help=help_text):
        st.session_state[REPORT_KEY] = (key, load_files(request, dry_run=True))
        st.rerun()
    if entry is None or not is_checked:
        st.text("You see what would change before anything is stored.")
        return
    report = entry[1]
    draw_report(request.installation, report)
    accepted = sum(file.tally.accepted + file.tally.removed for file in report.files)
    if not accepted and covers is None:
        st.text("This file has nothing to load.")
    elif has_demonstration(request.installation.store, request.installation.viewer):
        st.text("This store holds demonstration events. Remove them first: the button is above.")
    elif has_too_many_replacements(report):
        draw_replacement_choice(request)
    elif st.button("Load it", type="primary", key="load"):
        keep_report(load_files(request, dry_run=False))
        st.rerun()


def draw_replacement_choice(request: UploadRequest) -> None:
    """Draw what a person can do where a file would replace events of other days and places."""
    st.text(
        "Do the numbers begin again, for example each month? Then they name an event only together with its date. "
        "Or does this file correct days and places of the same events?"
    )
    plan = assign_suggested_columns(request.suggestion, request.source)
    if plan.key and st.button("The numbers begin again: use them with the date", type="primary", key="upload_dated"):
        save_dated_source(request.installation, request.suggestion, request.source)
        st.rerun()

    def act() -> str:
        keep_report(load_files(request, dry_run=False, replace_other_events=True))
        return "The events were replaced."

    draw_confirmed_button(
        REPLACE_KEY,
        button="The file corrects them: replace the events",
        warning="The stored events get the days and places of this file. Undo the last load if that was wrong.",
        yes="Yes, replace them",
        act=act,
    )


def keep_report(report: IngestReport) -> None:
    """Show this report next, and begin again without files."""
    st.session_state[REPORT_KEY] = (None, report)
    st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1


def load_files(request: UploadRequest, *, dry_run: bool, replace_other_events: bool = False) -> IngestReport:
    """Load the files, or only check them in a dry run. Shows progress."""
    text = "Checking …" if dry_run else "Loading …"
    bar = st.progress(0.0, text)

    def show_progress(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text)

    installation = request.installation
    with (
        audit_change(installation, action=Action.LOAD, what="data/load", layers=request.layer, dry_run=dry_run) as deed,
        write_uploads(request.files, installation.settings.home) as paths,
    ):
        report = ingest_apart(
            installation.settings,
            installation.viewer,
            select_main_files(paths),
            source=request.source,
            dry_run=dry_run,
            layer=request.layer,
            progress=show_progress,
            covers=request.covers,
            replace_other_events=replace_other_events,
            deed=deed,
        )
        deed.rows = report.changed
    bar.empty()
    return report


def build_match_table(suggestion: Suggestion) -> pd.DataFrame:
    """The columns Column, Samples and Meaning, with one row for each column of the file; meanings are guesses.

    A column that only looks like a part of an event has that meaning too, which a person may undo.
    """
    offered = {column.column: column.part for column in suggestion.unused if column.part}
    return pd.DataFrame(
        {
            "Column": [guess.column for guess in suggestion.columns],
            "Samples": [", ".join(guess.samples[:3]) for guess in suggestion.columns],
            "Meaning": [
                PARTS.get(guess.part or offered.get(guess.column) or "", NOT_USED) for guess in suggestion.columns
            ],
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
    reporters = dict(
        pair
        for guess in suggestion.columns
        if parts.get(guess.column) == "reported_by"
        for pair in guess.reporters.words
    )
    return make_profile(
        name,
        parts,
        layer=layer,
        formats=suggested.time.formats,
        records=suggested.records,
        doubtful=suggested.location.doubtful,
        midnight_is_day=suggested.time.midnight_is_day,
        reporters=reporters,
    )


def draw_matches(suggestion: Suggestion) -> pd.DataFrame:
    """Draw a line for each column (a card on a phone) with samples and the choice of its meaning; the table as chosen.

    Streamlit reads labels as Markdown, so that a column's name stands beside its choice and not in its label.
    """
    frame = build_match_table(suggestion)
    options, meanings = [NOT_USED, *PARTS.values()], list[str]()
    with st.container(key="hb_matches", gap="xsmall"):
        for number, row in enumerate(frame.to_dict("records"), start=1):
            with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"hb_match_{number}"):
                name, samples = escape_html(row["Column"]), escape_html(row["Samples"])
                st.html(f'<p class="hb-match"><b>{name}</b> <span>{samples}</span></p>', width="stretch")
                meaning = st.selectbox(
                    f"Meaning of column {number}", options, index=options.index(str(row["Meaning"])),
                    key=f"match_{suggestion.file}_{number}", label_visibility="collapsed", width=240,
                )  # fmt: skip
                meanings.append(str(meaning))
    return frame.assign(Meaning=meanings)


def draw_column_match(installation: Installation, suggestion: Suggestion) -> None:
    """Draw the columns, the layer and the name of a new source, and the button that saves its profile."""
    st.html(f"<h3>Columns of {escape_html(suggestion.file)}</h3>")
    edited = draw_matches(suggestion)
    titles: dict[str, str] = {spec.name: spec.title for spec in LAYERS}
    guessed = suggestion.profile.layer.value or LAYERS[0].name
    layer = st.selectbox(
        "What a row is", list(titles), index=list(titles).index(guessed), format_func=titles.__getitem__
    )
    name = st.text_input("Name of the source", value=suggestion.profile.name, max_chars=40)
    missing = find_missing_parts(parse_matches(edited), suggestion.profile.records)
    if missing:
        st.text(f"Choose which columns tell {format_list(missing)}. Then you can save the source.")
    elif st.button("Save as a source", type="primary"):
        taken = [profile.name for profile in list_profiles(installation.documents)]
        profile = build_profile(suggestion, parse_matches(edited), name=name, layer=str(layer), taken=taken)
        save_profile(profile, installation.documents, is_new=True)
        st.session_state[SAVED_KEY] = profile.name
        st.rerun()
