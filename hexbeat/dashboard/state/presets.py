"""Presets for the choices: periods, shifts, and sizes of cells."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from hexbeat.analysis.rhythm import SHIFT_HOURS
from layers.periods import find_quarter, find_year_before

__all__ = [
    "DEFAULT_PERIOD",
    "PERIODS",
    "SHIFTS",
    "SHIFT_TITLES",
    "USUAL_ANALYSIS_PERIOD",
    "PeriodPreset",
    "Shift",
    "find_period_before",
    "format_size",
]

DAY: Final = timedelta(days=1)
DEFAULT_PERIOD: Final = "28d"
USUAL_ANALYSIS_PERIOD: Final = "year"  # patterns over time need time

# Flat to flat, from the mean edge lengths of h3geo.org/docs/core-library/restable times the square root of three.
SIZE_LABELS: Final = {8: "Large, 900 m", 9: "Medium, 350 m", 10: "Small, 130 m", 11: "Smallest, 50 m"}


@dataclass(frozen=True, slots=True)
class PeriodPreset:
    """A period with a name: `bounds(last)` is its half-open period if `last` is the last known day.

    `old_title` names it where the records end long ago, before "of the records".
    """

    title: str
    bounds: Callable[[date], tuple[date, date]]
    old_title: str


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours of the day [from, to) in local time; None means all of them."""

    title: str
    hours: tuple[int, int] | None


def build_last_days(count: int) -> Callable[[date], tuple[date, date]]:
    """The last `count` days, the last known day included."""
    return lambda last: (last - (count - 1) * DAY, last + DAY)


def find_this_quarter(last: date) -> tuple[date, date]:
    """From the first day of the quarter to the last known day."""
    return find_quarter(last)[0], last + DAY


def find_last_quarter(last: date) -> tuple[date, date]:
    """The whole quarter before."""
    end, _ = find_quarter(last)
    return find_quarter(end - DAY)


def find_last_year(last: date) -> tuple[date, date]:
    """Twelve months that end with the last known day, with a leap day if there is one."""
    end = last + DAY
    return find_year_before((last, end))[1], end


PERIODS: Final = {
    "7d": PeriodPreset("7 days", build_last_days(7), "The last 7 days"),
    "28d": PeriodPreset("28 days", build_last_days(28), "The last 28 days"),
    "90d": PeriodPreset("90 days", build_last_days(90), "The last 90 days"),
    "quarter": PeriodPreset("This quarter", find_this_quarter, "The last quarter"),
    "last-quarter": PeriodPreset("Last quarter", find_last_quarter, "The quarter before the last"),
    "year": PeriodPreset("A year", find_last_year, "The last year"),
}
SHIFT_TITLES: Final = {
    name: f"{name.capitalize()} {first:02d}-{last:02d}" for name, (first, last) in SHIFT_HOURS.items()
}
# Three shifts of eight hours that cover the day. The screen adds "own hours" as a fifth choice.
SHIFTS: Final = {
    "any": Shift("Any", None),
    **{name: Shift(SHIFT_TITLES[name], hours) for name, hours in SHIFT_HOURS.items()},
}


def find_period_before(start: date, end: date) -> tuple[date, date]:
    """The period of the same length that ends where this one starts."""
    return start - (end - start), start


def format_size(resolution: int) -> str:
    """The size of the cells in words, for the choice and for the legend."""
    return SIZE_LABELS[resolution]
