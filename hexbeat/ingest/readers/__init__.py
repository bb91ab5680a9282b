"""Readers, one for each kind of file. All give texts in chunks, with the line at which each row begins."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from geo.errors import DataError
from hexbeat.ingest.readers.geofile import GEOFILE_SUFFIXES, open_geofile
from hexbeat.ingest.readers.limits import LIMITS, Limits
from hexbeat.ingest.readers.open311 import is_url, open_download, open_requests, strip_url
from hexbeat.ingest.readers.opened_file import Chunk, ReadOptions, TextTable, UnreadableRow
from hexbeat.ingest.readers.spreadsheet import open_spreadsheet
from hexbeat.ingest.readers.text import open_text

__all__ = [
    "LIMITS",
    "SUFFIXES",
    "Chunk",
    "Limits",
    "ReadOptions",
    "TextTable",
    "UnreadableRow",
    "is_url",
    "open_download",
    "open_file",
    "strip_url",
]

TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
SHEET_SUFFIXES: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
SUFFIXES: Final = (*TEXT_SUFFIXES, *SHEET_SUFFIXES, *GEOFILE_SUFFIXES, ".xml")


def open_file(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> AbstractContextManager[TextTable]:
    """Open a file by its suffix (or as Open311 requests where the profile says so); DataError if there is no reader."""
    suffix = path.suffix.lower()
    if options.records == "open311" and suffix not in (*TEXT_SUFFIXES, *SHEET_SUFFIXES):
        return open_requests(path, options, limits=limits)
    if suffix in GEOFILE_SUFFIXES:
        return open_geofile(path, options, limits=limits)
    if suffix in SHEET_SUFFIXES:
        return open_spreadsheet(path, options, limits=limits)
    if suffix in TEXT_SUFFIXES:
        return open_text(path, options, limits=limits)
    raise DataError(
        f"A file ends in one of {', '.join(SUFFIXES)}",
        f"{path.name} {f'ends in {suffix}' if suffix else 'has no ending'}",
        "unpack it first and name the file inside" if suffix == ".zip" else "save or export it in one of these formats",
    )
