"""Every file of a plan: valid, complete, and the same plan when it is read back."""

import csv
import dataclasses
import datetime as dt
import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import gpxpy
import icalendar
import pykml
import pypdf
import pytest
import python_calamine
import shapely
from lxml import etree

from geo.errors import UsageError
from hexbeat.areas.area import load_area
from hexbeat.documents.plan.plan_files import (
    PLAN_FILES,
    build_plan_file,
    build_stop_marks,
    has_separate_map,
    measure_map_height,
)
from hexbeat.documents.plan.plan_text import describe_stop
from hexbeat.documents.plan.plan_tracks import build_plan_gpx
from hexbeat.operations.plans.plan import Plan, PlanKind, Stop
from hexbeat.operations.plans.stop_links import NO_LINKS, USUAL_LINKS, StopLinks, choose_document_link
from tests.support.demonstrations import middlesbrough
from tests.support.gpx import gpx_faults
from tests.support.papers import A4, Paper, grey_levels, read_paper
from tests.support.plans import HOSTILE_TEXT, LONDON, change_plan, example_plan, make_backtested_plan, with_break

KML = "{http://www.opengis.net/kml/2.2}"
LONG = "Eleven needle finds in this cell and the six that touch it in 28 days; swept last on 3 Nov 2026."


def stops_of(plan: Plan) -> list[Stop]:
    return [stop for tour in plan.tours for stop in tour.stops]


def build_file(plan: Plan, kind: str) -> bytes:
    return build_plan_file(plan, middlesbrough(), kind)


@cache
def kml_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(pykml.__file__).parent / "schemas" / "ogckml22.xsd"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", PLAN_FILES)
def test_the_same_plan_gives_the_same_bytes(kind: str) -> None:
    assert (
        build_file(example_plan(), kind)
        == build_file(example_plan(), kind)
        != build_file(example_plan(text="Other."), kind)
    )


def test_another_kind_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_file(example_plan(), "docx")
    kinds = "pdf, gpx, kml, geojson, csv, xlsx, ics"
    assert (
        str(caught.value)
        == f"A plan is written in a known file format; there is no 'docx' for plans; choose from {kinds}"
    )


@pytest.mark.parametrize("text", ["Seven finds.", HOSTILE_TEXT, ""])
def test_gpx_keeps_its_rules_and_comes_back_whole(text: str) -> None:
    plan = example_plan(text=text)
    file = build_file(plan, "gpx")
    assert gpx_faults(file) == []
    gpx = gpxpy.parse(file.decode())
    assert [(one.comment, one.longitude, one.latitude) for one in gpx.waypoints] == [
        (f"p7f3a2/{stop.stop_id}", round(stop.lon, 6), round(stop.lat, 6)) for stop in stops_of(plan)
    ]
    assert [len(route.points) for route in gpx.routes] == [len(tour.stops) + 2 for tour in plan.tours]
    assert gpx.routes[0].points[0].name == "Police station"
    assert gpx.time == plan.made_at
    assert all(one.time is None for one in gpx.waypoints)


def test_the_rules_of_gpx_find_what_breaks_them() -> None:
    file = build_file(example_plan(), "gpx")
    assert gpx_faults(file.replace(b'lat="54', b'lat="154', 1))
    assert gpx_faults(file.replace(b'version="1.1"', b'version="1.0"', 1))
    assert gpx_faults(file.replace(b"<cmt>", b"<remark>").replace(b"</cmt>", b"</remark>"))


@pytest.mark.parametrize("text", ["Seven finds.", HOSTILE_TEXT])
def test_kml_is_valid_and_says_when_each_stop_is_due(text: str) -> None:
    plan = example_plan(text=text, synthetic=True)
    root = etree.fromstring(build_file(plan, "kml"))
    assert kml_schema().validate(root), kml_schema().error_log
    due = [span.findtext(f"{KML}begin") for span in root.iter(f"{KML}TimeSpan")]
    assert [dt.datetime.fromisoformat(str(one)) for one in due] == [stop.arrive for stop in stops_of(plan)]
    points = [point.findtext(f"{KML}coordinates") for point in root.iter(f"{KML}Point")]
    assert points[0] == "-1.245,54.572,0"
    assert str(root.findtext(f"{KML}Document/{KML}description")).startswith("DEMONSTRATION: made from synthetic events")


