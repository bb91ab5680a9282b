"""Temporary tables that hold a load until it is merged. Only their own connection can see them.

In SQLite they are in memory. In PostgreSQL they are files of the session, which the server deletes with the tables.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Float, Index, Integer, MetaData, Table, Text

from geo.errors import DataError
from geo.lazy_modules import import_lazily
from hexbeat.store.schema import EVENT_TYPES
from layers.event import EVENT_COLUMNS, event_id

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = [
    "OF_FILE",
    "covered",
    "drop_file",
    "former_events",
    "incoming",
    "incoming_rejects",
    "make_tables",
    "removals",
    "stage_events",
    "stage_rejects",
    "stage_removals",
    "stage_scopes",
    "update_statistics",
]

_temporary = MetaData()

incoming = Table(
    "incoming",
    _temporary,
    Column("stage_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("file_no", Integer, nullable=False),
    Column("event_id", Text, nullable=False),
    *(Column(name, Float(53) if kind is Float else kind()) for name, (kind, _) in EVENT_TYPES.items()),
    # Columns that hexbeat.store.merging fills in.
    Column("prior_stage", BigInteger),  # the row of the same event in an earlier file of this load
    Column("live_row", BigInteger),  # the row of the same event that is live in the store
    Column("same_as_prior", Boolean, nullable=False, server_default=sa.false()),
    Column("same_as_live", Boolean, nullable=False, server_default=sa.false()),
    Column("is_last", Boolean, nullable=False, server_default=sa.true()),  # no later file of this load has the event
    Column("former_id", Text),  # the source_id under which an older Hexbeat would have stored the row
    prefixes=["TEMPORARY"],
)
Index("incoming_key", incoming.c.source, incoming.c.source_id, incoming.c.file_no, unique=True)
OF_FILE: Final = incoming.c.file_no == sa.bindparam("file")  # the rows of one file; which, is given when it is asked
Index("incoming_file", incoming.c.file_no)
Index("incoming_live", incoming.c.live_row)

covered = Table(
    "covered",
    _temporary,
    Column("file_no", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("scope", Text, nullable=False),
    prefixes=["TEMPORARY"],
)

# Live rows that a snapshot of this load covers, by scope and by place: they are closed unless the load has the event.
removals = Table(
    "removals",
    _temporary,
    Column("live_row", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("file_no", Integer, nullable=False),
    prefixes=["TEMPORARY"],
)

# Live events that an older Hexbeat named by their whole content, and that no row of a file matches by name.
former_events = Table(
    "former_events",
    _temporary,
    Column("row_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False),
    *(
        Column(name, Float(53) if EVENT_TYPES[name][0] is Float else EVENT_TYPES[name][0]())
        for name in (
            "source",
            "source_id",
            "layer",
            "lon",
            "lat",
            "occurred_from",
            "quantity",
            "category",
            "reported_by",
            "scope",
        )
    ),
    prefixes=["TEMPORARY"],
)
Index("former_events_place", former_events.c.occurred_from, former_events.c.lon, former_events.c.lat)

incoming_rejects = Table(
    "incoming_rejects",
    _temporary,
    Column("file_no", Integer, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("source_id", Text),
    prefixes=["TEMPORARY"],
)

FORMER_ID: Final = "former_id"
_EVENT_INSERT: Final = ("file_no", "event_id", *EVENT_COLUMNS, FORMER_ID)
_REJECT_INSERT: Final = ("file_no", "line", "reason", "raw", "source_id")
_COPY_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_UNSTORABLE: Final = str.maketrans({"\x00": None} | {chr(code): "\ufffd" for code in range(0xD800, 0xE000)})


def make_tables(connection: Connection) -> None:
    """Create the empty temporary tables on this connection."""
    for statement in _write_statements(connection.dialect.name, connection.dialect.driver):
        connection.exec_driver_sql(statement)


@cache
def _write_statements(database: str, driver: str) -> tuple[str, ...]:
    """What creates the tables in "sqlite" or "postgresql", in words: SQLAlchemy keeps no words of what it creates."""
    statements: list[str] = []

    def write(definition: sa.ExecutableDDLElement, *_: Any, **__: Any) -> None:
        statements.append(str(definition.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine(f"{database}+{driver}://", write)
    _temporary.create_all(engine, checkfirst=False)
    if database == "postgresql":
        quiet = (column.name for column in incoming.columns if column.name not in {"file_no", "source"})
        changes = ", ".join(f"ALTER COLUMN {name} SET STATISTICS 0" for name in quiet)
        statements.append(f"ALTER TABLE incoming {changes}")
    return tuple(statements)


def update_statistics(connection: Connection) -> None:
    """Update PostgreSQL's statistics of the staged rows; without them it joins the rows one by one.

    It samples only the file number and the source, because statistics outlive temporary tables.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("ANALYZE incoming"))


