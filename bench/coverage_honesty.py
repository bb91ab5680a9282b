"""Do gaps, snapping or months without days lie? Records of a constant rate, in which nothing ever changes.

`python -m bench.coverage_honesty [--draws N] [--out FILE.json]`
For each kind of record it gives the share of answers with a rise or a fall (of the whole area, and of any ward), the
share of answers that say that nothing can be compared, and the share of hotspot maps with any hotspot. All with the
cells that Hexbeat chooses. Changes are called at 0.05, rises and falls together; hotspots at most at 0.05 of maps.
For records of a rate that differs from place to place it gives the back-test's headline: the claimed share, the share
that the weeks after it then brought (50 of them, so that their own chance is small), and how often that lay in the
headline's 95 % interval. Exit code 1 if figures miss their rates by more than three standard errors.
"""

import datetime as dt
import math
import sys
from collections import defaultdict
from typing import Final

import numpy as np

from bench.report import Row, build_parser, format_table, report
from bench.simulated_records import LAYER, Kind, Town, build_town, cut_columns, draw_columns
from geo.evaluation import prediction_accuracy
from hexbeat.analysis.backtest import Backtest, backtest
from hexbeat.analysis.change_map import FALL, RISE, build_change_map
from hexbeat.analysis.daily_counts import count_weeks
from hexbeat.analysis.forecast_methods import RANKS_ONLY, build_needed_kernel, forecast
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.method_comparison import DECIDING_SHARE
from hexbeat.analysis.method_selection import choose_hotspot_size
from hexbeat.analysis.snapped_points import count_point_weeks
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import load_area
from layers.columns import Columns
from layers.filters import Filter

FIRST: Final = dt.date(2024, 1, 1)
SPAN: Final = (FIRST, dt.date(2025, 7, 1))
NOW: Final = (dt.date(2025, 4, 1), SPAN[1])  # three months; those before, or a part of them, are missing
GAPS: Final = ((dt.date(2024, 5, 1), dt.date(2024, 6, 1)), (dt.date(2025, 1, 10), dt.date(2025, 3, 20)))
SHORT_GAP: Final = ((dt.date(2025, 1, 10), dt.date(2025, 2, 10)),)  # a third of the quarter before: rates are compared
WHOLE_MONTHS: Final = (GAPS[0], (dt.date(2025, 1, 1), dt.date(2025, 3, 1)))
KINDS: Final = (
    Kind("whole, exact"),
    Kind("gaps", missing=GAPS),
    Kind("a short gap", missing=SHORT_GAP),
    Kind("snapped", snapped=True),
    Kind("month only", month=True),
    Kind("gaps, snapped, month only", snapped=True, month=True, missing=WHOLE_MONTHS),
)
A_DAY: Final = 10.0
WEEKS: Final = (40, 80)  # of history
LATER_WEEKS: Final = 50
BACKTEST_SIZES: Final = (8, 9, 10)
LEVEL: Final = 0.05
NO_CLAIMS: Final = ("claimed", "realised", "too high", "too high se", "in interval", "in interval se")
MANY_ERRORS: Final = 3.0


def main() -> int:
    """Simulate, print, write; exit code 1 if a figure misses its rate."""
    parser = build_parser(__doc__, size="draws", default=150)
    parser.add_argument("--backtests", type=int, default=50, help="back-tests of each kind and length")
    parser.add_argument("--area", default="middlesbrough")
    options = parser.parse_args()
    area = load_area(options.area)
    town = build_town(area, np.random.default_rng(1), clustered=False)
    rows = []
    for kind in KINDS:
        rows.append(judge_kind(town, kind, options.draws))
        print(f"{kind.name} done", file=sys.stderr, flush=True)
    busy = build_town(area, np.random.default_rng(2), clustered=True)
    claims = [
        judge_claims(busy, kind, options.backtests, weeks=weeks)
        for kind in KINDS
        if not kind.missing
        for weeks in (WEEKS[:1] if kind.month else WEEKS)
    ]
    figures = {"area": options.area, "draws": options.draws, "backtests": options.backtests, "claims": claims}
    report(figures, rows, options=options)
    if options.format == "table":
        print(f"\n{format_table(claims)}")
    missed = find_missed(rows, claims)
    for text in missed:
        print(f"missed: {text}", file=sys.stderr)
    return 1 if missed else 0


def judge_kind(town: Town, kind: Kind, draws: int) -> Row:
    """How often records without change show one, and how often evenly spread events show a hotspot."""
    generator = np.random.default_rng(20241130)
    seen = defaultdict(list)
    for _ in range(draws):
        columns = draw_columns(town, generator, kind, span=SPAN, a_day=A_DAY)
        for name, answer in judge_draw(columns, town).items():
            seen[name].append(answer)
    row: Row = {"records": kind.name}
    for name, answers in seen.items():
        row |= add_error(name, np.array(answers, dtype=np.float64))
    return row


