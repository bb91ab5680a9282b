"""Rows of events as NumPy arrays, fast, from either database.

SQLite hands over tuples. PostgreSQL packs each row into bytes of a fixed layout by itself and sends some hundred
thousand rows as one value, because its driver, written in Python, takes microseconds for each single value.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection

from layers.catalogue import LAYER_NAMES
from layers.event import DEMONSTRATION, PRECISIONS, REPORTERS, RESOLUTIONS
from layers.storage.schema import events

__all__ = ["RAW", "fetch_rows"]

_FETCH_ROWS: Final = 50_000  # tuples at a time
_PACK_ROWS: Final = 200_000  # row numbers in one packed value: some 20 MB, far below PostgreSQL's 1 GB

# One event as it comes from the database; big-endian is how PostgreSQL sends.
RAW: Final = np.dtype(
    [
        ("row_id", ">i8"),
        ("layer", ">i2"),
        ("start", ">i8"),
        ("end", ">i8"),
        ("precision", ">i2"),
        ("quantity", ">i8"),
        ("reported_by", ">i2"),
        ("ward", ">i2"),
        ("lon", ">f8"),
        ("lat", ">f8"),
        *((f"h3_{resolution:02d}", ">i8") for resolution in RESOLUTIONS),
        ("demonstration", ">i2"),
    ]
)
_SENDERS: Final[dict[str, tuple[str, sa.types.TypeEngine[Any]]]] = {
    ">i8": ("int8send", sa.BigInteger()),
    ">i2": ("int2send", sa.SmallInteger()),
    ">f8": ("float8send", sa.Float(53)),
}


def fetch_rows(
    connection: Connection, condition: ColumnElement[bool], ward_codes: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Events that meet the condition and lie in these wards, by row_id: native arrays under the names of RAW.

    Codes are places in LAYERS, PRECISIONS, REPORTERS and `ward_codes`.
    """
    condition = sa.and_(condition, events.c.ward_code.in_(ward_codes))
    if connection.dialect.name == "postgresql":
        packed = np.frombuffer(b"".join(_packed(connection, condition, ward_codes)), dtype=RAW)
        return {name: packed[name].astype(RAW[name].newbyteorder("=")) for name in RAW.names or ()}
    parts = list(_tuples(connection, condition, ward_codes))
    return {name: np.concatenate([part[name] for part in parts]) for name in RAW.names or ()}


def _code(column: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[int]:
    return sa.case({word: code for code, word in enumerate(words)}, value=column)


def _selected() -> dict[str, ColumnElement[Any]]:
    column = events.c
    return {
        "row_id": column.row_id,
        "layer": _code(column.layer, LAYER_NAMES),
        "start": column.occurred_from,
        "end": column.occurred_to,
        "precision": _code(column.time_precision, PRECISIONS),
        "quantity": column.quantity,
        "reported_by": _code(column.reported_by, REPORTERS),
        "ward": column.ward_code,
        "lon": column.lon,
        "lat": column.lat,
        **{f"h3_{resolution:02d}": column[f"h3_{resolution:02d}"] for resolution in RESOLUTIONS},
        "demonstration": sa.case((column.source == DEMONSTRATION, 1), else_=0),
    }


def _tuples(
    connection: Connection, condition: ColumnElement[bool], ward_codes: Sequence[str]
) -> Iterator[dict[str, NDArray[Any]]]:
    places = {code: place for place, code in enumerate(ward_codes)}
    query = sa.select(*_selected().values()).where(condition).order_by(events.c.row_id)
    cursor = connection.execute(query).cursor
    rows = cursor.fetchmany(_FETCH_ROWS) if cursor else []
    yield _arrays([()] * len(_selected()), places)
    while rows:
        yield _arrays(list(zip(*rows, strict=True)), places)
        rows = cursor.fetchmany(_FETCH_ROWS) if cursor else []


def _arrays(columns: Sequence[Sequence[Any]], places: dict[str, int]) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name, values in zip(RAW.names or (), columns, strict=True):
        plain = [places[code] for code in values] if name == "ward" else values
        arrays[name] = np.array(plain, dtype=RAW[name].newbyteorder("="))
    return arrays


def _packed(connection: Connection, condition: ColumnElement[bool], ward_codes: Sequence[str]) -> Iterator[bytes]:
    selected = _selected() | {"ward": _code(events.c.ward_code, ward_codes)}
    fields = []
    for name, column in selected.items():
        sender, kind = _SENDERS[RAW[name].str]
        fields.append(getattr(sa.func, sender)(sa.cast(column, kind), type_=sa.LargeBinary))
    row = reduce(lambda left, right: left.op("||")(right), fields)
    lowest, highest = connection.execute(
        sa.select(sa.func.min(events.c.row_id), sa.func.max(events.c.row_id)).where(condition)
    ).one()
    for first in range(lowest or 0, (highest if highest is not None else -1) + 1, _PACK_ROWS):
        window = events.c.row_id.between(first, first + _PACK_ROWS - 1)
        chosen = sa.select(row.label("packed")).where(condition, window).order_by(events.c.row_id).subquery()
        value = connection.execute(
            sa.select(sa.func.string_agg(chosen.c.packed, sa.literal(b"", sa.LargeBinary), type_=sa.LargeBinary))
        ).scalar()
        yield bytes(value or b"")
