"""The card of the chosen cell: its place, each layer now and before, and the hours and months."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import h3
import pandas as pd

from hexbeat.analysis.rhythm import WeekdayHour, count_known_hours, find_busiest_shift
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import find_cell_wards, parse_cells
from hexbeat.areas.street_names import name_cell, split_ward
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import (
    LayerFigures,
    can_compare,
    count_months,
    select_cell,
)
from hexbeat.dashboard.state.freshness import Freshness, judge_months
from hexbeat.dashboard.state.presets import find_period_before
from hexbeat.dashboard.views.charts import render_grid, render_months
from hexbeat.dashboard.views.sentence import format_change
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import count, select
from layers.coverage import KnownState, Span
from layers.layer_spec import LayerSpec
from layers.wording import escape_html, format_about, format_span

__all__ = [
    "CARD_MONTHS",
    "Card",
    "LayerLine",
    "build_card_rows",
    "build_cell_card",
    "find_record_ids",
    "list_chosen_months",
    "render_card",
    "render_card_charts",
    "render_place_heading",
]

CARD_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer in the cell: its number now and before (None: not known), and its rank on the map.

    `missing` says which days of the period are not known, as in "Mar 2024 is not known"; None: all are. `now` is NaN if
    it is below the `fewest` events that the viewer sees as a number, or is left out of the map's numbers beside such.
    """

    spec: LayerSpec
    now: float | None
    before: float | None
    rank: int | None
    missing: str | None = None
    fewest: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """All facts of the card.

    `rhythm` and `months` are those of the first chosen layer, `spec`, on its known days; `has_known_day` says whether
    the period has one. `months` are as `count_months` gives them, `month_states` says of each whether it is known. No
    charts: they would tell small numbers that the viewer does not see.
    """

    cell: str
    place: str
    ward_code: str
    ward_name: str
    spec: LayerSpec
    start: date
    end: date
    lines: tuple[LayerLine, ...]
    rhythm: WeekdayHour
    has_known_day: bool
    months: pd.Series
    month_states: tuple[KnownState, ...]
    has_charts: bool = True


def build_cell_card(
    columns: Columns,
    *,
    cell: str,
    choices: Choices,
    last: date,
    area: Area,
    freshness: dict[str, Freshness],
    figures: Sequence[LayerFigures],
) -> Card:
    """Count everything in one cell as chosen; every layer that is shown in such cells has a line."""
    inside = select_cell(columns, cell)
    start, end = choices.bounds(last)
    ranks = {
        layer_figures.spec.name: layer_figures.cells.loc[layer_figures.cells["cell"] == cell, "rank"]
        for layer_figures in figures
    }
    lines = []
    for spec in columns.list_shown(in_cells=True, resolution=h3.get_resolution(cell)):
        line = _build_line(inside, choices, (start, end), area, freshness[spec.name])
        layer_ranks = ranks.get(spec.name, pd.Series(dtype=int))
        # Other views have another order, for which this rank would be wrong.
        rank = int(layer_ranks.iloc[0]) if len(layer_ranks) and choices.view == "counts" else None
        if line.fewest > 1 and spec.name in ranks and not len(layer_ranks) and line.now is not None:
            line = replace(line, now=math.nan)  # the map does not show it, and it may show what else is hidden there
        lines.append(replace(line, rank=rank))
    event_filter = build_filter(choices, layer=choices.layers[0], start=start, end=end)
    place = find_cell_wards(parse_cells([cell]), area.wards).iloc[0]
    first = freshness[choices.layers[0]]
    months = count_months(inside, freshness=first, choices=choices, area=area, end=end, months=CARD_MONTHS)
    return Card(
        cell=cell,
        place=name_cell(cell, area),
        ward_code=str(place["ward_code"]),
        ward_name=str(place["ward_name"]),
        spec=figures[0].spec,
        start=start,
        end=end,
        lines=tuple(lines),
        rhythm=count_known_hours(inside, event_filter, first.find_known_in((start, end)), time_zone=area.time_zone),
        has_known_day=bool(first.find_known_in((start, end))),
        months=months,
        month_states=tuple(judge_months(first, months.index)),
        has_charts=figures[0].fewest == 1,
    )


def _build_line(inside: Columns, choices: Choices, period: Span, area: Area, freshness: Freshness) -> LayerLine:
    """What is on record of one layer among these events; the period before only where both are known."""
    spec, (start, end) = find_layer(freshness.layer), period
    on_record = _count_layer(inside, spec, choices, period, area)
    now = on_record if on_record or freshness.find_known_in(period) else None
    before, fewest = None, inside.find_fewest((spec.name,))
    if fewest == 1 and can_compare(freshness, start=start, end=end):
        before = _count_layer(inside, spec, choices, find_period_before(start, end), area)
    missing = freshness.describe_missing(period) if freshness.events or freshness.first else "nothing has been loaded"
    return LayerLine(spec, now, before, None, missing, fewest)


