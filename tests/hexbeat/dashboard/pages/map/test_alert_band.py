from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from hexbeat.analysis.alert_sentences import describe_ward_names
from hexbeat.analysis.alerts import Alert, AlertReport, MethodRow
from hexbeat.dashboard.pages.map.alert_band import (
    drop_old_alerts,
    has_urgent_alert,
    render_alerts,
    render_band,
    sort_alerts,
)
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.operations.alert_answers import AlertAnswer
from layers.restriction import restrict_columns
from layers.roles import show_cells
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of, local

SPIKE = Alert(
    layer="overdoses",
    ward_code="E05009862",
    place="Linthorpe",
    first_day=date(2026, 10, 25),
    last_day=date(2026, 10, 28),
    day=date(2026, 10, 26),
    count=16.0,
    peak=6.0,
    expected=2.57,
    methods=("C1", "C3"),
    false_alarms_a_year=18.0,
    sentence="",
)
FINDS = replace(SPIKE, layer="needle_litter", count=40.0, last_day=date(2026, 10, 25), place="<b>Park</b>")
SETTINGS = (MethodRow("needle_litter", "scan", 500, 0.5), MethodRow("overdoses", "scan", 500, 1.0))


def report(*alerts: Alert) -> AlertReport:
    return AlertReport(date(2026, 11, 21), 28, alerts, SETTINGS, ("Farrington's method is not used yet.",))


def test_without_an_alert_there_is_no_band() -> None:
    assert render_band(report()) == ""
    assert not has_urgent_alert(report())


def test_an_alert_of_records_that_end_long_ago_is_no_alert_of_now() -> None:
    def keep(last: date) -> tuple[Alert, ...]:
        days = {"overdoses": last, "needle_litter": date(2026, 11, 22)}
        freshness = {name: Freshness(name, 9, ((date(2020, 1, 1), day),)) for name, day in days.items()}
        return tuple(drop_old_alerts(report(FINDS, SPIKE), freshness, today=date(2026, 11, 22)).alerts)

    assert keep(date(2025, 1, 1)) == (FINDS,)
    assert keep(date(2026, 11, 1)) == (FINDS, SPIKE)


def test_overdoses_come_first_although_more_needles_were_found() -> None:
    assert sort_alerts(report(FINDS, SPIKE)) == [SPIKE, FINDS]
    assert has_urgent_alert(report(FINDS, SPIKE))
    assert not has_urgent_alert(report(FINDS))


def test_the_band_says_what_is_usual_and_what_chance_alone_brings() -> None:
    assert render_band(report(FINDS, SPIKE)) == (
        '<p class="hb-alert"><b>Out of the ordinary:</b> 16 overdoses in Linthorpe, 25 Oct to 28 Oct 2026. '
        "3 are usual.<span> 1 more alert below. Chance alone raises about 2 alerts a year, over all layers.</span></p>"
    )


def test_a_scanned_alert_says_how_rare_it_is_since_when_and_what_to_do() -> None:
    told = replace(
        SPIKE, cells=("89194654a07ffff",), place="Union Street, near Park Road (Newport)", chance_a_year=0.86,
        told_on=date(2026, 10, 26), updated_on=date(2026, 10, 28), methods=("scan",),
    )  # fmt: skip
    assert render_band(report(told)).endswith(
        "<span> Chance alone brings one like it about once in 14 months.</span></p>"
    )
    assert (
        "<li>16 overdoses in Union Street, near Park Road (Newport), 25 Oct to 28 Oct 2026. 3 are usual: 6 times as "
        "many. Chance alone brings one like it about once in 14 months. First raised on 26 Oct 2026. New events since, "
        "the last on 28 Oct 2026. Look at the records, ask the services that attended, and decide whether to send the "
        "draft form.</li>"
    ) in render_alerts(report(told))
    closed = replace(told, is_open=False)
    assert not has_urgent_alert(report(closed))
    assert "No longer growing: the last event was on 28 Oct 2026." in render_alerts(report(closed))


def test_an_answered_alert_says_so_in_place_of_what_to_do() -> None:
    seen = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
    days = (SPIKE.first_day, SPIKE.last_day)
    answer = AlertAnswer("told", "overdoses", SPIKE.ward_code, *days, "confirmed", "<b>told</b>", "health", seen)
    html = render_alerts(report(SPIKE, FINDS), [answer])
    answered, other = html.split("</li>")[:2]
    assert answered.endswith("6 times as many. Confirmed on 12 Nov 2026 (health): &lt;b&gt;told&lt;/b&gt;.")
    assert "Look at the records" in other
    assert "Confirmed" not in other


