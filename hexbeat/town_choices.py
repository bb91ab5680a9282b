"""What a caller of the Python interface chooses, in any usual form, as the values that functions take."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from geo.errors import UsageError
from layers.filters import COLUMN_FILTERS, DAYS
from layers.periods import parse_day

if TYPE_CHECKING:
    from hexbeat.analysis.change_map import Against

__all__ = [
    "FILTERS",
    "Day",
    "Names",
    "build_choice_error",
    "convert_day",
    "list_names",
    "list_weekdays",
    "parse_comparison",
    "require_one_of",
]

Names = str | Sequence[str] | None  # one name, several, or None for all
Day = dt.date | str | None  # a date, or text such as 2026-11-21 or 21/11/2026
# The keywords that every method takes, beside `layers`, `resolution` and `as_at`.
FILTERS: Final = (
    "start",
    "end",
    "wards",
    "hours",
    "days",
    "measure",
    *(column_filter.field for column_filter in COLUMN_FILTERS),
)


def parse_comparison(against: str | tuple[Day, Day]) -> "Against":
    """The period to compare with, by its name or its two days."""
    from hexbeat.analysis.change_map import AGAINST, parse_against  # noqa: PLC0415 - scipy, when it is needed

    if isinstance(against, str):
        if against.replace("-", "_") not in AGAINST:
            raise build_choice_error("against", against, AGAINST)
        return parse_against(against)
    return parse_against(":".join(str(convert_day(day) or "") for day in against))


def list_names(names: Names) -> tuple[str, ...]:
    """The names as a tuple; none for all."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def convert_day(day: Day) -> dt.date | None:
    """A date from a date, a timestamp or text; UsageError for anything else."""
    if day is None or isinstance(day, str):
        return parse_day(day) if day else None
    return day.date() if isinstance(day, dt.datetime) else day


def list_weekdays(days: str | Iterable[int | str] | None) -> str | None:
    """Weekdays as the text that filters read; a number that is not a weekday stays, to be refused there."""
    if days is None or isinstance(days, str):
        return days
    return ",".join(DAYS[day] if isinstance(day, int) and 0 <= day < len(DAYS) else str(day) for day in days)


def require_one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """UsageError if the value is not one of those allowed."""
    if value not in allowed:
        raise build_choice_error(name, value, allowed)


def build_choice_error(name: str, value: str, allowed: Sequence[str]) -> UsageError:
    """The error for a value that is not one of those allowed."""
    return UsageError(
        f"{name} is one of {', '.join(allowed)}", f"{value!r} was given", f"choose from {', '.join(allowed)}"
    )
