"""Columns as a viewer may see them: nothing in them is finer than their detail, and nothing else is changed."""

import datetime as dt
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Final

import h3
import numpy as np
import pytest

from geo.cells import index_points
from geo.errors import PolicyError, UsageError
from layers.columns import Columns
from layers.counting import count
from layers.coverage import Coverage, CoverageEntry
from layers.event import RESOLUTIONS
from layers.filters import Filter
from layers.precision import measure_precision
from layers.restriction import restrict_columns
from layers.roles import NOTHING, POINTS, WARDS, Detail, show_cells
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of, local

START_DAY, END_DAY = dt.date(2026, 11, 1), dt.date(2026, 12, 1)
LON, LAT = -1.2243735, 54.5703741
START: Final = local("2026-11-20 10:00")
CODES: Final = middlesbrough().wards.codes
EVENTS: Final = [
    Event(START, layer="overdoses", lon=LON, lat=LAT, category="secret", source="hospital", quantity=3),
    Event(START + 60, layer="overdoses", lon=LON + 0.0003, lat=LAT, category="secret", source="hospital"),
    Event(START + 120, lon=LON, lat=LAT, category="", source="log"),
]


def see(detail: Detail, columns: Columns | None = None) -> Columns:
    whole = columns or columns_of(EVENTS, ward_codes=CODES)
    return restrict_columns(whole, {"overdoses": detail, "needle_litter": POINTS}, wards=middlesbrough().wards)


def test_all_points_are_the_columns_themselves() -> None:
    whole = columns_of(EVENTS, ward_codes=CODES)
    assert see(POINTS, whole) is whole


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_cells_have_the_middle_of_the_cell_and_nothing_finer(resolution: int) -> None:
    seen = see(show_cells(resolution))
    cell = h3.latlng_to_cell(LAT, LON, resolution)
    lat, lon = h3.cell_to_latlng(cell)
    assert (seen.lon[0], seen.lat[0]) == (lon, lat)
    assert (seen.lon[2], seen.lat[2]) == (LON, LAT)
    for size in RESOLUTIONS:
        name = h3.int_to_str(int(seen.cell_ids[size][seen.cell[size][0]]))
        assert name == h3.latlng_to_cell(lat, lon, size)
    assert measure_precision(seen, "overdoses", time_zone="Europe/London").finest == resolution


def test_the_rest_of_what_is_seen_in_cells_stays() -> None:
    whole, seen = columns_of(EVENTS, ward_codes=CODES), see(show_cells(9))
    changed = {"lon", "lat", "location", "location_m", "cell", "cell_ids", "ward", "details", "coverage"}
    for field in fields(Columns):
        if field.name not in changed:
            assert np.array_equal(getattr(seen, field.name), getattr(whole, field.name)), field.name


# Both in one cell of resolution 9, and of 8: the first where most of both lies, the second in a sliver of another ward.
BORDER: Final = ((-1.1917, 54.5744), (-1.1914, 54.5747))


@pytest.mark.parametrize("detail", [show_cells(9), show_cells(8), Detail("wards", 9)])
def test_what_is_seen_in_cells_has_the_ward_of_its_cell(detail: Detail) -> None:
    """The cell and an event's own ward together would say in which part of the cell it was."""
    wards = middlesbrough().wards
    lon, lat = (np.array(degrees) for degrees in zip(*BORDER, strict=True))
    own = [wards.codes[place] for place in wards.locate(lon, lat)]
    events = [Event(START + at, layer="overdoses", lon=x, lat=y, ward=own[at]) for at, (x, y) in enumerate(BORDER)]
    whole = columns_of(events, ward_codes=CODES)
    cells = index_points(lon, lat, resolution=detail.resolution or 9)
    assert (len(set(own)), len(set(cells.tolist()))) == (2, 1)
    seen = see(detail, whole)
    assert [seen.ward_codes[place] for place in seen.ward] == [wards.codes[wards.find_cell_wards(cells)[0]]] * 2
    by_ward = count(seen, Filter(), by=("ward",), wards=wards)
    assert (by_ward.total, by_ward.rows["count"].tolist()) == (2, [2])
    assert count(see(WARDS, whole), Filter(), by=("ward",), wards=wards).rows["ward_code"].tolist() == sorted(own)
    assert seen.find_ward_cells() == {"overdoses": detail.resolution}
    assert see(WARDS, whole).find_ward_cells(("overdoses",)) == {}


def test_without_the_boundaries_nothing_is_shown_in_cells() -> None:
    with pytest.raises(UsageError) as caught:
        restrict_columns(columns_of(EVENTS, ward_codes=CODES), {"overdoses": show_cells(9)})
    assert str(caught.value) == (
        "Events that are shown in cells have the wards of these cells; the boundaries of the wards were not given; "
        "give the wards of the area (this is a fault of Hexbeat: please report it)"
    )


def test_records_that_are_known_less_well_stay_so() -> None:
    rough = [replace(event, location="randomised", location_m=450.0) for event in EVENTS]
    seen = see(show_cells(10), columns_of(rough, ward_codes=CODES))
    assert measure_precision(seen, "overdoses", time_zone="Europe/London").finest == 8


