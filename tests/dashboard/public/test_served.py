"""The public side as a server: it needs no store, knows no store, and emits nothing of one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, WebSocket, expect

from dashboard.public.page import SORRY, as_pictures
from layers.store import Store
from tests.support.event_frames import event_frame, load
from tests.support.example_release import write_example
from tests.support.streamlit_server import PROJECT, streamlit_server

CANARY = "canary-7f3a91"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release beside a store that holds a record which must never be seen."""
    folder = tmp_path_factory.mktemp("council")
    with Store.open(folder / "var") as store:
        load(store, event_frame([CANARY], category=CANARY))
    return write_example(folder / "release")


@pytest.fixture(scope="module")
def address(release: Path) -> Iterator[str]:
    told = {
        "HEXBEAT_AUDIENCE": "public",
        "HEXBEAT_RELEASE": str(release),
        "HEXBEAT_HOME": str(release / "no" / "store"),
    }
    told |= {"HEXBEAT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}
    with streamlit_server(PROJECT / "streamlit_app.py", environment=told) as url:
        yield url
    assert not (release / "no").exists()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 320, "height": 800})
    yield context.new_page()
    context.close()


def test_the_public_page_imports_nothing_that_could_open_a_store() -> None:
    forbidden = (
        "layers.store",
        "layers.reading",
        "layers.databases",
        "layers.records",
        "layers.settings",
        "sqlalchemy",
    )
    lines = f"import sys, dashboard.public.page; print([m for m in {forbidden!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", lines], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_static_site_holds_nothing_of_a_store_near_by(release: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "hexbeat.py", "release", "site", str(release), "--out", str(tmp_path / "site")],
        cwd=PROJECT, capture_output=True, check=True,
    )  # fmt: skip
    emitted = [*((tmp_path / "site").iterdir())]
    assert len(emitted) == 4
    assert not [path.name for path in emitted if CANARY.encode() in path.read_bytes()]
    assert CANARY.encode() not in done.stdout + done.stderr


@pytest.mark.browser
def test_a_visit_shows_the_release_and_no_byte_of_the_store(page: Page, address: str) -> None:
    emitted: list[bytes] = []
    waiting: list[Response] = []
    page.on("response", lambda answer: waiting.append(answer))  # noqa: PLW0108 - Playwright takes no built-in
    page.on("websocket", lambda socket: hear(socket, emitted))
    page.goto(f"{address}/?ward=E05000001&layer=needle_litter&period=2026-Q2")
    expect(page.locator(".hp-lead")).to_have_text(
        "Between April and June 2026, at least 12 needle finds were recorded in Abbey."
    )
    expect(page.get_by_role("img", name="Map of needle finds in Abbey, April to June 2026.")).to_be_visible()
    emitted += [answer.body() for answer in waiting if answer.ok and "/static/" not in answer.url]
    assert any(b"needle finds were recorded in Abbey" in part for part in emitted)
    assert not any(CANARY.encode() in part for part in emitted)


def hear(socket: WebSocket, emitted: list[bytes]) -> None:
    socket.on("framereceived", lambda frame: emitted.append(frame if isinstance(frame, bytes) else frame.encode()))


@pytest.mark.browser
def test_the_choices_work_by_keyboard_and_the_link_carries_them(page: Page, address: str) -> None:
    page.goto(f"{address}/?ward=nobody&period=1999-Q9")
    lead = page.locator(".hp-lead")
    expect(lead).to_have_text("Between April and June 2026, at least 23 needle finds were recorded in Exampleton.")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(lead).to_have_text("Between January and March 2026, at least 16 needle finds were recorded in Exampleton.")
    page.get_by_role("radio", name="Needle finds").focus()
    page.keyboard.press("ArrowDown")
    expect(lead).to_have_text("In 2025, 31 closed properties were recorded in Exampleton.")
    expect(page).to_have_url(f"{address}/?layer=closed_properties&period=2025")
    wide = "document.querySelector('[data-testid=stMain]').scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, address: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address)
    expect(page.get_by_text("Accessibility", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    found = {
        (fault["id"], node["html"][:120]) for fault in Axe().run(page).response["violations"] for node in fault["nodes"]
    }
    assert found == set()


@pytest.mark.browser
def test_what_goes_wrong_is_not_told(page: Page, tmp_path: Path) -> None:
    told = {"HEXBEAT_AUDIENCE": "public", "HEXBEAT_RELEASE": str(tmp_path / "secret-folder")}
    with streamlit_server(PROJECT / "streamlit_app.py", environment=told) as url:
        page.goto(url)
        expect(page.get_by_role("alert")).to_have_text(SORRY)
        assert "secret-folder" not in page.content()


def test_drawings_become_pictures_with_the_same_name() -> None:
    picture = as_pictures('<p>a</p><svg class="hp-map" aria-label="A &quot;map&quot;"><path d=""/></svg>')
    assert picture.startswith('<p>a</p><img class="hp-map" alt="A &quot;map&quot;" src="data:image/svg+xml;base64,')
