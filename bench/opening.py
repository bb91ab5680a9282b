"""Opening a store of millions of events: from its snapshot, against pandas.read_sql of the same table.

`python -m bench.opening [--events N] [--home DIR]`. A store is made (or the one in DIR is used), and read once, which
makes its snapshot. Then processes of their own open it: Hexbeat, to the columns and to the first answer (events by
ward), and pandas, whose chunks are counted and dropped, because whole tables of ten million rows do not fit. The counts
must be equal. `hexbeat counts --by ward` is measured as a whole process, with and without a snapshot. CPU time, median;
what reads the whole database runs once.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.large_stores import make_store
from bench.report import Row, build_parser, choose_exit_code, report
from bench.start import measure_process
from hexbeat.areas.area import load_named_area
from hexbeat.store.home_layout import FILE_NAME
from hexbeat.store.snapshots import FEWEST_EVENTS, FOLDER

AREA: Final = "middlesbrough"
REQUIRED: Final = 30.0
SMALL: Final = 500_000  # events; with fewer, fixed costs weigh too much to judge
COLUMNS: Final = (
    "row_id, layer, occurred_from, occurred_to, time_precision, quantity, reported_by, category, ward_code, lon, lat, "
    "source, location_precision, location_precision_m, h3_08, h3_09, h3_10, h3_11"
)
_MEASURE: Final = """
import json, sys, time
from pathlib import Path
def read_mb():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024
home = Path(sys.argv[1])
"""
_HEXBEAT: Final = (
    _MEASURE
    + """
from hexbeat.areas.area import load_named_area
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.counting import Filter, count_groups
codes = load_named_area(sys.argv[2], home=home).wards.codes
began = time.process_time()
with Store.open(home) as store:
    columns = read_columns(store, ANALYST, ward_codes=codes)
opened, opened_mb = time.process_time() - began, read_mb()
groups = count_groups(columns, Filter(), by=("ward",))
answered = time.process_time() - began
counts = dict(zip(groups.labels["ward_code"], groups.sums.tolist()))
print(json.dumps({"opened": opened, "answered": answered, "mb": opened_mb, "answered_mb": read_mb(), "counts": counts}))
"""
)
_PANDAS: Final = (
    _MEASURE
    + """
import sqlite3
import pandas as pd
names = sys.argv[4]
query = " ".join(("SELECT", names, "FROM events WHERE superseded_at IS NULL"))
began, counts, most = time.process_time(), pd.Series(dtype=float), 0.0
with sqlite3.connect(home / sys.argv[3]) as connection:
    for part in pd.read_sql(query, connection, chunksize=1_000_000):
        opened, most = time.process_time() - began, max(most, read_mb())
        counts = counts.add(part["ward_code"].value_counts(), fill_value=0)
opened = answered = time.process_time() - began
print(json.dumps({"opened": opened, "answered": answered, "mb": most, "answered_mb": most, "counts": counts.to_dict()}))
"""
)


def main() -> int:
    """Print the times; exit code 1 if opening misses the requirement."""
    parser = build_parser(__doc__, size="events", default=1_000_000)
    parser.add_argument("--home", type=Path, help="use the store in this folder, which bench.large_stores made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        if options.home is None:
            make_store(home, load_named_area(AREA, home=home).wards, events=options.events)
        return compare(home, options)


def compare(home: Path, options: Any) -> int:
    """Measure, and report; exits if the counts differ."""
    command = ("-m", "hexbeat", "counts", "--by", "ward", "--home", str(home), "--area", AREA)
    shutil.rmtree(home / FOLDER, ignore_errors=True)
    first_s, first_mb = measure_process(*command)
    later = [measure_process(*command) for _ in range(options.rounds)]
    ours = [measure(_HEXBEAT, home) for _ in range(options.rounds)]
    theirs = measure(_PANDAS, home)
    for answer in ours:
        if answer["counts"] != theirs["counts"]:
            sys.exit("the counts differ")
    opened, answered = (statistics.median(answer[name] for answer in ours) for name in ("opened", "answered"))
    later_s = statistics.median(seconds for seconds, _ in later)
    rows: list[Row] = [
        {"what": "pandas.read_sql, in chunks", "CPU s": theirs["opened"], "MB": theirs["mb"], "times": 1.0},
        {"what": "opening the snapshot", "CPU s": opened, "MB": ours[-1]["mb"], "times": theirs["opened"] / opened},
        {"what": "and events by ward", "CPU s": answered, "MB": ours[-1]["answered_mb"],
         "times": theirs["answered"] / answered},
        {"what": "hexbeat counts, from the database", "CPU s": first_s, "MB": float(first_mb), "times": 1.0},
        {"what": "hexbeat counts, from the snapshot", "CPU s": later_s, "MB": float(later[-1][1]),
         "times": first_s / later_s},
    ]  # fmt: skip
    events = int(sum(theirs["counts"].values()))
    ratio = theirs["opened"] / opened
    figures = {"events": events, "ratio": ratio, "equal": True, "asked": REQUIRED}
    figures["has_snapshot"] = events >= FEWEST_EVENTS
    report(figures, rows, options=options)
    return choose_exit_code(ratio, REQUIRED, judged=events >= SMALL)


def measure(script: str, home: Path) -> dict[str, Any]:
    """What a process of its own measured and counted."""
    words = [sys.executable, "-c", script, str(home), AREA, FILE_NAME, COLUMNS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - this Python, our script
    if done.returncode:
        sys.exit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    sys.exit(main())
