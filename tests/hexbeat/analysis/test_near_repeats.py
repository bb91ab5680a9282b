"""Near repeats: what was planted is found, noise is not, and the sentence says how long and how far."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from geo.errors import UsageError
from geo.knox import knox_test
from hexbeat.analysis.daily_counts import find_known_days
from hexbeat.analysis.near_repeats import DAYS, DISTANCES_M, build_near_repeats
from hexbeat.analysis.study import load_study, project
from layers.coverage import Coverage, CoverageEntry
from layers.encounters import OFFICERS_NOTE, describe_encounters
from layers.filters import Filter
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of

SUMMER = Filter(layers=("needle_litter",), start=dt.date(2026, 8, 24), end=dt.date(2026, 11, 22))
FIRST = int(dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC).timestamp())


def test_planted_repeats_are_found_and_told() -> None:
    columns, truth = demonstration()
    found = build_near_repeats(columns, SUMMER, load_study(middlesbrough()))
    assert found.raised_m is not None
    assert found.raised_m <= truth["near_repeats"]["within_m"]
    assert found.raised_days == 7
    assert found.sentence == (
        "After a needle find, another within 100 m in the first 2 days is 1.4 times as frequent as by chance. The risk "
        "stays raised for up to 7 days."
    )
    assert found.notes == (
        "Based on 710 needle finds of 24 Aug to 21 Nov 2026. Their days were shuffled 999 times.",
        "106 more (13 %) are left out: their day is not known, or sweeps found them.",
    )
    assert len(found.rows) == (len(DISTANCES_M) - 1) * (len(DAYS) - 1)


def test_it_is_geos_test_of_the_same_events() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    known = find_known_days(columns, "overdoses", time_zone="Europe/London")
    start = int(dt.datetime(2026, 9, 1, tzinfo=dt.UTC).timestamp()) - 3600
    kept = columns.start[known.index] >= start
    x_m, y_m = project(study.crs, columns.lon[known.index[kept]], columns.lat[known.index[kept]])
    plain = knox_test(x_m, y_m, known.day[kept].astype(float), distances_m=DISTANCES_M, days=DAYS)
    found = build_near_repeats(columns, Filter(layers=("overdoses",), start=dt.date(2026, 9, 1)), study)
    assert found.rows["observed"].tolist() == plain.observed.ravel().tolist()
    assert found.rows["p_value"].tolist() == plain.p.ravel().tolist()


def scattered(number: int, seed: int = 4) -> list[Event]:
    rng = np.random.default_rng(seed)
    return [
        Event(FIRST + 86_400 * int(day), lon=-1.235 + dx, lat=54.57 + dy)
        for day, dx, dy in zip(
            rng.integers(0, 90, number), rng.normal(0, 0.01, number), rng.normal(0, 0.006, number), strict=True
        )
    ]


def test_noise_has_no_repeats() -> None:
    found = build_near_repeats(
        columns_of(scattered(300)), Filter(layers=("needle_litter",)), load_study(middlesbrough())
    )
    assert (found.raised_m, found.raised_days) == (None, None)
    assert not found.rows["raised"].any()
    assert found.sentence == (
        "No clear sign of near repeats. In the first 2 days needle finds are not clearly closer than on shuffled days. "
        "That does not mean that there are none."
    )


def test_repeats_at_the_same_place() -> None:
    events = scattered(100)
    again = [Event(one.start + 86_400, lon=one.lon, lat=one.lat) for one in events]
    found = build_near_repeats(
        columns_of([*events, *again]), Filter(layers=("needle_litter",)), load_study(middlesbrough())
    )
    assert found.raised_m == 1
    assert found.sentence.startswith("After a needle find, another at the same place in the first 2 days is ")


HOURLY = [Event(FIRST + 3600 * k) for k in range(1000)]
FEW = "The test of near repeats needs 20 events or more whose day is known; there are 5"
MANY = "The test of near repeats takes at most 400,000 pairs of events within 400 m; there are 499,500 pairs"
STATES = "A test of near repeats needs incidents, which happen on a day; closed properties are in force for months"


@pytest.mark.parametrize(
    ("events", "layer", "message"),
    [
        (scattered(5), "needle_litter", f"{FEW}; choose a longer period, or more wards"),
        (
            HOURLY,
            "needle_litter",
            f"{MANY}; choose a shorter period, or fewer wards",
        ),
        ([], "closed_properties", f"{STATES}; choose one of needle_litter, street_dealing, overdoses"),
    ],
)
def test_what_cannot_be_tested(events: list[Event], layer: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_near_repeats(columns_of(events), Filter(layers=(layer,)), load_study(middlesbrough()))
    assert str(caught.value) == message


def test_sweeps_take_part_when_asked_for() -> None:
    swept = [Event(one.start, lon=one.lon, lat=one.lat, reported_by="sweep") for one in scattered(60)]
    columns = columns_of([*scattered(50, seed=5), *swept])
    chosen = Filter(layers=("needle_litter",))
    assert build_near_repeats(columns, chosen, load_study(middlesbrough())).events == 50
    asked = Filter(layers=("needle_litter",), reported_by=("sweep",))
    assert build_near_repeats(columns, asked, load_study(middlesbrough())).events == 60


def test_one_encounter_is_no_repeat() -> None:
    """60 stops of three people each, at other points and days: 180 searches used to repeat each other."""
    stops = [
        Event(one.start + k, lon=one.lon, lat=one.lat, layer="street_dealing", reported_by="officer")
        for one in scattered(60)
        for k in range(3)
    ]
    chosen = Filter(layers=("street_dealing",))
    once = build_near_repeats(columns_of(stops), chosen, load_study(middlesbrough()))
    assert (once.events, once.merged, once.left_out, once.raised_m) == (60, 120, 0, None)
    assert once.searches
    assert once.sentence.startswith("No clear sign of near repeats. In the first 2 days searches by officers are not ")
    assert once.notes[-2:] == (*describe_encounters(120), OFFICERS_NOTE)
    each = build_near_repeats(columns_of(stops), chosen, load_study(middlesbrough()), each_event=True)
    assert (each.events, each.merged, each.raised_m) == (180, 0, 100)
    assert each.sentence.startswith("After a search by officers, another within 100 m in the first 2 days is ")


def test_only_known_days_are_tested() -> None:
    events = scattered(200)
    start = dt.date(2026, 1, 1)
    entry = CoverageEntry("needle_litter", "log", "", start, dt.date(2026, 3, 1))
    columns = columns_of(events)
    gapped = replace(columns, coverage=Coverage((entry,), columns.ward_codes))
    found = build_near_repeats(gapped, Filter(layers=("needle_litter",)), load_study(middlesbrough()))
    february = int(dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp())
    assert found.events == sum(one.start < february for one in events) < 200
    assert found.period == (start, dt.date(2026, 3, 1))


RULE = "The test of near repeats needs 20 events or more whose day is known"


def test_days_that_are_not_known_are_no_zero() -> None:
    columns = columns_of(scattered(200))
    entry = CoverageEntry("needle_litter", "log", "", dt.date(2026, 1, 1), dt.date(2026, 2, 1))
    gapped = replace(columns, coverage=Coverage((entry,), columns.ward_codes))
    for end, said in (
        (dt.date(2026, 3, 1), "Feb 2026 is not known"),
        (None, "the days that you ask for are not known"),
    ):
        asked = Filter(layers=("needle_litter",), start=dt.date(2026, 2, 1), end=end)
        with pytest.raises(UsageError) as caught:
            build_near_repeats(gapped, asked, load_study(middlesbrough()))
        assert str(caught.value) == f"{RULE}; {said}; choose known days: see `hexbeat coverage`"


def test_records_of_months_are_no_zero() -> None:
    months = [replace(one, end=one.start + 30 * 86400, precision="month") for one in scattered(60)]
    with pytest.raises(UsageError) as caught:
        build_near_repeats(columns_of(months), Filter(layers=("needle_litter",)), load_study(middlesbrough()))
    assert str(caught.value) == (
        f"{RULE}; these records of needle finds are known only to the month; choose records that have days"
    )


def test_a_point_that_a_source_moved_records_to_is_no_place() -> None:
    events = [replace(one, location="snapped") for one in scattered(100)]
    again = [replace(one, start=one.start + 86_400) for one in events]
    found = build_near_repeats(
        columns_of([*events, *again]), Filter(layers=("needle_litter",)), load_study(middlesbrough())
    )
    assert found.sentence.startswith("After a needle find, another at the same point in the first 2 days is ")
    assert "so distances are between these points, not between the true places." in " ".join(found.notes)
