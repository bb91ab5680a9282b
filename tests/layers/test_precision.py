"""Whether places are snapped is measured, and with it the smallest cells in which an analysis may speak."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.columns import Columns
from layers.event import LOCATION_PRECISIONS
from layers.filters import Filter
from layers.precision import (
    LocationPrecision,
    describe_fine_cells,
    describe_precision,
    measure_chosen_precision,
    measure_place_precision,
    measure_precision,
    number_points,
)
from tests.support.demonstrations import demonstration
from tests.support.events import Event, columns_of, local

ZONE = "Europe/London"
DAY = 86_400
START = local("2024-03-01 12:00")


def lay(points: int, days: int, *, apart: float = 0.001, precision: str = "minute", gap_s: int = DAY) -> Columns:
    """An event a day at each of the points, which lie in a row `apart` degrees of longitude apart."""
    events = [
        Event(START + gap_s * day, precision=precision, lon=-1.24 + apart * point)
        for point in range(points)
        for day in range(days)
    ]
    return columns_of(events)


def measure(columns: Columns) -> LocationPrecision:
    return measure_precision(columns, "needle_litter", time_zone=ZONE)


def test_points_that_come_again_on_other_days_are_snapped() -> None:
    found = measure(lay(30, 4))
    assert (found.kind, found.events, found.points, found.shared) == ("snapped", 120, 30, 1.0)


def test_events_of_one_day_at_one_point_are_no_sign() -> None:
    found = measure(lay(30, 4, gap_s=600))
    assert found == LocationPrecision("exact", 120, 30, 0.0, 11)


def test_months_have_no_days_so_any_two_events_count() -> None:
    assert measure(lay(30, 4, precision="month", gap_s=0)).snapped


def test_a_few_busy_addresses_are_not_a_grid() -> None:
    assert (measure(lay(4, 50)).kind, measure(lay(5, 50)).kind) == ("exact", "snapped")


@pytest.mark.parametrize(("again", "kind"), [(24, "exact"), (25, "snapped")])
def test_a_fifth_of_the_events_is_the_threshold(again: int, kind: str) -> None:
    """`again` of the 125 events (in 12 pairs and a triple, or 11 pairs and a single less) lie where others lie."""
    shared = [Event(START + DAY * k, lon=-1.3 + 0.001 * min(k // 2, 11)) for k in range(again)]
    alone = [Event(START, lon=-1.2 + 0.0001 * k) for k in range(125 - again)]
    found = measure(columns_of([*shared, *alone]))
    assert (found.kind, found.shared) == (kind, again / 125)


@pytest.mark.parametrize(("apart", "finest"), [(0.02, 8), (0.004, 8), (0.002, 9), (0.0005, 10), (0.0001, 11)])
def test_cells_hold_more_than_one_point(apart: float, finest: int) -> None:
    columns = lay(40, 3, apart=apart)
    found = measure(columns)
    assert found.finest == finest
    for resolution in range(finest + 1, 12):
        _, first = number_points(columns, np.arange(len(columns)))
        cells = columns.cell[resolution][first]
        assert (np.bincount(cells)[cells] > 1).mean() <= 0.5


@pytest.mark.slow
def test_the_demonstration_is_exact() -> None:
    columns, _ = demonstration()
    for layer in ("needle_litter", "street_dealing", "overdoses"):
        found = measure_precision(columns, layer, time_zone=ZONE)
        assert (found.kind, found.finest) == ("exact", 11)
        assert found.shared < 0.01


def test_nothing_is_exact() -> None:
    assert measure_precision(lay(2, 2), "overdoses", time_zone=ZONE) == LocationPrecision("exact", 0, 0, 0.0, 11)


def test_it_is_said() -> None:
    assert describe_precision(LocationPrecision("exact", 9, 9, 0.0, 11)) == ""
    assert describe_precision(LocationPrecision("snapped", 1325, 442, 0.7, 9)) == (
        "Records are snapped to 442 points, so cells are no smaller than 350 m across."
    )


def build_events(
    source: str, points: int, days: int, *, location: str = "", metres: float = 0.0, **more: object
) -> list[Event]:
    """An event a day at each of the points of a source, 0.001 degrees apart, beside those of other sources."""
    west = -1.24 - 0.2 * (len(source) % 3)
    return [
        Event(
            START + DAY * day + 60 * len(source),
            lon=west + 0.001 * point,
            source=source,
            location=location,
            location_m=metres,
            **more,  # type: ignore[arg-type]  # fields of an event
        )
        for point in range(points)
        for day in range(days)
    ]


def test_an_exact_log_is_not_spoiled_by_a_snapped_one_beside_it_nor_hides_it() -> None:
    """1,600 sweeps, each at a place of its own, and 120 records at 30 points: neither counts for the other."""
    sweeps = [
        Event(START + 60 * k, lon=-1.3 + 0.0001 * k, lat=54.55, source="sweeps", reported_by="sweep")
        for k in range(1600)
    ]
    columns = columns_of([*build_events("reports", 30, 4), *sweeps])
    every = measure(columns)
    assert (every.kind, every.events, every.finest) == ("exact", 1720, 10)
    by_sweep, by_public = (
        measure_chosen_precision(columns, Filter(layers=("needle_litter",), reported_by=(name,)), time_zone=ZONE)
        for name in ("sweep", "public")
    )
    assert (by_sweep.kind, by_sweep.events, by_sweep.finest) == ("exact", 1600, 11)
    assert (by_public.kind, by_public.events, by_public.points, by_public.finest) == ("snapped", 120, 30, 10)
    assert measure_place_precision(columns, "needle_litter", time_zone=ZONE) == by_public


def test_few_events_that_are_known_less_well_do_not_make_cells_larger() -> None:
    exact = [Event(START, lon=-1.3 + 0.0001 * k) for k in range(200)]
    for number, finest in ((10, 11), (11, 9)):
        rough = [Event(START, location="randomised", location_m=150, lat=54.6) for _ in range(number)]
        assert measure(columns_of([*exact, *rough])).finest == finest


@pytest.mark.parametrize(
    ("location", "metres", "kind", "finest"),
    [
        ("exact", 0, "exact", 11),
        ("exact", 25, "exact", 11),
        ("exact", 26, "exact", 10),
        ("postcode", 65, "postcode", 10),
        ("street", 66, "street", 9),
        ("snapped", 175, "snapped", 9),
        ("randomised", 176, "randomised", 8),
        ("randomised", 0, "randomised", 8),
        ("randomised", 90_000, "randomised", 8),
        ("snapped", 0, "snapped", 10),
    ],
)
def test_what_a_source_says_counts_whatever_is_measured(location: str, metres: float, kind: str, finest: int) -> None:
    """30 points of 3 events on 3 days would be measured as snapped."""
    found = measure(columns_of(build_events("a", 30, 3, location=location, metres=metres)))
    assert (found.kind, found.finest, found.stated, found.part) == (kind, finest, True, 1.0)


def test_points_that_are_too_few_to_measure_are_taken_for_those_of_a_town() -> None:
    far_apart = [Event(START, lon=-1.3 + 0.02 * k, location="snapped") for k in range(40)]
    assert [measure(columns_of(far_apart[:number])).finest for number in (1, 19, 20, 40)] == [9, 9, 8, 8]


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["", *LOCATION_PRECISIONS]),
            st.sampled_from([0.0, 10.0, 60.0, 200.0, 2000.0]),
            st.sampled_from(["public", "sweep", "officer"]),
            st.integers(0, 30),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
def test_a_part_of_the_events_never_speaks_of_cells_that_its_own_sources_do_not_know(
    rows: list[tuple[str, str, float, str, int, int]],
) -> None:
    columns = columns_of(
        [
            Event(START + DAY * day, lon=-1.24 + 0.001 * point, source=source, location=kind, location_m=metres,
                  reported_by=reporter)
            for source, kind, metres, reporter, point, day in rows
        ]
    )  # fmt: skip
    parts = []
    for reporter in ("public", "sweep", "officer"):
        chosen = Filter(layers=("needle_litter",), reported_by=(reporter,))
        part = measure_chosen_precision(columns, chosen, time_zone=ZONE)
        parts.append(part)
        assert part.events == sum(row[3] == reporter for row in rows)
        assert part.points <= part.events
        stated = [row for row in rows if row[3] == reporter]
        if stated and all(row[1] == "exact" and not row[2] for row in stated):
            assert (part.kind, part.finest) == ("exact", 11)
        if stated and all(row[2] > 450 for row in stated):
            assert part.finest == 8
    whole = measure(columns)
    assert whole.events == sum(part.events for part in parts)
    assert min(part.finest for part in parts) <= whole.finest
    assert whole.finest <= max(part.finest for part in parts if part.events or not whole.events)


def test_it_is_remembered_only_as_long_as_the_columns() -> None:
    columns = columns_of(build_events("a", 30, 3))
    assert measure(columns) is not measure(columns)
    assert measure(columns) == measure(columns)
    kept = weakref.ref(columns)
    del columns
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    ("precision", "sentence"),
    [
        (("snapped", 1325, 442, 0.7, 9), "Records are snapped to 442 points"),
        (("postcode", 100, 31, 0.7, 9, 0.4), "40 % of the records are placed by postcode, at 31 points"),
        (("street", 100, 1, 0.7, 9), "Records are placed by street, at 1 point"),
        (("randomised", 100, 100, 0.0, 9), "Records were moved at random"),
        (("exact", 100, 100, 0.0, 9, 0.12), "12 % of the records are known only roughly"),
    ],
)
def test_cells_that_are_too_small_are_called_so(precision: tuple[Any, ...], sentence: str) -> None:
    found = LocationPrecision(*precision)
    assert describe_precision(found) == f"{sentence}, so cells are no smaller than 350 m across."
    assert describe_fine_cells(found, 9) == ""
    assert describe_fine_cells(found, 10) == (
        f"{sentence}. The smallest cells that these records know are 350 m across. These are 130 m: what sets one "
        "apart from the next may only be where records were put."
    )
