"""Reads events as records, for cards and exports."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

from geo.lazy_modules import import_lazily
from hexbeat.store.database_errors import check_file
from hexbeat.store.databases import read_transaction
from hexbeat.store.event_rows import LIVE
from hexbeat.store.schema import EVENT_TYPES, events
from layers.access import Action, Viewer, list_layers, require, require_export
from layers.event import EVENT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from hexbeat.store.store import Store
else:
    pd = import_lazily("pandas")

__all__ = ["read_live_records", "read_records"]

_QUERY_ROWS: Final = 500  # row numbers in one query: SQLite and the connection both have limits
_FRAME_ROWS: Final = 50_000  # rows turned into columns at a time


def read_records(store: "Store", viewer: Viewer, row_ids: Iterable[int], *, note: bool = False) -> "pd.DataFrame":
    """The rows with these numbers, live or superseded, in this order.

    Numbers that no longer exist are left out, and so are those of layers whose records the viewer may not see.
    Columns row_id, event_id, those of layers.event.EVENT_COLUMNS (`note` only if wanted), batch_id, recorded_at,
    superseded_at. Times are int64 UTC seconds (superseded_at Int64, missing while live), h3_* uint64. Texts come from a
    source: show them as text, never as markup.
    """
    layers = _require_layers(viewer, Action.SEE_RECORDS)
    requested_ids = [int(number) for number in row_ids]
    unique_ids = list(dict.fromkeys(requested_ids))
    chunks = (unique_ids[start : start + _QUERY_ROWS] for start in range(0, len(unique_ids), _QUERY_ROWS))
    rows = _query_rows(store, [events.c.row_id.in_(chunk) for chunk in chunks], layers, note=note)
    places = pd.Index(rows["row_id"]).get_indexer(pd.Index(requested_ids, dtype="int64"))
    return rows.take(places[places >= 0]).reset_index(drop=True)


def read_live_records(store: "Store", viewer: Viewer, *, note: bool = False) -> "pd.DataFrame":
    """All live events whose records the viewer may see, in order of time, for an export: columns of `read_records`."""
    require_export(viewer, "events")
    check_file(store.engine, indexes=True)
    rows = _query_rows(store, [LIVE], _require_layers(viewer, Action.SEE_RECORDS), note=note)
    return rows.sort_values(["occurred_from", "row_id"], ignore_index=True)


def _require_layers(viewer: Viewer, action: Action) -> list[str]:
    """The layers with which the viewer may do this; PolicyError if there is none."""
    layers = list_layers(viewer, action)
    if not layers:
        require(viewer, action)
    return layers


def _list_columns(*, note: bool) -> list[str]:
    columns = [name for name in EVENT_COLUMNS if note or name != "note"]
    return ["row_id", "event_id", *columns, "batch_id", "recorded_at", "superseded_at"]


def _query_rows(
    store: "Store", conditions: Sequence[sa.ColumnElement[bool]], layers: Sequence[str], *, note: bool
) -> "pd.DataFrame":
    """The rows of these layers that meet each condition in turn; a missing text stays missing."""
    names = _list_columns(note=note)
    query = sa.select(*(events.c[name] for name in names))
    frames: list[pd.DataFrame] = []
    with read_transaction(store.engine) as connection:
        for condition in conditions:
            pages = connection.execute(query.where(condition, events.c.layer.in_(layers))).partitions(_FRAME_ROWS)
            frames.extend(_build_frame(list(zip(*page, strict=True)), names) for page in pages)
    frames = frames or [_build_frame([()] * len(names), names)]
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def _build_frame(columns: Sequence[Sequence[Any]], names: Sequence[str]) -> "pd.DataFrame":
    return pd.DataFrame(
        {name: pd.array(list(values), dtype=_choose_dtype(name)) for name, values in zip(names, columns, strict=True)}
    )


def _choose_dtype(name: str) -> Any:
    kind = EVENT_TYPES[name][0] if name in EVENT_TYPES else None
    if name.startswith("h3_"):
        return np.dtype(np.uint64)
    if kind is sa.Text or name == "event_id":
        return pd.StringDtype(na_value=np.nan)
    if name == "superseded_at":
        return pd.Int64Dtype()
    return np.dtype(np.float64 if kind is sa.Float else np.int64)
