"""PDF by Typst: tagged, titled, the same every time, and text that is never markup."""

import datetime as dt

import pytest

from geo.errors import UsageError
from hexbeat.documents.typst_pdf import make_printable, render_pdf
from tests.support.papers import A4, read_paper
from tests.support.plans import HOSTILE_TEXT

MAP = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="10mm" height="10mm" viewBox="0 0 10 10">'
    b'<rect width="9" height="9"/></svg>'
)


def page(**changes: object) -> dict[str, object]:
    data: dict[str, object] = {
        "title": "Central: what is happening", "headline": "Head", "mark": "", "alt": "A map of nothing",
        "map-title": "Map", "blank": "Blank", "advice": [],
        "parts": [{"title": "Needles", "words": "Words", "past": [["2025", "7"]]}],
        "promises": ["We never show fewer."], "totals": "Totals", "claim": "Claim", "footer": "Foot",
    }  # fmt: skip
    return data | changes


def test_a_document_is_tagged_titled_in_english_and_without_an_author() -> None:
    paper = read_paper(render_pdf("councillor", page(), {"map": MAP}))
    assert paper.title == "Central: what is happening"
    assert paper.author is None
    assert (paper.language, paper.marked, paper.claims_ua) == ("en-GB", True, True)
    assert paper.sizes == (A4,)
    assert paper.alts == ("A map of nothing",)
    assert {"Figure", "H1", "Table", "TH", "TD"} <= set(paper.roles)
    assert "We never show fewer." in paper.words


def test_the_same_data_give_the_same_bytes_and_the_moment_is_the_one_given() -> None:
    made_at = dt.datetime(2026, 11, 22, 21, 5, tzinfo=dt.UTC)
    first, again = (render_pdf("councillor", page(), {"map": MAP}, made_at=made_at) for _ in range(2))
    assert first == again
    assert b"D:20261122210500Z" in first
    assert first != render_pdf("councillor", page(headline="Other"), {"map": MAP}, made_at=made_at)


def test_text_is_text_whatever_it_holds() -> None:
    hostile = page(title=HOSTILE_TEXT, headline=HOSTILE_TEXT, alt=HOSTILE_TEXT)
    paper = read_paper(render_pdf("councillor", hostile, {"map": MAP}))
    printed = '#import "x" *b* $y$ \\ <b>&amp; =1+1 \N{WHITE SQUARE} \N{WHITE SQUARE}'
    assert paper.words.count(printed) == 2  # the title and the line below it
    assert "".join(printed.split()) in "".join(paper.title.split())
    assert paper.alts == (make_printable(HOSTILE_TEXT),)


def test_letters_that_the_fonts_have_stay_and_others_become_squares() -> None:
    assert make_printable({"a": ["Łódź ŵ ü Ω ж \N{EN DASH}", 3, None]}) == {"a": ["Łódź ŵ ü Ω ж \N{EN DASH}", 3, None]}
    assert make_printable("a\x00\tb\u4e2d\N{GRINNING FACE}") == "a  b\N{WHITE SQUARE}\N{WHITE SQUARE}"


@pytest.mark.slow
def test_every_letter_of_a_long_alphabet_can_be_typeset() -> None:
    letters = "".join(chr(code) for code in range(0x20, 0x2C00, 23))
    paper = read_paper(render_pdf("councillor", page(headline=letters), {"map": MAP}))
    assert len(paper.pages) == 1


@pytest.mark.parametrize(("template", "title"), [("nothing", "A title"), ("../secrets", "A title"), ("plan", " ")])
def test_a_document_needs_a_template_and_a_title(template: str, title: str) -> None:
    with pytest.raises(UsageError) as caught:
        render_pdf(template, {"title": title}, {})
    assert caught.value.rule == "A document has a template and a title"
    assert caught.value.fact == f"the template is {template!r}, the title {title!r}"
    assert caught.value.hint.startswith("choose a template from ")
    assert {"briefing", "plan"} <= set(caught.value.hint.removeprefix("choose a template from ").split(", "))
