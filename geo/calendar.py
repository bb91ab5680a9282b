"""Local dates, months, weekdays and hours of instants in UTC seconds, exact over both clock changes.

Seconds are int64 since 1970-01-01T00:00Z. A week has 168 hours, numbered from Monday 00:00: weekday * 24 + hour.
"""

import datetime as dt
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = [
    "HOURS_A_WEEK",
    "STEP_S",
    "AllowedTime",
    "Calendar",
    "add_months",
    "add_months_to_all",
    "build_week_mask",
    "find_month_start",
    "format_month",
    "list_months",
    "parse_month",
]

HOURS_A_WEEK: Final = 168
STEP_S: Final = 900  # every clock in use today differs from UTC by whole quarters of an hour
_DAY_S: Final = 86_400
_FIRST_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday
_MONTHS: Final = 12
_EPOCH: Final = dt.date(1970, 1, 1)

_Date = TypeVar("_Date", bound=dt.date)  # a date, or a date and time


def find_month_start(day: dt.date, months_later: int = 0) -> dt.date:
    """The first day of a day's month, or of the month that begins `months_later` after it (negative: before it)."""
    year, month = divmod(day.year * _MONTHS + day.month - 1 + months_later, _MONTHS)
    return dt.date(year, month + 1, 1)


def list_months(start: dt.date, end: dt.date) -> list[dt.date]:
    """The first days of months that lie in [start, end), oldest first."""
    month = find_month_start(start, int(start.day > 1))
    months = []
    while month < end:
        months.append(month)
        month = find_month_start(month, 1)
    return months


def add_months(date: _Date, months: int) -> _Date:
    """The same day and time some months later (negative: earlier); the month's last day where it has no such day."""
    month = find_month_start(date, months)
    day = min(date.day, monthrange(month.year, month.month)[1])
    return date.replace(year=month.year, month=month.month, day=day)


