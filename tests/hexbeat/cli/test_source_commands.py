"""Commands about sources: what is read how, what is offered for an unknown file, and what a person is told of it."""

import json
from pathlib import Path

import pytest

from tests.support.cli import Run, build_square_area
from tests.support.workbook_files import write_text, write_workbook


def test_columns_that_are_not_read_are_named_and_offered(run: Run, tmp_path: Path) -> None:
    path, home = tmp_path / "finds.csv", tmp_path / "home"
    path.write_text(
        "layer,lat,lon,date,No. of sharps,Weather\nneedles,54.57,-1.235,01/10/2026,10+,wet\n", encoding="utf-8"
    )
    outcome = run("ingest", path, "--source", "table", "--dry-run")
    assert "finds.csv: Columns that are not read: No. of sharps and Weather.\n" in outcome.err
    out = home / "sources" / "finds.toml"
    assert (
        "No. of sharps looks like a number of needles. Use it?\n"
        f"  hexbeat sources suggest {path} --out {out}\n  makes a source that does.\n"
    ) in outcome.err
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_rows_are_placed_by_their_street_and_what_is_missing_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "streets.csv"
    path.write_text("layer,id,date,street\nneedles,1,01/10/2026,14 Linthorpe Rd\nneedles,2,01/10/2026,Church Lane\n")
    outcome = run("ingest", path, "--source", "table")
    assert outcome.code == 0, outcome.err
    assert "streets.csv: 1 row is placed by a street (known to 556 m)." in outcome.err
    (rejected,) = run("rejects", "--format", "json").json["rejects"]
    raw = rejected["raw"] if isinstance(rejected["raw"], dict) else json.loads(rejected["raw"])
    assert raw["(choice)"] == "Church Lane (Acklam), Church Lane (Nunthorpe)"
    assert rejected["reason"] == "missing_location"
    assert rejected["why"] == f"no coordinates, and its street is in several places: {raw['(choice)']}"


def test_a_file_of_streets_in_an_area_without_a_gazetteer_names_the_command(run: Run, tmp_path: Path) -> None:
    build_square_area(run, tmp_path)
    path = tmp_path / "streets.csv"
    path.write_text("layer,id,date,street\nneedles,1,01/10/2026,14 Long Street\n")
    outcome = run("ingest", path, "--source", "table", "--area", "square")
    assert outcome.code == 3
    assert outcome.err.endswith(
        "Add coordinates to the file, or build one: hexbeat gazetteer build FILE... --area square.\n"
    )
