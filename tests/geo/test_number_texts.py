"""Texts of numbers: what is one is read, and what is none never becomes one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.number_texts import clean_text, parse_numbers


def column(*texts: str) -> pd.Series:
    return pd.Series(texts, dtype=object)


@pytest.mark.slow
@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


def test_numbers_tell_blank_from_nonsense() -> None:
    assert np.array_equal(parse_numbers(column("1.5", "", "x", "-2")), [1.5, np.nan, np.inf, -2], equal_nan=True)


@pytest.mark.parametrize(
    ("text", "plain", "grouped"),
    [("449,545", np.inf, 449_545), ("1,234,567.5", np.inf, 1_234_567.5), ("-1,000", np.inf, -1000), ("12", 12, 12),
     ("54,57", np.inf, np.inf), ("0,123", np.inf, np.inf), ("1,2345", np.inf, np.inf), ("1,,234", np.inf, np.inf),
     ("'-1,234.5", np.inf, -1234.5), ("'12", np.inf, 12), ("''12", np.inf, np.inf), ("'x", np.inf, np.inf),
     ("", np.nan, np.nan)],
)  # fmt: skip
def test_commas_part_thousands_only_where_they_may(text: str, plain: float, grouped: float) -> None:
    assert np.array_equal(parse_numbers(column(text)), [plain], equal_nan=True)
    assert np.array_equal(parse_numbers(column(text), grouped=True), [grouped], equal_nan=True)
