"""Counts by day, by week and by place, of the events that know their day: for alerts and back-tests."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS

__all__ = ["KnownDays", "count_by", "find_known_days", "find_positions", "to_ordinal"]

_LONGEST_S: Final = 25 * 3600  # an interval longer than the longest day does not know its day
_EPOCH: Final = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class KnownDays:
    """The events of a layer that know their day: `index` (int64 (n,)) into the columns, `day` int64 (n,) since 1970.

    `unknown` events of the layer are left out, because they are known only to a month or to more than a day, and
    `swept` ones because a sweep found them: searching would look like an outbreak.
    """

    index: NDArray[np.int64]
    day: NDArray[np.int64]
    unknown: int
    swept: int


def find_known_days(columns: Columns, layer: str, *, time_zone: str, sweeps: bool = False) -> KnownDays:
    """The events of a layer with the local day on which each began; `sweeps` True keeps those found by sweeps."""
    own = np.flatnonzero(columns.layer == find_layer_code(layer))
    by_sweep = columns.reported_by[own] == REPORTERS.index("sweep")
    kept = own if sweeps else own[~by_sweep]
    month = columns.precision[kept] == PRECISIONS.index("month")
    knows = ~month & (columns.end[kept] - columns.start[kept] <= _LONGEST_S)
    index = kept[knows]
    day = Calendar(time_zone).days(columns.start[index])
    return KnownDays(index, day, int(np.count_nonzero(~knows)), 0 if sweeps else int(np.count_nonzero(by_sweep)))


def to_ordinal(day: dt.date) -> int:
    """A date as days since 1 January 1970."""
    return (day - _EPOCH).days


def count_by(time: NDArray[np.int64], place: NDArray[np.integer], *, times: int, places: int) -> NDArray[np.float64]:
    """Events by time (0 to times - 1) and place (0 to places - 1), float64 (times, places); others are left out."""
    inside = (time >= 0) & (time < times) & (place >= 0) & (place < places)
    combined = time[inside] * places + place[inside]
    return np.bincount(combined, minlength=times * places).reshape(times, places).astype(np.float64)


def find_positions(codes: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """For each of `codes` its place among the wanted ones, -1 if it is none of them."""
    found = {code: place for place, code in enumerate(wanted)}
    return np.array([found.get(code, -1) for code in codes], dtype=np.int64)
