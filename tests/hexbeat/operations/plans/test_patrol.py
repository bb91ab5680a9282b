import datetime as dt
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import UsageError
from hexbeat.operations.plans import patrol
from hexbeat.operations.plans.patrol import PatrolChoices, make_patrol_plan
from hexbeat.operations.plans.patrol_past import PAST_WEEKS
from hexbeat.operations.plans.plan import Place, Plan, PlanPast, Tour
from hexbeat.operations.plans.plan_store import plan_to_json
from hexbeat.operations.plans.roads import measure_straight_travel
from hexbeat.operations.plans.working_time import build_working_time
from tests.support.demonstrations import demonstration, middlesbrough

STATION = Place("Station", -1.235, 54.574)
METHODS = {"street_dealing": "all_history", "overdoses": "kernel"}  # what wins is judged in test_winning
NIGHT = PatrolChoices(dt.date(2026, 11, 20), (18, 22), STATION, teams=2)


def planned(choices: PatrolChoices, *, quick: bool = True) -> Plan:
    columns, _ = demonstration()
    moment = dt.datetime(2026, 11, 22, 9, tzinfo=middlesbrough().tz)
    return make_patrol_plan(columns, middlesbrough(), replace(choices, quick=quick), methods=METHODS, made_at=moment)


def require_sound(plan: Plan, choices: PatrolChoices) -> None:
    """Every rule that a patrol keeps, looked at from the plan alone."""
    seconds = (plan.ends - plan.begins).total_seconds()
    visits: dict[str, list[tuple[float, float]]] = {}
    for tour in plan.tours:
        now = plan.begins.timestamp()
        assert plan.begins <= tour.leaves <= tour.returns <= plan.ends
        for stop in tour.stops:
            assert stop.arrive.timestamp() >= now
            assert stop.leave.timestamp() - stop.arrive.timestamp() == stop.minutes * 60
            assert choices.stop_minutes[0] <= stop.minutes <= choices.stop_minutes[1]
            now = stop.leave.timestamp()
            visits.setdefault(stop.cell, []).append((stop.arrive.timestamp(), now))
        assert tour.returns.timestamp() >= now
        require_pauses(tour)
        if seconds > 6 * 3600 and tour.returns.timestamp() - plan.begins.timestamp() > seconds * 2 / 3:
            assert [pause.minutes for pause in tour.pauses if pause.kind == "break"] == [30]
    for times in visits.values():
        times.sort()
        least, most = (minutes * 60 for minutes in choices.revisit_minutes)
        assert all(least <= late[0] - early[1] <= most for early, late in pairwise(times))
    ids = [stop.stop_id for tour in plan.tours for stop in tour.stops]
    assert len(ids) == len(set(ids))
    assert len({stop.place for tour in plan.tours for stop in tour.stops}) == len(visits)  # a name for each place
    assert 0 <= plan.worth.covered <= plan.worth.expected
    assert plan.worth.score <= plan.worth.bound * (1 + 1e-6)


def require_pauses(tour: Tour) -> None:
    """Breaks and waits lie between the stops that they name, and with ways and stops fill the whole tour."""
    left = [tour.leaves, *(stop.leave for stop in tour.stops)]
    reached = [*(stop.arrive for stop in tour.stops), tour.returns]
    for pause in tour.pauses:
        times = left[pause.after], pause.begins, pause.ends, reached[pause.after]
        assert [one.timestamp() for one in times] == sorted(one.timestamp() for one in times)
        assert pause.ends.timestamp() - pause.begins.timestamp() == 60 * pause.minutes
    spent = tour.travel_minutes + sum(one.minutes for one in (*tour.stops, *tour.pauses))
    whole = (tour.returns.timestamp() - tour.leaves.timestamp()) / 60
    assert 0 <= whole - spent <= len(tour.stops) + 1  # less than a minute of waiting is not told


def test_a_walk_between_stops_is_as_long_as_allowed_and_a_long_one_is_said() -> None:
    """On a night of few reports a team walked for 89 minutes, and the plan did not say so."""
    night = replace(NIGHT, hours=(22, 6), weights=(("street_dealing", 1.0),), most_stops=6)
    free, limited = planned(night), planned(replace(night, walk_minutes=10))
    said = [
        next((line for line in plan.settings if "walk from a stop" in line.lower()), "") for plan in (free, limited)
    ]
    longest = max(measure_longest_walk(tour) for tour in free.tours)
    assert longest > 10
    assert said[0].startswith(
        f"The longest walk from a stop to the next takes {longest} minutes, " if longest > 30 else ""
    )
    assert max(measure_longest_walk(tour) for tour in limited.tours) <= 10
    assert said[1] == "No walk from a stop to the next takes more than 10 minutes."