def _count_layer(inside: Columns, spec: LayerSpec, choices: Choices, period: Span, area: Area) -> float:
    """The number of one layer among these events."""
    event_filter = build_filter(choices, layer=spec.name, start=period[0], end=period[1])
    return count(inside, event_filter, by=("layer",), wards=area.wards, time_zone=area.time_zone).total


def find_record_ids(
    columns: Columns, *, cell: str, choices: Choices, last: date, area: Area, layers: Sequence[str]
) -> list[int]:
    """The store's row ids behind the numbers of a cell, layer by layer, the newest first in each."""
    inside = select_cell(columns, cell)
    start, end = choices.bounds(last)
    ids: list[int] = []
    for layer in layers:
        event_filter = build_filter(choices, layer=layer, start=start, end=end)
        ids += inside.row_id[select(inside, event_filter, time_zone=area.time_zone).index][::-1].tolist()
    return ids


def build_card_rows(card: Card) -> pd.DataFrame:
    """The card's numbers for a file.

    Columns layer, cell, ward_name, place, from, to (the last day that counts), count, before.
    """
    facts = {
        "cell": card.cell,
        "ward_name": card.ward_name,
        "place": card.place,
        "from": card.start.isoformat(),
        "to": (card.end - timedelta(days=1)).isoformat(),
    }
    return pd.DataFrame(
        [{"layer": line.spec.name, **facts, "count": line.now, "before": line.before} for line in card.lines]
    )


def list_chosen_months(start: date, end: date) -> list[str]:
    """The calendar months that the period touches, as "YYYY-MM"."""
    months = pd.period_range(start, end - pd.Timedelta(days=1), freq="M")
    return [str(month) for month in months]


def render_card(card: Card, verdicts: Sequence[str] = (), reasons: Sequence[str] = ()) -> str:
    """The card as HTML, without its charts. Every text is escaped.

    `verdicts` say in one sentence each what the statistics make of the cell; `reasons`, how sure that is, are folded.
    """
    rows = "".join(_render_line(line, (card.end - card.start).days) for line in card.lines)
    lead = "".join(f'<p class="hb-verdict">{escape_html(line)}</p>' for line in verdicts)
    lines = "".join(f'<p class="hb-why">{escape_html(line)}</p>' for line in reasons)
    details = f'<details class="hb-sure"><summary>How sure is this?</summary>{lines}</details>' if lines else ""
    return (
        f'<div class="hb-card">{render_place_heading(card.place)}'
        f'<table class="hb-lines"><caption>{format_span(card.start, card.end)}</caption><tbody>{rows}</tbody></table>'
        f"{lead}{details}</div>"
    )


def render_card_charts(card: Card) -> str:
    """The hours and months of the card's first layer as HTML; "" where they would show small numbers."""
    if not card.has_charts:
        return ""
    grid = ""
    if card.spec.kind == "incident" and card.has_known_day:
        caption = f"{card.spec.title} by weekday and hour"
        grid = render_grid(card.rhythm.grid, caption=caption) + _render_busiest(card.rhythm)
    bars = render_months(
        card.months,
        card.month_states,
        caption=f"{card.spec.title} by month",
        chosen=list_chosen_months(card.start, card.end),
    )
    return f'<div class="hb-card-charts">{grid}{bars}</div>'


def render_place_heading(place: str) -> str:
    """The name of a place as the heading of its card, with the ward in quiet type."""
    streets, ward = split_ward(place)
    quiet = f" <span>{escape_html(ward)}</span>" if ward else ""
    return f"<h2>{escape_html(streets)}{quiet}</h2>"


def _render_busiest(rhythm: WeekdayHour) -> str:
    """The busiest shift, how sure that is, and the number of events without a known hour; "" without events."""
    if not rhythm.known_hour + rhythm.unknown_hour:
        return ""
    return f'<p class="hb-small">{escape_html(find_busiest_shift(rhythm).sentence)}</p>'


def _render_line(line: LayerLine, days: int) -> str:
    """The row of one layer: its number, and the comparison with the period before, or why there is none."""
    number = _format_line_number(line)
    rank = f"Number {line.rank} on this map. " if line.rank and line.now else ""
    return (
        f'<tr><th scope="row">{escape_html(line.spec.title)}</th><td class="hb-number">{number}</td>'
        f"<td>{escape_html(rank + _describe_line(line, days))}</td></tr>"
    )


def _format_line_number(line: LayerLine) -> str:
    """The number of the layer, that it is not known, or that the viewer does not see it."""
    if line.now is None:
        return "not known"
    return "not shown" if math.isnan(line.now) else format_about(line.now)


def _describe_line(line: LayerLine, days: int) -> str:
    """As in "18 % more than in the 28 days before (264)", "On record: Mar 2024 is not known"."""
    if line.now is None:
        return f"{line.missing}"[:1].upper() + f"{line.missing}"[1:]
    if line.fewest > 1:
        return "Small numbers are not shown to your role"
    if line.missing:
        return f"On record: {line.missing}"
    if line.before is None:
        return "Nothing to compare with"
    earlier = f"the {days} days before" if days > 1 else "the day before"
    comparison = format_change(line.now, line.before, earlier=earlier)
    return comparison[:1].upper() + comparison[1:]
