"""axe-core on every screen, light and dark, at desk and phone width."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from hexbeat.areas.street_names import split_ward
from hexbeat.operations.plans.plan_store import list_plans, save_plan
from tests.support.axe import COLOUR_RULES, find_violations
from tests.support.browser import DESK, PHONE, PREPARED_MS, Windows, wait_until
from tests.support.partners_side import Open, Served, Visit, visit
from tests.support.plans import example_plan
from tests.support.stores import documents_in

pytestmark = pytest.mark.browser
# What Streamlit itself brings, as (rule, the part of its page that breaks it). Nothing of ours may be in this list.
OF_STREAMLIT = {
    # st.file_uploader marks its drop zone as presentation and labels it all the same; the button inside is labelled.
    ("presentation-role-conflict", "stFileUploaderDropzone"),
    # The layer on which st.button's help and menus float stands beside the page's landmarks.
    ("region", "stFloatingOverlayPortal"),
}
FOCUSED = "() => (document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '').trim()"
FILE = b"layer,lon,lat,occurred_from\nneedle_litter,-1.2345,54.5742,2026-03-20\nneedle_litter,,,2026-03-20\n"


SCHEMES = ("light", "dark")  # a page opens light
DARK = "() => matchMedia('(prefers-color-scheme: dark)').matches"
STANDS = """dark => { const [red, green, blue] = getComputedStyle(document.querySelector('[data-testid=stApp]'))
    .backgroundColor.match(/\\d+/g).map(Number);
  const moves = (one) => one.playState === 'running' && one.effect.getTiming().iterations !== Infinity;
  return (red + green + blue < 384) === dark && !document.getAnimations().some(moves); }"""


@pytest.fixture
def guest(windows: Windows, served_app: Served) -> Iterator[Visit]:
    opened = visit(windows, served_app.url)
    yield opened
    opened.leave()


def wear(guest: Visit, scheme: str) -> None:
    """Turn the page light or dark, and wait until it is."""
    guest.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    wait_until(guest.page, f"({STANDS})({str(scheme == 'dark').lower()})")
    guest.settle()


def faults(guest: Visit) -> set[tuple[str, str, str]]:
    """What axe finds on the page as it stands, dark and light: rule and element, without what Streamlit brings.

    All its rules look at the first of the two, those that depend on colours at the second too. The first is the one
    that the page wears, for Streamlit draws everything anew in the other. The pointer lies beside the page: a hint that
    opens under it while the page turns has the colours of both.
    """
    guest.page.mouse.move(0, 0)
    expect(guest.page.get_by_role("tooltip")).to_have_count(0)
    guest.settle()
    found = set()
    worn = SCHEMES[guest.page.evaluate(DARK)]
    for scheme in sorted(SCHEMES, key=lambda one: one != worn):
        wear(guest, scheme)
        rules = None if scheme == worn else COLOUR_RULES
        for violation in find_violations(guest.page, rules=rules):
            for node in violation["nodes"]:
                known = any(rule == violation["id"] and part in node["html"] for rule, part in OF_STREAMLIT)
                if not known:
                    found.add((scheme, violation["id"], node["html"][:120]))
    return found


def test_axe_finds_nothing_on_the_map_page(guest: Visit) -> None:
    page = guest.page
    expect(page.locator(".st-key-ranking button").first).to_be_visible()
    assert faults(guest) == set()
    page.locator(".st-key-ranking button").first.click()
    expect(page.locator(".hb-card")).to_be_visible()
    page.get_by_role("tab", name="Rhythm").click()
    expect(page.locator(".hb-chart .hb-grid")).to_be_visible()
    assert faults(guest) == set()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.locator(".st-key-hb_filter_button button").click()
    expect(page.locator(".st-key-filter_period")).to_be_visible()
    assert faults(guest) == set()
    page.keyboard.press("Escape")
    expect(page.locator(".st-key-filter_period")).to_be_hidden()
    expect(page.locator(".st-key-hb_filter_button button")).to_be_focused()


def test_axe_finds_nothing_on_alerts_hotspots_and_change(guest: Visit) -> None:
    page = guest.page
    page.get_by_text("All alerts: what, where, since when").click(timeout=PREPARED_MS)
    expect(page.locator(".hb-alerts")).to_be_visible()
    guest.choose("view", "Hotspots")
    expect(guest.sentence).to_contain_text(re.compile("stands? out|than its surroundings"))
    assert faults(guest) == set()
    guest.choose("view", "Change")
    expect(guest.sentence).to_contain_text(" against ")
    assert faults(guest) == set()


def test_axe_finds_nothing_on_the_analysis_page(open_page: Open) -> None:
    guest = open_page("/analysis")
    page = guest.page
    expect(page.get_by_role("region", name="What the patterns mean")).to_be_visible()
    assert faults(guest) == set()
    page.get_by_role("tab", name="Near repeats").click()
    expect(page.get_by_role("region", name="Pairs of events by distance and days")).to_be_visible()
    assert faults(guest) == set()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.get_by_role("tab", name="Back-test").click()
    expect(page.get_by_role("button", name="Run the back-test")).to_be_visible()
    assert faults(guest) == set()


def test_axe_finds_nothing_on_documents_and_the_trail_and_none_scrolls_sideways(open_page: Open) -> None:
    guest = open_page("/evidence")
    page = guest.page
    for title in ("Briefing", "Evidence", "Did it work", "Naloxone", "Audit"):
        page.get_by_role("link", name="Data" if title == "Audit" else "Report").click()
        page.get_by_role("link", name=title).click()
        expect(page.locator(".hb-menu")).to_contain_text(title)
        assert faults(guest) == set()
        page.set_viewport_size({"width": 320, "height": DESK[1]})
        expect(page.get_by_role("link", name=title)).to_be_hidden()
        assert guest.overflow() == 0
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})


def test_axe_finds_nothing_on_the_data_page(open_page: Open) -> None:
    guest = open_page("/data")
    page = guest.page
    expect(page.get_by_role("region", name="Sources")).to_be_visible()
    guest.upload({"name": "finds.csv", "mimeType": "text/csv", "buffer": FILE}, uploader="upload")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("region", name="What would change")).to_be_visible()
    assert faults(guest) == set()
    page.set_viewport_size({"width": 320, "height": DESK[1]})
    assert faults(guest) == set()
    assert guest.overflow() == 0


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what is called so has the focus; a test fails where it never has."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(words):
            return
    pytest.fail(f"Tab does not reach {words!r}")


def test_a_plan_fits_a_small_phone_and_axe_finds_nothing(windows: Windows, served_app: Served) -> None:
    plan = example_plan(stops=12)
    save_plan(documents_in(served_app.home), plan)
    guest = visit(windows, f"{served_app.url}/plan?plan={plan.plan_id}")
    page = guest.page
    expect(page.get_by_role("tab", name="Team B")).to_be_visible()
    assert faults(guest) == set()
    page.set_viewport_size({"width": 320, "height": DESK[1]})
    page.get_by_text("How good is this plan?").click()
    menu = page.locator(".hb-menu summary")
    expect(menu).to_have_text("Pages: Plan")
    expect(page.get_by_role("link", name="Report")).to_be_hidden()
    menu.press("Enter")
    expect(page.get_by_role("link", name="Report")).to_be_visible()
    expect(page.get_by_role("link", name="Record work")).to_be_visible()
    assert faults(guest) == set()
    assert guest.overflow() == 0
    guest.leave()


def test_from_a_card_to_a_sweep_and_its_file_by_the_keyboard_alone(windows: Windows, served_app: Served) -> None:
    guest = visit(windows, served_app.url)
    page = guest.page
    before = {code for code, _, _ in list_plans(documents_in(served_app.home))}
    page.locator(".st-key-ranking button").first.press("Enter")
    card = page.locator(".hb-card h2")
    expect(card).to_be_visible()
    place = card.inner_text()
    ward = split_ward(place)[1].split(")")[0].removeprefix("(")
    chosen = page.get_by_role("button", name=f"Remove {ward}")
    guest.settle()
    tab_to(page, "Plan a visit")
    page.keyboard.press("Enter")
    expect(chosen).to_be_visible()
    page.get_by_role("link", name="Map", exact=True).press("Enter")
    expect(card).to_have_text(place)
    guest.settle()
    tab_to(page, "Plan a visit")
    page.keyboard.press("Enter")
    expect(chosen).to_be_visible()
    expect(page.get_by_label("Reports answered within (hours)")).to_be_visible()
    guest.settle()
    waiting = page.get_by_role("button", name="Make the plan")
    expect(waiting).to_be_disabled()
    expect(waiting.locator("p")).not_to_have_css("color", "rgb(255, 255, 255)")
    tab_to(page, "Start and finish")
    page.keyboard.type("middlesbrough stn")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Save it as")).to_have_value("Middlesbrough station (Central)")
    guest.settle()
    tab_to(page, "Make the plan")
    page.keyboard.press("Enter")
    expect(page.locator(".hb-sentence")).to_contain_text("One crew, ")
    guest.settle()
    (made,) = {code for code, _, _ in list_plans(documents_in(served_app.home))} - before
    tab_to(page, "CSV")
    with page.expect_download() as kept:
        page.keyboard.press("Enter")
    assert kept.value.suggested_filename == f"hexbeat-middlesbrough-sweep-{made}.csv"
    guest.leave()


def test_headings_are_in_order_and_the_keyboard_reaches_the_list(guest: Visit) -> None:
    page = guest.page
    first = page.locator(".st-key-ranking button").first
    expect(first).to_be_visible()
    for scheme in SCHEMES:
        wear(guest, scheme)
        levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map((heading) => Number(heading.tagName[1]))")
        assert levels[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".hb-card")).to_be_visible()
