from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.analysis.change_map import AGAINST
from hexbeat.dashboard.state.choices import (
    OWN_DATES,
    OWN_HOURS,
    VIEWS,
    Choices,
    build_filter,
    choose_first_layer,
    format_query,
    is_cell,
    parse_query,
)
from hexbeat.dashboard.state.presets import PERIODS, SHIFTS
from layers.catalogue import LAYER_NAMES
from layers.counting import Filter
from layers.event import REPORTERS, RESOLUTIONS
from tests.support.events import Event, columns_of

WARDS = ("E05000001", "E05000002", "E05000003")
CELL = h3.latlng_to_cell(54.57, -1.23, 9)
CATEGORIES = ("50 % full", "fatal", "not fatal, naloxone given", "park & ride")
COLUMNS = columns_of([Event(1, layer=layer, category=name) for layer in LAYER_NAMES for name in CATEGORIES])


def some_of(words: tuple[str, ...], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(words), min_size=least).map(lambda found: tuple(w for w in words if w in found))


@st.composite
def choices(draw: st.DrawFn) -> Choices:
    dates = draw(st.none() | st.tuples(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 800)))
    hours = draw(
        st.none()
        | st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] != pair[1] and pair != (0, 24))
    )
    return Choices(
        layers=draw(some_of(LAYER_NAMES, least=1)),
        period=OWN_DATES if dates else draw(st.sampled_from(tuple(PERIODS))),
        dates=(dates[0], dates[0] + timedelta(days=dates[1])) if dates else None,
        days=draw(st.frozensets(st.integers(0, 6))),
        shift=OWN_HOURS if hours else draw(st.sampled_from(tuple(SHIFTS))),
        hours=hours,
        wards=draw(some_of(WARDS)),
        measure=draw(st.sampled_from(("events", "quantity"))),
        size=draw(st.none() | st.sampled_from(RESOLUTIONS)),
        reported_by=draw(some_of(REPORTERS)),
        categories=draw(some_of(CATEGORIES)),
        view=draw(st.sampled_from(VIEWS)),
        against=draw(st.sampled_from(AGAINST)),
        cell=draw(st.none() | st.just(CELL)),
    )


@pytest.mark.slow
@given(choices())
def test_a_link_brings_back_what_was_chosen(chosen: Choices) -> None:
    link = urlencode(format_query(chosen))
    assert parse_query(dict(parse_qsl(link)), ward_codes=WARDS, columns=COLUMNS) == (chosen, [])


@pytest.mark.slow
@given(choices(), st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_a_fixed_link_means_the_same_days_on_any_later_day(chosen: Choices, last: date) -> None:
    bounds = chosen.bounds(last)
    again, problems = parse_query(format_query(chosen, fixed=bounds), ward_codes=WARDS, columns=COLUMNS)
    assert (again.bounds(last + timedelta(days=77)), problems) == (bounds, [])


PARAMETERS = ("layers", "from", "to", "hours", "size", "cell", "wards", "days", "category", "reported")


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.text()))
def test_no_link_breaks_the_page(query: dict[str, str]) -> None:
    chosen, problems = parse_query(query, ward_codes=WARDS)
    assert parse_query(format_query(chosen), ward_codes=WARDS) == (chosen, [])
    assert all(problem.endswith(".") for problem in problems)


def test_what_is_as_on_opening_is_not_in_the_link() -> None:
    assert format_query(Choices()) == {}


def test_a_link_in_full() -> None:
    chosen = Choices(
        layers=("needle_litter", "overdoses"),
        days=frozenset({4, 5}),
        shift="night",
        wards=("E05000002",),
        measure="quantity",
        size=10,
        reported_by=("sweep",),
        cell=CELL,
    )
    assert format_query(chosen, fixed=(date(2026, 10, 25), date(2026, 11, 22))) == {
        "layers": "needle_litter,overdoses",
        "from": "2026-10-25",
        "to": "2026-11-22",
        "days": "fri,sat",
        "shift": "night",
        "wards": "E05000002",
        "measure": "quantity",
        "size": "10",
        "reported": "sweep",
        "cell": CELL,
    }


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"wards": "E05999999"}, "The link names a ward that does not exist here. It was left out."),
        ({"layers": "<img src=x>"}, "The link names a layer that does not exist here. It was left out."),
        ({"size": "7"}, "The link names a size of cells that does not exist here. It was left out."),
        (
            {"from": "2026-13-01", "to": "2026-11-22"},
            "The dates in the link are not a period. The last 28 days are shown instead.",
        ),
        (
            {"from": "2026-11-22", "to": "2026-11-22"},
            "The dates in the link are not a period. The last 28 days are shown instead.",
        ),
        ({"hours": "25-26"}, "The hours in the link do not exist. All hours are shown."),
        ({"cell": "zz"}, "The link names a cell that does not exist. It was left out."),
    ],
)
def test_what_a_link_cannot_say_is_said(query: dict[str, str], problem: str) -> None:
    assert parse_query(query, ward_codes=WARDS) == (Choices(), [problem])


def test_a_whole_day_of_hours_is_no_filter() -> None:
    assert parse_query({"hours": "0-24"}, ward_codes=WARDS) == (Choices(), [])


