"""Import of what was done: tracks by how long they stayed, sheets by what their rows say; bad files change nothing."""

import datetime as dt
import time
from dataclasses import replace
from pathlib import Path

import pytest

from geo.errors import DataError, UsageError
from hexbeat.operations.ledger.ledger import read_visits, record_visit, undo_import
from hexbeat.operations.ledger.ledger_files import ImportOptions, ImportReport, import_visits
from hexbeat.operations.ledger.visits import build_stop_visit
from hexbeat.operations.plans.plan import Plan
from hexbeat.operations.reference_places import load_reference
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.gpx import gpx_of, walked
from tests.support.plans import AREA, LONDON, NOW, example_plan, made_plan

PLAN = made_plan()
LATER = dt.datetime(2027, 6, 1, 9, tzinfo=dt.UTC)
STOPS = PLAN.tours[0].stops
WALK = walked(
    [
        (STOPS[0].arrive, STOPS[0].lon, STOPS[0].lat, 12),
        (STOPS[0].arrive + dt.timedelta(minutes=20), STOPS[0].lon, STOPS[0].lat, 6),  # back again
        (STOPS[1].arrive, STOPS[1].lon, STOPS[1].lat, 3),  # too short
        (STOPS[2].arrive, STOPS[2].lon, STOPS[2].lat, 15),
    ]
)


def bring(
    store: Store, path: Path, *, plan: Plan | None = PLAN, options: ImportOptions | None = None, dry_run: bool = False
) -> ImportReport:
    return import_visits(store, ANALYST, path, area=AREA, plan=plan, options=options, dry_run=dry_run, now=NOW)


