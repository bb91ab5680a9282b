"""Hours of the week, months, and cells with all layers."""

import datetime as dt

import pandas as pd

from hexbeat.analysis.rhythm import BusiestShift, count_by_month, count_known_hours, count_weekday_hours
from layers.counting import Filter
from tests.support.events import Event, columns_of, local

FRIDAY_NIGHT = local("2024-03-01 22:30")
MARCH = Event(local("2024-03-01 00:00"), local("2024-04-01 00:00"), precision="month", layer="street_dealing")
CLOSED = Event(local("2024-01-15 00:00"), local("2024-03-15 00:00"), precision="day", layer="closed_properties")


def test_the_grid_holds_local_hours_and_says_what_it_lacks() -> None:
    day = Event(local("2024-03-02 00:00"), local("2024-03-03 00:00"), precision="day")
    summer = Event(local("2024-07-01 00:00"))  # a Monday; 23:00 on Sunday in UTC
    found = count_weekday_hours(columns_of([Event(FRIDAY_NIGHT), day, MARCH, CLOSED, summer]), Filter())
    assert (found.grid[4, 22], found.grid[0, 0], found.grid.sum()) == (1.0, 1.0, 2.0)
    assert (found.grid.shape, found.known_hour, found.unknown_hour) == ((7, 24), 2, 2)


def test_the_grid_shares_out_what_was_found_between_two_times() -> None:
    found = count_weekday_hours(
        columns_of([Event(FRIDAY_NIGHT, FRIDAY_NIGHT + 4 * 3600, quantity=8)]), Filter(measure="quantity")
    )
    assert found.grid[4, 22:].tolist() == [1.0, 2.0]
    assert found.grid[5, :4].tolist() == [2.0, 2.0, 1.0, 0.0]
    assert found.known_hour == 1


def test_the_grid_keeps_to_the_filter() -> None:
    columns = columns_of([Event(FRIDAY_NIGHT, FRIDAY_NIGHT + 4 * 3600)])
    evening = count_weekday_hours(columns, Filter(end=dt.date(2024, 3, 2)))
    assert (evening.grid[4, 22], evening.grid[4, 23], evening.grid.sum()) == (0.125, 0.25, 0.375)
    midnight = count_weekday_hours(columns, Filter(hours=(0, 1)))
    assert midnight.grid[5, 0] == midnight.grid.sum() == 0.25


def test_the_grid_of_nothing() -> None:
    found = count_weekday_hours(columns_of([]), Filter())
    assert (found.grid.sum(), found.known_hour, found.unknown_hour) == (0.0, 0, 0)


def test_one_record_has_no_plural() -> None:
    nothing = BusiestShift(None, None, {}, 0.0, 0.0, 0.0, 1.0, clear=False, too_few=False, known_hour=0, unknown_hour=1)
    assert nothing.sentence == "No shift can be named. The time of day is not known for the only record."


def test_months_without_anything_are_there() -> None:
    columns = columns_of([Event(local("2024-01-05 10:00")), MARCH])
    months = count_by_month(columns, Filter(layers=("needle_litter", "street_dealing")))
    expected = pd.DataFrame(
        {
            "month": ["2024-01", "2024-01", "2024-02", "2024-02", "2024-03", "2024-03"],
            "layer": ["needle_litter", "street_dealing"] * 3,
            "count": [1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        }
    )
    pd.testing.assert_frame_equal(months, expected)


def test_months_of_nothing() -> None:
    months = count_by_month(columns_of([]), Filter())
    assert (list(months.columns), len(months)) == (["month", "layer", "count"], 0)


def test_days_that_are_not_known_are_in_no_hour_of_the_week() -> None:
    """Of two Fridays one is not known: its record stays out, and so does half of what was found over its midnight."""
    unknown_friday = Event(local("2024-03-08 22:30"))
    over_midnight = Event(local("2024-03-07 22:00"), local("2024-03-08 02:00"))
    columns = columns_of([Event(FRIDAY_NIGHT), unknown_friday, over_midnight])
    known = ((dt.date(2024, 3, 1), dt.date(2024, 3, 8)), (dt.date(2024, 3, 9), dt.date(2024, 3, 11)))
    found = count_known_hours(columns, Filter(start=dt.date(2024, 1, 1)), known)
    assert (found.grid[4, 22], found.grid[3, 22:].sum(), found.grid.sum()) == (1.0, 0.5, 1.5)
    assert count_known_hours(columns, Filter(), ()).grid.sum() == 0
