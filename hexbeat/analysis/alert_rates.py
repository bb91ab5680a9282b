"""How often chance alone raises an alert of the daily scan: a table from simulation, made by `bench.alert_rates`.

It lies beside this module (alert_levels.json; `--levels` writes it), drawn from counts that the benchmark keeps. It
holds for the 446 cells of Middlesbrough that can hold events. A larger area of p cells is like several such towns side
by side, so it raises p / 446 times as many alerts. How its events lie among the towns is not known: most may fall in
one. So each has the events a day of the whole area; in a smaller area they count for 446 cells.

Records may be more restless than chance: families of events, busy days. So a threshold is also learnt from the layer's
own past: at the lower threshold that chance reaches LOW_A_YEAR times a year, the number of alerts of the last two years
and the median of what they had above it give the level that so restless a record reaches as often as it may.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.prospective_scan import GrowingAlert

__all__ = [
    "ALERTS_A_YEAR",
    "AREA_ALERTS_A_YEAR",
    "AREA_LEVELS",
    "AREA_LOW_A_YEAR",
    "AREA_SHARE",
    "BLOCK_DAYS",
    "EVENTS_A_DAY",
    "LOW_A_YEAR",
    "PAST_DAYS",
    "RAREST",
    "TABLE",
    "Tail",
    "estimate_alerts_a_year",
    "estimate_area_alerts_a_year",
    "find_area_threshold",
    "find_threshold",
    "learn_tails",
    "raise_threshold",
]

_LEVELS: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("alert_levels.json").read_text(encoding="utf-8"))
ALERTS_A_YEAR: Final = tuple[float, ...](_LEVELS["alerts_a_year"])
EVENTS_A_DAY: Final = tuple[float, ...](_LEVELS["events_a_day"])
# For the fewest events of an alert, at each of EVENTS_A_DAY: the statistic that each of ALERTS_A_YEAR reach.
TABLE: Final[Mapping[int, tuple[tuple[float, ...], ...]]] = MappingProxyType(
    {int(fewest): tuple(map(tuple, rows)) for fewest, rows in _LEVELS["levels"].items()}
)
# The same for the whole area as one place; the number of events a day hardly matters.
AREA_ALERTS_A_YEAR: Final = tuple[float, ...](_LEVELS["area_alerts_a_year"])
AREA_LEVELS: Final = tuple[float, ...](_LEVELS["area_levels"])
AREA_SHARE: Final = 0.1  # of a layer's alerts by chance, for the whole area as one place
RAREST: Final = 0.01  # alerts a year: simulation says nothing of rarer ones
LOW_A_YEAR: Final = 8.0  # alerts a year that chance raises at the lower threshold
AREA_LOW_A_YEAR: Final = 2.0  # likewise of the whole area as one place
PAST_DAYS: Final = 730  # of the past that is learnt from
BLOCK_DAYS: Final = 91  # what is learnt changes once a quarter
_FEWEST_PAST_DAYS: Final = 182
_FEWEST_ALERTS: Final = 5
_YEAR_DAYS: Final = 365.25
_PLACES: Final = int(_LEVELS["places"])


@dataclass(frozen=True, slots=True)
class Tail:
    """What the past says of strong alerts: `alerts_a_year` above the lower threshold, and the `scale` of their excess.

    So many are `excess` above it: alerts_a_year * exp(-excess / scale).
    """

    alerts_a_year: float
    scale: float


def find_threshold(alerts_a_year: float, *, events_a_day: ArrayLike, places: int, fewest: int) -> NDArray[np.float64]:
    """The statistic that chance reaches `alerts_a_year` times, for each number of events a day (n,).

    `places` is the number of places, `fewest` 2 or 3: the events that an alert needs. Outside the table its outer slope
    goes on in the logarithm of the alerts; fewer or more events a day count as the outermost.
    """
    levels = _interpolate_levels(events_a_day, places, fewest)
    log_rate = np.log(alerts_a_year * _PLACES / places)
    rates = np.log(ALERTS_A_YEAR)
    right = int(np.clip(np.searchsorted(-rates, -log_rate), 1, len(rates) - 1))
    part = (log_rate - rates[right - 1]) / (rates[right] - rates[right - 1])
    return np.asarray(levels[..., right - 1] + part * (levels[..., right] - levels[..., right - 1]))


def find_area_threshold(alerts_a_year: float) -> float:
    """The statistic of the whole area as one place that chance reaches `alerts_a_year` times.

    Beyond the table its outer slope goes on.
    """
    left = int(np.clip(np.searchsorted(-np.array(AREA_ALERTS_A_YEAR), -alerts_a_year), 1, len(AREA_LEVELS) - 1)) - 1
    rates, levels = np.log(AREA_ALERTS_A_YEAR[left : left + 2]), AREA_LEVELS[left : left + 2]
    part = (np.log(alerts_a_year) - rates[0]) / (rates[1] - rates[0])
    return float(levels[0] + part * (levels[1] - levels[0]))


def estimate_area_alerts_a_year(statistic: float) -> float:
    """How many alerts of the whole area a year chance alone raises with this statistic or more, RAREST at least."""
    left = int(np.clip(np.searchsorted(AREA_LEVELS, statistic), 1, len(AREA_LEVELS) - 1)) - 1
    rates, levels = np.log(AREA_ALERTS_A_YEAR[left : left + 2]), AREA_LEVELS[left : left + 2]
    part = (statistic - levels[0]) / (levels[1] - levels[0])
    return max(float(np.exp(rates[0] + part * (rates[1] - rates[0]))), RAREST)


def estimate_alerts_a_year(statistic: float, *, events_a_day: float, places: int, fewest: int) -> float:
    """How many alerts a year chance alone raises with this statistic or more, RAREST at least."""
    levels = _interpolate_levels(events_a_day, places, fewest)
    rates = np.log(ALERTS_A_YEAR)
    right = int(np.clip(np.searchsorted(levels, statistic), 1, len(levels) - 1))
    part = (statistic - levels[right - 1]) / (levels[right] - levels[right - 1])
    rate = np.exp(rates[right - 1] + part * (rates[right] - rates[right - 1])) * places / _PLACES
    return max(float(rate), RAREST)


def _interpolate_levels(events_a_day: ArrayLike, places: int, fewest: int) -> NDArray[np.float64]:
    """The levels of the table for these events a day, (..., ALERTS_A_YEAR)."""
    events = np.asarray(events_a_day, dtype=np.float64) * max(_PLACES / places, 1.0)
    at = np.log(np.clip(events, EVENTS_A_DAY[0], EVENTS_A_DAY[-1]))
    return np.stack([np.interp(at, np.log(EVENTS_A_DAY), column) for column in np.array(TABLE[fewest]).T], axis=-1)


def learn_tails(alerts: Sequence[GrowingAlert], low: NDArray[np.float64], *, first_row: int) -> list[Tail | None]:
    """The tail for each block of 91 days from row 0 on; None where the past is too short, or too calm to say.

    `alerts` are those above the lower threshold `low` (days,), `first_row` the first day that was looked at. One great
    outbreak hardly matters: it is one alert, and the median of the excess does not see how great it was.
    """
    told_days = np.array([alert.raised_row for alert in alerts], dtype=np.int64)
    excess = np.array([alert.strongest.statistic - low[alert.strongest.row] for alert in alerts])
    tails: list[Tail | None] = []
    for end in range(0, len(low), BLOCK_DAYS):
        start = max(end - PAST_DAYS, first_row)
        past = excess[(told_days >= start) & (told_days < end)]
        if end - start < _FEWEST_PAST_DAYS or len(past) < _FEWEST_ALERTS:
            tails.append(None)
        else:
            rate = len(past) / (end - start) * _YEAR_DAYS
            tails.append(Tail(rate, float(np.median(past)) / float(np.log(2))))
    return tails


def raise_threshold(
    threshold: NDArray[np.float64], low: NDArray[np.float64], tails: Sequence[Tail | None], *, alerts_a_year: float
) -> NDArray[np.float64]:
    """The threshold (days,), raised where the past is more restless than chance."""
    raised = threshold.copy()
    for block, tail in enumerate(tails):
        if tail is not None:
            rows = slice(block * BLOCK_DAYS, (block + 1) * BLOCK_DAYS)
            level = low[rows] + tail.scale * max(np.log(tail.alerts_a_year / alerts_a_year), 0.0)
            raised[rows] = np.maximum(raised[rows], level)
    return raised
