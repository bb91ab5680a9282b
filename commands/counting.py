"""counts: how many, by cell, ward, month and layer."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.answers import answer
from commands.asking import parse_as_at, parse_day, parse_groups, parse_resolution
from commands.options import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from layers.counts_export import export_counts
from layers.event import Measure
from layers.filters import filter_from_options
from layers.query import Counts, count
from layers.reading import read_columns

__all__ = ["counts"]


class MeasureName(StrEnum):
    """What is summed."""

    EVENTS = "events"
    QUANTITY = "quantity"


def counts(
    *,
    layer: Annotated[list[str] | None, typer.Option(metavar="L", help="Only this layer; may be repeated.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="D", help="First day, 2026-11-21 or 21/11/2026.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="D", help="First day that no longer counts.")] = None,
    ward: Annotated[
        list[str] | None, typer.Option(metavar="CODE_OR_NAME", help="Only this ward; may be repeated.")
    ] = None,
    hours: Annotated[str | None, typer.Option(metavar="22-04", help="Only these hours; may run over midnight.")] = None,
    days: Annotated[
        str | None, typer.Option(metavar="fri,sat", help="Only these days; a night belongs to the day it begins on.")
    ] = None,
    reported_by: Annotated[
        list[str] | None, typer.Option(metavar="WHO", help="public, officer, sweep or agency; may be repeated.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="cell|ward|month|layer,...", help="What to group by.")] = "cell",
    resolution: Annotated[int, typer.Option(metavar="R", help="H3 resolution of cells: 8, 9, 10 or 11.")] = 9,
    measure: Annotated[MeasureName, typer.Option(help="Count events, or sum their quantity.")] = MeasureName.EVENTS,
    as_at: Annotated[str | None, typer.Option(metavar="D", help="As the store stood at the end of that day.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rows to a .csv, .geojson or .parquet file.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Count events by cell, ward, month and layer.

    Example: hexbeat counts --layer needle_litter --from 2026-10-01 --ward Central --by ward,month
    """
    with open_installation(home, area) as here:
        chosen = filter_from_options(
            here.area.wards,
            layers=layer or [],
            start=parse_day(from_) if from_ else None,
            end=parse_day(to) if to else None,
            ward_names=ward or [],
            hours=hours,
            days=days,
            reported_by=reported_by or [],
            measure=measure.value,
        )
        groups, size = parse_groups(by), parse_resolution(resolution)
        moment = parse_as_at(as_at, here.area.time_zone) if as_at else None
        columns = read_columns(here.store, here.viewer, ward_codes=here.area.wards.codes, as_at=moment)
        found = count(columns, chosen, by=groups, resolution=size, wards=here.area.wards, time_zone=here.area.time_zone)
        if out:
            export_counts(
                found,
                out,
                by=groups,
                area=here.area,
                note=provenance(here, demonstration=bool(columns.demonstration.any())),
            )
    report(found, form=form, measure=chosen.measure, out=out)


def report(found: Counts, *, form: Format, measure: Measure, out: Path | None) -> None:
    """Print what was counted; with `out`, the totals and the file's name instead of the rows."""
    totals: dict[str, Any] = {
        "total": plain_number(found.total),
        "unplaced_in_time": found.unplaced_in_time,
        "shared_in_time": found.shared_in_time,
    }
    rows = [{**row, "count": plain_number(row["count"])} for row in found.rows.to_dict("records")]
    payload = {**totals, "rows": rows} | ({"out": str(out)} if out else {})
    heading = f"{'Events' if measure == 'events' else 'Items'}: {totals['total']:g}"
    heading += f", {found.shared_in_time} shared in time, {found.unplaced_in_time} left out for want of a time"
    answer(payload, form=form, rows=[totals | {"file": str(out)}] if out else rows, heading=heading)


def plain_number(value: float) -> int | float:
    """Whole numbers as whole, others as they are."""
    return int(value) if float(value).is_integer() else float(value)


def provenance(here: Installation, *, demonstration: bool) -> dict[str, str]:
    """What a file must say of itself: area, wards' source, the moment, and whether events are synthetic."""
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    note = {"area": here.area.title, "attribution": here.area.attribution, "made": made}
    return note | ({"demonstration": "synthetic events, not real"} if demonstration else {})
