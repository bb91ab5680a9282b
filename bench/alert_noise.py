"""False alerts a year of the whole sequence of days: years of noise of several kinds, scanned as the alerts are.

`python -m bench.alert_noise [--years N] [--out FILE.json]`
On the real cells of Middlesbrough, for overdoses (1 a day, 2 events or more, 1 false alert a year promised) and needle
finds (8 a day, 3 or more, half an alert a year): alerts of a few cells, and of the whole area where none of these holds
half of what is too much. Exit code 1 if any noise raises more than promised, beyond chance; but for late reports that
the scan does not allow for.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from bench.alert_rates import WARM_UP_DAYS, find_interval, load_grid
from bench.report import Row, build_parser, report
from geo.prospective_scan import LAG_DAYS, ScanGrid, Signal, find_signals
from hexbeat.analysis.alert_rates import AREA_SHARE, PAST_DAYS
from hexbeat.analysis.stream_scan import StreamScan, build_stream_scan
from layers.arrivals import find_arrived, measure_arrivals

YEARS_AT_ONCE: Final = 5
FIRST_DAY: Final = WARM_UP_DAYS + PAST_DAYS  # of the years that count: two are learnt from
DAY_S: Final = 86_400
LATE_DAYS: Final = 3.0
ALLOWED: Final = "late reports, allowed for"
LATE: Final = ("late reports, taken as whole", ALLOWED)
Counts = NDArray[np.float64]
Known = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layer:
    """Events a day, the fewest of an alert, and the false alerts a year that are promised."""

    name: str
    events: float
    fewest: int
    promised: float


LAYERS: Final = (Layer("overdoses", 1.0, 2, 1.0), Layer("needle finds", 8.0, 3, 0.5))


def main() -> int:
    """Simulate each kind of noise, print what it raises beside what is promised."""
    parser = build_parser(__doc__, size="years", default=30)
    parser.add_argument("--noise", nargs="+", choices=tuple(KINDS), default=tuple(KINDS), help="default: all")
    parser.add_argument("--layers", nargs="+", default=[layer.name for layer in LAYERS], help="default: all")
    options = parser.parse_args()
    grid, share = load_grid("middlesbrough")
    rows: list[Row] = []
    for layer in (spec for spec in LAYERS if spec.name in options.layers):
        for kind in options.noise:
            parts = [
                count_alerts(kind, KINDS[kind], grid, share, layer, part)
                for part in range(options.years // YEARS_AT_ONCE)
            ]
            rows.append(build_row(layer, kind, np.sum(parts, axis=0), options.years))
            print(rows[-1], file=sys.stderr, flush=True)
    report({"years": options.years, "places": len(grid)}, rows, options=options)
    return int(any(is_broken(row, options.years) for row in rows if row["noise"] != LATE[0]))


def build_row(layer: Layer, kind: str, alerts: NDArray[np.int64], years: int) -> Row:
    """The alerts a year with their exact 95 % interval, and those of the whole area among them."""
    total = int(alerts.sum())
    low, high = find_interval(total)
    row = {"layer": layer.name, "noise": kind, "promised": layer.promised, "a year": total / years}
    return {**row, "from": low / years, "to": high / years, "whole area": int(alerts[1]) / years}


def is_broken(row: Row, years: int) -> bool:
    """Whether noise raised more than promised, beyond chance (one-sided 1 %)."""
    return bool(poisson.sf(round(row["a year"] * years) - 1, row["promised"] * years) < 0.01)


def count_alerts(
    kind: str, draw: Callable[..., tuple[Counts, Known]], grid: ScanGrid, share: Counts, layer: Layer, part: int
) -> tuple[int, int]:
    """Alerts of a few cells, and of the whole area, raised in YEARS_AT_ONCE years after those that are learnt from."""
    seed = LATE[0] if kind in LATE else kind  # both kinds of late reports are of the same noise
    generator = np.random.default_rng([part, round(100 * layer.events), list(KINDS).index(seed)])
    days = FIRST_DAY + YEARS_AT_ONCE * 365
    counts, known = draw(generator, days, share, layer.events)
    counts[~known] = 0
    cells = build_stream_scan(counts, known, grid, budget=(1 - AREA_SHARE) * layer.promised, fewest=layer.fewest)
    late = Late(generator, counts) if kind in LATE else None
    find_alerts(cells, late, allows=kind == ALLOWED)
    whole = cells.join(AREA_SHARE * layer.promised)
    find_alerts(whole, late, allows=kind == ALLOWED)
    area_alerts = [alert for alert in whole.growing if whole.is_all_over(alert)]
    return tuple(sum(alert.raised_row >= FIRST_DAY for alert in alerts) for alerts in (cells.growing, area_alerts))  # type: ignore[return-value]  # two


def find_alerts(scan: StreamScan, late: "Late | None", *, allows: bool) -> None:
    """The alerts, as on the screens; of late reports each day with the records that had arrived by then."""
    signals, threshold = scan.learn(WARM_UP_DAYS)
    scan.follow(late.scan(scan, threshold, allows=allows) if late else signals, threshold)


class Late:
    """Half of the events are reported on their day, the others LATE_DAYS later on average; loaded once a day."""

    def __init__(self, generator: np.random.Generator, counts: Counts) -> None:
        self.day, self.place = (np.repeat(at, counts[np.nonzero(counts)].astype(int)) for at in np.nonzero(counts))
        is_late = generator.random(len(self.day)) < 0.5
        self.arrives = self.day + np.where(is_late, generator.geometric(1 / LATE_DAYS, len(self.day)), 0)
        self.arrived = self.measure()

    def measure(self) -> Counts:
        """The share of a day's events on record, of the last LAG_DAYS + 1 days, from the loads before FIRST_DAY."""
        loads = (np.arange(FIRST_DAY) + 1) * DAY_S - 1
        has_arrived = self.arrives < FIRST_DAY
        arrivals = measure_arrivals(
            "overdoses",
            "log",
            loads,
            self.day[has_arrived] * DAY_S + DAY_S // 2,
            (self.arrives[has_arrived] + 1) * DAY_S - 1,
        )
        return find_arrived([arrivals], [(FIRST_DAY - 1 - age) * DAY_S for age in range(LAG_DAYS, -1, -1)])

    def scan(self, scan: StreamScan, threshold: Counts, *, allows: bool) -> list[Signal]:
        """Each day looked at with the records that had arrived by then; `allows`: so many fewer are expected."""
        dispersion, places = scan.estimate_dispersion(), scan.counts.shape[1]
        place = self.place if places > 1 else np.zeros_like(self.place)
        signals: list[Signal] = []
        for row in range(FIRST_DAY, len(scan.counts)):
            start = row - LAG_DAYS
            events = slice(*np.searchsorted(self.day, (start, row + 1)))
            has_arrived = self.arrives[events] <= row
            window = np.zeros((LAG_DAYS + 1, places))
            np.add.at(window, (self.day[events][has_arrived] - start, place[events][has_arrived]), 1)
            part = slice(start, row + 1)
            expected = scan.expected[part] * (self.arrived[:, None] if allows else 1.0)
            candidates = find_signals(
                window, expected, dispersion[part], scan.grid, threshold=threshold[part], first_row=LAG_DAYS,
                fewest_events=scan.fewest,
            )  # fmt: skip
            signals += [
                Signal(
                    row, candidate.span_days, candidate.places, candidate.count, candidate.expected, candidate.statistic
                )
                for candidate in candidates
            ]
        return signals


