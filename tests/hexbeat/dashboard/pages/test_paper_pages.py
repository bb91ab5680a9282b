"""The pages of briefings and of evidence packs on a real store, without a browser."""

import datetime as dt
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.areas.area import load_area
from hexbeat.reports.evidence import list_default_layers
from hexbeat.store.live_columns import read_columns
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.periods import get_coverage
from tests.support.events import HOSTILE, filled
from tests.support.partners_side import one_page
from tests.support.stores import documents_in


def read_html(app: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in (*app.get("html"), *app.get("text")))


@pytest.mark.slow
def test_the_briefing_says_what_happened_and_what_cannot_be_told(home: Path) -> None:
    filled(home, texts=HOSTILE)
    app = one_page("briefing")
    assert not app.exception
    words = read_html(app)
    assert "Middlesbrough: threat, risk and harm" in words
    assert "no reports of street dealing are loaded yet" in words
    assert "No visit was recorded." in words
    assert 'alt="Map of Middlesbrough, north up' in words
    app.pills(key="briefing_for").set_value("shift").run()
    assert not app.exception
    assert "Middlesbrough: shift 22:00 to 06:00" in read_html(app)


def test_a_pack_is_made_from_the_form_and_its_texts_are_only_text(home: Path) -> None:
    filled(home, texts=HOSTILE)
    app = one_page("evidence")
    assert "Incidents recorded near a place" in read_html(app)
    area = load_area("middlesbrough")
    middle = area.wards.polygons[0].representative_point()
    app.text_input(key="evidence_place_words").set_value(f"{middle.y}, {middle.x}").run()
    app.text_input(key="evidence_case").set_value("<b>CL-14</b>")
    app.text_input(key="evidence_by").set_value("A. Analyst")
    app.number_input(key="evidence_radius").set_value(1000)
    app.button[0].click().run()
    assert not app.exception
    words = read_html(app)
    assert "records within 1,000 metres of the place" in words
    assert "&lt;b&gt;CL-14&lt;/b&gt;" in words
    assert "<b>CL-14" not in words
    assert "Overdoses are not part of this pack." in words
    assert len(documents_in(home).list_names(DocumentKind.EVIDENCE)) == 1


@pytest.mark.parametrize(
    ("place", "case", "rule"),
    [
        ("qqqq", "CL-14", "The box Place has none yet."),
        ("51.5, -0.1", "CL-14", "That place lies outside Middlesbrough."),
        ("54.5727, -1.2401", "", "A pack says for which case it is and who made it"),
        ("54.5727, -1.2401", "", "The field Case is empty."),
    ],
)
def test_what_makes_no_pack_is_said_in_three_parts(home: Path, place: str, case: str, rule: str) -> None:
    filled(home, texts=HOSTILE)
    app = one_page("evidence")
    app.text_input(key="evidence_place_words").set_value(place).run()
    app.text_input(key="evidence_case").set_value(case)
    app.text_input(key="evidence_by").set_value("A. Analyst")
    app.button[0].click().run()
    assert not app.exception
    assert rule in read_html(app)
    assert documents_in(home).list_names(DocumentKind.EVIDENCE) == []


def test_a_postcode_is_a_place_and_days_the_wrong_way_round_are_said_in_the_pages_words(home: Path) -> None:
    filled(home)
    app = one_page("evidence")
    app.text_input(key="evidence_place_words").set_value("ts12pa").run()
    app.text_input(key="evidence_case").set_value("CL-14")
    app.text_input(key="evidence_by").set_value("A. Analyst")
    app.date_input(key="evidence_from").set_value(dt.date(2026, 3, 2))
    app.date_input(key="evidence_to").set_value(dt.date(2026, 3, 1))
    next(button for button in app.button if button.label == "Make the pack").click().run()
    assert not app.exception
    words = read_html(app)
    assert "No place in Middlesbrough fits" not in words
    assert "From is 2 Mar 2026, and To is 1 Mar 2026." in words
    assert "Choose the same day or a later one in To." in words


def test_a_pack_ends_at_first_with_the_last_known_day(home: Path) -> None:
    filled(home, texts=HOSTILE)
    with Store.open(home) as store:
        area = load_area("middlesbrough")
        columns = read_columns(store, ANALYST, ward_codes=area.wards.codes)
    reaches = [get_coverage(columns, time_zone="Europe/London").find_reach(name) for name in list_default_layers()]
    newest = max(reach[1] for reach in reaches if reach) - dt.timedelta(days=1)
    app = one_page("evidence")
    yesterday = dt.datetime.now(area.tz).date() - dt.timedelta(days=1)
    assert app.date_input(key="evidence_to").value == min(newest, yesterday)
    assert app.date_input(key="evidence_from").value == min(newest, yesterday) - dt.timedelta(days=365)
