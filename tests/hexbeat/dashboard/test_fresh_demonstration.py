"""A fresh demonstration rings on the first screen, whichever day it is made on and however few its events are."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hexbeat.analysis.alerts import Alert, build_alert_report, choose_default_day
from hexbeat.areas.area import Area, load_area
from hexbeat.dashboard.pages.map.alert_band import has_urgent_alert, sort_alerts
from hexbeat.dashboard.state.findings import ALERT_DAYS
from hexbeat.demonstration import make_events
from hexbeat.demonstration.patterns import SPIKE_FEWEST, Spike
from tests.support.events import Event, columns_of

WEEK = [dt.date(2026, 11, 23) + dt.timedelta(days=day) for day in range(7)]
MONTHS = [dt.date(2027, 1, 1), dt.date(2027, 2, 28), dt.date(2027, 3, 31), dt.date(2028, 2, 29), dt.date(2028, 12, 31)]
CLOCKS = [dt.date(2027, 3, 28), dt.date(2027, 4, 10), dt.date(2027, 10, 31), dt.date(2027, 11, 14)]


def select_events(frame: pd.DataFrame) -> list[Event]:
    """The overdoses, and the newest needle find and report of dealing, which give the last known day."""
    newest = frame[frame["layer"].isin(["needle_litter", "street_dealing"])].groupby("layer").tail(1)
    rows = pd.concat([frame[frame["layer"] == "overdoses"], newest])
    fields = {"occurred_from": "start", "occurred_to": "end", "time_precision": "precision", "ward_code": "ward"}
    names = [*fields, "layer", "quantity", "reported_by", "category", "lon", "lat"]
    return [Event(**row) for row in rows[names].rename(columns=fields).to_dict("records")]


def of_the_spike(alert: Alert, spike: dict[str, Any]) -> bool:
    begins = alert.first_day.isoformat() < spike["to"] and spike["from"] <= alert.last_day.isoformat()
    return begins and (alert.ward_code is None or alert.ward_code in spike["ward_codes"])


def first_screen(area: Area, events: int, today: dt.date) -> None:
    made = make_events(area, events=events, today=today)
    columns = columns_of(select_events(made.frame), ward_codes=area.wards.codes)
    day = choose_default_day(columns, today=today, time_zone=area.time_zone)
    report = build_alert_report(columns, area, day, days=ALERT_DAYS, layers=["overdoses"])
    spike = made.truth["spike"]
    opens = day - dt.timedelta(days=ALERT_DAYS - 1)
    assert opens.isoformat() <= spike["from"] < spike["to"] <= day.isoformat()
    assert has_urgent_alert(report)
    assert of_the_spike(sort_alerts(report)[0], spike)
    assert any(alert.ward_code and of_the_spike(alert, spike) for alert in report.alerts)


@pytest.mark.parametrize("today", [*WEEK, *MONTHS, *CLOCKS], ids=str)
def test_the_first_screen_of_a_small_demonstration_rings(today: dt.date) -> None:
    first_screen(load_area("middlesbrough"), 2_000, today)


@pytest.mark.slow
@pytest.mark.parametrize("area", ["middlesbrough", "cleveland", "county-durham"])
def test_the_first_screen_of_a_whole_demonstration_rings(area: str) -> None:
    first_screen(load_area(area), 20_000, WEEK[0])


@pytest.mark.parametrize("events", [1, 3, SPIKE_FEWEST, 31, 1_000])
def test_a_spike_rises_and_fades_within_its_days(events: int) -> None:
    days = Spike(100, 114, 0, np.zeros(1, dtype=np.int64), events).days()
    assert len(days) == events
    counts = np.bincount(days - 100, minlength=14)
    assert len(counts) == 14
    assert counts.argmax() == 1
    assert (np.diff(counts[1:]) <= 0).all()
