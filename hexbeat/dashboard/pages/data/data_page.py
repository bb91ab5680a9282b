"""The data page: on the left what is loaded, on the right files and reference places to load."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.pages.data.coverage_section import draw_coverage
from hexbeat.dashboard.pages.data.loads_section import (
    draw_confirmed_button,
    draw_demonstration,
    draw_last_load,
    draw_message,
    draw_pending_erasure,
    draw_rejects,
)
from hexbeat.dashboard.pages.data.quality_tables import render_sources, render_table
from hexbeat.dashboard.pages.data.upload import draw_upload
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.uploads import MOST_READ_HERE, select_main_files, write_uploads
from hexbeat.ingest.parsing.reject_rows import REASON_LABELS
from hexbeat.operations.reference_places import (
    KIND_NAMES,
    ReferenceReport,
    list_reference_loads,
    load_reference,
    read_reference,
    undo_reference,
)
from hexbeat.operations.work_loads import WorkLoad
from hexbeat.store.live_columns import count_outside
from hexbeat.store.quality import summarise_sources
from layers.access import Action, may
from layers.wording import escape_html, format_date, format_plural

__all__ = ["draw_reference", "show"]

REPORT_KEY: Final = "places_report"  # files and kind, and the report of the dry run or the load
ROUND_KEY: Final = "places_round"
DUPLICATE: Final = {"duplicate": "the same place twice"}


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the data page."""
    draw_header(installation, pages)
    with st.container(horizontal=True, wrap=False, key="hb_data", gap="large"):
        with st.container(key="hb_data_left", width="stretch"):
            draw_notices(installation.store.notices)
            draw_coverage(installation)
            draw_sources(installation)
            draw_last_load(installation)
            draw_rejects(installation)
            draw_pending_erasure(installation)
        with st.container(key="hb_data_right", width="stretch"):
            draw_demonstration(installation)
            if may(installation.viewer, Action.LOAD):
                draw_upload(installation)
            else:
                st.text("Your role cannot load files.")
            draw_reference(installation)


def draw_notices(notices: Sequence[str]) -> None:
    """Draw what the store had to say of the files of the home when it was opened, such as one that does not count."""
    if notices:
        sentences = "".join(f"<p>{escape_html(notice)}</p>" for notice in notices)
        st.html(f'<div class="hb-old" role="note">{sentences}</div>')


def draw_sources(installation: Installation) -> None:
    """Draw the freshness and quality of each source."""
    st.html('<h2 class="hb-title">What there is</h2>')
    summary = summarise_sources(installation.store, installation.viewer)
    if summary.empty:
        st.text("Nothing has been loaded yet. Drop a file on this page to begin.")
        return
    explanation = (
        "No time of day: known to the day or month only. Snapped: at a point that several records share, so the exact "
        "place is not known. Rejects: rows that could not be used, of the latest load of each file."
    )
    table = render_sources(summary, today=installation.today, time_zone=installation.area.tz)
    outside = count_outside(installation.store, installation.viewer, ward_codes=tuple(installation.area.wards.codes))
    outside_note = ""
    if outside:
        records = format_plural(outside, "record lies", "records lie")
        sentence = f"{records} in wards that {installation.area.title} does not have."
        outside_note = f'<p class="hb-silent">{escape_html(sentence)}</p>'
    st.html(f'{table}{outside_note}<p class="hb-small">{explanation}</p>')


def draw_reference(installation: Installation) -> None:
    """Draw the loaded reference places, and the controls to load others."""
    st.html('<h2 class="hb-title">Reference places</h2>')
    frame = read_reference(installation.store, installation.viewer)
    loads = [load for load in list_reference_loads(installation.store, installation.viewer) if load.undone_at is None]
    counts = frame["kind"].value_counts()
    rows = [
        build_row(installation, kind, int(counts.get(kind, 0)), loads) for kind in KIND_NAMES if kind in counts.index
    ]
    if rows:
        st.html(render_table(("Kind", "Places", "From", "Loaded"), rows, caption="What is loaded", numbers=(1,)))
    else:
        st.text(
            "No places are loaded yet. Plans, briefings and naloxone cover use them: places that hold naloxone, play "
            "areas, schools, police stations, depots, named places."
        )
    if may(installation.viewer, Action.LOAD):
        draw_file(installation)
    if may(installation.viewer, Action.UNDO):
        draw_undo(installation, loads)


