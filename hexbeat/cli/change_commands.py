"""change, near-repeats and backtest: which changes are more than chance, and which method forecasts best."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from hexbeat.analysis.backtest import Backtest
from hexbeat.analysis.backtest import backtest as run_backtest
from hexbeat.analysis.change_costs import cost_changes
from hexbeat.analysis.change_map import NOT_KNOWN, ChangeMap, build_change_map, parse_against
from hexbeat.analysis.costs import read_usable_costs
from hexbeat.analysis.method_selection import (
    MOST_WEEKS,
    choose_hotspot_size,
    describe_uses,
    keep_selection,
    select_methods,
)
from hexbeat.analysis.near_repeats import RepeatTable, build_near_repeats
from hexbeat.analysis.study import load_study
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_rows
from hexbeat.cli.filter_options import (
    DatasetOption,
    EngineName,
    EngineOption,
    FilterRequest,
    LayersOption,
    ResolutionOption,
    SchedulerOption,
    WardOption,
    build_filter,
    build_json_rows,
    read_area_columns,
    read_chosen,
    read_filtered,
    takes_filter,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.costs import Cost, Costs, format_cost
from layers.coverage import count_days
from layers.event import RESOLUTIONS
from layers.filters import require_resolution
from layers.periods import find_known_period
from layers.wording import format_p, format_span

__all__ = ["backtest", "change", "near_repeats"]


class Grouping(StrEnum):
    """The units that are compared."""

    CELL = "cell"
    WARD = "ward"
    ALL = "all"


@takes_filter(without=("measure",))
def change(
    *,
    request: FilterRequest,
    by: Annotated[Grouping, typer.Option(help="Compare cells, wards, or all together.")] = Grouping.WARD,
    against: Annotated[
        str,
        typer.Option(
            metavar="before|year-before|FROM:TO",
            help="The period before, of the same length; the same dates a year before; or any other, as in "
            "2025-01-01:2025-04-01.",
        ),
    ] = "before",
    resolution: ResolutionOption = 9,
    dataset: DatasetOption = None,
    engine: EngineOption = EngineName.HERE,
    scheduler: SchedulerOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare a period with another one, with exact intervals and tests.

    Example: hexbeat change --layer needle_litter --from 2026-10-25 --to 2026-11-22 --by ward
    """
    earlier = parse_against(against)
    with open_installation(home, area) as installation:
        size = require_resolution(resolution)
        columns, event_filter = read_chosen(installation, request, dataset=dataset, engine=engine, scheduler=scheduler)
        study = load_study(installation.area, event_filter.wards, size)
        zone = installation.area.time_zone
        change_map = build_change_map(columns, event_filter, study, against=earlier, time_zone=zone)
        known, faults = read_usable_costs(installation.store)
        costs = known.list_units(event_filter.layers)
        unit = {Grouping.CELL: "cells", Grouping.WARD: "wards"}.get(by, "whole")
        priced = Costs(tuple(costs))
        money = (
            cost_changes(columns, event_filter, study, priced, unit=unit, against=earlier, time_zone=zone)
            if costs
            else []
        )
        note_rows(len(change_map.wards))
    if by is Grouping.CELL:
        change_map = replace(change_map, notes=(*change_map.notes, *change_map.cell_notes))
    rows = {Grouping.WARD: change_map.wards, Grouping.ALL: change_map.whole}.get(by)
    named_rows = change_map.name_cells(study.area) if rows is None else rows
    change_rows = build_json_rows(named_rows)
    if len(money) == len(change_rows):
        change_rows = [row | _build_cost(cost, form) for row, cost in zip(change_rows, money, strict=True)]
    _report_change(change_map, change_rows, form=form, notes=priced.describe(event_filter.layers) if costs else faults)


def _build_cost(cost: Cost | None, form: Format) -> dict[str, Any]:
    """What the difference costs, for a row; of a row that is not known it is not known either."""
    if form is Format.JSON:
        return {"cost_of_difference": cost.to_json() if cost else None}
    return {"cost_of_difference": format_cost(cost) if cost else NOT_KNOWN}


def _report_change(
    change_map: ChangeMap, rows: list[dict[str, Any]], *, form: Format, notes: Sequence[str] = ()
) -> None:
    payload = {
        "layer": change_map.spec.name,
        "now": to_json_value(change_map.now),
        "other": to_json_value(change_map.other),
        "shared_in_time": change_map.shared_in_time,
        "unplaced_in_time": change_map.unplaced_in_time,
        "known_days": {"now": count_days(change_map.known_now), "other": count_days(change_map.known_other)},
        "verdict": str(change_map.whole["change"].iloc[0]) if change_map.is_compared else NOT_KNOWN,
        "missing": change_map.missing,
        "notes": [*change_map.notes, *notes],
        "rows": rows,
    }
    if form is Format.TABLE:
        _print_notes([*change_map.notes, *notes, *([change_map.missing] if change_map.missing else [])])
        rows = [row for row in rows if row["now"] or row["before"] or row["change"] == NOT_KNOWN]
    if form is Format.TABLE and not rows and not change_map.is_compared:
        when = f" of {format_span(*change_map.now)}" if change_map.now else ""
        typer.echo(f"{change_map.spec.title}: change{when}: {NOT_KNOWN}")
        return
    if form is Format.TABLE:
        rows = [_format_chances(row) for row in rows]
    heading = f"{change_map.spec.title}: change"
    if change_map.now and change_map.other:
        heading += f" of {format_span(*change_map.now)} against {format_span(*change_map.other)}"
    print_answer(payload, form=form, rows=rows, heading=heading)


