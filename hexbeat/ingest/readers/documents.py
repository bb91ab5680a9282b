"""Reads JSON and XML documents: Open311 requests, JSON records, Socrata, KML placemarks and GPX waypoints.

The document is parsed in a process with limited memory and time, because a document of a megabyte can take a hundred.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely

from geo.errors import DataError
from geo.geofiles import describe_format
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file
from hexbeat.ingest.readers.opened_file import (
    Chunk,
    ReadOptions,
    TextTable,
    UnreadableRow,
    build_text_frame,
    check_headings,
)
from hexbeat.ingest.readers.shapes import build_points
from hexbeat.ingest.readers.worker_process import Worker, WorkerError, start_worker
from layers.wording import format_list

__all__ = ["DOCUMENT_KINDS", "open_document"]

WORKER: Final = Path(__file__).with_name("document_worker.py")
DOCUMENT_KINDS: Final = ("requests", "records", "socrata", "kml", "gpx")
DEGREES: Final = "OGC:CRS84"
MOST_NAMED: Final = 6
MOST_CHARACTERS: Final = 40  # of the name of a list
_NO_OBJECT: Final = "it is no complete JSON object"
_ODD_CELLS: Final = "it does not have a cell for each column"
RULES: Final = {
    "requests": "Open311 requests have to be a GeoReport v2 list, as JSON or XML",
    "records": "JSON records are a list of objects",
    "socrata": "Socrata JSON has a list of columns and a list of rows",
    "kml": "KML has placemarks with points",
    "gpx": "GPX has a waypoint for each find",
}
FACTS: Final = {
    "errors": ("is a message of the server that something went wrong", "open the address in a browser to read it"),
    "services": ("is the list of services, not of requests", "use the address that ends in requests"),
    "tracks": ("has a track or a route, and no waypoints", "mark each find as a waypoint, and export them"),
}


@contextmanager
def open_document(path: Path, options: ReadOptions, *, kind: str, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open a document as one of DOCUMENT_KINDS; DataError if it is none. Lines count its rows from 1."""
    size = check_file(path, most_bytes=limits.document_bytes)
    request = {"path": str(path.resolve()), "kind": kind, "columns": limits.columns}
    with start_worker(WORKER, request, limits=limits, size=size) as worker:
        try:
            header = worker.read_header()
        except WorkerError as error:
            raise _build_worker_error(path, kind, error) from error
        columns = check_headings(path.name, header["columns"], limits)

        def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
            worker.ask([columns.index(column) for column in wanted_columns])
            try:
                problem = _ODD_CELLS if kind == "socrata" else _NO_OBJECT
                yield from _read_rows(worker, header, wanted_columns, rule=options.shapes, problem=problem)
            except WorkerError as error:
                raise _build_worker_error(path, kind, error) from error

        yield TextTable(columns, chunks, DEGREES if header["shapes"] else None, _describe_unread(path.name, header))


def _describe_unread(name: str, header: dict[str, Any]) -> list[str]:
    """A sentence on the lists of a document that were not read; none if there are none."""
    names = [text[:MOST_CHARACTERS] or "(no name)" for text in header["unread"]]
    if not names:
        return []
    lists = f"{'lists' if len(names) > 1 else 'list'} {format_list(names, most=MOST_NAMED)}"
    were, they_have = ("were", "they have") if len(names) > 1 else ("was", "it has")
    return [f"{name}: the {lists} {were} not read, as {they_have} other fields than the longest list"]


def _read_rows(
    worker: Worker, header: dict[str, Any], wanted_columns: tuple[str, ...], *, rule: str, problem: str
) -> Iterator[Chunk]:
    """The rows in chunks. What is no record is not among them, so that no selection of a profile can pass it over."""
    rows_read = 0
    for line in worker.answers:
        part = json.loads(line)
        is_row = ~np.array(part["unreadable"], dtype=np.bool_)
        points, odd = None, None
        if part["shapes"] is not None:
            texts = [text for text, readable in zip(part["shapes"], is_row, strict=True) if readable]
            with np.errstate(all="ignore"):  # coordinates beyond all numbers are infinite, and rejected as such
                shapes = shapely.from_wkt(texts, on_invalid="ignore")
            points, odd = build_points(shapes, np.array([text is not None for text in texts], dtype=np.bool_), rule)
        lines = np.arange(rows_read + 1, rows_read + len(is_row) + 1, dtype=np.int64)
        rows_read += len(is_row)
        rows = [row for row, readable in zip(part["rows"], is_row, strict=True) if readable]
        unreadable = tuple(UnreadableRow(number, problem) for number in lines[~is_row].tolist())
        frame = build_text_frame(rows, wanted_columns)
        yield Chunk(frame, lines[is_row], rows_read / header["total"], points, odd, unreadable)
    worker.require_success()


def _build_worker_error(path: Path, kind: str, error: WorkerError) -> DataError:
    """What the worker reports, as an error; if it ended without a report, memory or time ran out."""
    rule, is_xml = RULES[kind], _is_xml(path)
    if error.word == "entities":
        return DataError(
            rule, f"{path.name} declares entities or a document type, which can be an attack", "ask for it as JSON"
        )
    if error.word == "empty":
        things = {"requests": "requests", "kml": "placemarks", "gpx": "waypoints"}.get(kind, "rows")
        hint = "ask for a longer period, or for other services" if kind == "requests" else "export it again"
        return DataError(rule, f"{path.name} has no {things}", hint)
    if error.word == "damaged":
        fact = "incomplete XML" if is_xml else f"not valid JSON ({error.names[0] if error.names else 'damaged'})"
        return DataError(rule, f"{path.name} is {fact}", "download it again")
    if error.word in FACTS:
        fact, hint = FACTS[error.word]
        return DataError(rule, f"{path.name} {fact}", hint)
    if error.word == "other":
        name = describe_format("xml" if is_xml else "json")
        things = "requests" if kind == "requests" else "rows"
        hint = "use the address that ends in requests" if kind == "requests" else "export it as CSV"
        return DataError(rule, f"{path.name} is {name}, but not a list of {things}", hint)
    return DataError(
        rule, f"{path.name} takes more memory or time to read than a document may", "split it, by month for instance"
    )


def _is_xml(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
