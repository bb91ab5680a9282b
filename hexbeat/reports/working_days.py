"""Working days: Monday to Friday without the bank holidays of England and Wales."""

import datetime as dt
from typing import Final

__all__ = ["find_bank_holiday", "list_bank_holidays"]

_DAY: Final = dt.timedelta(days=1)
_SATURDAY: Final = 5


def find_bank_holiday(day: dt.date) -> str | None:
    """The name of the bank holiday on this day; None if it is none that the rules give."""
    return list_bank_holidays(day.year).get(day)


def list_bank_holidays(year: int) -> dict[dt.date, str]:
    """The bank holidays of a year in England and Wales, by the rules that have held since 1978, in order.

    A holiday on a weekend has its substitute on the next working day. Days that are proclaimed once, or moved for one
    year, such as for a coronation, are not known here.
    """
    easter = find_easter(year)
    holidays = {
        _substitute(dt.date(year, 1, 1)): "New Year's Day",
        easter - 2 * _DAY: "Good Friday",
        easter + _DAY: "Easter Monday",
        _find_monday(dt.date(year, 5, 1)): "Early May bank holiday",
        _find_monday(dt.date(year, 5, 25)): "Spring bank holiday",
        _find_monday(dt.date(year, 8, 25)): "Summer bank holiday",
    }
    christmas = _substitute(dt.date(year, 12, 25))
    boxing = _substitute(dt.date(year, 12, 26))
    if boxing == christmas:  # both fall on a weekend
        boxing += _DAY
    if dt.date(year, 12, 25).weekday() == _SATURDAY + 1:  # Sunday: Boxing Day keeps its Monday
        christmas, boxing = dt.date(year, 12, 27), dt.date(year, 12, 26)
    return dict(sorted((holidays | {christmas: "Christmas Day", boxing: "Boxing Day"}).items()))


def find_easter(year: int) -> dt.date:
    """Easter Sunday of a year of the Gregorian calendar (Meeus, Astronomical Algorithms, 1991, chapter 8)."""
    golden, century, rest = year % 19, year // 100, year % 100
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return dt.date(year, month, day + 1)


def _find_monday(day: dt.date) -> dt.date:
    """The first Monday from this day on."""
    return day + (-day.weekday() % 7) * _DAY


def _substitute(day: dt.date) -> dt.date:
    """The day, or the Monday after the weekend on which it falls."""
    return _find_monday(day) if day.weekday() >= _SATURDAY else day
