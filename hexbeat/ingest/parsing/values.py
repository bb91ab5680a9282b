"""Cleans and tests the texts of a column, and turns them into words."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.number_texts import clean_text

__all__ = ["clean_column", "match_texts", "match_values"]


def clean_column(texts: pd.Series, missing: Iterable[str]) -> pd.Series:
    """A column cleaned as `clean_text` does; "" where the text is one that means missing."""
    nothing = frozenset(missing)
    plain = {text: clean_text(text) for text in set(texts)}  # most columns repeat a few texts
    values = {text: "" if cleaned in nothing else cleaned for text, cleaned in plain.items()}
    return pd.Series([values[text] for text in texts], index=texts.index, dtype=object)


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


def match_values(
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
