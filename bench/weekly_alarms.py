"""How often noise rings by Farrington's flexible method: the table of `hexbeat.analysis.weekly_alerts`, by simulation.

`python -m bench.weekly_alarms [--weeks N] [--out FILE.json]`
For each mean a week, ratio of variance to mean, and years of history: so many independent weeks, each judged by a
history of its own without trend or season. Exit code 1 if the table is further off than chance would have it.
"""

import math
import sys
from typing import Final

import numpy as np

from bench.report import Row, parser_for, report
from geo.farrington import farrington_flexible
from hexbeat.analysis.weekly_alerts import ALPHA, MEANS, RATES, RATIOS, YEARS

EXTRA_WEEKS: Final = 10  # beyond whole years, as records have
MANY_ERRORS: Final = 4.0


def main() -> int:
    """Simulate, print, compare."""
    parser = parser_for(__doc__, size="weeks", default=1500)
    options = parser.parse_args()
    rows: list[Row] = []
    for years in YEARS:
        for ratio in RATIOS:
            for place, mean in enumerate(MEANS):
                found = share_that_rings(mean, ratio, years, options.weeks)
                held = RATES[years, ratio][place] if (years, ratio) in RATES else math.nan
                row = {"years": years, "ratio": ratio, "mean": mean, "rings": found, "in the table": held}
                rows.append(row)
            print(f"{years} years, ratio {ratio:g} done", file=sys.stderr, flush=True)
    report({"alpha": ALPHA, "weeks": options.weeks}, rows, options=options)
    off = [row for row in rows if abs(row["rings"] - row["in the table"]) > allowed(row["in the table"], options.weeks)]
    for row in off:
        print(f"the table is off: {row}", file=sys.stderr)
    return 1 if off else 0


def share_that_rings(mean: float, ratio: float, years: int, weeks: int) -> float:
    """The share of weeks of noise that ring."""
    generator = np.random.default_rng([years, round(10 * ratio), round(1000 * mean)])
    shape = (52 * years + EXTRA_WEEKS, weeks)
    size = mean / (ratio - 1) if ratio > 1 else None
    noise = generator.poisson(mean, shape) if size is None else generator.negative_binomial(size, 1 / ratio, shape)
    return float(farrington_flexible(noise.astype(np.float64), last=1, alpha=ALPHA).alarm[-1].mean())


def allowed(rate: float, weeks: int) -> float:
    """How far chance may take this run from the table, which is of such a run itself."""
    return MANY_ERRORS * math.sqrt(2 * max(rate, 1 / weeks) / weeks)


if __name__ == "__main__":
    sys.exit(main())
