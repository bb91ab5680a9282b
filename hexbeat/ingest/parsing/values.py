"""Cleans and tests the texts of a column, and turns them into numbers and words."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["clean_column", "clean_text", "map_words", "match_texts", "parse_numbers"]

GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")  # 449,545 and 1,234.5; not 54,57 nor 0,123
INVISIBLE = dict.fromkeys(map(ord, "\ufffd\u200b\ufeff"))


def clean_text(text: str) -> str:
    """A text without U+FFFD (left by a wrong encoding), with single plain spaces, none at either end."""
    if not text.isascii():
        text = text.translate(INVISIBLE)
    return " ".join(text.split())  # at any blank that Unicode knows, NBSP among them


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

    With `grouped`, commas may separate the thousands: 449,545. Not for degrees, where a comma may be a decimal one.
    """
    if grouped:
        plain = [text.replace(",", "") if GROUPED.fullmatch(text) else text for text in texts]
        texts = pd.Series(plain, index=texts.index, dtype=object)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(numbers) & (texts != "").to_numpy(dtype=np.bool_), np.inf, numbers)