def build_row(installation: Installation, kind: str, number: int, loads: Sequence[WorkLoad]) -> tuple[str, ...]:
    """The row of one kind of places."""
    newest = next(load for load in loads if load.kind == kind)
    loaded_at = newest.created.astimezone(installation.area.tz)
    return capitalise(KIND_NAMES[kind][1]), f"{number:,}", newest.file, format_date(loaded_at.date())


def capitalise(text: str) -> str:
    """A text with a capital first letter."""
    return text[:1].upper() + text[1:]


def draw_file(installation: Installation) -> None:
    """Draw the kind, the file, its dry run, and the button that loads it."""
    kind = st.selectbox(
        "Kind", list(KIND_NAMES), format_func=lambda kind: capitalise(KIND_NAMES[kind][1]), key="places_kind"
    )
    files = st.file_uploader(
        "CSV, Excel, ODS, GeoJSON, GeoPackage, Shapefile (all its parts) or GeoParquet; name, place, opening hours",
        accept_multiple_files=True,
        key=f"places_file_{st.session_state.get(ROUND_KEY, 0)}",
    )
    entry = st.session_state.get(REPORT_KEY)
    if not files:
        if entry and not entry[1].dry_run:
            st.html(f'<p role="status"><b>{escape_html(describe_load(entry[1]))}</b></p>')
        return
    key = (tuple(file.file_id for file in files), kind)
    try:
        if entry is None or entry[0] != key:
            with st.spinner("Reading the file …"):
                entry = (key, load_file(installation, files, kind, dry_run=True))
            st.session_state[REPORT_KEY] = entry
        draw_report(entry[1])
        if entry[1].unchanged:
            st.text("These places are loaded already. Nothing changed.")
        elif st.button("Load these places", type="primary", key="places_load"):
            st.session_state[REPORT_KEY] = (None, load_file(installation, files, kind, dry_run=False))
            st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
            st.rerun()
    except HexbeatError as error:
        draw_error(error)


def load_file(installation: Installation, files: Sequence[Any], kind: str, *, dry_run: bool) -> ReferenceReport:
    """Load the file, or only check it in a dry run."""
    with (
        audit_change(installation, action=Action.LOAD, what="data/places", kind=kind, dry_run=dry_run),
        write_uploads(files, installation.settings.home, most_bytes=MOST_READ_HERE) as paths,
    ):
        return load_reference(
            installation.store,
            installation.viewer,
            select_main_files(paths)[0],
            kind=kind,
            area=installation.area,
            dry_run=dry_run,
        )


def draw_report(report: ReferenceReport) -> None:
    """Draw what would happen to the rows, and why some cannot be used."""
    reason_labels = REASON_LABELS | DUPLICATE
    rows = [
        ("Rows", f"{report.read:,}"),
        ("Places that can be used", f"{report.accepted:,}"),
        *((f"Rejected: {reason_labels[reason]}", f"{number:,}") for reason, number in report.reasons.items()),
        ("Places of this kind that are replaced", f"{report.replaced:,}"),
    ]
    st.html(render_table(("What", "How many"), rows, caption=f"Dry run of {report.file}", numbers=(1,)))
    for remark in report.remarks:
        st.text(f"{remark}.")
    if report.samples:
        lines = [(f"{line:,}", reason_labels[reason], name) for line, reason, name in report.samples]
        st.html(render_table(("Line", "Why", "Name"), lines, caption="The first rejected rows", numbers=(0,)))


def describe_load(report: ReferenceReport) -> str:
    """What a load did, in a sentence."""
    return f"Loaded {format_plural(report.accepted, *KIND_NAMES[report.kind])} from {report.file}."


def draw_undo(installation: Installation, loads: Sequence[WorkLoad]) -> None:
    """Draw the button that undoes the latest load or removal."""
    if not loads:
        draw_message("places_undo")
        return
    last = loads[0]
    kind = KIND_NAMES[last.kind][1]
    action = f"the load of {last.file}" if last.file else "the removal"

    def act() -> str:
        with audit_change(installation, action=Action.UNDO, what="data/places", kind=last.kind):
            undo_reference(installation.store, installation.viewer, kind=last.kind)
        st.session_state.pop(REPORT_KEY, None)
        return f"Undone: {action} ({kind})."

    draw_confirmed_button(
        "places_undo",
        button="Undo the last change of places",
        warning=f"This undoes {action} ({kind}). The places that were there before come back.",
        yes="Yes, undo it",
        act=act,
    )
