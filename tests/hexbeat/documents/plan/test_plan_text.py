"""The sentences of a plan's files."""

import datetime as dt
from dataclasses import replace

from hexbeat.areas.area import load_area
from hexbeat.documents.plan.plan_files import build_tour_data
from hexbeat.documents.plan.plan_text import describe_way
from hexbeat.operations.plans.plan import Pause, Place, Plan, Tour
from hexbeat.operations.plans.stop_links import USUAL_LINKS
from tests.support.plans import example_plan


def test_a_team_that_is_back_early_reads_why() -> None:
    plan = example_plan(stops=3, teams=1)  # six hours, of which three stops take one
    (tour,) = plan.tours
    why = "It ends before 04:00 because at most 3 stops were asked for."
    assert describe_way(replace(plan, most_stops=3), tour).endswith(f" minutes at 3 stops. {why}")
    assert "It ends before" not in describe_way(replace(plan, most_stops=4), tour)
    assert "It ends before" not in describe_way(plan, tour)  # older plans do not say
    assert "It ends before" not in describe_way(replace(plan, most_stops=3, ends=tour.returns), tour)


def test_one_minute_of_travel_has_no_plural() -> None:
    plan = example_plan(stops=1, teams=1)
    (tour,) = plan.tours
    assert " km and 1 minute of travel, " in describe_way(plan, replace(tour, travel_minutes=1.2))


def test_a_team_that_is_back_early_reads_one_reason_the_true_one() -> None:
    plan = example_plan(stops=3, teams=1)
    (tour,) = plan.tours
    first, second, _ = tour.stops
    again = replace(tour, stops=(first, second, replace(first, stop_id="1-03", order=3, arrive=tour.stops[2].arrive)))
    limited = replace(plan, most_stops=3, tours=(again,))
    why = "It ends before 04:00 because two visits of a place would otherwise be too far apart."
    assert describe_way(limited, again).endswith(f" minutes at 3 stops. {why}")
    nearly = replace(again, returns=plan.ends - dt.timedelta(minutes=59))
    assert "It ends before" not in describe_way(replace(limited, tours=(nearly,)), nearly)


def free_at_the_end(*, chosen: bool) -> tuple[Plan, Tour]:
    """A team with 29 free minutes after its last stop, with the station as start and finish or without either."""
    plan = example_plan(stops=2, teams=1)
    (tour,) = plan.tours
    first, last = tour.stops
    ends = last.leave + dt.timedelta(minutes=29)
    free = replace(tour, returns=ends, pauses=(Pause("wait", 2, last.leave, ends, 29),))
    if chosen:
        return plan, free
    start, finish = (Place(stop.place, stop.lon, stop.lat) for stop in (first, last))
    return plan, replace(free, start=start, finish=finish)


def test_a_team_without_a_finish_is_done_after_its_last_stop() -> None:
    """Its paper kept it there, free "until the next stop is due", and wanted it back where it was already."""
    plan, tour = free_at_the_end(chosen=False)
    page = build_tour_data(plan, tour, load_area("middlesbrough"), USUAL_LINKS)
    assert page["heading"] == "Team A: Fri 27 Nov 2026, 22:00 to 22:33"
    assert page["way"] == (
        "Be at the first stop at 22:00 and be done by 22:33. 2.7 km and 15 minutes of travel, 24 minutes at 2 stops."
    )
    assert page["end"] == "The plan is done at 22:33."
    assert [row["number"] for row in page["stops"]] == ["1", "2"]


def test_a_team_with_a_finish_is_free_until_it_is_due_there() -> None:
    plan, tour = free_at_the_end(chosen=True)
    page = build_tour_data(plan, tour, load_area("middlesbrough"), USUAL_LINKS)
    assert page["heading"] == "Team A: Fri 27 Nov 2026, 22:00 to 23:02"
    assert page["end"] == "Be back at Police station by 23:02."
    assert page["stops"][-1] == {
        "pause": True,
        "number": "",
        "times": "22:33 to 23:02",
        "minutes": 29,
        "place": "Free",
        "reason": "Until the team is due at Police station.",
    }
