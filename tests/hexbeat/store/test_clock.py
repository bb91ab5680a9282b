"""A clock that is set back, or forth: records keep their order, versions end after they began, and nothing is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from geo.errors import ClockError
from hexbeat.operations.ledger.ledger import read_visits, record_visit, undo_visit
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import retain_entries, write_deed
from hexbeat.store.erasure import retain
from hexbeat.store.live_columns import read_columns
from hexbeat.store.schema import events, visits
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.wording import format_date
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


def test_nothing_is_removed_by_age_under_a_clock_that_jumped_ahead(store: Store) -> None:
    load(store, event_frame(["a"]), now=NOON)
    deed = Deed(door="command", action="see_counts", what="counts")
    write_deed(store.engine, store.home, ANALYST, deed)
    newest, wrong = NOON, datetime(2099, 1, 1, tzinfo=UTC)
    message = (
        "What is too old is removed by the clock, so the clock has to be right; "
        "it says 1 Jan 2099, and the last records came on {}; check the date of this machine; nothing was removed"
    )
    for _ in range(2):
        for remove in (
            lambda **options: retain(store.engine, ANALYST, 1, now=wrong, **options),
            lambda **options: retain_entries(store.engine, store.home, ANALYST, 1, now=wrong, **options),
        ):
            with pytest.raises(ClockError) as caught:
                remove()
            assert str(caught.value) == message.format(format_date(newest.date()))
        newest = NOON + DAY
        record_visit(store, ANALYST, made_visit(started_at=NOON), now=newest)
    assert count_known(store, wrong) == 1
    assert retain_entries(store.engine, store.home, ANALYST, 1, now=wrong, is_clock_sure=True)[0] == 1
    assert retain(store.engine, ANALYST, 1, now=wrong, is_clock_sure=True).events == 1


def test_a_year_without_a_record_is_no_jump(store: Store) -> None:
    load(store, event_frame(["a"]), now=NOON)
    assert retain(store.engine, ANALYST, 9, now=NOON + 366 * DAY).events == 0
    with pytest.raises(ClockError):
        retain(store.engine, ANALYST, 9, now=NOON + 367 * DAY)
