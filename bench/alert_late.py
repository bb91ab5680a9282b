"""Days to the first alert where records come late: planted outbreaks of overdoses, and half of the records days after.

`python -m bench.alert_late [--years N] [--rates R ...] [--out FILE.json]`
The outbreaks of `bench.alert_delay` in a few cells, and the late records of `bench.alert_noise`: half of the records
come on their day, the others three days later on average. Each day is looked at with what had arrived, at the threshold
of the alerts (0.9 a year by chance): records that are all prompt; late ones that are taken as whole; and late ones that
are allowed for, as the alerts do. Exit code 1 if allowing for them does not bring alerts earlier.
"""

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.alert_delay import FARRINGTON_DAYS, FEWEST, RATES, Outbreak, Town, plant, summarise
from bench.alert_noise import LATE_DAYS, Late
from bench.report import Row, build_parser, report
from geo.prospective_scan import CLOSE_DAYS, LAG_DAYS, find_signals
from hexbeat.analysis.alert_rates import AREA_SHARE
from hexbeat.analysis.stream_scan import StreamScan, build_stream_scan

WAYS: Final = ("prompt", "late, taken as whole", "late, allowed for")


def main() -> int:
    """Simulate, print, compare."""
    parser = build_parser(__doc__, size="years", default=5)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="events a day (default: all)")
    options = parser.parse_args()
    town = Town()
    rows: list[Row] = []
    for rate in options.rates:
        delays = simulate(town, rate, options.years)
        rows += [{"events a day": rate, "records": way, **summarise(delays[way])} for way in WAYS]
        print(*rows[-3:], sep="\n", file=sys.stderr, flush=True)
    report({"years": options.years, "places": len(town.grid)}, rows, options=options)
    days = {way: float(np.mean([row["days"] for row in rows if row["records"] == way])) for way in WAYS}
    return int(days[WAYS[2]] >= days[WAYS[1]])


def simulate(town: Town, rate: float, years: int) -> dict[str, list[tuple[bool, int]]]:
    """For each way whether each outbreak was found, and the days to the first alert."""
    generator = np.random.default_rng(round(100 * rate))
    days = FARRINGTON_DAYS + years * 365
    noise = generator.poisson(rate * town.share, (days, len(town.share))).astype(np.float64)
    outbreaks = plant(town, generator, days)
    scan = build_stream_scan(noise, np.ones(days, dtype=np.bool_), town.grid, budget=1 - AREA_SHARE, fewest=FEWEST)
    signals, threshold = scan.learn(FARRINGTON_DAYS - 2 * 365)
    alert_rows = {signal.row for signal in signals if signal.statistic >= threshold[signal.row]}
    dispersion = scan.estimate_dispersion()
    late, delays = Late(generator, noise), {way: list[tuple[bool, int]]() for way in WAYS}
    for outbreak in outbreaks:
        is_late = generator.random(len(outbreak.day)) < 0.5
        planted_late = np.where(is_late, generator.geometric(1 / LATE_DAYS, len(outbreak.day)), 0)
        if alert_rows.isdisjoint(range(outbreak.start - CLOSE_DAYS, outbreak.start)):
            for way in WAYS:
                delays[way].append(find_delay(scan, threshold, late, outbreak, planted_late, way, dispersion))
    return delays


def find_delay(
    scan: StreamScan,
    threshold: NDArray[np.float64],
    late: Late,
    outbreak: Outbreak,
    planted_late: NDArray[np.int64],
    way: str,
    dispersion: NDArray[np.float64],
) -> tuple[bool, int]:
    """Whether an outbreak raises an alert before it counts as missed, and the days until then."""
    near = (late.day >= outbreak.start - LAG_DAYS) & (late.day < outbreak.end)
    day, place = np.append(late.day[near], outbreak.day), np.append(late.place[near], outbreak.place)
    arrives = day if way == WAYS[0] else np.append(late.arrives[near], outbreak.day + planted_late)
    for row in range(outbreak.start, outbreak.end):
        part = slice(row - LAG_DAYS, row + 1)
        has_arrived = (arrives <= row) & (day >= part.start) & (day <= row)
        window = np.zeros((LAG_DAYS + 1, scan.counts.shape[1]))
        np.add.at(window, (day[has_arrived] - part.start, place[has_arrived]), 1)
        expected = scan.expected[part] * (late.arrived[:, None] if way == WAYS[2] else 1.0)
        if find_signals(
            window, expected, dispersion[part], scan.grid, threshold=threshold[part], first_row=LAG_DAYS,
            fewest_events=FEWEST,
        ):  # fmt: skip
            return True, row - outbreak.start
    return False, outbreak.end - outbreak.start


if __name__ == "__main__":
    sys.exit(main())
