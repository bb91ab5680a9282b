"""A real Chromium that may talk to this machine only, and windows of it that one test after the other looks through."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.support.chromium import find_chromium

# Chromium builds its address bar's popup, a page of its own, for every window, and no test can see it: a third of what
# opening one of our pages costs. A list of features replaces Playwright's, so that its own are named again.
OFF = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
]
# Root in a container has no sandbox; the rest keeps Chromium from calling home at every start.
FLAGS = [
    f"--disable-features={','.join(OFF)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


DESK: Final = (1280, 800)
PHONE: Final = (390, 844)
# A slow machine may take long over its first page; every wait is for a state and ends as soon as that is there.
PATIENCE_MS: Final = 30_000


class Windows:
    """Windows of one browser that are used again: Streamlit's scripts are fetched and compiled once, not every time.

    A page that is left forgets what its site kept in it (cookies, both storages) and who listened to it. Its history
    stays: a test of going back takes a new context of its own.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[Page] = []
        self._ears: dict[Page, list[tuple[str, Callable[..., Any]]]] = {}

    def take(self, address: str, *, size: tuple[int, int] = DESK, scheme: str = "light") -> Page:
        """An empty page of that size and colour scheme, which may use the clipboard at the address."""
        page = self._free.pop() if self._free else self._browser.new_context(accept_downloads=True).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        # Nothing moves: what Streamlit animates would be drawn sixty times a second, with no graphics card.
        page.emulate_media(
            color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce", forced_colors="none"
        )
        origin = re.sub(r"(//[^/]+).*", r"\1", address)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
        self._ears[page] = []
        return page

    def hear(self, page: Page, event: Any, handler: Callable[..., Any]) -> None:
        """Listen to the page until it is left."""
        page.on(event, handler)
        self._ears[page].append((event, handler))

    def leave(self, page: Page) -> None:
        """Give the page back."""
        for event, handler in self._ears.pop(page):
            page.remove_listener(event, handler)
        page.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
        page.goto("about:blank")
        page.context.clear_cookies()
        page.context.clear_permissions()
        page.mouse.move(0, 0)  # where it rested, it would hover over something of the next page
        self._free.append(page)


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Windows:
    return Windows(browser)


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    path = find_chromium_in(playwright_driver)
    chromium = playwright_driver.chromium.launch(executable_path=path, args=FLAGS)
    yield chromium
    chromium.close()


def find_chromium_in(playwright: Playwright) -> str:
    """The Chromium that `make test-deps` found or installed; the tests fail without one, they do not skip."""
    del playwright
    path = find_chromium()
    assert path, "no Chromium: run `make test-deps`"
    return path
