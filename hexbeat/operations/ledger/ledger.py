"""The ledger: visits by teams, with all their versions. What was planned is in the plans.

A visit has a natural key (`visits.visit_id`). Recording it twice changes nothing. Recording it with other facts closes
the old version and adds a new one. Undoing closes the live version and adds the one before it again. Nothing is ever
rewritten, except by erasure and retention (`hexbeat.store.erasure`), which remove visits too.

Needles that a sweep collects stay here and do not become events. A sweep looks where it is sent, so its finds say where
teams were, not only where needles lie. A visit is about a cell, not a spot. A sweep without finds is no event. And if a
council loads its own sheet of sweep finds, the same needles would count twice.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from geo.errors import StoreError, UsageError
from hexbeat.operations.ledger.visits import Visit, visit_id
from hexbeat.operations.work_loads import WorkLoad, begin_work_load, parse_work_load
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.database_errors import check_file
from hexbeat.store.databases import read_transaction, read_work_version, work_transaction
from hexbeat.store.schema import visits as table
from hexbeat.store.schema import work_loads
from layers.access import Action, Viewer, require
from layers.timestamps import to_seconds

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "VISIT_COLUMNS",
    "RecordedVisit",
    "VisitChange",
    "WorkLoad",
    "list_imports",
    "read_live_row",
    "read_visit_history",
    "read_visits",
    "record_import",
    "record_visit",
    "restore_previous",
    "undo_import",
    "undo_visit",
    "work_version",
    "write_changes",
    "write_visit",
]

_FACTS: Final = (
    *("plan_id", "stop_id", "ref", "kind", "team", "place", "cell", "ward_code", "lon", "lat"),
    *("started_at", "minutes", "needles", "outcome"),
)
VISIT_COLUMNS: Final = (
    *("visit_id", "plan_id", "stop_id", "kind", "team", "place", "cell", "ward_code", "lon", "lat"),
    *("started_at", "minutes", "needles", "outcome", "recorded_at"),
)
_LIVE_ROW: Final = sa.select(table).where(table.c.visit_id == sa.bindparam("name"), table.c.superseded_at.is_(None))
_LOAD_KIND: Final = "visits"
_ROWS_AT_ONCE: Final = 500  # of one statement: SQLite takes at most 999 values in a condition where it is old


@dataclass(frozen=True, slots=True)
class RecordedVisit:
    """The identifier of a recorded visit, and what recording did: new, updated or unchanged."""

    visit_id: str
    outcome: str


def work_version(store: "Store", viewer: Viewer) -> int:
    """A number that rises with every change of visits and reference places; for the keys of caches."""
    require(viewer, Action.SEE_COUNTS)
    with read_transaction(store.engine) as connection:
        return read_work_version(connection)


def record_visit(store: "Store", viewer: Viewer, visit: Visit, *, now: dt.datetime | None = None) -> RecordedVisit:
    """Record one visit, or correct the one of the same plan, stop and team; the old version is kept.

    If needles are None, those of the live version stay. UsageError if the visit lies in the future.
    """
    require(viewer, Action.RECORD_WORK)
    now_s = to_seconds(now)
    _require_past(visit, now_s)
    with work_transaction(store.engine) as connection:
        visit_record = write_visit(connection, visit, load_id=None, now_s=now_s)
        write_with_change(connection, rows=1)
        return visit_record


def record_import(  # the facts of the file, all by name
    store: "Store",
    viewer: Viewer,
    visits: Sequence[Visit],
    *,
    area: str,
    file: str,
    sha256: str,
    dry_run: bool = False,
    now: dt.datetime | None = None,
) -> tuple[dict[str, int], int | None]:
    """Record the visits of a file, all or none.

    Returns how many are new, updated and unchanged, and the number of the import. The number is None after a dry run
    and where nothing was new: then nothing was written. UsageError if a visit lies in the future, or if two of them are
    the same visit.
    """
    require(viewer, Action.RECORD_WORK)
    now_s = to_seconds(now)
    for visit in visits:
        _require_past(visit, now_s)
    _require_distinct(visits, file)
    with read_transaction(store.engine) as connection:
        tally = _count_outcomes(_compare_visits(connection, visits))
    if dry_run or not (tally["new"] or tally["updated"]):
        return tally, None
    with work_transaction(store.engine) as connection:
        facts = {"area": area, "kind": _LOAD_KIND, "file": file, "sha256": sha256}
        load_id = begin_work_load(connection, facts, tally={}, now_s=now_s)
        changes = _compare_visits(connection, visits)  # again: somebody may have recorded a visit in between
        write_changes(connection, changes, load_id=load_id, now_s=now_s)
        tally = _count_outcomes(changes)
        connection.execute(sa.update(work_loads).where(work_loads.c.load_id == load_id).values(tally=json.dumps(tally)))
        write_with_change(connection, rows=tally["new"] + tally["updated"])
    return tally, load_id


@dataclass(frozen=True, slots=True)
class VisitChange:
    """What recording a visit does: the live version (None: there is none), the row to add, and the outcome."""

    live: Mapping[str, Any] | None
    row: dict[str, Any]
    outcome: str


def _compare_visits(connection: Connection, visits: Sequence[Visit]) -> list[VisitChange]:
    """What recording each of distinct visits would do."""
    names = [visit_id(visit) for visit in visits]
    live = _read_live_rows(connection, names)
    changes = []
    for name, visit in zip(names, visits, strict=True):
        row = _to_row(visit)
        outcome = _find_outcome(live.get(name), row)
        changes.append(VisitChange(live.get(name), row | {"visit_id": name}, outcome))
    return changes


def _count_outcomes(changes: Sequence[VisitChange]) -> dict[str, int]:
    """How many visits are new, updated or unchanged."""
    outcomes = Counter(change.outcome for change in changes)
    return {name: outcomes[name] for name in ("new", "updated", "unchanged")}


def write_changes(connection: Connection, changes: Sequence[VisitChange], *, load_id: int, now_s: int) -> None:
    """Close the live versions that change, and add the new ones."""
    real_changes = [change for change in changes if change.outcome != "unchanged"]
    for change in real_changes:
        if change.live is not None:
            _close(connection, change.live, now_s)
    rows = [
        change.row
        | {"load_id": load_id, "recorded_at": now_s, "replaces": change.live["row_id"] if change.live else None}
        for change in real_changes
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        connection.execute(sa.insert(table), rows[start : start + _ROWS_AT_ONCE])


def _read_live_rows(connection: Connection, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The live versions of visits, by name."""
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(names), _ROWS_AT_ONCE):
        query = sa.select(table).where(
            table.c.visit_id.in_(names[start : start + _ROWS_AT_ONCE]), table.c.superseded_at.is_(None)
        )
        rows |= {row["visit_id"]: dict(row) for row in connection.execute(query).mappings()}
    return rows


