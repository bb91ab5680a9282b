"""Days to the first alert of planted outbreaks of overdoses, at equal false alerts: the scan beside what else there is.

`python -m bench.alert_delay [--years N] [--out FILE.json]`
On the real cells and wards of Middlesbrough, 0.2 to 2 events a day. Outbreaks are planted one at a time in noise: 3 to
10 more events in 3 to 7 days, in 1 or 7 cells. Every method has the threshold at which it raises one alert a year in
noise without outbreaks (alarms at most a week apart are one). An outbreak is found if the method is above its threshold
between its first event and three days after its last day; one that is not found counts with that many days. Those in
whose last week before there was a false alert are left out.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from bench.alert_rates import WARM_UP_DAYS, count_candidates, load_grid
from bench.report import Row, build_parser, report
from geo.alerts import ears
from geo.circles import log_likelihood_ratio
from geo.farrington import farrington_flexible
from geo.prospective_scan import (
    CLOSE_DAYS,
    SPANS_DAYS,
    ScanGrid,
    estimate_dispersion,
    estimate_expected,
    find_signals,
)
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import load_area

RATES: Final = (0.2, 0.5, 1.0, 2.0)  # events a day
OUTBREAKS: Final = ((1, 3, 3), (1, 5, 5), (7, 5, 5), (7, 8, 7), (7, 10, 3))  # cells, events, days
EVERY_DAYS: Final = 60
FEWEST: Final = 2  # events of an alert
AFTER_DAYS: Final = 3
FARRINGTON_DAYS: Final = 5 * 364  # before the first week that it tests
STUDY_DAYS: Final = 365  # of the permutation scan
Counts = NDArray[np.float64]
Method = Callable[..., Counts]  # of counts and town, and how many last days are asked for


def main() -> int:
    """Simulate and print."""
    options = build_parser(__doc__, size="years", default=25).parse_args()
    town = Town()
    rows: list[Row] = []
    for rate in RATES:
        generator = np.random.default_rng(round(100 * rate))
        days = FARRINGTON_DAYS + options.years * 365
        noise = generator.poisson(rate * town.share, (days, len(town.share))).astype(np.float64)
        outbreaks = plant(town, generator, days)
        for name, method in METHODS.items():
            quiet = method(noise, town)
            threshold = find_threshold(quiet, options.years)
            rows.append(
                {"events a day": rate, "method": name, **measure(method, noise, town, quiet, threshold, outbreaks)}
            )
            print(rows[-1], file=sys.stderr, flush=True)
    report({"years": options.years, "places": len(town.grid)}, rows, options=options)
    return 0


class Town:
    """The cells, their shares of events, their wards, and the cells near each."""

    def __init__(self) -> None:
        self.grid: ScanGrid
        self.grid, self.share = load_grid("middlesbrough")
        study = load_study(load_area("middlesbrough"))
        held = count_candidates(study) > 0
        self.x_m, self.y_m, ward = study.x_m[held], study.y_m[held], study.ward[held]
        self.wards = np.zeros((len(self.share), len(study.wards) + 1))
        self.wards[np.arange(len(ward)), ward] = 1
        self.wards[:, -1] = 1  # and the whole area

    def list_near(self, cell: int, number: int) -> NDArray[np.intp]:
        """The cells nearest to one, itself first."""
        return np.argsort((self.x_m - self.x_m[cell]) ** 2 + (self.y_m - self.y_m[cell]) ** 2, kind="stable")[:number]


@dataclass(frozen=True, eq=False)
class Outbreak:
    """More events on days and in cells, (n,); `start` is the first day, `end` the day after the last that counts."""

    start: int
    end: int
    day: NDArray[np.int64]
    place: NDArray[np.intp]


def plant(town: Town, generator: np.random.Generator, days: int) -> list[Outbreak]:
    """Outbreaks of each kind in turn, each by itself."""
    outbreaks = []
    for number, start in enumerate(range(FARRINGTON_DAYS + 20, days - 30, EVERY_DAYS)):
        cells, events, length = OUTBREAKS[number % len(OUTBREAKS)]
        places = town.list_near(int(generator.choice(len(town.share), p=town.share)), cells)
        weight = town.share[places] / town.share[places].sum()
        day = start + np.append(0, generator.integers(0, length, events - 1))
        place = generator.choice(places, events, p=weight)
        outbreaks.append(Outbreak(start, start + length + AFTER_DAYS, day, place))
    return outbreaks


def find_threshold(statistic: Counts, years: int) -> float:
    """The lowest value that the statistic of noise passes at most once a year, alarms a week apart being one."""
    levels = np.unique(statistic[FARRINGTON_DAYS + 1 :])[::-1]
    for place, level in enumerate(levels):
        days = np.flatnonzero(statistic[FARRINGTON_DAYS + 1 :] >= level)
        if 1 + int((np.diff(days) > CLOSE_DAYS).sum()) > years:
            return float(levels[place - 1]) if place else np.inf
    return float(levels[-1])


def measure(
    method: Method, noise: Counts, town: Town, quiet: Counts, threshold: float, outbreaks: list[Outbreak]
) -> Row:
    """The share found and the mean days to the first alert, with 95 % intervals."""
    delays, found = [], 0
    for outbreak in outbreaks:
        if (quiet[outbreak.start - CLOSE_DAYS : outbreak.start] >= threshold).any():
            continue
        first = max(outbreak.end - PAST_DAYS[method], 0)
        counts = noise[first : outbreak.end].copy()
        np.add.at(counts, (outbreak.day - first, outbreak.place), 1)
        statistic = method(counts, town, outbreak.end - outbreak.start)[outbreak.start - first :]
        days = np.flatnonzero(statistic >= threshold)
        found += len(days) > 0
        delays.append(int(days[0]) if len(days) else outbreak.end - outbreak.start)
    number, delay = len(delays), np.array(delays)
    low, high = (float(level) for level in binomtest(found, number).proportion_ci(method="wilson"))
    spread = 1.96 * float(delay.std(ddof=1)) / float(np.sqrt(number))
    mean = float(delay.mean())
    return {"outbreaks": number, "found": found / number, "found from": low, "found to": high, "days": mean,
            "days from": max(mean - spread, 0.0), "days to": mean + spread}  # fmt: skip


def scan(counts: Counts, town: Town, last: int | None = None, *, fewest: int = 2) -> Counts:
    """The strongest statistic of the alerts' scan on each day."""
    known = np.ones(len(counts), dtype=np.bool_)
    expected = estimate_expected(counts, known, town.grid)
    dispersion = estimate_dispersion(counts, expected, town.grid)
    best = np.zeros(len(counts))
    for signal in find_signals(
        counts, expected, dispersion, town.grid, threshold=3.0, first_row=find_first(counts, last), fewest_events=fewest
    ):
        best[signal.row] = max(best[signal.row], signal.statistic)
    return best


