"""Every file of a plan: valid, complete, and the same plan when it is read back."""

import csv
import dataclasses
import datetime as dt
import io
import json
from functools import cache
from pathlib import Path

import gpxpy
import icalendar
import pykml
import pytest
import python_calamine
import shapely
from lxml import etree

from geo.errors import UsageError
from hexbeat.areas.area import Area, load_area
from hexbeat.documents.plan.plan_files import PLAN_FILES, build_plan_file
from hexbeat.operations.plans.plan import Plan, Stop
from tests.support.gpx_rules import gpx_faults
from tests.support.plans import HOSTILE_TEXT, LONDON, example_plan, with_break

KML = "{http://www.opengis.net/kml/2.2}"


@cache
def area() -> Area:
    return load_area("middlesbrough")


def stops_of(plan: Plan) -> list[Stop]:
    return [stop for tour in plan.tours for stop in tour.stops]


def made(plan: Plan, kind: str) -> bytes:
    return build_plan_file(plan, area(), kind)


@cache
def kml_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(pykml.__file__).parent / "schemas" / "ogckml22.xsd"))


@pytest.mark.parametrize("kind", PLAN_FILES)
def test_the_same_plan_gives_the_same_bytes(kind: str) -> None:
    assert made(example_plan(), kind) == made(example_plan(), kind) != made(example_plan(text="Other."), kind)


def test_another_kind_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        made(example_plan(), "docx")
    kinds = "pdf, gpx, kml, geojson, csv, xlsx, ics"
    assert str(caught.value) == f"A plan is written as one of its kinds of file; 'docx' is none; choose from {kinds}"


@pytest.mark.parametrize("text", ["Seven finds.", HOSTILE_TEXT, ""])
def test_gpx_keeps_its_rules_and_comes_back_whole(text: str) -> None:
    plan = example_plan(text=text)
    file = made(plan, "gpx")
    assert gpx_faults(file) == []
    found = gpxpy.parse(file.decode())
    assert [(one.comment, one.longitude, one.latitude) for one in found.waypoints] == [
        (f"p7f3a2/{stop.stop_id}", round(stop.lon, 6), round(stop.lat, 6)) for stop in stops_of(plan)
    ]
    assert [len(route.points) for route in found.routes] == [len(tour.stops) + 2 for tour in plan.tours]
    assert found.routes[0].points[0].name == "Police station"
    assert found.time == plan.made_at
    assert all(one.time is None for one in found.waypoints)


def test_the_rules_of_gpx_find_what_breaks_them() -> None:
    file = made(example_plan(), "gpx")
    assert gpx_faults(file.replace(b'lat="54', b'lat="154', 1))
    assert gpx_faults(file.replace(b'version="1.1"', b'version="1.0"', 1))
    assert gpx_faults(file.replace(b"<cmt>", b"<remark>").replace(b"</cmt>", b"</remark>"))


@pytest.mark.parametrize("text", ["Seven finds.", HOSTILE_TEXT])
def test_kml_is_valid_and_says_when_each_stop_is_due(text: str) -> None:
    plan = example_plan(text=text, synthetic=True)
    root = etree.fromstring(made(plan, "kml"))
    assert kml_schema().validate(root), kml_schema().error_log
    due = [span.findtext(f"{KML}begin") for span in root.iter(f"{KML}TimeSpan")]
    assert [dt.datetime.fromisoformat(str(one)) for one in due] == [stop.arrive for stop in stops_of(plan)]
    points = [point.findtext(f"{KML}coordinates") for point in root.iter(f"{KML}Point")]
    assert points[0] == "-1.245,54.572,0"
    assert str(root.findtext(f"{KML}Document/{KML}description")).startswith("DEMONSTRATION: made from synthetic events")


def test_geojson_follows_the_standard_and_holds_every_stop() -> None:
    plan = example_plan(synthetic=True)
    found = json.loads(made(plan, "geojson"))
    assert found["type"] == "FeatureCollection"
    assert "crs" not in found  # RFC 7946, 4: always WGS 84
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in found["features"]]
    assert [shape.geom_type for shape in shapes] == ["LineString", "Point", "Point", "Point"] * 2
    west, south, east, north = shapely.total_bounds(shapes)
    assert -1.3 < west < east < -1.2
    assert 54.5 < south < north < 54.6
    stops = [feature["properties"] for feature in found["features"] if feature["properties"]["kind"] == "stop"]
    assert [(one["stop_id"], dt.datetime.fromisoformat(one["leave"])) for one in stops] == [
        (stop.stop_id, stop.leave) for stop in stops_of(plan)
    ]
    assert all(feature["properties"]["demonstration"] for feature in found["features"])


def test_no_cell_of_a_table_runs() -> None:
    plan = example_plan(text="=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(made(plan, "csv").decode(), newline="")))
    assert [row["stop_id"] for row in rows] == [stop.stop_id for stop in stops_of(plan)]
    assert rows[0]["reason"] == "'=HYPERLINK(1)"
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(made(plan, "xlsx")))
    assert book.sheet_names == ["Stops", "Plan"]
    head, first, *_ = book.get_sheet_by_name("Stops").to_python()
    told = dict(zip(head, first, strict=True))
    assert (told["reason"], told["minutes"], told["arrive"]) == ("'=HYPERLINK(1)", 12.0, "2026-11-27T22:04+00:00")


def test_a_calendar_has_an_event_a_stop_with_its_place_and_reason() -> None:
    plan = example_plan(synthetic=True)
    calendar = icalendar.Calendar.from_ical(made(plan, "ics"))
    events = calendar.walk("VEVENT")
    assert [str(event["UID"]) for event in events] == [f"p7f3a2-{stop.stop_id}@hexbeat" for stop in stops_of(plan)]
    assert str(events[0]["SUMMARY"]).startswith("DEMONSTRATION Team A 1: Central")
    assert "Seven finds here in 28 days." in str(events[0]["DESCRIPTION"])


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
    events = icalendar.Calendar.from_ical(made(plan, "ics")).walk("VEVENT")
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
    rows = list(csv.DictReader(io.StringIO(made(plan, "csv").decode(), newline="")))
    assert [row["pause"] for row in rows] == [words, "", ""]
    assert words in gpxpy.parse(made(plan, "gpx").decode()).routes[0].description
    assert words in made(plan, "kml").decode()
    (pause,) = json.loads(made(plan, "geojson"))["features"][0]["properties"]["pauses"]
    assert (pause["kind"], pause["after"]) == ("break", after)
    (event,) = (
        one for one in icalendar.Calendar.from_ical(made(plan, "ics")).walk("VEVENT") if "break" in str(one["UID"])
    )
    assert str(event["SUMMARY"]) == "Team A: break"
    assert event.end - event.start == dt.timedelta(minutes=4)
    assert event.start.timestamp() == plan.tours[0].pauses[0].begins.timestamp()
