"""Results that are worked out ahead: by a real process, for a real store, through a load and a violent end."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bench.load import find_server
from bench.page_clicks import is_worker
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.area import load_area
from hexbeat.dashboard.state.findings import find_alerts
from hexbeat.dashboard.state.preparation import MOST_FAILURES, Preparation
from hexbeat.dashboard.state.prepared_results import RESULTS, build_owner, find_older, find_prepared
from hexbeat.dashboard.state.session import Installation, open_installation
from hexbeat.settings import Settings
from hexbeat.store.snapshots import FOLDER
from hexbeat.store.store import Store
from tests.support.browser import Windows
from tests.support.events import load_frame, made_frame
from tests.support.partners_side import visit
from tests.support.servers import hexbeat_server

PATIENCE_S = 240  # a safety net, not a promise
ALERTS = ("alerts", "")


@pytest.fixture
def preparation(home: Path) -> Iterator[Preparation]:
    load_more(home, 1)
    working = Preparation(Settings.from_environment(), poll_s=0.05)
    yield working
    working.end()


def load_more(home: Path, number: int) -> None:
    """Load 80 needle finds of the last weeks from a source of their own."""
    area = load_area("middlesbrough", home=home)
    newest = datetime.now(area.tz) - timedelta(days=2)
    with Store.open(home) as store:
        name = f"source-{number}"
        load_frame(store, area, made_frame(area, number=80, newest=newest, source=name), source=name)


def wait_until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def look() -> Installation:
    return open_installation(Settings.from_environment())


def is_working(installation: Installation) -> bool:
    """Whether results for these records are on their way."""
    return RESULTS.is_awaited is not None and RESULTS.is_awaited(installation)


@pytest.mark.slow
def test_results_come_before_they_are_asked_for_outlive_a_load_and_a_killed_process_does_no_harm(
    home: Path, preparation: Preparation
) -> None:
    computed = find_alerts(look())
    assert not is_working(look())  # nothing is worked out ahead yet
    preparation.begin()
    assert is_working(look())
    wait_until(lambda: not is_working(look()))
    first = look()
    result = find_prepared(first, ALERTS, (first.today,))
    assert result
    assert (result.value, result.version) == (computed, first.columns.version)
    assert find_alerts(first) is result.value
    briefings = RESULTS.find_all(build_owner(first), ("briefing", ""))
    assert {hours for _, _, hours, _, _ in briefings} == {None, *SHIFT_HOURS.values()}

    load_more(home, 2)
    second = look()
    assert second.columns.version > first.columns.version
    older = find_older(second, ALERTS)
    if is_working(second):  # what was there before serves until the new is there
        assert older
        assert older.version == first.columns.version
    wait_until(lambda: not is_working(look()))
    result = find_prepared(look(), ALERTS, (second.today,))
    assert result
    assert result.version == second.columns.version
    versions = {one.version for one in RESULTS.find_all(build_owner(second), ALERTS).values()}
    assert versions == {second.columns.version}

    load_more(home, 3)
    third = look()
    state = (third.columns.version, third.today)

    def kill() -> bool:
        process = preparation.process
        if process is not None:
            process.kill()
        return preparation.failures[build_owner(third), state] >= MOST_FAILURES

    wait_until(kill)
    assert not is_working(third)
    assert find_prepared(third, ALERTS, (third.today,)) is None
    assert find_alerts(third).day == computed.day  # computed when it was asked for
    preparation.end()
    assert RESULTS.is_awaited is None


@pytest.mark.browser
@pytest.mark.slow
def test_a_server_that_starts_again_shows_what_the_one_before_worked_out_and_how_old_it_is(
    home: Path, windows: Windows
) -> None:
    """The first view after a restart: the kept hotspots, with their age, until the new ones are there."""
    load_more(home, 1)
    environment = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment, prepares=True):
        wait_until(lambda: any((home / FOLDER).glob("[!.]*.results")))
    load_more(home, 2)
    with hexbeat_server(environment=environment, prepares=True) as url, hold_worker(url):
        guest = visit(windows, f"{url}/?view=hotspots")
        note = guest.page.get_by_text(re.compile(r"The hotspots were worked out (on .* )?at \d\d:\d\d\. New ones are"))
        expect(note).to_be_visible()
        expect(guest.sentence).to_contain_text("needle finds")
        guest.leave()


@contextmanager
def hold_worker(url: str) -> Iterator[None]:
    """While this lasts, the process that works results out ahead for a server stands still."""
    server = find_server(url)
    wait_until(lambda: any(is_worker(child) for child in server.children()))
    worker = next(child for child in server.children() if is_worker(child))
    worker.suspend()
    yield
    worker.resume()


def test_an_empty_store_needs_no_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(home).dispose()
    working = Preparation(Settings.from_environment(), poll_s=0.05)
    started: list[object] = []
    monkeypatch.setattr(working, "_start", started.append)
    working.begin()
    wait_until(lambda: bool(working.done))
    assert not is_working(look())
    working.end()
    assert (started, working.failures.total()) == ([], 0)