@takes_filter(without=("hours", "days", "measure"))
def near_repeats(
    *,
    request: FilterRequest,
    each_event: Annotated[
        bool, typer.Option("--each-event", help="Take every record, also several of one encounter.")
    ] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Find out for how long and how far the risk stays raised after an event (Knox test).

    Example: hexbeat near-repeats --layer needle_litter --from 2026-08-24
    """
    with open_installation(home, area) as installation:
        columns, event_filter = read_filtered(installation, request)
        study = load_study(installation.area, event_filter.wards)
        zone = installation.area.time_zone
        repeats = build_near_repeats(columns, event_filter, study, each_event=each_event, time_zone=zone)
        note_rows(len(repeats.rows))
    _report_repeats(repeats, form=form)


def _report_repeats(repeats: RepeatTable, *, form: Format) -> None:
    payload = {
        "layer": repeats.spec.name,
        "events": repeats.events,
        "left_out": repeats.left_out,
        "merged": repeats.merged,
        "searches": repeats.searches,
        "shuffles": repeats.shuffles,
        "raised_m": to_json_value(repeats.raised_m),
        "raised_days": to_json_value(repeats.raised_days),
        "sentence": repeats.sentence,
        "notes": list(repeats.notes),
        "rows": build_json_rows(repeats.rows),
    }
    if form is Format.TABLE:
        _print_notes(repeats.notes)
    rows = [_format_chances(row) for row in build_json_rows(repeats.rows)]
    print_answer(payload, form=form, rows=rows, heading=repeats.sentence)


def _format_chances(row: dict[str, Any]) -> dict[str, Any]:
    """The row with p and q as a table shows them."""
    return row | {name: format_p(row[name]) for name in ("p_value", "q_value") if name in row}


def backtest(
    *,
    weeks: Annotated[int, typer.Option(metavar="N", min=1, help="Test the last N weeks.")] = 13,
    layer: LayersOption = None,
    ward: WardOption = None,
    resolution: Annotated[
        int | None, typer.Option(metavar="R", help="H3 resolution of cells; default: 8, 9, 10 and 11.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Test which way of choosing places would have caught most of the next week's events.

    It also says which method the dashboard uses, and why.

    Example: hexbeat backtest --weeks 26 --layer needle_litter
    """
    with open_installation(home, area) as installation:
        event_filter = build_filter(installation, FilterRequest(layer=layer, ward=ward))
        sizes = RESOLUTIONS if resolution is None else (require_resolution(resolution),)
        columns = read_area_columns(installation)
        known = [
            spec.name
            for spec in LAYERS
            if spec.kind == "incident" and find_known_period(columns, spec.name, time_zone=installation.area.time_zone)
        ]
        backtests, uses = list[Backtest](), dict[str, list[str]]()
        for name in event_filter.layers or known:
            result = run_backtest(
                columns, installation.area, name, wards=event_filter.wards, weeks=weeks, resolutions=sizes
            )
            if weeks == MOST_WEEKS and resolution is None and not event_filter.wards:
                keep_selection(
                    result, columns, installation.area, documents=installation.documents
                )  # so that the dashboard need not wait
            backtests.append(result)
            uses[name] = _describe_uses(installation, columns, name)
    _report_backtests(backtests, uses, form=form)


def _describe_uses(installation: Installation, columns: Columns, layer: str) -> list[str]:
    """The method and hotspot size that the dashboard uses for a layer, with the reasons. Selects them if need be."""
    selection = select_methods(columns, installation.area, layer, documents=installation.documents)
    size = choose_hotspot_size(columns, layer, selection)
    sentence = describe_uses(selection.best) if selection else "The dashboard has no forecast: too few weeks are known."
    return [sentence, f"Its hotspots: {size.sentence[0].lower()}{size.sentence[1:]}"] if size else [sentence]


def _report_backtests(backtests: list[Backtest], uses: dict[str, list[str]], *, form: Format) -> None:
    rows = [{"layer": result.spec.name, **row} for result in backtests for row in build_json_rows(result.rows)]
    layers = [
        {
            "layer": result.spec.name,
            "from": result.first.isoformat(),
            "to": result.end.isoformat(),
            "weeks": result.weeks,
            "events": result.events,
            "unknown_day": result.unknown,
            "swept": result.swept,
            "location_precision": result.precision.kind,
            "points": result.precision.points,
            "finest_resolution": result.precision.finest,
            "shares_of": result.whole,
            "weeks_left_out": result.weeks_left_out,
            "searches": result.searches,
            "winner": to_json_value(asdict(result.verdict)),
            "dashboard_uses": uses[result.spec.name],
            "notes": list(result.notes),
        }
        for result in backtests
    ]
    if form is Format.TABLE:
        for result in backtests:
            _print_notes([*result.notes, f"{result.spec.title}. {result.verdict.sentence}", *uses[result.spec.name]])
    columns = ("layer", "resolution", "method", "area_share", "hit_rate", "PAI", "PEI", "RRI")
    print_answer(
        {"layers": layers, "rows": rows},
        form=form,
        rows=[{name: format_figure(row, name) for name in columns} for row in rows],
        heading="Back-test",
    )


def format_figure(row: dict[str, Any], name: str) -> object:
    """A figure with its interval, for a table."""
    value = row[name]
    if name not in {"hit_rate", "PAI", "PEI", "RRI"}:
        return f"{value:.0%}" if name == "area_share" else value
    if value is None:
        return ""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else ""
    return f"{value:.2f}{interval}"


def _print_notes(notes: list[str] | tuple[str, ...]) -> None:
    for note in notes:
        print_message(note)
