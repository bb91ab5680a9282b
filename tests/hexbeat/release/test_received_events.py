"""What a release counts is what was known at its moment, in the period of each event's first version."""

from datetime import UTC, datetime

import pytest

from geo.errors import PolicyError
from hexbeat.areas.area import load_area
from hexbeat.release.received_events import read_events
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from tests.support.events import event_frame

AREA = load_area("middlesbrough")
WARDS = ("E05009857", "E05009866")
MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


def put(store: Store, now: datetime, *names: str, **columns: object) -> None:
    with store.begin_load(ANALYST, area="a", now=now) as load, load.file("a.csv", "table", sha256="0") as part:
        part.add_events(event_frame(names, **({"ward_code": WARDS[0]} | columns)))


def test_places_are_as_known_then_and_times_as_first_told(store: Store) -> None:
    put(store, MAY, "a", "b", occurred_from=1000)
    put(store, JULY, "a", occurred_from=2000, ward_code=WARDS[1])
    put(store, JULY, "c", occurred_from=3000)
    then = read_events(store, ANALYST, as_at=JUNE, area=AREA)
    assert then.frame["ward_code"].tolist() == [WARDS[0]] * 2
    now = read_events(store, ANALYST, as_at=datetime(2026, 8, 1, tzinfo=UTC), area=AREA)
    assert sorted(now.frame["occurred_from"]) == [1000, 1000, 3000]
    assert sorted(now.frame["ward_code"]) == [WARDS[0], WARDS[0], WARDS[1]]
    received = dict(zip(now.frame["occurred_from"], now.frame["recorded_at"], strict=True))
    assert received == {1000: int(MAY.timestamp()), 3000: int(JULY.timestamp())}


def test_an_event_of_other_wards_counts_where_its_coordinates_are(store: Store) -> None:
    middle = AREA.wards.polygons[3].representative_point()
    put(store, MAY, "a", ward_code="E05000001", lon=middle.x, lat=middle.y)
    put(store, MAY, "b", ward_code="E05000001", lon=-1.9, lat=54.6)
    assert read_events(store, ANALYST, as_at=JUNE, area=AREA).frame["ward_code"].tolist() == [AREA.wards.codes[3]]


def test_police_uk_is_named_for_its_loads_and_not_for_events(store: Store) -> None:
    """One hidden event must not be what a note in the release depends on."""
    with store.begin_load(ANALYST, area="a", now=MAY) as load, load.file("a.csv", "police-uk-street", sha256="0"):
        pass
    assert read_events(store, ANALYST, as_at=JUNE, area=AREA).police_uk
    store.undo_last(ANALYST)
    assert not read_events(store, ANALYST, as_at=JUNE, area=AREA).police_uk


def test_searches_are_named_for_their_loads_and_not_for_events(store: Store) -> None:
    with store.begin_load(ANALYST, area="a", now=MAY) as load, load.file("a.csv", "police-uk-stop-search", sha256="0"):
        pass
    assert read_events(store, ANALYST, as_at=JUNE, area=AREA).searches
    store.undo_last(ANALYST)
    put(store, MAY, "a", reported_by="officer")
    assert not read_events(store, ANALYST, as_at=JUNE, area=AREA).searches


def test_nobody_else_may(store: Store) -> None:
    with pytest.raises(PolicyError) as caught:
        read_events(store, Viewer("nobody"), as_at=JUNE, area=AREA)  # type: ignore[arg-type] # no role
    assert str(caught.value) == (
        "The access policy decides who may do what; it does not let nobody export; ask the analyst of the partnership"
    )
