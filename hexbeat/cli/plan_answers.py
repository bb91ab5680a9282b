"""How the plan commands answer: kept, told, and written as a file."""

from pathlib import Path
from typing import Any, Final

from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import Format, Installation
from hexbeat.files import atomic_write
from hexbeat.operations.plans.plan import Plan, describe_optimality, headline
from hexbeat.operations.plans.plan_store import plan_to_json, save_plan

__all__ = ["KINDS", "finish_plan", "parse_file_kind", "print_plan", "write_plan"]

KINDS: Final = ("pdf", "gpx", "kml", "geojson", "csv", "xlsx", "ics")  # those of hexbeat.documents.plan.plan_files


def finish_plan(
    installation: Installation, made: Plan, *, out: Path | None, kind: str | None, form: Format, mark: str | None
) -> None:
    """Keep the plan, write it where it was asked for, and tell it."""
    save_plan(installation.settings.home, made, time_zone=installation.area.time_zone)
    if out and kind:
        write_plan(made, installation.area, out, kind)
    if mark:
        print_message(f"{mark}.")
    print_plan(made, installation.area, form=form)


def print_plan(made: Plan, area: Area, *, form: Format) -> None:
    """A plan as JSON, or as its sentence and its stops."""
    if form is Format.TABLE:
        for sentence in (*made.settings, describe_optimality(made), *made.notes):
            print_message(sentence)
    heading = f"{made.title} (plan {made.plan_id}). {headline(made)}"
    whole = {
        "headline": headline(made),
        "how_good": describe_optimality(made),
        **plan_to_json(made, time_zone=area.time_zone),
    }
    print_answer(whole, form=form, rows=build_stop_rows(made), heading=heading)


def build_stop_rows(made: Plan) -> list[dict[str, Any]]:
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


def parse_file_kind(out: Path | None) -> str | None:
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
    from hexbeat.documents.plan.plan_files import build_plan_file  # noqa: PLC0415 - slow to import, and seldom needed

    made_file = build_plan_file(made, area, kind)
    with atomic_write(out.absolute()) as draft:
        draft.write_bytes(made_file)
    print_message(f"Written to {out.name}.")