def test_the_band_is_of_an_alert_that_nobody_answered_and_quiet_without_one() -> None:
    def answer(alert: Alert, day: int, outcome: str = "seen") -> AlertAnswer:
        days = (alert.first_day, alert.last_day)
        at = datetime(2026, 11, day, 12, tzinfo=UTC)
        return AlertAnswer("a", alert.layer, alert.ward_code, *days, outcome, "<i>Looked at</i>", "health", at)

    seen, both = answer(SPIKE, 12), [answer(SPIKE, 12), answer(FINDS, 13)]
    assert render_band(report(FINDS, SPIKE), [seen]).startswith(
        '<p class="hb-alert"><b>Out of the ordinary:</b> 40 needle finds in &lt;b&gt;Park'
    )
    quiet = '<p class="hb-alert hb-answered"><b>Seen on 12 Nov 2026:</b> 16 overdoses in Linthorpe, 25 Oct'
    assert render_band(report(FINDS, SPIKE), both).startswith(quiet)
    past = replace(FINDS, records_end=date(2026, 10, 30))  # what is over waits for nobody, and stands below
    assert render_band(report(past, SPIKE), [seen]).startswith(quiet)
    confirmed = '<p class="hb-alert"><b>Confirmed on 14 Nov 2026:</b> 16 overdoses in Linthorpe, 25 Oct'
    assert render_band(report(SPIKE), [seen, answer(SPIKE, 14, "confirmed")]).startswith(confirmed)
    grown = replace(SPIKE, updated_on=date(2026, 11, 13))  # new events since the answer
    loud = '<p class="hb-alert"><b>Out of the ordinary:</b> 16 overdoses in Linthorpe, 25 Oct'
    assert render_band(report(grown), [seen]).startswith(loud)


def test_a_rare_chance_is_less_than_one() -> None:
    quiet = replace(report(SPIKE), settings=(MethodRow("overdoses", "scan", 21, 0.4),))
    assert render_band(quiet).endswith(
        "<span> Chance alone raises less than one alert a year, over all layers.</span></p>"
    )


@pytest.mark.parametrize("make", [render_band, render_alerts])
def test_names_from_data_are_only_ever_text(make: object) -> None:
    assert callable(make)
    html = make(report(FINDS))
    assert "&lt;b&gt;Park&lt;/b&gt;" in html
    assert "<b>Park" not in html


def test_the_details_say_what_chance_alone_raises_and_what_is_left_out() -> None:
    html = render_alerts(report(SPIKE))
    plain, folded = html.split("<details")
    assert plain == (
        '<ul class="hb-alerts"><li>16 overdoses in Linthorpe, 25 Oct to 28 Oct 2026. 3 are usual: 6 times as many. '
        "Look at the records, ask the services that attended, and decide whether to send the draft form.</li></ul>"
    )
    assert folded.startswith(' class="hb-sure"><summary>How sure is this?</summary>')
    assert "Chance alone raises about 2 alerts a year, over all layers." in folded
    assert "<td>C1 and C3</td>" in html
    assert "Farrington&#x27;s method is not used yet." in html


def test_the_whole_area_is_named_as_such() -> None:
    whole = replace(SPIKE, ward_code=None, place="Middlesbrough", last_day=date(2026, 11, 21))
    assert "<li>16 overdoses in Middlesbrough, the whole area, since 25 Oct 2026. 3 are usual" in render_alerts(
        report(whole)
    )


def test_an_alert_of_when_the_records_ended_is_told_so_and_never_urgent() -> None:
    ended = replace(SPIKE, records_end=date(2026, 10, 30))
    assert not has_urgent_alert(report(ended))
    assert sort_alerts(report(ended, FINDS)) == [FINDS, ended]
    assert render_band(report(ended)).startswith(
        '<p class="hb-alert"><b>When the records ended (30 Oct 2026):</b> 16 overdoses in Linthorpe, 25 Oct'
    )
    assert "<li>When the records ended (30 Oct 2026): 16 overdoses in Linthorpe" in render_alerts(report(ended))


def test_who_sees_cells_reads_that_an_alert_may_have_the_name_of_another_ward() -> None:
    event = Event(local("2026-10-26 10:00"), layer="overdoses", lon=-1.1914, lat=54.5747)
    wards = middlesbrough().wards
    whole = columns_of([event], ward_codes=wards.codes)
    cells = restrict_columns(whole, {"overdoses": show_cells(8)}, wards=wards)
    (sentence,) = describe_ward_names(cells, [FINDS, SPIKE])
    assert sentence == (
        "Your role sees overdoses in cells of 900 m. An alert has the name of the ward that holds most of its cell, so "
        "that others may see it in the ward next to it."
    )
    assert describe_ward_names(cells, [FINDS]) == []
    assert describe_ward_names(whole, [FINDS, SPIKE]) == []
