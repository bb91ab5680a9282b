"""One change of the filter: from a million events and a filter to counts by cell.

`python -m bench.filter_change [--events N]`. `count` on columns against a pandas boolean mask and groupby on the same
events, and against polars and DuckDB on one thread each where they are installed (they are no dependencies). For all
three the hour and weekday are computed before, and layer and ward are categories. CPU time in one process, in turns;
the results must be equal. All events are instants, because the others have no shares of intervals.
"""

import datetime as dt
import importlib
import os
import statistics
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

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

REQUIRED: Final = {"pandas": 8.0, "polars": 2.5, "duckdb": 2.0}
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
    peers: dict[str, Callable[[Filter], pd.DataFrame]] = {"pandas": partial(count_by_pandas, frame)}
    peers |= {name: peer for name, make in PEERS.items() if (peer := make(columns, frame))}
    rows = [compare(name, chosen, columns, peers, rounds=options.rounds) for name, chosen in QUESTIONS.items()]
    ours = sum(row["hexbeat_ms"] for row in rows)
    ratios = {name: sum(row[f"{name}_ms"] for row in rows) / ours for name in peers}
    rows.append(
        {"question": "together", "hexbeat_ms": ours} | {f"{name}_times": ratio for name, ratio in ratios.items()}
    )
    figures = {"events": options.events, "ratio": ratios["pandas"], "equal": True, "asked": REQUIRED["pandas"]}
    report(figures, rows, options=options)
    is_judged = options.events >= SMALL
    return max(choose_exit_code(ratio, REQUIRED[name], judged=is_judged) for name, ratio in ratios.items())


def compare(
    name: str, chosen: Filter, columns: Columns, peers: dict[str, Callable[[Filter], pd.DataFrame]], *, rounds: int
) -> Row:
    """The median times of one question, in turns; an AssertionError if an answer differs."""
    times: dict[str, list[float]] = {who: [] for who in ("hexbeat", *peers)}
    for _ in range(rounds):
        seconds, counts = measure_cpu(partial(count, columns, chosen))
        times["hexbeat"].append(seconds)
        for who, peer in peers.items():
            seconds, theirs = measure_cpu(partial(peer, chosen))
            times[who].append(seconds)
            pd.testing.assert_frame_equal(counts.rows, name_cells(theirs))
    medians = {f"{who}_ms": statistics.median(seconds) * 1e3 for who, seconds in times.items()}
    return {"question": name, "cells": len(counts.rows), **medians}


def name_cells(counts: pd.DataFrame) -> pd.DataFrame:
    """A peer's answer as Hexbeat's: cells by name, sorted, and whole numbers as floats."""
    cells = counts["cell"]
    names = cells.astype(str) if str(cells.dtype) != "uint64" else format_cells(cells.to_numpy())
    named = pd.DataFrame({"cell": list(names), "count": counts["count"].astype(float).to_numpy()})
    return named.sort_values("cell", ignore_index=True)


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
    return grouped.rename(columns={"size": "count"})


def find_in_hours(frame: pd.DataFrame, first: int, last: int, days: frozenset[int]) -> pd.Series:
    """Hours on some weekdays; a night belongs to the day on which it begins."""
    if first < last:
        return frame["weekday"].isin(days) & (frame["hour"] >= first) & (frame["hour"] < last)
    after = frozenset((day + 1) % 7 for day in days)
    return (frame["weekday"].isin(days) & (frame["hour"] >= first)) | (
        frame["weekday"].isin(after) & (frame["hour"] < last)
    )


def build_polars(columns: Columns, frame: pd.DataFrame) -> Callable[[Filter], pd.DataFrame] | None:
    """The question in polars, on one thread; None where it is not installed."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    pl = import_peer("polars")
    if pl is None:
        return None
    table = pl.DataFrame(build_plain_arrays(columns, frame)).with_columns(
        pl.Series("ward", frame["ward_code"].to_numpy(str), dtype=pl.Enum(list(WARDS))),
        pl.Series("layer", frame["layer"].to_numpy(str), dtype=pl.Enum(list(LAYER_NAMES))),
    )

    def ask(chosen: Filter) -> pd.DataFrame:
        tests = []
        if chosen.start:
            tests.append(pl.col("start") >= LONDON.day_start(chosen.start))
        if chosen.end:
            tests.append(pl.col("start") < LONDON.day_start(chosen.end))
        if chosen.wards:
            tests.append(pl.col("ward").is_in(list(chosen.wards)))
        if chosen.layers:
            tests.append(pl.col("layer").is_in(list(chosen.layers)))
        if chosen.hours:
            first, last = chosen.hours
            days = chosen.days or frozenset(range(7))
            evening = pl.col("weekday").is_in(list(days)) & (pl.col("hour") >= first)
            after = pl.col("weekday").is_in([(day + 1) % 7 for day in days]) & (pl.col("hour") < last)
            tests.append(evening & (pl.col("hour") < last) if first < last else evening | after)
        counts = table.lazy().filter(*tests).group_by("cell").agg(pl.len().alias("count")).collect()
        return pd.DataFrame({"cell": counts["cell"].to_numpy(), "count": counts["count"].to_numpy()})

    return ask


def build_duckdb(columns: Columns, frame: pd.DataFrame) -> Callable[[Filter], pd.DataFrame] | None:
    """The question in DuckDB, on one thread, from a table in memory; None where it is not installed."""
    duckdb = import_peer("duckdb")
    if duckdb is None:
        return None
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    events = pd.DataFrame(build_plain_arrays(columns, frame)).assign(ward=frame["ward_code"], layer=frame["layer"])
    connection.register("given", events)
    connection.execute("CREATE TABLE events AS SELECT * FROM given")

    def ask(chosen: Filter) -> pd.DataFrame:
        tests = ["true"]
        if chosen.start:
            tests.append(f"start >= {LONDON.day_start(chosen.start)}")
        if chosen.end:
            tests.append(f"start < {LONDON.day_start(chosen.end)}")
        for column, names in (("ward", chosen.wards), ("layer", chosen.layers)):
            if names:
                tests.append(f"{column} IN ({', '.join(map(repr, names))})")
        if chosen.hours:
            first, last = chosen.hours
            days = chosen.days or frozenset(range(7))
            evening = f"weekday IN ({', '.join(map(str, days))}) AND hour >= {first}"
            after = f"weekday IN ({', '.join(str((day + 1) % 7) for day in days)}) AND hour < {last}"
            tests.append(f"{evening} AND hour < {last}" if first < last else f"(({evening}) OR ({after}))")
        query = f"SELECT cell, count(*) AS count FROM events WHERE {' AND '.join(tests)} GROUP BY cell"  # noqa: S608 - ours
        counts = connection.execute(query).fetchnumpy()
        return pd.DataFrame({"cell": counts["cell"], "count": counts["count"]})

    return ask


def build_plain_arrays(columns: Columns, frame: pd.DataFrame) -> dict[str, Any]:
    """The numbers of the events, as both engines take them."""
    return {
        "cell": columns.cell_ids[9][columns.cell[9]],
        "start": columns.start,
        "weekday": frame["weekday"].to_numpy(),
        "hour": frame["hour"].to_numpy(),
    }


def import_peer(name: str) -> Any:
    """A library to compare with; None, and a message, where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out", file=sys.stderr)
        return None


PEERS: Final = {"polars": build_polars, "duckdb": build_duckdb}


if __name__ == "__main__":
    sys.exit(main())
