from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from hexbeat.dashboard.state.choices import OWN_DATES, Choices
from hexbeat.dashboard.state.figures import CELL_COLUMNS, LayerFigures
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.dashboard.views.sentence import (
    build_coverage_notes,
    build_notes,
    describe_counts,
    describe_period,
    format_change,
    format_filter_line,
)
from layers.catalogue import find_layer

NEEDLES = LayerFigures(
    spec=find_layer("needle_litter"),
    start=date(2026, 10, 25),
    end=date(2026, 11, 22),
    total=312.0,
    before=264.0,
    unplaced=0,
    shared=0,
    cells=pd.DataFrame(columns=list(CELL_COLUMNS)),
    freshness=Freshness("needle_litter", 9000, ((date(2023, 11, 22), date(2026, 11, 22)),)),
)
CLOSURES = replace(NEEDLES, spec=find_layer("closed_properties"), total=34.0, before=31.0)


def describe(figures: LayerFigures, choices: Choices | None = None, wards: tuple[str, ...] = ()) -> str:
    return describe_counts(figures, choices or Choices(), ward_names=wards, area_title="Middlesbrough")


def test_the_sentence_says_number_layer_place_period_and_change() -> None:
    assert describe(NEEDLES, wards=("Central", "Newport")) == (
        "312 needle finds in Central and Newport, 25 Oct to 21 Nov 2026: 18 % more than in the 28 days before (264)."
    )


@pytest.mark.parametrize(
    ("total", "before", "end"),
    [
        (264.0, 264.0, "as many as in the 28 days before."),
        (200.0, 264.0, "24 % fewer than in the 28 days before (264)."),
        (263.6, 264.0, "under 1 % fewer than in the 28 days before (264)."),
        (7.0, 4.0, "3 more than in the 28 days before (4)."),
        (5.5, 3.25, "about 2 more than in the 28 days before (about 3)."),
        (3.5, 3.25, "about as many as in the 28 days before (about 3)."),
        (7.0, 0.0, "none in the 28 days before."),
        (0.0, 0.0, "none in the 28 days before either."),
    ],
)
def test_a_change_is_a_share_of_many_and_a_difference_of_few(total: float, before: float, end: str) -> None:
    assert describe(replace(NEEDLES, total=total, before=before)).endswith(f"2026: {end}")


def test_nothing_to_compare_with_is_said_with_its_reason() -> None:
    reach = replace(NEEDLES.freshness, known=((date(2026, 10, 12), date(2026, 11, 22)),))
    assert describe(replace(NEEDLES, before=None, freshness=reach)) == (
        "312 needle finds in Middlesbrough, 25 Oct to 21 Nov 2026: "
        "nothing to compare with, because the records begin on 12 Oct 2026."
    )


def test_a_layer_without_records_says_so() -> None:
    empty = Freshness("street_dealing", 0)
    figures = replace(NEEDLES, spec=find_layer("street_dealing"), total=0.0, before=None, freshness=empty)
    assert describe(figures) == "No reports of street dealing have been loaded yet."


DEALING = replace(NEEDLES, spec=find_layer("street_dealing"), total=830.0, before=703.0, searches=418.0)


def test_searches_by_officers_are_named_apart_from_reports() -> None:
    assert describe(DEALING) == (
        "412 reports of street dealing, and 418 searches by officers, in Middlesbrough, 25 Oct to 21 Nov 2026: "
        "together 18 % more than in the 28 days before (703)."
    )
    assert describe(replace(DEALING, total=418.0), Choices(reported_by=("officer",))) == (
        "418 searches by officers in Middlesbrough, 25 Oct to 21 Nov 2026: 41 % fewer than in the 28 days before (703)."
    )
    assert describe(replace(DEALING, searches=0.0)).startswith("830 reports of street dealing in Middlesbrough, ")
    assert describe(replace(DEALING, searches=float("nan"))).startswith(
        "830 reports of street dealing and searches by officers in Middlesbrough, "
    )


