"""ingest, rejects, history, erase, retain, undo, export: loading the store, and removing and reading its events."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from geo.errors import ClockError, DataError, UsageError
from hexbeat.cli.answers import print_answer, print_message, progress_bar
from hexbeat.cli.command_audit import note_answer, note_rows
from hexbeat.cli.coverage_commands import parse_covers
from hexbeat.cli.installation import (
    AreaOption,
    DryRunOption,
    Format,
    FormatOption,
    HomeOption,
    Installation,
    YesOption,
    open_installation,
    prepare_reading,
)
from hexbeat.cli.reading_options import EncodingOption, SheetOption, choose_reading
from hexbeat.ingest.ingest import IngestReport, ingest_files
from hexbeat.ingest.load_checks import NoGazetteerError
from hexbeat.ingest.parsing.reject_rows import build_reject_line, explain_reject
from hexbeat.ingest.replaced_events import build_replacement_rows, describe_known_references, describe_replacements
from hexbeat.ingest.sources import find_free_path, load_profile, sources_folder
from hexbeat.ingest.unused_columns import UnusedColumn, describe_not_read, describe_offer
from hexbeat.store.erasure import Erasure
from hexbeat.store.live_columns import has_demonstration
from hexbeat.store.replacements import ReplacementError, Replacements
from hexbeat.store.store import Version
from layers.wording import format_list, format_plural

__all__ = [
    "ClockOption",
    "confirm",
    "erase",
    "export",
    "history",
    "ingest",
    "offer_clock_option",
    "rejects",
    "retain",
    "undo",
]

ClockOption = Annotated[
    bool,
    typer.Option("--clock-is-right", help="Remove although the last records came more than a year before today."),
]
REJECT_WIDTH: Final = 100  # characters of a line
TALLY: Final = ("file", "read", "skipped", "rejected", "new", "updated", "unchanged", "removed")


def ingest(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files to load, or a URL for open311.")],
    *,
    source: Annotated[str, typer.Option(metavar="NAME", help="The source profile; hexbeat sources lists them.")],
    layer: Annotated[
        str | None, typer.Option(metavar="L", help="The layer of every row, if the file names none.")
    ] = None,
    covers: Annotated[
        str | None,
        typer.Option(metavar="FROM:TO", help="The days for which the files are complete; TO no longer counts."),
    ] = None,
    replace_other_events: Annotated[
        bool,
        typer.Option("--replace-other-events", help="Load also where known identifiers have another day and place."),
    ] = False,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Load files of one source: all of them, or none if one cannot be read.

    Example: hexbeat ingest 2024-*-cleveland-street.csv --source police-uk-street
    """
    with open_installation(home, area) as installation:
        mixed = has_demonstration(installation.store, installation.viewer)
        home_folder = installation.settings.home
        try:
            with progress_bar("Loading") as progress:
                report = ingest_files(
                    installation.store, installation.viewer, files, area=installation.area, home=home_folder,
                    source=choose_reading(load_profile(source, installation.documents), sheet=sheet, encoding=encoding),
                    dry_run=dry_run, layer=layer, progress=progress,
                    covers=parse_covers(covers) if covers else None, replace_other_events=replace_other_events,
                )  # fmt: skip
        except ReplacementError as error:
            print_replaced_events(error.replacements, installation)
            hint = f"{error.hint}; if these are corrections, --replace-other-events loads them"
            raise DataError(error.rule, error.fact, hint) from error
        except NoGazetteerError as error:
            hint = f"add coordinates to the file, or build one: hexbeat gazetteer build FILE... --area {error.area}"
            raise DataError(error.rule, error.fact, hint) from error
        note_rows(report.changed)
        for file in report.files:
            if file.replacements.replaced:
                print_message(f"{describe_replacements(file.file, file.replacements)}.")
                print_replaced_events(file.replacements, installation)
        print_report(report, form=form, folder=sources_folder(home_folder), paths=files)
        if mixed:
            print_message("DEMONSTRATION: this store also holds synthetic events; hexbeat demo --remove removes them.")
        if dry_run:
            if not replace_other_events and any(file.replacements.are_too_many for file in report.files):
                print_message("Loading would stop here. If these are corrections, --replace-other-events loads them.")
            print_message("Dry run: nothing was changed.")
            return
        if any(file.tally.rejected for file in report.files):
            print_message(f"Rejected rows are kept with their reasons: hexbeat rejects --batch {report.batch_id}")
        prepare_reading(installation, changed=report.changed)


