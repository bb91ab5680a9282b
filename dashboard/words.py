"""Numbers, dates and lists as plain English words."""

from html import escape
from typing import Final

from layers.wording import MONTH_NAMES, format_date, format_list, format_number, format_percent, format_span

__all__ = [
    "DAY_NAMES",
    "MONTH_NAMES",
    "escape_html",
    "format_date",
    "format_list",
    "format_number",
    "format_percent",
    "format_plural",
    "format_span",
]

DAY_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def format_plural(number: float, one: str, many: str) -> str:
    """As in "1 needle find", "312 needle finds", "0.4 needle finds"."""
    return f"{format_number(number)} {one if format_number(number) == '1' else many}"


def escape_html(text: object) -> str:
    """Text from anywhere as HTML text: the five characters escaped; control characters become spaces."""
    printable = "".join(char if char.isprintable() else " " for char in str(text))
    return escape(printable, quote=True)
