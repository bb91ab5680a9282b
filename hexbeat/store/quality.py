"""The quality of each source: how recent its records are, how exact in time and place, and how many were rejected."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from geo.calendar import find_month_start
from geo.lazy_modules import import_lazily
from hexbeat.store.databases import read_transaction
from hexbeat.store.event_rows import LIVE
from hexbeat.store.load_log import latest_loads
from hexbeat.store.schema import batches, events, rejects
from layers.access import Action, Viewer, list_layers, may, require

if TYPE_CHECKING:
    import pandas as pd

    from hexbeat.store.store import Store
else:
    pd = import_lazily("pandas")

__all__ = ["SHARED_EVENTS", "find_last_day", "summarise_sources"]

SHARED_EVENTS: Final = 3  # live events of one source at the same coordinates that make a shared point


def summarise_sources(store: "Store", viewer: Viewer) -> "pd.DataFrame":
    """A row for each source and layer with live events, and a row for each source with only rejects (layer missing).

    Of layers whose records the viewer may not see there is none, nor of rejects for one who may not see these.

    Columns: source str, layer str, events int64; last_record (latest `occurred_from`, UTC seconds, Int64); without_time
    (share of events known to the day or month only); snapped (share of events at a shared point); rejects (int64: of
    the source, in the latest load of each of its files; the same number in each of its rows); last_load (when the
    source was last loaded, UTC seconds, Int64); month_only (bool: the last record is known only to its month).

    At a shared point at least SHARED_EVENTS live events of the source have exactly the same coordinates. Publishers
    move events to such points, so the exact place is not known. A place where that many events really happened, such as
    a hostel, counts as a shared point too.
    """
    layers = list_layers(viewer, Action.SEE_RECORDS)
    if not layers:
        require(viewer, Action.SEE_RECORDS)
    with read_transaction(store.engine) as connection:
        summary = pd.DataFrame.from_records(connection.execute(_build_events_query()).all(), columns=_EVENTS)
        loads = pd.DataFrame.from_records(
            connection.execute(_build_loads_query()).all(), columns=["source", "last_load"]
        )
        reject_counts = pd.DataFrame.from_records(
            connection.execute(_build_rejects_query()).all(), columns=["source", "rejects"]
        )
    summary = summary.merge(reject_counts, on="source", how="outer").merge(loads, on="source", how="left")
    for column in ("events", "rejects", "inexact", "shared"):
        summary[column] = summary[column].astype("Int64").fillna(0).astype("int64")
    at_least_one = summary["events"].clip(lower=1)
    summary = summary.assign(
        without_time=summary["inexact"] / at_least_one,
        snapped=summary["shared"] / at_least_one,
        last_record=summary["last_record"].astype("Int64"),
        last_load=summary["last_load"].astype("Int64"),
        month_only=(summary["last_record"] == summary["last_month"]).fillna(value=False).astype(bool),
    )
    only_rejects = summary["layer"].isna() & may(viewer, Action.SEE_REJECTS)
    summary = summary[summary["layer"].isin(layers) | only_rejects]
    return summary.sort_values(["source", "layer"], ignore_index=True)[_COLUMNS]


def find_last_day(last_record: int, *, month_only: bool, time_zone: ZoneInfo) -> date:
    """The local day of a last record (UTC seconds); of one that is known only to its month, the last day of that."""
    day = datetime.fromtimestamp(last_record, UTC).astimezone(time_zone).date()
    return find_month_start(day, 1) - timedelta(days=1) if month_only else day


_EVENTS: Final = ["source", "layer", "events", "last_record", "last_month", "inexact", "shared"]
_COLUMNS: Final = [
    "source", "layer", "events", "last_record", "without_time", "snapped", "rejects", "last_load", "month_only"
]  # fmt: skip


def _build_events_query() -> sa.Select[tuple[str, str, int, int, int | None, int, int]]:
    column = events.c
    points = (
        sa.select(column.source, column.lon, column.lat)
        .where(LIVE)
        .group_by(column.source, column.lon, column.lat)
        .having(sa.func.count() >= SHARED_EVENTS)
        .subquery()
    )
    at_point = sa.and_(points.c.source == column.source, points.c.lon == column.lon, points.c.lat == column.lat)
    return (
        sa.select(
            column.source,
            column.layer,
            sa.func.count(),
            sa.func.max(column.occurred_from),
            sa.func.max(sa.case((column.time_precision == "month", column.occurred_from))),
            sa.func.sum(sa.case((column.time_precision == "minute", 0), else_=1)),
            sa.func.sum(sa.case((points.c.source.is_(None), 0), else_=1)),
        )
        .select_from(events.outerjoin(points, at_point))
        .where(LIVE)
        .group_by(column.source, column.layer)
    )


def _build_loads_query() -> sa.Select[tuple[str, int]]:
    latest = latest_loads()
    loaded = sa.func.max(batches.c.created)
    with_created = latest.join(batches, batches.c.batch_id == latest.c.latest)
    return sa.select(latest.c.source, loaded).select_from(with_created).group_by(latest.c.source)


def _build_rejects_query() -> sa.Select[tuple[str, int]]:
    latest = latest_loads()
    same = sa.and_(
        latest.c.source == rejects.c.source, latest.c.file == rejects.c.file, latest.c.latest == rejects.c.batch_id
    )
    with_latest = rejects.join(latest, same)
    return sa.select(rejects.c.source, sa.func.count()).select_from(with_latest).group_by(rejects.c.source)
