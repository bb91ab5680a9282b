"""How often chance raises an alert: years of noise on the real grid, looked at day after day, as the alerts do.

`python -m bench.alert_rates [--years N] [--area A] [--out FILE.json] [--levels FILE.json]`
For each number of events a day: how many alerts so many years of Poisson noise raise above each threshold, and the
levels that `smooth_levels` draws from these counts; `--out` keeps both (bench/results/alert_rates.json). `--levels`
writes the table that the alerts read (hexbeat/analysis/alert_levels.json). Exit code 1 if a level of this run differs
from the table by more than chance can explain. `--area` of another area says whether the table, which is of
Middlesbrough's cells, holds there: alerts a year at the thresholds that it promises.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.sparse import csr_array
from scipy.stats import chi2

from bench.report import Row, build_parser, report
from geo.dispersion import Dispersion, estimate_area_dispersion, estimate_dispersion
from geo.prospective_scan import (
    HISTORY_DAYS,
    LAG_DAYS,
    ScanGrid,
    Signal,
    build_scan_grid,
    estimate_expected,
    find_signals,
    follow_signals,
)
from hexbeat.analysis.alert_rates import (
    ALERTS_A_YEAR,
    AREA_ALERTS_A_YEAR,
    AREA_LEVELS,
    EVENTS_A_DAY,
    TABLE,
    find_threshold,
)
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import load_area
from hexbeat.areas.places_mask import read_places_mask

WARM_UP_DAYS: Final = HISTORY_DAYS + LAG_DAYS
YEARS_AT_ONCE: Final = 5
AREA: Final = "middlesbrough"  # of the table
LAST: Final = 30.0
THRESHOLDS: Final = tuple(np.arange(6.0, LAST, 0.2).round(1).tolist())
AREA_THRESHOLDS: Final = tuple(np.arange(2.0, LAST, 0.2).round(1).tolist())
AREA_TIMES: Final = 5  # years of the whole area as one place for each of the cells
FITTED: Final = 6.0  # alerts a year: the curve is fitted to no more
FEWEST_FITTED: Final = 3
CHECKED: Final = (0.3, 1.0, 10.0)  # events a day, in other areas
MOST_DIFFERENCE: Final = 0.6  # of a level: a factor of 1.5 in the alerts a year


def main() -> int:
    """Simulate, print, compare."""
    parser = build_parser(__doc__, size="years", default=100)
    parser.add_argument("--area", default=AREA)
    parser.add_argument("--levels", type=Path, help="write the table of the alerts there")
    options = parser.parse_args()
    grid, share = load_grid(options.area)
    figures: dict[str, Any] = {"years": options.years, "area": options.area, "places": len(grid)}
    if options.area != AREA:
        rows = [check_table(grid, share, fewest, events, options.years) for fewest in (2, 3) for events in CHECKED]
        report(figures, rows, options=options)
        return int(any(row["from"] > row["promised"] for row in rows))
    counts = {
        fewest: {events: simulate_alerts(grid, share, events, options.years, fewest=fewest) for events in EVENTS_A_DAY}
        for fewest in (2, 3)
    }
    alone = ScanGrid(*(csr_array(np.ones((1, 1))) for _ in range(3)))
    of_area = {
        events: simulate_alerts(
            alone, np.ones(1), events, AREA_TIMES * options.years, fewest=2, thresholds=AREA_THRESHOLDS
        )
        for events in EVENTS_A_DAY
    }
    rows = [*list_rows(counts, options.years), *list_area_rows(of_area, AREA_TIMES * options.years)]
    alert_counts = {str(fewest): {str(events): own for events, own in of.items()} for fewest, of in counts.items()}
    alert_counts["area"] = {str(events): own for events, own in of_area.items()}
    figures |= {"events a day": EVENTS_A_DAY, "alerts": alert_counts}
    report(figures, rows, options=options)
    if options.levels:
        options.levels.write_text(format_levels(figures), encoding="utf-8")
    return int(any(abs(row["statistic"] - row["in the table"]) > MOST_DIFFERENCE for row in rows))


def format_levels(figures: Mapping[str, Any]) -> str:
    """The table that the alerts read, as JSON, from the counts of a run."""
    years, alert_counts = figures["years"], figures["alerts"]
    by_fewest = {fewest: smooth_levels(alert_counts[fewest], years, ALERTS_A_YEAR) for fewest in ("2", "3")}
    lines = {
        "area": figures["area"],
        "places": figures["places"],
        "years": years,
        "alerts_a_year": ALERTS_A_YEAR,
        "events_a_day": EVENTS_A_DAY,
        "levels": by_fewest,
        "area_alerts_a_year": AREA_ALERTS_A_YEAR,
        "area_levels": smooth_area_levels(alert_counts["area"], AREA_TIMES * years),
    }
    return json.dumps(lines, indent=1) + "\n"


def list_rows(counts: dict[int, dict[float, dict[str, int]]], years: int) -> list[Row]:
    """The levels of each number of events a day beside those of the table."""
    rows: list[Row] = []
    for fewest, of in counts.items():
        levels = smooth_levels(of, years, ALERTS_A_YEAR)
        for events, own, table in zip(of, levels, TABLE[fewest], strict=True):
            rows += [
                {"fewest": fewest, "events a day": events, "alerts a year": rate, "statistic": level, "in the table": t}
                for rate, level, t in zip(ALERTS_A_YEAR, own, table, strict=True)
            ]
    return rows


def list_area_rows(counts: dict[float, dict[str, int]], years: int) -> list[Row]:
    """The same for the whole area as one place: the number of events a day hardly matters, so all are one."""
    levels = smooth_area_levels(counts, years)
    return [
        {"fewest": "area", "events a day": "any", "alerts a year": rate, "statistic": level, "in the table": table}
        for rate, level, table in zip(AREA_ALERTS_A_YEAR, levels, AREA_LEVELS, strict=True)
    ]


def smooth_area_levels(counts: Mapping[Any, Mapping[str, int]], years: int) -> tuple[float, ...]:
    """The statistic that chance reaches each of AREA_ALERTS_A_YEAR times, whatever the events a day."""
    total = {threshold: sum(own[threshold] for own in counts.values()) for threshold in next(iter(counts.values()))}
    (levels,) = smooth_levels({0.0: total}, years * len(counts), AREA_ALERTS_A_YEAR)
    return levels


def check_table(grid: ScanGrid, share: NDArray[np.float64], fewest: int, events: float, years: int) -> Row:
    """Alerts a year of noise in another area, at the threshold that the table promises one for."""
    level = float(find_threshold(1.0, events_a_day=events, places=len(grid), fewest=fewest))
    (alerts,) = simulate_alerts(grid, share, events, years, fewest=fewest, thresholds=(level,)).values()
    low, high = find_interval(alerts)
    return {"fewest": fewest, "events a day": events, "statistic": level, "promised": 1.0, "a year": alerts / years,
            "from": low / years, "to": high / years}  # fmt: skip


def find_interval(count: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson mean."""
    return (float(chi2.ppf(0.025, 2 * count) / 2) if count else 0.0, float(chi2.ppf(0.975, 2 * count + 2) / 2))


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


