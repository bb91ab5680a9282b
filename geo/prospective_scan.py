"""Looking for clusters day after day: a scan against what is expected, and the alerts that grow from it.

Each day the scan asks which circle of places has more events in the last 1 to 28 days than its own past and the area's
present rate make likely (expectation-based Poisson scan; Neill 2009, International Journal of Forecasting 25: 498-517).
Yesterday's cluster is today's again, so clusters of successive days that share a place are one alert, raised once.
`geo.scan` has the permutation scan, which is exact for one look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.spatial import cKDTree

from geo.dispersion import Dispersion
from geo.errors import UsageError

__all__ = [
    "CLOSE_DAYS",
    "FEWEST_HISTORY_DAYS",
    "HISTORY_DAYS",
    "LAG_DAYS",
    "SPANS_DAYS",
    "GrowingAlert",
    "ScanGrid",
    "Signal",
    "build_scan_grid",
    "estimate_expected",
    "find_signals",
    "follow_signals",
]

SPANS_DAYS: Final = (1, 2, 3, 4, 5, 7, 10, 14, 21, 28)
RADII_M: Final = (0.0, 400.0, 750.0, 1100.0, 1500.0)  # hexagons of 350 m: 1, 7, 19, 37 and about 61 cells
LAG_DAYS: Final = 28  # what is expected comes from days before the longest span
HISTORY_DAYS: Final = 365  # before the lag: where events happen, and on which weekdays
RECENT_DAYS: Final = 56  # before the lag: how many there are
FEWEST_HISTORY_DAYS: Final = 182  # known days before the lag; with fewer nothing is expected
CLOSE_DAYS: Final = 7  # an alert without a signal for longer is over

_SMOOTH_M: Final = 500.0
_OWN: Final = 2.0  # weight in events of the smooth surface, against a place's own past
_ANYWHERE: Final = 0.05  # share of events that are spread evenly over all places
_YEAR_WEIGHT_DAYS: Final = 28  # weight of the rate of the year, against that of the recent days
_WEEKDAY_EVENTS: Final = 20.0  # weight of an even week, against the weekdays of the area
_BLOCK: Final = 65_536  # numbers looked at together: so many stay in a processor's cache from one step to the next
_WEEKEND_EVENTS: Final = 10.0  # weight of the area's week, against that of a place's surroundings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ScanGrid:
    """Places (n,) and the circles over them.

    `circles` csr (circles, places), 1 for a place in a circle; each set of places once, smaller radii first. `around`
    csr (places, places): weights that spread an event over its surroundings, rows sum to 1. `near` csr (places,
    places): the smallest circle round each place that holds others.
    """

    circles: csr_array
    around: csr_array
    near: csr_array

    def __len__(self) -> int:
        return int(self.circles.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A circle with more events than expected in the `span_days` days that end with day `row`.

    `places` intp: its places. `count` events, `expected` of them, `statistic` the log likelihood ratio over dispersion.
    """

    row: int
    span_days: int
    places: NDArray[np.intp]
    count: int
    expected: float
    statistic: float


@dataclass(slots=True, eq=False)
class GrowingAlert:
    """Signals of successive days that share places: raised at the first one, with `rows` at most CLOSE_DAYS apart."""

    signals: list[Signal] = field(default_factory=list)

    @property
    def raised_row(self) -> int:
        """The row of the day on which it is raised."""
        return self.signals[0].row

    @property
    def latest(self) -> Signal:
        """The signal of the last day that had one."""
        return self.signals[-1]

    @property
    def strongest(self) -> Signal:
        """The first of its strongest signals."""
        return max(self.signals, key=lambda signal: (signal.statistic, -signal.row))


def build_scan_grid(x_m: Floats, y_m: Floats, *, radii_m: Sequence[float] = RADII_M) -> ScanGrid:
    """Circles round every place (`x_m`, `y_m` (places,) in metres of a plane), of each radius; equal ones once."""
    position = np.column_stack([x_m, y_m]).astype(np.float64)
    if position.ndim != 2 or not len(position) or not np.isfinite(position).all():  # noqa: PLR2004 - two columns
        raise UsageError(
            "A scan needs one place or more, with finite metres",
            f"there are {len(position)} places",
            "leave out places without a position",
        )
    tree = cKDTree(position)
    rings = [tree.query_ball_point(position, radius + 1e-6, return_sorted=True) for radius in radii_m]
    circles = dict.fromkeys(tuple(members) for ring in rings for members in ring)
    near = rings[1] if len(rings) > 1 else rings[0]
    pairs = tree.sparse_distance_matrix(tree, 3 * _SMOOTH_M, output_type="coo_matrix")
    weight = np.exp(-((pairs.data / _SMOOTH_M) ** 2) / 2)
    around = csr_array((weight, (pairs.row, pairs.col)), shape=(len(position), len(position)))
    sums = np.asarray(around.sum(axis=1)).ravel()
    around = csr_array(around.multiply(1 / sums[:, None]))
    return ScanGrid(_build_members(list(circles), len(position)), around, _build_members(list(near), len(position)))


