"""The busiest shift, and how sure one can be of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from geo.tails import binomial_at_least, share_interval
from layers.analysis.rhythm import WeekdayHour
from layers.wording import format_percent

__all__ = ["SHIFT_HOURS", "BusiestShift", "find_busiest_shift"]

# Local hours [from, to) of the three shifts that cover a day.
SHIFT_HOURS: Final = {"early": (6, 14), "late": (14, 22), "night": (22, 6)}
_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class BusiestShift:
    """The shift with the most incidents of a weekday-by-hour grid.

    `counts` events by shift; `share` of the busiest with its exact 95 % interval `low` to `high` (Clopper and Pearson
    1934; shared events are rounded to whole ones for it). `p` of the busiest against the next: two-sided binomial,
    which is valid although both were chosen by looking (Hung and Fithian 2019). `clear` if p is at most 0.05. `name` is
    None without events. Near repeats make interval and p too small.
    """

    name: str | None
    next: str | None
    counts: dict[str, float]
    share: float
    low: float
    high: float
    p: float
    clear: bool
    known_hour: int
    unknown_hour: int

    @property
    def sentence(self) -> str:
        """Which shift, how sure, and from how many records."""
        left_out = f" {self.unknown_hour:,} more have no known time of day." if self.unknown_hour else ""
        if self.name is None or self.next is None:
            return f"No record here has a known time of day, so no shift can be named.{left_out}"
        first, then = (_format_name(name) for name in (self.name, self.next))
        share = f"{format_percent(self.share)} (between {format_percent(self.low)} and {format_percent(self.high)})"
        of = f"{share} of {self.known_hour:,} with a known time of day"
        if self.clear:
            return f"The busiest shift is {first}: {of}; the next is {then}.{left_out}"
        return f"Most fall in the {first} shift, {of}, but it cannot be told from {then}.{left_out}"


def find_busiest_shift(rhythm: WeekdayHour) -> BusiestShift:
    """Which of the early (06-14), late (14-22) and night (22-06) shifts has the most, from a weekday-by-hour grid.

    Equal shifts stand in the order of the day.
    """
    hours = rhythm.grid.sum(axis=0)
    counts = {name: float(hours[_list_shift_hours(*bounds)].sum()) for name, bounds in SHIFT_HOURS.items()}
    whole = {name: round(number) for name, number in counts.items()}
    ranked = sorted(counts, key=lambda name: -counts[name])
    total = sum(whole.values())
    if not total:
        return BusiestShift(None, None, counts, np.nan, 0.0, 1.0, 1.0, False, rhythm.known_hour, rhythm.unknown_hour)
    most, second = whole[ranked[0]], whole[ranked[1]]
    low, high = share_interval(most, total, level=1 - _LEVEL)
    p = min(1.0, 2 * binomial_at_least(most, most + second, 0.5))
    return BusiestShift(
        name=ranked[0],
        next=ranked[1],
        counts=counts,
        share=counts[ranked[0]] / sum(counts.values()),
        low=low,
        high=high,
        p=p,
        clear=p <= _LEVEL,
        known_hour=rhythm.known_hour,
        unknown_hour=rhythm.unknown_hour,
    )


def _list_shift_hours(first: int, last: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The hours of the day of a shift, which may run over midnight."""
    return np.arange(first, last if last > first else last + 24) % 24


def _format_name(name: str) -> str:
    first, last = SHIFT_HOURS[name]
    return f"{name} ({first:02d}:00 to {last:02d}:00)"
