"""Whether places are snapped is measured, and with it the smallest cells in which an analysis may speak."""

import numpy as np
import pytest

from layers.columns import Columns
from layers.precision import LocationPrecision, describe_precision, measure_precision, number_points
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
