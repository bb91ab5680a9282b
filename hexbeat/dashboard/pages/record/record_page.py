"""The page "Record work": a team ticks off its stops on a phone, imports a track or sheet, and sees the week.

The link of a plan and a team opens it.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.header import draw_header, find_page
from hexbeat.dashboard.pages.data.loads_section import draw_confirmed_button, draw_message
from hexbeat.dashboard.pages.data.quality_tables import render_table
from hexbeat.dashboard.pages.record.record_stops import draw_stops
from hexbeat.dashboard.pages.record.record_view import build_week_rows, format_week_heading
from hexbeat.dashboard.screen import STYLE, check_export, draw_error
from hexbeat.dashboard.state.session import Installation, InstallationKey
from hexbeat.dashboard.uploads import MOST_READ_HERE, select_main_files, write_uploads
from hexbeat.documents.plan.plan_text import find_mark
from hexbeat.operations.ledger.ledger import list_imports, read_visits, undo_import, work_version
from hexbeat.operations.ledger.ledger_files import ImportOptions, ImportReport, import_visits
from hexbeat.operations.ledger.ledger_return import (
    Group,
    build_return,
    build_return_csv,
    build_return_notes,
    build_return_xlsx,
)
from hexbeat.operations.plans.plan import Plan, Tour
from hexbeat.operations.plans.plan_access import may_see_plan
from hexbeat.operations.plans.plan_store import read_plans
from layers.access import Action, may, may_make, require
from layers.periods import find_quarter, format_quarter, format_quarter_months
from layers.wording import escape_html, format_date, format_list, format_plural

__all__ = ["draw_import", "show"]

REPORT_KEY: Final = "done_report"  # the file and plan, and the report of the dry run or the import
IMPORT_ROUND_KEY: Final = "done_round"
SUFFIXES: Final = ["gpx", "csv", "tsv", "xlsx", "ods"]
PLAN_PARAMETER: Final = "plan"  # in a link such as ?plan=sckx7i&team=Team 1
TEAM_PARAMETER: Final = "team"
LINKED_KEY: Final = "done_linked"  # whether the page was opened by the link of a plan
HEADINGS: Final = ("Planned", "Delivered", "Share", "Stops", "Needles")
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw_week(installation: Installation) -> None:
    """Draw this week's figures by team and ward, and the downloads of the return."""
    plans = load_plans(installation)
    visits = read_visits(installation.store, installation.viewer)
    st.html(f'<h2 class="hb-title">{format_week_heading(installation.today)}</h2>')
    by: tuple[Group, ...] = ("team", "ward")
    tables = [
        (group, build_week_rows(plans, visits, installation.area, by=group, today=installation.today)) for group in by
    ]
    if not any(rows for _, rows in tables):
        st.text("Nothing has been planned or recorded this week yet.")
    for group, rows in tables:
        if rows:
            title = group.capitalize()
            st.html(render_table((title, *HEADINGS), rows, caption=f"Minutes by {group}", numbers=(1, 2, 3, 4, 5)))
    st.html(
        '<p class="hb-small">Needles are those that sweeps collected. Reports of the public are counted separately.</p>'
    )
    draw_return(installation, plans, visits)


def draw_return(installation: Installation, plans: Sequence[Plan], visits: pd.DataFrame) -> None:
    """Draw the downloads of the return by ward, quarter and team."""
    if not may_make(installation.viewer, "return"):
        st.text("Your role cannot download this.")
        return
    st.html('<h2 class="hb-title">The return</h2>')
    this_quarter, _ = find_quarter(installation.today)
    starts = [this_quarter, find_quarter(this_quarter - dt.timedelta(days=1))[0]]
    start = st.selectbox(
        "Quarter",
        starts,
        format_func=lambda day: f"{format_quarter(day)}: {format_quarter_months(day)}",
        key="done_quarter",
    )
    st.text(
        "Planned and delivered minutes, stops, visits and needles by ward and team. It contains no names of people."
    )
    stem = f"hexbeat-{installation.area.name}-return-{format_quarter(start).replace('/', '-').replace(' ', '-')}"
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime, make in (
            (
                "CSV",
                ".csv",
                "text/csv",
                lambda: build_return_csv(build_return_table(installation, plans, visits, start)),
            ),
            ("Excel", ".xlsx", XLSX, lambda: build_return_workbook(installation, plans, visits, start)),
        ):
            st.download_button(
                label,
                data=check_export(
                    installation, make, document="return", form=ending.removeprefix("."), what="done/return"
                ),
                file_name=stem + ending,
                mime=mime,
                on_click="ignore",
                key=f"done{ending}",
            )


def build_return_table(
    installation: Installation, plans: Sequence[Plan], visits: pd.DataFrame, start: dt.date
) -> pd.DataFrame:
    """The return of the quarter that begins on `start`."""
    area, (first, end) = installation.area, find_quarter(start)
    return build_return(plans, visits, area.wards, start=first, end=end, time_zone=area.time_zone)


