"""How much more the counts of a scan vary than by chance: by families of events, and by days that differ.

Each is allowed for by itself, because they differ with size: families make every circle vary as much, a busy day makes
a large circle vary more than a small one. Over time families of ten days show in long spans more than in short ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["Dispersion", "estimate_area_dispersion", "estimate_dispersion"]

_BLOCK_DAYS: Final = 91  # the median of blocks of so many days counts: one outbreak does not change it
_BLOCKS: Final = 4
_SHORT_DAYS: Final = 7
_LONG_DAYS: Final = 28
_AREA_DAYS: Final = 14  # windows of the whole area: families outlast a week, and it has few longer ones
_LEAST: Final = 1e-9  # of the variance of days: less changes nothing

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Dispersion:
    """For each day (days,): variance over mean of counts of up to a week (`short`) and of longer ones (`long`).

    Both 1 or more. `of_days`: the variance of a factor of mean 1 that all places share on a day; 0 or more.
    """

    short: Floats
    long: Floats
    of_days: Floats

    @classmethod
    def of_chance(cls, days: int) -> "Dispersion":
        """That of Poisson counts."""
        return cls(np.ones(days), np.ones(days), np.zeros(days))

    def __getitem__(self, rows: slice) -> "Dispersion":
        """That of some of the days."""
        return Dispersion(self.short[rows], self.long[rows], self.of_days[rows])

    def choose(self, span_days: int) -> Floats:
        """Variance over mean of counts of so many days, (days,), beside what all places share."""
        return self.short if span_days <= _SHORT_DAYS else self.long

    def compute_statistic(self, count: Floats, mean: Floats, *, row: NDArray[np.intp], span_days: int) -> Floats:
        """The log likelihood ratio of `count` events where `mean` are expected, over the dispersion; all (n,).

        Of counts whose days have a gamma factor (negative binomial); without one of Poisson counts:
        c ln(c/m) - (c - m). `row` is the last of the `span_days` days.
        """
        own = self.choose(span_days)[row]
        shape = span_days * own / np.maximum(self.of_days[row], _LEAST)  # of events; of families it is 1 / own of that
        ratio = count * np.log(count / mean) - (count + shape) * np.log1p((count - mean) / (mean + shape))
        return np.asarray(ratio / own)


def estimate_dispersion(counts: Floats, expected: Floats, near: csr_array) -> Dispersion:
    """The dispersion of each day, from the last four blocks of 91 days that ended before it.

    `counts`, `expected` (days, places), float64; `near` csr (places, places): the surroundings in which places are
    counted. Blocks are counted from the first row. Of their values the median counts, so that one outbreak does not
    hide the next. Events that come in families of m have about m. Where nothing is known, that of chance.
    """
    counts = counts * (expected.sum(axis=1) > 0)[:, None]
    observed, mean = ((near @ values.T).T for values in (counts, expected))
    short = np.maximum(_estimate_ratio(observed, mean, _SHORT_DAYS), 1.0)
    long = np.maximum(_estimate_ratio(observed, mean, _LONG_DAYS), short)
    return Dispersion(short, long, _estimate_of_days(counts, expected, *_sum_blocks(observed, mean, 1)))


def _estimate_of_days(counts: Floats, expected: Floats, spread: Floats, usual: Floats) -> Floats:
    """The variance of the factor of a day, (days,): what the totals of days vary beyond the places.

    `spread` and `usual` (blocks,): squared deviations of the counts round a place on one day, and their means.
    """
    own = np.maximum(np.divide(spread, usual, out=np.ones_like(usual), where=usual > 0), 1.0)
    totals, means = (values.sum(axis=1, keepdims=True) for values in (counts, expected))
    of_totals, mean = _sum_blocks(totals, means, 1)
    squared, _ = _sum_blocks(np.zeros_like(means), means, 1)
    return np.maximum(_look_back(of_totals - own * mean, squared, len(counts), empty=0.0), 0.0)


def estimate_area_dispersion(counts: Floats, expected: Floats, parts: Dispersion) -> Dispersion:
    """The same of the whole area as one place: `counts`, `expected` (days, 1), and the dispersion of its `parts`.

    It has few fortnights, so all blocks count together. They leave an error of a fourth, so what the places vary, the
    area varies at least.
    """
    counts = counts * (expected > 0)
    ratio = _estimate_ratio(counts, expected, _AREA_DAYS, pooled=True)
    squared, usual = _sum_blocks(np.zeros_like(expected), expected, 1)
    daily = _look_back(squared, usual, len(counts), empty=0.0, pooled=True)  # events a day, weighted by themselves
    own = np.maximum(ratio - parts.of_days * daily, parts.long)
    return Dispersion(own, own, parts.of_days)


def _estimate_ratio(observed: Floats, mean: Floats, window_days: int, *, pooled: bool = False) -> Floats:
    """Variance over mean of counts of windows of so many days, for each day, (days,); 1 where nothing is known."""
    spread, usual = _sum_blocks(observed, mean, window_days)
    return _look_back(spread, usual, len(observed), empty=1.0, pooled=pooled)


def _sum_blocks(observed: Floats, mean: Floats, window_days: int) -> tuple[Floats, Floats]:
    """Squared deviations of the windows that end in each block, and their means, (blocks,)."""
    windows = len(observed) // window_days
    shape = (windows, window_days, observed.shape[1])
    seen, usual = (values[: windows * window_days].reshape(shape).sum(axis=1) for values in (observed, mean))
    block = (np.arange(1, windows + 1) * window_days - 1) // _BLOCK_DAYS  # a block knows nothing of days after it
    spread, of_block = np.zeros((2, -(-len(observed) // _BLOCK_DAYS)))
    np.add.at(spread, block, ((seen - usual) ** 2).sum(axis=1))
    np.add.at(of_block, block, usual.sum(axis=1))
    return spread, of_block


def _look_back(above: Floats, below: Floats, days: int, *, empty: float, pooled: bool = False) -> Floats:
    """For each day `above` over `below` of the blocks before its own: the median, or `pooled`; else `empty`."""
    ratios = np.full(days, empty)
    for start in range(1, days // _BLOCK_DAYS + 1):
        before = np.arange(max(start - _BLOCKS, 0), min(start, len(below)))
        before = before[below[before] > 0]
        if len(before):
            own = above[before].sum() / below[before].sum() if pooled else np.median(above[before] / below[before])
            ratios[start * _BLOCK_DAYS : (start + 1) * _BLOCK_DAYS] = own
    return ratios
