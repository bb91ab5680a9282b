"""ingest, rejects, history, erase, retain, undo, export, sources: the way of a file through the store."""

import json
import re
import sqlite3
from pathlib import Path

import geopandas
import pandas as pd
import pytest

from tests.support.cli import Run, make_empty_store
from tests.support.workbook_files import write_text, write_workbook

GOOD = """layer,source_id,latitude,longitude,date,time,quantity,category
needle_litter,A-1,54.5760,-1.2350,01/10/2026,08:15,3,sweep
needle_litter,A-2,54.5762,-1.2349,02/10/2026,,1,=HYPERLINK("http://x")
street_dealing,A-3,54.5701,-1.2301,03/10/2026,21:40,,
"""
BAD = GOOD + "needle_litter,A-4,,,03/10/2026,10:00,1,\nneedle_litter,A-5,54.57,-1.23,32/10/2026,10:00,1,\n"


@pytest.fixture
def finds(tmp_path: Path) -> Path:
    path = tmp_path / "finds.csv"
    path.write_text(BAD, encoding="utf-8")
    return path


def loaded(run: Run, path: Path, *more: object) -> dict[str, object]:
    outcome = run("ingest", path, "--source", "table", "--format", "json", *more)
    assert outcome.code == 0, outcome.err
    return dict(outcome.json["files"][0])


def test_ingest_accounts_for_every_row(run: Run, finds: Path) -> None:
    assert loaded(run, finds) == {
        "file": "finds.csv",
        "source": "table",
        "read": 5,
        "skipped": 0,
        "accepted": 3,
        "new": 3,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "rejected": 2,
        "reasons": {"missing_location": 1, "bad_date": 1},
        "replaced": 0,
        "not_read": [],
    }


def test_ingest_twice_changes_nothing(run: Run, finds: Path) -> None:
    loaded(run, finds)
    again = loaded(run, finds)
    assert (again["new"], again["updated"], again["unchanged"]) == (0, 0, 3)


def test_dry_run_says_the_same_and_changes_nothing(run: Run, finds: Path) -> None:
    assert loaded(run, finds, "--dry-run")["new"] == 3
    assert run("counts", "--format", "json").json == {
        "total": 0,
        "unplaced_in_time": 0,
        "shared_in_time": 0,
        "rows": [],
        "missing": "no day is known",
    }
    assert loaded(run, finds)["new"] == 3


