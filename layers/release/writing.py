"""Folders of releases on the disk: kept even if the power goes the moment after."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["atomic_replace", "sync_folder", "write_folder"]


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files (name to content) into a folder, made if it is not there, and have them on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def atomic_replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder of these files in the place of another, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    draft, old = (folder.with_name(f".{folder.name}-{ending}-{mark}") for ending in ("new", "old"))
    try:
        write_folder(draft, files)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can say so."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # a system whose folders cannot be opened
    try:
        os.fsync(number)
    finally:
        os.close(number)
