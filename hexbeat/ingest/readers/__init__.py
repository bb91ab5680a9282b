"""Readers, one for each kind of file. All give texts in chunks, with the line at which each row begins."""

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from geo.errors import DataError, HexbeatError
from geo.geofiles import describe_format, detect_format
from hexbeat.ingest.readers.archives import CONTAINER_SUFFIXES, Member, Members, is_container, unpack
from hexbeat.ingest.readers.documents import DOCUMENT_KINDS, open_document
from hexbeat.ingest.readers.geofile import open_geofile
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file, require_start
from hexbeat.ingest.readers.open311 import is_url, open_download, strip_url
from hexbeat.ingest.readers.opened_file import Chunk, ReadOptions, TextTable, UnreadableRow
from hexbeat.ingest.readers.spreadsheet import open_spreadsheet
from hexbeat.ingest.readers.text import open_text

__all__ = [
    "LIMITS",
    "SHEET_SUFFIXES",
    "SUFFIXES",
    "TEXT_SUFFIXES",
    "Chunk",
    "Limits",
    "Member",
    "Members",
    "ReadOptions",
    "TextTable",
    "UnreadableRow",
    "detect_records",
    "is_url",
    "open_download",
    "open_file",
    "open_members",
    "strip_url",
]

TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
SHEET_SUFFIXES: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
# For these the contents decide; the suffix only says what was meant if the contents are nothing that is known.
CONTENT_SUFFIXES: Final = {
    ".geojson": (b"{", "GeoJSON"),
    ".json": (b"{", "JSON"),
    ".topojson": (b"{", "TopoJSON"),
    ".geojsonl": (b"{", "GeoJSON lines"),
    ".ndjson": (b"{", "JSON lines"),
    ".jsonl": (b"{", "JSON lines"),
    ".gpkg": (b"SQLite format 3\x00", "a GeoPackage"),
    ".shp": (b"\x00\x00\x27\x0a", "a shapefile"),
    ".fgb": (b"fgb\x03fgb", "FlatGeobuf"),
    ".parquet": (b"PAR1", "Parquet"),
    ".geoparquet": (b"PAR1", "GeoParquet"),
    ".kml": (b"<", "KML"),
    ".gpx": (b"<", "GPX"),
    ".xml": (b"<", "XML"),
}
SUFFIXES: Final = (*TEXT_SUFFIXES, *SHEET_SUFFIXES, *CONTENT_SUFFIXES)
GEOFILE_KINDS: Final = (
    "geojson", "geojsonseq", "topojson", "esrijson", "gpkg", "shapefile", "flatgeobuf", "parquet", "json",
)  # fmt: skip
REQUEST_KINDS: Final = ("requests", "records", "errors", "json", "xml", None)  # what open311 looks for requests in
# Formats that are not read, each with the way to one that is.
CONVERSIONS: Final = {
    "gml": "open it in QGIS and export the layer as GeoPackage",
    "osm": "open it in QGIS and export the points as GeoPackage",
    "vrt": "export the layer itself as GeoPackage",
    "html": "download the file itself: a page that asks to sign in was saved, perhaps",
    "errors": "open the address in a browser to read the message",
    "xml": "export it as CSV, or as GeoPackage",
    "tar": "unpack it, and pack its files as ZIP",
    "zip": "give it the ending .zip, or that of the workbook that it is",
    "gzip": "give it the ending .gz",
}
# How XML, web pages and JSON begin. A heading may begin with a bracket too, as in [id],[when]: that is none of them.
DOCUMENT_START: Final = re.compile(rb"<(?:[?!]|[A-Za-z][\w:.-]*[\s>/])|\{\s*[\"}]|\[\s*[{\[]")
# What readers and the libraries below them raise for files that are not as they should be.
FAULTS: Final = (
    OSError, EOFError, ValueError, LookupError, ArithmeticError, RecursionError, MemoryError, csv.Error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@contextmanager
def open_file(
    path: Path, options: ReadOptions, *, limits: Limits = LIMITS, name: str | None = None
) -> Iterator[TextTable]:
    """Open a file by its contents and suffix, or as Open311 requests where the profile says so.

    An archive is opened if one member of it can be read. `name` is that of an archive's member in messages. DataError
    if there is no reader, or if the file cannot be read, whatever the reader raises.
    """
    with ExitStack() as stack:
        with _translate_errors(path, name):
            opened = stack.enter_context(_open_kind(path, options, limits, stack))
        yield replace(opened, chunks=_guard(opened.chunks, path, name))


def _guard(
    chunks: Callable[[tuple[str, ...]], Iterator[Chunk]], path: Path, name: str | None
) -> Callable[[tuple[str, ...]], Iterator[Chunk]]:
    """The chunks of a reader, whose errors are translated, and those of the caller are not."""

    def read(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
        rows = chunks(wanted_columns)
        while True:
            with _translate_errors(path, name):
                chunk = next(rows, None)
            if chunk is None:
                return
            yield chunk

    return read


@contextmanager
def _translate_errors(path: Path, name: str | None) -> Iterator[None]:
    """Every error of a reader as one of Hexbeat's, without contents of the file. Never around a caller's own code."""
    try:
        yield
    except DataError as error:
        if name is None or name == path.name:
            raise
        parts = [part.replace(path.name, name) for part in (error.rule, error.fact, error.hint)]
        raise DataError(*parts) from error
    except HexbeatError:
        raise
    except FAULTS as error:
        raise DataError(
            f"{name or path.name} has to be a file that Hexbeat can read",
            f"it is damaged, or too large to read ({type(error).__name__})",
            "export it again, as CSV if you can",
        ) from error


def _open_kind(path: Path, options: ReadOptions, limits: Limits, stack: ExitStack) -> AbstractContextManager[TextTable]:
    suffix = path.suffix.lower()
    if suffix in SHEET_SUFFIXES:
        return open_spreadsheet(path, options, limits=limits)
    if suffix in TEXT_SUFFIXES:
        _require_columns(path, limits)
        return open_text(path, options, limits=limits)
    if suffix not in CONTENT_SUFFIXES and suffix not in CONTAINER_SUFFIXES and suffix:
        raise _build_suffix_error(path, suffix)
    check_file(path, most_bytes=limits.archive_bytes)
    if is_container(path):
        members = stack.enter_context(open_members(path, limits=limits)).members
        if len(members) != 1:
            raise DataError(
                f"{path.name} has to hold one file of records",
                f"it holds {', '.join(member.name for member in members[:8])}{' …' if len(members) > 8 else ''}",  # noqa: PLR2004
                "unpack it and name one of them",
            )
        return open_file(members[0].path, options, limits=limits, name=members[0].name)
    return _open_content(path, options, detect_format(path), limits)


def _require_columns(path: Path, limits: Limits) -> None:
    """DataError if a file that is named as a table of text is a web page, XML or JSON."""
    check_file(path, most_bytes=limits.text_bytes)
    with path.open("rb") as file:
        start = file.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = detect_format(path) if DOCUMENT_START.match(start) else None
    if kind is not None:
        raise DataError(
            f"{path.name} has to be a table of text, as its name says",
            f"it is {describe_format(kind)}",
            CONVERSIONS.get(kind, "export it as CSV, or correct the ending of its name"),
        )


def _open_content(
    path: Path, options: ReadOptions, kind: str | None, limits: Limits
) -> AbstractContextManager[TextTable]:
    """Open a file as its contents say."""
    if options.records == "open311" and kind in REQUEST_KINDS:
        return open_document(path, options, kind="requests", limits=limits)
    if options.records == "features" and kind in {"requests", "records", "socrata"}:
        raise DataError(
            f"{path.name} has to hold shapes",
            f"it is {describe_format(kind or '')}, with its places in columns",
            "choose a source that reads tables",
        )
    if kind in GEOFILE_KINDS:
        return open_geofile(path, options, kind=str(kind), limits=limits)
    if kind in DOCUMENT_KINDS:
        return open_document(path, options, kind=str(kind), limits=limits)
    suffix = path.suffix.lower()
    if kind is None:
        if not suffix:
            raise _build_suffix_error(path, suffix)
        magic, title = CONTENT_SUFFIXES.get(suffix, (b"PK\x03\x04", "an archive"))
        require_start(path, magic, kind=title)
    raise DataError(
        f"{path.name} has to hold records in a format that Hexbeat reads",
        f"it is {describe_format(kind or 'xml')}",
        CONVERSIONS.get(kind or "", "unpack it, and load the files in it"),
    )


def _build_suffix_error(path: Path, suffix: str) -> DataError:
    return DataError(
        f"A file ends in one of {', '.join((*SUFFIXES, *CONTAINER_SUFFIXES))}",
        f"{path.name} {f'ends in {suffix}' if suffix else 'has no ending'}",
        "save or export it in one of these formats",
    )


@contextmanager
def open_members(
    path: Path, *, file_name: str | None = None, limits: Limits = LIMITS, most: int | None = None
) -> Iterator[Members]:
    """The files that are read of a file: its members if it is an archive, else itself.

    `file_name` is the pattern of a source profile that chooses members by their names (None: all that can be read).
    `most` is how many are unpacked at most, for a look (None: all). DataError if it is not a file, or an
    archive of which nothing can be read.
    """
    check_file(path, most_bytes=limits.archive_bytes)
    if not is_container(path):
        yield Members((Member(path.name, path),))
        return
    with unpack(path, suffixes=SUFFIXES, pattern=file_name, limits=limits, most=most) as members:
        yield members


def detect_records(path: Path) -> str:
    """What a file holds, as a source profile says it: rows, features, or open311."""
    kind = detect_format(path)
    if kind in {"requests", "errors", "xml"}:
        return "open311"
    if kind == "parquet":
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 1_000_000, 0))
            return "features" if b'"primary_column"' in file.read() else "rows"
    return "features" if kind in {*GEOFILE_KINDS, "kml", "gpx"} else "rows"