def build_return_workbook(
    installation: Installation, plans: Sequence[Plan], visits: pd.DataFrame, start: dt.date
) -> bytes:
    """The same as a workbook with its notes."""
    first, end = find_quarter(start)
    notes = build_return_notes(plans, visits, start=first, end=end, time_zone=installation.area.time_zone)
    return build_return_xlsx(build_return_table(installation, plans, visits, start), notes)


def load_plans(installation: Installation) -> list[Plan]:
    """The plans of this area, issued ones first, the newest first.

    They are read again only if a plan or the ledger changed.
    """
    require(installation.viewer, Action.SEE_WORK)
    stamp = installation.documents.counter()
    plans = _read_plans(installation, installation.key, stamp, work_version(installation.store, installation.viewer))
    plans = sorted(plans, key=lambda plan: plan.issued_at is None)  # of those that were issued the newest is first
    return [plan for plan in plans if plan.area == installation.area.name and may_see_plan(installation.viewer, plan)]


@st.cache_resource(max_entries=4, show_spinner=False)
def _read_plans(_installation: Installation, key: InstallationKey, stamp: int, work: int) -> list[Plan]:
    del key, stamp, work
    return read_plans(_installation.documents)


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    st.html(STYLE / "done.css")
    draw_header(installation, pages)
    if not may(installation.viewer, Action.SEE_WORK):
        st.text("Your role cannot see recorded work.")
        return
    plans = load_plans(installation)
    if not plans:
        draw_no_plan(pages)
        draw_week(installation)
        return
    with st.container(horizontal=True, wrap=False, key="hb_done_page", gap="large"):
        with st.container(key="hb_done"):
            draw_team(installation, plans)
        with st.container(key="hb_done_week"):
            draw_week(installation)


def draw_team(installation: Installation, plans: Sequence[Plan]) -> None:
    """Draw the choice of plan and team, then the stops of the team."""
    above, below = st.container(), st.container()
    by_link = st.query_params.get(PLAN_PARAMETER) in {plan.plan_id for plan in plans}
    is_linked = st.session_state.setdefault(LINKED_KEY, by_link)  # later runs have an address in any case
    choices_place, stops_place = (below, above) if is_linked else (above, below)  # after a link the stops come first
    with choices_place:
        plan = choose_plan(plans)
    if plan is None:
        return
    with stops_place:
        tour = choose_team(plan)
        if tour is None:
            return
        st.html(f'<p class="hb-sentence">{escape_html(tour.team)}: {escape_html(plan.title)}</p>')
        if plan.synthetic:
            st.html(f'<p class="hb-notes"><b>{escape_html(find_mark(plan))}</b></p>')
        draw_stops(installation, plan, tour)
    if may(installation.viewer, Action.RECORD_WORK):
        draw_import(installation, plan, tour)


def draw_no_plan(pages: Sequence[StreamlitPage]) -> None:
    """Say that there is no plan yet, and where to make one."""
    st.html(
        '<div class="hb-empty"><h2>No plan has been made yet</h2><p>Make a patrol or sweep plan first. Its link opens '
        "this page on a phone with the stops of one team, to tick them off by one tap each.</p></div>"
    )
    if plan_page := find_page(pages, "plan"):
        st.page_link(plan_page, label="Go to the Plan page")


def choose_plan(plans: Sequence[Plan]) -> Plan | None:
    """The plan of the link, or the newest if the address names none; the address follows the choice.

    If the link names a plan that does not exist, None until one is chosen, because another plan is another team's work.
    """
    by_id = {plan.plan_id: plan for plan in plans}
    ids = list(by_id)

    def format_title(plan_id: str) -> str:
        """The title with the code, because plans of the same time have the same title."""
        plan = by_id[plan_id]
        marks = f"{'' if plan.issued_at else ', not issued'}{', demonstration' if plan.synthetic else ''}"
        return f"{plan.title} ({plan_id}{marks})"

    link_plan_id = st.query_params.get(PLAN_PARAMETER, "")
    if link_plan_id and link_plan_id not in by_id:
        st.warning("The plan in this link does not exist here. Choose one below.")
        choice = st.selectbox("Plan", ids, index=None, format_func=format_title, placeholder="Choose a plan")
        if choice is None:
            return None
        st.query_params[PLAN_PARAMETER] = choice
        st.rerun()
    with st.expander("Another plan", expanded=not link_plan_id):
        index = ids.index(link_plan_id) if link_plan_id else 0
        plan_id = st.selectbox("Plan", ids, index=index, format_func=format_title, key="done_plan")
    plan = by_id[plan_id]
    if plan_id != link_plan_id and st.query_params.get(TEAM_PARAMETER) not in {tour.team for tour in plan.tours}:
        st.query_params.pop(TEAM_PARAMETER, None)  # it was a team of the plan before
    st.query_params[PLAN_PARAMETER] = plan_id
    return plan


