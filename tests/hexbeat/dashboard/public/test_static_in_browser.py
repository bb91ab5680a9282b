"""The static page in a real browser: from a file, without a request, by keyboard alone, at 320 pixels, in a frame."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hexbeat.dashboard.public.site import write_site
from tests.support.axe import find_violations
from tests.support.browser import Windows, requests_of
from tests.support.releases import example_release, with_gaps

pytestmark = pytest.mark.browser
PUBLISHED = {
    "2026-Q1": (("fine.piece.0", 7), ("fine.group.0", 5), ("fine.group.1", 6), ("fine.borough", 9)),
    "2026-Q2": (("fine.piece.0", 12), ("fine.ward.E05000001", 6), ("fine.piece.4", 45)),
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(example_release(published=PUBLISHED), folder)
    return folder / "index.html"


@pytest.fixture
def page(windows: Windows, index: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = getattr(request, "param", (390, "light"))
    opened = windows.take(index.as_uri(), size=(width, 700), scheme=scheme)
    faults: list[str] = []
    windows.hear(opened, "console", lambda message: faults.append(message.text))
    windows.hear(opened, "pageerror", lambda error: faults.append(str(error)))
    yield opened
    windows.leave(opened)
    assert faults == []


def overflow(page: Page) -> int:
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def lead(page: Page, words: str) -> None:
    expect(page.locator(".hp-lead")).to_have_text(words)


def test_a_period_that_is_not_known_is_chosen_like_any_other(page: Page, tmp_path: Path) -> None:
    write_site(with_gaps(example_release(published=PUBLISHED), "2026-Q2"), tmp_path)
    page.goto((tmp_path / "index.html").as_uri())
    newest = "These are the newest numbers: January to March 2026."
    lead(page, f"{newest} Between January and March 2026, 27 needle finds were recorded in Exampleton.")
    expect(page.locator("#hp-legend")).to_contain_text("none, or too few to show")
    page.locator("#hp-later").click()
    lead(page, "Between April and June 2026, the number of needle finds in Exampleton is not known.")
    expect(page.locator("#hp-legend")).to_have_text("not known")
    expect(page.locator("#hp-past tr.hp-now .hp-number")).to_have_text("not known")
    expect(page.locator(".hp-rest")).to_contain_text("are due in January 2027.")
    page.reload()
    lead(page, "Between April and June 2026, the number of needle finds in Exampleton is not known.")


def test_it_opens_from_a_file_and_asks_for_nothing(page: Page, index: Path) -> None:
    requests = requests_of(page)
    page.goto(index.as_uri())
    lead(page, "Between April and June 2026, at least 63 needle finds were recorded in Exampleton.")
    page.locator("#hp-ward").select_option(label="Abbey")
    page.get_by_role("radio", name="Closed properties").check()
    assert requests == [index.as_uri()]
    paper = page.get_by_role("link", name="Abbey as one A4 page (PDF)")
    expect(paper).to_be_visible()
    assert (index.parent / str(paper.get_attribute("href"))).read_bytes().startswith(b"%PDF-")
    page.locator("#hp-ward").select_option(label="Exampleton")
    expect(page.locator("#hp-page")).to_be_hidden()


@pytest.mark.parametrize("page", [(390, "light"), (1280, "dark"), (320, "dark")], indirect=True)
def test_axe_finds_nothing(page: Page, index: Path) -> None:
    page.goto(f"{index.as_uri()}#ward=E05000001&layer=needle_litter&period=2026-Q1")
    for summary in page.locator("summary:visible").all():
        summary.click()
    page.get_by_role("button", name="Abbey A1").click()
    found = find_violations(page, tags=("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"))
    assert [(fault["id"], [node["html"][:90] for node in fault["nodes"]]) for fault in found] == []
    assert overflow(page) == 0


@pytest.mark.parametrize("page", [(320, "light")], indirect=True)
def test_a_resident_finds_the_ward_by_keyboard_alone(page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the answer")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("What is happening in")).to_be_focused()
    page.keyboard.press("A")
    lead(page, "Between April and June 2026, 18 needle finds were recorded in Abbey.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Needle finds")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("slider", name="Period")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    lead(page, "Between January and March 2026, 18 needle finds were recorded in Abbey.")
    expect(page.get_by_role("slider", name="Period")).to_have_attribute("aria-valuetext", "January to March 2026")
    page.get_by_text("Show the table").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Elsewhere in Abbey, part A").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#hp-picked")).to_have_text(
        "5 needle finds elsewhere in this wider part of Abbey, January to March 2026."
    )
    assert page.locator(".hp-chosen").get_attribute("d")
    assert overflow(page) == 0


def test_a_link_carries_the_choices_and_a_strange_one_does_no_harm(page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    page.locator("#hp-ward").select_option(label="Bridge")
    page.get_by_role("button", name="Earlier period").click()
    link = page.url
    assert link.endswith("#ward=E05000002&layer=needle_litter&period=2026-Q1")
    page.goto("about:blank")
    page.goto(link)
    lead(page, "Between January and March 2026, there were no needle finds in Bridge, or too few to show.")
    page.goto("about:blank")
    page.goto(f"{index.as_uri()}#ward=<img src=x>&layer=__proto__&period=%00")
    lead(page, "Between April and June 2026, at least 63 needle finds were recorded in Exampleton.")


def test_a_tap_on_the_map_says_what_is_there(page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    page.locator('[data-place="fine.piece.4"]').click()
    expect(page.locator("#hp-picked")).to_have_text("45 needle finds in this part of Bridge, April to June 2026.")
    expect(page.locator('[data-place="fine.piece.4"]')).to_have_class("hp-c3")
    expect(page.locator('[data-place="fine.piece.7"]')).to_have_class("hp-hidden")


def width_seen(page: Page) -> float:
    wide: float = page.evaluate("document.querySelector('.hp-map').viewBox.baseVal.width")
    return wide


def test_the_map_is_zoomed_moved_and_walked_by_keyboard(page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    picture = page.get_by_role("application", name="Map of needle finds in Exampleton, April to June 2026.")
    expect(page.locator("#hp-picked")).to_have_text("Tap a place on the map to read its number.")
    whole = width_seen(page)
    for key in ("Alt+ArrowLeft", "Alt+ArrowLeft", "Alt+ArrowLeft"):
        picture.press(key)
    expect(page.locator("#hp-picked")).to_have_text("12 needle finds in this part of Abbey, April to June 2026.")
    picture.press("+")
    near = width_seen(page)
    assert near < whole
    picture.press("Alt+ArrowRight")
    expect(page.locator("#hp-picked")).to_have_text("6 needle finds elsewhere in Abbey, April to June 2026.")
    assert width_seen(page) == near
    picture.press("Escape")
    expect(page.locator("#hp-picked")).to_have_text("Tap a place on the map to read its number.")
    picture.press("-")
    picture.press("-")
    assert width_seen(page) == whole


def test_the_map_is_zoomed_by_buttons_and_dragged_when_it_is_near(page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    whole = width_seen(page)
    page.get_by_role("button", name="Nearer").click()
    page.get_by_role("button", name="Nearer").click()
    assert width_seen(page) < whole / 2
    box = page.locator(".hp-map").bounding_box()
    assert box
    left = "document.querySelector('.hp-map').viewBox.baseVal.x"
    before = page.evaluate(left)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert page.evaluate(left) > before
    expect(page.locator("#hp-picked")).to_have_text("Tap a place on the map to read its number.")
    page.get_by_role("button", name="Show it all again").click()
    assert width_seen(page) == whole
    page.locator("#hp-ward").select_option(label="Bridge")
    assert width_seen(page) < whole


def test_the_first_sight_is_the_same_with_and_without_the_script(browser: Browser, page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(index.as_uri())
    for part in (".hp-lead", ".hp-rest", "#hp-past", "#hp-legend", "#hp-table table"):
        assert still.locator(part).text_content() == page.locator(part).text_content()
    classes = "all => all.map((path) => path.getAttribute('class'))"
    assert page.locator(".hp-set path").evaluate_all(classes) == [
        path.get_attribute("class") for path in still.locator(".hp-set path").all()
    ]
    expect(still.get_by_text("Between April and June 2026, 18 needle finds were recorded in Abbey.")).to_be_attached()
    context.close()


def test_every_number_that_the_script_writes_is_published(page: Page, index: Path) -> None:
    page.goto(index.as_uri())
    data = json.loads(page.locator("#hp-data").text_content() or "")
    for layer in data["layers"]:
        page.get_by_role("radio", name=layer["title"]).check()
        for place, ward in enumerate(["Exampleton", "Abbey", "Bridge"]):
            page.locator("#hp-ward").select_option(label=ward)
            shown = page.locator("#hp-past td.hp-number").all_text_contents()
            sums = [period["shown"][place if layer["byWard"] else 0] for period in layer["periods"]]
            words = ["none, or too few to show" if not n else f"{'' if whole else 'at least '}{n}" for n, whole in sums]
            assert shown == words
            counts = {f"{row[4]:,}" for row in layer["periods"][-1]["blocks"]}
            assert set(page.locator("#hp-table td.hp-number").all_text_contents()) <= counts


def test_it_works_in_a_frame(page: Page, index: Path) -> None:
    frame = index.with_name("frame.html")
    frame.write_text('<!DOCTYPE html><iframe title="Public map" src="index.html" width="340" height="600"></iframe>')
    page.goto(frame.as_uri())
    inside = page.frame_locator("iframe")
    inside.locator("#hp-ward").select_option(label="Abbey")
    expect(inside.locator(".hp-lead")).to_have_text(
        "Between April and June 2026, 18 needle finds were recorded in Abbey."
    )
