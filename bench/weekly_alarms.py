"""How often noise gives an alarm by Farrington's flexible method: a check of the table of the weekly alerts.

`python -m bench.weekly_alarms [--weeks N] [--out FILE.json]`
The table is in `hexbeat.analysis.weekly_alerts`. For each mean a week, ratio of variance to mean, and years of history
it simulates independent weeks, each with its own history without trend or season. Exit code 1 if the table differs by
more than chance.
"""

import math
import sys
from typing import Final

import numpy as np

from bench.report import Row, build_parser, report
from geo.farrington import farrington_flexible
from hexbeat.analysis.weekly_alerts import ALPHA, MEANS, RATES, RATIOS, YEARS

EXTRA_WEEKS: Final = 10  # beyond whole years, as records have
MANY_ERRORS: Final = 4.0


def main() -> int:
    """Simulate, print, compare."""
    parser = build_parser(__doc__, size="weeks", default=1500)
    options = parser.parse_args()
    rows: list[Row] = []
    for years in YEARS:
        for ratio in RATIOS:
            for place, mean in enumerate(MEANS):
                share = simulate_alarm_share(mean, ratio, years, options.weeks)
                tabled = RATES[years, ratio][place] if (years, ratio) in RATES else math.nan
                row = {"years": years, "ratio": ratio, "mean": mean, "rings": share, "in the table": tabled}
                rows.append(row)
            print(f"{years} years, ratio {ratio:g} done", file=sys.stderr, flush=True)
    report({"alpha": ALPHA, "weeks": options.weeks}, rows, options=options)
    missed = [
        row
        for row in rows
        if abs(row["rings"] - row["in the table"]) > allow_difference(row["in the table"], options.weeks)
    ]
    for row in missed:
        print(f"the table is off: {row}", file=sys.stderr)
    return 1 if missed else 0


def simulate_alarm_share(mean: float, ratio: float, years: int, weeks: int) -> float:
    """The share of weeks of noise that give an alarm."""
    generator = np.random.default_rng([years, round(10 * ratio), round(1000 * mean)])
    shape = (52 * years + EXTRA_WEEKS, weeks)
    size = mean / (ratio - 1) if ratio > 1 else None
    noise = generator.poisson(mean, shape) if size is None else generator.negative_binomial(size, 1 / ratio, shape)
    return float(farrington_flexible(noise.astype(np.float64), last=1, alpha=ALPHA).alarm[-1].mean())


def allow_difference(rate: float, weeks: int) -> float:
    """The difference from the table that chance can explain; the table comes from such a run too."""
    return MANY_ERRORS * math.sqrt(2 * max(rate, 1 / weeks) / weeks)


if __name__ == "__main__":
    sys.exit(main())
