"""The view of counts: how many, as they are."""

from collections.abc import Sequence

import pandas as pd

from dashboard.figures import LayerFigures
from dashboard.places import parse_cells
from dashboard.scales import count_scale
from dashboard.sentence import notes, sentence
from dashboard.state import Choices
from dashboard.tables import cell_table, export_rows
from dashboard.views import Drawing, LayerView, Listed, ListGroup
from dashboard.words import number_words

__all__ = ["MOST_LISTED", "counts_view", "unit_words"]

MOST_LISTED = 10


def counts_view(
    figures: LayerFigures, choices: Choices, *, maximum: float, ward_names: Sequence[str], area_title: str
) -> LayerView:
    """One layer's counts; `maximum` gives a scale that keeps still while the filters change."""
    counts = figures.cells["count"]
    unit = unit_words(figures, choices)
    return LayerView(
        figures=figures,
        sentence=sentence(figures, choices, ward_names=ward_names, area_title=area_title),
        notes=tuple(notes(figures, choices)),
        drawing=Drawing(
            parse_cells(figures.cells["cell"].tolist()),
            counts.to_numpy(),
            scale=count_scale(maximum, shared=bool((counts % 1 != 0).any())),
            title=unit,
            unit=unit,
        ),
        heading="Where most",
        groups=(ListGroup(figures.spec.title, tuple(listed(figures.cells.head(MOST_LISTED)))),),
        nothing="No event fits these filters. Take a longer period, more wards or all hours; Reset brings back "
        "everything.",
        table=cell_table([figures]),
        rows=export_rows([figures]),
    )


def unit_words(figures: LayerFigures, choices: Choices) -> str:
    """What is counted, for the legend: "Needle finds", or "Needles" when items are summed."""
    spec = figures.spec
    return spec.item.capitalize() if choices.measure == "quantity" and spec.item not in spec.many else spec.title


def listed(top: pd.DataFrame) -> list[Listed]:
    """The cells with the most (dashboard.figures.CELL_COLUMNS), with bars up to the largest."""
    largest = float(top["count"].max()) if len(top) else 1.0
    return [
        Listed(cell, int(rank), ward, number_words(number), number / largest)
        for cell, rank, ward, number in zip(top["cell"], top["rank"], top["ward_name"], top["count"], strict=True)
    ]
