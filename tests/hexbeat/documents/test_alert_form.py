"""The draft form: a draft, no point, no script, every text escaped, and nothing but overdoses."""

import dataclasses
import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from geo.errors import UsageError
from geo.wards import Wards
from hexbeat.analysis.alerts import Alert, build_alert_report
from hexbeat.documents.alert_form import BLANKS, render_alert_form, require_form_file
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import HOSTILE

MADE = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
SPIKE = Alert(
    layer="overdoses",
    ward_code="E05009862",
    place="Linthorpe",
    first_day=dt.date(2026, 10, 22),
    last_day=dt.date(2026, 10, 28),
    day=dt.date(2026, 10, 27),
    count=24,
    peak=7,
    expected=2.75,
    methods=("C1", "C2"),
    false_alarms_a_year=17.5,
    sentence="",
)


class Reader(HTMLParser):
    """The tags, attributes and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_it_says_what_when_where_how_sure_and_leaves_blanks() -> None:
    words = read(render_alert_form([SPIKE], area=middlesbrough(), made_at=MADE, demonstration=True)).words
    text = " ".join(word for word in words if word)
    assert "DRAFT, not sent. MADE FROM SYNTHETIC DEMONSTRATION EVENTS" in text
    assert "What 24 overdoses attended, where about 3 would be usual" in text
    assert "When 22 Oct 2026 to 28 Oct 2026, most on 27 Oct 2026 (7)" in text
    assert "Where Linthorpe (ward)" in text
    assert "Found by C1 and C2 on daily counts" in text
    assert "chance alone would raise about 18 such alerts a year over all places" in text
    assert all(blank in words for blank in BLANKS)
    assert "Drafted by Hexbeat on 22 Nov 2026 at 09:30. Wards: Source: Office for National Statistics" in text


def test_real_events_are_not_called_synthetic() -> None:
    page = render_alert_form([SPIKE], area=middlesbrough(), made_at=MADE, demonstration=False)
    assert "DRAFT, not sent. A person must check it" in page
    assert "SYNTHETIC" not in page


def test_it_loads_and_runs_nothing_and_names_no_point() -> None:
    columns, _ = demonstration()
    alerts = build_alert_report(columns, middlesbrough(), dt.date(2026, 11, 21), days=35, layers=["overdoses"]).alerts
    page = render_alert_form(alerts, area=middlesbrough(), made_at=MADE, demonstration=True)
    reader = read(page)
    assert reader.tags == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td",
    }  # fmt: skip
    assert reader.attributes == {"lang", "charset", "name", "content", "class", "scope"}
    assert not re.search(r"\d\.\d{4}|https?:|url\(|[0-9a-f]{15}", page)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_are_text(text: str) -> None:
    area = middlesbrough()
    hostile = dataclasses.replace(
        area,
        title=text,
        attribution=text,
        wards=Wards(area.wards.codes, (text,) * len(area.wards), np.asarray(area.wards.polygons)),
    )
    page = render_alert_form([dataclasses.replace(SPIKE, place=text)], area=hostile, made_at=MADE, demonstration=True)
    reader = read(page)
    assert {"script", "img", "a"}.isdisjoint(reader.tags)
    assert f"{text} (ward)" in reader.words


def test_a_day_of_the_whole_area() -> None:
    one = dataclasses.replace(
        SPIKE, ward_code=None, place="Middlesbrough", last_day=SPIKE.first_day, methods=("Farrington",)
    )
    text = " ".join(read(render_alert_form([one], area=middlesbrough(), made_at=MADE, demonstration=False)).words)
    assert "When 22 Oct 2026 Where Middlesbrough (the whole area) Found by Farrington on weekly counts" in " ".join(
        text.split()
    )


@pytest.mark.parametrize(
    ("found", "fact"),
    [
        ([], "there is no alert"),
        ([dataclasses.replace(SPIKE, layer="needle_litter")], "there are alerts of other layers"),
    ],
)
def test_it_is_about_overdoses(found: list[Alert], fact: str) -> None:
    with pytest.raises(UsageError) as caught:
        render_alert_form(found, area=middlesbrough(), made_at=MADE, demonstration=False)
    assert str(caught.value) == (
        f"A form for the drug information system is about alerts of overdoses; {fact}; choose alerts of overdoses"
    )


def test_the_ending_says_which_document_it_is(tmp_path: Path) -> None:
    assert [require_form_file(tmp_path / name) for name in ("a.html", "b.HTM", "c.pdf")] == ["html", "html", "pdf"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.docx", "The form is drafted as an .html or .pdf file; 'a.docx' is neither; give --draft such an ending"),
        (
            "no/a.html",
            "The folder of the file has to exist; {folder}/no does not exist; make it first, or choose another",
        ),
    ],
)
def test_where_it_cannot_go(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_form_file(tmp_path / name)
    assert str(caught.value) == message.format(folder=tmp_path)
