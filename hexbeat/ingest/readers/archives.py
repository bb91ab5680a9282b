"""Unpacks ZIP and gzip archives: they are containers, not formats, so their members are read.

Members are written to a temporary folder under numbers, so no name in an archive chooses a place on the disk. Only
members that are chosen are unpacked; their number, their bytes and archives in archives are limited.
"""

import gzip
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final

from geo.errors import DataError
from geo.geofiles import detect_format
from hexbeat.ingest.readers.limits import Limits, check_file

__all__ = ["CONTAINER_SUFFIXES", "Member", "Members", "is_container", "unpack"]

MB: Final = 1_000_000
BLOCK_BYTES: Final = 1 << 20
CONTAINER_SUFFIXES: Final = (".zip", ".kmz", ".gz")
SHAPEFILE_PARTS: Final = (".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".shp.xml")
OFFICE: Final = ("[Content_Types].xml", "mimetype")
MOST_NAMED: Final = 10
SYMLINK: Final = 0o120000
KIND_BITS: Final = 0o170000


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, unpacked: its name for reports ("archive.zip/2024-01/finds.csv"), and where it is."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an archive that are read, and the names of those that are not."""

    members: tuple[Member, ...]
    passed_over: tuple[str, ...] = ()

    def describe_passed_over(self, archive: str) -> str:
        """A sentence without its full stop on the members that are not read; "" if all of them are."""
        if not self.passed_over:
            return ""
        names = ", ".join(self.passed_over[:MOST_NAMED])
        more = len(self.passed_over) - MOST_NAMED
        total = len(self.members) + len(self.passed_over)
        sentence = f"{len(self.members):,} of {total:,} files are read"
        return f"{archive}: {sentence}; passed over: {names}{f' and {more:,} more' if more > 0 else ''}"


@dataclass(slots=True)
class _Unpacking:
    """One archive with all that is in it: the choice of members, and what may still be unpacked."""

    folder: Path
    suffixes: Sequence[str]
    pattern: str | None
    limits: Limits
    bytes_left: int
    most: int
    members: list[Member] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    files: int = 0

    def make_path(self, name: str, folder: Path | None = None) -> Path:
        """A new place for a member: a numbered folder, and only the last part of its name."""
        self.files += 1
        place = folder or self.folder / str(self.files)
        place.mkdir(exist_ok=True)
        last = re.sub(r"[^\w. -]", "_", PurePosixPath(name).name).lstrip(".")[-100:]
        return place / (last or "member")

    def write(self, name: str, stream: IO[bytes] | gzip.GzipFile, path: Path, packed: int) -> None:
        """Unpack a member; DataError if it has more bytes than are left, or far more than it has packed."""
        size = 0
        with path.open("wb") as file:
            while block := stream.read(BLOCK_BYTES):
                size += len(block)
                if size > self.bytes_left:
                    raise _build_bomb_error(name, f"it unpacks to more than {self.limits.expanded_bytes / MB:,.0f} MB")
                if size > 10 * MB and size > self.limits.unpacked_ratio * max(packed, 1):
                    raise _build_bomb_error(
                        name, f"it unpacks to more than {self.limits.unpacked_ratio} times its size"
                    )
                file.write(block)
        self.bytes_left -= size


def is_container(path: Path) -> bool:
    """Whether a file is an archive whose members are read: ZIP or gzip by its contents, and no workbook by its name."""
    return detect_format(path) in {"zip", "gzip"} and path.suffix.lower() in CONTAINER_SUFFIXES


@contextmanager
def unpack(
    path: Path, *, suffixes: Sequence[str], pattern: str | None, limits: Limits, most: int | None = None
) -> Iterator[Members]:
    """The members of an archive, unpacked until the end of the block.

    Members whose last name matches `pattern` (None: whose suffix is one of `suffixes`) are read, the first `most` of
    them (None: all). DataError if none is, if the archive is damaged or has a password, or if it holds more than the
    limits or a name that leads out of it.
    """
    name = path.name
    check_file(path, most_bytes=limits.archive_bytes)
    with tempfile.TemporaryDirectory() as folder:
        most = limits.members if most is None else most
        work = _Unpacking(Path(folder), suffixes, pattern, limits, limits.expanded_bytes, most)
        try:
            _unpack_one(work, path, name, depth=1)
        except (
            zipfile.BadZipFile,
            gzip.BadGzipFile,
            EOFError,
            OSError,
            zlib.error,
            NotImplementedError,
            ValueError,
            RuntimeError,
        ) as error:
            raise DataError(
                f"{name} has to be a complete archive",
                f"it is cut off or damaged ({type(error).__name__})",
                "copy or download it again",
            ) from error
        if not work.members:
            raise _build_empty_error(name, work)
        yield Members(tuple(work.members), tuple(work.passed_over))


def _build_empty_error(name: str, work: _Unpacking) -> DataError:
    names = ", ".join(work.passed_over[:MOST_NAMED]) or "none"
    if work.pattern:
        return DataError(
            "An archive holds a file whose name the source profile expects",
            f"the files of {name} are {names}",
            "choose the source that these files belong to",
        )
    return DataError(
        f"An archive holds a file that ends in one of {', '.join(work.suffixes)}",
        f"the files of {name} are {names}",
        "export the records in one of these formats",
    )


def _unpack_one(work: _Unpacking, path: Path, name: str, *, depth: int) -> None:
    if depth > work.limits.nesting:
        raise DataError(
            f"Archives are in each other at most {work.limits.nesting} deep",
            f"{name} is deeper",
            "unpack it first and name the files inside",
        )
    if detect_format(path) == "gzip":
        _unpack_gzip(work, path, name, depth=depth)
    else:
        with zipfile.ZipFile(path) as archive:
            _unpack_zip(work, archive, name, depth=depth)


def _unpack_gzip(work: _Unpacking, path: Path, name: str, *, depth: int) -> None:
    target = work.make_path(re.sub(r"\.gz$", "", PurePosixPath(name).name, flags=re.IGNORECASE))
    with gzip.open(path) as stream:
        work.write(name, stream, target, path.stat().st_size)
    if detect_format(target) == "tar":
        raise DataError(
            f"{name} has to be one packed file", "it is a tar archive", "unpack it, and pack its files as ZIP"
        )
    _add(work, name, target, depth=depth)


def _add(work: _Unpacking, name: str, path: Path, *, depth: int) -> None:
    """Add an unpacked member, or what is in it if it is an archive itself."""
    if is_container(path):
        _unpack_one(work, path, name, depth=depth + 1)
    else:
        work.members.append(Member(name, path))


def _unpack_zip(work: _Unpacking, archive: zipfile.ZipFile, name: str, *, depth: int) -> None:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_hidden(entry.filename)]
    names = {entry.filename for entry in entries}
    if len(entries) + work.files > work.limits.members:
        raise _build_bomb_error(name, f"it has more than {work.limits.members:,} files")
    if names.issuperset(OFFICE[:1]) or names.issuperset(OFFICE[1:]):
        raise DataError(
            f"{name} has to be an archive of files", "it is a workbook or a document", "give it the ending of its kind"
        )
    chosen = _choose(work, entries)
    parts = [entry for entry in entries if entry.filename.lower().endswith(SHAPEFILE_PARTS)]
    for entry in entries:
        if entry not in chosen and entry not in parts:
            work.passed_over.append(entry.filename if depth == 1 else f"{name}/{entry.filename}")
    for entry in sorted(chosen, key=lambda entry: entry.filename):
        if len(work.members) >= work.most:
            return
        member = f"{name}/{entry.filename}"
        path = _extract(work, archive, entry, member)
        for part in parts:
            if path.suffix.lower() == ".shp" and _stem(part.filename) == _stem(entry.filename):
                _extract(work, archive, part, member, folder=path.parent, stem=path.stem)
        _add(work, member, path, depth=depth)


