"""Counting against a plain computation, hour by hour and event by event, with the standard library, pandas and h3."""

import datetime as dt
import itertools
from collections import Counter
from functools import cache
from zoneinfo import ZoneInfo

import h3
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexbeat.analysis.rhythm import count_weekday_hours
from layers.counting import Filter, count
from layers.filters import DAYS
from tests.support.events import Event, columns_of, local

WARD_CODES = ("E05009865", "E05009857", "E05009861")
LAYERS = ("needle_litter", "street_dealing", "overdoses", "closed_properties")
FIRST = local("2024-09-28 00:00")  # the clocks go back on 27 October, a Sunday
SPAN_H = 24 * 60
DAYS_KNOWN = [dt.date(2024, 9, 28) + dt.timedelta(days=day) for day in range(60)]


@cache
def local_time(second: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, ZoneInfo(zone))


@cache
def month_of(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m}"


def in_hours(moment: dt.datetime, chosen: Filter) -> bool:
    """Whether a local time lies in the filter's hours on the filter's days: read as a person would."""
    first, last = chosen.hours or (0, 24)
    days = chosen.days or set(range(7))
    if first < last:
        return first <= moment.hour < last and moment.weekday() in days
    evening = moment.hour >= first and moment.weekday() in days
    return evening or (moment.hour < last and (moment.weekday() - 1) % 7 in days)


def slices(event: Event) -> list[tuple[int, float]]:
    """An event cut into hours: the second at which each begins, and its share."""
    if event.until == event.start:
        return [(event.start, 1.0)]
    hours = (event.until - event.start) // 3600
    return [(event.start + hour * 3600, 1 / hours) for hour in range(hours)]


def plain_rows(events: list[Event], chosen: Filter, resolution: int, zone: str) -> pd.DataFrame:
    """One row for each event and month that counts, by the rules of the design and nothing else."""
    rows = []
    for number, event in enumerate(events):
        if (
            (chosen.layers and event.layer not in chosen.layers)
            or (chosen.wards and event.ward not in chosen.wards)
            or (chosen.reported_by and event.reported_by not in chosen.reported_by)
        ):
            continue
        state = event.layer == "closed_properties"
        if not state and chosen.hours and event.precision != "minute":
            continue
        if not state and chosen.days and event.precision == "month":
            continue
        months: Counter[str] = Counter()
        for second, share in slices(event):
            moment = local_time(second, zone)
            if chosen.start and moment.date() < chosen.start:
                continue
            if chosen.end and moment.date() >= chosen.end:
                continue
            if state:
                months[month_of(moment)] = 1
            elif in_hours(moment, chosen):
                months[month_of(moment)] += share
        size = event.quantity if chosen.measure == "quantity" else 1
        rows += [
            {
                "event": number,
                "cell": h3.latlng_to_cell(event.lat, event.lon, resolution),
                "ward_code": event.ward,
                "ward_name": event.ward,
                "month": month,
                "layer": event.layer,
                "count": share * size,
                "state": state,
            }
            for month, share in months.items()
        ]
    columns = ["event", "cell", "ward_code", "ward_name", "month", "layer", "count", "state"]
    return pd.DataFrame(rows, columns=columns).astype({"count": float, "state": bool})


@st.composite
def events(draw: st.DrawFn) -> Event:
    precision = draw(st.sampled_from(["minute", "minute", "day", "month"]))
    if precision == "month":
        start, end = draw(st.sampled_from([("2024-10-01", "2024-11-01"), ("2024-11-01", "2024-12-01")]))
        times = local(start), local(end)
    elif precision == "day":
        day = draw(st.sampled_from(DAYS_KNOWN))
        times = local(str(day)), local(str(day + dt.timedelta(days=1)))
    elif draw(st.booleans()):
        times = (FIRST + draw(st.integers(0, SPAN_H * 3600)),) * 2
    else:
        times = (FIRST + draw(st.integers(0, SPAN_H)) * 3600,) * 2
        times = times[0], times[0] + 3600 * draw(st.integers(1, 100))
    return Event(
        *times,
        precision=precision,
        layer=draw(st.sampled_from(LAYERS)),
        quantity=draw(st.integers(1, 20)),
        reported_by=draw(st.sampled_from(["public", "officer", "sweep", "agency"])),
        ward=draw(st.sampled_from(WARD_CODES)),
        lon=draw(st.sampled_from([-1.23, -1.235, -1.2])),
        lat=draw(st.sampled_from([54.57, 54.574, 54.6])),
    )


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    start, end = sorted(draw(st.lists(st.sampled_from(DAYS_KNOWN), min_size=2, max_size=2, unique=True)))
    hours = draw(st.none() | st.tuples(st.integers(0, 23), st.integers(0, 24)).filter(lambda pair: pair[0] != pair[1]))
    return Filter(
        layers=tuple(draw(st.sets(st.sampled_from(LAYERS)))),
        start=draw(st.sampled_from([None, start])),
        end=draw(st.sampled_from([None, end])),
        wards=tuple(draw(st.sets(st.sampled_from(WARD_CODES)))),
        hours=None if hours == (0, 24) else hours,
        days=frozenset(draw(st.sets(st.integers(0, len(DAYS) - 1), max_size=6))),
        reported_by=tuple(draw(st.sets(st.sampled_from(["public", "sweep"])))),
        measure=draw(st.sampled_from(["events", "quantity"])),
    )


