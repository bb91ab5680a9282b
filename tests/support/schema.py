"""New SQLite stores without Alembic: it makes the first of a test run, and the others repeat what it made."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Connection, inspect

from hexbeat.store import databases
from hexbeat.store.schema import HEAD
from hexbeat.store.store import Store

__all__ = ["real_migrations", "recorded_schema"]

_UPGRADE: Final = databases.__dict__["_upgrade"]
_MIGRATIONS: Final = databases.__dict__["_MIGRATIONS"]


@pytest.fixture(scope="session", autouse=True)
def recorded_schema() -> Iterator[None]:
    """An empty SQLite database becomes a store by the statements that Alembic's work amounts to: a tenth of the time.

    Older stores and PostgreSQL are still brought up to date by Alembic, and so is everything in a process of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_upgrade", _repeat_or_upgrade)
        yield


@pytest.fixture
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic makes the new stores of this test."""
    monkeypatch.setattr(databases, "_upgrade", _UPGRADE)


def _repeat_or_upgrade(connection: Connection) -> None:
    as_released = (databases.HEAD, databases.__dict__["_MIGRATIONS"]) == (HEAD, _MIGRATIONS)
    if connection.dialect.name != "sqlite" or not as_released or inspect(connection).get_table_names():
        _UPGRADE(connection)
        return
    for statement in _statements():
        connection.exec_driver_sql(statement)


@cache
def _statements() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_upgrade", _UPGRADE)
        with Store.open(Path(folder) / "home"):
            pass
        (file,) = (Path(folder) / "home").glob("*.sqlite")
        with closing(sqlite3.connect(file)) as made:
            return tuple(made.iterdump())[1:-1]  # without BEGIN and COMMIT
