"""What lies in a home: the file of the store, and the files that belong into a store or count beside it.

Apart from the modules that read the store, because a command looks here before it loads them.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import StoreError
from hexbeat.store.document_kinds import MARK_FILE, SETTING_FILES, DocumentKind, require_reader
from layers.access import Viewer

__all__ = [
    "FILE_NAME",
    "PATHS",
    "HomeFile",
    "HomeProfiles",
    "ProfileFile",
    "find_home_files",
    "has_shared_files",
    "has_store",
    "is_followed",
]

FILE_NAME: Final = "hexbeat.sqlite"
# The path of each kind's files in a home; its group is the name of the document.
PATHS: Final[Mapping[DocumentKind, re.Pattern[str]]] = {
    DocumentKind.PLAN: re.compile(r"plans/([^/.][^/]*)\.json"),
    DocumentKind.SELECTION: re.compile(r"winners/([^/.][^/]*)\.json"),
    DocumentKind.EVIDENCE: re.compile(r"evidence/([0-9a-f]{64})"),
    DocumentKind.RELEASE: re.compile(r"published/([^/.][^/]*/\d+/(?:note\.json|release/[^/]+))"),
    DocumentKind.SETTING: re.compile(f"({'|'.join(map(re.escape, SETTING_FILES))})"),
    DocumentKind.SOURCE: re.compile(r"sources/([^/.][^/]*)\.toml"),
    DocumentKind.AREA: re.compile(r"boundaries/([^/.][^/]*/[^/.][^/]*)"),
}
_DEPTHS: Final[Mapping[DocumentKind, int]] = {DocumentKind.RELEASE: 4, DocumentKind.AREA: 2}  # floors of folders


@dataclass(frozen=True, slots=True)
class HomeFile:
    """A file of a home that can be a shared document."""

    kind: DocumentKind
    name: str
    path: Path

    @property
    def group(self) -> str:
        """What is taken over together or not at all: an area, or an area's register; else the file alone."""
        parts = self.kind in (DocumentKind.AREA, DocumentKind.RELEASE)
        return self.name.split("/")[0] if parts else self.name


def has_store(home: Path, database_url: str | None) -> bool:
    """Whether there is a store to open: a file of SQLite in the home, or an address of PostgreSQL.

    StoreError if nobody can look into the home.
    """
    if database_url is not None:
        return True
    try:
        return (home / FILE_NAME).exists()
    except OSError as error:
        raise StoreError(
            "The home folder has to be one that Hexbeat can look into",
            f"{home} cannot be read ({error.strerror or type(error).__name__})",
            "set HEXBEAT_HOME to another folder, or ask the owner of this one",
        ) from error


def is_followed(home: Path) -> bool:
    """Whether the profiles that lie in a home are those that count: its SQLite store knows no others."""
    if (home / MARK_FILE).exists():
        return True
    address = f"{(home / FILE_NAME).absolute().as_uri()}?mode=ro"
    query = "SELECT count(*) FROM shared_documents WHERE kind = ? AND superseded_at IS NULL"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return bool(connection.execute(query, (str(DocumentKind.SOURCE),)).fetchone() == (0,))
    except sqlite3.Error:  # an older store, or none: who opens it says more
        return False


def has_shared_files(home: Path) -> bool:
    """Whether a home has files that belong into a store, or count beside it."""
    return any(find_home_files(home, kind) for kind in PATHS)


def find_home_files(home: Path, kind: DocumentKind) -> list[HomeFile]:
    """The files of a kind in a home, sorted by their path."""
    pattern = PATHS[kind]
    top = home if kind == DocumentKind.SETTING else home / pattern.pattern.split("/")[0]
    paths = (path.relative_to(home).as_posix() for path in _walk(top, _DEPTHS.get(kind, 1)))
    matches = [(path, match) for path in sorted(paths) if (match := pattern.fullmatch(path))]
    return [HomeFile(kind, match.group(1), home / path) for path, match in matches]


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """The files in a folder and the folders in it, `depth` floors; none where it cannot be read."""
    try:
        paths = list(folder.iterdir())
    except OSError:
        return
    for path in paths:
        if path.is_file():
            yield path
        elif depth > 1 and path.is_dir():
            yield from _walk(path, depth - 1)


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A source profile as it lies in a home: its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class HomeProfiles:
    """The source profiles of a home, read from its files without opening its store. With SQLite these files count.

    The viewer is asked as in `hexbeat.store.shared_documents`. OSError if the folder or a file may not be read.
    """

    home: Path
    viewer: Viewer

    def list_names(self, kind: DocumentKind) -> list[str]:
        """The names of the profiles, sorted."""
        require_reader(self.viewer, kind)
        return [file.name for file in find_home_files(self.home, kind)] if self._has_folder() else []

    def read(self, kind: DocumentKind, name: str) -> ProfileFile | None:
        """The profile of that name; None if there is none."""
        require_reader(self.viewer, kind)
        paths = (file.path for file in find_home_files(self.home, kind) if file.name == name)
        return next((ProfileFile(name, path.read_bytes()) for path in paths), None)

    def _has_folder(self) -> bool:
        """Whether there is a folder of profiles; OSError if there is one that may not be read."""
        try:
            next((self.home / "sources").iterdir(), None)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True
