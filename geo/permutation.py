"""The exact distribution of the sum of w cell values drawn without replacement: the result of shuffling a map.

Under the null of Getis-Ord Gi* the values are shuffled over the cells, so the neighbourhood of a cell holds a draw of
w of the n values. Its sum's distribution is the coefficient of t^w in the generating function prod_v (1 + t x^v)^m_v
over the histogram of values (value v in m_v cells), divided by C(n, w): no simulation, and every term is positive.
The counting argument is that of the exact permutation distribution (Pitman 1937; Streitberg & Roehmel 1986, the shift
algorithm). Many distinct or large values take the discrete Fourier transform and Newton's identities instead.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from geo.errors import UsageError

__all__ = ["FINEST_UNIT", "MOST_UNITS", "SumDistribution", "build_sum_distribution", "to_units"]

FINEST_UNIT: Final = 1 / 16  # of an event: counts shared over periods are rounded to this
MOST_UNITS: Final = 1 << 17  # the largest sum, in units, of which a table is kept: some megabytes
_MOST_SHIFTED: Final = 100_000  # numbers moved by the shift algorithm; beyond, the Fourier transform is faster
_FOURIER_FLOOR: Final = 1e-13  # the transform errs by about 1e-15, so smaller probabilities mean nothing


@dataclass(frozen=True, slots=True, eq=False)
class SumDistribution:
    """The distribution of sums of 0 to W values drawn without replacement from `cells` values.

    `chance` float64 (W + 1, size): `chance[w, s]` is the probability that w draws sum to s units; every larger sum is
    impossible. `floor`: no tail is given as smaller than this, except for impossible sums.
    """

    chance: NDArray[np.float64]
    cells: int
    floor: float

    def at_least(self, draws: NDArray[np.int64], sums: NDArray[np.int64], *, mid: bool = False) -> NDArray[np.float64]:
        """P(sum of `draws` values >= `sums`), float64 (n,); `mid` counts only half of P(sum = sums) (Lancaster 1961).

        A sum that no draw can reach gets the chance of one draw, 1 / C(cells, w): the observed one.
        """
        tail = np.zeros((self.chance.shape[0], self.chance.shape[1] + 1))
        tail[:, :-1] = self.chance[:, ::-1].cumsum(axis=1)[:, ::-1]
        return self._look_up(tail, draws, sums, mid=mid)

    def at_most(self, draws: NDArray[np.int64], sums: NDArray[np.int64], *, mid: bool = False) -> NDArray[np.float64]:
        """P(sum of `draws` values <= `sums`), the mirror of `at_least`."""
        tail = np.ones((self.chance.shape[0], self.chance.shape[1] + 1))
        tail[:, :-1] = self.chance.cumsum(axis=1)
        return self._look_up(tail, draws, sums, mid=mid)

    def fewest(self, level: float) -> NDArray[np.float64]:
        """The smallest sum of 0 to W draws whose chance of being reached is `level` or less, float64 (W + 1,).

        Infinite where no sum is so rare: with few draws or cells nothing can stand out.
        """
        sums = np.arange(self.chance.shape[1] + 1)
        fewest = np.full(len(self.chance), np.inf)
        for draws in range(1, len(fewest)):
            rare = self.at_least(np.full_like(sums, draws), sums) <= level
            if rare.any():
                fewest[draws] = sums[rare.argmax()]
        return fewest

    def _look_up(
        self, tail: NDArray[np.float64], draws: NDArray[np.int64], sums: NDArray[np.int64], *, mid: bool
    ) -> NDArray[np.float64]:
        """The tail at each (draws, sum), less half the chance of that sum if `mid`; within [one draw, 1]."""
        size = self.chance.shape[1]
        column = np.minimum(sums, size)
        p: NDArray[np.float64] = tail[draws, column]
        if mid:
            p -= 0.5 * np.where(sums < size, self.chance[draws, np.minimum(sums, size - 1)], 0.0)
        one_draw = 1 / special.binom(self.cells, np.arange(len(tail)))
        floor = np.maximum(one_draw, self.floor) * (0.5 if mid else 1.0)
        return np.clip(p, floor[draws], 1.0)


def to_units(values: NDArray[np.float64], *, most_draws: int) -> tuple[NDArray[np.int64], float]:
    """Values (n,), whole or not, as whole units (int64 (n,)) and the unit's size in the values' own measure.

    Whole values keep the unit 1. Shared (fractional) counts are rounded to the nearest FINEST_UNIT. Where the sum of
    `most_draws` of the largest values would exceed MOST_UNITS units, the unit is doubled until it does not; results are
    then exact for the rounded values, as the unit announces. Raises UsageError for values below 0 or not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise UsageError(
            "Values to shuffle are finite counts of 0 or more",
            f"{int((~np.isfinite(values) | (values < 0)).sum())} of {len(values)} are not",
            "count events with layers.counting.count, or leave those cells out",
        )
    unit = 1.0 if np.array_equal(values, np.rint(values)) else FINEST_UNIT
    largest = float(values.max(initial=0.0)) * most_draws
    while largest / unit > MOST_UNITS:
        unit *= 2
    return np.rint(values / unit).astype(np.int64), unit


