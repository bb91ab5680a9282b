"""Back and forward in a real browser: the page shows again what the address says, and the history grows by no entry."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Windows
from tests.support.partners_side import Served, Visit, visit

pytestmark = pytest.mark.browser
COUNTED = """() => {
  const write = history.pushState.bind(history);
  window.entries = 0;
  history.pushState = (...entry) => { window.entries += 1; write(...entry); };
}"""

STRAIGHT_TO = """(address) => {
  const places = navigation.entries().map((entry) => entry.url.endsWith(address));
  history.go(places.lastIndexOf(true) - navigation.currentEntry.index);
}"""


@pytest.fixture
def guest(browser: Browser, served_app: Served) -> Iterator[Visit]:
    """A window of its own: it has no history."""
    guest = visit(Windows(browser), served_app.url)
    guest.page.evaluate(COUNTED)
    yield guest
    assert guest.failures == []
    guest.page.context.close()


def stands_at(guest: Visit, address: str, said: str) -> None:
    """Wait until the sentence and the end of the address are these, and the run is over."""
    guest.says(said)
    expect(guest.page).to_have_url(re.compile(rf"^[^?]*/{re.escape(address)}$"))
    guest.settle()


def test_back_and_forward_show_what_the_address_says(guest: Visit) -> None:
    page = guest.page
    opened = guest.sentence.inner_text()
    guest.choose("layer", "Overdoses")
    expect(guest.sentence).to_contain_text("overdoses")
    overdoses = guest.sentence.inner_text()
    stands_at(guest, "?layers=overdoses", overdoses)
    guest.choose("shift", "Night")
    expect(guest.sentence).to_contain_text("22:00 to 06:00")
    night = guest.sentence.inner_text()
    stands_at(guest, "?layers=overdoses&shift=night", night)
    for step, address, said in (
        (page.go_back, "?layers=overdoses", overdoses),
        (page.go_back, "", opened),
        (page.go_forward, "?layers=overdoses", overdoses),
    ):
        step()
        stands_at(guest, address, said)
    assert page.evaluate("window.entries") == 2
    # What is chosen then goes on from there, and is still there when another page was looked at.
    guest.choose("shift", "Late")
    expect(guest.sentence).to_contain_text("14:00 to 22:00")
    late = guest.sentence.inner_text()
    stands_at(guest, "?layers=overdoses&shift=late", late)
    page.get_by_test_id("stPageLink-NavLink").get_by_text("Analysis").click()
    asked = page.locator(".st-key-analysis_layer")
    expect(asked.get_by_role("radio", name="Overdoses")).to_be_checked()
    guest.settle()
    asked.get_by_text("Dealing").click()
    expect(page).to_have_url(re.compile("layers=street_dealing"))
    guest.settle()
    page.go_back()
    expect(asked.get_by_role("radio", name="Overdoses")).to_be_checked()
    expect(page).to_have_url(re.compile("layers=overdoses"))
    guest.settle()
    page.evaluate(STRAIGHT_TO, "/?layers=overdoses&shift=late")
    stands_at(guest, "?layers=overdoses&shift=late", late)