def stage_events(connection: Connection, frame: "pd.DataFrame", *, file_no: int) -> None:
    """Stage one chunk of events; DataError unless the frame has exactly the columns of an event.

    A column former_id (str or None) may come with them.
    """
    names = [name for name in frame.columns if name != FORMER_ID]
    if set(names) != set(EVENT_COLUMNS) or len(names) != len(EVENT_COLUMNS):
        wrong = sorted(set(names) ^ set(EVENT_COLUMNS))
        raise DataError(
            "A load needs exactly the columns of an event",
            f"these are missing or too many: {', '.join(wrong)}",
            "correct the source",
        )
    values = {name: _list_values(frame[name], is_text=EVENT_TYPES[name][0] is Text) for name in EVENT_COLUMNS}
    identifiers = [event_id(*key) for key in zip(values["source"], values["source_id"], strict=True)]
    former = _list_values(frame[FORMER_ID], is_text=True) if FORMER_ID in frame.columns else [None] * len(frame)
    _insert(connection, incoming, _EVENT_INSERT, [[file_no] * len(frame), identifiers, *values.values(), former])


def stage_rejects(connection: Connection, frame: "pd.DataFrame", *, file_no: int) -> None:
    """Stage one chunk of rejects: line int64, reason str, raw str (a JSON object), optional source_id (str or None)."""
    keyed = frame if "source_id" in frame.columns else frame.assign(source_id=None)
    columns = [_list_values(keyed[name], is_text=name != "line") for name in _REJECT_INSERT[1:]]
    _insert(connection, incoming_rejects, _REJECT_INSERT, [[file_no] * len(frame), *columns])


def _list_values(values: "pd.Series[Any]", *, is_text: bool) -> list[Any]:
    """Plain Python values, None for missing ones; text without characters that databases refuse (NUL, surrogates)."""
    if is_text:
        return [
            None if missing else _clean_text(str(value))
            for value, missing in zip(values.tolist(), values.isna().tolist(), strict=True)
        ]
    array = values.to_numpy()
    if array.dtype.kind in "fO":
        return [None if value is None or value != value else value for value in array.tolist()]  # noqa: PLR0124 - NaN
    return (array.astype(np.int64) if array.dtype.kind == "u" else array).tolist()


def _clean_text(text: str) -> str:
    return text if text.isascii() and "\x00" not in text else text.translate(_UNSTORABLE)


def _insert(connection: Connection, table: Table, names: Sequence[str], columns: list[list[Any]]) -> None:
    """Insert many rows at once: executemany in SQLite, COPY in PostgreSQL."""
    column_list = ", ".join(names)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({column_list}) VALUES ({marks})"  # noqa: S608  # names from this module
        if columns[0]:
            connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))
        return
    lines = map("\t".join, zip(*(map(_format_copy, column) for column in columns), strict=True))
    document = BytesIO("".join(f"{line}\n" for line in lines).encode())
    connection.execute(sa.select(1))  # so that SQLAlchemy and the driver both know of a transaction
    cursor = connection.connection.cursor()
    cursor.execute(f"COPY {table.name} ({column_list}) FROM STDIN", stream=document)  # type: ignore[call-arg]  # pg8000's own argument
    cursor.close()


def _format_copy(value: object) -> str:
    """A value in the text format of COPY."""
    if value is None:
        return "\\N"
    return value.translate(_COPY_ESCAPES) if isinstance(value, str) else repr(value)


def drop_file(connection: Connection, *, file_no: int) -> None:
    """Take out everything of one file that was staged."""
    for table in (incoming, incoming_rejects, covered, removals):
        connection.execute(sa.delete(table).where(table.c.file_no == file_no))


def stage_scopes(connection: Connection, scopes: Iterable[str], *, source: str, file_no: int) -> None:
    """Stage the snapshot scopes that a file replaces as a whole."""
    rows = [{"file_no": file_no, "source": source, "scope": scope} for scope in sorted(set(scopes))]
    if rows:
        connection.execute(sa.insert(covered), rows)


def stage_removals(connection: Connection, live_rows: list[int], *, file_no: int) -> None:
    """Stage the numbers of live rows that the snapshot of a file removes."""
    _insert(connection, removals, ("live_row", "file_no"), [live_rows, [file_no] * len(live_rows)])