def written(folder: Path, text: str, name: str = "done.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_track_says_which_stops_were_done_and_for_how_long(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, gpx_of(WALK), "team1.gpx")
    tried = bring(store, path, options=ImportOptions(team="Team 1"), dry_run=True)
    assert (tried.new, tried.load_id, len(read_visits(store, ANALYST))) == (2, None, 0)
    report = bring(store, path, options=ImportOptions(team="Team 1"))
    told = (report.planned, report.answered, report.passed, report.missed, report.minutes)
    assert told == (4, 2, ("1-2",), ("1-4",), 33)
    frame = read_visits(store, ANALYST)
    assert frame["stop_id"].tolist() == ["1-1", "1-3"]
    assert frame["minutes"].tolist() == [18, 15]  # 12 and 6 minutes; 15 minutes
    late = [
        round((found - stop.arrive).total_seconds())
        for found, stop in zip(frame["started_at"], STOPS[::2], strict=True)
    ]
    assert all(-5 <= seconds <= 0 for seconds in late)
    again = bring(store, path, options=ImportOptions(team="Team 1"))
    assert (again.unchanged, again.new, again.updated, again.load_id) == (2, 0, 0, None)
    with store.engine.connect() as connection:
        assert "Smith" not in str(connection.exec_driver_sql("SELECT * FROM visits").all())


def test_a_track_corrects_a_tap_keeps_its_needles_and_can_be_undone(store: Store, tmp_path: Path) -> None:
    record_visit(store, ANALYST, build_stop_visit(PLAN, PLAN.tours[0], STOPS[0], needles=4), now=NOW)
    report = bring(store, written(tmp_path, gpx_of(WALK), "a.gpx"), options=ImportOptions(team="Team 1"))
    assert (report.new, report.updated) == (1, 1)
    first = read_visits(store, ANALYST).iloc[0]
    assert (first["minutes"], first["needles"]) == (18, 4)
    undo_import(store, ANALYST)
    assert read_visits(store, ANALYST)["minutes"].tolist() == [15]


def test_waypoints_are_as_long_as_planned(store: Store, tmp_path: Path) -> None:
    marks = [(STOPS[k].arrive + dt.timedelta(minutes=4), STOPS[k].lon, STOPS[k].lat) for k in (0, 3)]
    path = written(tmp_path, gpx_of(marks, waypoints=True, zone=""), "marks.gpx")
    report = bring(store, path, options=ImportOptions(team="Team 1"))
    assert (report.answered, report.minutes) == (2, 30)
    assert report.notes == (
        "The file has waypoints and no track: minutes are as planned",
        "2 times name no zone: read as UTC, as GPX says",
    )
    assert read_visits(store, ANALYST)["started_at"].tolist() == [mark[0] for mark in marks]
    path = written(tmp_path, gpx_of(marks[:1], waypoints=True, zone=""), "mark.gpx")
    report = bring(store, path, options=ImportOptions(team="Team 1"))
    assert report.notes[-1] == "1 time names no zone: read as UTC, as GPX says"


def test_a_place_planned_twice_is_answered_by_the_nearest_time(store: Store, tmp_path: Path) -> None:
    twice = made_plan(teams=1, stops=2, plan_id="twice")
    first, second = twice.tours[0].stops
    bent = replace(second, lon=first.lon, lat=first.lat, arrive=first.arrive + dt.timedelta(hours=2))
    plan = replace(twice, tours=(replace(twice.tours[0], stops=(first, bent)),))
    walk = walked([(first.arrive + dt.timedelta(hours=2), first.lon, first.lat, 10)])
    report = bring(store, written(tmp_path, gpx_of(walk), "b.gpx"), plan=plan)
    assert (read_visits(store, ANALYST)["stop_id"].tolist(), report.missed) == (["1-2"], ("1-1",))


BOMB = '<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><gpx version="1.1">&b;</gpx>'
RULE = "A track is a GPX file with times"


@pytest.mark.parametrize(
    ("text", "fact", "hint"),
    [
        (BOMB, "a.gpx declares entities or a document type, which may be a bomb", "export it again"),
        ("<gpx", "a.gpx is damaged (ParseError)", "export it again"),
        ("<kml></kml>", "a.gpx is another kind of XML", "export it as GPX"),
        ('<gpx version="1.1"><wpt lat="x" lon="1"/></gpx>', "a.gpx is damaged (GPXException)", "export it again"),
        (
            '<gpx version="1.1"><wpt lat="1" lon="1"><time>2026-06-01T10:00:00+24:00</time></wpt></gpx>',
            "a.gpx has a time whose zone is a day or more from UTC",
            "correct it, or export it again",
        ),
        (
            gpx_of([(None, -1.24, 54.57)]),
            "a.gpx has 1 fixes and 0 waypoints, none with a time",
            "a planned route has none: export what was recorded",
        ),
        (gpx_of([(STOPS[0].arrive, -1.24, 95.0)]), "a.gpx has a fix that is not on the globe", "export it again"),
    ],
)
def test_a_bad_track_changes_nothing(tmp_path: Path, text: str, fact: str, hint: str) -> None:
    with Store.open(tmp_path / "home") as store:
        with pytest.raises(DataError) as caught:
            bring(store, written(tmp_path, text, "a.gpx"), options=ImportOptions(team="Team 1"))
        assert str(caught.value) == f"{RULE}; {fact}; {hint}"
        assert len(read_visits(store, ANALYST)) == 0


def test_a_track_of_another_day_or_without_a_plan_is_refused(tmp_path: Path) -> None:
    late = [(moment + dt.timedelta(days=-2), lon, lat) for moment, lon, lat in WALK if moment]
    path = written(tmp_path, gpx_of(late), "a.gpx")
    with Store.open(tmp_path / "home") as store:
        with pytest.raises(DataError) as caught:
            bring(store, path, options=ImportOptions(team="Team 1"))
        assert str(caught.value) == (
            "A track has to be from the time of its plan; this one was recorded from 17 Nov 2026, 22:29 to 17 Nov "
            "2026, 23:45, the plan is for 19 Nov 2026, 22:00 to 20 Nov 2026, 02:00; choose the plan of that day, or "
            "the track of that plan"
        )
        with pytest.raises(UsageError) as usage:
            bring(store, path, plan=None)
        assert str(usage.value) == "A track answers the stops of a plan; no plan was named; name the plan"


SHEET = f"""Team;Stop;Started;Minutes;Needles;Done;Place;Lat;Lon
Team 1;1-1;19/11/2026 22:31;14;;yes;;;
Team 1;1-2;;;;x;;;
Team 1;1-04;;;;no;;;
Team 2;;19/11/2026 22:40;11;3;;;{PLAN.tours[1].stops[0].lat + 0.0003};{PLAN.tours[1].stops[0].lon}
Team 2;;20/11/2026 01:00;20;2;;;54.5600;-1.2400
Team 2;;20/11/2026 01:00;20;2;;;54.5600;-1.2400
Team 1;9-9;19/11/2026 22:31;14;;;;;
Team 1;1-3;;15;;;;;
Team 1;1-3;40/11/2026 22:31;15;;;;;
Team 1;1-3;30/11/2026 22:31;15;;;;;
Team 1;1-3;19/11/2026 22:31;many;;;;;
Team 1;1-3;19/11/2026 22:31;15;2.5;;;;
Team 1;1-3;19/11/2026 22:31;15;;perhaps;;;
;;19/11/2026 22:31;15;;;;54.5601;-1.2400
Team 1;;19/11/2026 22:31;15;;;;;
Team 1;;19/11/2026 22:31;15;;;Nowhere;;
Team 1;;19/11/2026 22:31;15;;;;53.8;-1.55
"""


def test_a_sheet_answers_stops_or_is_other_work_and_says_what_it_cannot_use(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, SHEET)
    report = bring(store, path)
    assert report.reasons == {
        "bad_date": 2,
        "bad_minutes": 1,
        "bad_needles": 1,
        "bad_outcome": 1,
        "duplicate": 1,
        "future_date": 1,
        "missing_place": 1,
        "missing_team": 1,
        "outside_area": 1,
        "unknown_place": 1,
        "unknown_stop": 1,
    }
    assert (report.new, report.rejected, report.answered, report.other, report.not_done) == (5, 12, 3, 1, 1)
    assert (report.minutes, report.needles) == (60, 5)
    frame = read_visits(store, ANALYST).sort_values("started_at", ignore_index=True)
    assert frame[["team", "stop_id", "minutes", "outcome"]].fillna("").to_numpy().tolist() == [
        ["Team 1", "1-1", 14, "done"],
        ["Team 2", "2-1", 11, "done"],
        ["Team 1", "1-2", 15, "done"],
        ["Team 1", "1-4", 0, "not_done"],
        ["Team 2", "", 20, "done"],
    ]
    again = bring(store, path)
    assert (again.unchanged, again.new, again.load_id) == (5, 0, None)


def test_a_total_and_a_cell_too_many_are_no_visits(store: Store, tmp_path: Path) -> None:
    text = (
        "Work of the week,,,,\nteam,started,minutes,lat,lon\nCrew 4,18/11/2026 22:50,20,54.56,-1.24\n"
        "Crew 4,18/11/2026 23:50,20,54.56,-1.24,near, the gate\nTotal,18/11/2026 23:55,40,54.56,-1.24\n"
    )
    report = bring(store, written(tmp_path, text), plan=None, options=ImportOptions(kind="sweep"))
    assert (report.new, report.reasons, report.samples) == (
        1,
        {"unreadable_row": 2},
        ((4, "unreadable_row"), (5, "unreadable_row")),
    )


def test_other_work_needs_no_plan_and_finds_named_places(store: Store, tmp_path: Path) -> None:
    places = written(tmp_path, "name,lon,lat\nAlbert Park,-1.2350,54.5640\n", "places.csv")
    load_reference(store, ANALYST, places, kind="play_area", area=AREA)
    text = "ref,crew,date,time,end,needles,place\nA1,Crew 4,18/11/2026,22:50,00:10,12,albert park\n"
    options = ImportOptions(kind="sweep")
    report = bring(store, written(tmp_path, text), plan=None, options=options)
    assert (report.new, report.other, report.minutes, report.needles) == (1, 1, 80, 12)
    row = read_visits(store, ANALYST).iloc[0]
    assert (row["kind"], row["team"], row["place"], row["plan_id"]) == ("sweep", "Crew 4", "albert park", None)
    assert row["started_at"] == dt.datetime(2026, 11, 18, 22, 50, tzinfo=LONDON)
    mended = text.replace(",12,", ",14,")
    assert bring(store, written(tmp_path, mended), plan=None, options=options).updated == 1
    assert read_visits(store, ANALYST)["needles"].tolist() == [14]


@pytest.mark.parametrize("heading", ["Officer", "Warden name", "Completed by", "Collar no.", "Name", "PC", "Mobile"])
def test_columns_that_name_people_are_refused_unless_spoken_for(tmp_path: Path, heading: str) -> None:
    text = f"{heading},started,minutes,lat,lon\nTeam 1,19/11/2026 22:31,15,54.56,-1.24\n"
    path = written(tmp_path, text)
    with Store.open(tmp_path / "home") as store:
        with pytest.raises(DataError) as caught:
            bring(store, path, plan=None, options=ImportOptions(kind="patrol"))
        assert str(caught.value) == (
            f"The ledger names teams, never people; done.csv has the column {heading}; delete it, or say what it "
            f"holds: --column team='{heading}' if it names teams, --column unread='{heading}' if Hexbeat should not "
            "read it"
        )
        spoken = ImportOptions(kind="patrol", headings_by_field={"team": heading})
        assert bring(store, path, plan=None, options=spoken).new == 1
        unread = ImportOptions(kind="patrol", team="Team 2", unread=(heading,))
        assert bring(store, path, plan=None, options=unread).new == 1
        assert read_visits(store, ANALYST)["team"].tolist() == ["Team 1", "Team 2"]


def test_a_sheet_without_a_usable_row_changes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        with pytest.raises(DataError) as caught:
            bring(store, written(tmp_path, "team,started,minutes,place\nTeam 1,yesterday,15,here\n"))
        assert str(caught.value) == (
            "done.csv has to hold rows of work done; its only row cannot be used (bad_date 1); check its columns; "
            "nothing was changed"
        )
        for options, fact in (
            (ImportOptions(headings_by_field={"crew": "X"}), "there is no field 'crew'"),
            (ImportOptions(kind="walk"), "you gave 'walk'"),
            (ImportOptions(radius_m=0), "you gave 0 metres and 5 minutes"),
        ):
            with pytest.raises(UsageError) as usage:
                bring(store, tmp_path / "done.csv", options=options)
            assert usage.value.fact == fact


def time_import(folder: Path, rows: int) -> float:
    """CPU seconds of a file of so many rows: half of them answer a plan of as many stops, half are other work."""
    plan = example_plan(stops=rows // 4, teams=2)
    stops = [(tour.team, stop) for tour in plan.tours for stop in tour.stops]
    lines = [f"{team},{stop.stop_id},,,{stop.arrive:%Y-%m-%d %H:%M},20,3" for team, stop in stops]
    lines += [
        f"Team 9,,-1.{2300 + n % 90:04d},54.{5600 + n // 90:04d},2026-11-{1 + n % 20:02d} 10:00,20,"
        for n in range(rows - len(stops))
    ]
    text = "\n".join(["team,stop,lon,lat,started,minutes,needles", *lines])
    path = written(folder, text + "\n", f"{rows}.csv")
    store = Store.open(folder / f"home-{rows}")
    options = ImportOptions(kind="sweep")
    begin = time.process_time()  # other processes may keep it waiting
    report = import_visits(store, ANALYST, path, area=AREA, plan=plan, options=options, now=LATER)
    seconds = time.process_time() - begin
    assert (report.new, report.rejected) == (rows, 0)
    return seconds


@pytest.mark.slow
def test_the_time_of_an_import_grows_with_its_rows_not_with_their_square(tmp_path: Path) -> None:
    time_import(tmp_path, 80)  # imports of modules, the first statement
    few, many = time_import(tmp_path, 400), time_import(tmp_path, 3200)
    assert many / few < 20  # 8 times the rows: 8 by the rows, 64 by their square
