"""What a briefing cannot know: layers without alerts, and how far closures are known."""

import datetime as dt
from typing import Final

import numpy as np

from geo.calendar import Calendar
from hexbeat.analysis.alert_series import find_end, is_ended
from hexbeat.areas.area import Area
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.columns import Columns
from layers.coverage import KnownState
from layers.event import NOT_SWEPT, PRECISIONS
from layers.periods import Period, find_month_only_share, get_coverage

__all__ = ["ends_with_month", "judge_closures", "list_unknown_alerts"]

_ORDER_DAYS: Final = 183  # an order lasts three months, and may be extended to six
_RECENT_WEEKS: Final = 8
_DAY: Final = dt.timedelta(days=1)


def judge_closures(
    columns: Columns, area: Area, *, today: dt.date, days: int, wards: tuple[str, ...] = ()
) -> tuple[KnownState, KnownState]:
    """How far closures are known that end soon, and those that began within the last `days` days.

    For those that end soon, the days count on which an order that is in force today may have begun.
    """
    coverage = get_coverage(columns, time_zone=area.time_zone)
    (name,) = (spec.name for spec in LAYERS if spec.kind == "state")
    ending, new = (coverage.judge(name, (today - back * _DAY, today), wards=wards) for back in (_ORDER_DAYS, days))
    return ending, new


def list_unknown_alerts(
    columns: Columns, area: Area, period: Period, *, today: dt.date, wards: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The layers of incidents of which no day of the period is known, or whose records have no days; by name."""
    coverage = get_coverage(columns, time_zone=area.time_zone, reported_by=NOT_SWEPT)
    unknown = []
    for spec in (spec for spec in LAYERS if spec.kind == "incident"):
        last = find_end(coverage, [spec])
        is_old = last is None or is_ended(last, today)
        if (
            is_old
            or coverage.judge(spec.name, period, wards=wards) == "not known"
            or _lacks_days(columns, spec.name, period[1], area)
        ):
            unknown.append(spec.name)
    return tuple(unknown)


def _lacks_days(columns: Columns, layer: str, until: dt.date, area: Area) -> bool:
    """Whether there are records of the last weeks, and each is known only to its month."""
    calendar = Calendar(area.time_zone)
    low, high = calendar.day_start(until - dt.timedelta(weeks=_RECENT_WEEKS)), calendar.day_start(until)
    recent = (columns.layer == LAYER_NAMES.index(layer)) & (columns.end >= low) & (columns.start < high)
    return find_month_only_share(columns, np.flatnonzero(recent)) == 1


def ends_with_month(columns: Columns, layer: str) -> bool:
    """Whether the event of a layer that ends last is known only to its month."""
    events = np.flatnonzero(columns.layer == LAYER_NAMES.index(layer))
    newest = events[columns.end[events].argmax()] if events.size else None
    return newest is not None and bool(columns.precision[newest] == PRECISIONS.index("month"))
