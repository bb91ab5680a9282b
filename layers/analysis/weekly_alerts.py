"""Weeks out of the ordinary for their season, by Farrington's flexible method, where there are years enough."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.farrington import farrington_flexible
from layers.analysis.daily import count_by
from layers.analysis.weekly_rates import estimate_weekly_alarms

__all__ = ["ALPHA", "FARRINGTON", "WeeklyAlarm", "WeeklyAlarms", "find_weekly_alarms"]

FARRINGTON: Final = "Farrington"
ALPHA: Final = (
    0.005  # the chance, by the formula, that a week of noise rings; layers.analysis.weekly_rates has the simulated ones
)
_MOST_WEEKS: Final = 6 * 52  # five years before the weeks that are judged are all that the method reads


@dataclass(frozen=True, slots=True, eq=False)
class WeeklyAlarm:
    """A week of one place (0 is the whole area, others are wards from 1) that rang: its seven daily counts."""

    place: int
    weeks_back: int
    counts: NDArray[np.float64]
    expected: float


@dataclass(frozen=True, slots=True)
class WeeklyAlarms:
    """What rang, and how often noise like these series would over all places (layers.analysis.weekly_rates)."""

    alarms: tuple[WeeklyAlarm, ...]
    false_alarms_a_year: float


def find_weekly_alarms(
    day: NDArray[np.int64], ward: NDArray[np.int64], *, places: int, days_known: int, days: int
) -> WeeklyAlarms | None:
    """Judge the weeks that hold the last `days` days; None where the records are too short for the method.

    `day` (n,) counts from the day after the last one: -1 is the last day. `ward` (n,) from 0 to `places` - 1, -1 for
    none. `days_known`: how many days records reach back.
    """
    weeks = min(days_known // 7, _MOST_WEEKS)
    if weeks < 1:  # a day before all records, too
        return None
    judged = min(-(-days // 7), 5)
    daily = count_by(day + 7 * weeks, ward, times=7 * weeks, places=places)
    daily = np.column_stack([daily.sum(axis=1), daily])
    weekly = daily.reshape(weeks, 7, -1).sum(axis=1)
    try:
        found = farrington_flexible(weekly, last=judged, alpha=ALPHA)
    except UsageError:  # too few weeks
        return None
    alarms = [
        WeeklyAlarm(
            place=int(place),
            weeks_back=weeks - 1 - int(week),
            counts=daily[7 * week : 7 * week + 7, place],
            expected=float(found.expected[week, place]),
        )
        for week, place in zip(*np.nonzero(found.alarm), strict=True)
    ]
    return WeeklyAlarms(tuple(alarms), estimate_weekly_alarms(weekly))
