"""Texts to values and moments."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.ingest.parsing.dates import DAY, MINUTE, MONTH, parse_timestamps, to_utc
from hexbeat.ingest.parsing.quantities import parse_quantities
from hexbeat.ingest.parsing.values import clean_column, match_texts, match_values
from tests.support.input_files import utc


def column(*texts: str) -> pd.Series:
    return pd.Series(texts, dtype=object)


def test_texts_are_cleaned() -> None:
    texts = column(" a\xa0\xa0b\t", "it\ufffds", "NULL", "null", "None", "\ufeffx")
    assert clean_column(texts, ("NULL", "None")).tolist() == [
        "a b", "its", "", "null", "", "x",
    ]  # fmt: skip


def test_rules_do_not_regard_case() -> None:
    texts = column("Needle Pickup", "needle", "Glass")
    assert match_texts(texts, equals=["NEEDLE", "glass"]).tolist() == [False, True, True]
    assert match_texts(texts, contains=["NEEDLE"]).tolist() == [True, True, False]
    assert match_texts(texts, contains=["needle"], matches=r"\bpick").tolist() == [True, False, False]
    assert match_values(texts, values={"GLASS": "g"}, containing={"pick": "p"}, default=None).tolist() == [
        "p",
        None,
        "g",
    ]
    assert match_values(column("", "as it is"), values={}, containing={}, default="x").tolist() == ["x", "as it is"]


def test_quantities_tell_blank_from_nonsense() -> None:
    found = parse_quantities(column("", "3", "3.0", "0", "1.5", "x", "1000001", "inf"))
    assert (found.numbers.tolist(), found.bad.tolist()) == ([1, 3, 3, 1, 1, 1, 1, 1], [False] * 3 + [True] * 5)
    assert found.blank.tolist() == [True] + [False] * 7


def test_quantities_have_grouped_thousands() -> None:
    assert parse_quantities(column("1,234", "54,57")).numbers.tolist() == [1234, 1]


@pytest.mark.parametrize(
    ("text", "precision", "moment"),
    [
        ("2025-07-01T09:05:30.123Z", MINUTE, "2025-07-01 09:05:30"),
        ("2025-07-01T09:05+0100", MINUTE, "2025-07-01 08:05"),
        ("2025-07-01 09:05:00-05", MINUTE, "2025-07-01 14:05"),
        ("2025/7/1 9:05", MINUTE, "2025-07-01 08:05"),
        ("2025-07-01", DAY, "2025-06-30 23:00"),
        ("2025-12", MONTH, "2025-12-01 00:00"),
        ("1/7/2025", DAY, "2025-06-30 23:00"),
        ("1-Jul-2025", DAY, "2025-06-30 23:00"),
    ],
)
def test_moments(text: str, precision: int, moment: str) -> None:
    found = parse_timestamps(column(text), formats=["%d/%m/%Y", "%d-%b-%Y"], time_zone="Europe/London")
    assert (found.utc.tolist(), found.precision.tolist(), found.bad.tolist()) == ([utc(moment)], [precision], [False])


@pytest.mark.parametrize(
    "text", ["31/02/2025", "9999-12-31", "0001-01-01", "20250701", "soon", "12/31/2025", "2025-07-01 25:00"]
)
def test_what_is_no_date(text: str) -> None:
    found = parse_timestamps(column(text, ""), formats=["%d/%m/%Y"], time_zone="Europe/London")
    assert (found.bad.tolist(), found.blank.tolist()) == ([True, False], [False, True])


@pytest.mark.parametrize("text", ["now", "today", "Today"])
def test_a_word_is_no_date_in_any_format(text: str) -> None:
    texts = column(text, "2024-06-01 12:00:00+0100")
    timestamps = parse_timestamps(texts, formats=["%Y-%m-%d %H:%M:%S%z"], time_zone="UTC")
    assert timestamps.bad.tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-01T10:00:00+24:00", "2025-07-01T10:00:00-2400", "2025-07-01 10:00+99", "2025-07-01T10:00:00+05:60",
        "2025-07-01T10:00:61Z", "2025-07-01 10:00:61.5", "01/07/2025 10:00:61",
    ],
)  # fmt: skip
def test_what_is_no_offset_and_no_second(text: str) -> None:
    found = parse_timestamps(column(text), formats=["%d/%m/%Y %H:%M:%S"], time_zone="Europe/London")
    assert found.bad.tolist() == [True]


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2025-07-01T10:00:00+23:59", "2025-06-30 10:01"), ("2025-07-01T10:00:60Z", "2025-07-01 10:01")],
)
def test_the_last_offset_and_a_leap_second(text: str, moment: str) -> None:
    found = parse_timestamps(column(text), formats=[], time_zone="Europe/London")
    assert (found.utc.tolist(), found.bad.tolist()) == ([utc(moment)], [False])


def test_the_first_format_that_fits_wins() -> None:
    found = parse_timestamps(column("01/02/2025", "12/31/2025"), formats=["%d/%m/%Y", "%m/%d/%Y"], time_zone="UTC")
    assert found.utc.tolist() == [utc("2025-02-01"), utc("2025-12-31")]


@given(st.datetimes(min_value=pd.Timestamp("1971-01-01"), max_value=pd.Timestamp("2037-01-01")))
def test_local_times_come_back(moment: object) -> None:
    local = np.array([moment], dtype="datetime64[s]")
    seconds = to_utc(local, "Europe/London")
    back = pd.DatetimeIndex(seconds.astype("datetime64[s]"), tz="UTC").tz_convert("Europe/London").tz_localize(None)
    skipped = pd.Timestamp(back[0]) - pd.Timestamp(local[0])
    assert pd.Timedelta(0) <= skipped <= pd.Timedelta("1h")
