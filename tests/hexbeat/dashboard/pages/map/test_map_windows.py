"""The Map page in windows of every kind: low, narrow, in forced colours, on paper, cut off, and beside a load."""

import io
import re
from datetime import datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from h3 import latlng_to_cell
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from hexbeat.areas.area import Area
from hexbeat.demonstration import load_demonstration
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.browser import PREPARED_MS, Windows, map_frame, painted_frames, wait_in_map, wait_until
from tests.support.events import load_frame, made_frame
from tests.support.partners_side import Open, Served, visit
from tests.support.servers import AT_REST, ask, free_port, hexbeat_server, sign_ins

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SAN_FRANCISCO = latlng_to_cell(37.77, -122.42, 9)
MAP = "iframe[title*='st_folium']"
# Each swatch of the legend, and whether it has the colour that the map gave it.
SWATCHES = """() => [...document.querySelectorAll('.hexbeat-legend li i')]
  .map((one) => getComputedStyle(one).backgroundColor === one.style.backgroundColor)"""
CLASSES = """() => { const { data, classes } = Hexbeat.layer('cells'), shown = new Set(classes);
  return [[...document.querySelectorAll('.hexbeat-legend li')].map((one) => one.innerText.trim()),
    data.labels.filter((_, k) => shown.has(k + 1))]; }"""
OVERLAPS = """() => { const box = (one) => one.getBoundingClientRect();
  const controls = [...document.querySelectorAll('.leaflet-control')].map(box).filter(({ width }) => width);
  return [...document.querySelectorAll('.hexbeat-name')].filter((one) => one.style.visibility !== 'hidden')
    .filter((one) => { const a = box(one.firstChild);
      return controls.some((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom); })
    .map((one) => one.innerText); }"""
OPACITY = """() => getComputedStyle(document.querySelector("iframe[title*='st_folium']")
  .closest("[data-testid=stElementContainer]").firstElementChild).opacity"""
REGION = """() => [...document.querySelectorAll('.st-key-hb_announcement *')].map((one) => one.shadowRoot || one)
  .map((root) => root.querySelector('[role=status]')).find(Boolean)"""


def size_of_map(page: Page) -> tuple[float, float]:
    """Width and height of the map's frame."""
    box = page.locator(MAP).first.bounding_box()
    assert box
    return box["width"], box["height"]


def test_forced_colours_leave_the_map_its_own_and_show_what_is_chosen(open_page: Open) -> None:
    page = open_page().page
    page.emulate_media(forced_colors="active", color_scheme="light")
    page.reload()
    frame = map_frame(page)
    assert frame.evaluate("Hexbeat.isDark()") is False
    swatches = frame.evaluate(SWATCHES)
    assert swatches
    assert all(swatches)
    pills = page.locator(".st-key-filter_period [role=radio]")
    background = "(one) => getComputedStyle(one).backgroundColor"
    chosen = page.locator(".st-key-filter_period [role=radio][aria-checked=true]")
    others = pills.evaluate_all(
        "(all) => all.filter((one) => one.ariaChecked !== 'true').map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert chosen.evaluate(background) not in others


def test_the_map_keeps_its_place_through_layers_and_side_by_side(open_page: Open) -> None:
    guest = open_page()
    page = guest.page
    names, classes = map_frame(page).evaluate(CLASSES)
    assert names == classes
    page.evaluate(f"() => {{ ({REGION})().marked = 'the same'; }}")
    words = guest.sentence.inner_text()
    place = page.locator(MAP).evaluate("(one) => one.getBoundingClientRect().top")
    map_frame(page).evaluate("() => { window.map.setView([54.56, -1.22], 15, { animate: false }); }")
    guest.choose("layer", "Overdoses")
    expect(guest.sentence).not_to_have_text(words)
    guest.settle()
    wait_in_map(page, "map.getZoom() === 15 && Math.abs(map.getCenter().lat - 54.56) < 1e-3")
    assert page.locator(MAP).evaluate("(one) => one.getBoundingClientRect().top") == place
    spoken = page.evaluate(f"() => {{ const region = ({REGION})(); return [region.marked, region.textContent]; }}")
    assert spoken == ["the same", guest.sentence.inner_text()]
    guest.choose("layer", "Several")
    guest.choose("layers", "Needles")
    first, second = painted_frames(page, 2)
    assert [one.evaluate("map.getZoom()") for one in (first, second)] == [15, 15]
    first.evaluate("() => { window.map.setView([54.57, -1.23], 14, { animate: false }); }")
    second.wait_for_function("map.getZoom() === 14 && Math.abs(map.getCenter().lat - 54.57) < 1e-3")


def test_low_and_narrow_windows_leave_the_map_a_decent_size(open_page: Open) -> None:
    guest = open_page()
    page = guest.page
    for (width, height), least in {
        (844, 390): (480, 300),
        (960, 600): (600, 480),
        (1440, 900): (700, 540),
        (1920, 1080): (1100, 680),
    }.items():
        page.set_viewport_size({"width": width, "height": height})
        wait_until(page, f"document.documentElement.clientWidth === {width}")
        wait_in_map(page, "map.getSize().y === innerHeight && map.getSize().x === innerWidth")
        assert size_of_map(page) >= least, (width, height)
        assert size_of_map(page)[1] >= least[1], (width, height)
        assert guest.overflow() == 0
    page.set_viewport_size({"width": 320, "height": 640})
    wait_until(page, "document.documentElement.clientWidth === 320")
    wait_in_map(page, "map.getSize().x === innerWidth && innerWidth < 320")
    map_frame(page).evaluate("() => Hexbeat.fitAgain(map)")
    assert map_frame(page).evaluate(OVERLAPS) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".st-key-ranking button").first.click()
    back = page.get_by_role("button", name="Back to the list")
    expect(back).to_be_visible()
    guest.settle()
    for button in (back, page.get_by_role("button", name="Copy link").last):
        box = button.bounding_box()
        assert box
        assert box["y"] + box["height"] < 900
    expect(page.locator(".hb-card .hb-sure summary")).to_have_text("How sure is this?")


