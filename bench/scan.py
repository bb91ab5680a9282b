"""The space-time permutation scan: its time, beside that of the original program on sets of the same size.

`python -m bench.scan [--events N] [--out FILE.json]`. Made-up events of a year over 670 places, 999 replications, by
default 2,200 events; then the same by weekday. CPU time on one core. The original's times are of SaTScan 10.3.2 on two
cores of the same kind, 2,123 to 2,166 events over 589 places, wall clock; they are not measured here.
"""

import statistics
import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.report import Row, build_parser, choose_exit_code, measure_cpu, report
from geo.scan import space_time_permutation

REQUIRED_S: Final = 2.0
ORIGINAL_S: Final = {"a year": 5.9, "a year, by weekday": 4.6}  # mean of runs a and b; run d
EVENTS: Final = 2_200  # where the requirement holds
PLACES: Final = 670
DAYS: Final = 365
FIRST_DAY: Final = 20_089  # 1 January 2025
STEP_M: Final = 330.0  # between neighbouring places: cells of resolution 9


def main() -> int:
    """Print the times; exit code 1 if the planted cluster is not the first, or a year takes longer than required."""
    options = build_parser(__doc__, size="events", default=EVENTS).parse_args()
    rows = [
        time_scan("a year", options.events, options.rounds),
        time_scan("a year, by weekday", options.events, options.rounds, by_weekday=True),
    ]
    seconds = rows[0]["Hexbeat_s"]
    report({"asked_s": REQUIRED_S, "events": options.events, "places": PLACES}, rows, options=options)
    return choose_exit_code(REQUIRED_S / seconds, 1.0, judged=options.events >= EVENTS)


def time_scan(what: str, events: int, rounds: int, *, by_weekday: bool = False) -> Row:
    """CPU seconds of one scan, the median of rounds, and how many times the original takes."""
    place, day, lon, lat, planted = make_events(events)

    def scan() -> int:
        clusters = space_time_permutation(
            place,
            day,
            lon,
            lat,
            first_day=FIRST_DAY,
            last_day=FIRST_DAY + DAYS - 1,
            by_weekday=by_weekday,
            seed=1,
        )
        assert planted in clusters[0].places, "the planted cluster is not the first"
        return len(clusters)

    seconds = statistics.median(measure_cpu(scan)[0] for _ in range(rounds))
    times = ORIGINAL_S[what] / seconds
    return {"what": what, "events": len(day), "Hexbeat_s": seconds, "original_s": ORIGINAL_S[what], "times": times}


def make_events(
    events: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], int]:
    """Events of an uneven town of 670 places in a hexagonal grid, nine of them planted at a place in the last days."""
    generator = np.random.default_rng(1)
    row, column = np.divmod(np.arange(PLACES), 26)
    north_m, east_m = row * STEP_M * np.sqrt(3) / 2, (column + row % 2 / 2) * STEP_M
    lat = 54.5 + north_m / 111_200
    lon = -1.3 + east_m / (111_200 * np.cos(np.radians(54.5)))
    weight = np.exp(-((north_m - 4000) ** 2 + (east_m - 4000) ** 2) / 2 / 2500**2) + 0.1
    planted = 200
    place = generator.choice(PLACES, events - 9, p=weight / weight.sum())
    day = generator.integers(0, DAYS, events - 9)
    late = DAYS - 1 - np.arange(9) % 5
    return np.append(place, np.full(9, planted)), FIRST_DAY + np.append(day, late), lon, lat, planted


if __name__ == "__main__":
    sys.exit(main())
