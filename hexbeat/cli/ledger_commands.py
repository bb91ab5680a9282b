"""done record, import, list and undo: work that was done; and return: the figures that funders ask for."""

import datetime as dt
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from typer.core import TyperGroup

from geo.errors import UsageError
from hexbeat.analysis.count_files import MARK
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_rows
from hexbeat.cli.filter_options import FromOption, ToOption, build_json_rows, parse_day, to_json_value
from hexbeat.cli.installation import (
    AreaOption,
    DryRunOption,
    Format,
    FormatOption,
    HomeOption,
    Installation,
    YesOption,
    open_installation,
)
from hexbeat.cli.output_files import write_file
from hexbeat.cli.place_commands import ColumnOption, parse_columns
from hexbeat.cli.store_commands import confirm
from hexbeat.files import require_folder
from hexbeat.operations.ledger.ledger import read_visits, record_visit, undo_import, undo_visit
from hexbeat.operations.ledger.ledger_files import ImportOptions, ImportReport, import_visits
from hexbeat.operations.ledger.ledger_return import (
    GROUPS,
    Group,
    build_return,
    build_return_csv,
    build_return_notes,
    build_return_xlsx,
    mark_demonstration,
)
from hexbeat.operations.ledger.plan_sheets import UNREAD
from hexbeat.operations.ledger.tracks import LEAST_MINUTES, RADIUS_M
from hexbeat.operations.ledger.visits import DONE, NOT_DONE, build_stop_visit, estimate_start, find_stop, find_tour
from hexbeat.operations.plans.plan import Plan, Stop, Tour
from hexbeat.operations.plans.plan_access import load_visible_plan
from hexbeat.operations.plans.plan_store import read_plans
from layers.access import Action, require, require_document
from layers.wording import format_plural

__all__ = ["done", "return_"]

SHOWN: Final = ("started", "team", "ward", "place", "minutes", "needles", "outcome", "plan_id", "stop_id", "visit_id")
PlanOption = Annotated[str | None, typer.Option("--plan", metavar="ID", help="The plan of the work.")]
TeamOption = Annotated[str | None, typer.Option("--team", metavar="T", help="The team, as the plan calls it.")]


class Year(StrEnum):
    """The year that quarters belong to."""

    FINANCIAL = "financial"
    CALENDAR = "calendar"


class _RecordGroup(TyperGroup):
    """Reads `hexbeat done PLAN STOP` as `hexbeat done record PLAN STOP`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["record", *args]
        return super().resolve_command(ctx, args)


done = typer.Typer(
    no_args_is_help=True,
    cls=_RecordGroup,
    help="Record the work that was done; import, list or undo it. It names teams, never people.",
)


@done.command()
def record(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN_ID", help="The plan, as hexbeat plan list shows it.")],
    stop_ids: Annotated[
        list[str], typer.Argument(metavar="STOP_ID...", help="Stops of the plan; 1-2 is the same as 1-02.")
    ],
    *,
    team: TeamOption = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the visit began: 22:31 or 2026-11-19 22:31.")
    ] = None,
    minutes: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="How long it took; default: as planned.")
    ] = None,
    needles: Annotated[int | None, typer.Option(metavar="N", min=0, help="Needles collected, for a sweep.")] = None,
    not_done: Annotated[bool, typer.Option("--not-done", help="Record that it was not done.")] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Record stops of a plan as done. To correct a stop, record it again; the old record is kept.

    Without --at, a single stop ends now, from three hours before the plan begins to three hours after it ends.
    Otherwise, and for several stops, each began at its planned arrival. None may begin later than now.

    Example: hexbeat done p7f3a 1-2 --minutes 12 --needles 3
    """
    outcome = NOT_DONE if not_done else DONE
    with open_installation(home, area) as installation:
        require(installation.viewer, Action.RECORD_WORK)
        plan = load_visible_plan(installation.documents, installation.viewer, plan_id)
        stops = [_find_stop(plan, stop_id, team) for stop_id in stop_ids]
        now = dt.datetime.now(dt.UTC)
        rows: list[dict[str, Any]] = []
        for tour, stop in stops:
            duration = 0 if not_done else stop.minutes if minutes is None else minutes
            usual_start = estimate_start(plan, stop, minutes=duration, now=now) if len(stops) == 1 else stop.arrive
            start = _parse_start(at, plan, stop, installation.area.tz) if at else usual_start
            if not at:
                _require_begun(stop, start, now, installation.area.tz)
            visit = build_stop_visit(
                plan, tour, stop, started_at=start, minutes=minutes, needles=needles, outcome=outcome
            )
            visit_record = record_visit(installation.store, installation.viewer, visit, now=now)
            start_text = f"{visit.started_at.astimezone(installation.area.tz):%Y-%m-%d %H:%M}"
            rows.append(
                {"visit_id": visit_record.visit_id, "stop_id": stop.stop_id, "team": tour.team, "place": stop.place}
                | {"started": start_text, "minutes": visit.minutes, "needles": needles, "what": visit_record.outcome}
            )
    print_answer({"plan_id": plan_id, "visits": rows}, form=form, rows=rows)


