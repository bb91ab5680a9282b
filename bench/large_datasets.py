"""Counts over a dataset too large for memory: by cell, layer and month, against DuckDB over the same files.

`python -m bench.large_datasets [--events N] [--folder DIR]`. The dataset has the layout of `hexbeat export`, with the
columns that either reads. Each way runs in a process of its own with two threads, in turns. The figures are CPU seconds
and the most memory of that process; the groups must be equal. DuckDB is no dependency: without it, only Hexbeat is
measured. Required, from 50 M events on: at most twice the time of DuckDB, and at most 4 GB.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.report import Row, build_parser, report
from geo.calendar import Calendar
from geo.cells import format_cells, index_points_at
from hexbeat.analysis.dataset_counts import Workers, count_dataset
from hexbeat.areas.area import load_area
from hexbeat.files import hash_file
from hexbeat.store.dataset_parts import open_dataset
from hexbeat.store.datasets import DESCRIPTION, DatasetFile
from layers.access import ANALYST
from layers.catalogue import LAYER_NAMES
from layers.event import RESOLUTIONS
from layers.filters import Filter

LARGE: Final = 50_000_000  # events; with fewer, starting takes too large a part to judge
MOST_TIMES, MOST_GB = 2.0, 4.0
LAYERS: Final = LAYER_NAMES[:3]  # closures are counted in each month in which they are in force; DuckDB does not
MONTHS: Final = range(12 * 53, 12 * 56)  # 2023 to 2025, in months since 1970
THREADS: Final = 2
ZONE: Final = "Europe/London"
GROUPS: Final = ("cell", "layer", "month")
QUERY: Final = (
    "SELECT h3_09, layer, month, count(*) FROM read_parquet('{folder}/*/*/*.parquet', hive_partitioning = true) "
    "GROUP BY ALL ORDER BY ALL"
)


def main() -> int:
    """Print the figures; exit code 1 if the answers differ or a requirement is missed."""
    parser = build_parser(__doc__, size="events", default=100_000_000)
    parser.add_argument(
        "--folder", type=Path, help="make the dataset there (default: a temporary folder); it is removed"
    )
    parser.add_argument("--run", choices=("hexbeat", "duckdb"), help="inside: count once, and print the figures")
    options = parser.parse_args()
    if options.run:
        print(json.dumps(count_once(options.run, options.folder)))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="hexbeat-", dir=options.folder))
    try:
        make_dataset(folder, options.events)
        ways = ("hexbeat", *(["duckdb"] if find_spec("duckdb") else []))
        rounds = [{way: run_process(way, folder) for way in ways} for _ in range(options.rounds)]
    finally:
        shutil.rmtree(folder)
    return judge(rounds, options)


def judge(rounds: list[dict[str, dict[str, Any]]], options: Any) -> int:
    """Report the medians of the rounds; 1 if a requirement is missed."""
    rows: list[Row] = []
    for way in rounds[0]:
        runs = [run_by_way[way] for run_by_way in rounds]
        seconds = statistics.median(run["cpu_s"] for run in runs)
        rows.append({"way": way, "CPU s": seconds, "GB": max(run["gb"] for run in runs), "groups": runs[0]["groups"]})
    equal = len({json.dumps(run["sums"]) for run_by_way in rounds for run in run_by_way.values()}) == 1
    times = rows[0]["CPU s"] / rows[-1]["CPU s"]
    report({"events": options.events, "times": times, "equal": equal, "threads": THREADS}, rows, options=options)
    if not equal:
        print("missed: the answers differ", file=sys.stderr)
    is_missed = options.events >= LARGE and (times > MOST_TIMES or rows[0]["GB"] > MOST_GB)
    if is_missed:
        print(f"missed: {times:.2f} times DuckDB, {rows[0]['GB']:.1f} GB", file=sys.stderr)
    return 1 if is_missed or not equal else 0


def make_dataset(folder: Path, events: int) -> None:
    """A dataset of so many instants, as many in each layer and month, dense in some places as real events are."""
    random = np.random.default_rng(11)
    area = load_area("middlesbrough")
    rows = max(events // (len(LAYERS) * len(MONTHS)), 1)
    lon, lat = random.normal((-1.23, 54.565), (0.035, 0.022), (2 * rows, 2)).T
    cells = index_points_at(lon, lat, resolutions=RESOLUTIONS)
    order = np.argsort(cells[11], kind="stable")
    coded = {size: np.unique(values[order], return_inverse=True) for size, values in cells.items()}
    ward = random.integers(0, len(area.wards.codes), 2 * rows).astype(np.int32)
    files = []
    for layer in LAYERS:
        for month in MONTHS:
            chosen = np.flatnonzero(random.random(2 * rows) < 0.5)
            low, high = Calendar(ZONE).month_bounds(month)
            start = random.integers(low, high, len(chosen))
            columns = {
                f"h3_{size:02d}": code_texts(format_cells(ids), place[chosen]) for size, (ids, place) in coded.items()
            }
            times = pa.array(start * 1_000_000, pa.timestamp("us", tz="UTC"))
            columns |= {"occurred_from": times, "occurred_to": times}
            columns |= {"time_precision": code_texts(["minute"], np.zeros(len(chosen), dtype=np.int32))}
            columns |= {"ward_code": code_texts(list(area.wards.codes), ward[chosen])}
            name = np.datetime_as_string(np.datetime64(month, "M"))
            path = Path(f"layer={layer}") / f"month={name}" / "part-0.parquet"
            (folder / path).parent.mkdir(parents=True)
            pq.write_table(
                pa.table(columns),
                folder / path,
                compression="zstd",
                row_group_size=131_072,
                store_schema=False,
                write_page_checksum=True,
            )
            files.append(DatasetFile(
                path.as_posix(), layer, str(name), len(chosen), int(start.min()), int(start.max()), len(chosen), 0, (),
                (folder / path).stat().st_size, hash_file(folder / path),
            ))  # fmt: skip
    facts = {
        "format": "hexbeat dataset 1", "area": area.name, "time_zone": ZONE, "ward_codes": area.wards.codes,
        "version": 1, "layers": LAYERS, "coverage": [], "reporters": [], "files": [asdict(file) for file in files],
    }  # fmt: skip
    (folder / DESCRIPTION).write_text(json.dumps(facts), encoding="utf-8")


def code_texts(names: list[str], codes: np.ndarray) -> pa.DictionaryArray:
    """Codes as a column of texts."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names))


