"""evidence: the incidents recorded near a place, for a closure case."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from geo.errors import DataError, UsageError
from geo.locations import parse_grid_refs, to_degrees
from hexbeat.analysis.study import BRITISH_GRID
from hexbeat.areas.area import Area
from hexbeat.areas.place_finder import find_one_place
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_reason, note_rows
from hexbeat.cli.filter_options import FromOption, LayersOption, ToOption, parse_day, read_area_columns
from hexbeat.cli.installation import (
    AreaOption,
    Format,
    FormatOption,
    HomeOption,
    Installation,
    open_documents,
    open_installation,
)
from hexbeat.cli.output_files import write_file
from hexbeat.documents.evidence.evidence_check import PackCheck, check_pack
from hexbeat.documents.evidence.evidence_document import (
    build_fact_rows,
    format_incident,
    is_unknown,
    render_evidence_pdf,
)
from hexbeat.documents.evidence.evidence_sheets import build_evidence_xlsx
from hexbeat.files import require_folder
from hexbeat.reports.evidence import EvidenceRequest, build_evidence, hash_content, list_default_layers, record_pack
from hexbeat.settings import Settings
from layers.access import Action, list_layers
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.periods import get_coverage
from layers.wording import format_date, format_list

__all__ = ["evidence"]

DAY = dt.timedelta(days=1)
YEAR = dt.timedelta(days=365)


def evidence(
    *,
    lon: Annotated[float | None, typer.Option(metavar="DEGREES", help="Longitude of the place.")] = None,
    lat: Annotated[float | None, typer.Option(metavar="DEGREES", help="Latitude of the place.")] = None,
    place: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help='A street, postcode or named place, or coordinates, as in "54.5727, -1.2401".'
        ),
    ] = None,
    grid_ref: Annotated[
        str | None, typer.Option(metavar="REF", help='National Grid reference, as in "NZ 49250 20350".')
    ] = (None),
    radius: Annotated[float, typer.Option(metavar="M", help="Metres around the place, 20 to 1000.")] = 100,
    from_: FromOption = None,
    to: ToOption = None,
    layer: LayersOption = None,
    reference: Annotated[
        str | None, typer.Option("--for", metavar="REFERENCE", help="The reference of the case.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="The person who makes the pack; written only to the files.")
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why the case needs it; asked for where records are about health.")
    ] = "",
    notes: Annotated[bool, typer.Option("--notes", help="Include free text, if a source profile stored it.")] = False,
    out: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Write a .pdf or .xlsx file; may be repeated.")
    ] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Check a pack instead of making one.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Gather the incidents recorded near a place, for a closure case.

    The pack is restricted. It is a PDF or a spreadsheet with a hash.

    Overdoses are about people's health, so they are left out unless you add --layer overdoses, with a --reason.

    Example: hexbeat evidence --place "54.5727, -1.2401" --radius 100 --for CL-14 --by "A. Analyst" --out pack.pdf
    """
    if check is not None:
        _report_check(_check_file(check, home=home), form=form)
        return
    files = out or []
    require_files(files)
    with open_installation(home, area) as installation:
        now = dt.datetime.now(installation.area.tz)
        columns = read_area_columns(installation)
        layers = tuple(dict.fromkeys(layer or choose_layers(installation)))
        end = parse_day(to) if to else choose_end(columns, layers, installation.area, today=now.date())
        at = choose_place(installation.area, lon=lon, lat=lat, place=place, grid_ref=grid_ref)
        request = EvidenceRequest(
            *at,
            radius_m=radius,
            start=parse_day(from_) if from_ else end - YEAR,
            end=end,
            reference=reference or "",
            made_by=by or "",
            layers=layers,
            notes=notes,
            reason=reason,
        )
        note_reason(reason)
        content = build_evidence(
            installation.store, installation.viewer, columns, installation.area, request, made_at=now
        )
        if not to:
            print_message(f"The period ends with {format_date(end - DAY)}, {describe_end(end, now.date())}.")
        note_rows(len(content["incidents"]))
        for file in files:
            _write_pack(installation, content, file)
        if files:
            record_pack(installation.documents, hash_content(content), now)
    _report(content, files, form=form)


def choose_layers(installation: Installation) -> list[str]:
    """The layers of a pack if none are named: the usual ones of which the viewer may make one."""
    allowed = list_layers(installation.viewer, Action.MAKE_EVIDENCE)
    usual = list(list_default_layers())
    return [name for name in usual if name in allowed] or usual


def choose_end(columns: Columns, layers: Sequence[str], area: Area, *, today: dt.date) -> dt.date:
    """The day after the last known day of these layers, at most today; today where no layer has a known day."""
    coverage = get_coverage(columns, time_zone=area.time_zone)
    ends = [reach[1] for name in layers if (reach := coverage.find_reach(name))]
    return min(max(ends, default=today), today)