def measure_longest_walk(tour: Tour) -> int:
    """Minutes of the longest way between two stops of a tour, by the usual pace and detour."""
    lon, lat = (np.array([getattr(stop, name) for stop in tour.stops]) for name in ("lon", "lat"))
    return int(np.diagonal(measure_straight_travel(lon, lat, mode="walk").seconds, offset=1).max()) // 60


# Ordinary days and both nights on which the clocks change.
DAYS = st.sampled_from([dt.date(2026, 11, 20), dt.date(2026, 3, 28), dt.date(2026, 10, 24)])


@pytest.mark.slow
@settings(max_examples=6)
@given(
    day=DAYS,
    hours=st.sampled_from([(22, 4), (0, 6), (22, 6), (9, 12)]),
    teams=st.integers(1, 3),
    stops=st.sampled_from([(10, 16), (5, 5), (30, 60)]),
    mode=st.sampled_from(["walk", "drive"]),
    seed=st.integers(0, 9),
)
def test_no_plan_breaks_its_hours_breaks_stops_or_the_time_between_visits(
    day: dt.date, hours: tuple[int, int], teams: int, stops: tuple[int, int], mode: str, seed: int
) -> None:
    choices = PatrolChoices(
        day, hours, STATION, teams=teams, stop_minutes=stops, mode="walk" if mode == "walk" else "drive", seed=seed,
        wards=("E05009866", "E05009857"),
    )  # fmt: skip
    require_sound(planned(choices), choices)


@pytest.mark.parametrize(
    ("day", "hours", "long"),
    [
        (dt.date(2026, 11, 20), (22, 4), 6), (dt.date(2026, 3, 28), (22, 4), 5), (dt.date(2026, 10, 24), (22, 4), 7),
        (dt.date(2026, 11, 20), (14, 24), 10), (dt.date(2026, 11, 20), (0, 6), 6),
    ],
)  # fmt: skip
def test_a_night_is_as_long_as_it_really_is(day: dt.date, hours: tuple[int, int], long: int) -> None:
    time = build_working_time(day, hours, "Europe/London")
    assert time.seconds == long * 3600
    assert time.week_hours().sum() == long
    assert time.local_time(0).hour == hours[0]
    assert time.local_time(time.seconds).hour == hours[1] % 24


def test_more_than_sixteen_hours_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_working_time(dt.date(2026, 11, 20), (4, 22), "Europe/London")
    assert (
        str(caught.value)
        == "A plan is for 16 hours or fewer; 04:00 to 22:00 is 18 hours; plan one shift at a time, as 22-04"
    )


@pytest.mark.slow
def test_the_same_choices_give_the_same_plan_and_another_day_other_times() -> None:
    first, same = planned(NIGHT), planned(NIGHT)
    assert plan_to_json(first) == plan_to_json(same)
    other = planned(replace(NIGHT, day=dt.date(2026, 11, 21)))
    again = planned(replace(NIGHT, seed=1))
    for plan in (other, again):
        assert plan.plan_id != first.plan_id
        assert [stop.arrive.time() for stop in plan.tours[0].stops] != [
            stop.arrive.time() for stop in first.tours[0].stops
        ]
    assert again.worth.score > 0.85 * first.worth.score
    assert first.past == PlanPast()
    assert "How well such plans did in past weeks has not been worked out for this plan." in first.notes


@pytest.mark.slow
def test_a_plan_says_what_it_covers_and_goes_where_most_is_expected() -> None:
    plan = planned(NIGHT, quick=False)
    own, usual = plan.past.rows
    assert own.label == "Plans made like this one"
    assert usual.label == "The top cells by last month's count, in map order"
    assert 0 < own.low <= own.pai <= own.high
    assert own.pai > 2
    assert usual.pai > 0
    assert own.share == pytest.approx(plan.past.held[0] if plan.past.held else None)
    assert own.area is not None
    assert usual.area is not None
    assert 0 < usual.area < own.area < 0.05  # plans, in a better order, visit more
    assert plan.scope.wards == ()
    assert plan.title == "Patrol of 20 Nov 2026, 18:00 to 22:00"
    assert plan.synthetic
    assert plan.scope.layers == ("street_dealing",)
    assert [tour.team for tour in plan.tours] == ["Team 1", "Team 2"]
    area = len({stop.cell for tour in plan.tours for stop in tour.stops}) / 4322
    assert plan.worth.covered / plan.worth.expected > 5 * area
    assert plan.notes[0].startswith("Street dealing: the forecast for the stops is ")
    assert plan.past.held is not None
    forecast = plan.worth.covered / plan.worth.expected
    assert plan.past.held[0] < forecast  # forecasts of demonstration events promise more than came
    assert plan.past.held_weeks == PAST_WEEKS
    assert plan.notes[-1].startswith("The plan knows only what people report, and where officers search. ")
    assert sum(note.startswith("The plans visited ") for note in plan.notes) == 1
    assert not any(note.startswith("The back-test that chose the method ") for note in plan.notes)  # it was given
    assert any(sentence.startswith("Street dealing, weight 1: forecast by the ") for sentence in plan.settings)


