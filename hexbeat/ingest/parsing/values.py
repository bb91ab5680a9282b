"""Cleans and tests the texts of a column, and turns them into numbers and words."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["clean_column", "clean_text", "map_words", "match_texts", "normalise_signs", "parse_numbers"]

GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")  # 449,545 and 1,234.5; not 54,57 nor 0,123
GROUPED_BY_SPACES = re.compile(r"[+-]?[1-9]\d{0,2}(?: \d{3})+(?:[.,]\d*)?")  # hair spaces and others are plain by then
LONG_WITH_COMMA = re.compile(r"[+-]?\d{4,},\d+")  # 449545,5: no thousands, so the comma is a decimal one
# A wrong encoding leaves U+FFFD; maps and messengers leave marks of width 0 and of the direction of writing.
INVISIBLE = dict.fromkeys(
    map(ord, "\ufffd\u200b\ufeff\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
MINUSES = dict.fromkeys(map(ord, "\u2212\u2013\u2010\u2011\ufe63\uff0d"), "-")  # Numbers and Word write them


def clean_text(text: str) -> str:
    """A text without U+FFFD (left by a wrong encoding), with single plain spaces, none at either end."""
    if not text.isascii():
        text = text.translate(INVISIBLE)
    return " ".join(text.split())  # at any blank that Unicode knows, NBSP among them


def normalise_signs(text: str) -> str:
    """A text with a plain hyphen for every minus sign, en dash and other hyphen."""
    return text if text.isascii() else text.translate(MINUSES)


def clean_column(texts: pd.Series, missing: Iterable[str]) -> pd.Series:
    """A column cleaned as `clean_text` does; "" where the text is one that means missing."""
    nothing = frozenset(missing)
    cleaned = [clean_text(text) for text in texts]
    return pd.Series(["" if text in nothing else text for text in cleaned], index=texts.index, dtype=object)


def match_texts(
    texts: pd.Series, *, equals: Iterable[str] = (), contains: Iterable[str] = (), matches: str | None = None
) -> NDArray[np.bool_]:
    """Which texts (n,) pass every test that is given, without regard to case.

    The whole text is one of `equals`; one of `contains` is in it; a regular expression is found in it.
    """
    whole_texts = {text.casefold() for text in equals}
    parts = [text.casefold() for text in contains]
    pattern = re.compile(matches, re.IGNORECASE) if matches else None

    def test(text: str) -> bool:
        folded = text.casefold()
        return (
            (not whole_texts or folded in whole_texts)
            and (not parts or any(part in folded for part in parts))
            and (pattern is None or bool(pattern.search(text)))
        )

    codes, unique = pd.factorize(texts)
    return np.array([test(text) for text in unique], dtype=np.bool_)[codes]


def map_words(
    texts: pd.Series, *, values: Mapping[str, str], containing: Mapping[str, str], default: str | None
) -> NDArray[np.object_]:
    """The word (n,) for each text: by the whole text, then by parts of it, without regard to case, else the default.

    With neither mapping the text itself is the word. None where there is no word.
    """
    whole_texts = {key.casefold(): word for key, word in values.items()}
    parts = {key.casefold(): word for key, word in containing.items()}

    def word(text: str) -> str | None:
        folded = text.casefold()
        if not whole_texts and not parts:
            return text or default
        return whole_texts.get(folded) or next((word for part, word in parts.items() if part in folded), default)

    codes, unique = pd.factorize(texts)
    return np.array([word(text) for text in unique], dtype=object)[codes]


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
