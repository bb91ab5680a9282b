"""Months and weeks on a map: the same numbers as the bars of the months, and what is not known says so."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from hexbeat.dashboard.pages.map.time_map import build_time_layer, list_periods
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import TimeCounts, count_months, count_over_time
from hexbeat.dashboard.state.freshness import find_layer_freshness
from layers.catalogue import find_layer
from layers.columns import Columns
from tests.hexbeat.analysis.test_change_map import cover, days_of
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import columns_of

END = date(2026, 11, 22)


def count_in(columns: Columns, layer: str, unit: str, end: date = END, choices: Choices | None = None) -> TimeCounts:
    freshness = find_layer_freshness(columns, time_zone=middlesbrough().tz)[layer]
    return count_over_time(
        columns, freshness=freshness, choices=choices or Choices(), area=middlesbrough(),
        periods=list_periods(unit, end), resolution=9,
    )  # fmt: skip


@pytest.mark.parametrize("layer", ["needle_litter", "closed_properties"])
@pytest.mark.parametrize("choices", [Choices(), Choices(wards=("E05009857",), shift="night")])
def test_the_months_of_the_map_add_up_to_the_bars(layer: str, choices: Choices) -> None:
    columns, _ = demonstration()
    counts = count_in(columns, layer, "month", choices=choices)
    freshness = find_layer_freshness(columns, time_zone=middlesbrough().tz)[layer]
    bars = count_months(
        columns, freshness=freshness, choices=choices, area=middlesbrough(), end=END, months=len(counts.periods)
    )
    assert counts.numbers.shape == (24, len(counts.cells))
    assert counts.numbers.sum(axis=1) == pytest.approx(bars.to_numpy())


def test_weeks_end_with_the_period_and_months_hold_its_last_day() -> None:
    weeks = list_periods("week", END)
    assert (len(weeks), weeks[-1]) == (26, (date(2026, 11, 15), END))
    assert all(before[1] == after[0] for before, after in pairwise(weeks))
    assert list_periods("month", END)[-1] == (date(2026, 11, 1), date(2026, 12, 1))
    assert list_periods("month", date(2026, 11, 1))[-1] == (date(2026, 10, 1), date(2026, 11, 1))


def test_a_period_says_what_is_not_known_of_it_and_is_never_empty_instead() -> None:
    spans = (date(2026, 9, 1), date(2026, 10, 1)), (date(2026, 11, 1), date(2026, 11, 11))
    columns = cover(columns_of([event for span in spans for event in days_of(*span)]), *spans)
    counts = count_in(columns, "needle_litter", "month")
    assert counts.known_days[-4:] == (0, 30, 0, 10)
    frames = build_time_layer(counts, find_layer("needle_litter"), "events", unit="month").frames
    assert frames is not None
    assert frames.labels[-4:] == (
        "Aug 2026: not known", "Sep 2026", "Oct 2026: not known", "Nov 2026: 10 of 30 days known",
    )  # fmt: skip
    assert frames.known[-4:] == (False, True, False, True)
    assert frames.values.sum(axis=1)[-4:].tolist() == [0, 30, 0, 10]
    weeks = count_in(columns, "needle_litter", "week", date(2026, 11, 11))
    labels = build_time_layer(weeks, find_layer("needle_litter"), "events", unit="week").frames
    assert labels is not None
    assert labels.labels[-2:] == ("28 Oct to 3 Nov 2026: 3 of 7 days known", "4 Nov to 10 Nov 2026")


def test_nothing_in_any_period_is_no_cell() -> None:
    columns, _ = demonstration()
    counts = count_in(columns, "needle_litter", "month", date(2019, 1, 1))
    assert len(counts.cells) == 0
    assert counts.numbers.shape == (24, 0)
    assert not np.any(counts.known_days)