def judge_draw(columns: Columns, town: Town) -> dict[str, bool]:
    """Of one draw: whether the whole or any ward changed, whether nothing was compared, and whether a cell is hot."""
    chosen = Filter(layers=(LAYER,), start=NOW[0], end=NOW[1])
    size = choose_hotspot_size(columns, LAYER, None)
    study = load_study(town.area, (), size.resolution if size else 9)
    change = build_change_map(columns, chosen, study)
    heat = build_hotspot_map(columns, chosen, study, trend=False)
    return {
        "rise": bool((change.whole["change"] == RISE).any()),
        "fall": bool((change.whole["change"] == FALL).any()),
        "any ward": bool(change.wards["change"].isin([RISE, FALL]).any()),
        "not compared": not change.is_compared,
        "hotspot": bool((heat.rows["hotspot"] == "hot").any()),
    }


def judge_claims(town: Town, kind: Kind, draws: int, *, weeks: int) -> Row:
    """What back-tests claimed of the next week, against what the weeks after brought."""
    history, after = (FIRST, add_weeks(weeks)), (FIRST, add_weeks(weeks + LATER_WEEKS))
    claimed, realised, held = [], [], []
    for seed in range(draws):
        columns = draw_columns(town, np.random.default_rng([7, seed]), kind, span=after, a_day=A_DAY)
        tested = backtest(cut_columns(columns, history), town.area, LAYER, resolutions=BACKTEST_SIZES)
        if not tested.events:
            continue
        claimed.append(tested.verdict.hit_rate)
        realised.append(measure_realised(columns, town, tested, history_weeks=weeks))
        low, high = find_claimed_interval(tested)
        held.append(low <= realised[-1] <= high)
    row: Row = {"records": kind.name, "weeks": weeks, "claims": len(claimed)}
    if not claimed:
        return row | dict.fromkeys(NO_CLAIMS)
    return (
        row
        | {"claimed": float(np.mean(claimed)), "realised": float(np.mean(realised))}
        | add_error("too high", np.subtract(claimed, realised))
        | add_error("in interval", np.array(held, dtype=np.float64))
    )


def add_weeks(weeks: int) -> dt.date:
    """The day after so many weeks."""
    return FIRST + dt.timedelta(days=7 * weeks)


def find_claimed_interval(tested: Backtest) -> tuple[float, float]:
    """The 95 % interval of the headline."""
    rows, best = tested.rows, tested.verdict
    own = rows[(rows["method"] == best.method) & (rows["resolution"] == best.resolution)]
    row = own[own["area_share"] == DECIDING_SHARE].iloc[0]
    return float(row["hit_rate_low"]), float(row["hit_rate_high"])


def measure_realised(columns: Columns, town: Town, tested: Backtest, *, history_weeks: int) -> float:
    """The share of all later events that the winner, made once from the history, caught in the deciding share."""
    study = load_study(town.area, (), tested.verdict.resolution)
    weeks = count_weeks(columns, LAYER, study, tested_weeks=LATER_WEEKS, time_zone=town.area.time_zone)
    method, later = tested.verdict.method, weeks.counts[history_weeks:].sum(axis=0)
    history = weeks.counts[:history_weeks]
    scores = forecast(method, history, study, build_needed_kernel((method,), study, history))
    size, observed = study.area_km2, later
    if tested.precision.snapped:
        points = count_point_weeks(columns, LAYER, study, weeks, time_zone=town.area.time_zone)
        known = points.find_known(history_weeks)
        size = points.measure_sizes(history_weeks)
        caught = points.counts[history_weeks:].sum(axis=0)[known]
        observed = np.bincount(points.cell[known], weights=caught, minlength=len(study))
    some = size > 0
    predicted = scores * size if method in RANKS_ONLY else scores
    curve = prediction_accuracy(observed[some], predicted[some], size[some])
    share = np.concatenate([[0.0], curve["area_share"]])
    return float(np.interp(DECIDING_SHARE, share, np.concatenate([[0.0], curve["observed"].cumsum()])) / later.sum())


def add_error(name: str, values: np.ndarray) -> Row:
    """The mean of these values and its standard error."""
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
    return {name: float(values.mean()), f"{name} se": error}


def find_missed(rows: list[Row], claims: list[Row]) -> list[str]:
    """The figures that miss their rates by more than chance explains."""
    missed = [
        f"{row['records']}: {name} {row[name]:.3f}"
        for row in rows
        for name in ("rise", "fall", "any ward", "hotspot")
        if row[name] > LEVEL + MANY_ERRORS * max(row[f"{name} se"], 0.01)
    ]
    return missed + [
        f"{row['records']}: claimed {row['claimed']:.3f}, realised {row['realised']:.3f}"
        for row in claims
        if row["claims"] and row["too high"] > 0.02 + MANY_ERRORS * row["too high se"]  # picked on the same weeks
    ]


if __name__ == "__main__":
    sys.exit(main())
