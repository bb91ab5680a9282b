"""Rows of events as they come from either database, and the columns that are built of them.

Inside of the modules that read columns and records, which ask who may see what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects.postgresql import ARRAY

from geo.counts import number_distinct
from hexbeat.store.database_errors import reading_values
from hexbeat.store.schema import events
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.event import DEMONSTRATION, LOCATION_PRECISIONS, PRECISIONS, REPORTERS, RESOLUTIONS
from layers.timestamps import to_seconds

__all__ = ["LIVE", "RAW", "RawEvents", "build_columns", "build_known_condition", "fetch_rows", "freeze"]

_FEWEST_TO_HASH: Final = 500_000  # cells: with fewer, sorting them takes less time than the import of pandas
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
        ("category", ">i4"),
        ("ward", ">i2"),
        ("lon", ">f8"),
        ("lat", ">f8"),
        ("source", ">i2"),
        ("location", ">i2"),
        ("location_m", ">f8"),
        *((f"h3_{resolution:02d}", ">i8") for resolution in RESOLUTIONS),
        ("demonstration", ">i2"),
    ]
)
_SENDERS: Final[dict[str, tuple[str, sa.types.TypeEngine[Any]]]] = {
    ">i8": ("int8send", sa.BigInteger()),
    ">i4": ("int4send", sa.Integer()),
    ">i2": ("int2send", sa.SmallInteger()),
    ">f8": ("float8send", sa.Float(53)),
}
LIVE: Final[ColumnElement[bool]] = events.c.superseded_at.is_(None)


def build_known_condition(as_at: datetime) -> ColumnElement[bool]:
    """The condition that a row was recorded by `as_at` and not yet superseded then."""
    seconds = to_seconds(as_at)
    return sa.and_(
        events.c.recorded_at <= seconds, sa.or_(events.c.superseded_at.is_(None), events.c.superseded_at > seconds)
    )


def build_columns(rows: "RawEvents", *, version: int, ward_codes: tuple[str, ...]) -> Columns:
    """Columns from what `fetch_rows` gives: sorted by start, then row_id; cells as codes."""
    raw = rows.arrays
    order = np.lexsort((raw["row_id"], raw["start"]))
    cell, cell_ids = {}, {}
    for resolution in RESOLUTIONS:
        cells = raw[f"h3_{resolution:02d}"][order].astype(np.uint64)
        codes, ids = number_distinct(cells) if len(cells) >= _FEWEST_TO_HASH else _sort_distinct(cells)
        cell_ids[resolution], cell[resolution] = ids, codes.astype(np.int32)
    columns = Columns(
        version=version,
        row_id=raw["row_id"][order],
        layer=raw["layer"][order].astype(np.uint8),
        start=raw["start"][order],
        end=raw["end"][order],
        precision=raw["precision"][order].astype(np.uint8),
        quantity=raw["quantity"][order].astype(np.int32),
        reported_by=raw["reported_by"][order].astype(np.uint8),
        category=raw["category"][order],
        categories=rows.categories,
        ward=raw["ward"][order],
        ward_codes=tuple(ward_codes),
        lon=raw["lon"][order],
        lat=raw["lat"][order],
        source=raw["source"][order],
        sources=rows.sources,
        location=raw["location"][order].astype(np.uint8),
        location_m=raw["location_m"][order].astype(np.float32),
        cell=cell,
        cell_ids=cell_ids,
        demonstration=raw["demonstration"][order].astype(np.bool_),
    )
    return freeze(columns)


def _sort_distinct(values: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """As `number_distinct`, which is an eighth of the work but has to import pandas."""
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, distinct


def freeze(columns: Columns) -> Columns:
    """The columns, made read-only because several screens share them."""
    for array in columns.list_arrays().values():
        array.setflags(write=False)
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class RawEvents:
    """Events by row_id: native arrays under the names of RAW, the categories (sorted after ""), the sorted sources."""

    arrays: dict[str, NDArray[Any]]
    categories: tuple[str, ...]
    sources: tuple[str, ...]


def fetch_rows(connection: Connection, condition: ColumnElement[bool], ward_codes: Sequence[str]) -> RawEvents:
    """Events that meet the condition and lie in these wards.

    Codes are places in LAYERS, PRECISIONS, REPORTERS, `ward_codes`, the categories and the sources; for those of
    `location` see layers.columns.
    """
    with reading_values(connection.engine):
        return _fetch_rows(connection, sa.and_(condition, events.c.ward_code.in_(ward_codes)), ward_codes)


def _fetch_rows(connection: Connection, condition: ColumnElement[bool], ward_codes: Sequence[str]) -> RawEvents:
    categories = _find_categories(connection, condition)
    sources = _find_sources(connection, condition)
    if connection.dialect.name == "postgresql":
        packed = np.frombuffer(
            b"".join(_read_packed(connection, condition, ward_codes, categories, sources)), dtype=RAW
        )
        return RawEvents(
            {name: packed[name].astype(RAW[name].newbyteorder("=")) for name in RAW.names or ()}, categories, sources
        )
    parts = list(_read_tuples(connection, condition, ward_codes, categories, sources))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in RAW.names or ()}
    return RawEvents(arrays, categories, sources)


def _find_categories(connection: Connection, condition: ColumnElement[bool]) -> tuple[str, ...]:
    """The categories of these events in alphabetical order, after the empty one, which means none."""
    names = connection.execute(sa.select(events.c.category).distinct().where(condition)).scalars()
    return ("", *sorted({name for name in names if name}))


def _find_sources(connection: Connection, condition: ColumnElement[bool]) -> tuple[str, ...]:
    """The sources of these events in alphabetical order."""
    return tuple(sorted(connection.execute(sa.select(events.c.source).distinct().where(condition)).scalars()))


def _build_code_case(column: ColumnElement[Any], names: Sequence[str]) -> ColumnElement[int]:
    return sa.case({word: code for code, word in enumerate(names)}, value=column)


def _build_selection(sources: Sequence[str]) -> dict[str, ColumnElement[Any]]:
    column = events.c
    return {
        "row_id": column.row_id,
        "layer": _build_code_case(column.layer, LAYER_NAMES),
        "start": column.occurred_from,
        "end": column.occurred_to,
        "precision": _build_code_case(column.time_precision, PRECISIONS),
        "quantity": column.quantity,
        "reported_by": _build_code_case(column.reported_by, REPORTERS),
        "category": column.category,
        "ward": column.ward_code,
        "lon": column.lon,
        "lat": column.lat,
        # A CASE without any WHEN is no SQL; then there are no rows either.
        "source": _build_code_case(column.source, sources) if sources else sa.literal(0),
        "location": sa.func.coalesce(_build_code_case(column.location_precision, ("", *LOCATION_PRECISIONS)), 0),
        "location_m": sa.func.coalesce(column.location_precision_m, 0.0),
        **{f"h3_{resolution:02d}": column[f"h3_{resolution:02d}"] for resolution in RESOLUTIONS},
        "demonstration": sa.case((column.source == DEMONSTRATION, 1), else_=0),
    }


def _read_tuples(
    connection: Connection,
    condition: ColumnElement[bool],
    ward_codes: Sequence[str],
    categories: Sequence[str],
    sources: Sequence[str],
) -> Iterator[dict[str, NDArray[Any]]]:
    places: dict[str, dict[str | None, int]] = {
        "ward": {code: place for place, code in enumerate(ward_codes)},
        "category": {None: 0} | {name: place for place, name in enumerate(categories)},
    }
    selection = _build_selection(sources)
    query = sa.select(*selection.values()).where(condition).order_by(events.c.row_id)
    cursor = connection.execute(query).cursor
    rows = cursor.fetchmany(_FETCH_ROWS) if cursor else []
    yield _build_arrays([()] * len(selection), places)
    while rows:
        yield _build_arrays(list(zip(*rows, strict=True)), places)
        rows = cursor.fetchmany(_FETCH_ROWS) if cursor else []


def _build_arrays(
    columns: Sequence[Sequence[Any]], places: dict[str, dict[str | None, int]]
) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name, values in zip(RAW.names or (), columns, strict=True):
        plain = [places[name][word] for word in values] if name in places else values
        arrays[name] = np.array(plain, dtype=RAW[name].newbyteorder("="))
    return arrays


def _read_packed(
    connection: Connection,
    condition: ColumnElement[bool],
    ward_codes: Sequence[str],
    categories: Sequence[str],
    sources: Sequence[str],
) -> Iterator[bytes]:
    # A source may have hundreds of categories: a join finds a code at once, where a CASE tries each.
    table = sa.func.unnest(sa.literal(list(categories[1:]), ARRAY(sa.Text()))).table_valued(
        sa.column("name", sa.Text()), with_ordinality="code", name="categories"
    )
    category_codes = table.render_derived()
    source = sa.outerjoin(events, category_codes, events.c.category == category_codes.c.name)
    selected = _build_selection(sources) | {
        "ward": _build_code_case(events.c.ward_code, ward_codes),
        "category": sa.func.coalesce(category_codes.c.code, 0),
    }
    fields = []
    for name, column in selected.items():
        sender, kind = _SENDERS[RAW[name].str]
        fields.append(getattr(sa.func, sender)(sa.cast(column, kind), type_=sa.LargeBinary))
    row = reduce(lambda before, after: before.op("||")(after), fields)
    lowest, highest = connection.execute(
        sa.select(sa.func.min(events.c.row_id), sa.func.max(events.c.row_id)).where(condition)
    ).one()
    for first_row in range(lowest or 0, (highest if highest is not None else -1) + 1, _PACK_ROWS):
        window = events.c.row_id.between(first_row, first_row + _PACK_ROWS - 1)
        query = sa.select(row.label("packed")).select_from(source)
        rows = query.where(condition, window).order_by(events.c.row_id).subquery()
        value = connection.execute(
            sa.select(sa.func.string_agg(rows.c.packed, sa.literal(b"", sa.LargeBinary), type_=sa.LargeBinary))
        ).scalar()
        yield bytes(value or b"")
