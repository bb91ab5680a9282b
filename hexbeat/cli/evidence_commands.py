"""evidence: the incidents near a place, for a closure case."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from geo.errors import DataError, UsageError
from hexbeat.analysis.study import BRITISH_GRID
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.filter_options import FromOption, LayersOption, ToOption, parse_day
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.documents.evidence.evidence_check import PackCheck, check_pack
from hexbeat.documents.evidence.evidence_document import build_fact_rows, format_incident, render_evidence_pdf
from hexbeat.documents.evidence.evidence_sheets import build_evidence_xlsx
from hexbeat.files import atomic_write
from hexbeat.ingest.parsing.locations import parse_grid_refs, parse_pairs, to_degrees
from hexbeat.reports.evidence import EvidenceRequest, build_evidence, hash_content, list_default_layers, record_pack
from hexbeat.settings import Settings
from hexbeat.store.live_columns import read_columns

__all__ = ["evidence"]

YEAR = dt.timedelta(days=365)


def evidence(
    *,
    lon: Annotated[float | None, typer.Option(metavar="DEGREES", help="Longitude of the place.")] = None,
    lat: Annotated[float | None, typer.Option(metavar="DEGREES", help="Latitude of the place.")] = None,
    place: Annotated[str | None, typer.Option(metavar="LAT,LON", help='Both in one, "54.5727, -1.2401".')] = None,
    grid_ref: Annotated[str | None, typer.Option(metavar="REF", help='National Grid reference, "NZ 49250 20350".')] = (
        None
    ),
    radius: Annotated[float, typer.Option(metavar="M", help="Metres around it, 20 to 1000.")] = 100,
    from_: FromOption = None,
    to: ToOption = None,
    layer: LayersOption = None,
    reference: Annotated[str | None, typer.Option("--for", metavar="REFERENCE", help="The case it is for.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who makes it; kept in the files alone.")] = None,
    notes: Annotated[bool, typer.Option("--notes", help="With free text, where a source profile stored it.")] = False,
    out: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Write a .pdf or .xlsx; may be repeated.")
    ] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Verify a pack, and make none.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Incidents recorded near a place, for a closure case, as PDF and spreadsheet with a hash. Restricted.

    Overdoses are about people's health: they are left out unless asked for with --layer overdoses.

    Example: hexbeat evidence --place "54.5727, -1.2401" --radius 100 --for CL-14 --by "A. Analyst" --out pack.pdf
    """
    if check is not None:
        _report_check(_check_file(check, home=home), form=form)
        return
    files = out or []
    require_files(files)
    with open_installation(home, area) as installation:
        now = dt.datetime.now(installation.area.tz)
        end = parse_day(to) if to else now.date()
        at = parse_place(lon=lon, lat=lat, place=place, grid_ref=grid_ref)
        ask = EvidenceRequest(
            *at,
            radius_m=radius,
            start=parse_day(from_) if from_ else end - YEAR,
            end=end,
            reference=reference or "",
            made_by=by or "",
            layers=tuple(dict.fromkeys(layer or list_default_layers())),
            notes=notes,
        )
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        content = build_evidence(installation.store, installation.viewer, columns, installation.area, ask, made=now)
        for file in files:
            _write(installation, content, file)
        if files:
            record_pack(installation.settings.home, hash_content(content), now)
    _report(content, files, form=form)


def parse_place(
    *, lon: float | None, lat: float | None, place: str | None, grid_ref: str | None
) -> tuple[float, float]:
    """Longitude and latitude (WGS 84) of the one way in which the place was given; UsageError otherwise."""
    ways = [lon is not None or lat is not None, place is not None, grid_ref is not None]
    points = np.array([[np.nan, np.nan]])
    if sum(ways) == 1:
        if place is not None:
            points = parse_pairs(pd.Series([place], dtype="str"))
        elif grid_ref is not None:
            points = to_degrees(parse_grid_refs(pd.Series([grid_ref], dtype="str")), BRITISH_GRID)
        elif lon is not None and lat is not None:
            points = np.array([[lon, lat]])
    if not np.isfinite(points).all():
        raise UsageError(
            "A place is given in one way",
            "none was given that can be read" if sum(ways) == 1 else f"{sum(ways)} ways were given",
            'give --lon and --lat, or --place "54.5727, -1.2401", or --grid-ref "NZ 49250 20350"',
        )
    return float(points[0, 0]), float(points[0, 1])


def require_files(files: list[Path]) -> None:
    """UsageError unless each is a .pdf or .xlsx in a folder that is there."""
    for file in files:
        if file.suffix.lower() not in {".pdf", ".xlsx"}:
            raise UsageError(
                "A pack is written as .pdf or .xlsx", f"{file.name!r} is neither", "give --out another ending"
            )
        if not file.absolute().parent.is_dir():
            raise UsageError(
                "A file goes into a folder that exists", f"{file.parent} does not", "make it first, or choose another"
            )


def _write(installation: Installation, content: dict[str, Any], file: Path) -> None:
    made = (
        render_evidence_pdf(content, installation.area)
        if file.suffix.lower() == ".pdf"
        else build_evidence_xlsx(content)
    )
    with atomic_write(file) as draft:
        draft.write_bytes(made)


def _report(content: dict[str, Any], files: list[Path], *, form: Format) -> None:
    rows = [format_incident(row) for row in content["incidents"]]
    digest = hash_content(content)
    if form is Format.TABLE:
        for name, words in build_fact_rows(content):
            print_message(f"{name}: {words}")
        for words in content["caveats"]:
            print_message(words)
        print_message(f"SHA-256 {digest}")
        for file in files:
            print_message(f"Written: {file}")
    payload = {"sha256": digest, "out": [str(file) for file in files], "content": content}
    order = ("number", "when", "layer", "what", "where", "doubts")
    print_answer(payload, form=form, rows=rows, heading="Records", order=order if rows else ())


def _check_file(file: Path, *, home: Path | None) -> PackCheck:
    """The check of a file; DataError if it cannot be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(
            "A pack is checked in a file", f"{file.name} cannot be read ({type(error).__name__})", "check its name"
        ) from error
    return check_pack(file.name, content, home=Settings.from_environment(home=home).home)


def _report_check(found: PackCheck, *, form: Format) -> None:
    row = asdict(found)
    told = {"intact": "yes" if found.intact else "NO", "values": "equal" if found.same_values else "DIFFERENT"}
    told |= {"noted here": "yes" if found.noted else "no"}
    told |= {"case": found.reference, "made": found.made_at, "sha256": found.digest}
    print_answer(row, form=form, rows=[told], heading=found.sentence)
    if found.same_values and not found.intact:
        raise DataError(
            "A pack is relied on as it was written",
            "this one was saved again, changed, or made by another version; its values are equal, its looks unchecked",
            "ask for the file as it was written, or have it made again",
        )
    if not found.intact:
        raise DataError(
            "A pack shows the content that it carries",
            "this one does not",
            "do not rely on it; have it made again",
        )
