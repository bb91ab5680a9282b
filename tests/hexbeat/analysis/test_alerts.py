"""Alerts: the planted spike rings, calm days do not, and what could not be judged is said."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.errors import UsageError
from hexbeat.analysis.alerts import (
    METHODS,
    Setting,
    build_alert_report,
    choose_default_day,
    detect,
    simulate,
    sum_false_alarms,
)
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of, local

D = dt.date
LAST = D(2026, 11, 21)
SETTING = Setting()


def test_the_planted_spike_is_found_in_its_ward() -> None:
    columns, truth = demonstration()
    spike = truth["spike"]
    found = build_alert_report(columns, middlesbrough(), LAST, days=28, layers=["overdoses"]).alerts
    inside = [
        one for one in found
        if one.ward_code in spike["ward_codes"] and spike["from"] <= one.day.isoformat() < spike["to"]
    ]  # fmt: skip
    assert len(inside) == 1
    assert inside[0].count > 5 * inside[0].expected
    assert inside[0].count == max(one.count for one in found)
    assert inside[0].sentence == (
        "22 overdoses in Linthorpe from 1 Nov to 5 Nov 2026, where 1.4 would be usual (C1, C2 and C3). By chance alone "
        f"there are about {inside[0].false_alarms_a_year:.0f} such alerts a year over all places."
    )


def test_a_daily_job_hears_of_the_spike_within_five_days() -> None:
    columns, truth = demonstration()
    start = D.fromisoformat(truth["spike"]["from"])
    rang = [
        day
        for day in range(14)
        for one in build_alert_report(
            columns, middlesbrough(), start + dt.timedelta(days=day), layers=["overdoses"]
        ).alerts
        if one.ward_code in truth["spike"]["ward_codes"]
    ]
    assert min(rang) < 5


def test_a_report_holds_settings_with_false_alarms() -> None:
    columns, _ = demonstration()
    found = build_alert_report(columns, middlesbrough(), LAST)
    rates = {(row.layer, row.method): row.false_alarms_a_year for row in found.settings}
    assert {method for _layer, method in rates} == {"C1", "C2", "C3", "any"}
    assert {layer for layer, _method in rates} == {"needle_litter", "street_dealing", "overdoses"}
    assert all(rate > 0 for rate in rates.values())
    assert {row.places for row in found.settings} == {21}
    assert "1,080 needle finds are left out because sweeps found them." in found.notes
    assert (
        "Farrington's method for overdoses is not used yet: it needs more than three years of records." in found.notes
    )


def noise(days: int, *, daily: float, seed: int = 5) -> list[Event]:
    rng = np.random.default_rng(seed)
    begin = local("2022-01-01 12:00")
    return [
        Event(begin + 86_400 * day, layer="overdoses") for day in range(days) for _ in range(rng.poisson(daily))
    ]  # fmt: skip


def test_alarms_close_together_are_one_alert_and_its_figures_add_up() -> None:
    first = D(2022, 4, 1)
    moment = int(dt.datetime(2022, 4, 1, 12, tzinfo=ZoneInfo("Europe/London")).timestamp())
    spike = [Event(moment + 86_400 * day, layer="overdoses") for day, many in ((0, 6), (2, 9)) for _ in range(many)]
    columns = columns_of([*noise(90, daily=0.2), *spike])
    found = build_alert_report(columns, middlesbrough(), first + dt.timedelta(days=2), days=7).alerts
    assert [(one.ward_code, one.first_day, one.last_day, one.day) for one in found] == [
        (None, first, first + dt.timedelta(days=2), first + dt.timedelta(days=2)),
        ("E05009857", first, first + dt.timedelta(days=2), first + dt.timedelta(days=2)),
    ]
    assert {(one.count, one.peak) for one in found} == {(15, 9)}
    assert found[0].place == "Middlesbrough"
    assert found[1].place == "Central"


def test_one_event_after_a_quiet_month_is_no_alert() -> None:
    columns = columns_of(
        [Event(local("2026-01-01 12:00"), layer="overdoses"), Event(local("2026-03-01 12:00"), layer="overdoses")]
    )
    assert build_alert_report(columns, middlesbrough(), D(2026, 3, 1)).alerts == ()


def test_farrington_takes_part_when_there_are_years_enough() -> None:
    calm = noise(4 * 365, daily=0.6)
    last = D(2022, 1, 1) + dt.timedelta(days=4 * 365)
    moment = int(dt.datetime(last.year, last.month, last.day, 12, tzinfo=ZoneInfo("Europe/London")).timestamp())
    spread = [Event(moment - 86_400 * (k % 7), layer="overdoses") for k in range(16)]  # two or three a day: EARS sleeps
    found = build_alert_report(
        columns_of([*calm, *spread]), middlesbrough(), last, layers=["overdoses"], setting=Setting(fewest=8)
    )
    assert {one.methods for one in found.alerts} == {("Farrington",)}
    assert {(one.first_day, one.last_day) for one in found.alerts} == {(last - dt.timedelta(days=6), last)}
    assert [row.method for row in found.settings] == ["C1", "C2", "C3", "any", "Farrington"]
    # Two places have events: the area and a ward, of about four a week; nominally 0.005 of weeks each.
    assert found.settings[-1].false_alarms_a_year == pytest.approx(2 * 0.005 * 52.18, rel=0.5)


def test_days_without_records_cannot_be_judged() -> None:
    columns = columns_of(noise(60, daily=1))
    found = build_alert_report(columns, middlesbrough(), D(2022, 6, 1), layers=["overdoses", "needle_litter"])
    assert found.alerts == ()
    assert found.notes[0] == "No needle finds are loaded yet."
    assert found.notes[1] == ("The newest record of overdoses is of 1 Mar 2022. Later days are not known.")


def test_the_day_is_yesterday_or_the_newest_record() -> None:
    columns = columns_of(noise(60, daily=1))
    assert choose_default_day(columns, today=D(2022, 2, 10), time_zone="Europe/London") == D(2022, 2, 9)
    assert choose_default_day(columns, today=D(2022, 8, 1), time_zone="Europe/London") == D(2022, 3, 1)
    assert choose_default_day(columns_of([]), today=D(2022, 8, 1), time_zone="Europe/London") == D(2022, 7, 31)


def test_closures_do_not_ring() -> None:
    with pytest.raises(UsageError) as caught:
        build_alert_report(columns_of([]), middlesbrough(), LAST, layers=["closed_properties"])
    assert str(caught.value) == (
        "Alerts are of incidents, which happen on a day; closed_properties are in force for months; choose from "
        "needle_litter, street_dealing, overdoses"
    )


@pytest.mark.parametrize(("most", "rings"), [(2, False), (3, True)])
def test_it_is_said_from_how_many_events_a_day_rings(most: int, rings: bool) -> None:  # noqa: FBT001 - a case
    """One overdose every tenth day: three on one day ring, two do not, and that is said."""
    days = [f"2026-10-{day:02d} 12:00" for day in range(1, 31, 10)] + ["2026-11-10 12:00"]
    events = [Event(local(text), layer="overdoses") for text in days + most * ["2026-11-20 15:00"]]
    found = build_alert_report(columns_of(events), middlesbrough(), dt.date(2026, 11, 20), layers=["overdoses"])
    assert bool(found.alerts) == rings
    assert (
        "An alert needs at least 3 overdoses on one day in the area, or 3 in most wards. Fewer events, or a rise "
        "spread over more days, give no alert."
    ) in found.notes


def test_quiet_places_never_ring_and_places_add_up() -> None:
    noise = np.random.default_rng(1).poisson(0.5, size=(365, 1)).astype(float)
    one = sum_false_alarms(noise, SETTING)
    assert one > 0
    assert sum_false_alarms(np.zeros((365, 3)), SETTING) == 0
    assert sum_false_alarms(np.column_stack([noise, noise, np.zeros(365)]), SETTING) == pytest.approx(2 * one)


def test_any_method_rings_no_less_than_each_and_no_more_than_all() -> None:
    each = [simulate(0.5, 1.0, Setting((name,))) for name in METHODS]
    assert max(each) <= simulate(0.5, 1.0, SETTING) <= sum(each)


def test_stricter_settings_ring_less() -> None:
    usual = simulate(0.5, 1.0, SETTING)
    assert simulate(0.5, 1.0, Setting(fewest=5)) < usual
    assert simulate(0.5, 1.0, Setting(sigma_floor=2.0)) < usual
    assert simulate(0.5, 4.0, SETTING) > usual


def test_it_is_what_noise_rings_in_other_years() -> None:
    noise = np.random.default_rng(99).poisson(0.5, size=(28 + 5 + 3650, 20)).astype(float)
    rang = np.logical_or.reduce([detect(noise, SETTING, name).alarm for name in METHODS])
    measured = rang.sum() / 20 / (3650 / 365.25)
    assert simulate(0.5, 1.0, SETTING) == pytest.approx(measured, rel=0.1)
