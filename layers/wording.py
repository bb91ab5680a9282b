"""Numbers, chances, dates and lists in plain English, and text from data as HTML text."""

import datetime as dt
import math
import re
from collections.abc import Sequence
from html import escape
from typing import Final

from layers.event import Measure
from layers.layer_spec import LayerSpec

__all__ = [
    "CELL_WIDTHS_M",
    "DAY_NAMES",
    "MONTH_NAMES",
    "escape_html",
    "format_about",
    "format_ago",
    "format_cell_width",
    "format_count",
    "format_date",
    "format_day_spans",
    "format_expected",
    "format_hours",
    "format_last_record",
    "format_left_out",
    "format_list",
    "format_not_known",
    "format_number",
    "format_odds",
    "format_p",
    "format_percent",
    "format_plural",
    "format_sentence",
    "format_span",
]

# An ordinary word at the start: no file.csv, no --option, no 'quoted' text, no name_with_underscores.
_WORD_FIRST: Final = re.compile(r"(?!hexbeat\b)[a-z]+(?=[\s,:;]|$)")
DAY_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Flat to flat, from the mean edge lengths of h3geo.org/docs/core-library/restable times the square root of three.
CELL_WIDTHS_M: Final = {8: 900, 9: 350, 10: 130, 11: 50}
_NOTHING: Final = 1e-9  # rounding errors that sums of shares leave where they cancel
# Up to so many days, the unit and its length in days.
_AGES: Final = ((14, "day", 1.0), (92, "week", 7.0), (1096, "month", 365.25 / 12), (math.inf, "year", 365.25))
_RARE: Final = 0.001  # all smaller chances have the same words
_HALF: Final = 0.4  # from here on "1 in 2" says no more than "about half"


def format_cell_width(resolution: int) -> str:
    """How far it is across a cell, rounded, as in "130 m"."""
    return f"{CELL_WIDTHS_M[resolution]} m"


def format_hours(hours: tuple[int, int] | None) -> str:
    """As in "22:00 to 06:00"; empty for all hours."""
    return f"{hours[0]:02d}:00 to {hours[1]:02d}:00" if hours else ""


def format_last_record(day: dt.date, *, month_only: bool) -> str:
    """As in "3 Dec 2024"; "Dec 2024 (known to the month)" of a record that is known only to its month."""
    return f"{MONTH_NAMES[day.month - 1]} {day.year} (known to the month)" if month_only else format_date(day)


def format_date(day: dt.date) -> str:
    """21 Nov 2026: the same in every locale."""
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"


def format_ago(day: dt.date, today: dt.date) -> str:
    """How long ago a day was, in the unit that fits: "9 days ago", "11 weeks ago", "23 months ago", "4 years ago"."""
    days = (today - day).days
    unit, length = next((unit, length) for most, unit, length in _AGES if days < most)
    number = max(round(days / length), 1)
    return f"{number} {unit if number == 1 else f'{unit}s'} ago"


def format_p(p: float | None) -> str:
    """A p- or q-value for a table: "< 0.001", else two digits; "" where there is none."""
    if p is None or math.isnan(p):
        return ""
    return "< 0.001" if p < _RARE else f"{p:.2g}"


def format_span(start: dt.date, end: dt.date) -> str:
    """The half-open period [start, end) by its first and last day, the year only once: "26 Oct to 21 Nov 2026"."""
    last = end - dt.timedelta(days=1)
    if last <= start:
        return format_date(start)
    first = format_date(start) if start.year != last.year else f"{start.day} {MONTH_NAMES[start.month - 1]}"
    return f"{first} to {format_date(last)}"


def format_day_spans(spans: Sequence[tuple[dt.date, dt.date]], *, most: int = 3) -> str:
    """Half-open periods in words, whole months by their name: "Mar 2024, Jul to Sep 2024 and 3 to 9 Nov 2024"."""
    return format_list([_format_days(start, end) for start, end in spans], most=most)


def format_not_known(spans: Sequence[tuple[dt.date, dt.date]]) -> str:
    """As in "Mar 2024 is not known", "Mar 2024 and 3 to 9 May 2024 are not known"; of one half-open period or more."""
    return _format_state(spans, "not known")


def format_left_out(spans: Sequence[tuple[dt.date, dt.date]]) -> str:
    """As in "Mar 2024 is left out", of one half-open period or more."""
    return _format_state(spans, "left out")


