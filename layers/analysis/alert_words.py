"""What an alert holds, and the sentence that says it."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from layers.areas import Area
from layers.event import LayerSpec
from layers.wording import format_count, format_list, format_number, format_span

__all__ = ["Alert", "AlertReport", "MethodRow", "build_alert"]

_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Alert:
    """One or more days out of the ordinary for one layer in one place.

    `ward_code` None: the whole area. `count` events from `first_day` to `last_day` (inclusive), of which the busiest
    day, `day`, had `peak`; `expected` for all of these days. `methods` are those that rang. `false_alarms_a_year`:
    how often noise alone would ring for this layer over all places, at this setting.
    """

    layer: str
    ward_code: str | None
    place: str
    first_day: dt.date
    last_day: dt.date
    day: dt.date
    count: float
    peak: float
    expected: float
    methods: tuple[str, ...]
    false_alarms_a_year: float
    sentence: str


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One setting for one layer: how many places it watches, and how often noise alone would ring over all of them."""

    layer: str
    method: str
    places: int
    false_alarms_a_year: float


@dataclass(frozen=True, slots=True)
class AlertReport:
    """What rang on the `days` days up to `day`: alerts, the newest and largest first; the settings; what is unsaid."""

    day: dt.date
    days: int
    alerts: tuple[Alert, ...]
    settings: tuple[MethodRow, ...]
    notes: tuple[str, ...]


def build_alert(
    spec: LayerSpec,
    area: Area,
    place: int,
    *,
    first_day: dt.date,
    counts: NDArray[np.float64],
    expected: float,
    methods: tuple[str, ...],
    yearly: float,
) -> Alert:
    """An alert with its sentence; `place` 0 is the area, others are wards from 1."""
    name = area.title if place == 0 else area.wards.names[place - 1]
    last_day = first_day + (len(counts) - 1) * _DAY
    period = format_span(first_day, last_day + _DAY)
    when = f"on {period}" if len(counts) == 1 else f"from {period}"
    total = format_count(float(counts.sum()), spec)
    return Alert(
        layer=spec.name,
        ward_code=None if place == 0 else area.wards.codes[place - 1],
        place=name,
        first_day=first_day,
        last_day=last_day,
        day=first_day + int(counts.argmax()) * _DAY,
        count=float(counts.sum()),
        peak=float(counts.max()),
        expected=expected,
        methods=methods,
        false_alarms_a_year=yearly,
        sentence=f"{total} in {name} {when}; {format_number(expected)} would be expected ({format_list(methods)}). "
        f"By chance alone such alerts come about {_format_times(yearly)} a year over all places.",
    )


def _format_times(yearly: float) -> str:
    """As in "18 times"; simulation knows no tenths of many."""
    words = format_number(yearly if yearly < 10 else round(yearly))  # noqa: PLR2004 - two digits are enough
    return f"{words} {'time' if words == '1' else 'times'}"