def choose_team(plan: Plan) -> Tour | None:
    """The team of the link, or the only one; None until one is chosen. The address follows the choice."""
    teams = [tour.team for tour in plan.tours]
    link_team = st.query_params.get(TEAM_PARAMETER, "")
    question = st.container()
    if len(teams) == 1 and link_team in ("", *teams):
        team: str | None = teams[0]
    else:
        index = teams.index(link_team) if link_team in teams else None
        with st.container(key="hb_done_team"):
            team = st.radio("Team", teams, index=index, horizontal=True, key=f"done_team_{plan.plan_id}")
    if team is None:
        with question:
            if link_team:
                st.warning("The team in this link is not in this plan. Choose one below.")
            st.html(f'<p class="hb-sentence">{escape_html(plan.title)}: which team are you?</p>')
        return None
    st.query_params[TEAM_PARAMETER] = team
    return plan.tours[teams.index(team)]


def draw_import(installation: Installation, plan: Plan, tour: Tour) -> None:
    """Draw the uploader, the dry run and the import."""
    st.html('<h2 class="hb-title">Hand in a track or a sheet</h2>')
    file = st.file_uploader(
        f"GPX of {tour.team}, or CSV, Excel, ODS",
        type=SUFFIXES,
        key=f"done_file_{st.session_state.get(IMPORT_ROUND_KEY, 0)}",
    )
    entry = st.session_state.get(REPORT_KEY)
    if file is None:
        if entry and not entry[1].dry_run:
            draw_report(entry[1])
    else:
        key = (file.file_id, plan.plan_id, tour.team)
        try:
            draw_check(installation, file, key, plan, tour)
        except HexbeatError as error:
            draw_error(error)
    draw_undo(installation)


def draw_check(installation: Installation, file: Any, key: tuple[str, str, str], plan: Plan, tour: Tour) -> None:
    """Run the dry run at once, and draw the button that imports."""
    entry = st.session_state.get(REPORT_KEY)
    if entry is None or entry[0] != key:
        with st.spinner("Reading the file …"):
            entry = (key, import_file(installation, file, plan, tour, dry_run=True))
        st.session_state[REPORT_KEY] = entry
    report: ImportReport = entry[1]
    draw_report(report)
    if not report.new + report.updated:
        st.text("Everything in this file is recorded already.")
    elif st.button("Record it", type="primary", key="done_import"):
        st.session_state[REPORT_KEY] = (None, import_file(installation, file, plan, tour, dry_run=False))
        st.session_state[IMPORT_ROUND_KEY] = st.session_state.get(IMPORT_ROUND_KEY, 0) + 1
        st.rerun()


def import_file(installation: Installation, file: Any, plan: Plan, tour: Tour, *, dry_run: bool) -> ImportReport:
    """Import the file for this plan; a track belongs to this team."""
    with (
        audit_change(installation, action=Action.RECORD_WORK, what="done/import", dry_run=dry_run),
        write_uploads([file], installation.settings.home, most_bytes=MOST_READ_HERE) as paths,
    ):
        return import_visits(
            installation.store,
            installation.viewer,
            select_main_files(paths)[0],
            area=installation.area,
            plan=plan,
            options=ImportOptions(team=tour.team, kind=str(plan.kind)),
            dry_run=dry_run,
        )


def draw_report(report: ImportReport) -> None:
    """Draw the counts by outcome, and the rows that could not be used."""
    title = "This would be recorded" if report.dry_run else "Recorded"
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
    st.html(render_table(("What", "How many"), rows, caption=f"{title}: {report.file}"))
    for note in report.notes:
        st.text(f"{note}.")


def draw_undo(installation: Installation) -> None:
    """Draw the button that undoes the last import."""
    last_import = next(
        (load for load in list_imports(installation.store, installation.viewer) if load.undone_at is None), None
    )
    if last_import is None:
        draw_message("done_import_undo")
        return

    def act() -> str:
        with audit_change(installation, action=Action.RECORD_WORK, what="done/undo import"):
            undo_import(installation.store, installation.viewer)
        st.session_state.pop(REPORT_KEY, None)
        return "The import was undone."

    imported_at = last_import.created.astimezone(installation.area.tz)
    visits = format_plural(last_import.tally["new"] + last_import.tally["updated"], "visit", "visits")
    st.text(f"Last import: {last_import.file}, {format_date(imported_at.date())} at {imported_at:%H:%M}, {visits}.")
    draw_confirmed_button(
        "done_import_undo",
        button="Undo the last import",
        warning="This removes what the import recorded. What was there before comes back.",
        yes="Yes, undo it",
        act=act,
    )
