"""The one row that says which version of itself the store is at."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from layers.storage.databases import WRITES, translate_errors
from layers.storage.schema import store_state

__all__ = ["change_version", "read_version", "read_work_version", "reading", "working", "writing"]


def read_version(connection: Connection) -> int:
    """The version as this transaction sees it."""
    return int(connection.execute(sa.select(store_state.c.version)).scalar_one())


def read_work_version(connection: Connection) -> int:
    """The version of visits and reference places, as this transaction sees it."""
    return int(connection.execute(sa.select(store_state.c.work)).scalar_one())


def change_version(connection: Connection, *, rewritten: bool = False) -> int:
    """Take the writers' lock and raise the version; `rewritten` when rows are taken away or reopened, not only added.

    Every writer calls this first, so in PostgreSQL too writers act one after the other, and row and batch numbers rise
    in the order of commits.
    """
    next_version = store_state.c.version + 1
    values = {"version": next_version} | ({"rewritten": next_version} if rewritten else {})
    connection.execute(sa.update(store_state).values(values))
    return read_version(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one version of the store throughout and blocks no writer."""
    with translate_errors(engine), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


@contextmanager
def writing(engine: Engine, *, rewritten: bool) -> Iterator[Connection]:
    """A transaction that changes the store, one writer at a time."""
    with translate_errors(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            change_version(connection, rewritten=rewritten)
            yield connection


@contextmanager
def working(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes visits or reference places and no event, one writer of the store at a time.

    The version of the events stays, so what was computed from them stays true and is kept.
    """
    with translate_errors(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            connection.execute(sa.update(store_state).values(work=store_state.c.work + 1))
            yield connection
