import datetime as dt
import json
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import UsageError
from hexbeat.areas.area import load_area
from hexbeat.areas.boundaries import build_area
from hexbeat.demonstration import Demonstration, make_events
from hexbeat.demonstration.rhythms import Span, weigh_hours
from layers.catalogue import LAYER_NAMES, find_layer
from layers.event import DEMONSTRATION, EVENT_COLUMNS, PRECISIONS, REPORTERS
from tests.support.paths import ROOT

TODAY = dt.date(2026, 11, 22)
UNSAID = ["location_precision", "location_precision_m"]  # their places are measured, as those of any source
FIXTURE = ROOT / "tests" / "fixtures" / "boundaries" / "wards.geojson"


def utc(day: dt.date) -> float:
    return pd.Timestamp(day, tz="Europe/London").timestamp()


@pytest.fixture(scope="module")
def made() -> Demonstration:
    return make_events(load_area("middlesbrough"), today=TODAY)


def test_there_are_twenty_thousand_events_in_their_shares(made: Demonstration) -> None:
    expected = {"needle_litter": 9000, "street_dealing": 8000, "overdoses": 2600, "closed_properties": 400}
    assert made.frame["layer"].value_counts().to_dict() == expected
    assert made.truth["events"] == expected
    assert made.frame["layer"].isin(LAYER_NAMES).all()


def test_rows_are_whole_events_of_the_demonstration_source(made: Demonstration) -> None:
    frame = made.frame
    assert tuple(frame.columns) == EVENT_COLUMNS
    assert set(frame["source"]) == {DEMONSTRATION}
    assert frame["source_id"].is_unique
    assert frame[["scope", "note"]].isna().all(axis=None)
    assert frame.drop(columns=["status", "scope", "note", *UNSAID]).notna().all(axis=None)
    assert frame["occurred_from"].is_monotonic_increasing
    assert frame["time_precision"].isin(PRECISIONS).all()
    assert frame["reported_by"].isin(REPORTERS).all()
    assert frame[["occurred_from", "occurred_to", "quantity"]].dtypes.eq(np.int64).all()


@pytest.mark.slow
def test_the_same_seed_and_day_give_the_same_events_and_others_do_not(made: Demonstration) -> None:
    area = load_area("middlesbrough")
    again = make_events(area, today=TODAY)
    pd.testing.assert_frame_equal(again.frame, made.frame)
    assert json.dumps(again.truth) == json.dumps(made.truth)
    for other in (
        make_events(area, seed=2, today=TODAY),
        make_events(area, seed=-1, today=TODAY),
        make_events(area, today=TODAY + dt.timedelta(days=1)),
    ):
        assert not other.frame["lon"].equals(made.frame["lon"])


@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_every_event_lies_inside_its_ward_and_cells(name: str) -> None:
    area = load_area(name)
    frame = make_events(area, events=3000, today=TODAY).frame
    polygon = dict(zip(area.wards.codes, area.wards.polygons, strict=True))
    points = shapely.points(frame["lon"], frame["lat"])
    assert shapely.covers(frame["ward_code"].map(polygon).to_numpy(), points).all()
    assert set(frame["ward_code"]) == set(area.wards.codes)
    for resolution in (8, 9, 10, 11):
        expected = [
            h3.str_to_int(h3.latlng_to_cell(lat, lon, resolution))
            for lat, lon in zip(frame["lat"][:300], frame["lon"][:300], strict=True)
        ]
        assert frame[f"h3_{resolution:02d}"][:300].tolist() == expected


@pytest.mark.parametrize("events", [1, 2, 7, 60])
def test_a_small_area_and_few_events_will_do(tmp_path: Path, events: int) -> None:
    build_area(FIXTURE, name="otherby", code_field="WD25CD", name_field="WD25NM", out_dir=tmp_path / "boundaries")
    area = load_area("otherby", home=tmp_path)
    assert len(make_events(area, events=events, today=TODAY).frame) == events


def test_no_events_are_no_demonstration() -> None:
    with pytest.raises(UsageError) as caught:
        make_events(load_area("middlesbrough"), events=0, today=TODAY)
    assert str(caught.value) == "A demonstration has at least one event; you asked for 0; ask for 20000"


