"""Rates by place from whole months, for records that are known only to their month.

Months rank places. They say nothing about hours, weekdays or the next week.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar, find_month_start, list_months
from geo.errors import UsageError
from hexbeat.analysis.daily_counts import count_by, find_cells, to_ordinal
from hexbeat.analysis.study import Study
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.coverage import Span, join_spans
from layers.event import NOT_SWEPT, REPORTERS
from layers.periods import find_month_only_share, get_coverage
from layers.wording import format_day_spans

__all__ = ["MONTHS_ONLY", "MonthRates", "count_month_rates", "is_known_to_months"]

MONTHS_ONLY: Final = "These records are known only to the month"
_MOST_OF: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class MonthRates:
    """The events of the months that are known whole: `counts` float64 (months, n) by the study's cells.

    `months` are their spans. `rate` float64 (n,) is the number of events in 7 days, on average over these months.
    """

    counts: NDArray[np.float64]
    months: tuple[Span, ...]

    @property
    def rate(self) -> NDArray[np.float64]:
        """Events in 7 days, float64 (n,)."""
        days = sum((end - start).days for start, end in self.months)
        return np.asarray(self.counts.sum(axis=0) * 7 / days, dtype=np.float64)

    @property
    def end(self) -> dt.date:
        """The day after the last known month."""
        return self.months[-1][1]

    def describe_months(self) -> str:
        """As in "Jan to Dec 2024"."""
        return format_day_spans(join_spans(self.months))

    def describe(self) -> str:
        """As in "These records are known only to the month, and rank places by their rates in Jan to Dec 2024"."""
        return f"{MONTHS_ONLY}, and rank places by their rates in {self.describe_months()}"


def is_known_to_months(columns: Columns, layer: str) -> bool:
    """Whether most events of a layer, but for those that sweeps found, are known only to their month."""
    return find_month_only_share(columns, _find_rows(columns, layer)) > _MOST_OF


def count_month_rates(columns: Columns, layer: str, study: Study, *, time_zone: str) -> MonthRates:
    """Count the events of each whole known month by cell; those that sweeps found are left out.

    Events of any precision count in the month in which they began. UsageError where no month is known whole.
    """
    known = get_coverage(columns, time_zone=time_zone, reported_by=NOT_SWEPT).find_known(
        layer, wards=study.chosen_wards
    )
    months = tuple(
        (month, find_month_start(month, 1))
        for start, end in known
        for month in list_months(start, end)
        if start <= month and find_month_start(month, 1) <= end
    )
    if not months:
        plural = find_layer(layer).many
        raise UsageError(
            "Records that are known only to the month rank places by whole months",
            f"no month of {plural} is known whole",
            "load some, or see `hexbeat coverage`",
        )
    rows = _find_rows(columns, layer)
    day = Calendar(time_zone).days(columns.start[rows])
    starts = np.array([to_ordinal(start) for start, _ in months])
    ends = np.array([to_ordinal(end) for _, end in months])
    month = np.searchsorted(starts, day, side="right") - 1
    month = np.where((month >= 0) & (day < ends[np.maximum(month, 0)]), month, -1)
    place = find_cells(columns, study, rows)
    return MonthRates(count_by(month, place, time_count=len(months), place_count=len(study)), months)


def _find_rows(columns: Columns, layer: str) -> NDArray[np.int64]:
    is_swept = columns.reported_by == REPORTERS.index("sweep")
    return np.flatnonzero((columns.layer == find_layer_code(layer)) & ~is_swept)