def test_weekdays_hours_and_reporters_are_named() -> None:
    chosen = Choices(days=frozenset({4, 5}), shift="night", reported_by=("officer", "sweep"))
    assert describe(NEEDLES, chosen) == (
        "312 needle finds reported by officers and sweeps in Middlesbrough, 25 Oct to 21 Nov 2026, Fri and Sat, "
        "22:00 to 06:00: 18 % more than in the 28 days before (264)."
    )


def test_one_is_one_and_none_is_no() -> None:
    assert describe(replace(NEEDLES, total=1.0)).startswith("1 needle find in ")
    assert describe(replace(NEEDLES, total=0.0)).startswith("No needle finds in ")


def test_items_are_needles_and_other_layers_keep_their_words() -> None:
    items = Choices(measure="quantity")
    assert describe(NEEDLES, items).startswith("312 needles in Middlesbrough")
    assert describe(CLOSURES, items).startswith("34 closed properties in force in Middlesbrough")


def test_states_are_in_force_and_have_no_hours() -> None:
    chosen = Choices(shift="night")
    assert describe(CLOSURES, chosen) == (
        "34 closed properties in force in Middlesbrough, 25 Oct to 21 Nov 2026: "
        "10 % more than in the 28 days before (31)."
    )
    assert build_notes(CLOSURES, chosen) == ["Weekdays and hours do not apply: they are in force all day."]


def test_one_day_is_compared_with_the_day_before() -> None:
    figures = replace(NEEDLES, start=date(2026, 11, 21), total=9.0, before=12.0)
    assert describe(figures).endswith("in Middlesbrough, 21 Nov 2026: 3 fewer than in the day before (12).")


def test_what_was_shared_or_left_out_is_said_and_why() -> None:
    figures = replace(NEEDLES, shared=24, unplaced=130)
    assert build_notes(figures, Choices(shift="night")) == [
        "24 are known only to a longer period, such as a month. Each counts by the share of it that falls inside.",
        "130 more have no known time of day, so a filter by hours leaves them out.",
    ]
    assert build_notes(replace(figures, shared=1, unplaced=1), Choices(days=frozenset({1}))) == [
        "1 is known only to a longer period, such as a month. Each counts by the share of it that falls inside.",
        "1 more has no known day of the week, so a filter by weekdays leaves them out.",
    ]


def test_days_that_the_records_do_not_reach_are_said() -> None:
    reach = replace(NEEDLES.freshness, known=((date(2026, 11, 1), date(2026, 11, 11)),))
    assert build_coverage_notes(replace(NEEDLES, freshness=reach), known_only=True) == [
        "25 to 31 Oct 2026 and 11 to 21 Nov 2026 are not known. Only known days count.",
        "The last known day is 10 Nov 2026.",
        "The first known day is 1 Nov 2026.",
    ]


def test_a_moving_period_announces_its_last_day() -> None:
    def announce(figures: LayerFigures, choices: Choices | None = None) -> str:
        return describe_period(choices or Choices(), figures, today=date(2026, 11, 22))

    assert announce(NEEDLES) == "28 days up to 21 Nov 2026, the last known day."
    later = replace(NEEDLES.freshness, known=((date(2023, 11, 22), date(2026, 11, 23)),))
    assert announce(replace(NEEDLES, freshness=later)) == "28 days up to 21 Nov 2026, the last whole day."
    own = Choices(period=OWN_DATES, dates=(date(2026, 10, 25), date(2026, 11, 22)))
    assert announce(NEEDLES, own) == ""


def test_the_last_days_of_old_records_are_named_for_what_they_are() -> None:
    old = replace(NEEDLES.freshness, known=((date(2023, 1, 1), date(2025, 1, 1)),))
    week = replace(NEEDLES, start=date(2024, 12, 25), end=date(2025, 1, 1), freshness=old)
    assert describe_period(Choices(period="7d"), week, today=date(2026, 11, 22)) == (
        "The last 7 days of the records, 25 to 31 Dec 2024."
    )