def _require_past(visit: Visit, now_s: int) -> None:
    if to_seconds(visit.started_at) > now_s:
        raise UsageError("A visit lies in the past", "one begins later than now", "check its day and time")


def _require_distinct(visits: Sequence[Visit], file: str) -> None:
    number_by_id = Counter(visit_id(visit) for visit in visits)
    if repeated := sum(number > 1 for number in number_by_id.values()):
        fact = f"{file} has 1 visit twice" if repeated == 1 else f"{file} has {repeated:,} visits twice"
        raise UsageError("A file holds each visit once", fact, "delete one of each")


def undo_visit(store: "Store", viewer: Viewer, name: str, *, now: dt.datetime | None = None) -> bool:
    """Take back the live version of a visit; True if the version before it is live again, False if none is left.

    StoreError if there is no live visit of that name.
    """
    require(viewer, Action.RECORD_WORK)
    with work_transaction(store.engine) as connection:
        live = read_live_row(connection, name)
        if live is None:
            raise StoreError(
                "Only a recorded visit can be undone",
                "there is no visit of that name",
                "see the names with hexbeat done list; nothing was changed",
            )
        has_earlier = restore_previous(connection, live, to_seconds(now))
        write_with_change(connection, rows=1)
        return has_earlier


def list_imports(store: "Store", viewer: Viewer) -> list[WorkLoad]:
    """All imports of visits, the newest first, undone ones too."""
    require(viewer, Action.SEE_WORK)
    query = sa.select(work_loads).where(work_loads.c.kind == _LOAD_KIND).order_by(work_loads.c.load_id.desc())
    with read_transaction(store.engine) as connection:
        return [parse_work_load(dict(row)) for row in connection.execute(query).mappings()]


def undo_import(store: "Store", viewer: Viewer, *, now: dt.datetime | None = None) -> WorkLoad:
    """Undo the latest import that is not undone; what was corrected since stays as it was corrected.

    StoreError if there is none.
    """
    require(viewer, Action.RECORD_WORK)
    now_s = to_seconds(now)
    with work_transaction(store.engine) as connection:
        query = sa.select(work_loads).where(work_loads.c.kind == _LOAD_KIND, work_loads.c.undone_at.is_(None))
        latest = query.order_by(work_loads.c.load_id.desc()).limit(1)
        row = connection.execute(latest).mappings().one_or_none()
        if row is None:
            raise StoreError("An import can be undone once", "no import is left to undo", "nothing was changed")
        same_load = work_loads.c.load_id == row["load_id"]
        connection.execute(sa.update(work_loads).where(same_load).values(undone_at=now_s))
        live_visits = sa.select(table).where(table.c.load_id == row["load_id"], table.c.superseded_at.is_(None))
        undone = connection.execute(live_visits).mappings().all()
        for live in undone:
            restore_previous(connection, dict(live), now_s)
        write_with_change(connection, rows=len(undone))
    return parse_work_load(dict(row))


