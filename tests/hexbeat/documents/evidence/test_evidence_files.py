"""The files of an evidence pack: they show their content, carry it, and a change of either is found."""

import datetime as dt
import io
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pypdf
import pytest
import python_calamine
import xlsxwriter

from geo.errors import DataError
from hexbeat.areas.area import load_area
from hexbeat.documents.evidence.evidence_apart import check_pack_apart
from hexbeat.documents.evidence.evidence_check import check_pack, read_pdf_content
from hexbeat.documents.evidence.evidence_document import render_evidence_pdf
from hexbeat.documents.evidence.evidence_sheets import CONTENT_SHEET, build_evidence_xlsx, split_text
from hexbeat.reports.evidence import EvidenceRequest, build_evidence, encode_canonical, hash_content, record_pack
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.demonstrations import TODAY, filled_store, middlesbrough
from tests.support.papers import A4, read_paper
from tests.support.plans import HOSTILE_TEXT
from tests.support.stores import documents_in

MADE = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)


@cache
def content(reference: str = "CL-14") -> dict[str, Any]:
    """A pack of the demonstration around its place with most needles."""
    with Store.open(filled_store()) as store:
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
        ask = EvidenceRequest(-1.2401, 54.5727, 250, dt.date(2026, 1, 1), TODAY, reference, "A. Analyst")
        return build_evidence(store, ANALYST, columns, middlesbrough(), ask, made_at=MADE)


@cache
def pdf(reference: str = "CL-14") -> bytes:
    return render_evidence_pdf(content(reference), load_area("middlesbrough"))


def sheets(file: bytes) -> dict[str, list[list[Any]]]:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(file))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@pytest.mark.slow
def test_the_paper_is_tagged_restricted_and_says_where_it_comes_from() -> None:
    paper = read_paper(pdf())
    assert paper.title == "Incidents recorded near a place: CL-14"
    assert (paper.language, paper.author, paper.marked, paper.claims_ua) == ("en-GB", None, True, True)
    assert set(paper.sizes) == {A4}
    assert len(paper.alts) == 2
    assert paper.alts[0].startswith(
        "Map around 54.57270, -1.24010 in Newport ward, north up, with a circle of 250 metres"
    )
    assert "RESTRICTED: for the case named here and nobody else." in paper.words
    assert "DEMONSTRATION: synthetic events, not real." in paper.words
    assert "by A. Analyst, with Hexbeat" in paper.words
    assert hash_content(content()) in "".join(paper.words.split())
    for row in content()["incidents"]:
        assert row["source_id"] in paper.words
    for words in content()["caveats"]:
        assert words in paper.words
    assert all("RESTRICTED" in page for page in paper.pages)


@pytest.mark.slow
def test_both_files_carry_the_content_and_are_the_same_every_time() -> None:
    assert read_pdf_content(pdf()) == content()
    attached = pypdf.PdfReader(io.BytesIO(pdf())).attachments["content.json"]
    assert attached == [encode_canonical(content())]
    assert pdf() == render_evidence_pdf(content(), load_area("middlesbrough"))
    assert build_evidence_xlsx(content()) == build_evidence_xlsx(content())
    text = "".join(str(row[0]) for row in sheets(build_evidence_xlsx(content()))[CONTENT_SHEET])
    assert text.encode() == encode_canonical(content())


@pytest.mark.slow
def test_the_workbook_has_every_record_and_nothing_in_it_runs() -> None:
    book = sheets(build_evidence_xlsx(content("=HYPERLINK(1)")))
    assert list(book) == ["Pack", "Records", "Months", "Sources", "Content"]
    assert len(book["Records"]) == 1 + len(content()["incidents"])
    assert ["Case", "'=HYPERLINK(1)"] in book["Pack"]


def test_no_part_of_the_content_begins_as_a_formula() -> None:
    assert split_text('ab=+\u00a0-"x"', 6) == ["ab=+\u00a0-", '"x"']
    assert split_text("ab=====", 3) == ["a", "b==", "==="]
    assert split_text("abc=d", 3) == ["ab", "c=d"]


@pytest.mark.parametrize("ending", ["pdf", "xlsx"])
def test_an_untouched_pack_is_intact_and_noted_where_it_was_made(tmp_path: Path, ending: str) -> None:
    file = pdf() if ending == "pdf" else build_evidence_xlsx(content())
    check = check_pack(f"pack.{ending}", file, home=tmp_path, documents=documents_in(tmp_path))
    assert (check.intact, check.noted, check.digest, check.reference) == (True, False, hash_content(content()), "CL-14")
    assert check.sentence.startswith("What the file shows is its content, but no pack with this SHA-256 is noted here")
    record_pack(documents_in(tmp_path), hash_content(content()), MADE)
    later_check = check_pack(f"pack.{ending}", file, home=tmp_path, documents=documents_in(tmp_path))
    assert later_check.noted
    assert later_check.sentence == "What the file shows is its content, as it was made here on 22 Nov 2026."


