"""Dates as people write them, as ISO 8601 texts: names of months, ordinals, weekdays, a.m. and p.m., GMT and BST.

Only what has one meaning is rewritten. A date of three numbers keeps its order, which the column decides; its clock and
its zone are rewritten all the same.
"""

import datetime as dt
import re
from typing import Final

import pandas as pd

__all__ = ["parse_clock", "parse_month", "parse_year", "rewrite_date", "shorten_months"]

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
# The usual short form has three letters; since 2020 British software writes Sept, and people do.
_MONTH_NUMBERS: Final = {short: n for n, name in enumerate(_MONTHS, start=1) for short in (name, name[:3])} | {
    "sept": 9
}
# Of ASCII alone: without regard to case, a dotted capital I would be taken for i, and a long s for s.
_MONTH: Final = rf"(?P<month>(?a:{'|'.join(sorted(_MONTH_NUMBERS, key=len, reverse=True))}))\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>\d{4}|'?\d{2})"
_GAP: Final = r"[\s,./-]+"
_OF: Final = r"(?:\s+of)?"
_WORDED: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_DAY}{_OF}(?:{_GAP})?{_MONTH}(?:{_GAP})?{_YEAR}",  # 9 Sept 2025, 9th of September 2025, 9-Sep-25, 9Sep2025
        rf"{_MONTH}{_GAP}{_DAY}{_GAP}(?P<year>\d{{4}})",  # September 9, 2025
        rf"(?P<year>\d{{4}}){_GAP}{_MONTH}{_GAP}{_DAY}",  # 2025 Sep 9
        rf"{_MONTH}{_GAP}{_YEAR}",  # Sept 2025, Sep-25: spreadsheets write a month so
        rf"(?P<year>\d{{4}}){_GAP}{_MONTH}",  # 2025 September
    )
)
_UNCLEAR: Final = re.compile(rf"{_MONTH},?\s+,?(?:[012]?\d|3[01])", re.IGNORECASE)  # Sept 20: a day, or of 2020?
_WEEKDAY: Final = re.compile(
    r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+(?=\S)", re.IGNORECASE
)
_ZONES: Final = {"gmt": "Z", "bst": "+01:00"}
_ZONE: Final = re.compile(r"(?<=[\dm.])\s*\b((?a:gmt|bst))$", re.IGNORECASE)
_CLOCK: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[ap])?\.?(?:m\.?)?",
    re.IGNORECASE,
)
_HALF: Final = r"\s*[ap]\.?m\.?"
_SPLIT: Final = re.compile(
    r"^(?P<date>.*?[\d a-z])(?:\s+at\s+|,?\s+|T)"
    rf"(?P<clock>\d{{1,2}}(?:[:.]\d{{2}}){{1,2}}(?:[.,]\d+)?(?:{_HALF})?|\d{{1,2}}{_HALF})$",
    re.IGNORECASE,
)
_PLAIN_CLOCK: Final = re.compile(r"(\d{1,2})(\d{2})")
_CLOCK_WITH_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[ T](\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?")
_MIDNIGHT: Final = r"(?:[ T]00:00(?::00)?(?:Z|\+00:?00)?)?"
_ISO_DAY: Final = re.compile(rf"(?P<month>\d{{4}}-\d{{2}})-(?P<day>\d{{2}}){_MIDNIGHT}")
_NUMBER_DAY: Final = re.compile(rf"(?P<day>\d{{1,2}})[/.](?P<month>\d{{2}})[/.](?P<year>\d{{4}}){_MIDNIGHT}")
_FRACTION: Final = re.compile(r"0?\.\d+|0")
_DAY_S: Final = 86_400
_NOON: Final = 12
_CENTURY_TURN: Final = 70  # two digits of a year: 70 to 99 are of the last century, as POSIX has it


def rewrite_date(text: str) -> str:
    """The text as ISO 8601 where its date has the name of a month; else with its weekday, clock and zone made plain.

    What is not understood is returned as it is.
    """
    plain, zone = _take_zone(_WEEKDAY.sub("", text.strip()))
    date, clock = _take_clock(plain)
    if clock is None:
        return text if date is None else f"{_rewrite_month(date)}{zone}"
    return f"{_rewrite_month(date)} {clock}{zone}"


def shorten_months(texts: pd.Series) -> pd.Series:
    """A column of months (n,) in which other programs have written a month as its first day: "2024-03-01" is "2024-03".

    Only where every date that is a day is a first of a month; else the column is returned as it is.
    """
    months = {text: _shorten_month(text) for text in texts.unique() if text}
    if any(month is None for month in months.values()):
        return texts
    return texts.map(lambda text: months.get(text, text))


def _shorten_month(text: str) -> str | None:
    """The month of its first day, or a text that is no day; None for another day."""
    plain = rewrite_date(text)
    if match := _ISO_DAY.fullmatch(plain):
        return match["month"] if match["day"] == "01" else None
    if match := _NUMBER_DAY.fullmatch(plain):
        return f"{match['year']}-{match['month']}" if match["day"] in {"1", "01"} else None
    return text


def _take_zone(text: str) -> tuple[str, str]:
    """The text without GMT or BST at its end, and that zone as an offset."""
    match = _ZONE.search(text)
    return (text[: match.start()], _ZONES[match[1].lower()]) if match else (text, "")


def _take_clock(text: str) -> tuple[str, str | None]:
    """The date of a text, and its clock as HH:MM:SS; None where there is no clock, or none that a day has."""
    match = _SPLIT.match(text)
    if match is None:
        return text, None
    seconds = parse_clock(match["clock"])
    return (text, None) if seconds is None else (match["date"].rstrip(" ,"), _format_clock(seconds))


def _format_clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _rewrite_month(date: str) -> str:
    """A date with the name of a month as ISO 8601; any other as it is."""
    if _UNCLEAR.fullmatch(date):
        return date
    for form in _WORDED:
        match = form.fullmatch(date)
        if match is None:
            continue
        parts = match.groupdict()
        year = _parse_year(parts["year"])
        month = _MONTH_NUMBERS[parts["month"].lower()]
        if parts.get("day") is None:
            return f"{year:04d}-{month:02d}"
        try:
            return dt.date(year, month, int(parts["day"])).isoformat()
        except ValueError:  # such as 31 September
            return date
    return date


def _parse_year(text: str) -> int:
    digits = text.lstrip("'")
    if len(digits) == 4:  # noqa: PLR2004 - digits of a year
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _CENTURY_TURN else 2000)


