"""How long a command takes to start: CPU time of whole processes, against that of importing Typer alone.

`python -m bench.start [--events N]`. Required: `hexbeat --help` and `hexbeat sources` take under 4 times as long as
`python -c "import typer"`. For comparison it also runs `hexbeat counts` on a demonstration of so many events (seed 77),
whose time goes to NumPy, SQLAlchemy and reading the store. Processes run in turns, and the median of each counts,
without the first turn, which compiles modules.
"""

import os
import statistics
import sys
import tempfile
from typing import Final

from bench.report import Row, build_parser, report

REQUIRED: Final = 4.0
BASE: Final = 'python -c "import typer"'


def main() -> int:
    """Print the figures; exit code 1 if a command misses the requirement."""
    parser = build_parser(__doc__, size="events", default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        hexbeat = ("-m", "hexbeat")
        measure_process(*hexbeat, "demo", "--events", str(options.events), "--seed", "77", "--home", home)
        calls = {
            BASE: ("-c", "import typer"),
            "hexbeat --help": (*hexbeat, "--help"),
            "hexbeat sources": (*hexbeat, "sources", "--home", home),
            "hexbeat counts": (*hexbeat, "counts", "--home", home),
        }
        turns = [{name: measure_process(*words) for name, words in calls.items()} for _ in range(options.rounds + 1)][
            1:
        ]
    cpu_s = {name: statistics.median(turn[name][0] for turn in turns) for name in calls}
    times = {name: seconds / cpu_s[BASE] for name, seconds in cpu_s.items()}
    rows: list[Row] = [
        {"what": name, "CPU s": cpu_s[name], "MB": max(turn[name][1] for turn in turns), "times": times[name]}
        for name in calls
    ]
    ratio = max(times["hexbeat --help"], times["hexbeat sources"])
    report({"events": options.events, "asked": REQUIRED, "ratio": ratio}, rows, options=options)
    if ratio >= REQUIRED:
        print(f"missed: {ratio:.1f} times, under {REQUIRED:g} asked for", file=sys.stderr)
        return 1
    return 0


def measure_process(*words: str) -> tuple[float, int]:
    """CPU seconds (user and kernel) and most memory (MB) of this Python with these arguments; exits if it fails."""
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    process = os.posix_spawn(sys.executable, [sys.executable, *words], os.environ, file_actions=silent)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"python {' '.join(words)} ended with exit code {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, round(usage.ru_maxrss / 1024)


if __name__ == "__main__":
    sys.exit(main())
