"""Workbooks of every kind: which sheets are read, and which texts their cells give."""

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from geo.errors import DataError
from hexbeat.ingest.readers import ReadOptions, open_file
from hexbeat.ingest.readers.sheet_worker import cell_text
from tests.support.input_files import FIXTURES
from tests.support.workbook_files import Rows, write_workbook

HEADINGS = ["date", "lat", "lon"]
JANUARY: Rows = [HEADINGS, ["2025-01-01", 54.1, -1.1], ["2025-01-02", 54.2, -1.2]]
FEBRUARY: Rows = [["Finds of February"], ["lon", "Date ", "lat"], [-1.3, "2025-02-01", 54.3]]
Read = tuple[list[tuple[str | None, int, list[str]]], list[str]]


def read(path: Path, **options: object) -> Read:
    """The rows with their sheets and lines, and the remarks."""
    given = {"fits": lambda headings: {"lat", "lon"} <= set(headings)} | options
    with open_file(path, ReadOptions(**given)) as opened:  # type: ignore[arg-type]  # by name
        rows = [
            (chunk.sheet, int(line), list(texts))
            for chunk in opened.chunks(opened.columns)
            for line, texts in zip(chunk.lines, chunk.frame.itertuples(index=False, name=None), strict=True)
        ]
    return rows, opened.remarks


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".xlsb", ".ods"])
def test_sheets_of_one_form_are_read_and_others_are_named(tmp_path: Path, suffix: str) -> None:
    sheets: dict[str, Rows] = {
        "Cover": [["Finds"], ["See", "the", "sheets"]],
        "Jan": JANUARY,
        "Feb": FEBRUARY,
        "Old": [HEADINGS, ["2020-01-01", 54.9, -1.9]],
    }
    path = write_workbook(tmp_path / f"finds{suffix}", sheets, hidden=["Old"])
    file = path.name
    assert read(path) == (
        [
            ("Jan", 2, ["2025-01-01", "54.1", "-1.1"]),
            ("Jan", 3, ["2025-01-02", "54.2", "-1.2"]),
            ("Feb", 3, ["2025-02-01", "54.3", "-1.3"]),
        ],
        [
            f"{file}: the sheets Jan and Feb were read as one table",
            f"{file}: the sheet Cover was not read, as it has other headings than Jan",
            f"{file}: the hidden sheet Old was not read",
            f"{file}, sheet Feb: the headings are in row 2",
        ],
    )
    assert read(path, sheet="Old") == ([(None, 2, ["2020-01-01", "54.9", "-1.9"])], [])


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "finds.xlsx", {"Jan": JANUARY})
    assert refusal(path, sheet="Mar") == (
        "finds.xlsx has to be a workbook with one sheet of records; it has only 'Jan', not the sheet that is named; "
        "correct the name of the sheet"
    )


def test_a_sheet_without_a_column_that_another_has(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "finds.xlsx", {"Jan": JANUARY, "Feb": [["lat", "lon"], [54.3, -1.3]]})
    assert refusal(path) == (
        "Sheets that are read as one table have the same headings; the sheet Feb of finds.xlsx has no column date, "
        "which the sheet Jan has; add the column, or name one sheet"
    )


def test_a_sheet_that_repeats_the_others(tmp_path: Path) -> None:
    rows = [[f"2025-01-0{day}", 54.1, -1.1] for day in range(1, 6)]
    path = write_workbook(tmp_path / "finds.xlsx", {"Jan": [HEADINGS, *rows], "All": [HEADINGS, *rows]})
    assert refusal(path) == (
        "Sheets that are read as one table have different rows; all 5 rows of the sheet All of finds.xlsx stand on "
        "other sheets too; name one sheet, or delete the sheet that repeats the others"
    )


def test_a_profile_can_say_the_row_of_the_headings(tmp_path: Path) -> None:
    notes: Rows = [[f"note {number}"] for number in range(40)]
    path = write_workbook(tmp_path / "finds.xlsx", {"Notes": notes[:3], "Jan": [*notes, *JANUARY]})
    assert [line for _, line, _ in read(path, headings=41)[0]] == [42, 43]
    assert refusal(path, headings=50, fits=None) == (
        "finds.xlsx has to be a workbook with one sheet of records; no sheet has texts in row 50; correct headings in "
        "the profile"
    )


