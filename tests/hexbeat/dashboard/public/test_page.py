"""The public map in a browser: tapped, zoomed, walked by keyboard; and what it sends, which is what is published."""

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from hexbeat.dashboard.public.block_drawing import lay_out_release
from hexbeat.dashboard.public.page import BlockLayer, build_base_options, build_block_data
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from tests.hexbeat.dashboard.public.conftest import PUBLISHED
from tests.support.public_side import map_of, open_page, overflow, settle
from tests.support.releases import example_release

SCALE = "Number(document.querySelector('.leaflet-container') && Hexbeat.blockLayer('exampleton 1')._ground.getZoom())"


def test_the_layer_carries_what_is_published_and_nothing_else() -> None:
    published = ReleaseTotals(example_release(published=PUBLISHED))
    layer = published.release.layer("needle_litter")
    data = build_block_data(published, lay_out_release(published), layer, layer.periods[0], "E05000001")
    assert data["words"] == [
        "7 needle finds in this part of Abbey, January to March 2026.",
        "5 needle finds elsewhere in this wider part of Abbey, January to March 2026.",
        "6 needle finds in this wider part of Abbey, January to March 2026.",
        "9 needle finds elsewhere in Exampleton, January to March 2026.",
    ]
    assert data["owners"] == [0, 1, 2, 2, 3, 3, 3, 3]
    assert data["fills"] == ["c0", "rest-part", "rest-part", "rest-part", *["rest-area"] * 4]
    assert data["nothing"] == "None, or too few to show here, January to March 2026."
    assert data["fit"] == [[54.56, -1.24], [54.57, -1.2]]


def test_names_of_a_release_are_data_in_the_script() -> None:
    hostile = '</script><script>{{ 7 * 7 }}{% raw %}"'
    script = BlockLayer({"title": hostile}).data_script()
    assert "<" not in script
    assert "{{" not in script
    assert "{%" not in script
    assert json.loads(script) == {"title": hostile}


@pytest.mark.browser
def test_a_tap_says_the_level_and_the_number_and_runs_nothing(visitor: Page, address: str) -> None:
    open_page(visitor, address)
    said = map_of(visitor).locator(".hp-said")
    expect(said).to_have_text("Tap a place on the map to read its number.")
    runs: list[str] = []
    visitor.on("websocket", lambda socket: runs.append(socket.url))
    map_of(visitor).locator(".hp-place").nth(4).click()
    expect(said).to_have_text("45 needle finds in this part of Bridge, April to June 2026.")
    map_of(visitor).locator(".hp-place").nth(1).click()
    expect(said).to_have_text("6 needle finds elsewhere in Abbey, April to June 2026.")
    map_of(visitor).locator(".hp-place").nth(7).click()
    expect(said).to_have_text("None, or too few to show here, April to June 2026.")
    expect(visitor.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert runs == []
    assert overflow(visitor) <= 0


@pytest.mark.browser
def test_the_first_tap_of_a_finger_hits_although_half_the_map_is_below_the_screen(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_page(page, address)
    place = map_of(page).locator(".hp-place").nth(4)
    box = place.bounding_box()
    ground = map_of(page).locator(".leaflet-container").bounding_box()
    assert box
    assert ground
    assert ground["y"] + ground["height"] > 640
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(map_of(page).locator(".hp-said")).to_have_text("45 needle finds in this part of Bridge, April to June 2026.")
    expect(map_of(page).locator(".hp-said")).to_be_in_viewport(ratio=1)
    context.close()


@pytest.mark.browser
def test_the_map_is_walked_by_keyboard_and_keeps_its_zoom_through_a_filter(visitor: Page, address: str) -> None:
    open_page(visitor, address)
    ground = map_of(visitor).locator(".leaflet-container")
    said = map_of(visitor).locator(".hp-said")
    ground.press("Alt+ArrowLeft")
    first = said.text_content()
    assert re.fullmatch(r"[\d,]+ needle finds (in this part of|elsewhere in) .*, April to June 2026\.", first or "")
    walked = {first}
    for key in ("Alt+ArrowLeft", "Alt+ArrowRight", "Alt+ArrowRight", "Alt+ArrowRight"):
        ground.press(key)
        walked.add(said.text_content())
    assert "45 needle finds in this part of Bridge, April to June 2026." in walked
    assert len(walked) == 3
    inside = visitor.frames[-1]
    before = inside.evaluate(SCALE)
    ground.press("+")
    inside.wait_for_function(f"{SCALE} > {before}")
    zoomed = inside.evaluate(SCALE)
    visitor.get_by_role("slider").press("ArrowLeft")
    expect(said).to_have_text("Tap a place on the map to read its number.")
    settle(visitor)
    assert inside.evaluate(SCALE) == zoomed
    ground.press("Escape")


@pytest.mark.browser
def test_a_ward_moves_the_map_and_names_it(visitor: Page, address: str) -> None:
    open_page(visitor, address)
    whole = visitor.frames[-1].evaluate(SCALE)
    visitor.get_by_role("combobox", name="Ward").click()
    visitor.get_by_role("option", name="Abbey").click()
    expect(visitor.locator(".hp-lead")).to_have_text(
        "Between April and June 2026, 18 needle finds were recorded in Abbey."
    )
    visitor.frames[-1].wait_for_function(f"{SCALE} > {whole}")
    name = "Map of needle finds in Abbey, April to June 2026. The table of places says the same."
    expect(visitor.locator(".st-key-hp_map iframe")).to_have_attribute("title", name)
    expect(map_of(visitor).get_by_role("application", name=name)).to_be_visible()


@pytest.mark.browser
def test_a_layer_of_the_whole_area_is_one_place(visitor: Page, address: str) -> None:
    open_page(visitor, f"{address}/?layer=closed_properties&ward=E05000002")
    expect(visitor.locator(".hp-lead")).to_have_text(
        "Closed properties are shown for Exampleton as a whole only, not for its wards."
    )
    map_of(visitor).locator(".hp-place").click()
    expect(map_of(visitor).locator(".hp-said")).to_have_text("31 closed properties in Exampleton as a whole, 2025.")


def test_the_public_map_has_tiles_only_if_the_settings_give_them_to_the_public(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"id": "x 3", "tiles": None, "attribution": []}
    assert build_base_options("x 3") == nothing
    monkeypatch.setenv("HEXBEAT_TILES", "https://t.example.gov.uk/wms?layers=roads")
    monkeypatch.setenv("HEXBEAT_TILES_ATTRIBUTION", "© A council")
    assert build_base_options("x 3") == nothing
    monkeypatch.setenv("HEXBEAT_TILES_PUBLIC", "yes")
    options = build_base_options("x 3")
    assert options["attribution"] == ["© A council"]
    assert options["tiles"]["address"] == "https://t.example.gov.uk/wms"
    assert options["tiles"]["wms"]["layers"] == "roads"
