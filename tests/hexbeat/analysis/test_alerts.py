"""Alerts: the planted spike rings, calm days do not, and what could not be judged is said."""

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.errors import UsageError
from hexbeat.analysis.alert_methods import METHODS, Setting, detect, simulate, sum_false_alarms
from hexbeat.analysis.alerts import build_alert_report, choose_default_day
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of, local

D = dt.date
LAST = D(2026, 11, 21)
SETTING = Setting()


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
        "Farrington's method for overdoses is not used yet: it needs more than three years of records without a gap."
    ) in found.notes


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


def cover(columns: Columns, *spans: tuple[D, D], layer: str = "overdoses") -> Columns:
    """The columns with these days of a layer known."""
    entries = tuple(CoverageEntry(layer, "log", "", start, end) for start, end in spans)
    return replace(columns, coverage=Coverage(entries, columns.ward_codes))


def daily(start: D, end: D, number: int, **settings: Any) -> list[Event]:
    """So many events at noon of each day; an hour apart and at other points, so that each is an encounter."""
    days = [start + dt.timedelta(days=k) for k in range((end - start).days)]
    lon = {"lon": -1.235} | settings
    return [
        Event(local(f"{day} 12:00"), **({"layer": "overdoses"} | lon | {"lon": lon["lon"] + k * 1e-4}))
        for day in days
        for k in range(number)
    ]


def test_nothing_of_records_that_ended_long_ago_is_an_alert_now() -> None:
    """Records end in December 2024 with a spike; it is November 2026."""
    end = D(2025, 1, 1)
    spike = daily(D(2024, 12, 31), end, 9)
    columns = columns_of([*daily(D(2024, 6, 1), end, 1), *spike])
    day = choose_default_day(columns, today=D(2026, 11, 30), time_zone="Europe/London")
    assert day == D(2024, 12, 31)
    now = build_alert_report(columns, middlesbrough(), day, days=7, today=D(2026, 11, 30))
    assert now.alerts == ()
    assert now.settings == ()
    assert now.headline == "Records end 23 months ago (31 Dec 2024). There are no alerts of now."
    assert build_alert_report(columns, middlesbrough(), day, days=7, today=D(2025, 2, 25)).alerts
    assert not build_alert_report(columns, middlesbrough(), day, days=7, today=D(2025, 2, 26)).alerts
    past = build_alert_report(columns, middlesbrough(), day, days=7)
    assert past.alerts
    assert past.headline == ""


@pytest.mark.parametrize(
    ("today", "is_current"), [(D(2025, 1, 1), True), (D(2025, 1, 7), True), (D(2025, 1, 8), False)]
)
def test_an_alert_of_now_is_at_most_a_week_old(today: dt.date, is_current: bool) -> None:  # noqa: FBT001 - a case
    """Records end on 31 December: from a week later on their alerts are those of when the records ended."""
    columns = columns_of([*daily(D(2024, 6, 1), D(2025, 1, 1), 1), *daily(D(2024, 12, 31), D(2025, 1, 1), 9)])
    report = build_alert_report(columns, middlesbrough(), D(2024, 12, 31), days=7, today=today)
    is_current = today < D(2025, 1, 8)
    assert report.alerts
    for alert in report.alerts:
        assert alert.is_current == is_current
        assert alert.records_end == (None if is_current else D(2024, 12, 31))
        assert alert.sentence.startswith("When the records ended (31 Dec 2024): ") != is_current


def test_an_old_alert_of_records_that_go_on_is_of_now() -> None:
    columns = columns_of([*daily(D(2024, 6, 1), D(2025, 1, 20), 1), *daily(D(2024, 12, 31), D(2025, 1, 1), 9)])
    report = build_alert_report(columns, middlesbrough(), D(2025, 1, 19), days=28, today=D(2025, 1, 20))
    assert report.alerts
    assert all(alert.is_current for alert in report.alerts)