def read_visits(
    store: "Store",
    viewer: Viewer,
    *,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    plan_id: str | None = None,
) -> pd.DataFrame:
    """The live visits that began in [start, end) (aware; None: without bound), by start: VISIT_COLUMNS.

    started_at and recorded_at are datetime64[s, UTC], minutes int64, needles Int64 (NA: not counted). plan_id and
    stop_id are None for work outside a plan. cell is an H3 string. Place and team are what people wrote: show them as
    text.
    """
    require(viewer, Action.SEE_WORK)
    query = sa.select(*(table.c[name] for name in VISIT_COLUMNS)).where(table.c.superseded_at.is_(None))
    if start is not None:
        query = query.where(table.c.started_at >= to_seconds(start))
    if end is not None:
        query = query.where(table.c.started_at < to_seconds(end))
    if plan_id is not None:
        query = query.where(table.c.plan_id == plan_id)
    return _read_frame(store, query.order_by(table.c.started_at, table.c.row_id))


def read_visit_history(store: "Store", viewer: Viewer, name: str) -> pd.DataFrame:
    """All versions of a visit, the oldest first: VISIT_COLUMNS and superseded_at (datetime64[s, UTC], NaT: live)."""
    require(viewer, Action.SEE_WORK)
    columns = [table.c[column] for column in (*VISIT_COLUMNS, "superseded_at")]
    return _read_frame(store, sa.select(*columns).where(table.c.visit_id == name).order_by(table.c.row_id))


def _read_frame(store: "Store", query: sa.Select[Any]) -> pd.DataFrame:
    check_file(store.engine, table=table.name)
    with read_transaction(store.engine) as connection:
        result = connection.execute(query)
        names = list(result.keys())
        columns = list(zip(*result.all(), strict=True)) or [()] * len(names)
    frame = pd.DataFrame({name: pd.Series(list(values), dtype="object") for name, values in zip(names, columns)})  # noqa: B905 - pairs by construction
    for name in ("started_at", "recorded_at", "superseded_at"):
        if name in frame:
            seconds = pd.to_numeric(frame[name]).astype("Int64")
            frame[name] = pd.to_datetime(seconds, unit="s", utc=True).dt.as_unit("s")
    return frame.astype({"lon": "float64", "lat": "float64", "minutes": "int64", "needles": "Int64"})


def read_live_row(connection: Connection, name: str) -> dict[str, Any] | None:
    """The live version of a visit; None if there is none."""
    row = connection.execute(_LIVE_ROW, {"name": name}).mappings().one_or_none()
    return None if row is None else dict(row)


def _to_row(visit: Visit) -> dict[str, Any]:
    return {name: getattr(visit, name) for name in _FACTS} | {"started_at": to_seconds(visit.started_at)}


def _find_outcome(live: Mapping[str, Any] | None, facts: dict[str, Any]) -> str:
    """What a visit does to the live version; if needles are None, `facts` takes those of the live version."""
    if live is None:
        return "new"
    if facts["needles"] is None:
        facts["needles"] = live["needles"]
    return "unchanged" if all(live[name] == facts[name] for name in _FACTS) else "updated"


def write_visit(connection: Connection, visit: Visit, *, load_id: int | None, now_s: int) -> RecordedVisit:
    """Record a visit: nothing if the live version is the same, else a new version."""
    name, facts = visit_id(visit), _to_row(visit)
    live = read_live_row(connection, name)
    outcome = _find_outcome(live, facts)
    if outcome != "unchanged":
        _replace(connection, live, facts | {"visit_id": name, "load_id": load_id}, now_s)
    return RecordedVisit(name, outcome)


def _replace(connection: Connection, live: Mapping[str, Any] | None, row: dict[str, Any], now_s: int) -> None:
    """Close the live version, if there is one, and add the new one."""
    if live is not None:
        _close(connection, live, now_s)
    connection.execute(sa.insert(table), row | {"replaces": live["row_id"] if live else None, "recorded_at": now_s})


def _close(connection: Connection, live: Mapping[str, Any], now_s: int) -> None:
    closed_at = max(now_s, live["recorded_at"])  # a clock set back must not close a version before it began
    connection.execute(sa.update(table).where(table.c.row_id == live["row_id"]).values(superseded_at=closed_at))


def restore_previous(connection: Connection, live: Mapping[str, Any], now_s: int) -> bool:
    """Close a version and add a copy of the one that it replaced; True if there was one.

    Versions of undone imports are skipped.
    """
    _close(connection, live, now_s)
    previous = _read_row(connection, live["replaces"])
    while previous is not None and _is_undone(connection, previous["load_id"]):
        previous = _read_row(connection, previous["replaces"])
    if previous is None:
        return False
    facts = {name: previous[name] for name in (*_FACTS, "visit_id", "load_id", "replaces")}
    connection.execute(sa.insert(table).values(facts | {"recorded_at": now_s}))
    return True


def _read_row(connection: Connection, number: int | None) -> dict[str, Any] | None:
    row = connection.execute(sa.select(table).where(table.c.row_id == number)).mappings().one_or_none()
    return None if row is None else dict(row)


def _is_undone(connection: Connection, load_id: int | None) -> bool:
    query = sa.select(work_loads.c.undone_at).where(work_loads.c.load_id == load_id)
    return connection.execute(query).scalar_one_or_none() is not None
