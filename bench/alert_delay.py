"""Days to the first alert of planted outbreaks of overdoses, at equal false alerts: the scan beside what else there is.

`python -m bench.alert_delay [--years N] [--out FILE.json]`
On the real cells and wards of Middlesbrough, 0.2 to 2 events a day. Outbreaks are planted one at a time in noise: 3 to
10 more events in 2 to 7 days, in 1, 3 or 7 cells; and surges over the whole area: twice or three times as many events
for one or two weeks. Every method has the threshold at which it raises one alert a year in noise without outbreaks
(alarms at most a week apart are one). An outbreak is found if the method is above its threshold between its first event
and three days after its last day; one that is not found counts with that many days. Those in whose last week before
there was a false alert are left out. Exit code 1 if another method is clearly earlier than the alerts at outbreaks.
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
from geo.dispersion import Dispersion, estimate_area_dispersion, estimate_dispersion
from geo.farrington import farrington_flexible
from geo.prospective_scan import (
    CLOSE_DAYS,
    SPANS_DAYS,
    ScanGrid,
    build_scan_grid,
    estimate_expected,
    find_signals,
)
from hexbeat.analysis.alert_rates import AREA_SHARE, find_area_threshold
from hexbeat.analysis.alert_rates import find_threshold as find_level
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import load_area

RATES: Final = (0.2, 0.5, 1.0, 2.0)  # events a day
OUTBREAKS: Final = ((1, 3, 2), (1, 5, 5), (3, 4, 3), (3, 7, 7), (7, 6, 4), (7, 10, 7))  # cells, events, days
SURGES: Final = ((2.0, 14), (3.0, 7), (3.0, 14))  # times the usual rate over the whole area, days
EVERY_DAYS: Final = 30
FEWEST: Final = 2  # events of an alert
AFTER_DAYS: Final = 3
FARRINGTON_DAYS: Final = 5 * 364  # before the first week that it tests
STUDY_DAYS: Final = 365  # of the permutation scan
WINDOW_DAYS: Final = 400  # before an outbreak, that each method is given
EARS_DAYS: Final = 60
CUSUM_TIMES: Final = 10.0  # the usual rate
ALERTS: Final = "the alerts"
PEERS: Final = ("permutation scan", "EARS C1-C3 by ward", "CUSUM by ward", "Farrington by ward")
Counts = NDArray[np.float64]
Method = Callable[["Past", NDArray[np.float64], int, int], NDArray[np.float64]]


def main() -> int:
    """Simulate and print."""
    parser = build_parser(__doc__, size="years", default=20)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="events a day (default: all)")
    options = parser.parse_args()
    town = Town()
    rows: list[Row] = []
    for rate in options.rates:
        generator = np.random.default_rng(round(100 * rate))
        days = FARRINGTON_DAYS + options.years * 365
        noise = generator.poisson(rate * town.share, (days, len(town.share))).astype(np.float64)
        outbreaks = plant(town, generator, days)
        surges = plant_surges(town, generator, days, rate)
        past = Past(town, noise)
        for name, method in METHODS.items():
            quiet = method(past, noise, 0, FARRINGTON_DAYS)
            threshold = find_threshold(quiet, options.years)
            for what, planted in (("outbreak", outbreaks), ("whole area", surges)):
                delays = measure(method, past, quiet, threshold, planted)
                own = list_rows({"events a day": rate, "planted": what, "method": name}, delays)
                print(own[0], file=sys.stderr, flush=True)
                rows += own
    report({"years": options.years, "places": len(town.grid)}, rows, options=options)
    return int(is_beaten(rows))


def list_rows(setting: Row, delays: dict[str, list[tuple[bool, int]]]) -> list[Row]:
    """A row for all outbreaks together and one for each kind: the share found, the mean days, and 95 % intervals."""
    kinds = {"all": [delay for own in delays.values() for delay in own], **delays}
    return [{**setting, "kind": kind, **summarise(own)} for kind, own in kinds.items()]


def summarise(delays: list[tuple[bool, int]]) -> Row:
    """Share found with Wilson's interval; mean days with a normal one."""
    found, days = np.array(delays, dtype=np.float64).T
    number, mean = len(days), float(days.mean())
    low, high = (float(level) for level in binomtest(int(found.sum()), number).proportion_ci(method="wilson"))
    spread = 1.96 * float(days.std(ddof=1)) / float(np.sqrt(number))
    return {"outbreaks": number, "found": float(found.mean()), "found from": low, "found to": high, "days": mean,
            "days from": max(mean - spread, 0.0), "days to": mean + spread}  # fmt: skip


def is_beaten(rows: list[Row]) -> bool:
    """Whether a peer's whole interval of days lies below that of the alerts, at outbreaks of a few cells."""
    whole = [row for row in rows if (row["planted"], row["kind"]) == ("outbreak", "all")]
    ours = {row["events a day"]: row["days from"] for row in whole if row["method"] == ALERTS}
    return any(row["days to"] < ours[row["events a day"]] for row in whole if row["method"] in PEERS)


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

    kind: str
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
        kind = f"{cells} {'cell' if cells == 1 else 'cells'}, {events} events, {length} days"
        outbreaks.append(Outbreak(kind, start, start + length + AFTER_DAYS, day, place))
    return outbreaks