def test_a_layer_that_ended_long_ago_says_so_by_itself() -> None:
    old, new = daily(D(2024, 6, 1), D(2025, 1, 1), 1), daily(D(2026, 6, 1), D(2026, 11, 30), 1, layer="needle_litter")
    found = build_alert_report(columns_of([*old, *new]), middlesbrough(), D(2026, 11, 29), today=D(2026, 11, 30))
    assert found.headline == ""
    assert "Records of overdoses end 23 months ago (31 Dec 2024). There are no alerts of now." in found.notes
    assert {row.layer for row in found.settings} == {"needle_litter"}


def test_records_that_ended_weeks_ago_have_no_alert_of_now() -> None:
    """Records end on 24 October; on 1 December no alert is not the same as none."""
    columns = columns_of(daily(D(2026, 6, 1), D(2026, 10, 25), 1))
    chosen = {"layers": ["overdoses"]}
    found = build_alert_report(columns, middlesbrough(), D(2026, 10, 24), today=D(2026, 12, 1), **chosen)
    assert (found.alerts, found.unknown, found.is_known) == ((), ("overdoses",), False)
    assert "Records of overdoses end 5 weeks ago (24 Oct 2026). There are no alerts of now." in found.notes
    assert build_alert_report(columns, middlesbrough(), D(2026, 10, 24), **chosen).unknown == ()


@pytest.mark.parametrize(("known_days", "is_known"), [(0, False), (13, False), (14, True)])
def test_a_day_straight_after_a_gap_is_not_told_as_without_alert(known_days: int, is_known: bool) -> None:  # noqa: FBT001
    end = D(2026, 9, 1)
    spans = (D(2026, 1, 1), D(2026, 7, 1)), (end - dt.timedelta(days=known_days), end + dt.timedelta(days=1))
    columns = cover(columns_of([event for span in spans for event in daily(*span, 1)]), *spans)
    found = build_alert_report(columns, middlesbrough(), end, layers=["overdoses"])
    assert (found.alerts, found.is_known) == ((), is_known)
    note = f"Alerts of overdoses are not known: only {known_days} of the 28 days before are known."
    assert (note in found.notes) != is_known


