"""Reference places on the data page: what is loaded of each kind; drop a file, dry run, load, undo."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from dashboard.partners.loads import confirmed, draw_said
from dashboard.quality import REASON_WORDS, table_html
from dashboard.screen import show_error
from dashboard.session import Installation
from dashboard.uploads import main_files, placed
from dashboard.words import date_words, html_text, plural
from geo.errors import HexbeatError
from layers.access import Action, may
from layers.work.loads import WorkLoad
from layers.work.reference import (
    KIND_WORDS,
    PlacesReport,
    load_reference,
    read_reference,
    reference_loads,
    undo_reference,
)

__all__ = ["draw_reference"]

REPORT_KEY: Final = "places_report"  # files and kind, and the report of the dry run or the load
ROUND_KEY: Final = "places_round"
DUPLICATE: Final = {"duplicate": "the same place for the second time"}


def draw_reference(here: Installation) -> None:
    """What places there are, and loading others."""
    st.html('<h2 class="hb-title">Reference places</h2>')
    frame = read_reference(here.store, here.viewer)
    loads = [load for load in reference_loads(here.store, here.viewer) if load.undone_at is None]
    counts = frame["kind"].value_counts()
    rows = [row_of(here, kind, int(counts.get(kind, 0)), loads) for kind in KIND_WORDS if kind in counts.index]
    if rows:
        st.html(table_html(("Kind", "Places", "From", "Loaded"), rows, caption="What is loaded", numbers=(1,)))
    else:
        st.text(
            "None is loaded. Plans, briefings and the cover with naloxone use them: places that hold naloxone, play "
            "areas, schools, police stations, depots, named places."
        )
    if may(here.viewer, Action.LOAD):
        draw_file(here)
    if may(here.viewer, Action.UNDO):
        draw_undo(here, loads)


def row_of(here: Installation, kind: str, number: int, loads: Sequence[WorkLoad]) -> tuple[str, ...]:
    """A kind's line of the table."""
    newest = next(load for load in loads if load.kind == kind)
    when = newest.created.astimezone(here.area.tz)
    return capital(KIND_WORDS[kind][1]), f"{number:,}", newest.file, date_words(when.date())


def capital(words: str) -> str:
    """Words with a capital at their beginning."""
    return words[:1].upper() + words[1:]


def draw_file(here: Installation) -> None:
    """The kind, the file, its dry run, and the load."""
    kind = st.selectbox(
        "Kind", list(KIND_WORDS), format_func=lambda one: capital(KIND_WORDS[one][1]), key="places_kind"
    )
    files = st.file_uploader(
        "CSV, Excel, ODS, GeoJSON, GeoPackage, Shapefile (all its parts) or GeoParquet; name, place, opening hours",
        accept_multiple_files=True,
        key=f"places_file_{st.session_state.get(ROUND_KEY, 0)}",
    )
    held = st.session_state.get(REPORT_KEY)
    if not files:
        if held and not held[1].dry_run:
            st.html(f'<p role="status"><b>{html_text(loaded_words(held[1]))}</b></p>')
        return
    key = (tuple(file.file_id for file in files), kind)
    try:
        if held is None or held[0] != key:
            with st.spinner("Reading the file …"):
                held = (key, run(here, files, kind, dry_run=True))
            st.session_state[REPORT_KEY] = held
        draw_report(held[1])
        if held[1].unchanged:
            st.text("The very same places are there already.")
        elif st.button("Load these places", type="primary", key="places_load"):
            st.session_state[REPORT_KEY] = (None, run(here, files, kind, dry_run=False))
            st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
            st.rerun()
    except HexbeatError as error:
        show_error(error)


def run(here: Installation, files: Sequence[Any], kind: str, *, dry_run: bool) -> PlacesReport:
    """Read the file."""
    with placed(files, here.settings.home) as paths:
        return load_reference(here.store, here.viewer, main_files(paths)[0], kind=kind, area=here.area, dry_run=dry_run)


def draw_report(report: PlacesReport) -> None:
    """What would happen to the rows, and why some cannot be used."""
    words = REASON_WORDS | DUPLICATE
    rows = [
        ("Rows", f"{report.read:,}"),
        ("Places that can be used", f"{report.accepted:,}"),
        *((f"Rejected: {words[reason]}", f"{number:,}") for reason, number in report.reasons.items()),
        ("Places of this kind that are replaced", f"{report.replaced:,}"),
    ]
    st.html(table_html(("What", "How many"), rows, caption=f"Dry run of {report.file}", numbers=(1,)))
    if report.samples:
        lines = [(f"{line:,}", words[reason], name) for line, reason, name in report.samples]
        st.html(table_html(("Line", "Why", "Name"), lines, caption="The first rejected rows", numbers=(0,)))


def loaded_words(report: PlacesReport) -> str:
    """What a load did."""
    return f"Loaded {plural(report.accepted, *KIND_WORDS[report.kind])} from {report.file}."


def draw_undo(here: Installation, loads: Sequence[WorkLoad]) -> None:
    """Undo the latest load or removal."""
    if not loads:
        draw_said("places_undo")
        return
    last = loads[0]
    many = KIND_WORDS[last.kind][1]
    what = f"the load of {last.file}" if last.file else "the removal"

    def act() -> str:
        undo_reference(here.store, here.viewer, kind=last.kind)
        st.session_state.pop(REPORT_KEY, None)
        return f"Undone: {what} ({many})."

    confirmed(
        "places_undo",
        button="Undo the last change of places",
        warning=f"This undoes {what} ({many}). The places that were there before come back.",
        yes="Yes, undo it",
        act=act,
    )
