"""Whose stops the page of work done opens: those that the link names, and none before it is known whose they are."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.operations.plans.plan_store import save_plan
from tests.support.partners_side import one_page
from tests.support.plans import LONDON, made_plan
from tests.support.stores import documents_in

BEGAN = dt.datetime(2026, 11, 18, 22, tzinfo=LONDON)
STOPS = "All 4 stops"
GONE = "The plan in this link does not exist here. Choose one below."


@pytest.fixture(autouse=True)
def plans(home: Path) -> None:
    save_plan(documents_in(home), made_plan(begins=BEGAN, plan_id="several"))
    save_plan(documents_in(home), made_plan(begins=BEGAN, plan_id="single", teams=1))
    trial = made_plan(begins=BEGAN, plan_id="trial", teams=1)
    save_plan(documents_in(home), replace(trial, synthetic=True))


def stops(app: AppTest) -> list[str]:
    """The lists of stops on the page."""
    return [part.label for part in app.expander if part.label == STOPS]


def address(app: AppTest) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value[0] for key, value in app.query_params.items()}


def test_a_link_to_a_plan_that_is_not_kept_opens_no_other() -> None:
    app = one_page("done", plan="gone12", team="Team 2")
    for _ in range(2):
        assert ([one.value for one in app.warning], stops(app)) == ([GONE], [])
        assert (app.selectbox[0].value, app.get("file_uploader")) == (None, [])
        assert address(app) == {"plan": "gone12", "team": "Team 2"}
        app.run()
    app.selectbox[0].set_value("several").run()
    assert not app.exception
    assert (list(app.warning), stops(app)) == ([], [STOPS])
    assert address(app) == {"plan": "several", "team": "Team 2"}


@pytest.mark.slow
@pytest.mark.parametrize("team", ["", "Team 9"])
def test_a_plan_of_several_teams_asks_which_before_it_shows_stops(team: str) -> None:
    app = one_page("done", plan="several", **({"team": team} if team else {}))
    assert (app.radio[0].options, app.radio[0].value, stops(app)) == (["Team 1", "Team 2"], None, [])
    warnings = ["The team in this link is not in this plan. Choose one below."] if team else []
    assert [one.value for one in app.warning] == warnings
    assert address(app).get("team", "") == team
    app.radio[0].set_value("Team 2").run()
    assert address(app) == {"plan": "several", "team": "Team 2"}
    assert (list(app.warning), stops(app)) == ([], [STOPS])
    app.radio[0].set_value("Team 1").run()
    assert address(app) == {"plan": "several", "team": "Team 1"}


@pytest.mark.slow
def test_the_plan_of_one_team_opens_at_once() -> None:
    app = one_page("done", plan="single")
    assert (list(app.radio), stops(app)) == ([], [STOPS])
    assert address(app) == {"plan": "single", "team": "Team 1"}
    app.selectbox[0].set_value("several").run()
    app.radio[0].set_value("Team 2").run()
    app.selectbox[0].set_value("single").run()
    assert (list(app.warning), stops(app)) == ([], [STOPS])
    assert address(app) == {"plan": "single", "team": "Team 1"}


@pytest.mark.parametrize(("plan_id", "is_marked"), [("trial", True), ("single", False)])
def test_a_plan_of_the_demonstration_says_so(plan_id: str, *, is_marked: bool) -> None:
    app = one_page("done", plan=plan_id)
    page = " ".join(part.proto.body for part in app.get("html"))
    assert ("DEMONSTRATION: made from synthetic events, not real." in page) is is_marked
    (title,) = [option for option in app.selectbox(key="done_plan").options if f"({plan_id}" in option]
    assert title.endswith(", demonstration)") is is_marked
