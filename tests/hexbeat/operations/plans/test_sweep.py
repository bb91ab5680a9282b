import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.districts import assign_crews
from geo.errors import UsageError
from hexbeat.operations.plans.plan import Place, Plan
from hexbeat.operations.plans.sweep import (
    REPORT_COLUMNS,
    SweepChoices,
    make_sweep_plan,
    make_sweep_plans,
    read_open_reports,
)
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.coverage import Coverage, CoverageEntry
from tests.support.demonstrations import TODAY, demonstration, filled_store, middlesbrough
from tests.support.events import Event, columns_of

DEPOT = Place("Depot", -1.235, 54.574)
DAY = SweepChoices(TODAY, DEPOT, hours=(8, 11), wards=("E05009866", "E05009857", "E05009862"))
NOWHERE = pd.DataFrame({"kind": [], "name": [], "lon": [], "lat": []})


def waiting() -> pd.DataFrame:
    with Store.open(filled_store()) as store:
        return read_open_reports(store, ANALYST, ward_codes=middlesbrough().wards.codes)


def swept(choices: SweepChoices, *, reports: pd.DataFrame | None = None, near: pd.DataFrame = NOWHERE) -> Plan:
    columns, _ = demonstration()
    given_reports = waiting() if reports is None else reports
    moment = dt.datetime(2026, 11, 22, 6, tzinfo=middlesbrough().tz)
    return make_sweep_plan(columns, middlesbrough(), choices, reports=given_reports, reference=near, made_at=moment)


def moved(reports: pd.DataFrame, hours_before: float) -> pd.DataFrame:
    """The same reports, made so long before work begins."""
    begin = int(dt.datetime(2026, 11, 22, 8, tzinfo=middlesbrough().tz).timestamp())
    second = begin - int(hours_before * 3600)
    return reports.assign(occurred_from=second, occurred_to=second)


def test_open_reports_are_those_whose_status_says_so() -> None:
    reports = waiting()
    assert tuple(reports.columns) == REPORT_COLUMNS
    assert len(reports) > 0
    assert reports["occurred_from"].is_monotonic_increasing
    begin = int(dt.datetime(2026, 11, 22, tzinfo=middlesbrough().tz).timestamp())
    assert (reports["occurred_to"] > begin - 30 * 3600).all()
    assert reports["h3_10"].dtype == np.uint64
    with Store.open(filled_store()) as store:
        assert read_open_reports(store, ANALYST, ward_codes=("E05000000",)).empty


@pytest.mark.slow
@settings(max_examples=4)
@given(
    crews=st.integers(1, 3),
    hours=st.sampled_from([(7, 15), (8, 9), (22, 4)]),
    day=st.sampled_from([TODAY, dt.date(2026, 10, 24)]),
)
def test_no_sweep_breaks_its_hours_its_break_or_visits_a_place_twice(
    crews: int, hours: tuple[int, int], day: dt.date
) -> None:
    plan = swept(replace(DAY, crews=crews, hours=hours, day=day))
    seconds = (plan.ends - plan.begins).total_seconds()
    cells = [stop.cell for tour in plan.tours for stop in tour.stops]
    assert len(cells) == len(set(cells))
    assert len(plan.tours) == crews
    for tour in plan.tours:
        assert plan.begins <= tour.leaves <= tour.returns <= plan.ends
        now = plan.begins.timestamp()
        for stop in tour.stops:
            assert stop.arrive.timestamp() >= now
            now = stop.leave.timestamp()
            assert now - stop.arrive.timestamp() == stop.minutes * 60
            assert 8 <= stop.minutes <= 20
        worked = 60 * (tour.travel_minutes + sum(stop.minutes for stop in tour.stops))
        back = tour.returns.timestamp() - plan.begins.timestamp()
        if seconds > 6 * 3600 and back > seconds * 2 / 3:
            assert back - worked >= 30 * 60
    assert plan.worth.score <= plan.worth.bound * (1 + 1e-6)


@pytest.mark.slow
def test_overdue_reports_come_first_and_say_how_long_they_waited() -> None:
    reports = waiting()
    late, fresh = moved(reports.iloc[:1], 5), moved(reports.iloc[1:2], 1)
    both = pd.concat([fresh, late], ignore_index=True)
    plan = swept(replace(DAY, wards=(), hours=(8, 12)), reports=both)
    first, second = plan.tours[0].stops[:2]
    assert (first.open_reports, second.open_reports) == (1, 1)
    assert "over the standard of 2" in first.reason
    assert first.reason.startswith(("1 open report 5 hours old", "1 open report 6 hours old"))
    assert (round(first.lon, 6), round(first.lat, 6)) == (late.iloc[0]["lon"], late.iloc[0]["lat"])
    assert plan.notes[0] == "The plan answers 2 of 2 open reports. 1 is overdue when work begins."


@pytest.mark.slow
def test_a_longer_standard_makes_nothing_overdue() -> None:
    plan = swept(replace(DAY, wards=(), standard_hours=48.0), reports=moved(waiting(), 5))
    assert "0 are overdue" in plan.notes[0]
    assert "within the standard" in plan.tours[0].stops[0].reason


