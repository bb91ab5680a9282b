"""The live map, as it stands on a Streamlit page in a real Chromium."""

import re

import h3.api.basic_int as h3
import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from hexbeat.areas.area import load_area
from hexbeat.areas.street_names import name_cell
from hexbeat.dashboard.map.hex_layer import build_geometry
from hexbeat.documents.maps.scales import build_count_scale
from tests.support.browser import (
    Windows,
    centres,
    colours_at,
    go_to_map,
    on_screen,
    painted_frames,
    requests_of,
    wait_for_repaint,
)
from tests.support.paths import ROOT

pytestmark = pytest.mark.browser

APP = ROOT / "tests" / "support" / "apps" / "map_app.py"
SIZE = (1100, 800)
SCALE = build_count_scale(31)


def class_of(value: float) -> int:
    return int(np.searchsorted(SCALE.breaks, value, side="right")) - 1


def cell_string(place: dict[str, float]) -> str:
    return h3.int_to_str(h3.latlng_to_cell(place["lat"], place["lng"], 9))


def in_view(frame: Frame, drawn: list[dict[str, float]]) -> list[dict[str, float]]:
    """Cells near the middle of the map, clear of its controls."""
    places = [(cell, on_screen(frame, cell["lat"], cell["lng"])) for cell in drawn]
    return [cell for cell, place in places if 350 < place["x"] < 800 and 100 < place["y"] < 400]


