"""The draft form as a document: the same words as the page, with room to write, marked, and the same bytes again."""

from dataclasses import replace

import pytest

from geo.errors import UsageError
from hexbeat.documents.alert_form import BLANKS, build_form, render_alert_form_pdf
from tests.hexbeat.documents.test_alert_form import MADE, SPIKE
from tests.support.demonstrations import middlesbrough
from tests.support.events import HOSTILE
from tests.support.papers import read_paper


def words_of(pdf: bytes) -> str:
    return read_paper(pdf).words


def test_it_says_what_the_page_says() -> None:
    pdf = render_alert_form_pdf([SPIKE], area=middlesbrough(), made_at=MADE, demonstration=True)
    form = build_form([SPIKE], area=middlesbrough(), made_at=MADE, demonstration=True)
    text = words_of(pdf)
    assert "DRAFT, not sent. MADE FROM SYNTHETIC DEMONSTRATION EVENTS" in text
    for words in (form.title, form.certainty, *(value for rows in form.alert_rows for _, value in rows), *BLANKS):
        assert " ".join(words.split()) in text
    paper = read_paper(pdf)
    assert (paper.title, paper.language) == (form.title, "en-GB")
    assert pdf == render_alert_form_pdf([SPIKE], area=middlesbrough(), made_at=MADE, demonstration=True)


@pytest.mark.parametrize("text", HOSTILE[:5])
def test_names_are_text(text: str) -> None:
    pdf = render_alert_form_pdf([replace(SPIKE, place=text)], area=middlesbrough(), made_at=MADE, demonstration=False)
    assert text.replace(" ", "") in words_of(pdf).replace(" ", "")


def test_it_is_about_overdoses() -> None:
    with pytest.raises(UsageError):
        render_alert_form_pdf([], area=middlesbrough(), made_at=MADE, demonstration=False)
