"""The plan page on a real store: few choices, the answer first, and texts that are never more than texts."""

import datetime as dt
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Button, Text

from hexbeat.dashboard.pages.map.cell_panel import format_plan_query
from hexbeat.dashboard.pages.plan.plan_request import describe_late_hours, find_next_shift
from hexbeat.dashboard.pages.plan.plan_result import describe_past, render_tour, render_untested
from hexbeat.dashboard.state.choices import Choices
from hexbeat.operations.plans.plan import Place, PlanKind, PlanPast, headline
from hexbeat.operations.plans.plan_settings import read_plan_settings, remember_start
from hexbeat.operations.plans.plan_store import list_plans, load_plan
from tests.support.demonstrations import filled_store, select_for
from tests.support.partners_side import one_page
from tests.support.plans import example_plan, make_backtested_plan, make_small_plan, with_break
from tests.support.stores import documents_in

SWEEP_FIELDS = ["Working days", "Crews", "Stops a day and crew, at most", "Reports answered within (hours)"]


def read_html(app: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in (*app.get("html"), *app.get("text")))


def read_beside(app: AppTest, key: str) -> list[str]:
    """The texts in the row of a button."""
    blocks = [app.main]
    while blocks:
        parts = list(blocks.pop().children.values())
        if any(isinstance(part, Button) and part.key == key for part in parts):
            return [part.value for part in parts if isinstance(part, Text)]
        blocks += [part for part in parts if isinstance(part, Block)]
    return []


def test_what_is_still_to_be_chosen_stands_at_the_button(home: Path) -> None:
    shutil.copytree(filled_store(), home)
    app = one_page("plan")
    assert read_beside(app, "plan_make") == []
    app.pills(key="patrol_layers").set_value([]).run()
    assert read_beside(app, "plan_make") == ["Choose at least one layer."]
    app.session_state["plan_kind"] = "sweep"
    app.run()
    assert app.button(key="plan_make").disabled
    assert read_beside(app, "plan_make") == ["Choose where the crews start and finish."]
    app.text_input(key="sweep_place_words").set_value("54.574, -1.235").run()
    assert not app.button(key="plan_make").disabled
    assert read_beside(app, "plan_make") == []


@pytest.mark.slow
def test_a_sweep_is_made_kept_opened_by_its_link_and_the_start_remembered(home: Path) -> None:
    shutil.copytree(filled_store(), home)
    app = one_page("plan")
    assert "No plan is open" in read_html(app)
    app.session_state["plan_kind"] = "sweep"
    app.run()
    assert "Choose where the crews start and finish." in read_html(app)
    assert app.button(key="plan_make").disabled
    app.text_input(key="sweep_place_words").set_value("54.574, -1.235").run()
    app.text_input(key="sweep_name_54.57400, -1.23500 (Central)").set_value("Yard").run()
    app.button(key="plan_make").click().run()
    assert not app.exception
    ((code, _, _),) = list_plans(documents_in(home))
    plan = load_plan(documents_in(home), code)
    assert plan.tours[0].start.lat == 54.574
    assert app.query_params["plan"] in (code, [code])
    assert headline(plan) in read_html(app)
    assert 'name = "Yard"' in (home / "plans.toml").read_text()
    assert max(len(tour.stops) for tour in plan.tours) <= 12
    again = one_page("plan", plan=code)
    assert [field.label for field in again.number_input] == SWEEP_FIELDS
    assert again.selectbox(key="sweep_start").value == "Yard"  # the only one that this person ever chose
    assert headline(plan) in read_html(again)
    labels = [button.label for button in again.get("download_button")]
    assert labels == ["GPX of Crew 1", "PDF to print", "KML for maps", "GeoJSON", "CSV", "Excel", "Calendar"]
    again.button(key="plan_issue").click().run()
    assert load_plan(documents_in(home), code).issued_at is not None
    again.button(key="plan_withdraw").click().run()
    assert load_plan(documents_in(home), code).issued_at is None
    assert not again.exception


@pytest.mark.slow
def test_a_patrol_is_made_by_one_press_with_few_stops_and_plain_reasons(home: Path) -> None:
    shutil.copytree(filled_store(), home)
    app = one_page("plan")
    app.text_input(key="patrol_hours").set_value("6pm-2am").run()
    app.button(key="plan_make").click().run()
    assert not app.exception
    ((code, _, _),) = list_plans(documents_in(home))
    plan = load_plan(documents_in(home), code)
    (tour,) = plan.tours
    assert (tour.team, len(tour.stops)) == ("Team 1", 6)
    assert (f"{plan.begins:%H:%M}", f"{plan.ends:%H:%M}") == ("18:00", "02:00")
    assert tour.start.name == tour.stops[0].place
    assert tour.stops[-1].arrive > plan.begins + dt.timedelta(hours=5)  # they are spread over the hours
    words = read_html(app)
    assert re.search(r"Where should two of you go (tonight|tomorrow night)\?", words)
    assert all(stop.reason in words for stop in tour.stops)
    assert all("Among the busiest" in stop.reason for stop in tour.stops)
    app.text_input(key="patrol_hours").set_value("late-ish").run()
    assert "late-ish&#x27; is not written like that." in read_html(app)
    assert app.button(key="plan_make").disabled


