"""A real Chromium that may talk to this machine only."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

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
