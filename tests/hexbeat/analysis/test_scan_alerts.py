"""The alerts that lead, on made-up overdoses: what happens all over the area, and what happens in one place."""

import datetime as dt

import numpy as np
import pytest

from hexbeat.analysis.alert_report import Alert, AlertReport
from hexbeat.analysis.alert_sentences import describe_place
from hexbeat.analysis.scan_alerts import build_scan_report
from layers.arrivals import Arrivals
from layers.coverage import Coverage, CoverageEntry
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of, local

FIRST = dt.date(2025, 1, 1)
DAYS = 430
LAST = FIRST + dt.timedelta(days=DAYS - 1)


def spread_overdoses(*, extra: int, in_one_place: bool) -> list[Alert]:
    """The alerts of the last week, after a year of one overdose a day all over, and `extra` ones in its last 5 days."""
    return list(report_overdoses(extra=extra, in_one_place=in_one_place).alerts)


def report_overdoses(*, extra: int, in_one_place: bool, arrived: float | None = None) -> AlertReport:
    """The same; the share `arrived` of the last four weeks is on record, as loads show (None: no loads)."""
    generator = np.random.default_rng(4)
    wards = middlesbrough().wards
    west, south, east, north = middlesbrough().bounds
    lon, lat = generator.uniform(west, east, 4 * DAYS), generator.uniform(south, north, 4 * DAYS)
    ward = wards.locate(lon, lat)
    inside = np.flatnonzero(ward >= 0)[: DAYS + extra]
    day = np.append(np.arange(DAYS), DAYS - 5 + np.arange(extra) % 5)
    if in_one_place:
        inside[DAYS:] = inside[7]
    begin = local("2025-01-01 12:00")
    events = [
        Event(begin + 86_400 * int(number), layer="overdoses", lon=lon[at], lat=lat[at], ward=wards.codes[ward[at]])
        for number, at in zip(day, inside, strict=True)
    ]
    columns = columns_of(events, ward_codes=tuple(wards.codes))
    if arrived is not None:
        known = CoverageEntry("overdoses", "log", "", FIRST, LAST + dt.timedelta(days=1))
        arrivals = Arrivals("overdoses", "log", begin + DAYS * 86_400, 400, (arrived,) * 56)
        columns = columns.replace_coverage(Coverage((known,), columns.ward_codes, arrivals=(arrivals,)))
    return build_scan_report(columns, middlesbrough(), LAST, days=7, layers=["overdoses"], each_event=True)


@pytest.mark.slow
def test_a_surge_over_the_whole_area_is_told_as_one() -> None:
    assert spread_overdoses(extra=0, in_one_place=False) == []
    area = [alert for alert in spread_overdoses(extra=20, in_one_place=False) if alert.ward_code is None]
    assert [(alert.place, alert.cells, alert.identifier) for alert in area] == [
        ("Middlesbrough", (), f"overdoses-{area[0].told_on:%Y%m%d}-area")
    ]
    assert describe_place(area[0]) == "across the whole area (Middlesbrough)"
    assert area[0].sentence == (
        "25 overdoses across the whole area (Middlesbrough), 2 Mar to 6 Mar 2026. 5 are usual. Chance alone brings "
        "one like it less than once in 10 years."
    )
    assert area[0].told_on == LAST - dt.timedelta(days=3)


@pytest.mark.slow
def test_an_outbreak_in_one_place_is_none_of_the_whole_area() -> None:
    alerts = spread_overdoses(extra=20, in_one_place=True)
    assert len(alerts) == 1
    assert len(alerts[0].cells) == 1
    assert alerts[0].count >= 20


@pytest.mark.slow
def test_where_records_come_late_fewer_are_usual_and_the_alert_says_how_many_are_here() -> None:
    prompt, late = (report_overdoses(extra=20, in_one_place=True, arrived=share) for share in (1.0, 0.4))
    before, after = (max(report.alerts, key=lambda alert: alert.count) for report in (prompt, late))
    assert (before.count, before.cells, before.arrived) == (after.count, after.cells, 1.0)
    assert after.arrived == pytest.approx(0.4)
    assert after.expected == pytest.approx(0.4 * before.expected)
    assert after.sentence == (
        f"{before.sentence} About 40 % of the records of these days are here by now; more may come."
    )
    assert prompt.notes == ()
    days = ", ".join(f"about 40 % of those of {day} Mar 2026" for day in (6, 5))
    assert late.notes == (
        f"Overdoses arrive late: {days} and about 40 % of those of 4 Mar 2026 are here. What is usual allows for that.",
    )
