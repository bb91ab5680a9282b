"""The page "Record work": a team ticks off its stops on a phone, imports a track or sheet, and sees the week.

The link of a plan and a team opens it.
"""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.pages.data.loads_section import draw_confirmed_button, draw_message
from hexbeat.dashboard.pages.data.quality_tables import render_table
from hexbeat.dashboard.pages.record.record_stops import draw_stops
from hexbeat.dashboard.pages.record.record_week import draw_week, load_plans
from hexbeat.dashboard.screen import STYLE, draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.uploads import select_main_files, write_uploads
from hexbeat.operations.ledger.ledger import list_imports, undo_import
from hexbeat.operations.ledger.ledger_files import ImportOptions, ImportReport, import_visits
from hexbeat.operations.plans.plan import Plan, Tour
from layers.access import Action, may
from layers.wording import escape_html, format_date, format_list, format_plural

__all__ = ["draw_import", "show"]

REPORT_KEY: Final = "done_report"  # the file and plan, and the report of the dry run or the import
IMPORT_ROUND_KEY: Final = "done_round"
SUFFIXES: Final = ["gpx", "csv", "tsv", "xlsx", "ods"]
PLAN: Final = "plan"  # what a link says: ?plan=sckx7i&team=Team 1
TEAM: Final = "team"
LINKED_KEY: Final = "done_linked"  # whether the page was opened by the link of a plan


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    st.html(STYLE / "done.css")
    draw_header(installation, pages)
    if not may(installation.viewer, Action.SEE_WORK):
        st.text("Your role does not see what was done.")
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
    """The stops of one team, once it is known which plan and which team."""
    above, below = st.container(), st.container()
    by_link = st.query_params.get(PLAN) in {plan.plan_id for plan in plans}
    linked = st.session_state.setdefault(LINKED_KEY, by_link)  # the address fills itself later on
    choosing, stops = (below, above) if linked else (above, below)  # on a link the stop comes first
    with choosing:
        plan = choose_plan(plans)
    if plan is None:
        return
    with stops:
        tour = choose_team(plan)
        if tour is None:
            return
        st.html(f'<p class="hb-sentence">{escape_html(tour.team)}: {escape_html(plan.title)}</p>')
        draw_stops(installation, plan, tour)
    if may(installation.viewer, Action.RECORD_WORK):
        draw_import(installation, plan, tour)


def draw_no_plan(pages: Sequence[StreamlitPage]) -> None:
    """There is no plan yet: say where one is made."""
    st.html(
        '<div class="hb-empty"><h2>No plan has been made yet</h2><p>Make a patrol or sweep plan first. Its link opens '
        "this page on a phone with the stops of one team, to tick them off by one tap each.</p></div>"
    )
    for page in pages:
        if page.url_path == "plan":
            st.page_link(page, label="Go to the Plan page")


def choose_plan(plans: Sequence[Plan]) -> Plan | None:
    """The plan of the link, or the newest where the address names none; the address follows the choice.

    None until one is chosen where the link names a plan that is not kept: another one would be another team's work.
    """
    by_id = {plan.plan_id: plan for plan in plans}
    ids = list(by_id)

    def title(plan_id: str) -> str:
        """Plans that were made anew have one title: the code tells them apart, for the person and for Streamlit."""
        return f"{by_id[plan_id].title} ({plan_id})"

    asked = st.query_params.get(PLAN, "")
    if asked and asked not in by_id:
        st.warning("The plan of this link is not kept here; choose one below.")
        chosen = st.selectbox("Plan", ids, index=None, format_func=title, placeholder="Choose a plan")
        if chosen is None:
            return None
        st.query_params[PLAN] = chosen
        st.rerun()
    with st.expander("Another plan", expanded=not asked):
        given = ids.index(asked) if asked else 0
        plan_id = st.selectbox("Plan", ids, index=given, format_func=title, key="done_plan")
    plan = by_id[plan_id]
    if plan_id != asked and st.query_params.get(TEAM) not in {tour.team for tour in plan.tours}:
        st.query_params.pop(TEAM, None)  # it was a team of the plan before
    st.query_params[PLAN] = plan_id
    return plan


def choose_team(plan: Plan) -> Tour | None:
    """The team of the link, or the only one; None until one is chosen. The address follows the choice."""
    teams = [tour.team for tour in plan.tours]
    named = st.query_params.get(TEAM, "")
    asking = st.container()
    if len(teams) == 1 and named in ("", *teams):
        team: str | None = teams[0]
    else:
        given = teams.index(named) if named in teams else None
        with st.container(key="hb_done_team"):
            team = st.radio("Team", teams, index=given, horizontal=True, key=f"done_team_{plan.plan_id}")
    if team is None:
        with asking:
            if named:
                st.warning("The team of this link is not in this plan; choose one below.")
            st.html(f'<p class="hb-sentence">Which team of {escape_html(plan.title)}?</p>')
        return None
    st.query_params[TEAM] = team
    return plan.tours[teams.index(team)]


def draw_import(installation: Installation, plan: Plan, tour: Tour) -> None:
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
            draw_check(installation, file, key, plan, tour)
        except HexbeatError as error:
            draw_error(error)
    draw_undo(installation)


def draw_check(installation: Installation, file: Any, key: tuple[str, str, str], plan: Plan, tour: Tour) -> None:
    """The dry run at once, and the button that imports."""
    held = st.session_state.get(REPORT_KEY)
    if held is None or held[0] != key:
        with st.spinner("Reading the file …"):
            held = (key, import_file(installation, file, plan, tour, dry_run=True))
        st.session_state[REPORT_KEY] = held
    report: ImportReport = held[1]
    draw_report(report)
    if not report.new + report.updated:
        st.text("All of it is recorded already.")
    elif st.button("Record it", type="primary", key="done_import"):
        st.session_state[REPORT_KEY] = (None, import_file(installation, file, plan, tour, dry_run=False))
        st.session_state[IMPORT_ROUND_KEY] = st.session_state.get(IMPORT_ROUND_KEY, 0) + 1
        st.rerun()


def import_file(installation: Installation, file: Any, plan: Plan, tour: Tour, *, dry_run: bool) -> ImportReport:
    """Read the file for this plan; a track is of this team."""
    with write_uploads([file], installation.settings.home) as paths:
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


def draw_undo(installation: Installation) -> None:
    """Undo the last import."""
    standing = next(
        (load for load in list_imports(installation.store, installation.viewer) if load.undone_at is None), None
    )
    if standing is None:
        draw_message("done_import_undo")
        return

    def act() -> str:
        undo_import(installation.store, installation.viewer)
        st.session_state.pop(REPORT_KEY, None)
        return "The import was undone."

    when = standing.created.astimezone(installation.area.tz)
    visits = format_plural(standing.tally["new"] + standing.tally["updated"], "visit", "visits")
    st.text(f"Last import: {standing.file}, {format_date(when.date())} at {when:%H:%M}, {visits}.")
    draw_confirmed_button(
        "done_import_undo",
        button="Undo the last import",
        warning="What it recorded is taken back; what was there before stands again.",
        yes="Yes, undo it",
        act=act,
    )
