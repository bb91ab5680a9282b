"""Limits for files from anywhere, so that none can use up the machine's time or memory."""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import DataError
from geo.geofiles import describe_format, detect_format

__all__ = ["LIMITS", "Limits", "check_file", "check_package", "detect_kind", "require_start"]

MB: Final = 1_000_000
BLOCK_BYTES: Final = 1 << 20
STARTS: Final = (
    (b"PK\x03\x04", "a zip package, as XLSX and ODS are"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Office file"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3\x00", "a SQLite database, as GeoPackage is"),
    (b"PAR1", "a Parquet file"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"#!/", "a script"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest files that are read. Bytes are those of the file, unpacked bytes those of all parts of a package."""

    text_bytes: int = 1_000 * MB
    package_bytes: int = 100 * MB
    unpacked_bytes: int = 600 * MB
    unpacked_ratio: int = 200  # checked above 10 MB unpacked, because short sheets of equal cells compress very well
    package_parts: int = 5_000
    geofile_bytes: int = 500 * MB
    document_bytes: int = 100 * MB  # JSON and XML, which are read as a whole
    archive_bytes: int = 2_000 * MB  # a ZIP or gzip archive as it is
    expanded_bytes: int = 3_000 * MB  # all of its members that are read
    members: int = 20_000  # an archive of police.uk has some five thousand
    nesting: int = 2  # archives in archives
    rows: int = 20_000_000
    columns: int = 2_000
    line_characters: int = 1 * MB
    record_characters: int = 1 * MB  # a record of several lines
    worker_bytes: int = 3_000 * MB  # memory of the process that opens a workbook
    worker_s: int = 300  # its CPU time
    geofile_s: int = 60  # CPU time of the process that opens shapes or a document, and a second more a MB
    download_s: float = 600.0  # all pages of an address
    download_pages: int = 500


LIMITS: Final = Limits()


def check_file(path: Path, *, most_bytes: int) -> int:
    """The file's size in bytes; DataError if it is not a readable, ordinary file, or is empty or too large."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise _build_file_error(path, "there is no file of that name", "check the name and the folder") from error
    except OSError as error:
        raise _build_file_error(
            path, f"it cannot be found ({type(error).__name__})", "check that you may read its folder"
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise _build_file_error(path, "it is a folder", "choose the files in it")
    if not stat.S_ISREG(status.st_mode):
        raise _build_file_error(path, "it is a device or a pipe", "copy the data to a file first")
    if status.st_size == 0:
        raise _build_file_error(path, "it is empty", "export it again")
    if status.st_size > most_bytes:
        raise DataError(
            f"A file of this kind has at most {most_bytes / MB:,.0f} MB",
            f"{path.name} has {status.st_size / MB:,.0f} MB",
            "split it, by month for instance",
        )
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise _build_file_error(
            path, f"it cannot be opened ({type(error).__name__})", "check that you may read it"
        ) from error
    return status.st_size


def _build_file_error(path: Path, fact: str, hint: str) -> DataError:
    return DataError(f"{path.name} has to be a file with data", fact, hint)


def detect_kind(start: bytes) -> str | None:
    """The kind of a file, from its first bytes; None if it may be text."""
    return next((kind for magic, kind in STARTS if start.startswith(magic)), None)


def require_start(path: Path, magic: bytes, *, kind: str) -> None:
    """DataError unless the first bytes fit the kind; a wrong ending must not choose the program that opens it."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(magic) or start.startswith(magic):
        return
    detected_kind = detect_kind(start) or _describe_text(path, start)
    raise DataError(
        f"{path.name} has to be {kind}, as its name says",
        f"it is {detected_kind}" if detected_kind else "its first bytes do not fit",
        "export it again, or correct the ending of its name",
    )


def _describe_text(path: Path, start: bytes) -> str | None:
    """What a file is that may be text; None if it is not."""
    kind = detect_format(path)
    if kind is not None:
        return describe_format(kind)
    return "text" if start.isascii() and b"\x00" not in start and b"\n" in start else None


def check_package(path: Path, *, limits: Limits = LIMITS) -> None:
    """DataError if a zip package (XLSX, ODS) is protected, broken, or unpacks to more than the limits.

    The declared sizes are checked first. Then every part is unpacked in blocks and discarded, because declared sizes
    can be false.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if detect_kind(start) == "an old or password-protected Office file":
        raise DataError(
            f"{path.name} has to be a workbook that opens without a password",
            "it has a password, or is in the format of Excel before 2007",
            "open it and save it as XLSX without a password, or as CSV",
        )
    require_start(path, b"PK", kind="a workbook (XLSX or ODS)")
    try:
        with zipfile.ZipFile(path) as package:
            _check_parts(path, package, limits)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{path.name} has to be a complete workbook",
            f"it is cut off or damaged ({type(error).__name__})",
            "copy or export it again",
        ) from error


def _check_parts(path: Path, package: zipfile.ZipFile, limits: Limits) -> None:
    parts = package.infolist()
    packed = max(path.stat().st_size, 1)
    if len(parts) > limits.package_parts:
        raise _build_bomb_error(path, f"it has {len(parts):,} parts, more than {limits.package_parts:,}")
    if any(part.flag_bits & 1 for part in parts):
        raise DataError(
            f"{path.name} has to be a workbook that opens without a password",
            "its parts are encrypted",
            "save it without a password, or as CSV",
        )
    _check_size(path, sum(part.file_size for part in parts), packed, limits)
    unpacked = 0
    for part in parts:
        with package.open(part) as stream:
            while block := stream.read(BLOCK_BYTES):
                unpacked += len(block)
                _check_size(path, unpacked, packed, limits)


def _check_size(path: Path, unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.unpacked_bytes:
        raise _build_bomb_error(path, f"it unpacks to more than {limits.unpacked_bytes / MB:,.0f} MB")
    if unpacked > 10 * MB and unpacked > limits.unpacked_ratio * packed:
        raise _build_bomb_error(path, f"it unpacks to more than {limits.unpacked_ratio} times its size")


def _build_bomb_error(path: Path, fact: str) -> DataError:
    return DataError(
        f"{path.name} has to be a workbook of ordinary size",
        fact,
        "save the sheet with the records as CSV, and load that file",
    )
