"""What a test wants of a map in a browser: on a Streamlit page or saved."""

import time
from contextlib import suppress
from typing import Any

from playwright.sync_api import Error, Frame, Page

PATIENCE_S = 60  # a safety net, not a promise
PAINTED = "() => window.Hexbeat && Hexbeat.painted && Hexbeat.painted.at"


def map_frame(page: Page) -> Frame:
    """The frame of the one streamlit-folium map of a page, once its cells are painted."""
    page.wait_for_selector("iframe[title*='st_folium']")
    return wait_until_painted(next(frame for frame in page.frames if "streamlit_folium" in frame.url))


def wait_until_painted(frame: Frame | None) -> Frame:
    """The frame, once its cells are painted."""
    assert frame
    frame.wait_for_function(PAINTED)
    return frame


def painted_frames(page: Page, many: int) -> list[Frame]:
    """The frames of all maps of a page, once there are so many and all are painted, wherever Streamlit remounts one."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        frames = [frame for frame in page.frames if "streamlit_folium" in frame.url]
        with suppress(Error):  # a frame that is just being replaced
            if len(frames) == many and all(frame.evaluate(PAINTED) for frame in frames):
                return frames
        page.wait_for_timeout(50)
    raise AssertionError(f"still waiting for {many} painted maps")


def wait_in_map(page: Page, script: str) -> None:
    """Wait for a script to be true in the page's one map, wherever Streamlit remounts it meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(Error):  # the frame was replaced after it was looked up
            if painted_frames(page, 1)[0].evaluate(script):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"still waiting for {script} in the map")


def wait_until(page: Page, script: str) -> None:
    """Wait for a script to be true, also on a page whose policy forbids the eval that Playwright's own wait needs."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(script):
        assert time.monotonic() < end, f"still waiting for {script}"
        page.wait_for_timeout(50)


def wait_for_repaint(frame: Frame, before: float) -> None:
    frame.wait_for_function(f"before => ({PAINTED})() > before", arg=before)


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
