"""Columns from a few plain rows, as the store would make them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.cells import index_points_at
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS, RESOLUTIONS

__all__ = ["Event", "columns_of", "local"]


@dataclass(frozen=True)
class Event:
    """One event; `end` None makes it an instant. Times are UTC seconds."""

    start: int
    end: int | None = None
    layer: str = "needle_litter"
    precision: str = "minute"
    quantity: int = 1
    reported_by: str = "public"
    category: str | None = None
    ward: str = "E05009857"
    lon: float = -1.235
    lat: float = 54.576

    @property
    def until(self) -> int:
        return self.start if self.end is None else self.end


def local(text: str, zone: str = "Europe/London") -> int:
    """The UTC second of a local time such as 2024-03-01 22:30."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def columns_of(events: Sequence[Event], *, ward_codes: tuple[str, ...] = ("E05009857", "E05009865")) -> Columns:
    """The events in the order of their start; row_id is their place in the given order, from 1."""
    order = sorted(range(len(events)), key=lambda place: (events[place].start, place))
    rows = [events[place] for place in order]

    def column(name: str, dtype: type) -> NDArray[np.generic]:
        return np.array([getattr(row, name) for row in rows], dtype=dtype)

    lon, lat = column("lon", np.float64), column("lat", np.float64)
    categories = tuple(sorted({"", *(row.category or "" for row in rows)}))
    ids, place = {}, {}
    for resolution, cells in index_points_at(lon, lat, resolutions=RESOLUTIONS).items():
        distinct, inverse = np.unique(cells, return_inverse=True)
        ids[resolution], place[resolution] = distinct, inverse.astype(np.int32)
    return Columns(
        version=1,
        row_id=np.array(order, dtype=np.int64) + 1,
        layer=np.array([find_layer_code(row.layer) for row in rows], dtype=np.uint8),
        start=column("start", np.int64),
        end=column("until", np.int64),
        precision=np.array([PRECISIONS.index(row.precision) for row in rows], dtype=np.uint8),
        quantity=column("quantity", np.int32),
        reported_by=np.array([REPORTERS.index(row.reported_by) for row in rows], dtype=np.uint8),
        category=np.array([categories.index(row.category or "") for row in rows], dtype=np.int32),
        categories=categories,
        ward=np.array([ward_codes.index(row.ward) for row in rows], dtype=np.int16),
        ward_codes=ward_codes,
        lon=lon,
        lat=lat,
        cell=place,
        cell_ids=ids,
        demonstration=np.zeros(len(rows), dtype=np.bool_),
    )
