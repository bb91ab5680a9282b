"""The view of expected events: sentence, map, list, table and file say the same."""

from dataclasses import replace

import numpy as np
import pytest

from hexbeat.analysis.forecast import Forecast, build_forecast
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.views.expected_view import build_empty_forecast_view, build_forecast_view, describe_cell_forecast
from hexbeat.dashboard.views.layer_view import LayerView
from hexbeat.dashboard.views.tables import format_table
from tests.support.demonstrations import demonstration, middlesbrough, select_for
from tests.support.map_views import count_first_layer

DEFAULT = Choices(view="expected")


def week(choices: Choices = DEFAULT, *, size: int | None = None) -> Forecast:
    judgement = select_for("needle_litter")
    winner = judgement.by_size[size] if size else judgement.best
    return build_forecast(demonstration()[0], middlesbrough(), "needle_litter", winner, wards=choices.wards)


def build_view(choices: Choices = DEFAULT, *, size: int | None = None) -> LayerView:
    names = [dict(zip(middlesbrough().wards.codes, middlesbrough().wards.names, strict=True))[c] for c in choices.wards]
    return build_forecast_view(
        count_first_layer(choices), week(choices, size=size), choices, area=middlesbrough(), ward_names=names
    )


def test_the_sentence_says_how_many_where_and_how_sure() -> None:
    assert build_view().sentence == (
        "Look first near Westbourne Grove and Grove Road (North Ormesby); near Glentworth Avenue and Netherfields "
        "Crescent (Park End & Beckfield); and near Repton Road and Caldicotes Primary Academy (Brambles & Thorntree). "
        "The first 2 % of the area held 40 % of needle finds in the last 13 weeks. In the 7 days from 22 Nov 2026, "
        "about 51 needle finds are expected in Middlesbrough."
    )


def test_of_a_ward_the_rate_is_said_to_be_the_areas() -> None:
    code = middlesbrough().wards.codes[0]
    sentence = build_view(Choices(view="expected", wards=(code,))).sentence
    assert "The first 2 % of the whole area held 40 % of needle finds in the last 13 weeks." in sentence


def test_the_method_is_named_and_so_is_what_does_not_apply() -> None:
    method, weeks, swept = build_view().notes
    assert method == (
        "The counts of all weeks before, with cells 50 m across, caught most: 40 % of the next week's events in 2 % of "
        "the area. That is clearly more than any other method."
    )
    assert weeks == "Every recorded week counts. The chosen period does not apply."
    assert swept == "1,080 needle finds are left out because sweeps found them."
    choices = Choices(view="expected", size=9, shift="night", reported_by=("public",), measure="quantity")
    _, size, weeks, _ = build_view(choices, size=9).notes
    assert size == "Cells are 350 m across, as chosen. The method is the best one for them."
    assert weeks == (
        "Every recorded week counts. The chosen period does not apply, nor do hours, who reported and the count of "
        "items."
    )


def test_map_list_table_and_file_say_the_same() -> None:
    view = build_view()
    assert view.table["Rank"].tolist() == list(range(1, len(view.rows) + 1))
    assert view.table["Cell"].tolist() == view.rows["cell"].tolist()
    assert [f"{int(cell):x}" for cell in view.drawing.cells] == view.rows["cell"].tolist()
    (group,) = view.groups
    assert [row.cell for row in group.rows] == view.rows["cell"].head(10).tolist()
    first, top = group.rows[0], view.rows.iloc[0]
    assert (first.number, first.share) == ("under 1", 1.0)
    assert 0 < top["expected"] < 0.5  # the file has the number as it was worked out
    assert first.detail == f"{top['last_4_weeks']:.0f} in the last 4 weeks, {top['on_record']:.0f} on record"
    bands = view.table["Within"].value_counts()
    assert list(view.drawing.style.scale.labels) == [
        f"{'first' if share == 1 else 'up to'} {share} %: {bands[f'first {share} % of the area']} places"
        for share in (5, 2, 1)
    ]
    counts = {value: int((view.drawing.values == value).sum()) for value in (2.0, 1.0, 0.0)}
    assert list(counts.values()) == [bands[f"first {share} % of the area"] for share in (1, 2, 5)]
    assert format_table(view.table)["Expected in the week"].iloc[0] == first.number
    assert sorted(set(view.rows["within_share_of_area"])) == [0.01, 0.02, 0.05]
    assert view.drawing.layer().data()["names"] == (
        "first 5 % of the area", "first 2 % of the area", "first 1 % of the area",
    )  # fmt: skip


def test_the_card_says_what_is_expected_and_when_it_is_looked_at() -> None:
    forecast = week()
    cell = str(forecast.rows["cell"].iloc[2])
    row = forecast.rows.iloc[2]
    assert describe_cell_forecast(forecast, cell) == (
        f"Under 1 expected in the 7 days from 22 Nov 2026: among the busiest 1 % of places "
        f"({row['last_weeks']:.0f} in the last 4 weeks, {row['on_record']:.0f} on record)."
    )
    assert describe_cell_forecast(forecast, "8b1946540000fff") == ""


def test_a_method_that_only_ranks_promises_no_numbers() -> None:
    gi_star = replace(select_for("needle_litter").by_size[9], method="gi_star")
    forecast = build_forecast(demonstration()[0], middlesbrough(), "needle_litter", gi_star)
    view = build_forecast_view(count_first_layer(DEFAULT), forecast, DEFAULT, area=middlesbrough(), ward_names=())
    assert view.sentence.startswith("In the 7 days from 22 Nov 2026: look first ")
    assert view.sentence.endswith("% of needle finds in the last 13 weeks.")
    assert view.groups[0].rows[0].number.startswith("z ")
    assert view.table["Expected in the week"].isna().all()
    assert np.isfinite(view.drawing.values).all()
    assert describe_cell_forecast(forecast, str(forecast.rows["cell"].iloc[0])).startswith(
        "For the 7 days from 22 Nov 2026 this is among the busiest 1 % of places ("
    )


@pytest.mark.parametrize(
    ("layer", "has_selection", "reason"),
    [
        ("needle_litter", False, "There are too few weeks of records to select a forecast, so there is none."),
        (
            "needle_litter",
            True,
            "These cells are too small for the back-test in so large an area, or smaller than the records know.",
        ),
        ("closed_properties", False, "These are in force for months, so there are no events of next week to forecast."),
    ],
)
def test_where_there_is_no_forecast_it_says_why(layer: str, has_selection: bool, reason: str) -> None:  # noqa: FBT001 - a case
    view = build_empty_forecast_view(count_first_layer(Choices(layers=(layer,))), has_selection=has_selection)
    assert reason in view.sentence
    assert view.nothing.startswith(reason)
    assert len(view.drawing.cells) == len(view.table) == len(view.rows) == 0
    assert view.drawing.layer().data()["values"] == ""
