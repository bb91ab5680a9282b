"""A real Chromium that may talk to this machine only, its windows, and what tests ask of a page or a map in one."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Error, Frame, Page, Playwright, sync_playwright

from tests.support.chromium import find_chromium
from tests.support.servers import sign_ins

__all__ = [
    "DESK",
    "FLAGS",
    "OVERFLOW",
    "PAINTED",
    "PATIENCE_MS",
    "PHONE",
    "PREPARED_MS",
    "Windows",
    "browser",
    "centres",
    "colours_at",
    "go_to_map",
    "map_frame",
    "on_screen",
    "overflow_report",
    "painted_frames",
    "playwright_driver",
    "requests_of",
    "wait_for_repaint",
    "wait_in_map",
    "wait_until",
    "wait_until_it_fits",
    "windows",
]


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
FILES: Final = "file://"  # what stands for a server where a page is opened from the disk
PREPARED_MS: Final = 180_000  # what a process of low priority works out, while other tests keep the machine busy


class Windows:
    """Windows of one browser that are used again: Streamlit's scripts are fetched and compiled once, not every time.

    A page that is left forgets what its site kept in it (cookies, both storages) and who listened to it. It waits at
    its server's shortest answer, for elsewhere it would be another process's; a file's waits empty. Its history stays:
    a test of going back takes a new context of its own.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[Page]] = {}
        self._ears: dict[Page, list[tuple[str, Callable[..., Any]]]] = {}

    def take(self, address: str, *, size: tuple[int, int] = DESK, scheme: str = "light") -> Page:
        """An empty page of that size and colour scheme, signed in, which may use the clipboard at the address."""
        origin = origin_of(address)
        waiting = self._free.get(origin) or next((pages for pages in self._free.values() if pages), [])
        page = waiting.pop() if waiting else self._browser.new_context(accept_downloads=True).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        # Nothing moves: what Streamlit animates would be drawn sixty times a second, with no graphics card.
        page.emulate_media(
            color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce", forced_colors="none"
        )
        if origin in sign_ins:
            name, _, key = sign_ins[origin].partition("=")
            page.context.add_cookies(
                [{"name": name, "value": key, "url": origin, "httpOnly": True, "sameSite": "Strict"}]
            )
        if origin != FILES:
            page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
        self._ears[page] = []
        return page

    def describe(self) -> str:
        """What stands on the pages that are in use: for the report of a test that failed."""
        return "\n".join(f"{page.url}\n{read_text(page)}" for page in self._ears)

    def hear(self, page: Page, event: Any, handler: Callable[..., Any]) -> None:
        """Listen to the page until it is left."""
        page.on(event, handler)
        self._ears[page].append((event, handler))

    def leave(self, page: Page) -> None:
        """Give the page back."""
        for event, handler in self._ears.pop(page):
            page.remove_listener(event, handler)
        origin = origin_of(page.url)
        with suppress(Error):  # a server that is gone, or no page of a server
            if origin != FILES:
                page.goto(f"{origin}/_stcore/health")
            page.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
            if origin == FILES:
                page.goto("about:blank")
        page.context.clear_cookies()
        page.context.clear_permissions()
        page.mouse.move(0, 0)  # where it rested, it would hover over something of the next page
        self._free.setdefault(origin, []).append(page)


def read_text(page: Page) -> str:
    """The text of a page as a person reads it, its first 3,000 characters."""
    try:
        return page.locator("body").inner_text(timeout=2_000)[:3_000]
    except Error as error:  # the page is gone, or hangs
        return str(error)


def origin_of(address: str) -> str:
    """The server of an address, and of all files the same."""
    return re.sub(r"(//[^/]*).*", r"\1", address)


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Windows:
    return Windows(browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test that failed in a browser reports what stood there."""
    report = yield
    pages = getattr(item, "funcargs", {}).get("windows")
    if call.excinfo is not None and isinstance(pages, Windows):
        report.sections.append(("the pages in use", pages.describe()))
    return report


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


PATIENCE_S: Final = 60  # a safety net, not a promise
# How often a wait looks. Playwright's own wait for a script has a frame made sixty times a second, to look at each.
LOOK_MS: Final = 50
OVERFLOW: Final = (
    "Math.max(...[document.documentElement, document.body, document.querySelector('[data-testid=stMain]')]"
    ".filter((part) => part).map((part) => part.scrollWidth - part.clientWidth))"
)
# An element counts where nothing between it and the page's own scrolling parts cuts it off. The widest come first.
STICKING_OUT: Final = r"""() => {
  const own = [document.documentElement, document.body, document.querySelector('[data-testid=stMain]')];
  const cut = (element) => {
    let position = getComputedStyle(element).position;
    for (let up = element.parentElement; up && !own.includes(up); up = up.parentElement) {
      const style = getComputedStyle(up);
      const holds = position !== 'absolute' || style.position !== 'static' || style.transform !== 'none';
      if (holds && style.overflowX !== 'visible') return true;
      if (holds) position = style.position;
    }
    return position === 'fixed';
  };
  const name = (element) => element.tagName.toLowerCase()
    + (element.dataset.testid ? `[${element.dataset.testid}]` : '')
    + [...element.classList].filter((one) => /^(hb-|st-key-|stD|dvn)/.test(one)).map((one) => `.${one}`).join('');
  const way = (element) => { const names = [];
    for (let up = element; up && !own.includes(up) && names.length < 6; up = up.parentElement) names.push(name(up));
    return names.join(' < '); };
  const found = [...document.body.querySelectorAll('*')].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width && box.right > document.documentElement.clientWidth + 0.5 && !cut(element); });
  return found.map((element) => { const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    return {right: Math.round(box.right), left: Math.round(box.left), width: style.width, position: style.position,
      given: (element.getAttribute('style') || '').replace(/--[^;]*;\s*/g, '').slice(0, 160),
      words: element.textContent.trim().slice(0, 40), way: way(element)}; })
    .sort((one, other) => other.right - one.right).slice(0, 8);
}"""
STATE: Final = """() => ({window: innerWidth, parts: [document.documentElement, document.body,
    document.querySelector('[data-testid=stMain]')].filter((part) => part)
    .map((part) => `${part.tagName.toLowerCase()} ${part.scrollWidth} in ${part.clientWidth}`),
  dressed: [...document.querySelectorAll('style')].some((sheet) => sheet.textContent.includes('--hb-ink')),
  script: document.querySelector('[data-testid=stApp]')?.dataset.testScriptState})"""


def overflow_report(page: Page) -> str:
    """The parts that scroll sideways, whether our style sheet is there, and the widest elements that stick out."""
    state: dict[str, Any] = page.evaluate(STATE)
    found: list[dict[str, Any]] = page.evaluate(STICKING_OUT)
    return "\n".join([f"the page is wider than its window: {state}", *(str(one) for one in found)])


def wait_until_it_fits(page: Page, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until nothing sticks out of the page sideways; else fail, naming what does."""
    end = time.monotonic() + patience_s
    while page.evaluate(OVERFLOW) != 0:
        assert time.monotonic() < end, overflow_report(page)
        page.wait_for_timeout(LOOK_MS)


