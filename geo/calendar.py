"""Local dates, months, weekdays and hours of instants in UTC seconds, exact over both clock changes.

Seconds are int64 since 1970-01-01T00:00Z. A week has 168 hours, numbered from Monday 00:00: weekday * 24 + hour.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import UsageError

__all__ = ["HOURS_A_WEEK", "STEP_S", "AllowedTime", "Calendar", "build_week_mask", "format_month"]

HOURS_A_WEEK: Final = 168
STEP_S: Final = 900  # every clock in use today differs from UTC by whole quarters of an hour
_DAY_S: Final = 86_400
_FIRST_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local calendar of one time zone, such as Europe/London; UsageError if there is no such zone."""

    time_zone: str = "Europe/London"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(
                "A time zone has to be a name from the IANA database",
                f"there is no zone {self.time_zone!r}",
                "write it like Europe/London",
            ) from error

    def day_start(self, day: dt.date) -> int:
        """The UTC second at which a local day begins."""
        return int(dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.time_zone)).timestamp())

    def day_bounds(self, day: dt.date) -> tuple[int, int]:
        """The UTC seconds [from, to) of a local day: 23, 24 or 25 hours."""
        return self.day_start(day), self.day_start(day + dt.timedelta(days=1))

    def month_start(self, month: int) -> int:
        """The UTC second at which a local month begins; months are counted from January 1970, which is 0."""
        return self.day_start(dt.date(1970 + month // 12, month % 12 + 1, 1))

    def month_bounds(self, month: int) -> tuple[int, int]:
        """The UTC seconds [from, to) of a local month, counted from January 1970."""
        return self.month_start(month), self.month_start(month + 1)

    def local_seconds(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """What local clocks show (int64 (n,)), as if their time were UTC."""
        moments = pd.DatetimeIndex(np.asarray(seconds, dtype=np.int64).astype("datetime64[s]"), tz="UTC")
        local = moments.tz_convert(self.time_zone).tz_localize(None)
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
    return f"{1970 + month // 12:04d}-{month % 12 + 1:02d}"


def build_week_mask(hours: tuple[int, int] | None, days: Iterable[int]) -> NDArray[np.bool_]:
    """Which of the 168 hours of a week (bool) are chosen by hours [from, to) and weekdays (Monday 0; none: all).

    Hours that run over midnight (from > to) are the night of the weekday on which they begin: 22 to 4 on Friday is
    Friday 22:00 to Saturday 04:00.
    """
    first, last = hours or (0, 24)
    if last <= first:
        last += 24
    chosen = np.zeros(HOURS_A_WEEK, dtype=np.bool_)
    for day in set(days) or range(7):
        chosen[np.arange(day * 24 + first, day * 24 + last) % HOURS_A_WEEK] = True
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class AllowedTime:
    """The chosen hours of each week from one instant on, added up, so that any interval's part is two look-ups.

    Step k begins at (first + k) * STEP_S: `allowed` (int64 (n,), 0 or 1) says if it is chosen, `before` (int64 (n,))
    how many chosen seconds lie before it.
    """

    first: int
    allowed: NDArray[np.int64]
    before: NDArray[np.int64]

    @classmethod
    def between(cls, start: int, end: int, *, calendar: Calendar, mask: NDArray[np.bool_]) -> "AllowedTime":
        """The chosen hours (`build_week_mask`) from one UTC second to another, both included."""
        first, last = start // STEP_S, end // STEP_S + 1
        begin, finish = _whole_years(first, last)
        steps = _steps(calendar.time_zone, begin, finish)[first - begin : last - begin]
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


def _whole_years(first: int, last: int) -> tuple[int, int]:
    """Steps rounded out to (nearly) years, so that another period finds the same table."""
    year = 366 * _DAY_S // STEP_S
    return first // year * year, -(-last // year) * year


@lru_cache(maxsize=16)
def _steps(time_zone: str, first: int, last: int) -> NDArray[np.uint8]:
    """The hour of the week of every step from first to last."""
    steps = Calendar(time_zone).week_hours(np.arange(first, last) * STEP_S).astype(np.uint8)
    steps.setflags(write=False)
    return steps
