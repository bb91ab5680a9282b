"""The rule in words: which days count as before."""

import dataclasses
import datetime as dt

import pytest

from hexbeat.evaluation.rule import Protocol, Rule, describe_rule
from tests.support.demonstrations import several


def before_words(protocol: Protocol) -> str:
    return next(words for words in describe_rule(protocol) if words.startswith("Before: "))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            Rule({"street_dealing": 1.0}),
            (
                "Before: the 364 days up to 28 days before each place's own start. The last 28 days before the start "
                "are used for matching only."
            ),
        ),
        (
            Rule({"street_dealing": 1.0}, wash_in_days=0, before_days=1_092),
            "Before: the 1,092 days before each place's own start.",
        ),
        (
            Rule({"street_dealing": 1.0}, wash_in_days=1),
            (
                "Before: the 364 days up to 1 day before each place's own start. The last day before the start is used "
                "for matching only."
            ),
        ),
    ],
)
def test_before_is_told_without_a_date_where_places_have_their_own(rule: Rule, said: str) -> None:
    protocol = several().effect.protocol
    assert len({one.place.start for one in protocol.places}) > 1
    assert before_words(dataclasses.replace(protocol, rule=rule)) == said


def test_before_has_dates_where_all_places_start_together() -> None:
    protocol = several().effect.protocol
    start = dt.date(2025, 6, 1)
    places = tuple(
        dataclasses.replace(one, place=dataclasses.replace(one.place, start=start)) for one in protocol.places
    )
    said = "Before: 5 May 2024 to 3 May 2025. The last 28 days before the start are used for matching only."
    together = dataclasses.replace(protocol, places=places)
    assert before_words(together) == before_words(dataclasses.replace(together, places=places[:1])) == said
