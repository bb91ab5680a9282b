"""A place with no comparable place on the page and on paper: what came, and no number of what was expected."""

import dataclasses
import datetime as dt

import pytest

from hexbeat.dashboard.pages.evaluation.evaluation_page import render_intervals, render_table
from hexbeat.documents.evaluation_document import render_evaluation_pdf
from hexbeat.evaluation.request import evaluate_protocol, fix_protocol
from hexbeat.evaluation.rule import Rule
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.demonstrations import TODAY, busy_corner, demonstration, filled_store, middlesbrough
from tests.support.papers import read_paper

DASH = "\N{EN DASH}"


@pytest.mark.slow
def test_without_a_comparable_place_there_are_no_numbers_of_what_was_expected() -> None:
    columns, area = demonstration()[0], middlesbrough()
    with Store.open(filled_store()) as store:
        rule = fix_protocol(store, ANALYST, columns, area, [busy_corner(1)], Rule({"needle_litter": 1.0}), today=TODAY)
        evaluation = evaluate_protocol(store, ANALYST, columns, area, rule)
    assert "here: not known; next door: " in render_intervals(evaluation)
    assert "nan" not in render_intervals(evaluation) + render_table(evaluation)
    alone = dataclasses.replace(evaluation, effect=dataclasses.replace(evaluation.effect, next_door=None))
    assert render_intervals(alone) == ('<p class="hb-notes">Not known: there is no comparable place.</p>')
    row = render_table(evaluation).split("<tr>")[2]
    assert row.count(f'<td class="hb-number">{DASH}</td>') == 3  # expected, difference, interval
    assert row.count(f"{DASH}, {DASH}") == 1  # like places
    made_at = dt.datetime(2026, 11, 22, 9, tzinfo=area.tz)
    paper = read_paper(render_evaluation_pdf(evaluation, area, mark=None, made_at=made_at))
    text = paper.words
    assert len(paper.pages) == 1
    assert evaluation.verdict.sentence in text
    assert f" {DASH} {DASH} {DASH} not known next door " in text