@pytest.mark.slow  # a process of its own starts
def test_in_a_process_of_its_own_a_pack_is_what_it_is(tmp_path: Path) -> None:
    register = documents_in(tmp_path)
    assert check_pack_apart("pack.pdf", pdf(), home=tmp_path, documents=register) == check_pack(
        "pack.pdf", pdf(), home=tmp_path, documents=register
    )
    with pytest.raises(DataError) as refused:
        check_pack_apart("x.pdf", b"%PDF", home=tmp_path, documents=register)
    assert str(refused.value) == (
        "A pack is checked in a file that hexbeat evidence wrote; x.pdf carries no content of one; give the .pdf or "
        ".xlsx as it was written"
    )


@pytest.mark.slow
def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    other = render_evidence_pdf(content("CL-15"), load_area("middlesbrough"))
    swapped = other.replace(b"/Title", b"/Titel", 1)
    for file in (pdf() + b"\n", swapped):
        assert file not in (pdf(), other)
        check = check_pack("pack.pdf", file, home=tmp_path, documents=documents_in(tmp_path))
        assert not check.intact
        assert check.sentence.startswith("What the file shows differs from the content it carries")


SAME_VALUES = (
    "The values stored in its cells are those of the content it carries, but the file is not as Hexbeat writes it: it "
    "was saved again, or changed, or another version of Hexbeat made it. What it shows was not checked: rows may be "
    "hidden, and a formula may show something else."
)


def test_a_cell_that_was_changed_is_found_and_saving_again_is_said(tmp_path: Path) -> None:
    cells = sheets(build_evidence_xlsx(content()))
    again = check_pack("same.xlsx", saved_again(cells), home=tmp_path, documents=documents_in(tmp_path))
    assert (again.intact, again.same_values, again.sentence) == (False, True, SAME_VALUES)
    cells["Records"][1][4] = 3.0
    changed = check_pack("changed.xlsx", saved_again(cells), home=tmp_path, documents=documents_in(tmp_path))
    assert (changed.intact, changed.same_values) == (False, False)
    assert changed.sentence == (
        "What the file shows differs from the content it carries: it was changed, or another version of Hexbeat "
        "made it."
    )


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("xl/worksheets/sheet2.xml", r'<row r="3"', r'<row r="3" hidden="1"'),
        ("xl/worksheets/sheet2.xml", r'(<c r="A2"[^>]*>)(<v>)', r"\1<f>99+0</f>\2"),
        ("xl/worksheets/sheet2.xml", r"<cols><col ", r'<cols><col hidden="1" '),
        ("xl/workbook.xml", r'<sheet name="Sources"', r'<sheet name="Sources" state="hidden"'),
        ("xl/styles.xml", r'<cellXfs count="(\d)"><xf numFmtId="0"', r'<cellXfs count="\1"><xf numFmtId="9"'),
    ],
    ids=["hidden row", "formula with its old value", "hidden column", "hidden sheet", "number format"],
)
def test_a_workbook_that_shows_something_else_is_not_intact(tmp_path: Path, part: str, before: str, after: str) -> None:
    record_pack(documents_in(tmp_path), hash_content(content()), MADE)
    check = check_pack(
        "forged.xlsx",
        with_part(build_evidence_xlsx(content()), part, before, after),
        home=tmp_path,
        documents=documents_in(tmp_path),
    )
    assert (check.intact, check.same_values, check.noted, check.sentence) == (False, True, True, SAME_VALUES)


def test_a_content_that_was_changed_has_another_hash(tmp_path: Path) -> None:
    forged = content() | {"reference": "CL-99"}
    record_pack(documents_in(tmp_path), hash_content(content()), MADE)
    check = check_pack(
        "forged.pdf",
        render_evidence_pdf(forged, load_area("middlesbrough")),
        home=tmp_path,
        documents=documents_in(tmp_path),
    )
    assert (check.intact, check.noted) == (True, False)


@pytest.mark.parametrize("file", [b"", b"%PDF-1.7\nnothing", b"PK\x03\x04", b"%PDF /Type/EmbeddedFile>>\nstream\nxx"])
def test_what_is_no_pack_is_refused(tmp_path: Path, file: bytes) -> None:
    with pytest.raises(DataError) as caught:
        check_pack("x.pdf", file, home=tmp_path, documents=documents_in(tmp_path))
    assert str(caught.value) == (
        "A pack is checked in a file that hexbeat evidence wrote; x.pdf carries no content of one; give the .pdf or "
        ".xlsx as it was written"
    )


@pytest.mark.slow
def test_hostile_words_are_only_words(tmp_path: Path) -> None:
    file = pdf(HOSTILE_TEXT)
    assert '#import "x" *b* $y$ \\ <b>&amp; =1+1' in read_paper(file).words
    assert check_pack("pack.pdf", file, home=tmp_path, documents=documents_in(tmp_path)).intact


def with_part(file: bytes, part: str, before: str, after: str) -> bytes:
    """The workbook with one replacement in one of its parts, which must be possible."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            changed, times = re.subn(before, after, text, count=1) if name == part else (text, 1)
            assert times == 1
            new.writestr(name, changed)
    return buffer.getvalue()


def saved_again(cells: dict[str, list[list[Any]]]) -> bytes:
    """The cells in a workbook of another make."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        for name, rows in cells.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                for column, value in enumerate(row):
                    sheet.write(line, column, value)
    return buffer.getvalue()
