"""Workbooks and texts of the same rows, in every format that Hexbeat reads."""

import csv
import datetime as dt
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

__all__ = ["Cell", "Rows", "write_text", "write_workbook"]

Cell = str | float | bool | dt.date | None
Rows = Sequence[Sequence[Cell]]
_EPOCH = dt.date(1899, 12, 30)


def write_text(path: Path, rows: Rows, *, delimiter: str = ",", encoding: str = "utf-8", head: str = "") -> Path:
    """Write rows as a delimited text, below `head`; dates as ISO 8601."""
    held = io.StringIO()
    writer = csv.writer(held, delimiter=delimiter, lineterminator="\n")
    for row in rows:
        writer.writerow(["" if cell is None else cell for cell in row])
    path.write_bytes((head + held.getvalue()).encode(encoding))
    return path


def write_workbook(path: Path, sheets: Mapping[str, Rows], *, hidden: Sequence[str] = ()) -> Path:
    """Write sheets in the format of the path's suffix: .xlsx, .xlsm, .xlsb or .ods."""
    writers = {".xlsx": _write_xlsx, ".xlsm": _write_xlsx, ".xlsb": _write_xlsb, ".ods": _write_ods}
    writers[path.suffix](path, sheets, hidden)
    return path


def _write_xlsx(path: Path, sheets: Mapping[str, Rows], hidden: Sequence[str]) -> None:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(number, place, cell, day)
                    elif isinstance(cell, bool):
                        sheet.write_boolean(number, place, cell)
                    elif isinstance(cell, float | int):
                        sheet.write_number(number, place, cell)
                    elif cell:
                        sheet.write_string(number, place, cell)


_ODS_SPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
}


def _write_ods(path: Path, sheets: Mapping[str, Rows], hidden: Sequence[str]) -> None:
    tables = []
    for name, rows in sheets.items():
        lines = "".join(
            f"<table:table-row>{''.join(map(_ods_cell, row)) or _ods_cell(None)}</table:table-row>" for row in rows
        )
        style = ' table:style-name="off"' if name in hidden else ""
        tables.append(f"<table:table table:name={quoteattr(name)}{style}>{lines}</table:table>")
    spaces = " ".join(f'xmlns:{key}="{value}"' for key, value in _ODS_SPACES.items())
    styles = (
        '<office:automatic-styles><style:style style:name="off" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    )
    body = f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
    content = f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}>{styles}{body}'
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr("content.xml", content + "</office:document-content>")


def _ods_cell(cell: Cell) -> str:
    if cell is None or cell == "":
        return "<table:table-cell/>"
    if isinstance(cell, dt.date):
        return f'<table:table-cell office:value-type="date" office:date-value="{cell.isoformat()}"/>'
    if isinstance(cell, bool):
        return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(cell).lower()}"/>'
    if isinstance(cell, float | int):
        return f'<table:table-cell office:value-type="float" office:value="{cell!r}"/>'
    paragraphs = "".join(f"<text:p>{escape(line)}</text:p>" for line in cell.split("\n"))
    return f'<table:table-cell office:value-type="string">{paragraphs}</table:table-cell>'


def _write_xlsb(path: Path, sheets: Mapping[str, Rows], hidden: Sequence[str]) -> None:
    """Records of [MS-XLSB]: a book, its styles (0: general, 1: a date), and a part for each sheet."""
    bundle = b"".join(
        _record(156, struct.pack("<II", int(name in hidden), k) + _wide(f"rId{k}") + _wide(name))
        for k, name in enumerate(sheets, start=1)
    )
    book = b"".join([_record(131), _record(143), bundle, _record(144), _record(157, bytes(26)), _record(132)])
    formats = b"".join(_record(47, struct.pack("<HH", 0, code) + bytes(12)) for code in (0, 14))
    styles = _record(278) + _record(617, struct.pack("<I", 2)) + formats + _record(618) + _record(279)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "".join(
        f'<Relationship Id="rId{k}" Type="{kind}/worksheet" Target="worksheets/sheet{k}.bin"/>'
        for k in range(1, len(sheets) + 1)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("xl/workbook.bin", book)
        package.writestr("xl/styles.bin", styles)
        package.writestr("xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{space}">{relations}</Relationships>')
        for k, rows in enumerate(sheets.values(), start=1):
            package.writestr(f"xl/worksheets/sheet{k}.bin", _xlsb_sheet(rows))


def _xlsb_sheet(rows: Rows) -> bytes:
    size = struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, max((len(row) for row in rows), default=1))
    lines = b"".join(
        _record(0, struct.pack("<I", number) + bytes(21)) + b"".join(_xlsb_cell(k, cell) for k, cell in enumerate(row))
        for number, row in enumerate(rows)
    )
    return b"".join([_record(129), _record(148, size), _record(145), lines, _record(146), _record(130)])


def _xlsb_cell(place: int, cell: Cell) -> bytes:
    start = struct.pack("<II", place, int(isinstance(cell, dt.date)))
    if cell is None or cell == "":
        return b""
    if isinstance(cell, dt.date):
        return _record(5, start + struct.pack("<d", (cell - _EPOCH).days))
    if isinstance(cell, bool):
        return _record(4, start + bytes([cell]))
    if isinstance(cell, float | int):
        return _record(5, start + struct.pack("<d", cell))
    return _record(6, start + _wide(cell))


def _wide(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return struct.pack("<I", len(data) // 2) + data


def _record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(data), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return head + length + data