def _find_stop(plan: Plan, stop_id: str, team: str | None) -> tuple[Tour, Stop]:
    """The stop, with the team that did it: the team of the plan, unless `team` names another."""
    tour, stop = find_stop(plan, stop_id)
    return (find_tour(plan, team) if team else tour), stop


def _require_begun(stop: Stop, start: dt.datetime, now: dt.datetime, zone: ZoneInfo) -> None:
    """UsageError, with the time that was taken for want of --at, if that is later than now."""
    if start > now:
        planned = f"{start.astimezone(zone):%Y-%m-%d %H:%M}"
        raise UsageError(
            "A visit lies in the past",
            f"without --at, stop {stop.stop_id} begins as planned, at {planned}, and that is to come",
            "give the time with --at, such as --at 22:31 or --at '2026-11-19 22:31'",
        )


def _parse_start(text: str, plan: Plan, stop: Stop, zone: ZoneInfo) -> dt.datetime:
    """When the visit began. For a time without a day, the day of the plan nearest to the planned arrival."""
    day, _, clock = text.strip().rpartition(" ")
    try:
        hours, minutes = (int(part) for part in clock.split(":"))
        start_time = dt.time(hours, minutes)
    except ValueError as error:
        raise UsageError(
            "Write --at as 22:31 or 2026-11-19 22:31", f"--at is {text!r}", "use the 24-hour clock"
        ) from error
    if day:
        return dt.datetime.combine(parse_day(day), start_time, zone)
    days = (plan.begins.date() + dt.timedelta(days=k) for k in range((plan.ends.date() - plan.begins.date()).days + 1))
    starts = (dt.datetime.combine(date, start_time, zone) for date in days)
    return min(starts, key=lambda start: abs(start - stop.arrive))


@done.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A GPX file of one team, or a CSV, XLSX or ODS file.")],
    *,
    plan: PlanOption = None,
    team: TeamOption = None,
    kind: Annotated[str | None, typer.Option(metavar="K", help="patrol or sweep, for rows without a plan.")] = None,
    radius: Annotated[float, typer.Option(metavar="M", help="A track is at a stop within M metres.")] = RADIUS_M,
    least: Annotated[
        float, typer.Option(metavar="MIN", help="A track has to stay at a stop for MIN minutes at a time.")
    ] = LEAST_MINUTES,
    column: ColumnOption = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Import work from a track or waypoints (GPX), or from a spreadsheet. The same file again changes nothing.

    Example: hexbeat done import walked.gpx --plan p7f3a --team "Team 1" --dry-run
    """
    headings = parse_columns([entry for entry in column or [] if not entry.startswith(f"{UNREAD}=")])
    unread = [entry.partition("=")[2] for entry in column or [] if entry.startswith(f"{UNREAD}=")]
    options = ImportOptions(
        team=team, kind=kind, radius_m=radius, least_minutes=least, headings_by_field=headings, unread=tuple(unread)
    )
    with open_installation(home, area) as installation:
        find_plan = partial(load_visible_plan, installation.documents, installation.viewer)
        named_plan = find_plan(plan) if plan else find_plan
        report = import_visits(
            installation.store,
            installation.viewer,
            file,
            area=installation.area,
            plan=named_plan,
            options=options,
            dry_run=dry_run,
        )
    _report_import(report, form=form)


def _report_import(report: ImportReport, *, form: Format) -> None:
    columns = ("file", "visits", "new", "updated", "unchanged", "rejected", "answered", "planned", "minutes", "needles")
    print_answer(report.as_dict(), form=form, rows=[{name: getattr(report, name) for name in columns}], order=columns)
    for title, stops in (("Only passed", report.passed), ("Not reached", report.missed)):
        if stops:
            print_message(f"{title}: {', '.join(stops)}")
    for line, reason in report.samples:
        print_message(f"Rejected: line {line:,}, {reason}")
    for note in report.notes:
        print_message(f"{note}.")
    if report.dry_run:
        print_message("Dry run: nothing was changed.")
    elif report.load_id is None:
        print_message("All of this is recorded already: nothing was changed.")


@done.command(name="list")
def list_(
    *,
    plan: PlanOption = None,
    team: TeamOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the recorded visits.

    Example: hexbeat done list --plan p7f3a
    """
    with open_installation(home, area) as installation:
        frame = read_visits(
            installation.store,
            installation.viewer,
            start=_find_midnight(from_, installation),
            end=_find_midnight(to, installation),
            plan_id=plan,
        )
        frame = mark_demonstration(frame, read_plans(installation.documents))
        note_rows(len(frame))
        wards = dict(zip(installation.area.wards.codes, installation.area.wards.names, strict=True))
        zone = installation.area.tz
    if team:
        frame = frame[frame["team"].str.casefold() == team.casefold()]
    rows = [
        {
            str(name): None if name == "needles" and value != value else to_json_value(value)  # noqa: PLR0124 - NaN
            for name, value in row.items()
        }
        | {"started": f"{row['started_at'].tz_convert(zone):%Y-%m-%d %H:%M}", "ward": wards.get(row["ward_code"], "")}
        for row in frame.assign(needles=frame["needles"].astype("float64")).to_dict("records")
    ]
    print_answer({"visits": rows}, form=form, rows=rows, heading="Visits", order=SHOWN)
    if number := int(frame["demonstration"].sum()):
        answers = format_plural(number, "visit here answers a plan", "visits here answer plans")
        print_message(f"DEMONSTRATION: {answers} made from {MARK}.")


