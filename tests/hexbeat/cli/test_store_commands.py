"""ingest, rejects, history, erase, retain, undo, export, sources: the way of a file through the store."""

import json
import re
import sqlite3
from pathlib import Path

import geopandas
import pandas as pd
import pytest

from tests.support.cli import Run, make_empty_store

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
        "known_references": {},
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


@pytest.mark.slow
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


def test_each_value_of_a_reject_has_its_heading_in_the_order_of_the_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text(
        "notes,date,source_id,Latitude,quantity,Longitude,postcode,layer\n"
        "by the bin,01/10/2026,B-1,54.5760,3,-1.2350,,needle_litter\n"
        "in the alley,02/10/2026,B-2,,2,,TS1,needle_litter\n"
        "near the park,32/10/2026,B-3,54.5701,1,-1.2301,,needle_litter\n",
        encoding="utf-8",
    )
    loaded(run, path)
    first, second = run("rejects", "--format", "json").json["rejects"]
    assert list(json.loads(first["raw"]).items()) == [
        ("date", "02/10/2026"), ("source_id", "B-2"), ("Latitude", None), ("quantity", "2"), ("Longitude", None),
        ("postcode", "TS1"), ("layer", "needle_litter"), ("(postcode)", "only a part of a postcode"),
    ]  # fmt: skip
    assert list(json.loads(second["raw"])) == ["date", "source_id", "Latitude", "quantity", "Longitude", "layer"]
    # The last column of the table, whose lines are put together again.
    words = " ".join(" ".join(line[59:] for line in run("rejects").out.splitlines()).split())
    assert (
        "date: 02/10/2026, source_id: B-2, Latitude: (blank), quantity: 2, Longitude: (blank), postcode: TS1" in words
    )
    assert "date: 32/10/2026, source_id: B-3, Latitude: 54.5701, quantity: 1, Longitude: -1.2301, layer:" in words


def test_rejects_fit_a_hundred_characters(run: Run, finds: Path) -> None:
    finds.write_text(BAD.replace("A-5", "A-" + "5" * 150), encoding="utf-8")
    loaded(run, finds)
    outcome = run("rejects")
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert "no coordinates, and no" in outcome.out
    assert "32/10/2026" in outcome.out
    assert outcome.err == "--format json shows the rows whole, with their source and identifier.\n"


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
    assert table.splitlines()[0].endswith(": 2 versions")
    single = run("history", events.loc[events.source_id == "A-2", "event_id"].item()).out
    assert single.splitlines()[0].endswith(": 1 version")
    assert "-1.235" in table
    assert "superseded_at" in table


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_spreadsheet_under_another_source_is_said_before_and_after(run: Run, finds: Path, tmp_path: Path) -> None:
    loaded(run, finds)
    assert run("sources", "suggest", finds, "--out", tmp_path / "home" / "sources" / "crew.toml").code == 0
    fact = "finds.csv: 3 of these 3 references are already loaded from the source table"
    notice = f"{fact}. If they are the same events, each "
    checked = run("ingest", finds, "--source", "crew", "--dry-run")
    hint = "undo that load first (hexbeat undo takes back the last load)"
    assert f"{notice}would count twice: {hint}.\n" in checked.err
    outcome = run("ingest", finds, "--source", "crew", "--format", "json")
    assert outcome.json["files"][0]["known_references"] == {"table": 3}
    assert f"{notice}counts twice now: hexbeat undo takes back this load, and then the one before.\n" in outcome.err


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


@pytest.mark.slow
def test_retain_removes_what_is_older(run: Run, finds: Path) -> None:
    loaded(run, finds)
    finds.write_text(GOOD.replace("A-", "OLD-").replace("2026", "2011"), encoding="utf-8")
    loaded(run, finds)
    assert run("retain", "--years", 6, "--yes", "--format", "json").json["events"] == 3
    assert run("counts", "--format", "json").json["total"] == 3


@pytest.mark.slow
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
