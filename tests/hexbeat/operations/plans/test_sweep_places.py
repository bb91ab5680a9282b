"""Why a sweep stops where it does, in whole sentences."""

import datetime as dt

import numpy as np
import pytest

from hexbeat.operations.plans.sweep_places import SweepPlaces, build_sweep_reason
from hexbeat.operations.plans.working_time import build_working_time
from tests.support.demonstrations import TODAY

ZONE = "Europe/London"
EPOCH = dt.date(1970, 1, 1)
NINE = build_working_time(TODAY, (9, 12), ZONE)


def explain(
    needles: float, *, days: int | None = None, reports: int = 0, hours: float = 0.0, child: str = "", reach: int = 0
) -> str:
    """The reason of one place: its last find so many days before, its oldest report so many hours before work."""
    places = SweepPlaces(
        cell=np.array([0], dtype=np.intp),
        lon=np.array([-1.235]),
        lat=np.array([54.57]),
        needles=np.array([needles]),
        last_find=np.array([-1 if days is None else (TODAY - EPOCH).days - days]),
        reports=np.array([reports]),
        oldest=np.array([NINE.begin - int(hours * 3600) if reports else 0]),
        child=np.array([child], dtype=object),
    )
    return build_sweep_reason(places, NINE, 2.0)(0, reach)


@pytest.mark.parametrize(
    ("needles", "days", "reason"),
    [
        (13.6, 25, "About 14 needles expected; last find 25 days before."),
        (14.0, 1, "14 needles expected; last find 1 day before."),
        (1.2, 3, "About 1 needle expected; last find 3 days before."),
        (0.3, 90, "Under 1 needle expected; last find 90 days before."),
    ],
)
def test_a_stop_says_how_many_needles_it_was_chosen_for(needles: float, days: int, reason: str) -> None:
    assert explain(needles, days=days) == reason


def test_open_reports_and_play_areas_come_before_the_number() -> None:
    assert explain(5.0, reports=1, hours=4, reach=3600, child="Swings") == (
        "1 open report 5 hours old on arrival, over the standard of 2; within 150 m of Swings; 5 needles expected."
    )


def test_a_report_without_a_number_says_none() -> None:
    assert explain(0.0, reports=1, hours=1) == "1 open report 1 hour old on arrival, within the standard."
