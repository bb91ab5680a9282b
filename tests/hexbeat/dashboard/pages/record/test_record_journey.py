"""A team's way through its stops on a phone, and places on the data page, in a real Chromium on a real server."""

import datetime as dt
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hexbeat.operations.ledger.ledger import read_visit_history, read_visits
from hexbeat.operations.ledger.visits import build_stop_visit, find_stop, visit_id
from hexbeat.operations.plans.plan import PlanKind
from hexbeat.operations.plans.plan_store import save_plan
from hexbeat.operations.plans.stop_links import USUAL_LINKS, build_geo_link
from hexbeat.operations.reference_places import read_reference
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.wording import format_date
from tests.support.axe import find_violations
from tests.support.browser import DESK, PHONE, Windows, map_frame
from tests.support.gpx import gpx_of, walked
from tests.support.partners_side import Visit, visit
from tests.support.plans import LONDON, made_plan
from tests.support.servers import free_port, hexbeat_server
from tests.support.stores import documents_in

pytestmark = pytest.mark.browser
SMALL = (360, 740)
BEGAN = dt.datetime.now(LONDON).replace(second=0, microsecond=0) - dt.timedelta(minutes=90)
SWEEP = made_plan(PlanKind.SWEEP, begins=BEGAN, plan_id="sweep1")
OLD = made_plan(begins=BEGAN - dt.timedelta(days=2), plan_id="nights")
CELLAR = made_plan(begins=BEGAN, plan_id="cellar")
MAPPED = made_plan(begins=BEGAN - dt.timedelta(days=3), plan_id="mapped")
AHEAD = made_plan(begins=BEGAN + dt.timedelta(days=1), plan_id="ahead")
LEAVE_OTHERS = """() => localStorage.setItem("hexbeat-record", JSON.stringify(["1-3", "1-4"].map((stop) => ({
  key: `${stop}-${Math.random()}`, plan: "mapped", team: "Team 1", stop, outcome: "done", minutes: 11, needles: null,
  at: Math.floor(Date.now() / 1000), by: "0123456789abcdef",
}))))"""
LINK = "/done?plan=sweep1&team=Team%201"


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("done") / "home"
    for plan in (SWEEP, OLD, MAPPED, CELLAR, AHEAD):
        save_plan(documents_in(path), plan)
    return path