def build_sum_distribution(units: NDArray[np.int64], *, most_draws: int) -> SumDistribution:
    """The distribution of sums of up to `most_draws` of these whole values (n,), drawn without replacement.

    Draws above n are impossible: `most_draws` must not exceed n (UsageError). Exact to rounding (relative 1e-12, by
    the shift algorithm) for usual counts; absolute 1e-13 by Fourier transform where values are many and large.
    """
    if most_draws > len(units):
        raise UsageError(
            "A neighbourhood cannot have more cells than the study area",
            f"you asked for {most_draws} draws from {len(units)} cells",
            "use a larger study area or a smaller neighbourhood",
        )
    histogram = np.bincount(units)
    size = most_draws * (len(histogram) - 1) + 1
    repeats = np.minimum(histogram[1:], most_draws).sum()
    if repeats * size * (most_draws + 1) / 4 <= _MOST_SHIFTED:
        return SumDistribution(_build_by_shifts(histogram, most_draws), len(units), 0.0)
    return SumDistribution(_build_by_fourier(histogram, most_draws), len(units), _FOURIER_FLOOR)


def _compute_binomials(count: int, most: int, scale: float) -> NDArray[np.float64]:
    """C(many, j) * scale^j for j = 0 to `most`, float64 (most + 1,)."""
    j = np.arange(1, most + 1)
    return np.concatenate([[1.0], np.cumprod(np.maximum(count - j + 1, 0) / j * scale)])


def _build_by_shifts(histogram: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    """The table by multiplying the polynomials of the values in rising order; t is scaled by most / n: no overflow."""
    cells = int(histogram.sum())
    scale = max(most, 1) / cells
    table = np.zeros((most + 1, most * (len(histogram) - 1) + 1))
    table[:, 0] = _compute_binomials(int(histogram[0]), most, scale)
    largest = 0  # value so far
    for value in (np.flatnonzero(histogram[1:]) + 1).tolist():
        most_repeats = min(int(histogram[value]), most)
        factors = _compute_binomials(int(histogram[value]), most_repeats, scale)
        before = table[:, : most * largest + 1].copy()
        for j in range(1, most_repeats + 1):
            width = (most - j) * largest + 1  # the other draws have smaller values
            table[j:, j * value : j * value + width] += factors[j] * before[: most + 1 - j, :width]
        largest = value
    return table / _compute_binomials(cells, most, scale)[:, None]


def _build_by_fourier(histogram: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    """The table by Newton's identities on the power sums p_k = sum_v m_v x^(k v) at the roots of unity.

    With E_w = e_w / C(n, w): E_w = (n / w) * sum_k (-1)^(k-1) * C(n, w-k) / C(n, w) * E_(w-k) * p_k / n. The first
    term leads when w is far below n, so the alternation costs no digits.
    """
    cells, size = int(histogram.sum()), most * (len(histogram) - 1) + 1
    length = fft.next_fast_len(size, real=True)
    spectrum = fft.fft(histogram / cells, length)
    frequency = np.arange(length // 2 + 1)
    powers = [spectrum[(k * frequency) % length] for k in range(1, most + 1)]
    drawn = [np.ones(len(frequency), dtype=np.complex128)]
    for w in range(1, most + 1):
        # C(n, w-k) / C(n, w) = prod_{i<k} (w - i) / (n - w + 1 + i)
        i = np.arange(w)
        ratio = np.cumprod((w - i) / (cells - w + 1 + i)) * (-1.0) ** i * cells / w
        drawn.append(sum((ratio[k] * drawn[w - 1 - k] * powers[k] for k in range(w)), np.zeros_like(drawn[0])))
    table: NDArray[np.float64] = np.maximum(fft.irfft(np.array(drawn), length, axis=1)[:, :size], 0.0)
    return table
