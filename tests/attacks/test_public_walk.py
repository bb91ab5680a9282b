"""A walk through the whole public page of a real store's release, with the store gone, and an ear at every byte.

The release is built from three years of demonstration events and a canary; then the store is removed, and the page is
served by a process whose settings name a store that is not there.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.NewSession_pb2 import Config

from hexbeat.areas.area import load_area
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.demonstration import make_events
from hexbeat.release.format import Release
from hexbeat.release.policy import load_policy
from hexbeat.release.publication import publish_release
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame
from tests.support.paths import ROOT
from tests.support.public_side import Ear, map_of, open_page, public_server, settle
from tests.support.stores import documents_in

pytestmark = pytest.mark.browser
TODAY: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
# Texts and a place of a record that the release counts and may not tell.
CANARY: Final = {"category": "canary-ca7e90", "status": "canary-57a7u5", "lon": -1.2276543, "lat": 54.5761234}
SECRETS: Final = (b"canary", b"1.2276543", b"54.5761234", b"demonstration-", b"Traceback", b"site-packages")


@dataclass(frozen=True)
class Walk:
    """What was heard on the way, what was read on the screen, and what was published."""

    ear: Ear
    bodies: dict[str, bytes]
    read: set[str]
    published: ReleaseTotals
    home: Path
    cookies: int


@pytest.fixture(scope="module")
def walk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("partnership")
    home, out = folder / "home", tmp_path_factory.mktemp("council") / "release"
    make_release(home, out)
    shutil.rmtree(home)
    with public_server(out, environment={"HEXBEAT_HOME": str(home)}, fresh=True) as url:
        context = browser.new_context(viewport={"width": 390, "height": 844}, accept_downloads=True)
        ear = Ear(context.new_page())
        read = walked(ear.page, url)
        yield Walk(ear, ear.bodies(), read, ReleaseTotals(Release.read(out)), home, len(context.cookies()))
        assert not home.exists()
        context.close()


def make_release(home: Path, out: Path) -> None:
    """As `hexbeat demo`, with a canary among its records, and `hexbeat release build`; on a day that does not move."""
    area = load_area("middlesbrough", home=home)
    made = make_events(area, events=6_000, seed=1, today=TODAY.date()).frame
    ward = area.wards.codes[int(area.wards.locate([CANARY["lon"]], [CANARY["lat"]])[0])]
    when = int(datetime(2026, 5, 5, tzinfo=UTC).timestamp())
    canary = event_frame(
        ["canary-1d"], **CANARY, source="demonstration", occurred_from=when, ward_code=ward, layer="needle_litter"
    )
    with Store.open(home) as store:
        with (
            store.begin_load(ANALYST, area=area.name, now=TODAY) as entry,
            entry.file("demonstration.csv", "demonstration", sha256="0" * 64) as part,
        ):
            part.add_events(made)
            part.add_events(canary)
        policy = load_policy(documents_in(home))
        publish_release(store, ANALYST, area, policy, out, home=home, as_at=TODAY.date(), now=TODAY)


def walked(page: Page, url: str) -> set[str]:
    """Every layer, some wards and periods, the map, the table and the downloads; the texts with numbers on the way."""
    read: set[str] = set()
    open_page(page, url)
    for ward in ("Middlesbrough", "Central", "Newport"):
        if ward != "Middlesbrough":
            page.get_by_role("combobox", name="Ward").click()
            page.get_by_role("option", name=ward, exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(f"What is happening in {ward}?")
        for layer in ("Street dealing", "Overdoses", "Closed properties", "Needle finds"):
            page.get_by_text(layer, exact=True).first.click()
            expect(page.locator("#hp-table caption")).to_contain_text(layer)
            slider = page.get_by_role("slider")
            if slider.count():
                slider.press("Home" if ward == "Central" else "ArrowLeft")
                period = slider.get_attribute("aria-valuetext")
                expect(page.locator("#hp-table caption")).to_have_text(f"{layer}, {period}")
            settle(page)
            read |= texts(page)
    for place in range(0, 200, 40):
        map_of(page).locator(".hp-place").nth(place).dispatch_event("click")
        read.add(map_of(page).locator(".hp-said").text_content() or "")
    for button in page.get_by_test_id("stDownloadButton").all():
        with page.expect_download():
            button.get_by_role("button").click()
    return read


def texts(page: Page) -> set[str]:
    parts = page.locator(".hp-lead, .hp-rest, .hp-number, .hp-past td, #hp-table td").all_text_contents()
    return {part for part in parts if part}


def test_no_byte_is_of_the_store_or_of_this_machine(walk: Walk) -> None:
    assert len(walk.ear.frames) > 50
    heard = [*walk.bodies.values(), *walk.ear.frames]
    hidden = (*SECRETS, str(walk.home).encode(), str(ROOT).encode(), b"/home/", b"/root/", b"/tmp/", b".venv")
    assert [(secret, part[:80]) for part in heard for secret in hidden if secret in part] == []


def test_the_first_message_says_nothing_of_the_machine(walk: Walk) -> None:
    opened = [message.new_session for message in walk.ear.messages() if message.WhichOneof("type") == "new_session"]
    assert opened
    for message in opened:
        assert message.main_script_path == ""
        assert message.initialize.environment_info.ByteSize() == 0
        assert message.initialize.user_info.ByteSize() == 0
        # An error of the program offers no links to ask others about it, on any host.
        assert message.config.show_error_links == Config.SHOW_ERROR_LINKS_FALSE


def test_every_number_is_a_block_or_a_sum_of_blocks(walk: Walk) -> None:
    """Read on the screen, sent for the map, or sent as a table: no other number is anywhere."""
    allowed = published_sums(walk.published)
    cells, words = zip(*(sent_numbers(message) for message in walk.ear.messages()), strict=True)
    for part in (walk.read, chain(*cells), chain(*words)):
        told = {number for text in part for number in numbers_in(text)}
        assert len(told) > 12
        assert told - allowed == set()


def published_sums(published: ReleaseTotals) -> set[int]:
    found = {block.count for block in published.release.blocks}
    for layer in published.layers:
        for period in layer.periods:
            found |= {published.count_shown(layer, period, ward).count for ward in (None, *published.wards)}
    return found


def sent_numbers(message: Any) -> tuple[list[str], list[str]]:
    """The parts of a message that hold numbers of events: sentences and cells of tables, and the words of the map."""
    element = message.delta.new_element
    cells = re.findall(r'class="hp-(?:lead|rest|number)">(.*?)<', element.html.body)
    sent = json.loads(element.component_instance.json_args or "{}")
    scripts = [text for text in sent.values() if isinstance(text, str)]
    return cells, [words for text in scripts for words in re.findall(r'"words":(\[.*?\])', text)]


def numbers_in(text: str) -> set[int]:
    """Whole numbers, without the years of periods."""
    plain = re.sub(r"\b20\d\d\b", "", text)
    return {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", plain)}


def test_nothing_is_kept_in_the_browser_and_nothing_comes_from_elsewhere(walk: Walk) -> None:
    assert walk.cookies == 0
    hosts = {re.sub(r"(//[^/]+).*", r"\1", answer.url) for answer in walk.ear.answers}
    assert len({address for address in hosts if not address.startswith(("data:", "blob:"))}) == 1
    assert walk.ear.faults == []


def test_periods_before_the_records_say_so(walk: Walk) -> None:
    assert "In 2023, the number of needle finds in Central is not known." in walk.read
    assert "not known" in walk.read
    assert not [text for text in walk.read if "2023" in text and "or too few" in text]


def test_downloads_are_the_release_and_nothing_more(walk: Walk) -> None:
    tables = [body for url, body in walk.bodies.items() if "/media/" in url and url.endswith(".csv")]
    blocks = len(walk.published.release.blocks)
    assert all(len(body.decode().splitlines()) == blocks + 1 for body in tables)
