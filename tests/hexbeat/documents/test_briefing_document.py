"""Briefings are one A4 page whatever they hold, for partners and, from the release alone, for councillors."""

import datetime as dt
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from geo.errors import UsageError
from hexbeat.dashboard.public.councillor_briefing import build_councillor_briefing, render_councillor_pdf
from hexbeat.documents.briefing_document import (
    LEAD_ALERT,
    build_page_data,
    describe_closure,
    describe_visits,
    format_last_days,
    format_place_title,
    render_briefing_pdf,
)
from hexbeat.operations.alert_answers import AlertAnswer
from hexbeat.reports.briefing import Briefing, Purpose, VisitLine, build_briefing
from tests.support.demonstrations import TODAY, demonstration, middlesbrough
from tests.support.papers import A4, grey_levels, read_paper
from tests.support.plans import HOSTILE_TEXT
from tests.support.releases import example_release

MADE = dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)


def build_meeting() -> Briefing:
    return build_briefing(demonstration()[0], middlesbrough(), today=TODAY)


read_meeting = cache(build_meeting)


def meeting(**changes: object) -> Briefing:
    return replace(read_meeting(), **changes)  # type: ignore[arg-type] # by name


def test_old_records_are_told_first_and_nothing_is_told_as_none() -> None:
    briefing = build_briefing(demonstration()[0], middlesbrough(), today=TODAY + dt.timedelta(days=700))
    paper = read_paper(render_briefing_pdf(briefing, middlesbrough(), made_at=MADE))
    assert paper.sizes == (A4,)
    old = "Records end 23 months ago (21 Nov 2026). There are no alerts of now."
    assert paper.words.index(old) < paper.words.index("For the daily meeting of")
    assert "Alerts Not known." in paper.words
    assert "The places that matter, and why Not known." in paper.words
    assert "Needle finds not known: records end 23 months ago (21 Nov 2026) not known" in paper.words


@pytest.mark.slow
def test_what_is_not_known_is_not_told_as_none() -> None:
    dealing = {"unknown_places": ("needle_litter", "overdoses"), "unknown_alerts": ("needle_litter", "overdoses")}
    bare = meeting(places=(), alerts=(), closures=(), ending_state="partly known", new_state="not known", **dealing)
    paper = read_paper(render_briefing_pdf(bare, middlesbrough(), made_at=MADE))
    assert "Alerts None. Alerts of needle finds and overdoses are not known." in paper.words
    assert "Hotspots of needle finds and overdoses are not known." in paper.words
    assert "Closures that end within 14 days None recorded. Not all days are known." in paper.words
    assert "Closures new in the last 14 days Not known." in paper.words
    assert "new closures (not known)" in paper.alts[0]
    every = ("needle_litter", "street_dealing", "overdoses")
    paper = read_paper(
        render_briefing_pdf(
            meeting(places=(), alerts=(), unknown_places=every, unknown_alerts=every), middlesbrough(), made_at=MADE
        )
    )
    assert "Alerts Not known." in paper.words
    assert "The places that matter, and why Not known." in paper.words


@pytest.mark.slow
def test_the_meeting_has_one_page_with_everything_on_it() -> None:
    briefing = meeting()
    paper = read_paper(render_briefing_pdf(briefing, middlesbrough(), made_at=MADE))
    assert (paper.title, paper.language, paper.marked, paper.claims_ua) == (briefing.title, "en-GB", True, True)
    assert paper.sizes == (A4,)
    assert "DEMONSTRATION: synthetic events, not real." in paper.words
    assert "Covers 15 Nov to 21 Nov 2026." in paper.words
    for line in briefing.places:
        assert f"{line.place} {line.title}{format_place_title(line).removeprefix(line.place)}" in paper.words
        assert line.reason in paper.words
    ending = [describe_closure(line) for line in briefing.closures if line.kind == "ending"]
    assert ending
    assert all(words in paper.words for words in ending[:5])
    assert "No visit was recorded in these days." in paper.words
    (alert,) = briefing.alerts
    assert paper.words.count(alert.sentence) == 1  # it leads the page, and its list begins with what follows
    assert f"{LEAD_ALERT} First raised on " in paper.words
    assert not re.search(r"Look first [^•]*\(\d", paper.words)  # no bare number of a forecast
    assert "Needle finds (all sources): records to 21 Nov 2026" in paper.words
    assert paper.alts[0].startswith("Map of Middlesbrough, north up, with numbered places (1 ")


@pytest.mark.slow
def test_it_stays_one_page_with_much_more_to_say_and_long_answers_to_its_alerts() -> None:
    briefing = meeting()
    work = tuple(VisitLine("sweep", f"Crew {number}", 12, 240, 31) for number in range(8))
    fuller = replace(
        briefing, work=work, notes=briefing.notes * 6, closures=briefing.closures * 4, alerts=briefing.alerts * 15
    )
    (alert,) = briefing.alerts
    place, days = (alert.layer, alert.ward_code), (alert.first_day, alert.last_day)
    answer = AlertAnswer(alert.identifier, *place, *days, "confirmed", "word " * 90, "health", MADE)
    paper = read_paper(render_briefing_pdf(fuller, middlesbrough(), made_at=MADE, answers=[answer]))
    assert len(paper.pages) == 1
    assert paper.words.count("Confirmed on 22 Nov 2026 (health): word word") == paper.words.count("word …") == 4
    assert "Crew 7 (sweep): 12 visits, 240 minutes, 31 needles collected" in paper.words.replace("(sweeps)", "(sweep)")
    assert "11 more." in paper.words


