"""Reads Open311 GeoReport v2: service requests as JSON or XML, from a file or from a URL that the user names."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from geo.errors import DataError
from geo.lazy_modules import import_lazily
from hexbeat.ingest.readers.limits import LIMITS, Limits, check_file
from hexbeat.ingest.readers.opened_file import (
    CHUNK_ROWS,
    Chunk,
    ReadOptions,
    TextTable,
    build_text_frame,
    check_headings,
)

if TYPE_CHECKING:
    import httpx
else:
    httpx = import_lazily("httpx")

__all__ = ["is_url", "open_download", "open_requests", "strip_url"]

RULE: Final = "Open311 requests have to be a GeoReport v2 list, as JSON or XML"
BLOCK_BYTES: Final = 65_536
MB: Final = 1_000_000


@contextmanager
def open_requests(path: Path, options: ReadOptions, *, limits: Limits = LIMITS) -> Iterator[TextTable]:
    """Open a file of service requests; DataError if it is not such a list. Lines count requests from 1."""
    del options
    check_file(path, most_bytes=limits.document_bytes)
    with path.open("rb") as file:
        start = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    requests = _read_xml(path) if start.startswith(b"<") else _read_json(path)
    if not requests:
        raise DataError(RULE, f"{path.name} has no requests", "ask for a longer period, or for other services")
    names = list(dict.fromkeys(name for request in requests for name in request))
    columns = check_headings(path.name, names, limits)

    def chunks(wanted_columns: tuple[str, ...]) -> Iterator[Chunk]:
        for begin in range(0, len(requests), CHUNK_ROWS):
            part = requests[begin : begin + CHUNK_ROWS]
            frame = build_text_frame(
                [[request.get(name, "") for name in wanted_columns] for request in part], wanted_columns
            )
            lines = np.arange(begin + 1, begin + len(part) + 1, dtype=np.int64)
            yield Chunk(frame, lines, (begin + len(part)) / len(requests))

    yield TextTable(columns, chunks)


def _read_json(path: Path) -> list[dict[str, str]]:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(RULE, f"{path.name} is not valid JSON ({type(error).__name__})", "download it again") from error
    if isinstance(document, dict):  # some services wrap the list
        document = next((value for value in document.values() if isinstance(value, list)), None)
    if not isinstance(document, list) or not all(isinstance(request, dict) for request in document):
        raise DataError(
            RULE, f"{path.name} is JSON, but not a list of requests", "use the address that ends in requests"
        )
    return [{key: _format_value(value) for key, value in request.items()} for request in document]


def _format_value(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _read_xml(path: Path) -> list[dict[str, str]]:
    """Requests of a `<service_requests>` document. Entities and document types are refused: they can be bombs."""
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException as error:
        raise DataError(
            RULE, f"{path.name} declares entities or a document type, which can be an attack", "ask for it as JSON"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(RULE, f"{path.name} is incomplete XML", "download it again") from error
    if root is None or root.tag != "service_requests":
        raise DataError(
            RULE, f"{path.name} is XML, but not a list of requests", "use the address that ends in requests"
        )
    return [{field.tag: field.text or "" for field in request} for request in root.iter("request")]


def is_url(name: object) -> bool:
    """Whether a name that the user gave is an address on the web."""
    return str(name).lower().startswith(("https://", "http://"))


def strip_url(url: str) -> str:
    """The address without its query and user, which may contain keys."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


@contextmanager
def open_download(url: str, *, limits: Limits = LIMITS) -> Iterator[Path]:
    """A temporary file with the contents of the address; DataError if it fails, is too long or takes too long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests"
        try:
            _download(url, path, limits)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DataError(
                f"The server at {strip_url(url)} has to answer",
                f"it did not answer ({type(error).__name__})",
                "try it in a browser, or later",
            ) from error
        yield path


def _download(url: str, path: Path, limits: Limits) -> None:
    until = time.monotonic() + limits.download_s
    received_bytes = 0
    with (
        httpx.Client(timeout=30, follow_redirects=True, max_redirects=3) as client,
        client.stream("GET", url) as answer,
        path.open("wb") as file,
    ):
        answer.raise_for_status()
        for block in answer.iter_bytes(BLOCK_BYTES):
            received_bytes += len(block)
            if received_bytes > limits.document_bytes or time.monotonic() > until:
                raise DataError(
                    f"A download has at most {limits.document_bytes // MB} MB and takes at most "
                    f"{limits.download_s:.0f} s",
                    f"{strip_url(url)} sends more, or takes longer",
                    "ask for a shorter period, or download it first",
                )
            file.write(block)
