"""The card of the chosen cell: where it is, how many of each layer, against before, at which hours, in which months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pandas as pd

from dashboard.charts import grid_html, months_html
from dashboard.figures import LayerFigures, can_compare, in_cell, monthly_counts
from dashboard.freshness import Reach
from dashboard.places import cell_code, cell_places, parse_cells
from dashboard.presets import period_before
from dashboard.sentence import change_words
from dashboard.state import Choices, filter_for
from dashboard.words import html_text, number_words, span_words
from layers.analysis.rhythm import WeekdayHour, weekday_hour
from layers.analysis.shifts import busiest_shift
from layers.areas import Area
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.event import LayerSpec
from layers.query import count, select

__all__ = ["CARD_MONTHS", "Card", "LayerLine", "card_html", "card_rows", "cell_card", "months_chosen", "record_ids"]

CARD_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer in the cell: its number now and before (None: nothing to compare with), its rank on the map."""

    spec: LayerSpec
    now: float
    before: float | None
    rank: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """All that the card says. `rhythm` and `months` are of the first chosen layer, `spec`."""

    cell: str
    ward_code: str
    ward_name: str
    spec: LayerSpec
    start: date
    end: date
    lines: tuple[LayerLine, ...]
    rhythm: WeekdayHour
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
        # The other views have an order of their own, in which this rank would mislead.
        rank = int(found.iloc[0]) if len(found) and choices.view == "counts" else None
        lines.append(LayerLine(spec, _total(inside, spec, choices, (start, end), area), before, rank))
    shown = filter_for(choices, layer=choices.layers[0], start=start, end=end)
    place = cell_places(parse_cells([cell]), area.wards).iloc[0]
    return Card(
        cell=cell,
        ward_code=str(place["ward_code"]),
        ward_name=str(place["ward_name"]),
        spec=figures[0].spec,
        start=start,
        end=end,
        lines=tuple(lines),
        rhythm=weekday_hour(inside, shown, area.time_zone),
        months=monthly_counts(inside, layer=choices.layers[0], choices=choices, area=area, end=end, months=CARD_MONTHS),
    )


def _total(inside: Columns, spec: LayerSpec, choices: Choices, period: tuple[date, date], area: Area) -> float:
    """The number of one layer among these events."""
    chosen = filter_for(choices, layer=spec.name, start=period[0], end=period[1])
    return count(inside, chosen, by=("layer",), wards=area.wards, time_zone=area.time_zone).total


def record_ids(
    columns: Columns, *, cell: str, choices: Choices, last: date, area: Area, layers: Sequence[str]
) -> list[int]:
    """The store's row ids behind the numbers of a cell, for these layers one after the other, newest first in each."""
    inside = in_cell(columns, cell)
    start, end = choices.bounds(last)
    ids: list[int] = []
    for layer in layers:
        shown = filter_for(choices, layer=layer, start=start, end=end)
        ids += inside.row_id[select(inside, shown, time_zone=area.time_zone).index][::-1].tolist()
    return ids


def card_rows(card: Card) -> pd.DataFrame:
    """The card's numbers for a file: layer, cell, ward_name, from, to (the last day that counts), count, before."""
    facts = {
        "cell": card.cell,
        "ward_name": card.ward_name,
        "from": card.start.isoformat(),
        "to": (card.end - timedelta(days=1)).isoformat(),
    }
    return pd.DataFrame(
        [{"layer": line.spec.name, **facts, "count": line.now, "before": line.before} for line in card.lines]
    )


def months_chosen(start: date, end: date) -> list[str]:
    """The calendar months that the period touches, as "YYYY-MM"."""
    days = pd.period_range(start, end - pd.Timedelta(days=1), freq="M")
    return [str(month) for month in days]


def card_html(card: Card, said: Sequence[str] = ()) -> str:
    """The card as HTML, with what the statistics say of the cell; every text in it is escaped."""
    rows = "".join(_line_html(line, (card.end - card.start).days) for line in card.lines)
    grid = ""
    if card.spec.kind == "incident":
        caption = f"{card.spec.title} by weekday and hour"
        grid = grid_html(card.rhythm.grid, caption=caption) + _busiest(card.rhythm)
    words = "".join(f'<p class="hb-why">{html_text(line)}</p>' for line in said)
    bars = months_html(card.months, caption=f"{card.spec.title} by month", chosen=months_chosen(card.start, card.end))
    return (
        f'<div class="hb-card"><h2>{html_text(card.ward_name)} <span>near {html_text(cell_code(card.cell))}</span></h2>'
        f'<table class="hb-lines"><caption>{span_words(card.start, card.end)}</caption><tbody>{rows}</tbody></table>'
        f"{words}{grid}{bars}</div>"
    )


def _busiest(rhythm: WeekdayHour) -> str:
    """The busiest shift and how sure that is, and how many events are in no cell of the grid; nothing without any."""
    if not rhythm.known_hour + rhythm.unknown_hour:
        return ""
    return f'<p class="hb-small">{html_text(busiest_shift(rhythm).sentence)}</p>'


def _line_html(line: LayerLine, days: int) -> str:
    """One layer: its number, and how that compares."""
    if line.before is None:
        words = "nothing to compare with"
    else:
        words = change_words(line.now, line.before, earlier=f"the {days} days before" if days > 1 else "the day before")
    rank = f"Number {line.rank} on this map. " if line.rank and line.now else ""
    words = words[:1].upper() + words[1:]
    return (
        f'<tr><th scope="row">{html_text(line.spec.title)}</th><td class="hb-number">{number_words(line.now)}</td>'
        f"<td>{html_text(rank + words)}</td></tr>"
    )
