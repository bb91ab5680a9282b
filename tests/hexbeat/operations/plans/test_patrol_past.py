import datetime as dt

import numpy as np
import pytest

from hexbeat.analysis.study import project
from hexbeat.operations.plans.expected_events import forecast_events
from hexbeat.operations.plans.patrol_past import PastWeeks, replay_weeks
from hexbeat.operations.plans.patrol_problem import PatrolChoices, choose_stop_seconds
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.working_time import build_working_time
from tests.support.demonstrations import demonstration, middlesbrough


@pytest.mark.slow
def test_plans_catch_more_than_the_top_cells_by_last_months_count_in_map_order() -> None:
    """On demonstration events, by more than chance; bench/plans.py has more layers, hours and weeks."""
    columns, _ = demonstration()
    area = middlesbrough()
    choices = PatrolChoices(dt.date(2026, 11, 20), (14, 20), Place("Station", -1.235, 54.574), mode="drive")
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    expected = forecast_events(
        columns, area, dict(choices.weights), time=time, methods={"street_dealing": "all_history"}
    )
    past = replay_weeks(expected, choices, time, choose_stop_seconds(area, expected, choices), weeks=20, rounds=2)
    lead, low, high = past.lead()
    assert 0 < low < lead < high
    (_, pai, _, _), (_, usual, _, _) = past.rows()
    assert pai > usual > 1


def test_each_week_is_planned_from_the_weeks_before_it_alone() -> None:
    columns, _ = demonstration()
    area = middlesbrough()
    choices = PatrolChoices(
        dt.date(2026, 11, 20), (20, 22), Place("Station", -1.235, 54.574), teams=1, wards=("E05009866",)
    )
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    expected = forecast_events(
        columns, area, dict(choices.weights), time=time, wards=choices.wards, methods={"street_dealing": "last_period"}
    )
    stops = choose_stop_seconds(area, expected, choices)
    before = replay_weeks(expected, choices, time, stops, weeks=3, rounds=1)
    expected.layers[0].weeks[-1] = 0  # what the last week brought moves no plan, only what is caught
    expected.layers[0].weeks[-1, 0] = 5
    after = replay_weeks(expected, choices, time, stops, weeks=3, rounds=1)
    assert (before.area == after.area).all()
    assert (before.usual_area == after.usual_area).all()
    assert (before.caught[:2] == after.caught[:2]).all()
    assert after.events[2] == pytest.approx(5 * expected.layers[0].week_share)


def test_the_usual_way_goes_on_with_the_next_cell_where_one_does_not_fit() -> None:
    """The cell with most of late lies two hours away: it is passed over, and the others are visited."""
    columns, _ = demonstration()
    area = middlesbrough()
    choices = PatrolChoices(dt.date(2026, 11, 20), (20, 22), Place("Station", -1.235, 54.574), teams=1)
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    expected = forecast_events(
        columns, area, dict(choices.weights), time=time, methods={"street_dealing": "last_period"}
    )
    stops = choose_stop_seconds(area, expected, choices)
    x_m, y_m = project(expected.study.crs, np.array([-1.235]), np.array([54.574]))
    far = int(np.hypot(expected.study.x_m - x_m, expected.study.y_m - y_m).argmax())
    expected.layers[0].weeks[-8:, far] = 50
    past = replay_weeks(expected, choices, time, stops, weeks=3, rounds=1)
    assert (past.usual_area > 0).all()


def test_weeks_without_events_have_no_figures() -> None:
    none = np.zeros(3)
    assert PastWeeks(none, none, none, none, none).rows() == ()
    assert PastWeeks(none, none, none, none, none).sentences() == ()


def test_a_way_that_visited_nothing_has_no_row_and_no_figure_is_nan() -> None:
    ones, none = np.ones(8), np.zeros(8)
    past = PastWeeks(10 * ones, 3 * ones, none, 0.02 * ones, none)
    assert past.rows() == (("Plans made like this one", pytest.approx(15), pytest.approx(15), pytest.approx(15)),)
    assert PastWeeks(10 * ones, none, none, none, none).rows() == ()
    assert not any("nan" in sentence for sentence in past.sentences())
    assert len(past.sentences()) == 2


@pytest.mark.parametrize(
    ("caught", "usual", "words"),
    [
        ([1, 0, 3, 0], [0, 2, 0, 1], "a difference of "),
        ([0, 0, 1, 0], [0, 0, 0, 0], "a difference of 0 to "),
        ([0, 1, 0, 1], [2, 3, 2, 3], "20 to 20 in 100 events fewer, more than chance."),
    ],
)
def test_a_lead_is_only_said_where_there_is_one(caught: list[int], usual: list[int], words: str) -> None:
    area = np.full(4, 0.02)
    past = PastWeeks(np.full(4, 10.0), np.array(caught, float), np.array(usual, float), area, area)
    assert words in past.sentences()[0]
    assert ("which may be chance." in past.sentences()[0]) == words.startswith("a difference")


def test_what_was_caught_is_said_beside_the_usual_way() -> None:
    ones = np.ones(8)
    past = PastWeeks(10 * ones, 3 * ones, 2 * ones, 0.02 * ones, 0.02 * ones)
    assert past.sentences()[0] == (
        "In the last 8 weeks the stops of such plans held 30 % of the events. The top cells by last month's count, in "
        "map order, held 20 %. That is a lead of 10 to 10 in 100 events, more than chance."
    )
    assert past.sentences()[1] == (
        "The plans visited 2 % of the area and held 15 times as much as chance would there. The top cells visited "
        "2 % and held 10 times as much. So plans visited as much of the area and held more in all than the top cells, "
        "and more for the same ground."
    )
    assert past.rows()[0] == ("Plans made like this one", pytest.approx(15), pytest.approx(15), pytest.approx(15))
