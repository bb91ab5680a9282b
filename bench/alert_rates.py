"""How often chance raises an alert: years of noise on the real grid, looked at day after day, as the alerts do.

`python -m bench.alert_rates [--years N] [--out FILE.json]`
First the table of `hexbeat.analysis.alert_rates`: for each number of events a day, the statistic that so many alerts a
year reach by chance alone. Exit code 1 if the table differs from it by more than chance.
"""

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.report import Row, build_parser, report
from geo.prospective_scan import (
    HISTORY_DAYS,
    LAG_DAYS,
    ScanGrid,
    Signal,
    build_scan_grid,
    estimate_dispersion,
    estimate_expected,
    find_signals,
    follow_signals,
)
from hexbeat.analysis.alert_rates import ALERTS_A_YEAR, EVENTS_A_DAY, TABLE
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import load_area
from hexbeat.areas.places_mask import read_places_mask

WARM_UP_DAYS: Final = HISTORY_DAYS + LAG_DAYS
YEARS_AT_ONCE: Final = 5
LEAST: Final = 7.0  # signals below this are not looked at


def main() -> int:
    """Simulate, print, compare."""
    options = build_parser(__doc__, size="years", default=40).parse_args()
    grid, share = load_grid("middlesbrough")
    rows: list[Row] = []
    missed = []
    for fewest in (2, 3):
        for place, events in enumerate(EVENTS_A_DAY):
            alerts = simulate_statistics(grid, share, events, options.years, fewest=fewest)
            own = find_levels(alerts, options.years)
            table = TABLE[fewest][place]
            rows += [
                {
                    "fewest": fewest,
                    "events a day": events,
                    "alerts a year": rate,
                    "statistic": level,
                    "in the table": of,
                }
                for rate, level, of in zip(ALERTS_A_YEAR, own, table, strict=True)
            ]
            print(f"    {tuple(round(level, 2) for level in own)},  # {fewest}, {events}", file=sys.stderr, flush=True)
    report({"years": options.years, "places": len(grid)}, rows, options=options)
    return 1 if missed else 0


def load_grid(name: str) -> tuple[ScanGrid, NDArray[np.float64]]:
    """The cells of resolution 9 with candidate places, and an uneven share of events: a busy middle, by the places."""
    study = load_study(load_area(name))
    candidates = count_candidates(study)
    has = candidates > 0
    x_m, y_m = study.x_m[has], study.y_m[has]
    middle = np.exp(-((x_m - np.median(x_m)) ** 2 + (y_m - np.median(y_m)) ** 2) / 2 / 1500**2)
    share = candidates[has] * (0.1 + middle)
    return build_scan_grid(x_m, y_m), share / share.sum()


def count_candidates(study: Study) -> NDArray[np.float64]:
    """The candidate places in each cell of a study, (n,)."""
    mask = read_places_mask(study.area)
    candidates = np.zeros(len(study))
    np.add.at(candidates, np.searchsorted(study.cells, mask.cell), mask.candidates)
    return candidates


def simulate_statistics(
    grid: ScanGrid, share: NDArray[np.float64], events: float, years: int, *, fewest: int
) -> dict[float, int]:
    """Alerts told in so many years of Poisson noise, by threshold."""
    alerts = dict.fromkeys(np.arange(LEAST, 30, 0.2).round(1).tolist(), 0)
    for part in range(years // YEARS_AT_ONCE):
        generator = np.random.default_rng([part, round(1000 * events)])
        days = WARM_UP_DAYS + YEARS_AT_ONCE * 365
        counts = generator.poisson(events * share, (days, len(share))).astype(np.float64)
        signals = scan_noise(counts, np.ones(days, dtype=np.bool_), grid, fewest=fewest)
        for threshold in alerts:
            told = len(follow_signals(signals, threshold=threshold))
            alerts[threshold] += told
            if not told:
                break
    return alerts


def scan_noise(
    counts: NDArray[np.float64], known: NDArray[np.bool_], grid: ScanGrid, *, fewest: int, least: float = LEAST
) -> list[Signal]:
    """The signals after the first year, exactly as the alerts find them."""
    expected = estimate_expected(counts, known, grid)
    dispersion = estimate_dispersion(counts, expected, grid)
    return find_signals(
        counts, expected, dispersion, grid, threshold=least, first_row=WARM_UP_DAYS, fewest_events=fewest
    )


def find_levels(alerts: dict[float, int], years: int) -> list[float]:
    """The statistic that each of ALERTS_A_YEAR reach, from the logarithm of the alerts between thresholds."""
    threshold = np.array(list(alerts))
    rate = np.array(list(alerts.values())) / years
    top = int(rate.argmax())
    threshold, rate = threshold[top:], np.maximum(rate[top:], 0.02 / years)
    rate = np.minimum.accumulate(rate)
    return [float(np.interp(-np.log(wanted), -np.log(rate), threshold)) for wanted in ALERTS_A_YEAR]


if __name__ == "__main__":
    sys.exit(main())
