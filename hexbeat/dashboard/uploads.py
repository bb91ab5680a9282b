"""Uploaded files on disk: only inside the installation's home, only for its user, and only as long as they are read."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

__all__ = ["COMPANIONS", "UploadedFile", "clean_name", "select_main_files", "write_uploads"]

FOLDER: Final = "uploads"
LONGEST: Final = 120  # characters of a name; file systems stop at 255 bytes
STALE_S: Final = 6 * 3600  # a folder this old was left by a process that was killed
# Parts of a Shapefile that stand beside the one that is read.
COMPANIONS: Final = frozenset({".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".fix"})


class UploadedFile(Protocol):
    """What Streamlit hands over for a file."""

    name: str

    def getbuffer(self) -> memoryview:
        """The bytes of the file."""


def clean_name(name: str) -> str:
    """The last part of a name with nothing in it that a path, a terminal or a page could take for something else.

    Letters, digits, blanks and . _ - ( ) stay, because profiles read months and forces from file names.
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^\w .()-]", "_", last).strip(" .") or "file"
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[: LONGEST - len(ending)]}{dot}{ending}"[-LONGEST:] if dot else plain[:LONGEST]


@contextmanager
def write_uploads(files: Sequence[UploadedFile], home: Path) -> Iterator[list[Path]]:
    """The files as paths in a folder of their own (0700, files 0600), which is gone when the block ends.

    Two files of one name are told apart by a number. Folders that a killed process left are removed too.
    """
    root = home / FOLDER
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_stale_uploads(root)
    folder = Path(tempfile.mkdtemp(dir=root))  # made 0700
    try:
        yield [write_upload(file, folder) for file in files]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_upload(file: UploadedFile, folder: Path) -> Path:
    """Write one file and return its path."""
    path = folder / clean_name(file.name)
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{number}-{clean_name(file.name)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(file.getbuffer())
    return path


def remove_stale_uploads(root: Path) -> None:
    """Remove what processes left that are gone."""
    for left in root.iterdir():
        if left.is_dir() and time.time() - left.stat().st_mtime > STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def select_main_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read: parts of a Shapefile are left out where the Shapefile itself is there."""
    shapes = {path.stem.lower() for path in paths if path.suffix.lower() == ".shp"}
    return [path for path in paths if path.suffix.lower() not in COMPANIONS or path.stem.lower() not in shapes]
