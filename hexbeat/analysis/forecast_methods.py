"""Four methods that forecast where next week's events will be, from the weeks before."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.hotspots import gi_star
from geo.kernels import build_gaussian_kernel, score_recency, weigh_recency
from hexbeat.analysis.study import Study

__all__ = [
    "KERNEL",
    "LAST_WEEKS",
    "METHODS",
    "METHOD_NAMES",
    "MONTH_RATES",
    "RANKS_ONLY",
    "build_kernel",
    "build_needed_kernel",
    "choose_spread_m",
    "forecast",
]

LAST_WEEKS: Final = 4  # "the last period": four weeks, as the map's 28 days
HALF_LIFE_DAYS: Final = 56.0
_SPREAD_M: Final = 200.0
_FINE_SPREAD_M: Final = 100.0  # cells of 25 m: a wider spread would share each event out over 500 of them
_FINE: Final = 11

MONTH_RATES: Final = "month_rates"  # hexbeat.analysis.month_rates: for records that have no day
METHOD_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "last_period": f"counts of the last {LAST_WEEKS} weeks",
        "gi_star": f"Gi* of the last {LAST_WEEKS} weeks",
        "kernel": "recency-weighted kernel",
        "all_history": "counts of all weeks before",
        MONTH_RATES: "rates of the known months",
    }
)
METHODS: Final = tuple(name for name in METHOD_NAMES if name != MONTH_RATES)  # those that a back-test compares
KERNEL: Final = "kernel"
RANKS_ONLY: Final = frozenset({"gi_star"})  # its scores only rank cells; they are not numbers of events


def choose_spread_m(resolution: int) -> float:
    """The standard deviation in metres over which the kernel spreads an event's risk."""
    return _FINE_SPREAD_M if resolution >= _FINE else _SPREAD_M


def build_kernel(study: Study, counts: NDArray[np.float64]) -> csr_array:
    """The kernel's weights between the study's cells, from the cells of which `counts` (weeks, n) has any events.

    Most small cells never have one, and what they would share takes most of the time.
    """
    sources = np.flatnonzero(counts.any(axis=0))
    bandwidth_m = choose_spread_m(study.resolution)
    return build_gaussian_kernel(study.x_m, study.y_m, bandwidth_m=bandwidth_m, sources=sources)


def build_needed_kernel(methods: Iterable[str], study: Study, counts: NDArray[np.float64]) -> csr_array:
    """The kernel if one of the methods needs it; else an empty one, because building it for small cells is slow."""
    return build_kernel(study, counts) if KERNEL in methods else csr_array((len(study), len(study)))


def forecast(
    method: str,
    history: NDArray[np.float64],
    study: Study,
    kernel: csr_array,
    *,
    ages: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """What a method expects of each cell for the week after `history` (weeks, n), float64 (n,).

    `ages` float64 (weeks,): how many weeks ago each week was, 1 for the week before; None: without gaps. Expected
    numbers of events, but for "gi_star", whose z only ranks cells. The last weeks are the last that are known.
    """
    forecasts: dict[str, Callable[[], NDArray[np.float64]]] = {
        "last_period": lambda: history[-LAST_WEEKS:].mean(axis=0),
        "gi_star": lambda: gi_star(history[-LAST_WEEKS:].sum(axis=0), study.neighbours),
        "kernel": lambda: _score_by_kernel(history, kernel, ages),
        "all_history": lambda: history.mean(axis=0),
    }
    return forecasts[method]()


def _score_by_kernel(
    history: NDArray[np.float64], kernel: csr_array, ages: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    weeks_ago = np.arange(len(history), 0, -1, dtype=np.float64) if ages is None else ages
    ages_days: NDArray[np.float64] = 7.0 * weeks_ago - 3.5  # of weeks' middles
    total_weight = weigh_recency(ages_days, half_life_days=HALF_LIFE_DAYS).sum()
    scores = score_recency(history, ages_days, kernel, half_life_days=HALF_LIFE_DAYS)
    return np.asarray(scores / total_weight, dtype=np.float64)
