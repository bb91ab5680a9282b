"""The sentences of a plan's files."""

from dataclasses import replace

from hexbeat.documents.plan.plan_text import describe_way
from tests.support.plans import example_plan


def test_a_team_that_is_back_early_reads_why() -> None:
    plan = example_plan(stops=3, teams=1)  # six hours, of which three stops take one
    (tour,) = plan.tours
    why = "It ends before 04:00 because at most 3 stops were asked for."
    assert describe_way(replace(plan, most_stops=3), tour).endswith(f" minutes at 3 stops. {why}")
    assert "It ends before" not in describe_way(replace(plan, most_stops=4), tour)
    assert "It ends before" not in describe_way(plan, tour)  # older plans do not say
    assert "It ends before" not in describe_way(replace(plan, most_stops=3, ends=tour.returns), tour)
