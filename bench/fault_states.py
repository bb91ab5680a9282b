"""What a store, its home and what it wrote hold, so that `bench.faults` can compare it before and after a change."""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from hexbeat.store.audit_trail import verify_trail
from hexbeat.store.databases import make_engine
from hexbeat.store.schema import audit_entries, metadata
from hexbeat.store.store import Store
from layers.access import Viewer
from layers.roles import Role

__all__ = ["State", "describe_all", "judge"]

# What differs between two runs of the same change: times, random names and versions of the file's format.
_VARYING: Final = ("recorded_at", "superseded_at", "created", "undone_at", "visit_id", "started_at", "published_at")


@dataclass(frozen=True, slots=True)
class State:
    """What a store, its home and the output hold; entries of the trail that did not fail; what is wrong, or None."""

    content: Any
    entries: int = 0
    problem: str | None = None


def judge(state: State, before: State, after: State, *, is_entry: bool = False) -> str:
    """Whether a state is that from before the deed, from after it, or neither."""
    if state.problem is None:
        for name, other in (("before", before), ("after", after)):
            if state.content == other.content and (not is_entry or state.entries == other.entries):
                return name
    print(f"between: {state.problem or 'neither the content of before nor that of after'}", file=sys.stderr)
    return "between"


def describe_all(home: Path, url: str | None, disk: Path, *, is_opened: bool) -> State:
    """All that the store, its home and the output hold, without what varies; opening it finishes what is pending.

    Unless it `is_opened` (a migration): the shape of the tables as they are.
    """
    engine = make_engine(home, url)
    try:
        with engine.connect() as connection:
            if url is None and (finding := connection.exec_driver_sql("PRAGMA integrity_check").scalar()) != "ok":
                return State(None, problem=str(finding))
            shape = {name: _describe_shape(connection, name) for name in sa.inspect(connection).get_table_names()}
    finally:
        engine.dispose()
    tables: dict[str, list[str]] = {}
    entries, problem = 0, None
    if is_opened:
        with Store.open(home, database_url=url) as store, store.engine.connect() as connection:
            known = [name for name in shape if name in metadata.tables and not name.startswith("audit_")]
            tables = {name: _describe_table(connection, name) for name in known}
            check = verify_trail(store.engine, home, Viewer(Role.AUDITOR))
            failed = sa.select(sa.func.count()).where(
                audit_entries.c.outcome == "failed"
            )  # they say that nothing was done
            entries, problem = check.entries - connection.execute(failed).scalar_one(), check.problem
    files = {
        str(path.relative_to(disk)): _describe_file(path)
        for folder in (home, disk / "out")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.startswith(("hexbeat.sqlite", "audit_"))
        and ".lock" not in path.name
        # Drafts that a killed program left are nobody's, and go with the next change.
        and not any(part.startswith(".") for part in path.relative_to(disk).parts)
    }
    return State((_forget_names(shape), tables, sorted(files.items())), entries, problem)


def _describe_shape(connection: sa.Connection, name: str) -> Any:
    inspector = sa.inspect(connection)
    columns = sorted(column["name"] for column in inspector.get_columns(name))
    count = connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608 - a table's name
    return columns, 1 if name in {"alembic_version", "audit_entries"} else count


def _forget_names(shape: dict[str, Any]) -> list[Any]:
    return sorted((name, *columns) for name, columns in shape.items())


def _describe_table(connection: sa.Connection, name: str) -> list[str]:
    columns = [column for column in metadata.tables[name].columns if column.name not in _VARYING]
    rows = connection.execute(sa.select(*columns)).all()
    if name == "shared_documents":
        return sorted(_describe_document(row) for row in rows)
    return sorted(repr(tuple(row)) for row in rows)


def _describe_document(row: Any) -> str:
    """A shared document without its random names and keys; its hash has to be that of its content."""
    content = bytes(row.content)
    is_whole = hashlib.sha256(content).hexdigest() == row.sha256
    if row.kind == "plan":
        return f"plan {is_whole} {sorted(json.loads(content))}"
    if row.name.endswith("/note.json"):
        facts = json.loads(content) | {"key": ""}
        return f"note {is_whole} {facts | {'counted': len(facts['counted'])}}"
    return f"{row.kind} {row.name} {row.revision} {is_whole} {row.sha256}"


def _describe_file(path: Path) -> str:
    """The content's hash; of what holds its own time or random name, only that it is there and whole."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        from hexbeat.store.backup import read_backup  # noqa: PLC0415 - one deed's

        return str(sorted(read_backup(path).rows.items()))
    if path.suffix == ".json":
        facts = json.loads(content)  # a half-written file is none
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return hashlib.sha256(content).hexdigest()