@pytest.mark.slow
def test_one_of_a_thing_has_no_plural() -> None:
    work = (VisitLine("sweep", "Crew 1", 1, 1, 1), VisitLine("patrol", "Team 1", 2, 1_200, None))
    assert describe_visits(meeting(work=work)) == [
        "Crew 1 (sweeps): 1 visit, 1 minute, 1 needle collected",
        "Team 1 (patrols): 2 visits, 1,200 minutes",
    ]
    trial = VisitLine("patrol", "Team 1", 1, 15, None, demonstration=True)
    assert describe_visits(meeting(work=(trial,))) == ["Team 1 (patrols, DEMONSTRATION): 1 visit, 15 minutes"]
    day = dt.timedelta(days=1)
    assert [format_last_days(meeting(period=(TODAY - days * day, TODAY))) for days in (1, 28)] == [
        "Last day",
        "Last 28 days",
    ]
    page = build_page_data(meeting(period=(TODAY - day, TODAY)), middlesbrough(), made_at=MADE)
    assert page["days"] == "Last day"


def test_an_empty_briefing_says_so() -> None:
    bare = meeting(places=(), alerts=(), closures=(), sources=(), notes=(), mark=None)
    words = read_paper(render_briefing_pdf(bare, middlesbrough(), made_at=MADE)).words
    assert "No place is certain to be a hotspot." in words
    assert "DEMONSTRATION" not in words
    assert "Nothing is loaded yet." in words


@pytest.mark.slow
def test_a_shift_names_its_hours_and_teams_names_are_only_text() -> None:
    shift = build_briefing(demonstration()[0], middlesbrough(), today=TODAY, purpose=Purpose.SHIFT, hours=(22, 6))
    hostile = replace(shift, work=(VisitLine("patrol", HOSTILE_TEXT, 1, 12, None),))
    words = read_paper(render_briefing_pdf(hostile, middlesbrough(), made_at=MADE)).words
    assert "Middlesbrough: shift 22:00 to 06:00" in words
    assert '#import "x" *b* $y$ \\ <b>&amp; =1+1' in words


@pytest.mark.slow
def test_it_prints_without_colour_and_the_same_every_time() -> None:
    file = render_briefing_pdf(meeting(), middlesbrough(), made_at=MADE)
    assert file == render_briefing_pdf(build_meeting(), middlesbrough(), made_at=MADE)
    assert min(grey_levels(file)) < 40


def test_a_councillor_reads_the_numbers_of_the_release() -> None:
    briefing = build_councillor_briefing(example_release(), "abbey")
    paper = read_paper(render_councillor_pdf(briefing))
    assert (paper.title, paper.sizes, paper.language) == ("Abbey: what is happening", (A4,), "en-GB")
    assert "at least 12 needle finds were recorded in Abbey" in paper.words
    assert "Closed properties are shown for Exampleton as a whole only, not for its wards." in paper.words
    assert "If you find a needle: Do not touch it" in paper.words
    assert "Needle finds: We never show fewer than five." in paper.words
    assert paper.alts == ("Map of needle finds in Abbey, April to June 2026: 12 in Part of Abbey (A1).",) or paper.alts[
        0
    ].startswith("Map of needle finds in Abbey, April to June 2026: 12 in ")
    assert render_councillor_pdf(briefing) == render_councillor_pdf(
        build_councillor_briefing(example_release(), "E05000001")
    )


def test_no_class_of_the_public_map_begins_below_the_smallest_number_shown() -> None:
    words = read_paper(render_councillor_pdf(build_councillor_briefing(example_release(k=7), "Bridge"))).words
    assert "7\N{EN DASH}13" in words
    assert "1\N{EN DASH}" not in words.replace("7\N{EN DASH}13", "").replace("14\N{EN DASH}27", "")


def test_a_ward_that_is_not_in_the_release_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_councillor_briefing(example_release(), "Nowhere")
    assert str(caught.value) == (
        "The ward has to be one of the release; Exampleton has no ward 'Nowhere'; choose from Abbey, Bridge"
    )


def test_the_councillors_page_loads_nothing_that_could_reach_a_store() -> None:
    program = (
        "import sys, hexbeat.dashboard.public.councillor_briefing; "
        "print([name for name in sys.modules if name.split('.')[0] in ('sqlalchemy', 'sqlite3', 'alembic', 'httpx')"
        " or name in ('hexbeat.store.store', 'hexbeat.areas.area', 'layers.columns', 'hexbeat.settings')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
