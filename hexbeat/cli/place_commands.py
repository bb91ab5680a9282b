"""places load, list, remove, undo: reference places, such as naloxone holders, schools and stations."""

from pathlib import Path
from typing import Annotated

import typer

from geo.errors import UsageError
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_rows
from hexbeat.cli.filter_options import to_json_value
from hexbeat.cli.installation import (
    AreaOption,
    DryRunOption,
    Format,
    FormatOption,
    HomeOption,
    YesOption,
    open_installation,
)
from hexbeat.cli.reading_options import EncodingOption, SheetOption, require_encoding
from hexbeat.cli.store_commands import confirm
from hexbeat.operations.reference_places import (
    KIND_NAMES,
    list_reference_loads,
    load_reference,
    read_reference,
    remove_reference,
    undo_reference,
)

__all__ = ["ColumnOption", "parse_columns", "places"]

places = typer.Typer(
    no_args_is_help=True,
    help="Load and list reference places: naloxone, play areas, schools, stations, depots, named places.",
)

KindOption = Annotated[str, typer.Option("--kind", metavar="K", help=f"One of {', '.join(KIND_NAMES)}.")]

ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="FIELD=HEADING", help="The heading of a field's column; may be repeated."),
]


@places.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, ODS, GeoJSON, GeoPackage, Shapefile, …")],
    *,
    kind: KindOption,
    column: ColumnOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Load the places of one kind. They replace the places of that kind; `hexbeat places undo` puts those back.

    Example: hexbeat places load pharmacies.csv --kind naloxone --dry-run
    """
    require_encoding(encoding)
    with open_installation(home, area) as installation:
        report = load_reference(
            installation.store,
            installation.viewer,
            file,
            kind=kind,
            area=installation.area,
            headings_by_field=parse_columns(column),
            sheet=sheet,
            encoding=encoding,
            dry_run=dry_run,
        )
    counts = {name: getattr(report, name) for name in ("file", "kind", "read", "accepted", "rejected", "replaced")}
    print_answer(report.as_dict(), form=form, rows=[counts], order=tuple(counts))
    for line, reason, name in report.samples:
        print_message(f"Rejected: line {line:,} ({name or 'without a name'}), {reason}")
    for remark in report.remarks:
        print_message(f"{remark}.")
    if report.unchanged:
        print_message("The same places are loaded already: nothing was changed.")
    elif dry_run:
        print_message("Dry run: nothing was changed.")


def parse_columns(columns: list[str] | None) -> dict[str, str]:
    """FIELD=HEADING texts as a mapping; UsageError for any other text."""
    headings = {}
    for column in columns or []:
        field, equals, heading = column.partition("=")
        if not (equals and field.strip() and heading.strip()):
            raise UsageError(
                "Write --column as FIELD=HEADING",
                f"--column is {column!r}",
                'write for example --column name="Site name"',
            )
        headings[field.strip()] = heading.strip()
    return headings


@places.command(name="list")
def list_places(
    *,
    kind: Annotated[str | None, typer.Option("--kind", metavar="K", help="Only this kind.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the loaded places: kind, name, ward, opening hours.

    Example: hexbeat places list --kind school
    """
    with open_installation(home, area) as installation:
        frame = read_reference(installation.store, installation.viewer, kind=kind)
        note_rows(len(frame))
        wards = dict(zip(installation.area.wards.codes, installation.area.wards.names, strict=True))
    rows = [
        {str(name): to_json_value(value) for name, value in row.items()}
        | {"ward_name": wards.get(row["ward_code"], "")}
        for row in frame.to_dict("records")
    ]
    print_answer({"places": rows}, form=form, rows=rows, heading="Places", order=("kind", "name", "ward_name", "hours"))


@places.command()
def remove(
    *,
    kind: KindOption,
    yes: YesOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove all places of a kind. `hexbeat places undo` puts them back.

    Example: hexbeat places remove --kind school --yes
    """
    confirm(yes=yes, question=f"Remove all places of the kind {kind}?")
    with open_installation(home, area) as installation:
        removed = remove_reference(installation.store, installation.viewer, kind=kind, area=installation.area)
    row = {"kind": kind, "removed": removed}
    print_answer(row, form=form, rows=[row])


@places.command()
def undo(
    *,
    kind: KindOption,
    yes: YesOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Undo the last load or removal of a kind, and restore the places from before.

    Example: hexbeat places undo --kind school --yes
    """
    confirm(yes=yes, question=f"Undo the last load or removal of the kind {kind}?")
    with open_installation(home, area) as installation:
        last_load = undo_reference(installation.store, installation.viewer, kind=kind)
        places_now = len(read_reference(installation.store, installation.viewer, kind=kind))
        loads_left = sum(
            load.kind == kind and load.undone_at is None
            for load in list_reference_loads(installation.store, installation.viewer)
        )
    row = {"kind": kind, "file": last_load.file, "places_now": places_now, "loads_left": loads_left}
    print_answer(row, form=form, rows=[row], heading="Undone")
