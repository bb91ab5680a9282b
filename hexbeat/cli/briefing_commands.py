"""briefing: one A4 page for a meeting, a shift or a councillor."""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from geo.errors import UsageError
from hexbeat.analysis.method_selection import MethodSelection, select_methods
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.briefing_schedule import Every, Schedule, require_schedule, run_schedule
from hexbeat.cli.filter_options import HoursOption, WardOption, parse_day, read_area_columns, to_json_value
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.cli.output_files import write_file
from hexbeat.dashboard.public.councillor_briefing import build_councillor_briefing, render_councillor_pdf
from hexbeat.documents.briefing_document import (
    describe_demonstration,
    describe_no_places,
    format_headline,
    format_place_title,
    render_briefing_pdf,
)
from hexbeat.files import require_folder
from hexbeat.operations.alert_answers import read_answers
from hexbeat.operations.ledger.ledger import read_visits
from hexbeat.operations.ledger.ledger_return import mark_demonstration
from hexbeat.operations.plans.plan_store import read_plans
from hexbeat.release.audit import require_audited
from hexbeat.release.format import Release
from hexbeat.reports.briefing import Briefing, Purpose, build_briefing
from hexbeat.store.quality import summarise_sources
from layers.access import Action, may, require_document
from layers.columns import Columns
from layers.filters import parse_hours, resolve_wards

__all__ = ["briefing", "build_progress"]


class Reader(StrEnum):
    """The people a briefing is for."""

    MEETING = "meeting"
    SHIFT = "shift"
    COUNCILLOR = "councillor"


def briefing(
    *,
    reader: Annotated[Reader, typer.Option("--for", help="The daily meeting, a shift, or a councillor.")] = (
        Reader.MEETING
    ),
    hours: HoursOption = None,
    days: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=366, help="Look back N days; default: 7, for a shift 28.")
    ] = None,
    day: Annotated[str | None, typer.Option(metavar="D", help="The day of the briefing; default: today.")] = None,
    ward: WardOption = None,
    release: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For a councillor: the published release, and nothing else.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as one A4 page (.pdf).")] = None,
    every: Annotated[
        Every | None,
        typer.Option(help="For a timer: make today's once. On other days than these, do nothing and say why."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --every: the folder of the files, which are named by the day."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="With --folder: remove its briefings older than N days; default: keep all."
        ),
    ] = None,
    mail: Annotated[
        bool, typer.Option("--mail", help="With --every: send it to the addresses of policy.toml, by ward only.")
    ] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Write one A4 page that says what matters, where and why.

    For a councillor, it uses only the public release. With --every a timer makes it.

    Example: hexbeat briefing --for shift --hours 22-06 --out shift.pdf
    """
    require_pdf(out)
    is_councillor = reader is Reader.COUNCILLOR
    require_schedule(every, folder=folder, keep_days=keep, mail=mail, out=out, councillor=is_councillor)
    if is_councillor:
        _write_councillor_briefing(release, ward or [], out=out, form=form)
        return
    if release is not None:
        raise UsageError(
            "Use --release only for a councillor; other briefings read the store",
            f"--release was given with --for {reader.value}",
            "leave out one of them",
        )
    with open_installation(home, area) as installation:
        require_document(installation.viewer, "briefing")
        now = dt.datetime.now(installation.area.tz)
        today = parse_day(day) if day else now.date()
        chosen_hours = parse_hours(hours) if hours else None
        wards = resolve_wards(installation.area.wards, ward or [])

        def build(installation: Installation) -> Briefing:
            columns = read_area_columns(installation)
            purpose = Purpose(reader.value)
            return build_partners_briefing(
                installation, columns, today=today, purpose=purpose, hours=chosen_hours, days=days, wards=wards
            )

        if every is not None:
            stem = build_stem(reader, chosen_hours, wards)
            schedule = Schedule(every, stem, folder=folder, keep_days=keep, mail=mail)
            run_schedule(installation, schedule, build, now=now, today=today, form=form)
            return
        facts = build(installation)
        if out:
            answers = read_answers(installation.store, installation.viewer)
            write_file(out, render_briefing_pdf(facts, installation.area, made_at=now, answers=answers))
        heading = f"{facts.title}. {format_headline(facts, installation.area).removesuffix('.')}"
    _report(facts, heading=heading, form=form, out=out)


def build_stem(reader: Reader, hours: tuple[int, int] | None, wards: tuple[str, ...]) -> str:
    """The name of a scheduled briefing's files without the day, so that two timers may share a folder."""
    shift = [f"{hours[0]:02}-{hours[1]:02}"] if hours else []
    return "-".join(["briefing", reader.value, *shift, *wards])


