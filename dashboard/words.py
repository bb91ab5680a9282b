"""Numbers, dates and lists as plain English words."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import Final

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
MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_words(day: date) -> str:
    """21 Nov 2026: the same in every locale."""
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"


def span_words(start: date, end: date) -> str:
    """The half-open period [start, end) by its first and last day: "26 Oct to 21 Nov 2026"; the year only once."""
    last = end - timedelta(days=1)
    if last <= start:
        return date_words(start)
    first = date_words(start) if start.year != last.year else f"{start.day} {MONTH_NAMES[start.month - 1]}"
    return f"{first} to {date_words(last)}"


def number_words(value: float) -> str:
    """Thousands with a comma; a share (1.46) with one decimal, a whole number without; never "-0"."""
    rounded = round(value, 1)
    whole = round(rounded)
    return f"{whole:,}" if rounded == whole else f"{rounded:,.1f}"


def percent_words(share: float) -> str:
    """0.18 as "18 %"; what is not nothing and under a half per cent as "under 1 %"."""
    percent = round(share * 100)
    return "under 1 %" if percent == 0 and share > 0 else f"{percent:,} %"


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
