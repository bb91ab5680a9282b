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

METHOD_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "last_period": f"counts of the last {LAST_WEEKS} weeks",
        "gi_star": f"Gi* of the last {LAST_WEEKS} weeks",
        "kernel": "recency-weighted kernel",
        "all_history": "counts of all weeks before",
    }
)
METHODS: Final = tuple(METHOD_NAMES)
KERNEL: Final = "kernel"
RANKS_ONLY: Final = frozenset({"gi_star"})  # its scores only rank cells; they are not numbers of events


def choose_spread_m(resolution: int) -> float:
    """The standard deviation in metres over which the kernel spreads an event's risk."""
    return _FINE_SPREAD_M if resolution >= _FINE else _SPREAD_M


def build_kernel(study: Study) -> csr_array:
    """The kernel's weights between the study's cells."""
    return build_gaussian_kernel(study.x_m, study.y_m, bandwidth_m=choose_spread_m(study.resolution))


def build_needed_kernel(methods: Iterable[str], study: Study) -> csr_array:
    """The kernel if one of the methods needs it; else an empty one, because building it for small cells is slow."""
    return build_kernel(study) if KERNEL in methods else csr_array((len(study), len(study)))


def forecast(method: str, history: NDArray[np.float64], study: Study, kernel: csr_array) -> NDArray[np.float64]:
    """What a method expects of each cell for the week after `history` (weeks, n), float64 (n,).

    Expected numbers of events, but for "gi_star", whose z only ranks cells.
    """
    forecasts: dict[str, Callable[[], NDArray[np.float64]]] = {
        "last_period": lambda: history[-LAST_WEEKS:].mean(axis=0),
        "gi_star": lambda: gi_star(history[-LAST_WEEKS:].sum(axis=0), study.neighbours),
        "kernel": lambda: _score_by_kernel(history, kernel),
        "all_history": lambda: history.mean(axis=0),
    }
    return forecasts[method]()


def _score_by_kernel(history: NDArray[np.float64], kernel: csr_array) -> NDArray[np.float64]:
    ages: NDArray[np.float64] = 7.0 * np.arange(len(history) - 1, -1, -1, dtype=np.float64) + 3.5  # of weeks' middles
    total_weight = weigh_recency(ages, half_life_days=HALF_LIFE_DAYS).sum()
    scores: NDArray[np.float64] = score_recency(history, ages, kernel, half_life_days=HALF_LIFE_DAYS) / total_weight
    return scores
