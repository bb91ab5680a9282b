"""The two verdicts on a cell, of the whole period and of its weeks, are told as one sentence without contradiction."""

from dataclasses import replace
from datetime import date

import pytest

from geo.emerging_hotspots import Pattern
from hexbeat.analysis.emerging_map import EmergingMap, build_emerging_map
from hexbeat.analysis.hotspot_map import COLD, HOT
from hexbeat.analysis.study import load_study
from hexbeat.dashboard.pages.map.cell_panel import describe_pattern, split_verdicts
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough


@pytest.fixture(scope="module")
def emerging() -> EmergingMap:
    chosen = Filter(layers=("needle_litter",), start=date(2026, 10, 25), end=TODAY)
    return build_emerging_map(demonstration()[0], chosen, load_study(middlesbrough()))


@pytest.mark.parametrize(
    ("verdict", "pattern", "sentence"),
    [
        (HOT, "new", "The whole period says so, and so do single weeks: new. Meaning."),
        ("", "new", "The whole period does not single it out, but single weeks do: new. Meaning."),
        (HOT, "new cold", "The whole period says this, but single weeks say otherwise: new cold. Meaning."),
        (COLD, "new cold", "The whole period says so, and so do single weeks: new cold. Meaning."),
        (HOT, Pattern.NONE, "It stands out over the whole period, but its 4 weeks show no significant trend."),
        ("", Pattern.NONE, "Its 4 weeks show no significant trend."),
        (HOT, Pattern.TOO_FEW, "That is of the whole period, but single weeks have too few events to say."),
        ("", Pattern.TOO_FEW, "That is of the whole period, and single weeks have too few events to say."),
    ],
)
def test_the_weeks_are_told_beside_the_whole_period(
    emerging: EmergingMap, verdict: str, pattern: str, sentence: str
) -> None:
    rows = emerging.rows.assign(pattern=str(pattern), definition="Meaning.")
    cell = str(rows["cell"].iloc[0])
    assert describe_pattern(replace(emerging, rows=rows), cell, verdict=verdict) == sentence


def test_without_weeks_there_is_no_sentence(emerging: EmergingMap) -> None:
    assert describe_pattern(replace(emerging, bins=None), str(emerging.rows["cell"].iloc[0]), verdict=HOT) == ""


def test_the_first_sentence_of_each_layer_is_its_verdict() -> None:
    texts = [["A hotspot: 1,000 here. By chance rarely.", "No trend."], [], ["Overdoses: nothing to compare."]]
    assert split_verdicts(texts) == (
        ["A hotspot: 1,000 here.", "Overdoses: nothing to compare."],
        ["By chance rarely.", "No trend."],
    )