def test_a_load_for_a_smaller_area_leaves_the_events_of_the_larger(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "2024-01-cleveland-street.csv"
    path.write_text(
        "Crime ID,Month,Reported by,Longitude,Latitude,Crime type,Last outcome category\n"
        "m1,2024-01,Cleveland Police,-1.2350,54.5760,Drugs,\n"
        "h1,2024-01,Cleveland Police,-1.2150,54.6860,Drugs,\n",
        encoding="utf-8",
    )

    def outcome(area: str) -> dict[str, object]:
        ingested = run("ingest", path, "--source", "police-uk-street", "--area", area, "--format", "json")
        return {name: ingested.json["files"][0][name] for name in ("new", "unchanged", "removed", "reasons")}

    def total() -> int:
        return int(run("counts", "--area", "cleveland", "--format", "json").json["total"])

    assert outcome("cleveland") == {"new": 2, "unchanged": 0, "removed": 0, "reasons": {}}
    assert outcome("middlesbrough") == {"new": 0, "unchanged": 1, "removed": 0, "reasons": {"elsewhere": 1}}
    assert total() == 2
    assert outcome("cleveland") == {"new": 0, "unchanged": 2, "removed": 0, "reasons": {}}
    assert total() == 2


def test_rejects_keep_file_line_and_reason(run: Run, finds: Path) -> None:
    loaded(run, finds)
    rows = run("rejects", "--format", "json").json["rejects"]
    assert [(row["file"], row["line"], row["reason"]) for row in rows] == [
        ("finds.csv", 5, "missing_location"),
        ("finds.csv", 6, "bad_date"),
    ]


def test_a_file_that_cannot_be_read_stops_all_files_of_the_command(run: Run, finds: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.xlsx"
    noise.write_bytes(bytes(range(256)) * 40)
    outcome = run("ingest", finds, noise, "--source", "table")
    assert outcome.code == 3
    assert "noise.xlsx" in outcome.err
    assert run("counts", "--format", "json").json["total"] == 0


def test_an_unknown_source_is_wrong_usage(run: Run, finds: Path) -> None:
    outcome = run("ingest", finds, "--source", "tabel")
    assert outcome.code == 2
    assert "table" in outcome.err


def test_history_of_an_event_over_an_update(run: Run, finds: Path) -> None:
    loaded(run, finds)
    finds.write_text(GOOD.replace("08:15,3", "08:15,5"), encoding="utf-8")
    assert loaded(run, finds)["updated"] == 1
    exported = finds.with_name("events.csv")
    run("export", "--out", exported)
    events = pd.read_csv(exported)
    event = events.loc[events.source_id == "A-1", "event_id"].item()
    versions = run("history", event, "--format", "json").json["versions"]
    assert [version["quantity"] for version in versions] == [3, 5]


def test_versions_stand_side_by_side_in_a_narrow_terminal(
    run: Run, finds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(run, finds)
    finds.write_text(GOOD.replace("08:15,3", "08:15,5"), encoding="utf-8")
    loaded(run, finds)
    exported = finds.with_name("events.csv")
    run("export", "--out", exported)
    events = pd.read_csv(exported)
    monkeypatch.setenv("COLUMNS", "80")
    table = run("history", events.loc[events.source_id == "A-1", "event_id"].item()).out
    (quantity,) = (line.split() for line in table.splitlines() if line.startswith("quantity"))
    assert quantity == ["quantity", "*", "3", "5"]
    assert "-1.235" in table
    assert "superseded_at" in table


def test_real_records_wait_until_the_demonstration_is_removed(run: Run, finds: Path) -> None:
    run("demo", "--events", 100)
    outcome = run("ingest", finds, "--source", "table")
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == (
        "Real records and demonstration events never share a store.\n"
        "  This store holds demonstration events.\n"
        "  Remove them with `hexbeat demo --remove`, or choose another home (--home); nothing was changed.\n"
    )
    counted = run("counts", "--by", "layer", "--format", "json")
    assert counted.json["demonstration"] == "synthetic events, not real"
    assert run("ingest", finds, "--source", "table", "--dry-run").code == 0
    assert run("demo", "--remove").code == 0
    assert loaded(run, finds)["new"] == 3
    again = run("demo")
    assert again.code == 3
    assert "Demonstration events" in again.err


def test_a_load_that_would_replace_other_events_stops(run: Run, tmp_path: Path) -> None:
    for month in (9, 10):
        rows = [f"needles,{key},{54.57 + month / 1000},-1.235,{key:02d}/{month:02d}/2026,{key}" for key in (1, 2, 3, 4)]
        text = "\n".join(["layer,id,lat,lon,date,quantity", *rows]) + "\n"
        (tmp_path / f"{month}.csv").write_text(text, encoding="utf-8")
    loaded(run, tmp_path / "9.csv")
    checked = run("ingest", tmp_path / "10.csv", "--source", "table", "--dry-run")
    assert "Loading would stop here. If these are corrections, --replace-other-events loads them.\n" in checked.err
    outcome = run("ingest", tmp_path / "10.csv", "--source", "table")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == (
        "  1, stored: 1 Sep 2026, Central (54.5790, -1.2350), quantity 1\n"
        "  1, new: 1 Oct 2026, Central (54.5800, -1.2350), quantity 1\n"
        "  2, stored: 2 Sep 2026, Central (54.5790, -1.2350), quantity 2\n"
        "  2, new: 2 Oct 2026, Central (54.5800, -1.2350), quantity 2\n"
        "  3, stored: 3 Sep 2026, Central (54.5790, -1.2350), quantity 3\n"
        "  3, new: 3 Oct 2026, Central (54.5800, -1.2350), quantity 3\n"
        "A row with a known identifier describes the same event again.\n"
        "  4 of the 4 known identifiers in 10.csv come with another day and another place.\n"
        "  If the numbers begin again, for example each month, take the date into the key of a source profile; if "
        "these are corrections, --replace-other-events loads them.\n"
    )
    assert loaded(run, tmp_path / "10.csv", "--replace-other-events")["replaced"] == 4


def test_columns_that_are_not_read_are_named_and_offered(run: Run, tmp_path: Path) -> None:
    path, home = tmp_path / "finds.csv", tmp_path / "home"
    path.write_text(
        "layer,lat,lon,date,No. of sharps,Weather\nneedles,54.57,-1.235,01/10/2026,10+,wet\n", encoding="utf-8"
    )
    outcome = run("ingest", path, "--source", "table", "--dry-run")
    assert "finds.csv: Columns that are not read: No. of sharps and Weather.\n" in outcome.err
    assert "No. of sharps looks like a number of needles. Use it?\n" in outcome.err
    assert run("sources", "suggest", path, "--out", home / "sources" / "crew.toml").code == 0
    outcome = run("ingest", path, "--source", "crew", "--dry-run")
    assert "1 row counts as the least number that the quantity says (10+ as 10).\n" in outcome.err
    assert "A column that is not read: Weather.\n" in outcome.err


def test_sources_name_the_ones_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home" / "sources").mkdir(parents=True)
    (tmp_path / "home" / "sources" / "torn.toml").write_text('name = "torn"\n', encoding="utf-8")
    outcome = run("sources", "--format", "json")
    assert outcome.code == 0
    assert outcome.json["unusable"] == [{"name": "torn", "reason": "torn.toml has no title and no layer."}]
    assert outcome.err == (
        "torn cannot be used. torn.toml has no title and no layer.\n"
        "Correct these files; docs/sources.md explains the keys. All other sources work.\n"
    )


def test_suggest_never_writes_a_profile_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "thefts.csv", tmp_path / "home" / "sources" / "thefts.toml"
    path.write_text("TYPE,YEAR,MONTH,DAY,X,Y\nNeedle,2025,6,21,490320.3,5458606.9\n", encoding="utf-8")
    assert (run("sources", "suggest", path, "--out", out).code, out.exists()) == (3, False)
    assert run("sources").code == 0


def test_history_of_nothing_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    make_empty_store(tmp_path / "home")
    outcome = run("history", "0000000000000000")
    assert outcome.code == 2
    assert outcome.err == (
        "The history needs the identifier of an event in the store.\n"
        "  No event has the identifier '0000000000000000'.\n"
        "  Copy the identifier from the file that hexbeat export writes.\n"
    )


def test_erase_asks_first_and_then_erases(run: Run, finds: Path) -> None:
    loaded(run, finds)
    unasked = run("erase", "--source", "table", "--source-id", "A-1")
    assert unasked.code == 2
    assert unasked.err == (
        "Confirm this before Hexbeat does it.\n"
        "  There is no terminal on which to ask you.\n"
        "  Add --yes to confirm it in the command.\n"
    )
    assert run("counts", "--format", "json").json["total"] == 3
    assert run("erase", "--source", "table", "--source-id", "A-1", "--yes").code == 0
    assert run("counts", "--format", "json").json["total"] == 2


def test_an_erasure_that_waits_is_said_and_nothing_is_held_up(run: Run, finds: Path, tmp_path: Path) -> None:
    loaded(run, finds)
    other = sqlite3.connect(tmp_path / "home" / "hexbeat.sqlite", isolation_level=None)
    other.execute("UPDATE store_state SET erasure_pending = TRUE")
    other.execute("BEGIN IMMEDIATE")
    outcome = run("counts", "--format", "json")
    other.close()
    assert (outcome.code, outcome.json["total"]) == (0, 3)
    assert outcome.err == (
        "An earlier erasure is not finished. Traces may remain in the store's files: another program uses the "
        "store, its disk is full, or you may not rewrite it. Hexbeat tries again each time it opens the store.\n"
    )
    assert run("counts", "--format", "json").err == ""


def test_erasing_what_is_not_there_is_wrong_usage(run: Run, finds: Path) -> None:
    loaded(run, finds)
    outcome = run("erase", "--source", "table", "--source-id", "A-9", "--yes")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "You can erase an event, a rejected row or a visit that is in the store.\n"
        "  Source 'table' has nothing with the identifier 'A-9', so nothing was changed.\n"
        "  Copy both from hexbeat export, hexbeat rejects or hexbeat done list.\n"
    )
    assert run("erase", "--source", "table", "--source-id", "A-4", "--yes").code == 0  # a reject
    assert [row["line"] for row in run("rejects", "--format", "json").json["rejects"]] == [6]


def test_undo_takes_the_last_load_back(run: Run, finds: Path) -> None:
    loaded(run, finds)
    finds.write_text(GOOD.replace("08:15,3", "08:15,5"), encoding="utf-8")
    loaded(run, finds)
    assert run("undo", "--yes").code == 0
    counted = run("counts", "--measure", "quantity", "--layer", "needle_litter", "--by", "layer", "--format", "json")
    assert counted.json["total"] == 4


def test_retain_removes_what_is_older(run: Run, finds: Path) -> None:
    loaded(run, finds)
    finds.write_text(GOOD.replace("A-", "OLD-").replace("2026", "2011"), encoding="utf-8")
    loaded(run, finds)
    assert run("retain", "--years", 6, "--yes", "--format", "json").json["events"] == 3
    assert run("counts", "--format", "json").json["total"] == 3


@pytest.mark.parametrize("ending", ["parquet", "gpkg", "csv"])
def test_export_writes_points_and_no_formulas(run: Run, finds: Path, ending: str) -> None:
    loaded(run, finds)
    out = finds.with_name(f"events.{ending}")
    assert run("export", "--out", out, "--format", "json").json == {"out": str(out), "events": 3}
    read = {"parquet": geopandas.read_parquet, "gpkg": geopandas.read_file, "csv": pd.read_csv}[ending]
    frame = read(out)
    assert sorted(frame.source_id) == ["A-1", "A-2", "A-3"]
    if ending == "csv":
        assert frame.category.dropna().tolist() == ["sweep", '\'=HYPERLINK("http://x")']
    else:
        assert frame.crs == "EPSG:4326"


def test_export_refuses_an_unknown_ending(run: Run, tmp_path: Path) -> None:
    make_empty_store(tmp_path / "home")
    outcome = run("export", "--out", tmp_path / "events.doc")
    assert outcome.code == 2
    assert outcome.err == (
        "An export is a .parquet, .gpkg or .csv file, or a folder.\n"
        "  'events.doc' has another ending.\n"
        "  Give the file another ending, or name a folder without one.\n"
    )  # fmt: skip


def test_sources_lists_the_built_in_ones(run: Run) -> None:
    names = {row["name"] for row in run("sources", "--format", "json").json["sources"]}
    built_in = {"police-uk-street", "police-uk-stop-search", "open311", "boston-311", "table", "geofile"}
    assert built_in <= names


def test_suggest_writes_a_profile_that_loads_the_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "warden.csv"
    path.write_text(
        "Ref,Date Found,Easting,Northing,No of needles\nW1,01/10/2026 07:30,449500,520300,4\n", encoding="utf-8"
    )
    home = tmp_path / "home"
    (home / "sources").mkdir(parents=True)
    profile = home / "sources" / "warden.toml"
    outcome = run("sources", "suggest", path, "--out", profile, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["guess"]
    report = run("ingest", path, "--source", "warden", "--dry-run", "--format", "json")
    assert report.code == 0, report.err
    assert report.json["files"][0]["accepted"] == 1


def test_the_sheet_and_the_encoding_are_options(run: Run, tmp_path: Path) -> None:
    headings = ["layer", "date", "lat", "lon"]
    find = ["needles", "2026-10-01", 54.576, -1.235]
    book = write_workbook(tmp_path / "finds.xlsx", {"Jan": [headings, find], "Feb": [headings, find, find]})
    options = ("--source", "table", "--dry-run", "--format", "json")
    assert run("ingest", book, *options, "--sheet", "Feb").json["files"][0]["read"] == 2
    outcome = run("ingest", book, *options)
    assert outcome.json["files"][0]["read"] == 3
    assert "finds.xlsx: the sheets Jan and Feb were read as one table.\n" in outcome.err
    text = write_text(tmp_path / "finds.csv", [headings, find], encoding="utf-16-be")
    assert run("ingest", text, *options, "--encoding", "utf-16-be").json["files"][0]["read"] == 1
    assert run("sources", "suggest", text, "--encoding", "utf-16-be", "--format", "json").json["guess"] == "table"
    places = ("places", "load", text, "--kind", "depot", "--dry-run", "--format", "json")
    assert run(*places, "--encoding", "utf-16-be").json["accepted"] == 1
    outcome = run("ingest", text, *options, "--encoding", "latin-99")
    assert outcome.code == 2
    assert outcome.err == (
        "An encoding has to be one that Python knows.\n"
        "  --encoding is 'latin-99'.\n"
        "  Write for example --encoding cp1252 or --encoding utf-16-le.\n"
    )


def test_places_of_a_windows_text_are_read_and_that_is_said(run: Run, tmp_path: Path) -> None:
    rows = [["Schools of the town"], [], ["School", "lat", "lon"], ["St André", 54.576, -1.235], ["Total", 1, 1]]
    path = write_text(tmp_path / "schools.csv", rows, encoding="cp1252")
    outcome = run("places", "load", path, "--kind", "school", "--dry-run")
    assert outcome.err.splitlines() == [
        "Rejected: line 5 (it is a total of other rows), unreadable_row",
        "schools.csv: it is not in UTF-8, so it was read as cp1252, which Excel on Windows writes.",
        "schools.csv: the headings are in row 3.",
        "Dry run: nothing was changed.",
    ]


def test_a_home_that_cannot_be_looked_into_is_unusable(run: Run) -> None:
    home = "x" * 300
    outcome = run("counts", "--home", home)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == (
        "You need permission to read the folders of areas.\n"
        f"  {home}/boundaries cannot be read: File name too long.\n"
        "  Set HEXBEAT_HOME to another folder, or ask the owner of this one.\n"
    )
    assert run("sources", "--home", home).code == 3


def test_what_was_taken_for_granted_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    rows = "layer,source_id,latitude,longitude,date,reported_by\nneedles,1,54.576,-1.235,01/10/2026,swep\n"
    path.write_text(rows, encoding="utf-8")
    outcome = run("ingest", path, "--source", "table")
    assert outcome.code == 0
    assert (
        "finds.csv: 1 row names a reporter other than public, officer, sweep, agency; such rows count as reported by "
        "public, or by agency for overdoses and closed properties.\n"
    ) in outcome.err


@pytest.mark.parametrize(
    ("row", "fact", "hint"),
    [
        (
            "needle_litter,A,0.1,51.5,01/10/2026",
            "outside_area 1",
            "Check --area, and the coordinate system in the source profile.",
        ),
        ("needle_litter,A,,,01/10/2026", "missing_location 1", "Name the columns of the place in a source profile."),
        ("needle_litter,A,-1.235,54.576,soon", "bad_date 1", "Name the date's column and format in a source profile."),
    ],
)
def test_a_file_without_one_usable_row_changes_nothing(
    run: Run, tmp_path: Path, row: str, fact: str, hint: str
) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(f"layer,source_id,lon,lat,date\n{row}\n", encoding="utf-8")
    outcome = run("ingest", path, "--source", "table")
    assert outcome.code == 3
    assert [line.strip() for line in outcome.err.strip().splitlines()] == [
        "A load needs at least one row that can be used.", f"Every row of finds.csv was rejected: {fact}.", hint
    ]  # fmt: skip
    assert run("rejects", "--format", "json").json == {"rejects": []}
    assert run("ingest", path, "--source", "table", "--dry-run").code == 0


def test_a_clock_that_is_wrong_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text("layer,lon,lat,date\nneedle_litter,-1.235,54.576,01/10/2199\n", encoding="utf-8")
    outcome = run("ingest", path, "--source", "table")
    assert outcome.code == 3
    assert re.search(r"Check the clock of this machine: it says \d{1,2} \w{3} \d{4}\.", outcome.err)


def test_rows_are_placed_by_their_street_and_what_is_missing_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "streets.csv"
    path.write_text("layer,id,date,street\nneedles,1,01/10/2026,14 Linthorpe Rd\nneedles,2,01/10/2026,Church Lane\n")
    outcome = run("ingest", path, "--source", "table")
    assert outcome.code == 0, outcome.err
    assert "streets.csv: 1 row is placed by a street (known to 556 m)." in outcome.err
    (rejected,) = run("rejects", "--format", "json").json["rejects"]
    raw = rejected["raw"] if isinstance(rejected["raw"], dict) else json.loads(rejected["raw"])
    assert raw["(choice)"] == "Church Lane (Acklam), Church Lane (Nunthorpe)"


def test_a_file_of_streets_in_an_area_without_a_gazetteer_names_the_command(run: Run, tmp_path: Path) -> None:
    squares = tmp_path / "in.geojson"
    squares.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"CD":"W1","NM":"West"},"geometry":'
        '{"type":"Polygon","coordinates":[[[-1.3,54.5],[-1.29,54.5],[-1.29,54.51],[-1.3,54.51],[-1.3,54.5]]]}}]}'
    )
    made = run("boundaries", "build", squares, "--area", "square", "--code", "CD", "--name", "NM",
               "--out", tmp_path / "home" / "boundaries")  # fmt: skip
    assert made.code == 0, made.err
    path = tmp_path / "streets.csv"
    path.write_text("layer,id,date,street\nneedles,1,01/10/2026,14 Long Street\n")
    outcome = run("ingest", path, "--source", "table", "--area", "square")
    assert outcome.code == 3
    assert outcome.err.endswith(
        "Add coordinates to the file, or build one: hexbeat gazetteer build FILE... --area square.\n"
    )
