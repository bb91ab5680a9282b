"""The headings are found below titles and notes, and it is said where."""

from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest.readers import ReadOptions, open_file
from hexbeat.ingest.readers.heading_rows import find_heading_row, is_total
from tests.support.workbook_files import write_text

TITLES = [["Drug litter finds 2025", "", "", ""], ["Prepared by the cleansing team", "", "", ""], []]
ROWS = [["needle_litter", "21/11/2025", "54.5742", "-1.2350"], ["needle_litter", "22/11/2025", "54.5742", ""]]
HEADINGS = ["layer", "date", "lat", "lon"]


def look(path: Path, **options: object) -> tuple[tuple[str, ...], list[int], list[str]]:
    """The headings of a file, the lines of its rows, and the remarks."""
    with open_file(path, ReadOptions(**options)) as opened:  # type: ignore[arg-type]  # by name
        lines = [int(line) for chunk in opened.chunks(opened.columns) for line in chunk.lines]
    return opened.columns, lines, opened.remarks


def test_titles_and_notes_are_passed_over_and_that_is_said(tmp_path: Path) -> None:
    path = write_text(tmp_path / "finds.csv", [*TITLES, HEADINGS, *ROWS])
    wanted = (("layer", "date", "lat", "lon"), [5, 6], ["finds.csv: the headings are in row 4"])
    assert look(path) == wanted
    assert look(path, fits=lambda headings: "lat" in headings) == wanted


def test_the_first_row_needs_no_remark(tmp_path: Path) -> None:
    assert look(write_text(tmp_path / "finds.csv", [[], HEADINGS, *ROWS])) == (tuple(HEADINGS), [3, 4], [])


def test_a_profile_can_say_the_row(tmp_path: Path) -> None:
    path = write_text(tmp_path / "finds.csv", [HEADINGS, ["text", "text", "number", "number"], *ROWS])
    assert look(path, headings=2)[:2] == (("text", "text", "number", "number"), [3, 4])
    with pytest.raises(DataError) as caught:
        look(path, headings=9)
    assert str(caught.value) == (
        "The row of headings has to be a row with texts; row 9 of finds.csv has none; correct headings in the source "
        "profile"
    )


@pytest.mark.parametrize(
    ("upper", "lower", "headings"),
    [
        (["Layer", "Date", "Place", ""], ["", "", "lat", "lon"], ("Layer", "Date", "lat", "lon")),
        (["", "When", "Place", ""], ["layer", "date", "lat", "lon"], ("layer", "date", "lat", "lon")),
        (["Layer", "Found", "Where", ""], ["", "date", "lat", "lon"], ("Layer", "date", "lat", "lon")),
    ],
)
def test_two_rows_of_headings(tmp_path: Path, upper: list[str], lower: list[str], headings: tuple[str, ...]) -> None:
    path = write_text(tmp_path / "finds.csv", [upper, lower, *ROWS])
    assert look(path, fits=lambda row: {"lat", "lon"} <= set(row) and "layer" in row[0].casefold())[:2] == (
        headings,
        [3, 4],
    )


def test_two_rows_of_headings_are_found_by_their_shape(tmp_path: Path) -> None:
    path = write_text(tmp_path / "finds.csv", [["Layer", "Place", "", "Date"], ["", "lat", "lon", ""], *ROWS])
    assert look(path) == (
        ("Layer", "lat", "lon", "Date"),
        [3, 4],
        ["finds.csv: the headings are in rows 1 and 2"],
    )


def test_equal_headings_are_told_apart_by_their_groups() -> None:
    rows = [(1, ["Ref", "Start", "", "End", ""]), (2, ["", "Date", "Time", "Date", "Time"])]
    row = find_heading_row(rows, lambda headings: "Start Date" in headings)
    assert row is not None
    assert row.headings == ["Ref", "Start Date", "Start Time", "End Date", "End Time"]


def test_headings_that_a_quote_above_them_swallows(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text('"Finds of 2025,,,\nlayer,date,lat,lon\nneedle_litter,21/11/2025,54.57,"-1.2"\n')
    assert look(path, fits=lambda headings: "lat" in headings)[:2] == (tuple(HEADINGS), [3])


@pytest.mark.parametrize(
    "text", ["Total", "TOTALS:", "Grand total", "Sub-total", "subtotal", "Total 57", "Total: 1,057"]
)
def test_totals(text: str) -> None:
    assert is_total(["", text, "57"])


@pytest.mark.parametrize("text", ["Total Wine, High St", "totally", "57", "", "total harm"])
def test_what_is_no_total(text: str) -> None:
    assert not is_total([text, "57"])


@pytest.mark.parametrize("mark", [";", "\t", "|", "\\t"])
def test_a_first_line_that_states_the_delimiter(tmp_path: Path, mark: str) -> None:
    delimiter = "\t" if mark == "\\t" else mark
    path = write_text(tmp_path / "finds.csv", [*TITLES, HEADINGS, *ROWS], delimiter=delimiter, head=f"sep={mark}\n")
    assert look(path) == (tuple(HEADINGS), [6, 7], ["finds.csv: the headings are in row 5"])


def test_decimal_commas_are_no_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text("layer;lat;lon\nneedles;54,57;-1,23\nneedles;54,57;-1,23\n")
    assert look(path)[0] == ("layer", "lat", "lon")
