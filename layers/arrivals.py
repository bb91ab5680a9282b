"""How late records arrive: which share of a day's events is on record so many days later, as past loads show.

A day may be covered by a load and yet lack what is reported later. Past loads show how much: of the events that are
known now, those of a day that lay so many days before a load, and how many of them had arrived by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST_LOADS", "LATEST_DAYS", "WINDOW_DAYS", "Arrivals", "find_arrived", "measure_arrivals"]

LATEST_DAYS: Final = 28  # a day as old as that counts as complete
WINDOW_DAYS: Final = 182  # of days that are learnt from, so that the answer follows a change of habit
FEWEST_LOADS: Final = 8  # loads of a source on different days; with fewer its arrivals are not estimated
_FEWEST_EVENTS: Final = 30
_BIN_S: Final = 12 * 3600  # so that a log that is loaded at noon differs from one that is loaded at night
_BINS: Final = LATEST_DAYS * 86_400 // _BIN_S
_DAY_S: Final = 86_400
_WHOLE: Final = 0.99  # from here on a day counts as complete


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How late the records of one source of a layer arrive.

    `shares[k]` of a day's events are on record when 12 k to 12 (k + 1) hours have passed since that day began; later
    all are. `loaded_at` (UTC seconds) is the last load. `events` of the source were learnt from. Of a source with too
    few loads or events `shares` is empty: its days count as complete.
    """

    layer: str
    source: str
    loaded_at: int
    events: int
    shares: tuple[float, ...] = ()

    def find_share(self, day_starts_at: int) -> float:
        """The share of a day's events that are on record; the day begins at this UTC second."""
        since = (self.loaded_at - day_starts_at) // _BIN_S
        if not self.shares or since >= len(self.shares):
            return 1.0
        return self.shares[max(since, 0)]


def find_arrived(arrivals: Sequence[Arrivals], days_start_at: Sequence[int]) -> NDArray[np.float64]:
    """The share of the events of each day that are on record, float64 (days,), over the sources of one layer.

    Each source weighs by its events. 1 from 0.99 on, and where nothing is known.
    """
    total = sum(source.events for source in arrivals)
    if not total:
        return np.ones(len(days_start_at))
    shares = np.array(
        [sum(source.events * source.find_share(at) for source in arrivals) / total for at in days_start_at]
    )
    return np.where(shares >= _WHOLE, 1.0, shares)


def measure_arrivals(
    layer: str,
    source: str,
    loaded_at: NDArray[np.int64],
    started_at: NDArray[np.int64],
    recorded_at: NDArray[np.int64],
) -> Arrivals:
    """Arrivals of one source from its loads (loads,) and the events (n,) that arrived after the first of them.

    All are UTC seconds, loads in order. Days from that of the first load on are learnt from, of the last WINDOW_DAYS
    but for the newest LATEST_DAYS, because more of those may come. Shares never fall with time; one load more is added
    to each, so that few events say less. Where no load was made so long after a day, the next later share counts.
    """
    last = int(loaded_at[-1])
    day = started_at // _DAY_S
    newest = last // _DAY_S - LATEST_DAYS
    used = (day >= loaded_at[0] // _DAY_S) & (day > newest - WINDOW_DAYS) & (day <= newest)
    if len(np.unique(loaded_at // _DAY_S)) < FEWEST_LOADS or used.sum() < _FEWEST_EVENTS:
        return Arrivals(layer, source, last, len(day))
    seen, whole = np.zeros(_BINS), np.zeros(_BINS)
    for at in loaded_at.tolist():
        since = (at - day[used] * _DAY_S) // _BIN_S
        inside = (since >= 0) & (since < _BINS)
        whole += np.bincount(since[inside], minlength=_BINS)
        seen += np.bincount(since[inside & (recorded_at[used] <= at)], minlength=_BINS)
    return Arrivals(layer, source, last, len(day), _smooth_shares(seen, whole))


def _smooth_shares(seen: NDArray[np.float64], whole: NDArray[np.float64]) -> tuple[float, ...]:
    """Shares that never fall: blocks of bins that would are pooled (pools of adjacent violators)."""
    blocks: list[list[float]] = []  # seen, whole, bins
    for part, total in zip(seen.tolist(), whole.tolist(), strict=True):
        blocks.append([part, total, 1])
        while len(blocks) > 1 and _divide(blocks[-2]) > _divide(blocks[-1]):
            other = blocks.pop()
            blocks[-1] = [mine + its for mine, its in zip(blocks[-1], other, strict=True)]
    shares = [_divide(block) if block[1] else np.nan for block in blocks for _ in range(int(block[2]))]
    later = 1.0
    for place in range(len(shares) - 1, -1, -1):
        later = shares[place] = later if np.isnan(shares[place]) else shares[place]
    return tuple(shares)


def _divide(block: Sequence[float]) -> float:
    return (block[0] + 1) / (block[1] + 1)
