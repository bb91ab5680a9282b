"""What the benchmarks share: CPU time, a table, and figures as JSON."""

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


def parser_for(description: str | None, *, size: str, default: int) -> argparse.ArgumentParser:
    """Options that every benchmark on arrays has: how many, rounds, JSON instead of a table, and a file."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(f"--{size}", type=int, default=default, help=f"how many {size} (default {default:,})")
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many rounds counts (default 5)")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    return parser


def cpu_time(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of this process, all its threads and the kernel's part, and what the work gave."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def report(figures: dict[str, Any], rows: list[Row], *, options: argparse.Namespace) -> None:
    """Prints the rows as a table, or all figures as JSON; with --out writes them too."""
    whole = {**figures, "rows": rows, "machine": machine()}
    text = json.dumps(whole, indent=1)
    print(text if options.format == "json" else table(rows))
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


def table(rows: list[Row]) -> str:
    """Rows with the same keys, as columns wide enough; numbers to the right."""
    cells = [list(rows[0]), *[[shown(value) for value in row.values()] for row in rows]]
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) if place == 0 else text.rjust(width)
                  for place, (text, width) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    )  # fmt: skip


def shown(value: object) -> str:
    """A number as people read it: thousands apart, four places below 1 and two above."""
    if isinstance(value, float):
        return f"{value:,.4f}" if value < 1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> dict[str, Any]:
    """Enough to read figures by: no names of people or machines."""
    return {"python": platform.python_version(), "processor": platform.machine(), "cores": os.cpu_count()}


def verdict(ratio: float, asked: float, *, judged: bool) -> int:
    """The exit code: 1 if the ratio misses what is asked; runs too small to judge always pass."""
    if judged and ratio < asked:
        print(f"missed: {ratio:.1f} times, {asked:g} asked for", file=sys.stderr)
        return 1
    return 0
