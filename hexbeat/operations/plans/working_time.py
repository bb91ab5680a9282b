"""Working hours of one day as instants, exact on nights when the clocks change."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK, STEP_S, Calendar
from geo.errors import UsageError
from layers.wording import format_date

__all__ = ["WorkingTime", "build_working_time", "describe_hours_over"]

_LONGEST_H: Final = 16


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """[`begin`, `end`) in UTC seconds of local `hours` (from, to) that begin on `day`."""

    day: dt.date
    hours: tuple[int, int]
    time_zone: str
    begin: int
    end: int

    @property
    def seconds(self) -> int:
        """The real length, an hour more or less than the clock says on a night when the clocks change."""
        return self.end - self.begin

    def local_time(self, after_s: int) -> dt.datetime:
        """The aware local time so many seconds after the beginning."""
        return dt.datetime.fromtimestamp(self.begin + after_s, tz=ZoneInfo(self.time_zone))

    def week_hours(self) -> NDArray[np.float64]:
        """The hours of it that lie in each of the 168 local hours of the week, float64 (168,)."""
        steps = np.arange(self.begin, self.end, STEP_S)
        hour = Calendar(self.time_zone).week_hours(steps)
        return np.bincount(hour, minlength=HOURS_A_WEEK).astype(np.float64) * (STEP_S / 3600)

    @property
    def clock_hours(self) -> str:
        """As in "22:00 to 04:00"."""
        return f"{self.local_time(0):%H:%M} to {self.local_time(self.seconds):%H:%M}"


def build_working_time(day: dt.date, hours: tuple[int, int], time_zone: str) -> WorkingTime:
    """The instants of hours (from, to) of a day; (22, 4) ends on the day after. UsageError for more than 16 hours."""
    begin_hour, end_hour = hours
    is_overnight = end_hour <= begin_hour
    begin = _find_instant(day, begin_hour, time_zone)
    end = _find_instant(day + dt.timedelta(days=1) if is_overnight or end_hour == 24 else day, end_hour % 24, time_zone)  # noqa: PLR2004 - hours
    if not 0 < end - begin <= _LONGEST_H * 3600:
        raise UsageError(
            f"A plan is for {_LONGEST_H} hours or fewer",
            f"{begin_hour:02d} to {end_hour:02d} is {(end - begin) / 3600:.0f} hours",
            "plan one shift at a time, as 22-04",
        )
    return WorkingTime(day, hours, time_zone, begin, end)


def describe_hours_over(time: WorkingTime, made_at: dt.datetime) -> list[str]:
    """A note where a plan is made after its hours; none else."""
    if made_at.timestamp() < time.end:
        return []
    local = made_at.astimezone(ZoneInfo(time.time_zone))
    return [f"These hours are over: the plan was made on {format_date(local.date())} at {local:%H:%M}."]


def _find_instant(day: dt.date, hour: int, time_zone: str) -> int:
    """The UTC second of a local hour: the first of a repeated one; a skipped one as if the clocks had not changed."""
    return int(dt.datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(time_zone)).timestamp())