def _format_state(spans: Sequence[tuple[dt.date, dt.date]], state: str) -> str:
    text = format_day_spans(spans)
    return f"{text} {'are' if len(spans) > 1 or ' to ' in text else 'is'} {state}"


def _format_days(start: dt.date, end: dt.date) -> str:
    last = end - dt.timedelta(days=1)
    if start.day == 1 and end.day == 1:
        first = f"{MONTH_NAMES[start.month - 1]} {start.year}"
        if (start.year, start.month) == (last.year, last.month):
            return first
        return f"{first.removesuffix(f' {last.year}')} to {MONTH_NAMES[last.month - 1]} {last.year}"
    if (start.year, start.month) == (last.year, last.month) and start != last:
        return f"{start.day} to {format_date(last)}"
    return format_span(start, end)


def format_number(value: float) -> str:
    """Thousands with a comma; a share (1.46) with one decimal, a small one with two, a whole one without; no "-0"."""
    if _NOTHING < abs(value) < 0.1:  # noqa: PLR2004 - with one decimal it would be 0
        return f"{value:.2f}" if abs(value) >= 0.005 else "under 0.01" if value > 0 else "0"  # noqa: PLR2004 - likewise
    rounded = round(value, 1)
    whole = round(rounded)
    return f"{whole:,}" if rounded == whole else f"{rounded:,.1f}"


def format_about(value: float) -> str:
    """A number as people need it: a whole number as it is, others as in "about 58"; less than 1 as "under 1"."""
    if abs(value - round(value)) < _NOTHING:
        return f"{round(value):,}"
    return f"about {math.floor(value + 0.5):,}" if value >= 1 else "under 1"


def format_expected(value: float) -> str:
    """A forecast number, which nobody knows to a decimal: "about 1", "about 58"; "under 1" for less than a half."""
    number = math.floor(value + 0.5)
    return f"about {number:,}" if number else "under 1"


def format_percent(share: float) -> str:
    """0.18 as "18 %"; more than 0 and under half a per cent as "under 1 %"."""
    percent = round(share * 100)
    return "under 1 %" if percent == 0 and share > 0 else f"{percent:,} %"


def format_odds(p: float) -> str:
    """A chance as odds: "fewer than 1 in 1,000", "about 1 in 40", "about 4 in 10"."""
    if p < _RARE:
        return "fewer than 1 in 1,000"
    if p >= _HALF:
        return f"about {min(round(p * 10), 10)} in 10"
    odds = 1 / p
    return f"about 1 in {round(odds, -1 if odds >= 100 else None):,.0f}"  # noqa: PLR2004 - two digits are enough


def format_count(number: float, spec: LayerSpec, measure: Measure = "events") -> str:
    """A number with what it counts, as in "1 needle find", "14 needle finds", "about 58 needles" (of shared events)."""
    if measure == "quantity" and spec.item not in spec.many:
        singular, plural = spec.item.removesuffix("s"), spec.item
    else:
        singular, plural = spec.one, spec.many
    words = format_about(number)
    return f"{words} {singular if words in ('1', 'about 1', 'under 1') else plural}"


def format_list(items: Sequence[str], *, most: int | None = None, conjunction: str = "and") -> str:
    """As in "Central", "Central and Newport", "Central, Newport and Park"; beyond `most` "Central, Park and 4 more".

    `conjunction` stands before the last item.
    """
    parts = list(items[:most])
    if len(items) > len(parts):
        parts.append(f"{len(items) - len(parts)} more")
    return f" {conjunction} ".join([*([", ".join(parts[:-1])] if parts[:-1] else []), *parts[-1:]])


def format_plural(number: float, singular: str, plural: str) -> str:
    """As in "1 needle find", "312 needle finds", "0.4 needle finds"."""
    return f"{format_number(number)} {singular if format_number(number) == '1' else plural}"


def format_sentence(text: str) -> str:
    """A part of an error as a sentence: it begins with a capital and ends with one mark.

    A text that begins with a file name, an option or a quotation keeps its first letter.
    """
    capital = text[:1].upper() + text[1:] if _WORD_FIRST.match(text) else text
    return capital if capital.endswith((".", "?", "!")) else f"{capital}."


def escape_html(text: object) -> str:
    """Text from anywhere as HTML text: the five characters escaped; control characters become spaces."""
    printable = "".join(char if char.isprintable() else " " for char in str(text))
    return escape(printable, quote=True)