WITHOUT_MARCH = replace(
    NEEDLES.freshness, known=((date(2024, 1, 1), date(2024, 3, 1)), (date(2024, 4, 1), date(2025, 1, 1)))
)


def figures_of_2024(start: date, end: date, **numbers: float | None) -> LayerFigures:
    facts = {"total": 57.7, "before": None} | numbers
    return replace(NEEDLES, start=start, end=end, freshness=WITHOUT_MARCH, **facts)


def test_a_period_that_is_not_known_has_no_number() -> None:
    march = figures_of_2024(date(2024, 3, 1), date(2024, 4, 1), total=0.0)
    assert describe(march) == "Needle finds in Middlesbrough, 1 Mar to 31 Mar 2024: not known."
    assert build_notes(march, Choices()) == ["Mar 2024 is not known. That is not the same as none."]
    assert describe(replace(march, spec=find_layer("closed_properties"))).startswith(
        "Closed properties in force in Middlesbrough, 1 Mar to 31 Mar 2024: not known."
    )


def test_a_partly_known_period_says_which_part_its_number_is_of() -> None:
    spring = figures_of_2024(date(2024, 2, 1), date(2024, 5, 1))
    assert describe(spring) == (
        "About 58 needle finds on record in Middlesbrough, 1 Feb to 30 Apr 2024 (Mar 2024 is not known): "
        "there is no comparison with the days before."
    )


def test_records_of_days_that_are_not_known_are_on_record() -> None:
    march = figures_of_2024(date(2024, 3, 1), date(2024, 4, 1))
    assert describe(march) == (
        "About 58 needle finds on record in Middlesbrough, 1 Mar to 31 Mar 2024 (Mar 2024 is not known): "
        "there is no comparison with the days before."
    )
    assert build_notes(march, Choices()) == [
        "Mar 2024 is not known. What is on record is counted, and compared with nothing."
    ]


def test_none_in_known_days_is_none() -> None:
    assert describe(figures_of_2024(date(2024, 2, 1), date(2024, 2, 15), total=0.0, before=3.0)) == (
        "No needle finds in Middlesbrough, 1 Feb to 14 Feb 2024: 3 fewer than in the 14 days before (3)."
    )


def test_a_period_before_that_is_not_known_is_named() -> None:
    april = figures_of_2024(date(2024, 4, 1), date(2024, 5, 1))
    assert describe(april) == (
        "About 58 needle finds in Middlesbrough, 1 Apr to 30 Apr 2024: "
        "nothing to compare with, because 2 to 31 Mar 2024 are not known."
    )


def test_the_filters_fit_in_a_line() -> None:
    chosen = Choices(days=frozenset({4}), shift="night", measure="quantity")
    line = format_filter_line(chosen, layer_names=["needles"], ward_names=["Central"], period="28 days")
    assert line == "needles · 28 days · Fri · 22:00 to 06:00 · Central · items"


def test_words_for_a_change_of_shares() -> None:
    assert format_change(20.04, 20.0, earlier="the week before") == "as many as in the week before"


def test_a_category_is_named_in_brackets() -> None:
    assert describe(NEEDLES, Choices(categories=("fatal",))).startswith(
        "312 needle finds (category fatal) in Middlesbrough, 25 Oct to 21 Nov 2026: "
    )
    chosen = Choices(categories=("order", "order, extended"), reported_by=("agency",))
    assert describe(CLOSURES, chosen).startswith(
        "34 closed properties (category order or “order, extended”) reported by agencies in force in Middlesbrough, "
    )
    line = format_filter_line(chosen, layer_names=["closures"], ward_names=[], period="28 days")
    assert line == "closures · 28 days · order and order, extended · agency"
