"""The page of an evaluation of several places: their cells are seen between the lines."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from hexbeat.documents import evaluation_document as effect_document
from hexbeat.documents.evaluation_document import render_evaluation_pdf
from hexbeat.documents.maps.sketch import Outline
from hexbeat.evaluation.request import Evaluation
from tests.support.demonstrations import middlesbrough, several
from tests.support.papers import read_paper

MADE = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def draw_evaluation(evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch) -> tuple[list[list[Outline]], str]:
    """The outlines of its maps, and the words of the page."""
    outlines: list[list[Outline]] = []
    draw = effect_document.render_map

    def render_map_too(*args: Any, **choices: Any) -> bytes:
        outlines.append(list(choices["areas"]))
        return draw(*args, **choices)

    monkeypatch.setattr(effect_document, "render_map", render_map_too)
    return outlines, read_paper(render_evaluation_pdf(evaluation, middlesbrough(), mark=None, made_at=MADE)).words


@pytest.mark.slow
def test_of_several_places_the_treated_ones_have_fine_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = several()
    (before, after), words = draw_evaluation(evaluation, monkeypatch)
    assert before == after
    assert len(before) == len(evaluation.effect.outcomes) > 2
    assert all(one.fine for one in before)
    assert (
        "Both maps have the same scale. Lines: treated. Cells outside them: next door. The table says the same."
        in words
    )


@pytest.mark.slow
def test_one_place_has_strong_lines_around_it_and_what_is_next_door(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = several()
    alone = dataclasses.replace(evaluation.effect, outcomes=evaluation.effect.outcomes[:1])
    (before, _), words = draw_evaluation(dataclasses.replace(evaluation, effect=alone), monkeypatch)
    assert [one.fine for one in before] == [False, False]
    assert (
        "Both maps have the same scale. Inner line: treated. Outer line: next door. The table says the same." in words
    )
