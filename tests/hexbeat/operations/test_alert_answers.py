"""Answers to alerts in the store, on both databases: added, never changed, and only for who sees the layer."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pytest

from geo.cells import index_points
from geo.errors import PolicyError, UsageError
from hexbeat.analysis.alert_report import Alert
from hexbeat.analysis.scan_alerts import build_scan_report, find_alert
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import Area, load_area
from hexbeat.operations.alert_answers import answer_alert, describe_answers, find_answers, read_answers
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer
from layers.event import RESOLUTIONS
from tests.support.events import HOSTILE, load_frame, made_frame

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
WARDS = load_area("middlesbrough").wards
ANSWERED = "An alert of the scan is answered by seen, confirmed or not confirmed; "
NOTE = "A note has at most 500 letters, and no control characters; "
TOUCHING, FAR = "E05009857", "E05009866"  # Central and Newport, from North Ormesby


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
    assert find_answers([grown], answers, WARDS) == [tuple(answers)]
    for other in (
        replace(grown, ward_code=FAR),
        replace(grown, layer="needle_litter"),
        replace(grown, first_day=dt.date(2026, 11, 13)),
    ):
        assert find_answers([other], answers, WARDS) == [()]


def test_who_does_not_see_the_layer_neither_answers_nor_reads(store: Store) -> None:
    answer_alert(store, ANALYST, ALERT, outcome="seen", now=NOW)
    auditor = Viewer(Role.AUDITOR)
    with pytest.raises(PolicyError):
        answer_alert(store, auditor, ALERT, outcome="seen", now=NOW)
    with pytest.raises(PolicyError):
        read_answers(store, auditor)
    assert [one.layer for one in read_answers(store, HEALTH)] == ["overdoses"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"outcome": "maybe"},
            ANSWERED + "it was answered by 'maybe'; choose one of them",
        ),
        (
            {"note": "x" * 501},
            NOTE + "this one has 501 letters; say it in fewer words, and without names of people",
        ),
        (
            {"note": "Told\x1b[2J"},
            NOTE + "this one has a control character; write it with letters and signs alone",
        ),
    ],
)
def test_a_wrong_answer_changes_nothing(store: Store, change: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        answer_alert(store, ANALYST, ALERT, now=NOW, **{"outcome": "seen", **change})
    assert str(caught.value) == message
    assert read_answers(store, ANALYST) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_notes_are_text(store: Store, text: str) -> None:
    from hexbeat.dashboard.pages.alert_section import render_alert_list, render_history  # noqa: PLC0415 - screens last

    note = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    answer_alert(store, ANALYST, ALERT, outcome="seen", note=note, now=NOW)
    answers = read_answers(store, ANALYST)
    for html in (render_alert_list([ALERT], answers, WARDS, empty=""), render_history([ALERT], answers, WARDS)):
        assert "<script" not in html.lower()
        assert "<img" not in html.lower()


def test_answers_go_when_they_are_too_old(store: Store) -> None:
    old = replace(ALERT, first_day=dt.date(2020, 1, 1), last_day=dt.date(2020, 1, 3))
    for alert in (old, ALERT):
        answer_alert(store, ANALYST, alert, outcome="seen", note="A call at noon", now=NOW)
    store.retain(ANALYST, 2, is_clock_sure=True)
    assert [answer.first_day for answer in read_answers(store, ANALYST)] == [ALERT.first_day]


def find_place_between_wards(area: Area) -> tuple[float, float]:
    """The middle of a small cell that lies in one ward, inside a large cell that counts to another."""
    small, large = (load_study(area, (), resolution) for resolution in (9, 8))
    ward_of = dict(zip(large.cells.tolist(), large.ward.tolist(), strict=True))
    for cell, ward in zip(small.cells.tolist(), small.ward.tolist(), strict=True):
        lat, lon = h3.cell_to_latlng(cell)
        if ward_of.get(h3.cell_to_parent(cell, 8), ward) != ward == int(WARDS.locate([lon], [lat])[0]):
            return lon, lat
    raise AssertionError


@pytest.mark.slow
def test_roles_with_cells_of_different_sizes_share_the_answers_to_an_outbreak(tmp_path: Path) -> None:
    area, newest = load_area("middlesbrough"), dt.datetime(2026, 11, 12, 12, tzinfo=dt.UTC)
    events = made_frame(area, number=312, newest=newest, days=400, layer="overdoses")
    spread = np.random.default_rng(5).uniform(-2e-3, 2e-3, (2, len(events)))  # so that small cells are known
    events[["lon", "lat"]] += spread.T
    burst = events.index[:12]
    seconds = int(newest.timestamp()) - np.arange(len(burst)) * 21_600
    events.loc[burst, ["lon", "lat"]] = find_place_between_wards(area)
    events.loc[burst, "occurred_from"] = events.loc[burst, "occurred_to"] = seconds
    events.loc[burst, "reported_by"] = "public"
    lon, lat = events["lon"].to_numpy(), events["lat"].to_numpy()
    for resolution in RESOLUTIONS:
        events[f"h3_{resolution:02d}"] = index_points(lon, lat, resolution=resolution)
    ward = WARDS.locate(lon, lat)
    events["ward_code"] = np.array(WARDS.codes, dtype=object)[ward]
    with Store.open(tmp_path / "home") as store:
        load_frame(store, area, events[ward >= 0])
        seen = {}
        for viewer in (ANALYST, HEALTH):
            columns = read_columns(store, viewer, ward_codes=WARDS.codes, wards=WARDS)
            report = build_scan_report(columns, area, newest.date(), days=3, layers=["overdoses"])
            seen[viewer] = columns, next(alert for alert in report.alerts if alert.count >= len(burst))
        (columns, fine), (coarse_columns, coarse) = seen.values()
        assert fine.ward_code != coarse.ward_code
        # Each answers by the identifier that the other was given, and both see both answers.
        for viewer, own, named in ((HEALTH, coarse_columns, fine), (ANALYST, columns, coarse)):
            alert = find_alert(own, area, newest.date(), named.identifier)
            assert alert.identifier == seen[viewer][1].identifier
            answer_alert(store, viewer, alert, outcome="seen", now=NOW)
        for viewer, (_, alert) in seen.items():
            (found,) = find_answers([alert], read_answers(store, viewer), WARDS)
            assert [answer.recorded_by for answer in found] == ["health: kim", "analyst"]
        with pytest.raises(UsageError) as refused:
            find_alert(columns, area, newest.date(), "overdoses-20269999-E05009867")
        assert str(refused.value) == (
            "An alert is named by its identifier; the year to 12 Nov 2026 has no alert 'overdoses-20269999-E05009867'; "
            "see `hexbeat alerts --days 366` for the alerts and their identifiers"
        )


def test_an_answer_of_a_ward_that_has_an_alert_is_not_the_neighbours(store: Store) -> None:
    answer_alert(store, ANALYST, ALERT, outcome="confirmed", now=NOW)
    answers = read_answers(store, ANALYST)
    neighbour = replace(ALERT, ward_code=TOUCHING, identifier=f"overdoses-20261111-{TOUCHING}")
    assert find_answers([neighbour, ALERT], answers, WARDS) == [(), tuple(answers)]
    assert find_answers([neighbour], answers, WARDS) == [tuple(answers)]
    whole = replace(neighbour, ward_code=None)
    assert find_answers([whole], answers, WARDS) == [()]
