"""Each job in a browser, as a person does it: clicks and seconds, cold and warm, against a trivial page's click.

`python -m bench.journeys [--only JOB ...] [--events N]`. A job begins at an address, as a bookmark or a link has it,
and ends when its answer is on the screen. `cold` is the first visit of a server that has just started, `warm` the next
one in a new window. A step is a press, or a field that is filled. The trivial page has seven pills and one line; its
click is measured in the same run, because seconds alone say more of a machine than of a page. Exit code 1 if a job
does not come to its end.
"""

import argparse
import datetime as dt
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from bench.report import Row, report
from tests.support.browser import FLAGS
from tests.support.chromium import find_chromium
from tests.support.servers import AT_REST, hexbeat_server, sign_ins, streamlit_server

APP: Final = Path(__file__).resolve().parent / "apps" / "trivial_app.py"
PATIENCE_MS: Final = 120_000
DESK: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 390, "height": 844}
PLACE: Final = "54.574, -1.235"
TRIVIAL_CLICKS: Final = 9


@dataclass
class Walk:
    """One person's way through a job: every step is counted, and waits until its effect can be seen."""

    page: Page
    home: Path
    steps: int = 0

    def press(self, target: Locator, sees: Locator | None = None) -> None:
        """Press something, and wait for what it shows."""
        self.steps += 1
        target.first.click()
        if sees is not None:
            self.see(sees)

    def fill(self, label: str, text: str) -> None:
        """Fill a field and leave it; the page takes it up."""
        self.steps += 1
        field = self.page.get_by_label(label, exact=True).first
        field.fill(text)
        field.press("Enter")
        self.rest()

    def see(self, target: Locator) -> None:
        """Wait until something is visible."""
        target.first.wait_for()

    def rest(self) -> None:
        """Wait until the page's script has run to its end."""
        self.page.locator(AT_REST).wait_for()

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """The buttons of a name."""
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def download(self, name: str) -> None:
        """Press a button that gives a file, and wait for the file."""
        self.steps += 1
        with self.page.expect_download() as coming:
            self.button(name).first.click()
        coming.value.path()


@dataclass(frozen=True)
class Job:
    """A job: where it begins, and how it is done.

    `prepare` runs before, on the home, and answers the address; `again` runs between the visits. Neither is counted.
    """

    address: str
    do: Callable[[Walk], None]
    size: dict[str, int] | None = None
    prepare: Callable[[Path], str] | None = None
    again: Callable[[Path], None] | None = None


def plan_patrol(walk: Walk) -> None:
    """Make a plan for the next shift and issue it."""
    walk.press(walk.button("Make the plan"), walk.page.locator(".hb-stops"))
    walk.press(walk.button("Issue the plan"), walk.page.get_by_text(re.compile("^Issued on ")))


def plan_sweep(walk: Walk) -> None:
    """Make a plan for one crew from its own start, and take its file."""
    walk.fill("Start and finish", PLACE)
    walk.press(walk.button("Make the plan"), walk.page.locator(".hb-stops"))
    walk.rest()
    walk.download("GPX of Crew 1")


def record_stop(walk: Walk) -> None:
    """Tap once on the phone."""
    walk.see(walk.button("Done"))
    before = walk.page.locator(".hb-done-progress b").inner_text()
    walk.press(walk.button("Done"), walk.page.locator(".hb-done-progress b").filter(has_not_text=before))


def take_return(walk: Walk) -> None:
    """Take the return of the quarter as a workbook."""
    walk.see(walk.button("Excel"))
    walk.download("Excel")


def ask_of_hotspot(walk: Walk) -> None:
    """Open the first hotspot of the list, to see whether it is real."""
    walk.press(walk.page.locator(".hb-ranking button"), walk.button(re.compile("Back to the list")))


def make_evidence(walk: Walk) -> None:
    """A pack for a case, at a postcode."""
    walk.fill("Place", "TS1 2PA")
    for label, text in (("Case", "CL-14"), ("Made by", "A. Analyst")):
        walk.steps += 1
        walk.page.get_by_label(label, exact=True).fill(text)
    walk.press(walk.button("Make the pack"), walk.page.get_by_text(re.compile(r"within 100 metres of the place")))


