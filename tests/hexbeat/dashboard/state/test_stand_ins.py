"""What the Map page shows while a result is still being worked out: an older one, else counts; and it never waits."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.state import findings
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.findings import find_changes, find_findings
from hexbeat.dashboard.state.freshness import find_last_known_day
from hexbeat.dashboard.state.prepared_results import RESULTS, PreparedResult, build_owner
from hexbeat.dashboard.state.session import (
    Installation,
    choose_area_resolution,
    count_all_layers,
    find_freshness,
    open_installation,
)
from hexbeat.dashboard.state.stand_ins import is_usual
from hexbeat.settings import Settings
from hexbeat.store.store import Store
from tests.support.events import load_frame, made_frame
from tests.support.partners_side import one_page

LAYER = "needle_litter"
COUNTS = "are still being worked out. Until then you see counts, and then this page changes."


@pytest.fixture
def installation(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A store of 80 needle finds, whose results somebody else seems to be working out."""
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        newest = datetime.now(area.tz) - timedelta(days=2)
        load_frame(store, area, made_frame(area, number=80, newest=newest, source="finds"), source="finds")
    monkeypatch.setattr(RESULTS, "is_awaited", lambda _: True)
    found = open_installation(Settings.from_environment())
    yield found
    RESULTS.finish(build_owner(found), -1)


def read_page(**query: str) -> str:
    app = one_page("map", **query)
    return re.sub(r"<[^>]+>", " ", " ".join(element.proto.body for element in app.get("html")))


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be computed in the page's own run."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the page computed what is being worked out elsewhere")

    for name in ("_build_findings", "_build_changes", "_build_forecast"):
        monkeypatch.setattr(findings, name, refuse)


def find_last_day(installation: Installation) -> date:
    return find_last_known_day(find_freshness(installation), layers=(LAYER,), today=installation.today)


def test_until_a_view_is_ready_there_are_counts_and_a_sentence_and_the_card_says_so_too(
    monkeypatch: pytest.MonkeyPatch, installation: Installation
) -> None:
    forbid(monkeypatch)
    for view, subject in (("hotspots", "The hotspots"), ("change", "The changes"), ("expected", "The expected events")):
        text = read_page(view=view)
        assert f"{subject} {COUNTS}" in text
        assert re.search(r"\d+ needle finds in Middlesbrough", text)
    choices, last = Choices(layers=(LAYER,)), find_last_day(installation)
    resolution = choose_area_resolution(installation, choices)
    (figures,) = count_all_layers(installation, choices, last=last, resolution=resolution)
    text = read_page(cell=str(figures.cells["cell"].iloc[0]))
    assert "Whether this place stands out is still being worked out, and then said here." in text


@pytest.mark.slow
def test_the_result_of_the_records_before_stands_in_with_its_age_and_the_days_that_it_is_of(
    monkeypatch: pytest.MonkeyPatch, installation: Installation
) -> None:
    last = find_last_day(installation) - timedelta(days=1)  # as it was before the last load
    choices = Choices(layers=(LAYER,), view="hotspots")
    resolution = choose_area_resolution(installation, choices)
    owner, at = build_owner(installation), datetime(2026, 3, 1, 14, 5, tzinfo=UTC)

    def keep(name: str, request: Any, value: Any) -> None:
        result = PreparedResult(value, installation.columns.version - 1, at)
        RESULTS.put(owner, (name, LAYER), request, result)

    monkeypatch.setattr(RESULTS, "listener", lambda name, request, value: keep(name[0], request, value))
    older = find_findings(installation, choices, layer=LAYER, last=last, resolution=resolution)
    find_changes(installation, replace(choices, view="change"), layer=LAYER, last=last, resolution=resolution)
    forbid(monkeypatch)
    meanwhile = "worked out on 1 Mar 2026 at 14:05. New ones are being worked out, and then this page changes."
    text = read_page(view="hotspots")
    assert f"The hotspots were {meanwhile}" in text
    assert COUNTS not in text
    start, end = choices.bounds(last)
    assert older.hotspots.period == (start, end)
    text = read_page(view="change")
    assert f"The changes were {meanwhile}" in text


def test_only_the_choices_with_which_a_view_opens_are_worked_out_ahead() -> None:
    usual = Choices(layers=(LAYER,), view="hotspots", cell="89195648c3bffff")
    assert is_usual(usual, LAYER)
    for other in (replace(usual, period="90d"), replace(usual, size=8), replace(usual, wards=("E05001",))):
        assert not is_usual(other, LAYER)
    assert not is_usual(usual, "overdoses")
