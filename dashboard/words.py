"""Numbers, dates and lists as plain English words."""

from collections.abc import Sequence
from html import escape
from typing import Final

from layers.wording import MONTH_NAMES, date_words, percent_words, span_words

__all__ = [
    "DAY_NAMES",
    "MONTH_NAMES",
    "date_words",
    "html_text",
    "list_words",
    "number_words",
    "percent_words",
    "plural",
    "span_words",
]

DAY_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def number_words(value: float) -> str:
    """Thousands with a comma; a share (1.46) with one decimal, a whole number without; never "-0"."""
    rounded = round(value, 1)
    whole = round(rounded)
    return f"{whole:,}" if rounded == whole else f"{rounded:,.1f}"


def plural(number: float, one: str, many: str) -> str:
    """As in "1 needle find", "312 needle finds", "0.4 needle finds"."""
    return f"{number_words(number)} {one if number_words(number) == '1' else many}"


def list_words(items: Sequence[str], *, most: int = 3) -> str:
    """As in "Central", "Central and Newport", "Central, Newport and 4 more"."""
    shown = list(items[:most])
    if len(items) > most:
        shown.append(f"{len(items) - most} more")
    if len(shown) <= 1:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def html_text(text: object) -> str:
    """Text from anywhere as HTML text: the five characters escaped; control characters become spaces."""
    printable = "".join(char if char.isprintable() else " " for char in str(text))
    return escape(printable, quote=True)
