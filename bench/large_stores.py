"""Stores of millions of events for the benchmarks: synthetic instants over three years, in the project's own schema.

Rows go into the table as a load would leave them, without the parsing and comparing that make a load slow. Two in a
hundred are known only to the day, so that counts have shares.
"""

import datetime as dt
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from geo.calendar import Calendar
from geo.cells import index_points_at
from geo.wards import Wards
from hexbeat.store.databases import write_transaction
from hexbeat.store.schema import batches, coverage
from hexbeat.store.schema import events as events_table
from hexbeat.store.store import Store
from layers.catalogue import LAYER_NAMES
from layers.event import EVENT_COLUMNS, REPORTERS, RESOLUTIONS

__all__ = ["FIRST", "LAST", "make_store"]

FIRST: Final = dt.date(2022, 1, 1)
LAST: Final = dt.date(2025, 1, 1)
_EPOCH: Final = dt.date(1970, 1, 1)
_INCIDENTS: Final = 3  # layers of incidents, the first of the catalogue
_ROWS: Final = 100_000  # rows that are made and written at a time
_DAY_S: Final = 86_400


def make_store(home: Path, wards: Wards, *, events: int) -> None:
    """A SQLite store in a new home with so many live events in these wards, of one load, and its coverage."""
    with Store.open(home) as store:
        random = np.random.default_rng(7)
        with write_transaction(store.engine, rewritten=False) as connection:
            row = {"created": 1_750_000_000, "area": "bench", "files": 1, "new": events}
            row |= dict.fromkeys(("updated", "unchanged", "removed", "rejected"), 0)
            connection.execute(sa.insert(batches).values(row))
            names = ("event_id", *EVENT_COLUMNS, "batch_id", "recorded_at")
            statement = str(sa.insert(events_table).compile(store.engine, column_keys=list(names)))
            for first in range(0, events, _ROWS):
                rows = _make_rows(random, wards, first, min(_ROWS, events - first))
                connection.exec_driver_sql(statement, rows)
            days = [(day - _EPOCH).days for day in (FIRST, LAST)]
            connection.execute(
                sa.insert(coverage),
                [
                    {"batch_id": 1, "layer": layer, "source": "bench", "scope": "", "first_day": days[0],
                     "end_day": days[1], "kind": "load", "wards": None, "recorded_at": 1_750_000_000}
                    for layer in LAYER_NAMES[:_INCIDENTS]
                ],
            )  # fmt: skip


def _make_rows(random: np.random.Generator, wards: Wards, first: int, count: int) -> list[tuple[Any, ...]]:
    west, south, east, north = wards.bounds
    lon, lat = np.zeros(0), np.zeros(0)
    while len(lon) < count:
        x, y = random.uniform(west, east, 2 * count), random.uniform(south, north, 2 * count)
        inside = wards.locate(x, y) >= 0
        lon, lat = np.append(lon, x[inside]), np.append(lat, y[inside])
    lon, lat = lon[:count], lat[:count]
    codes = np.array(wards.codes, dtype=object)[wards.locate(lon, lat)]
    calendar = Calendar("Europe/London")
    start = random.integers(calendar.day_start(FIRST), calendar.day_start(LAST), count)
    is_day = random.random(count) < 0.02
    midnight = start // _DAY_S * _DAY_S
    start, end = np.where(is_day, midnight, start), np.where(is_day, midnight + _DAY_S, start)
    keys = [f"{number:010d}" for number in range(first, first + count)]
    values: dict[str, list[Any]] = {
        "layer": np.array(LAYER_NAMES, dtype=object)[random.integers(0, _INCIDENTS, count)].tolist(),
        "source": ["bench"] * count,
        "source_id": keys,
        "lon": lon.tolist(),
        "lat": lat.tolist(),
        "occurred_from": start.tolist(),
        "occurred_to": end.tolist(),
        "time_precision": np.where(is_day, "day", "minute").tolist(),
        "quantity": random.integers(1, 4, count).tolist(),
        "reported_by": np.array(REPORTERS, dtype=object)[random.integers(0, len(REPORTERS), count)].tolist(),
        "ward_code": codes.tolist(),
    }
    cells = index_points_at(lon, lat, resolutions=RESOLUTIONS)
    values |= {f"h3_{resolution:02d}": cell.astype(np.int64).tolist() for resolution, cell in cells.items()}
    empty = [None] * count
    columns = [keys, *(values.get(name, empty) for name in EVENT_COLUMNS), [1] * count, [1_750_000_000] * count]
    return list(zip(*columns, strict=True))
