"""Versions of visits as rows of the store: the inside of `layers.work.ledger`, which has asked who may."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from layers.moments import to_seconds
from layers.storage.schema import visits as table
from layers.storage.schema import work_loads
from layers.work.visits import Visit, visit_id

__all__ = ["Recorded", "compare_visit", "live_row", "restore_previous", "write_visit"]

_SAID: Final = (
    *("plan_id", "stop_id", "ref", "kind", "team", "place", "cell", "ward_code", "lon", "lat"),
    *("started_at", "minutes", "needles", "outcome"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a visit: its name, and new, updated or unchanged."""

    visit_id: str
    outcome: str


def live_row(connection: Connection, name: str) -> dict[str, Any] | None:
    """The live version of a visit; None if there is none."""
    query = sa.select(table).where(table.c.visit_id == name, table.c.superseded_at.is_(None))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def compare_visit(connection: Connection, visit: Visit) -> str:
    """What recording a visit would do: new, updated or unchanged."""
    return _outcome(live_row(connection, visit_id(visit)), _to_row(visit))


def _to_row(visit: Visit) -> dict[str, Any]:
    return {name: getattr(visit, name) for name in _SAID} | {"started_at": to_seconds(visit.started_at)}


def _outcome(live: Mapping[str, Any] | None, said: dict[str, Any]) -> str:
    """What a visit does to the live version; needles that are not said are taken over into `said`."""
    if live is None:
        return "new"
    if said["needles"] is None:
        said["needles"] = live["needles"]
    return "unchanged" if all(live[name] == said[name] for name in _SAID) else "updated"


def write_visit(connection: Connection, visit: Visit, *, load_id: int | None, moment: int) -> Recorded:
    """Record a visit: nothing where the live version says the same, else a new version."""
    name, said = visit_id(visit), _to_row(visit)
    live = live_row(connection, name)
    outcome = _outcome(live, said)
    if outcome != "unchanged":
        _replace(connection, live, said | {"visit_id": name, "load_id": load_id}, moment)
    return Recorded(name, outcome)


def _replace(connection: Connection, live: Mapping[str, Any] | None, row: dict[str, Any], moment: int) -> None:
    """Close the live version, if there is one, and add the new one."""
    if live is not None:
        _close(connection, live, moment)
    connection.execute(
        sa.insert(table).values(row | {"replaces": live["row_id"] if live else None, "recorded_at": moment})
    )


def _close(connection: Connection, live: Mapping[str, Any], moment: int) -> None:
    closed = max(moment, live["recorded_at"])  # a clock set back must not close a version before it began
    connection.execute(sa.update(table).where(table.c.row_id == live["row_id"]).values(superseded_at=closed))


def restore_previous(connection: Connection, live: Mapping[str, Any], moment: int) -> bool:
    """Close a version and add a copy of the one that it replaced; whether there was one.

    Versions of imports that are undone are passed over.
    """
    _close(connection, live, moment)
    former = _row(connection, live["replaces"])
    while former is not None and _is_undone(connection, former["load_id"]):
        former = _row(connection, former["replaces"])
    if former is None:
        return False
    kept = {name: former[name] for name in (*_SAID, "visit_id", "load_id", "replaces")}
    connection.execute(sa.insert(table).values(kept | {"recorded_at": moment}))
    return True


def _row(connection: Connection, number: int | None) -> dict[str, Any] | None:
    row = connection.execute(sa.select(table).where(table.c.row_id == number)).mappings().one_or_none()
    return None if row is None else dict(row)


def _is_undone(connection: Connection, load_id: int | None) -> bool:
    query = sa.select(work_loads.c.undone_at).where(work_loads.c.load_id == load_id)
    return connection.execute(query).scalar_one_or_none() is not None