EVENTS = st.lists(events(), max_size=6)


@settings(max_examples=40)
@given(EVENTS, filters(), st.lists(st.sampled_from(["cell", "ward", "month", "layer"]), unique=True))
def test_counts_are_those_of_the_plain_computation(rows: list[Event], chosen: Filter, by: list[str]) -> None:
    counts = count(columns_of(rows, ward_codes=WARD_CODES), chosen, by=tuple(by), resolution=10)  # type: ignore[arg-type]  # names of groups
    keys = [key for group in by for key in (("ward_code", "ward_name") if group == "ward" else (group,))]
    plain = plain_rows(rows, chosen, 10, "Europe/London")
    if "month" not in by:  # a state counts once, not once a month
        once = plain[plain["state"]].drop_duplicates("event")
        plain = pd.concat([plain[~plain["state"]], once])
    if keys:
        expected = plain.groupby(keys, as_index=False, sort=True)["count"].sum()
        pd.testing.assert_frame_equal(counts.rows, expected, check_dtype=False, rtol=1e-9, atol=1e-9)
        assert list(counts.rows.columns) == [*keys, "count"]
    else:
        assert counts.rows["count"].sum() == pytest.approx(plain["count"].sum(), rel=1e-9)


@settings(max_examples=40)
@given(EVENTS, filters())
def test_no_grouping_loses_or_adds_anything(rows: list[Event], chosen: Filter) -> None:
    incidents = [row for row in rows if row.layer != "closed_properties"]
    columns = columns_of(incidents, ward_codes=WARD_CODES)
    total = count(columns, chosen, by=()).total
    for by in (("cell",), ("ward",), ("month",), ("layer",), ("cell", "ward", "month", "layer")):
        counts = count(columns, chosen, by=by)  # type: ignore[arg-type]  # names of groups
        assert counts.total == total
        assert counts.rows["count"].sum() == pytest.approx(total, rel=1e-9, abs=1e-9)


@settings(max_examples=40)
@given(EVENTS)
def test_whole_numbers_stay_whole(rows: list[Event]) -> None:
    for measure, expected in (("events", len(rows)), ("quantity", sum(row.quantity for row in rows))):
        counts = count(columns_of(rows, ward_codes=WARD_CODES), Filter(measure=measure), by=("cell", "ward"))  # type: ignore[arg-type]  # names of measures
        assert counts.total == expected
        assert all(value == int(value) for value in counts.rows["count"])


@settings(max_examples=40)
@given(EVENTS, filters(), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(rows: list[Event], chosen: Filter, random: object) -> None:
    before = count(columns_of(rows, ward_codes=WARD_CODES), chosen, by=("ward", "month")).rows
    random.shuffle(rows)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    after = count(columns_of(rows, ward_codes=WARD_CODES), chosen, by=("ward", "month")).rows
    pd.testing.assert_frame_equal(before, after, rtol=1e-12)


@settings(max_examples=40)
@given(EVENTS, st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata"]))
def test_periods_side_by_side_add_up_in_any_zone(rows: list[Event], zone: str) -> None:
    columns = columns_of([row for row in rows if row.layer != "closed_properties"], ward_codes=WARD_CODES)
    cuts = [None, dt.date(2024, 10, 5), dt.date(2024, 10, 27), dt.date(2024, 10, 28), None]
    parts = [
        count(columns, Filter(start=low, end=high), by=(), time_zone=zone).total
        for low, high in itertools.pairwise(cuts)
    ]
    assert sum(parts) == pytest.approx(len(columns), rel=1e-9)


@settings(max_examples=40)
@given(EVENTS, filters())
def test_the_grid_of_hours_holds_every_incident_that_has_an_hour(rows: list[Event], chosen: Filter) -> None:
    timed = [row for row in rows if row.layer != "closed_properties" and row.precision == "minute"]
    found = count_weekday_hours(columns_of(timed, ward_codes=WARD_CODES), chosen)
    expected = pd.DataFrame(0.0, index=range(7), columns=range(24))
    for row in timed:
        for second, share in slices(row):
            moment = local_time(second, "Europe/London")
            one = Event(second, layer=row.layer, ward=row.ward, reported_by=row.reported_by)
            if len(plain_rows([one], chosen, 9, "Europe/London")):
                size = row.quantity if chosen.measure == "quantity" else 1
                expected.loc[moment.weekday(), moment.hour] += share * size
    assert found.grid == pytest.approx(expected.to_numpy(), abs=1e-9)
    assert found.unknown_hour == 0
