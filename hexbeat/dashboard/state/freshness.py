"""What the records of each layer cover in the chosen wards, the last known day, and how old that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from geo.calendar import find_month_start
from hexbeat.analysis.alert_series import is_ended
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns
from layers.coverage import KnownState, Span, Spans, intersect_spans, subtract_spans
from layers.event import PRECISIONS
from layers.periods import get_coverage
from layers.wording import MONTH_NAMES, format_date, format_day_spans, format_list, format_plural

__all__ = [
    "Freshness",
    "describe_days",
    "describe_old_records",
    "find_last_known_day",
    "find_layer_freshness",
    "format_freshness",
    "judge_months",
    "list_old_layers",
]

_DAY: Final = timedelta(days=1)
_MONTH: Final = PRECISIONS.index("month")
_MONTH_DAYS: Final = 365.25 / 12
_MOST_MONTHS: Final = 36  # from this number on, years are named


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of one layer in some wards.

    `known` are the days that are known whole in all of these wards, `partly` those of which something is known, but not
    from every source or not in every ward. `months`: the newest record is known only to its month. `by_sources`: the
    known days in groups that the same sources cover, where that is not one group.
    """

    layer: str
    events: int
    known: Spans = ()
    partly: Spans = ()
    months: bool = False
    by_sources: tuple[Spans, ...] = ()

    @property
    def first(self) -> date | None:
        """The first known day; None where none is."""
        spans = self.known or self.partly
        return spans[0][0] if spans else None

    @property
    def last(self) -> date | None:
        """The last known day; None where none is."""
        spans = self.known or self.partly
        return spans[-1][1] - _DAY if spans else None

    def find_known_in(self, period: Span) -> Spans:
        """The days of a half-open period that are known whole."""
        return intersect_spans((period,), self.known)

    def find_missing(self, period: Span) -> Spans:
        """The days of a half-open period that are not known whole."""
        return subtract_spans((period,), self.known)

    def judge(self, period: Span) -> KnownState:
        """Whether a half-open period is known, partly known or not known."""
        if not self.find_missing(period):
            return "known"
        return "partly known" if intersect_spans((period,), (*self.known, *self.partly)) else "not known"

    def is_of_same_sources(self, period: Span) -> bool:
        """Whether the same sources cover all days of a half-open period that is known whole."""
        return not self.by_sources or any(not subtract_spans((period,), group) for group in self.by_sources)

    def describe_missing(self, period: Span) -> str | None:
        """As in "Mar 2024 is not known"; None where the whole period is known."""
        return describe_days(self.find_missing(period)) if self.find_missing(period) else None

    def is_old(self, today: date) -> bool:
        """Whether the last known day is more than eight weeks before today."""
        return self.last is not None and is_ended(self.last, today)


def describe_days(spans: Spans, words: str = "not known") -> str:
    """As in "Mar 2024 is not known", "Mar 2024 and 3 to 9 May 2024 are not known"."""
    text = format_day_spans(spans)
    return f"{text} {'are' if len(spans) > 1 or ' to ' in text else 'is'} {words}"


def find_layer_freshness(
    columns: Columns, *, time_zone: ZoneInfo, wards: Sequence[str] = (), reported_by: tuple[str, ...] = ()
) -> dict[str, Freshness]:
    """What is known of every layer in the wards (none: the whole area), in the order of the layers.

    Only sources that bring such reporters count (none given: all).
    """
    coverage = get_coverage(columns, time_zone=time_zone.key, reported_by=reported_by)
    return {
        spec.name: Freshness(
            spec.name,
            int((columns.layer == code).sum()),
            coverage.find_known(spec.name, wards=wards),
            coverage.find_partly_known(spec.name, wards=wards),
            months=_is_monthly(columns, code),
            by_sources=coverage.group_known(spec.name, wards=wards),
        )
        for code, spec in enumerate(LAYERS)
    }


def _is_monthly(columns: Columns, code: int) -> bool:
    """Whether the event of a layer that ends last is known only to its month."""
    events = np.flatnonzero(columns.layer == code)
    if not events.size:
        return False
    newest = events[int(columns.end[events].argmax())]
    return bool(columns.precision[newest] == _MONTH)


def find_last_known_day(freshness: Mapping[str, Freshness], *, layers: Sequence[str], today: date) -> date:
    """The day with which "the last 28 days" end: the last known day of these layers, at the latest yesterday.

    Today is not over, so it would make every comparison look like a fall. Without records, it is yesterday.
    """
    yesterday = today - _DAY
    lasts = [day for name in layers if (day := freshness[name].last)]
    return min(yesterday, max(lasts)) if lasts else yesterday


def format_freshness(freshness: Freshness, *, today: date) -> str:
    """As in "to 21 Nov", "to Oct (months)", "to 3 Dec 2024" in another year, "none", "not known"."""
    if freshness.last is None:
        return "not known" if freshness.events else "none"
    text = format_date(freshness.last)
    if freshness.months:
        text = f"{MONTH_NAMES[freshness.last.month - 1]} {freshness.last.year}"
    text = text.removesuffix(f" {today.year}")
    return f"to {text} (months)" if freshness.months else f"to {text}"


def list_old_layers(freshness: Mapping[str, Freshness], *, layers: Iterable[str], today: date) -> list[str]:
    """Those of the layers whose records end more than eight weeks before today."""
    return [name for name in layers if freshness[name].is_old(today)]


def describe_old_records(freshness: Mapping[str, Freshness], *, layers: Sequence[str], today: date) -> list[str]:
    """Sentences on records that end long ago, as in "Records end 23 months ago (31 Dec 2024)."; none for fresh ones.

    Layers whose records end on the same day are told together; they are named unless all chosen layers are.
    """
    by_day: dict[date, list[str]] = {}
    for name in list_old_layers(freshness, layers=layers, today=today):
        by_day.setdefault(freshness[name].last or today, []).append(name)
    sentences = []
    for day, names in sorted(by_day.items(), reverse=True):
        of = "" if len(names) == len(layers) else f" of {format_list([find_layer(name).short for name in names])}"
        sentences.append(f"Records{of} end {format_age(day, today=today)} ago ({format_date(day)}).")
    return sentences


def format_age(day: date, *, today: date) -> str:
    """As in "23 months", from three years on in years."""
    months = round((today - day).days / _MONTH_DAYS)
    if months < _MOST_MONTHS:
        return format_plural(months, "month", "months")
    return format_plural(round(months / 12), "year", "years")


def judge_months(freshness: Freshness, months: Iterable[str]) -> list[KnownState]:
    """Whether each calendar month ("YYYY-MM") is known, partly known or not known."""
    starts = [date.fromisoformat(f"{month}-01") for month in months]
    return [freshness.judge((start, find_month_start(start, 1))) for start in starts]
