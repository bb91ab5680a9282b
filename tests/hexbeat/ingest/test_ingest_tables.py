"""Tables as people have them become events: every row is loaded, or rejected with its line."""

import json
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest.sources.profile import parse_profile
from hexbeat.ingest.suggestions import suggest_profile
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import FIXTURES, ingest
from tests.support.workbook_files import write_text

HEADINGS = ["layer", "date", "lat", "lon", "quantity", "category", "id"]
TITLES = [["Drug litter finds 2025"], ["Prepared by the cleansing team"], []]


def find(day: int, text: str = "path") -> list[str]:
    return ["needle_litter", f"{day:02d}/11/2025", "54.5742", "-1.2350", "1", text, f"N{day}"]


def test_a_table_below_titles_with_notes_and_a_total_below(sqlite_store: Store, tmp_path: Path) -> None:
    rows = [*TITLES, HEADINGS, find(1), [""] * 7, find(2), ["Total", "", "", "", "2"], ["Source: the council"]]
    file = ingest(sqlite_store, write_text(tmp_path / "finds.csv", rows)).files[0]
    assert (file.tally.read, file.tally.accepted) == (4, 2)
    assert file.tally.reasons == {"unreadable_row": 1, "unknown_layer": 1}
    assert [(sample.line, sample.reason) for sample in file.samples] == [(8, "unreadable_row"), (9, "unknown_layer")]
    assert file.remarks[0] == "finds.csv: the headings are in row 4"


def test_no_row_inside_a_stray_quote_is_lost(sqlite_store: Store, tmp_path: Path) -> None:
    lines = [HEADINGS, *(find(day) for day in range(1, 8))]
    lines[1][5], lines[7][5] = '"By bin', '12"'
    path = tmp_path / "finds.csv"
    path.write_text("\n".join(",".join(line) for line in lines))
    tally = ingest(sqlite_store, path).files[0].tally
    assert (tally.read, tally.accepted, tally.reasons) == (7, 6, {"unreadable_row": 1})
    rejects = sqlite_store.rejects(ANALYST)
    assert rejects["line"].tolist() == [2]
    assert json.loads(rejects["raw"][0]) == {"problem": "a quote opens in it, and whole rows follow before it closes"}


def test_lines_of_several_sheets_come_with_the_sheet(sqlite_store: Store) -> None:
    file = ingest(sqlite_store, FIXTURES / "months.xls").files[0]
    assert (file.tally.read, file.tally.accepted, file.tally.reasons) == (6, 4, {"unreadable_row": 2})
    assert [(sample.file, sample.line) for sample in file.samples] == [
        ("months.xls, sheet Jan", 7),
        ("months.xls, sheet Feb", 7),
    ]
    assert [json.loads(raw)["(sheet)"] for raw in sqlite_store.rejects(ANALYST)["raw"]] == ["Jan", "Feb"]


def test_a_file_of_unreadable_rows_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_text(tmp_path / "finds.csv", [HEADINGS, [*find(1), "x"], [*find(2), "x"]])
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == (
        "A load needs at least one row that can be used; every row of finds.csv was rejected: unreadable_row 2; put "
        "quotes around texts that contain the delimiter, and close them"
    )


PROFILE = """
name = "wardens"
title = "Wardens"
layer = "needle_litter"
headings = {row}

[location]
lat = "lat"
lon = "lon"

[time]
start = "date"
formats = ["%d/%m/%Y"]
"""


def test_a_profile_says_where_the_headings_are(sqlite_store: Store, tmp_path: Path) -> None:
    units = ["text", "date", "lat", "lon", "number", "text", "text"]
    path = write_text(tmp_path / "finds.csv", [["date", "lat", "lon"], units, HEADINGS, find(1)])
    profile = parse_profile(PROFILE.format(row=3), name="wardens")
    assert ingest(sqlite_store, path, source=profile).files[0].tally.accepted == 1


@pytest.mark.parametrize("row", ["0", "1001", '"3"', "true"])
def test_a_row_of_headings_that_cannot_be(row: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_profile(PROFILE.format(row=row), name="wardens")
    out_of_bounds = (
        f"headings is a row from 1 to 1,000; wardens.toml has {row}; correct it; docs/sources.md explains the keys"
    )
    no_number = (
        "A source profile has only known keys, each with its kind of value; wardens.toml: headings is not a whole "
        "number; docs/sources.md lists the keys, and `hexbeat sources suggest FILE` writes a profile to start from"
    )
    assert str(caught.value) == (out_of_bounds if row.isdigit() else no_number)


def test_a_proposal_names_the_row_and_keeps_the_sheet_and_encoding(tmp_path: Path) -> None:
    path = write_text(tmp_path / "finds.csv", [*TITLES, HEADINGS, find(1, "Café")], encoding="utf-16-le")
    proposal = suggest_profile(path, encoding="utf-16-le")
    assert (proposal.source, proposal.reasons[-1]) == ("table", "finds.csv: the headings are in row 4")
    path = write_text(tmp_path / "new.csv", [*TITLES, ["found on", "y", "x"], ["1/11/2025", "54.57", "-1.23"]])
    proposal = suggest_profile(path, sheet="Jan", encoding="cp1252")
    assert (proposal.profile.sheet, proposal.profile.encoding) == ("Jan", "cp1252")
