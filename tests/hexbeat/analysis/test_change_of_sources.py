"""A change of sources is no change of harm: comparisons, trends and alerts use days that the same sources cover."""

import datetime as dt
from dataclasses import replace

import pytest

from hexbeat.analysis.alerts import build_alert_report
from hexbeat.analysis.change_map import RISE, UNCLEAR, build_change_map
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.study import load_study
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from layers.event import Reporter
from layers.filters import Filter
from layers.periods import describe_missing_days
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of, local

D = dt.date
NEEDLES = ("needle_litter",)
ZONE = "Europe/London"
MARCH, APRIL, MAY = (D(2024, 3, 1), D(2024, 4, 1)), (D(2024, 4, 1), D(2024, 5, 1)), (D(2024, 5, 1), D(2024, 6, 1))


def build_events(first: dt.date, end: dt.date, *, a_day: int, reported_by: Reporter) -> list[Event]:
    days = [first + dt.timedelta(days=n) for n in range((end - first).days)]
    return [Event(local(f"{day} 12:00"), reported_by=reported_by) for day in days for _ in range(a_day)]


def cover(columns: Columns, *entries: tuple[str, tuple[dt.date, dt.date]], reporters: dict[str, str]) -> Columns:
    """The columns with sources and the days that each of them covers."""
    known = tuple(CoverageEntry("needle_litter", source, "", *days) for source, days in entries)
    brings = frozenset(("needle_litter", source, reporter) for source, reporter in reporters.items())
    return replace(columns, coverage=Coverage(known, columns.ward_codes, brings))


@pytest.fixture
def handover() -> Columns:
    """Reports by the public, one a day, until April; sweeps that find nine a day from 20 April on."""
    events = [
        *build_events(D(2024, 1, 1), APRIL[1], a_day=1, reported_by="public"),
        *build_events(D(2024, 4, 20), MAY[1], a_day=9, reported_by="sweep"),
    ]
    sources = ("council-log", (D(2024, 1, 1), APRIL[1])), ("sweep-log", (D(2024, 4, 20), MAY[1]))
    return cover(columns_of(events), *sources, reporters={"council-log": "public", "sweep-log": "sweep"})


def test_a_log_that_follows_another_is_no_rise(handover: Columns) -> None:
    study = load_study(middlesbrough())
    change = build_change_map(handover, Filter(layers=NEEDLES, start=MAY[0], end=MAY[1]), study)
    assert change.missing == (
        "There is no comparison, because the same sources do not cover both periods: sweep-log begins on 20 Apr 2024 "
        "and council-log ends on 30 Apr 2024."
    )
    assert not change.is_compared
    assert set(change.wards["change"]) <= {"not known"}


def test_days_of_the_handover_are_left_out_of_a_comparison(handover: Columns) -> None:
    change = build_change_map(
        handover, Filter(layers=NEEDLES, start=APRIL[0], end=APRIL[1]), load_study(middlesbrough())
    )
    assert change.whole["change"].tolist() == [UNCLEAR]
    assert change.whole[["now", "before"]].to_numpy().tolist() == [[19, 30]]
    assert (
        "20 to 30 Apr 2024 are left out, because the same sources do not cover both periods: sweep-log begins on "
        "20 Apr 2024."
    ) in change.notes


def test_a_filter_of_reporters_knows_only_the_days_of_their_sources(handover: Columns) -> None:
    public = Filter(layers=NEEDLES, start=MAY[0], end=MAY[1], reported_by=("public",))
    assert describe_missing_days(handover, public, time_zone=ZONE) == "May 2024 is not known"
    assert describe_missing_days(handover, replace(public, reported_by=()), time_zone=ZONE) is None
    sweeps = replace(public, start=MARCH[0], end=MARCH[1], reported_by=("sweep",))
    assert describe_missing_days(handover, sweeps, time_zone=ZONE) == "Mar 2024 is not known"
    change = build_change_map(handover, public, load_study(middlesbrough()))
    assert not change.is_compared
    assert change.missing == "There are no records of 1 May to 31 May 2024."
    april = replace(public, start=APRIL[0], end=APRIL[1])
    assert build_change_map(handover, april, load_study(middlesbrough())).whole["change"].tolist() == [UNCLEAR]


def test_the_trend_of_a_place_does_not_cross_a_change_of_sources(handover: Columns) -> None:
    trend = build_emerging_map(handover, Filter(layers=NEEDLES), load_study(middlesbrough()))
    assert trend.bins is None or trend.bins.periods[0][0] >= APRIL[1]
    assert any("other sources cover them than the newest days" in note for note in trend.notes)


def test_a_log_that_begins_raises_no_alert() -> None:
    """A second log of the public's reports, three times as busy, takes over: nothing happened on the street."""
    events = [
        *build_events(D(2024, 1, 1), D(2024, 5, 29), a_day=2, reported_by="public"),
        *build_events(D(2024, 5, 29), MAY[1], a_day=20, reported_by="public"),
    ]
    one = cover(columns_of(events), ("log", (D(2024, 1, 1), MAY[1])), reporters={"log": "public"})
    sources = ("log", (D(2024, 1, 1), D(2024, 5, 29))), ("new-log", (D(2024, 5, 29), MAY[1]))
    two = cover(columns_of(events), *sources, reporters={"log": "public", "new-log": "public"})
    assert build_alert_report(one, middlesbrough(), D(2024, 5, 30), layers=NEEDLES, each_event=True).alerts
    report = build_alert_report(two, middlesbrough(), D(2024, 5, 30), layers=NEEDLES, each_event=True)
    assert report.alerts == ()
    assert "Needle finds: 1 Jun 2023 to 28 May 2024" not in " ".join(report.notes)
    assert any("left out, because other sources cover these days." in note for note in report.notes)


def test_sweeps_that_begin_hide_no_alert_of_reports() -> None:
    """Alerts leave sweeps out, and so the days of a log that holds only sweeps."""
    events = [
        *build_events(D(2024, 1, 1), D(2024, 5, 29), a_day=2, reported_by="public"),
        *build_events(D(2024, 5, 29), MAY[1], a_day=20, reported_by="public"),
        *build_events(D(2024, 5, 10), MAY[1], a_day=5, reported_by="sweep"),
    ]
    sources = ("log", (D(2024, 1, 1), MAY[1])), ("sweep-log", (D(2024, 5, 10), MAY[1]))
    columns = cover(columns_of(events), *sources, reporters={"log": "public", "sweep-log": "sweep"})
    assert build_alert_report(columns, middlesbrough(), D(2024, 5, 30), layers=NEEDLES, each_event=True).alerts


def test_a_rise_within_one_log_is_still_a_rise() -> None:
    events = [
        *build_events(*MARCH, a_day=1, reported_by="public"),
        *build_events(*APRIL, a_day=9, reported_by="public"),
    ]
    columns = cover(columns_of(events), ("log", (MARCH[0], APRIL[1])), reporters={"log": "public"})
    change = build_change_map(
        columns, Filter(layers=NEEDLES, start=APRIL[0], end=APRIL[1]), load_study(middlesbrough())
    )
    assert change.whole["change"].tolist() == [RISE]
