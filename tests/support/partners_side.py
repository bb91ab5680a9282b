"""The partners' side as a person starts it, in a browser; and one page of it by itself, without one."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from hexbeat import demonstration
from hexbeat.areas.area import Area, load_area
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from tests.support.browser import DESK, OVERFLOW, PATIENCE_MS, Windows, map_frame
from tests.support.paths import ROOT
from tests.support.servers import AT_REST, hexbeat_server

__all__ = [
    "PATIENCE_S",
    "Open",
    "Served",
    "Visit",
    "one_page",
    "open_map",
    "open_page",
    "packages_are_looked_through_once",
    "read_html",
    "scripts_are_waited_for",
    "served_app",
    "visit",
]


HOME_GROUND: Final = re.compile(r"^(data:|blob:|(https?|wss?)://127\.0\.0\.1:\d+(/|$))")
FORBIDDEN: Final = "Content Security Policy"  # a browser says so of what a page needs and may not have
UPLOAD_MS: Final = 5_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session", autouse=True)
def packages_are_looked_through_once() -> Iterator[None]:
    """Streamlit reads what every installed package says of itself at each start of an app: what is found stays so."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def scripts_are_waited_for() -> Iterator[None]:
    """A page's test waits for its script as for any thread; Streamlit's own wait looks a thousand times a second."""
    look = local_script_runner.require_widgets_deltas

    def wait(runner: LocalScriptRunner, timeout: float) -> None:
        assert runner._script_thread is not None  # noqa: SLF001 - it has no other name
        runner._script_thread.join(timeout)  # noqa: SLF001
        look(runner, timeout)  # and fails where it has not ended

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@dataclass(frozen=True)
class Served:
    """A running dashboard: its address, its home and area, and a second door to its store."""

    url: str
    home: Path
    area: Area

    def columns(self) -> Columns:
        """What the store holds now, read anew."""
        with Store.open(self.home) as store:
            return read_columns(store, ANALYST, ward_codes=tuple(self.area.wards.codes))


@pytest.fixture(scope="session")
def served_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The partners' side on a free port of this machine, filled by demonstration events.

    One for all tests of a worker, and some of them load events: what a test expects, it computes from what is there.
    """
    home = tmp_path_factory.mktemp("served") / "home"
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        demonstration.load_demonstration(
            store, ANALYST, area, events=4_000, seed=1, today=datetime.now(area.tz).date(), home=home
        )
    environment = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": area.name, "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment) as url:
        yield Served(url, home, area)


@dataclass(frozen=True)
class Visit:
    """One person at the dashboard: a page that knows of no visit before, and every request that it makes."""

    page: Page
    requests: list[str]
    failures: list[str]
    windows: Windows

    def leave(self) -> None:
        """Give the window back to the tests that follow."""
        self.windows.leave(self.page)

    def settle(self) -> None:
        """Wait until the page's script has run to its end."""
        self.page.locator(AT_REST).wait_for(timeout=PATIENCE_MS)

    @property
    def sentence(self) -> Locator:
        """The first sentence over the map."""
        return self.page.locator(".hb-sentence").first

    def says(self, words: str) -> None:
        """Wait until the sentence is this one."""
        expect(self.sentence).to_have_text(words, timeout=PATIENCE_MS)
        self.settle()

    def choose(self, group: str, option: str) -> None:
        """Press one of the pills of a group of filters."""
        button = self.page.locator(f".st-key-filter_{group}").get_by_text(re.compile(f"^{re.escape(option)}"))
        button.first.click()

    def upload(self, file: FilePayload, *, uploader: str) -> None:
        """Give a file to the uploader whose key begins so, and wait until the page lists it.

        An uploader whose script has just been fetched can be drawn anew, and forgets what it was given before. While it
        is, another one of the page may be the only one there: so it is never sought by its number.
        """
        listed = self.page.get_by_test_id("stFileChip")
        before = listed.count()
        for _ in range(PATIENCE_MS // UPLOAD_MS):
            self.page.locator(f"[class*='st-key-{uploader}_'] input[type=file]").set_input_files(file)
            with suppress(PlaywrightTimeout):
                listed.nth(before).wait_for(timeout=UPLOAD_MS)
                return
        pytest.fail(f"the uploader never listed {file['name']}")

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        wide: int = self.page.evaluate(OVERFLOW)
        return wide


def visit(windows: Windows, url: str, *, size: tuple[int, int] = DESK, scheme: str = "light") -> Visit:
    """Open an address and wait until the page stands; the window is given back by `leave`."""
    page = windows.take(url, size=size, scheme=scheme)
    guest = Visit(page, [], [], windows)
    windows.hear(page, "request", lambda request: guest.requests.append(request.url))
    windows.hear(page, "websocket", lambda socket: guest.requests.append(socket.url))
    windows.hear(page, "pageerror", lambda error: guest.failures.append(str(error)))
    windows.hear(page, "console", lambda said: guest.failures.append(said.text) if FORBIDDEN in said.text else None)
    page.goto(url)
    page.locator(".hb-facts").wait_for()
    guest.settle()
    if urlsplit(page.url).path == "/" and page.locator("iframe[title*='st_folium']").count() == 1:
        map_frame(page)  # a map that is painted late runs the page again, and what was pressed meanwhile is lost
        guest.settle()
    return guest


Open = Callable[..., Visit]


@pytest.fixture
def open_page(windows: Windows, served_app: Served) -> Iterator[Open]:
    """Opens pages of the dashboard; afterwards nothing may have failed or asked for anything from elsewhere."""
    visits: list[Visit] = []

    def opened(path: str = "/", *, size: tuple[int, int] = DESK, scheme: str = "light") -> Visit:
        visits.append(visit(windows, served_app.url + path, size=size, scheme=scheme))
        return visits[-1]

    yield opened
    for guest in visits:
        assert [url for url in guest.requests if not HOME_GROUND.match(url)] == []
        assert guest.failures == []
        guest.leave()


PATIENCE_S = 240  # a safety net, not a promise


def one_page(name: str, **query: str) -> AppTest:
    """The page of that address, opened with these query parameters; it raised nothing."""

    def script(name: str) -> None:
        from importlib import import_module  # noqa: PLC0415 - Streamlit runs the source of this function

        from hexbeat.dashboard.pages.navigation import MODULES  # noqa: PLC0415
        from hexbeat.dashboard.state.session import open_installation  # noqa: PLC0415
        from hexbeat.settings import Settings  # noqa: PLC0415

        import_module(f"hexbeat.dashboard.pages.{MODULES[name]}").show(
            open_installation(Settings.from_environment()), []
        )

    app = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(name,))
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def open_map(**query: str) -> AppTest:
    """The whole dashboard as its address opens it, with these query parameters; it raised nothing."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def read_html(app: AppTest) -> str:
    """All HTML and plain text of a page."""
    return "\n".join(str(element.proto.body) for element in (*app.get("html"), *app.get("text")))
