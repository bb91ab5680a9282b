"""A person in a browser, as the benchmarks play one, and the trivial page whose click they are measured by.

Seconds say more of a machine than of a page. So the trivial page (seven pills and one line) is clicked before and after
whatever is measured, in the same browser and in the same run. A click is over once the script of the page has run to
its end.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from bench.load import find_server
from tests.support.browser import FLAGS
from tests.support.chromium import find_chromium
from tests.support.paths import ROOT
from tests.support.servers import AT_REST, hexbeat_server, sign_ins, streamlit_server

APP: Final = Path(__file__).resolve().parent / "apps" / "trivial_app.py"
DESK: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 390, "height": 844}
PATIENCE_MS: Final = 75_000
QUIET_MS: Final = 400
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
REAL: Final = ROOT.parent / "shared" / "events" / "police_uk"
# Counts how often the page's script has ended: a click that has not begun to work is not taken for one that has.
COUNT_RUNS: Final = """() => {
  if (window.hbRuns !== undefined) return;
  window.hbRuns = 0;
  // On the whole page: after a lost connection Streamlit may draw its frame anew.
  new MutationObserver((changes) => {
    if (changes.at(-1).target.dataset.testScriptState === "notRunning") window.hbRuns += 1;
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
}"""


@dataclass(frozen=True)
class Click:
    """A press of something by that name, and the seconds until its effect was there."""

    name: str
    seconds: float


@dataclass
class Walk:
    """One person's way: every step is counted, and waits until its effect can be seen."""

    page: Page
    steps: int = 0
    clicks: list[Click] = field(default_factory=list)

    def press(self, target: Locator, sees: Locator | None = None, *, name: str = "") -> None:
        """Press something, and wait for what it shows; without `sees`, until the page has worked it through."""
        self.steps += 1
        target.first.wait_for()
        name = name or " ".join(target.first.inner_text().split())[:40]
        self.page.evaluate(COUNT_RUNS)
        before = self.page.evaluate("window.hbRuns")
        started = time.perf_counter()
        target.first.click()
        if sees is None:
            self.page.wait_for_function("before => window.hbRuns > before", arg=before)
            self.rest()
        else:
            self.see(sees)
        self.clicks.append(Click(name, time.perf_counter() - started))

    def fill(self, label: str, text: str) -> None:
        """Fill a field and leave it; the page takes it up."""
        self.steps += 1
        field_ = self.page.get_by_label(label, exact=True).first
        field_.wait_for()
        self.page.evaluate(COUNT_RUNS)
        before = self.page.evaluate("window.hbRuns")
        started = time.perf_counter()
        field_.fill(text)
        field_.press("Enter")
        self.page.wait_for_function("before => window.hbRuns > before", arg=before)
        self.rest()
        self.clicks.append(Click(label, time.perf_counter() - started))

    def see(self, target: Locator) -> None:
        """Wait until something is visible."""
        target.first.wait_for()

    def rest(self) -> None:
        """Wait until the page's script has run to its end."""
        self.page.locator(AT_REST).wait_for()

    def settle(self) -> None:
        """Wait until no script has run for a while: a map that is painted late runs the page once more."""
        self.rest()
        self.page.evaluate(COUNT_RUNS)
        before = -1
        while before != (before := self.page.evaluate("window.hbRuns")):
            self.page.wait_for_timeout(QUIET_MS)
            self.rest()

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """The buttons of a name."""
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def download(self, name: str | re.Pattern[str]) -> None:
        """Press a button that gives a file, and wait for the file."""
        self.steps += 1
        self.see(self.button(name))
        started = time.perf_counter()
        with self.page.expect_download() as coming:
            self.button(name).first.click()
        coming.value.path()
        self.clicks.append(Click(str(getattr(name, "pattern", name)), time.perf_counter() - started))


@dataclass
class TrivialPage:
    """The trivial page in a window of its own, which stays open for the whole run."""

    page: Page
    pressed: set[str] = field(default_factory=set)
    turn: int = 0

    def measure(self, clicks: int = 5) -> list[float]:
        """Seconds of some clicks, each from the press until the line has changed."""
        return [self._click() for _ in range(clicks)]

    def _click(self) -> float:
        day = DAYS[self.turn % len(DAYS)]
        self.turn += 1
        self.pressed ^= {day}
        target = self.page.get_by_role("button", name=day).or_(self.page.get_by_text(day, exact=True)).first
        target.wait_for()
        started = time.perf_counter()
        target.click()
        self.page.get_by_text(f"{len(self.pressed)} days", exact=True).wait_for()
        return time.perf_counter() - started


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The Chromium of the tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_trivial_page(browser: Browser) -> Iterator[TrivialPage]:
    """The trivial page on a server of its own, warmed up."""
    with streamlit_server(APP) as url:
        page = browser.new_page(viewport=DESK)
        page.goto(url)
        trivial = TrivialPage(page)
        trivial.measure(3)
        yield trivial
        page.close()


@contextmanager
def open_walk(browser: Browser, size: dict[str, int] | None = None, *, url: str = "") -> Iterator[Walk]:
    """A new window of somebody who is signed in at the server of that address, if there is one."""
    context = browser.new_context(viewport=size or DESK, accept_downloads=True)
    if cookie := sign_ins.get(url):
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": url}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield Walk(page)
    context.close()


@contextmanager
def serve_home(home: Path) -> Iterator[str]:
    """Serve the partners' side of a home; the address."""
    environment = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment, prepares=True) as url:
        yield url


def find_processes(url: str) -> list[psutil.Process]:
    """The server of an address ("": none), without the one that works ahead, and the browser's processes."""
    ours = psutil.Process(os.getpid()).children(recursive=True)
    browser = [process for process in ours if "chrom" in process.name()]
    return [find_server(url), *browser] if url else browser


def read_cpu(processes: list[psutil.Process]) -> dict[int, float]:
    """CPU seconds of each process until now, by its number; one that has ended is left out."""
    seconds = {}
    for process in processes:
        try:
            seconds[process.pid] = sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return seconds


def count_cpu(before: dict[int, float], after: dict[int, float]) -> float:
    """CPU seconds between two readings; a process that began meanwhile counts whole."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def make_demonstration(home: Path, events: int) -> None:
    """A store of synthetic events up to today."""
    run_hexbeat("demo", "--events", str(events), "--home", str(home))


def make_real(home: Path) -> None:
    """A store of the real police.uk months of 2024. FileNotFoundError where they are not there."""
    for kind, source in (("street", "police-uk-street"), ("stop-and-search", "police-uk-stop-search")):
        files = sorted(REAL.glob(f"2024-*-{kind}.csv"))
        if not files:
            raise FileNotFoundError(REAL)
        run_hexbeat("ingest", *map(str, files), "--source", source, "--home", str(home))


def run_hexbeat(*words: str) -> str:
    """What a command prints. CalledProcessError, with what it said, if it fails."""
    command = [sys.executable, "-m", "hexbeat", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout  # noqa: S603 - our own


def find_median(seconds: list[float]) -> float:
    """The median of the trivial clicks around something."""
    return statistics.median(seconds)
