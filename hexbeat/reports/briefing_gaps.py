"""What a briefing cannot know: layers without alerts, and how far closures are known."""

import datetime as dt
from typing import Final

import numpy as np

from hexbeat.analysis.alert_methods import Setting
from hexbeat.analysis.alert_series import describe_untested, find_end
from hexbeat.areas.area import Area
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.columns import Columns
from layers.coverage import KnownState
from layers.event import NOT_SWEPT, PRECISIONS
from layers.layer_spec import LayerSpec
from layers.periods import Period, get_coverage

__all__ = ["ends_with_month", "judge_closures", "list_unknown_alerts"]

_ORDER_DAYS: Final = 183  # an order lasts three months, and may be extended to six
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
    columns: Columns,
    area: Area,
    period: Period,
    untested: tuple[str, ...] = (),
    *,
    today: dt.date,
    wards: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """The layers of incidents whose alerts of the period, as of `today`, are not known; by name.

    `untested`: those of which the report of alerts says so.
    """
    coverage = get_coverage(columns, time_zone=area.time_zone, reported_by=NOT_SWEPT)
    baseline_days = Setting().baseline_days

    def is_unknown(spec: LayerSpec) -> bool:
        if spec.name in untested:
            return True
        if find_end(coverage, [spec]) is None or coverage.judge(spec.name, period, wards=wards) == "not known":
            return True
        return bool(
            describe_untested(
                columns, area, coverage, spec, period, baseline_days=baseline_days, today=today, wards=wards
            )
        )

    return tuple(spec.name for spec in LAYERS if spec.kind == "incident" and is_unknown(spec))


def ends_with_month(columns: Columns, layer: str) -> bool:
    """Whether the event of a layer that ends last is known only to its month."""
    events = np.flatnonzero(columns.layer == LAYER_NAMES.index(layer))
    newest = events[columns.end[events].argmax()] if events.size else None
    return newest is not None and bool(columns.precision[newest] == PRECISIONS.index("month"))