@pytest.mark.parametrize(
    "ask",
    [lambda seen: count(seen, Filter(), resolution=10), lambda seen: seen.find_cell_codes(np.array([0]), 10)],
    ids=["count", "codes"],
)
def test_cells_that_are_too_fine_are_refused(ask: Callable[[Columns], object]) -> None:
    seen = see(show_cells(9))
    with pytest.raises(PolicyError) as caught:
        ask(seen)
    assert str(caught.value) == (
        "The access policy decides how finely each layer is shown; Overdoses are shown to your role in cells of "
        "resolution 9 or larger, not 10; choose resolution 9"
    )
    assert count(seen, Filter(), resolution=9).total == 3
    assert count(seen, Filter(layers=("needle_litter",)), resolution=11).total == 1
    assert not seen.in_cell(h3.latlng_to_cell(LAT, LON, 10), 10)[:2].any()


def test_by_ward_there_is_no_place_but_the_ward() -> None:
    seen = see(WARDS)
    assert np.isnan(seen.lon[:2]).all()
    assert np.isnan(seen.lat[:2]).all()
    assert count(seen, Filter(layers=("overdoses",), measure="quantity"), by=("ward",)).total == 4
    with pytest.raises(PolicyError) as caught:
        count(seen, Filter(layers=("overdoses",)), resolution=8)
    assert str(caught.value) == (
        "The access policy decides how finely each layer is shown; Overdoses are shown to your role by ward only; ask "
        "for them by ward, or leave this layer out"
    )
    assert [spec.name for spec in seen.list_shown() if spec not in seen.list_shown(in_cells=True)] == ["overdoses"]


def test_nothing_leaves_no_event_no_name_and_no_day() -> None:
    entries = [
        CoverageEntry(layer=layer, source=source, scope="", start=START_DAY, end=END_DAY, kind="set")
        for layer, source in (("overdoses", "hospital"), ("needle_litter", "log"))
    ]
    known = Coverage(
        tuple(entries), (), frozenset({("overdoses", "hospital", "agency"), ("needle_litter", "log", "public")})
    )
    seen = see(NOTHING, replace(columns_of(EVENTS, ward_codes=CODES), coverage=known))
    assert (len(seen), seen.categories, seen.sources) == (1, ("",), ("log",))
    assert seen.coverage is not None
    assert [entry.layer for entry in seen.coverage.entries] == ["needle_litter"]
    assert seen.coverage.reporters == {("needle_litter", "log", "public")}
    assert all(len(seen.cell_ids[size]) == 1 for size in RESOLUTIONS)
    with pytest.raises(PolicyError) as caught:
        count(seen, Filter(layers=("overdoses",)), by=("ward",))
    assert str(caught.value) == (
        "The access policy decides how finely each layer is shown; your role sees nothing of overdoses; leave this "
        "layer out, or ask the analyst of the partnership"
    )


def test_small_numbers_are_left_out_as_none_is() -> None:
    seen = see(Detail("points", fewest=3))
    by_layer = count(seen, Filter(), by=("layer",))
    assert (by_layer.total, by_layer.fewest, len(by_layer.rows)) == (3, 3, 0)
    few, none = (
        count(seen, Filter(layers=("overdoses",), categories=(name,)), by=("ward",)) for name in ("secret", "x")
    )
    for small in (few, none):
        assert np.isnan(small.total)
        assert (small.unplaced_in_time, small.shared_in_time, len(small.rows)) == (0, 0, 0)
    assert count(seen, Filter(layers=("needle_litter",)), by=("ward",)).total == 1
    with pytest.raises(PolicyError) as caught:
        seen.find_cell_codes(np.array([0]), 9)
    assert str(caught.value) == (
        "The access policy decides how finely each layer is shown; numbers of overdoses below 3 are not shown to your "
        "role, and this would tell them; ask for counts, or ask the analyst of the partnership"
    )


def test_events_are_compared_with_the_fewest_and_not_their_items() -> None:
    for fewest, shown in ((3, []), (2, [4.0])):
        seen = see(Detail("points", fewest=fewest))
        for by in (("ward",), ("month",), ("weekday", "hour")):
            counted = count(seen, Filter(layers=("overdoses",), measure="quantity"), by=by)
            assert counted.rows["count"].tolist() == shown
            assert np.isnan(counted.total) == (not shown)


def test_small_side_numbers_are_not_told() -> None:
    rough = [replace(event, precision="day") for event in EVENTS]
    chosen = Filter(layers=("overdoses",), hours=(8, 12))
    assert count(see(POINTS, columns_of(rough, ward_codes=CODES)), chosen).unplaced_in_time == 2
    assert count(see(Detail("points", fewest=3), columns_of(rough, ward_codes=CODES)), chosen).unplaced_in_time == 0
    assert count(see(Detail("points", fewest=2), columns_of(rough, ward_codes=CODES)), chosen).unplaced_in_time == 2


def test_what_is_given_is_not_changed() -> None:
    whole = columns_of(EVENTS, ward_codes=CODES)
    before: dict[str, Any] = {name: getattr(whole, name).copy() for name in ("lon", "lat", "location", "location_m")}
    see(WARDS, whole)
    see(show_cells(8), whole)
    assert all(np.array_equal(getattr(whole, name), values) for name, values in before.items())
