"""The places that a briefing names are no smaller than the records know."""

import datetime as dt

import numpy as np
import pytest

from hexbeat.analysis.study import load_study
from hexbeat.reports.briefing_places import find_hot_places
from layers.catalogue import find_layer
from layers.columns import Columns
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of

UNTIL = dt.date(2026, 11, 22)
NOON = int(dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC).timestamp())


def gather(metres: float) -> Columns:
    """800 finds of four weeks about one place, and 400 all over the town."""
    random = np.random.default_rng(3)
    wards = middlesbrough().wards
    lon = np.concatenate([random.normal(-1.235, 0.008, 800), random.uniform(-1.28, -1.17, 400)])
    lat = np.concatenate([random.normal(54.570, 0.004, 800), random.uniform(54.52, 54.58, 400)])
    ward = wards.locate(lon, lat)
    days = random.integers(0, 28, 1200)
    return columns_of(
        [
            Event(NOON - 86_400 * int(day), lon=float(x), lat=float(y), ward=wards.codes[code], location="exact",
                  location_m=metres)
            for x, y, code, day in zip(lon, lat, ward, days, strict=True)
            if code >= 0
        ],
        ward_codes=wards.codes,
    )  # fmt: skip


@pytest.mark.parametrize(("metres", "resolution"), [(0.0, 9), (170.0, 9), (300.0, 8)])
def test_places_are_as_large_as_the_records_know_and_a_note_says_so(metres: float, resolution: int) -> None:
    places, notes, is_known = find_hot_places(
        gather(metres), middlesbrough(), find_layer("needle_litter"), load_study(middlesbrough()), until=UNTIL, days=28,
        hours=None,
    )  # fmt: skip
    assert is_known
    assert places
    assert {int(cell[1], 16) for place in places for cell in place.cells} == {resolution}
    said = "Needle finds: The smallest cells that these records know are 900 m across."
    assert notes.count(said) == (resolution == 8)
