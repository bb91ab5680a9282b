"""One stream of events looked at day after day: the alerts that it raises, and how often chance raises one like it.

The screens and `bench.alert_noise` run this same code, so that what is measured is what rings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.dispersion import Dispersion, estimate_area_dispersion, estimate_dispersion
from geo.prospective_scan import (
    LAG_DAYS,
    GrowingAlert,
    ScanGrid,
    Signal,
    build_scan_grid,
    estimate_expected,
    find_signals,
    follow_signals,
)
from hexbeat.analysis.alert_rates import (
    AREA_LOW_A_YEAR,
    BLOCK_DAYS,
    LOW_A_YEAR,
    Tail,
    estimate_alerts_a_year,
    estimate_area_alerts_a_year,
    find_area_threshold,
    find_threshold,
    learn_tails,
    raise_threshold,
)

__all__ = ["StreamScan", "build_stream_scan"]

Floats = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class StreamScan:
    """Counts of a stream and what is expected, float64 (days, places) each, over the places of `grid`.

    Chance alone may raise `budget` alerts a year; an alert needs `fewest` events. `parts`: of the whole area as one
    place, the scan of its cells. `low` (days,) and `tails` are what the past says (hexbeat.analysis.alert_rates);
    `growing` are the alerts. These three are there after `find_alerts`.
    """

    counts: Floats
    expected: Floats
    grid: ScanGrid
    budget: float
    fewest: int
    parts: "StreamScan | None" = None
    low: Floats = field(init=False)
    tails: list[Tail | None] = field(init=False)
    growing: list[GrowingAlert] = field(init=False)

    def join(self, budget: float) -> "StreamScan":
        """The whole area as one place; to be called after `find_alerts`."""
        counts, expected = (values.sum(axis=1, keepdims=True) for values in (self.counts, self.expected))
        return StreamScan(counts, expected, build_scan_grid(np.zeros(1), np.zeros(1)), budget, self.fewest, self)

    def find_alerts(self, first_row: int) -> list[GrowingAlert]:
        """The alerts from the day `first_row` on, in the order in which they are raised."""
        signals, threshold = self.learn(first_row)
        self.follow(signals, threshold)
        return self.growing

    def learn(self, first_row: int) -> tuple[list[Signal], Floats]:
        """The signals from the day `first_row` on, and the threshold (days,) of an alert, raised by what they show."""
        self.low, threshold = self._find_thresholds()
        begins = int(np.flatnonzero(self.expected.any(axis=1))[0]) if self.expected.any() else len(self.counts)
        signals = (
            find_signals(
                self.counts,
                self.expected,
                self.estimate_dispersion(),
                self.grid,
                threshold=np.minimum(self.low, threshold),
                first_row=first_row,
                fewest_events=self.fewest,
            )
            if begins < len(self.counts)  # else the records are too short for a signal
            else []
        )
        past = follow_signals([signal for signal in signals if signal.statistic >= self.low[signal.row]])
        self.tails = learn_tails(past, self.low, first_row=max(first_row, begins))
        return signals, raise_threshold(threshold, self.low, self.tails, alerts_a_year=self.budget)

    def follow(self, signals: Sequence[Signal], threshold: Floats) -> None:
        """Keep the alerts that grow from the signals that reach the threshold (days,)."""
        self.growing = follow_signals([signal for signal in signals if signal.statistic >= threshold[signal.row]])

    def estimate_dispersion(self) -> Dispersion:
        """How much more the counts vary than by chance, for each day."""
        if self.parts is None:
            return estimate_dispersion(self.counts, self.expected, self.grid.near)
        return estimate_area_dispersion(self.counts, self.expected, self.parts.estimate_dispersion())

    def estimate_chance(self, signal: Signal) -> float:
        """How many alerts a year as strong as this chance raises, or so restless a record, whichever is more."""
        by_chance = (
            estimate_area_alerts_a_year(signal.statistic)
            if self.parts is not None
            else estimate_alerts_a_year(
                signal.statistic,
                events_a_day=float(self.smooth_rate()[signal.row]),
                places=len(self.grid),
                fewest=self.fewest,
            )
        )
        tail = self.tails[signal.row // BLOCK_DAYS]
        if tail is None:
            return by_chance
        excess = max(signal.statistic - float(self.low[signal.row]), 0.0)
        return max(by_chance, tail.alerts_a_year * float(np.exp(-excess / tail.scale)))

    def is_all_over(self, alert: GrowingAlert) -> bool:
        """Whether no alert of a few cells holds half of what is too much in the whole area: else that one is raised."""
        if self.parts is None:
            return True
        strongest = alert.strongest
        first = strongest.row - strongest.span_days + 1
        excess = (self.parts.counts - self.parts.expected)[first : strongest.row + 1].sum(axis=0)
        of_alerts = [
            float(excess[local.strongest.places].sum())
            for local in self.parts.growing
            if local.raised_row <= alert.latest.row and local.latest.row >= first
        ]
        return max(of_alerts, default=0.0) < (strongest.count - strongest.expected) / 2

    def smooth_rate(self) -> Floats:
        """Events expected a day, over the four weeks that end with each day, (days,)."""
        total = np.concatenate([[0.0], np.cumsum(self.expected.sum(axis=1))])
        row = np.arange(1, len(total))
        before = np.maximum(row - LAG_DAYS, 0)
        return np.asarray((total[row] - total[before]) / (row - before))

    def _find_thresholds(self) -> tuple[Floats, Floats]:
        """The statistic that chance reaches each day: at the lower threshold, and as often as it may."""
        days = len(self.counts)
        if self.parts is not None:
            low, threshold = find_area_threshold(AREA_LOW_A_YEAR), find_area_threshold(self.budget)
            return np.full(days, low), np.full(days, threshold)
        options: dict[str, Any] = {
            "events_a_day": self.smooth_rate(),
            "places": len(self.grid),
            "fewest": self.fewest,
        }
        return find_threshold(LOW_A_YEAR, **options), find_threshold(self.budget, **options)


def build_stream_scan(
    counts: Floats,
    known: NDArray[np.bool_],
    grid: ScanGrid,
    *,
    budget: float,
    fewest: int,
    weekday: int = 0,
    arrived: Floats | None = None,
) -> StreamScan:
    """The scan of counts (days, places), zero on days that are not `known` (days,).

    `weekday` is that of the first day (geo.prospective_scan). `arrived` (days,): the share of each day's events that
    are on record by now; None: all. So many fewer are expected.
    """
    expected = estimate_expected(counts, known, grid, weekday=weekday)
    if arrived is not None:
        expected = expected * arrived[:, None]
    return StreamScan(counts, expected, grid, budget, fewest)
