"""plan patrol, sweep, list, show, issue, withdraw and remove."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo.errors import DataError, UsageError
from hexbeat.areas.area import load_area
from hexbeat.cli.answers import print_answer, print_message, progress_bar
from hexbeat.cli.command_audit import note_answer, note_rows
from hexbeat.cli.filter_options import WardOption, find_demonstration_mark, read_area_columns
from hexbeat.cli.installation import (
    AreaOption,
    Format,
    FormatOption,
    HomeOption,
    Installation,
    YesOption,
    find_documents_viewer,
    open_documents,
    open_installation,
)
from hexbeat.cli.plan_answers import KINDS, finish_plan, parse_file_kind, print_plan, write_plan
from hexbeat.cli.plan_options import (
    choose_day,
    find_named_place,
    find_revisit_minutes,
    find_travel,
    find_usual_start,
    parse_minutes,
    parse_weight,
)
from hexbeat.cli.store_commands import confirm
from hexbeat.documents.plan.plan_text import find_mark
from hexbeat.operations.ledger.ledger import read_visits
from hexbeat.operations.plans.patrol import PatrolChoices, make_patrol_plan
from hexbeat.operations.plans.patrol_problem import USUAL_STOPS
from hexbeat.operations.plans.plan_access import list_visible_plans, load_visible_plan
from hexbeat.operations.plans.plan_settings import read_plan_settings
from hexbeat.operations.plans.plan_store import (
    issue_plan,
    remove_plan,
    withdraw_plan,
)
from hexbeat.operations.plans.stop_links import USUAL_LINKS
from hexbeat.operations.plans.sweep import SweepChoices, make_sweep_plan, read_open_reports
from hexbeat.operations.plans.working_time import find_next_shift_day, find_next_working_day, parse_working_hours
from hexbeat.operations.reference_places import read_reference
from hexbeat.settings import Settings
from layers.access import Action, require, require_document
from layers.catalogue import list_usual_targets
from layers.filters import resolve_wards
from layers.wording import format_plural

__all__ = ["plan"]

plan = typer.Typer(
    no_args_is_help=True, help="Plan a patrol or a needle sweep; list, show, write, issue or remove plans."
)
DayOption = Annotated[
    str | None,
    typer.Option("--day", metavar="D", help="The day on which it begins; default: the next on which it can be worked."),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="PLACE",
        help="Where tours start: a street, a postcode, LAT,LON, or a name in plans.toml; default: the last one used.",
    ),
]
FinishOption = Annotated[
    str | None, typer.Option("--finish", metavar="PLACE", help="Where tours finish; default: where they start.")
]
RoadsOption = Annotated[
    str | None,
    typer.Option(
        "--roads",
        metavar="FILE|URL",
        help="A GraphML network or the address of an OSRM table service; default: as plans.toml says.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="S", help="Another number gives a different plan that is as good.")
]
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="The code of a plan.")]
IssueOption = Annotated[bool, typer.Option("--issue", help="Issue it at once as work to do, which the return counts.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help=f"Write it to a file: {', '.join('.' + kind for kind in KINDS)}."),
]


class TravelMode(StrEnum):
    """How a team travels from stop to stop."""

    WALK = "walk"
    DRIVE = "drive"


ModeOption = Annotated[TravelMode, typer.Option("--mode", help="On foot or by car.")]


@plan.command()
def patrol(
    *,
    day: DayOption = None,
    hours: Annotated[
        str,
        typer.Option("--hours", metavar="22-04", help="The shift: hours as 18:00-02:00, or early, late, night."),
    ] = "late",
    teams: Annotated[int, typer.Option("--teams", metavar="N", help="How many teams.")] = 2,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            metavar="L=W",
            help="A layer and its weight; may be repeated. "
            f"Default: {', '.join(f'{name}=1' for name in list_usual_targets())}.",
        ),
    ] = None,
    stops: Annotated[
        str, typer.Option("--stops", metavar="10-16", help="Shortest and longest stop, in minutes.")
    ] = "10-16",
    revisit: Annotated[
        str | None,
        typer.Option(
            "--revisit",
            metavar="90-180",
            help="Fewest and most minutes between two visits of a place; default: as plans.toml says, else 90-180.",
        ),
    ] = None,
    most_stops: Annotated[
        int, typer.Option("--most-stops", metavar="N", min=0, help="At most N stops a team; 0: as many as fit.")
    ] = USUAL_STOPS,
    mode: ModeOption = TravelMode.WALK,
    ward: WardOption = None,
    start: StartOption = None,
    finish: FinishOption = None,
    roads: RoadsOption = None,
    seed: SeedOption = 0,
    issue: IssueOption = False,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Plan a patrol: short stops where most events are expected, in an order that fits the shift.

    Example: hexbeat plan patrol --day 2026-11-27 --hours 18-02 --teams 2 --layer street_dealing=2 --layer overdoses=1
    """
    kind = parse_file_kind(out)
    with open_installation(home, area) as installation:
        require(installation.viewer, Action.PLAN)
        start_place = find_named_place(installation, start, "Start") or find_usual_start(installation, "station")
        working_hours = parse_working_hours(hours)
        choices = PatrolChoices(
            day=choose_day(day, working_hours, datetime.now(installation.area.tz), find_next_shift_day),
            hours=working_hours,
            start=start_place,
            weights=tuple(map(parse_weight, layer or list_usual_targets())),
            teams=teams,
            stop_minutes=parse_minutes(stops),
            revisit_minutes=find_revisit_minutes(installation, revisit),
            mode=mode.value,
            finish=find_named_place(installation, finish, "Finish"),
            wards=resolve_wards(installation.area.wards, ward or []),
            seed=seed,
            most_stops=most_stops or None,
            walk_minutes=read_plan_settings(installation.documents).walk_minutes,
        )
        columns = read_area_columns(installation)
        with progress_bar("Planning") as move:
            travel = find_travel(installation, roads, choices.mode)
            patrol_plan = make_patrol_plan(
                columns, installation.area, choices, documents=installation.documents, travel=travel, progress=move
            )
        finish_plan(
            installation, patrol_plan, issue=issue, out=out, kind=kind, form=form, mark=find_demonstration_mark(columns)
        )