def run_process(way: str, folder: Path) -> dict[str, Any]:
    """Count once in another process: what it printed, its CPU seconds, start and all, and its most memory."""
    command = [sys.executable, "-m", "bench.large_datasets", "--run", way, "--folder", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": str(THREADS)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)  # noqa: S603 - ourselves
    assert process.stdout
    answer = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    figures: dict[str, Any] = json.loads(answer)
    return figures | {"cpu_s": usage.ru_utime + usage.ru_stime, "gb": usage.ru_maxrss * 1024 / 1e9}


def count_once(way: str, folder: Path) -> dict[str, Any]:
    """The number of groups, and sums that show whether two answers are the same."""
    if way == "duckdb":
        import duckdb  # noqa: PLC0415 - no dependency

        duckdb.sql(f"SET threads = {THREADS}")
        rows = duckdb.sql(QUERY.format(folder=folder)).fetchall()
    else:
        import dask  # noqa: PLC0415 - an extra

        area = load_area("middlesbrough")
        dataset = open_dataset(str(folder), ANALYST, ward_codes=area.wards.codes, layers=())
        with dask.config.set(num_workers=THREADS):
            counts, _ = count_dataset(
                dataset, Filter(), Workers("dask"), by=GROUPS, resolution=9, wards=area.wards, time_zone=ZONE
            )
        rows = [(*group, int(count)) for *group, count in (row.values() for row in counts.list_rows())]
    weights = [hash_group(cell, layer, month) * count for cell, layer, month, count in rows]
    return {"groups": len(rows), "sums": [sum(row[3] for row in rows), sum(weights) % (1 << 61)]}


def hash_group(cell: str, layer: str, month: str) -> int:
    """A number of a group that is the same in every process."""
    return (int(cell, 16) * 31 + LAYERS.index(layer)) * 1_009 + int(month.replace("-", ""))


if __name__ == "__main__":
    sys.exit(main())
