"""Near repeats: for how long, and how far away, the risk stays raised after an event (the Knox test)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.errors import UsageError

__all__ = ["NearRepeats", "knox_test"]


@dataclass(frozen=True, slots=True, eq=False)
class NearRepeats:
    """Pairs of events by their distance in space and in time, each array (distances, days) bands.

    `observed` pairs; `expected`, their mean over the shuffles; `ratio` observed / expected (NaN if none expected);
    `p` the one-sided Monte-Carlo p-value, never under 1 / (shuffles + 1). Bands are [from, to): `distances_m` and
    `days` are their bounds, one more than bands.
    """

    distances_m: tuple[float, ...]
    days: tuple[float, ...]
    observed: NDArray[np.int64]
    expected: NDArray[np.float64]
    ratio: NDArray[np.float64]
    p: NDArray[np.float64]
    shuffles: int


def knox_test(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    day: NDArray[np.float64],
    *,
    distances_m: tuple[float, ...] = (0, 1, 100, 200, 300, 400),
    days: tuple[float, ...] = (0, 2, 7, 14, 28),
    shuffles: int = 999,
    seed: int = 1,
) -> NearRepeats:
    """Whether events near in space are near in time more often than if their times were shuffled.

    Positions (n,) in metres on a plane, `day` (n,) the time in days (fractions allowed); the first distance band of the
    default holds repeats at the same place. Times are shuffled over the events, so busy places and busy seasons alone
    make no finding. A place that became busy does: that is a trend and not a repeat, so keep the period short. Use only
    events whose day is known. Memory grows with the pairs within the last distance: 16 bytes each.
    Source: Knox 1964; Monte-Carlo p as in Johnson et al. 2007. Raises UsageError for bounds that do not rise.
    """
    for bounds in (distances_m, days):
        if len(bounds) < 2 or (np.diff(bounds) <= 0).any():  # noqa: PLR2004  # a band has two bounds
            raise UsageError(
                "Bands need two or more bounds, in rising order", f"they are {bounds}", "use for example (0, 100, 200)"
            )
    day = np.asarray(day, dtype=np.float64)
    first, second, band = _find_near_pairs(np.column_stack([x_m, y_m]).astype(np.float64), distances_m)
    observed = _count_pairs(day, first, second, band, distances_m, days)
    generator = np.random.default_rng(seed)
    total, shuffles_as_many = np.zeros(observed.shape), np.zeros(observed.shape)
    for _ in range(shuffles):
        shuffled = _count_pairs(generator.permutation(day), first, second, band, distances_m, days)
        total += shuffled
        shuffles_as_many += shuffled >= observed
    expected = total / shuffles
    ratio = np.divide(observed, expected, out=np.full(observed.shape, np.nan), where=expected > 0)
    return NearRepeats(distances_m, days, observed, expected, ratio, (shuffles_as_many + 1) / (shuffles + 1), shuffles)


def _find_near_pairs(
    places: NDArray[np.float64], distances_m: tuple[float, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of events whose distance lies in a band: two positions and the band, (pairs,) each."""
    pairs = cKDTree(places).query_pairs(distances_m[-1], output_type="ndarray")
    distance = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    band = np.searchsorted(distances_m, distance, side="right") - 1
    in_band = (band >= 0) & (band < len(distances_m) - 1)
    return pairs[in_band, 0], pairs[in_band, 1], band[in_band]


def _count_pairs(
    day: NDArray[np.float64],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    band: NDArray[np.intp],
    distances_m: tuple[float, ...],
    days: tuple[float, ...],
) -> NDArray[np.int64]:
    """Pairs counted by band of distance and of time, int64 (distances, days)."""
    day_band = np.searchsorted(days, np.abs(day[first] - day[second]), side="right")  # 0: closer in time than any band
    width = len(days) + 1
    counts = np.bincount(band * width + day_band, minlength=(len(distances_m) - 1) * width)
    pairs: NDArray[np.int64] = counts.reshape(-1, width)[:, 1:-1]
    return pairs
