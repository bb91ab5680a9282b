"""One change of the filter: from a million events and a filter to counts by cell.

`python -m bench.filter_change [--events N]`. `count` on columns against a pandas boolean mask and groupby on the same
events. For pandas the hour and weekday are computed before, and layer and ward are categories. CPU time in one process,
in turns; the results must be equal. All events are instants, because pandas has no shares of intervals.
"""

import datetime as dt
import statistics
import sys
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from bench.report import Row, build_parser, choose_exit_code, measure_cpu, report
from geo.calendar import Calendar
from geo.cells import format_cells, index_points_at
from geo.counts import number_distinct
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.counting import Filter, count
from layers.event import REPORTERS, RESOLUTIONS

REQUIRED: Final = 5.0
SMALL: Final = 500_000  # events; with fewer, fixed costs weigh too much to judge
WARDS: Final = tuple(f"E05{number:06d}" for number in range(20))
LONDON: Final = Calendar("Europe/London")
LAST: Final = dt.date(2025, 1, 1)
QUESTIONS: Final = {
    "28 days, two wards, dealing, night": Filter(
        start=dt.date(2024, 12, 4), end=LAST, wards=WARDS[3:5], layers=("street_dealing",), hours=(22, 4)
    ),
    "a quarter, four wards, needles, evening": Filter(
        start=dt.date(2024, 10, 1), end=LAST, wards=WARDS[:4], layers=("needle_litter",), hours=(17, 23)
    ),
    "a year, two layers, weekend nights": Filter(
        start=dt.date(2024, 1, 1), end=LAST, layers=("street_dealing", "overdoses"), hours=(22, 4),
        days=frozenset({4, 5}),
    ),
    "three years, one ward": Filter(wards=WARDS[7:8]),
}  # fmt: skip


def main() -> int:
    """Print both times; exit code 1 if the ratio misses the requirement."""
    options = build_parser(__doc__, size="events", default=1_000_000).parse_args()
    columns = make_columns(options.events)
    frame = build_frame(columns)
    rows: list[Row] = []
    for name, chosen in QUESTIONS.items():
        theirs_s, ours_s = [], []
        for _ in range(options.rounds):
            seconds, theirs = measure_cpu(partial(count_by_pandas, frame, chosen))
            theirs_s.append(seconds)
            seconds, counts = measure_cpu(partial(count, columns, chosen))
            ours_s.append(seconds)
            pd.testing.assert_frame_equal(counts.rows, theirs)
        plain, quick = statistics.median(theirs_s), statistics.median(ours_s)
        rows.append(
            {"question": name, "cells": len(theirs), "pandas_ms": plain * 1e3, "hexbeat_ms": quick * 1e3,
             "times": plain / quick}
        )  # fmt: skip
    ratio = sum(row["pandas_ms"] for row in rows) / sum(row["hexbeat_ms"] for row in rows)
    figures = {"events": options.events, "ratio": ratio, "equal": True, "asked": REQUIRED}
    report(figures, rows, options=options)
    return choose_exit_code(ratio, REQUIRED, judged=options.events >= SMALL)


def make_columns(events: int) -> Columns:
    """Seeded instants over three years, as dense in some places as real events."""
    random = np.random.default_rng(7)
    low, high = LONDON.day_start(dt.date(2022, 1, 1)), LONDON.day_start(LAST)
    start = np.sort(random.integers(low, high, events))
    lon, lat = random.normal((-1.23, 54.565), (0.035, 0.022), (events, 2)).T
    coded = {r: number_distinct(cells) for r, cells in index_points_at(lon, lat, resolutions=RESOLUTIONS).items()}
    return Columns(
        version=1,
        row_id=np.arange(events),
        layer=random.integers(0, 3, events).astype(np.uint8),
        start=start,
        end=start,
        precision=np.zeros(events, dtype=np.uint8),
        quantity=np.ones(events, dtype=np.int32),
        reported_by=random.integers(0, len(REPORTERS), events).astype(np.uint8),
        category=np.zeros(events, dtype=np.int32),
        categories=("",),
        ward=random.integers(0, len(WARDS), events).astype(np.int16),
        ward_codes=WARDS,
        lon=lon,
        lat=lat,
        source=np.zeros(events, dtype=np.int16),
        sources=("bench",),
        location=np.zeros(events, dtype=np.uint8),
        location_m=np.zeros(events, dtype=np.float32),
        cell={r: code.astype(np.int32) for r, (code, _) in coded.items()},
        cell_ids={r: ids for r, (_, ids) in coded.items()},
        demonstration=np.zeros(events, dtype=np.bool_),
    )


def build_frame(columns: Columns) -> pd.DataFrame:
    """The same events as an analyst's table: cells as names, local time, weekday and hour."""
    hours = LONDON.week_hours(columns.start)
    return pd.DataFrame(
        {
            "cell": pd.Categorical.from_codes(columns.cell[9], format_cells(columns.cell_ids[9])),
            "ward_code": pd.Categorical.from_codes(columns.ward, columns.ward_codes),
            "layer": pd.Categorical.from_codes(columns.layer, LAYER_NAMES),
            "time": pd.to_datetime(columns.start, unit="s", utc=True).tz_convert("Europe/London"),
            "weekday": (hours // 24).astype(np.int8),
            "hour": (hours % 24).astype(np.int8),
        }
    )


def count_by_pandas(frame: pd.DataFrame, chosen: Filter) -> pd.DataFrame:
    """A boolean mask for each part of the filter that is set, and groupby."""
    mask = pd.Series(data=True, index=frame.index)
    if chosen.start:
        mask &= frame["time"] >= pd.Timestamp(chosen.start, tz="Europe/London")
    if chosen.end:
        mask &= frame["time"] < pd.Timestamp(chosen.end, tz="Europe/London")
    if chosen.wards:
        mask &= frame["ward_code"].isin(chosen.wards)
    if chosen.layers:
        mask &= frame["layer"].isin(chosen.layers)
    if chosen.hours:
        mask &= find_in_hours(frame, *chosen.hours, chosen.days or frozenset(range(7)))
    grouped = frame[mask].groupby("cell", as_index=False, observed=True).size()
    named = grouped.rename(columns={"size": "count"}).astype({"cell": str, "count": float})
    return named.sort_values("cell", ignore_index=True)


def find_in_hours(frame: pd.DataFrame, first: int, last: int, days: frozenset[int]) -> pd.Series:
    """Hours on some weekdays; a night belongs to the day on which it begins."""
    if first < last:
        return frame["weekday"].isin(days) & (frame["hour"] >= first) & (frame["hour"] < last)
    after = frozenset((day + 1) % 7 for day in days)
    return (frame["weekday"].isin(days) & (frame["hour"] >= first)) | (
        frame["weekday"].isin(after) & (frame["hour"] < last)
    )


if __name__ == "__main__":
    sys.exit(main())
