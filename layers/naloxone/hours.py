"""Opening hours as files write them: whether a place is open through some hours of some days."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from layers.filters import DAYS

__all__ = ["is_open_through", "parse_open_hours"]

_ALWAYS: Final = re.compile(r"24\s*/\s*7|24\s*hours?|24h|always(\s+open)?|any\s*time", re.IGNORECASE)
_CLOCK: Final = r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*(am|pm)?"
_SPAN: Final = re.compile(rf"{_CLOCK}\s*(?:-|\u2013|to|until)\s*{_CLOCK}", re.IGNORECASE)
_DAY: Final = r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_DAYS: Final = re.compile(rf"{_DAY}(?:\s*(-|\u2013|to)\s*{_DAY})?", re.IGNORECASE)
_WEEK: Final = 7
_HALF: Final = 12


def is_open_through(hours: str | None, asked: tuple[int, int] | None, days: frozenset[int]) -> bool | None:
    """Whether a place is open through all asked hours of all asked days; None where its hours are not known.

    `asked` as in a filter: whole hours, (22, 4) runs over midnight and belongs to the day on which it begins; None: the
    whole day. No days: all seven.
    """
    week = parse_open_hours(hours)
    if week is None:
        return None
    first, last = asked or (0, 24)
    length = (last - first) % 24 or 24
    wanted = [(day * 24 + first + hour) % (24 * _WEEK) for day in (days or range(_WEEK)) for hour in range(length)]
    return bool(week[wanted].all())


def parse_open_hours(hours: str | None) -> NDArray[np.bool_] | None:
    """The whole hours of the week, Monday 0:00 first, in which a place is open, bool (168,).

    Understands "24/7", "09:00-17:30", "Mon-Fri 8:00 to 18:00; Sat 9am-1pm", "Sun closed". Hours that are open in part
    count as shut. None where nothing is said, or something that is not understood.
    """
    text = (hours or "").strip()
    if not text:
        return None
    week: NDArray[np.bool_] = np.zeros(24 * _WEEK, dtype=np.bool_)
    for part in filter(None, (piece.strip() for piece in re.split(r"[;\n]|,(?=\s*[A-Za-z])", text))):
        spans = _SPAN.findall(part)
        rest = _SPAN.sub(" ", _ALWAYS.sub(" ", part))
        days, rest = _parse_days(rest)
        always, shut = bool(_ALWAYS.search(part)), "closed" in rest.lower()
        if re.sub(r"closed|daily|every ?day|and|[\s,&:.]", "", rest, flags=re.IGNORECASE):
            return None
        if not (spans or always or shut):
            return None
        for day in days:
            for opens, closes in [(0, 24)] * always + [_parse_clock(span) for span in spans]:
                week[(day * 24 + np.arange(opens, closes)) % (24 * _WEEK)] = True
    return week


def _parse_days(text: str) -> tuple[list[int], str]:
    """The weekdays that a text names (none: all seven), and what is left of it."""
    days: list[int] = []
    for first, _, last in _DAYS.findall(text):
        start = DAYS.index(first.lower())
        end = DAYS.index(last.lower()) if last else start
        days += [(start + step) % _WEEK for step in range((end - start) % _WEEK + 1)]
    return days or list(range(_WEEK)), _DAYS.sub(" ", text)


def _parse_clock(span: tuple[str, ...]) -> tuple[int, int]:
    """From the first whole hour to the last, beyond 24 where it runs over midnight."""
    opens = _parse_hour(*span[:3]) + (1 if int(span[1] or 0) else 0)
    closes = _parse_hour(*span[3:])
    return opens, closes if closes > opens - 1 and closes != 0 else closes + 24


def _parse_hour(hour: str, _minute: str, half: str) -> int:
    value = int(hour)
    if half:
        value = value % _HALF + (_HALF if half.lower() == "pm" else 0)
    return value
