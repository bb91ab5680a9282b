"""Encounters: what happened at one point at one time, however many records there are of it.

One stop of four people is four searches and one encounter. Analyses of danger (alerts, near repeats, forecasts) take
an encounter once; counts take every record.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS
from layers.layer_spec import LayerSpec

__all__ = [
    "OFFICERS_NOTE",
    "Encounters",
    "are_searches",
    "describe_encounters",
    "find_encounters",
    "name_records",
]

OFFICERS_NOTE: Final = "These are searches by officers: they show where officers search."
_HOUR_S: Final = 3600
_LONGEST_DAY_S: Final = 25 * 3600
_NO_TIME: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Encounters:
    """`index` int64 (n,), ascending: the first record of each encounter. `merged`: how many records joined another."""

    index: NDArray[np.int64]
    merged: int


def find_encounters(columns: Columns, index: NDArray[np.int64], *, time_zone: str) -> Encounters:
    """The encounters among the records at `index` (n,) of the columns.

    Records of the same layer, kind of reporter, point (to the last decimal) and local hour are one encounter; where
    only the day is known, of the same day. Records known only to more than a day are never joined, nor are those of a
    layer in which each record is a person in danger (overdoses): two people at one address are two. Misleads where a
    source snaps places to points: two encounters of one hour in one street may be taken for one.
    """
    index = np.sort(np.asarray(index, dtype=np.int64))
    unit, time = _find_times(columns, index, time_zone)
    fields = (columns.layer, columns.reported_by, columns.lon, columns.lat)
    keys: list[NDArray[Any]] = [unit, time, *(values[index] for values in fields)]
    order = np.lexsort((index, *keys))
    same = np.ones(max(len(order) - 1, 0), dtype=np.bool_)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    joins = np.zeros(len(order), dtype=np.bool_)
    joins[order[1:]] = same
    joins &= unit != _NO_TIME
    return Encounters(index[~joins], int(joins.sum()))


def _find_times(
    columns: Columns, index: NDArray[np.int64], time_zone: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The unit of each record's time (3600: its hour is known, 86400: its day, -1: neither); its hour or day."""
    length = columns.end[index] - columns.start[index]
    precision = columns.precision[index]
    joinable = np.array([spec.kind == "incident" and not spec.alert_form for spec in LAYERS])[columns.layer[index]]
    has_day = joinable & (precision != PRECISIONS.index("month")) & (length <= _LONGEST_DAY_S)
    has_hour = has_day & (precision == PRECISIONS.index("minute")) & (length <= _HOUR_S)
    unit = np.where(has_hour, _HOUR_S, np.where(has_day, 24 * _HOUR_S, _NO_TIME))
    # The UTC second at which the local hour began: it differs for the two hours when the clocks go back.
    hour = columns.start[index] - Calendar(time_zone).local_seconds(columns.start[index]) % _HOUR_S
    return unit, np.where(has_hour, hour, Calendar(time_zone).days(columns.start[index]))


def describe_encounters(merged: int) -> list[str]:
    """A note on the records that joined another; none without."""
    if not merged:
        return []
    what = (
        "1 record is left out, because it tells"
        if merged == 1
        else f"{merged:,} records are left out, because they tell"
    )
    rule = "same reporter, point and hour (or day, where no hour is known)"
    return [f"{what} of the same encounter as another: {rule}."]


def are_searches(columns: Columns, index: NDArray[np.int64], spec: LayerSpec) -> bool:
    """Whether all of these records of a layer are searches by officers; not without records."""
    by_officers = columns.reported_by[index] == REPORTERS.index("officer")
    return bool(spec.searches and len(index) and by_officers.all())


def name_records(spec: LayerSpec, *, searches: bool) -> LayerSpec:
    """The layer as its records are called: "searches by officers" where all of them are."""
    return spec.as_searches() if searches else spec
