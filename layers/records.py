"""Events as records, for cards and exports."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from layers.access import Action, Viewer, require
from layers.event import EVENT_COLUMNS
from layers.live import LIVE
from layers.schema import EVENT_TYPES, events
from layers.state import reading

if TYPE_CHECKING:
    from layers.store import Store

__all__ = ["live_records", "records"]

_ASK_ROWS: Final = 500  # row numbers in one question: SQLite and the wire both have limits


def records(store: "Store", viewer: Viewer, row_ids: Iterable[int], *, note: bool = False) -> pd.DataFrame:
    """The rows of these numbers, live or superseded, in the order asked; numbers that are no longer there are left out.

    Columns row_id, event_id, those of layers.event.EVENT_COLUMNS (without `note` unless asked), batch_id, recorded_at,
    superseded_at. Times are int64 UTC seconds (superseded_at Int64, missing while live), h3_* uint64. Texts are what a
    source said: show them as text, never as markup.
    """
    require(viewer, Action.SEE_RECORDS)
    wanted = [int(number) for number in row_ids]
    chunks = (wanted[start : start + _ASK_ROWS] for start in range(0, len(wanted), _ASK_ROWS))
    found = {row[0]: row for row in _ask(store, [events.c.row_id.in_(chunk) for chunk in chunks], note=note)}
    return _frame([found[number] for number in wanted if number in found], note=note)


def live_records(store: "Store", viewer: Viewer, *, note: bool = False) -> pd.DataFrame:
    """All live events by time, with the columns of `records`: what an export writes."""
    require(viewer, Action.EXPORT)
    frame = _frame(list(_ask(store, [LIVE], note=note)), note=note)
    return frame.sort_values(["occurred_from", "row_id"], ignore_index=True)


def _names(*, note: bool) -> list[str]:
    asked = [name for name in EVENT_COLUMNS if note or name != "note"]
    return ["row_id", "event_id", *asked, "batch_id", "recorded_at", "superseded_at"]


def _ask(store: "Store", conditions: Sequence[sa.ColumnElement[bool]], *, note: bool) -> Iterator[tuple[Any, ...]]:
    query = sa.select(*(events.c[name] for name in _names(note=note)))
    with reading(store.engine) as connection:
        for condition in conditions:
            yield from connection.execute(query.where(condition)).tuples()


def _frame(rows: Sequence[tuple[Any, ...]], *, note: bool) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(rows, columns=_names(note=note))
    types: dict[str, Any] = {"superseded_at": "Int64"}
    for name in frame.columns.difference(["superseded_at"]):
        kind = EVENT_TYPES[name][0] if name in EVENT_TYPES else None
        if name.startswith("h3_"):
            types[name] = np.uint64
        elif kind is sa.Text or name == "event_id":
            types[name] = "str"
        else:
            types[name] = "float64" if kind is sa.Float else "int64"
    return frame.astype(types)
