"""The map as one A4 page and as a picture: what it says, that it is one page, and that nothing in it is markup."""

import datetime as dt
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from geo.cells import index_points
from geo.errors import UsageError
from hexbeat.documents.map_document import MapSheet, render_map_pdf, render_map_png
from hexbeat.documents.maps.scales import build_count_scale
from tests.support.demonstrations import middlesbrough
from tests.support.papers import A4, read_paper
from tests.support.plans import HOSTILE_TEXT, LONDON

MADE_AT = dt.datetime(2026, 11, 22, tzinfo=LONDON)
CELLS = index_points(np.array([-1.2350, -1.2450, -1.2600]), np.array([54.5740, 54.5650, 54.5600]), resolution=9)
SHEET = MapSheet(
    title="Needle finds, Middlesbrough",
    sentence="312 needle finds in Middlesbrough, 26 Oct to 21 Nov 2026.",
    filters="needles \u00b7 26 Oct to 21 Nov 2026 \u00b7 22:00 to 06:00",
    notes=("24 are known only to the month and are shared out.",),
    cells=CELLS,
    values=np.array([1.0, 5.0, 0.0]),
    scale=build_count_scale(8),
    unit="Needle finds",
    outlines=(("hotspot", np.array([False, True, True])),),
)


def test_the_map_is_one_a4_page_that_says_all_that_the_screen_says() -> None:
    paper = read_paper(render_map_pdf(SHEET, middlesbrough(), made_at=MADE_AT))
    assert paper.sizes == (A4,)
    assert (paper.title, paper.language) == (SHEET.title, "en-GB")
    assert paper.marked
    assert paper.claims_ua
    credit = "Office for National Statistics"
    for words in (SHEET.sentence, SHEET.filters, *SHEET.notes, "hotspot", credit, "Made 22 Nov 2026 by Hexbeat."):
        assert words in paper.words
    assert paper.alts == (f"Map of Middlesbrough, north up: Needle finds, 2 shaded cells. {SHEET.sentence}",)
    single = replace(SHEET, values=np.array([0.0, 5.0, 0.0]))
    (alt,) = read_paper(render_map_pdf(single, middlesbrough(), made_at=MADE_AT)).alts
    assert alt == f"Map of Middlesbrough, north up: Needle finds, 1 shaded cell. {SHEET.sentence}"


@pytest.mark.slow
def test_the_same_map_gives_the_same_bytes() -> None:
    for render in (render_map_pdf, render_map_png):
        first = render(SHEET, middlesbrough(), made_at=MADE_AT)
        assert first == render(SHEET, middlesbrough(), made_at=MADE_AT)
        assert first != render(replace(SHEET, filters="needles"), middlesbrough(), made_at=MADE_AT)


@pytest.mark.parametrize("wards", [(), ("E05009857",)])
def test_the_picture_is_as_high_as_its_content(wards: tuple[str, ...]) -> None:
    sheet = replace(SHEET, wards=wards)
    image = Image.open(io.BytesIO(render_map_png(sheet, middlesbrough(), made_at=MADE_AT)))
    assert image.format == "PNG"
    assert image.width == 1654  # 210 mm
    longer = replace(sheet, notes=SHEET.notes * 9)
    higher = Image.open(io.BytesIO(render_map_png(longer, middlesbrough(), made_at=MADE_AT)))
    assert higher.height > image.height > 800


def test_many_words_and_hostile_ones_stay_on_the_page() -> None:
    sheet = replace(
        SHEET, title=HOSTILE_TEXT, notes=(HOSTILE_TEXT, *["Some were left out. " * 12] * 9), mark="synthetic"
    )
    paper = read_paper(render_map_pdf(sheet, middlesbrough(), made_at=MADE_AT))
    assert len(paper.pages) == 1
    assert '#import "x" *b* $y$' in paper.words
    assert "DEMONSTRATION: synthetic." in paper.words


def test_a_map_without_a_title_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        render_map_png(replace(SHEET, title=" "), middlesbrough(), made_at=MADE_AT)
    assert caught.value.fact == "the template is 'map', the title ' '"
