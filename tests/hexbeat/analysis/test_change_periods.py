"""Two periods that somebody chose freely: the same rules as for the period before, whatever their order and length."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.change import compare_periods
from geo.errors import UsageError
from hexbeat.analysis.change_map import UNCLEAR, ChangeMap, build_change_map
from hexbeat.analysis.change_periods import parse_against
from hexbeat.analysis.study import load_study
from layers.columns import Columns
from layers.filters import Filter
from tests.hexbeat.analysis.test_change_map import BEFORE, NOW, cover, days_of, month_events
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import columns_of

D = dt.date
SPRING, AUTUMN = (D(2026, 3, 1), D(2026, 4, 1)), (D(2026, 9, 1), D(2026, 11, 1))


def compare(columns: Columns, period: tuple[D, D], against: tuple[D, D], layer: str = "needle_litter") -> ChangeMap:
    chosen = Filter(layers=(layer,), start=period[0], end=period[1])
    return build_change_map(columns, chosen, load_study(middlesbrough()), against=against)


def test_the_period_before_by_its_dates_is_the_period_before() -> None:
    columns, _ = demonstration()
    assert NOW.start
    assert NOW.end
    assert BEFORE.start
    assert BEFORE.end
    named = build_change_map(columns, NOW, load_study(middlesbrough()))
    free = compare(columns, (NOW.start, NOW.end), (BEFORE.start, BEFORE.end))
    for one, other in ((named.cells, free.cells), (named.wards, free.wards), (named.whole, free.whole)):
        pd.testing.assert_frame_equal(one, other)
    assert (free.now, free.other, free.notes, free.missing) == (named.now, named.other, named.notes, named.missing)


def test_rates_of_periods_of_any_length_are_compared_whichever_is_chosen_first() -> None:
    columns, _ = demonstration()
    found, turned = compare(columns, AUTUMN, SPRING), compare(columns, SPRING, AUTUMN)
    assert (found.now, found.other) == (turned.now, turned.other) == (AUTUMN, SPRING)
    pd.testing.assert_frame_equal(found.cells, turned.cells)
    (row,) = found.whole.to_dict("records")
    plain = compare_periods(np.array([row["before"]]), np.array([row["now"]]), days_before=31, days_now=61)
    assert (row["ratio"], row["ratio_low"], row["p_value"]) == (plain.ratio[0], plain.low[0], plain.p[0])
    said = "The periods have 61 days now and 31 before. Their rates are compared."
    assert said in found.notes
    assert {said, "The later of the two periods counts as now."} < set(turned.notes)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 60), length=st.integers(1, 60), gap=st.integers(0, 30), other=st.integers(1, 60))
def test_one_event_a_day_is_never_a_change(first: int, length: int, gap: int, other: int) -> None:
    start = D(2024, 1, 1) + dt.timedelta(days=first)
    end, days = start + dt.timedelta(days=length), dt.timedelta
    period = end + days(days=gap), end + days(days=gap + other)
    columns = cover(columns_of(days_of(D(2024, 1, 1), D(2024, 9, 1))), (D(2024, 1, 1), D(2024, 9, 1)))
    (row,) = compare(columns, period, (start, end)).whole.to_dict("records")
    assert (row["now"], row["before"], row["ratio"], row["difference"]) == (other, length, 1, 0)
    assert row["change"] in (UNCLEAR, "too few events to say")


@pytest.mark.parametrize("chosen", [SPRING, (D(2026, 3, 20), D(2026, 5, 1))])
def test_periods_that_share_days_are_not_compared(chosen: tuple[D, D]) -> None:
    columns, _ = demonstration()
    found = compare(columns, chosen, (D(2026, 3, 25), D(2026, 4, 1)))
    assert found.missing == (
        "There is no comparison, because both periods hold 25 Mar to 31 Mar 2026. Choose two that share no day."
    )
    assert len(found.cells) == len(found.wards) == len(found.whole) == 0


def test_closures_are_compared_over_the_same_length_only() -> None:
    columns, _ = demonstration()
    found = compare(columns, AUTUMN, SPRING, "closed_properties")
    assert found.missing == (
        "There is no comparison, because more closed properties are in force in a longer period. Choose two of the "
        "same length."
    )
    assert not len(found.wards)
    assert compare(columns, (D(2026, 9, 1), D(2026, 10, 2)), SPRING, "closed_properties").is_compared


def test_a_period_that_is_half_unknown_is_not_compared() -> None:
    known = D(2024, 1, 1), D(2024, 4, 1)
    columns = cover(columns_of(days_of(*known)), known)
    early = compare(columns, (D(2024, 3, 1), D(2024, 4, 1)), (D(2023, 12, 10), D(2024, 1, 5)))
    assert not any("rates" in note for note in early.notes)
    assert early.missing == (
        "There is nothing to compare with. The records begin on 1 Jan 2024, and the comparison needs those of 10 Dec "
        "2023 to 4 Jan 2024."
    )
    late = compare(columns, (D(2024, 3, 1), D(2024, 3, 15)), (D(2024, 5, 1), D(2024, 6, 1)))
    assert late.missing == "There are no records of 1 May to 31 May 2024."
    assert not late.is_compared


def test_free_periods_are_cut_to_months_where_only_months_are_known() -> None:
    columns = columns_of(month_events({f"2024-{month:02d}": 10 for month in range(1, 13)}))
    found = compare(columns, (D(2024, 8, 20), D(2024, 12, 20)), (D(2024, 1, 15), D(2024, 4, 2)))
    assert (found.now, found.other) == ((D(2024, 9, 1), D(2024, 12, 1)), (D(2024, 2, 1), D(2024, 4, 1)))
    assert found.whole[["now", "before", "change"]].to_numpy().tolist() == [[30, 20, UNCLEAR]]
    part = compare(columns, (D(2024, 8, 20), D(2024, 12, 20)), (D(2024, 1, 15), D(2024, 2, 2)))
    assert part.missing == (
        "There is nothing to compare. Most records are known only to their month, and 15 Jan to 1 Feb 2024 holds no "
        "whole month."
    )


def test_the_period_to_compare_with_is_read_as_people_write_it() -> None:
    assert (parse_against("before"), parse_against("year-before")) == ("before", "year_before")
    assert parse_against("2025-01-01:1/4/2025") == (D(2025, 1, 1), D(2025, 4, 1))


WAYS = "before, year-before, or two days with a colon between them"
EXAMPLE = "write for example 2025-01-01:2025-04-01, which ends before the second day"
LATER = "write the earlier day first; the second day no longer counts"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("then", f"The period to compare with is {WAYS}; it was written as 'then'; {EXAMPLE}"),
        ("2025-04-01:2025-04-01", f"A period ends after it begins; '2025-04-01:2025-04-01' does not; {LATER}"),
    ],
)
def test_another_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_against(text)
    assert str(caught.value) == message


def test_missing_days_and_different_lengths_are_told_once() -> None:
    spans = (D(2024, 1, 1), D(2024, 1, 25)), (D(2024, 3, 1), D(2024, 5, 1))
    columns = cover(columns_of([event for span in spans for event in days_of(*span)]), *spans)
    found = compare(columns, (D(2024, 3, 1), D(2024, 5, 1)), (D(2024, 1, 1), D(2024, 2, 1)))
    assert found.whole[["now", "before", "ratio"]].to_numpy().tolist() == [[61, 24, 1]]
    assert [note for note in found.notes if "rates" in note] == [
        "Only known days count: 61 of 61 days now and 24 of 31 days before. Their rates are compared."
    ]
