"""Check an evidence pack: its hash, and that what the file shows equals the content that it carries."""

import datetime as dt
import io
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import python_calamine

from geo.errors import DataError, HexbeatError
from hexbeat.areas.area import load_area
from hexbeat.documents.evidence.evidence_document import render_evidence_pdf
from hexbeat.documents.evidence.evidence_sheets import CONTENT_SHEET, build_evidence_xlsx
from hexbeat.reports.evidence import FORMAT, encode_canonical, find_recorded_pack, hash_content
from hexbeat.store.shared_documents import SharedDocuments
from layers.wording import format_date

__all__ = ["Inspection", "PackCheck", "check_pack", "inspect_pack", "note_check"]

# How the content of a PDF begins. The parts have a length, so that no file takes for ever to look through.
MARK: Final = re.compile(rb"/Type\s{0,20}/EmbeddedFile")
START: Final = re.compile(rb">>\s{0,20}stream\r?\n")
LONGEST_HEAD: Final = 500  # bytes between the two
LARGEST: Final = 100_000_000  # bytes of content: many times the largest pack


@dataclass(frozen=True, slots=True)
class PackCheck:
    """The result of a check.

    `intact`: the file equals, byte by byte, the file that Hexbeat makes from its content. `noted`: the register of this
    installation holds the content's hash, so the content was made here. `same_values`: the values stored in a
    workbook's cells are those of the content; for a PDF the same as `intact`. `digest` is the SHA-256 of the content.
    Somebody who also changes the content can make a file that is intact, but not one that is noted.
    """

    intact: bool
    same_values: bool
    noted: bool
    digest: str
    reference: str
    made_at: str
    sentence: str


def check_pack(name: str, file: bytes, *, home: Path, documents: SharedDocuments | None) -> PackCheck:
    """Check a pack of `hexbeat evidence` (.pdf or .xlsx) against itself, and against the register of the store.

    `documents` None: there is no store.

    The file is made again from its content and compared byte by byte. So a pack of another version of Hexbeat is not
    intact, nor is a workbook that was saved again. Of a workbook, the values stored in its cells are compared too, but
    not formulas, hidden rows or formats. DataError for a file that is no pack.
    """
    return note_check(inspect_pack(name, file, home=home), documents)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file says by itself, as in PackCheck."""

    intact: bool
    same_values: bool
    digest: str
    reference: str
    made_at: str


def inspect_pack(name: str, file: bytes, *, home: Path) -> Inspection:
    """Check a pack against itself; DataError for a file that is none."""
    content = read_pdf_content(file) if file.startswith(b"%PDF") else read_xlsx_content(file)
    if content is None or content.get("format") != FORMAT:
        raise DataError(
            "A pack is checked in a file that hexbeat evidence wrote",
            f"{name} carries no content of one",
            "give the .pdf or .xlsx as it was written",
        )
    intact, same_values = compare_file(file, content, home)
    facts = str(content.get("reference")), str(content.get("made_at"))
    return Inspection(intact, same_values, hash_content(content), *facts)


def note_check(result: Inspection, documents: SharedDocuments | None) -> PackCheck:
    """The result, with what the register of the store says of the content."""
    recorded_on = find_recorded_pack(documents, result.digest)
    sentence = describe_check(intact=result.intact, same_values=result.same_values, noted=recorded_on)
    is_noted = recorded_on is not None
    return PackCheck(
        result.intact, result.same_values, is_noted, result.digest, result.reference, result.made_at, sentence
    )


def describe_check(*, intact: bool, same_values: bool, noted: dt.datetime | None) -> str:
    """What the check shows, and what it cannot show."""
    if same_values and not intact:
        return (
            "The values stored in its cells are those of the content it carries, but the file is not as Hexbeat writes "
            "it: it was saved again, or changed, or another version of Hexbeat made it. What it shows was not checked: "
            "rows may be hidden, and a formula may show something else."
        )
    if not intact:
        return (
            "What the file shows differs from the content it carries: it was changed, or another version of Hexbeat "
            "made it."
        )
    if noted is None:
        return (
            "What the file shows is its content, but no pack with this SHA-256 is noted here: compare the digits with "
            "those noted when it was made."
        )
    return f"What the file shows is its content, as it was made here on {format_date(noted.date())}."


def compare_file(file: bytes, content: dict[str, Any], home: Path) -> tuple[bool, bool]:
    """Whether the file equals the one made from its content, byte by byte; and whether its stored values do."""
    try:
        if file.startswith(b"%PDF"):
            same = file == render_evidence_pdf(content, load_area(str(content["area"]), home=home))
            return same, same
        rebuilt = build_evidence_xlsx(content)
        return file == rebuilt, read_sheets(file) == read_sheets(rebuilt)
    except (KeyError, TypeError, ValueError, HexbeatError):
        return False, False  # Hexbeat wrote no content of which no page can be made


def read_pdf_content(file: bytes) -> dict[str, Any] | None:
    """The JSON that the PDF carries; None if there is none."""
    for mark in MARK.finditer(file):
        start = START.search(file, mark.end(), mark.end() + LONGEST_HEAD)
        if start is None:
            continue
        decompressor = zlib.decompressobj()
        try:
            return parse_content(decompressor.decompress(memoryview(file)[start.end() :], LARGEST))
        except zlib.error:
            continue
    return None


def read_xlsx_content(file: bytes) -> dict[str, Any] | None:
    """The JSON of the workbook's last sheet; None if there is none."""
    try:
        sheets = read_sheets(file)
    except (python_calamine.CalamineError, OSError, ValueError):
        return None
    return parse_content("".join(str(row[0]) for row in sheets.get(CONTENT_SHEET, []) if row).encode())


def parse_content(text: bytes) -> dict[str, Any] | None:
    """The content, if the text is one in its canonical form."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and encode_canonical(content) == text else None


def read_sheets(file: bytes) -> dict[str, list[list[Any]]]:
    """The values stored in the cells of each sheet, by its name; of a formula, the value when the file was saved."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(file))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
