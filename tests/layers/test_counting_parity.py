"""Counting against a plain computation, hour by hour and event by event, with the standard library, pandas and h3."""

import datetime as dt
import itertools
from collections.abc import Iterator
from functools import cache
from zoneinfo import ZoneInfo

import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.wards import Wards
from hexbeat.analysis.rhythm import count_weekday_hours
from layers.counting import Filter, count
from layers.filters import DAYS
from layers.grouping import GROUPINGS, GROUPS, Group
from tests.support.events import Event, columns_of, local

WARD_CODES = ("E05009865", "E05009857", "E05009861")
NAMES = {"E05009857": "Central", "E05009861": "Hemlington", "E05009865": "Newport"}
COUNCILS = {"E05009857": "Hartlepool", "E05009861": "", "E05009865": "Hartlepool"}
WARDS = Wards(
    tuple(NAMES),
    tuple(NAMES.values()),
    np.array([shapely.box(0, 0, 1, 1)] * len(NAMES)),
    lad_codes=("E06000001", "", "E06000001"),
    lad_names=tuple(COUNCILS.values()),
)
LAYERS = ("needle_litter", "street_dealing", "overdoses", "closed_properties")
FIRST = local("2024-09-28 00:00")  # the clocks go back on 27 October, a Sunday
SPAN_H = 24 * 60
DAYS_KNOWN = [dt.date(2024, 9, 28) + dt.timedelta(days=day) for day in range(60)]


@cache
def local_time(second: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, ZoneInfo(zone))


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


def period_labels(moment: dt.datetime) -> dict[str, str]:
    monday = moment.date() - dt.timedelta(days=moment.weekday())
    return {
        "year": f"{moment:%Y}",
        "quarter": f"{moment:%Y}-Q{(moment.month + 2) // 3}",
        "month": f"{moment:%Y-%m}",
        "week": monday.isoformat(),
    }


def plain_rows(events: list[Event], chosen: Filter, resolution: int, zone: str) -> Iterator[dict[str, object]]:
    """One row for each event and hour of its interval that counts, by the rules of the design and nothing else."""
    for number, event in enumerate(events):
        if (
            (chosen.layers and event.layer not in chosen.layers)
            or (chosen.wards and event.ward not in chosen.wards)
            or (chosen.reported_by and event.reported_by not in chosen.reported_by)
            or (chosen.categories and (event.category or "") not in chosen.categories)
        ):
            continue
        state = event.layer == "closed_properties"
        if not state and chosen.hours and event.precision != "minute":
            continue
        if not state and chosen.days and event.precision == "month":
            continue
        size = event.quantity if chosen.measure == "quantity" else 1
        facts = {
            "event": number,
            "cell": h3.latlng_to_cell(event.lat, event.lon, resolution),
            "ward_code": event.ward,
            "ward_name": NAMES[event.ward],
            "council": COUNCILS[event.ward],
            "layer": event.layer,
            "category": event.category or "",
            "reported_by": event.reported_by,
            "state": state,
        }
        for second, share in slices(event):
            moment = local_time(second, zone)
            if chosen.start and moment.date() < chosen.start:
                continue
            if chosen.end and moment.date() >= chosen.end:
                continue
            if not state and not in_hours(moment, chosen):
                continue
            day = DAYS[moment.weekday()] if state or event.precision != "month" else ""
            hour = moment.hour if state or event.precision == "minute" else -1
            yield (
                facts
                | period_labels(moment)
                | {"weekday": day, "hour": hour, "count": float(size if state else share * size)}
            )


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
        category=draw(st.sampled_from([None, "fatal", "other"])),
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
        categories=tuple(draw(st.sets(st.sampled_from(["", "fatal", "nowhere"]), max_size=2))),
        measure=draw(st.sampled_from(["events", "quantity"])),
    )


EVENTS = st.lists(events(), max_size=6)


def in_order(frame: pd.DataFrame, keys: list[str]) -> list[list[object]]:
    """The rows in the order of their groups: days from Monday, and what is not known first."""
    rank = {day: place for place, day in enumerate(("", *DAYS))}
    ordered = frame.assign(**{"weekday": frame["weekday"].map(rank)} if "weekday" in keys else {})
    return frame.loc[ordered.sort_values(keys).index, keys].to_numpy(dtype=object).tolist()


@pytest.mark.slow
@settings(max_examples=60)
@given(EVENTS, filters(), st.lists(st.sampled_from(GROUPS), unique=True, max_size=3))
def test_counts_are_those_of_the_plain_computation(rows: list[Event], chosen: Filter, by: list[Group]) -> None:
    counts = count(columns_of(rows, ward_codes=WARD_CODES), chosen, by=tuple(by), resolution=10, wards=WARDS)
    keys = [column for name in by for column in GROUPINGS[name].titles]
    titles = ["event", "state", "count", *(column for name in GROUPS for column in GROUPINGS[name].titles)]
    plain = pd.DataFrame(plain_rows(rows, chosen, 10, "Europe/London"), columns=titles)
    plain = plain.astype({"count": float, "state": bool})
    once = plain[plain["state"]].drop_duplicates(["event", *keys])  # in each period in which it is in force
    plain = pd.concat([plain[~plain["state"]], once])
    if not keys:
        assert counts.rows["count"].sum() == pytest.approx(plain["count"].sum(), rel=1e-9)
        return
    expected = plain.groupby(keys, as_index=False, sort=True)["count"].sum()
    found = counts.rows.assign(**{"hour": counts.rows["hour"].replace("", -1)} if "hour" in keys else {})
    assert list(counts.rows.columns) == [*keys, "count"]
    assert found[keys].to_numpy(dtype=object).tolist() == in_order(expected, keys)
    wanted = {tuple(row[:-1]): row[-1] for row in expected[[*keys, "count"]].to_numpy(dtype=object).tolist()}
    for *group, number in found.to_numpy(dtype=object).tolist():
        assert number == pytest.approx(wanted[tuple(group)], rel=1e-9, abs=1e-9)