@pytest.mark.slow
def test_a_patrol_that_cannot_be_says_why(home: Path) -> None:
    select_for("street_dealing")
    shutil.copytree(filled_store(), home)
    app = one_page("plan")
    app.text_input(key="patrol_place_words").set_value("qqqqqq").run()
    assert "No place in Middlesbrough fits. Try fewer words, or part of a name." in read_html(app)
    assert app.button(key="plan_make").disabled
    assert "There is no plan" in read_html(one_page("plan", plan="zzzz9"))


def test_a_start_is_found_by_its_street_and_forgotten_again(home: Path) -> None:
    shutil.copytree(filled_store(), home)
    remember_start(documents_in(home), Place("The yard", -1.235, 54.574))
    app = one_page("plan", kind="sweep")
    assert app.selectbox(key="sweep_start").options == ["The yard", "Another place …"]
    assert app.selectbox(key="sweep_start").value is None  # another person's start is offered, and not filled in
    assert app.button(key="plan_make").disabled
    app.selectbox(key="sweep_start").set_value("The yard").run()
    assert not app.button(key="plan_make").disabled
    app.button(key="sweep_forget").click().run()
    assert read_plan_settings(documents_in(home)).starts == ()
    app.text_input(key="sweep_place_words").set_value("church").run()
    offered = app.radio(key="sweep_place_choice_church").options
    assert len(offered) > 1
    assert all("(" in label for label in offered)
    assert not app.button(key="plan_make").disabled


def test_the_address_says_which_plan_is_asked_for(home: Path) -> None:
    shutil.copytree(filled_store(), home)
    sweep = one_page("plan", kind="sweep", wards="E05009857")
    assert [field.label for field in sweep.number_input] == SWEEP_FIELDS
    assert sweep.multiselect(key="sweep_wards").value == ["E05009857"]
    patrol = one_page("plan", kind="patrol", layers="overdoses", wards="E05009857")
    assert patrol.session_state["patrol_layers"] == ["overdoses"]
    assert patrol.multiselect(key="patrol_wards").value == ["E05009857"]
    unknown = one_page("plan", kind="raid", layers="closed_properties,<b>")
    assert unknown.session_state["patrol_layers"] == ["street_dealing"]


@pytest.mark.parametrize(
    ("layers", "asked"),
    [
        (("needle_litter",), {"kind": "sweep"}),
        (("street_dealing",), {"kind": "patrol", "layers": "street_dealing"}),
        (("overdoses",), {"kind": "patrol", "layers": "overdoses"}),
        (("closed_properties",), {}),
        (("needle_litter", "overdoses"), {}),
    ],
)
def test_a_card_leads_to_a_plan_for_what_the_map_shows(layers: tuple[str, ...], asked: dict[str, str]) -> None:
    assert format_plan_query(Choices(layers=layers), "E05009857") == {**asked, "wards": "E05009857"}


def test_past_weeks_are_told_by_shares_before_multiples_of_chance() -> None:
    assert describe_past(make_backtested_plan()) == (
        "In past weeks plans made like this one held 14 % of events in 1 % of the area (15.4 times chance, 12 to "
        "18.1); the top cells by last month's count, in map order, held 7 % of events in under 1 % of the area (16.2 "
        "times chance, 11.9 to 20). So plans visited more of the area and held more in all than the top cells, but "
        "less for the same ground."
    )


def test_a_plan_of_before_shares_were_kept_is_told_by_multiples_of_chance() -> None:
    assert describe_past(make_small_plan()) == "In past weeks: This plan 6.2 times chance, 4.1 to 8."
    assert describe_past(replace(make_small_plan(), past=PlanPast())) == ""


def test_a_plan_that_leads_with_a_forecast_says_that_it_is_none_of_past_weeks() -> None:
    untested = replace(make_small_plan(), by_month=False, ranks_only=False, past=PlanPast())
    assert "Such forecasts are usually too high." in render_untested(untested)
    tested = replace(untested, past=PlanPast(held=(0.14, 0.12, 0.18), held_weeks=8))
    for plan in (tested, replace(untested, by_month=True), replace(untested, kind=PlanKind.SWEEP)):
        assert render_untested(plan) == ""


def test_texts_of_stops_are_escaped() -> None:
    plan = make_small_plan(place="<script>alert(1)</script>")
    html = render_tour(plan, plan.tours[0])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_break_is_a_row_between_its_stops() -> None:
    plan = example_plan(teams=1, stops=2)
    html = render_tour(plan, with_break(plan.tours[0]))
    first, rest = html.split("<tr><td></td><td>22:16</td><td>22:20</td><td>Break</td><td></td></tr>")
    assert "<th scope=row>1</th>" in first
    assert "<th scope=row>2</th>" in rest


@pytest.mark.parametrize(
    ("hour", "minute", "day", "shift"),
    [(5, 0, 30, "early"), (13, 59, 30, "late"), (14, 0, 30, "late"), (14, 1, 30, "night"), (22, 37, 1, "early")],
)
def test_a_patrol_is_for_the_next_shift_that_begins(hour: int, minute: int, day: int, shift: str) -> None:
    found, name = find_next_shift(dt.datetime(2026, 11, 30, hour, minute, tzinfo=dt.UTC))
    assert (found.day, name) == (day, shift)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ("2026-12-02 02:00", "These hours are over. Choose a later day to plan work that can still be done."),
        ("2026-12-02 01:59", "These hours have begun. The plan begins with their start all the same."),
        ("2026-12-01 18:00", ""),
    ],
)
def test_hours_that_are_over_or_have_begun_are_said(now: str, text: str) -> None:
    assert describe_late_hours(dt.date(2026, 12, 1), (18, 2), dt.datetime.fromisoformat(now)) == text
