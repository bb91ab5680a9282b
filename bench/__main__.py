"""`python -m bench [NAME...]`: all benchmarks, or those named, one after the other, each in a process of its own."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

# Each is a module of this folder that prints a table, and writes its figures with --out FILE.json.
BENCHES: Final = (
    "points_to_cells",
    "filter_change",
    "opening",
    "map_redraw",
    "streets",
    "hotspots",
    "honesty",
    "concentration_honesty",
    "hotspot_backtest",
    "coverage_honesty",
    "weekly_alarms",
    "alert_rates",
    "alert_noise",
    "alert_delay",
    "alert_late",
    "scan",
    "disclosure",
    "release",
    "plans",
    "effect",
    "find_places",
    "start",
    "export",
    "large_datasets",
    "fuzz",
    "faults",
    "power_loss",
    "load",
    "journeys",
    "page_clicks",
    "first_page",
)


def main() -> int:
    """Exit code 0 if every benchmark ran and met its requirements."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHES)}; all if none is named")
    parser.add_argument("--out-dir", type=Path, help="write each benchmark's figures there as NAME.json")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; choose from {', '.join(BENCHES)}")
    codes = [run(name, options.out_dir) for name in options.names or BENCHES]
    return max(codes)


def run(name: str, out_dir: Path | None) -> int:
    """Run one benchmark and return its exit code."""
    print(f"\n== {name}", flush=True)
    command = [sys.executable, "-m", f"bench.{name}"]
    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
        command += ["--out", str(out_dir / f"{name}.json")]
    return subprocess.run(command, check=False).returncode  # noqa: S603 (our own modules, by the names above)


if __name__ == "__main__":
    sys.exit(main())
