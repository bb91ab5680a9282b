"""A sergeant's way through the dashboard, in a real Chromium on a real server."""

import io
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pandas as pd
import pytest
from h3 import cell_to_latlng
from playwright.sync_api import Browser, expect

from hexbeat.areas.place_names import choose_resolution, measure_area_km2
from hexbeat.areas.street_names import name_cell
from hexbeat.dashboard.state.choices import Choices, build_filter, format_query
from hexbeat.dashboard.state.figures import LayerFigures, count_layer
from hexbeat.dashboard.state.freshness import find_last_known_day, find_layer_freshness
from hexbeat.dashboard.views.sentence import describe_counts
from hexbeat.dashboard.views.tables import build_export_rows
from hexbeat.store.store import Store
from layers.counting import count
from tests.support.browser import PHONE, PREPARED_MS, map_frame, on_screen, wait_in_map, wait_until
from tests.support.events import load_frame, made_frame
from tests.support.partners_side import Open, Served, Visit

pytestmark = pytest.mark.browser


def expected(served: Served, choices: Choices, beside: tuple[str, ...] = ()) -> LayerFigures:
    """The figures of the first chosen layer, computed here and not by the server; `beside`: all that are shown."""
    columns, area = served.columns(), served.area
    reaches = find_layer_freshness(columns, time_zone=area.tz)
    today = datetime.now(area.tz).date()
    last = find_last_known_day(reaches, layers=beside or choices.layers, today=today)
    resolution = choices.size or choose_resolution(measure_area_km2(area.wards, choices.wards))
    layer = choices.layers[0]
    figures = count_layer(
        columns, layer=layer, choices=choices, last=last, resolution=resolution, area=area, freshness=reaches[layer]
    )
    plain = count(
        columns, build_filter(choices, layer=layer, start=figures.start, end=figures.end), time_zone=area.time_zone
    )
    assert figures.total == plain.total
    return figures


def words(served: Served, choices: Choices, beside: tuple[str, ...] = ()) -> str:
    """The sentence that has to stand over the map."""
    names = dict(zip(served.area.wards.codes, served.area.wards.names, strict=True))
    return describe_counts(
        expected(served, choices, beside),
        choices,
        ward_names=[names[code] for code in choices.wards],
        area_title=served.area.title,
    )


def downloaded(guest: Visit, label: str) -> tuple[str, bytes]:
    """The suggested name and the content of the file behind a button, which is pressed when the page is at rest."""
    guest.settle()
    with guest.page.expect_download() as coming:
        guest.page.get_by_role("button", name=label, exact=True).click()
    return coming.value.suggested_filename, coming.value.path().read_bytes()


def ward_called(served: Served, name: str) -> str:
    return dict(zip(served.area.wards.names, served.area.wards.codes, strict=True))[name]


