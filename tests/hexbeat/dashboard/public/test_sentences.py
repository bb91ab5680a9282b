"""What the public reads: every number is a published block or a sum of such, and nothing is said that is not known."""

import datetime as dt
from dataclasses import replace

import pytest

from hexbeat.dashboard.public.advice import render_method
from hexbeat.dashboard.public.councillor_briefing import build_councillor_briefing
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import (
    describe_around,
    describe_place,
    describe_unpublished,
    describe_ward,
    format_between,
    format_past_number,
    format_period,
    format_short_period,
)
from hexbeat.dashboard.public.view import render_past
from hexbeat.release.format import Period, parse_release
from hexbeat.release.release_files import build_release_files
from hexbeat.release.release_text import describe_officers
from tests.support.releases import example_release, with_gaps

PUBLISHED = {
    "2026-Q1": (("fine.piece.0", 7), ("fine.group.0", 5), ("fine.group.1", 6), ("fine.borough", 9)),
    "2026-Q2": (("fine.piece.0", 12), ("fine.ward.E05000001", 6), ("fine.piece.4", 6)),
}

NEXT = "The next numbers, for July to September 2026, are due in January 2027."
NOT_KNOWN = "The records do not cover all of that time, so no number can be shown."


@pytest.fixture
def published() -> ReleaseTotals:
    return ReleaseTotals(example_release(published=PUBLISHED))


@pytest.mark.parametrize(
    ("start", "end", "words", "between", "short"),
    [
        ((2026, 7, 1), (2026, 10, 1), "July to September 2026", "Between July and September 2026", "Jul to Sep 2026"),
        ((2026, 1, 1), (2027, 1, 1), "2026", "In 2026", "2026"),
        ((2026, 7, 1), (2026, 8, 1), "July 2026", "In July 2026", "Jul 2026"),
        (
            (2025, 10, 1),
            (2026, 4, 1),
            "October 2025 to March 2026",
            "Between October 2025 and March 2026",
            "Oct 2025 to Mar 2026",
        ),
    ],
)
def test_periods_have_names(
    start: tuple[int, int, int], end: tuple[int, int, int], words: str, between: str, short: str
) -> None:
    period = Period("x", dt.date(*start), dt.date(*end))
    assert (format_period(period), format_between(period), format_short_period(period)) == (words, between, short)


def test_a_ward_whose_number_is_whole_is_compared_with_its_past(published: ReleaseTotals) -> None:
    layer = published.release.layer("needle_litter")
    assert describe_ward(published, layer, layer.periods[1], "E05000001") == [
        "Between April and June 2026, 18 needle finds were recorded in Abbey.",
        "That is as many as in January to March 2026 (18).",
        NEXT,
    ]


def test_a_ward_that_may_have_more_says_at_least(published: ReleaseTotals) -> None:
    layer = published.release.layer("needle_litter")
    assert describe_ward(published, layer, layer.periods[1], "E05000002") == [
        "Between April and June 2026, at least 6 needle finds were recorded in Bridge.",
        "Any others there were too few to show.",
        "In January to March 2026 there were none, or too few to show.",
        NEXT,
    ]


def test_a_ward_without_a_number_is_part_of_elsewhere(published: ReleaseTotals) -> None:
    layer = published.release.layer("needle_litter")
    assert describe_ward(published, layer, layer.periods[0], "E05000002") == [
        "Between January and March 2026, there were no needle finds in Bridge, or too few to show.",
        "Any others there are part of the 9 that are counted elsewhere in Exampleton.",
        "This is the first period that is published.",
    ]


def test_a_layer_of_the_whole_area_says_so_in_a_ward(published: ReleaseTotals) -> None:
    layer = published.release.layer("closed_properties")
    assert describe_ward(published, layer, layer.periods[0], "E05000001")[:2] == [
        "Closed properties are shown for Exampleton as a whole only, not for its wards.",
        "In 2025, 31 closed properties were recorded in Exampleton.",
    ]