def simulate_alerts(
    grid: ScanGrid, share: NDArray[np.float64], events: float, years: int, *, fewest: int,
    thresholds: Sequence[float] = THRESHOLDS,
) -> dict[str, int]:  # fmt: skip
    """Alerts raised in so many years of Poisson noise, by threshold (as text, as JSON has it)."""
    alerts = {f"{threshold:g}": 0 for threshold in thresholds}
    for part in range(-(-years // YEARS_AT_ONCE)):
        generator = np.random.default_rng([part, round(1000 * events)])
        days = WARM_UP_DAYS + YEARS_AT_ONCE * 365
        counts = generator.poisson(events * share, (days, len(share))).astype(np.float64)
        signals = scan_noise(counts, np.ones(days, dtype=np.bool_), grid, fewest=fewest, least=min(thresholds))
        for name, threshold in zip(alerts, thresholds, strict=True):
            number = len(follow_signals(signals, threshold=threshold))
            alerts[name] += number
            if not number:
                break
    print(f"fewest {fewest}, {len(share)} places, {events:g} a day: done", file=sys.stderr, flush=True)
    return alerts


def scan_noise(
    counts: NDArray[np.float64], known: NDArray[np.bool_], grid: ScanGrid, *, fewest: int, least: float
) -> list[Signal]:
    """The signals after the first year, exactly as the alerts find them."""
    expected = estimate_expected(counts, known, grid)
    dispersion = (
        estimate_dispersion(counts, expected, grid.near)
        if len(grid) > 1
        else estimate_area_dispersion(counts, expected, Dispersion.of_chance(len(counts)))
    )
    return find_signals(
        counts, expected, dispersion, grid, threshold=least, first_row=WARM_UP_DAYS, fewest_events=fewest
    )


def smooth_levels(
    counts: Mapping[Any, Mapping[str, int]], years: int, wanted: Sequence[float]
) -> list[tuple[float, ...]]:
    """The statistic that chance reaches each of the `wanted` times a year, for each number of events a day.

    `counts`: for each number of events a day the alerts above each threshold in `years` years. The logarithm of the
    alerts a year is a quadratic of the threshold, fitted by least squares with the number of alerts as weights, where
    there are FITTED of them a year or fewer and at least FEWEST_FITTED in all. Over the events a day no level falls
    (pools of adjacent violators). To one decimal.
    """
    fitted = np.array([_fit_levels(of, years, wanted) for of in counts.values()])
    rising = np.stack([isotonic_regression(column).x for column in fitted.T], axis=1)
    return [tuple(round(float(level), 1) for level in row) for row in rising]


def _fit_levels(counts: Mapping[str, int], years: int, wanted: Sequence[float]) -> list[float]:
    threshold, number = np.array([float(name) for name in counts]), np.array(list(counts.values()))
    top = int(number.argmax())  # lower ones run together
    used = (np.arange(len(number)) >= top) & (number >= FEWEST_FITTED) & (number <= FITTED * years)
    curve = np.polynomial.Polynomial.fit(threshold[used], np.log(number[used] / years), 2, w=np.sqrt(number[used]))
    fine = np.arange(threshold[top], LAST, 0.01)
    log_rate = np.minimum.accumulate(curve(fine))
    return [float(np.interp(-np.log(rate), -log_rate, fine)) for rate in wanted]


if __name__ == "__main__":
    sys.exit(main())
