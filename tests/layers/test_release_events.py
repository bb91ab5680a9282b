"""What a release counts is what was known at its moment, in the period of each event's first version."""

from datetime import UTC, datetime

import pytest

from geo.errors import PolicyError
from layers.access import ANALYST, Viewer
from layers.release_events import read_events
from layers.store import Store
from tests.support.event_frames import WARDS, event_frame

MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


def put(store: Store, now: datetime, *names: str, **columns: object) -> None:
    with store.begin_load(ANALYST, area="a", now=now) as load, load.file("a.csv", "table", sha256="0") as part:
        part.add_events(event_frame(names, **columns))


def test_places_are_as_known_then_and_times_as_first_told(store: Store) -> None:
    put(store, MAY, "a", "b", occurred_from=1000)
    put(store, JULY, "a", occurred_from=2000, ward_code=WARDS[1])
    put(store, JULY, "c", occurred_from=3000)
    then = read_events(store, ANALYST, moment=JUNE, ward_codes=WARDS)
    assert then.frame["ward_code"].tolist() == [WARDS[0]] * 2
    now = read_events(store, ANALYST, moment=datetime(2026, 8, 1, tzinfo=UTC), ward_codes=WARDS)
    assert sorted(now.frame["occurred_from"]) == [1000, 1000, 3000]
    assert sorted(now.frame["ward_code"]) == [WARDS[0], WARDS[0], WARDS[1]]
    late = now.frame[now.frame["row_id"] > then.last_row]
    assert late["occurred_from"].tolist() == [3000]
    assert late["recorded_at"].tolist() == [int(JULY.timestamp())]


def test_other_wards_are_left_out_and_police_uk_is_noticed(store: Store) -> None:
    put(store, MAY, "a", source="police-uk-street")
    assert read_events(store, ANALYST, moment=JUNE, ward_codes=WARDS).police_uk
    assert len(read_events(store, ANALYST, moment=JUNE, ward_codes=("E1",)).frame) == 0


def test_nobody_else_may(store: Store) -> None:
    with pytest.raises(PolicyError) as caught:
        read_events(store, Viewer("nobody"), moment=JUNE, ward_codes=WARDS)  # type: ignore[arg-type] # no role
    assert str(caught.value) == (
        "The access policy names who may do what; it does not let nobody export; ask the analyst of the partnership"
    )
