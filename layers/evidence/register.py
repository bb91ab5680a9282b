"""The hashes of evidence packs that an installation made, and when: no case, no name, no place."""

import datetime as dt
import re
from pathlib import Path
from typing import Final

from layers.whole_files import atomic_write

__all__ = ["find_recorded_pack", "record_pack"]

_FOLDER: Final = "evidence"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def record_pack(home: Path, digest: str, made: dt.datetime) -> None:
    """Remember that a pack with this SHA-256 was made at the aware moment; the first time counts."""
    folder = home / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if find_recorded_pack(home, digest) is None:
        with atomic_write(folder / digest) as draft:
            draft.write_text(made.astimezone(dt.UTC).isoformat(timespec="seconds"), encoding="ascii")


def find_recorded_pack(home: Path, digest: str) -> dt.datetime | None:
    """When a pack with this SHA-256 was made here; None if it was not."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        return dt.datetime.fromisoformat((home / _FOLDER / digest).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
