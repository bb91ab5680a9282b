"""Alerts: is today's or this week's count out of the ordinary? EARS C1, C2, C3, and Farrington's flexible method.

Every function takes counts (times, series), oldest first, and judges each time by earlier times alone. An alert is a
question to somebody, not a finding: `estimate_false_alarms` says how often noise gives one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from geo.errors import UsageError

__all__ = ["Alerts", "ears", "estimate_false_alarms"]

_LAG_DAYS: Final = {"C1": 0, "C2": 2, "C3": 2}
_THRESHOLD: Final = {"C1": 3.0, "C2": 3.0, "C3": 2.0}
_SUMMED_DAYS: Final = 3  # C3 adds up today's and the last two days' excess
_DAYS_A_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """The result of a detector for each time of each series, arrays (times, series).

    `statistic` (NaN where there is too little history), `expected` the baseline's mean, `upper` the count above which
    it alarms (NaN for C3, which has none), `alarm` bool.
    """

    statistic: NDArray[np.float64]
    expected: NDArray[np.float64]
    upper: NDArray[np.float64]
    alarm: NDArray[np.bool_]


def ears(
    counts: NDArray[np.float64],
    *,
    method: str = "C2",
    baseline_days: int = 7,
    sigma_floor: float = 0.5,
    fewest: float = 3.0,
) -> Alerts:
    """EARS on daily counts (days, series): excess over the mean of a short baseline, in standard deviations.

    C1 takes the baseline_days before each day, C2 the same two days earlier, so that a slow rise does not hide itself.
    Both alarm above 3. C3 adds up C2's excess over 1 of three days and alarms above 2. The standard deviation is at
    least `sigma_floor` and at least that of a Poisson count with this mean, and a day of fewer than `fewest` events
    never alarms. Without these rules, one event after a quiet week would be an alarm. All weekdays count the same: for
    a layer with a strong week use baseline_days of 14 or 28. Source: Hutwagner et al. 2003. Raises UsageError for an
    unknown method.
    """
    if method not in _LAG_DAYS:
        raise UsageError("EARS has the methods C1, C2 and C3", f"you asked for {method}", "choose C2, the usual method")
    counts = np.asarray(counts, dtype=np.float64)
    mean, spread = _compute_baseline(counts, baseline_days, _LAG_DAYS[method])
    sigma = np.maximum(np.maximum(spread, np.sqrt(mean)), sigma_floor)
    statistic = (counts - mean) / sigma
    upper = mean + _THRESHOLD[method] * sigma
    if method == "C3":
        excess = np.maximum(statistic - 1, 0.0)
        statistic = np.full(counts.shape, np.nan)
        if len(counts) >= _SUMMED_DAYS:
            statistic[_SUMMED_DAYS - 1 :] = sliding_window_view(excess, _SUMMED_DAYS, axis=0).sum(axis=-1)
        upper = np.full(counts.shape, np.nan)
    alarm = (np.nan_to_num(statistic) > _THRESHOLD[method]) & (counts >= fewest)
    return Alerts(statistic, mean, upper, alarm)


def _compute_baseline(
    counts: NDArray[np.float64], days: int, lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and sample standard deviation of the `days` before each day and its lag; NaN where history is too short."""
    mean, spread = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    first = days + lag
    if len(counts) > first:
        windows = sliding_window_view(counts, days, axis=0)[: len(counts) - first]
        mean[first:], spread[first:] = windows.mean(axis=-1), windows.std(axis=-1, ddof=1)
    return mean, spread


def estimate_false_alarms(
    detector: Callable[[NDArray[np.float64]], Alerts],
    *,
    mean: float,
    size: float | None = None,
    times_a_year: float = _DAYS_A_YEAR,
    history: int = 60,
    series: int = 200,
    seed: int = 1,
) -> float:
    """How many alarms a year the detector raises on noise with this mean, by simulation of `series` years.

    Noise is Poisson, or negative binomial with this `size` (0.5 is very uneven; None: Poisson), without trend or week.
    `history` times before the year are simulated too and not counted.
    """
    generator = np.random.default_rng(seed)
    shape = (history + round(times_a_year), series)
    noise = (
        generator.poisson(mean, shape)
        if size is None
        else generator.negative_binomial(size, size / (size + mean), shape)
    )
    return float(detector(noise.astype(np.float64)).alarm[history:].sum() / series)
