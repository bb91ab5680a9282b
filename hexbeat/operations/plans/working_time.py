"""Working hours of one day as instants, exact on nights when the clocks change."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK, STEP_S, Calendar
from geo.errors import UsageError
from hexbeat.analysis.rhythm import SHIFT_HOURS
from layers.wording import format_date

__all__ = [
    "WorkingTime",
    "build_working_time",
    "describe_hours_over",
    "find_next_day",
    "find_next_shift_day",
    "find_next_working_day",
    "format_hour",
    "format_working_hours",
    "parse_working_hours",
]

_LONGEST_H: Final = 16
_SATURDAY: Final = 5
_DAYS_A_WEEK: Final = 7
_CLOCK: Final = r"(\d{1,2}?)(?:\s*[:.h]?\s*(\d{2}))?\s*(a\.?m\.?|p\.?m\.?)?"
_SPAN: Final = re.compile(rf"(?:from\s+)?{_CLOCK}\s*(?:-|–|—|to|until|till)\s*{_CLOCK}", re.IGNORECASE)  # noqa: RUF001 - dashes that people type
_WORDS: Final = {"midnight": "0:00", "noon": "12:00", "midday": "12:00"}


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """[`begin`, `end`) in UTC seconds of local `hours` (from, to) that begin on `day`; 18.5 is half past six."""

    day: dt.date
    hours: tuple[float, float]
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


def build_working_time(day: dt.date, hours: tuple[float, float], time_zone: str) -> WorkingTime:
    """The instants of hours (from, to) of a day; (22, 4) ends on the day after. UsageError for more than 16 hours."""
    begin_hour, end_hour = hours
    is_overnight = end_hour <= begin_hour
    begin = _find_instant(day, begin_hour, time_zone)
    end = _find_instant(day + dt.timedelta(days=1) if is_overnight or end_hour == 24 else day, end_hour % 24, time_zone)  # noqa: PLR2004 - hours
    if not 0 < end - begin <= _LONGEST_H * 3600:
        raise UsageError(
            f"A plan is for {_LONGEST_H} hours or fewer",
            f"{format_hour(begin_hour)} to {format_hour(end_hour)} is {(end - begin) / 3600:.0f} hours",
            "plan one shift at a time, as 22-04",
        )
    return WorkingTime(day, hours, time_zone, begin, end)


def describe_hours_over(time: WorkingTime, made_at: dt.datetime) -> list[str]:
    """A note where a plan is made after its hours; none else."""
    if made_at.timestamp() < time.end:
        return []
    local = made_at.astimezone(ZoneInfo(time.time_zone))
    return [f"These hours are over: the plan was made on {format_date(local.date())} at {local:%H:%M}."]


def find_next_day(hours: tuple[float, float], now: dt.datetime) -> dt.date:
    """The day on which these hours begin next: today, or tomorrow where they have begun; `now` is local."""
    begin = dt.datetime.combine(now.date(), dt.time(int(hours[0]), round(hours[0] % 1 * 60)))
    return now.date() + dt.timedelta(days=int(begin < now.replace(tzinfo=None)))


def find_next_working_day(hours: tuple[float, float], now: dt.datetime) -> dt.date:
    """The next day, Monday to Friday, on which these hours can still be worked from their start; `now` is local."""
    day = find_next_day(hours, now)
    return day + dt.timedelta(days=max(0, _DAYS_A_WEEK - day.weekday()) if day.weekday() >= _SATURDAY else 0)


def find_next_shift_day(hours: tuple[float, float], now: dt.datetime) -> dt.date:
    """Today, or tomorrow where the hours that begin today are over; `now` is local.

    A shift of today that has begun can still be worked. After midnight it is the coming night, not the one that runs.
    """
    first, last = hours
    begin = dt.datetime.combine(now.date(), dt.time())
    end = begin + dt.timedelta(hours=last if last > first else last + 24)
    return now.date() + dt.timedelta(days=int(end <= now.replace(tzinfo=None)))


def parse_working_hours(text: str) -> tuple[float, float]:
    """Hours (from, to) as people write them: 18:00 to 02:00, 6pm-2am, 1830-0230, 22-04, or the name of a shift.

    18.5 is half past six. UsageError for anything else.
    """
    words = text.strip().lower()
    if words in SHIFT_HOURS:
        return SHIFT_HOURS[words]
    for name, clock in _WORDS.items():
        words = words.replace(name, clock)
    match = _SPAN.fullmatch(words)
    hours = (_parse_clock(*match.group(1, 2, 3)), _parse_clock(*match.group(4, 5, 6))) if match else (None, None)
    first, last = hours
    if first is None or last is None or first == last:
        raise UsageError(
            "Hours are a start and an end",
            f"{text.strip()[:40]!r} is not written like that" if text.strip() else "none were written",
            "write for example 18:00 to 02:00, 6pm-2am or 22-04",
        )
    return first % 24, 24 if last == 0 < first else last


def _parse_clock(hour: str, minute: str | None, half: str | None) -> float | None:
    """The hour of the day, 0 to 24; None if there is no such time. Whole hours are whole numbers."""
    number, minutes = int(hour), int(minute or 0)
    if half:
        if not 1 <= number <= 12:  # noqa: PLR2004 - hours of a clock
            return None
        number = number % 12 + (12 if half.startswith("p") else 0)
    if minutes > 59 or number + minutes / 60 > 24:  # noqa: PLR2004 - a day
        return None
    return number + minutes / 60 if minutes else number


def format_hour(hour: float) -> str:
    """As in "18:30"."""
    return f"{int(hour):02d}:{round(hour % 1 * 60):02d}"


def format_working_hours(hours: tuple[float, float]) -> str:
    """As in "18:00 to 02:00", which `parse_working_hours` reads."""
    return f"{format_hour(hours[0])} to {format_hour(hours[1] % 24)}"


def _find_instant(day: dt.date, hour: float, time_zone: str) -> int:
    """The UTC second of a local hour: the first of a repeated one; a skipped one as if the clocks had not changed."""
    clock = dt.time(int(hour), round(hour % 1 * 60), tzinfo=ZoneInfo(time_zone))
    return int(dt.datetime.combine(day, clock).timestamp())
