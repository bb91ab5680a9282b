"""The search box above the map, in a real Chromium on a real server."""

import re

import pytest
from playwright.sync_api import Frame, Page, expect

from hexbeat.areas.place_finder import find_one_place
from tests.support.browser import map_frame, wait_in_map
from tests.support.partners_side import Open, Served

pytestmark = pytest.mark.browser

NARROW = (320, 640)


def centre_of(frame: Frame) -> tuple[float, float, float]:
    lat, lng, zoom = frame.evaluate("[window.map.getCenter().lat, window.map.getCenter().lng, window.map.getZoom()]")
    return lat, lng, zoom


def small_map(page: Page) -> Frame:
    """The map under a box of places, which has no cells to wait for."""
    # A rerun may put another frame in the place of the first: wait by what is in it, then take the frame.
    page.frame_locator("iframe[title*='st_folium']").locator(".hexbeat-ward").first.wait_for(state="attached")
    frame = page.locator("iframe[title*='st_folium']").element_handle().content_frame()
    assert frame
    frame.wait_for_function("window.map && window.map.getSize().x > 0 && document.querySelector('.hexbeat-ward')")
    return frame


def search(page: Page, words: str) -> None:
    box = page.get_by_role("textbox", name="Find a place")
    box.fill(words)
    box.press("Enter")


def test_enter_goes_to_the_place_and_marks_it_and_keeps_the_filters(open_page: Open, served_app: Served) -> None:
    guest = open_page("/?period=year")
    page = guest.page
    sentence = guest.sentence.inner_text()
    search(page, "ts1 2aa")
    expect(page.get_by_role("status").filter(has_text="Marked on the map: TS1 2AA (Central)")).to_be_visible()
    place = find_one_place("ts1 2aa", served_app.area)
    wait_in_map(page, f"Math.abs(window.map.getCenter().lat - {place.lat}) < 1e-4 && window.map.getZoom() >= 16")
    frame = map_frame(page)
    assert centre_of(frame)[1] == pytest.approx(place.lon, abs=1e-4)
    expect(frame.locator(".hexbeat-found")).to_have_count(1)
    expect(frame.locator(".leaflet-tooltip").filter(has_text="TS1 2AA (Central)")).to_be_visible()
    guest.settle()
    assert guest.sentence.inner_text() == sentence
    expect(page).to_have_url(f"{served_app.url}/?period=year")  # neither the words nor the place

    # The person moves the map; a filter leaves it there.
    frame.evaluate("() => { window.map.setZoom(13, {animate: false}); }")
    guest.choose("shift", "Night")
    guest.settle()
    wait_in_map(page, "window.map.getZoom() === 13")
    expect(map_frame(page).locator(".hexbeat-found")).to_have_count(1)

    page.get_by_role("button", name="Show its card").press("Enter")
    expect(page.locator(".hb-card h2")).to_be_visible()
    expect(page).to_have_url(re.compile("cell="))

    map_frame(page).evaluate("() => { window.map.setView([54.5, -1.2], 17, {animate: false}); }")
    search(page, "central")  # a ward, and what else is named so
    expect(page.get_by_role("status").filter(has_text="Marked on the map: Central")).to_be_visible()
    ward = dict(zip(served_app.area.wards.names, served_app.area.wards.polygons, strict=True))["Central"]
    west, south, east, north = ward.bounds
    wait_in_map(page, f"window.map.getBounds().contains([[{south}, {west}], [{north}, {east}]])")
    assert centre_of(map_frame(page))[2] > 12
    search(page, "")
    expect(map_frame(page).locator(".hexbeat-found")).to_have_count(0)


def test_what_is_not_found_is_said_and_a_narrow_phone_has_it_all(open_page: Open) -> None:
    guest = open_page(size=NARROW)
    search(guest.page, "51.5, -0.12")
    expect(guest.page.get_by_text("That place lies outside Middlesbrough.")).to_be_visible()
    search(guest.page, "ts1 2aa")
    guest.page.get_by_role("button", name="Show its card").wait_for()
    guest.page.set_viewport_size({"width": 390, "height": NARROW[1]})
    alone = guest.page.get_by_role("textbox", name="Find a place").bounding_box()
    assert alone
    assert alone["width"] >= 390 / 2
    search(guest.page, "park road")
    expect(guest.page.get_by_role("combobox", name=re.compile("Which one"))).to_be_visible()
    guest.settle()
    assert guest.overflow() <= 0
    button = guest.page.get_by_role("button", name="Show its card")
    row = guest.page.locator(".st-key-map_search_row")
    for width in (NARROW[0], 390):
        guest.page.set_viewport_size({"width": width, "height": NARROW[1]})
        box, beside = guest.page.get_by_role("textbox", name="Find a place").bounding_box(), button.bounding_box()
        around = row.bounding_box()
        assert box
        assert beside
        assert around
        assert box["width"] >= width / 2  # wide enough to type again
        assert beside["y"] >= box["y"] + box["height"]  # below the box, not beside it
        assert beside["x"] + beside["width"] <= width
        assert around["height"] < 100  # two lines: the map moves by one
        assert row.evaluate("row => row.scrollWidth - row.clientWidth") <= 0
        assert guest.overflow() <= 0


def test_where_i_am_is_asked_only_when_pressed_and_only_with_permission(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    page = guest.page
    origin = served_app.url
    button = page.get_by_role("button", name="Where I am").first
    page.context.set_geolocation({"latitude": 54.57603, "longitude": -1.23501})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    button.press("Enter")
    refusal = "This browser may not say where you are. Allow it in its settings, or type a place."
    expect(page.get_by_text(refusal)).to_be_visible()
    page.context.grant_permissions(["geolocation"], origin=origin)
    button.press("Enter")
    expect(page.get_by_role("textbox", name="Find a place")).to_have_value("54.57603, -1.23501")
    wait_in_map(page, "Math.abs(window.map.getCenter().lat - 54.57603) < 1e-4")
    guest.settle()
    assert page.url.rstrip("/") == origin.rstrip("/")
    stored = [file for file in served_app.home.rglob("*") if file.is_file() and b"54.57603" in file.read_bytes()]
    assert stored == []


def test_a_press_on_the_map_under_the_box_fills_it(open_page: Open) -> None:
    guest = open_page("/evidence")
    page = guest.page
    assert page.locator("iframe[title*='st_folium']").count() == 0
    page.get_by_text("Choose on a map").click()
    guest.settle()
    frame = small_map(page)
    lat, lng, _ = centre_of(frame)
    middle = frame.evaluate("(({x, y}) => ({x: x / 2, y: y / 2}))(window.map.getSize())")
    frame.locator(".leaflet-container").click(position=middle)
    box = page.get_by_role("textbox", name="Place", exact=True)
    expect(box).to_have_value(re.compile(r"^54\.\d{5}, -1\.\d{5}$"))
    found = [float(part) for part in box.input_value().split(",")]
    assert found == pytest.approx([lat, lng], abs=2e-3)
    expect(small_map(page).locator("path[fill='#0057d9']")).to_have_count(1)  # the dot
