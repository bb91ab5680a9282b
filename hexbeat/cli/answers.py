"""How commands answer: JSON or a table on standard output; messages, errors and progress on standard error."""

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
from hexbeat.cli.command_audit import note_shown
from hexbeat.cli.installation import Format
from hexbeat.files import CONTROL_SIGNS, show_controls
from layers.wording import format_sentence

__all__ = ["format_value", "print_answer", "print_error", "print_message", "progress_bar", "show_controls"]

FEW_COLUMNS: Final = 4  # a single row with more columns is printed one column a line
# What a table in a narrow window leaves out first. Numbers and verdicts are in no such list: they always stay. Of codes
# and names of one thing the most readable stays.
_LEAST_FIRST: Final = (
    "neighbourhood", "expected", "gi_z", "ward_code", "ward_name", "cell", "ratio_low", "ratio_high", "q_value",
    "difference", "p_value", "RRI", "PEI", "trend", "snapshot", "records", "sha256", "ratio",
)  # fmt: skip
# The names that must be shown for one of these to be left out.
_NAMED_BY: Final = {"ward_code": ("ward_name", "place"), "ward_name": ("place",), "cell": ("place",)}
_CHANCES: Final = ("p", "q", "p_value", "q_value")
_LEAST_CHANCE: Final = 0.001  # people see all smaller chances as this one
_READABLE: Final = 28  # characters to which a column of long texts may be wrapped
_HIDDEN_IN_JSON: Final = {code: f"\\u{code:04x}" for code in CONTROL_SIGNS if code >= 0x7F}  # noqa: PLR2004 - JSON has the rest
_PIPED_WIDTH: Final = 10_000  # characters of a line that no window cuts
Row = Mapping[Any, Any]


def print_answer(
    payload: Any,
    *,
    form: Format,
    rows: Iterable[Row],
    heading: str = "",
    order: Sequence[str] = (),
    empty: str = "none",
    widest: int | None = None,
) -> None:
    """Print `payload` as JSON, or `rows` as a table under a heading; `order` names the columns to show.

    `empty` is said where there is no row. Long texts are wrapped where a line would have more than `widest` characters.

    In a window that is too narrow the columns that matter least are left out, and a message names them. A table for a
    file or another program is never cut.
    """
    records = list(rows)
    note_shown(len(records))
    if form is Format.JSON:
        Console(soft_wrap=True, highlight=False, markup=False).out(
            json.dumps(payload, ensure_ascii=False).translate(_HIDDEN_IN_JSON)
        )
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    if widest is not None and widest < console.width:
        console.width = widest
    if heading:
        console.print(Text(show_controls(heading) if records else f"{show_controls(heading)}: {empty}"))
    if len(records) == 1 and len(records[0]) > FEW_COLUMNS and not order:
        records = [{"": _format_heading(name), "value": format_cell(name, value)} for name, value in records[0].items()]
    if not records:
        return
    names = list(order) or list(dict.fromkeys(name for row in records for name in row))
    columns = choose_columns(records, names, width=console.width)
    console.print(build_table(records, columns))
    if left_out := [_format_heading(name) for name in names if name not in columns]:
        print_message(f"Left out for lack of room: {', '.join(left_out)}. A wider window or --format json shows them.")


def choose_columns(rows: Sequence[Row], names: Sequence[str], *, width: int) -> list[str]:
    """The columns that fit into a window of `width` characters, without those that matter least; in their order."""
    widths = {name: _measure_column(rows, name) for name in names}
    columns = list(names)
    for name in _LEAST_FIRST:
        if sum(widths[shown_name] for shown_name in columns) + 3 * (len(columns) - 1) <= width:
            break
        others = _NAMED_BY.get(name)
        if name in columns and (others is None or any(other in columns for other in others)):
            columns.remove(name)
    return columns


def _measure_column(rows: Sequence[Row], name: str) -> int:
    """The characters that a column needs; of long texts, which may be wrapped, only as many as stay readable."""
    longest = max(len(format_cell(name, row.get(name))) for row in rows)
    return max(len(name), min(longest, _READABLE))


def build_table(rows: Sequence[Row], names: Sequence[str]) -> Table:
    """Rows as a table: numbers to the right; words are broken only if there is no room for them."""
    table = Table(show_edge=False, pad_edge=False, box=SIMPLE_HEAD)
    for name in names:
        numeric = all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows)
        # Numbers and headings are never wrapped; long text is.
        table.add_column(
            _format_heading(name), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    for row in rows:
        # Text, not markup: what a file holds is shown, never interpreted.
        table.add_row(*(Text(format_cell(name, row.get(name))) for name in names))
    return table


def _format_heading(name: Any) -> str:
    return format_value(name).replace("_", " ")


def format_cell(name: Any, value: Any) -> str:
    """A value of a column: chances (p, q) with three decimals or "< 0.001", all else as `format_value` has it."""
    if name in _CHANCES and isinstance(value, int | float) and not math.isnan(value):
        return f"< {_LEAST_CHANCE}" if value < _LEAST_CHANCE else f"{value:.3f}"
    return format_value(value)


def format_value(value: Any) -> str:
    """A value as people read it: whole numbers without decimals, others with one, nothing for None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.1f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {format_value(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(format_value, value))
    return show_controls(str(value))


def print_message(message: str) -> None:
    """A message for people, on standard error, so that standard output stays clean."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(show_controls(message))


def print_error(error: HexbeatError) -> None:
    """An error in its three parts, one a line."""
    print_message("\n  ".join(format_sentence(part) for part in (error.rule, error.fact, error.hint)))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves a bar on standard error. Shows nothing if that is no terminal."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)

        def move(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield move