def test_filters_change_the_number_and_the_link_brings_them_back(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    guest.says(words(served_app, Choices()))
    guest.choose("period", "90 days")
    guest.says(words(served_app, Choices(period="90d")))
    guest.choose("shift", "Night")
    guest.says(words(served_app, Choices(period="90d", shift="night")))
    wards = guest.page.locator(".st-key-filter_wards input")
    wards.fill("Central")
    wards.press("Enter")
    wards.press("Escape")
    chosen = Choices(period="90d", shift="night", wards=(ward_called(served_app, "Central"),))
    guest.says(words(served_app, chosen))
    expect(guest.page).to_have_url(f"{served_app.url}/?{urlencode(format_query(chosen))}")

    guest.page.locator(".st-key-hb_copy_link button").click()
    link = guest.page.evaluate("navigator.clipboard.readText()")
    query = dict(parse_qsl(urlsplit(link).query))
    figures = expected(served_app, chosen)
    assert query == format_query(chosen, fixed=(figures.start, figures.end))
    again = open_page(link.removeprefix(served_app.url))
    expect(again.sentence).to_have_text(guest.sentence.inner_text())

    guest.page.get_by_role("button", name="Reset").click()
    guest.says(words(served_app, Choices()))
    expect(guest.page).to_have_url(f"{served_app.url}/")


def test_a_click_on_a_cell_opens_its_card_and_the_list_does_too(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    cells = expected(served_app, Choices()).cells
    first = guest.page.locator(".st-key-ranking button").first
    expect(first).to_contain_text(name_cell(cells["cell"].iloc[0], served_app.area))
    first.click()
    card = guest.page.locator(".hb-card")
    expect(card.locator("h2")).to_have_text(name_cell(cells["cell"].iloc[0], served_app.area))
    expect(card.locator(".hb-lines tr").first).to_contain_text("Number 1 on this map")
    charts = guest.page.locator(".hb-card-charts")
    expect(charts.locator(".hb-grid tbody tr")).to_have_count(7)
    expect(charts.locator(".hb-months tbody tr")).to_have_count(12)
    guest.settle()

    frame = map_frame(guest.page)
    other = cells.iloc[2]
    lat, lng = cell_to_latlng(other["cell"])
    place = on_screen(frame, lat, lng)
    box = guest.page.locator("iframe[title*='st_folium']").bounding_box()
    assert box
    guest.page.mouse.click(box["x"] + place["x"], box["y"] + place["y"])
    expect(card.locator("h2")).to_have_text(name_cell(other["cell"], served_app.area))
    shown = card.locator(".hb-lines tr").first.locator(".hb-number")
    expect(shown).to_have_text(f"{other['count']:g}")
    guest.settle()

    guest.page.get_by_role("tab", name="Records").click()
    place = re.escape(name_cell(other["cell"], served_app.area))
    expect(guest.page.get_by_text(re.compile(rf"^{place}: {other['count']:g} records?\."))).to_be_visible()
    guest.page.get_by_text("Back to the list", exact=True).click()
    expect(guest.page.locator(".st-key-ranking button").first).to_be_visible()


def test_a_filter_keeps_the_zoom_and_panning_runs_nothing(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    frame = map_frame(guest.page)
    frame.evaluate("() => { window.map.setZoom(14, {animate: false}); }")
    sockets: list[str] = []
    guest.page.on("websocket", lambda socket: sockets.append(socket.url))
    frame.evaluate("() => { window.map.panBy([120, 40], {animate: false}); }")
    before = frame.evaluate("() => [window.map.getZoom(), window.map.getCenter().lat]")
    guest.choose("period", "7 days")
    guest.says(words(served_app, Choices(period="7d")))
    assert map_frame(guest.page).evaluate("() => [window.map.getZoom(), window.map.getCenter().lat]") == before
    assert sockets == []


def test_downloads_hold_what_the_map_shows(open_page: Open, served_app: Served) -> None:
    guest = open_page()
    guest.page.get_by_role("tab", name="Download").click()
    rows = build_export_rows([expected(served_app, Choices())])

    name, content = downloaded(guest, "CSV")
    assert re.fullmatch(r"hexbeat-middlesbrough-needle_litter-[\d-]+-to-[\d-]+\.csv", name)
    frame = pd.read_csv(io.BytesIO(content))
    assert set(frame["demonstration"]) == {"synthetic events, not real"}
    pd.testing.assert_frame_equal(frame[list(rows.columns)], rows, check_dtype=False)

    name, content = downloaded(guest, "GeoJSON")
    shapes = json.loads(content)["features"]
    assert [shape["properties"]["cell"] for shape in shapes] == rows["cell"].tolist()
    assert {shape["geometry"]["type"] for shape in shapes} == {"Polygon"}


def test_the_saved_map_opens_from_a_file_and_asks_for_nothing(
    open_page: Open, browser: Browser, tmp_path: Path, served_app: Served
) -> None:
    guest = open_page()
    guest.page.get_by_role("tab", name="Download").click()
    saved = tmp_path / "map.html"
    saved.write_bytes(downloaded(guest, "Map (HTML)")[1])
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(saved.as_uri())
    expect(page.get_by_text(words(served_app, Choices()))).to_be_visible()
    expect(page.get_by_text("DEMONSTRATION: synthetic events, not real")).to_be_visible()
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [saved.as_uri()]
    page.close()


def test_on_a_phone_the_sentence_comes_first_and_the_filters_are_one_line(open_page: Open, served_app: Served) -> None:
    guest = open_page(size=PHONE)
    page = guest.page
    guest.says(words(served_app, Choices()))
    # What is measured stands only once the map is painted and its legend lies within the window.
    foot = "() => document.querySelector('.hexbeat-legend').getBoundingClientRect().bottom <= innerHeight"
    map_frame(page).wait_for_function(foot)
    guest.settle()
    sentence_box = guest.sentence.bounding_box()
    map_box = page.locator("iframe[title*='st_folium']").bounding_box()
    side_box = page.locator(".st-key-hb_cell_panel").bounding_box()
    assert sentence_box and map_box and side_box  # noqa: PT018 - they are there
    assert sentence_box["y"] < map_box["y"] < side_box["y"]
    assert round(map_box["height"] / PHONE[1], 2) == 0.6
    opener = page.locator(".st-key-hb_filter_button button")
    expect(opener).to_contain_text("needles · 28 days")
    expect(opener).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".st-key-filter_period")).to_be_hidden()
    opener.click()
    guest.choose("period", "7 days")
    page.locator(".st-key-hb_filter_close button").click()
    guest.says(words(served_app, Choices(period="7d")))
    expect(opener).to_contain_text("needles · 7 days")
    expect(page.locator(".st-key-filter_period")).to_be_hidden()


@pytest.mark.parametrize("path", ["/", "/analysis", "/data"])
def test_every_screen_has_its_mark_and_none_scrolls_sideways(open_page: Open, path: str) -> None:
    guest = open_page(path)
    expect(guest.page.locator(".hb-badge")).to_have_text("DEMONSTRATION: synthetic events, not real")
    for width in (1280, 390, 320):
        guest.page.set_viewport_size({"width": width, "height": 800})
        guest.page.wait_for_function("width => document.documentElement.clientWidth === width", arg=width)
        assert guest.overflow() == 0
        expect(guest.page.locator(".hb-badge")).to_be_in_viewport()
        if width == 1280:  # where the facts take two lines, the mark stands beside both
            middles = [guest.page.locator(one).bounding_box() for one in (".hb-badge", ".hb-facts")]
            badge, facts = (box["y"] + box["height"] / 2 for box in middles if box)
            assert abs(badge - facts) < 3


def test_several_layers_are_several_maps_and_never_one_sum(open_page: Open, served_app: Served) -> None:
    both = Choices(layers=("needle_litter", "overdoses"))
    guest = open_page("/?layers=needle_litter,overdoses")
    singles = [words(served_app, replace(both, layers=(layer,)), both.layers) for layer in both.layers]
    expect(guest.page.locator(".hb-sentence")).to_have_text(singles)
    expect(guest.page.locator("iframe[title*='st_folium']")).to_have_count(2)


def test_the_view_switches_between_counts_hotspots_change_and_expected(open_page: Open, served_app: Served) -> None:
    guest = open_page("/?period=year")
    page = guest.page
    guest.choose("view", "Hotspots")
    expect(guest.sentence).to_contain_text(re.compile(r"stands? out (as|for) "))
    expect(page).to_have_url(f"{served_app.url}/?period=year&view=hotspots")
    guest.settle()
    frame = map_frame(page)
    frame.wait_for_function("() => Hexbeat.layer('cells').data.names?.[2] === 'hotspot'")
    expect(frame.locator(".hexbeat-legend li")).to_have_text(
        [re.compile(rf"^{kind}: [\d,]+ cells?$") for kind in ("not significant", "hotspot")]
    )
    first = page.locator(".st-key-ranking button").first
    expect(first).to_contain_text(re.compile("times (its|their) surroundings, on "))
    first.press("Enter")
    expect(page.locator(".hb-verdict")).to_contain_text(
        re.compile(r"^(A|Part of a) hotspot: .* surroundings \(at least ")
    )
    page.locator(".hb-card .hb-sure summary").click()
    expect(page.locator(".hb-why").first).to_be_visible()
    guest.settle()
    page.get_by_role("tab", name="Download").click()
    name, content = downloaded(guest, "CSV")
    assert "-hotspots-" in name
    assert {"gi_z", "p_value", "q_value", "hotspot", "trend"} <= set(pd.read_csv(io.BytesIO(content)).columns)
    page.get_by_role("button", name="Back to the list").click()
    guest.settle()

    guest.choose("view", "Change")
    expect(guest.sentence).to_contain_text(" in the 365 days before ")
    guest.choose("against", "A year before")
    expect(guest.sentence).to_contain_text(" in the same days a year before ")
    wait_in_map(page, "Hexbeat.layer('cells').hatched === 7")
    guest.choose("view", "Expected")
    expect(guest.sentence).to_contain_text(
        re.compile(
            r"^Look first at .*; .*; and .*\. The first 2 % of the area held \d+ % of needle finds in the last 13 "
            r"weeks\. In the 7 days from .* needle finds are expected in Middlesbrough\.$"
        )
    )
    expect(page).to_have_url(f"{served_app.url}/?period=year&view=expected&against=year_before")
    wait_in_map(page, "Hexbeat.layer('cells').data.names?.[2] === 'first 1 % of the area'")
    expect(page.locator(".st-key-ranking button").first).to_contain_text("in the last 4 weeks")
    guest.choose("view", "Counts")
    guest.says(words(served_app, Choices(period="year")))


def test_an_alert_is_on_the_first_screen_and_its_form_is_only_a_draft(open_page: Open, served_app: Served) -> None:
    yesterday = datetime.now(served_app.area.tz).replace(hour=0, minute=0) - timedelta(hours=1)
    spike = made_frame(served_app.area, number=30, newest=yesterday, days=1, layer="overdoses", source="demonstration")
    with Store.open(served_app.home) as store:
        load_frame(store, served_app.area, spike, source="demonstration")
    guest = open_page()
    page = guest.page
    page.get_by_text("All alerts: what, where, since when").click(timeout=PREPARED_MS)
    expect(page.locator(".hb-alerts li").first).to_contain_text("overdoses")
    map_frame(page)  # a map that is painted late runs the page again, and a file that is on its way is forgotten
    name, content = downloaded(guest, "Download the draft form")
    assert name.endswith(".pdf")
    assert content.startswith(b"%PDF-")
    name, content = downloaded(guest, "The same as a page (HTML)")
    assert re.fullmatch(r"hexbeat-middlesbrough-drug-information-draft-[\d-]+\.html", name)
    assert b"DRAFT, not sent. MADE FROM SYNTHETIC DEMONSTRATION EVENTS" in content
    assert b"<script" not in content
    page.get_by_label("Note for everybody (no names of people)").fill("Told to the panel")
    page.get_by_role("button", name="Record the answer").click()
    expect(page.locator(".hb-alerts li").first).to_contain_text(": Told to the panel.")
    expect(page.locator(".hb-alerts li").first).not_to_contain_text("Look at the records")
    page.get_by_text("All alerts: what, where, since when").click()
    guest.settle()
    page.set_viewport_size({"width": 320, "height": 640})
    wait_in_map(page, "innerWidth < 320")
    band, first_map = page.locator(".st-key-hb_urgent_alert"), page.locator("iframe[title*='st_folium']")
    # One line, once the list is shut.
    wait_until(page, "document.querySelector('.st-key-hb_urgent_alert').getBoundingClientRect().height <= 48")
    assert first_map.evaluate("(one) => one.getBoundingClientRect().top") < 640
    band.click()  # anywhere on the line
    expect(page.locator(".hb-alerts li").first).to_be_visible()