def _is_hidden(name: str) -> bool:
    last = PurePosixPath(name.replace("\\", "/")).name
    return name.startswith("__MACOSX/") or last.startswith(".")


def _stem(name: str) -> str:
    return re.sub(r"(\.shp)?\.[^./]*$", "", name).lower()


def _choose(work: _Unpacking, entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The members that are read. Plain .txt files, which are often notes, only if nothing else can be read."""
    containers = [entry for entry in entries if entry.filename.lower().endswith(CONTAINER_SUFFIXES)]
    if work.pattern:
        pattern = re.compile(work.pattern, re.IGNORECASE)
        fitting = [entry for entry in entries if pattern.search(PurePosixPath(entry.filename).name)]
        return list(dict.fromkeys((*fitting, *(c for c in containers if c not in fitting))))
    readable = [entry for entry in entries if entry.filename.lower().endswith(tuple(work.suffixes))]
    return [*(r for r in readable if not r.filename.lower().endswith(".txt")), *containers] or readable


def _extract(
    work: _Unpacking,
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    name: str,
    *,
    folder: Path | None = None,
    stem: str = "",
) -> Path:
    """Write a member; DataError if its name leads out of the archive, if it is a link, or if it has a password."""
    place = PurePosixPath(entry.filename.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or re.match(r"[A-Za-z]:", entry.filename):
        raise _build_bomb_error(name.split("/", 1)[0], "it has a file whose name leads out of it")
    if (entry.external_attr >> 16) & KIND_BITS == SYMLINK:
        raise _build_bomb_error(name.split("/", 1)[0], "it has a link in place of a file")
    if entry.flag_bits & 1:
        raise DataError(
            f"{name.split('/', 1)[0]} has to be an archive without a password",
            "its files are encrypted",
            "pack it again without a password",
        )
    path = work.make_path(entry.filename, folder)
    if stem:
        path = path.with_name(stem + re.sub(r"^.*?((\.shp)?\.[^./]*)$", r"\1", path.name).lower())
    with archive.open(entry) as stream:
        work.write(name, stream, path, entry.compress_size)
    return path


def _build_bomb_error(name: str, fact: str) -> DataError:
    return DataError(f"{name} has to be an ordinary archive", fact, "unpack it, and load the files that you need")