@pytest.mark.parametrize(
    "come",
    ["(button) => button.scrollIntoView()", "(button) => button.focus({ preventScroll: true })"],
    ids=["scrolling", "key"],
)
def test_the_table_is_drawn_once_somebody_comes_to_it_and_then_stays(open_page: Open, come: str) -> None:
    guest = open_page()
    page = guest.page
    painted_frames(page, 1)
    place, table = page.get_by_role("button", name="Show the table"), page.get_by_test_id("stDataFrame")
    expect(place).to_have_count(1)
    page.wait_for_timeout(300)
    expect(table).to_have_count(0)
    place.evaluate(come)
    expect(table).to_be_visible()
    expect(place).to_have_count(0)
    page.locator("[data-testid=stMain]").evaluate("(main) => main.scrollTo(0, 0)")
    guest.choose("view", "Change")
    expect(page.get_by_role("heading", name="By ward", exact=True)).to_be_visible()  # of the new table
    expect(place).to_have_count(0)
    assert guest.failures == []


def test_whoever_comes_to_the_table_by_the_keyboard_goes_on_just_before_it(open_page: Open) -> None:
    page = open_page().page
    painted_frames(page, 1)
    page.get_by_role("button", name="Show the table").focus()  # it goes, and the focus with it
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_label("Count by")).to_be_focused()
    page.keyboard.press("Tab")
    wait_until(page, "document.activeElement.closest('[data-testid=stDataFrame]')")


def test_whoever_comes_back_from_another_tab_finds_the_table(open_page: Open) -> None:
    page = open_page().page
    page.get_by_role("tab", name="Rhythm").click()
    expect(page.locator(".hb-grid")).to_be_visible()
    page.locator("[data-testid=stMain]").evaluate("(main) => main.scrollTo(0, 0)")
    page.get_by_role("tab", name="Table").evaluate("(tab) => tab.click()")  # out of sight, as the table is
    expect(page.get_by_test_id("stDataFrame")).to_be_attached()
    expect(page.get_by_role("button", name="Show the table")).to_have_count(0)


def test_on_paper_the_map_is_whole_and_light_and_nothing_asks_to_be_pressed(open_page: Open) -> None:
    guest = open_page(size=(1440, 900), scheme="dark")
    page = guest.page
    frame = map_frame(page)
    frame.evaluate(
        "() => window.addEventListener('beforeprint', () => { window.onPaper = [map.getSize().x, map.hexbeat.own"
        " && map.getBounds().contains(map.hexbeat.home), Hexbeat.isDark()]; })"
    )
    pages = pypdfium2.PdfDocument(io.BytesIO(page.pdf(format="A4", print_background=True)))
    assert frame.evaluate("onPaper") == [680, True, False]
    text = re.sub(r"\s", "", pages[0].get_textpage().get_text_range())  # a paper has letters, and no spaces
    assert "needlefindsinMiddlesbrough" in text
    assert "Thisquarter" not in text
    assert "Wheremost" in text  # the list lies on the map's own page
    assert all(one.get_textpage().get_text_range().strip() for one in pages)  # and no page is empty
    pixels = pages[0].render(scale=1).to_numpy()
    corners = pixels[[5, -5]][:, [5, -5], :3]
    assert corners.min() > 240
    lilac = (abs(pixels[..., :3].astype(int).max(axis=2) - pixels[..., :3].astype(int).min(axis=2)) > 60).sum()
    assert lilac > 500  # cells, in colour
    assert frame.evaluate("[Hexbeat.isDark(), Hexbeat.printing]") == [True, False]