def test_nothing_is_claimed_of_periods_before_the_first_number() -> None:
    """A release cannot tell whether records were held, or too few were: it says both, and compares with neither."""
    early = ReleaseTotals(example_release(published={"2026-Q2": PUBLISHED["2026-Q2"]}))
    layer = early.release.layer("needle_litter")
    assert describe_ward(early, layer, layer.periods[0], "E05000001") == [
        "Between January and March 2026, no records of needle finds in Abbey were held, or too few to show.",
        "The numbers begin with April to June 2026.",
    ]
    assert describe_ward(early, layer, layer.periods[1], None) == [
        "Between April and June 2026, at least 24 needle finds were recorded in Exampleton.",
        "Any others were too few to show.",
        "These are the first numbers: no records were held before, or too few to show.",
        NEXT,
    ]
    blank = early.count_shown(layer, layer.periods[0], "E05000001")
    assert format_past_number(early, layer, layer.periods[0], blank) == "no records, or too few to show"
    assert describe_unpublished(early, layer, layer.periods[0]) == (
        "No records, or too few to show here, January to March 2026."
    )


def test_a_layer_without_any_number_claims_nothing() -> None:
    empty = ReleaseTotals(example_release(published={}))
    layer = empty.release.layer("needle_litter")
    assert describe_ward(empty, layer, layer.periods[1], None) == [
        "Between April and June 2026, no records of needle finds in Exampleton were held, or too few to show.",
        NEXT,
    ]


def test_a_period_that_is_not_known_is_never_none() -> None:
    early = ReleaseTotals(with_gaps(example_release(published=PUBLISHED), "2026-Q1"))
    layer = early.release.layer("needle_litter")
    (gap,) = layer.not_known
    assert describe_ward(early, layer, gap, "E05000001") == [
        "Between January and March 2026, the number of needle finds in Abbey is not known.",
        NOT_KNOWN,
    ]
    assert describe_ward(early, layer, layer.periods[0], "E05000002") == [
        "Between April and June 2026, at least 6 needle finds were recorded in Bridge.",
        "Any others there were too few to show.",
        "This is the first period that is published: January to March 2026 is not known.",
        NEXT,
    ]
    blank = early.count_shown(layer, gap, "E05000001")
    assert format_past_number(early, layer, gap, blank) == "not known"
    assert describe_unpublished(early, layer, gap) == "Not known here, January to March 2026."


def test_a_gap_between_published_periods_is_not_compared() -> None:
    published = {**PUBLISHED, "2026-Q3": (("fine.piece.0", 9),)}
    gapped = ReleaseTotals(with_gaps(example_release(published=published), "2026-Q2", more="2026-Q3"))
    layer = gapped.release.layer("needle_litter")
    assert [period.name for period in layer.due_periods] == ["2026-Q1", "2026-Q2", "2026-Q3"]
    assert describe_ward(gapped, layer, layer.periods[1], "E05000001") == [
        "Between July and September 2026, at least 9 needle finds were recorded in Abbey.",
        "Any others there were too few to show.",
        "April to June 2026 is not known.",
        "The next numbers, for October to December 2026, are due in April 2027.",
    ]


def test_after_the_last_numbers_it_says_which_are_not_known() -> None:
    late = ReleaseTotals(with_gaps(example_release(), "2026-Q2"))
    layer = late.release.layer("needle_litter")
    assert late.find_latest_period(layer).name == "2026-Q1"
    newest = "These are the newest numbers: January to March 2026."
    assert describe_ward(late, layer, layer.periods[0], "E05000001") == [
        f"{newest} Between January and March 2026, at least 7 needle finds were recorded in Abbey.",
        "Any others there were too few to show.",
        "This is the first period that is published.",
        "April to June 2026 is not known.",
        NEXT,
    ]
    assert describe_ward(late, layer, layer.not_known[0], None) == [
        "Between April and June 2026, the number of needle finds in Exampleton is not known.",
        NOT_KNOWN,
        NEXT,
    ]


def test_periods_that_follow_one_another_are_one_range() -> None:
    late = ReleaseTotals(with_gaps(example_release(), "2026-Q2", "2026-Q3", more="2026-Q3"))
    layer = late.release.layer("needle_litter")
    assert describe_ward(late, layer, layer.periods[0], None)[-2] == "April to September 2026 is not known."
    assert build_councillor_briefing(late.release, "Abbey").parts[0].past == (
        ("January to March 2026", "at least 7"), ("April to September 2026", "not known"),
    )  # fmt: skip


