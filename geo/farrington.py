"""Farrington's flexible method: weekly counts above the range that earlier years lead one to expect in this season.

Source: Farrington et al. 1996; the flexible form: Noufaily et al. 2013, Statistics in Medicine 32:1206.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.alerts import Alerts
from geo.errors import UsageError
from geo.tails import count_quantile

__all__ = ["FEWEST_YEARS", "farrington_flexible"]

FEWEST_YEARS: Final = 3
_WEEKS_A_YEAR: Final = 52
_MOST_YEARS: Final = 5
_HALF_WINDOW: Final = 3  # weeks either side that count as the same season
_SEASONS: Final = 10  # the same season and nine others
_LEFT_OUT_WEEKS: Final = 26  # the latest half year is not in the baseline: an outbreak there would hide itself
_OUTBREAK_RESIDUAL: Final = 2.58  # baseline weeks with a greater Anscombe residual weigh less
_ROUNDS, _CLOSE = 30, 1e-8
_TINY: Final = 1e-6


def farrington_flexible(
    counts: NDArray[np.float64], *, last: int = 1, alpha: float = 0.005, fewest: float = 5.0
) -> Alerts:
    """Judge the `last` weeks of weekly counts (weeks, series), oldest first, by up to five earlier years.

    A quasi-Poisson regression on a trend and ten seasons, in which past outbreaks weigh less. An alarm is a count above
    the 1 - `alpha` quantile of the negative binomial with the fitted mean and dispersion, and needs `fewest` events in
    the last four weeks. Weeks before the last ones have NaN. `statistic` is (count - expected) / (upper - expected):
    above 1 is an alarm. Needs three years before the first judged week (UsageError); with fewer use `geo.alerts.ears`.
    Misleads: a change in how events are recorded looks like an outbreak.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if len(counts) - last < FEWEST_YEARS * _WEEKS_A_YEAR + _HALF_WINDOW:
        raise UsageError(
            "Farrington's method needs three years before the first week that it tests",
            f"there are {max(len(counts) - last, 0)} weeks",
            "use EARS",
        )
    expected, upper = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    for week in range(len(counts) - last, len(counts)):
        ages, season = _find_baseline_weeks(week)
        for column in range(counts.shape[1]):
            expected[week, column], upper[week, column] = _expect_count(
                counts[week - ages, column], ages, season, alpha
            )
    recent = np.stack([np.roll(counts, lag, axis=0) for lag in range(4)]).sum(axis=0)
    gap = np.maximum(upper - expected, _TINY)
    return Alerts(
        statistic=(counts - expected) / gap,
        expected=expected,
        upper=upper,
        alarm=np.greater(counts, upper, where=~np.isnan(upper), out=np.zeros(counts.shape, dtype=bool))
        & (recent >= fewest),
    )


def _find_baseline_weeks(week: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ages in weeks of the baseline of a week, and the season of each (0 to 9; 0 is the week's own season)."""
    years = min(_MOST_YEARS, (week - _HALF_WINDOW) // _WEEKS_A_YEAR)
    ages = np.arange(_LEFT_OUT_WEEKS + 1, years * _WEEKS_A_YEAR + _HALF_WINDOW + 1)
    phase = (ages + _HALF_WINDOW) % _WEEKS_A_YEAR  # 0 to 6 is the week's own season
    own = 2 * _HALF_WINDOW + 1
    others = 1 + (phase - own) * (_SEASONS - 1) // (_WEEKS_A_YEAR - own)
    return ages, np.where(phase < own, 0, others)


def _expect_count(
    past: NDArray[np.float64], ages: NDArray[np.int64], season: NDArray[np.int64], alpha: float
) -> tuple[float, float]:
    """The expected count now and the bound above it, from the baseline's counts."""
    if not past.any():
        return 0.0, 0.0
    trend = -ages / _WEEKS_A_YEAR
    design = np.column_stack([np.ones(len(ages)), trend, *(season == number for number in range(1, _SEASONS))]).astype(
        float
    )
    weights = np.ones(len(past))
    fitted, now, spread = _fit_regression(design, past, weights)
    leverage = _compute_leverage(design, fitted, weights)
    anscombe = 1.5 * (past ** (2 / 3) - fitted ** (2 / 3)) / (fitted ** (1 / 6) * np.sqrt(spread * (1 - leverage)))
    if (anscombe > _OUTBREAK_RESIDUAL).any():
        weights = _weigh_down_outbreaks(anscombe, _OUTBREAK_RESIDUAL)
        fitted, now, spread = _fit_regression(design, past, weights)
    return now, float(count_quantile(1 - alpha, now, spread if spread > 1 + _TINY else 1.0))


def _weigh_down_outbreaks(anscombe: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Weights with a mean of 1. Above the threshold they fall with the square of the residual."""
    outbreak = anscombe > threshold
    weights = np.where(outbreak, np.divide(1.0, anscombe**2, out=np.ones_like(anscombe), where=outbreak), 1.0)
    scaled: NDArray[np.float64] = weights * (len(weights) / weights.sum())
    return scaled


def _fit_regression(
    design: NDArray[np.float64], past: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    """Quasi-Poisson regression by iterated least squares: fitted means, the mean now, the dispersion (1 or more).

    Now has trend 0 and season 0, so its logarithm is the first coefficient. A whole season of zeros has no finite
    coefficient, so fitted means are kept above a millionth, which changes nothing else.
    """
    eta = np.log(past + 0.5)
    for _ in range(_ROUNDS):
        fitted = np.exp(np.clip(eta, np.log(_TINY), 30.0))
        root = np.sqrt(weights * fitted)
        working = np.log(fitted) + (past - fitted) / fitted
        coefficients = np.linalg.lstsq(root[:, None] * design, root * working, rcond=None)[0]
        before, eta = eta, design @ coefficients
        if np.abs(eta - before).max() < _CLOSE:
            break
    fitted = np.exp(np.clip(eta, np.log(_TINY), 30.0))
    pearson = (weights * (past - fitted) ** 2 / fitted).sum() / max(len(past) - design.shape[1], 1)
    return fitted, float(np.exp(np.clip(coefficients[0], np.log(_TINY), 30.0))), max(1.0, float(pearson))


def _compute_leverage(
    design: NDArray[np.float64], fitted: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The diagonal of the hat matrix, below 1."""
    basis = np.linalg.qr(np.sqrt(weights * fitted)[:, None] * design)[0]
    leverage: NDArray[np.float64] = np.minimum((basis**2).sum(axis=1), 1 - _TINY)
    return leverage
