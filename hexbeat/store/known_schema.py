"""What a SQLite file of Hexbeat may hold: the tables, indexes and triggers that its migrations make, and nothing else.

A file that somebody else made can have triggers and views that change what a statement does. So its schema is compared,
name by name and text by text, before the first statement that changes it.
"""

import sqlite3
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from hexbeat.store.databases import list_revisions, upgrade_to

__all__ = ["find_schema_fault"]

_Item = tuple[str, str, str]  # type, name, table
# What ANALYZE leaves where an administrator runs it. It changes plans of queries, and no answer.
_STATISTICS: Final = {
    ("table", "sqlite_stat1", "sqlite_stat1"): "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    ("table", "sqlite_stat4", "sqlite_stat4"): "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}


def find_schema_fault(connection: sqlite3.Connection, revision: str) -> str | None:
    """A clause on the first item that is foreign, missing or other than Hexbeat makes it; None if all is as made.

    `revision` is that of the file. It changes nothing, and reads the list of the schema alone.
    """
    if revision not in list_revisions():
        return f"has schema {revision[:20]!r}, which this Hexbeat does not know"
    expected, actual = _build_schema(revision), _read_schema(connection)
    for item in sorted(actual.keys() | expected.keys()):
        kind, name, _ = item
        if item not in actual:
            return f"lacks the {kind} {name}"
        if item not in expected and actual[item] != _STATISTICS.get(item):
            return f"has the foreign {kind[:20]} {name[:60]!r}"
        if item in expected and actual[item] != expected[item]:
            return f"has another {kind} {name} than Hexbeat makes"
    return _find_revision_fault(connection, revision)


def _find_revision_fault(connection: sqlite3.Connection, revision: str) -> str | None:
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchmany(2)
    return None if rows == [(revision,)] else f"has another schema than {revision}, which the backup names"


@cache
def _build_schema(revision: str) -> dict[_Item, str]:
    """The schema as the migrations up to a revision make it, in memory."""
    engine = sa.create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            upgrade_to(connection, revision)
            raw: Any = connection.connection.driver_connection
            return _read_schema(raw)
    finally:
        engine.dispose()


def _read_schema(connection: sqlite3.Connection) -> dict[_Item, str]:
    rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master")
    return {(str(kind), str(name), str(table)): " ".join(str(text).split()) for kind, name, table, text in rows}
