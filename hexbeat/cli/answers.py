"""How commands answer: JSON on standard output for programs, tables for people, the rest on standard error.

Messages, errors and progress are the rest.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from geo.errors import HexbeatError
from hexbeat.cli.installation import Format
from layers.wording import format_sentence

__all__ = ["format_value", "print_answer", "print_error", "print_message", "progress_bar"]

FEW_COLUMNS: Final = 4  # a single row of more is told line by line
Row = Mapping[Any, Any]


def print_answer(
    payload: Any, *, form: Format, rows: Iterable[Row], heading: str = "", order: Sequence[str] = ()
) -> None:
    """Print `payload` as JSON, or `rows` as a table under a heading; `order` names the columns to show."""
    if form is Format.JSON:
        Console(soft_wrap=True, highlight=False, markup=False).out(json.dumps(payload, ensure_ascii=False))
        return
    listed = list(rows)
    console = Console(highlight=False)
    if heading:
        console.print(Text(heading if listed else f"{heading}: none"))
    if len(listed) == 1 and len(listed[0]) > FEW_COLUMNS and not order:
        listed = [{"": format_value(name).replace("_", " "), "value": value} for name, value in listed[0].items()]
    if listed:
        console.print(build_table(listed, list(order) or list(dict.fromkeys(name for row in listed for name in row))))


def build_table(rows: Sequence[Row], names: Sequence[str]) -> Table:
    """Rows as a table: numbers right, words never broken where there is room for them."""
    table = Table(show_edge=False, pad_edge=False, box=SIMPLE_HEAD)
    for name in names:
        numeric = all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows)
        # Numbers and headings stay whole; long text gives way.
        table.add_column(
            name.replace("_", " "), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    for row in rows:
        # Text, not markup: what a file holds is shown, never interpreted.
        table.add_row(*(Text(format_value(row.get(name))) for name in names))
    return table


def format_value(value: Any) -> str:
    """A value as people read it: whole numbers whole, shares with one decimal, nothing for None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.1f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {format_value(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(format_value, value))
    return str(value)


def print_message(message: str) -> None:
    """A message for people, on standard error, so that standard output stays clean."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(message)


def print_error(error: HexbeatError) -> None:
    """An error in its three parts, one a line."""
    print_message("\n  ".join(format_sentence(part) for part in (error.rule, error.fact, error.hint)))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves a bar on standard error; silent where that is no terminal."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)

        def move(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield move
