"""Encounters: what is one, what is never joined, and what records of officers are called."""

from dataclasses import replace

import numpy as np
import pytest

from layers.catalogue import find_layer
from layers.encounters import OFFICERS_NOTE, are_searches, describe_encounters, find_encounters, name_records
from tests.support.events import Event, columns_of, local

SEARCH = Event(local("2026-03-05 10:05"), layer="street_dealing", reported_by="officer")


def merge(*events: Event, zone: str = "Europe/London") -> int:
    """How many of the events are joined to another."""
    columns = columns_of(events)
    encounters = find_encounters(columns, np.arange(len(columns)), time_zone=zone)
    assert len(encounters.index) + encounters.merged == len(events)
    return encounters.merged


@pytest.mark.parametrize(
    ("change", "merged"),
    [
        ({}, 1),
        ({"start": local("2026-03-05 10:59")}, 1),
        ({"category": "drug search", "quantity": 3}, 1),
        ({"start": local("2026-03-05 11:00")}, 0),
        ({"start": local("2026-03-06 10:05")}, 0),
        ({"lon": -1.235001}, 0),
        ({"lat": 54.576001}, 0),
        ({"reported_by": "public"}, 0),
        ({"layer": "needle_litter"}, 0),
        ({"precision": "day"}, 0),
    ],
)
def test_same_layer_reporter_point_and_hour(change: dict[str, object], merged: int) -> None:
    assert merge(SEARCH, replace(SEARCH, **change)) == merged


def test_where_only_the_day_is_known_the_day_is_the_same() -> None:
    day = replace(SEARCH, start=local("2026-03-05 00:00"), end=local("2026-03-06 00:00"), precision="day")
    other = replace(day, start=local("2026-03-06 00:00"), end=local("2026-03-07 00:00"))
    assert merge(day, day, day, other) == 2
    night = replace(SEARCH, start=local("2026-03-05 18:00"), end=local("2026-03-06 06:00"))
    assert merge(night, replace(night, start=local("2026-03-05 20:00"))) == 1


def test_months_and_people_are_never_joined() -> None:
    month = replace(SEARCH, start=local("2026-03-01 00:00"), end=local("2026-04-01 00:00"), precision="month")
    assert merge(month, month) == 0
    person = replace(SEARCH, layer="overdoses", reported_by="agency")
    assert merge(person, person) == 0
    closure = replace(SEARCH, layer="closed_properties", end=local("2026-06-05 10:05"))
    assert merge(closure, closure) == 0


def test_the_hour_is_local_also_where_zones_differ_by_half_an_hour() -> None:
    first, second = (replace(SEARCH, start=local(f"2026-03-05 {time}", "Asia/Kolkata")) for time in ("10:05", "10:55"))
    assert merge(first, second, zone="Asia/Kolkata") == 1
    later = replace(SEARCH, start=local("2026-03-05 11:05", "Asia/Kolkata"))
    assert merge(second, later, zone="Asia/Kolkata") == 0


def test_the_two_hours_when_the_clocks_go_back_are_two() -> None:
    first = replace(SEARCH, start=local("2026-10-25 00:30") + 1800)
    assert merge(first, replace(first, start=first.start + 3600)) == 0


def test_the_first_record_stays_and_others_are_left() -> None:
    events = [replace(SEARCH, start=SEARCH.start + k) for k in range(3)]
    columns = columns_of([*events, replace(SEARCH, start=SEARCH.start + 9, lon=-1.24)])
    assert find_encounters(columns, np.array([1, 2]), time_zone="Europe/London").index.tolist() == [1]
    assert find_encounters(columns, np.arange(0), time_zone="Europe/London").index.tolist() == []


def test_the_note() -> None:
    assert describe_encounters(0) == []
    (note,) = describe_encounters(1)
    assert note == (
        "1 record is left out, because it tells of the same encounter as another: same reporter, point and hour (or "
        "day, where no hour is known)."
    )
    assert describe_encounters(1200)[0].startswith("1,200 records are left out, because they tell of the same ")


def test_searches_are_called_searches() -> None:
    dealing, needles = find_layer("street_dealing"), find_layer("needle_litter")
    columns = columns_of([SEARCH, replace(SEARCH, start=SEARCH.start + 9, reported_by="public")])
    assert are_searches(columns, np.array([0]), dealing)
    assert not are_searches(columns, np.array([0, 1]), dealing)
    assert not are_searches(columns, np.array([], dtype=np.int64), dealing)
    assert not are_searches(columns, np.array([0]), needles)  # an officer who finds a needle did not search
    assert name_records(dealing, searches=True).many == "searches by officers"
    assert name_records(dealing, searches=False).many == "reports of street dealing"
    assert OFFICERS_NOTE == "These are searches by officers: they show where officers search."
