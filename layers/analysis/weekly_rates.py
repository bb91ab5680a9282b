"""How often noise rings by Farrington's method: shares of weeks, simulated once (bench/weekly_alarms.py).

Simulating takes minutes, so that the figures are kept here; a test simulates some of them again.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEANS", "RATES", "RATIOS", "YEARS", "estimate_weekly_alarms"]

MEANS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 32.0)  # events a week
RATIOS: Final = (1.0, 2.0, 4.0)  # of variance to mean
YEARS: Final = (3, 5)  # of history
_WEEKS_A_YEAR: Final = 365.25 / 7

# For (years, ratio): the share of weeks that ring at each of MEANS, nominally 0.005; of 1,500 weeks, so within 0.002.
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


def estimate_weekly_alarms(weekly: NDArray[np.float64]) -> float:
    """Alarms a year from noise like these weekly counts (weeks, series), summed over the series.

    Each series' noise has its mean and, roughly, its ratio of variance to mean, measured between one week and the next
    so that a season or a trend is none. Quieter series than the first of MEANS ring as often as that or less.
    """
    years = min(YEARS, key=lambda known: abs(known - len(weekly) / 52))
    return _WEEKS_A_YEAR * sum(_rate(column, years) for column in weekly.T)


def _rate(column: NDArray[np.float64], years: int) -> float:
    mean = float(column.mean())
    if mean <= 0:
        return 0.0
    ratio = max(float(np.mean(np.diff(column) ** 2)) / (2 * mean), 1.0)
    nearest = min(RATIOS, key=lambda known: abs(np.log(ratio / known)))
    return float(np.interp(np.log2(mean), np.log2(MEANS), RATES[years, nearest]))
