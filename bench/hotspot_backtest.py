"""How much of the next week, or month, lies in what is called hot: the rule, Gi* and the fullest cells, side by side.

`python -m bench.hotspot_backtest [--weeks N] [--months FOLDER] [--out FILE.json]`
Rolling origin on demonstration events of Middlesbrough, cells of 350 m: each of the last weeks is judged by the 28 days
before it. With `--months`, also the real months of police.uk files in a folder (street dealing: reports and searches
for drugs): each month from the seventh on by the six before it. All three choose as many cells as the rule calls hot.
Shares of all events of the weeks (months), with the 95 % percentile bootstrap over them. Exit code 1 if Gi*'s cells
hold clearly more than the rule's.
"""

import datetime as dt
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import Row, build_parser, report
from geo.calendar import add_months
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.study import load_study
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from layers.event import NOT_SWEPT
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough
from tests.support.input_files import ingest

DAYS: Final = 28
MONTHS: Final = 6
RESAMPLES: Final = 4000
LAYERS: Final = ("needle_litter", "street_dealing", "overdoses")
RULES: Final = ("the rule", "Gi*", "fullest cells")
Period = tuple[dt.date, dt.date]


def main() -> int:
    """Judge, print, compare."""
    parser = build_parser(__doc__, size="weeks", default=26)
    parser.add_argument("--months", type=Path, help="a folder with police.uk's files of a year")
    options = parser.parse_args()
    columns, _ = demonstration()
    weeks = [TODAY - dt.timedelta(days=7 * back) for back in range(options.weeks, 0, -1)]
    tests = [((start - dt.timedelta(days=DAYS), start), (start, start + dt.timedelta(days=7))) for start in weeks]
    rows = [build_row("demonstration", layer, judge(columns, layer, tests)) for layer in LAYERS]
    if options.months:
        rows.append(build_row("real months", "street_dealing", judge_months(options.months)))
    report({"weeks": options.weeks, "days": DAYS, "months": MONTHS}, rows, options=options)
    return int(any(row["less Gi* to"] < 0 for row in rows))


def judge(columns: Columns, layer: str, tests: Sequence[tuple[Period, Period]]) -> NDArray[np.float64]:
    """For each test: events of the time after, those in the cells of each of RULES, and how many cells; (tests, 5)."""
    lines = []
    for past, future in tests:
        before = build_map(columns, layer, past)
        after = build_map(columns, layer, future)["count"].to_numpy(dtype=np.float64)
        hot = (before["hotspot"] == "hot").to_numpy()
        scores = (hot.astype(np.float64), before["gi_z"].to_numpy(), before["count"].to_numpy(dtype=np.float64))
        cells_by_rule = [np.argsort(-score, kind="stable")[: int(hot.sum())] for score in scores]
        lines.append([after.sum(), *(after[cells].sum() for cells in cells_by_rule), hot.sum()])
    return np.array(lines, dtype=np.float64)


def build_map(columns: Columns, layer: str, period: Period) -> pd.DataFrame:
    """The rows of the hotspot map of a period."""
    chosen = Filter(layers=(layer,), start=period[0], end=period[1], reported_by=NOT_SWEPT)
    return build_hotspot_map(columns, chosen, load_study(middlesbrough()), trend=False).rows


def judge_months(folder: Path) -> NDArray[np.float64]:
    """The months of a folder from the seventh on, each by the six before it."""
    files = {kind: sorted(folder.glob(f"2024-*-{kind}.csv")) for kind in ("street", "stop-and-search")}
    area = middlesbrough()
    with tempfile.TemporaryDirectory() as home, Store.open(Path(home)) as store:
        ingest(store, *files["street"], source="police-uk-street", area=area)
        ingest(store, *files["stop-and-search"], source="police-uk-stop-search", area=area)
        columns = read_columns(store, ANALYST, ward_codes=area.wards.codes)
    starts = [dt.date(2024, month, 1) for month in range(1 + MONTHS, 13)]
    tests = [((add_months(start, -MONTHS), start), (start, add_months(start, 1))) for start in starts]
    return judge(columns, "street_dealing", tests)


def build_row(records: str, layer: str, table: NDArray[np.float64]) -> Row:
    """Shares with their intervals, and the lead of the rule."""
    generator = np.random.default_rng(1)
    draws = generator.multinomial(len(table), np.full(len(table), 1 / len(table)), size=RESAMPLES) @ table
    row: Row = {"records": records, "layer": layer, "tests": len(table), "cells": float(table[:, 4].mean())}
    for place, name in enumerate(RULES, start=1):
        row |= summarise(name, table[:, place], table, draws[:, place] / draws[:, 0])
    for place, name in enumerate(RULES[1:], start=2):
        lead = (draws[:, 1] - draws[:, place]) / draws[:, 0]
        row |= summarise(f"less {name}", table[:, 1] - table[:, place], table, lead)
    return row


def summarise(name: str, hits: NDArray[np.float64], table: NDArray[np.float64], resampled: NDArray[np.float64]) -> Row:
    """A share of all events with its interval."""
    low, high = np.quantile(resampled, (0.025, 0.975)).tolist()
    return {name: float(hits.sum() / table[:, 0].sum()), f"{name} from": low, f"{name} to": high}


if __name__ == "__main__":
    sys.exit(main())
