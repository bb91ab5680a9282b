"""The slowest click of each page, as a ratio to a trivial page's click in the same run.

`python -m bench.page_clicks [--only PAGE ...] [--rounds N] [--events N]`. On a demonstration's server that has worked
out everything ahead, each page is opened in a new window, and each of its clicks is made `--rounds` times, with clicks
on the trivial page before and after. `first` is the first of them, which nobody has made since the server started;
`again` the median of the others. A click is over once the page's script has run to its end and what the click shows is
on the screen. Before it the page is quiet, so that no run of the click before is taken for its own. What a click does
for good is undone by the next one of its list. Pages that have nothing to press but files are not here.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil
from playwright.sync_api import Browser, Error, Locator

from bench.browser_walks import (
    TrivialPage,
    Walk,
    find_median,
    make_demonstration,
    open_browser,
    open_trivial_page,
    open_walk,
    serve_home,
)
from bench.load import find_server
from bench.report import Row, report

PREPARED_WITHIN_S: Final = 600
WORKER: Final = "preparation_worker"
Find = Callable[[Walk], Locator]
Press = tuple[str, Find, Find]  # its name, what is pressed, and what is on the screen then


def find_pill(group: str, text: str) -> Press:
    """A pill or part of a control with that key. The page has no other sign of it than that it is the chosen one."""
    pill = f".st-key-{group} [role=radio]"
    return (
        text,
        lambda walk: walk.page.locator(f".st-key-{group}").get_by_text(text, exact=True),
        lambda walk: walk.page.locator(f"{pill}[aria-checked=true]", has_text=text),
    )


def find_tab(text: str, shows: str) -> Press:
    """A tab of that name, and what it shows."""
    return (
        f"tab {text}",
        lambda walk: walk.page.get_by_role("tab", name=text, exact=True),
        lambda walk: walk.page.get_by_role("tabpanel").locator(shows),
    )


def find_button(text: str, shows: str) -> Press:
    """A button of that name, and what is there once it has been pressed."""
    return text, lambda walk: walk.button(text), lambda walk: walk.page.locator(shows)


# By page: its address, and its clicks, which lead back to where they began.
PAGES: Final[dict[str, tuple[str, tuple[Press, ...]]]] = {
    "Map": (
        "/",
        (
            find_pill("filter_period", "90 days"),
            find_pill("filter_period", "28 days"),
            find_pill("filter_layer", "Overdoses"),
            find_pill("filter_layer", "Needles"),
            find_pill("filter_view", "Hotspots"),
            find_pill("filter_view", "Change"),
            find_pill("filter_view", "Expected"),
            find_pill("filter_view", "Counts"),
            (
                "a place of the list",
                lambda walk: walk.page.locator(".hb-ranking button"),
                lambda walk: walk.page.locator(".hb-card"),
            ),
            find_tab("Records", "[data-testid=stDataFrame]"),  # those of that place
            find_button("Back to the list", ".hb-ranking button"),
            find_tab("Rhythm", ".hb-grid"),
            find_tab("Months", ".hb-months"),
            find_tab("Download", "[data-testid=stDownloadButton]"),
            find_tab("Table", "[data-testid=stDataFrame]"),
        ),
    ),
    "Analysis": (
        "/analysis",
        (
            find_tab("Rhythm", ".hb-grid"),
            find_tab("Back-test", ".hb-plain"),
            find_tab("Near repeats", ".hb-plain"),
            find_tab("Emerging", "iframe"),
        ),
    ),
    "Plan": (
        "/plan",
        (
            find_button("Make the plan", ".hb-stops"),
            find_button("Issue the plan", ".st-key-plan_withdraw button"),
            find_button("Withdraw it", ".st-key-plan_issue button"),
            find_button("Try a different plan", ".hb-stops"),
        ),
    ),
    "Briefing": ("/briefing", (find_pill("briefing_for", "Shift"), find_pill("briefing_for", "Daily meeting"))),
    "Did it work?": (
        "/outcome",
        (find_pill("outcome_layer", "Overdoses"), find_pill("outcome_layer", "Street dealing")),
    ),
    "Naloxone": (
        "/naloxone",
        (find_pill("naloxone_reach", "10 minutes on foot"), find_pill("naloxone_reach", "400 m")),
    ),
    "Audit": ("/audit", (find_button("Check the trail", "[role=status]:has-text('The trail is whole')"),)),
}


def main() -> int:
    """Click through every page, and print its slowest clicks first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PAGES, metavar="PAGE", help=f"some of: {', '.join(PAGES)}")
    parser.add_argument("--rounds", type=int, default=3, help="clicks of each kind (default 3)")
    parser.add_argument("--events", type=int, default=20_000, help="of the demonstration (default 20,000)")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser, open_trivial_page(browser) as trivial:
        home = Path(folder) / "home"
        make_demonstration(home, options.events)
        with serve_home(home) as url:
            wait_until_prepared(url)
            rows = [
                row
                for page in options.only or PAGES
                for row in click_through(browser, trivial, url, page, rounds=options.rounds)
            ]
    report({"events": options.events}, rows, options=options)
    failures = [row for row in rows if row["failed"]]
    for row in failures:
        print(f"missed: {row['page']}, {row['click']}: {row['failed']}", file=sys.stderr)
    return 1 if failures else 0