@pytest.mark.slow
def test_places_near_play_areas_and_schools_come_before_the_rest() -> None:
    empty = waiting().iloc[:0]
    plain = swept(DAY, reports=empty)
    last = plain.tours[0].stops[-1]
    near = pd.DataFrame({"kind": ["play_area"], "name": ["Swings <b>"], "lon": [last.lon], "lat": [last.lat]})
    plan = swept(DAY, reports=empty, near=near)
    assert "within 150 m of Swings <b>" in plan.tours[0].stops[0].reason.lower().replace("swings", "Swings")
    assert plain.notes[0].startswith("There are no open reports. ")
    assert plan.tours != plain.tours
    assert plan.plan_id != plain.plan_id  # a printed sheet and what is recorded of it mean these stops
    beside_stations = swept(DAY, reports=empty, near=near.assign(kind="station"))
    assert beside_stations.tours == plain.tours
    assert beside_stations.plan_id == plain.plan_id


@pytest.mark.slow
def test_a_week_of_sweeps_has_few_stops_a_day_and_no_place_twice() -> None:
    columns, _ = demonstration()
    friday = dt.date(2026, 11, 20)
    choices = replace(DAY, day=friday, crews=2, most_stops=5)
    plans = make_sweep_plans(columns, middlesbrough(), choices, days=3, reports=waiting().iloc[:0], reference=NOWHERE)
    assert [plan.begins.date() for plan in plans] == [friday, dt.date(2026, 11, 23), dt.date(2026, 11, 24)]
    assert {plan.series for plan in plans} == {plans[0].plan_id}
    assert {len(tour.stops) for plan in plans for tour in plan.tours} == {5}
    cells = [stop.cell for plan in plans for tour in plan.tours for stop in tour.stops]
    assert len(set(cells)) == len(cells)


def test_crews_have_places_that_lie_together_with_about_equal_work() -> None:
    random = np.random.default_rng(1)
    x_m, y_m, work = random.uniform(0, 1000, 90), random.uniform(0, 3000, 90), random.uniform(5, 15, 90)
    crew = assign_crews(x_m, y_m, work, crews=3)
    sums = np.bincount(crew, work)
    assert len(sums) == 3
    assert sums.max() - sums.min() <= 2 * work.max()
    order = np.argsort(y_m)  # longer from south to north: three bands
    assert (np.diff(crew[order]) >= 0).all()


@given(st.integers(0, 30), st.integers(1, 6), st.integers(0, 999))
def test_every_place_falls_to_one_crew_whatever_their_number(places: int, crews: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    crew = assign_crews(random.normal(size=places), random.normal(size=places), np.ones(places), crews=crews)
    assert ((crew >= 0) & (crew < crews)).all()
    assert np.ptp(np.bincount(crew, minlength=crews)) <= 2


def test_where_there_is_nothing_to_look_for_no_plan_is_made() -> None:
    with pytest.raises(UsageError) as caught:
        swept(replace(DAY, day=dt.date(2020, 1, 1)), reports=waiting().iloc[:0])
    assert str(caught.value) == (
        "A sweep goes where needles were found or reported; there are no finds and no open reports in these wards "
        "on record, and 11 Sep to 31 Dec 2019 are not known; choose more wards, or load records of needles"
    )


def test_needles_that_were_never_loaded_are_not_known() -> None:
    columns = columns_of([Event(0, layer="street_dealing")], ward_codes=middlesbrough().wards.codes)
    with pytest.raises(UsageError) as caught:
        make_sweep_plan(columns, middlesbrough(), DAY, reports=waiting().iloc[:0], reference=NOWHERE)
    assert str(caught.value).startswith("Needle finds are not known: none have been loaded; ")


@pytest.mark.slow
def test_days_that_are_not_known_and_hours_that_are_over_are_in_the_notes() -> None:
    columns, _ = demonstration()
    spans = ((dt.date(2024, 1, 1), dt.date(2026, 10, 1)), (dt.date(2026, 11, 1), TODAY))
    entries = tuple(CoverageEntry("needle_litter", "log", "", *span) for span in spans)
    gap = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    moment = dt.datetime(2026, 11, 22, 22, 37, tzinfo=middlesbrough().tz)
    plan = make_sweep_plan(gap, middlesbrough(), DAY, reports=waiting(), reference=NOWHERE, made_at=moment)
    assert plan.notes[-2:] == (
        "Needle finds: Oct 2026 is not known. What was found then is missing here.",
        "These hours are over: the plan was made on 22 Nov 2026 at 22:37.",
    )
    assert not any("not known" in note or "are over" in note for note in swept(DAY).notes)


def test_choices_of_a_sweep_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        replace(DAY, standard_hours=0.0)
    assert str(caught.value) == (
        "The council's standard is a number of hours above 0; you gave 0; Middlesbrough's is 2 hours"
    )
    with pytest.raises(UsageError) as caught:
        replace(DAY, crews=13)
    assert caught.value.fact == "you asked for 13"
