"""A sweep's places are no smaller than the records know; where these are snapped, they are the records' points."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from hexbeat.operations.plans.plan import Place, Plan
from hexbeat.operations.plans.plan_points import choose_plan_resolution
from hexbeat.operations.plans.sweep import REPORT_COLUMNS, SweepChoices, make_sweep_plan
from layers.columns import Columns
from layers.precision import LocationPrecision
from tests.support.demonstrations import TODAY, middlesbrough
from tests.support.events import Event, columns_of

DEPOT = Place("Depot", -1.235, 54.574)
DAY = SweepChoices(TODAY, DEPOT, hours=(8, 14))
NOWHERE = pd.DataFrame({"kind": [], "name": [], "lon": [], "lat": []})
NONE_OPEN = pd.DataFrame({name: pd.Series(dtype="float64") for name in REPORT_COLUMNS})
NOON = int(dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC).timestamp())
ZONE = middlesbrough().wards


def lay_points(*, location: str = "", metres: float = 0.0, apart: float = 0.0025) -> Columns:
    """Finds of many days at 48 points of a grid, `apart` degrees from each other; the first row has most."""
    points = [(-1.25 + apart * east, 54.565 + apart / 2 * north) for east in range(8) for north in range(6)]
    ward = ZONE.locate(*np.array(points).T)
    return columns_of(
        [
            Event(NOON - 86_400 * day, lon=lon, lat=lat, ward=ZONE.codes[code], location=location, location_m=metres)
            for (lon, lat), code in zip(points, ward, strict=True)
            if code >= 0
            for day in range(2 + (lon == points[0][0]) * 3)
        ],
        ward_codes=ZONE.codes,
    )


def plan_sweep(columns: Columns, reports: pd.DataFrame = NONE_OPEN) -> Plan:
    moment = dt.datetime(2026, 11, 22, 6, tzinfo=middlesbrough().tz)
    return make_sweep_plan(columns, middlesbrough(), DAY, reports=reports, reference=NOWHERE, made_at=moment)


@pytest.mark.slow
@pytest.mark.parametrize("location", ["", "snapped"])
def test_stops_are_at_the_points_of_snapped_finds_and_say_so(location: str) -> None:
    columns = lay_points(location=location)
    plan = plan_sweep(columns)
    stops = [stop for tour in plan.tours for stop in tour.stops]
    points = set(zip(columns.lon.round(6).tolist(), columns.lat.round(6).tolist(), strict=True))
    assert len(stops) > 3
    assert {(round(stop.lon, 6), round(stop.lat, 6)) for stop in stops} <= points
    assert {int(stop.cell[1], 16) for stop in stops} == {9}
    assert (
        "Records of needle finds are snapped to 48 points. So places are 350 m across, and a stop is at the point with "
        "the most records."
    ) in plan.settings


@pytest.mark.slow
def test_exact_finds_that_come_again_at_their_places_keep_small_cells() -> None:
    plan = plan_sweep(lay_points(location="exact"))
    assert {int(stop.cell[1], 16) for tour in plan.tours for stop in tour.stops} == {10}
    assert not any("places are" in sentence for sentence in plan.settings)


@pytest.mark.slow
def test_finds_that_were_moved_at_random_have_wide_places_and_no_points() -> None:
    plan = plan_sweep(lay_points(location="randomised", metres=150))
    assert {int(stop.cell[1], 16) for tour in plan.tours for stop in tour.stops} == {9}
    assert "Records of needle finds were moved at random. So places are 350 m across." in plan.settings


@pytest.mark.slow
def test_an_open_report_is_answered_where_it_was_made() -> None:
    columns = lay_points(location="snapped")
    report = {
        "lon": [-1.2412], "lat": [54.5693], "ward_code": [ZONE.codes[0]], "h3_10": np.zeros(1, dtype=np.uint64),
        "occurred_from": [NOON], "occurred_to": [NOON], "quantity": [1],
    }  # fmt: skip
    plan = plan_sweep(columns, pd.DataFrame(report)[list(REPORT_COLUMNS)])
    first = plan.tours[0].stops[0]
    assert (first.lon, first.lat) == (-1.2412, 54.5693)
    assert "1 open report" in first.reason


@pytest.mark.parametrize(("finest", "resolution"), [((11,), 10), ((11, 9), 9), ((8, 10), 8)])
def test_the_layer_that_knows_its_places_least_decides(finest: tuple[int, ...], resolution: int) -> None:
    precisions = [LocationPrecision("exact", 9, 9, 0.0, size) for size in finest]
    assert choose_plan_resolution(precisions) == resolution
