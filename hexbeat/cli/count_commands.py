"""counts: the number of events by place, time, layer, category or reporter."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from hexbeat.analysis.count_files import export_counts
from hexbeat.cli.answers import format_value, print_answer, print_message
from hexbeat.cli.filter_options import (
    AsAtOption,
    FilterRequest,
    OutOption,
    ResolutionOption,
    build_provenance,
    find_demonstration_mark,
    parse_groups,
    read_filtered,
    takes_filter,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import NO_HOURS, GroupedCounts, count_groups, lacks_hours
from layers.event import Measure
from layers.filters import Filter, require_resolution
from layers.grouping import GROUPS
from layers.periods import get_coverage

__all__ = ["counts"]


@takes_filter()
def counts(
    *,
    request: FilterRequest,
    by: Annotated[
        str, typer.Option(metavar="WHAT,...", help=f"What to group by: any of {', '.join(GROUPS)}.")
    ] = "cell",
    resolution: ResolutionOption = 9,
    as_at: AsAtOption = None,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Count events by place, time, layer, category or reporter.

    Example: hexbeat counts --layer needle_litter --from 2026-10-01 --ward Central --by ward,month
    """
    with open_installation(home, area) as installation:
        groups, size, zone = parse_groups(by), require_resolution(resolution), installation.area.time_zone
        columns, chosen = read_filtered(installation, request, as_at=as_at)
        grouped = count_groups(
            columns, chosen, by=groups, resolution=size, wards=installation.area.wards, time_zone=zone
        )
        mark = find_demonstration_mark(columns)
        missing = describe_missing(columns, chosen, time_zone=zone)
        if out:
            export_counts(
                grouped.to_counts(),
                Path(out),
                by=groups,
                area=installation.area,
                note=build_provenance(installation, mark=mark),
            )
    print_counts(grouped, form=form, measure=chosen.measure, out=out, mark=mark, missing=missing)


def describe_missing(columns: Columns, chosen: Filter, *, time_zone: str) -> str | None:
    """Which days, or hours, of the period asked for are not known, layer by layer; None where all of them are.

    An open end of the period is where the records of the layer begin or end. Without layers, those with any records.
    """
    coverage, parts = get_coverage(columns, time_zone=time_zone), []
    layers = chosen.layers or coverage.layers
    for name in layers:
        reach = coverage.find_reach(name, wards=chosen.wards)
        first, end = chosen.start or (reach and reach[0]), chosen.end or (reach and reach[1])
        if first is None or end is None:
            missing: str | None = "no day is known"
        else:
            missing = coverage.describe_missing(name, (first, end), wards=chosen.wards) if first < end else None
            known = coverage.find_known_in(name, (first, end), wards=chosen.wards) if first < end else ()
            if lacks_hours(columns, replace(chosen, layers=(name,)), known, time_zone=time_zone):
                missing = NO_HOURS
        if missing:
            parts.append(f"{find_layer(name).title}: {missing}" if len(layers) > 1 else missing)
    return "; ".join(parts) or (None if layers else "no day is known")


def print_counts(
    grouped: GroupedCounts,
    *,
    form: Format,
    measure: Measure,
    out: str | None,
    mark: str | None,
    missing: str | None,
) -> None:
    """Print the counts; with `out`, the totals and the name of the file instead of the rows."""
    totals: dict[str, Any] = {
        "total": to_json_value(grouped.total),
        "unplaced_in_time": grouped.unplaced_in_time,
        "shared_in_time": grouped.shared_in_time,
    }
    rows = [{**row, "count": to_json_value(row["count"])} for row in grouped.list_rows()]
    payload = (
        {**totals, "rows": rows, "missing": missing}
        | ({"out": out} if out else {})
        | ({"demonstration": mark} if mark else {})
    )
    total = "not known" if missing and not grouped.total else format_value(grouped.total)
    heading = f"{'Events' if measure == 'events' else 'Items'}: {total}"
    heading += f", {grouped.shared_in_time} shared in time, {grouped.unplaced_in_time} left out (time not known)"
    print_answer(payload, form=form, rows=[totals | {"file": out}] if out else rows, heading=heading)
    if missing:
        print_message(f"{missing[:1].upper()}{missing[1:]}. That is not the same as none.")
    if mark:
        print_message(f"DEMONSTRATION: {mark}.")
