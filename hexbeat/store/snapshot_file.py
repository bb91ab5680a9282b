"""The file of a snapshot: arrays as they lie in memory, which processes map and so share. No database.

It holds a mark, the length and the SHA-256 of a header, the header (JSON: facts, and name, type, length, place and
checksums of each array), and the arrays, each from a page's beginning. A reader maps the file and reads the header
only. The first use of an array compares it with its checksums: a CRC-32 for every mebibyte, which finds every changed
bit and nearly every other damage, as a cut, a hole or a block of another file. A checksum does not help against
somebody who writes files under this account; but they can change the store itself.

The file has mode 0600. One that is a link, has another owner, or may be read by others is not opened. While a reader
has the file it holds a shared lock on it, so that `erase_file` overwrites no bytes that somebody reads.
"""

import hashlib
import json
import mmap
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hexbeat.folders import sync_folder

if sys.platform != "win32":
    import fcntl

__all__ = ["Damage", "SnapshotFile", "erase_file", "open_file", "write_file"]

_MARK: Final = b"HEXBEAT-COLUMNS-1\n"
_PREFIX_BYTES: Final = len(_MARK) + 8 + 32  # the mark, the header's length, its SHA-256
_PAGE: Final = 4096
_BLOCK: Final = 1 << 20  # bytes under one checksum
_MOST_HEADER: Final = 1 << 26  # bytes: room for the checksums of a terabyte
_TYPES: Final = frozenset({"|u1", "|b1", "<i2", "<i4", "<i8", "<u8", "<f4", "<f8"})


class Damage(Exception):  # noqa: N818 - what it is, and no error of a person
    """A file is not what was written, or not to be trusted. Whoever reads it does without."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an array lies, and the checksum of each of its blocks."""

    kind: str
    length: int
    offset: int
    checksums: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.length * np.dtype(self.kind).itemsize


class SnapshotFile:
    """An open snapshot: its facts, and its arrays, which are mapped and not read before they are used."""

    def __init__(self, facts: Mapping[str, Any], places: Mapping[str, _Place], pages: mmap.mmap) -> None:
        self.facts = facts
        self._places, self._pages = places, pages

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str) -> NDArray[Any]:
        """An array, read-only, compared with its checksums; Damage if it differs, or is not there."""
        place = self._places.get(name)
        if place is None:
            raise Damage
        bytes_ = memoryview(self._pages)[place.offset : place.offset + place.size]
        if tuple(_compute_checksums(bytes_)) != place.checksums:
            raise Damage
        return np.frombuffer(bytes_, dtype=place.kind) if place.length else np.zeros(0, dtype=place.kind)


def write_file(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a draft of a snapshot beside `path` and return its path; the caller renames or removes it.

    OSError if it cannot be written; nothing is left then.
    """
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    views = {name: array.view(np.uint8).data if len(array) else memoryview(b"") for name, array in plain.items()}
    checksums = {name: list(_compute_checksums(view)) for name, view in views.items()}
    header_size, offset = -1, 0
    header = b""
    while len(header) != header_size:  # where the arrays begin depends on how long the text is that says so
        header_size = len(header)
        offset = _round_up(_PREFIX_BYTES + header_size)
        places: list[tuple[str, str, int, int, list[int]]] = []
        for name, array in plain.items():
            places.append((name, array.dtype.str, len(array), offset, checksums[name]))
            offset = _round_up(offset + array.nbytes)
        header = json.dumps({"facts": facts, "arrays": places, "size": offset}).encode()
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(_MARK + len(header).to_bytes(8, "little") + hashlib.sha256(header).digest() + header)
            for (_, _, _, begin, _), view in zip(places, views.values(), strict=True):
                file.seek(begin)
                file.write(view)
            file.truncate(offset)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    return draft


def open_file(path: Path) -> SnapshotFile:
    """Map a snapshot and read its header; Damage if there is none, or if it may not be believed."""
    try:
        # Without O_NONBLOCK a named pipe in the place of the file would be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Damage from error
    try:
        _require_own(os.fstat(number))
        if sys.platform != "win32":
            fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)  # the map has a copy of the number, and so the lock
        pages = mmap.mmap(number, 0, access=mmap.ACCESS_READ)
        return SnapshotFile(*_read_header(pages), pages)
    except (OSError, ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise Damage from error
    finally:
        os.close(number)


def erase_file(path: Path) -> None:
    """Overwrite a snapshot with zeros and remove it. One that somebody reads is only removed: it goes with its reader.

    OSError if it cannot be removed.
    """
    with suppress(OSError):
        number = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            if sys.platform != "win32":
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _overwrite(number)
        finally:
            os.close(number)
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def _overwrite(number: int) -> None:
    size, zeros = os.fstat(number).st_size, bytes(_BLOCK)
    for begin in range(0, size, _BLOCK):
        os.pwrite(number, zeros[: min(_BLOCK, size - begin)], begin)
    os.fsync(number)


def _require_own(status: os.stat_result) -> None:
    """Damage unless it is a plain file of this user alone, of one name."""
    is_private = not status.st_mode & 0o077 and status.st_nlink == 1
    if not (stat.S_ISREG(status.st_mode) and is_private and status.st_uid == os.geteuid()):
        raise Damage


def _read_header(pages: mmap.mmap) -> tuple[dict[str, Any], dict[str, _Place]]:
    if pages[: len(_MARK)] != _MARK:
        raise Damage
    length = int.from_bytes(pages[len(_MARK) : len(_MARK) + 8], "little")
    digest, text = pages[_PREFIX_BYTES - 32 : _PREFIX_BYTES], b""
    if length <= _MOST_HEADER:
        text = pages[_PREFIX_BYTES : _PREFIX_BYTES + length]
    if hashlib.sha256(text).digest() != digest:
        raise Damage
    header = json.loads(text)
    if header["size"] != len(pages):
        raise Damage
    places = {name: _Place(kind, count, begin, tuple(sums)) for name, kind, count, begin, sums in header["arrays"]}
    for place in places.values():
        if place.kind not in _TYPES or place.offset < 0 or place.length < 0 or place.offset + place.size > len(pages):
            raise Damage
    return header["facts"], places


def _compute_checksums(content: memoryview) -> Iterator[int]:
    for begin in range(0, len(content), _BLOCK):
        yield zlib.crc32(content[begin : begin + _BLOCK])


def _round_up(place: int) -> int:
    return -(-place // _PAGE) * _PAGE