PAINTED: Final = "() => window.Hexbeat && Hexbeat.painted && Hexbeat.painted.at"


def map_frame(page: Page) -> Frame:
    """The frame of the one streamlit-folium map of a page, once its cells are painted."""
    page.wait_for_selector("iframe[title*='st_folium']")
    return wait_until_painted(next(frame for frame in page.frames if "streamlit_folium" in frame.url))


def go_to_map(page: Page, address: str) -> Frame:
    """The frame of the one map at the address, once it is painted."""
    page.goto(address)
    return map_frame(page)


def wait_until_painted(frame: Frame | None) -> Frame:
    """The frame, once its cells are painted."""
    assert frame
    frame.wait_for_function(PAINTED, polling=LOOK_MS)
    return frame


def painted_frames(page: Page, many: int) -> list[Frame]:
    """The frames of all maps of a page, once there are so many and all are painted, wherever Streamlit remounts one."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        frames = [frame for frame in page.frames if "streamlit_folium" in frame.url]
        with suppress(Error):  # a frame that is just being replaced
            if len(frames) == many and all(frame.evaluate(PAINTED) for frame in frames):
                return frames
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError(f"still waiting for {many} painted maps")


def wait_in_map(page: Page, script: str) -> None:
    """Wait for a script to be true in the page's one map, wherever Streamlit remounts it meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(Error):  # the frame was replaced after it was looked up
            if painted_frames(page, 1)[0].evaluate(script):
                return
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError(f"still waiting for {script} in the map")


def wait_until(page: Page, script: str) -> None:
    """Wait for a script to be true, also on a page whose policy forbids the eval that Playwright's own wait needs."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(script):
        assert time.monotonic() < end, f"still waiting for {script}"
        page.wait_for_timeout(LOOK_MS)


def wait_for_repaint(frame: Frame, before: float) -> None:
    frame.wait_for_function(f"before => ({PAINTED})() > before", arg=before, polling=LOOK_MS)


def centres(frame: Frame | Page, layer: str = "hex") -> list[dict[str, float]]:
    """Each drawn cell's number, centre (lat, lng), value and class, as the browser has them."""
    script = """id => { const layer = Hexbeat.layer(id);
      return Array.from(layer.classes, (k, cell) => ({cell, k, value: layer._number(layer.values[cell]),
        lat: layer.centreOf(cell).lat, lng: layer.centreOf(cell).lng})).filter(({k}) => k > 0); }"""
    found: list[dict[str, float]] = frame.evaluate(script, layer)
    return found


def colours_at(frame: Frame | Page, places: list[dict[str, float]], layer: str = "hex") -> list[str]:
    """The canvas's colour ("#rrggbb", or "" where nothing is painted) at places (lat, lng)."""
    script = """([id, places]) => { const layer = Hexbeat.layer(id), map = layer._map, canvas = layer._container;
      const context = canvas.getContext('2d'), ratio = canvas.width / parseFloat(canvas.style.width);
      const hex = (value) => value.toString(16).padStart(2, '0');
      return places.map(({lat, lng}) => {
        const {x, y} = map.latLngToLayerPoint([lat, lng]).subtract(layer._bounds.min).multiplyBy(ratio);
        const [red, green, blue, alpha] = context.getImageData(Math.round(x), Math.round(y), 1, 1).data;
        return alpha ? '#' + hex(red) + hex(green) + hex(blue) : ''; }); }"""
    found: list[str] = frame.evaluate(script, [layer, places])
    return found


def on_screen(frame: Frame, lat: float, lng: float) -> dict[str, float]:
    """Where a place is within the frame, in pixels."""
    script = "([lat, lng]) => { const p = window.map.latLngToContainerPoint([lat, lng]); return {x: p.x, y: p.y}; }"
    found: dict[str, float] = frame.evaluate(script, [lat, lng])
    return found


def requests_of(page: Page) -> list[str]:
    """A list that fills with the address of every request that the page makes from now on."""
    made: list[str] = []

    def note(request: Any) -> None:
        made.append(request.url)

    page.on("request", note)
    return made
