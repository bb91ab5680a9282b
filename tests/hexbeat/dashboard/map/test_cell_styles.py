"""Styles of cells: the legend of hotspots has a row for each kind with its number, and no further rows for lines."""

import numpy as np
import pandas as pd
import pytest

from hexbeat.dashboard.map.cell_styles import build_count_style, build_hotspot_style, classify_hotspots, format_unit
from layers.catalogue import find_layer
from layers.event import Measure

KINDS = np.array(["hot", "", "cold", "hot"], dtype=object)


def test_hotspots_have_a_class_and_a_legend_row_for_each_kind() -> None:
    style = build_hotspot_style(KINDS, "Overdoses")
    assert classify_hotspots(KINDS).tolist() == [2, 1, 0, 2]
    assert style.scale.labels == ("cold spot: 1 cell", "not significant: 1 cell", "hotspot: 2 cells")
    assert (style.title, style.unit) == ("Overdoses: hotspots", "Overdoses")
    assert (style.outlined_label, style.dashed_label) == ("", "")


@pytest.mark.parametrize(
    ("layer", "measure", "unit"),
    [
        ("needle_litter", "events", "Needle finds"),
        ("needle_litter", "quantity", "Needles"),
        ("overdoses", "quantity", "Overdoses"),
    ],
)
def test_the_unit_is_what_is_summed(layer: str, measure: Measure, unit: str) -> None:
    assert format_unit(find_layer(layer), measure) == unit


def test_the_maximum_fixes_the_scale_whatever_the_counts_are() -> None:
    few, many = (build_count_style(pd.Series(counts), "Overdoses", maximum=9) for counts in ([1.0], [9.0, 2.0]))
    assert few.scale == many.scale
    assert build_count_style(pd.Series([0.5]), "Overdoses", maximum=9).scale.labels[0] == "under 1"
