from datetime import date
from itertools import combinations

import pandas as pd
import pytest

from geo.emerging_hotspots import Pattern
from hexbeat.analysis.emerging_map import PATTERN_DEFINITIONS, EmergingMap, build_emerging_map
from hexbeat.analysis.study import load_study
from hexbeat.dashboard.views.emerging_view import (
    COLOURS,
    build_emerging_drawing,
    build_emerging_rows,
    build_emerging_table,
    describe_emerging,
    render_emerging_card,
    render_patterns,
)
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough

YEAR = date(2025, 11, 22)


def build_map(start: date = YEAR) -> EmergingMap:
    chosen = Filter(layers=("needle_litter",), start=start, end=TODAY)
    return build_emerging_map(demonstration()[0], chosen, load_study(middlesbrough(), (), 9))


def build_map_and_rows(start: date = YEAR) -> tuple[EmergingMap, pd.DataFrame]:
    emerging_map = build_map(start)
    return emerging_map, build_emerging_rows(emerging_map, middlesbrough())


def test_the_sentence_counts_the_places_of_each_pattern() -> None:
    assert describe_emerging(*build_map_and_rows(), place="Middlesbrough") == (
        "8 places have a pattern over time of needle finds in Middlesbrough: 2 new, 2 consecutive and 4 sporadic. 13 "
        "have too few events to say, 329 have no significant trend."
    )


def test_a_short_period_has_no_patterns_and_says_so() -> None:
    emerging_map, rows = build_map_and_rows(date(2026, 11, 15))
    assert rows.empty
    assert describe_emerging(emerging_map, rows, place="Middlesbrough") == (
        "The period is too short for patterns over time of needle finds in Middlesbrough."
    )


def test_map_legend_and_table_hold_the_same_places() -> None:
    _, rows = build_map_and_rows()
    drawing = build_emerging_drawing(rows, "Needle finds")
    assert drawing.style.scale.labels == (
        *("new: 2", "consecutive: 2", "sporadic: 4"),
        *("no significant trend: 329", "too few events to say: 13"),
    )
    assert drawing.layer().data()["swatches"] == ("", "", "", "", "hatched")
    table = build_emerging_table(rows, middlesbrough())
    assert table["Pattern"].value_counts()["sporadic"] == 4
    assert len(table) == len(drawing.cells) == 350


def test_every_hot_pattern_is_defined_on_the_screen_even_where_none_is() -> None:
    _, rows = build_map_and_rows()
    emerging_map = render_patterns(rows)
    for pattern, words in PATTERN_DEFINITIONS.items():
        cold = pattern.endswith(" cold")
        assert (f'<th scope="row">{pattern}</th>' in emerging_map) is not cold
        assert (words in emerging_map) is not cold or not cold


def test_every_pattern_but_the_quiet_ones_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == {str(one) for one in Pattern} - {str(Pattern.NONE), str(Pattern.TOO_FEW)}
    assert all(one != other for one, other in combinations(COLOURS.values(), 2))


@pytest.mark.parametrize("pattern", [str(Pattern.NONE), str(Pattern.TOO_FEW)])
def test_no_pattern_at_all_is_said(pattern: str) -> None:
    emerging_map, rows = build_map_and_rows()
    assert describe_emerging(emerging_map, rows.assign(pattern=pattern), place="Central").startswith(
        "No place has a significant trend over time of needle finds in Central: "
    )


def test_the_card_of_a_place_has_its_pattern_and_each_period() -> None:
    emerging_map, rows = build_map_and_rows()
    cell = str(rows["cell"].iloc[0])
    card = render_emerging_card(emerging_map, rows, cell, middlesbrough())
    place = int(emerging_map.rows.index[emerging_map.rows["cell"] == cell][0])
    assert f'<p class="hb-why">New: {PATTERN_DEFINITIONS["new"]}</p>' in card
    assert emerging_map.bins is not None
    assert card.count("<tr><th") == 1 + len(emerging_map.bins.periods)
    assert card.count("<td>hot</td>") == int((emerging_map.kind[:, place] == 1).sum()) == 1
    assert card.index("25 Oct to 21 Nov 2026") < card.index("<td>hot</td>")
    assert f'<td class="hb-number">{emerging_map.counts[-1, place]:.0f}</td>' in card