@pytest.mark.slow
def test_a_stop_says_how_busy_its_place_is_and_words_do_not_change_the_plans_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = planned(replace(NIGHT, weights=(("street_dealing", 1.0), ("overdoses", 3.0))))
    hotspot = r"(?:A|Part of a) hotspot of (?:street dealing|overdoses): [^:]+ surroundings, on [1-9]\d? of 28 days\. "
    records = rf"(?:[^.]+ here[^.]*\. ){{0,2}}(?:{hotspot}){{0,2}}"
    reason = re.compile(records + r"Among the busiest ([1-9]\d?) % of places at this time of day\.")
    ranks = [reason.fullmatch(stop.reason) for tour in plan.tours for stop in tour.stops]
    assert all(ranks)
    assert min(int(match[1]) for match in ranks if match) == 1
    monkeypatch.setattr(patrol, "build_patrol_reason", lambda *_, **__: lambda *_: "Because.")
    other = planned(replace(NIGHT, weights=(("street_dealing", 1.0), ("overdoses", 3.0))))
    assert {stop.reason for tour in other.tours for stop in tour.stops} == {"Because."}
    assert other.plan_id == plan.plan_id


@pytest.mark.slow
def test_several_layers_are_weighed_and_each_has_its_figures() -> None:
    one = planned(replace(NIGHT, weights=(("street_dealing", 1.0), ("overdoses", 3.0)), wards=("E05009857",)))
    assert one.scope.weights == (1.0, 3.0)
    assert sum(note.startswith(("Street dealing: the forecast", "Overdoses: the forecast")) for note in one.notes) == 2
    assert "The layers are different things. Their sum has the weights that the team gave, and no unit." in one.notes


@pytest.mark.parametrize("revisit", [(90, 180), (120, 125)])
def test_longer_shifts_see_a_place_again_after_about_two_hours(revisit: tuple[int, int]) -> None:
    choices = replace(NIGHT, hours=(14, 22), teams=1, wards=("E05009866",), revisit_minutes=revisit)
    plan = planned(choices)
    cells = [stop.cell for stop in plan.tours[0].stops]
    assert len(cells) > len(set(cells))
    require_sound(plan, choices)
    again = f" A place may be visited again after {revisit[0]} to {revisit[1]} minutes; the second visit counts half."
    assert again in plan.settings[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"teams": 0}, "A patrol has 1 to 12 teams; you asked for 0; plan more than one patrol"),
        (
            {"stop_minutes": (16, 10)},
            "Stops last 5 to 60 minutes, the shorter first; you asked for 16 to 10; "  # noqa: ISC004 - one text
            "studies found that the effect of 10 to 16 minutes lasts longest",
        ),
        (
            {"revisit_minutes": (180, 90)},
            "A place is visited again after 30 to 960 minutes, the shorter first; you asked for 180 to 90; "  # noqa: ISC004 - one text
            "90-180 is about two hours",
        ),
    ],
)
def test_choices_that_make_no_sense_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        replace(NIGHT, **change)  # type: ignore[arg-type]  # that is what is tested
    assert str(caught.value) == words


def test_layers_that_cannot_be_planned_for_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        planned(replace(NIGHT, weights=(("closed_properties", 1.0),)))
    assert caught.value.fact == "closed_properties has the weight 1 and is in force for months"
    with pytest.raises(UsageError) as caught:
        planned(replace(NIGHT, weights=(("overdoses", -1.0),)))
    assert str(caught.value) == (
        "A plan weighs layers of incidents, each with a weight above 0; overdoses has the weight -1; give for example "
        "street_dealing=2 overdoses=1"
    )
    with pytest.raises(UsageError) as caught:
        planned(replace(NIGHT, weights=()))
    assert str(caught.value) == "A plan needs one layer or more; none was given; give for example street_dealing"


@pytest.mark.slow
def test_stops_of_all_minutes_are_drawn() -> None:
    plan = planned(replace(NIGHT, hours=(14, 22)))
    assert {stop.minutes for tour in plan.tours for stop in tour.stops} >= {10, 13, 16}
    assert np.std([stop.minutes for tour in plan.tours for stop in tour.stops]) > 1
