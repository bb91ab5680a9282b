"""change, near-repeats and backtest: what can be told from chance, and which map earns trust."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import pandas as pd
import typer

from hexbeat.analysis.backtest import Backtest
from hexbeat.analysis.backtest import backtest as run_backtest
from hexbeat.analysis.change_map import Against as Earlier
from hexbeat.analysis.change_map import ChangeMap, build_change_map
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
from hexbeat.cli.filter_options import (
    FilterRequest,
    LayersOption,
    ResolutionOption,
    WardOption,
    build_filter,
    parse_resolution,
    read_filtered,
    takes_filter,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.store.live_columns import read_columns
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.periods import find_known_period
from layers.wording import format_span

__all__ = ["backtest", "change", "near_repeats"]


class Against(StrEnum):
    """What a period is compared with."""

    BEFORE = "before"
    YEAR_BEFORE = "year-before"


class Grouping(StrEnum):
    """What is compared one by one."""

    CELL = "cell"
    WARD = "ward"
    ALL = "all"


@takes_filter(without=("measure",))
def change(
    *,
    request: FilterRequest,
    by: Annotated[Grouping, typer.Option(help="Compare cells, wards, or the whole.")] = Grouping.WARD,
    against: Annotated[Against, typer.Option(help="The same length before, or the same dates a year before.")] = (
        Against.BEFORE
    ),
    resolution: ResolutionOption = 9,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """What changed against an earlier period, with exact intervals, tests, and "too few to tell".

    Example: hexbeat change --layer needle_litter --from 2026-10-25 --to 2026-11-22 --by ward
    """
    with open_installation(home, area) as installation:
        size = parse_resolution(resolution)
        columns, chosen = read_filtered(installation, request)
        study = load_study(installation.area, chosen.wards, size)
        earlier: Earlier = "before" if against is Against.BEFORE else "year_before"
        found = build_change_map(columns, chosen, study, against=earlier, time_zone=installation.area.time_zone)
    frames = {Grouping.CELL: found.cells, Grouping.WARD: found.wards, Grouping.ALL: found.whole}
    _report_change(found, build_json_rows(frames[by]), form=form)


def _report_change(found: ChangeMap, rows: list[dict[str, Any]], *, form: Format) -> None:
    payload = {
        "layer": found.spec.name,
        "now": to_json_value(found.now),
        "other": to_json_value(found.other),
        "shared_in_time": found.shared_in_time,
        "unplaced_in_time": found.unplaced_in_time,
        "missing": found.missing,
        "notes": list(found.notes),
        "rows": rows,
    }
    if form is Format.TABLE:
        _print_notes([*found.notes, *([found.missing] if found.missing else [])])
        rows = [row for row in rows if row["now"] or row["before"]]
    heading = f"{found.spec.title}: change"
    if found.now and found.other:
        heading += f" of {format_span(*found.now)} against {format_span(*found.other)}"
    print_answer(payload, form=form, rows=rows, heading=heading)


@takes_filter(without=("hours", "days", "measure"))
def near_repeats(
    *,
    request: FilterRequest,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """For how long and how far the risk stays raised after an event (Knox test).

    Example: hexbeat near-repeats --layer needle_litter --from 2026-08-24
    """
    with open_installation(home, area) as installation:
        columns, chosen = read_filtered(installation, request)
        study = load_study(installation.area, chosen.wards)
        found = build_near_repeats(columns, chosen, study, time_zone=installation.area.time_zone)
    _report_repeats(found, form=form)


def _report_repeats(found: RepeatTable, *, form: Format) -> None:
    payload = {
        "layer": found.spec.name,
        "events": found.events,
        "left_out": found.left_out,
        "shuffles": found.shuffles,
        "raised_m": to_json_value(found.raised_m),
        "raised_days": to_json_value(found.raised_days),
        "sentence": found.sentence,
        "notes": list(found.notes),
        "rows": build_json_rows(found.rows),
    }
    if form is Format.TABLE:
        _print_notes(found.notes)
    print_answer(payload, form=form, rows=build_json_rows(found.rows), heading=found.sentence)


def backtest(
    *,
    weeks: Annotated[int, typer.Option(metavar="N", min=1, help="Judge the last N weeks.")] = 13,
    layer: LayersOption = None,
    ward: WardOption = None,
    resolution: Annotated[
        int | None, typer.Option(metavar="R", help="H3 resolution of cells; default: 8, 9, 10 and 11.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Which way of choosing places would have caught most of the next week's events, and what the dashboard uses.

    Example: hexbeat backtest --weeks 26 --layer needle_litter
    """
    with open_installation(home, area) as installation:
        chosen = build_filter(installation, FilterRequest(layer=layer, ward=ward))
        sizes = RESOLUTIONS if resolution is None else (parse_resolution(resolution),)
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        known = [
            spec.name
            for spec in LAYERS
            if spec.kind == "incident" and find_known_period(columns, spec.name, time_zone=installation.area.time_zone)
        ]
        found, uses = list[Backtest](), dict[str, list[str]]()
        for name in chosen.layers or known:
            one = run_backtest(columns, installation.area, name, wards=chosen.wards, weeks=weeks, resolutions=sizes)
            if weeks == MOST_WEEKS and resolution is None and not chosen.wards:
                keep_selection(
                    one, columns, installation.area, home=installation.settings.home
                )  # so that the dashboard need not wait
            found.append(one)
            uses[name] = _describe_uses(installation, columns, name)
    _report_backtests(found, uses, form=form)


def _describe_uses(installation: Installation, columns: Columns, layer: str) -> list[str]:
    """What the dashboard uses of a layer, and why; judged where that is not known yet."""
    judgement = select_methods(columns, installation.area, layer, home=installation.settings.home)
    size = choose_hotspot_size(columns, layer, judgement)
    said = (
        [describe_uses(judgement.best)] if judgement else ["The dashboard foretells nothing: too few weeks are known."]
    )
    return [*said, f"Its hotspots: {size.sentence[0].lower()}{size.sentence[1:]}"] if size else said


def _report_backtests(found: list[Backtest], uses: dict[str, list[str]], *, form: Format) -> None:
    rows = [{"layer": one.spec.name, **row} for one in found for row in build_json_rows(one.rows)]
    layers = [
        {
            "layer": one.spec.name,
            "from": one.first.isoformat(),
            "to": one.end.isoformat(),
            "weeks": one.weeks,
            "events": one.events,
            "unknown_day": one.unknown,
            "swept": one.swept,
            "winner": to_json_value(asdict(one.verdict)),
            "dashboard_uses": uses[one.spec.name],
            "notes": list(one.notes),
        }
        for one in found
    ]
    if form is Format.TABLE:
        for one in found:
            _print_notes([*one.notes, f"{one.spec.title}. {one.verdict.sentence}", *uses[one.spec.name]])
    shown = ("layer", "resolution", "method", "area_share", "hit_rate", "PAI", "PEI", "RRI")
    print_answer(
        {"layers": layers, "rows": rows},
        form=form,
        rows=[{name: format_figure(row, name) for name in shown} for row in rows],
        heading="Back-test",
    )


def format_figure(row: dict[str, Any], name: str) -> object:
    """A figure with its interval, as a table shows it."""
    value = row[name]
    if name not in {"hit_rate", "PAI", "PEI", "RRI"}:
        return f"{value:.0%}" if name == "area_share" else value
    if value is None:
        return ""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else ""
    return f"{value:.2f}{interval}"


def build_json_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON holds them."""
    return [{str(name): to_json_value(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _print_notes(notes: list[str] | tuple[str, ...]) -> None:
    for note in notes:
        print_message(note)
