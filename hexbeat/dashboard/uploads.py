"""Uploaded files on disk: only in the installation's home, only for its user, and only while they are read."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from geo.errors import DataError

__all__ = ["COMPANIONS", "MOST_READ_HERE", "UploadedFile", "clean_name", "select_main_files", "write_uploads"]

FOLDER: Final = "uploads"
MOST_READ_HERE: Final = 20_000_000  # bytes of files that the server reads in its own process, together
MOST_LETTERS: Final = 120  # of a name; file systems allow 255 bytes
STALE_S: Final = 6 * 3600  # a folder this old was left by a process that was killed
# Parts of a Shapefile beside the .shp, which is the one that is read.
COMPANIONS: Final = frozenset({".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".fix"})


class UploadedFile(Protocol):
    """A file as Streamlit passes it."""

    name: str

    def getbuffer(self) -> memoryview:
        """The bytes of the file."""


def clean_name(name: str) -> str:
    """The last part of a name, without characters that mean something in a path, a terminal or a page.

    Letters, digits, blanks and . _ - ( ) stay, because profiles read months and forces from file names.
    """
    base_name = re.split(r"[/\\]", name)[-1]
    file_name = re.sub(r"[^\w .()-]", "_", base_name).strip(" .") or "file"
    stem, dot, ending = file_name.rpartition(".")
    return f"{stem[: MOST_LETTERS - len(ending)]}{dot}{ending}"[-MOST_LETTERS:] if dot else file_name[:MOST_LETTERS]


@contextmanager
def write_uploads(files: Sequence[UploadedFile], home: Path, *, most_bytes: int | None = None) -> Iterator[list[Path]]:
    """The files as paths in a folder of their own (0700, files 0600), which is removed when the block ends.

    A number distinguishes files with the same name. Folders that a killed process left are removed too. DataError, and
    nothing is written, if the files have more than `most_bytes` together (None: the server's own limit alone).
    """
    size = sum(file.getbuffer().nbytes for file in files)
    if most_bytes is not None and size > most_bytes:
        raise DataError(
            f"Files for this page have at most {most_bytes / 1_000_000:,.0f} MB together",
            f"yours have {size / 1_000_000:,.1f} MB",
            "split them, or use the command line",
        )
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
    """Remove the folders that ended processes left."""
    for folder in root.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def select_main_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read: the other parts of a Shapefile are left out if its .shp is present."""
    shapes = {path.stem.lower() for path in paths if path.suffix.lower() == ".shp"}
    return [path for path in paths if path.suffix.lower() not in COMPANIONS or path.stem.lower() not in shapes]
