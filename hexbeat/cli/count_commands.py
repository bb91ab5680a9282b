"""counts: the number of events by place, time, layer, category or reporter."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hexbeat.analysis.count_files import export_counts
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import name_cells
from hexbeat.cli.answers import format_value, print_answer, print_message
from hexbeat.cli.command_audit import note_answer, note_rows
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
from layers.access import list_layers, require_export
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import GroupedCounts, count_groups
from layers.event import Measure
from layers.filters import Filter, require_resolution
from layers.grouping import GROUPS
from layers.periods import describe_missing_days, get_coverage, has_known_day
from layers.precision import describe_fine_cells, measure_chosen_precision

__all__ = ["counts"]

_USUAL_RESOLUTION: Final = 9


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
        missing = describe_missing_days(columns, chosen, time_zone=zone)
        note_rows(len(grouped.list_rows()))
        if out:
            require_export(installation.viewer, "counts", chosen.layers or list_layers(installation.viewer))
            note_answer()
            export_counts(
                grouped.to_counts(),
                Path(out),
                by=groups,
                area=installation.area,
                note=build_provenance(installation, mark=mark) | ({"missing": missing} if missing else {}),
            )
        is_known = has_known_day(columns, chosen, time_zone=zone)
        rough = describe_rough_cells(columns, chosen, size, time_zone=zone) if "cell" in groups else []
        rows = name_rows(grouped.list_rows(), installation.area)
    print_counts(
        grouped, rows, form=form, measure=chosen.measure, out=out, mark=mark, missing=missing, is_known=is_known
    )
    for note in rough:
        print_message(note)


def describe_rough_cells(columns: Columns, chosen: Filter, resolution: int, *, time_zone: str) -> list[str]:
    """Sentences on the layers whose records know their places less well than cells of this size.

    Cells of the usual size are only looked at where a source says how well it knows its places: measuring takes longer
    than counting.
    """
    if resolution <= _USUAL_RESOLUTION and not columns.location.any():
        return []
    layers = chosen.layers or get_coverage(columns, time_zone=time_zone).layers
    notes = {}
    for layer in layers:
        precision = measure_chosen_precision(columns, replace(chosen, layers=(layer,)), time_zone=time_zone)
        notes[layer] = describe_fine_cells(precision, resolution)
    return [f"{find_layer(layer).title}: {note}" for layer, note in notes.items() if note]


def name_rows(rows: list[dict[str, Any]], area: Area) -> list[dict[str, Any]]:
    """The rows with the place of each cell beside it, where they have cells."""
    if not rows or "cell" not in rows[0]:
        return rows
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    places = dict(zip(cells, name_cells(parse_cells(cells), area), strict=True))
    at = list(rows[0]).index("cell") + 1
    return [dict([*list(row.items())[:at], ("place", places[row["cell"]]), *list(row.items())[at:]]) for row in rows]


def print_counts(
    grouped: GroupedCounts,
    rows: list[dict[str, Any]],
    *,
    form: Format,
    measure: Measure,
    out: str | None,
    mark: str | None,
    missing: str | None,
    is_known: bool,
) -> None:
    """Print the counts by their `rows`; with `out`, the totals and the name of the file instead of the rows.

    What is on record is counted, also of days that are not known (`missing`). `is_known`: a day is.
    """
    totals: dict[str, Any] = {
        "total": to_json_value(grouped.total),
        "unplaced_in_time": grouped.unplaced_in_time,
        "shared_in_time": grouped.shared_in_time,
    }
    rows = [{**row, "count": to_json_value(row["count"])} for row in rows]
    payload = (
        {**totals, "rows": rows, "missing": missing}
        | ({"out": out} if out else {})
        | ({"demonstration": mark} if mark else {})
    )
    unit = "Events" if measure == "events" else "Items"
    heading = f"{unit}: {format_value(grouped.total) if grouped.total or is_known else 'not known'}"
    if missing and (grouped.total or is_known):
        heading = f"{unit} on record (not all days are known): {format_value(grouped.total)}"
    heading += f", {grouped.shared_in_time} shared in time, {grouped.unplaced_in_time} left out (time not known)"
    empty = "not known" if missing else "none"
    print_answer(payload, form=form, rows=[totals | {"file": out}] if out else rows, heading=heading, empty=empty)
    if missing:
        print_message(f"{missing[:1].upper()}{missing[1:]}. That is not the same as none.")
    if mark:
        print_message(f"DEMONSTRATION: {mark}.")
