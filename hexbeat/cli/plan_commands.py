"""plan patrol, sweep, list, show and remove, and the options that they share."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo.errors import UsageError
from geo.travel import Mode
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.area import load_area
from hexbeat.areas.place_finder import find_one_place
from hexbeat.cli.answers import print_answer, print_message, progress_bar
from hexbeat.cli.command_audit import note_answer
from hexbeat.cli.filter_options import WardOption, find_demonstration_mark, parse_day
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
from hexbeat.cli.store_commands import confirm
from hexbeat.operations.ledger.ledger import read_visits
from hexbeat.operations.plans.patrol import PatrolChoices, make_patrol_plan
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_access import require_plan
from hexbeat.operations.plans.plan_settings import find_starts, read_plan_settings
from hexbeat.operations.plans.plan_store import list_plans, load_plan, remove_plan
from hexbeat.operations.plans.roads import Travel, load_road_travel
from hexbeat.operations.plans.stop_links import USUAL_LINKS
from hexbeat.operations.plans.sweep import SweepChoices, make_sweep_plan, read_open_reports
from hexbeat.operations.reference_places import read_reference
from hexbeat.settings import Settings
from hexbeat.store.live_columns import read_columns
from layers.access import Action, require, require_document
from layers.catalogue import list_usual_targets
from layers.filters import parse_hours, resolve_wards
from layers.wording import format_plural

__all__ = [
    "find_named_place",
    "find_revisit_minutes",
    "find_travel",
    "find_usual_start",
    "parse_minutes",
    "parse_shift_hours",
    "parse_weight",
    "plan",
]

plan = typer.Typer(no_args_is_help=True, help="Plan a patrol or a needle sweep; list, show, write or remove plans.")
DayOption = Annotated[
    str | None, typer.Option("--day", metavar="D", help="The day on which it begins; default: today.")
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
        str, typer.Option("--hours", metavar="22-04", help="The shift: hours, or early, late or night.")
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
    mode: ModeOption = TravelMode.WALK,
    ward: WardOption = None,
    start: StartOption = None,
    finish: FinishOption = None,
    roads: RoadsOption = None,
    seed: SeedOption = 0,
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
        choices = PatrolChoices(
            day=parse_day(day) if day else datetime.now(installation.area.tz).date(),
            hours=parse_shift_hours(hours),
            start=start_place,
            weights=tuple(map(parse_weight, layer or list_usual_targets())),
            teams=teams,
            stop_minutes=parse_minutes(stops),
            revisit_minutes=find_revisit_minutes(installation, revisit),
            mode=mode.value,
            finish=find_named_place(installation, finish, "Finish"),
            wards=resolve_wards(installation.area.wards, ward or []),
            seed=seed,
        )
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        with progress_bar("Planning") as move:
            travel = find_travel(installation, roads, choices.mode)
            patrol_plan = make_patrol_plan(
                columns, installation.area, choices, documents=installation.documents, travel=travel, progress=move
            )
        finish_plan(installation, patrol_plan, out=out, kind=kind, form=form, mark=find_demonstration_mark(columns))


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
    mode: ModeOption = TravelMode.DRIVE,
    ward: WardOption = None,
    start: StartOption = None,
    finish: FinishOption = None,
    roads: RoadsOption = None,
    seed: SeedOption = 0,
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
        choices = SweepChoices(
            day=parse_day(day) if day else datetime.now(installation.area.tz).date(),
            start=find_named_place(installation, start, "Depot") or find_usual_start(installation, "depot"),
            hours=parse_shift_hours(hours),
            crews=crews,
            stop_minutes=parse_minutes(stops),
            standard_hours=usual if standard is None else standard,
            mode=mode.value,
            finish=find_named_place(installation, finish, "Finish"),
            wards=resolve_wards(installation.area.wards, ward or []),
            seed=seed,
        )
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        reports = read_open_reports(
            installation.store, installation.viewer, ward_codes=choices.wards or installation.area.wards.codes
        )
        near = read_reference(installation.store, installation.viewer)
        with progress_bar("Planning") as move:
            travel = find_travel(installation, roads, choices.mode)
            sweep_plan = make_sweep_plan(
                columns, installation.area, choices, reports=reports, reference=near, travel=travel, progress=move
            )
        finish_plan(installation, sweep_plan, out=out, kind=kind, form=form, mark=find_demonstration_mark(columns))


@plan.command(name="list")
def list_(*, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """List the plans, the newest first.

    Example: hexbeat plan list
    """
    with open_documents(home) as documents:
        require(find_documents_viewer(documents, home), Action.PLAN)
        rows = [
            {"plan": code, "title": title, "made": made_at.isoformat(sep=" ", timespec="minutes")}
            for code, title, made_at in list_plans(documents)
        ]
    print_answer({"rows": rows}, form=form, rows=rows, heading="Plans")


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
        shown_plan = load_plan(documents, plan_id)
        require_plan(viewer, shown_plan)
        plan_area = load_area(shown_plan.area, home=settings.home)
        if out and kind:
            require_document(viewer, "plan")
            links = read_plan_settings(documents).links if documents else USUAL_LINKS
            note_answer(sum(len(tour.stops) for tour in shown_plan.tours))
            write_plan(shown_plan, plan_area, out, kind, links=links)
    print_plan(shown_plan, plan_area, form=form)


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
        require(installation.viewer, Action.PLAN)
        visits = len(read_visits(installation.store, installation.viewer, plan_id=plan_id))
        if visits:
            raise UsageError(
                "You cannot remove a plan with recorded visits, because the return compares them with it",
                f"plan {plan_id} has {format_plural(visits, 'visit', 'visits')}",
                "undo the visits first with `hexbeat done undo`",
            )
        confirm(yes=yes, question=f"Remove plan {plan_id}?")
        remove_plan(installation.documents, plan_id)
    row = {"removed": plan_id}
    print_answer(row, form=form, rows=[row], heading="Removed")


def parse_shift_hours(text: str) -> tuple[int, int]:
    """Hours as in 22-04, or those of a shift by its name."""
    return SHIFT_HOURS[text.strip().lower()] if text.strip().lower() in SHIFT_HOURS else parse_hours(text)


def parse_weight(text: str) -> tuple[str, float]:
    """A layer and its weight from street_dealing=2; the weight is 1 if none is given. UsageError if it is no number."""
    layer, _, weight = text.partition("=")
    try:
        return layer.strip(), float(weight) if weight else 1.0
    except ValueError:
        raise UsageError(
            "The weight of a layer is a number", f"--layer is {text!r}", "write it as in street_dealing=2"
        ) from None


def parse_minutes(text: str, what: str = "of a stop", usual: str = "10-16") -> tuple[int, int]:
    """Minutes from 10-16, or one number for both. UsageError for any other text; its message names `what` they are."""
    try:
        low, high = (int(part) for part in (text.split("-") if "-" in text else (text, text)))
    except ValueError:
        raise UsageError(
            f"Minutes {what} are two whole numbers with a dash between them",
            f"it was written as {text!r}",
            f"write for example {usual}",
        ) from None
    return low, high


def find_named_place(installation: Installation, text: str | None, name: str) -> Place | None:
    """The place of an option: one of plans.toml by its name, coordinates, or one that `find` finds.

    None if the option was not given. A message says which place was found.
    """
    if not text:
        return None
    for place in read_plan_settings(installation.documents).starts:
        if place.name.casefold() == text.strip().casefold():
            return place
    found = find_one_place(text, installation.area, may_lie_outside=True)
    if found.kind == "point":
        return Place(name, found.lon, found.lat)
    print_message(f"{name}: {found.name}")
    return Place(found.name, found.lon, found.lat)


def find_revisit_minutes(installation: Installation, text: str | None) -> tuple[int, int]:
    """Fewest and most minutes between two visits of a place: from the option, else from plans.toml."""
    if text:
        return parse_minutes(text, "between visits", "90-180")
    return read_plan_settings(installation.documents).revisit_minutes


def find_usual_start(installation: Installation, kind: str) -> Place:
    """Where tours start by default: as plans.toml says, else at the first loaded station or depot.

    Without either, the middle of the area, and a message says so.
    """
    starts = find_starts(installation.documents, installation.store, installation.viewer, kind)
    if starts:
        return starts[0]
    print_message(
        f"No {kind} is loaded or set, so tours start in the middle of the area. Change this with --start LAT,LON."
    )
    return Place("Middle of the area", *installation.area.centre)


def find_travel(installation: Installation, roads: str | None, mode: Mode) -> Travel | None:
    """The road network of the option, else of plans.toml; None for great circles."""
    network = roads or read_plan_settings(installation.documents).roads
    return load_road_travel(network, mode=mode, home=installation.settings.home)
