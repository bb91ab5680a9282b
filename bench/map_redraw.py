"""A filter's change to a painted map: HexLayer against folium.GeoJson, both in st_folium, in a real Chromium.

`python -m bench.map_redraw [--out FILE.json]`. A real Streamlit server; the same cells, values and colours; the map at
the same zoom with all cells in sight. Time runs from the click on the page's button until the frame after the new
cells are painted; bytes are what the server sends on the WebSocket in that time.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Frame, Page, WebSocket, sync_playwright

from tests.support.browser import FLAGS
from tests.support.chromium import find_chromium
from tests.support.streamlit_server import streamlit_server

APP: Final = Path(__file__).resolve().parent / "apps" / "map_redraw_app.py"
SIZES: Final = (500, 5_000, 20_000)
ROUNDS: Final = {"hexlayer": 9, "geojson": 5}
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


def main() -> None:
    """Measure every size, print the table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    with streamlit_server(APP) as address, chromium_page() as page:
        figures = [{"cells": cells, **compare(page, address, cells)} for cells in SIZES]
    print_table(figures)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


@contextmanager
def chromium_page() -> Iterator[Page]:
    """A page of a desk's width in the Chromium of the tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(TIMEOUT_MS)
        yield page
        browser.close()


def compare(page: Page, address: str, cells: int) -> dict[str, Any]:
    """Both ways with so many cells, and how many times ours is faster and smaller."""
    ways = {way: measure(page, f"{address}/?cells={cells}&way={way}", way) for way in ROUNDS}
    ours, theirs = ways["hexlayer"], ways["geojson"]
    return {
        **ways,
        "times_faster": round(theirs["ms"] / ours["ms"], 1),
        "times_fewer_bytes": round(theirs["bytes"] / ours["bytes"], 1),
    }


def measure(page: Page, address: str, way: str) -> dict[str, Any]:
    """Medians over the rounds, after one to warm up."""
    received: list[int] = []

    def count(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(len(payload)))

    page.on("websocket", count)
    page.goto(address)
    page.wait_for_selector("iframe[title*='st_folium']")
    frame = next(frame for frame in page.frames if "streamlit_folium" in frame.url)
    frame.evaluate(WATCH, [way, 1])
    rounds = [one_round(page, frame, way, seed, received) for seed in range(2, ROUNDS[way] + 3)][1:]
    page.remove_listener("websocket", count)
    times = [time for time, _ in rounds]
    return {
        "ms": statistics.median(times),
        "ms_all": times,
        "bytes": statistics.median(size for _, size in rounds),
    }


def one_round(page: Page, frame: Frame, way: str, seed: int, received: list[int]) -> tuple[int, int]:
    """Milliseconds and bytes of one change."""
    page.wait_for_timeout(600)  # whatever the last round left undone
    received.clear()
    click = "() => { const b = [...document.querySelectorAll('button')].find((b) => b.innerText === 'Filter'); \
b.click(); return Date.now(); }"
    started = page.evaluate(click)
    painted = frame.evaluate(WATCH, [way, seed])
    return painted - started, sum(received)


def print_table(figures: list[dict[str, Any]]) -> None:
    """The figures as a table, with what was asked for."""
    print(f"{'cells':>7} {'HexLayer':>18} {'folium.GeoJson':>22} {'faster':>8} {'fewer bytes':>12}  asked for")
    for row in figures:
        ours, theirs = row["hexlayer"], row["geojson"]
        asked = TARGETS.get(row["cells"])
        verdict = "" if asked is None else f">= {asked[0]}x, >= {asked[1]}x: {'met' if meets(row) else 'MISSED'}"
        print(
            f"{row['cells']:>7,} {ours['ms']:>6.0f} ms {ours['bytes'] / 1000:>5.1f} kB "
            f"{theirs['ms']:>10.0f} ms {theirs['bytes'] / 1000:>5.0f} kB "
            f"{row['times_faster']:>7.1f}x {row['times_fewer_bytes']:>11.1f}x  {verdict}"
        )


def meets(row: dict[str, Any]) -> bool:
    """Whether a row reaches both of its targets."""
    faster, smaller = TARGETS[row["cells"]]
    return bool(row["times_faster"] >= faster and row["times_fewer_bytes"] >= smaller)


if __name__ == "__main__":
    main()