def test_a_month_without_rows_is_no_fault(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "finds.xlsx", {"Jan": JANUARY, "Feb": [HEADINGS]})
    assert len(read(path)[0]) == 2
    path = write_workbook(tmp_path / "none.xlsx", {"Jan": [HEADINGS], "Feb": [HEADINGS]})
    assert refusal(path) == "none.xlsx needs rows below its headings; it has none; export it again"


def test_without_a_profile_the_form_with_most_rows_is_read(tmp_path: Path) -> None:
    sheets: dict[str, Rows] = {"Codes": [["code", "meaning"], ["x", "y"]], "Jan": JANUARY, "Feb": FEBRUARY}
    rows, remarks = read(write_workbook(tmp_path / "finds.xlsx", sheets), fits=None)
    assert [(sheet, line) for sheet, line, _ in rows] == [("Jan", 2), ("Jan", 3), ("Feb", 3)]
    assert remarks[1] == "finds.xlsx: the sheet Codes was not read, as it has other headings than Jan"


def test_notes_beside_the_table_are_not_read(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "finds.xlsx", {"Jan": [*JANUARY, [None, None, None, "checked"]]})
    assert [line for _, line, _ in read(path)[0]] == [2, 3]


def test_a_cell_of_too_many_characters(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "finds.ods", {"Jan": [*JANUARY, ["x" * 131_073, 54.1, -1.1]]})
    with open_file(path, ReadOptions()) as opened:
        (chunk,) = opened.chunks(opened.columns)
    assert [(row.line, row.problem) for row in chunk.unreadable] == [
        (4, "it has a cell or row of more characters than Hexbeat reads")
    ]


def test_a_workbook_of_excel_97_to_2003() -> None:
    rows, remarks = read(FIXTURES / "months.xls")
    first = ["needle_litter", "2025-01-21", "09:15:00", "54.5742", "-1.235", "3", "Jan0", "true"]
    hidden = ["needle_litter", "2025-01-22 14:30:00", "09:16:00", "54.5742", "-1.235", "4", "Jan1", "false"]
    assert rows[:2] == [("Jan", 4, first), ("Jan", 5, hidden)]  # a row that a filter hides is a row
    assert [sheet for sheet, _, _ in rows] == ["Jan", "Jan", "Feb", "Feb"]
    assert remarks[1] == "months.xls: the hidden sheet Lists was not read"


def test_dates_that_count_from_1904(tmp_path: Path) -> None:
    assert [texts[1] for _, _, texts in read(FIXTURES / "mac-1904.xls")[0]] == ["2025-03-21", "2025-03-22 14:30:00"]
    path = tmp_path / "mac.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_datetime(1, 0, dt.date(2025, 3, 21), book.add_format({"num_format": "dd/mm/yyyy"}))
        sheet.write_row(1, 1, [54.1, -1.1])
    assert read(path)[0] == [(None, 2, ["2025-03-21", "54.1", "-1.1"])]


def test_cells_with_errors_are_blank(tmp_path: Path) -> None:
    path = tmp_path / "finds.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for place, error in enumerate(["#N/A", "#DIV/0!"]):
            sheet.write_formula(1, place, "=x", value=error)
        sheet.write_number(1, 2, -1.1)
    assert read(path)[0] == [(None, 2, ["", "", "-1.1"])]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.datetime(2025, 3, 21, 14, 29, 59, 999_000), "2025-03-21 14:30:00"),  # noqa: DTZ001  # sheets have no zones
        (dt.timedelta(hours=36), "36:00:00"),
        (dt.timedelta(hours=9, minutes=5), "09:05:00"),
        (dt.timedelta(minutes=-5), "-00:05:00"),
        (True, "true"),
        (12.0, "12"),
        (54.57, "54.57"),
    ],
)
def test_the_texts_of_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("data", "fact", "hint"),
    [
        (b"<html><table>", "it is a web page or XML", "open it in a spreadsheet program and save it as XLSX"),
        (b"layer\tlat\n", "it is text", "correct the ending of its name to .csv"),
        (b"PK\x03\x04\x00", "it is a newer workbook", "correct the ending of its name to .xlsx"),
        (b"\x00\x01\x02", "its first bytes do not fit", "export it again, or correct the ending of its name"),
    ],
)
def test_what_only_is_called_xls(tmp_path: Path, data: bytes, fact: str, hint: str) -> None:
    path = tmp_path / "finds.xls"
    path.write_bytes(data)
    assert (
        refusal(path) == f"finds.xls has to be a workbook of Excel 97 to 2003 (XLS), as its name says; {fact}; {hint}"
    )