def test_records_of_months_have_no_alerts_of_days() -> None:
    months = [(D(2024, number, 1), D(2024 + number // 12, number % 12 + 1, 1)) for number in range(6, 13)]
    events = [
        Event(local(f"{start} 00:00"), local(f"{end} 00:00"), layer="street_dealing", precision="month")
        for start, end in months
    ]
    columns = cover(columns_of(events), (months[0][0], months[-1][1]), layer="street_dealing")
    found = build_alert_report(columns, middlesbrough(), D(2024, 12, 31), layers=["street_dealing"])
    assert found.unknown == ("street_dealing",)
    reason = "the records of these weeks are known only to their month."
    assert f"Alerts of reports of street dealing are not known: {reason}" in found.notes


def test_days_that_are_not_known_are_in_no_baseline() -> None:
    """Five overdoses every day. Three months without records are no three months of none."""
    spans = (D(2026, 1, 1), D(2026, 5, 1)), (D(2026, 8, 1), D(2026, 8, 11))
    events = [event for span in spans for event in daily(*span, 5)]
    known = cover(columns_of(events), *spans)
    found = build_alert_report(known, middlesbrough(), D(2026, 8, 10), days=10, layers=["overdoses"])
    assert found.alerts == ()
    zeros = cover(columns_of(events), (spans[0][0], spans[1][1]))
    assert build_alert_report(zeros, middlesbrough(), D(2026, 8, 10), days=10, layers=["overdoses"]).alerts
    longer = build_alert_report(known, middlesbrough(), D(2026, 8, 10), days=28, layers=["overdoses"])
    assert "Overdoses: 14 to 31 Jul 2026 are not known." in longer.notes


def test_an_alert_of_one_day_beside_a_gap_names_its_days() -> None:
    spans = (D(2026, 1, 1), D(2026, 5, 1)), (D(2026, 5, 3), D(2026, 5, 4))
    calm = daily(*spans[0], 1)
    spikes = [*daily(D(2026, 4, 30), D(2026, 5, 1), 8), *daily(*spans[1], 9)]
    found = build_alert_report(
        cover(columns_of([*calm, *spikes]), *spans), middlesbrough(), D(2026, 5, 3), days=7, layers=["overdoses"]
    ).alerts[0]
    assert (found.first_day, found.last_day, found.day) == (D(2026, 4, 30), D(2026, 5, 3), D(2026, 4, 30))
    assert (found.count, found.peak) == (18, 9)


def test_an_encounter_counts_once_unless_each_record_is_asked_for() -> None:
    """Six searches at one point in one hour are one encounter, and no alert."""
    quiet = [Event(local(f"2026-0{m}-01 12:00"), layer="street_dealing", reported_by="officer") for m in range(1, 6)]
    stop = [
        Event(local("2026-05-20 15:00") + k, layer="street_dealing", reported_by="officer", lon=-1.24) for k in range(6)
    ]
    columns = columns_of([*quiet, *stop])
    once = build_alert_report(columns, middlesbrough(), D(2026, 5, 20), layers=["street_dealing"])
    assert once.alerts == ()
    assert (
        "5 records are left out, because they tell of the same encounter as another: same reporter, point and hour (or "
        "day, where no hour is known)."
    ) in once.notes
    each = build_alert_report(columns, middlesbrough(), D(2026, 5, 20), layers=["street_dealing"], each_event=True)
    assert [alert.count for alert in each.alerts] == [6, 6]
    assert each.alerts[0].searches
    assert each.alerts[0].sentence.startswith("6 searches by officers in Middlesbrough on 20 May 2026, where ")
    assert each.alerts[0].sentence.endswith(" These are searches by officers: they show where officers search.")
    assert "These are searches by officers: they show where officers search." in each.notes


def test_searches_among_reports_are_named_where_they_alone_make_an_alert() -> None:
    reports = daily(D(2026, 1, 1), D(2026, 3, 1), 1, layer="street_dealing")
    stop = [
        Event(local(f"2026-03-01 {hour}:00"), layer="street_dealing", reported_by="officer") for hour in range(10, 18)
    ]
    found = build_alert_report(columns_of([*reports, *stop]), middlesbrough(), D(2026, 3, 1), layers=["street_dealing"])
    assert {alert.searches for alert in found.alerts} == {True}
    mixed = [*reports, *stop, Event(local("2026-03-01 09:00"), layer="street_dealing")]
    found = build_alert_report(columns_of(mixed), middlesbrough(), D(2026, 3, 1), layers=["street_dealing"])
    assert {alert.searches for alert in found.alerts} == {False}
    assert found.alerts[0].sentence.startswith("9 reports of street dealing in Middlesbrough on 1 Mar 2026")


def test_each_ward_is_tested_on_the_days_that_it_knows() -> None:
    """The log of one ward was not kept for its last month: its place is not tested, others are."""
    kept, not_kept = "E05009857", "E05009865"
    start, stop, end = D(2026, 1, 1), D(2026, 4, 1), D(2026, 5, 1)
    events = [*daily(start, end, 1), *daily(start, stop, 1, ward=not_kept), *daily(end - dt.timedelta(days=1), end, 9)]
    entries = [("kept", end, kept), ("other", stop, not_kept)]
    columns = columns_of(events)
    coverage = Coverage(
        tuple(CoverageEntry("overdoses", name, "", start, last, wards=(ward,)) for name, last, ward in entries),
        columns.ward_codes,
    )
    found = build_alert_report(
        replace(columns, coverage=coverage), middlesbrough(), D(2026, 4, 30), layers=["overdoses"]
    )
    assert [alert.ward_code for alert in found.alerts] == [kept]
