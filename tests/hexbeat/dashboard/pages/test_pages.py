"""The pages on a real store, without a browser: what they say, and that a text is never more than a text."""

import re
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from hexbeat import demonstration
from hexbeat.areas.area import load_area
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.presets import format_size
from hexbeat.dashboard.state.selected_methods import choose_size
from hexbeat.dashboard.state.session import open_installation
from hexbeat.settings import Settings
from hexbeat.store.live_columns import read_columns
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import DEMONSTRATION
from layers.grouping import GROUPINGS, GROUPS
from tests.support.events import HOSTILE, filled, load_frame, made_frame
from tests.support.partners_side import one_page
from tests.support.paths import ROOT
from tests.support.stores import documents_in

APP = ROOT / "streamlit_app.py"
PATIENCE_S = 120


def open_map(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def read_html(app: AppTest) -> str:
    """All HTML and plain text of a page."""
    return "\n".join(str(element.proto.body) for element in (*app.get("html"), *app.get("text")))


def test_an_empty_store_says_what_to_do(home: Path) -> None:
    page = read_html(open_map())
    assert "Nothing has been loaded yet" in page
    assert "the Data page can fill it with synthetic records" in page
    assert not home.joinpath("uploads").exists()


@pytest.mark.slow
def test_the_map_page_opens_with_needles_of_the_last_28_days(home: Path) -> None:
    filled(home)
    page = read_html(open_map())
    assert "needle finds in Middlesbrough" in page
    assert "28 days up to" in page
    assert "DEMONSTRATION" not in page


def test_demonstration_events_are_marked(home: Path) -> None:
    filled(home, source=DEMONSTRATION)
    assert "DEMONSTRATION: synthetic events, not real" in read_html(open_map())


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


def test_several_layers_are_tested_each_by_itself(home: Path) -> None:
    filled(home)
    app = open_map(layers="needle_litter,overdoses,closed_properties", view="hotspots")
    assert read_html(app).count('class="hb-sentence"') == 3
    app = open_map(layers="needle_litter,street_dealing", view="change", against="year_before")
    assert "There is nothing to compare with" in read_html(app)
    assert "No reports of street dealing have been loaded." in read_html(app)


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


@pytest.mark.slow
def test_an_alert_is_on_the_first_screen_and_drafts_a_form(home: Path) -> None:
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        demonstration.load_demonstration(
            store, ANALYST, area, events=4_000, seed=1, today=datetime.now(area.tz).date(), home=home
        )
    app = open_map()
    page = read_html(app)
    assert "<b>Out of the ordinary:</b>" in page
    assert "overdoses around " in page.split("Out of the ordinary:")[1].split("</p>")[0]
    assert "Hexbeat sends nothing" in page


def test_without_an_alert_the_first_screen_is_quiet(home: Path) -> None:
    with Store.open(home) as store:
        area = load_area("middlesbrough", home=home)
        newest = datetime.now(UTC) - timedelta(days=60)
        load_frame(store, area, made_frame(area, number=30, newest=newest, days=2000))
    assert "Out of the ordinary" not in read_html(open_map())


@pytest.mark.parametrize("tab", ["Emerging", "Rhythm", "Back-test", "Near repeats"])
def test_every_tab_of_the_analysis_page_opens(home: Path, tab: str) -> None:
    filled(home)
    app = one_page("analysis")
    for layer in ("needle_litter", "closed_properties"):
        app.session_state["analysis_layer"] = layer
        app.session_state["analysis_tab"] = tab
        app.run()
        assert not app.exception


def test_a_back_test_of_too_few_weeks_says_so(home: Path) -> None:
    filled(home)
    app = one_page("analysis")
    app.session_state["analysis_tab"] = "Back-test"
    app.run()
    app.button(key="backtest_run").click().run()
    assert "A back-test needs one week or more to test" in read_html(app)


@pytest.mark.slow
def test_a_back_test_runs_when_asked_and_the_map_says_who_won(home: Path) -> None:
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        demonstration.load_demonstration(
            store, ANALYST, area, events=4_000, seed=1, today=datetime.now(area.tz).date(), home=home
        )
    app = one_page("analysis")
    for name, value in (("analysis_wards", ["E05009870"]), ("analysis_tab", "Back-test"), ("backtest_weeks", 8)):
        app.session_state[name] = value
        app.run()
    assert "Ahead of the" not in read_html(app)
    app.button(key="backtest_run").click().run()
    assert not app.exception
    assert read_html(app).count("Ahead of the") == 3
    assert "The rule: the method that caught the largest share" in read_html(app)
    assert "For expected events the dashboard uses the " in read_html(app)
    assert "Back-test of 8 weeks: " in read_html(open_map(wards="E05009870"))
    assert "Back-test of" not in read_html(open_map())


@pytest.mark.slow
def test_views_by_evidence_are_judged_when_they_are_opened_and_kept(home: Path) -> None:
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        demonstration.load_demonstration(
            store, ANALYST, area, events=4_000, seed=1, today=datetime.now(area.tz).date(), home=home
        )
    app = open_map(layers="overdoses")
    assert documents_in(home).list_names(DocumentKind.SELECTION) == []  # the first screen does not wait for it
    app.session_state["filter_view"] = "expected"
    app.run()
    assert not app.exception
    assert documents_in(home).list_names(DocumentKind.SELECTION) == ["middlesbrough-overdoses"]
    expected = (
        r"Look first .*\. The darkest .* held \d+ % of overdoses in .*\. In the 7 days from .*, \d+ overdoses are "
        r"expected in Middlesbrough\."
    )
    assert re.search(expected, read_html(app))
    app = open_map(layers="overdoses", view="hotspots")
    assert "across: they forecast the next week as well as any size" in read_html(app)
    assert app.selectbox(key="filter_size").options[0] == "Automatic"
    assert "across: the smallest" not in read_html(open_map(layers="overdoses", view="hotspots", size="9"))


@pytest.mark.parametrize("tab", ["Table", "Rhythm", "Months", "Records", "Download"])
def test_every_tab_opens(home: Path, tab: str) -> None:
    filled(home)
    app = open_map()
    app.session_state["tab"] = tab
    app.run()
    assert not app.exception


def test_texts_from_records_are_only_ever_text(home: Path) -> None:
    filled(home, texts=HOSTILE)
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        columns = read_columns(store, ANALYST, ward_codes=tuple(area.wards.codes))
    busiest = np.bincount(columns.cell[9]).argmax()
    app = open_map(cell=f"{int(columns.cell_ids[9][busiest]):x}", period="90d", size="9")
    assert 'class="hb-card"' in read_html(app)
    app.session_state["tab"] = "Records"
    app.run()
    assert not app.exception
    records = app.dataframe[0].value
    assert set(records["Category"]) == set(HOSTILE)
    assert set(records["Status"]) == {HOSTILE[-1]}
    assert not any(text in read_html(app) for text in HOSTILE)
    assert not app.markdown


def test_without_a_login_only_this_machine_is_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(home)
    real = st.get_option
    monkeypatch.setattr(st, "get_option", lambda key: "0.0.0.0" if key == "server.address" else real(key))  # noqa: S104 - what must be refused
    page = read_html(open_map())
    assert "Without a login, the partners&#x27; side serves this machine only" in page
    assert "needle" not in page


def test_an_area_that_there_is_not_is_an_error_in_three_parts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXBEAT_AREA", "atlantis")
    page = read_html(open_map())
    assert "An area has to be built before you can use it" in page
    assert home.exists() is False


def test_the_data_page_says_that_an_erasure_is_not_finished(home: Path) -> None:
    filled(home)
    other = sqlite3.connect(home / "hexbeat.sqlite", isolation_level=None)
    other.execute("UPDATE store_state SET erasure_pending = TRUE")
    other.execute("BEGIN IMMEDIATE")
    app = one_page("data")
    app.run()
    other.close()
    assert not app.exception
    pending = (
        "An earlier erasure is not finished. Traces may remain in the store's files: another program uses the "
        "store, its disk is full, or you may not rewrite it. Hexbeat tries again each time it opens the store."
    )
    assert [text.value for text in app.text if "erasure" in text.value] == [pending]


def test_the_data_page_lists_sources_and_undoes_the_last_load(home: Path) -> None:
    filled(home)
    app = one_page("data")
    assert ">table</td>" in read_html(app)
    app.button(key="undo").click().run()
    assert "150 new events go" in read_html(app)
    app.button(key="undo_yes").click().run()
    assert "The load was undone." in read_html(app)


def test_demonstration_events_are_removed_only_after_a_second_word(home: Path) -> None:
    filled(home, source=DEMONSTRATION)
    app = one_page("data")
    app.button(key="undemonstrate").click().run()
    assert "550 synthetic events go for good. Real events stay." in read_html(app)
    app.button(key="undemonstrate_no").click().run()
    assert app.button(key="undemonstrate")
    app.button(key="undemonstrate").click().run()
    app.button(key="undemonstrate_yes").click().run()
    assert "Nothing has been loaded yet" in read_html(app)
