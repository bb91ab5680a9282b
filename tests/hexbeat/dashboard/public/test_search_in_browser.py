"""The box in which readers look for a street, in a real browser: on the static page, and on the served one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import shapely
from playwright.sync_api import FrameLocator, Page, expect

from hexbeat.cli.server_commands import SERVER_MODULE
from hexbeat.dashboard.public.place_index import select_place_names
from hexbeat.dashboard.public.site import write_site
from tests.support.axe import find_violations
from tests.support.browser import Windows
from tests.support.paths import ROOT
from tests.support.public_side import Ear, map_of, open_page
from tests.support.releases import WARDS, example_release, write_example
from tests.support.servers import served_by

pytestmark = pytest.mark.browser
ABBEY, BRIDGE = WARDS
PUBLISHED = {
    "2026-Q1": (("fine.piece.0", 7), ("fine.group.0", 5), ("fine.group.1", 6), ("fine.borough", 9)),
    "2026-Q2": (("fine.piece.0", 12), ("fine.ward.E05000001", 6), ("fine.piece.4", 45)),
}
ALBERT_PARK = (
    "Around Albert Park (Abbey): no number of its own can be shown. It is part of the 6 needle finds in the rest of "
    "Abbey, April to June 2026."
)


def made_points() -> pd.DataFrame:
    """Two streets of one name, a school and a part of a postcode, in the pieces of the example."""
    places = example_release().places
    first, rest, other = (
        shapely.point_on_surface(places[name].outline) for name in ("fine.piece.0", "fine.piece.1", "fine.piece.4")
    )
    return pd.DataFrame(
        [
            ["street", "Mill Road", ABBEY, first.x, first.y],
            ["street", "Mill Road", BRIDGE, other.x, other.y],
            ["school", "St Anne\u2019s School", ABBEY, first.x, first.y],
            ["park", "Albert Park", ABBEY, rest.x, rest.y],
            ["postcode", "ZZ1 2AA", BRIDGE, other.x, other.y],
        ],
        columns=["kind", "name", "ward_code", "lon", "lat"],
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(example_release(published=PUBLISHED), folder, names=select_place_names(made_points(), ("Somebody",)))
    return folder / "index.html"


@pytest.fixture
def page(windows: Windows, index: Path) -> Iterator[Page]:
    opened = windows.take(index.as_uri(), size=(320, 700))
    faults: list[str] = []
    requests: list[str] = []
    windows.hear(opened, "console", lambda message: faults.append(message.text))
    windows.hear(opened, "pageerror", lambda error: faults.append(str(error)))
    windows.hear(opened, "request", lambda request: requests.append(request.url))
    opened.goto(index.as_uri())
    yield opened
    windows.leave(opened)
    assert faults == []
    assert requests == [index.as_uri()]


def look_for(place: Page | FrameLocator, words: str) -> None:
    box = place.get_by_role("searchbox", name="Find a street, park or school")
    box.fill(words)
    box.press("Enter")


@pytest.mark.parametrize("words", ["mill rd abbey", "MILL ROAD, Abbey", "mill raod abbey", "st annes"])
def test_a_reader_sees_what_is_published_around_a_place(page: Page, words: str) -> None:
    look_for(page, words)
    expect(page.locator("#hp-picked")).to_have_text(
        re.compile(r"^Around .* \(Abbey\): 12 needle finds in this part of Abbey, April to June 2026\.$")
    )
    expect(page.locator("#hp-ward")).to_have_value("1")
    assert page.locator(".hp-chosen").get_attribute("d")
    assert "Mill" not in page.url
    assert "mill" not in page.url


def test_several_of_a_name_are_offered_and_a_ward_or_part_of_a_postcode_leads_to_the_ward(page: Page) -> None:
    look_for(page, "mill road")
    names = page.get_by_role("list", name="Places of that name").get_by_role("button")
    expect(names).to_have_text(["Mill Road (Abbey)", "Mill Road (Bridge)"])
    answer = page.get_by_role("search").get_by_role("status")
    expect(answer).to_have_text(
        re.compile(r"^Around Mill Road \(Abbey\): .* Mill Road is also in Bridge: choose it below\.$")
    )
    names.nth(1).press("Enter")
    expect(page.locator("#hp-picked")).to_contain_text("Around Mill Road (Bridge): 45 needle finds")
    expect(answer).not_to_contain_text("choose")
    look_for(page, "albert park")
    expect(answer).to_have_text(f"{ALBERT_PARK} Albert Park lies in Abbey, which this page now shows.")
    expect(answer).to_be_in_viewport(ratio=1)
    row, said = page.get_by_role("searchbox").bounding_box(), answer.bounding_box()
    assert row
    assert said
    assert 0 <= said["y"] - (row["y"] + row["height"]) < 10  # directly under the box
    expect(page.locator("#hp-picked")).to_have_text(ALBERT_PARK)
    expect(page.locator("#hp-picked")).to_have_attribute("aria-live", "off")  # and is said once
    page.get_by_role("button", name="Earlier period").click()
    expect(answer).to_be_empty()
    page.get_by_role("button", name="Later period").click()
    look_for(page, "abbey")
    expect(page.locator("#hp-ward")).to_have_value("1")
    expect(answer).to_have_text(f"Shown on the map: Abbey. {page.locator('.hp-lead').inner_text()}")
    look_for(page, "zz1")
    expect(page.locator("#hp-ward")).to_have_value("2")
    expect(page.locator("#hp-picked")).not_to_contain_text("Around")
    look_for(page, "abbey")
    look_for(page, "ZZ12AA")
    rule = "Whole postcodes cannot be looked for here, as one may be a single house."
    expect(answer).to_have_text(f"{rule} These wards have postcodes that begin with ZZ1:")
    expect(names).to_have_text(["ZZ1 (Bridge)"])
    expect(names).to_be_in_viewport(ratio=1)
    names.press("Enter")
    expect(page.locator("#hp-ward")).to_have_value("2")
    look_for(page, "zz9 9zz")
    expect(answer).to_have_text(f"{rule} Try a street, a park, a school, a ward or the first part of a postcode.")
    expect(names).to_have_count(0)
    look_for(page, "albert park")
    assert page.locator(".hp-chosen").get_attribute("d")
    look_for(page, "qqqq")
    expect(page.locator(".hp-chosen")).to_have_attribute("d", "")  # no ring of the search before
    expect(page.get_by_text("No place here fits. Try fewer words, or part of a name.")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    found = find_violations(page, tags=("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"))
    assert [(fault["id"], [node["html"][:90] for node in fault["nodes"]]) for fault in found] == []


def test_the_served_map_finds_it_in_the_browser_alone(windows: Windows, tmp_path: Path) -> None:
    release = write_example(tmp_path / "release", example_release(published=PUBLISHED))
    made_points().to_csv(tmp_path / "gazetteer.csv", index=False)
    # The server itself: `hexbeat serve` tells it only of the gazetteer of an area that this machine has.
    told = {
        "HEXBEAT_AUDIENCE": "public", "HEXBEAT_RELEASE": str(release),
        "HEXBEAT_NAMES": str(tmp_path / "gazetteer.csv"), "HEXBEAT_NAMES_CREDIT": "Names: Somebody",
    }  # fmt: skip
    command = ["-m", SERVER_MODULE, str(ROOT / "streamlit_app.py"), "public", "127.0.0.1"]
    with served_by(command, environment=told) as url:
        ear = Ear(windows.take(url), windows=windows)
        open_page(ear.page, url)
        expect(ear.page.get_by_text("Names: Somebody")).to_be_visible()
        shown = map_of(ear.page)
        before = len(ear.frames)
        look_for(shown, "mill road bridge")
        answer = shown.get_by_role("search").get_by_role("status")
        expect(answer).to_contain_text("Around Mill Road (Bridge): 45 needle finds")
        ear.page.set_viewport_size({"width": 390, "height": 844})
        look_for(shown, "albert park")
        expect(answer).to_have_text(ALBERT_PARK)
        expect(answer).to_be_in_viewport(ratio=1)
        expect(shown.locator(".hp-said")).to_be_hidden()  # it is said once
        said, ground = answer.bounding_box(), shown.locator(".leaflet-container").bounding_box()
        assert said
        assert ground
        assert said["y"] + said["height"] <= ground["y"]  # the answer covers nothing of the map
        ringed = shown.locator(".hp-chosen").get_attribute("d")
        look_for(shown, "qqqq")
        expect(shown.locator(".hp-chosen")).not_to_have_attribute("d", ringed or "")
        expect(shown.locator(".hp-said")).to_have_class(re.compile("hp-quiet"))
        look_for(shown, "albert park")
        shown.get_by_role("searchbox").press("Tab")
        shown.locator(".leaflet-container").press("Escape")
        expect(answer).to_be_empty()
        expect(shown.locator(".hp-said")).to_be_visible()
        look_for(shown, "abbey")
        expect(shown.locator(".hp-found")).to_have_text("Shown on the map: Abbey.")
        assert len(ear.frames) == before
        assert ear.faults == []
        windows.leave(ear.page)