def test_the_old_map_dims_while_a_slow_one_is_made(browser: Browser, served_app: Served) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    name, _, key = sign_ins[served_app.url].partition("=")
    context.add_cookies([{"name": name, "value": key, "url": served_app.url}])
    page = context.new_page()
    slow = SlowServer(page)
    page.goto(served_app.url)
    map_frame(page)
    page.locator(AT_REST).wait_for()
    assert page.evaluate(OPACITY) == "1"
    slow.is_holding = True
    page.locator(".st-key-filter_period").get_by_text("90 days").click()
    wait_until(page, f"({OPACITY})() === '0.45'")
    expect(page.locator(MAP)).to_be_visible()
    slow.send_all()
    page.locator(AT_REST).wait_for()
    wait_until(page, f"({OPACITY})() === '1'")
    context.close()


class SlowServer:
    """What the server of a page sends; while it is holding, nothing from the first part of the page on arrives."""

    def __init__(self, page: Page) -> None:
        self.is_holding = False
        self._held = list[bytes | str]()
        page.route_web_socket("**/_stcore/stream*", self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket, server = socket, socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(self._pass_on)

    def _pass_on(self, message: bytes | str) -> None:
        is_part = isinstance(message, bytes) and ForwardMsg.FromString(message).WhichOneof("type") == "delta"
        if self.is_holding and (is_part or self._held):
            self._held.append(message)
        else:
            self._socket.send(message)

    def send_all(self) -> None:
        """Send what was held, and hold nothing more."""
        self.is_holding = False
        for message in self._held:
            self._socket.send(message)
        self._held.clear()


def test_a_link_says_what_it_cannot_show(open_page: Open) -> None:
    guest = open_page(f"/?cell={SAN_FRANCISCO}&colour=red")
    page = guest.page
    expect(page.get_by_text("The link names a cell outside this area. It was left out.")).to_be_visible()
    expect(page.get_by_text("The link has a part that means nothing here: colour.")).to_be_visible()
    expect(page.locator(".hb-card")).to_have_count(0)


def test_a_load_made_meanwhile_is_noticed_without_a_click(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    page = guest.page
    words = guest.sentence.inner_text()
    newest = datetime.now(served_app.area.tz).replace(hour=0, minute=0) - timedelta(hours=1)
    frame = made_frame(served_app.area, number=3, newest=newest, days=1, layer="needle_litter", source="demonstration")
    expect(page.get_by_text("New records are loaded.")).to_have_count(0)
    with Store.open(served_app.home) as store:
        load_frame(store, served_app.area, frame, source="demonstration")
        version = store.version()
    assert ask(served_app.url, "/news").body == f"{version}\n"
    refused = ask(served_app.url, "/news", {"Cookie": None})
    assert (refused.status, refused.body == f"{version}\n") == (401, False)
    page.evaluate("window.dispatchEvent(new Event('online'))")  # it asks at once, as it does every 20 seconds
    expect(page.get_by_text("New records are loaded.")).to_be_visible()
    expect(guest.sentence).to_have_text(words)
    page.get_by_role("button", name="Show them").click()
    expect(guest.sentence).not_to_have_text(words)
    expect(page.get_by_text("New records are loaded.")).to_have_count(0)


def test_after_a_restart_the_page_comes_back_and_the_first_click_counts(
    windows: Windows, area: Area, tmp_path: Path
) -> None:
    home, port = tmp_path / "home", free_port()
    with Store.open(home) as store:  # of few events, so that what is worked out ahead is soon there
        today = datetime.now(area.tz).date()
        load_demonstration(store, ANALYST, area, events=500, seed=1, today=today, home=home)
    environment = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": area.name, "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment, port=port) as url:
        guest = visit(windows, f"{url}/?period=90d")
    page = guest.page
    gone = page.get_by_text("The connection to Hexbeat is gone.")
    expect(gone).to_be_visible()
    with hexbeat_server(environment=environment, port=port, prepares=True):
        expect(gone).to_have_count(0)
        wait_until(page, "!document.querySelector('[data-testid=stMainBlockContainer] [inert]')")
        guest.choose("layer", "Overdoses")
        expect(guest.sentence).to_contain_text("overdose")
        guest.settle()
        chosen = page.locator(".st-key-filter_layer [aria-checked=true]")
        expect(chosen).to_have_text("Overdoses")
        expect(page).to_have_url(f"{url}/?layers=overdoses&period=90d")
        # What is worked out ahead stands there without a click.
        page.goto(f"{url}/analysis")
        page.get_by_role("tab", name="Back-test").click()
        expect(page.get_by_role("button", name="Run the back-test")).to_be_visible()
        expect(page.get_by_role("table")).to_be_visible(timeout=PREPARED_MS)
        guest.leave()
