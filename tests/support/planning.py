"""A small plan by hand, for tests of what is said and kept of plans."""

import datetime as dt
from zoneinfo import ZoneInfo

from hexbeat.operations.plans.plan import PastRow, Place, Plan, PlanKind, PlanPast, PlanScope, PlanWorth, Stop, Tour

__all__ = ["LONDON", "make_small_plan"]

LONDON = ZoneInfo("Europe/London")
STATION = Place("Police station “Süd”", -1.235, 54.574)


def make_small_plan(
    plan_id: str = "abc234",
    *,
    begins: dt.datetime = dt.datetime(2026, 10, 24, 22, tzinfo=LONDON),
    place: str = "Central · 4e17",
) -> Plan:
    """A patrol of one team with one stop, over the night on which the clocks go back."""

    def later(minutes: int) -> dt.datetime:
        return (begins.astimezone(dt.UTC) + dt.timedelta(minutes=minutes)).astimezone(LONDON)

    stop = Stop(
        "1-01", 1, place, "8a194654e60ffff", "E05009857", "Central", -1.23, 54.57, later(200), later(212),
        12, 0.25, "Number 1 of 4,322 places.",
    )  # fmt: skip
    tour = Tour("Team 1", STATION, STATION, later(0), later(420), (stop,), 14.0, 1.1)
    return Plan(
        plan_id, PlanKind.PATROL, "middlesbrough", "Patrol", later(0), later(0), later(420),
        PlanScope(("street_dealing",), (2.0,)), (tour,), PlanWorth(0.25, 4.0, 0.25, 0.3, 1 / 6), True,
        PlanPast((PastRow("This plan", 6.2, 4.1, 8.0),)), ("How.",), ("What not.",),
    )  # fmt: skip