def take_briefing(walk: Walk) -> None:
    """Read the briefing and print it."""
    walk.see(walk.page.locator(".hb-sentence"))
    walk.rest()
    walk.download("PDF to print")


def read_sentence(walk: Walk) -> None:
    """Read the sentence of the screen, whose map is drawn."""
    walk.see(walk.page.locator(".hb-sentence"))
    walk.see(walk.page.frame_locator("iframe[title*='st_folium']").locator(".leaflet-container"))
    walk.rest()


def read_alerts(walk: Walk) -> None:
    """See the alerts over the map, or that there are none."""
    walk.see(walk.page.locator(".hb-alert, .hb-quiet, .hb-sentence"))
    walk.rest()


def ask_as_councillor(walk: Walk) -> None:
    """Find a park on the public page."""
    walk.steps += 1
    box = walk.page.get_by_role("searchbox").first
    box.fill("acklam road")
    box.press("Enter")
    found = walk.page.get_by_role("list", name="Places of that name").get_by_role("button")
    answer = walk.page.locator("#hp-picked").filter(has_text=re.compile("^Around "))
    walk.see(found.or_(answer))
    if found.count():
        walk.press(found, answer)


def load_file(walk: Walk) -> None:
    """Check a file and load it."""
    rows = "layer,source_id,lon,lat,occurred_from\nneedle_litter,j1,-1.2345,54.5742,2026-03-20 14:05\n"
    walk.steps += 1
    walk.page.locator("input[type=file]").first.set_input_files(
        {"name": "finds.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    walk.press(walk.button("Check the file"), walk.page.get_by_role("region", name="What would change"))


def prepare_plan(home: Path) -> str:
    """Issue a patrol for the hours around now; the address of its first team."""
    now = dt.datetime.now().astimezone()
    begin, end = ((now + dt.timedelta(hours=hours)).hour for hours in (-1, 5))
    answer = run_hexbeat(
        "plan", "patrol", "--home", str(home), "--day", f"{now - dt.timedelta(hours=1):%Y-%m-%d}", "--hours",
        f"{begin}-{end}", "--teams", "1", "--start", PLACE, "--issue", "--format", "json",
    )  # fmt: skip
    return f"/done?plan={json.loads(answer)['plan_id']}&team=Team%201"


def withdraw_plans(home: Path) -> None:
    """Withdraw what the visit before issued: the same choices give the same plan."""
    for row in json.loads(run_hexbeat("plan", "list", "--home", str(home), "--format", "json"))["rows"]:
        run_hexbeat("plan", "withdraw", row["plan"], "--home", str(home))


# Every job of the house. A page that changes keeps its line here true.
JOBS: Final = {
    "first screen": Job("/", read_sentence),
    "patrol": Job("/plan", plan_patrol, again=withdraw_plans),
    "sweep": Job("/plan?kind=sweep", plan_sweep),
    "record a stop": Job("", record_stop, PHONE, prepare_plan),
    "return": Job("/done", take_return),
    "is this hotspot real?": Job("/?view=hotspots", ask_of_hotspot),
    "evidence pack": Job("/evidence", make_evidence),
    "briefing": Job("/briefing", take_briefing),
    "forecast": Job("/?view=expected", read_sentence),
    "alerts": Job("/?layers=overdoses", read_alerts),
    "load a file": Job("/data", load_file),
    "councillor": Job("", ask_as_councillor, PHONE),
}


def main() -> int:
    """Walk every job and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=JOBS, metavar="JOB", help=f"some of: {', '.join(JOBS)}")
    parser.add_argument("--events", type=int, default=20_000, help="of the demonstration (default 20,000)")
    parser.add_argument(
        "--home", type=Path, help="a store to copy instead of the demonstration, such as of real months"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        trivial_s = measure_trivial_click(browser)
        rows = [walk_job(browser, name, Path(folder), options, trivial_s) for name in options.only or JOBS]
    figures = {"events": options.events, "trivial click s": round(trivial_s, 3)}
    report(figures, rows, options=options)
    failures = [row for row in rows if row["failed"]]
    for row in failures:
        print(f"missed: {row['job']}: {row['failed']}", file=sys.stderr)
    return 1 if failures else 0


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The Chromium of the tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


def measure_trivial_click(browser: Browser) -> float:
    """Seconds from a click on a pill of the trivial page until its line has changed: the median, warm."""
    seconds = []
    with streamlit_server(APP) as url:
        page = browser.new_page(viewport=DESK)
        page.goto(url)
        for number, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue")[:TRIVIAL_CLICKS]):
            pill = page.get_by_role("button", name=day).or_(page.get_by_text(day, exact=True)).first
            pill.wait_for()
            expected = number + 1 if number < 7 else 13 - number  # of seven pills, some are pressed again
            started = time.perf_counter()
            pill.click()
            page.get_by_text(f"{expected} days", exact=True).wait_for()
            seconds.append(time.perf_counter() - started)
        page.close()
    return statistics.median(seconds[1:])


def walk_job(browser: Browser, name: str, folder: Path, options: argparse.Namespace, trivial_s: float) -> Row:
    """Both visits of a job on a server of its own."""
    job, home = JOBS[name], folder / re.sub(r"\W", "", name)
    print(f"{name} …", file=sys.stderr, flush=True)
    row: Row = {
        "job": name,
        "steps": 0,
        "cold s": 0.0,
        "warm s": 0.0,
        "cold times": 0.0,
        "warm times": 0.0,
        "failed": "",
    }
    try:
        if name == "councillor":
            make_home(home, options)
            address = make_public_page(home)
            visits = [walk_once(browser, address, job, home) for _ in range(2)]
        else:
            make_home(home, options)
            path = job.prepare(home) if job.prepare else job.address
            environment = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
            with hexbeat_server(environment=environment, prepares=True) as url:
                visits = [walk_once(browser, url + path, job, home, cookie=sign_ins.get(url))]
                if job.again:
                    job.again(home)
                visits.append(walk_once(browser, url + path, job, home, cookie=sign_ins.get(url)))
    except (Error, subprocess.CalledProcessError, AssertionError, TimeoutError) as error:
        return row | {"failed": str(error).strip().splitlines()[0]}
    (steps, cold_s), (_, warm_s) = visits
    seconds = {"cold s": round(cold_s, 2), "warm s": round(warm_s, 2)}
    times = {"cold times": round(cold_s / trivial_s, 1), "warm times": round(warm_s / trivial_s, 1)}
    return row | {"steps": steps} | seconds | times


def make_home(home: Path, options: argparse.Namespace) -> None:
    """A store for one job: the demonstration, or a copy of the store that was named."""
    if options.home:
        subprocess.run(["cp", "-r", str(options.home), str(home)], check=True)  # noqa: S603, S607 - our own folders
    else:
        run_hexbeat("demo", "--events", str(options.events), "--home", str(home))


def make_public_page(home: Path) -> str:
    """Build a release of this store and its page; the address of the page."""
    release, site = home.parent / "release", home.parent / "site"
    run_hexbeat("release", "build", "--home", str(home), "--out", str(release))
    run_hexbeat("release", "site", str(release), "--out", str(site))
    return (site / "index.html").as_uri()


def walk_once(browser: Browser, address: str, job: Job, home: Path, *, cookie: str | None = None) -> tuple[int, float]:
    """Steps and seconds of one visit in a new window."""
    context = browser.new_context(viewport=job.size or DESK, accept_downloads=True)
    if cookie:
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    walk = Walk(page, home)
    started = time.perf_counter()
    page.goto(address)
    job.do(walk)
    seconds = time.perf_counter() - started
    context.close()
    return walk.steps, seconds


def run_hexbeat(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "hexbeat", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main())