def _build_members(sets: Sequence[Sequence[int]], places: int) -> csr_array:
    """Sets of places as rows of ones."""
    starts = np.cumsum([0, *map(len, sets)])
    members = np.fromiter(chain.from_iterable(sets), dtype=np.int64, count=int(starts[-1]))
    return csr_array((np.ones(len(members)), members, starts), shape=(len(sets), places))


def estimate_expected(counts: Floats, known: NDArray[np.bool_], grid: ScanGrid, *, weekday: int = 0) -> Floats:
    """Events expected at each place on each day, (days, places), from days LAG_DAYS and more before it.

    `counts` (days, places) in order of days, all zero on days that are not `known` (days,); `weekday` is that of the
    first day (any number; day numbers since 1970 serve). The area's rate is that of the RECENT_DAYS known days, drawn
    towards the year's, with its weekdays; it is spread by each place's share of the year, drawn towards its
    surroundings (500 m), separately for Friday to Sunday and for other days. Zero on days that are not known, or with
    fewer than FEWEST_HISTORY_DAYS known days before.
    """
    days = len(counts)
    day_of_week = (np.arange(days) + weekday) % 7
    late = np.isin(day_of_week, (1, 2, 3))  # Friday to Sunday: day 0 since 1970 was a Thursday
    expected = np.zeros(counts.shape)
    rate = _estimate_rate(counts.sum(axis=1), known, day_of_week)
    rows = np.flatnonzero(rate)
    if len(rows):
        past = _sum_before(counts, HISTORY_DAYS)[rows]
        late_past = _sum_before(counts * late[:, None], HISTORY_DAYS)[rows]
        expected[rows] = _estimate_share(past, late_past, late[rows], grid) * rate[rows, None]
    return expected


def _sum_before(values: Floats, days: int) -> Floats:
    """For each day the sum over the `days` days that end LAG_DAYS before it; values (days, ...)."""
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    row = np.arange(len(values))
    return np.asarray(total[np.maximum(row - LAG_DAYS, 0)] - total[np.maximum(row - LAG_DAYS - days, 0)])


def _estimate_share(past: Floats, late_past: Floats, late: NDArray[np.bool_], grid: ScanGrid) -> Floats:
    """Each place's share of a day's events, (days, places), rows sum to 1."""
    total = past.sum(axis=1, keepdims=True)
    smooth = np.asarray((grid.around.T @ past.T).T)
    prior = (1 - _ANYWHERE) * smooth + _ANYWHERE * np.maximum(total, 1.0) / past.shape[1]
    weight = prior * (past + _OWN) / (prior + _OWN)
    of_late = late_past.sum(axis=1, keepdims=True) / np.maximum(total, 1.0)
    local = (np.asarray((grid.around.T @ late_past.T).T) + _WEEKEND_EVENTS * of_late) / (smooth + _WEEKEND_EVENTS)
    weight = weight * np.where(late[:, None], local, 1 - local)
    return np.asarray(weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12))


def _estimate_rate(totals: Floats, known: NDArray[np.bool_], day_of_week: Integers) -> Floats:
    """The area's events of each day (days,), with the weekdays of the year before."""
    days_known = _sum_before(known.astype(np.float64), HISTORY_DAYS)
    recent_known = _sum_before(known.astype(np.float64), RECENT_DAYS)
    year = _sum_before(totals, HISTORY_DAYS) / np.maximum(days_known, 1.0)
    rate = (_sum_before(totals, RECENT_DAYS) + _YEAR_WEIGHT_DAYS * year) / (recent_known + _YEAR_WEIGHT_DAYS)
    is_day = np.eye(7)[day_of_week]
    of_day = _sum_before(is_day * totals[:, None], HISTORY_DAYS)
    usual = _sum_before(is_day * known[:, None], HISTORY_DAYS) * year[:, None]
    row = np.arange(len(totals))
    factor = ((of_day + _WEEKDAY_EVENTS) / (usual + _WEEKDAY_EVENTS))[row, day_of_week]
    return np.where(known & (days_known >= FEWEST_HISTORY_DAYS), rate * factor, 0.0)


