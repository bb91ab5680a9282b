"""How daily counts are tested for alerts, and how often noise alone raises one, by simulation kept in memory."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.alerts import Alerts, ears, estimate_false_alarms

__all__ = ["METHODS", "Setting", "detect", "simulate", "sum_false_alarms"]

METHODS: Final = ("C1", "C2", "C3")
_STEPS_PER_DOUBLING: Final = 2  # simulated means a doubling: a mean is rounded to the nearest of them
_RATIOS: Final = (1.0, 2.0, 4.0)  # simulated variance / mean; 1 is Poisson
_SIMULATED_YEARS: Final = 100  # simulated years for each
_LEAST_MEAN: Final = 0.01  # events a day; quieter series are simulated with this mean


@dataclass(frozen=True, slots=True)
class Setting:
    """How daily counts are tested: any of the EARS `methods` raises an alert; other fields as in geo.alerts.ears.

    A baseline of four whole weeks suits layers with a strong weekly pattern.
    """

    methods: tuple[str, ...] = METHODS
    baseline_days: int = 28
    sigma_floor: float = 0.5
    fewest: float = 3.0


def detect(counts: NDArray[np.float64], setting: Setting, method: str) -> Alerts:
    """EARS by one method on counts (days, series)."""
    return ears(
        counts,
        method=method,
        baseline_days=setting.baseline_days,
        sigma_floor=setting.sigma_floor,
        fewest=setting.fewest,
    )


def sum_false_alarms(history: NDArray[np.float64], setting: Setting) -> float:
    """Days a year with an alert from noise like this history (days, series), summed over the series.

    The noise of a series has its mean and, roughly, its ratio of variance to mean (Poisson or negative binomial),
    without trend or weekly pattern. A day with alerts from several methods for one series counts once. Means are
    rounded to steps of 41 %, so that few simulations are enough; the result is as accurate as that.
    """
    return sum(_estimate_series(column, setting) for column in history.T)


def _estimate_series(history: NDArray[np.float64], setting: Setting) -> float:
    if not history.any():
        return 0.0
    mean = max(float(history.mean()), _LEAST_MEAN)
    ratio = float(history.var()) / mean
    step = round(np.log2(mean) * _STEPS_PER_DOUBLING)
    nearest = min(_RATIOS, key=lambda simulated: abs(np.log(max(ratio, 1.0) / simulated)))
    return _simulate_cached(2.0 ** (step / _STEPS_PER_DOUBLING), nearest, setting)


@lru_cache(maxsize=512)
def _simulate_cached(mean: float, ratio: float, setting: Setting) -> float:
    """`simulate`, kept in memory."""
    return simulate(mean, ratio, setting)


def simulate(mean: float, ratio: float, setting: Setting) -> float:
    """Days a year with an alert from one series of noise, from simulated years."""

    def any_method(counts: NDArray[np.float64]) -> Alerts:
        results = [detect(counts, setting, method) for method in setting.methods]
        alarm: NDArray[np.bool_] = np.logical_or.reduce([result.alarm for result in results])
        return Alerts(results[0].statistic, results[0].expected, results[0].upper, alarm)

    size = None if ratio <= 1 else mean / (ratio - 1)
    return estimate_false_alarms(
        any_method, mean=mean, size=size, series=_SIMULATED_YEARS, history=setting.baseline_days + len(METHODS) + 2
    )
