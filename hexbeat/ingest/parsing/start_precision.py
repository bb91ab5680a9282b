"""How exactly the dates of a whole file are known, where they are written more exactly than anybody knew them.

Programs write a day as its midnight, and a month as its first day: one such date says nothing, a whole file does.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hexbeat.ingest.parsing.dates import DAY, MINUTE
from hexbeat.ingest.parsing.times import Intervals
from hexbeat.ingest.sources import SourceProfile, Times

__all__ = ["StartPrecision", "settle_precision"]

LEAST_MIDNIGHTS: Final = 5  # rows
LEAST_FIRSTS: Final = 6  # rows on the first day of a month
LEAST_MONTHS: Final = 3  # different months of these
Flags = NDArray[np.bool_]


@dataclass(slots=True)
class StartPrecision:
    """Counts of the dates of a file: those with a clock, at midnight as written or by local time, and first days.

    Dates are those on which records start and, where rows have them, end.
    """

    timed: int = 0
    written_midnights: int = 0
    local_midnights: int = 0
    days: int = 0  # starts that are days, or midnights
    first_days: int = 0  # those that are the first of a month
    ends: int = 0
    months: set[int] = field(default_factory=set)  # of the first days, since January 1970

    def add(self, when: Intervals) -> None:
        """Count the rows of a chunk; those without a date are passed over."""
        start, end = when.start_text, when.end_text
        sides = [(start, ~(start.bad | start.blank))]
        if end is not None:
            self.ends += int(np.count_nonzero(when.has_end))
            sides.append((end, when.has_end & ~end.bad))
        for side, is_date in sides:
            timed = is_date & (side.precision == MINUTE)
            self.timed += int(np.count_nonzero(timed))
            self.written_midnights += int(np.count_nonzero(timed & _is_midnight(side.written)))
            self.local_midnights += int(np.count_nonzero(timed & _is_midnight(side.local)))
        is_day = sides[0][1] & (start.precision <= DAY)
        days = start.written[is_day].astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        firsts = months.astype("datetime64[D]") == days
        self.days += len(days)
        self.first_days += int(np.count_nonzero(firsts))
        self.months |= set(np.unique(months[firsts]).astype(np.int64).tolist())

    @property
    def are_days(self) -> bool:
        """Whether every date with a clock is a midnight, so that they stand for days."""
        return self.timed >= LEAST_MIDNIGHTS and self.timed in {self.written_midnights, self.local_midnights}

    @property
    def are_months(self) -> bool:
        """Whether every date is the first of a month, without a clock of its own, so that they stand for months."""
        is_plain = not self.ends and self.timed == self.written_midnights
        return is_plain and LEAST_FIRSTS <= self.first_days == self.days and len(self.months) >= LEAST_MONTHS


def settle_precision(
    name: str, profile: SourceProfile, times: Times, precision: StartPrecision, *, is_stated: bool
) -> tuple[Times, tuple[str, ...]]:
    """The rules for reading the dates of a file, and sentences for the person on what was chosen.

    They change only where the profile leaves it to the file. `is_stated`: the rows say how exact they are.
    """
    if times.order != "file" or times.precision != "auto" or times.midnight_is_day or is_stated:
        return times, ()
    columns = profile.time.precision_column
    otherwise = f"; a column {columns[0]} can say otherwise" if columns else ""
    # The first days of months are read in the order of the profile: another order makes other days of them.
    if precision.are_months and times.formats == profile.time.formats:
        times = replace(times, precision="month", zone_in_text=False)
        return times, (f"{name}: every date is the first of a month, so dates are read as months{otherwise}",)
    if precision.are_days:
        is_local = precision.timed == precision.local_midnights
        times = replace(times, precision="day", zone_in_text=times.zone_in_text and is_local)
        return times, (f"{name}: every time is midnight, so dates are read as days without a time{otherwise}",)
    return times, ()


def _is_midnight(timestamps: NDArray[np.datetime64]) -> Flags:
    return np.asarray(timestamps == timestamps.astype("datetime64[D]"))