@pytest.fixture(scope="module")
def address(served_home: Path) -> Iterator[str]:
    environment = {"HEXBEAT_HOME": str(served_home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment) as url:
        yield url


def recorded(served_home: Path, plan_id: str = "sweep1") -> list[tuple[object, ...]]:
    with Store.open(served_home) as store:
        frame = read_visits(store, ANALYST, plan_id=plan_id)
    return [
        tuple(row) for row in frame[["stop_id", "minutes", "needles", "outcome"]].astype("object").to_numpy().tolist()
    ]


def small_targets(guest: Visit) -> list[str]:
    """What can be tapped in the team's part and is lower than 44 px."""
    script = """() => [document, ...[...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean)]
      .flatMap((root) => [...root.querySelectorAll('button, summary, select, input, a, label:has(input)')])
      .filter((one) => (one.getRootNode().host || one).closest('.st-key-hb_done') && one.getBoundingClientRect().height)
      .filter((one) => !['file', 'radio'].includes(one.type) && one.role !== 'combobox')
      .filter((one) => one.getBoundingClientRect().height < 44)
      .map((one) => one.outerHTML)"""
    found: list[str] = guest.page.evaluate(script)
    return found


def test_one_tap_records_a_stop_and_the_last_tap_is_undone(windows: Windows, address: str, served_home: Path) -> None:
    guest = visit(windows, address + LINK, size=SMALL)
    page = guest.page
    number = page.get_by_text(re.compile(r"^Stop \d of 4$"))
    progress = page.locator(".hb-done-progress")
    expect(number).to_have_text("Stop 1 of 4")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(number).to_have_text("Stop 2 of 4")
    expect(progress).to_contain_text("1 of 4 done")
    expect(page.locator(".hb-recorder .notice")).to_have_text(
        re.compile(r"^Recorded: stop 1, 15 minutes from \d\d:\d\d\.$")
    )
    assert recorded(served_home) == [("1-1", 15, 0, "done")]
    with Store.open(served_home) as store:
        began = read_visits(store, ANALYST)["started_at"].iloc[0]
    late = (dt.datetime.now(dt.UTC) - began.to_pydatetime()).total_seconds() / 60
    assert 15 <= late < 25  # it ended now, so it began as long ago as it took

    page.get_by_label("Needles collected", exact=True).fill("7")
    page.get_by_role("button", name="More minutes").click()
    expect(page.get_by_label("Minutes", exact=True)).to_have_value("16")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(progress).to_have_text("2 of 4 done · 31 of 60 minutes · 7 needles")
    page.get_by_role("button", name="Could not do it").click()
    expect(number).to_have_text("Stop 4 of 4")
    page.get_by_role("button", name="Undo stop 3").click()
    expect(number).to_have_text("Stop 3 of 4")
    expect(page.locator(".hb-recorder .notice")).to_have_text("Stop 3: undone. It is open again.")
    guest.settle()
    assert sorted(recorded(served_home)) == [("1-1", 15, 0, "done"), ("1-2", 16, 7, "done")]

    page.get_by_label("Another stop").select_option("1-1")
    expect(number).to_have_text("Stop 1 of 4")
    page.get_by_label("Minutes", exact=True).fill("20")  # and tapped at once: what was typed counts
    page.get_by_role("button", name="Correct", exact=True).click()
    expect(number).to_have_text("Stop 3 of 4")
    expect(progress).to_have_text("2 of 4 done · 36 of 60 minutes · 7 needles")
    assert sorted(recorded(served_home)) == [("1-1", 20, 0, "done"), ("1-2", 16, 7, "done")]
    assert (small_targets(guest), guest.overflow(), guest.failures) == ([], 0, [])
    guest.leave()


def test_visits_of_an_earlier_sign_in_are_kept_apart_and_sent_or_removed_by_a_person(
    windows: Windows, address: str, served_home: Path
) -> None:
    link = f"{address}/done?plan=mapped&team=Team%201"
    guest = visit(windows, link, size=SMALL)
    page = guest.page
    progress = page.locator(".hb-done-progress")
    expect(page.get_by_text("Stop 1 of 4", exact=True)).to_be_visible()
    before = recorded(served_home, "mapped")
    page.evaluate(LEAVE_OTHERS)
    page.reload()
    expect(page.get_by_text("2 visits of an earlier sign-in are kept on this phone.")).to_be_visible()
    page.get_by_role("button", name="Done", exact=True).click()  # one's own are sent meanwhile
    expect(progress).to_contain_text("1 of 4 done")
    guest.settle()
    assert len(recorded(served_home, "mapped")) == len(before) + 1
    page.get_by_role("button", name="Remove them", exact=True).click()
    page.get_by_role("button", name="Keep them").click()
    assert (small_targets(guest), guest.overflow()) == ([], 0)
    page.get_by_role("button", name="Send them as mine").click()
    expect(progress).to_contain_text("3 of 4 done")
    expect(page.get_by_text("of an earlier sign-in")).to_have_count(0)
    page.wait_for_function("() => localStorage.getItem('hexbeat-record') === null")
    page.evaluate(LEAVE_OTHERS)
    page.reload()
    page.get_by_role("button", name="Remove them", exact=True).click()
    page.get_by_role("button", name="Yes, remove them").click()
    expect(page.get_by_text("of an earlier sign-in")).to_have_count(0)
    assert page.evaluate("() => localStorage.getItem('hexbeat-record')") is None
    guest.leave()


def test_an_hour_without_a_connection_loses_nothing_and_records_nothing_twice(
    windows: Windows, served_home: Path
) -> None:
    environment = {"HEXBEAT_HOME": str(served_home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    port = free_port()
    with hexbeat_server(environment=environment, port=port) as url:
        guest = visit(windows, f"{url}/done?plan=cellar&team=Team%201", size=SMALL)
        page = guest.page
        number = page.get_by_text(re.compile(r"^Stop \d of 4$"))
        expect(number).to_have_text("Stop 1 of 4")
        page.get_by_role("button", name="Done", exact=True).click()
        expect(page.locator(".hb-done-progress")).to_contain_text("1 of 4 done")
        page.wait_for_function("() => localStorage.getItem('hexbeat-record') === null")  # the phone knows it too
    # The server is gone, as it is for a phone in a basement.
    expect(page.get_by_text("No connection. What you record is kept on this phone")).to_be_visible()
    page.wait_for_timeout(5000)  # until the rest of the page can no longer be pressed, and Streamlit says so
    expect(page.get_by_label("Quarter").locator("xpath=ancestor::*[@inert]").first).to_be_attached()
    page.get_by_role("button", name="Done", exact=True).click()
    expect(number).to_have_text("Stop 3 of 4")
    page.get_by_label("Minutes", exact=True).fill("9")
    page.get_by_role("button", name="Done", exact=True).click()
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_text("All stops are recorded")).to_be_visible()
    page.get_by_role("button", name="Undo stop 4").click()
    page.get_by_role("button", name="Could not do it").click()
    expect(page.get_by_text("3 visits are kept on this phone and sent when it is back.")).to_be_visible()
    kept = json.loads(page.evaluate("() => localStorage.getItem('hexbeat-record')"))
    assert {field for entry in kept for field in entry} == {
        *("key", "plan", "team", "stop", "outcome", "minutes", "needles", "at", "by"),
    }
    assert len(recorded(served_home, "cellar")) == 1
    time.sleep(2)  # so that a visit that was recorded when it arrived would have another second
    with hexbeat_server(environment=environment, port=port):
        expect(page.locator(".hb-done-progress")).to_have_text("3 of 4 done · 39 of 60 minutes")
        expect(page.get_by_text("kept on this phone")).to_have_count(0)
        page.wait_for_function("() => localStorage.getItem('hexbeat-record') === null")
        guest.settle()
        visits = sorted((stop, minutes, outcome) for stop, minutes, _, outcome in recorded(served_home, "cellar"))
        done = [("1-1", 15, "done"), ("1-2", 15, "done"), ("1-3", 9, "done")]
        assert visits == [*done, ("1-4", 0, "not_done")]
        with Store.open(served_home) as store:
            for entry in kept:
                name = visit_id(build_stop_visit(CELLAR, *find_stop(CELLAR, entry["stop"])))
                history = read_visit_history(store, ANALYST, name)
                assert [int(row.timestamp()) for row in history["recorded_at"]] == [entry["at"]]
    guest.leave()


def test_the_next_stop_is_on_a_map_with_streets_and_opens_in_the_phones_own(windows: Windows, address: str) -> None:
    guest = visit(windows, f"{address}/done?plan=mapped&team=Team%202", size=PHONE)
    page = guest.page
    frame = map_frame(page)
    stops = MAPPED.tours[1].stops
    link = page.get_by_role("link", name="Open in the phone's map")
    expect(link).to_have_attribute("href", build_geo_link(stops[0], USUAL_LINKS) or "")
    frame.wait_for_function("() => map.hexbeat.streets && map.hexbeat.streets.names.length")
    inside = "([lat, lon]) => map.getBounds().contains([lat, lon])"
    assert frame.evaluate(inside, [stops[0].lat, stops[0].lon])
    box = page.get_by_role("button", name="Done", exact=True).bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE[1]
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_text("Stop 2 of 4", exact=True)).to_be_visible()
    frame.wait_for_function(inside, arg=[stops[1].lat, stops[1].lon])
    expect(link).to_have_attribute("href", build_geo_link(stops[1], USUAL_LINKS) or "")
    centred = """([lat, lon]) => map.distance(map.getCenter(), [lat, lon]) < 20
      && document.querySelector(".hb-shown")?.textContent"""
    for number in (4, 3, 1):  # the map moves to the stop that is chosen, also where it is in sight
        page.get_by_label("Another stop").select_option(f"2-{number}")
        shown = frame.wait_for_function(centred, arg=[stops[number - 1].lat, stops[number - 1].lon]).json_value()
        assert (shown, frame.locator(".hb-shown").count()) == (str(number), 1)
    assert guest.failures == []
    guest.leave()


def test_a_tap_that_is_refused_says_why_beside_the_button(windows: Windows, address: str, served_home: Path) -> None:
    guest = visit(windows, f"{address}/done?plan=ahead&team=Team%201", size=PHONE)
    page = guest.page
    first = AHEAD.begins - dt.timedelta(hours=3)
    when = f"Record it from {first:%H:%M} on {format_date(first.date())}."
    why = (
        "A stop is recorded from three hours before its plan begins"
        f"This plan begins at {AHEAD.begins:%H:%M} on {format_date(AHEAD.begins.date())}."
        f"{when}"
    )
    notice = page.locator(".hb-recorder .notice[role=status]")
    expect(notice).to_have_text("")
    button = page.get_by_role("button", name="Done", exact=True)
    expect(page.locator(".hb-recorder .early")).to_have_text(when)
    expect(button).to_be_disabled()
    expect(page.get_by_role("button", name="Could not do it")).to_be_disabled()
    for _ in range(2):  # whatever a phone sends, the server refuses it; the second tap is answered like the first
        button.evaluate("element => { element.disabled = false }")
        button.click()
        expect(notice).to_have_text(why)
        expect(notice).to_be_in_viewport(ratio=1)
        expect(page.get_by_text("Stop 1 of 4", exact=True)).to_be_visible()
    guest.settle()
    page.get_by_label("Another stop").select_option("1-2")
    expect(notice).to_have_text("")  # it was about another tap
    assert recorded(served_home, "ahead") == []
    page.clock.set_fixed_time(
        first + dt.timedelta(minutes=1)
    )  # when the hour comes the buttons can be used, without a new page
    expect(button).to_be_enabled()
    expect(page.locator(".hb-recorder .early")).to_have_count(0)
    assert (guest.overflow(), guest.failures) == (0, [])
    guest.leave()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_stands_at_every_width_and_axe_finds_nothing(windows: Windows, address: str, scheme: str) -> None:
    guest = visit(windows, address + LINK, size=DESK, scheme=scheme)
    for width in (DESK[0], PHONE[0], 320):
        guest.page.set_viewport_size({"width": width, "height": 740})
        expect(guest.page.get_by_label("Another stop")).to_be_visible()
        assert guest.overflow() == 0
    found = find_violations(guest.page)
    brought = (
        "stFileUploaderDropzone",
        "stFloatingOverlayPortal",
    )  # Streamlit's own, as tests/dashboard/test_accessibility
    ours = [node["html"] for one in found for node in one["nodes"] if not any(part in node["html"] for part in brought)]
    assert ours == []
    guest.leave()


def test_a_track_is_handed_in_seen_first_recorded_and_undone(windows: Windows, address: str, served_home: Path) -> None:
    stops = OLD.tours[1].stops
    track = gpx_of(walked([(stop.arrive, stop.lon, stop.lat, 10) for stop in stops[:2]]))
    guest = visit(windows, f"{address}/done?plan=nights&team=Team%202", size=SMALL)
    page = guest.page
    guest.upload({"name": "t.gpx", "mimeType": "", "buffer": track.encode()}, uploader="done_file")
    expect(page.get_by_role("region", name="This would be recorded: t.gpx")).to_contain_text("2 of 4")
    assert recorded(served_home, "nights") == []
    page.get_by_role("button", name="Record it").click()
    expect(page.locator(".hb-done-progress")).to_have_text("2 of 4 done · 20 of 60 minutes")
    guest.settle()
    page.get_by_role("button", name="Undo the last import").click()
    page.get_by_role("button", name="Yes, undo it").click()
    expect(page.locator(".hb-done-progress")).to_have_text("0 of 4 done · 0 of 60 minutes")
    guest.settle()
    with page.expect_download() as coming:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert coming.value.suggested_filename.startswith("hexbeat-middlesbrough-return-20")
    guest.leave()


def test_places_are_dropped_checked_loaded_and_put_back(windows: Windows, address: str, served_home: Path) -> None:
    guest = visit(windows, f"{address}/data", size=SMALL)
    page = guest.page
    sheet = b"name,lon,lat\nAlbert Pharmacy,-1.2400,54.5720\nLeeds,-1.55,53.8\n"
    guest.upload({"name": "h.csv", "mimeType": "text/csv", "buffer": sheet}, uploader="places_file")
    expect(page.get_by_role("region", name="The first rejected rows")).to_contain_text("outside the area")
    page.get_by_role("button", name="Load these places").click()
    expect(page.get_by_text("Loaded 1 place that holds naloxone from h.csv.")).to_be_visible()
    guest.settle()
    with Store.open(served_home) as store:
        assert read_reference(store, ANALYST)["name"].tolist() == ["Albert Pharmacy"]
    page.get_by_role("button", name="Undo the last change of places").click()
    page.get_by_role("button", name="Yes, undo it").click()
    expect(page.get_by_text("Undone: the load of h.csv (places that hold naloxone).")).to_be_visible()
    with Store.open(served_home) as store:
        assert read_reference(store, ANALYST).empty
    assert (guest.overflow(), guest.failures) == (0, [])
    guest.leave()
