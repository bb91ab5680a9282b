"""Weeks with more events than is usual for their season, by Farrington's flexible method, which needs years of records.

RATES, from simulation, says how often noise alone raises such an alert.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.farrington import farrington_flexible
from hexbeat.analysis.daily_counts import count_by

__all__ = [
    "ALPHA",
    "FARRINGTON",
    "MEANS",
    "RATES",
    "RATIOS",
    "YEARS",
    "WeeklyAlarm",
    "WeeklyAlarms",
    "estimate_weekly_alarms",
    "find_weekly_alarms",
]

MEANS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 32.0)  # events a week
RATIOS: Final = (1.0, 2.0, 4.0)  # of variance to mean
YEARS: Final = (3, 5)  # of history
_WEEKS_A_YEAR: Final = 365.25 / 7
# For (years, ratio): the share of weeks with an alert at each of MEANS, nominally 0.005 (from 1,500 weeks: to 0.002).
RATES: Final[Mapping[tuple[int, float], tuple[float, ...]]] = MappingProxyType(
    {
        (3, 1.0): (0.0007, 0.0027, 0.0040, 0.0053, 0.0020, 0.0047),
        (3, 2.0): (0.0147, 0.0100, 0.0133, 0.0080, 0.0087, 0.0060),
        (3, 4.0): (0.0153, 0.0140, 0.0147, 0.0127, 0.0100, 0.0067),
        (5, 1.0): (0.0027, 0.0013, 0.0007, 0.0047, 0.0060, 0.0067),
        (5, 2.0): (0.0073, 0.0087, 0.0073, 0.0067, 0.0060, 0.0073),
        (5, 4.0): (0.0173, 0.0140, 0.0060, 0.0113, 0.0047, 0.0047),
    }
)
FARRINGTON: Final = "Farrington"
ALPHA: Final = 0.005  # the chance of an alert in a week of noise, by the formula; RATES has it by simulation
_MOST_WEEKS: Final = 6 * 52  # the method uses five years before the tested weeks


@dataclass(frozen=True, slots=True, eq=False)
class WeeklyAlarm:
    """A week of one place (0 is the whole area, others are wards from 1) with an alert: its seven daily counts."""

    place: int
    weeks_back: int
    counts: NDArray[np.float64]
    expected: float


@dataclass(frozen=True, slots=True)
class WeeklyAlarms:
    """The alerts, and how many a year noise like these series would raise over all places."""

    alarms: tuple[WeeklyAlarm, ...]
    false_alarms_a_year: float


def find_weekly_alarms(
    day: NDArray[np.int64], ward: NDArray[np.int64], *, places: int, days_known: int, days: int
) -> WeeklyAlarms | None:
    """Test the weeks that hold the last `days` days; None if the records are too short for the method.

    `day` (n,) counts from the day after the last one: -1 is the last day. `ward` (n,) is 0 to `places` - 1, or -1 for
    none. `days_known` is the number of days with records.
    """
    weeks = min(days_known // 7, _MOST_WEEKS)
    if weeks < 1:  # also if the day is before all records
        return None
    tested_weeks = min(-(-days // 7), 5)
    daily = count_by(day + 7 * weeks, ward, time_count=7 * weeks, place_count=places)
    daily = np.column_stack([daily.sum(axis=1), daily])
    weekly = daily.reshape(weeks, 7, -1).sum(axis=1)
    try:
        result = farrington_flexible(weekly, last=tested_weeks, alpha=ALPHA)
    except UsageError:  # too few weeks
        return None
    alarms = [
        WeeklyAlarm(
            place=int(place),
            weeks_back=weeks - 1 - int(week),
            counts=daily[7 * week : 7 * week + 7, place],
            expected=float(result.expected[week, place]),
        )
        for week, place in zip(*np.nonzero(result.alarm), strict=True)
    ]
    return WeeklyAlarms(tuple(alarms), estimate_weekly_alarms(weekly))


def estimate_weekly_alarms(weekly: NDArray[np.float64]) -> float:
    """Alarms a year from noise like these weekly counts (weeks, series), summed over the series.

    The noise of a series has its mean and, roughly, its ratio of variance to mean. The ratio is measured between one
    week and the next, so that a season or a trend does not count. A series with a lower mean than the first of MEANS
    gets the rate of that mean, which is an upper limit.
    """
    years = min(YEARS, key=lambda simulated: abs(simulated - len(weekly) / 52))
    return _WEEKS_A_YEAR * sum(_estimate_rate(column, years) for column in weekly.T)


def _estimate_rate(column: NDArray[np.float64], years: int) -> float:
    mean = float(column.mean())
    if mean <= 0:
        return 0.0
    ratio = max(float(np.mean(np.diff(column) ** 2)) / (2 * mean), 1.0)
    nearest = min(RATIOS, key=lambda simulated: abs(np.log(ratio / simulated)))
    return float(np.interp(np.log2(mean), np.log2(MEANS), RATES[years, nearest]))
