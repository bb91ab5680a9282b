"""Both public pages for everybody: colours by computation, large text, forced colours, keys, targets, names."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from hexbeat.dashboard.public.advice import render_method
from hexbeat.dashboard.public.palette import COLOURS
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.site import write_site
from tests.hexbeat.dashboard.public.conftest import PUBLISHED
from tests.support.browser import Windows
from tests.support.colours import COLOUR_BLINDNESS, contrast, difference
from tests.support.public_side import map_of, open_page, overflow
from tests.support.releases import example_release

CLASSES: Final = ("c0", "c1", "c2", "c3", "c4")
SMALLEST_TARGET_PX: Final = 24
LARGE_TEXT: Final = "document.documentElement.style.fontSize = '200%'"
# Links to skip by are seen only with the focus; links within sentences are as high as their line.
SKIPS: Final = ".hp-skip, [data-testid=stSkipToContent], p a, li a"
TARGETS: Final = f"a[href]:not({SKIPS}), button, select, summary, [type=range], label:has(input)"
OUTER: Final = "element => element.outerHTML.slice(0, 120)"


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_text_and_lines_stand_out(side: int) -> None:
    colour = {name: pair[side] for name, pair in COLOURS.items()}
    text = [("ink", "paper"), ("ink", "soft"), ("quiet", "paper"), ("accent", "paper"), ("on-accent", "accent")]
    assert min(contrast(colour[one], colour[other]) for one, other in [*text, ("ward", "ground")]) >= 4.5
    # What parts one number from the next on the map, what marks its kind, and what rings the chosen one.
    lines = [("edge", "ground"), ("hatch", "ground"), ("ward", "ground"), ("accent", "ground"), ("line", "paper")]
    assert min(contrast(colour[one], colour[other]) for one, other in lines) >= 3


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_every_class_is_told_by_lightness_or_by_its_line(side: int) -> None:
    """Neighbouring classes may differ by less than 3:1: two lines part them, and one stands out from either of them."""
    colour = {name: pair[side] for name, pair in COLOURS.items()}
    fills = [colour[name] for name in ("ground", *CLASSES)]
    for one, other in pairwise(fills):
        lines = [contrast(colour[line], part) for line in ("edge", "ground") for part in (one, other)]
        assert max(contrast(one, other), *lines) >= 3
        assert difference(one, other) > 15
        assert min(difference(one, other, seen_with=kind) for kind in COLOUR_BLINDNESS) > 8


def test_how_the_numbers_are_made_takes_two_hundred_words() -> None:
    published = ReleaseTotals(example_release(published=PUBLISHED))
    text = render_method(published, published.layers[0]).replace("<p>", " ").replace("</p>", " ")
    assert 150 <= len(text.split()) <= 240


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(example_release(published=PUBLISHED), folder)
    return folder / "index.html"


@pytest.fixture(params=["a file", "a server"])
def page(request: pytest.FixtureRequest, windows: Windows, index: Path) -> Iterator[Page]:
    """A phone that looks at either page, by a link to a ward."""
    site = index.as_uri() if request.param == "a file" else request.getfixturevalue("address")
    opened = windows.take(site, size=(320, 640))
    if request.param == "a file":
        opened.goto(f"{site}#ward=E05000001&layer=needle_litter&period=2026-Q1")
        expect(opened.locator(".hp-zoom")).to_be_visible()
    else:
        open_page(opened, f"{site}/?ward=E05000001&layer=needle_litter&period=2026-Q1")
    yield opened
    windows.leave(opened)


@pytest.mark.browser
def test_targets_focus_large_text_and_colours_of_the_reader(page: Page) -> None:
    sizes = {target.evaluate(OUTER): size_of(target) for target in page.locator(TARGETS).all() if target.is_visible()}
    assert {name: size for name, size in sizes.items() if size < SMALLEST_TARGET_PX} == {}
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS))
    hidden = [state for state in seen if state not in ("ring", "frame", "body")]
    assert hidden == []
    assert seen.count("ring") >= 6
    require_room_for_large_text(page)
    require_map_in_colours_of_the_reader(page)


def size_of(target: Locator) -> float:
    """The smaller side of what answers to a tap: of Streamlit's slider the thumb around its hidden input."""
    thumb = target.locator("xpath=ancestor::*[@data-rac][1]")
    box = (thumb if thumb.count() else target).bounding_box()
    assert box
    return min(box["width"], box["height"])