def draw_poisson(generator: np.random.Generator, days: int, share: Counts, events: float) -> tuple[Counts, Known]:
    """Independent events, the same every day."""
    return generator.poisson(events * share, (days, len(share))).astype(np.float64), np.ones(days, dtype=np.bool_)


def draw_busy_days(generator: np.random.Generator, days: int, share: Counts, events: float) -> tuple[Counts, Known]:
    """Days that differ for the whole area: a gamma rate with a variance of 0.3 of its mean squared."""
    rate = events * generator.gamma(1 / 0.3, 0.3, days)
    return generator.poisson(rate[:, None] * share).astype(np.float64), np.ones(days, dtype=np.bool_)


def draw_families(generator: np.random.Generator, days: int, share: Counts, events: float) -> tuple[Counts, Known]:
    """One event in four begins a family at its place: on average 1.5 more within ten days."""
    counts = generator.poisson(events / 1.375 * share, (days, len(share)))
    day, place = (np.repeat(at, counts[np.nonzero(counts)]) for at in np.nonzero(counts))
    begins = np.flatnonzero(generator.random(len(day)) < 0.25)
    more = np.repeat(begins, generator.poisson(1.5, len(begins)))
    later = day[more] + generator.integers(0, 10, len(more))
    inside = later < days
    np.add.at(counts, (later[inside], place[more][inside]), 1)
    return counts.astype(np.float64), np.ones(days, dtype=np.bool_)


def draw_weekdays(generator: np.random.Generator, days: int, share: Counts, events: float) -> tuple[Counts, Known]:
    """The busier half of the places has three times as much from Friday to Sunday, the rest is the same every day."""
    busy = share >= np.median(share)
    late = np.isin(np.arange(days) % 7, (1, 2, 3))
    factor = np.where(late[:, None] & busy, 3.0, 1.0)
    return generator.poisson(events * share * factor).astype(np.float64), np.ones(days, dtype=np.bool_)


def draw_holidays(generator: np.random.Generator, days: int, share: Counts, events: float) -> tuple[Counts, Known]:
    """Twelve days a year with twice as much, and a season: a fifth more in summer, a fifth less in winter."""
    day = np.arange(days)
    rate = events * (1 + 0.2 * np.sin(2 * np.pi * day / 365)) * np.where(day % 365 % 30 == 0, 2.0, 1.0)
    return generator.poisson(rate[:, None] * share).astype(np.float64), np.ones(days, dtype=np.bool_)


def draw_gaps(generator: np.random.Generator, days: int, share: Counts, events: float) -> tuple[Counts, Known]:
    """A month in every six is not known, and one day in twenty."""
    counts, known = draw_poisson(generator, days, share, events)
    known &= (np.arange(days) % 182 >= 30) & (generator.random(days) >= 0.05)
    return counts, known


KINDS: Final[dict[str, Callable[..., tuple[Counts, Known]]]] = {
    "Poisson": draw_poisson,
    "days differ": draw_busy_days,
    "families": draw_families,
    "weekends by place": draw_weekdays,
    "holidays and season": draw_holidays,
    LATE[0]: draw_poisson,
    ALLOWED: draw_poisson,
    "gaps": draw_gaps,
}

if __name__ == "__main__":
    sys.exit(main())
