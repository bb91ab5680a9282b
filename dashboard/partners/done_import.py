"""Hand in a track or a sheet of what was done: a dry run with its counts, then the import, and undo."""

from typing import Any, Final

import streamlit as st

from dashboard.partners.loads import draw_confirmed_button, draw_message
from dashboard.quality import render_table
from dashboard.screen import draw_error
from dashboard.session import Installation
from dashboard.uploads import select_main_files, write_uploads
from dashboard.words import format_date, format_list, format_plural
from geo.errors import HexbeatError
from layers.plans.plan import Plan, Tour
from layers.work.ledger import list_imports, undo_import
from layers.work.ledger_files import ImportOptions, ImportReport, import_visits

__all__ = ["draw_import"]

REPORT_KEY: Final = "done_report"  # the file and plan, and the report of the dry run or the import
IMPORT_ROUND_KEY: Final = "done_round"
SUFFIXES: Final = ["gpx", "csv", "tsv", "xlsx", "ods"]


def draw_import(here: Installation, plan: Plan, tour: Tour) -> None:
    """The uploader, the dry run and the import."""
    st.html('<h2 class="hb-title">Hand in a track or a sheet</h2>')
    file = st.file_uploader(
        f"GPX of {tour.team}, or CSV, Excel, ODS",
        type=SUFFIXES,
        key=f"done_file_{st.session_state.get(IMPORT_ROUND_KEY, 0)}",
    )
    held = st.session_state.get(REPORT_KEY)
    if file is None:
        if held and not held[1].dry_run:
            draw_report(held[1])
    else:
        key = (file.file_id, plan.plan_id, tour.team)
        try:
            draw_check(here, file, key, plan, tour)
        except HexbeatError as error:
            draw_error(error)
    draw_undo(here)


def draw_check(here: Installation, file: Any, key: tuple[str, str, str], plan: Plan, tour: Tour) -> None:
    """The dry run at once, and the button that imports."""
    held = st.session_state.get(REPORT_KEY)
    if held is None or held[0] != key:
        with st.spinner("Reading the file …"):
            held = (key, import_file(here, file, plan, tour, dry_run=True))
        st.session_state[REPORT_KEY] = held
    report: ImportReport = held[1]
    draw_report(report)
    if not report.new + report.updated:
        st.text("All of it is recorded already.")
    elif st.button("Record it", type="primary", key="done_import"):
        st.session_state[REPORT_KEY] = (None, import_file(here, file, plan, tour, dry_run=False))
        st.session_state[IMPORT_ROUND_KEY] = st.session_state.get(IMPORT_ROUND_KEY, 0) + 1
        st.rerun()


def import_file(here: Installation, file: Any, plan: Plan, tour: Tour, *, dry_run: bool) -> ImportReport:
    """Read the file for this plan; a track is of this team."""
    with write_uploads([file], here.settings.home) as paths:
        return import_visits(
            here.store,
            here.viewer,
            select_main_files(paths)[0],
            area=here.area,
            plan=plan,
            options=ImportOptions(team=tour.team, kind=str(plan.kind)),
            dry_run=dry_run,
        )


def draw_report(report: ImportReport) -> None:
    """Counts by outcome, and what could not be used."""
    said = "This would be recorded" if report.dry_run else "Recorded"
    rows = [
        ("Stops done", f"{report.answered} of {report.planned}"),
        ("Minutes", f"{report.minutes:,}"),
        ("New", f"{report.new:,}"),
        ("Changed", f"{report.updated:,}"),
        ("As it was", f"{report.unchanged:,}"),
        ("Only passed", format_list(report.passed, most=8) or "none"),
        ("Other work", f"{report.other:,}"),
        *((f"Rejected: {reason.replace('_', ' ')}", f"{number:,}") for reason, number in report.reasons.items()),
    ]
    st.html(render_table(("What", "How many"), rows, caption=f"{said}: {report.file}"))
    for note in report.notes:
        st.text(f"{note}.")


def draw_undo(here: Installation) -> None:
    """Undo the last import."""
    standing = next((load for load in list_imports(here.store, here.viewer) if load.undone_at is None), None)
    if standing is None:
        draw_message("done_import_undo")
        return

    def act() -> str:
        undo_import(here.store, here.viewer)
        st.session_state.pop(REPORT_KEY, None)
        return "The import was undone."

    when = standing.created.astimezone(here.area.tz)
    visits = format_plural(standing.tally["new"] + standing.tally["updated"], "visit", "visits")
    st.text(f"Last import: {standing.file}, {format_date(when.date())} at {when:%H:%M}, {visits}.")
    draw_confirmed_button(
        "done_import_undo",
        button="Undo the last import",
        warning="What it recorded is taken back; what was there before stands again.",
        yes="Yes, undo it",
        act=act,
    )