def test_geojson_follows_the_standard_and_holds_every_stop() -> None:
    plan = example_plan(synthetic=True)
    collection = json.loads(build_file(plan, "geojson"))
    assert collection["type"] == "FeatureCollection"
    assert "crs" not in collection  # RFC 7946, 4: always WGS 84
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in collection["features"]]
    assert [shape.geom_type for shape in shapes] == ["LineString", "Point", "Point", "Point"] * 2
    west, south, east, north = shapely.total_bounds(shapes)
    assert -1.3 < west < east < -1.2
    assert 54.5 < south < north < 54.6
    stops = [feature["properties"] for feature in collection["features"] if feature["properties"]["kind"] == "stop"]
    assert [(one["stop_id"], dt.datetime.fromisoformat(one["leave"])) for one in stops] == [
        (stop.stop_id, stop.leave) for stop in stops_of(plan)
    ]
    assert all(feature["properties"]["demonstration"] for feature in collection["features"])


def test_no_cell_of_a_table_runs() -> None:
    plan = example_plan(text="=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(build_file(plan, "csv").decode(), newline="")))
    assert [row["stop_id"] for row in rows] == [stop.stop_id for stop in stops_of(plan)]
    assert rows[0]["reason"] == "'=HYPERLINK(1)"
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(build_file(plan, "xlsx")))
    assert book.sheet_names == ["Stops", "Plan"]
    head, first, *_ = book.get_sheet_by_name("Stops").to_python()
    cells = dict(zip(head, first, strict=True))
    assert (cells["reason"], cells["minutes"], cells["arrive"]) == ("'=HYPERLINK(1)", 12.0, "2026-11-27T22:04+00:00")


def test_a_calendar_has_an_event_a_stop_with_its_place_and_reason() -> None:
    plan = example_plan(synthetic=True)
    calendar = icalendar.Calendar.from_ical(build_file(plan, "ics"))
    events = calendar.walk("VEVENT")
    assert [str(event["UID"]) for event in events] == [f"p7f3a2-{stop.stop_id}@hexbeat" for stop in stops_of(plan)]
    assert str(events[0]["SUMMARY"]).startswith("DEMONSTRATION Team A 1: Central")
    assert "Seven finds here in 28 days." in str(events[0]["DESCRIPTION"])


def test_a_team_has_its_own_gpx() -> None:
    plan = example_plan()
    for tour in plan.tours:
        gpx = build_plan_gpx(plan, middlesbrough(), team=tour.team)
        assert gpx_faults(gpx) == []
        (route,) = gpxpy.parse(gpx.decode()).routes
        assert len(route.points) == len(tour.stops) + 2
        places = [(point.latitude, point.longitude) for point in gpxpy.parse(gpx.decode()).waypoints]
        assert places == [(round(stop.lat, 6), round(stop.lon, 6)) for stop in tour.stops]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("links", "begin"),
    [
        (USUAL_LINKS, "geo:"),
        (StopLinks(address="https://maps.example/{lat}/{lon}"), "https://maps.example/54."),
        (NO_LINKS, None),
    ],
)
def test_a_stop_opens_in_a_map_from_paper_and_calendar(links: StopLinks, begin: str | None) -> None:
    plan = example_plan(teams=1)
    calendar = icalendar.Calendar.from_ical(build_plan_file(plan, middlesbrough(), "ics", links=links))
    addresses = [choose_document_link(stop, links) for stop in stops_of(plan)]
    assert [event.get("URL") for event in calendar.walk("VEVENT")] == addresses
    pdf = pypdf.PdfReader(io.BytesIO(build_plan_file(plan, middlesbrough(), "pdf", links=links)))
    notes = [note.get_object() for page in pdf.pages for note in page.get("/Annots", [])]
    assert [note["/A"]["/URI"] for note in notes] == [address for address in addresses if address]
    assert all(note["/Contents"] for note in notes)  # PDF/UA: a link has words for those who do not see it
    assert all(address is None if begin is None else str(address).startswith(begin) for address in addresses)


@pytest.mark.parametrize(
    "begins",
    [
        dt.datetime(2026, 10, 24, 22, 0, tzinfo=LONDON),  # clocks go back at 02:00: 01:00 to 02:00 comes twice
        dt.datetime(2027, 3, 27, 22, 0, tzinfo=LONDON),  # clocks go forward at 01:00: an hour is left out
        dt.datetime(2026, 7, 1, 22, 0, tzinfo=LONDON),
    ],
)
def test_times_are_right_over_a_change_of_clocks(begins: dt.datetime) -> None:
    plan = example_plan(stops=18, teams=1, begins=begins)
    events = icalendar.Calendar.from_ical(build_file(plan, "ics")).walk("VEVENT")
    assert [event.start.timestamp() for event in events] == [stop.arrive.timestamp() for stop in stops_of(plan)]
    assert all(event.end - event.start == dt.timedelta(minutes=12) for event in events)
    twice = [str(event["DESCRIPTION"])[:9] for event in events]
    assert len(set(twice)) == len(twice)  # also when an hour comes twice, no two stops read the same