PAIRS = [(), *((one,) for one in GROUPS), *itertools.combinations(GROUPS, 2), ("month", "weekday", "hour"), GROUPS]


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(EVENTS, filters())
def test_no_grouping_and_no_pair_loses_or_adds_anything(rows: list[Event], chosen: Filter) -> None:
    incidents = [row for row in rows if row.layer != "closed_properties"]
    columns = columns_of(incidents, ward_codes=WARD_CODES)
    total = count(columns, chosen, by=()).total
    for by in PAIRS:
        counts = count(columns, chosen, by=by, wards=WARDS)
        assert counts.total == total
        assert counts.rows["count"].sum() == pytest.approx(total, rel=1e-9, abs=1e-9)


INSTANTS = st.lists(
    st.builds(
        lambda start, quantity, layer, category: Event(start, quantity=quantity, layer=layer, category=category),
        st.integers(local("2023-12-25 00:00"), local("2025-01-07 00:00")),
        st.integers(1, 5), st.sampled_from(LAYERS[:3]), st.sampled_from([None, "fatal", "other"]),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40)
@given(INSTANTS, st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata"]), st.data())
def test_instants_are_grouped_as_pandas_groups_them(rows: list[Event], zone: str, data: st.DataObject) -> None:
    when = pd.to_datetime([row.start for row in rows], unit="s", utc=True).tz_convert(zone).tz_localize(None)
    frame = pd.DataFrame(
        {
            "year": when.strftime("%Y"),
            "quarter": when.to_period("Q").strftime("%Y-Q%q"),
            "month": when.strftime("%Y-%m"),
            "week": when.to_period("W-SUN").start_time.strftime("%Y-%m-%d"),
            "weekday": when.day_name().str[:3].str.lower(),
            "hour": when.hour,
            "layer": [row.layer for row in rows],
            "category": [row.category or "" for row in rows],
            "count": [float(row.quantity) for row in rows],
        }
    )
    by = data.draw(st.lists(st.sampled_from(list(frame.columns[:-1])), min_size=1, max_size=3, unique=True))
    found = count(columns_of(rows), Filter(measure="quantity"), by=tuple(by), time_zone=zone)
    plain = frame.groupby(by)["count"].sum().to_dict()
    mine = {tuple(row[:-1]) if len(by) > 1 else row[0]: row[-1] for row in found.rows.to_numpy(dtype=object).tolist()}
    assert mine == plain


@pytest.mark.slow
@settings(max_examples=40)
@given(EVENTS)
def test_whole_numbers_stay_whole(rows: list[Event]) -> None:
    for measure, expected in (("events", len(rows)), ("quantity", sum(row.quantity for row in rows))):
        counts = count(columns_of(rows, ward_codes=WARD_CODES), Filter(measure=measure), by=("cell", "ward"))  # type: ignore[arg-type]  # names of measures
        assert counts.total == expected
        assert all(value == int(value) for value in counts.rows["count"])


@pytest.mark.slow
@settings(max_examples=40)
@given(EVENTS, filters(), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(rows: list[Event], chosen: Filter, random: object) -> None:
    before = count(columns_of(rows, ward_codes=WARD_CODES), chosen, by=("ward", "month")).rows
    random.shuffle(rows)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    after = count(columns_of(rows, ward_codes=WARD_CODES), chosen, by=("ward", "month")).rows
    pd.testing.assert_frame_equal(before, after, rtol=1e-12)


@pytest.mark.slow
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


@pytest.mark.slow
@settings(max_examples=40)
@given(EVENTS, filters())
def test_the_grid_of_hours_holds_every_incident_that_has_an_hour(rows: list[Event], chosen: Filter) -> None:
    timed = [row for row in rows if row.layer != "closed_properties" and row.precision == "minute"]
    found = count_weekday_hours(columns_of(timed, ward_codes=WARD_CODES), chosen)
    expected = pd.DataFrame(0.0, index=range(7), columns=range(24))
    for row in timed:
        for second, share in slices(row):
            moment = local_time(second, "Europe/London")
            one = Event(second, layer=row.layer, ward=row.ward, reported_by=row.reported_by, category=row.category)
            if any(plain_rows([one], chosen, 9, "Europe/London")):
                size = row.quantity if chosen.measure == "quantity" else 1
                expected.loc[moment.weekday(), moment.hour] += share * size
    assert found.grid == pytest.approx(expected.to_numpy(), abs=1e-9)
    assert found.unknown_hour == 0