def print_report(report: IngestReport, *, form: Format, folder: Path, paths: list[str]) -> None:
    """Print what happened to the rows of each file, what was assumed, and the days that are complete."""
    rows = [file.as_dict() for file in report.files]
    print_answer({"files": rows, "batch": report.batch_id}, form=form, rows=rows, order=TALLY)
    reasons = sum((Counter(row["reasons"]) for row in rows), Counter[str]())
    if reasons:
        print_message(
            "Skipped or rejected: " + ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        )
    for remark in report.remarks:
        print_message(remark + ".")
    for file in report.files:
        notices = describe_known_references(
            file.file, file.known_references, accepted=file.tally.accepted, dry_run=report.dry_run, undo="hexbeat undo"
        )
        for notice in notices:
            print_message(f"{notice}.")
    print_not_read(report, folder, paths)
    for sentence in report.describe_coverage():
        print_message(sentence)


def print_replaced_events(replacements: Replacements, installation: Installation) -> None:
    """Print the first events of other days and places that a file replaces, each above its new row."""
    rows = build_replacement_rows(
        replacements, installation.viewer, area=installation.area, time_zone=installation.area.tz
    )
    for row in rows:
        print_message(
            f"  {row['identifier']}, {row['event']}: {row['day']}, {row['place']}, quantity {row['quantity']}"
        )


def print_not_read(report: IngestReport, folder: Path, paths: list[str]) -> None:
    """Print which columns are not read, once for files with the same ones, and which of them may be of use.

    `paths` are the files as the person wrote them, of which the command that makes a source names the first.
    """
    files: dict[tuple[UnusedColumn, ...], list[str]] = {}
    for file in report.files:
        if file.unused:
            files.setdefault(file.unused, []).append(file.file)
    for columns, names in files.items():
        print_message(f"{format_list(list(dict.fromkeys(names)), most=3)}: {describe_not_read(columns)}.")
        offers = [column for column in columns if column.part]
        for column in offers:
            print_message(f"{describe_offer(column)}. Use it?")
        if offers:
            path = next((path for path in paths if Path(path).name == names[0]), paths[0])
            out = find_free_path(folder, names[0])
            print_message(f"  hexbeat sources suggest {shlex.quote(path)} --out {shlex.quote(str(out))}")
            print_message("  makes a source that does.")


