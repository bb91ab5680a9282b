"""Rows of events as they come from either database, and the columns that are built of them.

Inside of the modules that read columns and records, which ask who may see what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
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

__all__ = ["ADDED", "KNOWN", "LIVE", "RAW", "RawEvents", "build_columns", "fetch_rows", "freeze"]

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
# Conditions of rows. What they compare with is given when they are asked, so each query is built once.
LIVE: Final[ColumnElement[bool]] = events.c.superseded_at.is_(None)
ADDED: Final = sa.and_(LIVE, events.c.row_id > sa.bindparam("last_row"))  # live, and newer than this row
KNOWN: Final = sa.and_(  # recorded by `known_at` (UTC seconds), and not yet superseded then
    events.c.recorded_at <= sa.bindparam("known_at"), sa.or_(LIVE, events.c.superseded_at > sa.bindparam("known_at"))
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


def fetch_rows(
    connection: Connection, condition: ColumnElement[bool], ward_codes: Sequence[str], **values: int
) -> RawEvents:
    """Events that meet one of the conditions above, with its `values`, and lie in these wards.

    Codes are places in LAYERS, PRECISIONS, REPORTERS, `ward_codes`, the categories and the sources; for those of
    `location` see layers.columns.
    """
    with reading_values(connection.engine):
        return _fetch_rows(connection, condition, tuple(ward_codes), values)


def _fetch_rows(
    connection: Connection, condition: ColumnElement[bool], ward_codes: tuple[str, ...], values: Mapping[str, Any]
) -> RawEvents:
    values = {"wards": ward_codes, **values}
    named, sourced = _select_names(condition)
    # In alphabetical order; the categories after the empty one, which means none.
    categories = ("", *sorted(filter(None, connection.execute(named, values).scalars())))
    sources = tuple(sorted(connection.execute(sourced, values).scalars()))
    layers = tuple(LAYER_NAMES)  # a layer can be registered at any time
    if connection.dialect.name == "postgresql":
        bounds, query = _select_packed(condition, ward_codes, layers, sources)
        values = {**values, "categories": list(categories[1:])}
        packed = np.frombuffer(b"".join(_read_packed(connection, bounds, query, values)), dtype=RAW)
        return RawEvents(
            {name: packed[name].astype(RAW[name].newbyteorder("=")) for name in RAW.names or ()}, categories, sources
        )
    places: dict[str, dict[str | None, int]] = {
        "ward": {code: place for place, code in enumerate(ward_codes)},
        "category": {None: 0} | {name: place for place, name in enumerate(categories)},
    }
    parts = list(_read_tuples(connection, _select_tuples(condition, layers, sources), values, places))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in RAW.names or ()}
    return RawEvents(arrays, categories, sources)


def _lie_in_wards(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return sa.and_(condition, events.c.ward_code.in_(sa.bindparam("wards", expanding=True)))


@lru_cache(maxsize=8)
def _select_names(condition: ColumnElement[bool]) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The categories and the sources of events that meet a condition in `wards`."""
    category, source = (
        sa.select(column).distinct().where(_lie_in_wards(condition)) for column in (events.c.category, events.c.source)
    )
    return category, source


def _build_code_case(column: ColumnElement[Any], names: Sequence[str]) -> ColumnElement[int]:
    return sa.case({word: code for code, word in enumerate(names)}, value=column)


def _build_selection(layers: Sequence[str], sources: Sequence[str]) -> dict[str, ColumnElement[Any]]:
    column = events.c
    return {
        "row_id": column.row_id,
        "layer": _build_code_case(column.layer, layers),
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


@lru_cache(maxsize=32)
def _select_tuples(condition: ColumnElement[bool], layers: tuple[str, ...], sources: tuple[str, ...]) -> sa.Select[Any]:
    """The events of SQLite that meet a condition in `wards`, as RAW has them, but with words of ward and category."""
    return (
        sa.select(*_build_selection(layers, sources).values()).where(_lie_in_wards(condition)).order_by(events.c.row_id)
    )


def _read_tuples(
    connection: Connection,
    query: sa.Select[Any],
    values: Mapping[str, Any],
    places: dict[str, dict[str | None, int]],
) -> Iterator[dict[str, NDArray[Any]]]:
    cursor = connection.execute(query, values).cursor
    rows = cursor.fetchmany(_FETCH_ROWS) if cursor else []
    yield _build_arrays([()] * len(RAW.names or ()), places)
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


@lru_cache(maxsize=32)
def _select_packed(
    condition: ColumnElement[bool], ward_codes: tuple[str, ...], layers: tuple[str, ...], sources: tuple[str, ...]
) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Of PostgreSQL: the lowest and highest number of the rows; those `first` to `last` in one value, as RAW has them.

    Given are `wards`, and for the second `categories`.
    """
    # A source may have hundreds of categories: a join finds a code at once, where a CASE tries each.
    table = sa.func.unnest(sa.bindparam("categories", type_=ARRAY(sa.Text()))).table_valued(
        sa.column("name", sa.Text()), with_ordinality="code", name="categories"
    )
    category_codes = table.render_derived()
    source = sa.outerjoin(events, category_codes, events.c.category == category_codes.c.name)
    selected = _build_selection(layers, sources) | {
        "ward": _build_code_case(events.c.ward_code, ward_codes),
        "category": sa.func.coalesce(category_codes.c.code, 0),
    }
    fields = []
    for name, column in selected.items():
        sender, kind = _SENDERS[RAW[name].str]
        fields.append(getattr(sa.func, sender)(sa.cast(column, kind), type_=sa.LargeBinary))
    row = reduce(lambda before, after: before.op("||")(after), fields)
    condition = _lie_in_wards(condition)
    window = events.c.row_id.between(sa.bindparam("first"), sa.bindparam("last"))
    rows = sa.select(row.label("packed")).select_from(source).where(condition, window).order_by(events.c.row_id)
    packed = rows.subquery().c.packed
    return (
        sa.select(sa.func.min(events.c.row_id), sa.func.max(events.c.row_id)).where(condition),
        sa.select(sa.func.string_agg(packed, sa.literal(b"", sa.LargeBinary), type_=sa.LargeBinary)),
    )


def _read_packed(
    connection: Connection, bounds: sa.Select[Any], query: sa.Select[Any], values: Mapping[str, Any]
) -> Iterator[bytes]:
    lowest, highest = connection.execute(bounds, values).one()
    for first in range(lowest or 0, (highest if highest is not None else -1) + 1, _PACK_ROWS):
        value = connection.execute(query, {**values, "first": first, "last": first + _PACK_ROWS - 1}).scalar()
        yield bytes(value or b"")
