"""plan patrol, sweep, list and show: from what is expected to an order of stops within a shift."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from commands.answers import answer, say
from commands.asking import parse_day
from commands.choosing import WardOption, demonstration_mark
from commands.options import AreaOption, Format, FormatOption, HomeOption, Installation, named_area, open_installation
from commands.progress import progress_bar
from geo.errors import UsageError
from layers.access import Action, require
from layers.areas import Area
from layers.filters import parse_hours, resolve_wards
from layers.patrol import PatrolChoices, make_patrol_plan
from layers.plan_settings import as_place, read_plan_settings
from layers.plan_store import list_plans, load_plan, plan_to_json, save_plan
from layers.plans import Place, Plan
from layers.reading import read_columns
from layers.reference import read_reference
from layers.settings import Settings
from layers.shifts import SHIFT_HOURS
from layers.whole_files import written_whole
from layers.wording import percent_words

__all__ = ["plan"]

KINDS: Final = ("pdf", "gpx", "kml", "geojson", "csv", "xlsx", "ics")  # those of dashboard.documents.plan_files
plan = typer.Typer(no_args_is_help=True, help="Plans: patrol, sweep; list them, show one again, write it as a file.")


class Going(StrEnum):
    """How a team goes from stop to stop."""

    WALK = "walk"
    DRIVE = "drive"


DayOption = Annotated[str | None, typer.Option("--day", metavar="D", help="The day it begins on; default: today.")]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start", metavar="LAT,LON", help="Where tours begin; default: plans.toml, a loaded station or depot."
    ),
]
FinishOption = Annotated[
    str | None, typer.Option("--finish", metavar="LAT,LON", help="Where tours end; default: where they begin.")
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="S", help="Another number, another plan as good.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help=f"Write it to a file: {', '.join('.' + kind for kind in KINDS)}."),
]


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
            "--layer", metavar="L=W", help="A layer and its weight; may be repeated. Default: street_dealing=1."
        ),
    ] = None,
    stops: Annotated[
        str, typer.Option("--stops", metavar="10-16", help="Minutes of a stop, fewest to most.")
    ] = "10-16",
    mode: Annotated[Going, typer.Option("--mode", help="On foot or by car.")] = Going.WALK,
    ward: WardOption = None,
    start: StartOption = None,
    finish: FinishOption = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """A patrol of short stops where most is expected, in an order that fits the shift.

    Example: hexbeat plan patrol --day 2026-11-27 --hours 18-02 --teams 2 --layer street_dealing=2 --layer overdoses=1
    """
    kind = file_kind(out)
    with open_installation(home, area) as here:
        require(here.viewer, Action.PLAN)
        begin = place_of(start, "Start") or usual_start(here, "station")
        choices = PatrolChoices(
            day=parse_day(day) if day else datetime.now(here.area.tz).date(),
            hours=shift_hours(hours),
            start=begin,
            weights=tuple(map(parse_weight, layer or ["street_dealing=1"])),
            teams=teams,
            stop_minutes=parse_minutes(stops),
            mode=mode.value,
            finish=place_of(finish, "Finish"),
            wards=resolve_wards(here.area.wards, ward or []),
            seed=seed,
        )
        columns = read_columns(here.store, here.viewer, ward_codes=here.area.wards.codes)
        with progress_bar("Planning") as move:
            made = make_patrol_plan(columns, here.area, choices, home=here.settings.home, progress=move)
        finish_plan(here, made, out=out, kind=kind, form=form, mark=demonstration_mark(columns))


@plan.command(name="list")
def list_(*, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """The plans that were made, the newest first.

    Example: hexbeat plan list
    """
    settings = Settings.from_environment(home=home)
    rows = [
        {"plan": code, "title": title, "made": moment.isoformat(sep=" ", timespec="minutes")}
        for code, title, moment in list_plans(settings.home)
    ]
    answer({"rows": rows}, form=form, rows=rows, heading="Plans")


@plan.command()
def show(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="The code of a plan.")],
    *,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show a plan again, or write it as a file.

    Example: hexbeat plan show sckx7i --out tonight.pdf
    """
    kind = file_kind(out)
    settings = Settings.from_environment(home=home, area=area)
    found = load_plan(settings.home, plan_id)
    of = named_area(Settings.from_environment(home=home, area=area or found.area))
    if out and kind:
        write_plan(found, of, out, kind)
    tell(found, of, form=form)