# How the focused element shows it: an outline or a shadow of its own or of what is around it, and in sight.
FOCUS: Final = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return "body";
  if (element.tagName === "IFRAME") return "frame";
  const box = element.getBoundingClientRect();
  if (box.bottom < 0 || box.top > innerHeight) return "out of sight";
  for (let part = element, up = 0; part && up < 5; part = part.parentElement, up++) {
    const style = getComputedStyle(part);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    if (outlined || style.boxShadow !== "none") return "ring";
  }
  return `no ring: ${element.outerHTML.slice(0, 90)}`;
}"""


FITS: Final = """() => [document.documentElement, document.querySelector("[data-testid=stMain]")]
  .every((part) => !part || part.scrollWidth <= part.clientWidth)"""


def require_room_for_large_text(page: Page) -> None:
    """Text of twice the size, on a phone: nothing is cut off, and nothing scrolls sideways."""
    page.evaluate(LARGE_TEXT)
    expect(page.locator(".hp-lead")).to_be_visible()
    page.wait_for_function(FITS)  # a page takes a moment to lay itself out
    assert sideways(page) <= 0
    for part in page.locator("h1, h2, .hp-lead, .hp-promise, summary").all():
        box = part.bounding_box()
        assert box is None or box["x"] + box["width"] <= 321


def sideways(page: Page) -> int:
    if page.get_by_test_id("stMain").count():
        return overflow(page)
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def require_map_in_colours_of_the_reader(page: Page) -> None:
    """Forced colours: fills that carry meaning stay, and so do the lines between places."""
    page.emulate_media(forced_colors="active")
    inside = inside_of(page)
    assert inside.locator(".hp-c0").first.evaluate("element => getComputedStyle(element).fill") == "rgb(253, 216, 146)"
    assert inside.locator("path.hp-borders").evaluate("element => getComputedStyle(element).stroke") != "none"
    expect(page.locator(".hp-lead")).to_be_visible()


def inside_of(page: Page) -> Page | FrameLocator:
    """Where the map is: in the page, or in a frame of it."""
    return page if page.locator(".hp-zoom").count() else map_of(page)


@pytest.mark.browser
def test_names_for_those_who_hear_the_page_and_nothing_moves(page: Page) -> None:
    assert page.locator("html").get_attribute("lang") in {"en-GB", "en"}
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("radio", name="Needle finds")).to_be_checked()
    slider = page.get_by_role("slider", name="Period")
    expect(slider).to_have_attribute("aria-valuetext", "January to March 2026")
    name = "Map of needle finds in Abbey, January to March 2026."
    expect(inside_of(page).get_by_role("application", name=name)).to_be_visible()
    page.get_by_text("Show the table").click()
    expect(page.get_by_role("region", name="Places and their numbers")).to_be_visible()
    expect(page.get_by_role("table", name="Needle finds in Abbey, period by period")).to_be_visible()
    row = "Elsewhere in Abbey, part A elsewhere in this wider part of Abbey 5"
    expect(page.get_by_role("row", name=row)).to_be_visible()
    shown = "all => all.filter((one) => one.offsetParent).map((one) => Number(one.tagName[1]))"
    levels = page.eval_on_selector_all("h1, h2, h3", shown)
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    slider.press("ArrowRight")
    lead = "Between April and June 2026, 18 needle finds were recorded in Abbey."
    expect(page.locator(".hp-lead")).to_have_text(lead)
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.frames[-1].evaluate(moving) == 0
