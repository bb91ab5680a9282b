"""Live events as one Arrow table, for exports: read in columns, because a million rows one by one take minutes."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa
from sqlalchemy import Connection

from geo.cells import format_cells
from hexbeat.store.coverage_log import fetch_coverage
from hexbeat.store.database_errors import check_file, reading_values
from hexbeat.store.databases import read_transaction, read_version
from hexbeat.store.event_rows import LIVE
from hexbeat.store.kept_table import KeptTable, find_kept_table, keep_table, list_closed_rows
from hexbeat.store.schema import EVENT_TYPES, events, store_state
from hexbeat.store.snapshot_table import find_order, read_snapshot_table
from layers.access import Action, Viewer, list_layers, require, require_export
from layers.catalogue import LAYERS
from layers.coverage import Coverage
from layers.event import EVENT_COLUMNS, RESOLUTIONS
from layers.restriction import restrict_coverage
from layers.roles import NOTHING, POINTS

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "CELL_COLUMNS",
    "EXPORT_COLUMNS",
    "TIME_COLUMNS",
    "LiveTable",
    "build_table",
    "decode_texts",
    "list_reporters",
    "read_live_rows",
    "read_live_table",
]

CELL_COLUMNS: Final = tuple(f"h3_{resolution:02d}" for resolution in RESOLUTIONS)
TIME_COLUMNS: Final = ("occurred_from", "occurred_to", "recorded_at")
EXPORT_COLUMNS: Final = (
    "event_id", *(name for name in EVENT_COLUMNS if name != "note"), "batch_id", "recorded_at",
)  # fmt: skip
_TEXTS: Final = tuple(
    name for name in EXPORT_COLUMNS if name == "event_id" or EVENT_TYPES.get(name, (None,))[0] is sa.Text
)
_DISTINCT: Final = ("event_id", "source_id")  # texts of which each row has its own
_CODED: Final = tuple(name for name in _TEXTS if name not in _DISTINCT)
_DEGREES: Final = ("lon", "lat")
_METRES: Final = "location_precision_m"
_FLOATS: Final = (*_DEGREES, _METRES)
_OPTIONAL: Final = tuple(name for name in EXPORT_COLUMNS if EVENT_TYPES.get(name, (None, False))[1])
_ALL: Final = ("row_id", *EXPORT_COLUMNS)
_NUMBERS: Final = tuple(name for name in _ALL if name not in {*_TEXTS, *_FLOATS})
_PAGE_ROWS: Final = {"sqlite": 50_000, "postgresql": 200_000}  # row numbers in one query
# Degrees from an eighth to 180, times this, are whole numbers of 64 bits: so they pass through a text unchanged.
_SCALE: Final = float(1 << 55)
_LEAST_DEGREES: Final = 0.125
# What stands between rows, between the texts of a row, and for a missing one. Where a text holds one of them, the rows
# come one by one.
_BETWEEN: Final = "\x1d"
_WITHIN: Final = "\x1f"
_MISSING: Final = "\x1e"


@dataclass(frozen=True, slots=True, eq=False)
class LiveTable:
    """Live events (`table`: EXPORT_COLUMNS, in order of time), and what was known of them when they were read.

    Texts and cells are dictionaries of texts, cells by their H3 names; `event_id` and `source_id` are plain texts
    (large_string), of which a dictionary would hold each once too. Times are UTC to the second. What is missing is
    null. `layers` are those whose records the viewer may see, and `coverage` theirs, in the wards that were asked for.
    """

    table: pa.Table
    layers: tuple[str, ...]
    version: int
    coverage: Coverage


def read_live_table(store: "Store", viewer: Viewer, *, ward_codes: tuple[str, ...] = ()) -> LiveTable:
    """All live events whose record the viewer may see, whatever their ward; `ward_codes`: those of the coverage.

    PolicyError if the viewer may not export, StoreError if the store is damaged.
    """
    require_export(viewer, "events")
    layers = list_layers(viewer, Action.SEE_RECORDS)
    if not layers:
        require(viewer, Action.SEE_RECORDS)
    kept = find_kept_table(store.engine, store.home)
    if kept is None:
        check_file(store.engine)  # the table alone: no index is used to read it
    with read_transaction(store.engine) as connection, reading_values(store.engine):
        version = read_version(connection)
        if kept is not None and connection.execute(sa.select(store_state.c.rewritten)).scalar_one() > kept.version:
            kept = None
        coverage = fetch_coverage(connection, ward_codes=ward_codes)
        table, reporters = _read_table(connection, store.home, kept, version)
    if kept is None or kept.version != version:
        keep_table(store.engine, store.home, table, sorted(reporters), version=version)
    table = _select_layers(table, layers).drop_columns(["row_id"])
    details = {spec.name: POINTS if spec.name in layers else NOTHING for spec in LAYERS}
    coverage = restrict_coverage(replace(coverage, reporters=reporters), details)
    return LiveTable(table, tuple(layers), version, coverage)


def _read_table(
    connection: Connection, home: Path, kept: KeptTable | None, version: int
) -> tuple[pa.Table, frozenset[tuple[str, str, str]]]:
    """The live rows of every layer, formatted and in order of time, with `row_id`; and which reporters each source has.

    Of what was kept of an earlier version, only what changed since is read; where nothing was, what no snapshot has.
    """
    if kept is None:
        table = _complete_snapshot(connection, home)
        if table is None:
            table = build_table(read_live_rows(connection))
        return table, list_reporters(table)
    if kept.version == version:
        return kept.table, kept.reporters
    closed = list_closed_rows(connection, kept)
    table = (
        kept.table.filter(pc.invert(pc.is_in(kept.table["row_id"], pa.array(closed)))) if len(closed) else kept.table
    )
    added = _format_columns(_read_rows_after(connection, kept.last_row))
    merged = pa.concat_tables([table, added]).unify_dictionaries()
    table = _sort_rows(merged)
    return table, list_reporters(table)


def _complete_snapshot(connection: Connection, home: Path) -> pa.Table | None:
    """The table from a snapshot and the columns that it lacks; None where none has all live rows."""
    known = read_snapshot_table(connection, home)
    live = connection.execute(sa.select(sa.func.count()).where(LIVE)).scalar_one()
    if known is None or known.num_rows != live:
        return None
    lacking = [name for name in _ALL if name == "row_id" or name not in known.column_names]
    others = _format_columns(_read_rows_after(connection, 0, lacking))
    order = find_order(others["row_id"].to_numpy(), known["row_id"].to_numpy())
    if order is None:
        return None
    others = others.take(pa.array(order)).combine_chunks()
    return pa.table({name: known[name] if name in known.column_names else others[name] for name in _ALL})


def list_reporters(table: pa.Table) -> frozenset[tuple[str, str, str]]:
    """As `fetch_reporters` of the live rows, without another look at them."""
    triples = (
        table.select(["layer", "source", "reported_by"]).group_by(["layer", "source", "reported_by"]).aggregate([])
    )
    return frozenset(zip(*(column.cast(pa.string()).to_pylist() for column in triples.columns), strict=True))


def read_live_rows(connection: Connection) -> pa.Table:
    """All live rows in the order of their numbers: `row_id` and EXPORT_COLUMNS, times and cells as numbers.

    In chunks, as they were read: whoever puts a million rows together holds them twice.
    """
    return pa.concat_tables([_build_no_rows(_ALL), *_read_pages(connection, 0, _ALL)]).unify_dictionaries()


def build_table(rows: pa.Table) -> pa.Table:
    """What an export has of such rows, with `row_id`, in order of time: one column after the other, to spare memory."""
    order = pa.array(np.argsort(rows["occurred_from"].to_numpy(), kind="stable"))
    return pa.table({name: _format_column(name, rows[name].combine_chunks()).take(order) for name in rows.column_names})


def _sort_rows(table: pa.Table) -> pa.Table:
    order = pc.sort_indices(table, sort_keys=[("occurred_from", "ascending"), ("row_id", "ascending")])
    return table.combine_chunks().take(order).combine_chunks()


def _select_layers(table: pa.Table, layers: Sequence[str]) -> pa.Table:
    """The events of these layers. No text of the others stays in a dictionary, from where it would get into files."""
    layer = table["layer"].combine_chunks()
    names = layer.dictionary.to_pylist()
    if set(names) <= set(layers):
        return table
    is_chosen = np.array([name in layers for name in names], dtype=np.bool_)
    selection = table.filter(pa.array(is_chosen[layer.indices.to_numpy()]))
    columns = [
        column.cast(pa.string()).dictionary_encode() if pa.types.is_dictionary(column.type) else column
        for column in selection.columns
    ]
    return pa.table(columns, names=selection.column_names).unify_dictionaries().combine_chunks()


def _read_rows_after(connection: Connection, row: int, names: Sequence[str] = _ALL) -> pa.Table:
    """These columns (with `row_id`) of the live rows with higher numbers, as the store has them, by their numbers."""
    pages = _read_pages(connection, row, names)
    return pa.concat_tables([_build_no_rows(names), *pages]).unify_dictionaries().combine_chunks()


def decode_texts(table: pa.Table) -> pa.Table:
    """The table with plain texts in the place of dictionaries."""
    columns = [
        pc.cast(column, pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _format_columns(table: pa.Table) -> pa.Table:
    """The columns of an export from numbers and texts as the store has them."""
    return pa.table({name: _format_column(name, table[name].combine_chunks()) for name in table.column_names})


def _format_column(name: str, column: pa.Array) -> pa.Array:
    if name in CELL_COLUMNS:
        return _name_cells(column)
    return column.cast(pa.timestamp("s", tz="UTC")) if name in TIME_COLUMNS else column


def _name_cells(cells: pa.Array) -> pa.DictionaryArray:
    coded = cells.dictionary_encode()
    names = format_cells(coded.dictionary.to_numpy(zero_copy_only=False).astype(np.uint64))
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(names, pa.string()))


def _build_no_rows(names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([], _choose_type(name)) for name in names})


def _choose_type(name: str) -> pa.DataType:
    if name in _DISTINCT:
        return pa.large_string()
    if name in _TEXTS:
        return pa.dictionary(pa.int32(), pa.string())
    return pa.float64() if name in _FLOATS else pa.int64()


def _read_pages(connection: Connection, row: int, names: Sequence[str]) -> Iterator[pa.Table]:
    """The live rows with higher numbers than this, so many row numbers at a time, in their order."""
    kind = connection.dialect.name
    read = _read_copied if kind == "postgresql" else _read_joined
    bounds = sa.select(sa.func.min(events.c.row_id), sa.func.max(events.c.row_id)).where(events.c.row_id > row)
    lowest, highest = connection.execute(bounds).one()
    if lowest is None:
        return
    for first_row in range(lowest, highest + 1, _PAGE_ROWS[kind]):
        window = events.c.row_id.between(first_row, first_row + _PAGE_ROWS[kind] - 1)
        # The sign keeps SQLite from its index of live rows: rows are sought by their numbers.
        live = sa.literal_column("+superseded_at").is_(None) if kind == "sqlite" else LIVE
        yield read(connection, sa.and_(window, live), names)


def _read_joined(connection: Connection, condition: sa.ColumnElement[bool], names: Sequence[str]) -> pa.Table:
    """One page of SQLite: each column is one text that SQLite joins, all of them in the same order.

    The texts of which many rows have the same are one text together: their combinations are few, and are taken apart
    once each.
    """
    coded, distinct, numbers, degrees, optional = (
        [name for name in kind if name in names] for kind in (_CODED, _DISTINCT, _NUMBERS, _DEGREES, _OPTIONAL)
    )
    columns: list[sa.ColumnElement[Any]] = [
        sa.func.count(),
        *(sa.func.count(events.c[name]) for name in optional),
        *(sa.func.group_concat(events.c[name], _BETWEEN) for name in distinct),
        *(sa.func.group_concat(events.c[name], " ") for name in numbers),
        *(sa.func.group_concat(sa.cast(events.c[name] * _SCALE, sa.BigInteger), " ") for name in degrees),
        sa.func.group_concat(_join_texts(coded), _BETWEEN),
    ]
    answer = iter(connection.execute(sa.select(*columns).where(condition)).one())
    rows = next(answer)
    missing = {name: rows - next(answer) for name in optional}
    joined = {name: next(answer) for name in (*distinct, *numbers, *degrees)}
    together = next(answer)
    if not rows:
        return _build_no_rows(names)
    page: dict[str, Any] = {name: pa.array(_split_numbers(joined[name]).to_numpy() / _SCALE) for name in degrees}
    if (
        any(pc.min(pc.abs(page[name])).as_py() < _LEAST_DEGREES for name in degrees)
        or any(text.count(_BETWEEN) != rows - 1 for text in (together, *(joined[name] for name in distinct)))
        or together.count(_WITHIN) != rows * max(len(coded) - 1, 0)
        or together.count(_MISSING) != sum(missing.get(name, 0) for name in coded)
    ):
        return _read_rows(connection, condition, names)
    page |= {name: _split(joined[name], _BETWEEN) for name in distinct}
    page |= _split_texts(together, coded)
    page |= {name: _split_numbers(joined[name]) for name in numbers}
    page[_METRES] = pa.nulls(rows, pa.float64())
    if missing.get(_METRES, rows) < rows:
        metres = _read_rows(connection, condition, ("row_id", _METRES))
        if not page["row_id"].equals(metres["row_id"].combine_chunks()):  # SQLite promises no order of what it joins
            return _read_rows(connection, condition, names)
        page[_METRES] = metres[_METRES]
    return pa.table({name: page[name] for name in names})


def _join_texts(names: Sequence[str]) -> sa.ColumnElement[str]:
    """The texts of one row as one text; empty without names."""
    texts = [sa.func.ifnull(events.c[name], _MISSING) if name in _OPTIONAL else events.c[name] for name in names]
    return reduce(lambda before, after: before.concat(_WITHIN).concat(after), texts) if texts else sa.literal("")


def _split(text: str, between: str) -> pa.Array:
    return pc.split_pattern(pa.array([text], pa.large_string()), between).values


def _split_numbers(text: str) -> pa.Array:
    return pc.cast(_split(text, " "), pa.int64())


def _split_texts(together: str, names: Sequence[str]) -> dict[str, pa.DictionaryArray]:
    """The columns of joined texts as dictionaries; the sign for a missing one becomes null."""
    if not names:
        return {}
    rows = _split(together, _BETWEEN).dictionary_encode()
    places = rows.indices.to_numpy()
    parts = pc.split_pattern(rows.dictionary, _WITHIN).values.cast(pa.string())
    columns = {}
    for place, name in enumerate(names):
        part = parts.take(pa.array(np.arange(place, len(parts), len(names))))
        coded = pc.if_else(pc.equal(part, _MISSING), None, part).dictionary_encode()
        columns[name] = coded.take(pa.array(places))
    return columns


def _read_rows(connection: Connection, condition: sa.ColumnElement[bool], names: Sequence[str]) -> pa.Table:
    """One page row by row: for what cannot pass through joined texts."""
    query = sa.select(*(events.c[name] for name in names)).where(condition).order_by(events.c.row_id)
    return pa.table(dict(zip(names, _fetch_arrays(connection, query, names), strict=True)))


def _fetch_arrays(connection: Connection, query: sa.Select[Any], names: Sequence[str]) -> list[pa.Array]:
    cursor = connection.execute(query).cursor
    columns = list(zip(*cursor.fetchall(), strict=True)) if cursor else []
    return [
        pa.array(list(values), pa.string() if name in _TEXTS else _choose_type(name)).cast(_choose_type(name))
        for name, values in zip(names, columns or [()] * len(names), strict=True)
    ]


def _read_copied(connection: Connection, condition: sa.ColumnElement[bool], names: Sequence[str]) -> pa.Table:
    """One page of PostgreSQL: its own CSV, in which all texts have quotes and what is missing has none."""
    query = sa.select(*(events.c[name] for name in names)).where(condition).order_by(events.c.row_id)
    text = query.compile(connection, compile_kwargs={"literal_binds": True})
    copied = io.BytesIO()
    cursor = connection.connection.cursor()
    cursor.execute(f"COPY ({text}) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *)", stream=copied)  # type: ignore[call-arg]  # of pg8000
    if not copied.tell():
        return _build_no_rows(names)
    copied.seek(0)
    return pyarrow.csv.read_csv(
        copied,
        read_options=pyarrow.csv.ReadOptions(column_names=list(names)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: _choose_type(name) for name in names},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).combine_chunks()