def test_three_years_end_yesterday(made: Demonstration) -> None:
    incidents = made.frame[made.frame["layer"] != "closed_properties"]
    assert made.frame["occurred_from"].min() >= utc(dt.date(2023, 11, 22))
    assert made.frame["occurred_from"].min() < utc(dt.date(2023, 11, 24))
    assert utc(dt.date(2026, 11, 21)) <= made.frame["occurred_from"].max() < utc(TODAY)
    assert incidents["occurred_to"].max() <= utc(TODAY)
    assert (made.truth["from"], made.truth["to"]) == ("2023-11-22", "2026-11-22")


def test_time_precisions_are_mixed_and_keep_their_rules(made: Demonstration) -> None:
    frame = made.frame
    local_from = pd.to_datetime(frame["occurred_from"], unit="s", utc=True).dt.tz_convert("Europe/London")
    local_to = pd.to_datetime(frame["occurred_to"], unit="s", utc=True).dt.tz_convert("Europe/London")
    midnight = (local_from.dt.strftime("%H:%M") == "00:00") & (local_to.dt.strftime("%H:%M") == "00:00")
    day, month = frame["time_precision"] == "day", frame["time_precision"] == "month"
    assert midnight[day | month].all()
    next_day = local_from.dt.tz_localize(None) + pd.Timedelta(days=1)
    assert (local_to.dt.tz_localize(None) == next_day)[day].all()
    next_month = local_from.dt.tz_localize(None) + pd.DateOffset(months=1)
    assert ((local_to.dt.tz_localize(None) == next_month) & (local_from.dt.day == 1))[month].all()
    assert (frame["occurred_to"] >= frame["occurred_from"]).all()
    assert set(frame.loc[month, "layer"]) == {"street_dealing"}
    shares = frame["time_precision"].value_counts(normalize=True)
    assert shares["minute"] > 0.7
    assert 0.08 < shares["day"] < 0.2
    assert 0.05 < shares["month"] < 0.12


def test_months_that_are_not_over_are_not_told_as_months(made: Demonstration) -> None:
    latest = made.frame.loc[made.frame["time_precision"] == "month", "occurred_to"].max()
    assert latest == utc(dt.date(2026, 11, 1))


def test_sweeps_find_many_needles_and_are_apart_from_reports(made: Demonstration) -> None:
    swept = made.frame[made.frame["reported_by"] == "sweep"]
    assert set(swept["layer"]) == {"needle_litter"}
    assert len(swept) == made.truth["sweeps"] == 1080
    reported = made.frame[(made.frame["layer"] == "needle_litter") & (made.frame["reported_by"] != "sweep")]
    assert swept["quantity"].median() > 4 * reported["quantity"].median()
    assert made.frame["quantity"].between(1, 60).all()
    assert (made.frame.loc[made.frame["layer"] != "needle_litter", "quantity"] == 1).all()


def test_closures_last_three_calendar_months_or_six(made: Demonstration) -> None:
    closures = made.frame[made.frame["layer"] == "closed_properties"]
    begin = pd.to_datetime(closures["occurred_from"], unit="s", utc=True).dt.tz_convert("Europe/London")
    end = pd.to_datetime(closures["occurred_to"], unit="s", utc=True).dt.tz_convert("Europe/London")
    months = (end.dt.year - begin.dt.year) * 12 + end.dt.month - begin.dt.month
    extended = closures["category"] == "closure order, extended"
    assert set(months[extended]) == {6}
    assert set(months[~extended]) == {3}
    assert 0.2 < extended.mean() < 0.4
    assert ((closures["status"] == "in force") == (closures["occurred_to"] > utc(TODAY))).all()


def test_three_years_before_a_leap_day_begin_on_the_twenty_eighth() -> None:
    assert Span.three_years(dt.date(2028, 2, 29), "Europe/London").start == dt.date(2025, 2, 28)


def test_local_times_become_utc_over_both_clock_changes() -> None:
    span = Span.three_years(TODAY, "Europe/London")
    days = np.array(
        [(dt.date(2026, 3, 29) - dt.date(1970, 1, 1)).days, (dt.date(2026, 10, 25) - dt.date(1970, 1, 1)).days]
    )
    seconds = span.to_utc(np.repeat(days, 3), np.tile([1800, 5400, 9000], 2))
    shown = [dt.datetime.fromtimestamp(int(second), dt.UTC).strftime("%H:%M") for second in seconds]
    assert shown == ["00:30", "01:00", "01:30", "23:30", "00:30", "02:30"]


@pytest.mark.parametrize("layer", LAYER_NAMES)
def test_hours_of_a_rhythm_sum_to_a_day(layer: str) -> None:
    rules = find_layer(layer).demonstration
    assert rules is not None
    weights = weigh_hours(rules.rhythm)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
