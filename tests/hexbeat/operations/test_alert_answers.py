"""Answers to alerts in the store, on both databases: added, never changed, and only for who sees the layer."""

import datetime as dt
from dataclasses import replace

import pytest

from geo.errors import PolicyError, UsageError
from hexbeat.analysis.alert_report import Alert
from hexbeat.operations.alert_answers import answer_alert, describe_answers, find_answers, read_answers
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer
from tests.support.events import HOSTILE

NOW = dt.datetime(2026, 11, 12, 9, 30, tzinfo=dt.UTC)
ALERT = Alert(
    layer="overdoses",
    ward_code="E05009867",
    place="Union Street, near Park Road (Newport)",
    first_day=dt.date(2026, 11, 10),
    last_day=dt.date(2026, 11, 12),
    day=dt.date(2026, 11, 11),
    count=6.0,
    peak=3.0,
    expected=0.4,
    methods=("scan",),
    false_alarms_a_year=0.8,
    sentence="",
    told_on=dt.date(2026, 11, 11),
    identifier="overdoses-20261111-E05009867",
)
HEALTH = Viewer(Role.HEALTH, "kim")


def test_answers_are_added_and_the_last_one_is_told(store: Store) -> None:
    version = store.version()
    answer_alert(store, ANALYST, ALERT, outcome="seen", now=NOW)
    answer_alert(store, HEALTH, ALERT, outcome="confirmed", note=" Told to\nthe panel. ", now=NOW)
    answers = read_answers(store, ANALYST)
    assert [(one.outcome, one.note, one.recorded_by) for one in answers] == [
        ("seen", "", "analyst"),
        ("confirmed", "Told to the panel.", "health: kim"),
    ]
    assert answers[0].recorded_at == NOW
    assert describe_answers(answers) == "Confirmed on 12 Nov 2026 (health: kim): Told to the panel."
    assert describe_answers(answers[:1]) == "Seen on 12 Nov 2026 (analyst)."
    assert describe_answers([]) == ""
    assert store.version() == version  # no result in a cache is of less use for it


def test_an_alert_that_grows_or_moves_by_a_day_keeps_its_answers(store: Store) -> None:
    answer_alert(store, ANALYST, ALERT, outcome="seen", now=NOW)
    answers = read_answers(store, ANALYST)
    grown = replace(ALERT, identifier="overdoses-20261110-E05009867", last_day=dt.date(2026, 11, 20))
    assert len(find_answers(grown, answers)) == 1
    for other in (
        replace(grown, ward_code="E05009857"),
        replace(grown, layer="needle_litter"),
        replace(grown, first_day=dt.date(2026, 11, 13)),
    ):
        assert find_answers(other, answers) == ()


def test_who_does_not_see_the_layer_neither_answers_nor_reads(store: Store) -> None:
    answer_alert(store, ANALYST, ALERT, outcome="seen", now=NOW)
    auditor = Viewer(Role.AUDITOR)
    with pytest.raises(PolicyError):
        answer_alert(store, auditor, ALERT, outcome="seen", now=NOW)
    with pytest.raises(PolicyError):
        read_answers(store, auditor)
    assert [one.layer for one in read_answers(store, HEALTH)] == ["overdoses"]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (
            {"outcome": "maybe"},
            "An alert of the scan is answered by seen, confirmed or not confirmed; it was answered by 'maybe'",
        ),
        ({"note": "x" * 501}, "A note has at most 500 letters, and no control characters; this one has 501 letters"),
    ],
)
def test_a_wrong_answer_changes_nothing(store: Store, change: dict[str, str], fact: str) -> None:
    with pytest.raises(UsageError) as caught:
        answer_alert(store, ANALYST, ALERT, now=NOW, **{"outcome": "seen", **change})
    assert str(caught.value).rpartition("; ")[0] == fact
    assert read_answers(store, ANALYST) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_notes_are_text(store: Store, text: str) -> None:
    from hexbeat.dashboard.pages.alert_section import render_alert_list, render_history  # noqa: PLC0415 - screens last

    note = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    answer_alert(store, ANALYST, ALERT, outcome="seen", note=note, now=NOW)
    answers = read_answers(store, ANALYST)
    for html in (render_alert_list([ALERT], answers, empty=""), render_history([ALERT], answers)):
        assert "<script" not in html.lower()
        assert "<img" not in html.lower()


def test_answers_go_when_they_are_too_old(store: Store) -> None:
    old = replace(ALERT, first_day=dt.date(2020, 1, 1), last_day=dt.date(2020, 1, 3))
    for alert in (old, ALERT):
        answer_alert(store, ANALYST, alert, outcome="seen", note="A call at noon", now=NOW)
    store.retain(ANALYST, 2, is_clock_sure=True)
    assert [answer.first_day for answer in read_answers(store, ANALYST)] == [ALERT.first_day]
