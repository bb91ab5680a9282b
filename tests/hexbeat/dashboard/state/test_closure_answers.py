"""What became of the last closures: those with time after them, newest first, each by the usual rule; none of none."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from hexbeat.dashboard.state.closure_answers import (
    FEWEST_ANSWERED_DAYS,
    MOST_ANSWERS,
    find_closure_answers,
    format_closures,
    load_closures,
    select_until,
)
from hexbeat.dashboard.state.session import open_installation
from hexbeat.settings import Settings
from tests.support.demonstrations import filled_store


def test_closures_until_a_day_keep_their_columns_even_where_there_are_none() -> None:
    closures = pd.DataFrame({"start": [dt.date(2026, 11, 2), dt.date(2026, 8, 1)], "name": ["new", "old"]})
    assert select_until(closures, dt.date(2026, 8, 1))["name"].tolist() == ["old"]
    assert list(select_until(closures.head(0), dt.date(2026, 8, 1)).columns) == ["start", "name"]


def test_closures_are_named_by_street_and_two_of_one_day_and_place_by_their_codes_too() -> None:
    street = "near Linthorpe Road and Borough Road (Central)"
    days = [dt.date(2026, 3, 3), dt.date(2026, 3, 3), dt.date(2026, 3, 4)]
    closures = pd.DataFrame({"event_id": ["8f2a11", "77bc22", "1d4e33"], "start": days, "place": f"N{street[1:]}"})
    assert format_closures(closures) == {
        "8f2a11": f"3 Mar 2026, {street} · 8f2a",
        "77bc22": f"3 Mar 2026, {street} · 77bc",
        "1d4e33": f"4 Mar 2026, {street}",
    }


def test_a_closure_far_from_streets_is_named_by_ward_and_direction_and_not_by_the_code_of_its_cell() -> None:
    days = [dt.date(2026, 9, 1), dt.date(2026, 8, 31)]
    places = ["South-east of Nunthorpe · 2a1c", "Near Kings Mews West and Hankin Road (North Ormesby) · 89b1"]
    closures = pd.DataFrame({"event_id": ["8f2a11", "77bc22"], "start": days, "place": places})
    assert list(format_closures(closures).values()) == [
        "1 Sep 2026, south-east of Nunthorpe",
        "31 Aug 2026, near Kings Mews West and Hankin Road (North Ormesby)",
    ]


@pytest.mark.usefixtures("home")
def test_a_store_without_closures_has_no_answers() -> None:
    assert find_closure_answers(open_installation(Settings.from_environment())) == ()


@pytest.mark.slow
def test_the_last_closures_with_a_quarter_after_them_each_have_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del home
    monkeypatch.setenv("HEXBEAT_HOME", str(filled_store()))
    installation = open_installation(Settings.from_environment())
    answers = find_closure_answers(installation)
    closures = load_closures(installation)
    latest = installation.today - dt.timedelta(days=FEWEST_ANSWERED_DAYS)
    expected = select_until(closures, latest)["event_id"].head(MOST_ANSWERS).tolist()
    assert [answer.event_id for answer in answers] == expected
    assert len(answers) == MOST_ANSWERS
    titles = format_closures(closures)
    assert [answer.title for answer in answers] == [titles[answer.event_id] for answer in answers]
    assert all(answer.sentence.endswith(".") and answer.sentence.count(". ") == 0 for answer in answers)
