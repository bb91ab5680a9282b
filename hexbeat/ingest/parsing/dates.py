"""Parses dates and times in many formats to UTC seconds and their precision.

A local time that a clock change skips is read as the next time that exists; one that is repeated is read as the first
of the two (summer time). ISO 8601 is always understood; other formats are named as in strptime, or by a word for
numbers (`date_numbers`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_letters, digits
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.ingest.parsing.date_numbers import NUMBER_FORMATS, parse_date_number
from hexbeat.ingest.parsing.date_words import parse_clock, rewrite_date

__all__ = [
    "DAY",
    "MINUTE",
    "MONTH",
    "ONE_DAY",
    "ONE_MONTH",
    "Timestamps",
    "ceiling",
    "floor",
    "next_start",
    "parse_timestamps",
    "to_utc",
]

ONE_DAY, ONE_MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")
MINUTE, DAY, MONTH = 0, 1, 2  # places in layers.event.PRECISIONS
ISO: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y-%m",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
)
ZONE: Final = re.compile(r"^(.*\d:\d\d.*?)\s*(Z|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$")
NO_SECOND: Final = re.compile(r":\d\d:61(?!\d)")  # which C's strptime allows, and so does pandas; 60 is a leap second
DIGIT: Final = re.compile(r"\d")  # pandas reads "now" and "today" as dates, in any format
SIGNS: Final = frozenset("+-")  # an offset has one of them among its last six characters
FIRST_YEAR, LAST_YEAR = 1900, 2200  # other years are typing errors or fillers such as 9999
PARTS: Final = {
    "%d": r"\d{1,2}", "%m": r"\d{1,2}", "%Y": r"\d{4}", "%y": r"\d{2}", "%H": r"\d{1,2}", "%I": r"\d{1,2}",
    "%M": r"\d{1,2}", "%S": r"\d{1,2}", "%b": "[a-z]{3}", "%B": "[a-z]{3,9}", "%p": "[a-z]{2}", "%f": r"\d{1,9}",
    "%A": "[a-z]{6,9}", "%a": "[a-z]{3}",
}  # fmt: skip
_SHAPE: Final = str.maketrans(dict.fromkeys(digits, "0") | dict.fromkeys(ascii_letters, "a"))
_ISO_CLOCK: Final = re.compile(r"(\d)[Tt](\d)")
_ISO_FRACTION: Final = re.compile(r"(:\d\d)[.,]\d+$")
_THREE_NUMBERS: Final = re.compile(r"(%[dm])[/.-](?!\1)(%[dm])[/.-]%[Yy]")
Seconds = NDArray[np.int64]
Local = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class Timestamps:
    """Timestamps (n,): local time (datetime64[s]), UTC seconds, precision (MINUTE, DAY, MONTH).

    `written` is the time in the text, whatever its zone. `blank`: there was no text. `bad`: the text is not a date. The
    other columns mean nothing there.
    """

    local: Local
    utc: Seconds
    precision: NDArray[np.int8]
    blank: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    written: Local


def parse_timestamps(
    texts: pd.Series,
    *,
    formats: Sequence[str],
    time_zone: str,
    zone_in_text: bool = True,
    clocks: pd.Series | None = None,
) -> Timestamps:
    """Texts (n,) to timestamps. `clocks` are times of day for texts without one; an invalid one makes the row bad.

    An offset in the text ("Z", "+01:00") is used, or ignored if `zone_in_text` is false.
    """
    codes, unique = pd.factorize(texts)
    naive, offset, precision = _parse_unique(list(unique), formats)
    naive, offset, precision = naive[codes], offset[codes], precision[codes]
    bad_clock = np.zeros(len(codes), dtype=np.bool_)
    if clocks is not None:
        # A column of dates may carry 00:00 in every row, with or without a zone: the time is in the column of times.
        timed = ~np.isnat(naive) & (precision == MINUTE)
        if (naive == naive.astype("datetime64[D]"))[timed].all():
            has_clock = timed & (clocks != "").to_numpy(dtype=np.bool_)
            precision = np.where(has_clock, np.int8(DAY), precision)
            offset = np.where(has_clock, np.nan, offset)
        naive, precision, bad_clock = _add_clocks(naive, precision, clocks)
    bad = np.isnat(naive) | bad_clock
    naive = np.where(bad, np.datetime64(0, "s"), naive)
    zoned = ~np.isnan(offset) & zone_in_text
    shifted = naive.astype(np.int64) - np.where(zoned, np.nan_to_num(offset), 0).astype(np.int64) * 60
    utc = np.where(zoned, shifted, to_utc(naive, time_zone))
    local = np.where(zoned, _to_local(shifted, time_zone), naive)
    blank = (texts == "").to_numpy(dtype=np.bool_)
    return Timestamps(local, utc, precision, blank, bad & ~blank, naive)


def _parse_unique(texts: list[str], formats: Sequence[str]) -> tuple[Local, NDArray[np.float64], NDArray[np.int8]]:
    """Naive timestamps (NaT: invalid), offsets in minutes (NaN: none in the text), precisions.

    What neither a format nor ISO 8601 understands is read again in plain words (`date_words`), with other separators
    and years of two digits in the order of the formats, and with a clock behind every format of a date.
    """
    naive, offset, precision = _parse_texts(texts, formats)
    unread = [row for row in np.flatnonzero(np.isnat(naive)).tolist() if texts[row]]
    if unread:
        plain = [rewrite_date(texts[row]) for row in unread]
        known = [*formats, *_list_same_order(formats)]
        clocked = [f"{form} %H:%M:%S" for form in known if "%" in form and _find_precision(form) == DAY]
        naive[unread], offset[unread], precision[unread] = _parse_texts(plain, [*known, *clocked])
    years = naive.astype("datetime64[Y]").astype(np.int64) + 1970
    naive[(years < FIRST_YEAR) | (years > LAST_YEAR)] = np.datetime64("NaT", "s")
    return naive, offset, precision


def _list_same_order(formats: Sequence[str]) -> list[str]:
    """Dates of three numbers in the one order that the formats have: 21.11.26 and 21-11-2026 beside 21/11/2026.

    None where the formats have no such date, or both orders.
    """
    orders = {(match[1], match[2]) for form in formats if (match := _THREE_NUMBERS.match(form))}
    if len(orders) != 1:
        return []
    first, second = orders.pop()
    return [f"{first}{sign}{second}{sign}{year}" for year in ("%Y", "%y") for sign in "/.-"]


def _parse_texts(texts: list[str], formats: Sequence[str]) -> tuple[Local, NDArray[np.float64], NDArray[np.int8]]:
    """The same for texts as they are: by the formats, then as ISO 8601."""
    matches = [
        ZONE.match(text) if text.endswith(("Z", "C")) or not SIGNS.isdisjoint(text[-6:]) else None for text in texts
    ]
    offset = np.array([np.nan if match is None else _parse_offset(match[2]) for match in matches])
    local_texts = [text if match is None else match[1] for text, match in zip(texts, matches, strict=True)]
    naive = np.full(len(texts), np.datetime64("NaT", "s"), dtype="datetime64[s]")
    precision = np.zeros(len(texts), dtype=np.int8)
    _try_formats(local_texts, [form for form in formats if form not in NUMBER_FORMATS], naive, precision)
    for form in NUMBER_FORMATS:
        if form in formats:
            _try_numbers(texts, form, naive, offset, precision)
    if np.isnat(naive).any():
        iso = [_ISO_FRACTION.sub(r"\1", _ISO_CLOCK.sub(r"\1 \2", text)) for text in local_texts]
        _try_formats(iso, ISO, naive, precision)
    return naive, offset, precision


def _parse_offset(zone: str) -> float:
    if zone in ("Z", "UTC"):
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 60 + int(digits[2:])) * (-1.0 if zone[0] == "-" else 1.0)


def _try_formats(texts: list[str], formats: Sequence[str], naive: Local, precision: NDArray[np.int8]) -> None:
    """Fill in `naive` and `precision` where they are not yet known; the first format that fits is used.

    Texts are first sorted by their shape (digits as 0, letters as a), so that a format is tried only where it can fit.
    """
    shapes = {
        row: texts[row].translate(_SHAPE)
        for row in np.flatnonzero(np.isnat(naive)).tolist()
        if DIGIT.search(texts[row]) and NO_SECOND.search(texts[row]) is None
    }
    for form in formats:
        pattern = _build_shape_pattern(form)
        fits = {shape for shape in set(shapes.values()) if pattern.fullmatch(shape)}
        rows = [row for row, shape in shapes.items() if shape in fits] if fits else []
        if rows:
            parsed = pd.to_datetime([texts[row] for row in rows], format=form, errors="coerce", cache=False)
            naive[rows] = parsed.to_numpy().astype("datetime64[s]")
            precision[rows] = _find_precision(form)
            for row in np.array(rows)[~np.isnat(naive[rows])].tolist():
                del shapes[row]


def _try_numbers(
    texts: list[str], form: str, naive: Local, offset: NDArray[np.float64], precision: NDArray[np.int8]
) -> None:
    """Fill in what is a date in one of the number formats; epochs are UTC."""
    for row in np.flatnonzero(np.isnat(naive)).tolist():
        number = parse_date_number(texts[row], form)
        if number is not None:
            naive[row] = np.datetime64(number.seconds, "s")
            precision[row] = DAY if number.is_day else MINUTE
            offset[row] = 0.0 if number.is_utc else np.nan


@cache
def _build_shape_pattern(form: str) -> re.Pattern[str]:
    """A regular expression of the shapes that a format can fit; it matches all if a part of the format is unknown."""
    pieces = re.split(r"(%.)", form)
    if any(piece.startswith("%") and piece not in PARTS for piece in pieces):
        return re.compile(".*")
    return re.compile("".join(PARTS.get(piece, re.escape(piece.translate(_SHAPE))) for piece in pieces))


def _find_precision(form: str) -> int:
    if "%H" in form or "%I" in form or "%X" in form or "%c" in form:
        return MINUTE
    return DAY if any(part in form for part in ("%d", "%j", "%x", "%D")) else MONTH


def _add_clocks(
    naive: Local, precision: NDArray[np.int8], clocks: pd.Series
) -> tuple[Local, NDArray[np.int8], NDArray[np.bool_]]:
    codes, unique = pd.factorize(clocks)
    clock_seconds = [parse_clock(text) for text in unique]
    seconds = np.array([np.nan if second is None else second for second in clock_seconds], dtype=np.float64)[codes]
    has_clock = (clocks != "").to_numpy(dtype=np.bool_) & (precision == DAY)
    bad = has_clock & np.isnan(seconds)
    is_used = has_clock & ~bad
    shifted = naive + np.where(is_used, np.nan_to_num(seconds), 0).astype("timedelta64[s]")
    return shifted, np.where(is_used, np.int8(MINUTE), precision), bad


def to_utc(local: Local, time_zone: str) -> Seconds:
    """UTC seconds (n,) of local times: a skipped time is the next that exists, a repeated one the first of the two."""
    index = pd.DatetimeIndex(local)
    zoned = index.tz_localize(time_zone, ambiguous=np.ones(len(index), dtype=np.bool_), nonexistent="shift_forward")
    return np.asarray(zoned.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64))


def _to_local(utc: Seconds, time_zone: str) -> Local:
    zoned = pd.DatetimeIndex(utc.astype("datetime64[s]"), tz="UTC").tz_convert(time_zone)
    return np.asarray(zoned.tz_localize(None).to_numpy().astype("datetime64[s]"))


def floor(local: Local, precision: NDArray[np.int8]) -> Local:
    """The beginning (n,) of the local day or month; a time known to the minute is returned unchanged."""
    days, months = local.astype("datetime64[D]"), local.astype("datetime64[M]")
    return np.select(
        [precision == DAY, precision == MONTH], [days.astype("datetime64[s]"), months.astype("datetime64[s]")], local
    )


def next_start(local: Local, precision: NDArray[np.int8]) -> Local:
    """The beginning (n,) of the next local day or month; a time known to the minute is returned unchanged."""
    days, months = local.astype("datetime64[D]") + ONE_DAY, local.astype("datetime64[M]") + ONE_MONTH
    return np.select(
        [precision == DAY, precision == MONTH], [days.astype("datetime64[s]"), months.astype("datetime64[s]")], local
    )


def ceiling(local: Local, precision: NDArray[np.int8]) -> Local:
    """The first beginning (n,) of a day or month that is not before the time."""
    begin = floor(local, precision)
    return np.where(begin == local, local, next_start(local, precision))
