"""Naloxone cover is one A4 page whatever it holds: map, next places, holders, and what the figures rest on."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geo.cells import index_points
from geo.maximal_cover import MaximalCover
from hexbeat.documents.naloxone_document import describe_request, render_naloxone_pdf
from hexbeat.reports.naloxone_cover import CoverDistance, NaloxoneCover, Search
from layers.filters import Filter
from tests.support.demonstrations import middlesbrough
from tests.support.papers import A4, grey_levels, read_paper
from tests.support.plans import HOSTILE_TEXT

MADE = dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)
YEAR = Filter(layers=("overdoses",), start=dt.date(2025, 11, 22))


def cover(*, holders: int = 2, following: int = 3, name: str = "Pharmacy") -> NaloxoneCover:
    """100 overdoses in four cells, 40 of them near a place that holds naloxone; the last of several holders is shut."""
    lon, lat = -1.25 + 0.01 * np.arange(4), 54.54 + 0.01 * np.arange(4)
    at = np.arange(max(holders, following))
    places = pd.DataFrame({"lon": -1.24 + 0.003 * at, "lat": 54.545 + 0.002 * at, "ward_name": "Central"})
    return NaloxoneCover(
        total=100.0,
        covered=40.0,
        reach=CoverDistance(400.0),
        holders=places[:holders].assign(
            name=[f"{name} {k}" for k in range(holders)], hours="", near=20.0,
            open=np.arange(holders) < max(holders - 1, 1), hours_known=False,
        ),
        next_places=places[:following].assign(
            rank=np.arange(1, following + 1), name=[f"Central · {k:04d}" for k in range(following)], gain=5.0,
            share_after=0.4 + 0.05 * np.arange(1, following + 1),
        ),
        cover=MaximalCover(
            np.arange(following), np.full(following, 5.0), 5.0 * following, 5.0 * following, proven=True
        ),
        cells=(index_points(lon, lat, resolution=9), np.array([40.0, 30, 20, 10])),
        search=Search(following),
        timed=False,
        exact=True,
        unplaced=0,
    )  # fmt: skip


@pytest.mark.slow
def test_the_page_says_the_cover_the_gains_and_who_holds_it() -> None:
    file = render_naloxone_pdf(
        cover(), middlesbrough(), event_filter=YEAR, mark="synthetic events, not real", made_at=MADE
    )
    paper = read_paper(file)
    assert (paper.title, paper.language, paper.marked) == ("Naloxone cover: Middlesbrough", "en-GB", True)
    assert (paper.claims_ua, paper.sizes) == (True, (A4,))
    assert "DEMONSTRATION: synthetic events, not real." in paper.words
    assert "40 % of 100 overdoses were within 400 m of the 1 place that holds naloxone. 3 more places" in paper.words
    assert "Overdoses in Middlesbrough since 22 Nov 2025. Near is within 400 m." in paper.words
    assert "2 Central · 0001 +5 50 %" in paper.words
    assert "Pharmacy 1 not known, shut 20" in paper.words
    assert "The next places are proved best together" in paper.words
    assert paper.alts[0] == (
        "Map of Middlesbrough, north up: 100 overdoses in 4 cells, 2 places that hold naloxone and 3 next places, "
        "each with a circle of 400 m. The tables say the same."
    )
    assert min(grey_levels(file)) < 40
    assert file == render_naloxone_pdf(
        cover(), middlesbrough(), event_filter=YEAR, mark="synthetic events, not real", made_at=MADE
    )


@pytest.mark.slow
def test_it_stays_one_page_with_much_to_say_and_with_nothing() -> None:
    long_page = read_paper(
        render_naloxone_pdf(
            cover(holders=60, following=20), middlesbrough(), event_filter=YEAR, mark=None, made_at=MADE
        )
    )
    assert len(long_page.pages) == 1
    assert "And 46 more with fewer overdoses near." in long_page.words
    assert "20 Central · 0019" in long_page.words
    assert "DEMONSTRATION" not in long_page.words
    none = read_paper(
        render_naloxone_pdf(cover(holders=0, following=0), middlesbrough(), event_filter=YEAR, mark=None, made_at=MADE)
    )
    assert "None were asked for, or none would add any." in none.words
    assert "None are loaded yet." in none.words


def test_texts_of_places_are_only_text() -> None:
    naloxone_cover = cover(name=HOSTILE_TEXT)
    words = read_paper(
        render_naloxone_pdf(naloxone_cover, middlesbrough(), event_filter=YEAR, mark=None, made_at=MADE)
    ).words
    assert '#import "x" *b* $y$ \\ <b>&amp; =1+1' in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Overdoses in Middlesbrough since 22 Nov 2025"),
        ({"start": None}, "Overdoses in Middlesbrough on record"),
        ({"start": None, "end": dt.date(2026, 1, 1)}, "Overdoses in Middlesbrough up to 31 Dec 2025"),
        ({"end": dt.date(2026, 1, 1)}, "Overdoses in Middlesbrough from 22 Nov to 31 Dec 2025"),
        (
            {"wards": ("E05009857",), "days": frozenset({5, 4}), "hours": (22, 6)},
            "Overdoses in Acklam since 22 Nov 2025, Fri and Sat, 22:00 to 06:00",
        ),
    ],
)
def test_what_was_asked_in_words(changes: dict[str, object], words: str) -> None:
    names = dict(zip(middlesbrough().wards.codes, middlesbrough().wards.names, strict=True))
    sentence = words.replace("Acklam", names["E05009857"])
    assert describe_request(replace(YEAR, **changes), middlesbrough()) == sentence  # type: ignore[arg-type] # by name