def test_not_known_periods_in_a_row_are_one_step_of_the_slider_and_one_row() -> None:
    published = {**PUBLISHED, "2026-Q3": (("fine.piece.0", 9),)}
    released = example_release(published=published)
    late = ReleaseTotals(with_gaps(released, "2026-Q1", "2026-Q2", more="2026-Q3"))
    layer = late.layer("needle_litter")
    assert [format_period(period) for period in layer.due_periods] == ["January to June 2026", "July to September 2026"]
    table = render_past(late, layer, layer.periods[0], "E05000001")
    assert table.count('<th scope="row">') == 2
    assert (
        '<th scope="row">Jan to Jun 2026</th><td><i class="hp-bar hp-w0"></i></td><td class="hp-number">not known'
        in table
    )
    assert describe_ward(late, layer, layer.not_known[0], None)[:2] == [
        "Between January and June 2026, the number of needle finds in Exampleton is not known.",
        NOT_KNOWN,
    ]


def test_searches_by_officers_are_named() -> None:
    release = example_release()
    searched = replace(release, layers=(replace(release.layers[0], officers=True), *release.layers[1:]))
    words = "These numbers include what police officers recorded."
    published = ReleaseTotals(searched)
    layer = published.layers[0]
    assert describe_ward(published, layer, layer.periods[0], "E05000001")[1] == words
    assert words in render_method(published, layer)
    assert words not in render_method(published, published.layers[1])
    files = build_release_files(searched)
    assert parse_release(files).layers == searched.layers
    assert f"Needle finds: {words}" in files["README.txt"].decode()
    assert b"officers" not in build_release_files(release)["release.json"]
    dealing = replace(searched.layers[0], name="street_dealing")
    assert describe_officers(dealing) == "These numbers include searches by police officers."


def test_a_layer_of_which_nothing_is_known_comes_last_and_says_so() -> None:
    unknown = ReleaseTotals(with_gaps(example_release(), "2026-Q1", "2026-Q2"))
    assert [layer.name for layer in unknown.layers] == ["closed_properties", "needle_litter"]
    layer = unknown.layers[1]
    assert describe_ward(unknown, layer, unknown.find_latest_period(layer), "E05000002") == [
        "We have no records of this that cover a whole period.",
        "January to June 2026 is not known.",
        NEXT,
    ]
    page = build_councillor_briefing(unknown.release, "Bridge")
    assert page.parts[1].past == (("January to June 2026", "not known"),)


def test_every_block_says_its_level(published: ReleaseTotals) -> None:
    places = [describe_place(published, block) for block in published.release.blocks]
    assert places == [
        "in this part of Abbey",
        "elsewhere in this wider part of Abbey",
        "in this wider part of Abbey",
        "elsewhere in Exampleton",
        "in this part of Abbey",
        "elsewhere in Abbey",
        "in this part of Bridge",
        "in Exampleton as a whole",
    ]


def test_a_place_that_was_looked_for_has_an_answer_whatever_its_block(published: ReleaseTotals) -> None:
    (needles,) = (layer for layer in published.layers if layer.name == "needle_litter")
    first, second = needles.due_periods[:2]
    (whole,) = (one for one in published.release.find_blocks("needle_litter", first.name) if one.level == "borough")
    ward = next(one for one in published.release.find_blocks("needle_litter", second.name) if one.level == "ward")
    piece = next(one for one in published.release.find_blocks("needle_litter", second.name) if one.level == "piece")
    part = "no number of its own can be shown. It is part of the "
    assert describe_around(published, needles, first, whole) == (
        f"{part}9 needle finds in the rest of Exampleton, January to March 2026."
    )
    assert describe_around(published, needles, second, ward) == (
        f"{part}6 needle finds in the rest of Abbey, April to June 2026."
    )
    assert describe_around(published, needles, second, piece) == (
        "12 needle finds in this part of Abbey, April to June 2026."
    )
    assert describe_around(published, needles, second, None) == "none, or too few to show here, April to June 2026."