def add_months_to_all(local: NDArray[np.datetime64], months: NDArray[np.int_]) -> NDArray[np.datetime64]:
    """`add_months` for arrays (n,) each; the result has the unit of `local` (datetime64[D] or finer)."""
    month = local.astype("datetime64[M]")
    day = local.astype("datetime64[D]") - month.astype("datetime64[D]")
    target = month + months.astype("timedelta64[M]")
    first, following = target.astype("datetime64[D]"), (target + np.timedelta64(1, "M")).astype("datetime64[D]")
    clock = local - local.astype("datetime64[D]")
    later = first + np.minimum(day, following - first - np.timedelta64(1, "D"))
    return np.asarray(later.astype(local.dtype) + clock)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local calendar of one time zone, such as Europe/London; UsageError if there is no such zone."""

    time_zone: str = "Europe/London"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(
                "A time zone is a name from the IANA database",
                f"there is no time zone {self.time_zone!r}",
                "write a name such as Europe/London",
            ) from error

    def day_start(self, day: dt.date) -> int:
        """The UTC second at which a local day begins."""
        return int(dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.time_zone)).timestamp())

    def day_bounds(self, day: dt.date) -> tuple[int, int]:
        """The UTC seconds [from, to) of a local day: 23, 24 or 25 hours."""
        return self.day_start(day), self.day_start(day + dt.timedelta(days=1))

    def month_start(self, month: int) -> int:
        """The UTC second at which a local month begins; month 0 is January 1970."""
        return self.day_start(find_month_start(_EPOCH, month))

    def month_bounds(self, month: int) -> tuple[int, int]:
        """The UTC seconds [from, to) of a local month, counted from January 1970."""
        return self.month_start(month), self.month_start(month + 1)

    def local_seconds(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """The time on local clocks (int64 (n,)), in seconds as if it were UTC."""
        timestamps = pd.DatetimeIndex(np.asarray(seconds, dtype=np.int64).astype("datetime64[s]"), tz="UTC")
        local = timestamps.tz_convert(self.time_zone).tz_localize(None)
        return np.asarray(local.to_numpy().astype("datetime64[s]").astype(np.int64))

    def days(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local days (int64 (n,)) since 1 January 1970."""
        return self.local_seconds(seconds) // _DAY_S

    def months(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local months (int64 (n,)) since January 1970."""
        return self.local_seconds(seconds).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)

    def weekdays(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local weekdays (int64 (n,)), Monday 0."""
        return (self.days(seconds) + _FIRST_WEEKDAY) % 7

    def week_hours(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local hours of the week (int64 (n,), 0 to 167)."""
        return (self.local_seconds(seconds) // 3600 + 24 * _FIRST_WEEKDAY) % HOURS_A_WEEK


def format_month(month: int) -> str:
    """A month counted from January 1970 as YYYY-MM."""
    start = find_month_start(_EPOCH, month)
    return f"{start.year:04d}-{start.month:02d}"


def parse_month(text: str) -> int:
    """YYYY-MM as a month counted from January 1970."""
    return (int(text[:4]) - _EPOCH.year) * _MONTHS + int(text[5:]) - 1


def build_week_mask(hours: tuple[int, int] | None, days: Iterable[int]) -> NDArray[np.bool_]:
    """Which of the 168 hours of a week (bool) are chosen by hours [from, to) and weekdays (Monday 0; none: all).

    Hours that run over midnight (from > to) are the night of the weekday on which they begin: 22 to 4 on Friday is
    Friday 22:00 to Saturday 04:00.
    """
    first, last = hours or (0, 24)
    if last <= first:
        last += 24
    mask = np.zeros(HOURS_A_WEEK, dtype=np.bool_)
    for day in set(days) or range(7):
        mask[np.arange(day * 24 + first, day * 24 + last) % HOURS_A_WEEK] = True
    return mask


@dataclass(frozen=True, slots=True, eq=False)
class AllowedTime:
    """The chosen hours of each week from one instant on, as running sums: two look-ups give the part of any interval.

    Step k begins at (first + k) * STEP_S. `allowed` (int64 (n,), 0 or 1) says whether it is chosen, `before` (int64
    (n,)) how many chosen seconds lie before it.
    """

    first: int
    allowed: NDArray[np.int64]
    before: NDArray[np.int64]

    @classmethod
    def between(cls, start: int, end: int, *, calendar: Calendar, mask: NDArray[np.bool_]) -> "AllowedTime":
        """The chosen hours (`build_week_mask`) from one UTC second to another, both included."""
        first, last = start // STEP_S, end // STEP_S + 1
        begin, finish = _round_to_years(first, last)
        steps = _build_week_hours(calendar.time_zone, begin, finish)[first - begin : last - begin]
        allowed = mask[steps].astype(np.int64)
        before: NDArray[np.int64] = (np.cumsum(allowed) - allowed) * STEP_S
        return cls(first, allowed, before)

    def holds(self, seconds: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each instant (n,) lies in a chosen hour."""
        return self.allowed[seconds // STEP_S - self.first] > 0

    def seconds_before(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many chosen seconds (int64 (n,)) lie before each instant (n,), counted from the first step."""
        step = seconds // STEP_S
        place = step - self.first
        return self.before[place] + self.allowed[place] * (seconds - step * STEP_S)


def _round_to_years(first: int, last: int) -> tuple[int, int]:
    """Round steps out to about years, so that other periods find the same table in the cache."""
    year = 366 * _DAY_S // STEP_S
    return first // year * year, -(-last // year) * year


@lru_cache(maxsize=16)
def _build_week_hours(time_zone: str, first: int, last: int) -> NDArray[np.uint8]:
    """The hour of the week of every step from first to last."""
    steps = Calendar(time_zone).week_hours(np.arange(first, last) * STEP_S).astype(np.uint8)
    steps.setflags(write=False)
    return steps
