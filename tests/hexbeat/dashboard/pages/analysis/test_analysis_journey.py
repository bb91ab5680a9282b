"""An analyst's way through the Analysis page, in a real Chromium on a real server; and whether it fits a phone."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import DESK, PHONE, map_frame, overflow_report, wait_until_it_fits
from tests.support.partners_side import Open, Served

pytestmark = pytest.mark.browser
# Streamlit measures its places in the frame after a change. What it has asked for already is let through first.
MEASURE_NO_MORE = """() => new Promise((done) => {
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = () => 0;
  ask(() => ask(done));
})"""


@pytest.mark.parametrize("width", [PHONE[0], 320])
def test_the_analysis_page_fits_a_phone(open_page: Open, width: int) -> None:
    guest = open_page("/analysis", size=(width, 800))
    expect(guest.page.get_by_role("region", name="What the patterns mean")).to_be_visible()
    wait_until_it_fits(guest.page)  # a page takes a moment to lay itself out
    guest.page.get_by_role("tab", name="Near repeats").click()
    expect(guest.page.get_by_role("region", name="Pairs of events by distance and days")).to_be_visible()
    wait_until_it_fits(guest.page)


def test_a_table_and_a_map_of_an_old_width_do_not_widen_the_page(open_page: Open) -> None:
    guest = open_page("/analysis")
    page = guest.page
    table, frame = page.get_by_test_id("stDataFrameResizable"), page.get_by_test_id("stCustomComponentV1")
    wide = "(part) => part.getBoundingClientRect().width > 600"
    for part in (table, frame):
        expect(part).to_be_visible()
        page.wait_for_function(wide, arg=part.element_handle())
    page.evaluate(MEASURE_NO_MORE)
    page.set_viewport_size({"width": 320, "height": DESK[1]})
    assert guest.overflow() == 0, overflow_report(page)
    assert float(table.evaluate("(part) => parseFloat(part.style.width)")) > 600
    assert float(frame.get_attribute("width") or 0) > 600
    for part in (table, frame):
        box = part.bounding_box()
        assert box
        assert 250 < box["width"] < 320


def test_the_analysis_page_from_tab_to_tab(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    page = guest.page
    page.get_by_role("link", name="Analysis").click()
    expect(guest.sentence).to_contain_text("trend over time of needle finds in Middlesbrough")
    expect(page.get_by_role("region", name="What the patterns mean")).to_contain_text("A hotspot in the last period")
    map_frame(page)
    expect(page).to_have_url(f"{served_app.url}/analysis?period=year")
    page.get_by_role("tab", name="Rhythm").click()
    expect(guest.sentence).to_contain_text("of day")
    expect(page.locator(".hb-chart .hb-grid tbody tr")).to_have_count(7)
    page.get_by_role("tab", name="Near repeats").click()
    expect(page.get_by_role("region", name="Pairs of events by distance and days").locator("tbody tr")).to_have_count(5)
    again = open_page("/analysis?layers=overdoses&period=90d")
    expect(again.sentence).to_contain_text("overdoses")
