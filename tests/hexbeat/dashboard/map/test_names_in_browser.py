"""Names and streets on the map in a real browser: by zoom, beside the area, and none over another."""

from itertools import combinations

import pytest
from playwright.sync_api import Frame, Page

from tests.support.browser import (
    go_to_map,
    requests_of,
    wait_for_repaint,
)

pytestmark = pytest.mark.browser
NAME_BOXES = """() => [...document.querySelectorAll('.hexbeat-name')]
  .filter((name) => name.style.visibility !== 'hidden')
  .map((name) => name.firstChild.getBoundingClientRect().toJSON())"""


def overlaps(a: dict[str, float], b: dict[str, float]) -> bool:
    return a["left"] < b["right"] and b["left"] < a["right"] and a["top"] < b["bottom"] and b["top"] < a["bottom"]


def test_names_never_touch_each_other(still: Frame) -> None:
    boxes = still.evaluate(NAME_BOXES)
    assert len(boxes) >= 8
    assert not any(overlaps(a, b) for a, b in combinations(boxes, 2))


def test_every_ward_has_its_name_at_the_zoom_at_which_the_map_opens(still: Frame) -> None:
    still.evaluate("() => Hexbeat.fitAgain(map)")
    still.wait_for_function("() => !map._animatingZoom")
    hidden = (
        "() => [...document.querySelectorAll('.hexbeat-name')].filter((n) => n.style.visibility === 'hidden').length"
    )
    assert still.locator(".hexbeat-name").count() == 20
    assert still.evaluate(hidden) == 0


def test_names_of_wards_give_way_to_the_numbers_of_stops(page: Page, address: str) -> None:
    frame = go_to_map(page, address)
    touches = """() => { const stop = document.querySelector('.stop').getBoundingClientRect();
      return [...document.querySelectorAll('.hexbeat-name')].some((name) => {
        const a = name.firstChild.getBoundingClientRect();
        return name.style.visibility !== 'hidden'
          && a.left < stop.right && stop.left < a.right && a.top < stop.bottom && stop.top < a.bottom; }); }"""
    mark = f"""() => {{ const icon = L.divIcon({{ className: 'stop', iconSize: [22, 22] }});
      const at = document.querySelector('.hexbeat-name span').getBoundingClientRect();
      L.marker(map.containerPointToLatLng([at.x + at.width / 2, at.y + at.height / 2]), {{ icon }}).addTo(map);
      return ({touches})(); }}"""
    assert frame.evaluate(mark)
    frame.wait_for_function(f"() => !({touches})()")


POINT_AT_EACH = """() => { const { wards } = Hexbeat.areaOf('cleveland');
  const icons = [...document.querySelectorAll('.hexbeat-name')];
  const shown = () => icons.filter((icon) => icon.style.visibility !== 'hidden');
  const words = (icon) => icon.firstChild.textContent.replace(/\\s+/g, ' ');
  const before = shown().map(words).join('|');
  const missing = wards.filter((ward) => {
    map.fire('mousemove', { latlng: L.latLng(ward.at[1], ward.at[0]) });
    return !shown().some((icon) => words(icon) === ward.name); }).map((ward) => ward.name);
  map.fire('mouseout');
  return [shown().length, wards.length, missing, shown().map(words).join('|') === before]; }"""


def test_every_ward_of_a_county_has_its_name_beside_it_or_where_one_points(page: Page, address: str) -> None:
    """Of 83 wards many have no room: some are named beside the area, the others while one points at them."""
    frame = go_to_map(page, f"{address}/?area=cleveland")
    shown, wards, missing, same = frame.evaluate(POINT_AT_EACH)
    assert (wards, missing, same) == (83, [], True)
    leaders = frame.locator(".hexbeat-leader").count()
    assert leaders >= 5
    assert shown >= 50
    assert not any(overlaps(a, b) for a, b in combinations(frame.evaluate(NAME_BOXES), 2))


# The share of the pixels of a canvas that something is drawn on.
INK = """(pane) => { const canvas = map.getPane(pane).querySelector('canvas');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0; for (let k = 3; k < pixels.length; k += 4) inked += pixels[k] > 0;
  return inked / (pixels.length / 4); }"""


def test_streets_are_drawn_by_zoom_and_named_where_nothing_else_stands(moved: Frame) -> None:
    moved.wait_for_function("() => map.hexbeat.streets && map.hexbeat.streets.names")
    shares = {}
    for zoom in (12, 15):
        moved.evaluate("(zoom) => { map.setView([54.5725, -1.2365], zoom, { animate: false }); }", zoom)
        moved.wait_for_timeout(300)
        shares[zoom] = moved.evaluate(INK, "hexbeat-streets")
    assert 0 < shares[12] < shares[15] < 0.5
    names = moved.evaluate("() => map.hexbeat.streets.names.map(({ text }) => text)")
    assert {"Borough Road", "Southfield Road"} <= set(names)
    apart = """() => { const drawn = map.hexbeat.streets.names;
      return drawn.every((a, k) => drawn.slice(k + 1).every((b) => Math.hypot(a.x - b.x, a.y - b.y) > 12)); }"""
    assert moved.evaluate(apart)
    assert "© OpenStreetMap contributors" in moved.locator(".hexbeat-sources").inner_text()


def test_streets_that_come_while_the_map_zooms_are_drawn_at_its_end(moved: Frame) -> None:
    moved.wait_for_function("() => map.hexbeat.streets && map.hexbeat.streets.names")
    # The tests' browser shows no animations, so this one is told.
    before = moved.evaluate("""() => { const { constructor, geometry, options } = map.hexbeat.streets;
      map._animatingZoom = true;
      map.late = new constructor(geometry, options).addTo(map);
      map.fire('zoom');
      const before = map.late.names;
      map._animatingZoom = false;
      map.fire('moveend');
      return before; }""")
    assert before is None
    moved.wait_for_function("() => map.late.names")  # a slow machine paints in several steps
    assert moved.evaluate("map.late.names") == moved.evaluate("map.hexbeat.streets.names")
    moved.evaluate("() => { map.late.remove(); }")


def test_streets_are_asked_for_once_and_neither_a_filter_nor_a_short_pan_paints_them_again(
    page: Page, address: str
) -> None:
    requests = requests_of(page)
    frame = go_to_map(page, address)
    frame.wait_for_function("() => map.hexbeat.streets && map.hexbeat.streets.names")
    paints = "map.hexbeat.streets.paints"
    painted, before = frame.evaluate(paints), frame.evaluate("Hexbeat.painted.at")
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Seed").press("Enter")
    wait_for_repaint(frame, before)
    assert len([url for url in requests if "/streets-" in url]) == 1
    assert frame.evaluate(paints) == painted
    pan = "(x) => { map.panBy([x, 0], { animate: false }); return map.hexbeat.streets.paints; }"
    assert frame.evaluate(pan, 60) == painted  # what is painted goes beyond the view, and moves with it
    frame.evaluate(pan, 400)
    frame.wait_for_function(f"(painted) => {paints} > painted", arg=painted)
    assert frame.evaluate("map.hexbeat.streets._reaches()")
