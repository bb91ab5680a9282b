"""One change of the filter on the live map: from the click to painted cells, HexLayer against two usual ways.

`python -m bench.map_redraw [--cells N ...] [--rounds N]`. A real Streamlit server, with the same cells, values and
colours, and maps with all cells in view. The usual ways are `folium.GeoJson` in st_folium, to 20,000 cells, and
pydeck's H3HexagonLayer in `st.pydeck_chart`. Its deck.gl comes with Streamlit, and draws by SwiftShader here, as the
browser has no graphics card. Time runs from the click on the page's button until the frame after the new cells are
painted; of deck.gl, until the frame after its call that draws them. Bytes are what the server sends on the WebSocket in
that time. The ways take turns, each in a window of its own.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Frame, WebSocket, sync_playwright

from bench.report import Row, choose_exit_code, report
from tests.support.browser import FLAGS
from tests.support.chromium import find_chromium
from tests.support.servers import streamlit_server

APP: Final = Path(__file__).resolve().parent / "apps" / "map_redraw_app.py"
SIZES: Final = (1_250, 5_000, 20_000, 100_000)
WAYS: Final = ("hexlayer", "geojson", "pydeck")
MOST_GEOJSON: Final = 20_000  # cells; more take minutes
TIMEOUT_MS: Final = 180_000
# Targets: how many times as fast as GeoJson, as fast as pydeck, and how many times fewer bytes than GeoJson.
TARGETS: Final = {5_000: (10, 2, 50), 20_000: (50, 10, 50), 100_000: (0, 10, 0)}

# Each frame, ask whether the wanted seed is painted; note the time one frame after it is.
WATCH: Final = """([way, seed]) => new Promise((resolve) => {
  const hexlayer = () => { const layer = window.Hexbeat && Hexbeat.layer('hex');
    return layer && layer.data.title === `Seed ${seed}` && Hexbeat.painted?.values === layer.data.values; };
  const geojson = () => window.map && Object.values(map._layers)
    .some((layer) => layer.feature && layer.feature.properties.seed === seed);
  const pydeck = () => window.redrawn.is_drawn;
  const drawn = { hexlayer, geojson, pydeck }[way];
  const look = () => drawn()
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(Date.now())))
    : requestAnimationFrame(look);
  look(); })"""
# deck.gl says nothing when it has drawn. New colours are new bytes of a buffer, four a cell; the call after them draws.
HOOK: Final = """(cells) => {
  const calls = WebGL2RenderingContext.prototype;
  window.redrawn = { has_colours: false, is_drawn: false };
  const watch = (name, note) => { const own = calls[name];
    calls[name] = function (...words) { const done = own.apply(this, words); note(words); return done; }; };
  for (const name of ['bufferData', 'bufferSubData'])
    watch(name, (words) => { if (words.some((word) => word?.byteLength === 4 * cells)) redrawn.has_colours = true; });
  watch('drawArraysInstanced', ([, , , instances]) => {
    if (instances === cells && redrawn.has_colours) redrawn.is_drawn = true; });
}"""


def main() -> int:
    """Measure every size; exit code 1 if a ratio misses the requirement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=list(SIZES), help="how many cells (default all sizes)")
    parser.add_argument("--rounds", type=int, default=5, help="take the median of so many rounds (default 5)")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    with streamlit_server(APP) as address, chromium() as browser:
        rows = [compare(browser, address, cells, options.rounds) for cells in options.cells]
    report({"targets": {str(cells): times for cells, times in TARGETS.items()}}, rows, options=options)
    return max(choose_row_exit_code(row) for row in rows)


@dataclass(frozen=True, slots=True)
class Change:
    """What one change of the filter takes: medians over rounds."""

    milliseconds: float
    bytes: float


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of the tests, with WebGL by SwiftShader."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*FLAGS, "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        )
        yield browser
        browser.close()


def compare(browser: Browser, address: str, cells: int, rounds: int) -> Row:
    """All ways with so many cells, in turns, and how many times HexLayer is faster and smaller."""
    ways = [way for way in WAYS if way != "geojson" or cells <= MOST_GEOJSON]
    windows = {way: Window(browser, f"{address}/?cells={cells}&way={way}", way, cells) for way in ways}
    runs: dict[str, list[tuple[int, int]]] = {way: [] for way in ways}
    for seed in range(2, rounds + 3):
        for way, window in windows.items():
            runs[way].append(window.change(seed))
    for window in windows.values():
        window.close()
    # The first round is to warm up.
    changes = {way: Change(*map(statistics.median, zip(*runs[way][1:], strict=True))) for way in ways}
    ours = changes["hexlayer"]
    row: Row = {"cells": cells} | {f"{way} ms": round(change.milliseconds) for way, change in changes.items()}
    row |= {f"{way} kB": round(change.bytes / 1000, 1) for way, change in changes.items()}
    for way in ways[1:]:
        row[f"times {way}"] = round(changes[way].milliseconds / ours.milliseconds, 1)
        row[f"times {way}'s bytes"] = round(changes[way].bytes / ours.bytes, 1)
    return row


class Window:
    """A page of desktop width that shows one way."""

    def __init__(self, browser: Browser, address: str, way: str, cells: int) -> None:
        self.way, self.cells = way, cells
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(TIMEOUT_MS)
        self.received: list[int] = []
        self.page.on("websocket", self._count)
        if way == "pydeck":
            self.page.add_init_script(f"({HOOK})({cells})")
        self.page.goto(address)
        self.frame = self._find_frame()
        self.frame.evaluate(WATCH, [way, 1])

    def _count(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self.received.append(len(payload)))

    def _find_frame(self) -> Frame:
        if self.way == "pydeck":
            self.page.wait_for_selector("[data-testid=stDeckGlJsonChart] canvas")
            return self.page.main_frame
        self.page.wait_for_selector("iframe[title*='st_folium']")
        return next(frame for frame in self.page.frames if "streamlit_folium" in frame.url)

    def change(self, seed: int) -> tuple[int, int]:
        """Milliseconds and bytes of one change."""
        self.page.bring_to_front()
        self.page.wait_for_timeout(600)  # for work that is left from the last round
        self.received.clear()
        if self.way == "pydeck":
            self.frame.evaluate("() => Object.assign(redrawn, { has_colours: false, is_drawn: false })")
        click = "() => { const b = [...document.querySelectorAll('button')].find((b) => b.innerText === 'Filter'); \
b.click(); return Date.now(); }"
        started = self.page.evaluate(click)
        painted = self.frame.evaluate(WATCH, [self.way, seed])
        return painted - started, sum(self.received)

    def close(self) -> None:
        """Close the window."""
        self.page.close()


def choose_row_exit_code(row: Row) -> int:
    """The exit code for a row: sizes without a target always pass."""
    names = ("times geojson", "times pydeck", "times geojson's bytes")
    targets = zip(names, TARGETS.get(row["cells"], (0, 0, 0)), strict=True)
    return max(choose_exit_code(row[name], times, judged=True) for name, times in targets if name in row)


if __name__ == "__main__":
    sys.exit(main())
