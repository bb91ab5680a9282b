import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from geo.errors import UsageError
from hexbeat.analysis.forecast_methods import METHODS
from hexbeat.operations.plans.expected_events import choose_method, forecast_events, share_hours
from hexbeat.operations.plans.working_time import WorkingTime, build_working_time
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import REPORTERS
from tests.support.demonstrations import demonstration, filled_store, middlesbrough, select_for

METHOD = {"street_dealing": "all_history", "overdoses": "kernel", "needle_litter": "last_period"}
DAY = dt.date(2026, 11, 20)


def hours(first: int, last: int, day: dt.date = DAY) -> WorkingTime:
    return build_working_time(day, (first, last), "Europe/London")


@pytest.mark.slow
def test_the_parts_of_a_week_add_up_to_the_week() -> None:
    columns, _ = demonstration()
    week = [dt.date(2026, 11, 16) + dt.timedelta(days=k) for k in range(7)]
    whole = sum(
        forecast_events(
            columns, middlesbrough(), {"street_dealing": 1}, time=hours(*span, day), methods=METHOD
        ).worth.sum()
        for day in week
        for span in ((0, 12), (12, 24))
    )
    found = forecast_events(columns, middlesbrough(), {"street_dealing": 1}, time=hours(0, 12), methods=METHOD)
    assert whole == pytest.approx(found.layers[0].weeks.mean(axis=0).sum())


def test_a_night_on_which_the_clocks_go_back_expects_its_hour_twice() -> None:
    columns, _ = demonstration()
    usual, long, short = (
        forecast_events(columns, middlesbrough(), {"overdoses": 1}, time=hours(0, 4, day), methods=METHOD).worth.sum()
        for day in (dt.date(2026, 11, 22), dt.date(2026, 10, 25), dt.date(2026, 3, 29))
    )
    assert short < usual < long


def test_layers_are_weighed_by_the_team() -> None:
    columns, _ = demonstration()
    area, time = middlesbrough(), hours(18, 22)
    one = forecast_events(columns, area, {"street_dealing": 1}, time=time, methods=METHOD).worth
    other = forecast_events(columns, area, {"overdoses": 1}, time=time, methods=METHOD).worth
    both = forecast_events(columns, area, {"street_dealing": 2, "overdoses": 5}, time=time, methods=METHOD)
    assert np.allclose(both.worth, 2 * one + 5 * other)
    assert [layer.weight for layer in both.layers] == [2, 5]


def test_finds_of_sweeps_take_no_part() -> None:
    columns, _ = demonstration()
    sweep = columns.reported_by == REPORTERS.index("sweep")
    elsewhere = replace(columns, quantity=np.where(sweep, 9999, columns.quantity).astype(np.int32))
    found = [
        forecast_events(one, middlesbrough(), {"needle_litter": 1}, time=hours(8, 12), methods=METHOD)
        for one in (columns, elsewhere)
    ]
    assert (found[0].worth == found[1].worth).all()
    counted = int((~sweep & (columns.layer == 0)).sum())
    assert found[0].layers[0].weeks.sum() <= counted


@pytest.mark.slow
def test_what_wins_the_back_test_is_taken_and_named() -> None:
    columns, _ = demonstration()
    winner = select_for("street_dealing").by_size[10]
    with Store.open(filled_store()) as store:
        found = forecast_events(
            columns,
            middlesbrough(),
            {"street_dealing": 1},
            time=hours(18, 22),
            documents=store.documents(ANALYST),
        )
    assert found.layers[0].method == choose_method(winner.method)
    assert ", the best in the back-test at this cell size. These hours hold " in found.layers[0].sentences[0]


def test_a_method_that_only_ranks_gives_way_to_one_that_gives_numbers() -> None:
    assert choose_method("gi_star") == "kernel"
    assert choose_method(None) == "kernel"
    assert [choose_method(method) for method in METHODS if method != "gi_star"] == [
        method for method in METHODS if method != "gi_star"
    ]


def test_few_times_of_day_pool_the_weekdays_and_very_few_all_hours() -> None:
    columns, _ = demonstration()
    until = dt.date(2026, 11, 22)
    many, said = share_hours(columns, "street_dealing", wards=(), until=until, time_zone="Europe/London")
    assert (many.sum(), said) == (pytest.approx(1), [])
    some, said = share_hours(columns, "overdoses", wards=("E05009862",), until=until, time_zone="Europe/London")
    assert some.sum() == pytest.approx(1)
    assert said == ["Few overdoses have a time of day, so all weekdays count the same."]
    assert np.allclose(some.reshape(7, 24), some.reshape(7, 24)[0])
    none, said = share_hours(columns, "overdoses", wards=(), until=dt.date(2000, 1, 1), time_zone="Europe/London")
    assert np.allclose(none, 1 / 168)
    assert said == ["Too few overdoses have a time of day, so all hours of the week count the same."]


def test_records_that_end_long_before_the_day_are_said_to() -> None:
    columns, _ = demonstration()
    found = forecast_events(
        columns, middlesbrough(), {"overdoses": 1}, time=hours(18, 22, dt.date(2027, 1, 10)), methods=METHOD
    )
    assert found.layers[0].sentences[-1] == "The newest record of overdoses is of 21 Nov 2026, 50 days before the plan."


def test_without_records_there_is_no_plan() -> None:
    columns, _ = demonstration()
    without = replace(columns, layer=np.zeros_like(columns.layer), coverage=None)
    with pytest.raises(UsageError) as caught:
        forecast_events(without, middlesbrough(), {"overdoses": 1}, time=hours(18, 22), methods=METHOD)
    assert str(caught.value) == "A plan needs records of overdoses; none are loaded; load some, or leave the layer out"