def build_partners_briefing(
    installation: Installation,
    columns: Columns,
    *,
    today: dt.date,
    purpose: Purpose,
    hours: tuple[int, int] | None,
    days: int | None,
    wards: tuple[str, ...],
) -> Briefing:
    """The facts for the partners. Visits are included if the viewer may see them."""
    since = dt.datetime.combine(today - dt.timedelta(days=days or 7), dt.time(), installation.area.tz)
    until = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), installation.area.tz)
    visits = (
        mark_demonstration(
            read_visits(installation.store, installation.viewer, start=since, end=until),
            read_plans(installation.documents),
        )
        if may(installation.viewer, Action.SEE_WORK)
        else None
    )
    return build_briefing(
        columns,
        installation.area,
        today=today,
        purpose=purpose,
        hours=hours,
        days=days,
        wards=wards,
        visits=visits,
        sources=summarise_sources(installation.store, installation.viewer)
        if may(installation.viewer, Action.SEE_RECORDS)
        else None,
        selections=find_selections(installation, columns),
    )


def find_selections(installation: Installation, columns: Columns) -> dict[str, MethodSelection]:
    """What back-testing selects for each layer. Runs the back-test if it was not run before."""
    selections = {}
    progress = build_progress()
    for spec in columns.list_shown(in_cells=True):
        selection = select_methods(
            columns, installation.area, spec.name, documents=installation.documents, progress=progress
        )
        if selection:
            selections[spec.name] = selection
    return selections


def build_progress() -> Callable[[int, int], None]:
    """What says once, for all layers together, that methods are tested."""
    is_said = False

    def report_selection(resolution: int, place: int) -> None:
        nonlocal is_said
        if place == 0 and not is_said:
            is_said = True
            print_message(
                f"Testing which method forecasts best (once for these records), from resolution {resolution} on ..."
            )

    return report_selection


def _report(facts: Briefing, *, heading: str, form: Format, out: Path | None) -> None:
    """Print all facts as JSON, or the places as a table and the notes as sentences."""
    payload = to_json_value(asdict(facts)) | {"out": str(out) if out else None}
    if form is Format.TABLE:
        for line in (facts.headline, describe_demonstration(facts), *facts.notes):
            if line:
                print_message(line)
        if out:
            print_message(f"Written: {out}")
    rows = [
        {"no": number, "where": format_place_title(line), "what": line.title, "why": line.reason}
        for number, line in enumerate(facts.places, start=1)
    ]
    if form is Format.TABLE and facts.headline:
        typer.echo(heading)
        return
    if form is Format.TABLE and not rows and facts.unknown_places:
        typer.echo(f"{heading}. {describe_no_places(facts)}")
        return
    print_answer(payload, form=form, rows=rows, heading=heading)


def _write_councillor_briefing(release: Path | None, wards: list[str], *, out: Path | None, form: Format) -> None:
    """Write the briefing from the release alone, after its audit. No store is opened."""
    if release is None or len(wards) != 1:
        raise UsageError(
            "A councillor's briefing needs one ward and a published release",
            "no release was given" if release is None else f"{len(wards)} wards were given",
            "give --release DIR and one --ward",
        )
    published = Release.read(release)
    require_audited(published)
    facts = build_councillor_briefing(published, wards[0])
    if out:
        write_file(out, render_councillor_pdf(facts))
        print_message(f"Written: {out}")
    rows: list[dict[str, Any]] = [{"what": part.title, "said": " ".join(part.sentences)} for part in facts.parts]
    payload = {"title": facts.title, "ward": facts.ward, "parts": rows, "out": str(out) if out else None}
    print_answer(payload, form=form, rows=rows, heading=facts.title)


def require_pdf(out: Path | None) -> None:
    """UsageError if there is a file that does not end in .pdf, or whose folder does not exist."""
    if out is None:
        return
    if out.suffix.lower() != ".pdf":
        raise UsageError(
            "A briefing is written as a .pdf file",
            f"{out.name!r} has another ending",
            "give --out a name that ends in .pdf",
        )
    require_folder(out)
