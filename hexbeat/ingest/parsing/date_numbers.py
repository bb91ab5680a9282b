"""Dates that programs write as numbers: days of a spreadsheet, and seconds or milliseconds since 1970.

A number says nothing by itself, so a profile names its format by a word, or the whole column decides.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["NUMBER_FORMATS", "DateNumber", "DateNumbers", "describe_number_format", "parse_date_number"]

# The word, and what it counts from. Excel for Mac once counted from 1904; nothing in a number shows it.
NUMBER_FORMATS: Final = ("excel", "excel-1904", "epoch", "epoch-ms")
_DESCRIPTIONS: Final = {
    "excel": "days of a spreadsheet, counted from 1900",
    "excel-1904": "days of a spreadsheet, counted from 1904",
    "epoch": "seconds since 1970 (UTC)",
    "epoch-ms": "milliseconds since 1970 (UTC)",
}
_NUMBER: Final = re.compile(r"[0-9]{1,14}(?:\.[0-9]+)?")
_DAY_S: Final = 86_400
_EPOCH: Final = dt.date(1970, 1, 1)
_ORIGINS: Final = {"excel": (dt.date(1899, 12, 30) - _EPOCH).days, "excel-1904": (dt.date(1904, 1, 1) - _EPOCH).days}
_FIRST_DAYS: Final = {"excel": 61, "excel-1904": 1}  # before March 1900 Excel counts a day that never was
_MOST_DAYS: Final = 110_000  # after 2200
_DIGITS: Final = {"epoch": (1, 10), "epoch-ms": (1, 13)}
# What a column may be, by the size of its numbers: days of 1982 to 2064, and instants of 1985 to 2049.
_RANGES: Final = {
    "excel": (30_000.0, 60_000.0),
    "epoch": (500_000_000.0, 2_500_000_000.0),
    "epoch-ms": (500_000_000_000.0, 2_500_000_000_000.0),
}
_MOST: Final = 0.8  # the share of different dates of a column that must be such numbers


class DateNumber(NamedTuple):
    """Seconds since 1970, of local or UTC time; `is_day`: the number has no part of a day."""

    seconds: int
    is_day: bool
    is_utc: bool


def parse_date_number(text: str, form: str) -> DateNumber | None:
    """A text as a date in one of NUMBER_FORMATS; None if it is none."""
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    if form in _ORIGINS:
        if not _FIRST_DAYS[form] <= number <= _MOST_DAYS:
            return None
        seconds = round((number + _ORIGINS[form]) * _DAY_S)
        return DateNumber(seconds, is_day=number.is_integer(), is_utc=False)
    fewest, most = _DIGITS[form]
    if not fewest <= len(text.partition(".")[0]) <= most:
        return None
    return DateNumber(int(number // 1000 if form == "epoch-ms" else number), is_day=False, is_utc=True)


def describe_number_format(form: str) -> str:
    """What a word for numbers means, as in "seconds since 1970 (UTC)"."""
    return _DESCRIPTIONS[form]


@dataclass(slots=True)
class DateNumbers:
    """How many different dates of a file there are, how many may be numbers of each format, and the first and last."""

    dates: int = 0
    number_by_format: Counter[str] = field(default_factory=Counter)
    whole_days: int = 0  # of epochs, those at midnight in UTC
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, texts: Iterable[str]) -> None:
        """Count texts; blank ones are passed over."""
        for text in texts:
            self.dates += bool(text)
            if not text[:1].isdecimal() or _NUMBER.fullmatch(text) is None:
                continue
            number = float(text)
            for form, (lower, upper) in _RANGES.items():
                if lower <= number <= upper:
                    self.number_by_format[form] += 1
                    self.whole_days += form != "excel" and number % (_DAY_S * (1000 if form == "epoch-ms" else 1)) == 0
                    first, last = self.bounds.get(form, (number, number))
                    self.bounds[form] = (min(first, number), max(last, number))

    @property
    def decided(self) -> str | None:
        """The format of numbers in which most dates of the file are; None where they are texts."""
        for form, number in self.number_by_format.items():
            if number >= _MOST * self.dates:
                return form
        return None

    @property
    def are_days(self) -> bool:
        """Whether all epochs are midnights in UTC, more than one: then they stand for days, in no time zone."""
        return 1 < self.whole_days == sum(self.number_by_format.values())

    def find_span(self, form: str) -> tuple[dt.date, dt.date]:
        """The first and the last day, by UTC, of the numbers of one format."""
        first, last = (parse_date_number(str(int(number)), form) for number in self.bounds[form])
        days = [_EPOCH + dt.timedelta(days=number.seconds // _DAY_S) for number in (first, last) if number]
        return days[0], days[-1]