def parse_year(text: str) -> int | None:
    """A year of four or two figures; None for any other text."""
    return _parse_year(text) if re.fullmatch(r"[0-9]{4}|'?[0-9]{2}", text) else None


def parse_month(text: str) -> int | None:
    """A month as a number from 1 to 12, or as its name; None for any other text."""
    if re.fullmatch("[0-9]{1,2}", text):
        return int(text) if 1 <= int(text) <= len(_MONTHS) else None
    return _MONTH_NUMBERS.get(text.casefold().rstrip("."))


def parse_clock(text: str) -> int | None:
    """14:30, 14.30, 1430, 14h30, 2:30pm, 2 p.m., a cell "1900-01-01 14:30:00" or 0.604 of a day as seconds of the day.

    None for any other text. Spreadsheets keep a time of day as a date with a clock, or as a part of a day.
    """
    text = text.strip()
    if dated := _CLOCK_WITH_DATE.fullmatch(text):
        text = dated[1]
    if _FRACTION.fullmatch(text) and "." in text:
        return round(float(text) * 1440) % 1440 * 60
    if plain := _PLAIN_CLOCK.fullmatch(text):
        text = f"{plain[1]}:{plain[2]}"
    match = _CLOCK.fullmatch(text)
    if match is None or (match["minute"] is None and match["half"] is None):
        return None
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    if match["half"]:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if match["half"].lower() == "p" else 0)
    seconds = hour * 3600 + minute * 60 + second
    return seconds if minute < 60 and second < 60 and seconds < _DAY_S else None  # noqa: PLR2004 - a clock's bounds
