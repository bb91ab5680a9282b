"""Periods of a release: whole months, quarters, half-years or years of the calendar, never rolling."""

import datetime as dt

from layers.release.format import Period

__all__ = ["find_default_start", "find_period", "list_due_periods"]


def find_period(day: dt.date, months: int) -> Period:
    """The period of so many months (1, 3, 6 or 12) in which a local day lies."""
    number = (day.month - 1) // months
    start = dt.date(day.year, number * months + 1, 1)
    end = _next(start, months)
    name = {12: f"{day.year}", 6: f"{day.year}-H{number + 1}", 3: f"{day.year}-Q{number + 1}"}
    return Period(name.get(months, f"{day.year}-{day.month:02d}"), start, end)


def list_due_periods(first: dt.date, as_at: dt.date, months: int) -> tuple[Period, ...]:
    """The periods that may be published on a day: whole ones from `first` on, each one period late."""
    due = []
    period = find_period(first, months)
    if period.start < first:
        period = find_period(period.end, months)
    while _next(period.end, months) <= as_at:
        due.append(period)
        period = find_period(period.end, months)
    return tuple(due)


def find_default_start(as_at: dt.date) -> dt.date:
    """The first day of the year three years before: where a series begins if the policy does not say."""
    return dt.date(as_at.year - 3, 1, 1)


def _next(start: dt.date, months: int) -> dt.date:
    """The first day so many months later."""
    month = start.month - 1 + months
    return dt.date(start.year + month // 12, month % 12 + 1, 1)
