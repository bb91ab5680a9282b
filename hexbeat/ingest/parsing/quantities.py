"""Reads how many: plain numbers, and the least that other words of a number say.

A number with "+", "or more", "at least", "over", "about" or "~" counts as that number, a range as its lower number, and
"2 x 3" as 6. Words without a number ("a few", "lots") and bounds from above ("up to 10", "< 10") say no least number:
they are rejected, never counted as 1.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.number_texts import parse_numbers

__all__ = ["NO_QUANTITY", "Quantities", "QuantityCounts", "parse_quantities"]

MOST: Final = 1_000_000  # a quantity above this is a typing error
NO_QUANTITY: Final = frozenset({"none", "nil", "zero"})  # they mean 0 in a column of quantities, not that it is blank
MOST_SHOWN: Final = 4
_NUMBER: Final = r"(\d{1,3}(?:,\d{3})+|\d+)"
_ITEMS: Final = r"(?: ?(?:needles?|syringes?|sharps?|items?|pieces?|pcs|nos?\.?))?"
_ABOUT: Final = r"(?:about|around|approx(?:imately|\.)?|circa|ca?\.|roughly|nearly|~|≈|c(?=\d))"
_FROM: Final = r"(?:at least|min(?:imum|\.)?(?: of)?|more than|over|>=|>|≥|from)"
_PLUS: Final = r"(?:\+|(?:or|and) more|or over|plus|\+ ?(?:or more)|ish|approx\.?|\?)"
_FORMS: Final = tuple(
    re.compile(form + _ITEMS, re.IGNORECASE)
    for form in (
        _NUMBER,
        rf"(?:{_ABOUT}|{_FROM}) ?{_NUMBER}(?:{_ITEMS} ?{_PLUS})?",
        rf"{_NUMBER}{_ITEMS} ?{_PLUS}",
        rf"{_NUMBER} ?[x\u00d7*] ?{_NUMBER}",
        rf"(?:{_ABOUT} ?)?{_NUMBER} ?(?:-|\u2013|\u2014|to) ?{_NUMBER}",
        rf"between {_NUMBER} and {_NUMBER}",
    )
)
_PRODUCT: Final = _FORMS[3]


@dataclass(frozen=True, slots=True, eq=False)
class Quantities:
    """For each text (n,): the whole number, whether it is none, whether a rule gave it, and whether it is blank (1)."""

    numbers: NDArray[np.int64]
    bad: NDArray[np.bool_]
    by_rule: NDArray[np.bool_]
    blank: NDArray[np.bool_]


@dataclass(slots=True)
class QuantityCounts:
    """How many accepted rows of a file have no plain number as their quantity, and some of the texts."""

    by_rule: Counter[tuple[str, int]] = field(default_factory=Counter)  # a text and what it was read as
    blank: int = 0

    def add(self, texts: pd.Series, quantities: Quantities, accepted: NDArray[np.bool_]) -> None:
        """Add the accepted rows of a chunk."""
        rows = np.flatnonzero(quantities.by_rule & accepted)
        self.by_rule.update(zip(texts.iloc[rows].tolist(), quantities.numbers[rows].tolist(), strict=True))
        self.blank += int(np.count_nonzero(quantities.blank & accepted))

    def describe(self, file: str) -> tuple[str, ...]:
        """Sentences on the rows whose quantity is not simply what the file says."""
        remarks = []
        if self.by_rule:
            examples = ", ".join(f"{text} as {value:,}" for (text, value), _ in self.by_rule.most_common(MOST_SHOWN))
            more = ", …" if len(self.by_rule) > MOST_SHOWN else ""
            rows, counts = ("rows", "count") if self.by_rule.total() > 1 else ("row", "counts")
            remarks.append(
                f"{file}: {self.by_rule.total():,} {rows} {counts} as the least number that the quantity says "
                f"({examples}{more})"
            )
        if self.blank:
            rows, counts = ("rows have", "count") if self.blank > 1 else ("row has", "counts")
            remarks.append(f"{file}: {self.blank:,} {rows} no quantity and {counts} as 1")
        return tuple(remarks)


def parse_quantities(texts: pd.Series) -> Quantities:
    """Whole numbers from 1 to a million, 1 for blank texts; 1,234 is one. Other texts by the rules of this module."""
    numbers = parse_numbers(texts, grouped=True)
    blank = np.isnan(numbers)
    by_rule = np.zeros(len(texts), dtype=np.bool_)
    others = np.flatnonzero(np.isinf(numbers))
    for row, text in zip(others.tolist(), texts.iloc[others].tolist(), strict=True):
        least = _find_least(text)
        if least is not None:
            numbers[row], by_rule[row] = least, True
    with np.errstate(invalid="ignore"):
        good = blank | ((numbers >= 1) & (numbers <= MOST) & (numbers == np.floor(numbers)))
    values = np.where(good & ~blank, numbers, 1).astype(np.int64)
    return Quantities(values, ~good, by_rule & good, blank)


def _find_least(text: str) -> int | None:
    """The least number that a text says, or None: "10+" 10, "5-10" 5, "2 x 3" 6, "12 needles" 12."""
    for form in _FORMS:
        match = form.fullmatch(text.strip())
        if match is None:
            continue
        numbers = [int(group.replace(",", "")) for group in match.groups() if len(group) <= len("1,000,000")]
        if len(numbers) != len(match.groups()):
            return None
        if form is _PRODUCT:
            return numbers[0] * numbers[1]
        return numbers[0] if numbers == sorted(numbers) else None
    return None
