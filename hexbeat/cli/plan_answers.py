"""How the plan commands answer: they keep the plan, print it and write it to a file."""

import re
from pathlib import Path
from typing import Any, Final

from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_rows
from hexbeat.cli.installation import Format, Installation
from hexbeat.cli.output_files import write_file
from hexbeat.files import require_folder
from hexbeat.operations.plans.plan import Plan, PlanKind, describe_optimality, headline
from hexbeat.operations.plans.plan_settings import read_plan_settings
from hexbeat.operations.plans.plan_store import issue_plan, plan_to_json, save_plan
from hexbeat.operations.plans.stop_links import StopLinks
from layers.access import require_document
from layers.wording import format_list

__all__ = ["KINDS", "finish_plan", "parse_file_kind", "print_plan", "write_plan"]

KINDS: Final = ("pdf", "gpx", "kml", "geojson", "csv", "xlsx", "ics")  # those of hexbeat.documents.plan.plan_files


def finish_plan(
    installation: Installation,
    plan: Plan,
    *,
    issue: bool,
    out: Path | None,
    kind: str | None,
    form: Format,
    mark: str | None,
) -> None:
    """Keep the plan, issue it if asked, write it to a file if there is one, and print it.

    The entry in the audit trail has its stops as rows.
    """
    note_rows(sum(len(tour.stops) for tour in plan.tours))
    save_plan(installation.documents, plan, time_zone=installation.area.time_zone)
    if issue:
        plan = issue_plan(installation.documents, plan.plan_id)
    if out and kind:
        require_document(installation.viewer, "plan")
        write_plan(plan, installation.area, out, kind, links=read_plan_settings(installation.documents).links)
    if mark:
        print_message(f"DEMONSTRATION: {mark}.")
    print_plan(plan, installation.area, form=form)


def print_plan(plan: Plan, area: Area, *, form: Format) -> None:
    """Print a plan as JSON, or its headline, what it is likely to meet, and its stops."""
    likely = find_forecast_notes(plan)
    if form is Format.TABLE:
        for sentence in (*plan.notes[len(likely) :], describe_optimality(plan), *plan.settings):
            print_message(sentence)
    heading = " ".join([f"{plan.title} (plan {plan.plan_id}). {headline(plan)}", *likely])
    payload = {
        "headline": headline(plan),
        "how_good": describe_optimality(plan),
        **plan_to_json(plan, time_zone=area.time_zone),
    }
    print_answer(payload, form=form, rows=build_stop_rows(plan), heading=heading)


def find_forecast_notes(plan: Plan) -> tuple[str, ...]:
    """What a patrol is likely to meet: the first of its notes, one for each layer; none where it only ranks places."""
    return plan.notes[: len(plan.scope.layers)] if plan.kind is PlanKind.PATROL and not plan.ranks_only else ()


def build_stop_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row for each stop of a plan."""
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
        for tour in plan.tours
        for stop in tour.stops
    ]


def parse_file_kind(out: Path | None) -> str | None:
    """The kind of file that an ending means; UsageError for an ending that is not one of KINDS."""
    if out is None:
        return None
    kind = out.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise UsageError(
            f"A plan is a file that ends in {', '.join('.' + kind for kind in KINDS)}",
            f"{out.name!r} has another ending",
            "give --out one of these endings",
        )
    require_folder(out)
    return kind


def write_plan(plan: Plan, area: Area, out: Path, kind: str, *, links: StopLinks) -> None:
    """Write the plan to a file, whole or not at all; as GPX to one for each team, so that a device has one route."""
    from hexbeat.documents.plan.plan_files import build_plan_file  # noqa: PLC0415 - slow to import, and rarely needed
    from hexbeat.documents.plan.plan_tracks import build_plan_gpx  # noqa: PLC0415

    if kind == "gpx" and len(plan.tours) > 1:
        files = {name_team_file(out, tour.team): build_plan_gpx(plan, area, team=tour.team) for tour in plan.tours}
    else:
        files = {out: build_plan_file(plan, area, kind, links=links)}
    for path, content in files.items():
        write_file(path.absolute(), content)
    print_message(f"Written to {format_list([path.name for path in files])}.")


def name_team_file(out: Path, team: str) -> Path:
    """The file of one team beside the one that was asked for: tonight-team-1.gpx for tonight.gpx."""
    return out.with_stem(f"{out.stem}-{re.sub(r'[^a-z0-9]+', '-', team.lower())}")
