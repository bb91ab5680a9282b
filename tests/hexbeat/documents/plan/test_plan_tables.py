"""Sheets of a plan: columns as wide as their texts, within limits."""

import io
import re
import zipfile

import pandas as pd
import xlsxwriter

from hexbeat.documents.plan.plan_tables import NARROWEST, WIDEST, WORKBOOK_OPTIONS, write_sheet


def measure_widths(table: pd.DataFrame) -> list[int]:
    """The width of each column of the sheet that is written, in characters."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, WORKBOOK_OPTIONS) as book:
        write_sheet(book, "Stops", table)
    sheet = zipfile.ZipFile(buffer).read("xl/worksheets/sheet1.xml").decode()
    columns = re.findall(r'<col min="(\d+)" max="(\d+)" width="([\d.]+)"', sheet)
    widths: list[int] = []
    for first, last, width in columns:
        widths += [round(float(width))] * (int(last) - int(first) + 1)
    return widths


def test_columns_are_as_wide_as_their_texts_within_limits() -> None:
    table = pd.DataFrame({"n": [1], "seven 7": ["x"], "place": ["Central, by the station"], "reason": ["long " * 40]})
    narrow, just, middle, wide = measure_widths(table)
    assert (narrow, wide) == (NARROWEST + 1, WIDEST + 1)  # the file adds a margin
    assert narrow < just < middle < wide


def test_a_sheet_without_rows_has_its_headings() -> None:
    assert measure_widths(pd.DataFrame({"a": [], "place": []})) == [NARROWEST + 1, NARROWEST + 1]
