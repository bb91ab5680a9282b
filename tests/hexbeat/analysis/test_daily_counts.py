"""Events that know their day, and counts of them."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.analysis.daily_counts import count_by, describe_left_out, find_known_days, find_positions, to_ordinal
from layers.catalogue import find_layer
from tests.support.events import Event, columns_of, local

ZONE = "Europe/London"


def test_what_knows_its_day_and_what_does_not() -> None:
    events = [
        Event(local("2026-03-29 23:30")),
        Event(local("2026-03-30 00:00"), local("2026-03-31 00:00"), precision="day"),
        Event(local("2026-10-25 00:00"), local("2026-10-26 00:00"), precision="day"),  # 25 hours
        Event(local("2026-03-28 18:00"), local("2026-03-30 08:00")),
        Event(local("2026-03-01 00:00"), local("2026-04-01 00:00"), precision="month"),
        Event(local("2026-03-31 06:00"), reported_by="sweep"),
        Event(local("2026-03-31 06:00"), layer="overdoses"),
    ]
    columns = columns_of(events)
    found = find_known_days(columns, "needle_litter", time_zone=ZONE)
    days = [dt.date(2026, 3, 29), dt.date(2026, 3, 30), dt.date(2026, 10, 25)]
    assert found.day.tolist() == [to_ordinal(day) for day in days]
    assert columns.start[found.index].tolist() == [events[0].start, events[1].start, events[2].start]
    assert (found.unknown, found.swept) == (2, 1)
    swept = find_known_days(columns, "needle_litter", time_zone=ZONE, sweeps=True)
    assert (len(swept.index), swept.unknown, swept.swept) == (4, 2, 0)


def test_positions_of_codes() -> None:
    assert find_positions(("b", "x", "a"), ("a", "b")).tolist() == [1, -1, 0]


@given(st.lists(st.tuples(st.integers(-2, 8), st.integers(-1, 4)), max_size=40))
def test_counts_equal_a_loop(pairs: list[tuple[int, int]]) -> None:
    time, place = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in (0, 1))
    table = count_by(time, place, time_count=6, place_count=3)
    plain = [[sum(pair == (t, p) for pair in pairs) for p in range(3)] for t in range(6)]
    assert table.tolist() == plain


@pytest.mark.parametrize(
    ("unknown", "swept", "notes"),
    [
        (0, 0, []),
        (
            1,
            1,
            ["1 overdose is left out because its day is not known.", "1 overdose is left out because sweeps found it."],
        ),
        (1_200, 0, ["1,200 overdoses are left out because their day is not known."]),
        (0, 2, ["2 overdoses are left out because sweeps found them."]),
    ],
)
def test_what_is_left_out_is_said(unknown: int, swept: int, notes: list[str]) -> None:
    assert describe_left_out(find_layer("overdoses"), unknown=unknown, swept=swept) == notes
