"""Shared by the benchmarks: CPU time, a table, and figures as JSON."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")
Row = dict[str, Any]


def build_parser(description: str | None, *, size: str, default: int) -> argparse.ArgumentParser:
    """The options that benchmarks share: a size, rounds, JSON instead of a table, and a file."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(f"--{size}", type=int, default=default, help=f"how many {size} (default {default:,})")
    parser.add_argument("--rounds", type=int, default=5, help="take the median of so many rounds (default 5)")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    return parser


def measure_cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of this process, with all its threads and kernel time, and the result of the work."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def report(figures: dict[str, Any], rows: list[Row], *, options: argparse.Namespace) -> None:
    """Print the rows as a table, or all figures as JSON; with --out write them too."""
    whole = {**figures, "rows": rows, "machine": describe_machine()}
    text = json.dumps(whole, indent=1)
    print(text if options.format == "json" else format_table(rows))
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


def format_table(rows: list[Row]) -> str:
    """Rows as a table, blank where a row lacks a key; numbers to the right. "" without rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *[[format_value(row.get(name, "")) for name in names] for row in rows]]
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) if place == 0 else text.rjust(width)
                  for place, (text, width) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    )  # fmt: skip


def format_value(value: object) -> str:
    """A number as people read it: commas for thousands, four decimals below 1 and two above."""
    if isinstance(value, float):
        return f"{value:,.4f}" if value < 1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def describe_machine() -> dict[str, Any]:
    """What readers of the figures need to know of the machine, without names of people or machines."""
    return {"python": platform.python_version(), "processor": platform.machine(), "cores": os.cpu_count()}


def choose_exit_code(ratio: float, required: float, *, judged: bool) -> int:
    """The exit code: 1 if the ratio misses the requirement; runs that are too small to judge always pass."""
    if judged and ratio < required:
        print(f"missed: {ratio:.1f} times, {required:g} asked for", file=sys.stderr)
        return 1
    return 0
