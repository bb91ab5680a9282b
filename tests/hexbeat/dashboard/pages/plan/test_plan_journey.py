"""A sergeant's minute in a real browser: try a plan, issue it, open its link on a phone, and see it in the return."""

import re

import pytest
from playwright.sync_api import expect

from hexbeat.operations.plans.plan_store import load_plan
from tests.support.axe import find_violations
from tests.support.browser import PHONE
from tests.support.partners_side import Open, Served
from tests.support.stores import documents_in

pytestmark = pytest.mark.browser
SMALL = """() => [...document.querySelectorAll('[class*="st-key-hb_plan"] :is(button, summary, a[data-testid])')]
  .filter((one) => !['stNumberInput', 'stTooltipIcon', 'stDateInput', 'stMultiSelect', 'stSelectbox'].some(
    (part) => one.closest(`[data-testid="${part}"]`)))
  .filter((one) => one.getBoundingClientRect().height && one.getBoundingClientRect().height < 43.5)
  .map((one) => `${one.dataset.testid} ${one.ariaLabel || one.innerText} ${one.offsetHeight}`)"""


def test_a_plan_is_tried_issued_and_walked_by_its_link(open_page: Open, served_app: Served) -> None:
    guest = open_page("/plan")
    page = guest.page
    expect(page.get_by_role("heading", name=re.compile("^Where should two of you go "))).to_be_visible()
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator(".hb-stops tbody th")).to_have_text(["1", "2", "3", "4", "5", "6"])
    expect(page.locator(".hb-plan-key li")).to_have_text(["Team 1: 6 stops, numbered in order"])
    guest.settle()
    for width in (1440, PHONE[0], 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert guest.overflow() == 0
    assert page.evaluate(SMALL) == []
    assert find_violations(page) == []

    page.get_by_role("button", name="Issue the plan").click()
    expect(page.get_by_text(re.compile("^Issued on "))).to_be_visible()
    guest.settle()
    code = re.findall(r"plan=(\w+)", page.url)[-1]
    assert load_plan(documents_in(served_app.home), code).issued_at is not None
    page.get_by_role("link", name="Record the stops of Team 1 on a phone").click()
    expect(page.get_by_text("Stop 1 of 6", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Minutes by team")).to_contain_text("Team 1")
    assert guest.failures == []
