"""An export of all events: in columns, as `hexbeat export` does, against rows and geopandas (or pandas, for CSV).

`python -m bench.export [--events N] [--home DIR]`. A store with the demonstration of so many events (seed 7), or that
of a home that is there. Both ways begin with the open store. Ours is measured four times in each turn: the first export
after a load of much of the store, which finds the table that the load left, with what that cost the load beside it; the
first one of a store beside which nothing lies, which checks its file, reads it and keeps the table; the first one where
a snapshot alone lies beside the store, which reads only what that lacks; and another one, which finds what was kept.
`load s` is the whole process that made the store, with `preparing s`. CPU time in one process, in turns; the files must
hold the same. Required for GeoParquet: 8 times as fast, of the first export after a load, and of another one.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import geopandas
import pandas as pd
from pandas.testing import assert_frame_equal

from bench.report import Row, build_parser, choose_exit_code, measure_cpu, report
from hexbeat.areas.area import load_area
from hexbeat.files import escape_formulas
from hexbeat.store.datasets import export_dataset
from hexbeat.store.event_files import add_points, export_events, format_events
from hexbeat.store.event_table import TIME_COLUMNS
from hexbeat.store.prepared_files import prepare_files
from hexbeat.store.records import read_live_records
from hexbeat.store.snapshots import empty_snapshots, read_live
from hexbeat.store.store import Store
from layers.access import ANALYST

REQUIRED: Final = 8.0
SMALL: Final = 500_000  # events; with fewer, fixed costs weigh too much to judge
READERS: Final[dict[str, Callable[[Path], pd.DataFrame]]] = {
    "parquet": geopandas.read_parquet, "gpkg": geopandas.read_file, "csv": pd.read_csv,
    "dataset": geopandas.read_parquet,
}  # fmt: skip


def main() -> int:
    """Print the figures; exit code 1 if the ratio of GeoParquet misses the requirement."""
    parser = build_parser(__doc__, size="events", default=1_000_000)
    parser.add_argument("--home", type=Path, help="a home with a store; what is kept beside it is made anew")
    parser.add_argument("--kinds", nargs="+", choices=tuple(READERS), default=list(READERS), help="which (default all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = options.home or folder / "home"
        load: Row = {} if options.home else {"load s": make_store(home, options.events)}
        with Store.open(home) as store:
            rows = [compare(store, kind, folder, options.rounds) | load for kind in options.kinds]
    required = [row for row in rows if row["file"] == "parquet"]
    ratio = min((row[times] for row in required for times in ("times, after a load", "times")), default=REQUIRED)
    report({"asked": REQUIRED, "ratio": ratio, "equal": True}, rows, options=options)
    return choose_exit_code(ratio, REQUIRED, judged=rows[0]["events"] >= SMALL)


def make_store(home: Path, events: int) -> float:
    """Fill a store with the demonstration; CPU seconds of the process, start and preparing included."""
    words = ["demo", "--events", str(events), "--seed", "7", "--home", str(home)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "hexbeat", *words], check=True, capture_output=True)  # noqa: S603 - ourselves
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(store: Store, kind: str, folder: Path, rounds: int) -> Row:
    """Both ways of one kind of file, and whether they hold the same."""
    out, plain = (folder / f"{name}{'' if kind == 'dataset' else f'.{kind}'}" for name in ("out", "plain"))
    plain = plain.with_suffix(".parquet") if kind == "dataset" else plain
    ours_s, first_s, beside_s, theirs_s, preparing_s, after_s, events = [], [], [], [], [], [], 0
    codes = tuple(load_area("middlesbrough").wards.codes)
    for _ in range(rounds):
        seconds, _ = measure_cpu(partial(write_plainly, store, plain))
        theirs_s.append(seconds)
        empty_snapshots(store.home, patience_s=10.0)
        seconds, _ = measure_cpu(lambda: prepare_files(store, codes, changed=sys.maxsize))
        preparing_s.append(seconds)
        seconds, events = measure_cpu(partial(write, store, out))
        after_s.append(seconds)
        empty_snapshots(store.home, patience_s=10.0)
        seconds, events = measure_cpu(partial(write, store, out))
        first_s.append(seconds)
        empty_snapshots(store.home, patience_s=10.0)
        read_live(store.engine, store.home, codes)
        seconds, events = measure_cpu(partial(write, store, out))
        beside_s.append(seconds)
        seconds, events = measure_cpu(partial(write, store, out))
        ours_s.append(seconds)
    if rounds:
        require_equal(READERS[kind](out), READERS[kind](plain))
    usual, first, beside, quick, after, preparing = (
        statistics.median(seconds) for seconds in (theirs_s, first_s, beside_s, ours_s, after_s, preparing_s)
    )
    return {
        "file": kind, "events": events, "rows and geopandas s": usual, "after a load s": after,
        "times, after a load": usual / after, "preparing s": preparing, "first s": first, "times, first": usual / first,
        "beside a snapshot s": beside, "times, beside a snapshot": usual / beside,
        "again s": quick, "times": usual / quick,
        "MB": round(sum(path.stat().st_size for path in [out, *out.rglob("*")] if path.is_file()) / 1e6, 1),
    }  # fmt: skip


def write(store: Store, out: Path) -> int:
    """What `hexbeat export` does once the store is open."""
    if out.suffix:
        return export_events(store, ANALYST, out)
    area = load_area("middlesbrough")
    return export_dataset(store, ANALYST, out, area=area.name, time_zone=area.time_zone, ward_codes=area.wards.codes)


def write_plainly(store: Store, out: Path) -> None:
    """Rows as a table, points by geopandas; CSV by pandas, its texts escaped one by one."""
    rows = format_events(read_live_records(store, ANALYST))
    if out.suffix == ".csv":
        times = {name: rows[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in TIME_COLUMNS}
        escape_formulas(rows.assign(**times)).to_csv(out, index=False, lineterminator="\n")
    elif out.suffix == ".gpkg":
        add_points(rows).to_file(out, layer="events", driver="GPKG")
    else:
        add_points(rows).to_parquet(out, index=False)


def require_equal(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """AssertionError unless both hold the same events; the order of a dataset is its own."""
    tables = []
    for frame in (ours, theirs):
        plain = pd.DataFrame(frame).astype({"layer": "str"})
        if "geometry" in plain:
            plain = plain.assign(x=frame.geometry.x, y=frame.geometry.y).drop(columns="geometry")
        tables.append(plain.drop(columns="month", errors="ignore").sort_values("event_id", ignore_index=True))
    assert_frame_equal(tables[0][list(tables[1].columns)], tables[1])


if __name__ == "__main__":
    sys.exit(main())