@pytest.mark.parametrize("after", [0, 1])
def test_files_tell_the_break(after: int) -> None:
    plan = example_plan(teams=1)
    plan = dataclasses.replace(plan, tours=(with_break(plan.tours[0], after),))
    where = "after stop 1" if after else "at Police station"
    words = f"Break of 4 minutes, {'22:16 to 22:20' if after else '22:00 to 22:04'}, {where}."
    rows = list(csv.DictReader(io.StringIO(build_file(plan, "csv").decode(), newline="")))
    assert [row["pause"] for row in rows] == [words, "", ""]
    assert words in gpxpy.parse(build_file(plan, "gpx").decode()).routes[0].description
    assert words in build_file(plan, "kml").decode()
    (pause,) = json.loads(build_file(plan, "geojson"))["features"][0]["properties"]["pauses"]
    assert (pause["kind"], pause["after"]) == ("break", after)
    (event,) = (
        one
        for one in icalendar.Calendar.from_ical(build_file(plan, "ics")).walk("VEVENT")
        if "break" in str(one["UID"])
    )
    assert str(event["SUMMARY"]) == "Team A: break"
    assert event.end - event.start == dt.timedelta(minutes=4)
    assert event.start.timestamp() == plan.tours[0].pauses[0].begins.timestamp()


@cache
def pdf_of(**choices: object) -> bytes:
    return build_plan_file(example_plan(**choices), load_area("middlesbrough"), "pdf")  # type: ignore[arg-type] # by name


@cache
def paper_of(**choices: object) -> Paper:
    return read_paper(pdf_of(**choices))


@pytest.mark.slow
def test_a_plan_is_a_tagged_a4_document_with_real_text() -> None:
    paper = paper_of()
    assert (paper.title, paper.author, paper.language) == ("Patrol plan Seven finds here in 28 days.", None, "en-GB")
    assert paper.marked
    assert paper.claims_ua
    assert set(paper.sizes) == {A4}
    assert paper.roles.count("Figure") == 2 + 6  # a map a team, and one a stop
    assert {"H1", "Table", "TH", "TD", "L"} <= set(paper.roles)


@pytest.mark.slow
@pytest.mark.parametrize(("stops", "teams", "sheets"), [(1, 1, 1), (9, 2, 1), (14, 3, 2), (20, 1, 2), (34, 2, 2)])
def test_every_team_has_one_page_and_one_for_its_map_where_many_stops_leave_it_no_room(
    stops: int, teams: int, sheets: int
) -> None:
    paper = paper_of(stops=stops, teams=teams, text=LONG if stops < 34 else "Last find 9 days before.", synthetic=True)
    for number in range(teams):
        page, *maps = (" ".join(words.split()) for words in paper.pages[sheets * number : sheets * (number + 1)])
        heading = f"Team {'ABC'[number]}: Fri 27 Nov 2026, 22:00 to"
        assert heading in page
        assert page.count("Be back at Police station by") == 1
        assert [f"Map of {heading}" in one for one in maps] == [True] * (sheets - 1)
        assert all(one.startswith("DEMONSTRATION") and "Be there" not in one for one in maps)
    whole = sheets * teams
    assert len(paper.pages) in (whole, whole + 1)  # with what the plan is below the last team, or after it


def test_a_map_is_never_so_low_that_its_numbers_lie_over_each_other() -> None:
    for stops in range(1, 45):
        (tour,) = example_plan(stops=stops, teams=1).tours
        assert measure_map_height(tour) >= 100
        assert has_separate_map(tour) == (measure_map_height(tour) > 200)


@pytest.mark.slow
def test_a_page_says_the_cover_the_way_and_each_stop() -> None:
    plan = change_plan(example_plan(teams=1, stops=2), held=(0.11, 0.084, 0.141), held_weeks=8)
    words = read_paper(build_plan_file(plan, load_area("middlesbrough"), "pdf")).words
    assert (
        "The stops of such plans held 11 % of reports of street dealing and needle finds (weighed as chosen) in the"
        in words
    )
    assert "wards of the plan in the last 8 weeks (8 to 14 %)." in words
    assert "Leave Police station at 22:00 and be back by 22:33." in words
    assert "1 22:04 to 22:16 12 Central" in words
    assert "Seven finds here in 28 days." in words
    assert "Stops of 12 minutes." in words
    assert "the last 13 weeks 8.20 6.10 to 10.40" in words


@pytest.mark.slow
def test_past_weeks_are_told_by_shares_before_multiples_of_chance() -> None:
    words = read_paper(build_plan_file(make_backtested_plan(), load_area("middlesbrough"), "pdf")).words
    assert "Past Of events Of the area PAI 95 % interval" in words
    assert "Plans made like this one 14 % 0.91 % 15.40 12.00 to 18.10" in words
    assert "The top cells by last month's count, in map order 7 % 0.45 % 16.20 11.90 to 20.00" in words