def find_first(counts: Counts, last: int | None) -> int:
    """The first day that is looked at: of the last ones alone, if only these are asked for."""
    return WARM_UP_DAYS if last is None else len(counts) - last


def scan_conditionally(counts: Counts, town: Town, last: int | None = None) -> Counts:
    """The same circles, spans and shares, given how many events the whole area had: a scan of space alone."""
    known = np.ones(len(counts), dtype=np.bool_)
    expected = estimate_expected(counts, known, town.grid)
    share = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1e-12)
    total = np.append(0.0, np.cumsum(counts.sum(axis=1)))
    means = _accumulate(share * counts.sum(axis=1, keepdims=True), town)
    observed = _accumulate(counts, town)

    def expect(row: NDArray[np.intp], circle: NDArray[np.intp], span: int) -> tuple[Counts, Counts]:
        return means[row + span, circle] - means[row, circle], total[row + span] - total[row]

    return _find_maxima(observed, expect, find_first(counts, last))


def permute(counts: Counts, town: Town, last: int | None = None) -> Counts:
    """The space-time permutation scan of each day over the year before it (Kulldorff and others 2005)."""
    total = np.append(0.0, np.cumsum(counts.sum(axis=1)))
    observed = _accumulate(counts, town)

    def expect(row: NDArray[np.intp], circle: NDArray[np.intp], span: int) -> tuple[Counts, Counts]:
        end, start = row + span, np.maximum(row + span - STUDY_DAYS, 0)
        whole = total[end] - total[start]
        return (observed[end, circle] - observed[start, circle]) * (total[end] - total[row]) / whole, whole

    return _find_maxima(observed, expect, find_first(counts, last))


