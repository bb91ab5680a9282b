"""When demonstration events happen: seasons, weekdays and hours, by the rhythm in the layer's file."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import add_months
from layers.layer_spec import Rhythm

__all__ = ["EPOCH", "Span", "draw_by_weight", "draw_seconds", "weigh_days", "weigh_hours"]

DAY_S: Final = 86_400
YEAR_DAYS: Final = 365.25
EPOCH: Final = dt.date(1970, 1, 1)


def weigh_hours(rhythm: Rhythm) -> NDArray[np.float64]:
    """Share of a day's events in each hour, (24,), continuous over midnight."""
    middles = np.arange(24) + 0.5
    weights = np.full(24, rhythm.floor)
    for hour, width, height in rhythm.peaks:
        distance = np.abs((middles - hour + 12) % 24 - 12)
        weights += height * np.exp(-((distance / width) ** 2) / 2)
    return np.asarray(weights / weights.sum())


def weigh_days(rhythm: Rhythm, days: NDArray[np.int64]) -> NDArray[np.float64]:
    """Relative number of events of each day, given as days since 1970, (n,)."""
    season = 1 + rhythm.summer * np.cos(2 * np.pi * (days / YEAR_DAYS % 1 - 0.53))
    return np.asarray(np.asarray(rhythm.weekdays)[(days + 3) % 7] * season)


@dataclass(frozen=True, eq=False)
class Span:
    """The local days [start, end) of the events, and their time zone."""

    start: dt.date
    end: dt.date
    time_zone: str

    @classmethod
    def three_years(cls, today: dt.date, time_zone: str) -> "Span":
        """Three years that end with the day before `today`."""
        return cls(add_months(today, -36), today, time_zone)

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """Each day as days since 1970, (n,)."""
        return np.arange((self.start - EPOCH).days, (self.end - EPOCH).days)

    def day(self, before_end: int) -> int:
        """A day counted back from the end (1 is the last day), as days since 1970."""
        return (self.end - EPOCH).days - before_end

    def to_utc(self, day: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """UTC seconds of local times; a time in the hour that is skipped in March moves to the next one."""
        clock = pd.DatetimeIndex((day * DAY_S + second).astype("datetime64[s]"))
        local = clock.tz_localize(
            ZoneInfo(self.time_zone), ambiguous=np.ones(len(clock), dtype=np.bool_), nonexistent="shift_forward"
        )
        return np.asarray(local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64))

    def day_starts(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """UTC seconds of local midnight at the beginning of each day."""
        return self.to_utc(day, np.zeros_like(day))

    def draw_days(self, rhythm: Rhythm, count: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Days on which `count` events happen, as days since 1970."""
        return self.days[draw_by_weight(weigh_days(rhythm, self.days), count, random)]


def draw_seconds(rhythm: Rhythm, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Seconds after local midnight, on whole minutes, at which `count` events happen."""
    hours = draw_by_weight(weigh_hours(rhythm), count, random)
    return hours * 3600 + random.integers(60, size=count) * 60


def draw_by_weight(weights: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The numbers of `count` items (int64), each drawn in proportion to its weight."""
    edges = np.cumsum(weights)
    numbers = np.searchsorted(edges, random.uniform(0, edges[-1], count), side="right")
    return np.minimum(numbers, len(weights) - 1)
