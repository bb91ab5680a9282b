"""Quantities as people write them: the least number that they say, and never a silent 1."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.ingest.parsing.quantities import MOST, parse_quantities
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import ingest, table

NUMBERS = st.integers(min_value=1, max_value=MOST)
AT_LEAST = (
    "{}+", "{} +", "{} or more", "{} plus", "at least {}", "over {}", ">{}", ">= {}", "≥{}", "about {}", "approx. {}",
    "approximately {}", "~{}", "~ {}", "c. {}", "{}ish", "{}?", "more than {} needles", "{} needles or more",
    "{} needles", "{} sharps", "{} Items",
)  # fmt: skip
HEADING = "layer,lon,lat,date,quantity"


def read_one(text: str) -> tuple[int, bool, bool]:
    found = parse_quantities(pd.Series([text], dtype=object))
    return int(found.numbers[0]), bool(found.bad[0]), bool(found.by_rule[0])


@given(NUMBERS, st.sampled_from(AT_LEAST), st.sampled_from(("d", ",d")))
def test_a_number_with_words_of_at_least_counts_as_that_number(number: int, form: str, digits: str) -> None:
    assert read_one(form.format(format(number, digits))) == (number, False, True)


@pytest.mark.slow
@given(NUMBERS, NUMBERS, st.sampled_from(("{}-{}", "{} - {}", "{}\u2013{}", "{} to {}", "between {} and {}", "~{}-{}")))
def test_a_range_counts_as_its_lower_number_or_is_refused(lower: int, upper: int, form: str) -> None:
    number, bad, _ = read_one(form.format(lower, upper))
    assert (number, bad) == ((lower, False) if lower <= upper else (1, True))


@given(NUMBERS, NUMBERS, st.sampled_from(("{} x {}", "{}x{}", "{} \u00d7 {}", "{}*{}")))
def test_a_product_counts_as_its_product_or_is_refused(first: int, second: int, form: str) -> None:
    number, bad, _ = read_one(form.format(first, second))
    assert (number, bad) == ((first * second, False) if first * second <= MOST else (1, True))


@pytest.mark.slow
@given(st.text(alphabet=st.characters(exclude_categories=("Nd", "Nl", "No")), min_size=1))
def test_words_without_a_number_are_never_a_quantity(text: str) -> None:
    assert read_one(text)[1:] == (True, False)


@pytest.mark.parametrize(
    "text",
    ["a few", "lots", "several", "dozens", "none", "up to 10", "< 10", "fewer than 5", "10 bags", "0+", "0-5", "-3",
     "05/10/2025", "1.5+", "10-", "99999999999999999999+"],
)  # fmt: skip
def test_what_says_no_least_number_is_refused(text: str) -> None:
    assert read_one(text)[1:] == (True, False)


def test_a_load_says_which_quantities_a_rule_gave_and_rejects_words(sqlite_store: Store, tmp_path: Path) -> None:
    texts = ("10+", "10+", "5-10", "2 x 3", "7", "", "a few", "none", "N/A")
    path = table(
        tmp_path, *(f"needles,-1.2,54.55{k},2025-01-01,{text}" for k, text in enumerate(texts)), heading=HEADING
    )
    report = ingest(sqlite_store, path)
    assert sorted(read_live_records(sqlite_store, ANALYST)["quantity"]) == [1, 1, 5, 6, 7, 10, 10]
    assert report.files[0].tally.reasons == {"bad_quantity": 2}
    assert [remark for remark in report.remarks if "quantity" in remark] == [
        "rows.csv: 4 rows count as the least number that the quantity says (10+ as 10, 5-10 as 5, 2 x 3 as 6)",
        "rows.csv: 2 rows have no quantity and count as 1",
    ]
