"""A clock that is set back, or forth and back: records keep their order, and every version ends after it began."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hexbeat.operations.ledger.ledger import read_visits, record_visit, undo_visit
from hexbeat.store.live_columns import read_columns
from hexbeat.store.schema import events, visits
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import WARDS, event_frame, load
from tests.support.plans import made_visit

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def count_known(store: Store, as_at: datetime) -> int:
    return len(read_columns(store, ANALYST, ward_codes=WARDS, as_at=as_at).start)


@pytest.mark.parametrize("jump", [-400 * DAY, -timedelta(seconds=1), timedelta(0)])
def test_no_load_is_recorded_before_an_earlier_one(store: Store, jump: timedelta) -> None:
    load(store, event_frame(["a", "b"]), now=NOON)
    load(store, event_frame(["a", "c"], quantity=[9, 1]), now=NOON + jump)
    load(store, event_frame(["d"]), now=NOON + DAY)
    created = [batch.created for batch in reversed(store.batches(ANALYST))]
    assert created == [NOON, NOON, NOON + DAY]
    with store.engine.connect() as connection:
        backwards = sa.select(events.c.event_id).where(events.c.superseded_at < events.c.recorded_at)
        assert connection.execute(backwards).all() == []
    assert [count_known(store, at) for at in (NOON - DAY, NOON, NOON + DAY)] == [0, 3, 4]


def test_a_visit_that_is_corrected_or_taken_back_on_a_clock_set_back_ends_after_it_began(store: Store) -> None:
    plain = made_visit(started_at=NOON - 2 * DAY)
    record_visit(store, ANALYST, plain, now=NOON)
    name = record_visit(store, ANALYST, replace(plain, minutes=plain.minutes + 1), now=NOON - DAY).visit_id
    assert undo_visit(store, ANALYST, name, now=NOON - DAY)
    with store.engine.connect() as connection:
        backwards = sa.select(visits.c.visit_id).where(visits.c.superseded_at < visits.c.recorded_at)
        assert connection.execute(backwards).all() == []
    assert read_visits(store, ANALYST).minutes.tolist() == [plain.minutes]
