"""The public side as a server: it needs no store, knows no store, and says little when something is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from hexbeat.dashboard.public.councillor_briefing import build_councillor_briefing, render_councillor_pdf
from hexbeat.dashboard.public.page import SORRY, convert_drawings
from hexbeat.store.store import Store
from tests.hexbeat.dashboard.public.conftest import PUBLISHED
from tests.support.axe import find_violations
from tests.support.cli import Run
from tests.support.events import event_frame, load
from tests.support.paths import ROOT
from tests.support.public_side import map_of, open_page, overflow, public_server, settle
from tests.support.releases import WARDS, example_release, write_example

CANARY = "canary-7f3a91"


@pytest.mark.slow
def test_the_public_page_imports_nothing_that_could_open_a_store() -> None:
    forbidden = (
        "hexbeat.store.store",
        "hexbeat.store.live_columns",
        "hexbeat.store.column_cache",
        "hexbeat.store.databases",
        "hexbeat.store.records",
        "hexbeat.settings",
        "hexbeat.areas.area",
        "sqlalchemy",
    )
    lines = (
        "import sys, hexbeat.dashboard.public.page, hexbeat.dashboard.web.server, "
        "hexbeat.dashboard.public.public_security; "
        f"print([m for m in {forbidden!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_the_static_site_holds_nothing_of_a_store_near_by(tmp_path: Path, run: Run) -> None:
    release = write_example(tmp_path / "release")
    with Store.open(tmp_path / "home") as store:  # the home of `run`
        load(store, event_frame([CANARY], category=CANARY))
    done = run("release", "site", release, "--out", tmp_path / "site")
    assert done.code == 0, done.err
    emitted = sorted((tmp_path / "site").iterdir())
    papers = [path for path in emitted if path.suffix == ".pdf"]
    assert [path.name for path in papers] == [f"ward-{code}.pdf" for code in WARDS]
    assert [path.name for path in emitted if path not in papers] == [
        "index.html", "numbers.csv", "numbers.csv-metadata.json", "numbers.geojson",
    ]  # fmt: skip
    assert not [path.name for path in emitted if CANARY.encode() in path.read_bytes()]
    for path in papers:  # what a PDF says is packed
        assert CANARY not in "".join(page.extract_text() for page in PdfReader(path).pages)
    assert CANARY not in done.out + done.err


@pytest.mark.browser
def test_the_choices_work_by_keyboard_and_the_link_carries_them(visitor: Page, address: str) -> None:
    open_page(visitor, f"{address}/?ward=nobody&period=1999-Q9")
    lead = visitor.locator(".hp-lead")
    expect(lead).to_have_text("Between April and June 2026, at least 63 needle finds were recorded in Exampleton.")
    visitor.get_by_role("slider").focus()
    visitor.keyboard.press("ArrowLeft")
    expect(lead).to_have_text("Between January and March 2026, 27 needle finds were recorded in Exampleton.")
    visitor.get_by_role("radio", name="Needle finds").focus()
    visitor.keyboard.press("ArrowDown")
    expect(lead).to_have_text("In 2025, 31 closed properties were recorded in Exampleton.")
    expect(visitor).to_have_url(f"{address}/?layer=closed_properties&period=2025")
    assert overflow(visitor) <= 0


@pytest.mark.browser
def test_a_ward_is_taken_along_on_one_page(visitor: Page, address: str) -> None:
    open_page(visitor, address)
    expect(visitor.get_by_test_id("stDownloadButton")).to_have_count(3)
    open_page(visitor, f"{address}/?ward=E05000001")
    with visitor.expect_download() as waiting:
        visitor.get_by_role("button", name="The chosen ward on one page (PDF)").click()
    assert waiting.value.suggested_filename == "E05000001.pdf"
    file = Path(waiting.value.path()).read_bytes()
    assert file == render_councillor_pdf(build_councillor_briefing(example_release(published=PUBLISHED), "Abbey"))
    assert overflow(visitor) <= 0


@pytest.mark.browser
@pytest.mark.parametrize("ear", [(320, "light"), (1280, "dark")], indirect=True)
def test_axe_finds_nothing(visitor: Page, address: str) -> None:
    open_page(visitor, f"{address}/?ward=E05000001")
    map_of(visitor).locator(".leaflet-container").press("Alt+ArrowRight")
    for summary in visitor.locator("main summary:visible, .hp summary:visible").all():
        summary.click()
    settle(visitor)
    found = {(fault["id"], node["html"][:120]) for fault in find_violations(visitor) for node in fault["nodes"]}
    assert found == set()
    assert overflow(visitor) <= 0


@pytest.mark.browser
def test_what_goes_wrong_is_not_told(visitor: Page, tmp_path: Path) -> None:
    """A release that is damaged while it is served, and one that is taken away."""
    release = write_example(tmp_path / "secret-folder")
    with public_server(release) as url:
        (release / "blocks.csv").write_text("secret-column\n", encoding="utf-8")
        visitor.goto(url)
        expect(visitor.get_by_role("alert")).to_have_text(SORRY)
        assert "secret" not in visitor.content()
        for path in release.iterdir():
            path.unlink()
        visitor.reload()
        expect(visitor.get_by_role("alert")).to_have_text(SORRY)
        assert "secret" not in visitor.content()


def test_drawings_become_pictures_with_the_same_name() -> None:
    picture = convert_drawings('<p>a</p><svg class="hp-map" aria-label="A &quot;map&quot;"><path d=""/></svg>')
    assert picture.startswith('<p>a</p><img class="hp-map" alt="A &quot;map&quot;" src="data:image/svg+xml;base64,')
