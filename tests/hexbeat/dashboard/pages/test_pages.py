"""The pages on a real store, without a browser: what they say, and that a text is never more than a text."""

import re
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from hexbeat import demonstration
from hexbeat.areas.area import load_area
from hexbeat.store.live_columns import read_columns
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import DEMONSTRATION
from tests.support.events import HOSTILE, filled, load_frame, made_frame
from tests.support.partners_side import one_page, open_map, read_html
from tests.support.stores import documents_in


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with 4,000 demonstration events up to yesterday, to copy from."""
    home = tmp_path_factory.mktemp("demonstrated")
    area = load_area("middlesbrough")
    with Store.open(home) as store:
        demonstration.load_demonstration(
            store, ANALYST, area, events=4_000, seed=1, today=datetime.now(area.tz).date(), home=home
        )
    return home


def test_an_empty_store_says_what_to_do(home: Path) -> None:
    page = read_html(open_map())
    assert "Nothing has been loaded yet" in page
    assert "the Data page can fill it with synthetic records" in page
    assert not home.joinpath("uploads").exists()


@pytest.mark.slow
def test_demonstration_events_are_marked(home: Path) -> None:
    filled(home, source=DEMONSTRATION)
    assert "DEMONSTRATION: synthetic events, not real" in read_html(open_map())


@pytest.mark.slow
def test_an_alert_is_on_the_first_screen_and_drafts_a_form(demonstrated: Path, home: Path) -> None:
    shutil.copytree(demonstrated, home)
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


@pytest.mark.slow
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
def test_a_back_test_runs_when_asked_and_the_map_says_who_won(demonstrated: Path, home: Path) -> None:
    shutil.copytree(demonstrated, home)
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
    assert re.search(
        r"Back-test of 8 weeks( with cells of every size \(on this map: \d+ m\))?: ",
        read_html(open_map(wards="E05009870")),
    )
    assert "Back-test of" not in read_html(open_map())


@pytest.mark.slow
def test_views_by_evidence_are_judged_when_they_are_opened_and_kept(demonstrated: Path, home: Path) -> None:
    shutil.copytree(demonstrated, home)
    app = open_map(layers="overdoses")
    assert documents_in(home).list_names(DocumentKind.SELECTION) == []  # the first screen does not wait for it
    app.session_state["filter_view"] = "expected"
    app.run()
    assert not app.exception
    assert documents_in(home).list_names(DocumentKind.SELECTION) == ["middlesbrough-overdoses"]
    expected = (
        r"Look first .*\. The first .* held \d+ % of overdoses in .*\. In the 7 days from .*, about \d+ overdoses are "
        r"expected in Middlesbrough\."
    )
    assert re.search(expected, read_html(app))
    app = open_map(layers="overdoses", view="hotspots")
    assert "across: hotspots of this size forecast the next week as well as any" in read_html(app)
    assert app.selectbox(key="filter_size").options[0] == "Automatic"
    assert "across: the smallest" not in read_html(open_map(layers="overdoses", view="hotspots", size="9"))


@pytest.mark.parametrize("tab", ["Table", "Rhythm", "Months", "Records", "Download"])
def test_every_tab_opens(home: Path, tab: str) -> None:
    filled(home)
    app = open_map()
    app.session_state["tab"] = tab
    app.run()
    assert not app.exception


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_data_page_lists_sources_and_undoes_the_last_load(home: Path) -> None:
    filled(home)
    app = one_page("data")
    assert ">table</td>" in read_html(app)
    app.button(key="undo").click().run()
    assert "150 new events go" in read_html(app)
    app.button(key="undo_yes").click().run()
    assert "The load was undone." in read_html(app)


@pytest.mark.slow
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
