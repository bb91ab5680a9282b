"""The view of counts: what it says where no cell is drawn."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import CELL_COLUMNS, LayerFigures
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.dashboard.views.counts_view import build_counts_view
from layers.catalogue import find_layer
from tests.support.demonstrations import middlesbrough

KNOWN = ((date(2026, 1, 1), date(2026, 11, 22)),)
EMPTY = pd.DataFrame({name: pd.Series(dtype=object) for name in CELL_COLUMNS}).astype({"count": float, "before": float})
OVERDOSES = LayerFigures(
    find_layer("overdoses"), date(2026, 10, 25), date(2026, 11, 22), 0.0, None, 0, 0, EMPTY, Freshness("overdoses", 0)
)


@pytest.mark.parametrize(
    ("freshness", "words"),
    [
        (Freshness("overdoses", 0), "No overdoses have been loaded yet. Load a file on the Data page."),
        (
            Freshness("overdoses", 9, ((date(2025, 1, 1), date(2025, 2, 1)),)),
            "The records do not cover this period, so nothing is known of it. Choose another period or other wards.",
        ),
        (
            Freshness("overdoses", 9, KNOWN),
            (
                "No event fits these filters. Choose a longer period, more wards or all hours. "
                "Reset brings back everything."
            ),
        ),
    ],
    ids=["nothing loaded", "not known", "none"],
)
def test_why_no_cell_is_drawn(freshness: Freshness, words: str) -> None:
    figures = replace(OVERDOSES, freshness=freshness)
    view = build_counts_view(figures, Choices(), maximum=1.0, ward_names=(), area=middlesbrough())
    assert view.nothing == words
