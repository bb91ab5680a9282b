"""From a postcode to a patrol's first stop: by keys alone, with names for a screen reader, at a desk and on a phone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from hexbeat.operations.plans.plan_settings import forget_start
from tests.support.browser import PHONE, wait_in_map
from tests.support.partners_side import Open, Served
from tests.support.stores import documents_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESK = (1440, 900)
MOST_KEYS = 150
IS_FOCUSED = "(one) => one.getRootNode().activeElement === one"
# What a screen reader says of the element that has the focus: nothing may be reached that has no name.
NAMELESS = """() => { let one = document.activeElement;
  while (one && one.shadowRoot) one = one.shadowRoot.activeElement;
  if (one && one.matches('.dvn-scroller')) return false; // Streamlit's own, which Chromium lets scroll by keys
  if (!one || one === document.body || one.tagName === 'IFRAME') return one && one.tagName === 'IFRAME' && !one.title;
  const labelled = (one.getAttribute('aria-labelledby') || '').split(' ')
    .map((id) => document.getElementById(id)?.textContent || '').join('');
  return !(one.getAttribute('aria-label') || labelled || one.labels?.[0]?.textContent || one.textContent.trim()
    || one.title || one.placeholder); }"""


def tab_to(page: Page, target: Locator, *, backwards: bool = False) -> None:
    """Press Tab until the focus is there, as who has no mouse does; what has the focus on the way has a name."""
    target.first.wait_for()
    for _ in range(MOST_KEYS):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        assert not page.evaluate(NAMELESS), page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
        if target.first.evaluate(IS_FOCUSED):
            return
    raise AssertionError(f"{MOST_KEYS} presses of Tab do not reach {target}")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_postcode_becomes_a_start_and_the_plan_leads_to_its_first_stop(
    open_page: Open, served_app: Served, size: tuple[int, int]
) -> None:
    (served_app.home / "plans.toml").unlink(missing_ok=True)  # what other tests of this server kept
    guest = open_page(size=size)
    page = guest.page

    tab_to(page, page.get_by_role("textbox", name="Find a place", exact=True))
    page.keyboard.type("TS1 2AA")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Marked on the map: TS1 2AA (Central)")).to_be_visible()
    # The streets around it have their names on the map.
    wait_in_map(
        page, "map.getZoom() >= 16 && map.hexbeat.streets?.names?.some(({ text }) => text === 'Southfield Road')"
    )
    guest.settle()
    reading = page.frame_locator("iframe[title*='st_folium']").get_by_role("application")
    expect(reading).to_have_accessible_name(re.compile(r"^Map of Middlesbrough\. Arrow keys pan, .* The table says"))

    if size == PHONE:
        tab_to(page, page.locator("summary", has_text="Pages: Map"), backwards=True)
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_role("link", name="Plan and record", exact=True))
    else:
        tab_to(page, page.get_by_role("link", name="Plan and record", exact=True), backwards=True)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("textbox", name="Start and finish, if not the first stop", exact=True))
    page.keyboard.type("TS1 2AA")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Save it as", exact=True)).to_have_value("TS1 2AA (Central)")
    guest.settle()
    tab_to(page, page.get_by_role("button", name="Make the plan", exact=True))
    page.keyboard.press("Enter")

    stops = page.get_by_role("region", name="Stops of Team 1", exact=True)
    expect(stops.get_by_role("rowheader").first).to_have_text("1", timeout=120_000)
    guest.settle()
    first = stops.get_by_role("row").nth(1).get_by_role("cell").nth(2).inner_text()
    assert re.fullmatch(r".+ \([A-Z].+\)( [0-9a-f]{4})?", first), first  # streets and the ward
    assert guest.overflow() == 0

    tab_to(page, page.get_by_role("link", name="Record the stops of Team 1 on a phone", exact=True))
    page.keyboard.press("Enter")
    card = page.locator(".hb-recorder .card")
    expect(card).to_contain_text(re.compile(r"Stop 1 of \d"))
    expect(card).to_contain_text(first)
    wait_in_map(page, "Boolean(map.hexbeat.streets?.names?.length)")
    link = page.get_by_role("link", name="Open in the phone's map", exact=True)
    tab_to(page, link)
    expect(link).to_have_attribute("href", re.compile(r"^geo:54\.\d{5},-1\.\d{5}\?q="))
    guest.settle()
    assert guest.overflow() == 0
    forget_start(documents_in(served_app.home), "TS1 2AA (Central)")  # the next one begins as the first did