def describe_end(end: dt.date, today: dt.date) -> str:
    """Why a period ends there."""
    return "the last known day of these layers" if end < today else "yesterday"


def choose_place(
    area: Area, *, lon: float | None, lat: float | None, place: str | None, grid_ref: str | None
) -> tuple[float, float]:
    """Longitude and latitude (WGS 84) of the place; UsageError unless it is given in exactly one way.

    A message says which place words were taken for.
    """
    ways = [lon is not None or lat is not None, place is not None, grid_ref is not None]
    points = np.array([[np.nan, np.nan]])
    if sum(ways) == 1:
        if place is not None:
            named_place = find_one_place(place, area)
            if named_place.kind != "point":
                print_message(f"Place: {named_place.name}")
            return named_place.lon, named_place.lat
        if grid_ref is not None:
            points = to_degrees(parse_grid_refs(pd.Series([grid_ref], dtype="str")), BRITISH_GRID)
        elif lon is not None and lat is not None:
            points = np.array([[lon, lat]])
    if not np.isfinite(points).all():
        raise UsageError(
            "Give the place in one way",
            "the place that was given cannot be read" if sum(ways) == 1 else f"{sum(ways)} ways were used",
            'give --lon and --lat, or --place "54.5727, -1.2401", or --grid-ref "NZ 49250 20350"',
        )
    return float(points[0, 0]), float(points[0, 1])


def require_files(files: list[Path]) -> None:
    """UsageError unless each file is a .pdf or .xlsx in a folder that exists."""
    for file in files:
        if file.suffix.lower() not in {".pdf", ".xlsx"}:
            raise UsageError(
                "A pack is a .pdf or .xlsx file",
                f"{file.name!r} has another ending",
                "give --out a name that ends in .pdf or .xlsx",
            )
        require_folder(file)


def _write_pack(installation: Installation, content: dict[str, Any], file: Path) -> None:
    data = (
        render_evidence_pdf(content, installation.area)
        if file.suffix.lower() == ".pdf"
        else build_evidence_xlsx(content)
    )
    write_file(file, data)


def _report(content: dict[str, Any], files: list[Path], *, form: Format) -> None:
    rows = [format_incident(row) for row in content["incidents"]]
    digest = hash_content(content)
    if form is Format.TABLE:
        for name, value in build_fact_rows(content):
            print_message(f"{name}: {value}")
        for caveat in content["caveats"]:
            print_message(caveat)
        print_message(f"SHA-256 {digest}")
        for file in files:
            print_message(f"Written: {file}")
    payload = {"sha256": digest, "out": [str(file) for file in files], "content": content}
    order = ("number", "when", "layer", "what", "where", "doubts")
    if form is Format.TABLE and not rows:
        typer.echo(f"Records: {describe_nothing(content)}")
        return
    print_answer(payload, form=form, rows=rows, heading="Records", order=order if rows else ())


def describe_nothing(content: dict[str, Any]) -> str:
    """What stands in place of the records where there are none."""
    if is_unknown(content):
        return "not known"
    states = {row["layer"]: row["state"] for row in content["not_known"]}
    unknown = [find_layer(name).many for name in content["layers"] if states.get(name) == "not known"]
    partly = [find_layer(name).many for name in content["layers"] if states.get(name) == "partly known"]
    parts = [f"{format_list(unknown)} are not known"] if unknown else []
    parts += [f"not all days of {format_list(partly)} are known"] if partly else []
    return ", ".join(["none", *(f"{'and' if place else 'but'} {part}" for place, part in enumerate(parts))])


def _check_file(file: Path, *, home: Path | None) -> PackCheck:
    """The check of a file; DataError if it cannot be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(
            "Hexbeat has to be able to read the file of the pack",
            f"{file.name} cannot be read ({type(error).__name__})",
            "check its name, and that you may read it",
        ) from error
    with open_documents(home) as documents:
        return check_pack(file.name, content, home=Settings.from_environment(home=home).home, documents=documents)


def _report_check(check: PackCheck, *, form: Format) -> None:
    row = {"intact": "yes" if check.intact else "NO", "values": "equal" if check.same_values else "DIFFERENT"}
    row |= {"noted here": "yes" if check.noted else "no"}
    row |= {"case": check.reference, "made": check.made_at, "sha256": check.digest}
    print_answer(asdict(check), form=form, rows=[row], heading=check.sentence)
    if check.same_values and not check.intact:
        raise DataError(
            "Only rely on a pack as it was first written",
            "this file was saved again, changed, or made by another version; its values are equal, its looks unchecked",
            "ask for the file as it was first written, or make the pack again",
        )
    if not check.intact:
        raise DataError(
            "The pages of a pack have to show its content",
            "this file shows something else",
            "do not rely on it; make the pack again",
        )