def finish_plan(
    here: Installation, made: Plan, *, out: Path | None, kind: str | None, form: Format, mark: str | None
) -> None:
    """Keep the plan, write it where it was asked for, and tell it."""
    save_plan(here.settings.home, made, time_zone=here.area.time_zone)
    if out and kind:
        write_plan(made, here.area, out, kind)
    if mark:
        say(f"{mark}.")
    tell(made, here.area, form=form)


def tell(made: Plan, area: Area, *, form: Format) -> None:
    """A plan as JSON, or as its sentence and its stops."""
    if form is Format.TABLE:
        for sentence in (*made.settings, *made.notes):
            say(sentence)
    share = percent_words(made.covered / made.expected) if made.expected else "none"
    stops = sum(len(tour.stops) for tour in made.tours)
    heading = f"{made.title} (plan {made.plan_id}): {stops} stops cover {share} of what is expected"
    answer(plan_to_json(made, time_zone=area.time_zone), form=form, rows=stop_rows(made), heading=heading)


def stop_rows(made: Plan) -> list[dict[str, Any]]:
    """The stops of a plan, a row each."""
    return [
        {
            "team": tour.team,
            "stop": stop.order,
            "arrive": f"{stop.arrive:%H:%M}",
            "leave": f"{stop.leave:%H:%M}",
            "place": stop.place,
            "lat": f"{stop.lat:.5f}",
            "lon": f"{stop.lon:.5f}",
            "reason": stop.reason,
        }
        for tour in made.tours
        for stop in tour.stops
    ]


def file_kind(out: Path | None) -> str | None:
    """The kind of file that an ending asks for; UsageError for one that no plan is written as."""
    if out is None:
        return None
    kind = out.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise UsageError(
            f"A plan is written as {', '.join('.' + one for one in KINDS)}",
            f"{out.name!r} ends otherwise",
            "give --out one of these endings",
        )
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "A file goes into a folder that exists", f"{out.parent} does not", "make it first, or choose another"
        )
    return kind


def write_plan(made: Plan, area: Area, out: Path, kind: str) -> None:
    """The plan as a file, whole or not at all."""
    from dashboard.documents.plan_files import plan_file  # noqa: PLC0415 - slow to import, and seldom needed

    made_file = plan_file(made, area, kind)
    with written_whole(out.absolute()) as draft:
        draft.write_bytes(made_file)
    say(f"Written to {out.name}.")


def shift_hours(text: str) -> tuple[int, int]:
    """Hours as 22-04, or those of a shift by its name."""
    return SHIFT_HOURS[text.strip().lower()] if text.strip().lower() in SHIFT_HOURS else parse_hours(text)


def parse_weight(text: str) -> tuple[str, float]:
    """A layer and its weight as street_dealing=2; 1 where none is given. UsageError for what is no number."""
    layer, _, weight = text.partition("=")
    try:
        return layer.strip(), float(weight) if weight else 1.0
    except ValueError:
        raise UsageError("A layer's weight is a number", f"{text!r} has none", "write it as street_dealing=2") from None


def parse_minutes(text: str) -> tuple[int, int]:
    """Minutes as 10-16, or one number for both; UsageError for anything else."""
    try:
        low, high = (int(part) for part in (text.split("-") if "-" in text else (text, text)))
    except ValueError:
        raise UsageError(
            "Minutes of a stop are two whole numbers with a dash between", f"{text!r} is not", "write 10-16"
        ) from None
    return low, high


def place_of(text: str | None, name: str) -> Place | None:
    """A place from an option, if it was given."""
    return as_place(text, name=name) if text else None


def usual_start(here: Installation, kind: str) -> Place:
    """Where tours begin when nobody says: plans.toml, else the first loaded station or depot; UsageError if neither."""
    remembered = read_plan_settings(here.settings.home).start
    if remembered:
        return remembered
    loaded = read_reference(here.store, here.viewer, kind=kind)
    if len(loaded):
        first = loaded.iloc[0]
        return Place(str(first["name"]), float(first["lon"]), float(first["lat"]))
    raise UsageError(
        "Tours begin and end at a place",
        f"no {kind} is loaded and none is set",
        "give --start LAT,LON, or put it into plans.toml",
    )