@pytest.mark.slow
def test_the_break_stands_between_its_stops() -> None:
    plan = example_plan(teams=1, stops=2)
    (tour,) = plan.tours
    words = read_paper(
        build_plan_file(replace(plan, tours=(with_break(tour),)), load_area("middlesbrough"), "pdf")
    ).words
    assert "Break of 4 minutes, 22:16 to 22:20, after stop 1." in words
    before, after = words.split("22:16 to 22:20 4 Break", 1)
    assert "1 22:04 to 22:16 12 Central" in before
    assert "2 22:21 to 22:33 12 Central" in after


@pytest.mark.slow
def test_each_map_has_its_words() -> None:
    alts = paper_of().alts
    assert len(alts) == 2 + 6
    place = example_plan().tours[0].stops[0].place
    assert alts[2] == f"Map of the streets around stop 1 of Team A, {place}, 350 m across."
    assert alts[0].startswith(
        "Map of Middlesbrough, north up: the route of Team A in straight lines from Police station"
    )
    assert "1 Central" in alts[0]


@pytest.mark.slow
def test_each_stop_of_a_short_plan_has_its_streets_close_up() -> None:
    words = " ".join(paper_of(stops=6, teams=2).words.split())
    assert words.count("The streets around each stop") == 1
    for team in ("Team A", "Team B"):
        assert all(f"{team}, stop {order}:" in words for order in range(1, 7))
    assert "The streets around each stop" not in paper_of(stops=13, teams=1).words


def test_where_no_streets_are_built_a_plan_has_no_close_ups(tmp_path: Path) -> None:
    bare = replace(load_area("middlesbrough"), folder=tmp_path)
    paper = read_paper(build_plan_file(example_plan(), bare, "pdf"))
    assert len(paper.alts) == 2
    assert "OpenStreetMap" not in paper.words


@pytest.mark.slow
def test_hostile_text_is_printed_and_the_demonstration_is_marked_on_each_page() -> None:
    paper = paper_of(text=HOSTILE_TEXT, synthetic=True)
    assert '#import "x" *b* $y$ \\ <b>&amp; =1+1' in paper.words
    for page in paper.pages:
        assert "DEMONSTRATION" in page


@pytest.mark.slow
def test_a_night_on_which_clocks_change_says_which_hour_is_meant() -> None:
    begins = example_plan().begins.replace(month=10, day=24)
    words = paper_of(teams=1, stops=18, begins=begins).words
    assert "22:04 BST to 22:16 BST" in words
    assert "01:28 BST to 01:40 BST" in words  # the first time that this hour comes
    assert "01:36 GMT to 01:48 GMT" in words  # and the second


@pytest.mark.slow
def test_a_plan_without_stops_or_teams_still_says_so() -> None:
    assert "0 minutes at 0 stops" in paper_of(stops=0, teams=1).words
    assert "for the 0 teams together" in paper_of(teams=0).words


@pytest.mark.slow
def test_it_prints_in_black_and_white() -> None:
    plan = example_plan(stops=6, teams=1)
    levels = grey_levels(build_plan_file(plan, load_area("middlesbrough"), "pdf"))
    assert 255 in levels
    assert min(levels) < 40


@pytest.mark.slow
def test_the_moment_of_the_file_is_that_of_the_plan() -> None:
    stamp = example_plan().made_at.astimezone(dt.UTC)
    assert f"D:{stamp:%Y%m%d%H%M%S}Z".encode() in pdf_of()


@pytest.mark.slow
def test_a_sweep_says_how_near_it_comes_to_the_best() -> None:
    words = paper_of(kind=PlanKind.SWEEP).words
    assert "hold 33 % of the needles expected at the places to sweep (12 of 36). That follows recent finds." in words
    assert "It collects 98 % or more of the most that any plan for these places and hours could." in words


@pytest.mark.slow
def test_open_reports_are_said_once() -> None:
    plan = example_plan(stops=2, teams=1, kind=PlanKind.SWEEP, text="1 open report 7 hours old on arrival.")
    stop = plan.tours[0].stops[1]
    assert stop.open_reports == 1
    words = read_paper(build_plan_file(plan, load_area("middlesbrough"), "pdf")).words
    assert "Open reports" not in words
    assert describe_stop(plan, stop) == "22:21 to 22:33 (12 minutes). 1 open report 7 hours old on arrival."


def test_a_place_that_is_visited_again_is_one_mark_with_both_numbers() -> None:
    (tour,) = example_plan(stops=3, teams=1).tours
    again = replace(tour.stops[0], stop_id="a9", order=4)
    marks = build_stop_marks(replace(tour, stops=(*tour.stops, again)))
    assert [mark.label for mark in marks] == ["1, 4", "2", "3"]
