"""Quarters as funders count them: of the UK financial year, which begins in April, or of the calendar year."""

import datetime as dt
from typing import Final, Literal, get_args

from layers.wording import MONTH_NAMES

__all__ = ["QUARTER_YEARS", "QuarterYear", "find_quarter", "format_quarter", "format_quarter_months"]

QuarterYear = Literal["financial", "calendar"]
QUARTER_YEARS: Final[tuple[QuarterYear, ...]] = get_args(QuarterYear)
_APRIL: Final = 4


def format_quarter(day: dt.date, *, year: QuarterYear = "financial") -> str:
    """The quarter of a day: "2026/27 Q3" (October to December 2026), or of the calendar year "2026 Q4".

    Both kinds have the same bounds and sort as text.
    """
    quarter = (day.month - 1) // 3 + 1
    if year == "calendar":
        return f"{day.year} Q{quarter}"
    first = day.year if day.month >= _APRIL else day.year - 1
    return f"{first}/{(first + 1) % 100:02d} Q{(quarter + 2) % 4 + 1}"


def find_quarter(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first day of the quarter that a day is in, and of the one after it."""
    start = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    months = start.month + 3
    return start, dt.date(start.year + (months > 12), (months - 1) % 12 + 1, 1)  # noqa: PLR2004 - months of a year


def format_quarter_months(day: dt.date) -> str:
    """The months of the quarter that a day is in: "Oct to Dec 2026"."""
    start, _ = find_quarter(day)
    return f"{MONTH_NAMES[start.month - 1]} to {MONTH_NAMES[start.month + 1]} {start.year}"
