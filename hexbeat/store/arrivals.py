"""How late the records of each source arrive, from the loads of the store; read with the coverage."""

import datetime as dt
from functools import cache
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from hexbeat.store.schema import batch_files, batches, events
from layers.arrivals import FEWEST_LOADS, LATEST_DAYS, WINDOW_DAYS, Arrivals, measure_arrivals
from layers.timestamps import to_seconds

__all__ = ["fetch_arrivals"]

_DAY_S: Final = 86_400
# A load of the future is one of a clock that was ahead; the window of time would end with it.
_LOADS: Final = (
    sa.select(batch_files.c.source, batches.c.batch_id, batches.c.created, batches.c.new)
    .join(batches, batches.c.batch_id == batch_files.c.batch_id)
    .where(batches.c.undone_at.is_(None), batches.c.created <= sa.bindparam("known_at"))
    .distinct()
    .order_by(batches.c.created, batches.c.batch_id)
)
_MOST_NEW: Final = 100_000  # events of a load: larger ones are no daily log, and would take long to look through


def fetch_arrivals(
    connection: Connection, *, ward_codes: tuple[str, ...], as_at: dt.datetime | None = None
) -> tuple[Arrivals, ...]:
    """The arrivals of each layer and source in these wards, as known at a past time (aware; None: now).

    None of sources with fewer than FEWEST_LOADS loads: then no event is looked at.
    """
    loads = _fetch_loads(connection, as_at)
    regular = {source: times for source, times in loads.items() if len(times) >= FEWEST_LOADS}
    if not regular or not ward_codes:
        return ()
    numbers = sorted({number for times in regular.values() for number in list(times)[1:]})
    receipts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in connection.execute(_select_first_versions(), {"numbers": numbers, "wards": ward_codes}):
        receipts.setdefault((row.layer, row.source), []).append((row.occurred_from, row.recorded_at))
    return tuple(
        measure_arrivals(
            layer,
            source,
            loaded_at=np.array(list(regular[source].values()), dtype=np.int64),
            started_at=np.array([started_at for started_at, _ in rows], dtype=np.int64),
            recorded_at=np.array([recorded_at for _, recorded_at in rows], dtype=np.int64),
        )
        for (layer, source), rows in sorted(receipts.items())
        if source in regular
    )


def _fetch_loads(connection: Connection, as_at: dt.datetime | None) -> dict[str, dict[int, int]]:
    """For each source the loads of the time that is learnt from, by number, with their UTC seconds, in order.

    Large ones are left out, the first of all loads of a source is kept: from its day on days are learnt from.
    """
    known_at = to_seconds(as_at if as_at is not None else dt.datetime.now(dt.UTC))
    rows = connection.execute(_LOADS, {"known_at": known_at}).all()
    since = (rows[-1].created if rows else 0) - (WINDOW_DAYS + 2 * LATEST_DAYS) * _DAY_S
    loads: dict[str, dict[int, int]] = {}
    for source, number, created, new in rows:
        own = loads.setdefault(source, {})
        if not own or (created >= since and new <= _MOST_NEW):
            own[number] = created
    return loads


@cache
def _select_first_versions() -> sa.Select[Any]:
    """Source, layer, start and time of recording of the events in `wards` that the loads `numbers` brought first."""
    earlier = events.alias("earlier")
    is_first: ColumnElement[bool] = sa.not_(
        sa.exists().where(earlier.c.event_id == events.c.event_id, earlier.c.row_id < events.c.row_id)
    )
    return sa.select(events.c.source, events.c.layer, events.c.occurred_from, events.c.recorded_at).where(
        events.c.batch_id.in_(sa.bindparam("numbers", expanding=True)),
        events.c.ward_code.in_(sa.bindparam("wards", expanding=True)),
        events.c.time_precision != "month",
        is_first,
    )
