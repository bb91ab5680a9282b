"""The view of counts: the number of events in each cell."""

from collections.abc import Sequence

import pandas as pd

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import name_cells
from hexbeat.dashboard.map.cell_styles import build_count_style, format_unit
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.views.layer_view import Drawing, LayerView, ListGroup, ListRow
from hexbeat.dashboard.views.sentence import build_notes, describe_counts, describe_left_out
from hexbeat.dashboard.views.tables import build_cell_table, build_export_rows
from layers.wording import format_about

__all__ = ["MOST_LISTED", "build_counts_view"]

MOST_LISTED = 10
NOTHING = "No event fits these filters. Choose a longer period, more wards or all hours. Reset brings back everything."
NOT_KNOWN = "The records do not cover this period, so nothing is known of it. Choose another period or other wards."


def build_counts_view(
    figures: LayerFigures, choices: Choices, *, maximum: float, ward_names: Sequence[str], area: Area
) -> LayerView:
    """One layer's counts; `maximum` gives a scale that stays the same while the filters change."""
    counts = figures.cells["count"]
    style = build_count_style(counts, format_unit(figures.spec, choices.measure), maximum=maximum)
    return LayerView(
        figures=figures,
        sentence=describe_counts(figures, choices, ward_names=ward_names, area_title=area.title),
        notes=tuple(build_notes(figures, choices)),
        drawing=Drawing(parse_cells(figures.cells["cell"].tolist()), counts.to_numpy(), style),
        heading="Where most",
        groups=(ListGroup(figures.spec.title, tuple(build_list_rows(figures.cells.head(MOST_LISTED), area))),),
        nothing=_explain_nothing(figures),
        make_table=lambda: build_cell_table([figures], area),
        make_rows=lambda: build_export_rows([figures]),
    )


def _explain_nothing(figures: LayerFigures) -> str:
    """Why no cell is drawn, and what to do: no record is loaded, none is of this time, or none fits."""
    if not figures.freshness.events and figures.freshness.first is None:
        return f"No {figures.spec.many} have been loaded yet. Load a file on the Data page."
    if figures.fewest > 1:
        return describe_left_out(figures)
    return NOTHING if figures.has_number else NOT_KNOWN


def build_list_rows(top: pd.DataFrame, area: Area) -> list[ListRow]:
    """The cells with the most (hexbeat.dashboard.state.figures.CELL_COLUMNS), with bars up to the largest."""
    cells, ranks, numbers = (top[name].tolist() for name in ("cell", "rank", "count"))
    largest = max(numbers, default=1.0)
    places = name_cells(parse_cells(cells), area)
    return [
        ListRow(cell, int(rank), place, format_about(number), number / largest)
        for cell, rank, place, number in zip(cells, ranks, places, numbers, strict=True)
    ]
