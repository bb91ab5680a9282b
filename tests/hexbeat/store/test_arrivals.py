"""How late records arrive, from the loads of a real store: first versions alone, as at a day, and for whom."""

import datetime as dt
from datetime import UTC

import numpy as np
import pytest

from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.coverage_log import read_coverage
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame

WARDS = ("E05000001", "E05000002")
FIRST = dt.datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday
WEEK = dt.timedelta(days=7)
WEEKS = 11


def load_week(store: Store, week: int) -> None:
    """On Sunday at noon: five finds of the Friday before, five of the Friday before that, and one once more."""
    on_time = [(f"{week}-{number}", FIRST + week * WEEK - dt.timedelta(days=2)) for number in range(5)]
    late = [(f"{week}-late-{number}", FIRST + week * WEEK - dt.timedelta(days=9)) for number in range(5)]
    again = [(f"{week - 1}-0", FIRST + (week - 1) * WEEK - dt.timedelta(days=2))] if week else []
    rows = [*on_time, *(late if week else []), *again]
    seconds = [int(at.timestamp()) for _, at in rows]
    quantity = [1] * (len(rows) - len(again)) + [2] * len(again)
    frame = event_frame(
        [name for name, _ in rows], occurred_from=seconds, occurred_to=seconds, quantity=quantity, ward_code=WARDS[0]
    )
    now = FIRST + week * WEEK
    with store.begin_load(ANALYST, area="a", now=now) as load, load.file(f"{week}.csv", "table", sha256="0") as part:
        part.add_events(frame)


def test_half_of_a_week_comes_a_week_later(store: Store) -> None:
    for week in range(WEEKS):
        load_week(store, week)
    coverage = read_coverage(store.engine, ANALYST, ward_codes=WARDS)
    (arrivals,) = coverage.arrivals
    assert (arrivals.layer, arrivals.source) == ("needle_litter", "table")
    last = int((FIRST + (WEEKS - 1) * WEEK).timestamp())
    assert arrivals.loaded_at == last
    assert arrivals.events == 10 * (WEEKS - 1)
    midnight = last - 12 * 3600
    shares = [arrivals.find_share(midnight - age * 86_400) for age in (2, 9, 16)]
    assert np.array(shares) == pytest.approx([0.5, 1.0, 1.0], abs=0.02)  # the repeated find is not late
    columns = ColumnCache(store).columns(ANALYST, ward_codes=WARDS)
    assert columns.coverage is not None
    assert columns.coverage.arrivals == coverage.arrivals
    assert columns.coverage.narrow(("public",)).arrivals == coverage.arrivals
    early = read_coverage(store.engine, ANALYST, ward_codes=WARDS, as_at=FIRST + 5 * WEEK)
    assert early.arrivals == ()  # too few loads by then
    assert read_coverage(store.engine, ANALYST, ward_codes=WARDS[1:]).arrivals == ()
    load_week(store, 50_000)  # by a clock that was ahead
    assert read_coverage(store.engine, ANALYST, ward_codes=WARDS).arrivals == (arrivals,)