def _accumulate(counts: Counts, town: Town) -> Counts:
    sums = np.zeros((len(counts) + 1, town.grid.circles.shape[0]))
    np.cumsum((town.grid.circles @ counts.T).T, axis=0, out=sums[1:])
    return sums


def _find_maxima(observed: Counts, expect: Callable[..., tuple[Counts, Counts]], first: int) -> Counts:
    """The strongest log likelihood ratio on each day, of 2 events or more."""
    best = np.zeros(len(observed) - 1)
    for span in SPANS_DAYS:
        begin = max(first - span + 1, 0)
        row, circle = np.nonzero(observed[begin + span :] - observed[begin:-span] >= FEWEST - 0.5)
        row = row + begin
        count = np.rint(observed[row + span, circle] - observed[row, circle]).astype(np.int64)
        mean, total = expect(row, circle, span)
        mean = np.minimum(mean, total - 1e-9)
        np.maximum.at(best, row + span - 1, log_likelihood_ratio(count, mean, total))
    return best


def ring_by_ears(counts: Counts, town: Town, last: int | None = None) -> Counts:
    """EARS C1 to C3 by ward and in the area; each over its usual threshold, the strongest."""
    del last
    by_ward = counts @ town.wards
    found = [
        np.nan_to_num(ears(by_ward, method=method, baseline_days=28, fewest=1.0).statistic) / usual
        for method, usual in (("C1", 3.0), ("C2", 3.0), ("C3", 2.0))
    ]
    return np.max(found, axis=(0, 2)) * (by_ward.max(axis=1) > 0)


def add_up(counts: Counts, town: Town, last: int | None = None) -> Counts:
    """CUSUM by ward and in the area for a rate ten times as high as that of the days before."""
    by_ward = counts @ town.wards
    rate = np.maximum(by_ward[: len(by_ward) - (last or 0)].mean(axis=0), 1e-3)
    times = 10.0
    sums, best = np.zeros(by_ward.shape[1]), np.zeros(len(by_ward))
    for day, today in enumerate(by_ward):
        sums = np.maximum(sums + today * np.log(times) - rate * (times - 1), 0)
        best[day] = sums.max()
    return best


def ring_by_farrington(counts: Counts, town: Town, last: int | None = None) -> Counts:
    """Farrington's flexible method on weeks, by ward and in the area; known on the last day of each week."""
    by_ward = counts @ town.wards
    weeks, skip = divmod(len(counts), 7)
    weekly = by_ward[skip:].reshape(weeks, 7, -1).sum(axis=1)
    tested = weeks - FARRINGTON_DAYS // 7 if last is None else -(-last // 7)
    result = farrington_flexible(weekly, last=tested, fewest=FEWEST)
    best = np.zeros(len(counts))
    best[skip + 6 :: 7] = np.where(weekly >= FEWEST, np.nan_to_num(result.statistic), 0).max(axis=1)
    return best


def scan_three(counts: Counts, town: Town, last: int | None = None) -> Counts:
    """The scan that needs three events."""
    return scan(counts, town, last, fewest=3)


METHODS: Final[dict[str, Method]] = {
    "scan (the alerts)": scan,
    "scan, 3 events or more": scan_three,
    "scan given the day's total": scan_conditionally,
    "permutation scan": permute,
    "EARS C1-C3 by ward": ring_by_ears,
    "CUSUM by ward": add_up,
    "Farrington by ward": ring_by_farrington,
}
_SCAN_DAYS: Final = WARM_UP_DAYS + 4 * 91
# The days before an outbreak's end that each method is given.
PAST_DAYS: Final[dict[Method, int]] = {
    scan: _SCAN_DAYS,
    scan_three: _SCAN_DAYS,
    scan_conditionally: WARM_UP_DAYS,
    permute: STUDY_DAYS + 28,
    ring_by_ears: 60,
    add_up: 400,
    ring_by_farrington: FARRINGTON_DAYS,
}

if __name__ == "__main__":
    sys.exit(main())
