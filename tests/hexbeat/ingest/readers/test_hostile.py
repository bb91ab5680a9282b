"""Files from anywhere: each that cannot be read gets a clear error, within bounded time and memory."""

import io
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import xlsxwriter

from geo.errors import DataError
from hexbeat.ingest.readers import LIMITS, SUFFIXES, Limits, ReadOptions, open_file

pytestmark = pytest.mark.usefixtures("real_readers")
SHEET = "xl/worksheets/sheet1.xml"


def refusal(path: Path, *, limits: Limits = LIMITS, **options: str) -> str:
    """The message with which a file is refused, on opening or on reading."""
    with pytest.raises(DataError) as caught, open_file(path, ReadOptions(**options), limits=limits) as opened:
        for _ in opened.chunks(opened.columns):
            pass
    return str(caught.value)


def workbook(path: Path, rows: int = 3) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, ["layer", "lon", "lat", "date"])
        for row in range(rows):
            sheet.write_row(row + 1, 0, ["needle_litter", -1.2, 54.5, "2026-01-01"])
    return path


def repacked(path: Path, replace: dict[str, bytes]) -> Path:
    """The same package with parts replaced or added."""
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()} | replace
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_binary_noise_under_every_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(np.random.default_rng(1).bytes(200_000))
    assert refusal(path, records="open311" if suffix == ".xml" else "rows").count("noise") == 1


def test_noise_in_an_encoding_that_knows_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    noise = np.random.default_rng(1).integers(1, 256, 5000, dtype=np.uint8)
    path.write_bytes(noise.tobytes())
    assert refusal(path, encoding="latin-1") == (
        "noise.csv has to begin with a line of headings; its first line is not text; export it again as CSV"
    )


def test_a_zip_bomb_of_a_workbook(tmp_path: Path) -> None:
    path = repacked(workbook(tmp_path / "bomb.xlsx"), {SHEET: b"<worksheet>" + b" " * 30_000_000})
    assert refusal(path) == (
        "bomb.xlsx has to be a workbook of ordinary size; it unpacks to more than 200 times its size; save the "
        "sheet with the records as CSV, and load that file"
    )
    assert "it unpacks to more than 5 MB" in refusal(path, limits=Limits(unpacked_bytes=5_000_000))


def test_a_workbook_that_lies_about_its_sizes(tmp_path: Path) -> None:
    path = repacked(workbook(tmp_path / "liar.xlsx"), {SHEET: b"<worksheet>" + b" " * 30_000_000})
    data = bytearray(path.read_bytes())
    size = (30_000_000 + len("<worksheet>")).to_bytes(4, "little")
    while (place := data.find(size)) >= 0:
        data[place : place + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    assert refusal(path) == (
        "liar.xlsx has to be a complete workbook; it is cut off or damaged (BadZipFile); copy or export it again"
    )


@pytest.mark.slow
def test_a_workbook_with_two_cells_at_the_ends_of_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "layer")
        sheet.write(1_048_575, 16_383, "far")
    assert refusal(path, limits=Limits(worker_bytes=1_000_000_000)) == (
        "far.xlsx has to be a workbook with one sheet of records; "
        "it is damaged, or takes more memory or time to open than a workbook may; save the sheet as CSV"
    )


@pytest.mark.slow
def test_a_workbook_of_endless_references_to_a_long_text(tmp_path: Path) -> None:
    cells = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>0</v></c></row>' for r in range(1, 60_001))
    strings = f"<sst><si><t>{'x' * 30_000}</t></si></sst>"
    path = repacked(
        workbook(tmp_path / "echo.xlsx"),
        {
            SHEET: f"<worksheet><sheetData>{cells}</sheetData></worksheet>".encode(),
            "xl/sharedStrings.xml": strings.encode(),
        },
    )
    assert "takes more memory or time to open" in refusal(path, limits=Limits(worker_bytes=1_000_000_000))


@pytest.mark.parametrize("keep", [20, 500, 3000])
def test_a_truncated_workbook(tmp_path: Path, keep: int) -> None:
    path = workbook(tmp_path / "cut.xlsx")
    path.write_bytes(path.read_bytes()[:keep])
    assert refusal(path) == (
        "cut.xlsx has to be a complete workbook; it is cut off or damaged (BadZipFile); copy or export it again"
    )


