"""The four jobs: which pages each has for whom, and the way of a person through them in a browser."""

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from hexbeat.dashboard.header import JOBS, READ_TITLE, list_jobs
from hexbeat.dashboard.pages.navigation import PAGES
from layers.policy import DEFAULT_GRANTS
from layers.roles import Role
from tests.support.axe import find_violations
from tests.support.page_runs import find_open_page, run_page
from tests.support.partners_side import Open, Served

TITLES = {title for titles in JOBS.values() for title in titles} | {READ_TITLE}


def test_every_page_is_of_one_job_and_a_role_has_the_jobs_of_its_pages() -> None:
    assert set(PAGES) == TITLES
    assert sum(map(len, JOBS.values())) + 1 == len(PAGES)

    def jobs_of(role: Role) -> dict[str, list[str]]:
        granted = DEFAULT_GRANTS[role].pages
        pages: Any = [SimpleNamespace(title=title) for title, address in PAGES.items() if address in granted]
        return {job: [page.title for page in own] for job, own in list_jobs(pages).items()}

    assert jobs_of(Role.AUDITOR) == {"Audit": ["Audit"]}
    assert jobs_of(Role.HEALTH) == {"Map": ["Map", "Analysis"], "Naloxone": ["Naloxone"]}
    assert jobs_of(Role.POLICE) == {
        "Map": ["Map", "Analysis"],
        "Plan and record": ["Plan", "Record work"],
        "Report": ["Briefing", "Evidence"],
    }
    assert list(jobs_of(Role.ANALYST)) == list(JOBS)


@pytest.mark.browser
def test_from_job_to_job_by_old_links_and_by_a_saved_view(open_page: Open, served_app: Served) -> None:
    guest = open_page("/?layers=overdoses&shift=late")
    page = guest.page
    # What is seen is saved, and opens again from elsewhere.
    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Save this view as").fill("Late *overdoses*")
    page.get_by_label("Save this view as").press("Tab")
    guest.settle()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Late *overdoses*", exact=True)).to_be_visible()
    assert find_violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Report").click()
    for title in ("Evidence", "Did it work?", "Naloxone", "Briefing"):
        page.get_by_role("link", name=title).click()
        expect(page.locator(".hb-menu")).to_contain_text(title)
    expect(page.get_by_role("link", name="Record work")).to_be_hidden()
    page.get_by_role("link", name="How to read this").click()
    expect(page.get_by_role("heading", name="The test of forecasts")).to_be_visible()
    assert find_violations(page) == []
    # Every address of before leads to its page.
    for title, address in PAGES.items():
        assert find_open_page(run_page(served_app.url, address)) == title
    page.goto(f"{served_app.url}/analysis")
    expect(page.locator(".hb-menu summary")).to_have_text("Pages: Analysis")
    guest.settle()
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("button", name="Late *overdoses*", exact=True).click()
    expect(page).to_have_url(f"{served_app.url}/?layers=overdoses&shift=late")
    expect(guest.sentence).to_contain_text("14:00 to 22:00")
    guest.settle()
    # All of it fits a small phone.
    page.set_viewport_size({"width": 320, "height": 700})
    page.locator(".hb-menu summary").click()
    boxes = [link.bounding_box() for link in page.locator(".st-key-hb_header a").all() if link.is_visible()]
    tiles = [box for box in boxes if box and box["height"] >= 44]
    assert len(tiles) >= 7
    assert not any(
        a is not b and a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]
        for a in tiles for b in tiles
    )  # fmt: skip
    assert guest.overflow() == 0
