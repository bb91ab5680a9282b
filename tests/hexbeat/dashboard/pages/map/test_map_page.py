"""The Map page without a browser: what it says of the records, its filters, its link, its views and its tabs."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.presets import format_size
from hexbeat.dashboard.state.selected_methods import choose_size
from hexbeat.dashboard.state.session import open_installation
from hexbeat.settings import Settings
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.grouping import GROUPINGS, GROUPS
from tests.support.events import filled, load_frame, made_frame
from tests.support.partners_side import open_map, read_html


@pytest.mark.slow
def test_the_map_page_opens_with_needles_of_the_last_28_days(home: Path) -> None:
    filled(home)
    page = read_html(open_map())
    assert "needle finds in Middlesbrough" in page
    assert "28 days up to" in page
    assert "DEMONSTRATION" not in page


@pytest.mark.slow
def test_a_filter_changes_the_sentence_and_the_link(home: Path) -> None:
    filled(home)
    app = open_map()
    app.session_state["filter_layer"] = "overdoses"
    app.session_state["filter_shift"] = "night"
    app.run()
    assert not app.exception
    assert "overdoses in Middlesbrough" in read_html(app)
    assert "22:00 to 06:00" in read_html(app)
    assert app.query_params["layers"] == "overdoses"
    assert app.query_params["shift"] == "night"


@pytest.mark.slow
def test_own_dates_and_hours_begin_with_what_is_shown(home: Path) -> None:
    filled(home)
    app = open_map()
    for name, value in (("period", "7d"), ("shift", "late"), ("layer", "overdoses")):
        app.session_state[f"filter_{name}"] = value
    app.run()
    before = read_html(app)
    for name, value in (("period", "dates"), ("shift", "hours"), ("layer", "several")):
        app.session_state[f"filter_{name}"] = value
    app.run()
    assert not app.exception
    first = re.findall(r'<p class="hb-sentence">.*?</p>', before)
    assert first == re.findall(r'<p class="hb-sentence">.*?</p>', read_html(app)) != []
    assert app.session_state["filter_layers"] == ["overdoses"]
    assert (app.session_state["filter_from"], app.session_state["filter_to"]) == (14, 22)


def test_a_link_restores_the_filters(home: Path) -> None:
    filled(home)
    app = open_map(layers="overdoses", shift="late", size="10", days="mon,tue")
    assert app.session_state["filter_layer"] == "overdoses"
    assert app.session_state["filter_size"] == 10
    assert "Mon and Tue, 14:00 to 22:00" in read_html(app)


@pytest.mark.slow
def test_the_category_is_chosen_from_those_of_the_layer(home: Path) -> None:
    filled(home, texts=("park", "not fatal, naloxone given"))
    app = open_map(category="park")
    assert "needle finds (category park) in Middlesbrough" in read_html(app)
    assert app.session_state["filter_category"] == ["park"]
    assert list(app.multiselect(key="filter_category").options) == ["not fatal, naloxone given", "park"]
    app.multiselect(key="filter_category").set_value(["park", "not fatal, naloxone given"]).run()
    assert not app.exception
    assert "needle finds (category “not fatal, naloxone given” or park) in Middlesbrough" in read_html(app)
    assert app.query_params["category"] == "not fatal%2C naloxone given,park"
    app.session_state["filter_layer"] = "street_dealing"  # of which there is no record, and so no category
    app.run()
    assert not app.exception
    assert "category" not in app.query_params
    assert [each.key for each in app.multiselect if each.key == "filter_category"] == []
    assert "(category" not in read_html(app)


@pytest.mark.slow
def test_the_table_counts_by_what_is_chosen(home: Path) -> None:
    filled(home)
    app = open_map()
    app.session_state["tab"] = "Table"
    app.run()
    for name in GROUPS:
        if name != "layer":
            app.selectbox(key="table_by").set_value(name).run()
            assert not app.exception
            assert list(GROUPINGS[name].titles.values())[-1] in app.dataframe[0].value.columns


def test_a_bad_link_opens_the_map_and_says_so(home: Path) -> None:
    filled(home)
    page = read_html(open_map(wards="<img src=x onerror=alert(1)>", size="99"))
    assert "The link names a ward that does not exist here. It was left out." in page
    assert "<img" not in page


def test_nothing_matches_is_said_with_what_to_do(home: Path) -> None:
    filled(home)
    page = read_html(open_map(period="7d", wards="E05009862", hours="03-04"))
    assert "Nothing matches" in page
    assert "Reset" in page
    assert "No needle finds in Linthorpe, " in page


def test_reporters_of_whom_no_source_has_records_are_not_known_and_not_none(home: Path) -> None:
    filled(home)
    page = read_html(open_map(reported="agency"))
    assert "<h2>Not known</h2>" in page
    assert "Needle finds reported by agencies in Middlesbrough, " in page
    assert "No source covers what is chosen in these wards." in page


@pytest.mark.slow
def test_a_period_that_is_not_known_has_no_number_and_no_place(home: Path) -> None:
    filled(home)
    for view in ("counts", "hotspots", "change"):
        page = read_html(open_map(**{"from": "2001-01-01", "to": "2001-01-08", "view": view}))
        assert "Needle finds in Middlesbrough, 1 Jan to 7 Jan 2001: not known." in page
        assert "<h2>Not known</h2>" in page
        assert "Nothing matches" not in page


def fill_to_the_end_of_2024(home: Path) -> None:
    """A home whose records end with 2024, with a cluster in its last days."""
    area, newest = load_area("middlesbrough"), datetime(2024, 12, 31, 12, tzinfo=UTC)
    with Store.open(home) as store:
        load_frame(store, area, made_frame(area, number=300, newest=newest, days=200, layer="overdoses"))
        spike = made_frame(area, number=60, newest=newest, days=2, layer="overdoses", source="spike", seed=1)
        load_frame(store, area, spike.assign(lon=spike["lon"].iloc[0], lat=spike["lat"].iloc[0]), name="spike.csv")


def test_records_that_end_long_ago_are_told_first_as_old_and_raise_no_alert(home: Path) -> None:
    fill_to_the_end_of_2024(home)
    app = open_map(layers="overdoses", period="7d")
    page = read_html(app)
    months = round((datetime.now(UTC).date() - date(2024, 12, 31)).days / (365.25 / 12))
    said = f"Records end {months} months ago (31 Dec 2024)."
    assert said in page
    assert page.index(said) < page.index("hb-sentence")
    assert "The last 7 days of the records, 25 to 31 Dec 2024." in page
    assert "Out of the ordinary" not in page


@pytest.mark.slow
@pytest.mark.parametrize("view", ["counts", "hotspots"])
def test_the_size_of_cells_is_that_of_the_view_on_the_map(home: Path, view: str) -> None:
    filled(home)
    app = open_map()
    app.session_state["filter_view"] = view
    app.run()
    size = choose_size(open_installation(Settings.from_environment()), Choices(view=view))  # type: ignore[arg-type] # a view
    assert f"On the map: {format_size(size.resolution).lower()}." in read_html(app)


def test_several_layers_have_a_sentence_each(home: Path) -> None:
    filled(home)
    page = read_html(open_map(layers="needle_litter,overdoses"))
    assert page.count('class="hb-sentence"') == 2


@pytest.mark.slow
@pytest.mark.parametrize("view", ["hotspots", "change", "expected"])
def test_the_view_changes_what_is_said_and_the_link(home: Path, view: str) -> None:
    filled(home)
    app = open_map()
    app.session_state["filter_view"] = view
    app.run()
    assert not app.exception
    assert app.query_params["view"] == view
    words = {
        "hotspots": "stand out as hotspots of needle finds in Middlesbrough",
        "change": "in the 28 days before",
        "expected": "ook first ",
    }[view]
    assert words in re.findall(r'<p class="hb-sentence">(.*?)</p>', read_html(app))[0]
    for tab in ("Table", "Download"):
        app.session_state["tab"] = tab
        app.run()
        assert not app.exception


@pytest.mark.slow
def test_several_layers_are_tested_each_by_itself(home: Path) -> None:
    filled(home)
    app = open_map(layers="needle_litter,overdoses,closed_properties", view="hotspots")
    assert read_html(app).count('class="hb-sentence"') == 3
    app = open_map(layers="needle_litter,street_dealing", view="change", against="year_before")
    assert "There is nothing to compare with" in read_html(app)
    assert "No reports of street dealing have been loaded." in read_html(app)


@pytest.mark.slow
def test_months_are_played_on_a_map(home: Path) -> None:
    filled(home)
    app = open_map(layers="needle_litter,overdoses")
    app.session_state["tab"] = "Months"
    app.session_state["play"] = True
    app.run()
    assert not app.exception
    app.session_state["play_unit"] = "week"
    app.run()
    assert not app.exception
    assert "Play shows one period after the other" in read_html(app)


@pytest.mark.slow
def test_another_period_is_chosen_by_its_dates(home: Path) -> None:
    filled(home)
    app = open_map(view="change")
    app.session_state["filter_against"] = "dates"
    app.run()
    assert not app.exception
    (dates,) = (one for one in app.date_input if one.label == "First and last day to compare with")
    first, last = dates.value
    dates.set_value((first, last - timedelta(days=8))).run()
    assert not app.exception
    wanted = f"{first}:{last - timedelta(days=7)}"
    assert app.query_params["against"] in (wanted, [wanted])
    assert f"in the other {(last - first).days - 7} days" in read_html(app)


@pytest.mark.slow
def test_the_card_says_why_the_cell_is_a_hotspot_or_not(home: Path) -> None:
    filled(home)
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        columns = read_columns(store, ANALYST, ward_codes=tuple(area.wards.codes))
    cell = f"{int(columns.cell_ids[9][np.bincount(columns.cell[9]).argmax()]):x}"
    page = read_html(open_map(cell=cell, size="9"))
    (verdict,) = re.findall(r'<p class="hb-verdict">(.*?)</p>', page)
    why = re.findall(r'<p class="hb-why">(.*?)</p>', page)
    assert len(why) == 3
    assert re.fullmatch(
        r"A hotspot: \d+ needle finds in this cell in 28 days, \d+ times its surroundings \(at least \d+ times\), "
        r"on \d+ of 28 days\.",
        verdict,
    )
    assert "single weeks" in why[1] or "4 weeks show no significant trend" in why[1]
    assert why[2].startswith("Against ")