def test_a_workbook_with_a_password(tmp_path: Path) -> None:
    path = tmp_path / "locked.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000))
    assert refusal(path) == (
        "locked.xlsx has to be a workbook that opens without a password; it has a password, or is in the format of "
        "Excel before 2007; open it and save it as XLSX without a password, or as CSV"
    )


def test_entities_in_a_workbook_expand_nothing(tmp_path: Path) -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>'
    bomb = f"{entities}<worksheet><sheetData>{cell}</sheetData></worksheet>".encode()
    path = repacked(workbook(tmp_path / "entity.xlsx"), {SHEET: bomb})
    assert "entity.xlsx has to " in refusal(path)


def test_a_million_columns(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("a," * 400_000 + "\n1\n")
    assert refusal(path) == (
        "A file has at most 2,000 columns; wide.csv has 400,001; check that it is the right file, and delete the "
        "columns that you do not need"
    )
    path.write_text("a," * 1_000_000 + "\n1\n")
    assert refusal(path) == (
        "A line has at most 1,000,000 characters; line 1 of wide.csv is longer; "
        "check that the file is a CSV with line breaks"
    )


def test_one_endless_line(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    path.write_text("a,b\n" + "x" * 3_000_000)
    assert refusal(path) == (
        "A line has at most 1,000,000 characters; line 2 of line.csv is longer; "
        "check that the file is a CSV with line breaks"
    )


def test_two_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)
    assert refusal(path) == (
        "A file of this kind has at most 1,000 MB; large.csv has 2,000 MB; split it, by month for instance"
    )


@pytest.mark.parametrize("text", ["", "layer,lon\n", "\n\n\n"])
def test_a_file_without_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "nothing.csv"
    path.write_text(text)
    assert (
        refusal(path)
        == {
            "": "nothing.csv has to be a file with data; it is empty; export it again",
            "layer,lon\n": "nothing.csv needs rows below its headings; it has none; export it again",
            "\n\n\n": "nothing.csv has to begin with a line of headings; it has none; put headings above the rows",
        }[text]
    )


def test_what_is_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert refusal(folder) == "folder.csv has to be a file with data; it is a folder; choose the files in it"
    assert refusal(tmp_path / "no.csv") == (
        "no.csv has to be a file with data; there is no file of that name; check the name and the folder"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no device files")
def test_links_to_devices_and_pipes(tmp_path: Path) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("zero.csv", "pipe.csv"):
        assert refusal(tmp_path / name) == (
            f"{name} has to be a file with data; it is a device or a pipe; copy the data to a file first"
        )


def test_a_wrong_suffix_does_not_choose_the_program(tmp_path: Path) -> None:
    path = tmp_path / "map.geojson"
    source = "<SrcDataSource>/etc/passwd</SrcDataSource>"
    path.write_text(f'<OGRVRTDataSource><OGRVRTLayer name="x">{source}</OGRVRTLayer></OGRVRTDataSource>')
    assert refusal(path) == (
        "map.geojson has to hold records in a format that Hexbeat reads; it is a list of other sources (VRT); "
        "export the layer itself as GeoPackage"
    )
    workbook(tmp_path / "book.xlsx").rename(tmp_path / "book.csv")
    assert refusal(tmp_path / "book.csv") == (
        "book.csv has to be text, as CSV is; it is a zip package, as XLSX and ODS are; export it as CSV in UTF-8, "
        "or correct the ending of its name"
    )


PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><table><tr><td>a</td></tr></table></body></html>"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(60)
TABLE = "has to be a table of text, as its name says"
TEXT = "has to be text, as CSV is"
BOOK = "has to be a workbook (XLSX or ODS), as its name says"
SIGN_IN = "download the file itself: a page that asks to sign in was saved, perhaps"
AS_CSV = "export it as CSV, or correct the ending of its name"
AS_UTF8 = "export it as CSV in UTF-8, or correct the ending of its name"
AGAIN = "export it again, or correct the ending of its name"


@pytest.mark.parametrize(
    ("name", "data", "rule", "fact", "hint"),
    [
        ("a.csv", PAGE, TABLE, "it is a web page", SIGN_IN),
        ("a.xlsx", PAGE, BOOK, "it is a web page", AGAIN),
        ("a.txt", b'<?xml version="1.0"?><gpx></gpx>', TABLE, "it is GPX", AS_CSV),
        ("a.csv", b'[{"lat": 1, "lon": 2}]', TABLE, "it is JSON records", AS_CSV),
        ("a.csv", PROGRAM, TEXT, "it is a program", AS_UTF8),
        ("a.ods", b"MZ\x90\x00\x03" + bytes(60), BOOK, "it is a program", AGAIN),
        ("a.zip", PROGRAM, "has to be an archive, as its name says", "it is a program", AGAIN),
        ("a.csv", b"#!/bin/sh\necho a,b\n", TEXT, "it is a script", AS_UTF8),
        ("a.xlsx", b"lat,lon\n1,2\n", BOOK, "it is text", AGAIN),
        ("a.json", b"lat,lon\n1,2\n", "has to be JSON, as its name says", "it is text", AGAIN),
    ],
)
def test_what_a_file_is_is_said_whatever_it_is_called(  # the name, the contents, and the three parts
    tmp_path: Path, name: str, data: bytes, rule: str, fact: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert refusal(tmp_path / name) == f"{name} {rule}; {fact}; {hint}"


def test_headings_in_brackets_are_no_json(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("[id],[when],<place>\n1,2025-01-01,x\n", encoding="utf-8")
    with open_file(path, ReadOptions()) as opened:
        assert opened.columns == ("[id]", "[when]", "<place>")


def test_json_that_describes_a_pipeline_of_gdal_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("x,y,word\n1,2,secret\n")
    command = f"gdal vector convert {tmp_path / 'secret.csv'} --output-format stream streamed_dataset"
    path = tmp_path / "points.geojson"
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": command}))
    assert refusal(path) == (
        "points.geojson has to be GeoJSON, complete and undamaged; it cannot be read (DataSourceError); export it again"
    )


def test_parquet_that_unpacks_to_too_much(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    geopandas.GeoDataFrame({"n": range(5000)}, geometry=[shapely.Point(0, 0)] * 5000, crs="EPSG:4326").to_parquet(path)
    assert re.fullmatch(
        r"Parquet unpacks to at most 0\.00 MB; many\.parquet unpacks to 0\.\d\d MB; split it, by month for instance",
        refusal(path, limits=Limits(unpacked_bytes=1000)),
    )


def test_what_is_an_archive_only_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "points.zip").write_bytes(b"PK")
    assert refusal(tmp_path / "points.zip") == (
        "points.zip has to be an archive, as its name says; its first bytes do not fit; export it again, or correct "
        "the ending of its name"
    )


@pytest.mark.slow
@pytest.mark.parametrize("where", ["features", "properties"])
def test_deeply_nested_geojson(tmp_path: Path, where: str) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    point = '"geometry":{"type":"Point","coordinates":[1,2]}'
    feature = f'{{"type":"Feature","properties":{{"a":{deep}}},{point}}}'
    path = tmp_path / "deep.geojson"
    features = deep if where == "features" else f"[{feature}]"
    path.write_text(f'{{"type":"FeatureCollection","features":{features}}}')
    assert refusal(path) == (
        "deep.geojson has to be GeoJSON, complete and undamaged; it cannot be read (DataSourceError); export it again"
    )


def test_deeply_nested_requests(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000 + "]" * 100_000)
    assert refusal(path, records="open311") == (
        "Open311 requests have to be a GeoReport v2 list, as JSON or XML; deep.json is not valid JSON "
        "(RecursionError); "
        "download it again"
    )


def test_an_entity_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text(
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<service_requests><request><service_name>&b;</service_name></request></service_requests>"
    )
    assert refusal(path, records="open311") == (
        "Open311 requests have to be a GeoReport v2 list, as JSON or XML; bomb.xml declares entities or a document "
        "type, which can be an attack; ask for it as JSON"
    )


def test_an_archive_of_many_parts(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as package:
        for part in range(200):
            package.writestr(f"part{part}", "x")
    (tmp_path / "parts.xlsx").write_bytes(held.getvalue())
    assert refusal(tmp_path / "parts.xlsx", limits=Limits(package_parts=100)) == (
        "parts.xlsx has to be a workbook of ordinary size; it has 200 parts, more than 100; save the sheet with "
        "the records as CSV, and load that file"
    )