def test_nothing_is_loaded_from_elsewhere_and_nothing_fails(page: Page, address: str) -> None:
    requests, failures = requests_of(page), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda response: response.status >= 400 and failures.append(response.url))
    go_to_map(page, address)
    assert [
        url for url in requests if not url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
    ] == []
    assert failures == []
    scripts = [url for url in requests if "/component/hexbeat.dashboard.map.assets" in url]
    assert [re.sub(r".*/([a-z]+)-[0-9a-f]{16}\.js", r"\1", url) for url in scripts] == ["map", "streets"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_cell_is_painted_in_its_colour_at_its_place(windows: Windows, address: str, theme: str) -> None:
    page = windows.take(address, scheme=theme)
    frame = go_to_map(page, address)
    frame.wait_for_function("dark => Hexbeat.isDark() === dark", arg=theme == "dark")
    drawn = centres(frame)
    assert len(drawn) > 100
    assert colours_at(frame, drawn) == [getattr(SCALE, theme)[class_of(cell["value"])] for cell in drawn]
    windows.leave(page)


def test_values_belong_to_the_cells_that_python_sent(still: Frame) -> None:
    cells = h3.grid_disk(h3.latlng_to_cell(54.548, -1.23, 9), 8)
    random = np.random.default_rng(1)
    values = np.floor(random.exponential(4, len(cells))) * (random.random(len(cells)) < 0.8)
    sent = {h3.int_to_str(cell): value for cell, value in zip(cells, values.tolist(), strict=True) if value >= 1}
    assert {cell_string(place): place["value"] for place in centres(still)} == sent


def test_the_pointer_finds_the_same_cell_as_h3(still: Frame) -> None:
    random = np.random.default_rng(7)
    places = (np.array([54.548, -1.23]) + random.normal(size=(1000, 2)) * [0.015, 0.025]).tolist()
    script = """places => { const layer = Hexbeat.layer('hex');
      return places.map(([lat, lng]) => { const cell = layer.cellAt({lat, lng});
        return cell < 0 ? null : [layer.centreOf(cell).lat, layer.centreOf(cell).lng]; }); }"""
    found = [None if at is None else h3.latlng_to_cell(*at, 9) for at in still.evaluate(script, places)]
    with_values = {h3.latlng_to_cell(cell["lat"], cell["lng"], 9) for cell in centres(still)}
    direct = [h3.latlng_to_cell(lat, lon, 9) for lat, lon in places]
    assert found == [cell if cell in with_values else None for cell in direct]
    assert 200 < sum(cell is not None for cell in found) < 1000


def test_several_lattices_and_outlines_are_one_layer_to_the_pointer(still: Frame) -> None:
    """Where two faces of the icosahedron meet each has a lattice, and the cells on the edge are outlines."""
    cells = np.array(h3.grid_disk(h3.latlng_to_cell(52.61, 4.4, 6), 12), dtype=np.uint64)
    geometry, order = build_geometry(cells)
    assert ["mask" in part for part in geometry["parts"]] == [True] * (len(geometry["parts"]) - 1) + [False]
    script = """([data, places]) => { const geometry = Hexbeat.geometry(data);
      return [geometry.count, places.map(([lat, lng]) => geometry.hit({lat, lng}))]; }"""
    places = [list(h3.cell_to_latlng(cell)) for cell in cells[order].tolist()]
    outside = [list(h3.cell_to_latlng(cell)) for cell in h3.grid_ring(int(cells[0]), 13)]
    count, found = still.evaluate(script, [geometry, places + outside])
    assert count == len(cells)
    assert found == [*range(len(cells)), *[-1] * len(outside)]


def test_a_click_reaches_python_once_and_keeps_its_ring(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    first, second = in_view(frame, centres(frame))[:2]
    for times, cell in enumerate((first, second, second), start=1):
        frame.locator("#map_div").click(position=on_screen(frame, cell["lat"], cell["lng"]))
        expect(page.get_by_text(f"chosen {cell_string(cell)}, {times} times;")).to_be_visible()
        expect(frame.locator(".hexbeat-chosen")).to_have_count(1)
    page.get_by_label("Seed").fill("2")
    page.get_by_label("Seed").press("Enter")
    expect(page.get_by_text(f"chosen {cell_string(second)}, 3 times;")).to_be_visible()
    expect(frame.locator(".hexbeat-chosen")).to_have_count(1)


def test_a_click_beside_the_cells_chooses_nothing(still: Frame) -> None:
    still.locator("#map_div").click(position={"x": 300, "y": 60})
    still.wait_for_timeout(400)
    expect(still.page.get_by_text("chosen nothing, 0 times;")).to_be_visible()


def test_panning_and_zooming_run_nothing(moved: Frame) -> None:
    frame, page = moved, moved.page
    expect(page.get_by_text(re.compile(r"runs \d;"))).to_be_visible()
    page.wait_for_timeout(700)
    before = page.get_by_text(re.compile(r"runs \d;")).inner_text()
    frame.locator(".leaflet-control-zoom-in").click()
    frame.evaluate("() => { map.panBy([80, 40]); }")
    # Far out a cell has a few pixels, which are set one by one: each in the colour of its cell, and none left out.
    frame.evaluate("() => { map.setView([54.548, -1.23], 10, {animate: false}); }")
    drawn = centres(frame)
    assert (
        frame.evaluate("""() => { const {corners, centres} = Hexbeat.layer('hex').geometry;
      return Math.hypot(corners[0] - centres[0], corners[1] - centres[1]) * 256 * 2 ** map.getZoom(); }""")
        < 3.5
    )
    assert colours_at(frame, drawn) == [SCALE.light[class_of(cell["value"])] for cell in drawn]
    page.wait_for_timeout(900)
    assert page.get_by_text(re.compile(r"runs \d;")).inner_text() == before


def test_a_filter_changes_the_cells_and_neither_zoom_nor_page(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    frame.evaluate("() => { window.sameMap = true; map.setView([54.55, -1.22], 14.5, {animate: false}); }")
    values, before = centres(frame), frame.evaluate("Hexbeat.painted.at")
    page.get_by_label("Seed").fill("5")
    page.get_by_label("Seed").press("Enter")
    wait_for_repaint(frame, before)
    assert centres(frame) != values
    assert frame.evaluate("[map.getZoom(), window.sameMap, document.querySelectorAll('.hexbeat-canvas').length]") == [
        14.5,
        True,
        1,
    ]
    assert frame.evaluate("window.feature_group.length") <= 2


REDRAW = """() => { const layer = Hexbeat.layer('hex'); map.removeLayer(layer); map.addLayer(layer); }"""


def test_names_are_placed_again_only_where_the_legend_has_changed(still: Frame) -> None:
    still.evaluate("() => { window.placed = map.hexbeat.nameBoxes; }")
    still.evaluate(REDRAW)
    still.wait_for_timeout(200)
    assert still.evaluate("map.hexbeat.nameBoxes === window.placed")
    still.evaluate("() => { Hexbeat.layer('hex').data.labels[0] = 'a label as long as the name of a ward'; }")
    still.evaluate(REDRAW)
    still.wait_for_function("map.hexbeat.nameBoxes !== window.placed")


def test_what_is_painted_in_one_step_is_shown_in_it(still: Frame) -> None:
    """Also where the step took longer than a frame has for it: the next frame would be a frame too late."""
    at_once = still.evaluate("""() => { const layer = Hexbeat.layer('hex'), { _jobs, _paintChunk } = layer;
      layer._jobs = () => [{}];
      layer._paintChunk = () => { const from = performance.now(); while (performance.now() - from < 12); };
      Hexbeat.painted = null;
      layer._update();
      Object.assign(layer, { _jobs, _paintChunk });
      return Hexbeat.painted !== null; }""")
    still.evaluate("() => Hexbeat.layer('hex')._update(true)")
    assert at_once


@pytest.mark.parametrize("zoom", [10, 13])
def test_nothing_of_an_earlier_painting_is_left(moved: Frame, zoom: int) -> None:
    """Far out pixels are set, nearer paths are drawn: both on the canvas of the painting before."""
    inked = """() => { const canvas = map.getPane('hexbeat-cells').querySelector('canvas');
      const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels.some((value) => value > 0); }"""
    moved.evaluate("(zoom) => { map.setView([54.548, -1.23], zoom, { animate: false }); }", zoom)
    moved.evaluate("() => Hexbeat.layer('hex')._update(true)")
    assert moved.evaluate(inked)
    moved.evaluate("() => { const layer = Hexbeat.layer('hex'); layer.classes.fill(0); layer._update(true); }")
    assert not moved.evaluate(inked)


def test_zoom_and_centre_outlive_a_change_of_page(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    frame.evaluate("() => { map.setView([54.56, -1.21], 13.25, {animate: false}); }")
    page.goto("about:blank")
    frame = go_to_map(page, address)
    assert frame.evaluate("[map.getCenter().lat, map.getCenter().lng, map.getZoom()]") == pytest.approx(
        [54.56, -1.21, 13.25], abs=1e-3
    )


def test_maps_of_one_view_move_together(page: Page, address: str) -> None:
    page.goto(f"{address}/?twice=1")
    first, second = painted_frames(page, 2)
    first.evaluate("() => { map.setView([54.56, -1.21], 13.5, {animate: false}); }")
    second.wait_for_function("map.getZoom() === 13.5")
    second.evaluate("() => { map.setView([54.55, -1.22], 12.5, {animate: false}); }")
    first.wait_for_function("map.getZoom() === 12.5 && Math.abs(map.getCenter().lat - 54.55) < 1e-3")


def test_the_map_turns_to_chosen_wards(page: Page, address: str) -> None:
    frame = go_to_map(page, f"{address}/?ward=E05009854")
    ward = "Hexbeat.areaOf('middlesbrough').wards.find(({name}) => name === 'Ayresome')"
    inside = (
        f"(() => {{ const w = {ward}; return map.getBounds().contains([[w.south, w.west], [w.north, w.east]]); }})()"
    )
    frame.wait_for_function(inside)
    assert frame.evaluate("map.getZoom()") > 13
    frame.get_by_role("button", name="Show all chosen wards").click()
    frame.wait_for_function(inside)


@pytest.mark.parametrize("small", [{"width": 40}, {"height": 30}])
def test_a_map_whose_frame_is_still_being_opened_is_fitted_when_it_has_room(
    moved: Frame, small: dict[str, int]
) -> None:
    looks_at = "() => [window.map.getZoom(), window.map.getCenter().lat, window.map.getCenter().lng]"
    resize = """sizes => { const { style } = window.map.getContainer();
      for (const [side, length] of Object.entries(sizes)) style[side] = length;
      window.map.invalidateSize({ animate: false }); }"""
    fitted = moved.evaluate(looks_at)
    before = moved.evaluate(
        "() => { const { width, height } = window.map.getContainer().style; return {width, height}; }"
    )
    moved.evaluate(resize, {side: f"{length}px" for side, length in small.items()})
    moved.evaluate("() => { Hexbeat.fitAgain(window.map); window.map.setZoom(15, { animate: false }); }")
    moved.evaluate(resize, before)
    assert moved.evaluate(looks_at) == pytest.approx(fitted, abs=1e-4)


def test_a_change_of_size_is_no_view_of_a_persons_own(page: Page, address: str) -> None:
    is_fit = (
        "() => [...Object.values(sessionStorage)].map((text) => JSON.parse(text)).find((kept) => kept.centre).byFit"
    )
    frame = go_to_map(page, address)
    frame.evaluate("() => { window.map.getContainer().style.width = '600px'; window.map.invalidateSize(false); }")
    assert frame.evaluate(is_fit)
    frame.evaluate("() => { window.map.panBy([80, 0], { animate: false }); }")
    assert not frame.evaluate(is_fit)


LOOKS_AT = "[map.getCenter().lat, map.getCenter().lng, map.getZoom()]"
EAST = h3.int_to_str(h3.latlng_to_cell(54.555, -1.165, 9))  # at the area's eastern edge


def test_on_a_much_smaller_window_a_view_of_a_desk_is_shown_whole_and_is_there_again_on_a_desk(
    page: Page, address: str
) -> None:
    frame = go_to_map(page, address)
    frame.evaluate("() => { map.setView([54.55, -1.22], 12, {animate: false}); }")
    view = frame.evaluate(LOOKS_AT)
    east = frame.evaluate("map.getBounds().getEast()")
    page.set_viewport_size({"width": 390, "height": 844})
    frame.wait_for_function("map.getZoom() < 12")  # without a reload
    for _ in range(2):
        assert frame.evaluate("map.getBounds().getEast()") >= east - 0.002
        assert frame.evaluate("[map.getCenter().lat, map.getCenter().lng]") == pytest.approx(view[:2], abs=1e-3)
        frame = go_to_map(page, address)
    page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
    frame.wait_for_function("map.getZoom() === 12")
    assert frame.evaluate(LOOKS_AT) == pytest.approx(view, abs=1e-3)


def test_a_fitted_map_whose_window_becomes_much_smaller_shows_the_whole_area(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    page.set_viewport_size({"width": 390, "height": 844})
    frame.wait_for_function("map.getSize().x < 400 && map.getBounds().contains(map.hexbeat.home)")


def test_the_map_goes_to_a_cell_chosen_elsewhere_that_is_out_of_sight_and_back(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    frame.evaluate("() => { map.setView([54.56, -1.27], 14.5, {animate: false}); }")
    view = frame.evaluate(LOOKS_AT)
    outline = [list(corner) for corner in h3.cell_to_boundary(h3.str_to_int(EAST))]
    frame.evaluate("outline => Hexbeat.showChosen(map, outline)", outline)
    assert frame.evaluate(LOOKS_AT) == pytest.approx([*h3.cell_to_latlng(h3.str_to_int(EAST)), 14.5], abs=1e-3)
    frame = go_to_map(page, f"{address}/?selected={EAST}")  # a reload in between
    assert frame.evaluate(LOOKS_AT) == pytest.approx([*h3.cell_to_latlng(h3.str_to_int(EAST)), 14.5], abs=1e-3)
    frame.evaluate("() => Hexbeat.showChosen(map, null)")
    assert frame.evaluate(LOOKS_AT) == pytest.approx(view, abs=1e-3)
    frame.evaluate("outline => Hexbeat.showChosen(map, outline)", outline)
    frame.evaluate("() => { map.panBy([-600, 0], {animate: false}); }")
    moved = frame.evaluate(LOOKS_AT)
    frame = go_to_map(page, f"{address}/?selected={EAST}")  # a page opened again brings nobody back to the cell
    assert frame.evaluate(LOOKS_AT) == pytest.approx(moved, abs=1e-3)
    frame.evaluate("() => Hexbeat.showChosen(map, null)")
    assert frame.evaluate(LOOKS_AT) == pytest.approx(moved, abs=1e-3)  # the person has moved on


def test_the_map_stays_for_a_cell_in_sight_and_zooms_to_one_too_small_to_see(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    fitted = frame.evaluate(LOOKS_AT)
    outline = [list(corner) for corner in h3.cell_to_boundary(h3.str_to_int(EAST))]
    frame.evaluate("outline => Hexbeat.showChosen(map, outline)", outline)
    assert frame.evaluate(LOOKS_AT) == fitted
    frame.evaluate("() => { Hexbeat.showChosen(map, null); map.setView([54.9, -1.27], 11, {animate: false}); }")
    small = h3.cell_to_center_child(h3.str_to_int(EAST), 11)
    frame.evaluate("outline => Hexbeat.showChosen(map, outline)", [list(at) for at in h3.cell_to_boundary(small)])
    assert frame.evaluate("map.getZoom()") >= 14


def test_the_map_zooms_to_a_tiny_cell_in_sight_and_back(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    fitted = frame.evaluate(LOOKS_AT)
    lat, lng = frame.evaluate("() => { const { lat, lng } = map.getCenter(); return [lat, lng]; }")
    tiny = [list(at) for at in h3.cell_to_boundary(h3.latlng_to_cell(lat, lng, 11))]
    frame.evaluate("outline => Hexbeat.showChosen(map, outline)", tiny)
    wide = """outline => { const xs = outline.map((at) => map.latLngToContainerPoint(at).x);
      return Math.max(...xs) - Math.min(...xs); }"""
    assert 12 <= frame.evaluate(wide, tiny) < 30
    frame.evaluate("() => Hexbeat.showChosen(map, null)")
    assert frame.evaluate(LOOKS_AT) == pytest.approx(fitted, abs=1e-3)


def test_the_map_goes_back_from_a_cell_also_where_the_window_became_much_smaller(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    far = [[lat + 0.3, lng] for lat, lng in h3.cell_to_boundary(h3.str_to_int(EAST))]
    frame.evaluate("outline => Hexbeat.showChosen(map, outline)", far)
    assert not frame.evaluate("map.getBounds().contains(map.hexbeat.home)")
    page.set_viewport_size({"width": 390, "height": 844})
    frame.wait_for_function("map.getSize().x < 400 && map.hexbeat.adapted")
    frame.evaluate("() => Hexbeat.showChosen(map, null)")
    assert frame.evaluate("map.getBounds().contains(map.hexbeat.home)")


def test_a_cell_chosen_elsewhere_has_a_ring(page: Page, address: str) -> None:
    frame = go_to_map(page, f"{address}/?selected={h3.int_to_str(h3.latlng_to_cell(54.60, -1.23, 9))}")
    expect(frame.locator(".hexbeat-chosen")).to_have_count(1)


def test_keys_walk_from_cell_to_cell_speak_and_choose(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    frame.locator("#map_div").focus()
    spoken = []
    for key in ("Alt+ArrowRight", "Alt+ArrowRight", "Alt+ArrowUp", "Alt+ArrowLeft", "Alt+ArrowDown"):
        page.keyboard.press(key)
        spoken.append(frame.locator(".hexbeat-speaker").inner_text())
    assert all(re.fullmatch(r"[A-Z0-9][^:]{7,}\. Needle finds: \d+", words) for words in spoken)
    reached = frame.evaluate("(() => { const l = Hexbeat.layer('hex'); return l.centreOf(l.focused); })()")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"chosen {cell_string(reached)}, 1 times;")).to_be_visible()
    page.keyboard.press("Escape")
    expect(frame.locator(".hexbeat-tooltip")).to_have_count(0)


def test_the_tooltip_names_the_place_and_the_number(still: Frame) -> None:
    cell = in_view(still, centres(still))[0]
    still.locator("#map_div").hover(position=on_screen(still, cell["lat"], cell["lng"]))
    words = still.locator(".hexbeat-tooltip").inner_text()
    assert words.startswith(f"{cell['value']:.0f}")
    assert "Needle finds" in words
    assert words.splitlines()[-1] == name_cell(cell_string(cell), load_area("middlesbrough"))


def test_the_tooltip_rounds_shared_counts_for_people(still: Frame) -> None:
    words = still.evaluate("""() => {
      const layer = Object.create(Hexbeat.layer('hex'));
      layer.data = { ...layer.data, names: null, rounded: true, divisor: 10, small: true };
      layer._number = (value) => value;
      return [57.7, 1203.5, 3, 0.4, 0.1].map((value) => { layer.values = [value]; return layer.valueText(0); });
    }""")
    assert words == ["about 58", "about 1,204", "3", "under 1", "under 1"]


def test_words_from_data_stay_words(page: Page, address: str) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    hostile = "<img src=x onerror=alert(1)>${alert(2)}`</script>{{ 7*7 }}"
    frame = go_to_map(page, f"{address}/?title={hostile.replace('&', '%26')}")
    assert frame.locator(".hexbeat-legend summary").text_content() == hostile
    assert frame.locator("img").count() == 0
    assert dialogs == []


def test_on_a_phone_nothing_scrolls_sideways_and_a_tap_chooses(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page = context.new_page()
    frame = go_to_map(page, f"{address}/?height=400")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert frame.locator(".hexbeat-legend").bounding_box()["width"] <= 260  # type: ignore[index]  # it is on the screen
    middle = next(cell for cell in centres(frame) if 100 < on_screen(frame, cell["lat"], cell["lng"])["x"] < 200)
    frame.locator("#map_div").tap(position=on_screen(frame, middle["lat"], middle["lng"]))
    expect(page.get_by_text(f"chosen {cell_string(middle)}, 1 times;")).to_be_visible()
    context.close()


def test_the_legend_lies_beside_the_area(page: Page, address: str) -> None:
    """The map is fitted clear of the legend, and not moved again once a person has moved it."""
    frame = go_to_map(page, address)
    legend, west = frame.evaluate("""() => {
      const { map } = window, [[south, left], [north]] = map.hexbeat.home;
      const corners = [[south, left], [north, left]].map((corner) => map.latLngToContainerPoint(corner).x);
      return [document.querySelector('.hexbeat-legend').getBoundingClientRect().right, Math.min(...corners)];
    }""")
    assert west > legend
    moved, kept = frame.evaluate("""() => {
      const { map, Hexbeat } = window;
      map.panBy([40, 0], { animate: false });
      const moved = map.getCenter();
      map.hexbeat.room.left += 50;
      Hexbeat.fit(map, null);
      return [moved, map.getCenter()];
    }""")
    assert moved == kept


SHOWN = """() => { const layer = Hexbeat.layer('hex');
  const total = [...layer.values].reduce((sum, value) => sum + value, 0);
  return [layer.frame, total, layer.classes.some((one) => one > 0)]; }"""


def test_periods_are_stepped_through_by_keys_and_played_without_a_rerun(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="no-preference")
    frame = go_to_map(page, f"{address}/?frames=1")
    slider, label = frame.get_by_role("slider", name="Period"), frame.locator(".hexbeat-frames output")
    expect(label).to_have_text("Mar 2026")
    frame_number, total, _ = frame.evaluate(SHOWN)
    assert (frame_number, total > 0) == (2, True)
    slider.press("ArrowLeft")
    expect(label).to_have_text("Feb 2026: not known")
    expect(slider).to_have_attribute("aria-valuetext", "Feb 2026: not known")
    expect(frame.get_by_text("Not known", exact=True)).to_be_visible()
    assert frame.evaluate(SHOWN) == [1, 0, False]
    assert centres(frame) == []
    page.get_by_label("Seed").fill("2")  # other values: the map stays at its period
    page.get_by_label("Seed").press("Enter")
    expect(page.get_by_text("runs 2;")).to_be_visible()
    expect(label).to_have_text("Feb 2026: not known")
    slider.press("Home")
    expect(frame.get_by_text("Not known", exact=True)).to_be_hidden()
    assert len(centres(frame)) > 100
    frame.get_by_role("button", name="Play").click()
    expect(label).to_have_text("Mar 2026", timeout=10_000)
    expect(frame.get_by_role("button", name="Play")).to_be_visible()
    expect(page.get_by_text("runs 2;")).to_be_visible()
    page.emulate_media(reduced_motion="reduce")


def test_who_asks_for_less_motion_has_the_slider_alone(page: Page, address: str) -> None:
    frame = go_to_map(page, f"{address}/?frames=1")
    expect(frame.get_by_role("slider", name="Period")).to_be_visible()
    expect(frame.locator(".hexbeat-frames button")).to_be_hidden()
