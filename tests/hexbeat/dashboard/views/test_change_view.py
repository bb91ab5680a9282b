from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from hexbeat.analysis.change_map import ONE_OF_MANY
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.views.change_view import describe_cell_change, format_ratio
from hexbeat.documents.maps.scales import TOO_FEW_CLASS
from tests.support.events import Event, columns_of, local
from tests.support.map_views import build_change_view_of

CHANGE = Choices(view="change")
YEAR = replace(CHANGE, period="year")


def test_the_sentence_says_both_numbers_and_how_sure_the_change_is() -> None:
    assert build_change_view_of(CHANGE).sentence == (
        "221 needle finds in Middlesbrough, 25 Oct to 21 Nov 2026, against 284 in the 28 days before (27 Sep to 24 Oct "
        "2026): a clear fall, to 0.78 times as many (between 0.65 and 0.93)."
    )


def test_the_same_days_a_year_before_are_named() -> None:
    sentence = build_change_view_of(replace(CHANGE, against="year_before")).sentence
    assert " in the same days a year before (25 Oct to 21 Nov 2025): " in sentence


def test_another_period_is_named_and_its_rate_told() -> None:
    other = date(2026, 7, 1), date(2026, 9, 1)
    sentence = build_change_view_of(replace(CHANGE, against=other)).sentence
    assert " in the other 62 days (1 Jul to 31 Aug 2026): " in sentence
    assert " times as many a day (between " in sentence
    same = build_change_view_of(replace(CHANGE, against=(date(2026, 9, 27), date(2026, 10, 25))))
    assert same.sentence.replace("the other 28 days", "the 28 days before") == build_change_view_of(CHANGE).sentence


def test_places_are_counted_by_what_can_be_told_of_them() -> None:
    view = build_change_view_of(YEAR)
    assert view.notes == (
        "Place by place: 1 clear rise, no clear fall, 234 without a clear change; 154 have too few events to say.",
        "Colours show every difference. A line marks clear changes, which chance alone would rarely make.",
        "At most 1 in 20 of the clear changes is expected to be false.",
        f"20 cells and 1 ward have no clear change although the interval leaves out 1. {ONE_OF_MANY}",
    )
    (group,) = view.groups
    assert [(group.title, row.place, row.number, row.detail) for row in group.rows] == [
        (
            "Rises",
            "Roman Road, near Linden Grove (Park)",
            "+51",
            "77 now, 26 before; 2.96 times as many (between 1.88 and 4.81)",
        )
    ]


def test_too_few_to_tell_is_a_class_of_its_own_and_no_colour_of_change() -> None:
    view = build_change_view_of(YEAR)
    untold = (view.table["Change"] == "too few events to say").to_numpy()
    assert (view.drawing.values == TOO_FEW_CLASS).tolist() == untold.tolist()
    assert view.drawing.style.scale.labels[-1] == f"too few events to say: {int(untold.sum())}"
    data = view.drawing.layer().data()
    assert data["swatches"][-1] == "hatched"
    assert data["names"][-1] == "too few events to say"


def test_wards_stand_by_name_and_have_no_rank() -> None:
    wards = build_change_view_of(YEAR).wards
    assert wards is not None
    assert wards["Ward"].tolist() == sorted(wards["Ward"])
    assert list(wards.columns) == ["Ward", "Now", "Before", "Difference", "Ratio", "Ratio from", "Ratio to", "Change"]


def test_files_hold_no_infinity() -> None:
    rows = build_change_view_of(YEAR).rows
    assert not np.isinf(rows.select_dtypes("number")).to_numpy().any()
    assert list(rows.columns)[:4] == ["layer", "cell", "ward_code", "ward_name"]


def test_states_are_shown_and_not_tested() -> None:
    view = build_change_view_of(replace(CHANGE, layers=("closed_properties",)))
    assert view.sentence == (
        "64 closed properties in force in Middlesbrough, 25 Oct to 19 Nov 2026, against 50 in the 26 days before "
        "(29 Sep to 24 Oct 2026)."
    )
    assert view.nothing == (
        "Closures may be in force in both periods, so no place is singled out. The map and the table show them."
    )


def test_nothing_to_compare_with_is_said_with_its_reason() -> None:
    columns = columns_of([Event(local("2026-10-28 12:00")), Event(local("2026-11-21 12:00"))])
    view = build_change_view_of(CHANGE, columns)
    assert view.sentence == (
        "2 needle finds on record in Middlesbrough, 25 Oct to 21 Nov 2026 (25 to 27 Oct 2026 are not known). "
        "There is nothing to compare with. The records begin on 28 Oct 2026, and the comparison needs those of 3 Oct "
        "to 27 Oct 2026."
    )
    assert view.nothing == view.sentence.split("known). ", 1)[1]
    assert len(view.drawing.layer().cells) == 0


@pytest.mark.slow
def test_change_is_told_from_events_also_where_items_are_chosen() -> None:
    view = build_change_view_of(replace(YEAR, measure="quantity"))
    assert "Change counts events, not items: one large find is not many finds." in view.notes


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.78, 0.66, 0.93), "0.78 times as many (between 0.66 and 0.93)"),
        ((4.0, 1.5, np.inf), "4.00 times as many (at least 1.50)"),
        ((np.inf, 2.25, np.inf), "at least 2.2 times as many"),
        ((np.nan, np.nan, np.nan), "more than none"),
    ],
)
def test_ratios_have_their_words(numbers: tuple[float, float, float], words: str) -> None:
    assert format_ratio(*numbers) == words


def test_a_cell_that_cannot_tell_says_so() -> None:
    row = {
        "now": 5.0,
        "before": 4.0,
        "ratio": 1.25,
        "ratio_low": 0.3,
        "ratio_high": 6.0,
        "change": "too few events to say",
    }
    assert describe_cell_change(row) == "5 now, 4 before: too few events to say"


def test_a_change_that_is_clear_only_by_itself_is_explained() -> None:
    row = {"now": 12.0, "before": 3.0, "ratio": 4.0, "ratio_low": 1.08, "ratio_high": 22.1, "change": "no clear change"}
    assert describe_cell_change(row) == (
        "12 now, 3 before: no clear change, 4.00 times as many (between 1.08 and 22.10). By itself this would be a "
        "clear change, but among so many places compared a few look like this without one"
    )
    assert describe_cell_change({**row, "ratio_low": 0.98}).endswith("(between 0.98 and 22.10)")
