"""Intervals of weighted sums of Poisson counts: what events cost, where each kind has a price of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import numpy as np
    import scipy
    from numpy.typing import NDArray
else:
    np = import_lazily("numpy")
    scipy = import_lazily("scipy")

__all__ = ["Interval", "interval_of_difference", "interval_of_sum"]


class Interval(NamedTuple):
    """A value with the two ends of its interval; low <= value <= high."""

    value: float
    low: float
    high: float


def interval_of_sum(counts: Sequence[float], weights: Sequence[float], *, level: float = 0.95) -> Interval:
    """Σ weight x count, with the interval that the chance of the counts gives it. The weights are taken as exact.

    Exact (Garwood 1936) where all weights are equal, else that of Dobson, Kuulasmaa, Eberle and Scherer (1991,
    Statistics in Medicine 10). Counts may be shares of events. Without any event the interval goes from 0 to what the
    greatest weight gives; without any weight all is 0. Events that come in series are less certain than this says.

    ValueError for a negative count or weight, or for other numbers of them.
    """
    count, weight = np.asarray(counts, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if count.shape != weight.shape or (count < 0).any() or (weight < 0).any():
        raise ValueError("each count needs a weight, and neither may be negative")
    total, value = float(count.sum()), float(count @ weight)
    low, high = _find_ends(total, level)
    if total == 0:
        return Interval(0.0, 0.0, high * float(weight.max(initial=0.0)))
    scale = float(np.sqrt((weight**2 @ count) / total))
    return Interval(value, max(0.0, value - scale * (total - low)), value + scale * (high - total))


def interval_of_difference(first: Interval, second: Interval) -> Interval:
    """The first less the second, with its interval; both are independent (Zou and Donner 2008, Stat. Med. 27)."""
    value = first.value - second.value
    below = float(np.hypot(first.value - first.low, second.high - second.value))
    above = float(np.hypot(first.high - first.value, second.value - second.low))
    return Interval(value, value - below, value + above)


def _find_ends(total: float, level: float) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson count."""
    tail = (1 - level) / 2
    ends: NDArray[np.float64] = scipy.special.gammaincinv([max(total, 1e-300), total + 1], [tail, 1 - tail])
    return (0.0 if total == 0 else float(ends[0])), float(ends[1])
