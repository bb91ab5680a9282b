"""A filter's change to a painted map: HexLayer against folium.GeoJson, both in st_folium, in a real Chromium.

`python -m bench.map_redraw [--cells N ...]`. A real Streamlit server, with the same cells, values and colours, and the
map at the same zoom with all cells in view. Time runs from the click on the page's button until the frame after the new
cells are painted. Bytes are what the server sends on the WebSocket in that time.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Frame, Page, WebSocket, sync_playwright

from bench.report import Row, choose_exit_code, report
from tests.support.browser import FLAGS
from tests.support.chromium import find_chromium
from tests.support.servers import streamlit_server

APP: Final = Path(__file__).resolve().parent / "apps" / "map_redraw_app.py"
SIZES: Final = (500, 5_000, 20_000)
ROUNDS: Final = {"hexlayer": 9, "geojson": 4}
TIMEOUT_MS: Final = 180_000
# Ratios (time, bytes) that the design asks for.
TARGETS: Final = {5_000: (5, 50), 20_000: (20, 50)}

# Each frame, ask whether the wanted seed is painted; note the time one frame after it is.
WATCH: Final = """([way, seed]) => new Promise((resolve) => {
  const hexlayer = () => { const layer = window.Hexbeat && Hexbeat.layer('hex');
    return layer && layer.data.title === `Seed ${seed}` && Hexbeat.painted?.values === layer.data.values; };
  const geojson = () => window.map && Object.values(map._layers)
    .some((layer) => layer.feature && layer.feature.properties.seed === seed);
  const drawn = way === 'hexlayer' ? hexlayer : geojson;
  const look = () => drawn()
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(Date.now())))
    : requestAnimationFrame(look);
  look(); })"""


def main() -> int:
    """Measure every size; exit code 1 if a ratio misses the requirement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=list(SIZES), help="how many cells (default all sizes)")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    with streamlit_server(APP) as address, chromium_page() as page:
        rows = [compare(page, address, cells) for cells in options.cells]
    report({"targets": {str(cells): asked for cells, asked in TARGETS.items()}}, rows, options=options)
    return max(choose_row_exit_code(row) for row in rows)


@dataclass(frozen=True, slots=True)
class Change:
    """What one change of the filter takes: medians over rounds."""

    milliseconds: float
    bytes: float


@contextmanager
def chromium_page() -> Iterator[Page]:
    """A page of desktop width in the Chromium of the tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(TIMEOUT_MS)
        yield page
        browser.close()


def compare(page: Page, address: str, cells: int) -> Row:
    """Both ways with so many cells, and how many times HexLayer is faster and smaller."""
    ours, theirs = (measure(page, f"{address}/?cells={cells}&way={way}", way) for way in ROUNDS)
    return {
        "cells": cells,
        "HexLayer ms": round(ours.milliseconds),
        "GeoJson ms": round(theirs.milliseconds),
        "times faster": round(theirs.milliseconds / ours.milliseconds, 1),
        "HexLayer kB": round(ours.bytes / 1000, 1),
        "GeoJson kB": round(theirs.bytes / 1000, 1),
        "times fewer bytes": round(theirs.bytes / ours.bytes, 1),
    }


def measure(page: Page, address: str, way: str) -> Change:
    """Medians over the rounds, after one round to warm up."""
    received: list[int] = []

    def count(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(len(payload)))

    page.on("websocket", count)
    page.goto(address)
    page.wait_for_selector("iframe[title*='st_folium']")
    frame = next(frame for frame in page.frames if "streamlit_folium" in frame.url)
    frame.evaluate(WATCH, [way, 1])
    rounds = [run_round(page, frame, way, seed, received) for seed in range(2, ROUNDS[way] + 3)][1:]
    page.remove_listener("websocket", count)
    return Change(*(statistics.median(figures) for figures in zip(*rounds, strict=True)))


def run_round(page: Page, frame: Frame, way: str, seed: int, received: list[int]) -> tuple[int, int]:
    """Milliseconds and bytes of one change."""
    page.wait_for_timeout(600)  # for work that is left from the last round
    received.clear()
    click = "() => { const b = [...document.querySelectorAll('button')].find((b) => b.innerText === 'Filter'); \
b.click(); return Date.now(); }"
    started = page.evaluate(click)
    painted = frame.evaluate(WATCH, [way, seed])
    return painted - started, sum(received)


def choose_row_exit_code(row: Row) -> int:
    """The exit code for a row: sizes without a target always pass."""
    faster, fewer = TARGETS.get(row["cells"], (0, 0))
    return max(
        choose_exit_code(row["times faster"], faster, judged=True),
        choose_exit_code(row["times fewer bytes"], fewer, judged=True),
    )


if __name__ == "__main__":
    sys.exit(main())