def wait_until_prepared(url: str) -> None:
    """Wait until the process that works results out ahead has begun and ended. TimeoutError if it never does."""
    server, end, has_begun = find_server(url), time.monotonic() + PREPARED_WITHIN_S, False
    while time.monotonic() < end:
        is_working = any(is_worker(child) for child in server.children())
        if has_begun and not is_working:
            return
        has_begun = has_begun or is_working
        time.sleep(0.5)
    raise TimeoutError("the results that are worked out ahead never came")


def is_worker(process: psutil.Process) -> bool:
    """Whether a process works results out ahead."""
    try:
        return any(WORKER in word for word in process.cmdline())
    except psutil.Error:
        return False


def click_through(browser: Browser, trivial: TrivialPage, url: str, page: str, *, rounds: int) -> list[Row]:
    """A row for each click of a page, the slowest first."""
    address, presses = PAGES[page]
    print(f"{page} …", file=sys.stderr, flush=True)
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in presses}
    around: list[float] = []
    failed: dict[str, str] = {}
    with open_walk(browser, url=url) as walk:
        for _ in range(rounds):
            walk.page.goto(url + address)  # each round begins as the page opens
            walk.see(walk.page.locator(".hb-facts"))
            walk.page.wait_for_load_state("networkidle")
            walk.rest()
            around += trivial.measure(3)
            for name, find, shows in presses:
                try:
                    seconds[name].append(time_press(walk, find(walk), shows(walk), name))
                except Error as error:
                    failed[name] = str(error).splitlines()[0]
        around += trivial.measure(3)
    base = find_median(around)
    rows: list[Row] = [
        {
            "page": page,
            "click": name,
            "first times": round(own[0] / base, 1),
            "again times": round(statistics.median(own[1:] or own) / base, 1),
            "again s": round(statistics.median(own[1:] or own), 2),
            "failed": failed.get(name, ""),
        }
        for name, own in seconds.items()
        if own
    ]
    rows.sort(key=lambda row: -row["again times"])
    never = [name for name, own in seconds.items() if not own]
    return [*rows, *({"page": page, "click": name, "failed": failed[name]} for name in never)]


def time_press(walk: Walk, target: Locator, shows: Locator, name: str) -> float:
    """Press something on a quiet page; the seconds until its script has run and what it shows is on the screen."""
    target.first.wait_for()
    walk.settle()
    started = time.perf_counter()
    walk.press(target, name=name)
    walk.see(shows)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