def find_signals(
    counts: Floats,
    expected: Floats,
    dispersion: Dispersion,
    grid: ScanGrid,
    *,
    threshold: float | Floats,
    first_row: int = 0,
    fewest_events: int = 3,
) -> list[Signal]:
    """The circles and spans whose statistic reaches `threshold` (one, or (days,)); of one day none share a place.

    Statistic: the log likelihood ratio of c events of m expected, c > m, over the dispersion (`geo.dispersion`). Days
    from `first_row` on. Round one place and day only the strongest is kept; of equal ones the smaller circle, then the
    shorter span.
    """
    least = np.broadcast_to(np.asarray(threshold, dtype=np.float64), (len(counts),))
    start = max(first_row - SPANS_DAYS[-1], 0)
    observed = _accumulate(csr_array(counts[start:]), grid.circles)
    means = _accumulate(expected[start:], grid.circles)
    rounded = observed.astype(np.float32), means.astype(np.float32)
    parts = []
    for span in SPANS_DAYS:
        if span >= observed.shape[1]:
            break
        lowest = float((least * dispersion.choose(span))[first_row:].min(initial=np.inf))
        circle, row = _find_candidates(*rounded, span, fewest_events, lowest)
        count = observed[circle, row + span] - observed[circle, row]
        mean = means[circle, row + span] - means[circle, row]
        day = row + span - 1 + start
        above = (day >= first_row) & (mean > 0) & (count > mean)
        count, mean, day, circle = count[above], mean[above], day[above], circle[above]
        statistic = dispersion.compute_statistic(count, mean, row=day, span_days=span)
        strong = statistic >= least[day]
        columns = (day, circle, np.full(len(day), span), count, mean, statistic)
        parts.append(np.stack([values.astype(np.float64) for values in columns])[:, strong])
    candidates = np.concatenate(parts, axis=1) if parts else np.zeros((6, 0))
    return _choose_disjoint(
        candidates[:, np.lexsort((candidates[2], candidates[1], -candidates[5], candidates[0]))], grid.circles
    )


def _find_candidates(
    observed: NDArray[np.float32], means: NDArray[np.float32], span: int, fewest_events: int, lowest: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the log likelihood ratio may reach `lowest`, it is at most (c - m)^2 / 2m: circles and rows, (n,) each.

    Running sums rounded to float32 are half as much to look at: counts stay whole, and a mean is taken for as small as
    it may have been, so that no candidate is lost.
    """
    step = max(_BLOCK // observed.shape[1], 1)
    rounding = 4 * np.spacing(means.max(initial=0))
    positions = [np.zeros(0, dtype=np.intp)]
    for first in range(0, len(observed), step):
        rows = slice(first, first + step)
        mean = means[rows, span:] - means[rows, :-span] - rounding
        excess = observed[rows, span:] - observed[rows, :-span]
        enough = excess >= fewest_events - 0.5
        excess -= mean
        enough &= excess > 0
        np.square(excess, out=excess)
        mean *= 2 * lowest * (1 - 1e-6)
        enough &= excess >= mean
        positions.append(np.flatnonzero(enough) + first * enough.shape[1])
    circle, row = np.divmod(np.concatenate(positions), observed.shape[1] - span)
    return circle, row


def _choose_disjoint(candidates: Floats, circles: csr_array) -> list[Signal]:
    """Day after day the strongest first, each only if it shares no place with a stronger one of its day."""
    signals = list[Signal]()
    members, starts = circles.indices.tolist(), circles.indptr.tolist()
    taken, taken_day = set[int](), -1
    for row, circle, span, count, mean, statistic in candidates.T.tolist():
        if row != taken_day:
            taken, taken_day = set(), int(row)
        own = members[starts[int(circle)] : starts[int(circle) + 1]]
        if taken.isdisjoint(own):
            taken.update(own)
            places = np.array(own, dtype=np.intp)
            signals.append(Signal(int(row), int(span), places, round(count), mean, statistic))
    return signals


def _accumulate(values: Floats | csr_array, circles: csr_array) -> Floats:
    """Running sums of values (days, places) by circle, (circles, days + 1)."""
    by_circle = circles @ values.T
    sums = np.zeros((circles.shape[0], values.shape[0] + 1))
    np.cumsum(by_circle.toarray() if issparse(by_circle) else by_circle, axis=1, out=sums[:, 1:])
    return sums


def follow_signals(signals: Sequence[Signal], *, threshold: float = 0.0) -> list[GrowingAlert]:
    """Alerts in the order in which they are raised, from signals in order of days.

    A signal joins the alert of which a signal of the last CLOSE_DAYS days shares a place with it; of several the one
    raised first. Else it begins a new one. `threshold` leaves weaker signals out.
    """
    alerts: list[GrowingAlert] = []
    first_open = 0
    for signal in signals:
        if signal.statistic < threshold:
            continue
        since = signal.row - CLOSE_DAYS
        while first_open < len(alerts) and alerts[first_open].latest.row < since:
            first_open += 1
        own = signal.places
        joined = (alert for alert in alerts[first_open:] if _shares_place(alert, own, since))
        alert = next(joined, None)
        if alert is None:
            alerts.append(GrowingAlert([signal]))
        else:
            alert.signals.append(signal)
    return alerts


def _shares_place(alert: GrowingAlert, places: NDArray[np.intp], since: int) -> bool:
    """Whether a signal of the alert from the row `since` on has one of these places."""
    return any(signal.row >= since and np.isin(places, signal.places).any() for signal in reversed(alert.signals))