def _find_midnight(day: str | None, installation: Installation) -> dt.datetime | None:
    """The local midnight at which a day begins."""
    return dt.datetime.combine(parse_day(day), dt.time(), installation.area.tz) if day else None


@done.command()
def undo(
    visit_id: Annotated[
        str | None, typer.Argument(metavar="[VISIT_ID]", help="The visit to undo; default: the last import.")
    ] = None,
    *,
    yes: YesOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Undo one visit, or the last import. What it replaced comes back, and the old versions are kept.

    Example: hexbeat done undo 3f2a9c51d0e48b76 --yes
    """
    confirm(yes=yes, question="Undo this visit?" if visit_id else "Undo the last import of work?")
    with open_installation(home, area) as installation:
        if visit_id:
            has_earlier = undo_visit(installation.store, installation.viewer, visit_id)
            row: dict[str, Any] = {"visit_id": visit_id, "earlier_version": has_earlier}
        else:
            load = undo_import(installation.store, installation.viewer)
            row = {"import": load.load_id, "file": load.file, **load.tally}
    print_answer(row, form=form, rows=[row], heading="Undone")


def return_(
    *,
    by: Annotated[
        str, typer.Option(metavar="G,…", help=f"What to group by: any of {', '.join(GROUPS)}.")
    ] = "ward,quarter,team",
    from_: FromOption = None,
    to: ToOption = None,
    year: Annotated[
        Year, typer.Option(help="Use quarters of the financial year (from April) or of the calendar year.")
    ] = (Year.FINANCIAL),
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write a .csv or .xlsx file.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare planned and delivered minutes and visits, and count the needles that sweeps collected.

    This is the return that funders ask for.

    Example: hexbeat return --by ward,quarter,team --from 2026-10-01 --to 2027-01-01 --out return.xlsx
    """
    groups = parse_return_groups(by)
    _require_file(out)
    with open_installation(home, area) as installation:
        require_document(installation.viewer, "return")
        documents = installation.documents
        plans = [plan for plan in read_plans(documents) if plan.area == installation.area.name]
        visits = read_visits(installation.store, installation.viewer)
        days = {"start": parse_day(from_) if from_ else None, "end": parse_day(to) if to else None}
        frame = build_return(
            plans, visits, installation.area.wards, by=groups, time_zone=installation.area.time_zone,
            year="financial" if year is Year.FINANCIAL else "calendar", **days,
        )  # fmt: skip
        note_rows(len(frame))
        notes = build_return_notes(plans, visits, time_zone=installation.area.time_zone, **days)
    if out is not None:
        write_file(out, build_return_csv(frame) if out.suffix.lower() == ".csv" else build_return_xlsx(frame, notes))
    rows = build_json_rows(frame)
    for note in notes:
        print_message(f"{note}.")
    table_rows = [{**row, "delivered_share": _format_percent(row["delivered_share"])} for row in rows]
    payload = {"by": groups, "rows": rows, "notes": list(notes), "out": str(out) if out else None}
    print_answer(payload, form=form, rows=table_rows, heading="Planned against delivered")


def _require_file(out: Path | None) -> None:
    """UsageError for another ending than .csv or .xlsx, or a folder that does not exist."""
    if out is None:
        return
    if out.suffix.lower() not in {".csv", ".xlsx"}:
        raise UsageError("A return is a .csv or .xlsx file", f"--out is {out.name}", "give --out one of these endings")
    require_folder(out)


def parse_return_groups(text: str) -> list[Group]:
    """The groups of --by; UsageError if one is unknown or named twice."""
    names = [part.strip().lower() for part in text.split(",") if part.strip()]
    groups = [group for name in names for group in GROUPS if group == name]
    if len(groups) < len(names) or len(set(groups)) < len(groups):
        raise UsageError(
            f"Choose from {', '.join(GROUPS)} for --by, each once",
            f"--by is {text!r}",
            "write for example ward,quarter",
        )
    return groups


def _format_percent(share: Any) -> str:
    return "" if share is None else f"{share:.0%}"
