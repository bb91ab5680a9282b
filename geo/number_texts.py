"""Texts of numbers, as people and programs write them: signs and blanks made plain, and read as numbers."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["clean_text", "normalise_signs", "parse_numbers"]

GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")  # 449,545 and 1,234.5; not 54,57 nor 0,123
GROUPED_BY_SPACES = re.compile(r"[+-]?[1-9]\d{0,2}(?: \d{3})+(?:[.,]\d*)?")  # hair spaces and others are plain by then
LONG_WITH_COMMA = re.compile(r"[+-]?\d{4,},\d+")  # 449545,5: no thousands, so the comma is a decimal one
# A wrong encoding leaves U+FFFD; maps and messengers leave marks of width 0 and of the direction of writing.
INVISIBLE = dict.fromkeys(
    map(ord, "\ufffd\u200b\ufeff\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
MINUSES = dict.fromkeys(map(ord, "\u2212\u2013\u2010\u2011\ufe63\uff0d"), "-")  # Numbers and Word write them

# Before a number it says that a cell is text, as spreadsheets and older exports of Hexbeat write it: '-1.237.
TEXT_MARK = re.compile(r"^'(?=[+-]?[.,]?\d)")


def clean_text(text: str) -> str:
    """A text without U+FFFD (left by a wrong encoding), with single plain spaces, none at either end."""
    if not text.isascii():
        text = text.translate(INVISIBLE)
    return " ".join(text.split())  # at any blank that Unicode knows, NBSP among them


def normalise_signs(text: str) -> str:
    """A text with a plain hyphen for every minus sign, en dash and other hyphen, and no apostrophe before a number."""
    text = text if text.isascii() else text.translate(MINUSES)
    return TEXT_MARK.sub("", text, count=1)


def parse_numbers(texts: pd.Series, *, grouped: bool = False) -> NDArray[np.float64]:
    """Texts as float64 (n,): NaN for blank ones, infinity for those that are not a number.

    With `grouped`, commas or spaces may separate the thousands: 449,545. Not for degrees, where a comma may be a
    decimal one.
    """
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = np.where(np.isnan(numbers) & (texts != "").to_numpy(dtype=np.bool_), np.inf, numbers)
    unread = np.flatnonzero(np.isinf(numbers)) if grouped else np.array([], dtype=np.intp)
    if len(unread):
        plain = [_join_thousands(text) for text in texts.iloc[unread]]
        numbers[unread] = parse_numbers(pd.Series(plain, dtype=object))  # object: a lone surrogate is no str of pandas
    return numbers


def _join_thousands(text: str) -> str:
    """A number without the marks between its thousands, and with a plain sign and point; other texts as they are."""
    text = normalise_signs(text)
    if GROUPED.fullmatch(text):
        return text.replace(",", "")
    if GROUPED_BY_SPACES.fullmatch(text):
        return text.replace(" ", "").replace(",", ".")
    return text.replace(",", ".") if LONG_WITH_COMMA.fullmatch(text) else text
