"""counts: the contract of its JSON, and its files."""

import json
from pathlib import Path

import geopandas
import pandas as pd
import pytest

from hexbeat.areas.area import load_area
from hexbeat.areas.credits import format_credits
from hexbeat.areas.street_names import name_cell
from tests.support.cli import Run

TABLE = """layer,source_id,lat,lon,occurred_from,occurred_to,time_precision,quantity
needle_litter,1,54.5760,-1.2350,2026-03-28T23:30,,minute,3
needle_litter,2,54.5760,-1.2350,2026-03-29T03:30,,minute,2
needle_litter,3,54.5430,-1.2240,2026-03-30,,day,1
street_dealing,4,54.5760,-1.2350,2026-03,,month,1
"""


@pytest.fixture
def counted(run: Run, tmp_path: Path) -> Run:
    path = tmp_path / "events.csv"
    path.write_text(TABLE, encoding="utf-8")
    outcome = run("ingest", path, "--source", "table", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["files"][0]["accepted"] == 4
    return run


def test_counts_by_ward_and_layer(counted: Run) -> None:
    answer = counted("counts", "--by", "ward,layer", "--format", "json").json
    assert answer["total"] == 4
    assert {(row["ward_name"], row["layer"]): row["count"] for row in answer["rows"]} == {
        ("Central", "needle_litter"): 2,
        ("Central", "street_dealing"): 1,
        (answer_ward(answer), "needle_litter"): 1,
    }


def answer_ward(answer: dict[str, list[dict[str, str]]]) -> str:
    return next(row["ward_name"] for row in answer["rows"] if row["ward_name"] != "Central")


def test_a_month_is_shared_over_a_week_and_said_so(counted: Run) -> None:
    week = counted(
        "counts", "--layer", "street_dealing", "--from", "2026-03-01", "--to", "2026-03-08", "--format", "json"
    ).json
    # March 2026 has 743 hours: the clock goes forward on the 29th.
    assert week["total"] == pytest.approx(7 * 24 / 743)
    assert week["shared_in_time"] == 1


def test_hours_of_records_without_a_time_of_day_are_not_known(counted: Run) -> None:
    asked = ("counts", "--layer", "street_dealing", "--from", "2026-03-01", "--to", "2026-04-01", "--hours", "22-06")
    done = counted(*asked)
    assert "Events: not known" in done.out
    words = "Not known at these hours: no record has a time of day. That is not the same as none."
    assert words in " ".join(done.err.split())
    assert counted(*asked, "--format", "json").json["missing"] == words.split(". ", maxsplit=1)[0].replace("Not", "not")
    timed = counted("counts", "--layer", "needle_litter", "--hours", "08-10", "--format", "json").json
    assert (timed["total"], timed["missing"]) == (0, None)


def test_an_interval_over_two_months_is_shared_and_said_so(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "weekend.csv"
    path.write_text(
        "layer,source_id,lat,lon,occurred_from,occurred_to\n"
        "needle_litter,1,54.5760,-1.2350,2026-02-27T12:00,2026-03-02T12:00\n",
        encoding="utf-8",
    )
    assert run("ingest", path, "--source", "table").code == 0
    answer = run("counts", "--by", "month", "--format", "json").json
    assert answer["rows"] == [{"month": "2026-02", "count": 0.5}, {"month": "2026-03", "count": 0.5}]
    assert answer["shared_in_time"] == 1
    assert run("counts", "--by", "layer", "--format", "json").json["shared_in_time"] == 0


def test_the_reporter_goes_by_the_word_of_its_column_too(counted: Run) -> None:
    rows = [counted("counts", "--by", word, "--format", "json").json["rows"] for word in ("reporter", "reported_by")]
    assert rows[0] == rows[1] != []
    assert all("reported_by" in row for row in rows[0])


def test_a_night_belongs_to_the_day_it_begins_on(counted: Run) -> None:
    saturday = counted("counts", "--hours", "22-04", "--days", "sat", "--by", "layer", "--format", "json").json
    assert saturday["total"] == 2
    assert saturday["unplaced_in_time"] == 2
    assert (
        counted("counts", "--hours", "22-04", "--days", "sun", "--by", "layer", "--format", "json").json["total"] == 0
    )


def test_quantity_sums_items(counted: Run) -> None:
    answer = counted("counts", "--measure", "quantity", "--layer", "needle_litter", "--by", "month", "--format", "json")
    assert answer.json["rows"] == [{"month": "2026-03", "count": 6}]


@pytest.mark.parametrize("resolution", [8, 9, 10, 11])
def test_geojson_of_cells_opens_in_gis(counted: Run, tmp_path: Path, resolution: int) -> None:
    out = tmp_path / "cells.geojson"
    assert counted("counts", "--resolution", resolution, "--out", out).code == 0
    frame = geopandas.read_file(out)
    assert frame["count"].sum() == 4
    assert frame.crs == "EPSG:4326"
    assert frame.is_valid.all()
    area = load_area("middlesbrough")
    assert json.loads(out.read_text())["metadata"]["attribution"] == format_credits(area)
    assert frame["place"].tolist() == [name_cell(cell, area) for cell in frame["cell"]]


def test_rows_of_cells_have_the_name_of_each_beside_it(counted: Run) -> None:
    rows = counted("counts", "--by", "month,cell", "--format", "json").json["rows"]
    assert list(rows[0]) == ["month", "cell", "place", "count"]
    area = load_area("middlesbrough")
    assert [row["place"] for row in rows] == [name_cell(row["cell"], area) for row in rows]
    assert "place" not in counted("counts", "--by", "ward", "--format", "json").json["rows"][0]


def test_files_of_cells_have_the_name_of_each_beside_it_and_those_of_wards_have_none(
    counted: Run, tmp_path: Path
) -> None:
    assert counted("counts", "--by", "month,cell", "--out", tmp_path / "cells.csv").code == 0
    cells = pd.read_csv(tmp_path / "cells.csv")
    assert list(cells.columns) == ["month", "cell", "place", "count"]
    assert cells["place"].tolist() == [name_cell(cell, load_area("middlesbrough")) for cell in cells["cell"]]
    assert counted("counts", "--by", "ward", "--out", tmp_path / "wards.csv").code == 0
    assert list(pd.read_csv(tmp_path / "wards.csv").columns) == ["ward_code", "ward_name", "count"]


def test_csv_and_geoparquet_say_the_same(counted: Run, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        assert counted("counts", "--by", "ward", "--out", tmp_path / f"wards.{ending}").code == 0
    plain = pd.read_csv(tmp_path / "wards.csv")
    shaped = geopandas.read_parquet(tmp_path / "wards.parquet")
    assert plain["count"].tolist() == shaped["count"].tolist()
    assert plain["ward_code"].tolist() == shaped["ward_code"].tolist()


def test_as_at_before_the_load_knows_nothing(counted: Run) -> None:
    assert counted("counts", "--as-at", "2026-01-01", "--format", "json").json["total"] == 0
    assert counted("counts", "--as-at", "2999-01-01", "--format", "json").json["total"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--by", "street"),
            (
                "Counts can be grouped by any of cell, ward, council, year, quarter, month, week, weekday, hour, "
                "layer, category, "
                "reporter, each once.\n"
                "  You asked for 'street'.\n"
                "  Write for example ward,month.\n"
            ),
        ),
        (
            ("--resolution", "7"),
            (
                "Events are indexed at H3 resolutions 8, 9, 10, 11.\n"
                "  You asked for resolution 7.\n"
                "  Choose 9, the usual one, or 10 for plans.\n"
            ),
        ),
        (
            ("--by", "month", "--out", "months.geojson"),
            ("A map file needs cells or wards.\n"
            "  The counts are by month.\n  Group by cell or ward, or write .csv.\n"),
        ),
    ],
)  # fmt: skip
def test_wrong_questions_are_explained(counted: Run, options: tuple[str, ...], message: str) -> None:
    outcome = counted("counts", *options)
    assert outcome.code == 2
    assert outcome.err == message


def test_an_unknown_ward_names_the_near_ones(counted: Run) -> None:
    outcome = counted("counts", "--ward", "Centrel")
    assert outcome.code == 2
    assert "Central" in outcome.err


CASES = """layer,source_id,lat,lon,occurred_from,occurred_to,time_precision,quantity,category,reported_by
overdoses,1,54.5760,-1.2350,2026-10-05T23:30,,minute,1,fatal,agency
overdoses,2,54.5760,-1.2350,2026-10-06T00:30,,minute,1,"not fatal, naloxone given",public
overdoses,3,54.5430,-1.2240,2026-07-30,,day,1,,public
needle_litter,4,54.5760,-1.2350,2026-10-05T07:00,,minute,6,park,officer
closed_properties,5,54.5760,-1.2350,2026-09-30T12:00,2026-10-02T12:00,minute,1,order,agency
"""


@pytest.fixture
def cases(run: Run, tmp_path: Path) -> Run:
    path = tmp_path / "cases.csv"
    path.write_text(CASES, encoding="utf-8")
    outcome = run("ingest", path, "--source", "table", "--format", "json")
    assert outcome.json["files"][0]["accepted"] == 5, outcome.err
    return run


def test_counts_of_a_category(cases: Run) -> None:
    def total(*words: str) -> float:
        return cases("counts", *words, "--format", "json").json["total"]

    assert total("--category", "fatal") == 1
    assert total("--category", "FATAL", "--category", "park", "--measure", "quantity") == 7
    assert total("--category", "not fatal, naloxone given", "--layer", "overdoses") == 1
    assert total("--category", "fatal", "--reported-by", "public") == 0
    assert total() == 5


@pytest.mark.parametrize("command", ["counts", "hotspots", "change", "near-repeats"])
def test_a_category_that_no_record_has(cases: Run, command: str) -> None:
    outcome = cases(command, "--layer", "overdoses", "--category", "park")
    assert outcome.code == 2
    assert outcome.err == (
        "A category has to be in the records.\n"
        "  No record of overdoses has 'park'.\n"
        "  Choose from fatal and “not fatal, naloxone given”.\n"
    )


@pytest.mark.parametrize(
    ("by", "layer", "rows"),
    [
        ("council", "overdoses", [{"council": "Middlesbrough", "count": 3}]),
        ("year", "overdoses", [{"year": "2026", "count": 3}]),
        ("quarter", "overdoses", [{"quarter": "2026-Q3", "count": 1}, {"quarter": "2026-Q4", "count": 2}]),
        ("quarter", "closed_properties", [{"quarter": "2026-Q3", "count": 1}, {"quarter": "2026-Q4", "count": 1}]),
        ("week", "overdoses", [{"week": "2026-07-27", "count": 1}, {"week": "2026-10-05", "count": 2}]),
        (
            "weekday",
            "overdoses",
            [{"weekday": "mon", "count": 1}, {"weekday": "tue", "count": 1}, {"weekday": "thu", "count": 1}],
        ),
        ("hour", "overdoses", [{"hour": "", "count": 1}, {"hour": 0, "count": 1}, {"hour": 23, "count": 1}]),
        (
            "category",
            "overdoses",
            [
                {"category": "", "count": 1},
                {"category": "fatal", "count": 1},
                {"category": "not fatal, naloxone given", "count": 1},
            ],
        ),
        ("reporter", "overdoses", [{"reported_by": "agency", "count": 1}, {"reported_by": "public", "count": 2}]),
        ("quarter,reporter", "needle_litter", [{"quarter": "2026-Q4", "reported_by": "officer", "count": 1}]),
    ],
)
def test_every_grouping_has_its_columns(cases: Run, by: str, layer: str, rows: list[dict[str, object]]) -> None:
    assert cases("counts", "--layer", layer, "--by", by, "--format", "json").json["rows"] == rows


@pytest.mark.slow
def test_hours_go_into_files_of_every_kind(cases: Run, tmp_path: Path) -> None:
    for name in ("hours.csv", "hours.geojson", "hours.parquet"):
        outcome = cases("counts", "--layer", "overdoses", "--by", "ward,hour", "--out", tmp_path / name)
        assert outcome.code == 0, outcome.err
    hours = geopandas.read_parquet(tmp_path / "hours.parquet")["hour"]
    assert sorted(hours.fillna(-1).astype(int)) == [-1, 0, 23]
    assert sorted(pd.read_csv(tmp_path / "hours.csv")["hour"].fillna(-1).astype(int)) == [-1, 0, 23]


@pytest.mark.slow
def test_what_is_not_known_of_the_period_is_said(counted: Run) -> None:
    needles = ("--layer", "needle_litter")
    days = ("--from", "2026-01-01", "--to", "2026-04-01")
    assert counted("coverage", "set", *needles, "--source", "table", *days).code == 0
    assert counted("coverage", "clear", *needles, "--from", "2026-02-01", "--to", "2026-03-01").code == 0

    def count(*options: str) -> str | None:
        missing: str | None = counted("counts", "--by", "month", "--format", "json", *options).json["missing"]
        return missing

    assert count(*needles, "--from", "2026-02-01", "--to", "2026-03-01") == "Feb 2026 is not known"
    assert count(*needles, "--from", "2026-03-01", "--to", "2026-04-01") is None
    assert count(*needles) == "Feb 2026 is not known"
    assert count("--layer", "overdoses") == "no day is known"
    both = count(*needles, "--layer", "overdoses", "--from", "2026-03-30", "--to", "2026-04-02")
    assert both == "Needle finds: 1 Apr 2026 is not known; Overdoses: 30 Mar to 1 Apr 2026 are not known"
    table = counted("counts", "--by", "month", *needles, "--from", "2026-02-01", "--to", "2026-04-01")
    assert "Feb 2026 is not known. That is not the same as none." in table.err


def test_cells_finer_than_the_records_know_say_so(run: Run, tmp_path: Path) -> None:
    rows = [
        f"2026-01-{1 + day:02d},needle_litter,{-1.24 + point / 2000},{54.56 + point / 3000},snapped\n"
        for point in range(25)
        for day in range(3)
    ]
    sheet = tmp_path / "finds.csv"
    sheet.write_text("date,layer,lon,lat,location_precision\n" + "".join(rows), encoding="utf-8")
    home = tmp_path / "home"
    assert run("ingest", sheet, "--source", "table", "--home", home).code == 0
    fine = run("counts", "--by", "cell", "--resolution", "11", "--home", home)
    assert "Needle finds: Records are snapped to 25 points. The smallest cells that these records know are" in fine.err
    assert "snapped" not in run("counts", "--by", "ward", "--home", home).err
