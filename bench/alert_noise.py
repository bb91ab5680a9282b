"""False alerts a year of the whole sequence of days: years of noise of several kinds, scanned as the alerts are.

`python -m bench.alert_noise [--years N] [--out FILE.json]`
On the real cells of Middlesbrough, for overdoses (1 a day, 2 events or more, 1 false alert a year promised) and needle
finds (8 a day, 3 or more, half an alert a year). Exit code 1 if Poisson noise raises more than promised, beyond chance.
"""

import sys
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from bench.alert_rates import WARM_UP_DAYS, find_interval, load_grid
from bench.report import Row, build_parser, report
from geo.prospective_scan import (
    LAG_DAYS,
    ScanGrid,
    Signal,
    estimate_dispersion,
    estimate_expected,
    find_signals,
    follow_signals,
)
from hexbeat.analysis.alert_rates import LOW_A_YEAR, PAST_DAYS, find_threshold, learn_tails, raise_threshold

YEARS_AT_ONCE: Final = 5
FIRST_DAY: Final = WARM_UP_DAYS + PAST_DAYS  # of the years that count: two are learnt from
LAYERS: Final = (("overdoses", 1.0, 2, 1.0), ("needle finds", 8.0, 3, 0.5))  # events a day, fewest, false alerts a year
LATE_DAYS: Final = 3.0  # half of the events are reported on their day, the others so many days later on average
Counts = NDArray[np.float64]
Known = NDArray[np.bool_]


def main() -> int:
    """Simulate each kind of noise, print what it raises beside what is promised."""
    options = build_parser(__doc__, size="years", default=30).parse_args()
    grid, share = load_grid("middlesbrough")
    rows: list[Row] = []
    for layer, events, fewest, promised in LAYERS:
        for kind, draw in KINDS.items():
            alerts = sum(
                count_alerts(kind, draw, grid, share, events, fewest, promised, part)
                for part in range(options.years // YEARS_AT_ONCE)
            )
            low, high = find_interval(alerts)
            years = options.years
            row = {"layer": layer, "noise": kind, "promised": promised, "a year": alerts / years}
            rows.append({**row, "from": low / years, "to": high / years})
            print(rows[-1], file=sys.stderr, flush=True)
    report({"years": options.years, "places": len(grid)}, rows, options=options)
    plain = [row for row in rows if row["noise"] == "Poisson"]
    return int(
        any(poisson.sf(row["a year"] * options.years - 1, row["promised"] * options.years) < 0.01 for row in plain)
    )


def count_alerts(
    kind: str, draw: Callable[..., tuple[Counts, Known]], grid: ScanGrid, share: Counts, events: float, fewest: int,
    promised: float, part: int,
) -> int:  # fmt: skip
    """Alerts told in YEARS_AT_ONCE years after those that are learnt from."""
    generator = np.random.default_rng([part, round(100 * events), list(KINDS).index(kind)])
    days = FIRST_DAY + YEARS_AT_ONCE * 365
    counts, known = draw(generator, days, share, events)
    counts[~known] = 0
    expected = estimate_expected(counts, known, grid)
    dispersion = estimate_dispersion(counts, expected, grid)
    rate = smooth(expected.sum(axis=1))
    low, threshold = (
        find_threshold(often, events_a_day=rate, places=len(grid), fewest=fewest) for often in (LOW_A_YEAR, promised)
    )
    if kind == "late reports":
        signals = scan_late(generator, counts, expected, dispersion, grid, np.minimum(low, threshold), fewest)
    else:
        signals = find_signals(
            counts, expected, dispersion, grid, threshold=np.minimum(low, threshold), first_row=WARM_UP_DAYS,
            fewest_events=fewest,
        )  # fmt: skip
    past = follow_signals([signal for signal in signals if signal.statistic >= low[signal.row]])
    threshold = raise_threshold(threshold, low, learn_tails(past, low, first_row=WARM_UP_DAYS), alerts_a_year=promised)
    alerts = follow_signals([signal for signal in signals if signal.statistic >= threshold[signal.row]])
    return sum(alert.told >= FIRST_DAY for alert in alerts)


def smooth(totals: Counts) -> Counts:
    """The mean of the four weeks that end with each day, as the alerts have it."""
    sums = np.concatenate([[0.0], np.cumsum(totals)])
    row = np.arange(1, len(sums))
    before = np.maximum(row - LAG_DAYS, 0)
    return np.asarray((sums[row] - sums[before]) / (row - before))


def scan_late(
    generator: np.random.Generator, counts: Counts, expected: Counts, dispersion: Counts, grid: ScanGrid,
    threshold: Counts, fewest: int,
) -> list[Signal]:  # fmt: skip
    """Each day looked at with the records that had arrived by then."""
    day, place = (np.repeat(at, counts[np.nonzero(counts)].astype(int)) for at in np.nonzero(counts))
    late = generator.random(len(day)) < 0.5
    arrives = day + np.where(late, generator.geometric(1 / LATE_DAYS, len(day)), 0)
    signals: list[Signal] = []
    for row in range(WARM_UP_DAYS, len(counts)):
        start = row - LAG_DAYS
        seen = (day >= start) & (day <= row) & (arrives <= row)
        window = np.zeros((LAG_DAYS + 1, counts.shape[1]))
        np.add.at(window, (day[seen] - start, place[seen]), 1)
        part = slice(start, row + 1)
        found = find_signals(
            window, expected[part], dispersion[part], grid, threshold=threshold[part], first_row=LAG_DAYS,
            fewest_events=fewest,
        )  # fmt: skip
        signals += [Signal(row, one.span_days, one.places, one.count, one.expected, one.statistic) for one in found]
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
    "late reports": draw_poisson,
    "gaps": draw_gaps,
}

if __name__ == "__main__":
    sys.exit(main())
