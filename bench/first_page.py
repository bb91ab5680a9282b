"""The first page: how many requests it makes and what they carry, beside a trivial page of Streamlit.

`python -m bench.first_page [--events N]`. A real server and a real Chromium with an empty cache open the Map page until
its script has ended and its map is painted, and the trivial page until it has ended; then each once more in the same
browser, whose cache is warm. What the Map page asks beyond the trivial one are the parts of Streamlit for its controls
and texts, and Hexbeat's own. The row *table* is what it asks later, once somebody has scrolled to the table. Bytes are
those of the answers as sent. Required: at most 45 requests more than the trivial page at the first visit, and 8 at
another one.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext

from bench.browser_walks import APP, DESK, make_demonstration, open_browser, serve_home
from bench.report import Row, report
from tests.support.browser import painted_frames
from tests.support.servers import AT_REST, sign_ins, streamlit_server

MOST_MORE: Final = {"first": 45, "again": 8}
QUIET_MS: Final = 1_500  # without a request, after the page's script has ended


def main() -> int:
    """Count the requests of both pages; exit code 1 if the Map page makes too many more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000, help="of the demonstration (default 20,000)")
    parser.add_argument("--paths", action="store_true", help="say on the error output what was asked")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        home = Path(folder) / "home"
        make_demonstration(home, options.events)
        with streamlit_server(APP) as url:
            trivial = visit_twice(browser, url, has_map=False)
        with serve_home(home) as url:
            own = visit_twice(browser, url, has_map=True)
    rows = [
        summarise(page, visit, requests)
        for page, visits in (("trivial", trivial), ("Map", own))
        for visit, requests in visits.items()
    ]
    if options.paths:
        for requests in own.values():
            print(*(f"{size:>9,} {kind:<10} {path}" for path, kind, size in requests), "", sep="\n", file=sys.stderr)
    more = {visit: len(own[visit]) - len(trivial[visit]) for visit in MOST_MORE}
    report({"more": more, "most": MOST_MORE}, rows, options=options)
    return int(any(more[visit] > most for visit, most in MOST_MORE.items()))


Request = tuple[str, str, int]


def visit_twice(browser: Browser, url: str, *, has_map: bool) -> dict[str, list[Request]]:
    """What a page asks at a first visit and at another one in the same browser; between them, what its table asks."""
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]  # a width and a height
    try:
        if cookie := sign_ins.get(url):
            name, _, value = cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": url}])
        first, table = visit(context, url, has_map=has_map)
        again, _ = visit(context, url, has_map=has_map)
        return {"first": first, "again": again} | ({"table": table} if has_map else {})
    finally:
        context.close()


def visit(context: BrowserContext, url: str, *, has_map: bool) -> tuple[list[Request], list[Request]]:
    """The path, kind and bytes of each request of a page until it is at rest, and then until its table is drawn."""
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    responses: dict[str, dict[str, Any]] = {}
    cdp.on(
        "Network.responseReceived", lambda event: responses.setdefault(event["requestId"], {"event": event, "bytes": 0})
    )
    cdp.on("Network.requestServedFromCache", lambda event: responses.pop(event["requestId"], None))

    def note(event: dict[str, Any]) -> None:
        if event["requestId"] in responses:
            responses[event["requestId"]]["bytes"] = event["encodedDataLength"]

    cdp.on("Network.loadingFinished", note)
    page.goto(url)
    page.wait_for_selector(AT_REST, timeout=60_000)
    if has_map:
        painted_frames(page, 1)
    page.wait_for_timeout(QUIET_MS)
    at_rest = list_requests(responses)
    responses.clear()
    if has_map:
        page.get_by_role("tabpanel").first.scroll_into_view_if_needed()
        page.wait_for_selector("[data-testid=stDataFrame] canvas", timeout=60_000)
        page.wait_for_timeout(QUIET_MS)
    page.close()
    return at_rest, list_requests(responses)


def list_requests(responses: dict[str, dict[str, Any]]) -> list[Request]:
    """The requests that went to the server, by their paths."""
    answers = [
        (response["event"]["response"], response["event"]["type"], int(response["bytes"]))
        for response in responses.values()
    ]
    return sorted(
        (urlsplit(answer["url"]).path, kind, size)
        for answer, kind, size in answers
        if answer["url"].startswith("http") and not answer.get("fromDiskCache")  # blobs are made in the page
    )


def summarise(page: str, visit: str, requests: list[Request]) -> Row:
    """Requests by kind, and bytes."""
    kinds = Counter(kind for _, kind, _ in requests)
    return {
        "page": page, "visit": visit, "requests": len(requests), "scripts": kinds["Script"],
        "styles": kinds["Stylesheet"], "fonts": kinds["Font"],
        "other": len(requests) - kinds["Script"] - kinds["Stylesheet"] - kinds["Font"],
        "kB": round(sum(size for _, _, size in requests) / 1000),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