@plan.command()
def sweep(
    *,
    day: DayOption = None,
    hours: Annotated[str, typer.Option("--hours", metavar="7-15", help="The vehicle's working day.")] = "7-15",
    crews: Annotated[int, typer.Option("--crews", metavar="N", help="How many crews, each with its own places.")] = 1,
    stops: Annotated[
        str, typer.Option("--stops", metavar="8-20", help="Shortest and longest stop, in minutes.")
    ] = "8-20",
    standard: Annotated[
        float | None,
        typer.Option(
            "--standard",
            metavar="H",
            help="Hours within which a report is answered; default: as plans.toml says, else 2.",
        ),
    ] = None,
    most_stops: Annotated[
        int, typer.Option("--most-stops", metavar="N", min=0, help="At most N stops a crew; 0: as many as fit.")
    ] = 0,
    mode: ModeOption = TravelMode.DRIVE,
    ward: WardOption = None,
    start: StartOption = None,
    finish: FinishOption = None,
    roads: RoadsOption = None,
    seed: SeedOption = 0,
    issue: IssueOption = False,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Plan a needle sweep: overdue reports first, then the places with most recent finds, within a working day.

    Example: hexbeat plan sweep --day 2026-11-27 --hours 7-15 --crews 2 --start 54.574,-1.235
    """
    kind = parse_file_kind(out)
    with open_installation(home, area) as installation:
        require(installation.viewer, Action.PLAN)
        usual = read_plan_settings(installation.documents).standard_hours
        working_hours = parse_working_hours(hours)
        choices = SweepChoices(
            day=choose_day(day, working_hours, datetime.now(installation.area.tz), find_next_working_day),
            start=find_named_place(installation, start, "Depot") or find_usual_start(installation, "depot"),
            hours=working_hours,
            crews=crews,
            stop_minutes=parse_minutes(stops),
            standard_hours=usual if standard is None else standard,
            mode=mode.value,
            finish=find_named_place(installation, finish, "Finish"),
            wards=resolve_wards(installation.area.wards, ward or []),
            seed=seed,
            most_stops=most_stops or None,
        )
        columns = read_area_columns(installation)
        reports = read_open_reports(
            installation.store, installation.viewer, ward_codes=choices.wards or installation.area.wards.codes
        )
        near = read_reference(installation.store, installation.viewer)
        with progress_bar("Planning") as move:
            travel = find_travel(installation, roads, choices.mode)
            sweep_plan = make_sweep_plan(
                columns, installation.area, choices, reports=reports, reference=near, travel=travel, progress=move
            )
        finish_plan(
            installation, sweep_plan, issue=issue, out=out, kind=kind, form=form, mark=find_demonstration_mark(columns)
        )


@plan.command(name="list")
def list_(*, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """List the plans that your role may see, the newest first.

    Example: hexbeat plan list
    """
    with open_documents(home) as documents:
        plans, hidden = list_visible_plans(documents, find_documents_viewer(documents, home))
    rows = [
        {
            "plan": plan.plan_id,
            "title": plan.title,
            "made": plan.made_at.isoformat(sep=" ", timespec="minutes"),
            "issued": "yes" if plan.issued_at else "no",
            "demonstration": "yes" if plan.synthetic else "no",
        }
        for plan in plans
    ]
    print_answer({"rows": rows}, form=form, rows=rows, heading="Plans")
    if hidden:
        others = format_plural(hidden, "other plan shows", "other plans show")
        print_message(f"{others} more than your role may see.")


@plan.command()
def show(
    plan_id: PlanArgument,
    *,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show a plan again, or write it to a file.

    Example: hexbeat plan show sckx7i --out tonight.pdf
    """
    kind = parse_file_kind(out)
    settings = Settings.from_environment(home=home, area=area)
    with open_documents(home) as documents:
        viewer = find_documents_viewer(documents, home)
        shown_plan = load_visible_plan(documents, viewer, plan_id)
        plan_area = load_area(shown_plan.area, home=settings.home)
        if out and kind:
            require_document(viewer, "plan")
            links = read_plan_settings(documents).links if documents else USUAL_LINKS
            note_answer(sum(len(tour.stops) for tour in shown_plan.tours))
            write_plan(shown_plan, plan_area, out, kind, links=links)
    if shown_plan.synthetic:
        print_message(find_mark(shown_plan))
    print_plan(shown_plan, plan_area, form=form)


@plan.command(name="issue")
def issue_(
    plan_id: PlanArgument,
    *,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Issue a plan that you tried: from now on it is work to do, and the return counts it.

    Example: hexbeat plan issue sckx7i
    """
    with open_installation(home, area) as installation:
        load_visible_plan(installation.documents, installation.viewer, plan_id)
        issued = issue_plan(installation.documents, plan_id)
        note_rows(sum(len(tour.stops) for tour in issued.tours))
    issued_at = issued.issued_at.isoformat(sep=" ", timespec="minutes") if issued.issued_at else ""
    row = {"plan": plan_id, "issued": issued_at}
    print_answer(row, form=form, rows=[row], heading="Issued")


@plan.command()
def withdraw(
    plan_id: PlanArgument,
    *,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Withdraw a plan that was issued. You cannot withdraw a plan with recorded visits: the return needs it.

    Example: hexbeat plan withdraw sckx7i
    """
    with open_installation(home, area) as installation:
        load_visible_plan(installation.documents, installation.viewer, plan_id)
        _require_no_visits(installation, plan_id, "withdraw")
        withdrawn = withdraw_plan(installation.documents, plan_id)
        note_rows(sum(len(tour.stops) for tour in withdrawn.tours))
    row = {"withdrawn": plan_id}
    print_answer(row, form=form, rows=[row], heading="Withdrawn")


@plan.command()
def remove(
    plan_id: PlanArgument,
    *,
    yes: YesOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove a plan that you only tried. You cannot remove a plan with recorded visits: the return needs it.

    Example: hexbeat plan remove sckx7i --yes
    """
    with open_installation(home, area) as installation:
        _require_removal(installation, plan_id)
        _require_no_visits(installation, plan_id, "remove")
        confirm(yes=yes, question=f"Remove plan {plan_id}?")
        remove_plan(installation.documents, plan_id)
    row = {"removed": plan_id}
    print_answer(row, form=form, rows=[row], heading="Removed")


def _require_removal(installation: Installation, plan_id: str) -> None:
    """PolicyError unless the viewer may see the plan; of one that cannot be read, unless they see every point."""
    require(installation.viewer, Action.PLAN)
    try:
        load_visible_plan(installation.documents, installation.viewer, plan_id)
    except DataError:  # nobody can say what it shows
        require(installation.viewer, Action.SEE_POINTS)


def _require_no_visits(installation: Installation, plan_id: str, deed: str) -> None:
    """UsageError if somebody recorded a visit of the plan."""
    visits = len(read_visits(installation.store, installation.viewer, plan_id=plan_id))
    if visits:
        raise UsageError(
            f"You cannot {deed} a plan with recorded visits, because the return compares them with it",
            f"plan {plan_id} has {format_plural(visits, 'visit', 'visits')}",
            "undo the visits first with `hexbeat done undo`",
        )