def rejects(
    *,
    batch: Annotated[int | None, typer.Option(metavar="B", help="Only this load; default: all.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the rows that could not be used, with their file, line, reason and the columns that were read.

    Example: hexbeat rejects --batch 3
    """
    with open_installation(home, area) as installation:
        rejected = installation.store.rejects(installation.viewer, batch)
        records = [{str(name): value for name, value in row.items()} for row in rejected.to_dict("records")]
        note_rows(len(records))
    rows = [{**row, "why": explain_reject(str(row["reason"]), str(row["raw"]))} for row in records]
    lines = [build_reject_line(row) for row in rows]
    print_answer({"rejects": rows}, form=form, rows=lines, heading="Rejected rows", widest=REJECT_WIDTH)
    if lines and form is Format.TABLE:
        print_message("--format json shows the rows whole, with their source and identifier.")


def history(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID")],
    *,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show every version of one event, oldest first.

    Example: hexbeat history 3f2a9c51d0e48b76
    """
    with open_installation(home, area) as installation:
        versions = installation.store.history(installation.viewer, event_id)
        note_rows(len(versions))
    if not versions:
        raise UsageError(
            "The history needs the identifier of an event in the store",
            f"no event has the identifier {event_id!r}",
            "copy the identifier from the file that hexbeat export writes",
        )
    rows = [build_version_row(version) for version in versions]
    print_answer(
        {"versions": rows},
        form=form,
        rows=build_version_table(rows),
        heading=f"Event {event_id}: {format_plural(len(rows), 'version', 'versions')}",
    )


def build_version_table(versions: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One row for each field, one column for each version, and a mark for fields that changed."""
    rows = []
    for name in versions[0]:
        values = ["" if version[name] is None else str(version[name]) for version in versions]
        if any(values):
            changed = "*" if len(set(values)) > 1 else ""
            rows.append({"field": name, "changed": changed} | {f"{n}": v for n, v in enumerate(values, start=1)})
    return rows


def build_version_row(version: Version) -> dict[str, Any]:
    """One version as a row: times in UTC, cells as H3 strings."""
    event = dict(version.event)
    for name, value in version.event.items():
        if name.startswith("h3_"):
            event[name] = f"{value:x}"
        elif name.startswith("occurred_"):
            event[name] = format_utc(datetime.fromtimestamp(value, tz=UTC))
    return {
        "recorded_at": format_utc(version.recorded_at),
        "superseded_at": format_utc(version.superseded_at) if version.superseded_at else None,
        "batch": version.batch_id,
        **event,
    }


def format_utc(time: datetime) -> str:
    """A time as in 2026-11-21T08:15:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def erase(
    *,
    source: Annotated[str, typer.Option(metavar="S", help="The source of the event.")],
    source_id: Annotated[str, typer.Option("--source-id", metavar="ID", help="Its identifier in that source.")],
    yes: YesOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove every version of one event for good, or of one visit with --source ledger.

    Example: hexbeat erase --source table --source-id CASE-17 --yes
    """
    confirm(yes=yes, question="Erase every version of this event? This cannot be undone.")
    with open_installation(home, area) as installation:
        erasure = installation.store.erase(installation.viewer, source, source_id)
        note_rows(erasure.rows + erasure.rejects + erasure.visits)
    if not erasure.removed_any:
        raise UsageError(
            "You can erase an event, a rejected row or a visit that is in the store",
            f"source {source!r} has nothing with the identifier {source_id!r}, so nothing was changed",
            "copy both from hexbeat export, hexbeat rejects or hexbeat done list",
        )
    report_erasure(erasure, form)


def retain(
    *,
    years: Annotated[int, typer.Option(min=1, metavar="N", help="Keep what ended within the last N years.")],
    yes: YesOption = False,
    clock_is_right: ClockOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove for good the events that ended, and the visits that were made, more than N years ago.

    Example: hexbeat retain --years 6 --yes
    """
    confirm(yes=yes, question=f"Remove all that ended over {format_plural(years, 'year', 'years')} ago, for good?")
    with open_installation(home, area) as installation, offer_clock_option():
        erasure = installation.store.retain(installation.viewer, years, is_clock_sure=clock_is_right)
        note_rows(erasure.rows + erasure.rejects + erasure.visits)
        report_erasure(erasure, form)


@contextmanager
def offer_clock_option() -> Iterator[None]:
    """Name the option to somebody whose clock is far ahead of the records."""
    try:
        yield
    except ClockError as error:
        hint = f"{error.hint}; if the date is right, add --clock-is-right"
        raise ClockError(error.rule, error.fact, hint) from error


def report_erasure(erasure: Erasure, form: Format) -> None:
    """Print what was removed, and what is still to do."""
    counts = {"events": erasure.events, "versions": erasure.rows, "rejects": erasure.rejects, "visits": erasure.visits}
    row = counts | {"complete": erasure.complete}
    print_answer(row, form=form, rows=[row], heading="Removed for good")
    if erasure.notice:
        print_message(erasure.notice)


def undo(
    *,
    batch: Annotated[
        int | None, typer.Option(metavar="B", help="Undo only if this load is still the last one.")
    ] = None,
    yes: YesOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Undo the last load: remove its events and restore those that it replaced.

    Example: hexbeat undo --yes
    """
    with open_installation(home, area) as installation:
        last = installation.store.last_load(installation.viewer)
        if last is not None and batch is None:
            batch = last.batch_id  # what is confirmed is what is undone, also if somebody loads meanwhile
            files = ", ".join(str(file["file"]) for file in last.files)
            confirm(yes=yes, question=f"Undo load {batch} ({files}; new events: {last.new:,})?")
        load = installation.store.undo_last(installation.viewer, batch_id=batch)
        note_rows(load.new + load.updated + load.removed)
    counts = {name: getattr(load, name) for name in ("new", "updated", "unchanged", "removed", "rejected")}
    row = {"batch": load.batch_id, "files": [file["file"] for file in load.files], **counts}
    print_answer(row, form=form, rows=[row], heading="Undone: this load was removed")


def confirm(*, yes: bool, question: str) -> None:
    """Ask a question on standard error before something is lost.

    UsageError if there is no terminal to ask on. If the answer is no, the command ends with exit code 0.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "Confirm this before Hexbeat does it",
            "there is no terminal on which to ask you",
            "add --yes to confirm it in the command",
        )
    print_message(f"{question} [y/N]")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        print_message("Nothing was changed.")
        raise typer.Exit


def export(
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="A .parquet, .gpkg or .csv file, or a folder for a dataset.")
    ],
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Write the live events to a file: GeoParquet, GeoPackage or CSV; or to a folder of GeoParquet files.

    A name without an ending is a folder: a file for each layer and month, for --dataset and other programs.

    Example: hexbeat export --out events.parquet
    """
    from hexbeat.store.datasets import export_dataset  # noqa: PLC0415 - importing pyarrow takes long
    from hexbeat.store.event_files import export_events  # noqa: PLC0415 - likewise

    with open_installation(home, area) as installation:
        store, viewer, place = installation.store, installation.viewer, installation.area
        if out.suffix:
            events = export_events(store, viewer, out, before=note_answer)
        else:
            events = export_dataset(
                store, viewer, out, area=place.name, time_zone=place.time_zone, ward_codes=place.wards.codes,
                before=note_answer,
            )  # fmt: skip
    print_answer({"out": str(out), "events": events}, form=form, rows=[{"file": str(out), "events": events}])
