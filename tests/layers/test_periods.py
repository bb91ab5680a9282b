"""Periods: what records cover, what they are compared with, and bins that fit."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from layers.filters import Filter
from layers.periods import (
    choose_bins,
    clip_period,
    find_day_end,
    find_known_period,
    find_month_only_share,
    find_period_before,
    find_year_before,
    require_one_layer,
)
from tests.support.events import Event, columns_of, local

D = dt.date
ZONE = "Europe/London"
COLUMNS = columns_of(
    [
        Event(local("2026-03-05 10:00")),
        Event(local("2026-04-01 00:00"), local("2026-05-01 00:00"), precision="month"),
        Event(local("2026-02-01 10:00"), local("2026-12-01 10:00"), layer="closed_properties"),
    ]
)  # fmt: skip


def test_records_reach_to_the_end_of_the_last_known_interval() -> None:
    assert find_known_period(COLUMNS, "needle_litter", time_zone=ZONE) == (D(2026, 3, 5), D(2026, 5, 1))
    assert find_known_period(COLUMNS, "closed_properties", time_zone=ZONE) == (D(2026, 2, 1), D(2026, 2, 2))
    assert find_known_period(COLUMNS, "overdoses", time_zone=ZONE) is None


def test_a_period_is_cut_to_the_records_and_says_so() -> None:
    wide = Filter(layers=("needle_litter",), start=D(2026, 1, 1), end=D(2026, 6, 1))
    assert clip_period(COLUMNS, wide, time_zone=ZONE) == (
        (D(2026, 3, 5), D(2026, 5, 1)),
        [
            "The records end on 30 Apr 2026. Later days are left out.",
            "The records begin on 5 Mar 2026. Earlier days are left out.",
        ],
    )
    inside = Filter(layers=("needle_litter",), start=D(2026, 4, 1), end=D(2026, 4, 8))
    assert clip_period(COLUMNS, inside, time_zone=ZONE) == ((D(2026, 4, 1), D(2026, 4, 8)), [])
    whole = Filter(layers=("needle_litter",))
    assert clip_period(COLUMNS, whole, time_zone=ZONE) == ((D(2026, 3, 5), D(2026, 5, 1)), [])


def test_a_period_without_records_is_none() -> None:
    later = Filter(layers=("needle_litter",), start=D(2026, 6, 1), end=D(2026, 7, 1))
    assert clip_period(COLUMNS, later, time_zone=ZONE) == (None, ["There are no records of 1 Jun to 30 Jun 2026."])
    none = Filter(layers=("overdoses",))
    assert clip_period(COLUMNS, none, time_zone=ZONE) == (None, ["No overdoses have been loaded."])


def test_earlier_periods() -> None:
    assert find_period_before((D(2026, 3, 1), D(2026, 3, 29))) == (D(2026, 2, 1), D(2026, 3, 1))
    assert find_year_before((D(2024, 2, 29), D(2024, 3, 29))) == (D(2023, 3, 1), D(2023, 3, 29))


@pytest.mark.parametrize(
    ("days", "many", "unit"),
    [
        (27, None, None),
        (28, 4, "week"),
        (90, 12, "week"),
        (188, 26, "week"),
        (189, 6, "four weeks"),
        (365, 13, "four weeks"),
    ],
)
def test_bins_fit_the_period_and_end_with_it(days: int, many: int | None, unit: str | None) -> None:
    end = D(2026, 11, 22)
    bins = choose_bins((end - dt.timedelta(days=days), end))
    assert (len(bins.periods) if bins else None) == many
    assert (bins.unit if bins else None) == unit
    if bins:
        assert bins.periods[-1][1] == end


def test_bins_say_how_they_were_chosen() -> None:
    end = D(2026, 11, 22)
    weeks = choose_bins((end - dt.timedelta(days=30), end))
    months = choose_bins((D(2026, 1, 15), D(2026, 11, 10)), month_only=0.9)
    assert weeks is not None
    assert weeks.description == "4 bins from 25 Oct to 21 Nov 2026: weeks."
    assert months is not None
    assert months.description == (
        "9 bins from 1 Feb to 31 Oct 2026: calendar months, because most records are known only to their month."
    )
    assert choose_bins((D(2026, 1, 15), D(2026, 5, 10)), month_only=0.9) is None


@given(first=st.dates(D(2015, 1, 1), D(2026, 1, 1)), days=st.integers(1, 2000), month_only=st.sampled_from([0.0, 0.9]))
def test_bins_follow_each_other_inside_the_period(first: D, days: int, month_only: float) -> None:
    period = (first, first + dt.timedelta(days=days))
    bins = choose_bins(period, month_only=month_only)
    if bins is None:
        assert days < 28 or month_only
        return
    assert len(bins.periods) >= 4
    assert bins.periods[0][0] >= period[0]
    assert bins.periods[-1][1] <= period[1]
    assert [a[1] for a in bins.periods[:-1]] == [b[0] for b in bins.periods[1:]]


def test_the_share_known_only_to_the_month() -> None:
    assert find_month_only_share(COLUMNS, np.array([0, 1, 2])) == pytest.approx(1 / 3)
    assert find_month_only_share(COLUMNS, np.array([], dtype=np.int64)) == 0


UNLIKE = "A map shows one layer, because different things cannot be added up"
CHOICES = "choose one of needle_litter, street_dealing, overdoses"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), f"{UNLIKE}; you chose none; {CHOICES}, closed_properties"),
        (
            ("overdoses", "needle_litter"),
            f"{UNLIKE}; you chose overdoses and needle_litter; {CHOICES}, closed_properties",
        ),
    ],
)
def test_one_layer_at_a_time(layers: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_one_layer(Filter(layers=layers), "A map")
    assert str(caught.value) == message


def test_a_layer_of_incidents_where_they_are_needed() -> None:
    assert require_one_layer(Filter(layers=("overdoses",)), "A map", incidents=True).name == "overdoses"
    with pytest.raises(UsageError) as caught:
        require_one_layer(Filter(layers=("closed_properties",)), "A map", incidents=True)
    assert str(caught.value) == (
        f"A map needs incidents, which happen on a day; closed properties are in force for months; {CHOICES}"
    )


def test_the_last_day_of_all_has_no_end() -> None:
    with pytest.raises(UsageError) as error:
        find_day_end(D(9999, 12, 31), ZoneInfo(ZONE))
    assert str(error.value) == (
        "A day is before the end of the year 9999; 9999-12-31 is its last day; choose an earlier day"
    )
    assert find_day_end(D(2026, 3, 28), ZoneInfo(ZONE)).isoformat() == "2026-03-28T23:59:59+00:00"