def plant_surges(town: Town, generator: np.random.Generator, days: int, rate: float) -> list[Outbreak]:
    """Surges over the whole area of each kind in turn, each by itself; from their first day, with or without events."""
    surges = []
    for number, start in enumerate(range(FARRINGTON_DAYS + 20, days - 30, 2 * EVERY_DAYS)):
        times, length = SURGES[number % len(SURGES)]
        events = generator.poisson((times - 1) * rate * length)
        day = start + generator.integers(0, length, events)
        place = generator.choice(len(town.share), events, p=town.share)
        surges.append(Outbreak(f"{times:g} times, {length} days", start, start + length + AFTER_DAYS, day, place))
    return surges


class Past:
    """The noise (days, places), and what each method learns from it: nothing of it depends on what is planted.

    Expected events come from days 28 and more before, and of an outbreak no day is so old when it is judged. Dispersion
    is that of the noise.
    """

    def __init__(self, town: Town, noise: Counts) -> None:
        self.town, self.noise = town, noise
        self.begin = FARRINGTON_DAYS - WARM_UP_DAYS - 4 * 91
        known = np.ones(len(noise) - self.begin, dtype=np.bool_)
        self.expected = np.zeros(noise.shape)
        self.expected[self.begin :] = estimate_expected(noise[self.begin :], known, town.grid)
        self.dispersion = estimate_dispersion(noise, self.expected, town.grid.near)
        self.alone = build_scan_grid(np.zeros(1), np.zeros(1))
        self.area_expected = self.expected.sum(axis=1, keepdims=True)
        self.area_dispersion = estimate_area_dispersion(
            noise.sum(axis=1, keepdims=True), self.area_expected, self.dispersion
        )
        self.rate = float(noise.sum(axis=1).mean())
        weekly = noise[: len(noise) // 7 * 7].reshape(-1, 7, noise.shape[1]).sum(axis=1) @ town.wards
        self.weekly = farrington_flexible(weekly, last=len(weekly) - FARRINGTON_DAYS // 7, fewest=FEWEST)


def find_threshold(statistic: Counts, years: int) -> float:
    """The lowest value that the statistic of noise passes at most once a year, alarms a week apart being one."""
    levels = np.unique(statistic[FARRINGTON_DAYS + 1 :])[::-1]
    for place, level in enumerate(levels):
        days = np.flatnonzero(statistic[FARRINGTON_DAYS + 1 :] >= level)
        if 1 + int((np.diff(days) > CLOSE_DAYS).sum()) > years:
            return float(levels[place - 1]) if place else np.inf
    return float(levels[-1])


def measure(
    method: Method, past: Past, quiet: Counts, threshold: float, outbreaks: list[Outbreak]
) -> dict[str, list[tuple[bool, int]]]:
    """For each kind of outbreak, whether each was found, and the days to the first alert."""
    delays: dict[str, list[tuple[bool, int]]] = {}
    for outbreak in outbreaks:
        if (quiet[outbreak.start - CLOSE_DAYS : outbreak.start] >= threshold).any():
            continue
        first = (outbreak.start - WINDOW_DAYS) // 7 * 7
        counts = past.noise[first : outbreak.end].copy()
        np.add.at(counts, (outbreak.day - first, outbreak.place), 1)
        days = np.flatnonzero(method(past, counts, first, outbreak.start)[outbreak.start - first :] >= threshold)
        delay = int(days[0]) if len(days) else outbreak.end - outbreak.start
        delays.setdefault(outbreak.kind, []).append((len(days) > 0, delay))
    return delays


# Each method takes counts (days, places) from the day `first` on, and gives its statistic on each of them, from the day
# `start` on.


def ring_alerts(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """The alerts: the scan of the cells, and the whole area as one place with its share of the false alerts."""
    rows = slice(first, first + len(counts))
    total = counts.sum(axis=1, keepdims=True)
    whole = _scan(total, past.area_expected[rows], past.area_dispersion[rows], past.alone, start - first, FEWEST)
    cells = float(find_level(1 - AREA_SHARE, events_a_day=past.rate, places=len(past.town.grid), fewest=FEWEST))
    lift = cells - find_area_threshold(AREA_SHARE)
    return np.maximum(scan(past, counts, first, start), np.where(whole > 0, whole + lift, 0))


def scan(past: Past, counts: Counts, first: int, start: int, *, fewest: int = FEWEST) -> Counts:
    """The scan of cells: the strongest statistic on each day."""
    rows = slice(first, first + len(counts))
    return _scan(counts, past.expected[rows], past.dispersion[rows], past.town.grid, start - first, fewest)


def scan_three(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """The scan that needs three events."""
    return scan(past, counts, first, start, fewest=3)


def _scan(
    counts: Counts, expected: Counts, dispersion: Dispersion, grid: ScanGrid, first_row: int, fewest: int
) -> Counts:
    best = np.zeros(len(counts))
    for signal in find_signals(
        counts, expected, dispersion, grid, threshold=3.0, first_row=first_row, fewest_events=fewest
    ):
        best[signal.row] = max(best[signal.row], signal.statistic)
    return best


def scan_conditionally(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """The same circles, spans and shares, given how many events the whole area had: a scan of space alone."""
    skip = max(start - first - SPANS_DAYS[-1], 0)
    own = counts[skip:]
    expected = past.expected[first + skip : first + len(counts)]
    share = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1e-12)
    total = np.append(0.0, np.cumsum(own.sum(axis=1)))
    means = _accumulate(share * own.sum(axis=1, keepdims=True), past.town)

    def expect(row: NDArray[np.intp], circle: NDArray[np.intp], span: int) -> tuple[Counts, Counts]:
        return means[row + span, circle] - means[row, circle], total[row + span] - total[row]

    best = np.zeros(len(counts))
    best[skip:] = _find_maxima(_accumulate(own, past.town), expect, start - first - skip)
    return best


def permute(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """The space-time permutation scan of each day over the year before it (Kulldorff and others 2005)."""
    skip = max(start - first - STUDY_DAYS - SPANS_DAYS[-1], 0)
    own = counts[skip:]
    total = np.append(0.0, np.cumsum(own.sum(axis=1)))
    observed = _accumulate(own, past.town)

    def expect(row: NDArray[np.intp], circle: NDArray[np.intp], span: int) -> tuple[Counts, Counts]:
        end, begin = row + span, np.maximum(row + span - STUDY_DAYS, 0)
        whole = total[end] - total[begin]
        return (observed[end, circle] - observed[begin, circle]) * (total[end] - total[row]) / whole, whole

    best = np.zeros(len(counts))
    best[skip:] = _find_maxima(observed, expect, start - first - skip)
    return best


def _accumulate(counts: Counts, town: Town) -> Counts:
    sums = np.zeros((len(counts) + 1, town.grid.circles.shape[0]))
    np.cumsum((town.grid.circles @ counts.T).T, axis=0, out=sums[1:])
    return sums


def _find_maxima(observed: Counts, expect: Callable[..., tuple[Counts, Counts]], first: int) -> Counts:
    """The strongest log likelihood ratio on each day, of FEWEST events or more."""
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


def ring_by_ears(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """EARS C1 to C3 by ward and in the area; each over its usual threshold, the strongest."""
    skip = max(start - first - EARS_DAYS, 0)
    by_ward = counts[skip:] @ past.town.wards
    ratios = [
        np.nan_to_num(ears(by_ward, method=method, baseline_days=28, fewest=1.0).statistic) / usual
        for method, usual in (("C1", 3.0), ("C2", 3.0), ("C3", 2.0))
    ]
    return np.append(np.zeros(skip), np.max(ratios, axis=(0, 2)) * (by_ward.max(axis=1) > 0))


def add_up(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """CUSUM by ward and in the area for a rate ten times as high as that of the noise."""
    del first, start
    by_ward = counts @ past.town.wards
    rate = np.maximum((past.noise @ past.town.wards).mean(axis=0), 1e-3)
    gain = by_ward * np.log(CUSUM_TIMES) - rate * (CUSUM_TIMES - 1)
    sums, best = np.zeros(by_ward.shape[1]), np.zeros(len(by_ward))
    for day, today in enumerate(gain):
        sums = np.maximum(sums + today, 0)
        best[day] = sums.max()
    return best


def ring_by_farrington(past: Past, counts: Counts, first: int, start: int) -> Counts:
    """Farrington's flexible method on weeks, by ward and in the area; known on the last day of each week.

    What it expects comes from weeks at least half a year before.
    """
    weeks = len(counts) // 7
    weekly = counts[: weeks * 7].reshape(weeks, 7, -1).sum(axis=1) @ past.town.wards
    rows = slice(first // 7, first // 7 + weeks)
    expected, upper = past.weekly.expected[rows], past.weekly.upper[rows]
    statistic = np.nan_to_num((weekly - expected) / np.maximum(upper - expected, 1e-6))
    best = np.zeros(len(counts))
    best[6 : weeks * 7 : 7] = np.where(weekly >= FEWEST, statistic, 0).max(axis=1)
    best[: max(start - first, 0)] = 0
    return best


METHODS: Final[dict[str, Method]] = {
    ALERTS: ring_alerts,
    "the scan of cells alone": scan,
    "the same, 3 events or more": scan_three,
    "scan given the day's total": scan_conditionally,
    "permutation scan": permute,
    "EARS C1-C3 by ward": ring_by_ears,
    "CUSUM by ward": add_up,
    "Farrington by ward": ring_by_farrington,
}

if __name__ == "__main__":
    sys.exit(main())
