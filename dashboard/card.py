"""The card of the chosen cell: where it is, how many of each layer, against before, at which hours, in which months."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import pandas as pd

from dashboard.charts import Rhythm, grid_html, months_html, rhythm_of
from dashboard.figures import LayerFigures, can_compare, in_cell, monthly_counts
from dashboard.freshness import Reach
from dashboard.places import cell_code, cell_places, parse_cells
from dashboard.presets import period_before
from dashboard.sentence import change_words
from dashboard.state import Choices, filter_for
from dashboard.words import html_text, number_words, plural, span_words
from layers.areas import Area
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.event import LayerSpec
from layers.query import count, select

__all__ = ["CARD_MONTHS", "Card", "LayerLine", "card_html", "cell_card", "months_chosen", "record_ids"]

CARD_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer in the cell: its number now and before (None: nothing to compare with), its rank on the map if shown."""

    spec: LayerSpec
    now: float
    before: float | None
    rank: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """All that the card says. `rhythm` and `months` are of the first chosen layer, `spec`."""

    cell: str
    ward_name: str
    spec: LayerSpec
    start: date
    end: date
    lines: tuple[LayerLine, ...]
    rhythm: Rhythm
    months: pd.Series


def cell_card(
    columns: Columns,
    *,
    cell: str,
    choices: Choices,
    last: date,
    area: Area,
    reaches: dict[str, Reach],
    figures: Sequence[LayerFigures],
) -> Card:
    """Count everything in one cell as chosen; every layer has a line, chosen or not."""
    inside = in_cell(columns, cell)
    start, end = choices.bounds(last)
    ranks = {each.spec.name: each.cells.loc[each.cells["cell"] == cell, "rank"] for each in figures}
    lines = []
    for spec in LAYERS:
        before = None
        if can_compare(reaches[spec.name], start=start, end=end):
            before = _total(inside, spec, choices, period_before(start, end), area)
        found = ranks.get(spec.name, pd.Series(dtype=int))
        rank = int(found.iloc[0]) if len(found) else None
        lines.append(LayerLine(spec, _total(inside, spec, choices, (start, end), area), before, rank))
    shown = filter_for(choices, layer=choices.layers[0], start=start, end=end)
    index = select(inside, shown, time_zone=area.time_zone).index
    return Card(
        cell=cell,
        ward_name=str(cell_places(parse_cells([cell]), area.wards)["ward_name"].iloc[0]),
        spec=figures[0].spec,
        start=start,
        end=end,
        lines=tuple(lines),
        rhythm=rhythm_of(inside, index, time_zone=area.tz, quantity=choices.measure == "quantity"),
        months=monthly_counts(
            inside, layer=choices.layers[0], choices=choices, area=area, end=end, months=CARD_MONTHS
        ),
    )


def _total(inside: Columns, spec: LayerSpec, choices: Choices, period: tuple[date, date], area: Area) -> float:
    """The number of one layer among these events."""
    chosen = filter_for(choices, layer=spec.name, start=period[0], end=period[1])
    return count(inside, chosen, by=("layer",), wards=area.wards, time_zone=area.time_zone).total


def record_ids(columns: Columns, *, cell: str, choices: Choices, last: date, area: Area) -> list[int]:
    """The store's row ids behind the numbers of a cell, for the chosen layers, newest first."""
    inside = in_cell(columns, cell)
    start, end = choices.bounds(last)
    ids: list[int] = []
    for layer in choices.layers:
        shown = filter_for(replace(choices, layers=(layer,)), layer=layer, start=start, end=end)
        ids += inside.row_id[select(inside, shown, time_zone=area.time_zone).index].tolist()
    return ids[::-1]


def months_chosen(start: date, end: date) -> list[str]:
    """The calendar months that the period touches, as "YYYY-MM"."""
    days = pd.period_range(start, end - pd.Timedelta(days=1), freq="M")
    return [str(month) for month in days]


def card_html(card: Card) -> str:
    """The card as HTML; every text in it is escaped."""
    rows = "".join(_line_html(line, (card.end - card.start).days) for line in card.lines)
    grid = grid_html(card.rhythm, caption=f"{card.spec.title} by weekday and hour")
    left = card.rhythm.left_out
    note = f"<p class='hb-small'>{plural(left, 'more has', 'more have')} no exact time.</p>" if left else ""
    bars = months_html(
        card.months, caption=f"{card.spec.title} by month", chosen=months_chosen(card.start, card.end)
    )
    return (
        f'<div class="hb-card"><h2>{html_text(card.ward_name)} <span>near {html_text(cell_code(card.cell))}</span></h2>'
        f'<table class="hb-lines"><caption>{span_words(card.start, card.end)}</caption><tbody>{rows}</tbody></table>'
        f"{grid}{note}{bars}</div>"
    )


def _line_html(line: LayerLine, days: int) -> str:
    """One layer: its number, and how that compares."""
    if line.before is None:
        words = "nothing to compare with"
    else:
        words = change_words(line.now, line.before, earlier=f"the {days} days before" if days > 1 else "the day before")
    rank = f"number {line.rank} on this map; " if line.rank and line.now else ""
    return (
        f'<tr><th scope="row">{html_text(line.spec.title)}</th><td class="hb-number">{number_words(line.now)}</td>'
        f"<td>{html_text(rank + words)}</td></tr>"
    )
