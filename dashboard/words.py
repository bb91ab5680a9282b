"""Numbers, dates and lists as plain English words."""

from html import escape
from typing import Final

from layers.wording import MONTH_NAMES, date_words, list_words, number_words, percent_words, span_words

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


def plural(number: float, one: str, many: str) -> str:
    """As in "1 needle find", "312 needle finds", "0.4 needle finds"."""
    return f"{number_words(number)} {one if number_words(number) == '1' else many}"


def html_text(text: object) -> str:
    """Text from anywhere as HTML text: the five characters escaped; control characters become spaces."""
    printable = "".join(char if char.isprintable() else " " for char in str(text))
    return escape(printable, quote=True)