def test_choices_become_the_filter_of_the_counts() -> None:
    chosen = Choices(wards=("E05000002",), shift="night", days=frozenset({4}), reported_by=("sweep",))
    assert build_filter(chosen, layer="overdoses", start=date(2026, 1, 1), end=date(2026, 2, 1)) == Filter(
        layers=("overdoses",),
        start=date(2026, 1, 1),
        end=date(2026, 2, 1),
        wards=("E05000002",),
        hours=(22, 6),
        days=frozenset({4}),
        reported_by=("sweep",),
        measure="events",
    )


def test_only_cells_of_the_four_resolutions_are_cells() -> None:
    assert [is_cell(h3.latlng_to_cell(54.57, -1.23, r)) for r in range(7, 13)] == [False, True, True, True, True, False]
    assert not is_cell("89ffffffffffffff")


def test_a_view_that_there_is_not_is_left_out_and_said() -> None:
    chosen, problems = parse_query({"view": "league", "against": "never"}, ward_codes=WARDS)
    assert (chosen.view, chosen.against) == ("counts", "before")
    assert problems == [
        "The link names a view that does not exist here. It was left out.",
        "The link names a period to compare with that does not exist here. It was left out.",
    ]


def test_two_free_periods_stand_in_the_link() -> None:
    query = {"view": "change", "against": "2025-01-01:2025-04-01"}
    chosen, problems = parse_query(query, ward_codes=WARDS)
    assert (chosen.against, problems) == ((date(2025, 1, 1), date(2025, 4, 1)), [])
    assert format_query(chosen) == query
    for text in ("2025-04-01:2025-01-01", "2025-01-01:", ":", "1800-01-01:2025-01-01"):
        chosen, problems = parse_query(query | {"against": text}, ward_codes=WARDS)
        assert chosen.against == "before"
        assert problems == ["The dates to compare with are not a period. The period before is compared instead."]


def test_a_link_of_before_categories_means_what_it_meant() -> None:
    chosen, problems = parse_query({"layers": "overdoses", "reported": "officer,sweep"}, ward_codes=WARDS)
    assert (chosen, problems) == (Choices(layers=("overdoses",), reported_by=("officer", "sweep")), [])


def test_a_category_that_the_layer_lacks_is_left_out_with_a_remark() -> None:
    columns = columns_of([Event(1, layer="overdoses", category="fatal"), Event(2, category="park")])
    for known in (columns, None):
        chosen, problems = parse_query(
            {"layers": "overdoses", "category": "park", "reported": "press"}, ward_codes=WARDS, columns=known
        )
        assert chosen == Choices(layers=("overdoses",))
        assert problems == [
            "The link names a category that does not exist here. It was left out.",
            "The link names a kind of reporter that does not exist here. It was left out.",
        ]


def test_a_layer_beside_those_that_were_chosen_is_not_asked_for_their_categories() -> None:
    chosen = Choices(layers=("overdoses",), categories=("fatal",), reported_by=("sweep",))
    dates = {"start": date(2026, 1, 1), "end": date(2026, 2, 1)}
    assert build_filter(chosen, layer="overdoses", **dates).categories == ("fatal",)
    other = build_filter(chosen, layer="needle_litter", **dates)
    assert (other.categories, other.reported_by) == ((), ("sweep",))


def test_the_map_opens_on_a_layer_that_has_records() -> None:
    dealing = columns_of([Event(1, layer="street_dealing"), Event(2, layer="overdoses")])
    both = columns_of([Event(1, layer="street_dealing"), Event(2)])
    assert choose_first_layer(dealing) == "street_dealing"
    assert choose_first_layer(both) == choose_first_layer(columns_of([])) == "needle_litter"
    assert parse_query({}, ward_codes=WARDS, layer="street_dealing")[0] == Choices(layers=("street_dealing",))
    asked = parse_query({"layers": "overdoses"}, ward_codes=WARDS, layer="street_dealing")[0]
    assert asked.layers == ("overdoses",)


@pytest.mark.parametrize("first", LAYER_NAMES)
@pytest.mark.parametrize("chosen", LAYER_NAMES)
def test_a_link_names_its_layer_unless_every_map_opens_on_it(first: str, chosen: str) -> None:
    """Whatever layer the map opens on here, the link means the same here, and once other records are loaded."""
    query = format_query(Choices(layers=(chosen,)), layer=first)
    assert parse_query(query, ward_codes=WARDS, layer=first)[0].layers == (chosen,)
    assert parse_query(query, ward_codes=WARDS, layer="needle_litter")[0].layers == (chosen,)


@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ({"from": "2026-01-01"}, ["The link has a first day without an end. The last 28 days are shown instead."]),
        ({"to": "2026-01-01"}, ["The link has an end without a first day. The last 28 days are shown instead."]),
        ({"foo": "1"}, ["The link has a part that means nothing here: foo. The rest of it is shown."]),
        (
            {"foo": "1", "<b>": "2"},
            ["The link has 2 parts that mean nothing here: foo. The rest of it is shown."],
        ),
        ({"cell": CELL}, ["The link names a cell outside this area. It was left out."]),
    ],
)
def test_nothing_of_a_link_is_left_out_in_silence(query: dict[str, str], problems: list[str]) -> None:
    chosen, found = parse_query(query, ward_codes=WARDS, is_inside=lambda _: False)
    assert (chosen, found) == (Choices(), problems)
