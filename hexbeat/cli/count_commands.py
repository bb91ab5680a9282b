"""counts: the number of events by place, time, layer, category or reporter."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from geo.lazy_modules import import_lazily
from hexbeat.analysis.costs import CountCosts, cost_rows, read_usable_costs
from hexbeat.analysis.count_files import export_counts
from hexbeat.areas.area import Area
from hexbeat.cli.answers import format_value, print_answer, print_message
from hexbeat.cli.command_audit import note_answer, note_rows
from hexbeat.cli.filter_options import (
    AsAtOption,
    DatasetOption,
    EngineName,
    EngineOption,
    FilterRequest,
    OutOption,
    ResolutionOption,
    SchedulerOption,
    build_provenance,
    find_demonstration_mark,
    open_chosen_dataset,
    parse_groups,
    read_filtered,
    takes_filter,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from layers.access import list_layers, require_export
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.costs import NO_COSTS, format_cost
from layers.counting import Counts, GroupedCounts, count_groups
from layers.event import Measure
from layers.filters import Filter, require_resolution
from layers.grouping import GROUPS
from layers.periods import describe_missing_days, get_coverage, has_known_day
from layers.precision import describe_fine_cells, measure_chosen_precision
from layers.restriction import describe_ward_cells

if TYPE_CHECKING:
    from hexbeat.analysis import dataset_counts
    from hexbeat.areas import place_names, street_names
else:
    dataset_counts = import_lazily("hexbeat.analysis.dataset_counts")
    place_names = import_lazily("hexbeat.areas.place_names")
    street_names = import_lazily("hexbeat.areas.street_names")

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
    dataset: DatasetOption = None,
    engine: EngineOption = EngineName.HERE,
    scheduler: SchedulerOption = None,
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
        opened = open_chosen_dataset(
            installation, request, dataset=dataset, engine=engine, scheduler=scheduler, as_at=as_at
        )
        how: dict[str, Any] = {"by": groups, "resolution": size, "wards": installation.area.wards, "time_zone": zone}
        if opened:
            opened_dataset, event_filter, workers = opened
            grouped, columns = dataset_counts.count_dataset(opened_dataset, event_filter, workers, **how)
            mark = dataset_counts.describe_synthetic(opened_dataset)
        else:
            columns, event_filter = read_filtered(installation, request, as_at=as_at)
            grouped = count_groups(columns, event_filter, **how)
            mark = find_demonstration_mark(columns)
        labelled = grouped.list_rows()
        is_known = has_known_day(columns, event_filter, time_zone=zone)
        is_costed = not opened and (grouped.total or is_known)
        costs, faults = read_usable_costs(installation.store) if is_costed else (NO_COSTS, [])
        money = cost_rows(columns, event_filter, costs, labelled, **how)
        missing = describe_missing_days(columns, event_filter, time_zone=zone)
        note_rows(len(grouped.list_rows()))
        if out:
            require_export(installation.viewer, "counts", event_filter.layers or list_layers(installation.viewer))
            note_answer()
            about = build_provenance(installation, mark=mark) | ({"missing": missing} if missing else {})
            costed = add_costs(grouped.to_counts(), money)
            about |= {"left_out": describe_hidden(grouped.fewest)} if grouped.fewest > 1 else {}
            about |= {"costs": " ".join(money.sentences)} if money else {}
            export_counts(costed, Path(out), by=groups, area=installation.area, note=about)
        rough = (
            describe_rough_cells(columns, event_filter, size, time_zone=zone) if "cell" in groups and not opened else []
        )
        has_wards = event_filter.wards or {"ward", "council"} & set(groups)
        ward_notes = describe_ward_cells(columns, event_filter.layers) if has_wards else []
        if money:
            labelled = [row | {"cost": cost} for row, cost in zip(labelled, money.rows, strict=True)]
        rows = name_rows(labelled, installation.area)
    print_counts(
        grouped,
        rows,
        form=form,
        measure=event_filter.measure,
        out=out,
        mark=mark,
        missing=missing,
        is_known=is_known,
        money=money,
    )
    for note in (*faults, *rough, *ward_notes):
        print_message(note)


def describe_rough_cells(columns: Columns, event_filter: Filter, resolution: int, *, time_zone: str) -> list[str]:
    """Sentences on the layers whose records know their places less well than cells of this size.

    Cells of the usual size are only looked at where a source says how well it knows its places: measuring takes longer
    than counting.
    """
    if resolution <= _USUAL_RESOLUTION and not columns.location.any():
        return []
    layers = event_filter.layers or get_coverage(columns, time_zone=time_zone).layers
    notes = {}
    for layer in layers:
        precision = measure_chosen_precision(columns, replace(event_filter, layers=(layer,)), time_zone=time_zone)
        notes[layer] = describe_fine_cells(precision, resolution)
    return [f"{find_layer(layer).title}: {note}" for layer, note in notes.items() if note]


def name_rows(rows: list[dict[str, Any]], area: Area) -> list[dict[str, Any]]:
    """The rows with the place of each cell beside it, where they have cells."""
    if not rows or "cell" not in rows[0]:
        return rows
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    places = dict(zip(cells, street_names.name_cells(place_names.parse_cells(cells), area), strict=True))
    at = list(rows[0]).index("cell") + 1
    return [dict([*list(row.items())[:at], ("place", places[row["cell"]]), *list(row.items())[at:]]) for row in rows]


def add_costs(counts: Counts, money: CountCosts | None) -> Counts:
    """The counts with columns of pounds and what these rest on, where there are unit costs."""
    if money is None:
        return counts
    columns = money.build_file_columns() | {"cost_note": [" ".join(money.notes)] * len(counts.rows)}
    return replace(counts, rows=counts.rows.assign(**columns))


def _format_row_cost(row: dict[str, Any], form: Format) -> dict[str, Any]:
    """The row with its cost as a program or a person reads it; itself without one."""
    cost = row.get("cost")
    if cost is None:
        return row
    return row | {"cost": cost.to_json() if form is Format.JSON else format_cost(cost)}


def describe_hidden(fewest: int) -> str:
    """What is left out for a viewer who sees no number of fewer events."""
    return (
        f"Groups of fewer than {fewest} events are left out, and others that would tell them: your role does not see "
        "such small numbers."
    )


def hide_small(number: int, fewest: int) -> int | None:
    """The number of events; None where the viewer does not see it."""
    return number if number or fewest == 1 else None


def format_shown(number: float, fewest: int) -> str:
    """A number for people; "fewer than 10" where the viewer does not see it."""
    is_hidden = fewest > 1 and not number > 0
    return f"fewer than {fewest}" if is_hidden else format_value(number)


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
    money: CountCosts | None = None,
) -> None:
    """Print the counts by their `rows`; with `out`, the totals and the name of the file instead of the rows.

    What is on record is counted, also of days that are not known (`missing`). `is_known`: a day is.
    """
    totals: dict[str, Any] = {
        "total": to_json_value(grouped.total),
        "unplaced_in_time": hide_small(grouped.unplaced_in_time, grouped.fewest),
        "shared_in_time": hide_small(grouped.shared_in_time, grouped.fewest),
    }
    hidden = describe_hidden(grouped.fewest) if grouped.fewest > 1 else ""
    rows = [{**row, "count": to_json_value(row["count"])} for row in rows]
    payload = (
        {**totals, "rows": [_format_row_cost(row, form) for row in rows], "missing": missing}
        | ({"costs": {"total": money.total.to_json(), "sentences": money.sentences}} if money else {})
        | ({"left_out": hidden} if hidden else {})
        | ({"out": out} if out else {})
        | ({"demonstration": mark} if mark else {})
    )
    unit = "Events" if measure == "events" else "Items"
    number, shared, unplaced = (
        format_shown(value, grouped.fewest)
        for value in (grouped.total, grouped.shared_in_time, grouped.unplaced_in_time)
    )
    heading = f"{unit}: {number if grouped.total or is_known else 'not known'}"
    if missing and (grouped.total or is_known):
        heading = f"{unit} on record (not all days are known): {number}"
    heading += f", {shared} shared in time, {unplaced} left out (time not known)"
    empty = "not known" if missing else f"none of {grouped.fewest} events or more" if hidden else "none"
    table = [totals | {"file": out}] if out else [_format_row_cost(row, form) for row in rows]
    print_answer(payload, form=form, rows=table, heading=heading, empty=empty)
    for sentence in money.sentences if money and form is Format.TABLE else ():
        print_message(sentence)
    if hidden:
        print_message(hidden)
    if missing:
        print_message(f"{missing[:1].upper()}{missing[1:]}. That is not the same as none.")
    if mark:
        print_message(f"DEMONSTRATION: {mark}.")
